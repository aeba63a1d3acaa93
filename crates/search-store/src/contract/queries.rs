//! Queries: what each matches among a few documents, and which are refused.

use query::Query;

use super::{Backend, NOON_NS, SECOND_NS, everything, fields, ids, index, operation, query};
use crate::{SearchStore, StoreErrorKind, TimeRange};

const DOCUMENTS: [(&str, &str); 6] = [
    (
        "a",
        r#"{"event":{"dataset":"transaction","created":"2026-11-24T08:00:00Z","duration":1500000},
            "message":"Payment accepted, order ORD-1 shipped","shop":{"order":{"id":"ORD-1","amount":129.90,
            "first_order":true,"items":[{"sku":"SKU-1","price":10},{"sku":"SKU-2","price":"119.90"}]}},
            "client":{"ip":"10.1.2.3","geo":{"location":{"lat":1,"lon":2}}},"tags":["new","vip"]}"#,
    ),
    (
        "b",
        r#"{"event":{"dataset":"transaction","created":"2026-11-25T23:59:59.999Z"},
            "message":"payment declined: card expired","shop":{"order":{"id":"ORD-2","amount":0.3,
            "first_order":false}},"client":{"ip":"10.200.0.1"}}"#,
    ),
    (
        "c",
        r#"{"event":{"dataset":"error","created":1795608000000,"duration":"250"},
            "error":{"message":"card reader: Payment accepted twice"},
            "client":{"ip":"192.168.1.5"},"shop":{"rum":{"shift":0.25},"extra":{"a":{"b":"deep"},"colour":"red"}}}"#,
    ),
    (
        "d",
        r#"{"event.dataset":"performance","message":"ÄRGER in Straße 7","client":{"ip":"2001:db8::1"},
            "shop":{"order":{"amount":-5},"rum":{"shift":-0.0},"extra":{"colour":"dark red","a.b":7}}}"#,
    ),
    (
        "e",
        "{\"message\":\"nul \\u0000 and \\u0007 inside\",\"shop\":{\"order\":{\"id\":\"OR\\u0000D\",\
         \"amount\":99999999999.99},\"extra\":{\"k\\u0000y\":\"v\\u0000l\"}},\"tags\":[\"\"]}",
    ),
    (
        "f",
        r#"{"shop":{"order":{"amount":"a lot","id":null},"rum":{"shift":"1e400"}},"client":{"ip":"x"}}"#,
    ),
];

pub(super) async fn run(backend: &dyn Backend) {
    matches(backend, |document| document.to_owned()).await;
    // Each on one line, as stages write them.
    matches(backend, |document| document.replace('\n', "")).await;
    keys_that_nobody_knows(backend).await;
}

async fn matches(backend: &dyn Backend, written: impl Fn(&str) -> String) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let documents = DOCUMENTS.iter().enumerate().map(|(number, (id, document))| {
        operation(i64::try_from(number).expect("few documents"), id, &written(document))
    });
    index(store, documents.collect()).await;
    words(store).await;
    keywords(store).await;
    numbers(store).await;
    dates_and_addresses(store).await;
    objects(store).await;
    logic(store).await;
    refusals(store).await;
    control_characters(store).await;
    time_ranges(store).await;
    aggregates(store).await;
    paths(store, backend.lists_values_of_paths()).await;
}

/// Whether a query finds just these documents, oldest first, one letter each.
async fn check(store: &dyn SearchStore, text: &str, expected: &str) {
    assert_eq!(ids(store, text).await.concat(), expected, "{text}");
}

async fn words(store: &dyn SearchStore) {
    check(store, "payment", "abc").await;
    check(store, "PAYMENT", "abc").await;
    check(store, "message:payment", "ab").await;
    check(store, "\"payment accepted\"", "ac").await;
    check(store, "message:\"payment accepted\"", "a").await;
    check(store, "\"accepted payment\"", "").await;
    check(store, "\"card expired\"", "b").await;
    check(store, "message:pay*", "ab").await;
    check(store, "message:PA?ment", "ab").await;
    check(store, "expir*", "b").await;
    check(store, "straße", "d").await;
    check(store, "ärger", "d").await;
    check(store, "message:ORD-1", "a").await;
    check(store, "message:*", "abde").await;
    check(store, "message:\"...\"", "").await;
    check(store, "nothing", "").await;
}

async fn keywords(store: &dyn SearchStore) {
    check(store, "type:transaction", "ab").await;
    check(store, "event.dataset:performance", "d").await;
    check(store, "event.dataset:Transaction", "").await;
    check(store, "ORD-2", "b").await;
    check(store, "ord-2", "").await;
    check(store, "shop.order.id:\"ORD-1\"", "a").await;
    check(store, "shop.order.id:ORD-*", "ab").await;
    check(store, "shop.order.id:OR?-2", "b").await;
    check(store, "ORD-*", "ab").await;
    check(store, "shop.order.id:[ORD-1 TO ORD-2}", "a").await;
    check(store, "shop.order.id:>ORD-1", "b").await;
    check(store, "shop.order.id:>=ORD-1", "ab").await;
    check(store, "shop.order.id:*", "abe").await;
    check(store, "tags:vip", "a").await;
    check(store, "vip", "a").await;
    check(store, "tags:\"\"", "e").await;
    check(store, "_id:c", "c").await;
    check(store, "_index:ecommerce-logs-transaction-2026.11.24", "abcdef").await;
    check(store, "_index:ecommerce-logs-*", "abcdef").await;
    check(store, "_index:ecommerce-logs-error-2026.11.24", "").await;
    check(store, "shop.order.first_order:true", "a").await;
    check(store, "shop.order.first_order:false", "b").await;
    check(store, "unknown.field:x OR unknown:*", "").await;
    check(store, "unknown:>5", "").await;
}

async fn numbers(store: &dyn SearchStore) {
    check(store, "shop.order.amount:129.9", "a").await;
    check(store, "shop.order.amount:129.90", "a").await;
    check(store, "shop.order.amount:1299e-1", "a").await;
    check(store, "shop.order.amount:129.901", "").await;
    check(store, "shop.order.amount:0.3", "b").await;
    check(store, "shop.order.amount:>100", "ae").await;
    check(store, "shop.order.amount:>=129.9", "ae").await;
    check(store, "shop.order.amount:>129.9", "e").await;
    check(store, "shop.order.amount:>129.899", "ae").await;
    check(store, "shop.order.amount:<129.9", "bd").await;
    check(store, "shop.order.amount:<=129.9001", "abd").await;
    check(store, "shop.order.amount:<-4.999", "d").await;
    check(store, "shop.order.amount:<=-5.001", "").await;
    check(store, "shop.order.amount:[0 TO 0.3]", "b").await;
    check(store, "shop.order.amount:[0 TO 0.3}", "").await;
    check(store, "shop.order.amount:[* TO 0}", "d").await;
    check(store, "shop.order.amount:99999999999.99", "e").await;
    check(store, "shop.order.amount:>1e400", "").await;
    check(store, "shop.order.amount:<1e400", "abde").await;
    check(store, "shop.order.amount:*", "abde").await;
    check(store, "event.duration:250", "c").await;
    check(store, "event.duration:>250", "a").await;
    check(store, "event.duration:>=249.5", "ac").await;
    check(store, "event.duration:250.5", "").await;
    check(store, "shop.rum.shift:0.25", "c").await;
    check(store, "shop.rum.shift:0", "d").await;
    check(store, "shop.rum.shift:>=0", "cd").await;
    check(store, "shop.rum.shift:>0", "c").await;
    check(store, "shop.order.items.price:119.9", "a").await;
}

async fn dates_and_addresses(store: &dyn SearchStore) {
    check(store, "event.created:2026-11-24", "a").await;
    check(store, "event.created:2026-11-25", "bc").await;
    check(store, "event.created:>2026-11-24", "bc").await;
    check(store, "event.created:>=2026-11-24", "abc").await;
    check(store, "event.created:[2026-11-24 TO 2026-11-25]", "abc").await;
    check(store, "event.created:<=2026-11-24T08:00:00Z", "a").await;
    check(store, "event.created:<\"2026-11-24T08:00:00Z\"", "").await;
    check(store, "event.created:\"2026-11-24T09:00:00+01:00\"", "a").await;
    check(store, "event.created:1795608000000", "c").await;
    check(store, "@timestamp:2026-11-24", "abcdef").await;
    check(store, "@timestamp:>\"2026-11-24T08:00:03Z\"", "ef").await;
    check(store, "@timestamp:*", "abcdef").await;
    check(store, "client.ip:10.1.2.3", "a").await;
    check(store, "10.1.2.3", "a").await;
    check(store, "client.ip:10.0.0.0/8", "ab").await;
    check(store, "client.ip:10.128.0.0/9", "b").await;
    check(store, "client.ip:0.0.0.0/0", "abc").await;
    check(store, "client.ip:\"2001:db8::/32\"", "d").await;
    check(store, "client.ip:\"2001:0db8:0000::1\"", "d").await;
    check(store, "client.ip:[10.1.2.4 TO 192.168.1.5]", "bc").await;
    check(store, "client.ip:<10.1.2.4", "a").await;
    check(store, "client.ip:*", "abcd").await;
    check(store, "client.geo.location:*", "a").await;
}

async fn objects(store: &dyn SearchStore) {
    check(store, "shop.extra.colour:red", "c").await;
    check(store, "shop.extra.colour:\"dark red\"", "d").await;
    check(store, "shop.extra.colour:da*", "d").await;
    check(store, "shop.extra.a.b:deep", "c").await;
    check(store, "shop.extra.a.b:7", "d").await;
    check(store, "shop.extra.a.b:*", "cd").await;
    check(store, "shop.extra.a:*", "").await;
    check(store, "shop.extra.b:*", "").await;
    check(store, "shop.extra:deep", "c").await;
    check(store, "shop.extra:*", "cde").await;
    check(store, "deep", "c").await;
    check(store, "shop.order.items.sku:SKU-2", "a").await;
    check(store, "SKU-2", "a").await;
    check(store, "shop.order.items:*", "a").await;
    check(store, "shop.order:*", "abde").await;
    check(store, "_exists_:client.geo", "a").await;
}

async fn logic(store: &dyn SearchStore) {
    check(store, "", "abcdef").await;
    check(store, "*", "abcdef").await;
    check(store, "type:transaction AND NOT declined", "a").await;
    check(store, "NOT type:transaction", "cdef").await;
    check(store, "NOT (NOT declined)", "b").await;
    check(store, "NOT *", "").await;
    check(store, "payment NOT (declined OR twice)", "a").await;
    check(store, "type:(error OR performance)", "cd").await;
    check(store, "declined OR NOT payment", "bdef").await;
    check(store, "payment -card", "a").await;
    check(store, "-payment -shop.extra.colour:red client.ip:*", "d").await;
}

async fn refusals(store: &dyn SearchStore) {
    let cases = [
        ("shop.order.amount:abc", "shop.order.amount"),
        ("shop.order.amount:>\"12,50\"", "shop.order.amount"),
        ("shop.order.amount:NaN", "shop.order.amount"),
        ("shop.rum.shift:inf", "shop.rum.shift"),
        ("event.duration:1*", "event.duration"),
        ("event.duration:12*", "event.duration"),
        ("client.ip:10.0.0.0/33", "client.ip"),
        ("client.ip:10.0*", "client.ip"),
        ("client.ip:localhost", "client.ip"),
        ("shop.order.first_order:yes", "shop.order.first_order"),
        ("event.created:yesterday", "event.created"),
        ("event.created:2026-13-45", "event.created"),
        ("client.geo.location:x", "client.geo.location"),
        ("message:[a TO b]", "message"),
        ("_id:>5", "ids"),
    ];
    for (text, mentioned) in cases {
        let Ok(parsed) = query::parse(text) else { continue };
        let error = store.count(&everything(), &parsed, TimeRange::default()).await;
        let error = error.expect_err(text);
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{text}: {error}");
        assert!(error.to_string().contains(mentioned), "{text}: {error}");
    }
}

async fn control_characters(store: &dyn SearchStore) {
    let check_raw = async |field: Option<&str>, text: &str, expected: u64| {
        let field = field.map(str::to_owned);
        let query = Query::Phrase { field, text: text.to_owned() };
        let count = store.count(&everything(), &query, TimeRange::default()).await;
        assert_eq!(count.expect("a count"), expected, "{query:?}");
    };
    check_raw(Some("shop.order.id"), "OR\0D", 1).await;
    check_raw(Some("shop.order.id"), "OR", 0).await;
    check_raw(None, "OR\0D", 1).await;
    check_raw(Some("message"), "nul and inside", 1).await;
    check_raw(Some("shop.extra.k\0y"), "v\0l", 1).await;
    check_raw(Some("shop.extra.k"), "y", 0).await;
    check_raw(Some("shop.extra"), "v\0l", 1).await;
}

/// Hostile input 28: thousands of different keys become no fields, and still are found.
async fn keys_that_nobody_knows(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let document = |number: i64| {
        let keys = (0..20)
            .map(|key| format!(r#""key{number}_{key}":{{"type{}":"{number}"}}"#, number % 7));
        let keys = keys.collect::<Vec<_>>().join(",");
        let text = format!(r#"{{"unknown{number}":{number},"shop":{{"extra":{{{keys}}}}}}}"#);
        operation(number, &format!("{number}"), &text)
    };
    index(store, (0..500).map(document).collect()).await;
    assert_eq!(ids(store, "shop.extra.key123_7.type4:123").await, ["123"]);
    assert_eq!(ids(store, "shop.extra.key123_7.type4:*").await, ["123"]);
    assert_eq!(ids(store, "shop.extra.key123_7.type5:*").await, Vec::<String>::new());
    assert_eq!(ids(store, "unknown123:123").await, Vec::<String>::new());
    let count = store.count(&everything(), &query("shop.extra:*"), TimeRange::default()).await;
    assert_eq!(count.expect("a count"), 500);
}

async fn time_ranges(store: &dyn SearchStore) {
    let check = async |from: Option<i64>, to: Option<i64>, expected: u64| {
        let moment = |seconds: i64| NOON_NS + seconds * SECOND_NS;
        let range = TimeRange { from_ns: from.map(moment), to_ns: to.map(moment) };
        let count = store.count(&everything(), &Query::All, range).await.expect("a count");
        assert_eq!(count, expected, "{from:?} {to:?}");
    };
    check(None, None, 6).await;
    check(Some(2), None, 4).await;
    check(None, Some(2), 2).await;
    check(Some(1), Some(3), 2).await;
    check(Some(3), Some(3), 0).await;
    check(Some(6), None, 0).await;
    let all = TimeRange { from_ns: Some(i64::MIN), to_ns: Some(i64::MAX) };
    assert_eq!(store.count(&everything(), &Query::All, all).await.expect("a count"), 6);
    let none = TimeRange { from_ns: None, to_ns: Some(i64::MIN) };
    assert_eq!(store.count(&everything(), &Query::All, none).await.expect("a count"), 0);
}

async fn check_values(store: &dyn SearchStore, text: &str, field: &str, expected: &[(&str, u64)]) {
    let (scope, range) = (everything(), TimeRange::default());
    let listed = store.terms(&scope, &query(text), range, field, 10).await;
    let listed = listed.unwrap_or_else(|error| panic!("{field}: {error}"));
    let listed: Vec<_> = listed.iter().map(|(value, count)| (value.as_str(), *count)).collect();
    assert_eq!(listed, expected, "{field} of {text}");
}

async fn paths(store: &dyn SearchStore, listed: bool) {
    if listed {
        check_values(store, "*", "shop.extra.colour", &[("dark red", 1), ("red", 1)]).await;
        return;
    }
    let (scope, range) = (everything(), TimeRange::default());
    let refused = store.terms(&scope, &Query::All, range, "shop.extra.colour", 10).await;
    assert_eq!(refused.expect_err("a path").kind(), StoreErrorKind::Invalid);
}

async fn aggregates(store: &dyn SearchStore) {
    let check = async |text: &str, field: &str, expected: &[(&str, u64)]| {
        check_values(store, text, field, expected).await;
    };
    check("*", "event.dataset", &[("transaction", 2), ("error", 1), ("performance", 1)]).await;
    check("payment -type:error", "event.dataset", &[("transaction", 2)]).await;
    check("type:transaction", "shop.order.amount", &[("0.30", 1), ("129.90", 1)]).await;
    check("shop.order.amount:<0", "shop.order.amount", &[("-5.00", 1)]).await;
    check("*", "event.duration", &[("1500000", 1), ("250", 1)]).await;
    check("*", "shop.order.first_order", &[("false", 1), ("true", 1)]).await;
    check("type:(error OR performance)", "client.ip", &[("192.168.1.5", 1), ("2001:db8::1", 1)])
        .await;
    check("*", "shop.order.items.sku", &[("SKU-1", 1), ("SKU-2", 1)]).await;
    check("*", "_index", &[("ecommerce-logs-transaction-2026.11.24", 6)]).await;
    check("*", "unknown", &[]).await;
    for (field, size) in [("message", 5), ("client.geo.location", 5), ("event.dataset", 1_001)] {
        let listed =
            store.terms(&everything(), &Query::All, TimeRange::default(), field, size).await;
        assert_eq!(listed.expect_err(field).kind(), StoreErrorKind::Invalid);
    }
}
