//! The generator: the same bytes each time, and a truth that adds up.

use super::{Generator, Options};

fn options(seed: u64) -> Options {
    Options {
        count: 5_000,
        seed,
        start: "2026-11-20T00:00:00Z".parse().unwrap(),
        span_seconds: 86_400,
        malformed_share: 0.02,
        dirty_share: 0.03,
        customers: 500,
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let first: Vec<_> = Generator::new(options(7)).collect();
    assert_eq!(first, Generator::new(options(7)).collect::<Vec<_>>());
    assert_ne!(first, Generator::new(options(8)).collect::<Vec<_>>());
}

#[test]
fn the_summary_is_the_truth() {
    let mut generator = Generator::new(options(7));
    let lines: Vec<_> = generator.by_ref().collect();
    let summary = generator.summary();
    let objects =
        lines.iter().filter(|line| serde_json::from_slice::<serde_json::Map<_, _>>(line).is_ok());
    assert_eq!(summary.lines, 5_000);
    assert_eq!(objects.count() as u64, summary.well_formed);
    assert_eq!(summary.by_type.values().sum::<u64>(), summary.well_formed);
    assert_eq!(
        summary.by_day.values().sum::<u64>() + summary.no_usable_timestamp,
        summary.well_formed
    );
    assert_eq!(
        summary.malformed_by_kind.values().sum::<u64>(),
        summary.lines - summary.well_formed
    );
    assert_eq!(
        summary.dead_by_kind.values().sum::<u64>(),
        summary.malformed_by_kind.values().sum::<u64>()
    );
    assert_eq!(summary.by_index.values().sum::<u64>(), summary.by_day.values().sum::<u64>());
    assert_eq!(
        summary.no_usable_timestamp_by_type.values().sum::<u64>(),
        summary.no_usable_timestamp
    );
    let unparsed = summary.unparsed_by_field.values().sum::<u64>();
    assert!(0 < unparsed && unparsed < summary.dirty, "some awkward values can be converted");
    assert_eq!(summary.malformed_by_kind.len(), 10, "every kind occurs");
    assert!(lines.iter().all(|line| !line.contains(&b'\n')), "a line is one line");
}

#[test]
fn an_event_is_spelled_in_many_ways() {
    let lines: Vec<_> = Generator::new(Options { malformed_share: 0.0, ..options(7) }).collect();
    let texts: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
    let share = |test: fn(&str) -> bool| {
        texts.iter().filter(|text| test(text)).count() as f64 / texts.len() as f64
    };
    assert!((0.25..0.4).contains(&share(|text| text.contains("\": "))));
    assert!(share(|text| text.contains("\\u")) > 0.05);
    assert!(share(|text| !text.is_ascii()) > 0.02);
}
