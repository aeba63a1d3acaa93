//! The options of `aggregate`.

use std::sync::Arc;

use event::FieldPath;

use super::code::Code;
use super::rules::{Rules, TIMEOUT_DEFAULT_NS};
use super::{Aggregate, AggregatePlan, MapAction, compiler};
use crate::filter::{Environment, FilterPlan};
use crate::options::{Options, filter_options};
use crate::template::Template;

/// Most seconds of a timeout.
const TIMEOUT_S_MAX: f64 = 366.0 * 24.0 * 60.0 * 60.0;
/// Options that only one filter of those with a `task_id` may have.
const TIMEOUT_OPTIONS: &[&str] = &[
    "timeout",
    "inactivity_timeout",
    "timeout_code",
    "push_map_as_event_on_timeout",
    "push_previous_map_as_event",
    "timeout_timestamp_field",
    "timeout_task_id_field",
    "timeout_tags",
];
const UNDERSTOOD: &str = "code may set and read `map[...]` and fields, calculate, compare, add to lists and decide with \
                          `if`; docs/pipelines.md has all of it. Do the rest with other filters";

filter_options! {
    /// Joins what several events of a task say in a map, which goes into a later event or becomes
    /// one.
    ///
    /// Each partition has maps of its own, from its start on, and each shop's tasks are by
    /// themselves (see [filters that remember](../pipelines.md#filters-that-remember)). Filters
    /// with the same `task_id`, as it is written, share maps; the options about timeouts stand in
    /// one of them, and events that maps become go on behind that one, where they open no map of
    /// the same `task_id` again. At most 50,000 maps and 64 MiB are open in a partition, a quarter
    /// of both of one shop; a map has at most 1 MiB.
    struct AggregateOptions {
        /// Which task an event belongs to, as `%{[order][id]}`. An event of which nothing is put in
        /// belongs to none.
        task_id: Template = required,
        /// What is done with the event and the map of its task, in [a part of
        /// Ruby](../pipelines.md#code-of-aggregate).
        code: Code [String, event_code] = required,
        /// Whether the code is run for every task, for one that has no map yet, or for one that has.
        map_action: MapAction {
            "create_or_update" => MapAction::CreateOrUpdate,
            "create" => MapAction::Create,
            "update" => MapAction::Update,
        } = first,
        /// Whether the task is over with this event.
        end_of_task: bool = false,
        /// After how many seconds a task runs out, at most 366 days.
        timeout: i64 [Number, seconds] => "default `1800`",
        /// After how many seconds without an event a task runs out, at most 366 days. A longer one
        /// than `timeout` is refused: it would never count.
        inactivity_timeout: i64 [Number, seconds],
        /// What is done with the event that a map becomes when its task runs out; there is no
        /// `map`, the event holds what it held.
        timeout_code: Code [String, timeout_code],
        /// Whether the map of a task that runs out becomes an event.
        push_map_as_event_on_timeout: bool = false,
        /// Whether a new task makes an event of the map of the one before.
        push_previous_map_as_event: bool = false,
        /// The field with the time that timeouts count by.
        timeout_timestamp_field: FieldPath => "default: the time of receipt counts",
        /// The field of the new event that gets the task's id.
        timeout_task_id_field: FieldPath,
        /// Tags of the new event.
        timeout_tags: Vec<Template> = [],
    }
    refused {
        aggregate_maps_path =>
            "leave it out: open maps are not kept over a restart; those that may become events do so before",
    }
    tags {
        "_aggregateexception" => "the code failed, or the field of `timeout_timestamp_field` holds no time",
        "_aggregate_too_many" => "there are too many open maps; the event is left alone",
        "_aggregate_too_large" => "the map, or a value that the code puts together, would have more than 1 MiB, \
            or all such values 8 MiB; that is not done",
        "_aggregatefinalflush" => "the event is a map that had not run out when the last record came",
    }
    example r#"aggregate {
  task_id => "%{[order][id]}"
  code => "map['items'] ||= 0; map['items'] += 1; event.set('[order][items]', map['items'])"
  timeout => 600
}"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let mut given = AggregateOptions::read(options);
    let task_id_text = options.text("task_id");
    let (task_id, code) = (given.task_id.take(), given.code.take());
    if task_id.as_ref().is_some_and(|task_id| task_id.literal().is_some()) {
        let message = "`task_id` is the same for every event";
        options.refuse("task_id", message, "write which field tells tasks apart, as `%{field}`");
    }
    let action = given.map_action;
    let ends_task = given.end_of_task;
    let says_rules = TIMEOUT_OPTIONS.iter().any(|name| options.has(name));
    let rules = rules(options, given);
    let task_id_text = task_id_text?;
    let group = options.task_group(&task_id_text);
    let number = group.join();
    if says_rules && !group.say(Rules { owner: number, ..rules }) {
        let message = format!("two filters say what becomes of maps of `{task_id_text}`");
        let way_out = format!("leave {} to one of them", TIMEOUT_OPTIONS.join(", "));
        let said = TIMEOUT_OPTIONS.iter().find(|name| options.has(name));
        options.refuse(said.copied().unwrap_or("timeout"), message, way_out);
    }
    let (task_id, code) = task_id.zip(code)?;
    Some(Arc::new(AggregatePlan(Arc::new(Aggregate {
        task_id,
        task_id_text,
        code,
        action,
        ends_task,
        group,
        number,
    }))))
}

fn event_code(options: &mut Options<'_>, name: &'static str) -> Option<Code> {
    code(options, name, true)
}

fn timeout_code(options: &mut Options<'_>, name: &'static str) -> Option<Code> {
    code(options, name, false)
}

fn code(options: &mut Options<'_>, name: &'static str, has_map: bool) -> Option<Code> {
    let text = options.text(name)?;
    compiler::compile(&text, has_map, options.escape_style())
        .map_err(|unread| {
            let span = options.span_within(name, &text, unread.at);
            options.refuse_at(span, unread.why, UNDERSTOOD);
        })
        .ok()
}

/// What the options about timeouts say.
fn rules(options: &mut Options<'_>, given: AggregateOptions) -> Rules {
    let inactivity_ns = given.inactivity_timeout;
    let timeout_ns = given.timeout.unwrap_or(TIMEOUT_DEFAULT_NS);
    if inactivity_ns.is_some_and(|inactivity_ns| inactivity_ns > timeout_ns) {
        let message = "`inactivity_timeout` is longer than `timeout`, so it would never count";
        options.refuse("inactivity_timeout", message, "write a shorter one, or a longer `timeout`");
    }
    let task_id_field = given.timeout_task_id_field;
    if task_id_field.as_ref().is_some_and(FieldPath::is_timestamp) {
        let message = "`@timestamp` holds no task's id";
        options.refuse("timeout_task_id_field", message, "name another field");
    }
    Rules {
        owner: 0,
        timeout_ns,
        inactivity_ns,
        timestamp: given.timeout_timestamp_field,
        task_id_field,
        tags: given.timeout_tags,
        code: given.timeout_code,
        pushes_on_timeout: given.push_map_as_event_on_timeout,
        pushes_previous: given.push_previous_map_as_event,
    }
}

fn seconds(options: &mut Options<'_>, name: &'static str) -> Option<i64> {
    let seconds = options.number(name)?;
    if !(0.0..=TIMEOUT_S_MAX).contains(&seconds) {
        let way_out = format!("write a number of seconds, up to {TIMEOUT_S_MAX}");
        options.refuse(name, format!("`{name}` cannot be {seconds}"), way_out);
        return None;
    }
    Some((seconds * 1e9) as i64)
}
