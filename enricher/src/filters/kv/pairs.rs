//! The pairs of one text by key: a key that comes again has an array of its values. How much is made is bounded.

use event::{Event, NodeId};
use hashbrown::{HashMap, HashSet};

/// From this many keys on, they are looked up in a hash map, so that no input is quadratic.
const LINEAR_KEYS_MAX: usize = 32;

/// What may still be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) values: usize,
    pub(super) bytes: usize,
}

/// More was to be made of a text than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OverBudget;

impl Budget {
    /// Takes one value of this many bytes, with its key.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), OverBudget> {
        self.values = self.values.checked_sub(1).ok_or(OverBudget)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(OverBudget)?;
        Ok(())
    }
}

/// Pairs in the order in which their keys came.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    entries: Vec<Entry>,
    /// Numbers of entries, where there are many.
    numbers: HashMap<String, usize>,
    /// Texts of values by numbers of entries, where none may come twice.
    seen: HashSet<(usize, String)>,
}

#[derive(Debug)]
struct Entry {
    key: String,
    value: NodeId,
    is_array: bool,
}

impl Pairs {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn contains(&mut self, key: &str) -> bool {
        self.number(key).is_some()
    }

    fn number(&mut self, key: &str) -> Option<usize> {
        if self.entries.len() <= LINEAR_KEYS_MAX {
            return self.entries.iter().position(|entry| entry.key == key);
        }
        let known = self.numbers.len();
        for (number, entry) in self.entries.iter().enumerate().skip(known) {
            self.numbers.insert(entry.key.clone(), number);
        }
        self.numbers.get(key).copied()
    }

    /// Whether a key has this text for the first time.
    pub(super) fn is_new(&mut self, key: &str, text: &str) -> bool {
        let number = self.number(key).unwrap_or(self.entries.len());
        self.seen.insert((number, text.to_owned()))
    }

    /// Adds a value that stands nowhere.
    pub(super) fn add(&mut self, event: &mut Event, key: &str, value: NodeId) {
        let Some(number) = self.number(key) else {
            self.entries.push(Entry { key: key.to_owned(), value, is_array: false });
            return;
        };
        let entry = &mut self.entries[number];
        if !entry.is_array {
            let array = event.new_array();
            event.push(array, entry.value);
            entry.value = array;
            entry.is_array = true;
        }
        event.push(entry.value, value);
    }

    /// An object of all pairs, which stands nowhere yet.
    pub(super) fn into_object(self, event: &mut Event) -> NodeId {
        let object = event.new_object();
        for entry in self.entries {
            event.attach(object, &entry.key, entry.value);
        }
        object
    }
}
