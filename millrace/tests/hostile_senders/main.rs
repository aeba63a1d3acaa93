//! Hostile senders against the real program with all of its services, in a process of its own: each input of the
//! project's list that reaches a door, by its number, while somebody who means well is served, and while the process's
//! memory is looked at. What each kind of attack can be in detail is tested where the doors are
//! (`ingest-gateway/tests/hostile`).

mod h01_decompression_bomb;
mod h02_nested_compression;
mod h03_lumberjack_lengths;
mod h04_lumberjack_windows;
mod h05_endless_line;
mod h06_false_length;
mod h07_deep_nesting;
mod h08_many_keys;
mod h09_strange_bytes;
mod h12_names_of_things;
mod h13_forged_lines;
mod h20_tokens;
mod h21_revoked_tokens;
mod h22_floods;
mod h22_smuggling;
mod h23_slow_and_many;
mod h24_spoofed_datagrams;
mod h25_times;
mod h26_hot_shop;

mod senders;
#[path = "../support/mod.rs"]
mod support;
mod target;
mod watch;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use support::eventually;
use target::Target;
use watch::Watch;

/// The longest that nine of ten exchanges may take.
const SERVED_WITHIN: Duration = Duration::from_secs(1);
/// How much more than before may be resident: the doors' 32 MiB, what the kernel and the allocator round up, and what
/// the stages need for the dead letters that come of the attacks.
const RISE_BYTES_MAX: u64 = 128 << 20;

/// An attack, and the lines of the metrics that count it.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Target),
    pub(crate) counted_by: &'static [&'static str],
}

/// On doors that let everybody in.
const OPEN: [&[Attack]; 18] = [
    h01_decompression_bomb::ATTACKS,
    h02_nested_compression::ATTACKS,
    h03_lumberjack_lengths::ATTACKS,
    h04_lumberjack_windows::ATTACKS,
    h05_endless_line::ATTACKS,
    h06_false_length::ATTACKS,
    h07_deep_nesting::ATTACKS,
    h08_many_keys::ATTACKS,
    h09_strange_bytes::ATTACKS,
    h12_names_of_things::ATTACKS,
    h13_forged_lines::ATTACKS,
    h20_tokens::GUESSES,
    h22_floods::ATTACKS,
    h22_smuggling::ATTACKS,
    h23_slow_and_many::ATTACKS,
    h24_spoofed_datagrams::ATTACKS,
    h25_times::ATTACKS,
    h25_times::REFUSED,
];
/// On doors that ask for tokens.
const GUARDED: [&[Attack]; 3] =
    [h20_tokens::WRONG, h21_revoked_tokens::ATTACKS, h26_hot_shop::ATTACKS];

/// One program is attacked at a time: how long others wait is measured.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn hostile_senders_are_refused_and_counted_while_others_are_served() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    withstands(&Target::open(), &OPEN);
}

#[test]
fn hostile_senders_where_tokens_are_asked_for_are_refused_too() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    withstands(&Target::guarded(), &GUARDED);
}

fn withstands(target: &Target, attacks: &[&[Attack]]) {
    for Attack { name, run, counted_by } in attacks.iter().copied().flatten() {
        let before: Vec<f64> = counted_by.iter().map(|metric| target.metric(metric)).collect();
        let watch = Watch::begin(target);
        run(target);
        let (most, rise_bytes) = watch.end();
        assert!(most < SERVED_WITHIN, "{name}: one in ten waited for {most:?} or longer");
        assert!(rise_bytes < RISE_BYTES_MAX, "{name}: {rise_bytes} bytes");
        for (metric, before) in counted_by.iter().zip(before) {
            eventually(name, || match target.metric(metric) {
                now if now > before => Ok(()),
                now => Err(format!("{metric} is {now}")),
            });
        }
    }
    assert!(target.platform.status().is_object(), "the process is still the same");
}
