//! Texts: what stands in them, and what is made of one.

use super::{TEXT_BYTES_MAX, TIME, is_local, joined, plain};
use crate::joda::DateFormat;
use crate::ruby_diagnosis::steps::{Step, quote};
use crate::ruby_diagnosis::times::joda;
use crate::ruby_diagnosis::translate::{Translator, is_event};
use crate::ruby_diagnosis::tree::{Call, Expression};
use crate::ruby_pattern::RubyPattern;

impl Translator<'_> {
    /// A text in which `%{field}` is replaced.
    pub(in crate::ruby_diagnosis) fn template(
        &mut self,
        expression: &Expression,
    ) -> Option<String> {
        let text = self.deeper(|this| this.template_of(expression))?;
        self.visit(text.len())?;
        (text.len() <= TEXT_BYTES_MAX).then_some(text)
    }

    pub(super) fn template_of(&mut self, expression: &Expression) -> Option<String> {
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
    pub(super) fn made(&mut self, expression: &Expression) -> Option<String> {
        let field = self.temporary();
        self.store(&field, expression)?;
        Some(format!("%{{{field}}}"))
    }

    pub(super) fn store_call(
        &mut self,
        target: &str,
        value: &Expression,
        call: &Call,
    ) -> Option<()> {
        let Some(receiver) = &call.receiver else {
            return self.store_converted(target, call);
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
                self.store_element(target, receiver, &call.name, arguments)
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

    /// `Integer(...)` and its like.
    fn store_converted(&mut self, target: &str, call: &Call) -> Option<()> {
        match (call.name.as_str(), call.arguments.as_slice()) {
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
        }
    }

    /// `list.first`, `list.last`, `list[2]`.
    fn store_element(
        &mut self,
        target: &str,
        list: &Expression,
        name: &str,
        arguments: &[Expression],
    ) -> Option<()> {
        let place = match (name, arguments) {
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
        if !self.is_list(list) {
            return None;
        }
        let parts = self.operand(list)?;
        self.steps.push(Step::Copy(format!("{parts}[{place}]"), target.to_owned()));
        Some(())
    }

    pub(in crate::ruby_diagnosis) fn is_list(&mut self, expression: &Expression) -> bool {
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
    pub(super) fn change(
        &mut self,
        target: &str,
        method: &str,
        arguments: &[Expression],
    ) -> Option<()> {
        match (method, arguments) {
            ("upcase", []) => self.edit(target, "uppercase"),
            ("downcase", []) => self.edit(target, "lowercase"),
            ("capitalize" | "strip", []) => self.edit(target, method),
            ("to_i" | "to_int" | "truncate", []) => self.convert(target, "integer"),
            ("to_f" | "to_r" | "to_d", []) => self.convert(target, "float"),
            ("to_s" | "to_str", []) => self.convert(target, "string"),
            ("split", [separator]) => self.split(target, separator),
            ("join", [separator]) => {
                let separator = self.literal(separator)?;
                self.mutate("join", target, &quote(&separator)?)
            }
            ("to_json", []) => {
                self.steps.push(Step::Filter(format!("json_encode {{ source => \"{target}\" }}")));
                Some(())
            }
            // A text is UTF-8 here, and an event's time UTC.
            ("force_encoding" | "encode" | "scrub" | "unicode_normalize", _) => Some(()),
            ("to_sym" | "to_a" | "to_h" | "dup" | "freeze", []) => Some(()),
            _ => self.substitute(target, method, arguments),
        }
    }

    fn edit(&mut self, target: &str, edit: &str) -> Option<()> {
        self.steps.push(Step::option("mutate", edit, &format!("[ \"{target}\" ]")));
        Some(())
    }

    fn split(&mut self, target: &str, separator: &Expression) -> Option<()> {
        let separator = match separator {
            Expression::Regex(pattern)
                if !pattern.contains(|sign: char| ".+*?[](){}|^$\\".contains(sign)) =>
            {
                pattern.clone()
            }
            separator => self.literal(separator)?,
        };
        let separator = quote(&separator).filter(|_| !separator.is_empty())?;
        self.mutate("split", target, &separator)
    }

    /// What `gsub` does: methods that put one text in the place of another.
    fn substitute(&mut self, target: &str, method: &str, arguments: &[Expression]) -> Option<()> {
        match (method, arguments) {
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
            ("gsub" | "sub", [pattern, substitute]) => {
                let pattern = self.pattern(pattern)?;
                let substitute = self.literal(substitute)?;
                // `gsub` replaces each: the same where there can be only one.
                let is_anchored = (pattern.starts_with("\\A") || pattern.ends_with("\\z"))
                    && !pattern.contains('|');
                if method == "sub" && !is_anchored {
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
                self.translate_signs(target, &from, &to)
            }
            _ => None,
        }
    }

    /// `tr` with one sign or none for all of some.
    fn translate_signs(&mut self, target: &str, from: &str, to: &str) -> Option<()> {
        // A sign between two others is a range, and `^` a negation.
        let has_range =
            from.char_indices().any(|(at, sign)| sign == '-' && (1..from.len() - 1).contains(&at));
        let is_plain = !from.is_empty() && !from.contains(['^', '\\']) && !has_range;
        if !is_plain || to.chars().count() > 1 {
            return None;
        }
        let signs = from.chars().map(|sign| regex::escape(&sign.to_string())).collect::<String>();
        self.gsub(target, &format!("[{signs}]"), to)
    }

    /// A pattern for `gsub`: of a text, the text alone.
    pub(super) fn pattern(&mut self, expression: &Expression) -> Option<String> {
        let pattern = match expression {
            Expression::Regex(pattern) => pattern.clone(),
            other => regex::escape(&self.literal(other)?),
        };
        self.visit(16 * pattern.len())?;
        RubyPattern::compile(&pattern).ok()?;
        (!pattern.is_empty()).then_some(pattern)
    }

    pub(super) fn gsub(&mut self, target: &str, pattern: &str, substitute: &str) -> Option<()> {
        let (pattern, substitute) = (quote(pattern)?, quote(&plain(substitute)?)?);
        self.steps.push(Step::option(
            "mutate",
            "gsub",
            &format!("[ \"{target}\", {pattern}, {substitute} ]"),
        ));
        Some(())
    }

    pub(super) fn store_of_library(
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
}
