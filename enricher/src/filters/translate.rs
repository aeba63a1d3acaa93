//! `translate`: looks a value up in a dictionary and sets what stands there. The dictionary stands in the
//! pipeline or in a file, which is read again from time to time.
//!
//! What stands in a dictionary is a value: it is never read as a template or as a field reference.

mod dictionary;
mod file;
mod options;
mod yaml;

use std::borrow::Cow;
use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};

use self::dictionary::{Dictionary, Found};
use self::file::DictionaryFile;
use crate::backtracking::STEPS_BY_DEFAULT;
use crate::file_state::FileState;
use crate::filter::{Applied, Filter, FilterContext, FilterPlan};
use crate::refreshed_file::View;
use crate::template::Template;

pub(crate) use self::options::{DESCRIPTION, build};

/// Most bytes that the fallback may add to one event, however long the array.
const FALLBACKS_BYTES_MAX: usize = 4 << 20;

/// Where values are looked for.
#[derive(Debug)]
enum Reach {
    /// The source, or the first of an array there.
    One,
    /// Every value of the source, which is an array; the target gets as many.
    Values,
    /// Every object of this array: source and target are fields of each.
    Objects(FieldPath),
}

#[derive(Debug)]
struct Translate {
    source: FieldPath,
    target: FieldPath,
    reach: Reach,
    /// Whether a target that is there is overwritten.
    overrides: bool,
    fallback: Option<Template>,
    dictionary: Source,
}

/// Where the dictionary stands.
#[derive(Debug)]
enum Source {
    Pipeline(Arc<Dictionary>),
    File(Arc<DictionaryFile>),
}

struct TranslatePlan(Arc<Translate>);

impl FilterPlan for TranslatePlan {
    fn instance(&self) -> Box<dyn Filter> {
        let dictionary = match &self.0.dictionary {
            Source::Pipeline(dictionary) => Current::Pipeline(Arc::clone(dictionary)),
            Source::File(file) => Current::File(file.view()),
        };
        Box::new(Worker { plan: Arc::clone(&self.0), dictionary })
    }

    fn file(&self) -> Option<Arc<FileState>> {
        match &self.0.dictionary {
            Source::Pipeline(_) => None,
            Source::File(file) => file.told(),
        }
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<Translate>,
    dictionary: Current,
}

/// The dictionary as a worker sees it.
enum Current {
    Pipeline(Arc<Dictionary>),
    File(View<Dictionary>),
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let now_ns = context.record.received_at_ns;
        let dictionary = match &mut self.dictionary {
            Current::Pipeline(dictionary) => dictionary,
            Current::File(view) => view.at(now_ns),
        };
        let plan = &*self.plan;
        let mut lookup = Lookup { dictionary, steps: STEPS_BY_DEFAULT };
        let is_translated = match &plan.reach {
            Reach::One if plan.is_concerned(event) => plan.one(&mut lookup, event, now_ns),
            Reach::Values if plan.is_concerned(event) => plan.values(&mut lookup, event, now_ns),
            Reach::Objects(array) => match event.get(array) {
                Some(array) => plan.objects(&mut lookup, event, array, now_ns),
                None => return Applied::NotMatched,
            },
            Reach::One | Reach::Values => return Applied::NotMatched,
        };
        if is_translated || plan.source == plan.target {
            return Applied::Matched;
        }
        Applied::NotMatched
    }
}

/// The dictionary as one event asks it.
struct Lookup<'d> {
    dictionary: &'d Dictionary,
    /// What searches for patterns may still cost.
    steps: u64,
}

impl<'d> Lookup<'d> {
    fn find(&mut self, text: &str) -> Option<Found<'d>> {
        self.dictionary.find(text, &mut self.steps)
    }
}

impl Translate {
    fn is_concerned(&self, event: &Event) -> bool {
        let is_there = |path: &FieldPath| event.get(path).is_some() || path.is_timestamp();
        is_there(&self.source) && (self.overrides || !is_there(&self.target))
    }

    /// Translates one value; says whether the target was set.
    fn one(&self, dictionary: &mut Lookup<'_>, event: &mut Event, now_ns: i64) -> bool {
        let found = match event.get(&self.source) {
            Some(id) if event.kind(id) == Kind::Array => {
                let first = event.first_child(id);
                dictionary.find(&first.map_or(Cow::Borrowed(""), |first| key(event, first)))
            }
            Some(id) => dictionary.find(&key(event, id)),
            None => {
                let mut time = Vec::with_capacity(30);
                event::format_timestamp(event.timestamp_ns, &mut time);
                dictionary.find(&String::from_utf8_lossy(&time))
            }
        };
        let translation = match found {
            Some(found) => found.node(event),
            None => match self.fallback(event, now_ns) {
                Some(fallback) => fallback.text,
                None => return false,
            },
        };
        event.place(&self.target, translation)
    }

    /// Translates every value of an array into an array as long: null where there is nothing.
    fn values(&self, dictionary: &mut Lookup<'_>, event: &mut Event, now_ns: i64) -> bool {
        let Some(source) = event.get(&self.source) else { return false };
        let mut fallback = self.fallback(event, now_ns);
        let mut is_translated = false;
        let target = event.new_array();
        let mut next = match event.kind(source) {
            Kind::Array => event.first_child(source),
            Kind::Null => None,
            _ => Some(source),
        };
        while let Some(value) = next {
            next = if value == source { None } else { event.next_sibling(value) };
            let found = dictionary.find(&key(event, value));
            let found = match found {
                Some(found) => Some(found.node(event)),
                None => fallback.as_mut().and_then(|fallback| fallback.copy(event)),
            };
            is_translated |= found.is_some();
            let translation = found.unwrap_or_else(|| event.new_null());
            event.push(target, translation);
        }
        event.place(&self.target, target) && is_translated
    }

    /// Translates a field of every object of an array; what is no object stays.
    fn objects(
        &self,
        dictionary: &mut Lookup<'_>,
        event: &mut Event,
        array: NodeId,
        now_ns: i64,
    ) -> bool {
        if event.kind(array) != Kind::Array {
            return false;
        }
        let mut fallback = self.fallback(event, now_ns);
        let mut is_translated = false;
        let mut next = event.first_child(array);
        while let Some(object) = next {
            next = event.next_sibling(object);
            if event.kind(object) != Kind::Object
                || !self.overrides && event.get_within(object, &self.target).is_some()
            {
                continue;
            }
            let value = event.get_within(object, &self.source);
            let found = dictionary.find(&value.map_or(Cow::Borrowed(""), |id| key(event, id)));
            let translation = match found {
                Some(found) => Some(found.node(event)),
                None => fallback.as_mut().and_then(|fallback| fallback.copy(event)),
            };
            is_translated |= translation
                .is_some_and(|translation| event.place_within(object, &self.target, translation));
        }
        is_translated
    }

    fn fallback(&self, event: &mut Event, now_ns: i64) -> Option<Fallback> {
        let text = self.fallback.as_ref()?.render(event, now_ns).into_owned();
        let left_bytes = FALLBACKS_BYTES_MAX;
        Some(Fallback { text: event.new_text(&text), length: text.len(), left_bytes })
    }
}

/// A text that stands wherever nothing was found.
struct Fallback {
    text: NodeId,
    length: usize,
    left_bytes: usize,
}

impl Fallback {
    /// The text once more; nothing when there was too much of it.
    fn copy(&mut self, event: &mut Event) -> Option<NodeId> {
        self.left_bytes = self.left_bytes.checked_sub(self.length)?;
        Some(event.new_copy(self.text))
    }
}

/// What a value is looked up as: its text, nothing for null, JSON for what has values of its own.
fn key(event: &Event, id: NodeId) -> Cow<'_, str> {
    match event.kind(id) {
        Kind::Null => Cow::Borrowed(""),
        Kind::Object | Kind::Array => {
            let mut json = Vec::new();
            event.raw(id, &mut json);
            Cow::Owned(String::from_utf8_lossy(&json).into_owned())
        }
        _ => event.scalar_text(id).unwrap_or_default(),
    }
}

impl Found<'_> {
    fn node(self, event: &mut Event) -> NodeId {
        match self {
            Self::Text(text) => event.new_text(&text),
            Self::Json(fragment) => event.new_fragment(fragment),
        }
    }
}

#[cfg(test)]
mod tests;
