//! `aggregate`: what several events of a task say, joined in a map, which goes into a later event or becomes one.
//!
//! Each partition has maps of its own, from its start on, and each shop's tasks are by themselves. Time is the records'
//! time of receipt, or that of a field. `code` is the part of Ruby that [`compiler`] understands; no other runs.

mod code;
mod compiler;
mod method;
mod operation;
mod options;
mod place;
mod rules;
mod run;
mod tasks;
mod value;

use std::sync::Arc;

use event::Event;

use self::code::Code;
use self::rules::EXCEPTION_TAG;
use self::run::{Failed, TaskAtHand, run};
use self::tasks::{Instants, MAP_BYTES_MAX, OwnTimeouts, Task, TaskKey};
use self::value::{Members, Value};
use crate::filter::{Applied, Filter, FilterContext, FilterPlan};
use crate::template::Template;
use crate::timer::{Moment, Outbox, TimedEvent, kept, origin};

pub(crate) use self::options::{DESCRIPTION, build};
pub(crate) use self::rules::{TaskGroup, TaskGroups};
pub(crate) use self::tasks::TaskMaps;

/// Tag of an event that is left alone, since there are too many open maps.
const TOO_MANY_TAG: &str = "_aggregate_too_many";
/// Tag of an event with which a map would become too large.
const TOO_LARGE_TAG: &str = "_aggregate_too_large";

/// When the code is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MapAction {
    Create,
    Update,
    CreateOrUpdate,
}

#[derive(Debug)]
struct Aggregate {
    task_id: Template,
    /// As it is written: an event of which nothing is put in belongs to no task.
    task_id_text: String,
    code: Code,
    action: MapAction,
    ends_task: bool,
    group: Arc<TaskGroup>,
    /// Which of its group's filters it is.
    number: usize,
}

struct AggregatePlan(Arc<Aggregate>);

impl FilterPlan for AggregatePlan {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker(Arc::clone(&self.0)))
    }

    fn keeps_state(&self) -> bool {
        true
    }

    fn is_timed(&self) -> bool {
        self.0.is_owner()
    }
}

/// One worker's instance: its maps are with those of the other filters of its pipeline.
struct Worker(Arc<Aggregate>);

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        if context.is_rehearsal() {
            return self.0.rehearse(event, context.record.received_at_ns);
        }
        self.0.join(event, context)
    }

    fn advance(&mut self, moment: Moment, outbox: &mut Outbox<'_>) {
        let group = self.0.group.number;
        while !outbox.is_full()
            && let Some((due_ns, task)) = outbox.tasks.take_due(group, moment.now_ns)
        {
            self.0.push(&task, due_ns, false, outbox);
        }
        while moment.is_end
            && !outbox.is_full()
            && let Some(task) = outbox.tasks.take_oldest(group)
        {
            self.0.push(&task, moment.now_ns, true, outbox);
        }
    }
}

impl Aggregate {
    /// Whether it is the filter behind which maps become events.
    fn is_owner(&self) -> bool {
        self.group.rules().owner == self.number
    }

    fn push(&self, task: &Task, made_at_ns: i64, is_final: bool, outbox: &mut Outbox<'_>) {
        let rules = self.group.rules();
        if !rules.pushes() {
            return;
        }
        if let Some(event) = rules.event_of(task, made_at_ns, is_final) {
            let origin = origin(&task.first, &task.role, made_at_ns);
            let pushed_by = Some(self.group.number);
            outbox.events.push(TimedEvent { event, origin, is_matched: false, pushed_by });
        }
    }

    /// Does to an event what the code may do with an empty map: filters behind ask for what it sets. Nothing is
    /// remembered, and nothing is dropped, which a map that is not at hand decides.
    fn rehearse(&self, event: &mut Event, received_at_ns: i64) -> Applied {
        let id = self.task_id.render(event, received_at_ns).into_owned();
        if id == self.task_id_text {
            return Applied::NotMatched;
        }
        let now = Instants { received_at_ns, event_ns: received_at_ns };
        let mut own_timeouts = OwnTimeouts::default();
        let task = TaskAtHand::new(&id, now, &mut own_timeouts);
        run(&self.code, event, &mut Value::Hash(Members::new()), MAP_BYTES_MAX, task);
        Applied::Matched
    }

    /// Runs the code on an event and the map of its task.
    fn join(&self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        if context.pushed_by == Some(self.group.number) {
            return Applied::NotMatched;
        }
        let received_at_ns = context.record.received_at_ns;
        let id = self.task_id.render(event, received_at_ns).into_owned();
        if id == self.task_id_text {
            return Applied::NotMatched;
        }
        let key = TaskKey { shop: context.record.shop.clone(), id };
        let Some(event_ns) = self.time_of(event, received_at_ns) else {
            event.add_tag(EXCEPTION_TAG);
            return Applied::NotMatched;
        };
        let now = Instants { received_at_ns, event_ns };
        let (number, mut task) = match self.task(key, now, event, context) {
            Ok(task) => task,
            Err(tag) => {
                tag.into_iter().for_each(|tag| event.add_tag(tag));
                return Applied::NotMatched;
            }
        };
        task.last = now;
        let room_bytes = context.tasks.room_bytes(&task);
        let at_hand = TaskAtHand::new(&task.key.id, now, &mut task.own_timeouts);
        let at_hand = at_hand.since(task.created);
        let ended = run(&self.code, event, &mut task.map, room_bytes, at_hand);
        task.bytes = task.bytes.saturating_add_signed(ended.grown_bytes);
        let rules = self.group.rules();
        if task.own_timeouts.are_over() {
            if rules.pushes_on_timeout {
                spawn(&self.group, &task, now, event, context);
            }
        } else if !self.ends_task {
            let due_ns = rules.due_ns(&task);
            context.tasks.put(self.group.number, number, task, due_ns);
        }
        match ended.result {
            Ok(()) => {}
            Err(Failed::Exception) => event.add_tag(EXCEPTION_TAG),
            Err(Failed::TooLarge) => event.add_tag(TOO_LARGE_TAG),
        }
        match ended.result {
            _ if ended.is_cancelled => Applied::Dropped,
            Ok(()) => Applied::Matched,
            Err(_) => Applied::NotMatched,
        }
    }

    /// The time that timeouts count by; `None` if the field holds none.
    fn time_of(&self, event: &Event, received_at_ns: i64) -> Option<i64> {
        match &self.group.rules().timestamp {
            None => Some(received_at_ns),
            Some(field) if field.is_timestamp() => Some(event.timestamp_ns),
            Some(field) => event::parse_iso8601(&event.text(event.get(field)?)?),
        }
    }

    /// Takes the task's map, or makes one. What ends before that may become an event; which tag says that there is none.
    fn task(
        &self,
        key: TaskKey,
        now: Instants,
        event: &Event,
        context: &mut FilterContext<'_>,
    ) -> Result<(u64, Task), Option<&'static str>> {
        let (group, rules) = (self.group.number, self.group.rules());
        let mut present = context.tasks.take(group, &key);
        if rules.timestamp.is_some()
            && let Some((_, task)) =
                present.take_if(|(_, task)| rules.has_run_out(task, now.event_ns))
        {
            spawn(&self.group, &task, now, event, context);
        }
        match (present, self.action) {
            (Some((number, task)), MapAction::Create) => {
                let due_ns = rules.due_ns(&task);
                context.tasks.put(group, number, task, due_ns);
                Err(None)
            }
            (Some(present), _) => Ok(present),
            (None, MapAction::Update) => Err(None),
            (None, _) => {
                if rules.pushes_previous
                    && self.is_owner()
                    && let Some(previous) = context.tasks.take_first(group, &key.shop)
                {
                    spawn(&self.group, &previous, now, event, context);
                }
                if !context.tasks.has_room(&key.shop) {
                    return Err(Some(TOO_MANY_TAG));
                }
                let role = format!("aggregate/{}/{}", context.place, context.number);
                let task = Task::new(key, now, kept(context.record), role);
                Ok((context.tasks.next_number(), task))
            }
        }
    }
}

/// Lets a map become an event that goes on behind this filter, with the platform's words as the event at hand has them.
fn spawn(
    group: &TaskGroup,
    task: &Task,
    now: Instants,
    event: &Event,
    context: &mut FilterContext<'_>,
) {
    const METADATA: &str = "@metadata";
    let rules = group.rules();
    if !rules.pushes() {
        return;
    }
    let Some(mut made) = rules.event_of(task, now.received_at_ns, false) else { return };
    if let Some(words) = event.child(event.root(), METADATA) {
        let words = made.new_copy_from(event, words);
        made.put_field(METADATA, words);
    }
    context.spawned.push_map(made, group.number);
}

#[cfg(test)]
mod tests;
