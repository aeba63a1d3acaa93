//! `schema`: gives an event the names and types of `schemas/*.json`, and nothing else any name.
//!
//! Each name of the log goes to its field, converted; what cannot be converted goes to
//! `shop.unparsed`, what no schema knows to `shop.extra`. A field never has a wrong type, and an event
//! never makes a new field. No unit is guessed, and no event is dropped.

mod field;
mod instant;
mod item;
mod leftover;
mod number;
mod pass;
mod target;
mod value;

use std::fmt::Write;
use std::sync::Arc;

use event::{Event, Kind, NodeId};
use schema::{ECS_VERSION, LogType, OTHER, Place, Schema};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::Options;
use leftover::{Bounds, Leftovers};
use pass::Deferred;
use target::Target;

/// A value could not be converted; it is in `shop.unparsed`.
const TAG_UNPARSED: &str = "_schemaparsefailure";
/// Something did not fit into `shop.extra`; it is in `shop.overflow`.
const TAG_OVERFLOW: &str = "_schemaoverflow";
/// The event names no time that can be used: its time is that of its receipt.
const TAG_NO_TIME: &str = "_timestampparsefailure";

/// `extra_values_max`: values that `shop.extra` and `shop.unparsed` hold of one event.
const EXTRA_VALUES_MAX: u32 = 1_000;
/// `extra_depth_max`: how deep they may be nested. Elasticsearch refuses more than 20.
const EXTRA_DEPTH_MAX: u32 = 16;

#[derive(Clone, Copy, Debug)]
struct Plan {
    bounds: Bounds,
}

pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let values_max = bound(options, "extra_values_max", EXTRA_VALUES_MAX, 20_000);
    let depth_max = bound(options, "extra_depth_max", EXTRA_DEPTH_MAX, 20);
    let bounds = Bounds { values_max: values_max?, depth_max: depth_max? };
    Some(Arc::new(Plan { bounds }))
}

fn bound(options: &mut Options<'_>, name: &'static str, default: u32, max: u32) -> Option<u32> {
    let given = options.integer(name).unwrap_or(i64::from(default));
    match u32::try_from(given) {
        Ok(bound) if (1..=max).contains(&bound) => Some(bound),
        _ => {
            let message = format!("`{name}` cannot be {given}");
            options.refuse(name, message, format!("write a whole number from 1 to {max}"));
            None
        }
    }
}

impl FilterPlan for Plan {
    fn instance(&self) -> Box<dyn Filter> {
        let schema = Schema::embedded();
        let other = schema.log_type(OTHER).expect("a test finds every log type in the schemas");
        Box::new(SchemaFilter {
            schema,
            other,
            target: Target::new(schema),
            leftovers: Leftovers::new(schema, self.bounds),
            deferred: Vec::new(),
            text: String::new(),
        })
    }
}

/// The filter at work. What it keeps between events is memory, never a value.
#[derive(Debug)]
struct SchemaFilter {
    schema: &'static Schema,
    other: &'static LogType,
    target: Target,
    leftovers: Leftovers,
    deferred: Vec<Deferred>,
    text: String,
}

impl Filter for SchemaFilter {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let log_type = self.log_type(event);
        self.target.clear();
        self.leftovers.clear();
        let members = event.detach_all(event.root());
        self.put_identity(event, log_type.unwrap_or(self.other), &context.record.shop);
        let received_at_ns = context.record.received_at_ns;
        let findings = self.convert(event, log_type, members, received_at_ns);
        self.put_origin(event, log_type.unwrap_or(self.other), context);
        let overflow = self.leftovers.finish(event, &mut self.target);
        for (tag, applies) in [
            (TAG_UNPARSED, findings.unparsed),
            (TAG_NO_TIME, findings.no_time),
            (TAG_OVERFLOW, overflow),
        ] {
            if applies {
                event.add_tag(tag);
            }
        }
        Applied::Matched
    }
}

impl SchemaFilter {
    /// The log type that an event names; `None` if it names none that shops may send.
    fn log_type(&self, event: &Event) -> Option<&'static LogType> {
        let root = event.root();
        let named = event.child(root, "log_type").or_else(|| {
            let event_object = event.child(root, "event");
            let dataset = event_object.and_then(|object| event.child(object, "dataset"));
            dataset.or_else(|| event.child(root, "event.dataset"))
        })?;
        let mut log_types = self.schema.log_types().iter();
        log_types.find(|log_type| log_type.is_for_shops() && event.text_is(named, &log_type.name))
    }

    fn put_text(&mut self, event: &mut Event, place: Place, text: &str) {
        if self.target.at(place).is_none() {
            let node = event.new_text(text);
            self.target.put(event, place, node);
        }
    }

    fn put_texts(&mut self, event: &mut Event, place: Place, texts: &[Box<str>]) {
        if texts.is_empty() || self.target.at(place).is_some() {
            return;
        }
        let array = event.new_array();
        for text in texts {
            let node = event.new_text(text);
            event.push(array, node);
        }
        self.target.put(event, place, array);
    }

    /// What the platform says of an event, whatever the event says itself.
    fn put_identity(&mut self, event: &mut Event, log_type: &LogType, shop: &str) {
        let known = self.schema.known();
        self.put_text(event, known.ecs_version, ECS_VERSION);
        self.put_text(event, known.event_dataset, &log_type.name);
        self.put_text(event, known.organization_id, shop);
    }

    /// What an event may say itself, and else follows from its log type and its record.
    fn put_origin(&mut self, event: &mut Event, log_type: &LogType, context: &FilterContext<'_>) {
        let known = self.schema.known();
        self.put_text(event, known.event_kind, &log_type.event_kind);
        self.put_texts(event, known.event_category, &log_type.event_categories);
        self.put_texts(event, known.event_type, &log_type.event_types);
        let mut text = std::mem::take(&mut self.text);
        if self.target.at(known.event_id).is_none() {
            text.clear();
            write!(text, "{}", context.record.id).expect("a string takes any text");
            self.put_text(event, known.event_id, &text);
        }
        let mut bytes = std::mem::take(&mut text).into_bytes();
        bytes.clear();
        event::format_timestamp(context.record.received_at_ns, &mut bytes);
        self.put_text(event, known.event_created, &String::from_utf8_lossy(&bytes));
        self.text = String::from_utf8(bytes).unwrap_or_default();
    }
}

/// Whether two values are written alike.
fn is_same(event: &Event, one: NodeId, other: NodeId) -> bool {
    let scalar = |id| !matches!(event.kind(id), Kind::Object | Kind::Array);
    scalar(one)
        && event.kind(one) == event.kind(other)
        && event.content(one) == event.content(other)
}

#[cfg(test)]
mod tests;
