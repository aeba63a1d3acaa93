//! Which partition a record goes to, as every Kafka client would choose it.
//!
//! It never looks at the payload: shop and routing key decide, or the id where there is no key.

use crate::record::Record;

/// Chooses partitions; keeps its buffer, and its last answer for runs of one key.
#[derive(Debug)]
pub struct Partitioner {
    partitions: u32,
    key: Vec<u8>,
    last: u32,
}

impl Partitioner {
    /// For a topic of this many partitions; zero counts as one.
    #[must_use]
    pub fn new(partitions: u32) -> Self {
        Self { partitions: partitions.max(1), key: Vec::new(), last: 0 }
    }

    /// The partition of a record: the hash of its key.
    pub fn partition(&mut self, record: &Record) -> u32 {
        if record.routing_key.is_empty() {
            return partition_of(&record.id.0, self.partitions);
        }
        if !self.is_last_key(record) {
            self.key.clear();
            write_key(record, &mut self.key);
            self.last = partition_of(&self.key, self.partitions);
        }
        self.last
    }

    fn is_last_key(&self, record: &Record) -> bool {
        let (shop, routing_key) = (record.shop.as_bytes(), record.routing_key.as_bytes());
        self.key.len() == shop.len() + 1 + routing_key.len()
            && self.key.starts_with(shop)
            && self.key[shop.len()] == 0
            && self.key.ends_with(routing_key)
    }
}

/// Appends what is hashed for a record: shop, NUL and routing key, or the id's 16 bytes where the routing
/// key is empty.
pub fn write_key(record: &Record, key: &mut Vec<u8>) {
    if record.routing_key.is_empty() {
        return key.extend_from_slice(&record.id.0);
    }
    key.extend_from_slice(record.shop.as_bytes());
    key.push(0);
    key.extend_from_slice(record.routing_key.as_bytes());
}

/// Kafka's default partitioner: the positive murmur2 of the key, modulo the partitions
/// (`org.apache.kafka.clients.producer.internals.BuiltInPartitioner`).
fn partition_of(key: &[u8], partitions: u32) -> u32 {
    (murmur2::murmur2(key, murmur2::KAFKA_SEED) & 0x7fff_ffff) % partitions
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Partitioner, partition_of};
    use crate::record::{Record, RecordId};

    /// From Kafka's `UtilsTest.testMurmur2`.
    #[test]
    fn the_hash_is_kafkas() {
        let known: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (text, hash) in known {
            let ours = murmur2::murmur2(text.as_bytes(), murmur2::KAFKA_SEED);
            assert_eq!(ours.cast_signed(), hash, "{text}");
        }
        assert_eq!(partition_of(b"21", 8), (-973_932_308_i32 & 0x7fff_ffff) as u32 % 8);
    }

    fn record(shop: &'static str, routing_key: &'static str, id: u8) -> Record {
        Record {
            id: RecordId([id; 16]),
            shop: shop.into(),
            routing_key: routing_key.into(),
            payload: Bytes::new(),
            ..Record::default()
        }
    }

    #[test]
    fn shop_and_key_decide_and_the_id_only_without_a_key() {
        let mut partitioner = Partitioner::new(8);
        assert_eq!(
            partitioner.partition(&record("shop", "customer-1", 1)),
            partition_of(b"shop\0customer-1", 8)
        );
        for (shop, key) in [("a", "bc"), ("ab", "c"), ("a", "bc"), ("shop", "customer-1")] {
            let expected = partition_of(format!("{shop}\0{key}").as_bytes(), 8);
            assert_eq!(partitioner.partition(&record(shop, key, 2)), expected, "{shop} {key}");
        }
        assert_eq!(partitioner.partition(&record("shop", "", 7)), partition_of(&[7; 16], 8));
        assert_eq!(Partitioner::new(0).partition(&record("shop", "k", 1)), 0);
    }
}
