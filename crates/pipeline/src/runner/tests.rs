//! The runner over a bus in memory: what a user of a stage would notice, fault by fault.
//!
//! Time is paused, so that retries take none.

mod commits;
mod delivery;
mod embedded;
mod ending;
mod ownership;
mod panics;
mod random;
mod state;

use std::sync::Arc;
use std::time::Duration;

use bus::{Positioned, Record, TOPIC_DEAD, TOPIC_RAW};
use service::{Context, HealthState};
use smallvec::smallvec;
use tokio::task::JoinHandle;

use super::*;
use crate::dead_letter::{DeadLetter, REPLAY_ATTEMPTS_MAX};
use crate::ledger::StageLedger;
use crate::stage::{Rejection, State, StateKey, Verdict};
use crate::testing::{MemoryBus, MemorySink, record};

const STAGE: &str = "enricher";
/// Name of the first partition in the health.
const PART: &str = "enricher logs.raw/0";

/// Decides by the payload: `drop`, `bad`, `panic`, `two` outputs; anything else is forwarded.
struct ByPayload;

fn rejection(kind: &'static str) -> Rejection {
    Rejection { kind: kind.into(), message: "not usable".to_owned(), position_bytes: Some(3) }
}

/// Panics without the report on standard error, which no test would capture on another thread.
fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("poison"))
}

fn decide(record: &Record) -> Verdict {
    match record.payload.as_ref() {
        b"drop" => Verdict::Discard("not_wanted"),
        b"bad" => Verdict::Reject(rejection("invalid_json")),
        b"panic" => panic_quietly(),
        b"two" => {
            let mut second = record.clone();
            second.id = record.id.derive("clone");
            Verdict::Forward(smallvec![record.clone(), second])
        }
        _ => Verdict::Forward(smallvec![record.clone()]),
    }
}

impl Stage for ByPayload {
    fn process(&mut self, batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        batch.iter().map(|positioned| decide(&positioned.record)).collect()
    }
}

/// A bus, a sink, and the runners between them.
struct Line {
    bus: MemoryBus,
    sink: Arc<MemorySink>,
    ledgers: Arc<Ledgers>,
    context: Context,
}

impl Line {
    fn new(partitions: u32) -> Self {
        let bus = MemoryBus::with_topics(&[(TOPIC_RAW, partitions), (TOPIC_DEAD, 1)]);
        let context = Context::default();
        let ledgers = Ledgers::new(&context.metrics);
        Self { bus, sink: Arc::default(), ledgers, context }
    }

    /// Numbers of the process start anew; what the bus keeps stays.
    fn restarted(self) -> Self {
        let context = Context::default();
        Self { ledgers: Ledgers::new(&context.metrics), context, ..self }
    }

    fn append(&self, partition: u32, first: u64, payloads: &[&'static str]) {
        let frame = (first..).zip(payloads).map(|(number, payload)| record(number, *payload));
        self.bus.append(TOPIC_RAW, partition, frame.collect());
    }

    fn spec(&self) -> RunnerSpec {
        RunnerSpec {
            name: STAGE,
            topics: vec![TOPIC_RAW.to_owned()],
            make_stage: Arc::new(|| Box::new(ByPayload)),
            resolver: None,
            state: None,
            sink: Arc::clone(&self.sink) as Arc<dyn Sink>,
        }
    }

    fn start(&self, spec: RunnerSpec) -> JoinHandle<Result<(), RunnerError>> {
        let runtime = Runtime {
            bus: Arc::new(self.bus.clone()),
            ledgers: Arc::clone(&self.ledgers),
            context: self.context.clone(),
        };
        tokio::spawn(run(spec, runtime))
    }

    async fn stop(&self, running: JoinHandle<Result<(), RunnerError>>) {
        self.context.shutdown.cancel();
        running.await.unwrap().unwrap();
        assert!(self.ledgers.is_balanced(), "{:?}", self.ledger());
    }

    fn committed(&self, partition: u32) -> u64 {
        self.bus.committed(STAGE, TOPIC_RAW, partition)
    }

    async fn until_committed(&self, partition: u32, offset: u64) {
        until(|| self.committed(partition) == offset).await;
    }

    fn ledger(&self) -> StageLedger {
        self.ledgers.snapshot().pop().unwrap_or_default()
    }

    fn letters(&self) -> Vec<DeadLetter> {
        let records = self.bus.records(TOPIC_DEAD);
        records.iter().map(|record| DeadLetter::from_record(record).unwrap()).collect()
    }

    fn part(&self, part: &str) -> Option<HealthState> {
        self.context.health.parts().remove(part)
    }
}

/// Waits until something holds; an hour of paused time is more than any retry takes.
async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3600), waiting).await.expect("it never came to hold");
}

fn numbers(records: &[Record]) -> Vec<u64> {
    let number = |record: &Record| u64::from_be_bytes(record.id.0[8..].try_into().unwrap());
    records.iter().map(number).collect()
}

#[tokio::test(start_paused = true)]
async fn every_record_has_one_fate_and_is_counted() {
    let line = Line::new(2);
    line.append(0, 1, &["a", "drop", "bad", "two"]);
    line.append(1, 11, &["b"]);
    let running = line.start(line.spec());
    line.until_committed(0, 1).await;
    line.until_committed(1, 1).await;

    assert_eq!(line.sink.delivered().len(), 4);
    let ledger = line.ledger();
    assert_eq!((ledger.received, ledger.forwarded, ledger.outputs), (5, 3, 4));
    assert_eq!(ledger.discarded["not_wanted"], 1);
    assert_eq!(ledger.dead["invalid_json"], 1);
    assert_eq!((ledger.in_flight, ledger.redelivered, ledger.balance), (0, 0, 0));

    let letter = &line.letters()[0];
    assert_eq!((letter.record_id(), &*letter.stage), (Some(record(3, "").id), "enricher"));
    assert_eq!(
        (letter.topic.as_deref(), letter.offset, letter.index),
        (Some(TOPIC_RAW), Some(0), Some(2))
    );
    assert_eq!(letter.position_bytes, Some(3));
    assert_eq!(letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, "bad");
    assert!(line.context.health.is_ready());
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_removed_behind_the_runners_back_unbalances_the_ledger() {
    let line = Line::new(1);
    line.append(0, 1, &["a", "b", "c"]);
    line.bus.hide(record(2, "").id);
    let running = line.start(line.spec());
    line.until_committed(0, 1).await;
    assert!(!line.ledgers.is_balanced());
    assert_eq!((line.ledger().received, line.ledger().balance), (3, 1));
    let metrics = line.context.metrics.text();
    assert!(metrics.contains("millrace_stage_balance_records{stage=\"enricher\"} 1"), "{metrics}");
    line.context.shutdown.cancel();
    running.await.unwrap().unwrap();

    let line = line.restarted();
    line.append(0, 4, &["d"]);
    let running = line.start(line.spec());
    line.until_committed(0, 2).await;
    assert_eq!(line.ledger().balance, 1, "the loss is still known after a restart");
    line.context.shutdown.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_the_numbers() {
    let line = Line::new(1);
    line.append(0, 1, &["a", "drop", "bad"]);
    let running = line.start(line.spec());
    line.until_committed(0, 1).await;
    let before = line.ledger();
    line.stop(running).await;

    let line = line.restarted();
    let running = line.start(line.spec());
    until(|| line.ledger().received > 0).await;
    assert_eq!(line.ledger(), before);
    line.append(0, 4, &["drop"]);
    line.until_committed(0, 2).await;
    assert_eq!(line.ledger().discarded["not_wanted"], 2);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn duplicates_are_counted_and_commits_never_go_back() {
    let line = Line::new(1);
    let mut highest = 0;
    line.bus.on_commit(move |_, next_offset| {
        assert!(next_offset >= highest, "{next_offset} after {highest}");
        highest = next_offset;
        Ok(())
    });
    line.append(0, 1, &["a", "b"]);
    line.append(0, 3, &["c"]);
    let running = line.start(line.spec());
    line.until_committed(0, 2).await;
    line.bus.rewind(STAGE, TOPIC_RAW, 0, 0);
    until(|| line.ledger().received == 6 && line.ledger().in_flight == 0).await;
    assert_eq!(line.ledger().redelivered, 3);
    assert_eq!(line.committed(0), 2);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_there_ends_the_run_with_its_name() {
    let line = Line::new(1);
    let spec = RunnerSpec { topics: vec!["logs.nowhere".to_owned()], ..line.spec() };
    let error = line.start(spec).await.unwrap().unwrap_err();
    assert!(matches!(&error, RunnerError::Subscribe { stage: STAGE, .. }));
    assert!(error.to_string().contains("logs.nowhere"));
    assert!(matches!(line.part(STAGE), Some(HealthState::Failed { .. })));
}

#[tokio::test(start_paused = true)]
async fn progress_is_shown() {
    let line = Line::new(1);
    line.append(0, 1, &["a"]);
    let running = line.start(line.spec());
    line.until_committed(0, 1).await;
    until(|| line.ledger().in_flight == 0).await;
    let metrics = line.context.metrics.text();
    for shown in [
        "millrace_stage_received_records_total{stage=\"enricher\"} 1",
        "millrace_stage_forwarded_records_total{stage=\"enricher\"} 1",
        "millrace_stage_oldest_unsettled_seconds{stage=\"enricher\"} 0",
        "millrace_stage_last_commit_timestamp_seconds{stage=\"enricher\"}",
        "millrace_stage_step_seconds_count{stage=\"enricher\",step=\"deliver\"} 1",
    ] {
        assert!(metrics.contains(shown), "{shown} is not in\n{metrics}");
    }
    line.stop(running).await;
}
