//! Lines that are appended, of every kind.

use bus::Codec;

use super::Rig;
use crate::config::StartPosition;

#[tokio::test]
async fn lines_become_records_of_their_file() {
    let mut rig = Rig::new(|config| config.codec = Codec::Plain);
    rig.append("a.log", "one\ntwo\n");
    rig.round().await;
    rig.append("a.log", "three\n");
    rig.append("other.txt", "not wanted\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two", "three"]);
    let records = rig.records();
    assert_eq!(records[0].source, rig.path("a.log").display().to_string());
    assert_eq!((&*records[0].listener, records[0].codec), ("file", Codec::Plain));
    assert_eq!(&*records[0].shop, "default");
    assert!(records.iter().all(|record| record.routing_key == records[0].routing_key));
    assert_ne!(records[0].id, records[1].id);
    assert_eq!(rig.metric("millrace_gateway_received_bytes_total{door=\"file\"}"), 14);
}

#[tokio::test]
async fn a_line_is_complete_with_its_line_feed() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\nhal");
    rig.round().await;
    rig.round().await;
    assert_eq!(rig.texts(), ["one"]);
    rig.append("a.log", "f");
    rig.round().await;
    rig.append("a.log", "\r\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "half"]);
}

#[tokio::test]
async fn bytes_are_as_they_are_in_the_file() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", b"\r\n\nnul \0 within\r\n\xff\xfe\n\r\r\n");
    rig.round().await;
    let payloads: Vec<_> = rig.records().into_iter().map(|record| record.payload).collect();
    assert_eq!(payloads, [&b"nul \0 within"[..], b"\xff\xfe", b"\r"]);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_however_it_comes() {
    let mut rig = Rig::new(|_| {});
    let long = "x".repeat(300_000);
    rig.append("at-once.log", format!("before\n{long}\nbehind\n"));
    rig.append("exact.log", format!("{}\r\n", "y".repeat(1_024)));
    rig.append("slow.log", &long);
    rig.round().await;
    rig.append("slow.log", &long);
    rig.round().await;
    rig.append("slow.log", "\r\nbehind it\n");
    rig.round().await;
    assert_eq!(rig.sorted(), ["before", "behind", "behind it", &"y".repeat(1_024)]);
    let letters = rig.letters();
    let sizes: Vec<_> = letters.iter().map(|letter| letter.payload_bytes).collect();
    assert_eq!(sizes, [300_000, 600_000]);
    assert!(letters.iter().all(|letter| letter.kind == "too_large"));
}

#[tokio::test]
async fn a_block_full_of_long_lines_and_many_blocks_keep_their_order() {
    let mut rig = Rig::new(|_| {});
    let lines: Vec<String> = (0..20_000).map(|n| format!("{n} {}", "z".repeat(n % 900))).collect();
    rig.append("a.log", lines.join("\n") + "\n");
    rig.round().await;
    assert_eq!(rig.texts(), lines);
    let ids: std::collections::HashSet<_> = rig.records().iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), lines.len());
    let unread = "millrace_gateway_file_unread_bytes";
    assert!(rig.metric(unread) > 9_000_000, "as the first scan found it");
    rig.round().await;
    assert_eq!(rig.metric(unread), 0);
}

#[tokio::test]
async fn a_file_of_which_nothing_is_kept_begins_at_its_end() {
    let mut rig = Rig::new(|config| config.start_position = None);
    rig.append("old.log", "before the start\nthe beginning of a li");
    rig.round().await;
    rig.append("old.log", "ne\n");
    rig.append("new.log", "came later\n");
    rig.round().await;
    assert_eq!(rig.sorted(), ["came later", "the beginning of a line"]);
    rig.append("old.log", "while away\n");
    rig.append("made-while-away.log", "made while away\n");
    rig.restart();
    rig.round().await;
    let mut texts = rig.texts().split_off(2);
    texts.sort();
    let mut expected = vec!["made while away", "while away"];
    if std::fs::metadata(rig.path("made-while-away.log")).unwrap().created().is_err() {
        // A file system that does not say when a file was made.
        expected.remove(0);
    }
    assert_eq!(texts, expected, "a kept position counts");
}

#[tokio::test]
async fn names_are_left_out_and_compressed_files_are_not_followed() {
    let mut rig = Rig::new(|config| {
        config.paths[0] = config.paths[0].replace("*.log", "*");
        config.exclude = vec!["debug*".into()];
        config.start_position = Some(StartPosition::Beginning);
    });
    rig.append("a.log", "one\n");
    rig.append("debug.log", "no\n");
    rig.append("a.log.1.gz", "no\n");
    rig.append(".hidden", "no\n");
    std::fs::create_dir(rig.path("folder")).unwrap();
    rig.round().await;
    assert_eq!(rig.texts(), ["one"]);
}
