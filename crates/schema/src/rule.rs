//! Rules: what is done with a value under a name of the log. Compiled once from the schema files.

use crate::conversion::Conversion;
use crate::document::Place;
use crate::key_table::KeyTable;

/// Rank of a name that is a document's own: `client.ip`. It yields to every name of the log.
pub const RANK_OF_DOCUMENT_NAMES: u8 = u8::MAX;

/// Names a rule of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleId(pub(crate) u16);

/// What is done with a value under a name.
#[derive(Debug)]
pub struct Rule {
    /// The name in the log, dotted; aliases are other names of the same rule.
    pub name: Box<str>,
    /// What is done.
    pub action: Action,
}

/// What is done with a value.
#[derive(Debug)]
pub enum Action {
    /// It is converted and put into a field.
    Value(Conversion),
    /// It is an object whose values have rules of their own.
    Object(Table),
    /// It is an array of objects; their values go to fields below this one.
    Nested(Place, Table),
    /// It is the event's time.
    Timestamp,
    /// It names the log type.
    LogType,
    /// It is the first line of an HTTP request.
    RequestLine,
}

impl Action {
    /// Whether the action takes objects or arrays, not single values.
    #[must_use]
    pub fn takes_containers(&self) -> bool {
        match self {
            Self::Value(conversion) => conversion.many,
            Self::Object(_) | Self::Nested(..) => true,
            Self::Timestamp | Self::LogType | Self::RequestLine => false,
        }
    }
}

/// What a name means at one place of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The rule of the name.
    pub rule: Option<RuleId>,
    /// 0 for the name itself, then its aliases in order of preference.
    pub rank: u8,
    /// The document's own object of this name: `http` of `http.request.method`.
    pub object: Option<Place>,
}

/// What the names at one place of the log mean.
pub type Table = KeyTable<Meaning>;
