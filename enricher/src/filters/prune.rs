//! `prune`: takes fields away by expressions on their names or values. It knows the event's own fields, not those
//! within, and never takes `@timestamp` or `@metadata`.
//!
//! With `interpolate`, what an event puts into an expression is text: none of its characters means anything there.

mod pattern;

use std::sync::Arc;

use event::{Event, Kind, NodeId};
use smallvec::SmallVec;

use self::pattern::{Compiled, Pattern, Ready};
use crate::backtracking::STEPS_BY_DEFAULT;
use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::language::Span;
use crate::options::{Options, TextPairs, filter_options};
use crate::template::Template;

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

filter_options! {
    /// Takes fields away by expressions on their names or values.
    ///
    /// It knows the event's own fields, not those within them; `@timestamp` and `@metadata` always
    /// stay, and numbers match as they print. All is looked at before anything goes. Look-around and
    /// references (`\1`) in expressions are searched within a limit of about a second for an event,
    /// beyond which such an expression matches nothing.
    struct PruneOptions {
        /// Expressions of names: fields with another name go.
        whitelist_names: Vec<String> => "default: all may stay",
        /// Expressions of names: fields with such a name go.
        blacklist_names: Vec<String> = ["%{[^}]+}"],
        /// Fields with an expression: one whose value is another goes.
        whitelist_values: TextPairs,
        /// Fields with an expression: one whose value is such goes.
        blacklist_values: TextPairs,
        /// Whether `%{field}` in names and expressions is replaced. What an event puts into an
        /// expression is text: none of its characters means anything there.
        interpolate: bool = false,
    }
    example r#"prune { whitelist_names => ["^message$", "^shop"] }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = PruneOptions::read(options);
    if environment.wants_warnings {
        warn(options, &given);
    }
    let interpolate = given.interpolate;
    let kept_names = given.whitelist_names.unwrap_or_default();
    let kept_names = names(options, "whitelist_names", kept_names, interpolate);
    // The default are names that are left when a template found no field; nothing is put into it.
    let puts_in = interpolate && options.has("blacklist_names");
    let removed_names = names(options, "blacklist_names", given.blacklist_names, puts_in);
    let kept_values = given.whitelist_values.unwrap_or_default();
    let mut values = value_rules(options, kept_values, true, interpolate);
    let removed_values = given.blacklist_values.unwrap_or_default();
    values.extend(value_rules(options, removed_values, false, interpolate));
    Some(Arc::new(Prune { kept_names, removed_names, values }))
}

/// Names the expressions that can be slow.
fn warn(options: &mut Options<'_>, given: &PruneOptions) {
    for (option, texts) in [
        ("whitelist_names", given.whitelist_names.as_deref().unwrap_or_default()),
        ("blacklist_names", given.blacklist_names.as_slice()),
    ] {
        let span = options.span(option);
        texts.iter().for_each(|text| options.warn_of_slow_pattern(span, text));
    }
    for (option, pairs) in [
        ("whitelist_values", &given.whitelist_values),
        ("blacklist_values", &given.blacklist_values),
    ] {
        let span = options.span(option);
        for (_, text) in pairs.iter().flatten() {
            options.warn_of_slow_pattern(span, text);
        }
    }
}

fn names(
    options: &mut Options<'_>,
    option: &str,
    texts: Vec<String>,
    interpolate: bool,
) -> Vec<Pattern> {
    let span = options.span(option);
    texts.iter().filter_map(|text| Pattern::parse(options, text, span, interpolate)).collect()
}

fn value_rules(
    options: &mut Options<'_>,
    pairs: TextPairs,
    keeps_matching: bool,
    interpolate: bool,
) -> Vec<ValueRule> {
    let mut rules = Vec::new();
    for (key, text) in pairs {
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
        let mut steps = STEPS_BY_DEFAULT;
        for (name, id) in event.fields() {
            let mut finds = |pattern: &Ready<'_>| pattern.is_match(&name, &mut steps);
            let is_kept = kept.is_empty() || kept.iter().any(&mut finds);
            if !is_kept || removed.iter().any(&mut finds) {
                doomed.push(id);
            }
        }
        for rule in &plan.values {
            rule.find_doomed(event, now_ns, compiled, &mut steps, doomed);
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
        steps: &mut u64,
        doomed: &mut Vec<NodeId>,
    ) {
        let name = self.field.render(event, now_ns);
        let Some(value) = event.child(event.root(), &name).filter(|_| name != "@metadata") else {
            return;
        };
        let pattern = compiled.ready(&self.pattern, event, now_ns);
        let mut goes = |id| {
            // Objects match nothing; numbers match as they print.
            let matches = event.scalar_text(id).is_some_and(|text| pattern.is_match(&text, steps));
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
