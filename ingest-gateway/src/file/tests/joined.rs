//! Events of several lines: what is one, when it ends, and that no crash, cut or rotation loses a line of it.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use bus::{JoinLimit, Joined};

use super::read_once::{gzip, read_once};
use super::{LINE_BYTES_MAX, Rig, door};
use crate::config::{FileConfig, What};

/// Lines that begin with a blank belong to the line before them.
fn joins(config: &mut FileConfig) {
    config.multiline.pattern = Some("^ ".into());
    config.multiline.what = What::Previous;
}

/// A longer time than that for which it is waited for a line.
const LONG: Duration = Duration::from_secs(3);

impl Rig {
    /// Lets time pass in which no line comes.
    async fn let_flush(&mut self) {
        self.now += LONG;
        self.round().await;
    }
}

#[tokio::test]
async fn lines_that_belong_together_are_one_event() {
    let mut rig = Rig::new(joins);
    rig.append("a.log", "one\n 1\n\r\n 2\r\ntwo\nthree\n 3\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one\n 1", "\n 2", "two"], "an empty line begins another event");
    rig.append("a.log", " 4\nfour\n");
    rig.round().await;
    rig.round().await;
    assert_eq!(rig.texts()[3..], ["three\n 3\n 4"], "the last one may go on");
    let told: Vec<_> = rig.records().iter().map(|r| Joined::of(&r.content_type)).collect();
    let several = Some(Joined { is_several: true, limit: None });
    assert_eq!(told, [several, several, None, several]);
}

#[tokio::test]
async fn an_event_ends_when_no_line_has_come_for_long_enough() {
    let mut rig = Rig::new(joins);
    rig.append("a.log", "one\n 1\n");
    rig.round().await;
    rig.now += Duration::from_secs(1);
    rig.append("a.log", " 2\n");
    rig.round().await;
    rig.now += Duration::from_millis(1_900);
    rig.round().await;
    assert!(rig.texts().is_empty(), "each line begins the time anew");
    rig.let_flush().await;
    assert_eq!(rig.texts(), ["one\n 1\n 2"]);
    assert!(rig.kept().contains("\"offset\":10"), "{}", rig.kept());
    rig.append("a.log", "\n\n");
    rig.round().await;
    rig.let_flush().await;
    assert_eq!(rig.texts().len(), 1, "empty lines alone are no event");
    assert!(rig.kept().contains("\"offset\":12"), "{}", rig.kept());
}

#[tokio::test]
async fn a_position_never_passes_the_beginning_of_an_event_that_is_not_durable() {
    let mut rig = Rig::new(joins);
    rig.append("a.log", "one\ntwo\n 2\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one"]);
    assert!(rig.kept().contains("\"offset\":4"), "{}", rig.kept());
    rig.restart();
    rig.append("a.log", " 3\nthree\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two\n 2\n 3"], "its lines are read again");
    // It ends by time, and the process ends before the log has it.
    rig.refuse(1_000);
    rig.now += LONG;
    rig.door.end_due(rig.now, false);
    assert!(rig.door.awaits_arrivals());
    rig.door.save();
    assert!(rig.kept().contains("\"offset\":14"), "{}", rig.kept());
    rig.restart();
    rig.bus.failures.lock().unwrap().clear();
    rig.round().await;
    rig.let_flush().await;
    assert_eq!(rig.texts()[2..], ["three"]);
}

#[tokio::test]
async fn what_is_sent_again_is_one_event_unless_it_has_more_lines() {
    for (more, events, ids) in
        [("two\n", ["one\n 1", "one\n 1"], 1), (" 2\ntwo\n", ["one\n 1", "one\n 1\n 2"], 2)]
    {
        let mut rig = Rig::new(joins);
        rig.append("a.log", "one\n 1\n");
        rig.round().await;
        rig.now += LONG;
        rig.door.end_due(rig.now, false);
        let arrival = rig.door.arrival().await;
        rig.door.settle(&arrival, rig.now);
        // The log has it, and that is not on disk.
        rig.restart();
        rig.append("a.log", more);
        rig.round().await;
        assert_eq!(rig.texts(), events);
        let known: HashSet<_> = rig.records().iter().map(|record| record.id).collect();
        assert_eq!(known.len(), ids, "the same id would hide the line that came later");
    }
}

#[tokio::test]
async fn an_event_that_has_begun_outlives_the_cut_of_its_file() {
    let mut rig = Rig::new(joins);
    rig.append("a.log", "one\n 1\n");
    rig.round().await;
    fs::write(rig.path("a.log"), "").unwrap();
    rig.append("a.log", " 2\n");
    rig.refuse(1);
    rig.round().await;
    assert_eq!(
        rig.texts(),
        ["one\n 1"],
        "it is whole, and nothing of the new content belongs to it"
    );
    rig.append("a.log", "two\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one\n 1", " 2"]);
    fs::write(rig.path("a.log"), "three is longer than all\n").unwrap();
    rig.round().await;
    rig.let_flush().await;
    assert_eq!(rig.texts()[2..], ["two", "three is longer than all"]);
}

#[tokio::test]
async fn an_event_goes_on_in_a_renamed_file_and_ends_there() {
    let mut rig = Rig::new(joins);
    rig.append("a.log", "one\n 1\n");
    rig.round().await;
    rig.rename("a.log", "a.log.1");
    rig.append("a.log.1", " 2\n");
    rig.append("a.log", " of another\n");
    rig.round().await;
    rig.let_flush().await;
    assert_eq!(rig.sorted(), [" of another", "one\n 1\n 2"]);
}

#[tokio::test]
async fn an_event_of_a_file_that_goes_away_is_not_lost() {
    let mut rig = Rig::new(joins);
    rig.append("deleted.log", "one\n 1\n");
    rig.append("moved.log", "two\n 2\n");
    rig.append("stays.log", "three\n 3\n");
    rig.round().await;
    fs::remove_file(rig.path("deleted.log")).unwrap();
    fs::rename(rig.path("moved.log"), rig.folder.path().join("elsewhere")).unwrap();
    rig.let_rest().await;
    rig.let_rest().await;
    assert_eq!(rig.sorted(), ["one\n 1", "three\n 3", "two\n 2"]);
    assert_eq!(rig.open_files(), 0);

    rig.append("deleted.log", "four\n 4\n");
    rig.append("moved.log", "five\n 5\n");
    rig.append("stays.log", "six\n 6\n");
    rig.round().await;
    fs::remove_file(rig.path("deleted.log")).unwrap();
    fs::rename(rig.path("moved.log"), rig.folder.path().join("elsewhere")).unwrap();
    rig.rename("stays.log", "stays.log.1");
    let next = door(&rig.foundation, &rig.config, &rig.context);
    std::mem::replace(&mut rig.door, next).finish().await;
    let mut sent = rig.texts().split_off(3);
    sent.sort();
    assert_eq!(sent, ["five\n 5", "four\n 4"], "at a stop, what nobody can read again");
    rig.restart();
    rig.round().await;
    rig.let_flush().await;
    assert_eq!(rig.texts()[5..], ["six\n 6"], "and the other one goes on");
}

#[tokio::test]
async fn limits_end_events_and_a_line_that_is_too_long_stays_alone() {
    let mut rig = Rig::new(|config| {
        joins(config);
        config.multiline.lines_max = 3;
    });
    let long = "x".repeat(usize::try_from(LINE_BYTES_MAX).unwrap() + 1);
    rig.append("a.log", format!("one\n 1\n 2\n 3\ntwo\n{long}\n 4\nthree\n {}\n", &long[..1_020]));
    rig.round().await;
    rig.let_flush().await;
    let large = format!(" {}", &long[..1_020]);
    assert_eq!(rig.texts(), ["one\n 1\n 2", " 3", "two", " 4", "three", &large]);
    assert_eq!(rig.letters()[0].kind, "too_large");
    let limits: Vec<_> = rig.records().iter().map(|r| Joined::of(&r.content_type)?.limit).collect();
    let (lines, bytes) = (Some(JoinLimit::Lines), Some(JoinLimit::Bytes));
    assert_eq!(limits, [lines, None, None, None, bytes, None]);
    let hits = |limit| {
        rig.metric(&format!("millrace_gateway_limit_hits_total{{door=\"file\",limit=\"{limit}\"}}"))
    };
    assert_eq!((hits("multiline_lines"), hits("multiline_bytes")), (1, 1));
}

#[tokio::test]
async fn events_that_go_over_blocks_and_batches_are_whole() {
    let mut rig = Rig::new(joins);
    let events: Vec<String> = (0..10_000)
        .map(|n| format!("{n} {}{}", "z".repeat(n % 150), "\n at".repeat(n % 9)))
        .collect();
    rig.append("a.log", events.join("\n") + "\n");
    rig.round().await;
    rig.let_flush().await;
    assert_eq!(rig.texts(), events);
    let ids: HashSet<_> = rig.records().iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), events.len());
}

#[tokio::test]
async fn the_end_of_a_file_that_is_read_once_ends_its_last_event() {
    let mut rig = Rig::new(|config| {
        joins(config);
        read_once(config);
    });
    rig.append("a.log", "one\n 1\ntwo\n 2");
    rig.append("b.log.gz", gzip("three\n 3\n"));
    rig.append("empty.log", "\n\n");
    rig.round().await;
    assert_eq!(rig.sorted(), ["one\n 1", "three\n 3", "two\n 2"]);
    rig.restart();
    rig.round().await;
    assert_eq!(rig.texts().len(), 3, "they are marked as read");
}

#[tokio::test]
async fn files_that_are_not_held_open_have_events_too() {
    let mut rig = Rig::new(|config| {
        joins(config);
        config.open_files_max = 5;
    });
    for n in 0..50 {
        rig.append(&format!("{n}.log"), format!("{n}\n 1\n"));
    }
    rig.round().await;
    for n in 0..50 {
        rig.append(&format!("{n}.log"), " 2\n");
    }
    // The files that are closed were looked at last before that.
    rig.now += LONG;
    rig.door.look(rig.now);
    rig.door.end_due(rig.now, false);
    rig.round().await;
    assert!(rig.texts().is_empty());
    rig.let_flush().await;
    let mut expected: Vec<_> = (0..50).map(|n| format!("{n}\n 1\n 2")).collect();
    expected.sort();
    assert_eq!(rig.sorted(), expected);
    assert!(rig.open_files() <= 5);
}

#[tokio::test]
async fn events_that_have_begun_hold_memory_and_not_all_of_it_for_ever() {
    let mut rig = Rig::new(joins);
    let held = "millrace_gateway_reading_held_bytes";
    rig.append("a.log", "one\n 1\n");
    rig.round().await;
    assert_eq!(rig.metric(held), 6);
    rig.append("a.log", " 2\n");
    rig.door.scan(rig.now);
    let next = rig.door.next().unwrap();
    // Others have the memory that its next line wants.
    for (waited, is_scarce) in [(LONG, true), (Duration::from_secs(100), false)] {
        rig.door.end_due(rig.now + waited, is_scarce);
        assert!(!rig.door.awaits_arrivals(), "a line that has come is waited for");
    }
    rig.door.end_due(rig.now + Duration::from_secs(61), true);
    assert!(rig.door.awaits_arrivals());
    rig.read_next(next).await;
    rig.round().await;
    rig.round().await;
    rig.let_flush().await;
    assert_eq!(rig.texts(), ["one\n 1", " 2"], "in order, and nothing twice");
    assert_eq!(rig.metric(held), 0);
}
