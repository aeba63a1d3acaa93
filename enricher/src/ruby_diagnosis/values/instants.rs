//! Times: when they are one, and how one is set.

use super::{TIME, is_constant_number, without_conversion};
use crate::joda::DateFormat;
use crate::ruby_diagnosis::steps::Step;
use crate::ruby_diagnosis::times::joda;
use crate::ruby_diagnosis::translate::Translator;
use crate::ruby_diagnosis::tree::{Call, Expression};

impl Translator<'_> {
    /// Whether this is a time, whatever the event holds.
    pub(super) fn is_time(&mut self, expression: &Expression) -> bool {
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

    pub(super) fn date(&mut self, source: &str, format: &str, target: &str) {
        let target =
            if target == TIME { String::new() } else { format!(" target => \"{target}\"") };
        self.steps.push(Step::Filter(format!(
            "date {{ match => [ \"{source}\", \"{format}\" ]{target} }}"
        )));
    }

    /// Times that are read from fields.
    pub(super) fn store_time(&mut self, target: &str, value: &Expression) -> Option<()> {
        match value {
            Expression::Operation("+" | "-", time, by)
                if is_constant_number(by) && self.is_time(time) =>
            {
                let seconds = self.temporary();
                self.store_number(&seconds, value)?;
                self.date(&seconds, "UNIX", target);
                Some(())
            }
            Expression::Name(name) => {
                let value = self.local(name)?;
                self.deeper(|this| this.store_time(target, &value))
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
                    Expression::Name(class) => self.store_made_time(target, class, name, arguments),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `Time.at(...)` and its like.
    fn store_made_time(
        &mut self,
        target: &str,
        class: &str,
        method: &str,
        arguments: &[Expression],
    ) -> Option<()> {
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
    pub(super) fn store_epoch(&mut self, target: &str, seconds: &Expression) -> Option<()> {
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
