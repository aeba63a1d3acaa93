//! Names of values: a hash that tells nearly all of them apart, and where the event's own fields stand by it.
//!
//! Nothing here is believed: it says where to look first, and what need not be looked for. Names are compared as
//! they are.

/// Where nothing was put.
const NOWHERE: u32 = u32::MAX;
const PLACES: usize = 1_024;

/// A hash of a name without its escapes: of its length, its first eight bytes and its last eight.
#[inline]
pub(crate) fn hash(name: &[u8]) -> u16 {
    hash_within(name, 0, name.len())
}

/// As [`hash`], of the name that stands in a buffer.
#[inline]
pub(crate) fn hash_within(buffer: &[u8], start: usize, end: usize) -> u16 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let length = end - start;
    let (first, last) = if length >= 8 {
        (eight_bytes(buffer, start), eight_bytes(buffer, end - 8))
    } else if start + 8 <= buffer.len() {
        // What stands behind the name is masked away.
        (eight_bytes(buffer, start) & ((1 << (8 * length)) - 1), 0)
    } else {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(&buffer[start..end]);
        (u64::from_le_bytes(bytes), 0)
    };
    let mixed = first.wrapping_mul(SPREAD) ^ last.rotate_left(32) ^ length as u64;
    (mixed.wrapping_mul(SPREAD) >> 48) as u16
}

#[inline]
fn eight_bytes(buffer: &[u8], at: usize) -> u64 {
    buffer[at..].first_chunk().copied().map_or(0, u64::from_le_bytes)
}

/// Where the fields of an event stand, by the hashes of their names. One that was taken away is not forgotten, so
/// what is found here must be looked at.
#[derive(Debug)]
pub(crate) struct Names {
    /// A bit for each place that a field was put to: a bit that is not set says that there is none.
    occupied: [u64; PLACES / 64],
    /// The field that was put to a place last, where its bit is set.
    newest: Box<[u32; PLACES]>,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { occupied: [0; PLACES / 64], newest: Box::new([NOWHERE; PLACES]) }
    }

    /// No field stands anywhere.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.occupied = [0; PLACES / 64];
    }

    /// Takes note of a field whose name has this hash.
    #[inline]
    pub(crate) fn put(&mut self, hash: u16, node: u32) {
        let (place, word, bit) = place(hash);
        self.occupied[word] |= bit;
        self.newest[place] = node;
    }

    /// The field that was put last under a hash such as this one; `None` if there never was one.
    #[inline]
    pub(crate) fn newest(&self, hash: u16) -> Option<u32> {
        let (place, word, bit) = place(hash);
        (self.occupied[word] & bit != 0).then(|| self.newest[place])
    }
}

/// A hash's place, and the word and bit that stand for it.
#[inline]
fn place(hash: u16) -> (usize, usize, u64) {
    let place = usize::from(hash >> 6);
    (place, place >> 6, 1 << (place & 63))
}

#[cfg(test)]
mod tests {
    use super::{Names, hash, hash_within};

    #[test]
    fn a_name_has_the_same_hash_wherever_it_stands() {
        for name in
            ["", "a", "status", "log_type", "response_time", "a name of more than sixteen bytes"]
        {
            for buffer in [format!("{{\"{name}\":1, \"more\":2}}"), format!("{{\"{name}")] {
                let within = hash_within(buffer.as_bytes(), 2, 2 + name.len());
                assert_eq!(within, hash(name.as_bytes()), "{name} in {buffer}");
            }
        }
    }

    #[test]
    fn names_of_one_kind_are_told_apart() {
        let names = [
            "response_time",
            "response_size",
            "response_code",
            "n1",
            "n2",
            "n11",
            "user_id",
            "user_ip",
        ];
        let mut hashes: Vec<_> = names.iter().map(|name| hash(name.as_bytes())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), names.len());
    }

    #[test]
    fn what_was_never_put_is_nowhere() {
        let mut names = Names::new();
        names.put(0xff01, 7);
        assert_eq!((names.newest(0xff01), names.newest(0xff02)), (Some(7), Some(7)));
        assert_eq!(names.newest(0x0101), None);
        names.clear();
        assert_eq!(names.newest(0xff01), None);
    }
}
