//! Indices that an installation names: how they are written, searched and set up, and what is done where somebody else's
//! have their names.

use query::Query;
use schema::NamedIndices;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, ResponseTemplate};

use super::{Played, operation, quick, statuses, words};
use crate::contract::everything;
use crate::elasticsearch::ElasticsearchConfig;
use crate::{IndexOperation, SearchRequest, SearchStore, StoreErrorKind, TimeRange};

const DAY_NS: i64 = 86_400_000_000_000;

/// Settings with indices whose names begin with `shop-`, and a namespace for our own.
fn named(day_separator: Option<char>) -> ElasticsearchConfig {
    ElasticsearchConfig {
        index_namespace: "north-".to_owned(),
        named_indices: vec![NamedIndices { prefix: "shop-".to_owned(), day_separator }],
        ..quick()
    }
}

fn of(index: &str, id: &str) -> IndexOperation {
    IndexOperation { index: index.into(), ..operation(0, id, "{}") }
}

/// One that was received on 2020-01-11.
fn late(index: &str, id: &str) -> IndexOperation {
    let received_at_ns = 1_577_836_800_000_000_000 + 10 * DAY_NS;
    IndexOperation { received_at_ns, ..of(index, id) }
}

impl Played {
    /// The indices of each bulk.
    fn indices(&self) -> Vec<Vec<String>> {
        let bulks = self.bulks.lock().expect("nobody panics with it");
        bulks.iter().map(|bulk| bulk.iter().map(|one| one.index.clone()).collect()).collect()
    }

    /// The index of this name is there, with these aliases.
    async fn has_index(&self, name: &str, aliases: Value) {
        let answer = json!({ name: { "aliases": aliases } });
        Mock::given(method("GET"))
            .and(path(format!("/{name}/_alias")))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .mount(&self.server)
            .await;
    }

    /// Indices whose names match this would be made with these aliases.
    async fn would_make(&self, names: &str, aliases: Value) {
        let made = json!({"template": {"settings": {}, "aliases": aliases}, "overlapping": []});
        Mock::given(method("POST"))
            .and(path_regex(format!("^/_index_template/_simulate_index/{names}$")))
            .respond_with(ResponseTemplate::new(200).set_body_json(made))
            .mount(&self.server)
            .await;
    }

    /// Each of these documents is looked for, and none is found.
    async fn has_no_documents(&self) {
        let none = |request: &wiremock::Request| {
            let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
            let docs = asked["docs"].as_array().expect("a list").iter();
            let docs: Vec<Value> =
                docs.map(|one| json!({"_id": one["_id"], "found": false})).collect();
            ResponseTemplate::new(200).set_body_json(json!({ "docs": docs }))
        };
        Mock::given(path("/_mget")).respond_with(none).mount(&self.server).await;
    }

    /// Paths that were asked for in this way.
    async fn asked(&self, way: &str) -> Vec<String> {
        let requests = self.server.received_requests().await.expect("requests");
        let asked = requests.iter().filter(|one| one.method.as_str() == way);
        asked.map(|one| one.url.path().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_name_stands_in_the_bulk_as_it_is_if_it_is_allowed() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |_| 201)).await;
    let store = engine.store(named(Some('.')));
    let bulk = vec![
        of("shop-2026.11.24", "a"),
        of("ecommerce-logs-error-2026.11.24", "b"),
        of("other-2026.11.24", "c"),
        of("shop-A", "d"),
        of("shop-../_all", "e"),
        of("shop-a,b", "f"),
        of("shop-\n", "g"),
        of("shop-ecommerce-logs-error-2026.11.24", "h"),
    ];
    let outcomes = store.bulk(bulk).await.expect("outcomes");
    let expected = ["done", "done"].into_iter().chain(["rejected"; 6]);
    assert_eq!(words(&outcomes), expected.collect::<Vec<_>>());
    assert_eq!(engine.indices(), [["shop-2026.11.24", "north-ecommerce-logs-error-2026.11.24"]]);
}

#[tokio::test]
async fn what_is_named_is_searched_by_the_alias_of_its_template() {
    let engine = Played::start().await;
    let hit = |index: &str| {
        let hidden = json!({"id": "a", "shop": "north", "timestamp": 1, "received": 1, "sent": 1});
        json!({"_index": index, "_id": "a", "_source": {"millrace": hidden}})
    };
    let hits = [hit("shop-2026.11.24"), hit("north-ecommerce-logs-error-2026.11.24")];
    let answer = json!({"timed_out": false, "hits": {"total": {"value": 2}, "hits": hits}});
    engine.on_search(ResponseTemplate::new(200).set_body_json(answer)).await;
    let store = engine.store(named(None));
    let page = store.search(&everything(), &SearchRequest::new(Query::All)).await.expect("a page");
    let indices: Vec<&str> = page.hits.iter().map(|hit| hit.index.as_str()).collect();
    assert_eq!(indices, ["shop-2026.11.24", "ecommerce-logs-error-2026.11.24"]);
    store.count(&everything(), &Query::All, TimeRange::default()).await.expect("a count");
    let searches = engine.asked("POST").await;
    assert_eq!(searches, ["/north-ecommerce-logs-*,north-millrace-documents/_search"; 2]);
    let requests = engine.server.received_requests().await.expect("requests");
    let search = requests.iter().find(|one| one.method == "POST").expect("a search");
    // Before the first document there is no such alias.
    assert!(search.url.query().is_some_and(|query| query.contains("ignore_unavailable=true")));
}

#[tokio::test]
async fn templates_of_what_is_named_are_put_and_old_ones_taken_away() {
    let engine = Played::start().await;
    engine.store(named(Some('.'))).ensure_templates().await.expect("templates");
    let puts = engine.asked("PUT").await;
    assert!(
        puts.contains(&"/_index_template/north-millrace-documents-shop-".to_owned()),
        "{puts:?}"
    );
    let requests = engine.server.received_requests().await.expect("requests");
    let policy = requests.iter().find(|one| one.url.path().contains("/policies/")).expect("a look");
    assert_eq!(policy.method, "GET");
    let policy = requests.iter().rfind(|one| one.url.path().contains("/policies/"));
    let policy: Value = serde_json::from_slice(&policy.expect("a policy").body).expect("JSON");
    assert_eq!(policy["policy"]["ism_template"][1]["index_patterns"], json!(["shop-*20*.*.*"]));
    // What another configuration has left would let indices grow old that go on and on, or stand in the way of a shorter
    // beginning. What somebody else has put stays.
    let ours = json!({"_meta": {"millrace": {"version": 1, "fingerprint": "x"}}});
    let of = |name: &str, body: &Value| json!({"name": name, "index_template": body});
    let found = json!({"index_templates": [
        of("north-millrace-documents-shop-", &ours),
        of("north-millrace-documents-shop-@days", &ours),
        of("north-millrace-documents-shop-eu-", &ours),
        of("north-millrace-documents-mine", &json!({})),
        of("south-millrace-documents-shop-", &ours),
    ]});
    Mock::given(method("GET"))
        .and(path("/_index_template/north-millrace-documents-*"))
        .respond_with(ResponseTemplate::new(200).set_body_json(found))
        .mount(&engine.server)
        .await;
    Mock::given(method("DELETE"))
        .and(path_regex("^/_index_template/"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&engine.server)
        .await;
    engine.store(named(None)).ensure_templates().await.expect("templates");
    let left = ["shop-@days", "shop-eu-"]
        .map(|name| format!("/_index_template/north-millrace-documents-{name}"));
    assert_eq!(engine.asked("DELETE").await, left);
}

#[tokio::test]
async fn documents_go_beside_an_index_that_somebody_else_has_made() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |_| 201)).await;
    engine.has_index("shop-2026.11.24", json!({})).await;
    engine.has_index("shop-2026.11.25", json!({"north-millrace-documents": {}})).await;
    engine.has_index("shop-2026.11.26", json!({"south-millrace-documents": {}})).await;
    let store = engine.store(named(Some('.')));
    for round in 0..2 {
        let bulk = ["24", "25", "26", "27"].map(|day| of(&format!("shop-2026.11.{day}"), day));
        let outcomes = store.bulk(bulk.to_vec()).await.expect("outcomes");
        assert_eq!(words(&outcomes), ["done"; 4]);
        assert_eq!(
            engine.indices()[round],
            [
                "shop-2026.11.24-millrace",
                "shop-2026.11.25",
                "shop-2026.11.26-millrace",
                "shop-2026.11.27",
            ]
        );
    }
    // Each is looked at once, and those beside them.
    let looks = engine.asked("GET").await.iter().filter(|path| path.ends_with("/_alias")).count();
    assert_eq!(looks, 6);
}

#[tokio::test]
async fn an_index_that_the_template_of_another_would_make_stops() {
    for (aliases, is_ours) in [(json!({"north-millrace-documents": {}}), true), (json!({}), false)]
    {
        let engine = Played::start().await;
        engine.on_bulk(|bulk| statuses(bulk, |_| 201)).await;
        engine.would_make("shop-[^/]*", aliases).await;
        let bulk = engine.store(named(None)).bulk(vec![of("shop-2026.11.24", "a")]).await;
        if is_ours {
            assert_eq!(words(&bulk.expect("outcomes")), ["done"]);
            continue;
        }
        let error = bulk.expect_err("it would mix the shops' names up");
        assert_eq!(error.kind(), StoreErrorKind::Fatal);
        assert!(error.to_string().contains("priority is higher"), "{error}");
        assert!(engine.indices().is_empty());
    }
}

#[tokio::test]
async fn a_template_of_the_same_priority_stops_with_what_to_do() {
    let engine = Played::start().await;
    let no = json!({"error": {"type": "illegal_argument_exception", "reason":
        "index template [north-millrace-documents-shop-] has index patterns [shop-*] matching patterns from existing \
         templates [mine] with patterns (mine => [shop-*]) that have the same priority [290]"}});
    Mock::given(method("PUT"))
        .and(path("/_index_template/north-millrace-documents-shop-"))
        .respond_with(ResponseTemplate::new(400).set_body_json(no))
        .mount(&engine.server)
        .await;
    let error = engine.store(named(None)).ensure_templates().await.expect_err("two templates");
    assert_eq!(error.kind(), StoreErrorKind::Fatal);
    for part in ["[mine]", "another template is for these names", "search.index_prefixes"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_document_of_a_compacted_index_goes_to_the_one_of_its_day_of_receipt() {
    let engine = Played::start().await;
    let is_old = |index: &str| index.ends_with("2020.01.01") || index == "shop-weekly-2020.01";
    engine
        .on_bulk(move |bulk| statuses(bulk, |one| if is_old(&one.index) { 403 } else { 201 }))
        .await;
    engine.has_no_documents().await;
    let bulk = vec![late("shop-2020.01.01", "a"), late("shop-weekly-2020.01", "b")];
    let outcomes = engine.store(named(Some('.'))).bulk(bulk).await.expect("outcomes");
    // One without a day has no other index: its documents are dead letters, and not lost.
    assert_eq!(words(&outcomes), ["done", "rejected"]);
    assert_eq!(engine.indices()[1..], [["shop-2020.01.11"]]);
}

#[tokio::test]
async fn no_late_document_goes_to_an_index_that_somebody_else_has_made() {
    let engine = Played::start().await;
    engine
        .on_bulk(|bulk| {
            statuses(bulk, |one| if one.index == "shop-2020.01.01" { 403 } else { 201 })
        })
        .await;
    engine.has_no_documents().await;
    engine.has_index("shop-2020.01.11", json!({})).await;
    let bulk = vec![late("shop-2020.01.01", "a"), late("shop-2020.01.02", "b")];
    let outcomes = engine.store(named(Some('.'))).bulk(bulk).await.expect("outcomes");
    assert_eq!(words(&outcomes), ["rejected", "done"]);
    assert_eq!(engine.indices(), [["shop-2020.01.01", "shop-2020.01.02"]]);
}

#[tokio::test]
async fn hostile_12_a_name_with_the_template_of_another_stops_nothing() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |_| 201)).await;
    engine.would_make("shop-orders-[^/]*", json!({})).await;
    let store = engine.store(named(Some('.')));
    for _ in 0..2 {
        let bulk = vec![of("shop-orders-2026.11.24", "a"), of("shop-2026.11.24", "b")];
        let outcomes = store.bulk(bulk).await.expect("outcomes");
        assert_eq!(words(&outcomes), ["rejected", "done"]);
    }
    assert_eq!(engine.indices(), [["shop-2026.11.24"], ["shop-2026.11.24"]]);
}

#[tokio::test]
async fn what_goes_beside_an_index_has_our_template_too() {
    for is_there in [true, false] {
        let engine = Played::start().await;
        engine.on_bulk(|bulk| statuses(bulk, |_| 201)).await;
        engine.has_index("shop-2026.11.24", json!({})).await;
        if is_there {
            engine.has_index("shop-2026.11.24-millrace", json!({})).await;
        } else {
            engine.would_make("shop-2026[^/]*", json!({})).await;
        }
        let bulk = vec![of("shop-2026.11.24", "a")];
        let outcomes = engine.store(named(None)).bulk(bulk).await.expect("outcomes");
        assert_eq!(words(&outcomes), ["rejected"], "{is_there}");
        assert!(engine.indices().is_empty());
    }
}
