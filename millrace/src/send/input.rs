//! The input on its way into requests: read as it comes, cut at line ends.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Options;
use super::shipment::Shipment;

/// Longest line of the input, in bytes. Doors take far shorter ones; this keeps memory bounded.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Reads the input to its end, or until nobody wants more. Blocks while the input has nothing.
pub(super) fn read(mut input: impl BufRead, chunks: &mpsc::Sender<io::Result<Vec<u8>>>) {
    loop {
        let chunk = input.fill_buf().map(<[u8]>::to_vec);
        let bytes = chunk.as_ref().map_or(0, Vec::len);
        match chunk {
            Ok(chunk) if chunk.is_empty() => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            chunk => {
                let failed = chunk.is_err();
                if chunks.blocking_send(chunk).is_err() || failed {
                    return;
                }
            }
        }
        input.consume(bytes);
    }
}

/// Cuts lines into requests. The cuts depend on the lines alone, unless time cuts too.
pub(super) struct Cutter {
    options: Options,
    /// Whole lines, then perhaps the beginning of one.
    body: Vec<u8>,
    /// Where the last whole line ends.
    whole_bytes: usize,
    lines: usize,
    first_line: u64,
    number: u64,
    /// When the first of the lines came.
    since: Option<Instant>,
}

impl Cutter {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            body: Vec::new(),
            whole_bytes: 0,
            lines: 0,
            first_line: 1,
            number: 0,
            since: None,
        }
    }

    /// Adds input, and gives the requests that are full.
    pub(super) fn push(&mut self, chunk: &[u8], full: &mut VecDeque<Shipment>) -> io::Result<()> {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.body.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line(full);
            } else if self.body.len() - self.whole_bytes > LINE_BYTES_MAX {
                let number = self.first_line + self.lines as u64;
                let text = format!("line {number} is longer than {} MiB", LINE_BYTES_MAX >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        Ok(())
    }

    fn end_line(&mut self, full: &mut VecDeque<Shipment>) {
        if self.lines > 0 && self.body.len() > self.options.request_bytes_max {
            full.extend(self.cut());
        }
        self.lines += 1;
        self.whole_bytes = self.body.len();
        self.since.get_or_insert_with(Instant::now);
        if self.lines >= self.options.request_lines_max {
            full.extend(self.cut());
        }
    }

    /// A request of the whole lines there are.
    pub(super) fn cut(&mut self) -> Option<Shipment> {
        if self.lines == 0 {
            return None;
        }
        let rest = self.body.split_off(self.whole_bytes);
        let shipment = Shipment {
            key: format!("{}-{}", self.options.key_prefix, self.number),
            first_line: self.first_line,
            lines: self.lines as u64,
            body: std::mem::replace(&mut self.body, rest).into(),
        };
        self.number += 1;
        self.first_line += shipment.lines;
        self.lines = 0;
        self.whole_bytes = 0;
        self.since = None;
        Some(shipment)
    }

    /// The last requests: the end of the input ends the last line.
    pub(super) fn finish(&mut self) -> Vec<Shipment> {
        let mut last = VecDeque::new();
        if self.body.len() > self.whole_bytes {
            self.end_line(&mut last);
        }
        last.extend(self.cut());
        last.into()
    }

    /// When the lines there are should wait no longer.
    pub(super) fn flush_at(&self) -> Option<Instant> {
        Some(self.since? + self.options.flush_after?)
    }
}

/// Waits until then; for ever if there is no such time.
pub(super) async fn wait_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => tokio::time::sleep(Duration::MAX).await,
    }
}
