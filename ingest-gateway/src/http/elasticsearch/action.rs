//! The action line of a bulk body: what is to be done with the document behind it.
//!
//! Reads the members that have a meaning here; the others are of no use to a door and are passed over.

use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::http::json_error::told;

/// Longest id, in bytes, as Elasticsearch has it.
const ID_BYTES_MAX: usize = 512;
/// Longest name of an index, in bytes, as Elasticsearch has it.
const INDEX_BYTES_MAX: usize = 255;

/// What an action asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    /// Keeps the document.
    Index,
    /// Keeps the document, if it is new.
    Create,
    /// Changes a document.
    Update,
    /// Removes a document; the only one without a line behind it.
    Delete,
}

impl Verb {
    /// The word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Whether a line with a document follows.
    pub(super) fn has_source(self) -> bool {
        self != Self::Delete
    }

    /// Why it cannot be done, if it cannot.
    pub(super) fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Index | Self::Create => None,
            Self::Update => Some("logs are added and never changed: `update` is not taken"),
            Self::Delete => Some("logs are added and never removed: `delete` is not taken"),
        }
    }
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    pub(crate) verb: Verb,
    pub(crate) index: Option<String>,
    pub(crate) id: Option<String>,
    /// Whether it names an ingest pipeline.
    pub(super) has_pipeline: bool,
}

#[derive(Default, Deserialize)]
struct Members {
    #[serde(rename = "_index")]
    index: Option<String>,
    #[serde(rename = "_id", default, deserialize_with = "text_or_number")]
    id: Option<String>,
    pipeline: Option<String>,
}

impl Action {
    /// Reads an action line.
    ///
    /// # Errors
    /// What is wrong with it, in words. Nothing behind it can be told apart then.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        let action: Self = serde_json::from_slice(line).map_err(|error| told(&error))?;
        check_names(action.index.as_deref(), action.id.as_deref())?;
        Ok(action)
    }
}

/// Whether an index and an id are as long as Elasticsearch lets them be.
///
/// # Errors
/// Which is not, in words.
pub(super) fn check_names(index: Option<&str>, id: Option<&str>) -> Result<(), String> {
    if index.is_some_and(|index| index.len() > INDEX_BYTES_MAX) {
        return Err(format!("the name of the index is longer than {INDEX_BYTES_MAX} bytes"));
    }
    if id.is_some_and(|id| id.is_empty() || id.len() > ID_BYTES_MAX) {
        return Err(format!("the id is not of 1 to {ID_BYTES_MAX} bytes"));
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneAction)
    }
}

/// An object with one member, whose name is the verb.
struct OneAction;

impl<'de> Visitor<'de> for OneAction {
    type Value = Action;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one of `index`, `create`, `update`, `delete`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Action, A::Error> {
        let verb: Verb = map.next_key()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let members: Option<Members> = map.next_value()?;
        if map.next_key::<IgnoredAny>()?.is_some() {
            return Err(de::Error::invalid_length(2, &self));
        }
        let Members { index, id, pipeline } = members.unwrap_or_default();
        let has_pipeline = pipeline.is_some_and(|name| name != "_none");
        Ok(Action { verb, index, id, has_pipeline })
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(serde_json::Number),
    }
    let id: Option<Id> = Option::deserialize(deserializer)?;
    Ok(id.map(|id| match id {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Action, Verb};

    #[test]
    fn actions_as_clients_write_them() {
        let line =
            br#"{"create":{"_index":"logs","_id":7,"pipeline":"geo","require_alias":false}}"#;
        let action = Action::parse(line).unwrap();
        assert_eq!((action.verb, action.has_pipeline), (Verb::Create, true));
        assert_eq!(action.index.as_deref(), Some("logs"));
        assert_eq!(action.id.as_deref(), Some("7"));
        let empty = Action::parse(b"{\"index\":{}}\r").unwrap();
        assert_eq!((empty.verb, empty.index, empty.id), (Verb::Index, None, None));
        assert_eq!(
            Action::parse(br#"{"delete":{"_id":"x","pipeline":"_none"}}"#).unwrap().verb,
            Verb::Delete
        );
    }

    #[test]
    fn what_is_no_action_is_told() {
        for line in [
            "",
            "[]",
            "{}",
            "{\"message\":\"a log line\"}",
            "{\"index\":{}} x",
            "{\"index\":{},\"create\":{}}",
            "{\"index\":{\"_id\":{}}}",
            "{\"index\":{\"_id\":\"\"}}",
            "{\"index\":\"logs\"}",
        ] {
            Action::parse(line.as_bytes()).unwrap_err();
        }
        let long = format!("{{\"index\":{{\"_id\":\"{}\"}}}}", "x".repeat(513));
        assert!(Action::parse(long.as_bytes()).unwrap_err().contains("512"));
        let text = "x".repeat(100_000);
        for long in [format!("{{\"{text}\":{{}}}}"), format!("{{\"index\":\"{text}\"}}")] {
            let told = Action::parse(long.as_bytes()).unwrap_err();
            assert!(told.len() < 600, "{} bytes", told.len());
        }
    }
}
