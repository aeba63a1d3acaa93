//! What clients and shippers that write to Elasticsearch ask for: `_bulk`, documents one by one, and the questions they
//! put before.
//!
//! Source: the REST API of Elasticsearch 8 ("Document APIs", "Index APIs", "Cluster APIs", "Index lifecycle management
//! API", "Index templates", "Ingest APIs"). Logs go in; nothing here reads, and no name that a sender says
//! becomes an index: where an event is kept is told by the event alone.

pub(crate) mod action;
mod bulk;
mod document;
mod error;
mod items;
mod new_index;
mod setup;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, HeaderValue, WARNING};
use hyper::{Method, Request};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::answer::{self, Reply};
use super::request::identify;
use super::route::{Door, Sender, drop_body};
use error::Error;

/// The version that clients are told: they ask it for what they may use.
const VERSION: &str = "8.19.0";
/// How a client knows that it speaks to what it was made for.
const PRODUCT: (&str, &str) = ("x-elastic-product", "Elasticsearch");
/// What is said of an ingest pipeline that somebody named.
const PIPELINE_WARNING: &str = "299 Millrace \"the ingest pipeline is ignored: every event goes through the \
                                platform's own pipeline\"";

/// What a request of Elasticsearch asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Who is there.
    Root,
    /// Documents, into this index where they say none.
    Bulk {
        /// The index of the path.
        index: Option<String>,
    },
    /// One document, which is the body.
    Document {
        /// Its index.
        index: String,
        /// Its id, where the path says one.
        id: Option<String>,
    },
    /// An index of this name, to be made.
    NewIndex(String),
    /// Something else, by the parts of its path.
    Other(Vec<String>),
}

impl Call {
    /// The call of a method and a path, if it is one of Elasticsearch.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let parts = parts_of(path);
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let document = |index: &str, id: Option<&str>| Self::Document {
            index: index.to_owned(),
            id: id.map(str::to_owned),
        };
        match names[..] {
            [] => Some(Self::Root),
            ["_bulk"] => Some(Self::Bulk { index: None }),
            // The second form has a type, as version 6 had.
            [index, "_bulk"] | [index, _, "_bulk"] => {
                Some(Self::Bulk { index: Some(index.to_owned()) })
            }
            [first, ..] if first.starts_with('_') => Some(Self::Other(parts)),
            [index, "_doc"] if is_written(method) => Some(document(index, None)),
            // Whether the id is a new one nobody looks: sent again it is the same event.
            [index, "_doc" | "_create", id] if is_written(method) => {
                Some(document(index, Some(id)))
            }
            [index] if *method == Method::PUT => Some(Self::NewIndex(index.to_owned())),
            // The first index of a lifecycle, as `<logs-{now/d}-000001>`.
            [index] if index.starts_with('<') => Some(Self::Other(parts)),
            [_, second, ..] if second.starts_with('_') => Some(Self::Other(parts)),
            _ => None,
        }
    }

    /// The call of a path that is none of those, where nobody but clients of Elasticsearch asks.
    pub(crate) fn unknown(path: &str) -> Self {
        Self::Other(parts_of(path))
    }
}

fn parts_of(path: &str) -> Vec<String> {
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    path.split('/').filter(|part| !part.is_empty()).map(decoded).collect()
}

/// Whether somebody asks who wants to read the answer. A client that takes JSON may take text too, as the official one
/// for JavaScript.
pub(crate) fn is_asked_by_a_person(request: &Request<Incoming>) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| {
        let is_text = accept.contains("text/html") || accept.contains("text/plain");
        is_text && !accept.contains("json")
    })
}

/// Answers a call. All of them ask for the token, where there is one, and what a set-up sends is read and
/// dropped.
pub(crate) async fn answer(
    door: &Door,
    sender: Sender,
    call: Call,
    mut request: Request<Incoming>,
) -> Reply {
    let call = match call {
        Call::Bulk { index } if is_written(request.method()) => {
            return signed(bulk::answer(door, sender, index, request).await);
        }
        Call::Document { index, id } => {
            let reply = document::answer(door, sender, &index, id.as_deref(), request).await;
            return signed(reply);
        }
        Call::NewIndex(name) => {
            return signed(new_index::answer(door, sender, &name, request).await);
        }
        other => other,
    };
    let identity = identify(door, &sender, request.headers()).await;
    let reply = match (identity, call) {
        (Err(problem), _) => Error::from(&problem).reply(),
        (Ok(_), Call::Root) => setup::root(),
        (Ok(_), Call::Other(parts)) => setup::answer(door, &parts, &request),
        (Ok(_), _) => Error::method("_bulk is sent with POST or PUT").reply(),
    };
    drop_body(door, &mut request).await;
    signed(reply)
}

fn is_written(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT)
}

/// Says in headers what an answer about documents has no other place for.
fn warn(reply: &mut Reply, is_pipeline_named: bool, durability_warning: Option<String>) {
    let headers = reply.headers_mut();
    if is_pipeline_named {
        headers.append(WARNING, HeaderValue::from_static(PIPELINE_WARNING));
    }
    if let Some(warning) = durability_warning {
        let warning = format!("299 Millrace \"{}\"", warning.replace(['"', '\\'], "'"));
        if let Ok(value) = HeaderValue::try_from(warning) {
            headers.append(WARNING, value);
        }
    }
}

/// The shards that did what was asked for, as Elasticsearch counts them.
fn shards() -> Value {
    json!({ "total": 1, "successful": 1, "failed": 0 })
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
    use hyper::Method;

    use super::Call;

    fn post(path: &str) -> Option<Call> {
        Call::of(&Method::POST, path)
    }

    #[test]
    fn paths_of_elasticsearch_are_told_from_others() {
        let bulk = |index: &str| Some(Call::Bulk { index: Some(index.to_owned()) });
        assert_eq!(post("/"), Some(Call::Root));
        assert_eq!(post("/_bulk"), Some(Call::Bulk { index: None }));
        assert_eq!(post("/_bulk/"), Some(Call::Bulk { index: None }));
        assert_eq!(post("/logs-%2Fx/_bulk"), bulk("logs-/x"));
        assert_eq!(post("/logs/_doc/_bulk"), bulk("logs"));
        let other = Call::Other(vec!["_ilm".into(), "policy".into(), "filebeat".into()]);
        assert_eq!(post("/_ilm/policy/filebeat"), Some(other));
        assert!(matches!(post("/logs/_search"), Some(Call::Other(_))));
        assert!(matches!(post("/logs/_refresh"), Some(Call::Other(_))));
        let first = Call::Other(vec!["<logs-{now/d}-000001>".into()]);
        assert_eq!(post("/%3Clogs-%7Bnow%2Fd%7D-000001%3E"), Some(first));
        assert_eq!(post("/v1/logs"), None);
        assert_eq!(post("/logs"), None);
    }

    #[test]
    fn documents_and_new_indices_are_told_by_their_method_too() {
        let document = |id: Option<&str>| {
            Some(Call::Document { index: "logs".to_owned(), id: id.map(str::to_owned) })
        };
        assert_eq!(post("/logs/_doc"), document(None));
        assert_eq!(post("/logs/_doc/order%2F7"), document(Some("order/7")));
        assert_eq!(Call::of(&Method::PUT, "/logs/_create/7"), document(Some("7")));
        assert!(matches!(Call::of(&Method::GET, "/logs/_doc/7"), Some(Call::Other(_))));
        assert!(matches!(Call::of(&Method::DELETE, "/logs/_doc/7"), Some(Call::Other(_))));
        assert!(matches!(post("/logs/_create"), Some(Call::Other(_))), "it needs an id");
        let index = |name: &str| Some(Call::NewIndex(name.to_owned()));
        assert_eq!(Call::of(&Method::PUT, "/logs"), index("logs"));
        let first = index("<logs-{now/d}-000001>");
        assert_eq!(Call::of(&Method::PUT, "/%3Clogs-%7Bnow%2Fd%7D-000001%3E"), first);
        assert_eq!(Call::of(&Method::HEAD, "/logs"), None);
        assert!(matches!(Call::of(&Method::PUT, "/_all"), Some(Call::Other(_))));
    }
}
