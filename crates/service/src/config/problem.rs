//! The error of reading one setting, in words for who wrote it.
//!
//! It says what is allowed in terms of the file, never in terms of Rust's types.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use crate::suggest::nearest;

/// What sort of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// There is no such setting.
    UnknownSetting,
    /// A setting without a default is not given.
    Missing,
    /// The value is not allowed.
    Value,
}

/// A problem with the setting at `path`.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) kind: ProblemKind,
    pub(super) path: Vec<String>,
    pub(super) message: String,
}

impl Problem {
    fn new(kind: ProblemKind, message: String) -> Self {
        Self { kind, path: Vec::new(), message }
    }

    /// The same problem as seen from the table or list around it.
    pub(super) fn within(mut self, key: impl Into<String>) -> Self {
        self.path.insert(0, key.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(ProblemKind::Value, message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_value(unexpected, expected)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let value = match unexpected {
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Unsigned(value) => format!("`{value}`"),
            Unexpected::Signed(value) => format!("`{value}`"),
            Unexpected::Float(value) => format!("`{value}`"),
            Unexpected::Map => "a table".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            other => other.to_string(),
        };
        let allowed = in_words(&expected.to_string());
        Self::new(ProblemKind::Value, format!("{value} is not allowed here; give {allowed}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("`{variant}` is not allowed here; give one of {}", list(expected));
        Self::new(ProblemKind::Value, message)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = match nearest(field, expected.iter().copied()) {
            Some(near) => format!("there is no setting `{field}`; did you mean `{near}`?"),
            None if expected.is_empty() => format!("there is no setting `{field}`"),
            None => format!("there is no setting `{field}`; there are {}", list(expected)),
        };
        Self::new(ProblemKind::UnknownSetting, message)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(ProblemKind::Missing, format!("the setting `{field}` is missing"))
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn in_words(expected: &str) -> String {
    let whole = |min: i128, max: i128| format!("a whole number from {min} to {max}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "u64" | "usize" => "a whole number from 0".to_owned(),
        "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "path string" => "a text in quotes".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}
