//! What the process's memory does while something happens.

use std::fs;
use std::future::Future;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

static ALONE: Mutex<()> = Mutex::const_new(());

/// Waits until no other test of this program runs, since they would share its memory.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}

/// How much the resident memory rose above what it was, at most, while the future ran.
pub(crate) async fn rise_during<T>(future: impl Future<Output = T>) -> (T, u64) {
    let before = resident_bytes();
    let mut most = before;
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let mut future = std::pin::pin!(future);
    let output = loop {
        tokio::select! {
            output = &mut future => break output,
            _ = look.tick() => most = most.max(resident_bytes()),
        }
    };
    (output, most.max(resident_bytes()) - before)
}
