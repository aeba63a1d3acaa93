//! When tasks run out and what becomes of them: said by one filter of those that share a `task_id`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use event::{Event, FieldPath, Limits};

use super::code::Code;
use super::run::{TaskAtHand, run};
use super::tasks::{OwnTimeouts, Task};
use super::value::{Members, Value};
use crate::template::Template;

/// `timeout` where no filter says one, in nanoseconds.
pub(super) const TIMEOUT_DEFAULT_NS: i64 = 1_800 * 1_000_000_000;
/// Tag of events whose code failed.
pub(super) const EXCEPTION_TAG: &str = "_aggregateexception";
/// Tag of events of maps that had not run out when the last record came.
const FINAL_TAG: &str = "_aggregatefinalflush";

/// The options about timeouts.
#[derive(Debug)]
pub(super) struct Rules {
    /// Which of the filters of its group said them.
    pub(super) owner: usize,
    pub(super) timeout_ns: i64,
    pub(super) inactivity_ns: Option<i64>,
    /// The field with the time that timeouts count by; the time of receipt if there is none.
    pub(super) timestamp: Option<FieldPath>,
    pub(super) task_id_field: Option<FieldPath>,
    pub(super) tags: Vec<Template>,
    pub(super) code: Option<Code>,
    pub(super) pushes_on_timeout: bool,
    pub(super) pushes_previous: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            owner: 0,
            timeout_ns: TIMEOUT_DEFAULT_NS,
            inactivity_ns: None,
            timestamp: None,
            task_id_field: None,
            tags: Vec::new(),
            code: None,
            pushes_on_timeout: false,
            pushes_previous: false,
        }
    }
}

impl Rules {
    /// Whether a map that ends without `end_of_task` becomes an event.
    pub(super) fn pushes(&self) -> bool {
        self.pushes_on_timeout || self.pushes_previous
    }

    /// After how long a task runs out, in all and without an event.
    fn timeouts_ns(&self, task: &Task) -> (i64, Option<i64>) {
        let OwnTimeouts { all_ns, inactivity_ns } = task.own_timeouts;
        (all_ns.unwrap_or(self.timeout_ns), inactivity_ns.or(self.inactivity_ns))
    }

    /// When a task runs out if no event of it comes. Code may say that it has: then it does so now.
    pub(super) fn due_ns(&self, task: &Task) -> i64 {
        let (all_ns, inactivity_ns) = self.timeouts_ns(task);
        let oldest_ns = task.created.received_at_ns.saturating_add(all_ns);
        let last_ns = task.last.received_at_ns;
        let due_ns = match inactivity_ns {
            Some(inactivity_ns) => oldest_ns.min(last_ns.saturating_add(inactivity_ns)),
            None => oldest_ns,
        };
        due_ns.max(last_ns)
    }

    /// Whether a task has run out by the time of an event of it.
    pub(super) fn has_run_out(&self, task: &Task, event_ns: i64) -> bool {
        let is_over = |since_ns: i64, most_ns: i64| event_ns.saturating_sub(since_ns) > most_ns;
        let (all_ns, inactivity_ns) = self.timeouts_ns(task);
        is_over(task.created.event_ns, all_ns)
            || inactivity_ns.is_some_and(|most_ns| is_over(task.last.event_ns, most_ns))
    }

    /// The event that a map becomes, at a time; `None` if `timeout_code` cancels it.
    pub(super) fn event_of(&self, task: &Task, made_at_ns: i64, is_final: bool) -> Option<Event> {
        let mut json = Vec::new();
        task.map.write(&mut json);
        let mut event = Event::new();
        if event.decode_json(&Bytes::from(json), made_at_ns, &Limits::documents()).is_err() {
            // A map holds nothing that JSON cannot; an event without fields shows it should that ever be wrong.
            event.timestamp_ns = made_at_ns;
            event.add_tag(EXCEPTION_TAG);
        }
        // What a sender named so is no word of the platform.
        event.remove(&FieldPath::key("@metadata"));
        if let Some(field) = &self.task_id_field {
            event.set_text(field, &task.key.id);
        }
        for tag in &self.tags {
            let tag = tag.render(&event, made_at_ns).into_owned();
            event.push_tag(&tag);
        }
        // The code is told of no map and no task.
        let (mut no_map, mut own_timeouts) = (Value::Hash(Members::new()), OwnTimeouts::default());
        let ended = self.code.as_ref().map(|code| {
            let task = TaskAtHand::new(&task.key.id, task.last, &mut own_timeouts);
            run(code, &mut event, &mut no_map, 0, task)
        });
        if let Some(ended) = ended {
            if ended.result.is_err() {
                event.add_tag(EXCEPTION_TAG);
            }
            if ended.is_cancelled {
                return None;
            }
        }
        if is_final {
            event.add_tag(FINAL_TAG);
        }
        Some(event)
    }
}

/// The filters that share maps: those of the same `task_id`, as it is written.
#[derive(Debug)]
pub(crate) struct TaskGroup {
    /// Which of the pipeline's groups it is.
    pub(super) number: usize,
    members: AtomicUsize,
    rules: OnceLock<Rules>,
    default: Rules,
}

impl TaskGroup {
    fn new(number: usize) -> Self {
        let (members, rules) = (AtomicUsize::new(0), OnceLock::new());
        Self { number, members, rules, default: Rules::default() }
    }

    /// The number of one more filter.
    pub(super) fn join(&self) -> usize {
        self.members.fetch_add(1, Ordering::Relaxed)
    }

    /// Says the rules; false if another filter has said them.
    pub(super) fn say(&self, rules: Rules) -> bool {
        self.rules.set(rules).is_ok()
    }

    /// The rules that were said, else those that hold without.
    pub(super) fn rules(&self) -> &Rules {
        self.rules.get().unwrap_or(&self.default)
    }
}

/// The groups of a pipeline that is being read.
#[derive(Debug, Default)]
pub(crate) struct TaskGroups(Vec<(String, Arc<TaskGroup>)>);

impl TaskGroups {
    /// The group of a `task_id`.
    pub(crate) fn of(&mut self, task_id: &str) -> Arc<TaskGroup> {
        if let Some((_, group)) = self.0.iter().find(|(known, _)| known == task_id) {
            return Arc::clone(group);
        }
        let group = Arc::new(TaskGroup::new(self.0.len()));
        self.0.push((task_id.to_owned(), Arc::clone(&group)));
        group
    }
}
