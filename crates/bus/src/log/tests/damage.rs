//! Damaged files: the log starts anyway, readers step over what is broken, and it is counted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{
    Reader, TOPIC, consume, number, one_partition, open_on, publish, publish_number, record,
};
use crate::frame::{FrameHeader, HEADER_BYTES};
use crate::log::testing::{Crash, MemoryFiles};
use crate::log::{EmbeddedBus, LogConfig};
use crate::port::{Bus, ErrorKind};
use crate::record::Position;

/// Ten frames of one record each, in one segment or in several.
async fn ten_frames(files: &MemoryFiles, segment_bytes: u64) -> EmbeddedBus {
    let bus = open_on(files, config(segment_bytes)).await;
    for number in 0..10 {
        publish_number(&bus, number).await;
    }
    bus
}

fn config(segment_bytes: u64) -> LogConfig {
    LogConfig { segment_bytes, ..one_partition() }
}

fn segments(files: &MemoryFiles) -> Vec<PathBuf> {
    let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
    files.paths().into_iter().filter(is_log).collect()
}

/// Where the frames of a segment begin.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Ok(header) = FrameHeader::read(&bytes[at..]) {
        starts.push(at);
        at += header.frame_bytes() as usize;
    }
    starts
}

#[tokio::test]
async fn a_torn_tail_is_cut_off() {
    let files = MemoryFiles::default();
    drop(ten_frames(&files, 1 << 20).await);
    files.damage(&segments(&files)[0], |bytes| bytes.truncate(bytes.len() - 3));
    let bus = open_on(&files, config(1 << 20)).await;
    assert!(bus.counts().truncated_bytes > 0);
    assert_eq!(
        publish_number(&bus, 10).await.offset,
        9,
        "its offset was never acknowledged to last"
    );
    assert_eq!(consume(&bus, "all", 10).await, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]);
}

#[tokio::test]
async fn zeros_after_the_end_are_cut_off() {
    let files = MemoryFiles::default();
    drop(ten_frames(&files, 1 << 20).await);
    files.damage(&segments(&files)[0], |bytes| bytes.extend([0; 5_000]));
    let bus = open_on(&files, config(1 << 20)).await;
    assert_eq!(bus.counts().truncated_bytes, 5_000);
    publish_number(&bus, 10).await;
    assert_eq!(consume(&bus, "all", 11).await, (0..11).collect::<Vec<_>>());
    drop(bus);
    let bus = open_on(&files, config(1 << 20)).await;
    assert_eq!(bus.counts().truncated_bytes, 0, "nothing of them is left");
}

#[tokio::test]
async fn a_last_frame_of_the_right_length_and_wrong_content_is_cut_off() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    let files = files.after(Crash::OfTheMachine);
    drop(bus);
    files.damage(&segments(&files)[0], |bytes| {
        let end = bytes.len();
        bytes[end - 700..].fill(0);
    });
    let bus = open_on(&files, config(1 << 20)).await;
    assert!(bus.counts().truncated_bytes > 700, "the whole frame goes");
    assert_eq!(publish_number(&bus, 10).await.offset, 9);
    assert_eq!(consume(&bus, "all", 10).await, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]);
}

#[tokio::test]
async fn a_damaged_body_costs_its_frame_only() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    files.damage(&segments(&files)[0], |bytes| {
        let start = frames(bytes)[4];
        bytes[start + HEADER_BYTES + 30] ^= 1;
    });
    assert_eq!(consume(&bus, "before", 9).await, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    let counts = bus.counts();
    assert_eq!((counts.damaged_places, counts.skipped_records), (1, 1));
    drop(bus);
    let bus = open_on(&files, config(1 << 20)).await;
    assert_eq!(bus.counts().truncated_bytes, 0, "what follows the damage stays");
    assert_eq!(consume(&bus, "after", 9).await, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn reading_a_damaged_record_is_an_error_of_that_record() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    let position = publish_number(&bus, 10).await;
    files.damage(&segments(&files)[0], |bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    assert_eq!(bus.read(&position).await.expect_err("it is damaged").kind, ErrorKind::Rejected);
    let before = Position { offset: 9, ..position };
    assert!(bus.read(&before).await.expect("its neighbour reads").is_some());
}

#[tokio::test]
async fn a_damaged_header_costs_the_rest_of_its_segment() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 4_096).await;
    // Records are 1,500 bytes, so a segment has two.
    let damaged = segments(&files)[1].clone();
    files.damage(&damaged, |bytes| bytes[5] ^= 1);
    assert_eq!(consume(&bus, "all", 8).await, [0, 1, 4, 5, 6, 7, 8, 9]);
    assert_eq!(bus.counts().skipped_records, 2);
    assert_eq!(bus.counts().damaged_places, 1);
}

#[tokio::test]
async fn a_damaged_header_in_the_segment_that_is_written_to_stops_nobody() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    files.damage(&segments(&files)[0], |bytes| {
        let start = frames(bytes)[3];
        bytes[start] = 0xff;
    });
    assert_eq!(consume(&bus, "first", 3).await, [0, 1, 2]);
    let mut waiting = Reader::new(&bus, "second").await;
    assert_eq!(waiting.take(3).await, [0, 1, 2]);
    let stepped_over = async {
        while bus.counts().damaged_places == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        taken = waiting.take(1) => panic!("nothing can be read behind the damage, but {taken:?}"),
        () = stepped_over => {}
    }
    assert_eq!(publish_number(&bus, 10).await.offset, 10);
    assert_eq!(waiting.take(1).await, [10], "what comes after the damage arrives");
}

#[tokio::test]
async fn readers_go_on_at_the_next_place_that_the_index_knows() {
    let files = MemoryFiles::default();
    let bus = open_on(&files, config(64 << 20)).await;
    for number in 0..6 {
        let mut record = record(number);
        record.payload = format!("{number}:{}", "x".repeat(700 << 10)).into_bytes().into();
        publish(&bus, vec![record]).await;
    }
    files.damage(&segments(&files)[0], |bytes| bytes[5] ^= 1);
    assert_eq!(consume(&bus, "all", 5).await, [1, 2, 3, 4, 5], "each of them has an entry");
}

#[tokio::test]
async fn frames_of_a_later_version_are_not_cut_off() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    files.damage(&segments(&files)[0], |bytes| {
        let start = frames(bytes)[4];
        bytes[start] = 2;
        let checksum = crc32fast::hash(&bytes[start..start + 16]).to_le_bytes();
        bytes[start + 16..start + HEADER_BYTES].copy_from_slice(&checksum);
    });
    let mut reader = Reader::new(&bus, "all").await;
    assert_eq!(reader.take(4).await, [0, 1, 2, 3]);
    let error = reader.consumer.next().await.expect_err("it cannot be read");
    assert_eq!(error.kind, ErrorKind::Fatal);
    drop((reader, bus));
    for path in files.paths() {
        if path.extension().is_some_and(|extension| extension == "index") {
            files.damage(&path, Vec::clear);
        }
    }
    let config = config(1 << 20);
    let bus = EmbeddedBus::open_on(Arc::new(files), "/data/bus", config.clone()).expect("it opens");
    let error = bus.ensure_topics(&[config.topic(TOPIC, &[])]).await.expect_err("it is newer");
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.message.contains("newer release"), "{error}");
}

#[tokio::test]
async fn an_index_that_lies_is_left_out() {
    let files = MemoryFiles::default();
    drop(ten_frames(&files, 4_096).await);
    for path in files.paths() {
        if path.extension().is_some_and(|extension| extension == "index") {
            files.damage(&path, |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x55));
        }
    }
    let bus = open_on(&files, config(4_096)).await;
    assert_eq!(bus.counts().truncated_bytes, 0);
    assert_eq!(consume(&bus, "all", 10).await, (0..10).collect::<Vec<_>>());
    let position = Position { topic: TOPIC.into(), partition: 0, offset: 7, index: 0 };
    let read = bus.read(&position).await.expect("it reads");
    assert_eq!(read.map(|record| number(&record)), Some(7));
}

#[tokio::test]
async fn a_closed_log_opens_without_reading_its_frames() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    bus.close().await.expect("it closes");
    drop(bus);
    let files = files.after(Crash::OfTheProcess);
    let bus = open_on(&files, config(1 << 20)).await;
    assert!(files.read_bytes() < 200, "{} bytes were read", files.read_bytes());
    assert_eq!(consume(&bus, "all", 10).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn offsets_that_a_group_has_committed_are_not_given_out_again() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    let mut reader = Reader::new(&bus, "worker").await;
    reader.take(10).await;
    reader.commit().await;
    drop((reader, bus));
    for path in segments(&files) {
        files.damage(&path, |bytes| bytes.truncate(frames(bytes)[5]));
    }
    let bus = open_on(&files, config(1 << 20)).await;
    let lag = bus.lag("worker", &[TOPIC]).await.expect("the topic is known");
    assert_eq!((lag[0].committed_offset, lag[0].end_offset, lag[0].lag_records), (10, 10, 0));
    assert_eq!(publish_number(&bus, 10).await.offset, 10);
    assert_eq!(consume(&bus, "worker", 1).await, [10]);
    assert_eq!(consume(&bus, "other", 6).await, [0, 1, 2, 3, 4, 10]);
    drop(bus);
    let bus = open_on(&files, config(1 << 20)).await;
    assert_eq!(consume(&bus, "again", 6).await, [0, 1, 2, 3, 4, 10]);
}

#[tokio::test]
async fn commits_of_a_later_version_are_not_taken_for_damage() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    let mut reader = Reader::new(&bus, "worker").await;
    reader.take(10).await;
    reader.commit().await;
    drop((reader, bus));
    files.damage(Path::new("/data/bus/groups/worker.commits"), |bytes| {
        let length = 28 + usize::from(bytes[5]) + usize::from(bytes[6]);
        bytes[4] = 2;
        let checksum = crc32fast::hash(&bytes[4..length]).to_le_bytes();
        bytes[..4].copy_from_slice(&checksum);
    });
    let opened = EmbeddedBus::open_on(Arc::new(files), "/data/bus", config(1 << 20));
    let error = opened.expect_err("it is newer");
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.message.contains("newer release"), "{error}");
}

#[tokio::test]
async fn a_damaged_commit_falls_back_to_the_one_before() {
    let files = MemoryFiles::default();
    let bus = ten_frames(&files, 1 << 20).await;
    let mut reader = Reader::new(&bus, "worker").await;
    for _ in 0..2 {
        reader.take(1).await;
        reader.commit().await;
    }
    drop((reader, bus));
    files.damage(Path::new("/data/bus/groups/worker.commits"), |bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    let bus = open_on(&files, config(1 << 20)).await;
    assert_eq!(consume(&bus, "worker", 9).await, (1..10).collect::<Vec<_>>());
}
