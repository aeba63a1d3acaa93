//! An index that a client makes before it writes: acknowledged and not kept, since where an event is kept is told by
//! the event alone.
//!
//! Source: the Create index API of Elasticsearch 8. Looks into the body only to tell it from a document that was sent
//! to a path which means nothing here: that is never acknowledged.

use std::fmt;

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::json;

use super::Reply;
use super::action::check_names;
use super::document::{read_whole, turn_away};
use super::error::Error;
use super::setup::note_set_up;
use crate::http::body::BodyReader;
use crate::http::json_error::told;
use crate::http::request::open;
use crate::http::route::{Door, Sender};

/// What the body of a new index is: an object of these and of nothing else.
struct Description;

/// What a new index can be told.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Member {
    Settings,
    Mappings,
    Aliases,
}

/// Answers a request that makes an index.
pub(super) async fn answer(
    door: &Door,
    sender: Sender,
    name: &str,
    request: Request<Incoming>,
) -> Reply {
    let (_plan, mut body) = match open(door, &sender, request).await {
        Ok(opened) => opened,
        Err(problem) => return Error::from(&problem).reply(),
    };
    match check(door, name, &mut body).await {
        Ok(()) => {
            note_set_up(&[name]);
            let made = json!({ "acknowledged": true, "shards_acknowledged": true, "index": name });
            super::json(StatusCode::OK, &made)
        }
        Err(error) => turn_away(door, &error, &mut body).await,
    }
}

/// Whether a name and a body make an index; without a body nothing but the name does.
async fn check(door: &Door, name: &str, body: &mut BodyReader<'_>) -> Result<(), Error> {
    check_names(Some(name), None).map_err(Error::malformed)?;
    let whole = read_whole(door, body).await?;
    if whole.fault.is_some() {
        let reason = "the settings and mappings of an index are longer than a line may be";
        let kind = "content_too_long_exception";
        return Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, kind, reason));
    }
    if whole.payload.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<Description>(&whole.payload) {
        Ok(Description) => Ok(()),
        Err(error) => {
            // It may quote what the body holds.
            let error = door.intake.masking().text(told(&error));
            let reason = format!(
                "this makes no index, and a document is sent to `_doc`, `_bulk` or POST /v1/logs: {error}"
            );
            Err(Error::new(StatusCode::BAD_REQUEST, "parse_exception", reason))
        }
    }
}

impl<'de> Deserialize<'de> for Description {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Description {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of `settings`, `mappings` and `aliases`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_key::<Member>()?.is_some() {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Description;

    #[test]
    fn only_what_makes_an_index_is_taken_for_it() {
        let is_taken = |body: &str| serde_json::from_str::<Description>(body).is_ok();
        assert!(is_taken("{}"));
        assert!(is_taken(r#"{"mappings":{"properties":{}},"settings":{},"aliases":{"a":{}}}"#));
        for body in [
            r#"{"message":"a log line"}"#,
            r#"{"settings":{},"message":"a log line"}"#,
            "[]",
            "{} {}",
            r#""settings""#,
            "x",
        ] {
            assert!(!is_taken(body), "{body}");
        }
    }
}
