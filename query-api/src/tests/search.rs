//! Searching through the API; hostile inputs 15, 17 and 18.

use std::collections::BTreeSet;

use access::{Role, Shops};
use reqwest::Method;
use serde_json::{Value, json};

use super::rig::{Rig, answer};

fn order(amount: f64) -> Value {
    json!({"event": {"dataset": "transaction"}, "shop": {"order": {"amount": amount}}})
}

fn encoded(query: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://x/", [("q", query)]).unwrap();
    url.query().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<&str> {
    page["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

async fn rig_with_events() -> Rig {
    let rig = Rig::start().await;
    rig.index(&[
        ("a", "2026-02-01T10:00:00Z", order(50.0)),
        ("b", "2026-02-01T10:00:30.123456789Z", order(150.0)),
        ("c", "2026-02-01T10:02:00Z", json!({"event": {"dataset": "error"}, "message": "boom"})),
    ])
    .await;
    rig
}

#[tokio::test]
async fn pages_come_by_time_and_go_on_by_cursor() {
    let rig = rig_with_events().await;
    let path = |more: &str| format!("/api/search/query?from=2026-02-01&to=2026-02-02{more}");
    let first = rig.get(&path("&size=2"), Role::Viewer).await;
    assert_eq!((first.status, ids(&first.body)), (200, vec!["c", "b"]), "{first:?}");
    assert_eq!(first.body["total"], 3);
    let hit = &first.body["hits"][1];
    assert_eq!(hit["timestamp"], "2026-02-01T10:00:30.123456789Z");
    assert_eq!(hit["document"]["shop"]["order"]["amount"], 150.0);
    assert_eq!(hit["index"], "ecommerce-logs-other-2026.02.01");
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = rig.get(&path(&format!("&size=2&cursor={cursor}")), Role::Viewer).await;
    assert_eq!(ids(&second.body), ["a"]);
    assert_eq!(second.body["next_cursor"], Value::Null);
    let oldest = rig.get(&path("&order=oldest_first"), Role::Viewer).await;
    assert_eq!(ids(&oldest.body), ["a", "b", "c"]);
    rig.stop().await;
}

#[tokio::test]
async fn queries_ranges_and_counts_agree() {
    let rig = rig_with_events().await;
    let count = async |parameters: &str| {
        let answer = rig.get(&format!("/api/search/count?{parameters}"), Role::Viewer).await;
        answer.body["count"].as_u64().unwrap_or_else(|| panic!("{answer:?}"))
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count(&encoded("type:transaction AND shop.order.amount:>100")).await, 1);
    assert_eq!(count("from=2026-02-01T10:00:00Z&to=2026-02-01T10:02:00Z").await, 2, "to is not in");
    assert_eq!(count("from=now-1m").await, 0);
    assert_eq!(count("from=1769940120000").await, 1, "milliseconds");
    let one = rig.get("/api/search/event/b", Role::Viewer).await;
    assert_eq!((one.status, &one.body["id"]), (200, &json!("b")));
    assert_eq!(rig.get("/api/search/event/none", Role::Viewer).await.status, 404);
    rig.stop().await;
}

#[tokio::test]
async fn a_histogram_covers_its_range() {
    let rig = rig_with_events().await;
    let counts = |answer: &Value| -> Vec<u64> {
        let buckets = answer["buckets"].as_array().unwrap();
        buckets.iter().map(|bucket| bucket["count"].as_u64().unwrap()).collect()
    };
    let range = "from=2026-02-01T10:00:00Z&to=2026-02-01T10:04:00Z";
    let minutes =
        rig.get(&format!("/api/search/histogram?{range}&interval=1m"), Role::Viewer).await;
    assert_eq!(minutes.body["interval_ms"], 60_000, "{minutes:?}");
    assert_eq!(counts(&minutes.body), [2, 0, 1, 0]);
    assert_eq!(minutes.body["buckets"][0]["from"], 1_769_940_000_000_i64);
    let chosen = rig.get(&format!("/api/search/histogram?{range}"), Role::Viewer).await;
    assert_eq!(chosen.body["interval_ms"], 5_000);
    assert_eq!(counts(&chosen.body).iter().sum::<u64>(), 3);
    let open = rig.get("/api/search/histogram", Role::Viewer).await;
    assert_eq!(open.body["interval_ms"], 2_000, "two minutes hold everything: {open:?}");
    assert_eq!(counts(&open.body).iter().sum::<u64>(), 3);
    let nothing = rig.get("/api/search/histogram?q=type:performance", Role::Viewer).await;
    assert_eq!(nothing.body, json!({"interval_ms": 60_000, "buckets": []}));
    let many = rig.get("/api/search/histogram?from=now-30d&to=now&interval=1s", Role::Viewer).await;
    assert_eq!(many.status, 400);
    rig.stop().await;
}

#[tokio::test]
async fn a_wrong_query_names_the_character() {
    let rig = Rig::start().await;
    for path in ["query", "count", "histogram", "tail"] {
        let path = format!("/api/search/{path}?{}", encoded("ü AND (type:error"));
        let answer = rig.get(&path, Role::Viewer).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.body["type"], "urn:millrace:problem:query-syntax");
        let position = answer.body["position"].as_u64().unwrap();
        assert!((1..=18).contains(&position), "{answer:?}");
    }
    for parameters in
        ["size=0", "size=1001", "size=x", "from=yesterday", "order=random", "cursor=x"]
    {
        let answer = rig.get(&format!("/api/search/query?{parameters}"), Role::Viewer).await;
        assert_eq!(answer.status, 400, "{parameters}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_value_that_its_field_cannot_have_is_pointed_at() {
    let rig = Rig::start().await;
    for (query, position) in [
        ("shop.order.amount:>abc", 19),
        ("shop.order.amount:>1 AND (shop.order.amount:[1 TO ü])", 45),
        ("shop.order.amount:>1 AND shop.order.amount:>1x", 44),
        ("client.ip:300.1.1.1", 11),
        ("x AND client.ip:10.*", 17),
        ("message:[a TO b]", 9),
    ] {
        for path in ["query", "count", "histogram", "tail"] {
            let path = format!("/api/search/{path}?{}", encoded(query));
            let answer = rig.get(&path, Role::Viewer).await;
            assert_eq!(
                (answer.status, &answer.body["position"]),
                (400, &json!(position)),
                "{answer:?}"
            );
        }
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_field_that_no_event_has_is_named() {
    let rig = rig_with_events().await;
    let unknown = json!([{"name": "servce.name", "suggestion": "service.name", "fields": []}]);
    for path in ["query", "count"] {
        let ask = |query| format!("/api/search/{path}?{}", encoded(query));
        let answer = rig.get(&ask("servce.name:checkout"), Role::Viewer).await;
        assert_eq!((answer.status, &answer.body["unknown_fields"]), (200, &unknown), "{answer:?}");
        let answer = rig.get(&ask("service:checkout"), Role::Viewer).await;
        let object = &answer.body["unknown_fields"][0];
        assert_eq!((answer.status, &object["name"]), (200, &json!("service")), "{answer:?}");
        assert!(object["fields"].as_array().unwrap().contains(&json!("service.name")), "{object}");
        let answer = rig.get(&ask("shop.extra.a:b level:x"), Role::Viewer).await;
        assert_eq!(answer.body["unknown_fields"], json!([]), "{answer:?}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn hostile_15_markup_stays_text_in_json_under_a_strict_policy() {
    let rig = Rig::start().await;
    let markup = "<script>alert(1)</script>\"'--><img src=x onerror=alert(1)>\u{1b}[2J";
    let event = json!({"event": {"dataset": "other"}, "message": markup,
        "user_agent": {"original": markup}});
    rig.index(&[("x", "2026-02-01T10:00:00Z", event)]).await;
    let answer = rig.get("/api/search/query", Role::Viewer).await;
    assert_eq!(answer.body["hits"][0]["document"]["message"], markup);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    rig.stop().await;
}

#[tokio::test]
async fn hostile_17_queries_that_cost_too_much_are_a_400() {
    let rig = Rig::start().await;
    let nested = format!("{}a{}", "(".repeat(1000), ")".repeat(1000));
    let many = vec!["a"; 1000].join(" OR ");
    let long = "a".repeat(10_000);
    let wild = "*a*b*c*d*e*f*g*h";
    for query in [&nested, &many, &long, wild, "NOT ".repeat(500).as_str()] {
        let answer = rig.get(&format!("/api/search/query?{}", encoded(query)), Role::Viewer).await;
        let short: String = query.chars().take(20).collect();
        assert_eq!(answer.status, 400, "{short}: {answer:?}");
    }
    let path = format!("/api/search/count?{}", encoded("message:/(a+)+$/"));
    let pattern = rig.get(&path, Role::Viewer).await;
    assert_eq!(pattern.body["count"], 0, "a pattern is text like any other");
    rig.stop().await;
}

#[tokio::test]
async fn hostile_18_nothing_reaches_the_events_of_another_shop() {
    let rig = Rig::start().await;
    let of = |shop: &str| json!({"event": {"dataset": "other"}, "organization": {"id": shop}, "message": "secret"});
    rig.index(&[
        ("mine", "2026-02-01T10:00:00Z", of("north")),
        ("theirs", "2026-02-01T10:00:00Z", of("south")),
    ])
    .await;
    let shops = Shops::Only(BTreeSet::from(["north".to_owned()]));
    let token = rig.token_for(Role::Viewer, &shops);
    let get = async |path: &str| answer(rig.request(Method::GET, path).bearer_auth(&token)).await;
    for query in
        ["", "organization.id:south OR message:secret", "NOT organization.id:north OR secret"]
    {
        let page = get(&format!("/api/search/query?{}", encoded(query))).await;
        assert_eq!(ids(&page.body), ["mine"], "{query}");
        let count = get(&format!("/api/search/count?{}", encoded(query))).await;
        assert_eq!(count.body["count"], 1, "{query}");
    }
    assert_eq!(get("/api/search/event/theirs").await.status, 404);
    for smuggled in [
        "indices=*",
        "index=ecommerce-logs-other-2026.02.01",
        "script=1",
        "runtime_mappings=%7B%7D",
        "shop=south",
        "q=a&q=b",
        "q%5B%24gt%5D=",
    ] {
        let answer = get(&format!("/api/search/query?{smuggled}")).await;
        assert_eq!(answer.status, 400, "{smuggled}: {answer:?}");
    }
    let raw =
        get(&format!("/api/search/query?{}", encoded("{\"query\":{\"match_all\":{}}}"))).await;
    assert!(raw.status == 400 || ids(&raw.body).is_empty(), "text is text: {raw:?}");
    rig.stop().await;
}
