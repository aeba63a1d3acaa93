//! The file of cases, YAML or JSON: what it may hold, and what is wrong with one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bus::Codec;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Kinds of refusal that a case may expect.
const KINDS: [event::RefusalKind; 7] = [
    event::RefusalKind::TooLarge,
    event::RefusalKind::InvalidUtf8,
    event::RefusalKind::NotAnObject,
    event::RefusalKind::TrailingData,
    event::RefusalKind::TooDeep,
    event::RefusalKind::InvalidJson,
    event::RefusalKind::TooManyFields,
];
/// 2026-01-01T00:00:00Z: when lines are received unless the file says so.
const RECEIVED_AT_SECONDS: i64 = 1_767_225_600;

/// What is wrong with a file of cases.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(String);

/// Cases of one pipeline.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// The pipeline's file; the built-in one if absent.
    pub pipeline: Option<PathBuf>,
    /// Variables of the pipeline, over those of the process.
    pub environment: BTreeMap<String, String>,
    /// The cases, in order.
    pub cases: Vec<Case>,
}

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it says.
    pub name: String,
    /// What the lines are.
    pub codec: Codec,
    /// When they are received, nanoseconds since 1970 UTC.
    pub received_at_ns: i64,
    /// The lines that go in, in order.
    pub lines: Vec<String>,
    /// What must become of them.
    pub expected: Expected,
    /// Events have no field beside those that are expected.
    pub is_exact: bool,
}

/// What must become of a case's lines.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// These events, in order.
    Events(Vec<Value>),
    /// No event is left.
    Dropped,
    /// All are refused, with this kind.
    Refused(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    pipeline: Option<PathBuf>,
    codec: Option<Codec>,
    received_at: Option<String>,
    #[serde(default)]
    exact: bool,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    cases: Vec<WrittenCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: String,
    codec: Option<Codec>,
    received_at: Option<String>,
    exact: Option<bool>,
    input: Value,
    expect: Option<Value>,
    #[serde(default)]
    dropped: bool,
    refused: Option<String>,
}

impl CaseFile {
    /// Reads a file's text: JSON where the name ends in `.json`, else YAML. A pipeline is looked for
    /// from the file's folder on.
    ///
    /// # Errors
    /// The first mistake.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Mistake> {
        let mistake = |said: String| Mistake(format!("{}: {said}", path.display()));
        let written: WrittenFile = if path.extension().is_some_and(|ending| ending == "json") {
            serde_json::from_str(text).map_err(|error| mistake(error.to_string()))?
        } else {
            // `no` and `off` are texts: countries and states have such names.
            let options = serde_saphyr::options! { strict_booleans: true };
            let read = serde_saphyr::from_str_with_options(text, options);
            read.map_err(|error| mistake(error.to_string()))?
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut cases = Vec::with_capacity(written.cases.len());
        for case in &written.cases {
            let case = written.case(case);
            cases.push(case.map_err(|(name, said)| mistake(format!("case `{name}`: {said}")))?);
        }
        if cases.is_empty() {
            return Err(mistake("there are no cases in it".to_owned()));
        }
        let pipeline = written.pipeline.map(|pipeline| folder.join(pipeline));
        Ok(Self { pipeline, environment: written.environment, cases })
    }
}

impl WrittenFile {
    /// A case with what holds for all of them; a mistake comes with the case's name.
    fn case(&self, case: &WrittenCase) -> Result<Case, (String, String)> {
        let mistake = |said: String| (case.name.clone(), said);
        let received_at_ns = match case.received_at.as_ref().or(self.received_at.as_ref()) {
            None => RECEIVED_AT_SECONDS * 1_000_000_000,
            Some(text) => {
                let time: Timestamp = text.parse().map_err(|_| {
                    mistake(format!("`{text}` is no time: write it as 2026-01-01T00:00:00Z"))
                })?;
                i64::try_from(time.as_nanosecond())
                    .map_err(|_| mistake(format!("`{text}` is too far away")))?
            }
        };
        Ok(Case {
            name: case.name.clone(),
            codec: case.codec.or(self.codec).unwrap_or_default(),
            received_at_ns,
            lines: lines(&case.input),
            expected: case.expected().map_err(mistake)?,
            is_exact: case.exact.unwrap_or(self.exact),
        })
    }
}

impl WrittenCase {
    fn expected(&self) -> Result<Expected, String> {
        match (&self.expect, self.dropped, &self.refused) {
            (Some(Value::Array(events)), false, None) => Ok(Expected::Events(events.clone())),
            (Some(event), false, None) => Ok(Expected::Events(vec![event.clone()])),
            (None, true, None) => Ok(Expected::Dropped),
            (None, false, Some(kind)) => {
                let kinds = KINDS.map(event::RefusalKind::as_str);
                if kinds.contains(&kind.as_str()) {
                    return Ok(Expected::Refused(kind.clone()));
                }
                Err(format!("nothing is refused as `{kind}`: there are {}", kinds.join(", ")))
            }
            _ => Err("write one of `expect`, `dropped: true` and `refused: KIND`".to_owned()),
        }
    }
}

/// The lines of an input: a text is one as it stands, an object is one as JSON, a list is several.
fn lines(input: &Value) -> Vec<String> {
    let line = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match input {
        Value::Array(inputs) => inputs.iter().map(line).collect(),
        other => vec![line(other)],
    }
}
