//! The door against a log that has room, has none, refuses, or is broken.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bus::{
    Bus, BusError, Codec, Consumer, ErrorKind, PartitionLag, Position, Record, TOPIC_DEAD,
    TOPIC_RAW, TopicSpec,
};
use bytes::Bytes;
use bytestring::ByteString;
use pipeline::dead_letter::REPLAY_ATTEMPTS_MAX;
use pipeline::{DeadLetter, Ledgers, Rejection, Runtime};
use service::{Context, HealthState};

use super::batch::Fault;
use super::{Answer, Batch, Clock, Foundation, Ids, Intake, Line, Origin, STAGE};
use crate::config::Config;
use crate::stores::Stores;

const NOW_NS: i64 = 1_700_000_000_123_456_789;

/// A log that fails as it is told: each publish takes the next failure, and none once they are used.
#[derive(Default)]
pub(crate) struct ScriptedBus {
    pub(crate) failures: Mutex<VecDeque<Option<ErrorKind>>>,
    published: Mutex<Vec<(String, Record)>>,
}

impl ScriptedBus {
    pub(crate) fn records(&self, topic: &str) -> Vec<Record> {
        let published = self.published.lock().unwrap();
        published.iter().filter(|(at, _)| at == topic).map(|(_, record)| record.clone()).collect()
    }
}

#[async_trait]
impl Bus for ScriptedBus {
    async fn ensure_topics(&self, _: &[TopicSpec]) -> Result<(), BusError> {
        Ok(())
    }

    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        let failure = self.failures.lock().unwrap().pop_front().flatten();
        let mut published = self.published.lock().unwrap();
        let outcome = |record| match failure {
            Some(kind) => Err(BusError::new(kind, "as the test wants")),
            None => {
                published.push((topic.to_owned(), record));
                let offset = published.len() as u64;
                Ok(Position { topic: topic.into(), partition: 0, offset, index: 0 })
            }
        };
        batch.into_iter().map(outcome).collect()
    }

    async fn subscribe(&self, _: &str, _: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        Err(BusError::new(ErrorKind::Fatal, "nothing is consumed here"))
    }

    async fn lag(&self, _: &str, _: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        Ok(Vec::new())
    }

    async fn read(&self, _: &Position) -> Result<Option<Record>, BusError> {
        Ok(None)
    }

    fn durability_warning(&self) -> Option<String> {
        None
    }
}

/// What doors with these settings share, in front of this log.
pub(crate) fn foundation(
    config: &Config,
    bus: &Arc<ScriptedBus>,
    context: &Context,
) -> Arc<Foundation> {
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus: bus.clone(), ledgers, context: context.clone() };
    Foundation::new(config, runtime, Clock::system(), &Stores::default())
}

/// The same, where it is as late as the test says.
pub(crate) fn foundation_at(
    config: &Config,
    bus: &Arc<ScriptedBus>,
    context: &Context,
    now_ns: &Arc<AtomicI64>,
) -> Arc<Foundation> {
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus: bus.clone(), ledgers, context: context.clone() };
    let now_ns = Arc::clone(now_ns);
    let clock = Clock(Arc::new(move || now_ns.load(Ordering::Relaxed)));
    Foundation::new(config, runtime, clock, &Stores::default())
}

/// Where the lines of one body over HTTP come from.
pub(crate) fn origin_of_body() -> Arc<Origin> {
    Arc::new(Origin {
        shop: "default".into(),
        source: "192.0.2.1".into(),
        listener: crate::http::DOOR.into(),
        codec: Codec::Json,
        content_type: "application/x-ndjson".into(),
        trace_context: "".into(),
        routing_key: "body".into(),
    })
}

struct Rig {
    bus: Arc<ScriptedBus>,
    context: Context,
    ledgers: Arc<Ledgers>,
    foundation: Arc<Foundation>,
    intake: Intake,
}

fn rig(failures: impl IntoIterator<Item = Option<ErrorKind>>) -> Rig {
    let bus = Arc::new(ScriptedBus::default());
    bus.failures.lock().unwrap().extend(failures);
    let context = Context::default();
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus: bus.clone(), ledgers: ledgers.clone(), context: context.clone() };
    let clock = Clock(Arc::new(|| NOW_NS));
    let foundation = Foundation::new(&Config::default(), runtime, clock, &Stores::default());
    let intake = Intake::new("tcp", &foundation);
    Rig { bus, context, ledgers, foundation, intake }
}

impl Rig {
    fn batch(&self, lines: &[&'static str]) -> Batch {
        let mut batch = self.intake.batch(Ids::Keyed("key".into()));
        batch.set_origin(&Arc::new(Origin {
            shop: "default".into(),
            source: "192.0.2.1".into(),
            listener: "tcp".into(),
            codec: Codec::Plain,
            content_type: "text/plain".into(),
            trace_context: "trace".into(),
            routing_key: "connection".into(),
        }));
        for (index, line) in lines.iter().enumerate() {
            let payload = Bytes::from_static(line.as_bytes());
            batch.push(Line::good(index as u64 + 1, payload));
        }
        batch
    }

    fn payloads(&self, topic: &str) -> Vec<Bytes> {
        self.bus.records(topic).into_iter().map(|record| record.payload).collect()
    }
}

fn rejection(kind: &'static str) -> Rejection {
    Rejection { kind: kind.into(), message: "wrong".into(), position_bytes: Some(3) }
}

#[tokio::test]
async fn a_batch_is_full_of_what_its_lines_hold() {
    let rig = rig([]);
    let mut batch = rig.batch(&[]);
    batch.pin(700 << 10);
    assert!(batch.held_bytes() == 0 && !batch.is_full(), "no line holds it");
    batch.pin(300 << 10);
    batch.push(Line::good(1, Bytes::from_static(b"{}")));
    assert_eq!(batch.held_bytes(), 300 << 10, "two bytes hold their whole block");
    batch.pin(700 << 10);
    assert!(!batch.is_full());
    batch.pin(24 << 10);
    assert!(batch.is_full());
}

#[tokio::test]
async fn a_line_becomes_a_record_with_the_doors_time_and_origin() {
    let rig = rig([]);
    let answers = rig.intake.take(&rig.batch(&["one", "two"])).await;
    assert_eq!(answers, [Answer::Accepted, Answer::Accepted]);
    let records = rig.bus.records(TOPIC_RAW);
    assert_eq!(records[1].payload, "two");
    assert_eq!(records[1].received_at_ns, NOW_NS);
    assert_eq!(records[1].id, Ids::Keyed("key".into()).of("default", 2));
    assert_eq!((&*records[1].shop, &*records[1].source), ("default", "192.0.2.1"));
    assert_eq!((&*records[1].listener, records[1].codec), ("tcp", Codec::Plain));
    assert_eq!((&*records[1].content_type, &*records[1].trace_context), ("text/plain", "trace"));
    assert_eq!((&*records[1].routing_key, records[1].attempt), ("connection", 0));
    assert_eq!(rig.ledgers.doors()[0].accepted, 2);
}

#[tokio::test]
async fn a_refused_line_is_a_dead_letter_with_the_same_id() {
    let rig = rig([]);
    let mut batch = rig.batch(&["good", "bad", "beginn"]);
    batch.lines[1].refuse(rejection("invalid_json"));
    let fault = Fault { rejection: rejection("too_large"), payload_bytes: 5_000_000 };
    batch.lines[2].fault = Some(Box::new(fault));
    let answers = rig.intake.take(&batch).await;
    assert_eq!(answers[0], Answer::Accepted);
    assert_eq!(answers[1], Answer::Refused(Box::new(rejection("invalid_json"))));

    let letters: Vec<DeadLetter> = rig
        .bus
        .records(TOPIC_DEAD)
        .iter()
        .map(|record| DeadLetter::from_record(record).unwrap())
        .collect();
    assert_eq!(letters[0].stage, STAGE);
    assert_eq!(letters[0].record_id(), Some(Ids::Keyed("key".into()).of("default", 2)));
    assert_eq!(letters[0].replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, "bad");
    assert_eq!(letters[1].payload_bytes, 5_000_000);
    assert!(
        letters[1].replay(None, REPLAY_ATTEMPTS_MAX).is_err(),
        "a beginning is never replayed as if it were whole"
    );
    let door = &rig.ledgers.doors()[0];
    assert_eq!((door.accepted, door.refused["invalid_json"], door.refused["too_large"]), (1, 1, 1));
}

#[tokio::test]
async fn no_room_is_busy_and_leaves_no_count() {
    let rig = rig([Some(ErrorKind::Transient)]);
    let answers = rig.intake.take(&rig.batch(&["one"])).await;
    assert_eq!(answers, [Answer::Busy { retry_after: Duration::from_secs(1) }]);
    assert_eq!(rig.ledgers.doors()[0].accepted, 0);
}

#[tokio::test]
async fn a_line_is_not_refused_before_its_dead_letter_is_durable() {
    let rig = rig([Some(ErrorKind::Transient)]);
    let mut batch = rig.batch(&["bad"]);
    batch.lines[0].refuse(rejection("invalid_json"));
    let answers = rig.intake.take(&batch).await;
    assert!(matches!(answers[..], [Answer::Busy { .. }]));
    assert!(rig.ledgers.doors()[0].refused.is_empty());
}

#[tokio::test]
async fn what_the_log_refuses_for_good_is_a_dead_letter() {
    let rig = rig([Some(ErrorKind::Rejected)]);
    let answers = rig.intake.take(&rig.batch(&["too large for the log"])).await;
    assert!(matches!(&answers[..], [Answer::Refused(why)] if why.kind == "publish_refused"));
    assert_eq!(rig.bus.records(TOPIC_DEAD).len(), 1);
}

#[tokio::test]
async fn a_dead_letter_that_is_too_large_for_the_log_stands_without_the_lines_bytes() {
    let rig = rig([Some(ErrorKind::Rejected), None]);
    let mut batch = rig.batch(&["bad"]);
    batch.lines[0].refuse(rejection("invalid_json"));
    let answers = rig.intake.take(&batch).await;
    assert_eq!(answers, [Answer::Refused(Box::new(rejection("invalid_json")))]);
    let letters = rig.bus.records(TOPIC_DEAD);
    let letter = DeadLetter::from_record(&letters[0]).unwrap();
    assert_eq!((&*letter.kind, &letter.payload), ("invalid_json", &None));
    assert_eq!((letters.len(), letter.payload_bytes), (1, 3));
}

#[tokio::test]
async fn a_broken_log_shows_in_the_health_until_it_works_again() {
    let rig = rig([Some(ErrorKind::Fatal)]);
    rig.context.health.set(STAGE, HealthState::Ready);
    let answers = rig.intake.take(&rig.batch(&["one"])).await;
    assert_eq!(answers, [Answer::Busy { retry_after: Duration::from_secs(30) }]);
    assert!(rig.intake.is_failed());
    let reason = "as the test wants".to_owned();
    assert_eq!(rig.context.health.parts()[STAGE], HealthState::Failed { reason });
    rig.intake.take(&rig.batch(&["one"])).await;
    assert!(!rig.intake.is_failed() && rig.context.health.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_patient_sender_loses_nothing_and_repeats_nothing() {
    let busy = Some(ErrorKind::Transient);
    // The log takes the good lines at the third try, and the dead letter at the fifth.
    let rig = rig([busy, busy, busy, busy, None, busy, None]);
    let mut batch = rig.batch(&["one", "bad", "two"]);
    batch.lines[1].refuse(rejection("invalid_json"));
    let left = rig.intake.settle(batch).await;
    assert!(left.is_empty());
    assert_eq!(rig.payloads(TOPIC_RAW), ["one", "two"]);
    assert_eq!(rig.bus.records(TOPIC_DEAD).len(), 1);
    let door = &rig.ledgers.doors()[0];
    assert_eq!((door.accepted, door.refused["invalid_json"], door.busy), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn patience_ends_with_the_process_and_the_loss_is_counted() {
    let rig = rig(std::iter::repeat_n(Some(ErrorKind::Transient), 1_000));
    let batch = rig.batch(&["one", "two"]);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        rig.foundation.give_up.cancel();
    };
    let (left, ()) = tokio::join!(rig.intake.settle(batch), stop);
    assert_eq!(left.lines.len(), 2);
    let text = rig.context.metrics.text();
    assert!(text.contains("millrace_gateway_lost_records_total{door=\"tcp\"} 2"), "{text}");
}

#[tokio::test]
async fn what_is_taken_in_is_counted_by_shop_and_what_comes_again_is_not() {
    let rig = rig([]);
    let mut batch = rig.batch(&["one", "busy", "refused"]);
    batch.set_origin(&Arc::new(Origin {
        shop: "other".into(),
        source: "192.0.2.2".into(),
        listener: "tcp".into(),
        codec: Codec::Plain,
        content_type: ByteString::new(),
        trace_context: ByteString::new(),
        routing_key: "another connection".into(),
    }));
    batch.push(Line::good(4, Bytes::from_static(b"of another")));
    let answers = [
        Answer::Accepted,
        Answer::Busy { retry_after: Duration::from_secs(1) },
        Answer::Refused(Box::new(rejection("invalid_json"))),
        Answer::Accepted,
    ];
    let expected: [(ByteString, u64, u64); 2] =
        [("default".into(), 2, 10), ("other".into(), 1, 10)];
    assert_eq!(batch.taken_in(&answers), expected);
    assert_eq!(batch.shop(), "default");
}
