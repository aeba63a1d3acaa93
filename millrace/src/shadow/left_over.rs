//! Our events of lines that another line's event came in between: they wait for theirs a while. Bounded; the oldest go
//! first.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::Value;

/// Most lines whose events wait.
const LINES_MAX: usize = 10_000;
/// Most bytes of them.
const BYTES_MAX: usize = 64 << 20;

/// See the module.
#[derive(Default)]
pub(super) struct LeftOver {
    by_text: HashMap<String, Kept>,
    /// Texts of lines by when they were put here.
    by_age: BTreeMap<u64, String>,
    next_age: u64,
    bytes: usize,
}

struct Kept {
    age: u64,
    bytes: usize,
    events: VecDeque<Value>,
}

impl LeftOver {
    /// Keeps what is left of a line's events. Those that were kept of this line have been taken.
    pub(super) fn put(&mut self, text: String, events: VecDeque<Value>) {
        let age = self.next_age;
        self.next_age += 1;
        let bytes = text.len() + events.iter().map(|event| event.to_string().len()).sum::<usize>();
        self.bytes += bytes;
        self.by_age.insert(age, text.clone());
        self.by_text.insert(text, Kept { age, bytes, events });
    }

    /// Takes the events that are left of a line, in their order.
    pub(super) fn take(&mut self, text: &str) -> VecDeque<Value> {
        let Some(kept) = self.by_text.remove(text) else { return VecDeque::new() };
        self.by_age.remove(&kept.age);
        self.bytes -= kept.bytes;
        kept.events
    }

    /// Takes the events of the oldest line, where there is no room for all.
    pub(super) fn take_passed(&mut self) -> Option<VecDeque<Value>> {
        let is_full = self.by_text.len() > LINES_MAX || self.bytes > BYTES_MAX;
        if is_full { self.take_oldest() } else { None }
    }

    /// Takes the events of the oldest line.
    pub(super) fn take_oldest(&mut self) -> Option<VecDeque<Value>> {
        let (_, text) = self.by_age.pop_first()?;
        Some(self.take(&text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_wait_for_their_line_and_the_oldest_go_first() {
        let mut left_over = LeftOver::default();
        for number in 0..=LINES_MAX {
            left_over.put(number.to_string(), VecDeque::from([json!(number)]));
        }
        assert_eq!(left_over.take_passed(), Some(VecDeque::from([json!(0)])));
        assert_eq!(left_over.take_passed(), None);
        assert_eq!(left_over.take("2"), [json!(2)]);
        assert!(left_over.take("2").is_empty());
        assert_eq!(left_over.take_oldest(), Some(VecDeque::from([json!(1)])));
        assert_eq!(left_over.take_oldest(), Some(VecDeque::from([json!(3)])));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut left_over = LeftOver::default();
        let large = || VecDeque::from([json!("x".repeat(BYTES_MAX / 2))]);
        left_over.put("a".to_owned(), large());
        assert_eq!(left_over.take_passed(), None);
        left_over.put("b".to_owned(), large());
        assert!(left_over.take_passed().is_some());
        assert_eq!(left_over.take_passed(), None);
        assert!(left_over.take("a").is_empty() && !left_over.take("b").is_empty());
        assert_eq!(left_over.bytes, 0);
    }
}
