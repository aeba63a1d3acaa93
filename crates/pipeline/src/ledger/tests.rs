//! Numbers that add up, fit into a commit's metadata, and come back from it.

use bus::{Batch, Positioned};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::testing::record;

fn partition() -> PartitionId {
    PartitionId { topic: "logs.raw".into(), partition: 0 }
}

fn batch(offset: u64, records: u64) -> Batch {
    let positioned = |number| Positioned { offset, index: 0, record: record(number, "x") };
    Batch {
        partition: partition(),
        next_offset: offset + 1,
        declared_records: records,
        records: (0..records).map(positioned).collect(),
    }
}

fn start(metadata: Bytes) -> PartitionStart {
    PartitionStart { partition: partition(), offset: 0, metadata }
}

#[test]
fn in_flight_is_counted_on_its_own() {
    let ledgers = Ledgers::new(&Metrics::default());
    let ledger = ledgers.open("indexer", &start(Bytes::new()));
    ledger.taken(&batch(0, 3));
    ledger.taken(&batch(1, 2));
    assert_eq!(ledgers.snapshot()[0].in_flight, 5);
    assert!(ledgers.is_balanced());
    ledger.settled(&Counters { received: 3, forwarded: 3, ..Counters::default() }, 1);
    assert_eq!(ledgers.snapshot()[0].in_flight, 2);
    assert!(ledgers.is_balanced());
    ledger.settled(&Counters { received: 2, forwarded: 1, ..Counters::default() }, 1);
    assert_eq!(ledgers.snapshot()[0].balance, 1, "a record has vanished");
    assert!(!ledgers.is_balanced());
}

#[test]
fn the_numbers_of_stages_are_apart_and_those_of_partitions_together() {
    let ledgers = Ledgers::new(&Metrics::default());
    let first = ledgers.open("indexer", &start(Bytes::new()));
    let mut other = start(Bytes::new());
    other.partition.partition = 1;
    let second = ledgers.open("indexer", &other);
    ledgers.open("enricher", &start(Bytes::new())).taken(&batch(0, 7));
    first.taken(&batch(0, 1));
    second.taken(&batch(0, 2));
    let received: Vec<_> =
        ledgers.snapshot().into_iter().map(|stage| (stage.stage, stage.received)).collect();
    assert_eq!(received, [("enricher".to_owned(), 7), ("indexer".to_owned(), 3)]);
    ledgers.close("indexer", &other.partition);
    assert_eq!(ledgers.snapshot()[1].received, 1);
}

#[test]
fn a_stage_that_runs_elsewhere_is_known_by_its_commits() {
    let ledgers = Ledgers::new(&Metrics::default());
    ledgers.open("dead-letters", &start(Bytes::new())).taken(&batch(0, 1));
    let commit =
        |received, forwarded| Counters { received, forwarded, ..Counters::default() }.to_metadata();
    let commits = [
        ("enricher", vec![commit(5, 5), Bytes::new(), commit(3, 2)]),
        ("dead-letters", vec![commit(9, 9)]),
        ("fraud-worker", vec![Bytes::new(), Bytes::new()]),
    ];
    let stages = ledgers.overview(commits);
    let numbers: Vec<_> =
        stages.iter().map(|one| (&*one.stage, one.received, one.in_flight, one.balance)).collect();
    assert_eq!(numbers, [("dead-letters", 1, 1, 0), ("enricher", 8, 0, 1)]);
}

#[test]
fn metadata_of_something_else_is_a_fresh_start() {
    for metadata in ["{}", "not json", "{\"received\":-1}", "\u{0}\u{1}"] {
        let ledgers = Ledgers::new(&Metrics::default());
        drop(ledgers.open("indexer", &start(metadata.as_bytes().to_vec().into())));
        assert_eq!(ledgers.snapshot()[0].received, 0);
        assert!(ledgers.is_balanced());
    }
}

#[test]
fn doors_count_what_they_take_refuse_and_turn_away() {
    let metrics = Metrics::default();
    let ledgers = Ledgers::new(&metrics);
    let door = ledgers.door("http");
    door.accepted(5);
    ledgers.door("http").accepted(1);
    door.refused("invalid_json", 2);
    door.busy(3);
    let shown = &ledgers.doors()[0];
    assert_eq!((shown.door.as_str(), shown.accepted, shown.busy), ("http", 6, 3));
    assert_eq!(shown.refused["invalid_json"], 2);
    let text = metrics.text();
    for line in [
        "millrace_door_accepted_records_total{door=\"http\"} 6",
        "millrace_door_refused_records_total{door=\"http\",kind=\"invalid_json\"} 2",
        "millrace_door_busy_total{door=\"http\"} 3",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

fn counters() -> impl Strategy<Value = Counters> {
    let counts = || prop::collection::vec((".{0,80}", 0..u64::MAX / 4096), 0..60);
    let number = || 0..u64::MAX / 4;
    (number(), number(), counts(), counts(), number(), number()).prop_map(
        |(received, forwarded, discarded, dead, outputs, redelivered)| {
            let named = |counts: Vec<(String, u64)>| {
                let mut named = NamedCounts::default();
                counts.iter().for_each(|(name, count)| named.add(name, *count));
                named
            };
            let (discarded, dead) = (named(discarded), named(dead));
            Counters { received, forwarded, discarded, dead, outputs, redelivered }
        },
    )
}

proptest! {
    #[test]
    fn metadata_is_bounded_and_reads_back(counters in counters()) {
        let metadata = counters.to_metadata();
        prop_assert!(metadata.len() <= 4096, "{} bytes", metadata.len());
        prop_assert_eq!(Counters::from_metadata(&metadata).unwrap(), counters);
    }

    #[test]
    fn no_count_is_lost_in_the_overflow(names in prop::collection::vec(".{0,60}", 0..200)) {
        let mut counts = NamedCounts::default();
        names.iter().for_each(|name| counts.add(name, 1));
        prop_assert_eq!(counts.total(), names.len() as u64);
        prop_assert!(counts.by_name().len() <= NAMES_MAX);
        let mut merged = counts.clone();
        merged.merge(&counts);
        prop_assert_eq!(merged.total(), 2 * names.len() as u64);
    }
}
