//! Templates and policies: what is put, what is left, and what stops.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::matchers::path_regex;
use wiremock::{Mock, Request, ResponseTemplate};

use super::{Played, quick};
use crate::elasticsearch::ElasticsearchConfig;
use crate::{SearchStore, StoreErrorKind};

/// What the engine keeps, by path, and how often something was put.
#[derive(Default)]
struct Kept {
    bodies: BTreeMap<String, Value>,
    puts: usize,
}

/// An engine that keeps templates and policies.
async fn keeping() -> (Played, Arc<Mutex<Kept>>) {
    let engine = Played::start().await;
    let kept = Arc::new(Mutex::new(Kept::default()));
    let shared = Arc::clone(&kept);
    let answer = move |request: &Request| {
        let path = request.url.path().to_owned();
        let mut kept = shared.lock().expect("nobody panics with it");
        if request.method == "PUT" {
            let body = serde_json::from_slice(&request.body).expect("JSON");
            kept.puts += 1;
            kept.bodies.insert(path, body);
            return ResponseTemplate::new(200).set_body_string("{}");
        }
        let Some(body) = kept.bodies.get(&path) else { return ResponseTemplate::new(404) };
        let answer = if path.contains("_ism") {
            json!({"_seq_no": 5, "_primary_term": 1, "policy": body["policy"]})
        } else {
            json!({"index_templates": [{"name": "x", "index_template": body}]})
        };
        ResponseTemplate::new(200).set_body_json(answer)
    };
    Mock::given(path_regex("^/(_index_template|_plugins/_ism/policies)/"))
        .respond_with(answer)
        .mount(&engine.server)
        .await;
    (engine, kept)
}

#[tokio::test]
async fn templates_are_put_once_and_again_when_settings_change() {
    let (engine, kept) = keeping().await;
    let puts = || kept.lock().expect("what is kept").puts;
    engine.store(quick()).ensure_templates().await.expect("templates");
    let first = puts();
    assert_eq!(first, schema::LOG_TYPES.len() + 1, "a policy, too");
    engine.store(quick()).ensure_templates().await.expect("templates");
    assert_eq!(puts(), first, "nothing has changed");
    let more = ElasticsearchConfig { replicas: 2, ..quick() };
    engine.store(more).ensure_templates().await.expect("templates");
    assert_eq!(puts(), first + schema::LOG_TYPES.len());
    let longer = ElasticsearchConfig {
        replicas: 2,
        delete_after: service::Span::from_secs(400 * 86_400),
        ..quick()
    };
    engine.store(longer).ensure_templates().await.expect("templates");
    assert_eq!(puts(), first + schema::LOG_TYPES.len() + 1);
    let requests = engine.server.received_requests().await.expect("requests");
    let last = requests.iter().rfind(|one| one.method == "PUT").expect("a policy");
    assert_eq!(last.url.query(), Some("if_seq_no=5&if_primary_term=1"));
}

#[tokio::test]
async fn a_later_one_and_one_changed_by_hand_stay() {
    let (engine, kept) = keeping().await;
    let store = engine.store(quick());
    store.ensure_templates().await.expect("templates");
    let path = "/_index_template/ecommerce-logs-error";
    let change = |place: &str, value: Value| {
        let mut kept = kept.lock().expect("what is kept");
        let body = kept.bodies.get_mut(path).expect("a template");
        *body.pointer_mut(place).expect("a place") = value;
        kept.puts = 0;
    };
    change("/priority", json!(7));
    store.ensure_templates().await.expect("changed by hand");
    change("/_meta/millrace", json!({"version": 99, "fingerprint": "x"}));
    store.ensure_templates().await.expect("a later one");
    assert_eq!(kept.lock().expect("what is kept").puts, 0);
    change("/_meta/millrace/version", json!(0));
    store.ensure_templates().await.expect("an earlier one");
    assert_eq!(kept.lock().expect("what is kept").puts, 1);
    change("/_meta", json!({"description": "mine"}));
    let error = store.ensure_templates().await.expect_err("a stranger's");
    assert_eq!(error.kind(), StoreErrorKind::Fatal);
    assert!(error.to_string().contains("index_namespace"), "{error}");
}

#[tokio::test]
async fn a_template_that_the_engine_refuses_stops() {
    let engine = Played::start().await;
    let no = ResponseTemplate::new(400).set_body_string(
        r#"{"error":{"type":"mapper_parsing_exception","reason":"No handler for type [flat_object]"}}"#,
    );
    Mock::given(wiremock::matchers::method("PUT")).respond_with(no).mount(&engine.server).await;
    let error = engine.store(quick()).ensure_templates().await.expect_err("refused");
    assert_eq!(error.kind(), StoreErrorKind::Fatal);
    assert!(error.to_string().contains("flat_object"), "{error}");
}

#[tokio::test]
async fn a_policy_that_another_process_installs_at_the_same_time_is_for_later() {
    let engine = Played::start().await;
    let conflict = ResponseTemplate::new(409).set_body_string(
        r#"{"error":{"type":"version_conflict_engine_exception","reason":"document already exists"}}"#,
    );
    Mock::given(path_regex("^/_plugins/_ism/policies/"))
        .and(wiremock::matchers::method("PUT"))
        .respond_with(conflict)
        .up_to_n_times(1)
        .mount(&engine.server)
        .await;
    let store = engine.store(quick());
    let error = store.ensure_templates().await.expect_err("at the same time");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    store.ensure_templates().await.expect("templates");
}
