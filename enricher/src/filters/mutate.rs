//! `mutate`: renames, sets, converts and edits fields, in Logstash's order whatever the text says.
//!
//! An operation that fails (a text that is no number, a value in the way, a text that becomes too
//! long) ends the filter: what was done stays, the rest is not done, and the event is tagged.

mod convert;
pub(crate) mod decimal;
pub(super) mod edit;
mod gsub;
mod options;
mod restructure;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use event::{Event, FieldPath};

pub(crate) use options::{DESCRIPTION, build};

use crate::filter::{Applied, Filter, FilterContext, FilterPlan};
use crate::template::{FieldTemplate, Template, rendered};
use convert::ConvertTo;
use edit::Edit;
use gsub::Substitution;

/// One operation on one field.
#[derive(Debug)]
enum Operation {
    /// Gives a null a value.
    Coerce(FieldPath, Template),
    Rename(FieldTemplate, FieldTemplate),
    /// Sets a field that is there.
    Update(FieldPath, Template),
    /// Sets a field.
    Replace(FieldPath, Template),
    Convert(FieldPath, ConvertTo),
    Gsub(FieldPath, Substitution),
    Edit(FieldPath, Edit),
    Split(FieldPath, String),
    Join(FieldPath, String),
    /// Adds the elements of a field, or the pairs of an object.
    Merge(FieldPath, FieldPath),
    Copy(FieldPath, FieldPath),
}

/// The operation could not be done.
#[derive(Debug)]
struct Failed;

#[derive(Debug)]
struct Mutate {
    operations: Vec<Operation>,
    tag_on_failure: String,
}

struct MutatePlan(Arc<Mutate>);

impl FilterPlan for MutatePlan {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker { mutate: Arc::clone(&self.0), text: String::new() })
    }
}

struct Worker {
    mutate: Arc<Mutate>,
    /// Used again for each text that is built.
    text: String,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let now_ns = context.record.received_at_ns;
        for operation in &self.mutate.operations {
            if operation.run(event, now_ns, &mut self.text).is_err() {
                event.add_tag(&self.mutate.tag_on_failure);
                return Applied::NotMatched;
            }
        }
        Applied::Matched
    }
}

impl Operation {
    fn run(&self, event: &mut Event, now_ns: i64, text: &mut String) -> Result<(), Failed> {
        match self {
            Self::Coerce(field, value) => match event.get(field) {
                Some(id) if event.kind(id) == event::Kind::Null => set(event, field, value, now_ns),
                _ => Ok(()),
            },
            Self::Rename(from, to) => restructure::rename(event, from, to, now_ns),
            Self::Update(field, value) => match event.get(field) {
                Some(_) => set(event, field, value, now_ns),
                None => Ok(()),
            },
            Self::Replace(field, value) => set(event, field, value, now_ns),
            Self::Convert(field, to) => convert::convert(event, field, *to),
            Self::Gsub(field, substitution) => substitution.run(event, field, now_ns, text),
            Self::Edit(field, edit) => {
                edit.run(event, field, text);
                Ok(())
            }
            Self::Split(field, separator) => {
                restructure::split(event, field, separator);
                Ok(())
            }
            Self::Join(field, separator) => {
                restructure::join(event, field, separator);
                Ok(())
            }
            Self::Merge(into, added) => restructure::merge(event, into, added),
            Self::Copy(from, to) => restructure::copy(event, from, to),
        }
    }
}

fn done(done: bool) -> Result<(), Failed> {
    if done { Ok(()) } else { Err(Failed) }
}

fn set(event: &mut Event, field: &FieldPath, value: &Template, now_ns: i64) -> Result<(), Failed> {
    let id = rendered(event, value, now_ns);
    done(event.place(field, id))
}
