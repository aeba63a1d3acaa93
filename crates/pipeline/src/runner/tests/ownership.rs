//! Partitions that come and go, and processes that stop: nothing is lost, and nobody commits what
//! is not theirs.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::*;
use crate::sink::{Fatal, Outcome};

/// Waits for a permit before each delivery.
struct Gated {
    permits: Semaphore,
    begun: AtomicU32,
    sink: Arc<MemorySink>,
}

impl Gated {
    fn new(line: &Line) -> Arc<Self> {
        let (permits, begun) = (Semaphore::new(0), AtomicU32::new(0));
        Arc::new(Self { permits, begun, sink: Arc::clone(&line.sink) })
    }

    fn spec(self: &Arc<Self>, line: &Line) -> RunnerSpec {
        RunnerSpec { sink: Arc::clone(self) as Arc<dyn Sink>, ..line.spec() }
    }

    async fn until_begun(&self, times: u32) {
        until(|| self.begun.load(Ordering::SeqCst) == times).await;
    }
}

#[async_trait]
impl Sink for Gated {
    async fn deliver(&self, items: &[Record]) -> Result<Vec<Outcome>, Fatal> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        self.sink.deliver(items).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_partition_commits_what_is_in_hand_and_goes_with_its_numbers() {
    let line = Line::new(2);
    let gated = Gated::new(&line);
    line.append(0, 1, &["a", "drop"]);
    line.append(0, 3, &["b"]);
    let running = line.start(gated.spec(&line));
    gated.until_begun(1).await;
    until(|| line.ledger().in_flight == 3).await;
    line.bus.revoke(STAGE, TOPIC_RAW, 0);
    gated.permits.add_permits(1);
    line.until_committed(0, 1).await;
    until(|| line.ledger().received == 0).await;
    assert_eq!(numbers(&line.sink.delivered()), [1], "what waited is left to the next owner");

    gated.permits.add_permits(10);
    line.bus.assign(STAGE, TOPIC_RAW, 0);
    line.until_committed(0, 2).await;
    until(|| line.ledger().in_flight == 0).await;
    let ledger = line.ledger();
    assert_eq!((ledger.received, ledger.forwarded, ledger.redelivered), (3, 2, 1));
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_revoked_partition_does_not_wait_for_an_engine_that_is_away() {
    let line = Line::new(2);
    line.sink.set_script(|item| match item.payload.as_ref() {
        b"stuck" => {
            Ok(Outcome::RetryLater { after: Duration::from_secs(600), reason: "away".to_owned() })
        }
        _ => Ok(Outcome::Delivered),
    });
    line.append(0, 1, &["stuck"]);
    let running = line.start(line.spec());
    until(|| line.ledger().in_flight == 1).await;
    let began = tokio::time::Instant::now();
    line.bus.revoke(STAGE, TOPIC_RAW, 0);
    until(|| line.ledger().received == 0).await;
    line.append(1, 11, &["free"]);
    line.until_committed(1, 1).await;
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(line.committed(0), 0);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_hangs_holds_a_revocation_no_longer_than_the_deadline() {
    let line = Line::new(1);
    let gated = Gated::new(&line);
    line.append(0, 1, &["a"]);
    let running = line.start(gated.spec(&line));
    gated.until_begun(1).await;
    let began = tokio::time::Instant::now();
    line.bus.revoke(STAGE, TOPIC_RAW, 0);
    until(|| line.ledger().received == 0).await;
    assert!(began.elapsed() >= DRAIN_DEADLINE);
    assert!(began.elapsed() < DRAIN_DEADLINE * 2);
    assert_eq!(line.committed(0), 0);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_partition_commits_nothing_and_is_read_again() {
    let line = Line::new(1);
    let gated = Gated::new(&line);
    line.append(0, 1, &["a", "bad"]);
    let running = line.start(gated.spec(&line));
    gated.until_begun(1).await;
    line.bus.lose(STAGE, TOPIC_RAW, 0);
    until(|| line.ledger().received == 0).await;
    gated.permits.add_permits(10);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(line.committed(0), 0);
    assert!(line.sink.delivered().is_empty());

    line.bus.assign(STAGE, TOPIC_RAW, 0);
    line.until_committed(0, 1).await;
    until(|| line.ledger().in_flight == 0).await;
    let ledger = line.ledger();
    assert_eq!((ledger.received, ledger.forwarded, ledger.dead["invalid_json"]), (2, 1, 1));
    assert_eq!(ledger.redelivered, 2);
    assert_eq!(line.part(PART), None);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_settles_what_is_in_hand() {
    let line = Line::new(1);
    let gated = Gated::new(&line);
    line.append(0, 1, &["a"]);
    line.append(0, 2, &["b"]);
    let running = line.start(gated.spec(&line));
    gated.until_begun(1).await;
    line.context.shutdown.cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!running.is_finished(), "the batch in hand is still under way");
    gated.permits.add_permits(10);
    running.await.unwrap().unwrap();
    assert_eq!(line.committed(0), 1);
    assert!(line.ledgers.is_balanced());

    let line = line.restarted();
    let running = line.start(line.spec());
    line.until_committed(0, 2).await;
    assert_eq!(numbers(&line.sink.delivered()), [1, 2], "each once");
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_an_engine_that_is_away() {
    let line = Line::new(1);
    line.sink.set_script(|_| {
        Ok(Outcome::RetryLater { after: Duration::ZERO, reason: "away".to_owned() })
    });
    line.append(0, 1, &["a"]);
    let running = line.start(line.spec());
    until(|| line.part(PART).is_some()).await;
    let began = tokio::time::Instant::now();
    line.stop(running).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(line.committed(0), 0);
}
