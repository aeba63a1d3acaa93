//! Inputs side by side that are read in different ways and have limits of their own.

use std::fs;

use service::Span;

use super::Rig;
use super::inputs::{texts_of, with_texts};
use super::read_once::gzip;
use crate::config::{FileInputConfig, FileMode, StartPosition};

const BEGINNING: Option<StartPosition> = Some(StartPosition::Beginning);
const DAY_S: i64 = 24 * 3_600;

/// A rig that follows `*.log` and reads `*.txt` and `*.txt.gz` once.
fn followed_and_read_once() -> Rig {
    with_texts(|input| {
        input.mode = Some(FileMode::Read);
        input.paths.push(format!("{}.gz", input.paths[0]));
    })
}

#[tokio::test]
async fn one_input_is_followed_while_another_is_read_once() {
    for is_restarted in [false, true] {
        let mut rig = followed_and_read_once();
        rig.append("a.log", "one\nhal");
        rig.append("a.txt", "two\nwithout an end");
        rig.append("b.txt.gz", gzip("three\n"));
        rig.round().await;
        assert_eq!(texts_of(&rig, "file"), ["one"]);
        assert_eq!(texts_of(&rig, "file-2"), ["three", "two", "without an end"]);
        if is_restarted {
            rig.restart();
        }
        rig.append("a.log", "f\n");
        rig.append("a.txt", "too late\n");
        rig.round().await;
        rig.rename("a.log", "a.log.1");
        rig.append("a.log.1", "four\n");
        rig.rename("a.txt", "a.txt.1");
        rig.append("c.txt", "five");
        rig.round().await;
        assert_eq!(texts_of(&rig, "file"), ["four", "half", "one"], "{is_restarted}");
        let read_once = ["five", "three", "two", "without an end"];
        assert_eq!(texts_of(&rig, "file-2"), read_once, "{is_restarted}");
    }
}

#[tokio::test]
async fn an_input_that_says_no_mode_has_that_of_the_door() {
    let mut rig = Rig::new(|config| {
        config.mode = FileMode::Read;
        config.start_position = None;
        let input = |end: &str| FileInputConfig {
            paths: vec![config.paths[0].replace("*.log", end)],
            ..FileInputConfig::default()
        };
        let followed = FileInputConfig {
            mode: Some(FileMode::Tail),
            start_position: BEGINNING,
            ..input("*.txt")
        };
        let inputs = [("file-2".to_owned(), followed), ("file-3".to_owned(), input("*.csv"))];
        config.inputs.extend(inputs);
    });
    for name in ["a.log", "a.txt", "a.csv"] {
        rig.append(name, "one\nwithout an end");
    }
    rig.round().await;
    for (input, texts) in [
        ("file", &["one", "without an end"][..]),
        ("file-2", &["one"]),
        ("file-3", &["one", "without an end"]),
    ] {
        assert_eq!(texts_of(&rig, input), texts, "{input}");
    }
}

#[tokio::test]
async fn compressed_files_are_left_to_an_input_that_reads_them() {
    let mut rig = Rig::new(|config| {
        config.paths[0] = config.paths[0].replace("*.log", "*");
        let input = FileInputConfig {
            paths: config.paths.clone(),
            mode: Some(FileMode::Read),
            ..FileInputConfig::default()
        };
        config.inputs.insert("file-2".into(), input);
    });
    rig.append("a.log", "one\n");
    rig.append("a.log.1.gz", gzip("two\n"));
    rig.round().await;
    assert_eq!(texts_of(&rig, "file"), ["one"]);
    assert_eq!(texts_of(&rig, "file-2"), ["two"]);
}

#[tokio::test]
async fn a_file_goes_on_as_it_began_until_it_begins_anew() {
    let mut rig = followed_and_read_once();
    rig.append("a.log", "one\n");
    rig.round().await;
    rig.rename("a.log", "a.txt");
    rig.append("a.txt", "two\nhal");
    rig.round().await;
    rig.append("a.txt", "f\n");
    rig.round().await;
    assert_eq!(texts_of(&rig, "file"), ["half", "one", "two"], "it is followed");
    // The same inode, and all bytes are others.
    fs::write(rig.path("a.txt"), "three is longer than all before\nwithout an end").unwrap();
    rig.round().await;
    assert_eq!(texts_of(&rig, "file-2"), ["three is longer than all before", "without an end"]);
    assert_eq!(rig.open_files(), 0, "it has been read once");
}

#[tokio::test]
async fn a_file_that_was_read_once_may_be_followed_after_a_new_start() {
    let mut rig = followed_and_read_once();
    rig.append("a.txt", "one\n");
    rig.round().await;
    rig.rename("a.txt", "a.log");
    rig.append("a.log", "two\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one"], "it has been read");
    rig.restart();
    rig.round().await;
    rig.append("a.log", "three\n");
    rig.round().await;
    assert_eq!(texts_of(&rig, "file"), ["three", "two"]);
    assert_eq!(texts_of(&rig, "file-2"), ["one"]);
}

#[tokio::test]
async fn files_that_stay_open_keep_no_others_from_being_read_once() {
    let mut rig = followed_and_read_once();
    for n in 0..20 {
        rig.append(&format!("{n}.log"), "followed\n");
        rig.append(&format!("{n}.txt"), "read once\n");
    }
    rig.round().await;
    assert_eq!(texts_of(&rig, "file").len(), 20);
    assert_eq!(texts_of(&rig, "file-2").len(), 20);
    assert_eq!(rig.open_files(), 20, "those that are followed");
}

#[tokio::test]
async fn many_files_that_are_read_once_do_not_keep_a_followed_one_waiting() {
    let mut rig = followed_and_read_once();
    for n in 0..100 {
        rig.append(&format!("{n}.txt"), "read once\n");
    }
    rig.door.scan(rig.now);
    let next = rig.door.next().unwrap();
    rig.read_next(next).await;
    rig.append("a.log", "followed\n");
    rig.door.scan(rig.now);
    for _ in 0..2 {
        let next = rig.door.next().unwrap();
        rig.read_next(next).await;
    }
    while rig.door.awaits_arrivals() {
        let arrival = rig.door.arrival().await;
        rig.door.settle(&arrival, rig.now);
    }
    assert_eq!(texts_of(&rig, "file"), ["followed"]);
    rig.round().await;
    assert_eq!(rig.texts().len(), 101);
}

#[tokio::test]
async fn an_input_has_its_own_number_of_open_files_or_shares_the_doors() {
    for (own, of_door, open) in [(Some(2), 512, 12), (None, 3, 3), (Some(4), 3, 7)] {
        let mut rig = with_texts(|input| {
            input.start_position = BEGINNING;
            input.open_files_max = own;
        });
        rig.config.open_files_max = of_door;
        rig.restart();
        for n in 0..10 {
            rig.append(&format!("{n}.log"), "one\n");
            rig.append(&format!("{n}.txt"), "two\n");
        }
        rig.round().await;
        assert_eq!(rig.texts().len(), 20);
        assert_eq!(rig.open_files(), open, "{own:?} and {of_door}");
    }
}

#[tokio::test]
async fn an_input_holds_its_files_open_for_its_own_time() {
    let mut rig = with_texts(|input| {
        input.start_position = BEGINNING;
        input.close_after = Some(Span::from_secs(3_600));
    });
    rig.append("a.log", "one\n");
    rig.append("a.txt", "two\n");
    rig.round().await;
    assert_eq!(rig.open_files(), 2);
    rig.let_rest().await;
    assert_eq!(rig.open_files(), 1);
    rig.now += Span::from_secs(3_600).0;
    rig.round().await;
    assert_eq!(rig.open_files(), 0);
}

#[tokio::test]
async fn an_input_keeps_places_of_files_that_are_gone_for_its_own_time() {
    let mut rig = with_texts(|input| {
        input.start_position = BEGINNING;
        input.forget_after = Some(Span::from_secs(DAY_S.unsigned_abs()));
    });
    for name in ["a.log", "a.txt"] {
        rig.append(name, "one\n");
    }
    rig.round().await;
    let mut kept: serde_json::Value = serde_json::from_str(&rig.kept()).unwrap();
    for position in kept["files"].as_array_mut().unwrap() {
        let seen_at = position["seen_at"].as_i64().unwrap();
        position["seen_at"] = (seen_at - 2 * DAY_S).into();
    }
    fs::write(rig.config.position_file.as_ref().unwrap(), kept.to_string()).unwrap();
    for name in ["a.log", "a.txt"] {
        fs::remove_file(rig.path(name)).unwrap();
    }
    rig.restart();
    rig.round().await;
    assert!(rig.kept().contains("a.log") && !rig.kept().contains("a.txt"), "{}", rig.kept());
}
