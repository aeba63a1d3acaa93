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
mod platform;
mod target;
mod value;

use std::sync::Arc;

use event::{Event, Kind, NodeId};
use schema::Schema;

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};
use leftover::{Bounds, Leftovers};
use pass::Deferred;
use platform::Platform;
use target::Target;

/// A value could not be converted; it is in `shop.unparsed`.
const TAG_UNPARSED: &str = "_schemaparsefailure";
/// Something did not fit into `shop.extra`; it is in `shop.overflow`.
const TAG_OVERFLOW: &str = "_schemaoverflow";
/// The event names no time that can be used: its time is that of its receipt.
const TAG_NO_TIME: &str = "_timestampparsefailure";

#[derive(Clone, Copy, Debug)]
struct Plan {
    bounds: Bounds,
}

filter_options! {
    /// Gives an event the names and types that documents have.
    ///
    /// [Fields](../fields.md) says which they are. Each name of the log goes to its field,
    /// converted. A value that does not convert leaves its typed field out and stands in
    /// `shop.unparsed.<field>`; unknown keys go to `shop.extra`. No unit is guessed, and no event
    /// is dropped.
    ///
    /// A time counts if it lies between 20 years before and one day after the receipt; its UTC day
    /// names the index. Any other time, and one that cannot be read, is replaced by the time of
    /// receipt; what was sent then stands in `shop.unparsed.timestamp`. A time without zone is UTC.
    struct SchemaOptions {
        /// How many values `shop.extra` and `shop.unparsed` hold of one event, 1 to 20000.
        extra_values_max: i64 = 1_000,
        /// How deep they may be nested, 1 to 20: Elasticsearch refuses more.
        extra_depth_max: i64 = 16,
    }
    tags {
        "_schemaparsefailure" => "a value could not be converted; it stands in `shop.unparsed`",
        "_timestampparsefailure" => "the event names no time that can be used: its time is that of its receipt",
        "_schemaoverflow" => "something did not fit into `shop.extra`; it stands in `shop.overflow`",
    }
    example r#"schema { extra_values_max => 100 }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let SchemaOptions { extra_values_max, extra_depth_max } = SchemaOptions::read(options);
    let values_max = bound(options, "extra_values_max", extra_values_max, 20_000);
    let depth_max = bound(options, "extra_depth_max", extra_depth_max, 20);
    let bounds = Bounds { values_max: values_max?, depth_max: depth_max? };
    Some(Arc::new(Plan { bounds }))
}

fn bound(options: &mut Options<'_>, name: &str, given: i64, max: u32) -> Option<u32> {
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
        let (platform, texts) = Platform::new(schema);
        Box::new(SchemaFilter {
            schema,
            platform,
            target: Target::new(schema, texts),
            leftovers: Leftovers::new(schema, self.bounds),
            deferred: Vec::new(),
        })
    }
}

/// The filter at work. What it keeps between events is memory, never a value.
#[derive(Debug)]
struct SchemaFilter {
    schema: &'static Schema,
    platform: Platform,
    target: Target,
    leftovers: Leftovers,
    deferred: Vec<Deferred>,
}

impl Filter for SchemaFilter {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let named = self.platform.log_type(event);
        let log_type = named.unwrap_or(self.platform.other);
        let table = &self.platform.log_types[log_type].schema.table;
        let members = event.detach_all(event.root());
        self.target.begin(event);
        self.leftovers.clear();
        let received_at_ns = context.record.received_at_ns;
        self.platform.put_identity(event, &mut self.target, log_type, &context.record.shop);
        let findings = self.convert(event, table, named.is_some(), members, received_at_ns);
        self.platform.put_origin(event, &mut self.target, log_type, context.record);
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

/// Whether two values are written alike.
fn is_same(event: &Event, one: NodeId, other: NodeId) -> bool {
    let scalar = |id| !matches!(event.kind(id), Kind::Object | Kind::Array);
    scalar(one)
        && event.kind(one) == event.kind(other)
        && event.content(one) == event.content(other)
}

#[cfg(test)]
mod tests;
