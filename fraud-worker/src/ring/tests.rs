use bus::RecordId;
use proptest::prelude::*;

use super::*;

fn transaction(number: u8, timestamp_ms: i64, amount: &str) -> Transaction {
    Transaction {
        id: RecordId([number; 16]),
        shop: "default".to_owned(),
        timestamp_ms,
        amount: Amount::parse(amount),
        amount_is_unreadable: false,
        amount_text: Some(amount.to_owned()),
        currency: "EUR".to_owned(),
        user: Some("u-1".to_owned()),
        session: None,
        address: None,
        order: None,
    }
}

fn decision(score: u16) -> Decision {
    let reason =
        Reason { rule: Rule::AmountRatio, value: Amount(40_000), threshold: Amount(32_000) };
    Decision { score, reasons: vec![reason] }
}

#[test]
fn a_record_that_comes_again_changes_nothing() {
    let mut ring = Ring::default();
    assert!(ring.insert(&transaction(1, 1_000, "10.00"), &decision(600)));
    let before = ring.encode();
    assert!(!ring.insert(&transaction(1, 1_000, "10.00"), &decision(0)));
    assert_eq!(ring.encode(), before);
    assert_eq!(ring.decision_of(&RecordId([1; 16])), Some(&decision(600)));
}

#[test]
fn windows_go_by_event_time_not_by_arrival() {
    let mut ring = Ring::default();
    for (number, timestamp_ms) in [(3, 3_000), (1, 1_000), (2, 2_000)] {
        ring.insert(&transaction(number, timestamp_ms, "5.00"), &Decision::default());
    }
    assert_eq!(ring.count_between(1_000, 3_000), 2);
    assert_eq!(ring.amounts_before(2_000, "EUR"), [50_000, 50_000]);
    assert!(ring.amounts_before(2_000, "USD").is_empty());
}

fn numbered(number: usize) -> Transaction {
    let id = RecordId((number as u128).to_be_bytes());
    Transaction { id, ..transaction(0, number as i64, "1.00") }
}

#[test]
fn the_oldest_is_let_go_when_the_ring_is_full_and_what_was_decided_is_kept() {
    let mut ring = Ring::default();
    for number in 0..=ENTRIES_MAX {
        ring.insert(&numbered(number), &decision(number as u16));
    }
    assert_eq!(ring.count_between(i64::MIN, i64::MAX), ENTRIES_MAX as u64);
    assert_eq!(ring.decision_of(&numbered(0).id), Some(&decision(0)));
    assert!(!ring.insert(&numbered(0), &decision(1)));
    assert_eq!(Ring::decode(&ring.encode()), Ok(ring));
}

#[test]
fn decisions_are_bounded() {
    let mut ring = Ring::default();
    for number in 0..=ENTRIES_MAX + DECISIONS_MAX {
        ring.insert(&numbered(number), &Decision::default());
    }
    assert_eq!(ring.decision_of(&numbered(0).id), None);
    assert!(ring.decision_of(&numbered(1).id).is_some());
}

#[test]
fn a_ring_that_was_stored_without_them_is_read() {
    let mut ring = Ring::default();
    ring.insert(&transaction(1, 1_000, "10.00"), &decision(600));
    let mut stored = ring.encode();
    stored.drain(1..3);
    stored[0] = VERSION_ENTRIES_ONLY;
    assert_eq!(Ring::decode(&stored), Ok(ring));
}

#[test]
fn damaged_bytes_are_an_error_that_names_the_byte() {
    let mut ring = Ring::default();
    ring.insert(&transaction(1, 1_000, "10.00"), &decision(600));
    let bytes = ring.encode();
    for length in 1..bytes.len() {
        let whole = length == 3;
        assert_eq!(Ring::decode(&bytes[..length]).is_ok(), whole, "{length}");
    }
    assert_eq!(Ring::decode(&[9]), Err(DamagedState(0)));
}

proptest! {
    #[test]
    fn what_is_stored_is_what_is_read(
        all in proptest::collection::vec((any::<u8>(), any::<i64>(), any::<Option<i64>>(), 0u16..1001), 0..40)
    ) {
        let mut ring = Ring::default();
        for (number, timestamp_ms, amount, score) in all {
            let mut next = transaction(number, timestamp_ms, "0");
            next.amount = amount.filter(|amount| *amount != i64::MIN).map(Amount);
            ring.insert(&next, &decision(score));
        }
        prop_assert_eq!(Ring::decode(&ring.encode()), Ok(ring));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _outcome = Ring::decode(&bytes);
    }
}
