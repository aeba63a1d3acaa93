//! When what is settled is committed: soon, and never with what is not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::sink::{Fatal, Outcome};

/// The offsets that are committed, in order.
fn watch_commits(line: &Line) -> Arc<Mutex<Vec<u64>>> {
    let commits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&commits);
    line.bus.on_commit(move |_, offset| {
        seen.lock().unwrap().push(offset);
        Ok(())
    });
    commits
}

#[tokio::test(start_paused = true)]
async fn batches_that_follow_one_another_are_committed_together() {
    const BATCHES: u64 = 100;
    let line = Line::new(1);
    let commits = watch_commits(&line);
    for number in 0..BATCHES {
        line.append(0, number, &["a"]);
    }
    let running = line.start(line.spec());
    line.until_committed(0, BATCHES).await;
    let commits = commits.lock().unwrap().clone();
    assert_eq!(commits, [BATCHES]);
    assert_eq!((line.ledger().forwarded, line.ledger().in_flight), (BATCHES, 0));

    // One that comes alone does not wait for others.
    line.append(0, BATCHES, &["a"]);
    line.until_committed(0, BATCHES + 1).await;
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_settled_before_a_failure_is_committed() {
    let line = Line::new(1);
    let calls = AtomicU32::new(0);
    line.sink.set_script(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0..3 => Ok(Outcome::Delivered),
        _ => Err(Fatal("the disk is full".to_owned())),
    });
    for number in 0..5 {
        line.append(0, number, &["a"]);
    }
    let running = line.start(line.spec());
    until(|| matches!(line.part(PART), Some(HealthState::Failed { .. }))).await;
    assert_eq!(line.committed(0), 3);
    line.stop(running).await;
}
