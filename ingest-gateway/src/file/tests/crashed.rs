//! What is kept on disk, and that no crash loses a line or counts one twice.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime};

use super::Rig;
use crate::file::Positions;

#[tokio::test]
async fn a_position_moves_only_when_the_log_has_acknowledged() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\ntwo\n");
    rig.refuse(1_000);
    rig.door.scan(rig.now);
    rig.read_all().await;
    assert!(rig.door.awaits_arrivals(), "the lines are on their way");
    rig.door.scan(rig.now);
    assert!(rig.kept().contains("\"offset\":0"), "{}", rig.kept());
    // The door goes, and what was on its way with it.
    rig.restart();
    rig.bus.failures.lock().unwrap().clear();
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two"]);
    assert!(rig.kept().contains("\"offset\":8"), "{}", rig.kept());
}

#[tokio::test]
async fn what_is_sent_again_after_a_crash_has_the_same_ids() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\ntwo\n");
    rig.door.scan(rig.now);
    rig.read_all().await;
    let arrival = rig.door.arrival().await;
    rig.door.settle(&arrival, rig.now);
    assert_eq!(rig.texts(), ["one", "two"], "acknowledged, and the position is not on disk");
    rig.restart();
    rig.append("a.log", "three\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two", "one", "two", "three"]);
    let ids: HashSet<_> = rig.records().iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), 3, "three lines are three events");
}

#[tokio::test]
async fn no_line_is_sent_before_the_name_of_its_content_is_on_disk() {
    let mut rig = Rig::new(|_| {});
    // A folder in place of the file: it cannot be written.
    let file = rig.config.position_file.as_ref().unwrap();
    let folder = file.with_file_name("positions.json.part");
    fs::create_dir_all(&folder).unwrap();
    rig.append("a.log", "one\n");
    rig.round().await;
    assert!(rig.texts().is_empty());
    let parts = rig.context.health.parts();
    assert!(format!("{:?}", parts["file door"]).contains("cannot be kept"), "{parts:?}");
    assert!(rig.context.health.is_ready(), "the other doors work");
    fs::remove_dir(&folder).unwrap();
    rig.round().await;
    assert_eq!(rig.texts(), ["one"]);
    assert!(!rig.context.health.parts().contains_key("file door"));
}

#[tokio::test]
async fn a_file_of_positions_that_is_damaged_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("positions.json");
    for text in ["", "{\"version\":1,\"files\":[{}]}", "{\"version\":2,\"files\":[]}"] {
        fs::write(&file, text).unwrap();
        let error = Positions::load(&file).unwrap_err().to_string();
        assert!(error.contains("positions.json (ingest_gateway.file.position_file)"), "{error}");
        assert!(error.contains("begin anew"), "{error}");
    }
}

#[tokio::test]
async fn a_device_with_another_number_is_the_same_if_path_inode_and_bytes_are() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\n");
    rig.round().await;
    let file = rig.config.position_file.clone().unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&rig.kept()).unwrap();
    kept["files"][0]["device"] = 7.into();
    fs::write(file, kept.to_string()).unwrap();
    rig.restart();
    rig.append("a.log", "two\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two"]);
}

#[tokio::test]
async fn a_position_of_a_file_that_is_long_gone_is_forgotten() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\n");
    rig.append("b.log", "two\n");
    rig.round().await;
    let file = rig.config.position_file.clone().unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&rig.kept()).unwrap();
    for position in kept["files"].as_array_mut().unwrap() {
        position["seen_at"] = 1.into();
    }
    fs::write(file, kept.to_string()).unwrap();
    fs::remove_file(rig.path("a.log")).unwrap();
    rig.restart();
    rig.round().await;
    assert!(rig.kept().contains("b.log") && !rig.kept().contains("a.log"), "{}", rig.kept());
    assert_eq!(rig.texts().len(), 2, "what is still there goes on where it was");
}

#[tokio::test]
async fn a_file_that_came_after_the_last_look_begins_at_its_beginning() {
    let mut rig = Rig::new(|config| config.start_position = None);
    rig.append("a.log", "before the start\n");
    rig.door.scan(rig.now);
    rig.append("a.log", "one\n");
    rig.read_all().await;
    rig.append("came-late.log", "two\n");
    // At a stop positions are kept once more, and it is not looked for files again.
    let arrival = rig.door.arrival().await;
    rig.door.settle(&arrival, rig.now);
    assert!(rig.door.save());
    rig.restart();
    rig.round().await;
    let mut expected = vec!["one", "two"];
    if fs::metadata(rig.path("came-late.log")).unwrap().created().is_err() {
        // A file system that does not say when a file was made.
        expected.pop();
    }
    assert_eq!(rig.sorted(), expected);
}

#[test]
fn a_file_is_new_if_it_was_made_after_the_last_look() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("positions.json");
    let made_at = Duration::new(1_790_000_000, 123_456_789);
    let made = Some(SystemTime::UNIX_EPOCH + made_at);
    let second = Duration::from_secs(1);
    for (looked_at, is_new) in [
        (made_at - second, true),
        (made_at, true),
        // The file system's clock may be behind.
        (made_at + Duration::from_millis(9), true),
        (made_at + second, false),
    ] {
        let looked_at_ns = looked_at.as_nanos();
        let kept = format!("{{\"version\":1,\"looked_at_ns\":{looked_at_ns},\"files\":[]}}");
        fs::write(&file, kept).unwrap();
        let positions = Positions::load(&file).unwrap();
        assert_eq!(positions.are_older_than(made), is_new, "{looked_at:?}, {made_at:?}");
        assert!(!positions.are_older_than(None), "nobody knows when it was made");
    }
    // An older process kept no such time: that of the file counts.
    fs::write(&file, "{\"version\":1,\"files\":[]}").unwrap();
    let kept = fs::File::options().write(true).open(&file).unwrap();
    for (modified_at, is_new) in [(made_at - second, true), (made_at + second, false)] {
        kept.set_modified(SystemTime::UNIX_EPOCH + modified_at).unwrap();
        assert_eq!(Positions::load(&file).unwrap().are_older_than(made), is_new);
    }
    fs::remove_file(&file).unwrap();
    assert!(
        !Positions::load(&file).unwrap().are_older_than(made),
        "no process was before this one"
    );
}

#[tokio::test]
async fn lines_that_are_none_move_the_position_too() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "\n\n\nhal");
    rig.round().await;
    rig.round().await;
    assert!(rig.kept().contains("\"offset\":3"), "{}", rig.kept());
    assert_eq!(rig.metric("millrace_gateway_file_unread_bytes"), 3);
}
