//! The reference page of fields, written from the schemas: what documents hold, and what becomes of
//! each name of a log.

use std::fmt::Write;

use crate::Schema;
use crate::conversion::{Conversion, LetterCase};
use crate::field::FieldKind;
use crate::log_type::LogType;
use crate::rule::{Action, RANK_OF_DOCUMENT_NAMES, Rule, RuleId, Table};

impl Schema {
    /// The page, in Markdown.
    #[must_use]
    pub fn reference(&self) -> String {
        let mut page = String::from(
            "# Fields\n\n\
             This page is written from `schemas/*.json` by the crate `schema`; a test keeps both equal.\n\n\
             ## Documents\n\n| field | kind | meaning |\n| --- | --- | --- |\n",
        );
        for field in self.fields() {
            let place = self.document().find(&field.name);
            let many = place.is_some_and(|place| self.document().is_many(place));
            let kind = kind_name(field.kind);
            let kind = if many { format!("array of {kind}") } else { kind };
            let _infallible =
                writeln!(page, "| `{}` | {kind} | {} |", field.name, field.description);
        }
        for log_type in self.log_types() {
            self.write_log_type(log_type, &mut page);
        }
        page
    }

    fn write_log_type(&self, log_type: &LogType, page: &mut String) {
        let _infallible =
            write!(page, "\n## Log type `{}`\n\n{}\n", log_type.name, log_type.description);
        if !log_type.is_for_shops() {
            return;
        }
        page.push_str(
            "\nA document's own names are taken as well.\n\n\
             | in the log | other names | field | conversion |\n| --- | --- | --- | --- |\n",
        );
        self.write_table(&log_type.table, page);
    }

    fn write_table(&self, table: &Table, page: &mut String) {
        let mut named: Vec<(RuleId, u8, &[u8])> = table
            .iter()
            .filter(|(_, meaning)| meaning.rank != RANK_OF_DOCUMENT_NAMES)
            .filter_map(|(name, meaning)| Some((meaning.rule?, meaning.rank, name)))
            .collect();
        named.sort_by_key(|(rule, rank, _)| (rule.0, *rank));
        for group in named.chunk_by(|a, b| a.0 == b.0) {
            let others: Vec<_> = group
                .iter()
                .filter(|(_, rank, _)| *rank > 0)
                .map(|(.., name)| format!("`{}`", String::from_utf8_lossy(name)))
                .collect();
            self.write_rule(self.rule(group[0].0), &others.join(", "), page);
        }
    }

    fn write_rule(&self, rule: &Rule, others: &str, page: &mut String) {
        let mut row = |field: &str, conversion: &str| {
            let _infallible =
                writeln!(page, "| `{}` | {others} | {field} | {conversion} |", rule.name);
        };
        match &rule.action {
            Action::Value(conversion) => {
                let mut fields = vec![conversion.place];
                fields.extend(conversion.also.iter().copied());
                let fields: Vec<_> =
                    fields.into_iter().map(|place| format!("`{}`", self.dotted(place))).collect();
                row(&fields.join(", "), &self.sentence(conversion));
            }
            Action::Timestamp => row("`@timestamp`", "date"),
            Action::LogType => {
                row("`event.dataset`", "one of the log types in any case, else `other`")
            }
            Action::RequestLine => {
                row("`http.request.method`, `url.original`, `http.version`", "split at blanks");
            }
            Action::Object(table) => self.write_table(table, page),
            Action::Nested(place, table) => {
                row(&format!("`{}`", self.dotted(*place)), "array of objects");
                self.write_table(table, page);
            }
        }
    }

    fn dotted(&self, place: crate::Place) -> &str {
        self.document().field(place).map_or("", |field| &field.name)
    }

    fn sentence(&self, conversion: &Conversion) -> String {
        let mut parts = vec![kind_name(conversion.kind)];
        if conversion.many {
            parts[0] = format!("array of {}", parts[0]);
        }
        if conversion.decimal_shift != 0 {
            parts.push(format!("times 10^{}", conversion.decimal_shift));
        }
        if let Some(sign) = conversion.suffix {
            parts.push(format!("without a trailing `{}`", char::from(sign)));
        }
        match conversion.letter_case {
            Some(LetterCase::Upper) => parts.push("upper case".to_owned()),
            Some(LetterCase::Lower) => parts.push("lower case".to_owned()),
            None => {}
        }
        if let Some(place) = conversion.first_of_list {
            parts.push(format!("the first of a list; the list goes to `{}`", self.dotted(place)));
        }
        let absent: Vec<_> = conversion
            .absent
            .iter()
            .map(|text| format!("`\"{}\"`", String::from_utf8_lossy(text)))
            .collect();
        if !absent.is_empty() {
            parts.push(format!("{} means no value", absent.join(" or ")));
        }
        if let Some(outcome) = &conversion.outcome {
            parts.push(format!(
                "`event.outcome` success for {}, failure for {}",
                outcome.success.join(", "),
                outcome.failure.join(", ")
            ));
        }
        parts.join("; ")
    }
}

fn kind_name(kind: FieldKind) -> String {
    match kind {
        FieldKind::Decimal { scale } => format!("decimal, {scale} places found"),
        FieldKind::GeoPoint => "geo point".to_owned(),
        FieldKind::Ip => "address".to_owned(),
        FieldKind::Nested => "array of objects".to_owned(),
        FieldKind::Flattened => "object, its leaves as keywords".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}
