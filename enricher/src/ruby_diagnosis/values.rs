//! What `event.set` sets: the filters that make the value.

use super::steps::{Step, quote, reference};
use super::times::joda;
use super::translate::{Translator, is_event};
use super::tree::{Call, Expression};
use crate::joda::DateFormat;
use crate::ruby_pattern::RubyPattern;

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
            Expression::Array(elements) => self.store_array(target, elements),
            Expression::Hash(pairs) => {
                for (key, value) in pairs {
                    let inner = format!("{target}[{}]", self.literal(key)?);
                    let inner = reference(&inner).filter(|found| *found == inner)?;
                    self.store(&inner, value)?;
                }
                (!pairs.is_empty()).then_some(())
            }
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
                let value = |this: &mut Self, body: &[super::tree::Statement]| match body {
                    [] => Some(vec![Step::Remove(target.to_owned())]),
                    [only] => this.steps_of(|this| this.store(target, &only.expression)),
                    _ => None,
                };
                let then = value(self, then)?;
                let otherwise = value(self, otherwise)?;
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

    fn replace(&mut self, target: &str, text: &str) -> Option<()> {
        self.visit(text.len())?;
        let text = quote(text)?;
        self.steps.push(Step::option(
            "mutate",
            "replace",
            &format!("{{ \"{target}\" => {text} }}"),
        ));
        Some(())
    }

    fn convert(&mut self, target: &str, to: &str) -> Option<()> {
        self.steps.push(Step::option(
            "mutate",
            "convert",
            &format!("{{ \"{target}\" => \"{to}\" }}"),
        ));
        Some(())
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
        let texts = texts.join(", ");
        self.steps.push(Step::option(
            "mutate",
            "add_field",
            &format!("{{ \"{target}\" => [ {texts} ] }}"),
        ));
        Some(())
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
            self.steps.push(Step::option(
                "mutate",
                "add_field",
                &format!("{{ \"{target}\" => {text} }}"),
            ));
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

    /// A text in which `%{field}` is replaced.
    pub(super) fn template(&mut self, expression: &Expression) -> Option<String> {
        let text = self.deeper(|this| this.template_of(expression))?;
        self.visit(text.len())?;
        (text.len() <= TEXT_BYTES_MAX).then_some(text)
    }

    fn template_of(&mut self, expression: &Expression) -> Option<String> {
        if let Some(field) = self.field(expression) {
            return Some(format!("%{{{field}}}"));
        }
        match expression {
            Expression::Literal(text) | Expression::Number(text) => plain(text),
            Expression::Text(parts) => {
                let parts =
                    parts.iter().map(|part| self.template(part)).collect::<Option<Vec<_>>>()?;
                joined(&parts, "")
            }
            Expression::Operation("+", left, right) if self.is_text(expression) => {
                joined(&[self.template(left)?, self.template(right)?], "")
            }
            Expression::Name(name) => {
                let value = self.local(name)?;
                self.template(&value)
            }
            Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None }) => {
                match (name.as_str(), arguments.as_slice()) {
                    ("to_s", []) => self.template(receiver),
                    ("join", separator) => match &**receiver {
                        Expression::Array(elements) if separator.len() <= 1 => {
                            let separator = match separator.first() {
                                Some(separator) => plain(&self.literal(separator)?)?,
                                None => String::new(),
                            };
                            let parts = elements
                                .iter()
                                .map(|part| self.template(part))
                                .collect::<Option<Vec<_>>>()?;
                            joined(&parts, &separator)
                        }
                        _ => self.made(expression),
                    },
                    ("sprintf", [text]) if is_event(receiver) => {
                        let text = self.literal(text)?;
                        crate::template::Template::parse(&text).ok()?;
                        Some(text)
                    }
                    ("strftime", [format]) => {
                        if self.field(receiver)? != TIME {
                            return None;
                        }
                        if is_local(receiver) {
                            let note = "times are UTC here, whatever the machine's zone";
                            self.steps.push(Step::Note(note.to_owned()));
                        }
                        let format = self.literal(format)?;
                        if format == "%s" {
                            return Some("%{+%s}".to_owned());
                        }
                        let format = joda(&format)?;
                        DateFormat::joda(&format).ok()?;
                        Some(format!("%{{+{format}}}"))
                    }
                    ("to_i", []) if self.field(receiver).is_some_and(|field| field == TIME) => {
                        Some("%{+%s}".to_owned())
                    }
                    _ => self.made(expression),
                }
            }
            _ => self.made(expression),
        }
    }

    /// A value that is made in a field of its own first.
    fn made(&mut self, expression: &Expression) -> Option<String> {
        let field = self.temporary();
        self.store(&field, expression)?;
        Some(format!("%{{{field}}}"))
    }

    fn store_call(&mut self, target: &str, value: &Expression, call: &Call) -> Option<()> {
        let Some(receiver) = &call.receiver else {
            return match (call.name.as_str(), call.arguments.as_slice()) {
                ("Integer", [of]) => {
                    self.store(target, of)?;
                    self.convert(target, "integer")
                }
                ("Float", [of]) => {
                    self.store(target, of)?;
                    self.convert(target, "float")
                }
                ("String", [of]) => self.store_text(target, of),
                _ => None,
            };
        };
        if call.block.is_some() {
            return None;
        }
        let arguments = call.arguments.as_slice();
        if let Expression::Name(constant) = &**receiver
            && constant.starts_with(char::is_uppercase)
        {
            return self.store_of_library(target, constant, &call.name, arguments);
        }
        match (call.name.as_str(), arguments) {
            ("to_i", []) if self.field(receiver).is_some_and(|field| field == TIME) => {
                self.store_text(target, value)?;
                self.convert(target, "integer")
            }
            ("to_f", []) if self.field(receiver).is_some_and(|field| field == TIME) => {
                self.store_number(target, value)
            }
            ("strftime", _) | ("sprintf", _) => self.store_text(target, value),
            ("join", _) if matches!(**receiver, Expression::Array(_)) => {
                self.store_text(target, value)
            }
            ("round" | "fdiv" | "modulo" | "pow" | "div", _) => self.store_number(target, value),
            ("first" | "last" | "[]", _) => {
                let place = match (call.name.as_str(), arguments) {
                    ("first", []) => "0".to_owned(),
                    ("last", []) => "-1".to_owned(),
                    ("[]", [Expression::Number(place)]) => place.clone(),
                    _ => {
                        self.reason = Some("a part of a text is taken by `grok` or `dissect`");
                        return None;
                    }
                };
                place.parse::<i64>().ok()?;
                // `text[0]` is a character: only of a list this is an element.
                if !self.is_list(receiver) {
                    return None;
                }
                let parts = self.operand(receiver)?;
                self.steps.push(Step::Copy(format!("{parts}[{place}]"), target.to_owned()));
                Some(())
            }
            ("to_i" | "to_f" | "to_r", []) if self.is_time(receiver) => {
                self.store_number(target, receiver)?;
                match call.name.as_str() {
                    "to_i" => self.convert(target, "integer"),
                    _ => Some(()),
                }
            }
            _ => {
                self.store(target, receiver)?;
                self.change(target, &call.name, arguments)
            }
        }
    }

    pub(super) fn is_list(&mut self, expression: &Expression) -> bool {
        let found = self.deeper(|this| match expression {
            Expression::Name(name) => {
                let value = this.local(name)?;
                Some(this.is_list(&value))
            }
            Expression::Call(call) => Some(call.name == "split"),
            _ => None,
        });
        found == Some(true)
    }

    /// Changes a field in place, as a method changes its value.
    fn change(&mut self, target: &str, method: &str, arguments: &[Expression]) -> Option<()> {
        let edit = match method {
            "upcase" => "uppercase",
            "downcase" => "lowercase",
            "capitalize" => "capitalize",
            "strip" => "strip",
            _ => "",
        };
        match (method, arguments) {
            _ if !edit.is_empty() && arguments.is_empty() => {
                self.steps.push(Step::option("mutate", edit, &format!("[ \"{target}\" ]")));
                Some(())
            }
            ("to_i" | "to_int" | "truncate", []) => self.convert(target, "integer"),
            ("to_f" | "to_r" | "to_d", []) => self.convert(target, "float"),
            ("to_s" | "to_str", []) => self.convert(target, "string"),
            ("lstrip", []) => self.gsub(target, "\\A\\s+", ""),
            ("rstrip", []) => self.gsub(target, "\\s+\\z", ""),
            ("chomp", []) => self.gsub(target, "\\r?\\n\\z", ""),
            ("chomp" | "delete_suffix", [end]) => {
                let end = regex::escape(&self.literal(end)?);
                self.gsub(target, &format!("{end}\\z"), "")
            }
            ("delete_prefix", [start]) => {
                let start = regex::escape(&self.literal(start)?);
                self.gsub(target, &format!("\\A{start}"), "")
            }
            ("gsub", [pattern, substitute]) => {
                let pattern = self.pattern(pattern)?;
                let substitute = self.literal(substitute)?;
                self.gsub(target, &pattern, &substitute)
            }
            ("sub", [pattern, substitute]) => {
                let pattern = self.pattern(pattern)?;
                let substitute = self.literal(substitute)?;
                // `gsub` replaces each: the same where there can be only one.
                if !pattern.starts_with("\\A") && !pattern.ends_with("\\z") {
                    self.reason =
                        Some("`mutate { gsub => ... }` replaces each place, not the first alone");
                    return None;
                }
                self.gsub(target, &pattern, &substitute)
            }
            ("tr" | "delete", [from, to @ ..]) => {
                let from = self.literal(from)?;
                let to = match to {
                    [] if method == "delete" => String::new(),
                    [to] if method == "tr" => self.literal(to)?,
                    _ => return None,
                };
                // Ranges and negations mean more.
                let mut inner = from.chars().skip(1).peekable();
                let mut has_range = false;
                while let Some(sign) = inner.next() {
                    has_range |= sign == '-' && inner.peek().is_some();
                }
                let is_plain = !from.is_empty() && !from.contains(['^', '\\']) && !has_range;
                if !is_plain || to.chars().count() > 1 {
                    return None;
                }
                let signs =
                    from.chars().map(|sign| regex::escape(&sign.to_string())).collect::<String>();
                self.gsub(target, &format!("[{signs}]"), &to)
            }
            ("split", [separator]) => {
                let separator = match separator {
                    Expression::Regex(pattern)
                        if !pattern.contains(|sign: char| ".+*?[](){}|^$\\".contains(sign)) =>
                    {
                        pattern.clone()
                    }
                    separator => self.literal(separator)?,
                };
                let separator = quote(&separator).filter(|_| !separator.is_empty())?;
                self.steps.push(Step::option(
                    "mutate",
                    "split",
                    &format!("{{ \"{target}\" => {separator} }}"),
                ));
                Some(())
            }
            ("join", [separator]) => {
                let separator = self.literal(separator)?;
                let separator = quote(&separator)?;
                self.steps.push(Step::option(
                    "mutate",
                    "join",
                    &format!("{{ \"{target}\" => {separator} }}"),
                ));
                Some(())
            }
            ("to_json", []) => {
                self.steps.push(Step::Filter(format!("json_encode {{ source => \"{target}\" }}")));
                Some(())
            }
            // A text is UTF-8 here, and an event's time UTC.
            ("force_encoding" | "encode" | "scrub" | "unicode_normalize", _) => Some(()),
            ("to_sym" | "to_a" | "to_h" | "dup" | "freeze", []) => Some(()),
            _ => None,
        }
    }

    /// A pattern for `gsub`: of a text, the text alone.
    fn pattern(&mut self, expression: &Expression) -> Option<String> {
        let pattern = match expression {
            Expression::Regex(pattern) => pattern.clone(),
            other => regex::escape(&self.literal(other)?),
        };
        self.visit(16 * pattern.len())?;
        RubyPattern::compile(&pattern).ok()?;
        (!pattern.is_empty()).then_some(pattern)
    }

    fn gsub(&mut self, target: &str, pattern: &str, substitute: &str) -> Option<()> {
        let (pattern, substitute) = (quote(pattern)?, quote(&plain(substitute)?)?);
        self.steps.push(Step::option(
            "mutate",
            "gsub",
            &format!("[ \"{target}\", {pattern}, {substitute} ]"),
        ));
        Some(())
    }

    fn store_of_library(
        &mut self,
        target: &str,
        constant: &str,
        method: &str,
        arguments: &[Expression],
    ) -> Option<()> {
        match (constant, method, arguments) {
            ("JSON" | "LogStash::Json", "parse" | "load", [source, ..]) => {
                let source = self.operand(source)?;
                self.steps.push(Step::Filter(format!(
                    "json {{ source => \"{source}\" target => \"{target}\" }}"
                )));
                Some(())
            }
            ("JSON" | "LogStash::Json", "generate" | "dump", [source]) => {
                let source = self.operand(source)?;
                self.steps.push(Step::Filter(format!(
                    "json_encode {{ source => \"{source}\" target => \"{target}\" }}"
                )));
                Some(())
            }
            (
                "Digest::MD5" | "Digest::SHA1" | "Digest::SHA256" | "Digest::SHA384"
                | "Digest::SHA512",
                "hexdigest",
                [source],
            ) => {
                let source = self.operand(source)?;
                let digest = constant.trim_start_matches("Digest::");
                self.steps.push(Step::Filter(format!(
                    "fingerprint {{ source => [ \"{source}\" ] target => \"{target}\" method => \"{digest}\" }}"
                )));
                Some(())
            }
            ("SecureRandom", "uuid", []) => {
                self.steps.push(Step::Filter(format!(
                    "uuid {{ target => \"{target}\" overwrite => true }}"
                )));
                Some(())
            }
            (
                "URI" | "CGI",
                "decode" | "unescape" | "decode_www_form_component" | "decode_component",
                [source],
            ) => {
                self.store(target, source)?;
                if constant == "CGI" || method == "decode_www_form_component" {
                    self.gsub(target, "\\+", " ")?;
                }
                self.steps.push(Step::option("urldecode", "field", &format!("\"{target}\"")));
                Some(())
            }
            _ => None,
        }
    }

    fn store_number(&mut self, target: &str, value: &Expression) -> Option<()> {
        let mut calculations = Vec::new();
        let result = self.number(value, &mut calculations)?;
        let last = match calculations.pop() {
            Some((operator, left, right)) => {
                format!("[ \"{operator}\", {left}, {right}, \"{target}\" ]")
            }
            None => format!("[ \"add\", {result}, 0, \"{target}\" ]"),
        };
        let mut texts: Vec<_> = calculations
            .into_iter()
            .enumerate()
            .map(|(place, (operator, left, right))| {
                format!("[ \"{operator}\", {left}, {right}, \"MEM[{place}]\" ]")
            })
            .collect();
        texts.push(last);
        self.steps.push(Step::option("math", "calculate", &format!("[ {} ]", texts.join(", "))));
        Some(())
    }

    /// An operand of a calculation, as it is written; calculations that come before it are added.
    fn number(
        &mut self,
        value: &Expression,
        calculations: &mut Vec<(&'static str, String, String)>,
    ) -> Option<String> {
        self.deeper(|this| {
            if let Some(field) = this.field(value) {
                return Some(format!("\"{field}\""));
            }
            match value {
                Expression::Number(text) if !text.contains(['e', 'E']) => {
                    // A whole number that begins with 0 is octal in both languages.
                    (text.trim_start_matches('-').len() <= 15).then(|| text.clone())
                }
                Expression::Name(name) if name == "Math::PI" => {
                    Some("3.141592653589793".to_owned())
                }
                Expression::Name(name) => {
                    let value = this.local(name)?;
                    this.number(&value, calculations)
                }
                Expression::Operation(sign @ ("+" | "-" | "*" | "/" | "%" | "**"), left, right) => {
                    let operator = match *sign {
                        "+" => "add",
                        "-" => "subtract",
                        "*" => "multiply",
                        "/" if is_float(left) || is_float(right) => "float divide",
                        "/" => "divide",
                        "%" => "modulo",
                        _ => "power",
                    };
                    this.calculation(operator, left, right, calculations)
                }
                Expression::Call(Call {
                    receiver: Some(receiver),
                    name,
                    arguments,
                    block: None,
                }) => {
                    match (name.as_str(), arguments.as_slice()) {
                        ("round", []) => {
                            let zero = Expression::Number("0".to_owned());
                            this.calculation("round", receiver, &zero, calculations)
                        }
                        ("round", [digits]) => {
                            this.calculation("round", receiver, digits, calculations)
                        }
                        ("fdiv", [other]) => {
                            this.calculation("float divide", receiver, other, calculations)
                        }
                        ("div", [other]) => {
                            this.calculation("divide", receiver, other, calculations)
                        }
                        ("modulo", [other]) => {
                            this.calculation("modulo", receiver, other, calculations)
                        }
                        ("pow", [other]) => {
                            this.calculation("power", receiver, other, calculations)
                        }
                        // Seconds since 1970, or a number already.
                        ("to_f" | "to_r" | "to_d", []) if this.is_number(receiver) => {
                            this.number(receiver, calculations)
                        }
                        ("to_f" | "to_r", []) if this.is_time(receiver) => {
                            this.number(receiver, calculations)
                        }
                        _ => Some(format!("\"{}\"", this.operand(value)?)),
                    }
                }
                Expression::Operation("||", ..) | Expression::If(..) => {
                    Some(format!("\"{}\"", this.operand(value)?))
                }
                _ => None,
            }
        })
    }

    fn calculation(
        &mut self,
        operator: &'static str,
        left: &Expression,
        right: &Expression,
        calculations: &mut Vec<(&'static str, String, String)>,
    ) -> Option<String> {
        let left = self.number(left, calculations)?;
        let right = self.number(right, calculations)?;
        if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
            let constant = match operator {
                "add" => left.checked_add(right),
                "subtract" => left.checked_sub(right),
                "multiply" => left.checked_mul(right),
                _ => None,
            };
            return constant.map(|constant| constant.to_string());
        }
        // What would be refused when it is loaded.
        let is_literal = |operand: &str| operand.parse::<f64>().is_ok();
        let is_refused = is_literal(&left) && is_literal(&right)
            || operator == "round" && right.parse().is_ok_and(|digits: f64| digits.abs() > 20.0);
        if is_refused {
            return None;
        }
        if matches!(operator, "divide" | "float divide" | "modulo") && right.parse() == Ok(0.0_f64)
        {
            return None;
        }
        calculations.push((operator, left, right));
        Some(format!("\"MEM[{}]\"", calculations.len() - 1))
    }

    /// Whether this is a time, whatever the event holds.
    fn is_time(&mut self, expression: &Expression) -> bool {
        if self.field(expression).is_some_and(|field| field == TIME) {
            return true;
        }
        let found = self.deeper(|this| match expression {
            Expression::Name(name) => {
                let value = this.local(name)?;
                Some(this.is_time(&value))
            }
            Expression::Operation("+" | "-", time, by) => {
                Some(is_constant_number(by) && this.is_time(time))
            }
            Expression::Call(Call { receiver: Some(receiver), name, .. }) => match &**receiver {
                Expression::Name(class)
                    if matches!(class.as_str(), "Time" | "DateTime" | "LogStash::Timestamp") =>
                {
                    Some(true)
                }
                receiver => Some(
                    matches!(
                        name.as_str(),
                        "utc" | "getutc" | "gmtime" | "to_time" | "time" | "localtime" | "getlocal"
                    ) && this.is_time(receiver),
                ),
            },
            _ => None,
        });
        found == Some(true)
    }

    /// Whether this is a number whatever the event holds, or its time.
    fn is_number(&mut self, expression: &Expression) -> bool {
        match expression {
            Expression::Number(_) => true,
            Expression::Operation("-" | "*" | "/" | "%" | "**" | "+", ..) => {
                !self.is_text(expression)
            }
            other => self.field(other).is_some_and(|field| field == TIME),
        }
    }

    fn date(&mut self, source: &str, format: &str, target: &str) {
        let target =
            if target == TIME { String::new() } else { format!(" target => \"{target}\"") };
        self.steps.push(Step::Filter(format!(
            "date {{ match => [ \"{source}\", \"{format}\" ]{target} }}"
        )));
    }

    /// Times that are read from fields.
    fn store_time(&mut self, target: &str, value: &Expression) -> Option<()> {
        let (class, method, arguments) = match value {
            Expression::Operation("+" | "-", time, by)
                if is_constant_number(by) && self.is_time(time) =>
            {
                let seconds = self.temporary();
                self.store_number(&seconds, value)?;
                self.date(&seconds, "UNIX", target);
                return Some(());
            }
            Expression::Name(name) => {
                let value = self.local(name)?;
                return self.deeper(|this| this.store_time(target, &value));
            }
            Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None }) => {
                // Every time is UTC here, and written in the same way.
                let is_written =
                    matches!(name.as_str(), "time" | "iso8601" | "to_iso8601" | "to_s");
                let is_moved = matches!(
                    name.as_str(),
                    "localtime" | "getlocal" | "utc" | "getutc" | "gmtime" | "to_time"
                );
                if is_written || is_moved {
                    return self.deeper(|this| this.store_time(target, receiver));
                }
                match &**receiver {
                    Expression::Name(class) => {
                        (class.as_str(), name.as_str(), arguments.as_slice())
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        match (class, method, arguments) {
            ("LogStash::Timestamp", "new" | "coerce" | "at", [inner]) => {
                if self.attempt(|this| this.store_time(target, inner)).is_some() {
                    return Some(());
                }
                match method {
                    "at" => self.store_epoch(target, inner),
                    _ => {
                        let source = self.field(inner).filter(|source| source != TIME)?;
                        self.date(&source, "ISO8601", target);
                        Some(())
                    }
                }
            }
            ("Time" | "DateTime" | "LogStash::Timestamp", "now", [])
            | ("LogStash::Timestamp", "new", []) => {
                // The time of receipt, which is the only "now" there is.
                if target != TIME {
                    return self.replace(target, "%{{TIME_NOW}}");
                }
                let now = self.temporary();
                self.replace(&now, "%{{TIME_NOW}}")?;
                self.date(&now, "ISO8601", target);
                Some(())
            }
            ("Time", "at", [inner]) => self.store_epoch(target, inner),
            (
                "Time" | "DateTime" | "LogStash::Timestamp",
                "parse" | "iso8601" | "parse_iso8601",
                [source],
            ) => {
                let source = self.operand(source)?;
                self.date(&source, "ISO8601", target);
                Some(())
            }
            ("Time" | "DateTime", "strptime", [source, format]) => {
                let format = self.literal(format)?;
                let format = match format.as_str() {
                    "%s" => "UNIX".to_owned(),
                    "%Q" => "UNIX_MS".to_owned(),
                    _ => joda(&format).filter(|format| {
                        DateFormat::joda(format).is_ok_and(|format| format.is_readable())
                    })?,
                };
                let source = self.operand(source)?;
                self.date(&source, &format, target);
                Some(())
            }
            _ => None,
        }
    }

    /// A time from the seconds since 1970.
    fn store_epoch(&mut self, target: &str, seconds: &Expression) -> Option<()> {
        let seconds = without_conversion(seconds);
        if let Expression::Operation(sign @ ("/" | "*"), of, by) = seconds
            && let Expression::Number(by) = &**by
        {
            let is_milliseconds = match *sign {
                "/" => by.parse() == Ok(1000.0),
                _ => by.parse() == Ok(0.001),
            };
            if is_milliseconds && let Some(source) = self.field(without_conversion(of)) {
                self.date(&source, "UNIX_MS", target);
                return Some(());
            }
        }
        if let Expression::Name(name) = seconds {
            let value = self.local(name)?;
            return self.deeper(|this| this.store_epoch(target, &value));
        }
        let source = self.operand(seconds).filter(|source| source != TIME)?;
        self.date(&source, "UNIX", target);
        Some(())
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
