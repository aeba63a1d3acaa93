//! Loops over the event's fields, or over what stands in one of them.

use super::steps::{Step, quote};
use super::translate::{Translator, is_event};
use super::tree::{Block, Call, Expression, Statement};
use crate::ruby_pattern::RubyPattern;

const ALL_FIELDS: &str = "no filter does this to fields that it does not name: write a line for each field that is known";

const INNER_DOTS: &str =
    "`de_dot { fields => [ ... ] recursive => true }` takes the dots out of names within a field";

/// What a loop does under which condition on the name.
struct Guarded<'b> {
    condition: Option<&'b Expression>,
    is_negated: bool,
    body: &'b [Statement],
}

impl Translator<'_> {
    pub(super) fn loop_over_fields(&mut self, list: &Expression, call: &Call) -> Option<()> {
        let block = call.block.as_ref()?;
        if !matches!(call.name.as_str(), "each" | "each_pair" | "each_key" | "each_with_object") {
            return None;
        }
        let (key, value) = match block.parameters.as_slice() {
            [key] => (key.as_str(), None),
            [key, value] => (key.as_str(), Some(value.as_str())),
            _ => return None,
        };
        if is_all_fields(list) {
            self.reason = Some(ALL_FIELDS);
            return self.all_fields(key, value, block);
        }
        let field = self.field(list)?;
        let Some(value) = value else {
            self.reason = Some(
                "`split` makes an event of each element; what stands in an array is named [field][0]",
            );
            return None;
        };
        self.inner_fields(&field, key, value, block)
    }

    fn all_fields(&mut self, key: &str, value: Option<&str>, block: &Block) -> Option<()> {
        let guarded = guarded(&block.body)?;
        // `event.remove(key)` under a condition on the name.
        if let [Statement { expression, .. }] = guarded.body
            && is_removal(expression, key)
        {
            let pattern = self.pattern_of_name(guarded.condition?, key)?;
            let option = if guarded.is_negated { "whitelist_names" } else { "blacklist_names" };
            self.steps.push(Step::option("prune", option, &format!("[ {} ]", quote(&pattern)?)));
            return Some(());
        }
        // `event.set(key.gsub(".", "_"), ...)` and `event.remove(key)`.
        let (set, is_removed) = match guarded.body {
            [Statement { expression: Expression::Call(set), .. }] => (set, false),
            [
                Statement { expression: Expression::Call(set), .. },
                Statement { expression: removal, .. },
            ] => (set, is_removal(removal, key)),
            _ => return None,
        };
        if set.name != "set" || !set.receiver.as_deref().is_some_and(is_event) {
            return None;
        }
        let [name, new_value] = set.arguments.as_slice() else { return None };
        let is_moved =
            is_removed && is_own_value(new_value, key, value) || is_removal(new_value, key);
        let separator = self.separator_for_dots(name, key)?;
        let dots = guarded.condition.is_none_or(|condition| asks_for_dot(condition, key));
        if !is_moved || !dots || guarded.is_negated {
            return None;
        }
        self.steps.push(Step::option("de_dot", "separator", &quote(&separator)?));
        Some(())
    }

    /// `key.gsub(".", "_")` or `key.tr(".", "_")`.
    fn separator_for_dots(&mut self, name: &Expression, key: &str) -> Option<String> {
        let Expression::Call(Call {
            receiver: Some(receiver),
            name: method,
            arguments,
            block: None,
        }) = name
        else {
            return None;
        };
        let [pattern, separator] = arguments.as_slice() else { return None };
        let is_dot = match pattern {
            Expression::Regex(pattern) => matches!(pattern.as_str(), "\\." | "[.]"),
            other => self.literal(other)? == ".",
        };
        let separator = self.literal(separator)?;
        let is_known = is_name(receiver, key) && matches!(method.as_str(), "gsub" | "tr") && is_dot;
        (is_known && !separator.is_empty() && !separator.contains('.')).then_some(separator)
    }

    /// A condition on a name as a regular expression.
    fn pattern_of_name(&mut self, condition: &Expression, key: &str) -> Option<String> {
        let pattern = match condition {
            Expression::Operation("=~", left, right) => match (&**left, &**right) {
                (name, Expression::Regex(pattern)) | (Expression::Regex(pattern), name)
                    if is_name(name, key) =>
                {
                    pattern.clone()
                }
                _ => return None,
            },
            Expression::Operation("==", name, text) if is_name(name, key) => {
                format!("^{}$", regex::escape(&self.literal(text)?))
            }
            Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None }) => {
                match (name.as_str(), arguments.as_slice()) {
                    ("match" | "match?", [Expression::Regex(pattern)])
                        if is_name(receiver, key) =>
                    {
                        pattern.clone()
                    }
                    ("start_with?", [text]) if is_name(receiver, key) => {
                        format!("^{}", regex::escape(&self.literal(text)?))
                    }
                    ("end_with?", [text]) if is_name(receiver, key) => {
                        format!("{}$", regex::escape(&self.literal(text)?))
                    }
                    ("include?", [text]) if is_name(receiver, key) => {
                        regex::escape(&self.literal(text)?)
                    }
                    ("include?", [name]) if is_name(name, key) => {
                        let names = self.names(receiver)?;
                        format!("^({})$", names.join("|"))
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        self.visit(16 * pattern.len())?;
        RubyPattern::compile(&pattern).ok()?;
        Some(pattern)
    }

    fn names(&mut self, list: &Expression) -> Option<Vec<String>> {
        self.deeper(|this| match list {
            Expression::Name(name) => {
                let value = this.local(name)?;
                this.names(&value)
            }
            Expression::Array(names) if !names.is_empty() => {
                names.iter().map(|name| Some(regex::escape(&this.literal(name)?))).collect()
            }
            _ => None,
        })
    }

    /// What stands in a field becomes fields: `json` puts all names where it is told.
    fn inner_fields(&mut self, field: &str, key: &str, value: &str, block: &Block) -> Option<()> {
        let [Statement { expression: Expression::Call(set), .. }, others @ ..] =
            block.body.as_slice()
        else {
            return None;
        };
        let [name, new_value] = set.arguments.as_slice() else { return None };
        let parts = parts_of_text(name);
        if parts.iter().any(|part| self.separator_for_dots(part, key).is_some()) {
            self.reason = Some(INNER_DOTS);
            return None;
        }
        if !others.is_empty() {
            return None;
        }
        let is_set = set.name == "set" && set.receiver.as_deref().is_some_and(is_event);
        if !is_set || !is_name(new_value, value) {
            return None;
        }
        let target = match parts.as_slice() {
            [name] if is_name(name, key) => String::new(),
            [Expression::Literal(before), name, Expression::Literal(after)]
                if is_name(name, key) && after == "]" && before.ends_with("][") =>
            {
                let target = before.strip_suffix('[')?;
                format!(" target => \"{}\"", super::steps::reference(target)?)
            }
            _ => return None,
        };
        let text = self.temporary();
        self.steps.push(Step::Filter(format!(
            "json_encode {{ source => \"{field}\" target => \"{text}\" }}"
        )));
        self.steps.push(Step::Filter(format!("json {{ source => \"{text}\"{target} }}")));
        Some(())
    }
}

/// What a text is put together of, by `#{...}` or by `+`; long sums are left as they are.
fn parts_of_text(text: &Expression) -> Vec<&Expression> {
    const PARTS_MAX: usize = 8;
    if let Expression::Text(parts) = text {
        return parts.iter().collect();
    }
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Expression::Operation("+", left, right) = rest {
        if parts.len() >= PARTS_MAX {
            return vec![text];
        }
        parts.push(&**right);
        rest = &**left;
    }
    parts.push(rest);
    parts.reverse();
    parts
}

/// `event.to_hash`, and its names.
fn is_all_fields(list: &Expression) -> bool {
    match list {
        Expression::Call(Call { receiver: Some(receiver), name, .. }) => match name.as_str() {
            "to_hash" | "to_hash_with_metadata" => is_event(receiver),
            "keys" | "dup" | "clone" | "to_a" | "each" => is_all_fields(receiver),
            _ => false,
        },
        _ => false,
    }
}

/// The one condition around a body.
fn guarded(body: &[Statement]) -> Option<Guarded<'_>> {
    match body {
        [Statement { expression: Expression::If(condition, then, otherwise), .. }] => {
            let (is_negated, inner) = match (then.as_slice(), otherwise.as_slice()) {
                (inner, []) => (false, inner),
                ([], inner) => (true, inner),
                _ => return None,
            };
            match &**condition {
                Expression::Not(condition) => Some(Guarded {
                    condition: Some(condition),
                    is_negated: !is_negated,
                    body: inner,
                }),
                condition => Some(Guarded { condition: Some(condition), is_negated, body: inner }),
            }
        }
        body => Some(Guarded { condition: None, is_negated: false, body }),
    }
}

fn is_name(expression: &Expression, name: &str) -> bool {
    match expression {
        Expression::Name(found) => found == name,
        Expression::Call(Call {
            receiver: Some(receiver),
            name: method,
            arguments,
            block: None,
        }) => {
            matches!(method.as_str(), "to_s" | "dup")
                && arguments.is_empty()
                && is_name(receiver, name)
        }
        _ => false,
    }
}

fn is_removal(expression: &Expression, key: &str) -> bool {
    matches!(
        expression,
        Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None })
            if name == "remove" && is_event(receiver) && matches!(arguments.as_slice(), [argument] if is_name(argument, key))
    )
}

/// The value of the loop's parameter, or `event.get(key)`.
fn is_own_value(expression: &Expression, key: &str, value: Option<&str>) -> bool {
    match expression {
        Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None })
            if name == "get" =>
        {
            is_event(receiver)
                && matches!(arguments.as_slice(), [argument] if is_name(argument, key))
        }
        other => value.is_some_and(|value| is_name(other, value)),
    }
}

/// `key.include?(".")`, and its like.
fn asks_for_dot(condition: &Expression, key: &str) -> bool {
    match condition {
        Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None }) => {
            is_name(receiver, key)
                && match (name.as_str(), arguments.as_slice()) {
                    ("include?", [Expression::Literal(text)]) => text == ".",
                    ("match" | "match?", [Expression::Regex(pattern)]) => pattern == "\\.",
                    _ => false,
                }
        }
        Expression::Operation("=~", left, right) => {
            is_name(left, key) && matches!(&**right, Expression::Regex(pattern) if pattern == "\\.")
        }
        _ => false,
    }
}
