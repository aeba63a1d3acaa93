//! What clients and shippers that write to Elasticsearch ask for: `_bulk`, and the questions they put before.
//!
//! Source: the REST API of Elasticsearch 8 ("Bulk API", "Cluster APIs", "Index lifecycle management API",
//! "Index templates", "Ingest APIs"). Logs go in; nothing here reads, and no name that a sender says
//! becomes an index: where an event is kept is told by the event alone.

pub(crate) mod action;
mod bulk;
mod error;
mod items;
mod setup;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, HeaderValue};
use hyper::{Method, Request};
use percent_encoding::percent_decode_str;

use super::answer::{self, Reply};
use super::request::identify;
use super::route::{Door, Sender, drop_body};
use error::Error;

/// The version that clients are told: they ask it for what they may use.
const VERSION: &str = "8.19.0";
/// How a client knows that it speaks to what it was made for.
const PRODUCT: (&str, &str) = ("x-elastic-product", "Elasticsearch");

/// What a path of Elasticsearch asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Who is there.
    Root,
    /// Documents, into this index where they say none.
    Bulk {
        /// The index of the path.
        index: Option<String>,
    },
    /// Something else, by the parts of its path.
    Other(Vec<String>),
}

impl Call {
    /// The call of a path, if it is one of Elasticsearch.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let parts: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        match names[..] {
            [] => Some(Self::Root),
            ["_bulk"] => Some(Self::Bulk { index: None }),
            // The second form has a type, as version 6 had.
            [index, "_bulk"] | [index, _, "_bulk"] => {
                Some(Self::Bulk { index: Some(index.to_owned()) })
            }
            [first, ..] if first.starts_with('_') => Some(Self::Other(parts)),
            [_, second, ..] if second.starts_with('_') => Some(Self::Other(parts)),
            _ => None,
        }
    }
}

/// Whether somebody asks who wants to read the answer.
pub(crate) fn is_asked_by_a_person(request: &Request<Incoming>) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html") || accept.contains("text/plain"))
}

/// Answers a call. All of them ask for the token, where there is one, and what a set-up sends is read and
/// dropped.
pub(crate) async fn answer(
    door: &Door,
    sender: Sender,
    call: Call,
    mut request: Request<Incoming>,
) -> Reply {
    let is_written = matches!(*request.method(), Method::POST | Method::PUT);
    let call = match call {
        Call::Bulk { index } if is_written => {
            return signed(bulk::answer(door, sender, index, request).await);
        }
        other => other,
    };
    let identity = identify(door, &sender, request.headers()).await;
    let reply = match (identity, call) {
        (Err(problem), _) => Error::from(&problem).reply(),
        (Ok(_), Call::Bulk { .. }) => Error::method("_bulk is sent with POST or PUT").reply(),
        (Ok(_), Call::Root) => setup::root(),
        (Ok(_), Call::Other(parts)) => setup::answer(door, &parts, &request),
    };
    drop_body(door, &mut request).await;
    signed(reply)
}

/// Adds the header without which official clients take nothing.
fn signed(mut reply: Reply) -> Reply {
    let (name, value) = PRODUCT;
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
    reply
}

/// An answer in JSON.
fn json(status: hyper::StatusCode, body: &impl serde::Serialize) -> Reply {
    answer::json(status, "application/json", body)
}

#[cfg(test)]
mod tests {
    use super::Call;

    #[test]
    fn paths_of_elasticsearch_are_told_from_others() {
        let bulk = |index: &str| Some(Call::Bulk { index: Some(index.to_owned()) });
        assert_eq!(Call::of("/"), Some(Call::Root));
        assert_eq!(Call::of("/_bulk"), Some(Call::Bulk { index: None }));
        assert_eq!(Call::of("/_bulk/"), Some(Call::Bulk { index: None }));
        assert_eq!(Call::of("/logs-%2Fx/_bulk"), bulk("logs-/x"));
        assert_eq!(Call::of("/logs/_doc/_bulk"), bulk("logs"));
        let other = Call::Other(vec!["_ilm".into(), "policy".into(), "filebeat".into()]);
        assert_eq!(Call::of("/_ilm/policy/filebeat"), Some(other));
        assert!(matches!(Call::of("/logs/_search"), Some(Call::Other(_))));
        assert_eq!(Call::of("/v1/logs"), None);
        assert_eq!(Call::of("/logs"), None);
    }
}
