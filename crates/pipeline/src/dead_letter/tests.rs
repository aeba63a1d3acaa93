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
    assert_eq!(read.record_id(), Some(original.id));
    assert_eq!(read.id_without_hash(), Some(format!("{}-enricher", original.id)));
    assert_eq!(read.position(), Some(position()));
    assert_eq!(read.replay_topic(), TOPIC_RAW);
    assert_eq!(read.replay(None, REPLAY_ATTEMPTS_MAX).unwrap(), Record { attempt: 1, ..original });
}

#[test]
fn letters_of_one_record_stage_and_payload_overwrite_each_other_and_no_others() {
    let ids = |stage: &str, number, payload: &'static str| {
        let letter = DeadLetter::new(stage, &record(number, payload), None, &rejection());
        (letter.id.clone(), letter.into_record().id)
    };
    let first = ids("enricher", 1, "x");
    assert_eq!(first, ids("enricher", 1, "x"));
    assert_ne!(first.1, record(1, "x").id);
    for other in [ids("indexer", 1, "x"), ids("enricher", 2, "x"), ids("enricher", 1, "y")] {
        assert!(first.0 != other.0 && first.1 != other.1, "{first:?} {other:?}");
    }
}

#[test]
fn a_letter_keeps_its_id_through_a_replay_and_without_its_payload() {
    let large = vec![b'x'; PAYLOAD_BYTES_MAX + 1];
    for payload in [b"[1]".to_vec(), large.clone()] {
        let original = record(1, payload);
        let letter = DeadLetter::new("enricher", &original, Some(&position()), &rejection());
        let replayed = letter.replay(Some(original.payload.clone()), REPLAY_ATTEMPTS_MAX).unwrap();
        let again = DeadLetter::new("enricher", &replayed, Some(&position()), &rejection());
        assert_eq!((&again.id, again.attempt), (&letter.id, 1));
        let (key, id) = (letter.id.clone(), letter.clone().into_record().id);
        let shorter = letter.without_payload().into_record();
        assert_eq!((&*shorter.routing_key, shorter.id), (key.as_str(), id));
    }
    let mut other = large.clone();
    *other.last_mut().unwrap() = b'y';
    let id = |payload: Vec<u8>| DeadLetter::new("http", &record(1, payload), None, &rejection()).id;
    assert_ne!(id(large), id(other), "they differ behind what a letter holds");
}

#[test]
fn a_letter_of_the_old_form_of_id_is_continued_by_one_of_its_payload() {
    let letter = |payload: Vec<u8>, attempt| {
        let record = Record { attempt, ..record(1, payload) };
        DeadLetter::new("enricher", &record, Some(&position()), &rejection())
    };
    let old = |payload: Vec<u8>| {
        let letter = letter(payload, 0);
        DeadLetter { id: letter.id_without_hash().unwrap(), ..letter }
    };
    let small = old(b"[1]".to_vec());
    assert_eq!(small.id_without_hash(), None);
    assert_eq!(DeadLetter::from_record(&small.clone().into_record()).unwrap(), small);
    assert_eq!(small.replay(None, 16).unwrap().id, record(1, "").id);
    assert!(letter(b"[1]".to_vec(), 0).continues(&small), "as after a crash");
    assert!(letter(b"[1]".to_vec(), 1).continues(&small));
    assert!(!letter(b"[2]".to_vec(), 1).continues(&small));

    let large = vec![b'x'; PAYLOAD_BYTES_MAX + 1];
    let elsewhere = Some(Position { offset: 43, ..position() });
    let again = |attempt| {
        let record = Record { attempt, ..record(1, large.clone()) };
        DeadLetter::new("enricher", &record, elsewhere.as_ref(), &rejection())
    };
    assert!(letter(large.clone(), 0).continues(&old(large.clone())), "it was read again");
    assert!(again(1).continues(&old(large.clone())), "it was replayed");
    assert!(!again(0).continues(&old(large.clone())), "it was sent again, with whatever bytes");
    assert!(!again(1).continues(&old([large.as_slice(), b"y"].concat())));
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
