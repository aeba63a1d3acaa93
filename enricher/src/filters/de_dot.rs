//! `de_dot`: takes the dots out of names of fields, or makes objects of what they part.
//!
//! Nothing is lost by it: a field whose way is blocked, or that would stand too deep, keeps its name.

mod names;

use std::sync::Arc;

use event::{Event, FieldPath, Kind, Limits, NodeId};

use self::names::Members;
use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Debug)]
struct DeDot {
    separator: String,
    /// Whether dots make objects.
    is_nested: bool,
    /// Whether what stands within a field is renamed too.
    is_recursive: bool,
    /// None: all fields of the event.
    fields: Option<Vec<FieldPath>>,
}

struct DeDotPlan(Arc<DeDot>);

filter_options! {
    /// Takes the dots out of names of fields, or makes objects of what they part.
    ///
    /// Nothing is lost by it: a field keeps its name where something else stands in the way of the
    /// new one, or where it would stand too deep.
    struct DeDotOptions {
        /// What stands in place of a dot.
        separator: String = "_",
        /// Whether dots make objects: `a.b` becomes `[a][b]`.
        nested: bool = false,
        /// Whether what stands within a field is renamed too.
        recursive: bool = false,
        /// The fields that are renamed.
        fields: Vec<FieldPath> => "default: all of the event",
    }
    example r#"de_dot { nested => true }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let DeDotOptions { separator, nested: is_nested, recursive: is_recursive, fields } =
        DeDotOptions::read(options);
    if separator.contains('.') {
        let way_out = "choose another sign, or `nested => true` for objects";
        options.refuse("separator", "the separator is or contains a dot", way_out);
    }
    Some(Arc::new(DeDotPlan(Arc::new(DeDot { separator, is_nested, is_recursive, fields }))))
}

impl FilterPlan for DeDotPlan {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker(Arc::clone(&self.0)))
    }
}

/// One worker's instance.
struct Worker(Arc<DeDot>);

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let plan = &*self.0;
        let mut members = Members::default();
        match &plan.fields {
            None => {
                let fields: Vec<NodeId> = event.fields().map(|(_, field)| field).collect();
                plan.rename_all(event, &mut members, event.root(), 0, fields);
            }
            Some(fields) => {
                fields.iter().for_each(|field| plan.rename(event, &mut members, field));
            }
        }
        Applied::Matched
    }
}

impl DeDot {
    /// Renames what stands in an object, which stands this deep.
    fn rename_all(
        &self,
        event: &mut Event,
        members: &mut Members,
        object: NodeId,
        depth: usize,
        fields: Vec<NodeId>,
    ) {
        for field in fields {
            let mut inner_depth = depth + 1;
            if event.key_content(field).contains(&b'.') || event.key_has_escapes(field) {
                let names = self.without_dots(&event.key(field));
                if self.put(event, members, object, depth, &names, field) {
                    inner_depth = depth + names.len();
                }
            }
            self.recurse(event, members, field, inner_depth);
        }
    }

    fn recurse(&self, event: &mut Event, members: &mut Members, field: NodeId, depth: usize) {
        if self.is_recursive && event.kind(field) == Kind::Object {
            let inner = event.children(field).map(|(_, inner)| inner).collect();
            self.rename_all(event, members, field, depth, inner);
        }
    }

    /// Renames one field of the event.
    fn rename(&self, event: &mut Event, members: &mut Members, path: &FieldPath) {
        let Some(field) = event.get(path) else { return };
        let segments = path.segments();
        let mut depth = segments.len();
        if let Some(dotted) = segments.iter().position(|segment| segment.key.contains('.')) {
            let names: Vec<String> =
                segments.iter().flat_map(|segment| self.without_dots(&segment.key)).collect();
            let holder = event.parent(field);
            if self.put(event, members, event.root(), 0, &names, field) {
                depth = names.len();
                // What had a dot in its name and holds nothing any more goes as well.
                remove_empty(event, holder, segments.len().saturating_sub(dotted + 1));
            }
        }
        self.recurse(event, members, field, depth);
    }

    /// Moves a field to other names within an object; says whether that was possible.
    fn put(
        &self,
        event: &mut Event,
        members: &mut Members,
        object: NodeId,
        depth: usize,
        names: &[String],
        field: NodeId,
    ) -> bool {
        // A field of the name of the event's time would not be written.
        if object == event.root() && names.first().is_some_and(|name| name == "@timestamp") {
            return false;
        }
        let depth_max = Limits::documents().depth_max as usize;
        if names.len() > 1 && depth + names.len() + height(event, field, depth_max) > depth_max {
            return false;
        }
        members.put(event, object, names, field)
    }

    fn without_dots(&self, name: &str) -> Vec<String> {
        if !self.is_nested {
            return vec![name.replace('.', &self.separator)];
        }
        name.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}

/// Levels of a value, itself included; no more than `most` are looked at.
fn height(event: &Event, value: NodeId, most: usize) -> usize {
    if most == 0 {
        return 0;
    }
    1 + event.children(value).map(|(_, inner)| height(event, inner, most - 1)).max().unwrap_or(0)
}

/// Removes an object without members, and up to this many that held it.
fn remove_empty(event: &mut Event, mut holder: Option<NodeId>, most: usize) {
    for _ in 0..most {
        let Some(object) = holder else { return };
        if event.kind(object) != Kind::Object || event.first_child(object).is_some() {
            return;
        }
        holder = event.parent(object);
        event.detach(object);
    }
}

#[cfg(test)]
mod tests;
