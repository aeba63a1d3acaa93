//! A stage that panics costs the record at which it does, and nothing else.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

#[tokio::test(start_paused = true)]
async fn only_the_poisonous_records_of_a_batch_are_dead() {
    let line = Line::new(1);
    let made = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&made);
    line.append(0, 1, &["a", "b", "panic", "drop", "bad", "c", "panic", "d", "e"]);
    line.append(0, 10, &["f"]);
    let make_stage: Arc<dyn Fn() -> Box<dyn Stage> + Send + Sync> = Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::new(ByPayload)
    });
    let running = line.start(RunnerSpec { make_stage, ..line.spec() });
    line.until_committed(0, 2).await;
    assert_eq!(numbers(&line.sink.delivered()), [1, 2, 6, 8, 9, 10], "in order, each once");
    let ledger = line.ledger();
    assert_eq!((ledger.dead["stage_panic"], ledger.dead["invalid_json"]), (2, 1));
    assert_eq!(ledger.discarded["not_wanted"], 1);
    assert!(made.load(Ordering::SeqCst) > 1, "an instance that panicked is not used again");
    let letters = line.letters();
    let panics = letters.iter().filter(|letter| letter.kind == "stage_panic");
    let ids: Vec<_> = panics.clone().map(|letter| letter.record_id()).collect();
    assert_eq!(ids, [3, 7].map(|number| Some(record(number, "").id)));
    assert!(panics.into_iter().all(|letter| letter.message.contains("poison")));
    line.stop(running).await;
}

/// Gives out a record whenever event time passes the next thousand nanoseconds.
#[derive(Default)]
struct Clockwork {
    seen: i64,
}

impl Stage for Clockwork {
    fn process(&mut self, batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        batch.iter().map(|positioned| decide(&positioned.record)).collect()
    }

    fn advance(&mut self, watermark_ns: i64) -> Vec<Record> {
        assert!(watermark_ns >= self.seen, "time does not go back");
        if watermark_ns == record(13, "").received_at_ns {
            panic_quietly();
        }
        self.seen = watermark_ns;
        let mut tick = record(1_000, "tick");
        tick.id = tick.id.derive("window");
        vec![tick]
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_stage_gives_out_by_itself_is_delivered_or_dead_and_the_ledger_balances() {
    let line = Line::new(1);
    line.append(0, 5, &["a"]);
    line.append(0, 1, &["b"]);
    let clockwork =
        || RunnerSpec { make_stage: Arc::new(|| Box::new(Clockwork::default())), ..line.spec() };
    let running = line.start(clockwork());
    line.until_committed(0, 2).await;
    let payloads: Vec<_> = line.sink.delivered().into_iter().map(|record| record.payload).collect();
    assert_eq!(payloads, ["a", "tick", "b", "tick"]);
    line.sink.set_script(|item| match item.payload.as_ref() {
        b"tick" => Ok(crate::sink::Outcome::Rejected(rejection("mapping"))),
        _ => Ok(crate::sink::Outcome::Delivered),
    });
    line.append(0, 6, &["c"]);
    line.until_committed(0, 3).await;
    let letters = line.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].kind.as_str(), letters[0].position()), ("mapping", None));
    until(|| line.ledger().in_flight == 0).await;
    assert_eq!((line.ledger().forwarded, line.ledger().outputs), (3, 5));

    line.append(0, 13, &["d"]);
    until(|| line.part(PART).is_some()).await;
    assert!(matches!(line.part(PART), Some(HealthState::Failed { .. })), "no record is to blame");
    assert_eq!(line.committed(0), 3);
    line.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_outside_of_the_stage_stops_the_partition_only() {
    let line = Line::new(2);
    line.sink.set_script(|item| match item.payload.as_ref() {
        b"boom" => panic!("the sink is broken"),
        _ => Ok(crate::sink::Outcome::Delivered),
    });
    line.append(0, 1, &["boom"]);
    let running = line.start(line.spec());
    until(|| line.part(PART).is_some()).await;
    let state = line.part(PART);
    assert!(
        matches!(&state, Some(HealthState::Failed { reason }) if reason.contains("the sink is broken"))
    );
    line.append(1, 2, &["fine"]);
    line.until_committed(1, 1).await;
    assert_eq!(line.committed(0), 0);
    line.stop(running).await;
}
