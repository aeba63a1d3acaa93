//! Names of values: a hash that tells nearly all of them apart, and where the event's own fields stand by it, and those
//! of objects that were made for it.
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

/// A name's hash within an object, so that names which several objects have are told apart. Within the event itself,
/// which is node 0, it is the name's own.
#[inline]
pub(crate) fn within_object(hash: u16, object: u32) -> u16 {
    // An odd number with its bits spread: the highest ones, which choose the place, differ for neighbours.
    hash.wrapping_add((object as u16).wrapping_mul(0x9e37))
}

/// Where the fields of an event stand, by the hashes of their names. One that was taken away is not forgotten, so
/// what is found here must be looked at.
#[derive(Debug)]
pub(crate) struct Names {
    /// Which fields these are: another number once all are forgotten, and never 0.
    generation: u32,
    /// A bit for each place that a field was put to: a bit that is not set says that there is none.
    occupied: [u64; PLACES / 64],
    /// The field that was put to a place last, where its bit is set. Only an event that is decoded has it: it is used
    /// again for the next one, while those that are made of an event are many, and each is looked into a few times.
    newest: Option<Box<[u32; PLACES]>>,
}

/// What is known of where a name's field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// There never was a field under such a hash.
    Never,
    /// The field that was put last under such a hash.
    At(u32),
    /// Nothing: fields are not filed here.
    Nothing,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { generation: 1, occupied: [0; PLACES / 64], newest: None }
    }

    /// Files fields from now on. No field stands anywhere yet.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.clear();
        if self.newest.is_none() {
            self.newest = Some(Box::new([NOWHERE; PLACES]));
        }
    }

    /// No field stands anywhere.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.generation = self.generation.wrapping_add(1).max(1);
        self.occupied = [0; PLACES / 64];
    }

    /// What marks an object all fields of which are filed here.
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Takes note of a field whose name has this hash.
    #[inline]
    pub(crate) fn put(&mut self, hash: u16, node: u32) {
        if let Some(newest) = &mut self.newest {
            let (place, word, bit) = place(hash);
            self.occupied[word] |= bit;
            newest[place] = node;
        }
    }

    /// Where a field stands whose name has this hash.
    #[inline]
    pub(crate) fn known(&self, hash: u16) -> Known {
        let Some(newest) = &self.newest else { return Known::Nothing };
        let (place, word, bit) = place(hash);
        match self.occupied[word] & bit {
            0 => Known::Never,
            _ => Known::At(newest[place]),
        }
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
    use super::{Known, Names, hash, hash_within, within_object};

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
        names.start();
        names.put(0xff01, 7);
        assert_eq!((names.known(0xff01), names.known(0xff02)), (Known::At(7), Known::At(7)));
        assert_eq!(names.known(0x0101), Known::Never);
        names.clear();
        assert_eq!(names.known(0xff01), Known::Never);
    }

    #[test]
    fn a_name_has_places_of_its_own_in_objects() {
        let places = |object| within_object(hash(b"last"), object) >> 6;
        assert_eq!(within_object(hash(b"last"), 0), hash(b"last"));
        let mut all: Vec<_> = (0..64).map(places).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 64);
    }

    #[test]
    fn what_marks_an_object_changes_with_all_that_is_forgotten() {
        let mut names = Names::new();
        let first = names.generation();
        names.clear();
        assert_ne!(names.generation(), first);
        assert_ne!(names.generation(), 0);
    }

    #[test]
    fn nothing_is_filed_before_it_starts() {
        let mut names = Names::new();
        names.put(0xff01, 7);
        assert_eq!((names.known(0xff01), names.known(0x0101)), (Known::Nothing, Known::Nothing));
        names.start();
        assert_eq!(names.known(0xff01), Known::Never);
    }
}
