//! Sends lines in parts, so that some are under way at every moment that a test chooses.

use std::io::Write;
use std::process::{Child, Output};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use super::start_tool;

/// A sender that runs, and the parts that it is given.
pub(crate) struct Feed {
    child: Child,
    more: Sender<()>,
    writer: JoinHandle<()>,
}

impl Feed {
    /// Starts `millrace send` to this door; it has nothing to send yet.
    pub(crate) fn start(url: &str, lines: Vec<u8>, parts: usize) -> Self {
        let mut child = start_tool(&["send", "--url", url, "--lines-per-request", "200"]);
        let mut stdin = child.stdin.take().expect("a pipe");
        let (more, asked) = channel();
        // A thread of its own: the sender takes nothing while the door is away.
        let writer = std::thread::spawn(move || {
            let part_bytes = lines.len() / parts;
            let mut rest = &*lines;
            for () in &asked {
                let wanted = part_bytes.min(rest.len());
                let line_end = rest[wanted..].iter().position(|byte| *byte == b'\n');
                let end = line_end.map_or(rest.len(), |at| wanted + at + 1);
                stdin.write_all(&rest[..end]).expect("it reads on");
                rest = &rest[end..];
            }
            stdin.write_all(rest).expect("it reads to the end");
        });
        Self { child, more, writer }
    }

    /// Sends the next part.
    pub(crate) fn next(&self) {
        self.more.send(()).expect("the writer goes on");
    }

    /// Sends what is left and waits for the end.
    pub(crate) fn finish(self) -> Output {
        drop(self.more);
        let output = self.child.wait_with_output().expect("the sender ends");
        self.writer.join().expect("the writer ends");
        output
    }
}
