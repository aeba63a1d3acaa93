//! The questions that clients put before they send, and the set-up that they do: answered so that they start.
//!
//! Templates, policies and ingest pipelines are acknowledged and not kept: the platform's own schema, retention and
//! pipeline are in their place. What would read logs is refused, with the place where they are read.

use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::error::Error;
use super::{Reply, VERSION};
use crate::http::answer;
use crate::http::route::Door;

/// A name where Elasticsearch has one of its own making.
const NAME: &str = "millrace";
/// An id where Elasticsearch has a random one.
const UUID: &str = "bWlsbHJhY2UtaHR0cC1kb29y";
/// Longest path that is told back, in bytes.
const PATH_BYTES_MAX: usize = 256;

/// What ingest pipelines are made of in Elasticsearch. Modules of Filebeat look for what theirs needs before they set it
/// up, and send nothing without it.
const PROCESSORS: [&str; 38] = [
    "append",
    "bytes",
    "circle",
    "community_id",
    "convert",
    "csv",
    "date",
    "date_index_name",
    "dissect",
    "dot_expander",
    "drop",
    "enrich",
    "fail",
    "fingerprint",
    "foreach",
    "geoip",
    "grok",
    "gsub",
    "html_strip",
    "join",
    "json",
    "kv",
    "lowercase",
    "network_direction",
    "pipeline",
    "registered_domain",
    "remove",
    "rename",
    "reroute",
    "script",
    "set",
    "sort",
    "split",
    "trim",
    "uppercase",
    "uri_parts",
    "urldecode",
    "user_agent",
];

/// Who is there.
pub(super) fn root() -> Reply {
    let body = json!({
        "name": NAME,
        "cluster_name": NAME,
        "cluster_uuid": UUID,
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "docker",
            "build_hash": "0000000000000000000000000000000000000000",
            "build_date": "2025-01-01T00:00:00.000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "Millrace's HTTP door for logs: POST /v1/logs or /_bulk",
    });
    super::json(StatusCode::OK, &body)
}

/// Answers what is neither that nor `_bulk`, by the parts of its path.
pub(super) fn answer(door: &Door, parts: &[String], request: &Request<Incoming>) -> Reply {
    let names: Vec<&str> = parts.iter().map(String::as_str).collect();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let body = match (names[..].first().copied().unwrap_or_default(), is_read) {
        ("_license", true) => json!({ "license": license() }),
        ("_xpack", true) => xpack(),
        ("_cluster", true) => return cluster(door, &names),
        ("_nodes", true) => nodes(request),
        ("_cat", true) if wants_json(request) => json!([]),
        ("_cat", true) => return answer::text(StatusCode::OK, ""),
        ("_ilm", true) if names.get(1) == Some(&"status") => json!({ "operation_mode": "RUNNING" }),
        _ if is_for_finding(&names, request.method()) => json!({ "_shards": super::shards() }),
        (kind, _) if KEPT_BY_US.contains(&kind) => {
            return set_up(kind, &names, request.method());
        }
        (index, true) if names.len() == 1 && !index.starts_with('_') => {
            let reason = format!("no such index [{}]: none is kept here", told_back(&names));
            return Error::new(StatusCode::NOT_FOUND, "index_not_found_exception", reason).reply();
        }
        _ => return refused(&names).reply(),
    };
    super::json(StatusCode::OK, &body)
}

/// Whether a list is asked for as JSON and not as a table.
fn wants_json(request: &Request<Incoming>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| pair == "format=json")
}

/// What shippers set up, and the platform has its own of.
const KEPT_BY_US: [&str; 8] = [
    "_alias",
    "_component_template",
    "_data_stream",
    "_ilm",
    "_index_template",
    "_ingest",
    "_slm",
    "_template",
];

/// Whether a client wants what it has written to be found (`_refresh`) or kept (`_flush`), of all indices or of some.
/// What was taken is kept; it is found when it has come through the pipeline, and nobody waits for that.
fn is_for_finding(names: &[&str], method: &Method) -> bool {
    matches!(*method, Method::GET | Method::POST)
        && matches!(*names, ["_refresh" | "_flush"] | [_, "_refresh" | "_flush"])
}

fn set_up(kind: &str, names: &[&str], method: &Method) -> Reply {
    let has_name = names.len() > 1 + usize::from(matches!(kind, "_ilm" | "_ingest" | "_slm"));
    match *method {
        Method::GET | Method::HEAD if has_name => {
            let reason = format!("{} is not kept here: the platform has its own", told_back(names));
            Error::new(StatusCode::NOT_FOUND, "resource_not_found_exception", reason).reply()
        }
        Method::GET | Method::HEAD => {
            let list = match kind {
                "_index_template" => json!({ "index_templates": [] }),
                "_component_template" => json!({ "component_templates": [] }),
                "_data_stream" => json!({ "data_streams": [] }),
                _ => json!({}),
            };
            super::json(StatusCode::OK, &list)
        }
        _ => {
            note_set_up(names);
            super::json(StatusCode::OK, &json!({ "acknowledged": true }))
        }
    }
}

/// Says in the log what is acknowledged and not kept.
pub(super) fn note_set_up(names: &[&str]) {
    tracing::debug!(
        what = told_back(names),
        "a client of Elasticsearch sets up what the platform has its own of: not kept"
    );
}

/// The path as it is told back: its beginning, if it is longer than any that is asked for.
fn told_back(names: &[&str]) -> String {
    let mut path = names.join("/");
    path.truncate(path.floor_char_boundary(PATH_BYTES_MAX));
    path
}

fn refused(names: &[&str]) -> Error {
    let path = if names.is_empty() { "/".to_owned() } else { told_back(names) };
    let reason = format!(
        "`{path}` is not answered by this door: it takes logs at _bulk and _doc; search them in Millrace's pages and API"
    );
    Error::malformed(reason)
}

fn license() -> Value {
    json!({
        "status": "active",
        "uid": "00000000-0000-0000-0000-000000000000",
        "type": "basic",
        "mode": "basic",
        "issue_date": "2025-01-01T00:00:00.000Z",
        "issue_date_in_millis": 1_735_689_600_000_u64,
        "max_nodes": 1_000,
        "issued_to": NAME,
        "issuer": NAME,
        "start_date_in_millis": -1,
    })
}

fn xpack() -> Value {
    let absent = json!({ "available": false, "enabled": false });
    json!({
        "build": { "hash": "0", "date": "2025-01-01T00:00:00.000Z" },
        "license": license(),
        "features": {
            // What is told to set up policies starts only where there are some: they are acknowledged.
            "ilm": { "available": true, "enabled": true },
            "ml": absent,
            "monitoring": absent,
            "security": absent,
            "watcher": absent,
        },
        "tagline": "",
    })
}

fn cluster(door: &Door, names: &[&str]) -> Reply {
    let body = match names.get(1) {
        Some(&"health") => json!({
            "cluster_name": NAME,
            "status": if door.intake.is_failed() { "red" } else { "green" },
            "timed_out": false,
            "number_of_nodes": 1,
            "number_of_data_nodes": 1,
            "active_primary_shards": 1,
            "active_shards": 1,
            "relocating_shards": 0,
            "initializing_shards": 0,
            "unassigned_shards": 0,
            "delayed_unassigned_shards": 0,
            "number_of_pending_tasks": 0,
            "number_of_in_flight_fetch": 0,
            "task_max_waiting_in_queue_millis": 0,
            "active_shards_percent_as_number": 100.0,
        }),
        Some(&"settings") => json!({ "persistent": {}, "transient": {}, "defaults": {} }),
        _ => return refused(names).reply(),
    };
    super::json(StatusCode::OK, &body)
}

/// One node, which is reached as the client has reached it.
fn nodes(request: &Request<Incoming>) -> Value {
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let address = request.uri().authority().map(|host| host.as_str()).or(named);
    let processors: Vec<Value> = PROCESSORS.iter().map(|name| json!({ "type": name })).collect();
    json!({
        "_nodes": { "total": 1, "successful": 1, "failed": 0 },
        "cluster_name": NAME,
        "nodes": {
            UUID: {
                "name": NAME,
                "version": VERSION,
                "roles": ["data", "ingest"],
                "http": { "publish_address": address },
                "ingest": { "processors": processors },
            },
        },
    })
}
