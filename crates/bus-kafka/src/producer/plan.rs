//! Which message each record goes into: one of its own, or a frame that it shares.

use bus::frame::{FrameBuilder, HEADER_BYTES, TEXT_BYTES_MAX, encoded_bytes_max};
use bus::partitioner::Partitioner;
use bus::{BusError, Record};

use crate::config::{Format, KafkaConfig};
use crate::error::rejected;
use crate::message::{Outgoing, message_bytes, one_record, whole_frame};
use crate::topics::Topic;

/// Where a record is: its message, and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) partition: u32,
    pub(super) message: usize,
    pub(super) index: u32,
}

/// The messages of a batch, and each record's place or refusal.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) places: Vec<Result<Place, BusError>>,
    pub(super) messages: Vec<Outgoing<'a>>,
}

pub(super) fn plan<'a>(topic: &Topic, batch: &'a [Record], config: &KafkaConfig) -> Plan<'a> {
    match config.topics.format(&topic.name) {
        Format::Json => plan_records(topic, batch, config),
        Format::Batch => plan_frames(topic, batch, config),
    }
}

fn too_large(record: &Record, config: &KafkaConfig) -> BusError {
    rejected(format!(
        "the record is too large: payload {} bytes, allowed are {} with its headers \
         (message_bytes_max) and {TEXT_BYTES_MAX} for each text",
        record.payload.len(),
        config.message_bytes_max.0
    ))
}

fn plan_records<'a>(topic: &Topic, batch: &'a [Record], config: &KafkaConfig) -> Plan<'a> {
    let most = config.message_bytes_max.as_usize();
    let mut partitioner = Partitioner::new(topic.partitions);
    let mut plan =
        Plan { places: Vec::with_capacity(batch.len()), messages: Vec::with_capacity(batch.len()) };
    for record in batch {
        let place = match message_bytes(record).filter(|bytes| *bytes <= most) {
            None => Err(too_large(record, config)),
            Some(bytes) => {
                let partition = partitioner.partition(record);
                plan.messages.push(one_record(record, partition, bytes));
                Ok(Place { partition, message: plan.messages.len() - 1, index: 0 })
            }
        };
        plan.places.push(place);
    }
    plan
}

fn plan_frames<'a>(topic: &Topic, batch: &'a [Record], config: &KafkaConfig) -> Plan<'a> {
    let frame_bytes_max = config.frame_bytes_max();
    let frame_bytes = config.frame_bytes.as_usize().min(frame_bytes_max);
    let mut partitioner = Partitioner::new(topic.partitions);
    let mut open: Vec<Option<(usize, FrameBuilder<'a>)>> = Vec::new();
    open.resize_with(topic.partitions.max(1) as usize, || None);
    // Frames in the order in which they were begun; a number is taken when one is.
    let mut frames: Vec<Option<(u32, FrameBuilder<'a>)>> = Vec::new();
    let mut places = Vec::with_capacity(batch.len());
    for record in batch {
        let fits = |bytes: &usize| *bytes + HEADER_BYTES <= frame_bytes_max;
        let Some(bytes) = encoded_bytes_max(record).filter(fits) else {
            places.push(Err(too_large(record, config)));
            continue;
        };
        let partition = partitioner.partition(record);
        let slot = &mut open[partition as usize];
        let full = slot.take_if(|(_, frame)| !frame.fits(bytes, frame_bytes, config.frame_records));
        if let Some((number, frame)) = full {
            frames[number] = Some((partition, frame));
        }
        let (message, frame) = slot.get_or_insert_with(|| {
            frames.push(None);
            (frames.len() - 1, FrameBuilder::new(bytes))
        });
        places.push(Ok(Place { partition, message: *message, index: frame.records() }));
        frame.push(record);
    }
    for (partition, slot) in (0_u32..).zip(open) {
        if let Some((number, frame)) = slot {
            frames[number] = Some((partition, frame));
        }
    }
    let finished =
        |(partition, frame): (u32, FrameBuilder<'a>)| whole_frame(frame.finish(), partition);
    Plan { places, messages: frames.into_iter().flatten().map(finished).collect() }
}

#[cfg(test)]
mod tests {
    use bus::contract::record;
    use bus::{ErrorKind, TOPIC_RAW};
    use bytes::Bytes;
    use service::ByteSize;

    use super::*;

    fn topic(name: &str) -> Topic {
        Topic { name: name.into(), full_name: name.into(), partitions: 4, replicas: 1 }
    }

    fn check(topic: &Topic, config: &KafkaConfig) {
        let mut batch: Vec<_> = (0..200)
            .map(|number| record(["a", "b", "c", "d", "e"][number % 5], number as u64))
            .collect();
        batch[17].payload = Bytes::from(vec![b'x'; config.message_bytes_max.as_usize()]);
        let plan = plan(topic, &batch, config);
        assert_eq!(plan.places.len(), batch.len());
        let mut partitioner = Partitioner::new(4);
        for (number, (place, record)) in plan.places.iter().zip(&batch).enumerate() {
            if number == 17 {
                let refused = place.as_ref().expect_err("it is too large");
                assert_eq!(refused.kind, ErrorKind::Rejected);
                assert!(refused.message.contains("8192"), "{refused}");
                continue;
            }
            let place = place.as_ref().expect("it fits");
            let message = &plan.messages[place.message];
            assert_eq!(place.partition, partitioner.partition(record));
            assert_eq!(message.partition, place.partition);
            let found = match config.topics.format(&topic.name) {
                Format::Json => Bytes::copy_from_slice(&message.value),
                Format::Batch => {
                    let records = bus::frame::decode(&Bytes::copy_from_slice(&message.value));
                    records.expect("a frame")[place.index as usize].payload.clone()
                }
            };
            assert_eq!(found, record.payload);
        }
        assert!(plan.messages.iter().all(|message| message.bytes <= 8_192));
    }

    #[test]
    fn every_record_stands_where_its_place_says() {
        let config = KafkaConfig { message_bytes_max: ByteSize(8_192), ..KafkaConfig::default() };
        check(&topic("any"), &config);
        check(&topic(TOPIC_RAW), &config);
        check(&topic(TOPIC_RAW), &KafkaConfig { frame_records: 3, ..config });
    }
}
