//! Sinks that answer later, refuse, fail or hang; dead letters and commits that cannot be stored.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bus::{BusError, ErrorKind};

use super::*;
use crate::dead_letter::ReplayError;
use crate::sink::{Fatal, Outcome};

fn later(after: Duration) -> Outcome {
    Outcome::RetryLater { after, reason: "queue full".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn only_what_may_work_later_is_tried_again_and_not_too_soon() {
    let line = Line::new(1);
    let mut attempts: HashMap<u64, u32> = HashMap::new();
    let began = tokio::time::Instant::now();
    line.sink.set_script(move |item| {
        let number = numbers(std::slice::from_ref(item))[0];
        let attempt = attempts.entry(number).or_default();
        *attempt += 1;
        if number == 2 && *attempt <= 3 {
            assert!(began.elapsed() >= Duration::from_secs(7) * (*attempt - 1));
            return Ok(later(Duration::from_secs(7)));
        }
        assert!(number == 2 || *attempt == 1, "{number} was delivered already");
        Ok(Outcome::Delivered)
    });
    line.append(0, 1, &["a", "b", "c"]);
    line.append(0, 4, &["d"]);
    let running = line.start(line.spec());
    until(|| line.sink.delivered().len() == 2).await;
    assert_eq!(line.committed(0), 0, "nothing is committed while a record is open");
    assert_eq!(line.ledger().in_flight, 4);
    assert!(line.ledgers.is_balanced());
    line.until_committed(0, 2).await;
    assert_eq!(numbers(&line.sink.delivered()), [1, 3, 2, 4]);
    assert!(began.elapsed() >= Duration::from_secs(21));
    assert!(line.context.health.is_ready(), "{:?}", line.context.health.parts());
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_away_for_an_hour_costs_nothing_but_time() {
    let line = Line::new(1);
    let away_until = tokio::time::Instant::now() + Duration::from_secs(3000);
    line.sink.set_script(move |_| {
        let back = tokio::time::Instant::now() >= away_until;
        Ok(if back { Outcome::Delivered } else { later(Duration::ZERO) })
    });
    line.append(0, 1, &["a"]);
    let running = line.start(line.spec());
    until(|| matches!(line.part(PART), Some(HealthState::Waiting { reason }) if reason.contains("queue full"))).await;
    assert!(!line.context.health.is_ready());
    assert!(line.context.health.is_live(), "a new start would not bring the engine back");
    line.until_committed(0, 1).await;
    assert_eq!(line.part(PART), None);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_sink_refuses_is_the_input_records_dead_letter() {
    let line = Line::new(1);
    let second = record(2, "").id.derive("clone");
    line.sink.set_script(move |item| {
        let refused = item.id == second;
        Ok(if refused { Outcome::Rejected(rejection("mapping")) } else { Outcome::Delivered })
    });
    line.append(0, 1, &["a", "two"]);
    let running = line.start(line.spec());
    line.until_committed(0, 1).await;
    let ledger = line.ledger();
    assert_eq!((ledger.received, ledger.forwarded, ledger.outputs), (2, 1, 2));
    assert_eq!(ledger.dead["mapping"], 1);
    let letters = line.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].record_id(), Some(record(2, "").id));
    let replayed = letters[0].replay(None, REPLAY_ATTEMPTS_MAX).unwrap();
    assert_eq!(replayed.payload, "two", "the input, not the output");
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_fatal_sink_stops_its_partition_and_no_other() {
    let line = Line::new(2);
    line.sink.set_script(|item| match item.payload.as_ref() {
        b"unauthorised" => Err(Fatal("401: check the password of the engine".to_owned())),
        _ => Ok(Outcome::Delivered),
    });
    line.append(0, 1, &["a", "unauthorised"]);
    line.append(0, 3, &["b"]);
    let running = line.start(line.spec());
    until(|| line.part(PART).is_some()).await;
    assert!(
        matches!(line.part(PART), Some(HealthState::Failed { reason }) if reason.contains("401"))
    );
    line.append(1, 11, &["c"]);
    line.until_committed(1, 1).await;
    assert_eq!(line.committed(0), 0);
    assert!(!line.context.health.is_ready());
    assert!(line.ledgers.is_balanced());
    assert!(line.letters().is_empty());
    line.stop(running).await;
}

struct WrongCount;

impl Stage for WrongCount {
    fn process(&mut self, _batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        vec![Verdict::Discard("one")]
    }
}

struct Miscounting;

#[async_trait]
impl Sink for Miscounting {
    async fn deliver(&self, _items: &[Record]) -> Result<Vec<Outcome>, Fatal> {
        Ok(Vec::new())
    }
}

/// Runs two records against what miscounts, and checks that the partition stops for this reason.
async fn stops(change: impl FnOnce(&mut RunnerSpec), reason_part: &str) {
    let line = Line::new(1);
    line.append(0, 1, &["a", "b"]);
    let mut spec = line.spec();
    change(&mut spec);
    let running = line.start(spec);
    until(|| line.part(PART).is_some()).await;
    let state = line.part(PART);
    assert!(matches!(&state, Some(HealthState::Failed { reason }) if reason.contains(reason_part)));
    assert_eq!(line.committed(0), 0);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_stage_or_sink_that_miscounts_stops_the_partition() {
    let stage = |spec: &mut RunnerSpec| spec.make_stage = Arc::new(|| Box::new(WrongCount));
    stops(stage, "1 verdicts for 2 records").await;
    stops(|spec| spec.sink = Arc::new(Miscounting), "0 answers for 2 records").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_committed_before_its_dead_letters_stand() {
    let line = Line::new(1);
    let away = Arc::new(AtomicBool::new(true));
    let closed = Arc::clone(&away);
    line.bus.on_publish(move |topic, _| match closed.load(Ordering::SeqCst) {
        true => Err(BusError::new(ErrorKind::Transient, format!("{topic}: disk full"))),
        false => Ok(()),
    });
    line.append(0, 1, &["a", "bad"]);
    let running = line.start(line.spec());
    until(|| line.part(PART).is_some()).await;
    assert_eq!(line.committed(0), 0);
    away.store(false, Ordering::SeqCst);
    line.until_committed(0, 1).await;
    assert_eq!(line.letters().len(), 1);
    assert_eq!(line.sink.delivered().len(), 1, "what was delivered is not delivered again");
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_tried_again_and_a_refused_one_stops_the_partition() {
    let line = Line::new(1);
    let mut answers = vec![ErrorKind::Fatal, ErrorKind::Transient, ErrorKind::Transient];
    line.bus.on_commit(move |_, next_offset| match answers.pop() {
        Some(ErrorKind::Fatal) if next_offset == 1 => Ok(()),
        Some(kind) => Err(BusError::new(kind, "coordinator")),
        None => Err(BusError::new(ErrorKind::Fatal, "fenced")),
    });
    line.append(0, 1, &["a"]);
    let running = line.start(line.spec());
    line.until_committed(0, 1).await;
    line.append(0, 2, &["b"]);
    until(|| line.part(PART).is_some()).await;
    assert!(matches!(line.part(PART), Some(HealthState::Failed { .. })));
    assert_eq!((line.ledger().forwarded, line.ledger().in_flight), (1, 1));
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_dead_letter_is_no_new_dead_letter() {
    let line = Line::new(1);
    line.bus.append(TOPIC_DEAD, 0, vec![record(1, "bad"), record(2, "fine")]);
    let spec = RunnerSpec { topics: vec![TOPIC_DEAD.to_owned()], ..line.spec() };
    let running = line.start(spec);
    until(|| line.bus.committed(STAGE, TOPIC_DEAD, 0) == 1).await;
    assert_eq!(line.bus.records(TOPIC_DEAD).len(), 2);
    assert_eq!(line.ledger().dead["invalid_json"], 1);
    line.stop(running).await;
}

/// A bus that takes no dead letter of more bytes than this.
fn refuse_long_letters(line: &Line, bytes_max: usize) {
    line.bus.on_publish(move |topic, record| match record.payload.len() > bytes_max {
        true => {
            Err(BusError::new(ErrorKind::Rejected, format!("{topic}: the record is too large")))
        }
        false => Ok(()),
    });
}

struct RefusesLong;

impl Stage for RefusesLong {
    fn process(&mut self, batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        let verdict = |at: &Positioned| match at.record.payload.len() {
            0..4 => decide(&at.record),
            _ => Verdict::Reject(rejection("invalid_json")),
        };
        batch.iter().map(verdict).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_too_large_for_the_bus_stands_without_its_payload() {
    let line = Line::new(1);
    refuse_long_letters(&line, 10_000);
    let long = vec![b'x'; 55_000];
    let frame = vec![record(1, "a"), record(2, "bad"), record(3, long.clone())];
    line.bus.append(TOPIC_RAW, 0, frame);
    let make_stage = Arc::new(|| Box::new(RefusesLong) as Box<dyn Stage>);
    let running = line.start(RunnerSpec { make_stage, ..line.spec() });
    line.until_committed(0, 1).await;
    let letters = line.letters();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0].replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, "bad");
    assert_eq!((&letters[1].payload, letters[1].payload_bytes), (&None, 55_000));
    assert_eq!(letters[1].kind, "invalid_json");
    let refused = letters[1].replay(None, REPLAY_ATTEMPTS_MAX).unwrap_err();
    assert!(matches!(refused, ReplayError::StoredAt { position, .. } if position.index == 2));
    let stored = Some(long.clone().into());
    assert_eq!(letters[1].replay(stored, REPLAY_ATTEMPTS_MAX).unwrap().payload, long);
    assert_eq!(line.ledger().dead["invalid_json"], 2);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_takes_no_dead_letter_at_all_stops_the_partition() {
    let line = Line::new(1);
    refuse_long_letters(&line, 10);
    line.append(0, 1, &["bad"]);
    let running = line.start(line.spec());
    until(|| line.part(PART).is_some()).await;
    assert!(
        matches!(line.part(PART), Some(HealthState::Failed { reason }) if reason.contains("dead letter"))
    );
    assert_eq!(line.committed(0), 0);
    line.stop(running).await;
}

struct Hanging(tokio::sync::Semaphore);

#[async_trait]
impl Sink for Hanging {
    async fn deliver(&self, items: &[Record]) -> Result<Vec<Outcome>, Fatal> {
        self.0.acquire().await.unwrap().forget();
        Ok(items.iter().map(|_| Outcome::Delivered).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_shows_as_stalled_until_it_goes_on() {
    let line = Line::new(1);
    let sink = Arc::new(Hanging(tokio::sync::Semaphore::new(0)));
    line.append(0, 1, &["a"]);
    let running =
        line.start(RunnerSpec { sink: Arc::clone(&sink) as Arc<dyn Sink>, ..line.spec() });
    until(|| !line.context.health.is_live()).await;
    sink.0.add_permits(1);
    line.until_committed(0, 1).await;
    assert!(line.context.health.is_live() && line.context.health.is_ready());
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_partition_is_paused_while_others_go_on() {
    let line = Line::new(2);
    let open = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&open);
    line.sink.set_script(move |item| match item.payload.as_ref() {
        b"slow" if !gate.load(Ordering::SeqCst) => Ok(later(Duration::ZERO)),
        _ => Ok(Outcome::Delivered),
    });
    for number in 0..20 {
        line.append(0, number, &["slow"]);
        line.append(1, 100 + number, &["fast"]);
    }
    let running = line.start(line.spec());
    line.until_committed(1, 20).await;
    assert!(line.bus.is_paused(STAGE, TOPIC_RAW, 0));
    assert_eq!(line.committed(0), 0);
    assert!(line.ledger().in_flight <= QUEUE_BATCHES as u64 + 2, "{:?}", line.ledger());
    open.store(true, Ordering::SeqCst);
    line.until_committed(0, 20).await;
    let slow: Vec<_> = numbers(&line.sink.delivered()).into_iter().filter(|n| *n < 100).collect();
    assert_eq!(slow, (0..20).collect::<Vec<_>>(), "in order");
    line.stop(running).await;
}
