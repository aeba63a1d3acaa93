//! Full, failing and read-only disks: what passes may be tried again, the rest is said once and for
//! all, and nothing that was refused is delivered.

use rustix::io::Errno;

use super::{consume, one_partition, open_on, publish_number, record};
use crate::TOPIC_RAW;
use crate::log::testing::{Crash, MemoryFiles, Operation};
use crate::log::{EmbeddedBus, LogConfig};
use crate::port::{Bus, BusError, ErrorKind};

async fn refused(bus: &EmbeddedBus, number: u64) -> BusError {
    let mut outcomes = bus.publish(super::TOPIC, vec![record(number)]).await;
    outcomes.remove(0).expect_err("the record is not stored")
}

#[tokio::test]
async fn a_full_disk_passes() {
    let files = MemoryFiles::default();
    let bus = open_on(&files, one_partition()).await;
    publish_number(&bus, 0).await;
    for operation in [Operation::Write, Operation::Sync] {
        files.fail(operation, Some(Errno::NOSPC.raw_os_error()));
        let error = refused(&bus, 1).await;
        assert_eq!(error.kind, ErrorKind::Transient);
        assert!(error.message.contains("disk is full"), "{error}");
        files.fail(operation, None);
    }
    assert_eq!(bus.counts().refused_for_space, 2);
    assert_eq!(publish_number(&bus, 2).await.offset, 1);
    assert_eq!(consume(&bus, "all", 2).await, [0, 2], "what was refused is not delivered");
    drop(bus);
    let bus = open_on(&files.after(Crash::OfTheMachine), one_partition()).await;
    assert_eq!(bus.counts().truncated_bytes, 0, "no half frame was left");
    assert_eq!(consume(&bus, "after", 2).await, [0, 2]);
}

#[tokio::test]
async fn a_segment_that_cannot_begin_passes() {
    let files = MemoryFiles::default();
    let config = LogConfig { segment_bytes: 4_096, ..one_partition() };
    let bus = open_on(&files, config).await;
    publish_number(&bus, 0).await;
    publish_number(&bus, 1).await;
    files.fail(Operation::Create, Some(Errno::MFILE.raw_os_error()));
    let error = refused(&bus, 2).await;
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    files.fail(Operation::Create, None);
    publish_number(&bus, 3).await;
    assert_eq!(consume(&bus, "all", 3).await, [0, 1, 3]);
}

#[tokio::test]
async fn a_failing_disk_ends_writing_until_a_restart() {
    for errno in [Errno::IO, Errno::ROFS] {
        for operation in [Operation::Write, Operation::Sync] {
            let files = MemoryFiles::default();
            let bus = open_on(&files, one_partition()).await;
            publish_number(&bus, 0).await;
            files.fail(operation, Some(errno.raw_os_error()));
            assert_eq!(refused(&bus, 1).await.kind, ErrorKind::Fatal);
            files.fail(operation, None);
            let error = refused(&bus, 2).await;
            assert_eq!(error.kind, ErrorKind::Fatal, "a disk that failed is not trusted again");
            assert!(error.message.contains("restart"), "{error}");
            assert_eq!(consume(&bus, "all", 1).await, [0], "what is stored still reads");
            drop(bus);
            let bus = open_on(&files.after(Crash::OfTheMachine), one_partition()).await;
            publish_number(&bus, 3).await;
            assert_eq!(consume(&bus, "all", 2).await, [0, 3]);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_fatal() {
    let files = MemoryFiles::default();
    let bus = open_on(&files, one_partition()).await;
    files.fail(Operation::Write, Some(Errno::NOSPC.raw_os_error()));
    files.fail(Operation::Truncate, Some(Errno::NOSPC.raw_os_error()));
    assert_eq!(refused(&bus, 0).await.kind, ErrorKind::Fatal);
}

#[tokio::test]
async fn a_failed_read_is_an_answer() {
    let files = MemoryFiles::default();
    let bus = open_on(&files, one_partition()).await;
    publish_number(&bus, 0).await;
    let mut reader = super::Reader::new(&bus, "all").await;
    files.fail(Operation::Read, Some(Errno::NOMEM.raw_os_error()));
    let error = reader.consumer.next().await.expect_err("the disk fails");
    assert_eq!(error.kind, ErrorKind::Transient);
    files.fail(Operation::Read, None);
    assert_eq!(reader.take(1).await, [0], "the same record comes when it works again");
}

#[tokio::test]
async fn the_reserve_stops_the_doors_before_the_stages() {
    let files = MemoryFiles::default();
    let config = LogConfig { disk_reserve_bytes: 1_000_000, ..one_partition() };
    let bus = open_on(&files, config.clone()).await;
    bus.ensure_topics(&[config.topic(TOPIC_RAW, &[])]).await.expect("the topic opens");
    assert_eq!(bus.shortage(), None);
    files.set_free_bytes(900_000);
    let shortage = bus.shortage().expect("there is too little room");
    for part in ["bus.log.disk_reserve_bytes keeps 1000000 free", "900000 bytes are free at"] {
        assert!(shortage.contains(part), "{part}: {shortage}");
    }
    let outcomes = bus.publish(TOPIC_RAW, vec![record(0)]).await;
    let error = outcomes[0].as_ref().expect_err("the reserve is reached");
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(error.message.contains("disk_reserve_bytes keeps 1000000 free"), "{error}");
    publish_number(&bus, 0).await;
    files.set_free_bytes(400_000);
    let error = refused(&bus, 1).await;
    for part in ["disk_reserve_bytes is 1000000", "may use half", "500000 are kept free"] {
        assert!(error.message.contains(part), "{part}: {error}");
    }
    files.set_free_bytes(2_000_000);
    assert!(bus.publish(TOPIC_RAW, vec![record(2)]).await[0].is_ok(), "it frees itself");
    assert_eq!(bus.counts().refused_for_space, 2);
}

#[tokio::test]
async fn a_commit_that_cannot_be_stored_says_so() {
    let files = MemoryFiles::default();
    let bus = open_on(&files, one_partition()).await;
    publish_number(&bus, 0).await;
    let mut reader = super::Reader::new(&bus, "worker").await;
    reader.take(1).await;
    files.fail(Operation::Sync, Some(Errno::NOSPC.raw_os_error()));
    assert_eq!(reader.try_commit().await.expect_err("it is not stored").kind, ErrorKind::Transient);
    let lag = bus.lag("worker", &[super::TOPIC]).await.expect("the topic is known");
    assert_eq!(lag[0].lag_records, 1, "it does not count");
    files.fail(Operation::Sync, None);
    reader.commit().await;
    files.fail(Operation::Sync, Some(Errno::IO.raw_os_error()));
    assert_eq!(reader.try_commit().await.expect_err("it is not stored").kind, ErrorKind::Fatal);
    drop((reader, bus));
    let bus = open_on(&files.after(Crash::OfTheMachine), one_partition()).await;
    let lag = bus.lag("worker", &[super::TOPIC]).await.expect("the topic is known");
    assert_eq!(lag[0].lag_records, 0, "the commit before stands");
}
