//! `prune`: takes fields away by expressions on their names or values. It knows the event's own fields, not those
//! within, and never takes `@timestamp` or `@metadata`.
//!
//! With `interpolate`, what an event puts into an expression is text: none of its characters means anything there.

mod pattern;

use std::sync::Arc;

use event::{Event, Kind, NodeId};
use smallvec::SmallVec;

use self::pattern::{Compiled, Pattern, Ready};
use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::language::Span;
use crate::options::Options;
use crate::template::Template;

/// Names that are left when a template found no field: taken away where no other names are given.
const UNRESOLVED: &str = "%{[^}]+}";

#[derive(Clone, Debug)]
struct Prune {
    kept_names: Vec<Pattern>,
    removed_names: Vec<Pattern>,
    values: Vec<ValueRule>,
}

/// What becomes of the values of a field.
#[derive(Clone, Debug)]
struct ValueRule {
    field: Template,
    pattern: Pattern,
    /// Whether those that match stay, or those that do not.
    keeps_matching: bool,
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let interpolate = options.flag("interpolate", false);
    let removes_unresolved = !options.has("blacklist_names");
    let kept_names = names(options, "whitelist_names", interpolate);
    let mut removed_names = names(options, "blacklist_names", interpolate);
    if removes_unresolved {
        let span = options.span("blacklist_names");
        removed_names.extend(Pattern::parse(options, UNRESOLVED, span, false));
    }
    let mut values = value_rules(options, "whitelist_values", true, interpolate);
    values.extend(value_rules(options, "blacklist_values", false, interpolate));
    Some(Arc::new(Prune { kept_names, removed_names, values }))
}

fn names(options: &mut Options<'_>, option: &'static str, interpolate: bool) -> Vec<Pattern> {
    let texts = options.texts(option).unwrap_or_default();
    let span = options.span(option);
    texts.iter().filter_map(|text| Pattern::parse(options, text, span, interpolate)).collect()
}

fn value_rules(
    options: &mut Options<'_>,
    option: &'static str,
    keeps_matching: bool,
    interpolate: bool,
) -> Vec<ValueRule> {
    let mut rules = Vec::new();
    for (key, text) in options.text_pairs(option).unwrap_or_default() {
        let field = field(options, &key.text, key.span, interpolate);
        let pattern = Pattern::parse(options, &text, key.span, interpolate);
        rules.extend(field.zip(pattern).map(|(field, pattern)| ValueRule {
            field,
            pattern,
            keeps_matching,
        }));
    }
    rules
}

fn field(options: &mut Options<'_>, name: &str, span: Span, interpolate: bool) -> Option<Template> {
    if name == "@timestamp" || name.starts_with('[') {
        let message = format!("`prune` knows no field `{name}`");
        let way_out = "name a field of the event itself, without brackets; its time always stays";
        options.refuse_at(span, message, way_out);
        return None;
    }
    if interpolate {
        return options.parse_template(name, span);
    }
    Some(Template::constant(name))
}

impl FilterPlan for Prune {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker { plan: self.clone(), compiled: Compiled::default(), doomed: Vec::new() })
    }
}

/// One worker's instance.
struct Worker {
    plan: Prune,
    compiled: Compiled,
    /// What is taken away: all is looked at before anything goes.
    doomed: Vec<NodeId>,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let now_ns = context.record.received_at_ns;
        let Self { plan, compiled, doomed } = self;
        doomed.clear();
        let kept = all_ready(&plan.kept_names, compiled, event, now_ns);
        let removed = all_ready(&plan.removed_names, compiled, event, now_ns);
        for (name, id) in event.fields() {
            let is_kept = kept.is_empty() || kept.iter().any(|pattern| pattern.is_match(&name));
            if !is_kept || removed.iter().any(|pattern| pattern.is_match(&name)) {
                doomed.push(id);
            }
        }
        for rule in &plan.values {
            rule.find_doomed(event, now_ns, compiled, doomed);
        }
        for id in doomed.drain(..) {
            event.detach(id);
        }
        Applied::Matched
    }
}

/// Expressions as they are for one event.
fn all_ready<'p>(
    patterns: &'p [Pattern],
    compiled: &mut Compiled,
    event: &Event,
    now_ns: i64,
) -> SmallVec<[Ready<'p>; 4]> {
    patterns.iter().map(|pattern| compiled.ready(pattern, event, now_ns)).collect()
}

impl ValueRule {
    /// Finds what of a field goes: elements of an array, or all of it.
    fn find_doomed(
        &self,
        event: &Event,
        now_ns: i64,
        compiled: &mut Compiled,
        doomed: &mut Vec<NodeId>,
    ) {
        let name = self.field.render(event, now_ns);
        let Some(value) = event.child(event.root(), &name).filter(|_| name != "@metadata") else {
            return;
        };
        let pattern = compiled.ready(&self.pattern, event, now_ns);
        let goes = |id| {
            // Objects match nothing; numbers match as they print.
            let matches = event.scalar_text(id).is_some_and(|text| pattern.is_match(&text));
            matches != self.keeps_matching
        };
        match event.kind(value) {
            Kind::Null | Kind::False => {}
            Kind::Array => {
                let before = doomed.len();
                doomed.extend(event.elements(value).filter(|element| goes(*element)));
                let count = doomed.len() - before;
                if count > 0 && event.elements(value).count() == count {
                    doomed.truncate(before);
                    doomed.push(value);
                }
            }
            _ if goes(value) => doomed.push(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
