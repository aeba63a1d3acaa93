//! Acknowledgements: exact, in order, and never before everything they cover is durable.

use proptest::prelude::*;

use super::{Ack, Windows};
use crate::beats::frame::Version;

const NONE: [u32; 0] = [];

fn acks(windows: &mut Windows) -> Vec<u32> {
    std::iter::from_fn(|| windows.next_ack()).map(|ack| ack.sequence).collect()
}

#[test]
fn an_ack_is_six_bytes() {
    let ack = Ack { version: Version::Two, sequence: 0x0102_0304 };
    assert_eq!(&ack.bytes(), b"2A\x01\x02\x03\x04");
}

#[test]
fn a_window_is_acknowledged_as_a_whole_with_the_senders_own_number() {
    let mut windows = Windows::default();
    windows.begin(Version::Two, 2);
    windows.event(u32::MAX).unwrap();
    windows.made_durable(1);
    assert_eq!(acks(&mut windows), NONE, "half of it is nothing");
    windows.event(0).unwrap();
    assert_eq!(acks(&mut windows), NONE, "it has come and is not durable");
    windows.made_durable(1);
    assert_eq!(acks(&mut windows), [0], "its numbers begin again");
    assert!(windows.event(1).is_err(), "no window is open");
}

#[test]
fn windows_of_nothing_and_windows_within_windows_are_answered_in_order() {
    let mut windows = Windows::default();
    windows.begin(Version::Two, 0);
    assert_eq!(acks(&mut windows), [0]);
    windows.begin(Version::Two, 5);
    windows.begin(Version::Two, 5);
    windows.event(7).unwrap();
    windows.begin(Version::One, 0);
    assert_eq!(acks(&mut windows), NONE, "what has come of the window before is not durable");
    assert_eq!(windows.keep_alive().map(|ack| ack.version), Some(Version::Two));
    windows.made_durable(1);
    assert_eq!(acks(&mut windows), [7, 0]);
    assert!(!windows.is_open() && !windows.is_waiting());
    assert_eq!(windows.keep_alive(), None);
}

#[test]
fn version_1_has_no_keep_alive() {
    let mut windows = Windows::default();
    windows.begin(Version::One, 1);
    assert_eq!(windows.keep_alive(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_window_has_its_ack_once_it_is_durable_and_no_other(
        sizes in prop::collection::vec(0u32..6, 1..20),
        first in any::<u32>(),
        steps in prop::collection::vec(0u64..7, 0..120),
    ) {
        let mut windows = Windows::default();
        // For each window the number of its last event, and how many must be durable.
        let mut expected = Vec::new();
        let (mut sequence, mut received) = (first, 0u64);
        let (mut seen, mut durable) = (Vec::new(), 0u64);
        let mut steps = steps.into_iter();
        for size in sizes {
            windows.begin(Version::Two, size);
            for _ in 0..size {
                sequence = sequence.wrapping_add(1);
                windows.event(sequence).unwrap();
                received += 1;
                let step = steps.next().unwrap_or(0).min(received - durable);
                windows.made_durable(step);
                durable += step;
                seen.extend(acks(&mut windows));
                let due = expected.iter().filter(|(_, needed)| *needed <= durable).count();
                let whole = seen.len() == due || (seen.len() == due + 1 && durable == received);
                prop_assert!(whole, "{} acknowledged, {due} durable", seen.len());
            }
            expected.push((if size == 0 { 0 } else { sequence }, received));
        }
        windows.made_durable(received - durable);
        seen.extend(acks(&mut windows));
        let all: Vec<u32> = expected.into_iter().map(|(sequence, _)| sequence).collect();
        prop_assert_eq!(seen, all);
    }
}
