//! What a stage remembers is given out when its partition is let go, and when time passes around a panic.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Remembers how many records it has seen since it last gave that out.
#[derive(Default)]
struct Remembering {
    seen: usize,
    tells_time: bool,
}

impl Remembering {
    fn told(&mut self, role: &str) -> Vec<Record> {
        let mut told = record(1_000, role.to_owned());
        told.id = told.id.derive(role);
        told.payload = format!("{role} {}", std::mem::take(&mut self.seen)).into();
        vec![told]
    }
}

impl Stage for Remembering {
    fn process(&mut self, batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        self.seen += batch.len();
        batch.iter().map(|positioned| decide(&positioned.record)).collect()
    }

    fn advance(&mut self, _watermark_ns: i64) -> Vec<Record> {
        if self.tells_time { self.told("time") } else { Vec::new() }
    }

    fn finish(&mut self) -> Vec<Record> {
        if self.seen > 0 { self.told("end") } else { Vec::new() }
    }
}

fn spec(line: &Line, tells_time: bool) -> RunnerSpec {
    let stage = move || Box::new(Remembering { seen: 0, tells_time }) as Box<dyn Stage>;
    RunnerSpec { make_stage: Arc::new(stage), ..line.spec() }
}

fn payloads(line: &Line) -> Vec<String> {
    let text = |record: Record| String::from_utf8_lossy(&record.payload).into_owned();
    line.sink.delivered().into_iter().map(text).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_stage_remembers_is_delivered_before_its_partition_is_let_go() {
    let line = Line::new(2);
    line.append(0, 1, &["a", "drop", "b"]);
    let running = line.start(spec(&line, false));
    line.until_committed(0, 1).await;
    assert_eq!(payloads(&line), ["a", "b"]);
    line.stop(running).await;
    assert_eq!(payloads(&line), ["a", "b", "end 3"]);
    assert_eq!((line.ledger().forwarded, line.ledger().outputs, line.ledger().balance), (2, 3, 0));

    // The numbers were committed with it, and nothing is read again.
    let line = line.restarted();
    let running = line.start(spec(&line, false));
    line.append(0, 7, &["c"]);
    line.until_committed(0, 2).await;
    assert_eq!((line.ledger().received, line.ledger().outputs), (4, 4));
    line.stop(running).await;
    assert_eq!(payloads(&line), ["a", "b", "end 3", "c", "end 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_at_the_end_is_a_dead_letter_and_the_rest_is_committed() {
    let line = Line::new(1);
    line.sink.set_script(|item| match item.payload.starts_with(b"end") {
        true => Ok(crate::sink::Outcome::Rejected(rejection("mapping"))),
        false => Ok(crate::sink::Outcome::Delivered),
    });
    line.append(0, 1, &["a"]);
    let running = line.start(spec(&line, false));
    // Delivered, and not committed yet: more may come to be committed with it.
    until(|| !payloads(&line).is_empty()).await;
    assert_eq!(line.committed(0), 0);
    line.stop(running).await;
    let letters = line.letters();
    assert_eq!((letters.len(), letters[0].kind.as_str()), (1, "mapping"));
    assert_eq!((line.committed(0), line.ledger().outputs), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_stage_remembers_is_tried_again_where_it_cannot_be_delivered_at_once() {
    let line = Line::new(1);
    let mut was_away = false;
    line.sink.set_script(move |item| {
        if item.payload.starts_with(b"end") && !std::mem::replace(&mut was_away, true) {
            let (after, reason) = (Duration::ZERO, "away".to_owned());
            return Ok(crate::sink::Outcome::RetryLater { after, reason });
        }
        Ok(crate::sink::Outcome::Delivered)
    });
    line.append(0, 1, &["a"]);
    let running = line.start(spec(&line, false));
    line.until_committed(0, 1).await;
    line.stop(running).await;
    assert_eq!(payloads(&line), ["a", "end 1"]);
    assert_eq!((line.ledger().outputs, line.ledger().balance), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_stays_away_does_not_hold_up_the_end() {
    let line = Line::new(1);
    line.sink.set_script(|item| match item.payload.starts_with(b"end") {
        true => Ok(crate::sink::Outcome::RetryLater {
            after: Duration::ZERO,
            reason: "away".to_owned(),
        }),
        false => Ok(crate::sink::Outcome::Delivered),
    });
    line.append(0, 1, &["a"]);
    let running = line.start(spec(&line, false));
    until(|| !payloads(&line).is_empty()).await;
    line.stop(running).await;
    assert_eq!((line.committed(0), payloads(&line)), (1, vec!["a".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_a_batch_waits_tells_nothing_and_the_batch_is_read_again() {
    let line = Line::new(1);
    let is_tried = Arc::new(AtomicBool::new(false));
    let tried = Arc::clone(&is_tried);
    line.sink.set_script(move |item| {
        if item.payload.starts_with(b"b") {
            tried.store(true, Ordering::Relaxed);
            let (after, reason) = (Duration::ZERO, "away".to_owned());
            return Ok(crate::sink::Outcome::RetryLater { after, reason });
        }
        Ok(crate::sink::Outcome::Delivered)
    });
    line.append(0, 1, &["a"]);
    line.append(0, 2, &["b"]);
    let running = line.start(spec(&line, false));
    until(|| is_tried.load(Ordering::Relaxed)).await;
    line.context.shutdown.cancel();
    running.await.unwrap().unwrap();
    assert_eq!((line.committed(0), payloads(&line)), (1, vec!["a".to_owned()]));

    let line = line.restarted();
    line.sink.set_script(|_| Ok(crate::sink::Outcome::Delivered));
    let running = line.start(spec(&line, false));
    line.until_committed(0, 2).await;
    line.stop(running).await;
    assert_eq!(payloads(&line), ["a", "b", "end 1"], "what was remembered of the first is lost");
}

#[tokio::test(start_paused = true)]
async fn what_time_has_made_before_a_panic_is_delivered() {
    let line = Line::new(1);
    line.append(0, 1, &["a", "panic", "b"]);
    let running = line.start(spec(&line, true));
    line.until_committed(0, 1).await;
    assert_eq!(payloads(&line), ["a", "b", "time 1", "time 1"]);
    line.stop(running).await;
}
