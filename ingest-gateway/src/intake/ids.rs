//! Ids of records: time-ordered and unique, or the same again for the same idempotency key.

use bus::RecordId;
use bytestring::ByteString;

/// Where a batch's ids come from.
#[derive(Clone, Debug)]
pub(crate) enum Ids {
    /// A UUIDv7 (RFC 9562) whose last 31 bits begin a count.
    Counted(u128),
    /// The client's idempotency key, or the name that a file's content has.
    Keyed(ByteString),
}

impl Ids {
    /// Ids that nothing else has. One draw of random bits serves a whole batch: drawing for each record
    /// would cost more than all the rest of the door. Lines of a batch differ by their number in the
    /// last 32 bits; batches of one process differ by the generator's counter above these, and
    /// processes by its 41 random bits.
    pub(crate) fn counted() -> Self {
        let first = u128::from_be_bytes(RecordId::generate().0);
        // With its highest bit clear the last word takes any 31-bit count without a carry.
        Self::Counted(first & !(1 << 31))
    }

    /// The id of line `number`.
    pub(crate) fn of(&self, shop: &str, number: u64) -> RecordId {
        match self {
            Self::Counted(first) => {
                RecordId((first + u128::from(number & 0x7fff_ffff)).to_be_bytes())
            }
            Self::Keyed(key) => RecordId::from_idempotency_key(shop, key, number),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use bus::RecordId;

    use super::Ids;

    #[test]
    fn counted_ids_are_unique_and_in_order_of_time() {
        let mut seen = HashSet::new();
        let mut last_batch_ms = 0;
        for _ in 0..200 {
            let ids = Ids::counted();
            let batch: Vec<RecordId> = (1..=500).map(|number| ids.of("default", number)).collect();
            assert!(batch.is_sorted());
            for id in &batch {
                assert_eq!(id.0[6] >> 4, 7, "version 7");
                assert_eq!(id.0[8] >> 6, 0b10, "the variant of RFC 9562");
                assert!(seen.insert(*id));
            }
            let ms = u64::from_be_bytes(batch[0].0[..8].try_into().unwrap()) >> 16;
            assert!(ms >= last_batch_ms);
            last_batch_ms = ms;
        }
    }

    #[test]
    fn a_count_never_carries_into_the_random_part() {
        let ids = Ids::Counted((0x0190_0000_0000_7000_8000_0000_7fff_fff0) & !(1 << 31));
        let last = ids.of("default", 0x7fff_ffff);
        assert_eq!(last.0[..12], ids.of("default", 0).0[..12]);
        assert_ne!(last, ids.of("default", 0x7fff_fffe));
    }

    #[test]
    fn keyed_ids_come_again() {
        let ids = Ids::Keyed("upload-7".into());
        assert_eq!(ids.of("default", 3), RecordId::from_idempotency_key("default", "upload-7", 3));
        assert_ne!(ids.of("default", 3), ids.of("default", 4));
    }
}
