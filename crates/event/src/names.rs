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

/// Whether two names or short texts are the same: with a few loads, where a call that compares any bytes costs more.
#[inline]
pub(crate) fn is_same(left: &[u8], right: &[u8]) -> bool {
    let length = left.len();
    if length != right.len() {
        return false;
    }
    if let (Some(first), Some(last)) = (left.first_chunk::<8>(), left.last_chunk::<8>()) {
        return right.first_chunk() == Some(first)
            && right.last_chunk() == Some(last)
            && (length <= 16 || left[8..length - 8] == right[8..length - 8]);
    }
    if let (Some(first), Some(last)) = (left.first_chunk::<4>(), left.last_chunk::<4>()) {
        return right.first_chunk() == Some(first) && right.last_chunk() == Some(last);
    }
    left.iter().zip(right).all(|(left, right)| left == right)
}

/// Where the fields of an event stand, by the hashes of their names. What is found here must be looked at: names have
/// places in common.
#[derive(Debug)]
pub(crate) struct Names {
    /// Which fields these are: another number once all are forgotten, and never 0.
    generation: u32,
    /// A bit for each place that a field was put to: a bit that is not set says that there is none.
    occupied: [u64; PLACES / 64],
    /// A bit for each place that more fields were put to than it has room for.
    crowded: [u64; PLACES / 64],
    /// The fields that were put to a place last, where its bit is set. Only an event that is decoded has it: it is used
    /// again for the next one, while those that are made of an event are many, and each is looked into a few times.
    newest: Option<Box<[Place; PLACES]>>,
}

/// The fields that were put to one place, the last one first.
type Place = [u32; 2];

/// What is known of where a name's field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// There never was a field under such a hash.
    Never,
    /// The fields that may have the name, [`NOWHERE`] where there are fewer; and whether others may have it.
    Among(Place, bool),
    /// Nothing: fields are not filed here.
    Nothing,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { generation: 1, occupied: [0; PLACES / 64], crowded: [0; PLACES / 64], newest: None }
    }

    /// Files fields from now on. No field stands anywhere yet.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.clear();
        if self.newest.is_none() {
            self.newest = Some(Box::new([[NOWHERE; 2]; PLACES]));
        }
    }

    /// No field stands anywhere.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.generation = self.generation.wrapping_add(1).max(1);
        self.occupied = [0; PLACES / 64];
        self.crowded = [0; PLACES / 64];
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
            let mut earlier = NOWHERE;
            if self.occupied[word] & bit != 0 {
                let [last, first] = newest[place];
                earlier = last;
                if first != NOWHERE {
                    self.crowded[word] |= bit;
                }
            }
            self.occupied[word] |= bit;
            newest[place] = [node, earlier];
        }
    }

    /// Takes note that a field whose name has this hash is taken away, or gets another name.
    #[inline]
    pub(crate) fn forget(&mut self, hash: u16, node: u32) {
        if let Some(newest) = &mut self.newest {
            let (place, word, bit) = place(hash);
            if self.occupied[word] & bit != 0 {
                newest[place] = match newest[place] {
                    [last, first] if last == node => [first, NOWHERE],
                    [last, first] if first == node => [last, NOWHERE],
                    others => others,
                };
            }
        }
    }

    /// Where a field stands whose name has this hash.
    #[inline]
    pub(crate) fn known(&self, hash: u16) -> Known {
        let Some(newest) = &self.newest else { return Known::Nothing };
        let (place, word, bit) = place(hash);
        match self.occupied[word] & bit {
            0 => Known::Never,
            _ => Known::Among(newest[place], self.crowded[word] & bit != 0),
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
    use super::{Known, NOWHERE, Names, hash, hash_within, is_same, within_object};

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
        assert_eq!(names.known(0xff01), Known::Among([7, NOWHERE], false));
        assert_eq!(names.known(0xff02), Known::Among([7, NOWHERE], false));
        assert_eq!(names.known(0x0101), Known::Never);
        names.clear();
        assert_eq!(names.known(0xff01), Known::Never);
    }

    #[test]
    fn what_has_no_room_in_its_place_must_be_looked_for() {
        let mut names = Names::new();
        names.start();
        names.put(0xff01, 7);
        names.put(0xff02, 8);
        assert_eq!(names.known(0xff01), Known::Among([8, 7], false));
        names.forget(0xff01, 6);
        names.forget(0xff02, 8);
        assert_eq!(names.known(0xff01), Known::Among([7, NOWHERE], false));
        names.put(0xff02, 9);
        names.put(0xff03, 10);
        assert_eq!(names.known(0xff01), Known::Among([10, 9], true));
        names.forget(0xff02, 9);
        assert_eq!(names.known(0xff01), Known::Among([10, NOWHERE], true));
        names.start();
        names.put(0xff01, 11);
        assert_eq!(names.known(0xff01), Known::Among([11, NOWHERE], false));
    }

    #[test]
    fn texts_of_every_length_are_told_apart_at_every_place() {
        let text: Vec<u8> = (0..40).collect();
        let copy = text.clone();
        for length in 0..text.len() {
            let text = &text[..length];
            assert!(is_same(text, &copy[..length]));
            assert!(!is_same(text, &[text, b"x"].concat()));
            for place in 0..length {
                let mut other = text.to_vec();
                other[place] ^= 0x40;
                assert!(!is_same(text, &other), "{length} {place}");
            }
        }
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
