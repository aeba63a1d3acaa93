//! Dead letters keep what they were made from, and do not go round for ever.

use proptest::prelude::*;

use super::*;
use crate::testing::record;

fn rejection() -> Rejection {
    let message = "expected `:`".to_owned();
    Rejection { kind: "invalid_json".into(), message, position_bytes: Some(7) }
}

fn position() -> Position {
    Position { topic: TOPIC_RAW.into(), partition: 3, offset: 42, index: 5 }
}

#[test]
fn a_letter_goes_through_the_log_and_back_into_its_record() {
    let mut original = record(9, vec![0xff, 0x00, b'\n', 0x1b]);
    original.routing_key = "customer".into();
    original.codec = Codec::Plain;
    let letter = DeadLetter::new("enricher", &original, Some(&position()), &rejection());
    let logged = letter.clone().into_record();
    let read = DeadLetter::from_record(&logged).unwrap();
    assert_eq!(read, letter);
    assert_eq!(read.id, format!("{}-enricher", original.id));
    assert_eq!(read.position(), Some(position()));
    assert_eq!(read.replay_topic(), TOPIC_RAW);
    assert_eq!(read.replay(None, REPLAY_ATTEMPTS_MAX).unwrap(), Record { attempt: 1, ..original });
}

#[test]
fn letters_of_one_record_and_stage_overwrite_each_other_and_no_others() {
    let id = |stage: &str, number| {
        DeadLetter::new(stage, &record(number, "x"), None, &rejection()).into_record().id
    };
    assert_eq!(id("enricher", 1), id("enricher", 1));
    assert_ne!(id("enricher", 1), id("indexer", 1));
    assert_ne!(id("enricher", 1), id("enricher", 2));
    assert_ne!(id("enricher", 1), record(1, "x").id);
}

#[test]
fn a_large_payload_stands_at_its_position() {
    let large = record(1, vec![b'x'; PAYLOAD_BYTES_MAX + 1]);
    let letter = DeadLetter::new("enricher", &large, Some(&position()), &rejection());
    assert_eq!((&letter.payload, letter.payload_bytes), (&None, 65_537));
    let refused = letter.replay(None, 16).unwrap_err();
    assert!(matches!(refused, ReplayError::StoredAt { position: at, .. } if at == position()));
    let replayed = letter.replay(Some(large.payload.clone()), 16).unwrap();
    assert_eq!(replayed.payload, large.payload);
    let other = letter.replay(Some("other bytes".into()), 16);
    assert!(matches!(other, Err(ReplayError::NotWhole { .. })));

    let from_door = DeadLetter::new("http", &large, None, &rejection());
    assert!(matches!(from_door.replay(None, 16), Err(ReplayError::NotWhole { .. })));
    assert!(from_door.clone().into_record().payload.len() < 100 * 1024);
}

#[test]
fn what_is_replayed_too_often_is_refused() {
    let mut record = record(1, "x");
    for attempt in 0..REPLAY_ATTEMPTS_MAX {
        let letter = DeadLetter::new("enricher", &record, None, &rejection());
        record = letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap();
        assert_eq!(record.attempt, attempt + 1);
    }
    let letter = DeadLetter::new("enricher", &record, None, &rejection());
    let error = letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap_err().to_string();
    assert!(error.contains("replayed 16 times"), "{error}");
    assert!(letter.replay(None, 17).is_ok());
}

#[test]
fn what_is_no_letter_is_a_rejection() {
    for payload in ["", "{}", "not json", r#"{"id":"x"}"#] {
        let refused = DeadLetter::from_record(&record(1, payload)).unwrap_err();
        assert_eq!(refused.kind, "invalid_dead_letter");
    }
    let mut letter = DeadLetter::new("enricher", &record(1, "x"), None, &rejection());
    letter.id = "../../etc/passwd".to_owned();
    assert!(DeadLetter::from_record(&letter.into_record()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_and_messages_survive(
        payload in prop::collection::vec(any::<u8>(), 0..2000),
        message in ".{0,1200}",
        received_at_ns: i64,
    ) {
        let mut original = record(1, payload);
        original.received_at_ns = received_at_ns;
        let rejection = Rejection { message, ..rejection() };
        let letter = DeadLetter::new("enricher", &original, Some(&position()), &rejection);
        prop_assert!(letter.message.len() <= MESSAGE_BYTES_MAX);
        prop_assert!(rejection.message.starts_with(&letter.message));
        let read = DeadLetter::from_record(&letter.into_record()).unwrap();
        prop_assert_eq!(read.replay(None, REPLAY_ATTEMPTS_MAX).unwrap(), Record { attempt: 1, ..original });
    }
}
