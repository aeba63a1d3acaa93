//! The open maps of a worker, by task. Bounded in number and in bytes; none is ever dropped to make room.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bus::Record;
use bytestring::ByteString;

use super::value::{Members, Value};

/// Most maps that are open.
pub(super) const TASKS_MAX: usize = 50_000;
/// Most maps that are open of one shop: the others are to have room too.
pub(super) const SHOP_TASKS_MAX: usize = TASKS_MAX / 4;
/// Most bytes of all maps.
pub(super) const ALL_BYTES_MAX: usize = 64 << 20;
/// Most bytes of the maps of one shop.
pub(super) const SHOP_BYTES_MAX: usize = ALL_BYTES_MAX / 4;
/// Most bytes of one map.
pub(super) const MAP_BYTES_MAX: usize = 1 << 20;
/// What a map takes beside what it holds, in bytes.
const TASK_BYTES: usize = 512;

/// Whose task it is, and its id: the same id is another task in another shop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TaskKey {
    pub(super) shop: ByteString,
    pub(super) id: String,
}

/// When something happened: by the records' times of receipt, and by the time that timeouts are said to count by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instants {
    pub(super) received_at_ns: i64,
    pub(super) event_ns: i64,
}

/// After how long a task runs out by what its own code says, in nanoseconds; where that says nothing, the filters'
/// options hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnTimeouts {
    pub(super) all_ns: Option<i64>,
    pub(super) inactivity_ns: Option<i64>,
}

impl OwnTimeouts {
    /// Whether the task is over with the event at hand.
    pub(super) fn are_over(self) -> bool {
        [self.all_ns, self.inactivity_ns].contains(&Some(0))
    }
}

/// An open map.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) key: TaskKey,
    /// A hash.
    pub(super) map: Value,
    /// Of what the map holds.
    pub(super) bytes: usize,
    pub(super) created: Instants,
    pub(super) last: Instants,
    pub(super) own_timeouts: OwnTimeouts,
    /// The record that it began with, and what an id is derived with.
    pub(super) first: Record,
    pub(super) role: String,
    /// When it runs out.
    due_ns: i64,
}

impl Task {
    pub(super) fn new(key: TaskKey, now: Instants, first: Record, role: String) -> Self {
        let (map, bytes, due_ns) = (Value::Hash(Members::new()), 0, i64::MAX);
        let own_timeouts = OwnTimeouts::default();
        Self { key, map, bytes, created: now, last: now, own_timeouts, first, role, due_ns }
    }

    fn all_bytes(&self) -> usize {
        TASK_BYTES + self.key.id.len() + self.role.len() + self.bytes
    }
}

/// The maps of one group of filters.
#[derive(Debug, Default)]
struct Tasks {
    by_key: HashMap<TaskKey, u64>,
    /// In the order in which they were made.
    tasks: BTreeMap<u64, Task>,
    due: BTreeSet<(i64, u64)>,
}

/// What the maps of one shop take.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    tasks: usize,
    bytes: usize,
}

/// The maps of all filters `aggregate` of a pipeline.
#[derive(Debug, Default)]
pub(crate) struct TaskMaps {
    groups: Vec<Tasks>,
    made: u64,
    tasks: usize,
    by_shop: HashMap<ByteString, Share>,
    bytes: usize,
}

impl TaskMaps {
    fn group(&mut self, group: usize) -> &mut Tasks {
        if self.groups.len() <= group {
            self.groups.resize_with(group + 1, Tasks::default);
        }
        &mut self.groups[group]
    }

    /// Takes a task out of its group: its map is at hand until it is put back, or ends.
    pub(super) fn take(&mut self, group: usize, key: &TaskKey) -> Option<(u64, Task)> {
        let number = *self.group(group).by_key.get(key)?;
        self.remove(group, number).map(|task| (number, task))
    }

    /// Whether there is room for one more of a shop.
    pub(super) fn has_room(&self, shop: &ByteString) -> bool {
        let of_shop = self.share(shop);
        let has_shop_room = of_shop.tasks < SHOP_TASKS_MAX && of_shop.bytes < SHOP_BYTES_MAX;
        has_shop_room && self.tasks < TASKS_MAX && self.bytes < ALL_BYTES_MAX
    }

    fn share(&self, shop: &ByteString) -> Share {
        self.by_shop.get(shop).copied().unwrap_or_default()
    }

    /// How many bytes larger a map may become that was taken out.
    pub(super) fn room_bytes(&self, task: &Task) -> usize {
        let task_bytes = task.all_bytes();
        let of_all = ALL_BYTES_MAX.saturating_sub(self.bytes + task_bytes);
        let of_shop = SHOP_BYTES_MAX.saturating_sub(self.share(&task.key.shop).bytes + task_bytes);
        MAP_BYTES_MAX.saturating_sub(task.bytes).min(of_all).min(of_shop)
    }

    /// A number for a new task: later ones have greater ones.
    pub(super) fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Puts a task into its group, to run out at a time.
    pub(super) fn put(&mut self, group: usize, number: u64, mut task: Task, due_ns: i64) {
        task.due_ns = due_ns;
        let task_bytes = task.all_bytes();
        self.tasks += 1;
        self.bytes += task_bytes;
        let of_shop = self.by_shop.entry(task.key.shop.clone()).or_default();
        of_shop.tasks += 1;
        of_shop.bytes += task_bytes;
        let tasks = self.group(group);
        tasks.by_key.insert(task.key.clone(), number);
        tasks.due.insert((due_ns, number));
        tasks.tasks.insert(number, task);
    }

    /// The shop's task that was made first.
    pub(super) fn take_first(&mut self, group: usize, shop: &ByteString) -> Option<Task> {
        let tasks = &self.group(group).tasks;
        let number = tasks.iter().find(|(_, task)| task.key.shop == *shop).map(|(n, _)| *n)?;
        self.remove(group, number)
    }

    /// The next task that has run out before a time, with when that was.
    pub(super) fn take_due(&mut self, group: usize, now_ns: i64) -> Option<(i64, Task)> {
        let (due_ns, number) = *self.group(group).due.first()?;
        if due_ns >= now_ns {
            return None;
        }
        self.remove(group, number).map(|task| (due_ns, task))
    }

    /// The task of a group that was made first.
    pub(super) fn take_oldest(&mut self, group: usize) -> Option<Task> {
        let number = *self.group(group).tasks.keys().next()?;
        self.remove(group, number)
    }

    fn remove(&mut self, group: usize, number: u64) -> Option<Task> {
        let tasks = self.group(group);
        let task = tasks.tasks.remove(&number)?;
        tasks.by_key.remove(&task.key);
        tasks.due.remove(&(task.due_ns, number));
        let task_bytes = task.all_bytes();
        self.tasks -= 1;
        self.bytes = self.bytes.saturating_sub(task_bytes);
        if let Some(of_shop) = self.by_shop.get_mut(&task.key.shop) {
            of_shop.tasks -= 1;
            of_shop.bytes = of_shop.bytes.saturating_sub(task_bytes);
            if of_shop.tasks == 0 {
                self.by_shop.remove(&task.key.shop);
            }
        }
        Some(task)
    }

    #[cfg(test)]
    pub(super) fn counted(&self) -> (usize, usize) {
        (self.tasks, self.bytes)
    }
}
