//! State: loaded under the lock, saved after delivery and before the commit, whole under panics.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use bus::{BusError, ErrorKind};
use bytes::Bytes;

use super::*;
use crate::testing::MemoryState;

/// Counts records by source; the output says how many there were.
struct Counting;

fn keys(batch: &[Positioned]) -> Vec<StateKey> {
    if batch.iter().any(|at| at.record.payload == "no key") {
        panic_quietly();
    }
    let sources: BTreeSet<_> = batch.iter().map(|at| at.record.source.to_string()).collect();
    sources.into_iter().map(StateKey).collect()
}

impl Stage for Counting {
    fn keys(&mut self, batch: &[Positioned]) -> Vec<StateKey> {
        keys(batch)
    }

    fn process(&mut self, batch: &[Positioned], state: &mut State) -> Vec<Verdict> {
        let verdict = |positioned: &Positioned| {
            if positioned.record.payload == "panic" {
                panic_quietly();
            }
            let key = StateKey(positioned.record.source.to_string());
            let slot = state.keys.iter().position(|other| *other == key).unwrap();
            let count = state.values[slot].as_ref().map_or(0, |value| value[0]) + 1;
            state.set(slot, Bytes::from(vec![count]));
            let mut output = positioned.record.clone();
            output.payload = Bytes::from(vec![count]);
            Verdict::Forward(smallvec![output])
        };
        batch.iter().map(verdict).collect()
    }
}

fn spec(line: &Line, state: &Arc<MemoryState>) -> RunnerSpec {
    RunnerSpec {
        make_stage: Arc::new(|| Box::new(Counting)),
        state: Some(Arc::clone(state) as Arc<dyn StateStore>),
        ..line.spec()
    }
}

fn counts(line: &Line) -> Vec<u8> {
    line.sink.delivered().iter().map(|record| record.payload[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_middle_of_a_batch_counts_every_other_record_once() {
    let line = Line::new(1);
    let state = Arc::new(MemoryState::default());
    line.append(0, 1, &["a", "b", "c", "panic", "d", "no key", "e", "panic", "f"]);
    let running = line.start(spec(&line, &state));
    line.until_committed(0, 1).await;
    assert_eq!(counts(&line), [1, 2, 3, 4, 5, 6]);
    assert_eq!(state.values()[&StateKey("192.0.2.1".to_owned())], [6].as_slice());
    assert_eq!(line.ledger().dead["stage_panic"], 3);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn partitions_that_share_a_key_lose_no_count() {
    let line = Line::new(4);
    let state = Arc::new(MemoryState::default());
    for number in 0..40 {
        line.append(u32::try_from(number % 4).unwrap(), number, &["a"]);
    }
    let running = line.start(spec(&line, &state));
    for partition in 0..4 {
        line.until_committed(partition, 10).await;
    }
    let mut counted = counts(&line);
    counted.sort_unstable();
    assert_eq!(counted, (1..=40).collect::<Vec<_>>());
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_broken_stops_the_partition_for_all_to_see() {
    let line = Line::new(1);
    let state = Arc::new(MemoryState::default());
    state.break_down();
    line.append(0, 1, &["a"]);
    let running = line.start(spec(&line, &state));
    until(|| line.part(PART).is_some()).await;
    assert!(
        matches!(line.part(PART), Some(HealthState::Failed { reason }) if reason.contains("is broken"))
    );
    assert_eq!((line.committed(0), counts(&line).len()), (0, 0));
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_tried_again_and_nothing_is_committed_before_it_has_saved() {
    let line = Line::new(1);
    let state = Arc::new(MemoryState::default());
    let saved = Arc::clone(&state);
    line.bus.on_commit(move |_, _| match saved.values().is_empty() {
        true => Err(BusError::new(ErrorKind::Fatal, "committed before the state was saved")),
        false => Ok(()),
    });
    line.append(0, 1, &["a"]);
    state.fail_next(7);
    let running = line.start(spec(&line, &state));
    until(|| line.part(PART).is_some()).await;
    assert!(matches!(line.part(PART), Some(HealthState::Waiting { .. })));
    line.until_committed(0, 1).await;
    assert!(line.context.health.is_ready());

    line.sink.set_script({
        let state = Arc::clone(&state);
        move |_| {
            state.fail_next(2);
            Ok(crate::sink::Outcome::Delivered)
        }
    });
    line.append(0, 2, &["b"]);
    line.until_committed(0, 2).await;
    assert_eq!(counts(&line), [1, 2], "saving again delivers nothing again");
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_window_that_another_process_has_changed_is_counted_anew() {
    let line = Line::new(1);
    let state = Arc::new(MemoryState::default());
    let key = StateKey("192.0.2.1".to_owned());
    line.sink.set_script({
        let (state, key, first) = (Arc::clone(&state), key.clone(), AtomicBool::new(true));
        move |_| {
            if first.swap(false, Ordering::SeqCst) {
                state.put(key.clone(), Bytes::from_static(&[40]));
            }
            Ok(crate::sink::Outcome::Delivered)
        }
    });
    line.append(0, 1, &["a", "b"]);
    let running = line.start(spec(&line, &state));
    line.until_committed(0, 1).await;
    assert_eq!(counts(&line), [1, 2, 41, 42], "the last delivery of an id is the one that stays");
    assert_eq!(state.values()[&key], [42].as_slice());
    assert_eq!((line.ledger().received, line.ledger().forwarded, line.ledger().balance), (2, 2, 0));
    line.stop(running).await;
}
