//! What `event.set` sets: the filters that make the value.

mod instants;
mod numbers;
mod texts;

use super::steps::{Step, quote, reference};
use super::translate::{Translator, is_event};
use super::tree::{Call, Expression, Statement};

/// Most bytes of a text that is written into a pipeline.
const TEXT_BYTES_MAX: usize = 2_048;

const TIME: &str = "[@timestamp]";

impl Translator<'_> {
    /// A text that the code knows without an event.
    pub(super) fn literal(&mut self, expression: &Expression) -> Option<String> {
        let text = self.deeper(|this| match expression {
            Expression::Literal(text) => Some(text.clone()),
            Expression::Number(text) => Some(text.clone()),
            Expression::Name(name) => {
                let value = this.local(name)?;
                this.literal(&value)
            }
            Expression::Text(parts) => {
                let parts =
                    parts.iter().map(|part| this.literal(part)).collect::<Option<Vec<_>>>()?;
                Some(parts.concat())
            }
            Expression::Operation("+", left, right) => {
                Some(this.literal(left)? + &this.literal(right)?)
            }
            Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None })
                if matches!(name.as_str(), "to_s" | "to_sym" | "freeze")
                    && arguments.is_empty() =>
            {
                this.literal(receiver)
            }
            _ => None,
        })?;
        self.visit(text.len())?;
        (text.len() <= TEXT_BYTES_MAX).then_some(text)
    }

    /// The field whose value this is.
    pub(super) fn field(&mut self, expression: &Expression) -> Option<String> {
        self.deeper(|this| match expression {
            Expression::Name(name) => {
                let value = this.local(name)?;
                this.field(&value)
            }
            Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None }) => {
                match (name.as_str(), arguments.as_slice()) {
                    ("get" | "[]", [name]) if is_event(receiver) => reference(&this.literal(name)?),
                    ("timestamp", []) if is_event(receiver) => Some(TIME.to_owned()),
                    ("[]", [key]) => {
                        let key = this.literal(key)?;
                        let inner = format!("{}[{key}]", this.field(receiver)?);
                        reference(&inner).filter(|found| *found == inner)
                    }
                    ("dig", keys) => {
                        let mut inner = this.field(receiver)?;
                        for key in keys {
                            inner = format!("{inner}[{}]", this.literal(key)?);
                        }
                        reference(&inner).filter(|found| *found == inner)
                    }
                    ("first", []) => Some(format!("{}[0]", this.field(receiver)?)),
                    ("last", []) => Some(format!("{}[-1]", this.field(receiver)?)),
                    ("dup" | "clone" | "freeze" | "itself", []) => this.field(receiver),
                    // The event's time is UTC.
                    (
                        "time" | "utc" | "getutc" | "gmtime" | "to_time" | "localtime" | "getlocal",
                        [],
                    ) => this.field(receiver).filter(|field| field == TIME),
                    ("new" | "coerce", [time]) if is_constant(receiver, "LogStash::Timestamp") => {
                        this.field(time).filter(|field| field == TIME)
                    }
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// The field that holds a value: its own, or one that is made for it.
    pub(super) fn operand(&mut self, expression: &Expression) -> Option<String> {
        if let Some(field) = self.field(expression) {
            return Some(field);
        }
        let field = self.temporary();
        self.store(&field, expression)?;
        if let Expression::Name(name) = expression {
            self.is_in_field(name, &field);
        }
        Some(field)
    }

    /// Sets a field to a value.
    pub(super) fn store(&mut self, target: &str, value: &Expression) -> Option<()> {
        self.deeper(|this| this.store_value(target, value))
    }

    fn store_value(&mut self, target: &str, value: &Expression) -> Option<()> {
        if let Some(()) = self.attempt(|this| this.store_time(target, value)) {
            return Some(());
        }
        if let Some(source) = self.field(value) {
            return self.store_field(target, &source);
        }
        if let Some(source) = self.removed_field(value) {
            if target == TIME {
                return None;
            }
            self.changed(&source);
            self.steps.push(Step::Rename(source, target.to_owned()));
            return Some(());
        }
        if target == TIME {
            self.reason = Some("the event's time is set by `date` only");
            return None;
        }
        match value {
            Expression::Name(name) => {
                let value = self.local(name)?;
                self.store(target, &value)
            }
            Expression::Nil
            | Expression::Literal(_)
            | Expression::Number(_)
            | Expression::Bool(_) => self.store_constant(target, value),
            Expression::Array(elements) => self.store_array(target, elements),
            Expression::Hash(pairs) => self.store_hash(target, pairs),
            Expression::Text(_) => self.store_text(target, value),
            Expression::Operation("||", first, second) => {
                let condition = self.condition(first)?;
                let first = self.steps_of(|this| this.store(target, first))?;
                let second = match **second {
                    // A field that is not there stays away.
                    Expression::Nil => Vec::new(),
                    _ => self.steps_of(|this| this.store(target, second))?,
                };
                self.choose(condition, first, second)
            }
            Expression::If(condition, then, otherwise) => {
                let condition = self.condition(condition)?;
                let then = self.branch_value(target, then)?;
                let otherwise = self.branch_value(target, otherwise)?;
                self.choose(condition, then, otherwise)
            }
            Expression::Operation("+", left, right) if self.appends(target, left) => match &**right
            {
                Expression::Array(added) => self.append(target, added),
                Expression::Literal(_) | Expression::Text(_) => self.store_text(target, value),
                _ => self.store_number(target, value),
            },
            Expression::Operation("<<" | "push", left, right) if self.appends(target, left) => {
                self.append(target, std::slice::from_ref(&**right))
            }
            Expression::Operation("+", left, right)
                if self.is_text(left) || self.is_text(right) =>
            {
                self.store_text(target, value)
            }
            Expression::Operation("+" | "-" | "*" | "/" | "%" | "**", ..) => {
                self.store_number(target, value)
            }
            Expression::Call(call) => self.store_call(target, value, call),
            _ => None,
        }
    }

    fn store_constant(&mut self, target: &str, value: &Expression) -> Option<()> {
        match value {
            Expression::Nil => {
                self.steps.push(Step::Remove(target.to_owned()));
                Some(())
            }
            Expression::Literal(text) => self.replace(target, &plain(text)?),
            Expression::Number(text) => {
                self.replace(target, text)?;
                let is_float = text.contains(['.', 'e', 'E']);
                self.convert(target, if is_float { "float" } else { "integer" })
            }
            Expression::Bool(value) => {
                self.replace(target, &value.to_string())?;
                self.convert(target, "boolean")
            }
            _ => None,
        }
    }

    fn store_hash(&mut self, target: &str, pairs: &[(Expression, Expression)]) -> Option<()> {
        for (key, value) in pairs {
            let inner = format!("{target}[{}]", self.literal(key)?);
            let inner = reference(&inner).filter(|found| *found == inner)?;
            self.store(&inner, value)?;
        }
        (!pairs.is_empty()).then_some(())
    }

    /// What sets a field to the value of a branch; one without any is `nil`.
    fn branch_value(&mut self, target: &str, body: &[Statement]) -> Option<Vec<Step>> {
        match body {
            [] => Some(vec![Step::Remove(target.to_owned())]),
            [only] => self.steps_of(|this| this.store(target, &only.expression)),
            _ => None,
        }
    }

    fn choose(&mut self, condition: String, then: Vec<Step>, otherwise: Vec<Step>) -> Option<()> {
        match (then.is_empty(), otherwise.is_empty()) {
            (true, true) => {}
            (true, false) => {
                let condition = super::translate::negated(&condition);
                self.steps.push(Step::If(condition, otherwise, Vec::new()));
            }
            _ => self.steps.push(Step::If(condition, then, otherwise)),
        }
        Some(())
    }

    fn store_field(&mut self, target: &str, source: &str) -> Option<()> {
        if target == TIME && source != TIME {
            self.date(source, "ISO8601", target);
        } else if target != source {
            self.steps.push(Step::Copy(source.to_owned(), target.to_owned()));
        }
        Some(())
    }

    /// `mutate { option => { "target" => value } }`; the value is as it is written.
    fn mutate(&mut self, option: &str, target: &str, value: &str) -> Option<()> {
        let pair = format!("{{ \"{target}\" => {value} }}");
        self.steps.push(Step::option("mutate", option, &pair));
        Some(())
    }

    fn replace(&mut self, target: &str, text: &str) -> Option<()> {
        self.visit(text.len())?;
        self.mutate("replace", target, &quote(text)?)
    }

    fn convert(&mut self, target: &str, to: &str) -> Option<()> {
        self.mutate("convert", target, &format!("\"{to}\""))
    }

    fn store_text(&mut self, target: &str, value: &Expression) -> Option<()> {
        let text = self.template(value)?;
        self.replace(target, &text)
    }

    fn store_array(&mut self, target: &str, elements: &[Expression]) -> Option<()> {
        let texts = self.quoted(elements)?;
        if texts.len() < 2 {
            self.reason =
                Some("an array of one element is made by `mutate { split => ... }` of a text");
            return None;
        }
        self.steps.push(Step::Remove(target.to_owned()));
        self.mutate("add_field", target, &format!("[ {} ]", texts.join(", ")))
    }

    /// Texts of the elements; those that the code knows, or that are put in.
    fn quoted(&mut self, elements: &[Expression]) -> Option<Vec<String>> {
        elements
            .iter()
            .map(|element| match element {
                // A number would become a text.
                Expression::Number(_) | Expression::Bool(_) | Expression::Nil => None,
                _ => quote(&self.template(element)?),
            })
            .collect()
    }

    /// `event.get("tags") + ["x"]`, set as `tags`.
    fn appends(&mut self, target: &str, list: &Expression) -> bool {
        let list = match list {
            Expression::Operation("||", list, empty) => match &**empty {
                Expression::Array(elements) if elements.is_empty() => &**list,
                _ => return false,
            },
            list => list,
        };
        self.field(list).is_some_and(|field| field == target)
    }

    fn append(&mut self, target: &str, added: &[Expression]) -> Option<()> {
        if target == "[tags]" {
            let tags = added.iter().map(|tag| self.template(tag)).collect::<Option<Vec<_>>>()?;
            return self.tag(&tags);
        }
        for text in self.quoted(added)? {
            self.mutate("add_field", target, &text)?;
        }
        Some(())
    }

    /// Whether `+` joins texts here.
    fn is_text(&mut self, expression: &Expression) -> bool {
        self.deeper(|this| {
            Some(match expression {
                Expression::Literal(_) | Expression::Text(_) => true,
                Expression::Operation("+", left, right) => {
                    this.is_text(left) || this.is_text(right)
                }
                Expression::Name(name) => {
                    let value = this.local(name)?;
                    this.is_text(&value)
                }
                Expression::Call(call) => matches!(
                    call.name.as_str(),
                    "to_s"
                        | "upcase"
                        | "downcase"
                        | "capitalize"
                        | "strip"
                        | "gsub"
                        | "sub"
                        | "join"
                        | "strftime"
                        | "to_json"
                ),
                _ => false,
            })
        })
        .unwrap_or(false)
    }
}

/// A number, or a calculation with some.
fn is_constant_number(expression: &Expression) -> bool {
    match expression {
        Expression::Number(_) => true,
        Expression::Operation("+" | "-" | "*", left, right) => {
            is_constant_number(left) && is_constant_number(right)
        }
        _ => false,
    }
}

/// Whether a time is asked for in the machine's zone.
fn is_local(expression: &Expression) -> bool {
    matches!(expression, Expression::Call(Call { name, .. }) if matches!(name.as_str(), "localtime" | "getlocal"))
}

/// `date` reads numbers and texts alike.
fn without_conversion(expression: &Expression) -> &Expression {
    match expression {
        Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None })
            if arguments.is_empty()
                && matches!(name.as_str(), "to_i" | "to_f" | "to_r" | "to_s") =>
        {
            receiver
        }
        other => other,
    }
}

/// Whether a division by this, or of it, has a fraction.
fn is_float(expression: &Expression) -> bool {
    match expression {
        Expression::Number(text) => text.contains(['.', 'e', 'E']),
        Expression::Call(call) => matches!(call.name.as_str(), "to_f" | "to_r" | "to_d" | "fdiv"),
        Expression::Operation("+" | "-" | "*" | "/", left, right) => {
            is_float(left) || is_float(right)
        }
        _ => false,
    }
}

fn is_constant(expression: &Expression, name: &str) -> bool {
    matches!(expression, Expression::Name(found) if found.trim_start_matches("::") == name)
}

/// A text in which nothing is put in.
fn plain(text: &str) -> Option<String> {
    (!text.contains("%{")).then(|| text.to_owned())
}

/// Puts parts together; `None` where a template would come out of two that are none.
fn joined(parts: &[String], separator: &str) -> Option<String> {
    let whole = parts.join(separator);
    let templates = |text: &str| text.matches("%{").count();
    (templates(&whole) == parts.iter().map(|part| templates(part)).sum::<usize>()).then_some(whole)
}
