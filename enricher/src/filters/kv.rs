//! `kv`: keys and values in a text, `ip=192.0.2.7 error="not found"`, become fields.
//!
//! Keys are names as they stand: `[a][b]` in an event's text never becomes a path. Texts are read in linear time,
//! whatever the patterns, so no time-out is needed, and what is made of one event is bounded.

mod options;
mod pairs;
mod places;
mod scan;
mod separator;

use std::borrow::Cow;
use std::sync::Arc;

use event::{Event, FieldPath, Fragment, Kind, Limits, NodeId};
use regex::Regex;

pub(crate) use options::{DESCRIPTION, build};

use self::pairs::{Budget, OverBudget, Pairs};
use self::scan::{Marks, Position, Scanner};
use super::mutate::edit::Edit;
use crate::filter::{Applied, Filter, FilterContext, FilterPlan};
use crate::template::Template;

/// Most bytes by which keys and values may be longer than what an event may hold.
const GROWTH_BYTES_MAX: usize = 4 << 20;

#[derive(Debug)]
struct Kv {
    source: FieldPath,
    target: Option<FieldPath>,
    prefix: Template,
    include_keys: Vec<Template>,
    exclude_keys: Vec<Template>,
    keys: Edits,
    values: Edits,
    defaults: Vec<DefaultPair>,
    allow_duplicate_values: bool,
    allow_empty_values: bool,
    recursive: bool,
    tag_on_failure: Vec<String>,
    limits: Limits,
}

/// What is done to each key, or to each value.
#[derive(Debug)]
struct Edits {
    trim: Option<Regex>,
    remove: Option<Regex>,
    transform: Option<Edit>,
}

/// A key with its value where the text has no such key.
#[derive(Debug)]
struct DefaultPair {
    key: String,
    /// Where it goes without a target, if it is not just a name.
    path: Option<FieldPath>,
    value: Fragment,
}

struct KvPlan {
    kv: Arc<Kv>,
    scanner: Scanner,
}

impl FilterPlan for KvPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let scanner = self.scanner.clone();
        Box::new(Worker { kv: Arc::clone(&self.kv), scanner, marks: Vec::new() })
    }
}

/// One worker's instance.
struct Worker {
    kv: Arc<Kv>,
    scanner: Scanner,
    /// Used again for every text; one for each depth.
    marks: Vec<Marks>,
}

/// What an event says of keys.
struct Names {
    prefix: String,
    included: Vec<String>,
    excluded: Vec<String>,
}

/// Too much was to be made of a text, or something stands in the way.
#[derive(Debug)]
struct Failed;

impl From<OverBudget> for Failed {
    fn from(_: OverBudget) -> Self {
        Self
    }
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let now_ns = context.record.received_at_ns;
        self.expand(event, now_ns).unwrap_or_else(|Failed| {
            self.kv.tag_on_failure.iter().for_each(|tag| event.add_tag(tag));
            Applied::NotMatched
        })
    }
}

impl Worker {
    fn expand(&mut self, event: &mut Event, now_ns: i64) -> Result<Applied, Failed> {
        let Self { kv, scanner, marks } = self;
        let kv: &Kv = kv;
        let mut pairs = Pairs::default();
        let mut reader = Reader {
            budget: Budget {
                values: kv.limits.nodes_max as usize,
                bytes: kv.limits.payload_bytes_max.saturating_add(GROWTH_BYTES_MAX),
            },
            names: kv.names(event, now_ns),
            kv,
            scanner,
            marks,
        };
        if let Some(source) = event.get(&kv.source) {
            let is_list = event.kind(source) == Kind::Array;
            let mut at = if is_list { event.first_child(source) } else { Some(source) };
            while let Some(value) = at {
                // Values that are no texts have no pairs.
                if let Some(text) = event.text(value).map(Cow::into_owned) {
                    reader.read(event, &text, 0, &mut pairs)?;
                }
                at = if is_list { event.next_sibling(value) } else { None };
            }
        }
        kv.place(event, pairs)
    }
}

/// Reads texts of one event.
struct Reader<'a> {
    kv: &'a Kv,
    scanner: &'a mut Scanner,
    marks: &'a mut Vec<Marks>,
    names: Names,
    budget: Budget,
}

impl Reader<'_> {
    /// Adds the pairs of a text, which is a value of `depth` others.
    fn read(
        &mut self,
        event: &mut Event,
        text: &str,
        depth: usize,
        pairs: &mut Pairs,
    ) -> Result<(), Failed> {
        if self.marks.len() <= depth {
            self.marks.resize_with(depth + 1, Marks::default);
        }
        let mut marks = std::mem::take(&mut self.marks[depth]);
        self.scanner.mark(text, &mut marks);
        let mut position = Position::default();
        let mut outcome = Ok(());
        while outcome.is_ok()
            && let Some(pair) = self.scanner.next(text, &marks, &mut position)
        {
            if !pair.value.is_empty() || self.kv.allow_empty_values {
                outcome = self.add(event, pair.key, pair.value, depth, pairs);
            }
        }
        self.marks[depth] = marks;
        outcome
    }

    fn add(
        &mut self,
        event: &mut Event,
        key: &str,
        value: &str,
        depth: usize,
        pairs: &mut Pairs,
    ) -> Result<(), Failed> {
        let kv = self.kv;
        let key = kv.keys.apply(key);
        let is_among = |names: &[String]| names.iter().any(|name| *name == *key);
        let Names { prefix, included, excluded } = &self.names;
        if !included.is_empty() && !is_among(included) || is_among(excluded) {
            return Ok(());
        }
        let key = if prefix.is_empty() { key } else { Cow::Owned(format!("{prefix}{key}")) };
        let value = kv.values.apply(value);
        self.budget.take(key.len() + value.len())?;
        if !kv.allow_duplicate_values && !pairs.is_new(&key, &value) {
            return Ok(());
        }
        let mut inner = Pairs::default();
        if kv.recursive && depth < kv.limits.depth_max as usize {
            self.read(event, &value, depth + 1, &mut inner)?;
        }
        let value =
            if inner.is_empty() { event.new_text(&value) } else { inner.into_object(event) };
        pairs.add(event, &key, value);
        Ok(())
    }
}

impl Kv {
    fn names(&self, event: &Event, now_ns: i64) -> Names {
        let texts = |templates: &[Template]| {
            templates.iter().map(|name| name.render(event, now_ns).into_owned()).collect()
        };
        Names {
            prefix: self.prefix.render(event, now_ns).into_owned(),
            included: texts(&self.include_keys),
            excluded: texts(&self.exclude_keys),
        }
    }

    /// Puts the pairs, and those that the text does not have, where they belong.
    fn place(&self, event: &mut Event, mut pairs: Pairs) -> Result<Applied, Failed> {
        let mut elsewhere: Vec<(&FieldPath, NodeId)> = Vec::new();
        for default in &self.defaults {
            if pairs.contains(&default.key) {
                continue;
            }
            let value = event.new_fragment(&default.value);
            match default.path.as_ref().filter(|_| self.target.is_none()) {
                Some(path) => elsewhere.push((path, value)),
                None => pairs.add(event, &default.key, value),
            }
        }
        if pairs.is_empty() && elsewhere.is_empty() {
            return Ok(Applied::NotMatched);
        }
        let fields = pairs.into_object(event);
        let mut placed = match &self.target {
            Some(target) => event.place(target, fields),
            None => {
                event.take_fields(fields);
                true
            }
        };
        for (path, value) in elsewhere {
            placed &= event.place(path, value);
        }
        if placed { Ok(Applied::Matched) } else { Err(Failed) }
    }
}

impl Edits {
    fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for pattern in [&self.trim, &self.remove].into_iter().flatten() {
            if let Cow::Owned(rest) = pattern.replace_all(&text, "") {
                text = Cow::Owned(rest);
            }
        }
        if let Some(transform) = self.transform {
            let mut made = String::with_capacity(text.len());
            transform.edit(&text, &mut made);
            text = Cow::Owned(made);
        }
        text
    }
}

#[cfg(test)]
mod tests;
