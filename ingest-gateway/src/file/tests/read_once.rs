//! Files that are read once, plain and compressed.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Rig;
use crate::config::{FileConfig, FileMode};

pub(super) fn read_once(config: &mut FileConfig) {
    config.mode = FileMode::Read;
    config.start_position = None;
    config.paths[0] = config.paths[0].replace("*.log", "*");
}

pub(super) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn each_file_is_read_once_to_its_end_and_is_left_where_it_is() {
    let mut rig = Rig::new(read_once);
    rig.append("a.log", "one\ntwo, without an end");
    rig.append("empty.log", "");
    rig.append("only-an-end.log", "\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two, without an end"]);
    rig.append("a.log", "too late\n");
    rig.round().await;
    rig.restart();
    rig.round().await;
    assert_eq!(rig.texts().len(), 2, "it is marked as read");
    assert_eq!(rig.open_files(), 0);
    assert!(rig.path("a.log").exists());
    rig.append("b.log", "three\n");
    rig.round().await;
    assert_eq!(rig.texts()[2..], ["three"]);
}

#[tokio::test]
async fn compressed_files_are_read_as_what_they_hold() {
    let mut rig = Rig::new(read_once);
    let lines: Vec<String> = (0..10_000).map(|n| format!("{n} {}", "z".repeat(n % 500))).collect();
    // Two members, as after `cat a.gz b.gz`, with a line that goes over from one to the other.
    let text = lines.join("\n");
    let (first, second) = text.split_at(text.len() / 2);
    rig.append("a.log.gz", [gzip(first), gzip(second)].concat());
    rig.append("long.gz", gzip(&format!("{}\nbehind", "x".repeat(1_000_000))));
    rig.round().await;
    let texts = rig.texts();
    assert_eq!(
        texts.iter().filter(|text| *text != "behind").collect::<Vec<_>>(),
        lines.iter().collect::<Vec<_>>()
    );
    assert!(texts.contains(&"behind".to_owned()));
    assert_eq!(rig.letters()[0].payload_bytes, 1_000_000);
    rig.restart();
    rig.round().await;
    assert_eq!(rig.texts().len(), 10_001);
}

#[tokio::test]
async fn a_compressed_file_goes_on_after_a_crash() {
    let mut rig = Rig::new(read_once);
    let lines: Vec<String> = (0..5_000).map(|n| format!("line {n}")).collect();
    rig.append("a.gz", gzip(&lines.join("\n")));
    rig.door.scan(rig.now);
    rig.read_all().await;
    let arrival = rig.door.arrival().await;
    rig.door.settle(&arrival, rig.now);
    rig.door.save();
    let first = rig.texts().len();
    assert!(first > 0 && first < 5_000, "{first}");
    rig.restart();
    rig.round().await;
    assert_eq!(rig.texts(), lines, "it goes on in the midst");
}

#[tokio::test]
async fn a_damaged_file_gives_what_it_can_and_is_read_again_when_it_is_whole() {
    let mut rig = Rig::new(read_once);
    let whole = gzip(&(0..200_000).map(|n| format!("line {n}\n")).collect::<String>());
    fs::write(rig.path("a.gz"), &whole[..whole.len() / 2]).unwrap();
    rig.append("b.gz", "this is not gzip at all");
    rig.append("c.log", "fine\n");
    rig.round().await;
    rig.round().await;
    assert_eq!(rig.metric("millrace_gateway_files{state=\"unreadable\"}"), 2);
    assert!(rig.texts().contains(&"fine".to_owned()), "others are not held up");
    fs::write(rig.path("a.gz"), &whole).unwrap();
    rig.round().await;
    let mut texts = rig.texts();
    texts.retain(|text| text.starts_with("line"));
    assert_eq!(texts.len(), 200_000);
    assert_eq!(rig.metric("millrace_gateway_files{state=\"unreadable\"}"), 1);
}

#[tokio::test]
async fn a_file_that_was_empty_is_read_when_it_has_lines() {
    let mut rig = Rig::new(read_once);
    rig.append("while-it-runs.log", "");
    rig.append("while-away.log", "");
    rig.round().await;
    rig.append("while-it-runs.log", "one\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one"]);
    // As when an inode is given to another file.
    rig.append("while-away.log", "two\n");
    rig.restart();
    rig.round().await;
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two"]);
}
