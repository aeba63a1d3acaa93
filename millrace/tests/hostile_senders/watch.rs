//! Somebody who is served meanwhile, and somebody who looks at the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::senders::talk;
use crate::target::Target;

/// Both of them at work.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    served: JoinHandle<Vec<Duration>>,
    resident: JoinHandle<u64>,
    before_bytes: u64,
}

impl Watch {
    pub(crate) fn begin(target: &Target) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let process = target.platform.process_id();
        let before_bytes = resident_bytes(process);
        let door = target.http();
        let shown = target.token.as_ref();
        let shown = shown.map(|token| format!("authorization: Bearer {token}\r\n"));
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{}content-length: 15\r\n\r\n\
             {{\"bystander\":1}}",
            shown.unwrap_or_default()
        );
        let (stopped, looked) = (Arc::clone(&stop), Arc::clone(&stop));
        let served = thread::spawn(move || {
            let mut times = Vec::new();
            while !stopped.load(Ordering::Relaxed) || times.is_empty() {
                let begun = Instant::now();
                let answer = talk(door, request.as_bytes());
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                times.push(begun.elapsed());
                thread::park_timeout(Duration::from_millis(5));
            }
            times
        });
        let resident = thread::spawn(move || {
            let mut most = 0;
            loop {
                // Once more at the end, however short it was.
                let is_last = looked.load(Ordering::Relaxed);
                most = most.max(resident_bytes(process));
                if is_last {
                    return most;
                }
                thread::park_timeout(Duration::from_millis(5));
            }
        });
        Self { stop, served, resident, before_bytes }
    }

    /// The longest of nine in ten exchanges, and how much the memory rose at most.
    pub(crate) fn end(self) -> (Duration, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = self.served.join().expect("the bystander is served");
        times.sort_unstable();
        let most_bytes = self.resident.join().expect("the process is there");
        (times[times.len() * 9 / 10], most_bytes.saturating_sub(self.before_bytes))
    }
}

fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("a line of memory") << 10
}
