//! The lines that both programs were given, found by their text. Logstash's workers change the order of events, so
//! that a line is looked for among many; those far behind the last one found are passed.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead};

use super::lines::Lines;

/// Most lines that wait for their event.
const LINES_MAX: usize = 100_000;
/// Most bytes of them.
const BYTES_MAX: usize = 64 << 20;
/// How far behind the last line that was found another one's event may come.
const BEHIND_MAX: u64 = 20_000;

/// A line of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InputLine {
    /// From 0, empty lines left out.
    place: u64,
    pub(super) text: Vec<u8>,
}

/// See the module.
pub(super) struct Input<I> {
    lines: Lines<I>,
    /// In their order; nothing where a line was taken.
    waiting: VecDeque<Option<InputLine>>,
    /// Place of the first that waits.
    first: u64,
    /// Place of the next that is read.
    next: u64,
    /// Behind the last one that was found.
    found: u64,
    /// Places by the hash of the text, in order.
    by_text: HashMap<u64, VecDeque<u64>>,
    hasher: RandomState,
    bytes: usize,
}

impl<I: BufRead> Input<I> {
    pub(super) fn new(source: I, line_bytes_max: usize) -> Self {
        Self {
            lines: Lines::new(source, line_bytes_max),
            waiting: VecDeque::new(),
            first: 0,
            next: 0,
            found: 0,
            by_text: HashMap::new(),
            hasher: RandomState::new(),
            bytes: 0,
        }
    }

    /// Takes the first line with a text.
    pub(super) fn take(&mut self, text: &[u8]) -> io::Result<Option<InputLine>> {
        let hash = self.hasher.hash_one(text);
        loop {
            if let Some(place) = self.place_of(hash, text) {
                self.found = self.found.max(place + 1);
                return Ok(self.remove(place));
            }
            if self.waiting.len() >= LINES_MAX || self.bytes >= BYTES_MAX || !self.read()? {
                return Ok(None);
            }
        }
    }

    /// A line that is so far behind that its event does not come any more.
    pub(super) fn take_passed(&mut self) -> Option<InputLine> {
        while self.first + BEHIND_MAX < self.found && !self.waiting.is_empty() {
            if let Some(line) = self.remove(self.first) {
                return Some(line);
            }
        }
        None
    }

    /// The first line of all that are left.
    pub(super) fn next(&mut self) -> io::Result<Option<InputLine>> {
        loop {
            while !self.waiting.is_empty() {
                if let Some(line) = self.remove(self.first) {
                    return Ok(Some(line));
                }
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }

    /// Reads another line; false at the end.
    fn read(&mut self) -> io::Result<bool> {
        let Some(line) = self.lines.next()? else { return Ok(false) };
        if line.text.is_empty() {
            return Ok(true);
        }
        let hash = self.hasher.hash_one(line.text.as_slice());
        self.by_text.entry(hash).or_default().push_back(self.next);
        self.bytes += line.text.len();
        self.waiting.push_back(Some(InputLine { place: self.next, text: line.text }));
        self.next += 1;
        Ok(true)
    }

    fn place_of(&self, hash: u64, text: &[u8]) -> Option<u64> {
        let places = self.by_text.get(&hash)?.iter();
        places.copied().find(|place| {
            let line = self.waiting.get((place - self.first) as usize).and_then(Option::as_ref);
            line.is_some_and(|line| line.text == text)
        })
    }

    /// Takes a line out; what was taken before it at the front goes too.
    fn remove(&mut self, place: u64) -> Option<InputLine> {
        let line = self.waiting.get_mut((place - self.first) as usize)?.take();
        if let Some(line) = &line {
            self.bytes -= line.text.len();
            let hash = self.hasher.hash_one(line.text.as_slice());
            if let Some(places) = self.by_text.get_mut(&hash) {
                places.retain(|other| *other != line.place);
                if places.is_empty() {
                    self.by_text.remove(&hash);
                }
            }
        }
        while matches!(self.waiting.front(), Some(None)) {
            self.waiting.pop_front();
            self.first += 1;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{BEHIND_MAX, Input};

    fn text(line: Option<super::InputLine>) -> Option<String> {
        line.map(|line| String::from_utf8(line.text).expect("a text"))
    }

    #[test]
    fn a_line_is_found_in_any_order_and_each_once() {
        let mut input = Input::new(&b"a\nb\n\na\nc\n"[..], 100);
        for wanted in ["c", "a", "a"] {
            let found = input.take(wanted.as_bytes()).expect("it reads");
            assert_eq!(text(found).as_deref(), Some(wanted));
        }
        assert_eq!(input.take(b"a").expect("it reads"), None);
        assert_eq!(text(input.next().expect("it reads")).as_deref(), Some("b"));
        assert_eq!(input.next().expect("it reads"), None);
    }

    #[test]
    fn lines_far_behind_are_passed() {
        let many: String = (0..BEHIND_MAX + 2).map(|number| format!("{number}\n")).collect();
        let mut input = Input::new(many.as_bytes(), 100);
        assert_eq!(input.take_passed(), None);
        let last = (BEHIND_MAX + 1).to_string();
        assert!(input.take(last.as_bytes()).expect("it reads").is_some());
        assert_eq!(text(input.take_passed()).as_deref(), Some("0"));
        assert_eq!(text(input.take_passed()).as_deref(), Some("1"));
        assert_eq!(input.take_passed(), None);
    }
}
