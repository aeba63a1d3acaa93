//! Installs the templates and the lifecycle policy, and compares what stands there already: ours is put in
//! place of an earlier one, a later one stays, and what somebody else wrote is never replaced.

use bytes::Bytes;
use reqwest::Method;
use schema::{Product, TEMPLATE_VERSION, TemplateOptions};
use serde_json::Value;

use super::client::{Answer, Body};
use super::config::EngineParts;
use super::failure::{EngineError, RETRY_SOON, refused, unanswered};
use super::shared::Shared;
use crate::StoreError;

/// Installs what is missing or old. Says how many templates and policies were, or are not as this Millrace
/// would write them.
///
/// # Errors
/// The engine does not answer or refuses, or another's template has our name.
pub(crate) async fn ensure(shared: &Shared) -> Result<usize, StoreError> {
    let mut changed = 0;
    let product = shared.product().await?;
    let config = &shared.config;
    let options = TemplateOptions {
        product,
        namespace: config.index_namespace.clone(),
        shards: config.shards,
        replicas: config.replicas,
        refresh_interval: config.refresh_interval.0,
        policies: config.policies,
        compact_after: config.compact_after.0,
        delete_after: config.delete_after.0,
        minimal_engine: config.engine_parts == EngineParts::Minimal,
        named: config.named_indices.clone(),
    };
    if config.policies && ensure_policy(shared, &options).await? {
        changed += 1;
    }
    let templates = options.index_templates(&shared.all_fields);
    changed += remove_left(shared, &options.named_template_beginning(), &templates).await?;
    for (name, body) in templates {
        let path = format!("_index_template/{name}");
        let known = get(shared, &path).await?;
        let known = known.map(|found| found["index_templates"][0]["index_template"].clone());
        let seal = known.as_ref().map(Seal::of_template);
        let kind = format!("index template {name}");
        if must_put(&kind, seal, &Seal::of_template(&body))? {
            put(shared, &path, &body).await?;
            tracing::info!(name, version = TEMPLATE_VERSION, "index template installed");
            changed += 1;
        } else if known.is_some_and(|known| !holds(&known, &body)) {
            tracing::warn!(name, "the index template is not as this Millrace would write it");
            changed += 1;
        }
    }
    Ok(changed)
}

/// Removes the templates that this installation has put when its settings were others, all of whose names begin so.
/// Says how many there were.
async fn remove_left(
    shared: &Shared,
    beginning: &str,
    templates: &[(String, Value)],
) -> Result<usize, StoreError> {
    let found = get(shared, &format!("_index_template/{beginning}*")).await?.unwrap_or_default();
    let is_wanted = |name: &str| templates.iter().any(|(wanted, _)| wanted == name);
    let mut removed = 0;
    for one in found["index_templates"].as_array().into_iter().flatten() {
        let is_ours = Seal::of_template(&one["index_template"]).version.is_some();
        let name = one["name"].as_str().filter(|name| name.starts_with(beginning));
        let Some(name) = name.filter(|name| is_ours && !is_wanted(name)) else { continue };
        let path = format!("_index_template/{name}");
        let answer = ask(shared, Method::DELETE, &path, Body::None).await?;
        if !answer.status.is_success() && answer.status.as_u16() != 404 {
            return Err(refused(&answer, &shared.client.shown()));
        }
        tracing::info!(name, "index template removed: the settings name no such indices any more");
        removed += 1;
    }
    Ok(removed)
}

async fn ensure_policy(shared: &Shared, options: &TemplateOptions) -> Result<bool, StoreError> {
    let (name, body) = (options.policy_name(), options.policy());
    let is_open = options.product == Product::OpenSearch;
    let path = if is_open {
        format!("_plugins/_ism/policies/{name}")
    } else {
        format!("_ilm/policy/{name}")
    };
    let found = get(shared, &path).await?;
    let known = found.as_ref().map(|found| if is_open { found } else { &found[&name] });
    let seal_of = |value: &Value| {
        if is_open { Seal::of_description(value) } else { Seal::of_policy(value) }
    };
    let kind = format!("lifecycle policy {name}");
    // What the engine adds to a policy by itself is its own matter: only the seals are compared.
    if !must_put(&kind, known.map(seal_of), &seal_of(&body))? {
        return Ok(false);
    }
    let path = match found.as_ref().filter(|_| is_open) {
        // A policy of OpenSearch is only replaced by whoever knows its present place.
        Some(found) => {
            let (place, term) = (&found["_seq_no"], &found["_primary_term"]);
            format!("{path}?if_seq_no={place}&if_primary_term={term}")
        }
        None => path,
    };
    put(shared, &path, &body).await?;
    tracing::info!(name, version = TEMPLATE_VERSION, "lifecycle policy installed");
    Ok(true)
}

/// Who wrote a template or policy, and with which settings.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seal {
    version: Option<u64>,
    fingerprint: String,
}

impl Seal {
    fn of_template(value: &Value) -> Self {
        Self::of(&value["_meta"]["millrace"])
    }

    fn of_policy(value: &Value) -> Self {
        Self::of(&value["policy"]["_meta"]["millrace"])
    }

    fn of(seal: &Value) -> Self {
        let fingerprint = seal["fingerprint"].as_str().unwrap_or_default().to_owned();
        Self { version: seal["version"].as_u64(), fingerprint }
    }

    /// Of `… (version 1, 0123456789abcdef)`.
    fn of_description(value: &Value) -> Self {
        let text = value["policy"]["description"].as_str().unwrap_or_default();
        let inner = text.strip_prefix("Millrace: ").and_then(|text| text.split_once("(version "));
        let inner = inner.and_then(|(_, rest)| rest.strip_suffix(')')?.split_once(", "));
        let (version, fingerprint) = inner.unwrap_or_default();
        Self { version: version.parse().ok(), fingerprint: fingerprint.to_owned() }
    }
}

/// Whether ours is to be put in the place of what is known.
fn must_put(kind: &str, known: Option<Seal>, ours: &Seal) -> Result<bool, StoreError> {
    let Some(known) = known else { return Ok(true) };
    let Some(version) = known.version else {
        return Err(StoreError::Fatal(format!(
            "the {kind} stands in the search engine already and is not Millrace's: remove it, or set \
             search.elasticsearch.index_namespace"
        )));
    };
    if version > TEMPLATE_VERSION {
        tracing::warn!(
            kind,
            version,
            ours = TEMPLATE_VERSION,
            "a later Millrace's stands there and stays"
        );
        return Ok(false);
    }
    Ok(version < TEMPLATE_VERSION || known.fingerprint != ours.fingerprint)
}

/// Whether all of `ours` stands in `known`. Engines write settings as texts, and add some.
fn holds(known: &Value, ours: &Value) -> bool {
    match (known, ours) {
        (Value::Object(known), Value::Object(ours)) => ours.iter().all(|(name, value)| {
            known.get(name).is_some_and(|known| holds(known, value)) || is_empty(value)
        }),
        (Value::Array(known), Value::Array(ours)) => {
            known.len() == ours.len() && known.iter().zip(ours).all(|(a, b)| holds(a, b))
        }
        (known, ours) => text(known) == text(ours),
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What stands at a path, if anything does.
pub(super) async fn get(shared: &Shared, path: &str) -> Result<Option<Value>, StoreError> {
    let answer = ask(shared, Method::GET, path, Body::None).await?;
    match answer.status.as_u16() {
        404 => Ok(None),
        200 => serde_json::from_slice(&answer.body).map(Some).map_err(|error| {
            StoreError::Unavailable {
                after: RETRY_SOON,
                reason: format!("the search engine's answer cannot be read: {error}"),
            }
        }),
        _ => Err(refused(&answer, &shared.client.shown())),
    }
}

async fn put(shared: &Shared, path: &str, body: &Value) -> Result<(), StoreError> {
    let answer = ask(shared, Method::PUT, path, Body::Json(Bytes::from(body.to_string()))).await?;
    if answer.status.is_success() {
        return Ok(());
    }
    if answer.status.as_u16() == 409 {
        // Another process installs at the same time: the next look finds what it has put.
        let told = EngineError::of(&answer.body).told();
        let reason = format!("{path} is installed by another process just now: {told}");
        return Err(StoreError::Unavailable { after: RETRY_SOON, reason });
    }
    // What the engine does not understand is not the fault of any request.
    Err(match refused(&answer, &shared.client.shown()) {
        // Two templates for the same names are refused where neither comes before the other.
        StoreError::Invalid(reason) if reason.contains("same priority") => {
            StoreError::Fatal(format!(
                "{path}: {reason}; another template is for these names: remove it or give it another priority, or take \
                 other names in search.index_prefixes, which no other installation in this cluster has"
            ))
        }
        StoreError::Invalid(reason) => StoreError::Fatal(format!("{path}: {reason}")),
        other => other,
    })
}

pub(super) async fn ask(
    shared: &Shared,
    method: Method,
    path: &str,
    body: Body,
) -> Result<Answer, StoreError> {
    let time = shared.config.read_time_max.0;
    let asked = shared.client.ask(method, path, body, time).await;
    asked.map_err(|failure| unanswered(&failure, &shared.client.shown()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Seal, holds, must_put};

    fn seal(version: u64, fingerprint: &str) -> Seal {
        Seal { version: Some(version), fingerprint: fingerprint.to_owned() }
    }

    #[test]
    fn ours_replaces_an_earlier_one_and_never_a_strangers() {
        let ours = seal(schema::TEMPLATE_VERSION, "a");
        let decide = |known: Option<Seal>| must_put("x", known, &ours);
        assert!(decide(None).expect("missing"));
        assert!(decide(Some(seal(0, "a"))).expect("earlier"));
        assert!(decide(Some(seal(schema::TEMPLATE_VERSION, "b"))).expect("other settings"));
        assert!(!decide(Some(ours.clone())).expect("the same"));
        assert!(!decide(Some(seal(999, "b"))).expect("later"));
        let stranger = Seal { version: None, fingerprint: String::new() };
        assert!(decide(Some(stranger)).is_err());
    }

    #[test]
    fn what_an_engine_gives_back_is_compared_by_meaning() {
        let ours = json!({"a": {"b": 1, "c": true, "d": ["x"]}, "e": {}});
        assert!(holds(&json!({"a": {"b": "1", "c": "true", "d": ["x"], "f": 2}}), &ours));
        assert!(!holds(&json!({"a": {"b": "2", "c": "true", "d": ["x"]}}), &ours));
        assert!(!holds(&json!({"a": {"b": "1", "c": "true", "d": []}}), &ours));
    }

    #[test]
    fn a_seal_is_read_from_a_description() {
        let text = "Millrace: compacts and deletes old indices (version 1, 00ff)";
        let policy = json!({"policy": {"description": text}});
        assert_eq!(Seal::of_description(&policy), seal(1, "00ff"));
        for text in ["", "mine", "Millrace: x (version 1)", "Millrace: x (version y, z)"] {
            let policy = json!({"policy": {"description": text}});
            assert_eq!(Seal::of_description(&policy).version, None, "{text}");
        }
    }
}
