//! Retention removes whole segments by age and size, and never what a holding group still needs.

use std::time::{Duration, Instant};

use super::{Reader, TOPIC, consume, one_partition, open_on, publish_number};
use crate::log::testing::MemoryFiles;
use crate::log::{EmbeddedBus, LogConfig};
use crate::port::{Bus, TopicSpec};

/// Segments of two records each, looked at by retention all the time.
fn config() -> LogConfig {
    LogConfig { segment_bytes: 4_096, retention_interval_ms: 1, ..one_partition() }
}

async fn ten_records(files: &MemoryFiles, spec: TopicSpec) -> EmbeddedBus {
    let bus = open_on(files, config()).await;
    for number in 0..10 {
        publish_number(&bus, number).await;
    }
    bus.ensure_topics(&[spec]).await.expect("retention may change");
    bus
}

fn spec() -> TopicSpec {
    TopicSpec { retention_ns: i64::MAX, retention_bytes: u64::MAX, ..config().topic(TOPIC, &[]) }
}

/// Waits until retention has removed this many segments.
async fn removed(bus: &EmbeddedBus, segments: u64) {
    let begin = Instant::now();
    while bus.counts().removed_segments < segments {
        assert!(begin.elapsed() < Duration::from_secs(30), "retention does nothing");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(bus.counts().removed_segments, segments);
}

#[tokio::test]
async fn too_much_goes() {
    let files = MemoryFiles::default();
    let bus = ten_records(&files, TopicSpec { retention_bytes: 7_000, ..spec() }).await;
    removed(&bus, 3).await;
    assert_eq!(consume(&bus, "all", 4).await, [6, 7, 8, 9]);
    let gone = crate::Position { topic: TOPIC.into(), partition: 0, offset: 2, index: 0 };
    assert_eq!(bus.read(&gone).await.expect("it reads"), None);
    drop(bus);
    let bus = open_on(&files, config()).await;
    assert_eq!(consume(&bus, "after", 4).await, [6, 7, 8, 9]);
}

#[tokio::test]
async fn too_old_goes_and_the_last_segment_stays() {
    let files = MemoryFiles::default();
    let bus = ten_records(&files, TopicSpec { retention_ns: 1, ..spec() }).await;
    removed(&bus, 4).await;
    assert_eq!(consume(&bus, "all", 2).await, [8, 9]);
}

#[tokio::test]
async fn a_segment_that_is_old_is_closed_so_that_it_can_go() {
    let files = MemoryFiles::default();
    let config = LogConfig { segment_age_s: 1, ..config() };
    let bus = open_on(&files, config).await;
    publish_number(&bus, 0).await;
    bus.ensure_topics(&[TopicSpec { retention_ns: 1, ..spec() }]).await.expect("it opens");
    removed(&bus, 1).await;
    let lag = bus.lag("all", &[TOPIC]).await.expect("the topic is known");
    assert_eq!((lag[0].committed_offset, lag[0].end_offset), (1, 1));
    assert_eq!(publish_number(&bus, 1).await.offset, 1);
    assert_eq!(consume(&bus, "all", 1).await, [1]);
}

#[tokio::test]
async fn a_holding_group_holds_back_what_it_has_not_committed() {
    let files = MemoryFiles::default();
    let holding = TopicSpec { holding_groups: vec!["worker".into()], retention_ns: 1, ..spec() };
    let bus = ten_records(&files, holding).await;
    let mut reader = Reader::new(&bus, "worker").await;
    let mut tap = Reader::new(&bus, "tap").await;
    assert_eq!(reader.take(5).await, [0, 1, 2, 3, 4], "nothing is gone though all is too old");
    reader.commit().await;
    removed(&bus, 2).await;
    assert_eq!(reader.take(5).await, [5, 6, 7, 8, 9]);
    reader.commit().await;
    removed(&bus, 4).await;
    let seen = tap.take(2).await;
    assert_eq!(seen, [8, 9], "a group that holds nothing goes on at what is left");
    assert_eq!(bus.counts().skipped_records, 8, "and that is counted");
}

#[tokio::test]
async fn a_disk_at_its_reserve_frees_what_was_consumed() {
    let files = MemoryFiles::default();
    drop(open_on(&files, config()).await);
    let config = LogConfig { disk_reserve_bytes: 1_000_000, ..config() };
    let bus = open_on(&files, config).await;
    for number in 0..10 {
        publish_number(&bus, number).await;
    }
    let holding = TopicSpec { holding_groups: vec!["worker".into()], ..spec() };
    bus.ensure_topics(&[holding]).await.expect("retention may change");
    let mut reader = Reader::new(&bus, "worker").await;
    reader.take(7).await;
    reader.commit().await;
    files.set_free_bytes(999_999);
    removed(&bus, 3).await;
    assert_eq!(reader.take(3).await, [7, 8, 9], "what is not consumed stays");
}

#[tokio::test]
async fn who_committed_what_is_gone_goes_on_at_the_oldest() {
    let files = MemoryFiles::default();
    let bus = ten_records(&files, spec()).await;
    let mut reader = Reader::new(&bus, "worker").await;
    reader.take(1).await;
    reader.commit().await;
    drop(reader);
    bus.ensure_topics(&[TopicSpec { retention_ns: 1, ..spec() }]).await.expect("it opens");
    removed(&bus, 4).await;
    let reader = Reader::new(&bus, "worker").await;
    assert_eq!(reader.starts[0].offset, 8);
    assert_eq!(bus.counts().skipped_records, 7);
}
