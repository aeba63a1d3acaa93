//! Queries as they are sent.

use query::{Pattern, PatternPart, Query};
use schema::Product;
use serde_json::{Value, json};

use super::{Translator, moments, whole};
use crate::contract::{everything, fields, only, query};
use crate::elasticsearch::fields::Fields;
use crate::{IndexPrefixes, StoreError, TimeRange};

fn translated(product: Product, query: &Query) -> Result<Value, StoreError> {
    let (fields, prefixes) = (Fields::new(&fields()), IndexPrefixes::default());
    Translator { fields: &fields, product, namespace: "north-", prefixes: &prefixes }.query(query)
}

fn check(text: &str, expected: Value) {
    let found = translated(Product::Elasticsearch, &query(text)).expect(text);
    assert_eq!(found, expected, "{text}");
}

#[test]
fn hostile_input_18_what_a_user_writes_is_only_a_value() {
    check(
        r#"tags:"\" } ], \"script\": {""#,
        json!({"term": {"tags": {"value": "\" } ], \"script\": {"}}}),
    );
    check("script:x", json!({"match_none": {}}));
    check("runtime_mappings.a:*", json!({"match_none": {}}));
    check("millrace.shop:north", json!({"match_none": {}}));
    check("_index:\"*\"", json!({"match_none": {}}));
    check("_index:\"another:ecommerce-logs-x\"", json!({"match_none": {}}));
    check(
        "_index:ecommerce-logs-*",
        json!({"wildcard": {"_index": {"value": "north-ecommerce-logs-*"}}}),
    );
}

#[test]
fn wildcards_are_escaped_and_prefixes_are_prefixes() {
    check("tags:ab*", json!({"prefix": {"tags": {"value": "ab"}}}));
    check(r"tags:ab\*c?d*", json!({"wildcard": {"tags": {"value": r"ab\*c?d*"}}}));
    check(r"tags:ab\\*", json!({"prefix": {"tags": {"value": r"ab\"}}}));
    let pattern = Pattern(vec![PatternPart::Any]);
    let all = Query::Wildcard { field: Some("tags".to_owned()), pattern };
    let found = translated(Product::Elasticsearch, &all).expect("a query");
    assert_eq!(found, json!({"wildcard": {"tags": {"value": "*"}}}));
    let within = query("shop.extra.colour:da*k");
    assert!(translated(Product::Elasticsearch, &within).is_err());
    assert!(translated(Product::OpenSearch, &within).is_ok());
}

#[test]
fn numbers_are_compared_half_a_step_outside() {
    check(
        "shop.order.amount:>=129.9",
        json!({"range": {"shop.order.amount": {"gte": "129.895", "lt": "92233720368547760"}}}),
    );
    check("shop.order.amount:129.901", json!({"match_none": {}}));
    check(
        "event.duration:>249.5",
        json!({"range": {"event.duration": {"gte": 250, "lte": i64::MAX}}}),
    );
    check("event.duration:250.5", json!({"match_none": {}}));
    check("shop.rum.shift:0", json!({"range": {"shop.rum.shift": {"gte": -0.0, "lte": 0.0}}}));
}

#[test]
fn moments_are_exact_to_the_nanosecond() {
    assert_eq!(moments(i128::from(i64::MIN), i128::from(i64::MAX)), json!({"match_all": {}}));
    assert_eq!(moments(5, 4), json!({"match_none": {}}));
    let found = moments(-1_000_000, 1_999_999);
    let timestamp = "millrace.timestamp";
    let side = |side: &str, at: &str| json!({"range": {timestamp: {side: at, "format": "strict_date_time"}}});
    let (first, last) = ("1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.001Z");
    assert_eq!(found, json!({"bool": {"filter": [side("gte", first), side("lte", last)]}}));
    let ends = moments(i128::from(i64::MIN) + 1, i128::from(i64::MAX) - 1).to_string();
    assert!(ends.contains("1677-09-21T00:12:43.145Z") && ends.contains("2262-04-11T23:47:16.854Z"));
    let found = moments(1, i128::from(i64::MAX)).to_string();
    assert!(found.contains(r#"{"range":{"millrace.nanoseconds":{"gte":1}}}"#), "{found}");
}

#[test]
fn the_names_of_an_installations_own_indices_are_as_they_are() {
    let (fields, prefixes) = (Fields::new(&fields()), IndexPrefixes(vec!["shop-".to_owned()]));
    let product = Product::OpenSearch;
    let check = |namespace: &str, text: &str, expected: Value| {
        let translator = Translator { fields: &fields, product, namespace, prefixes: &prefixes };
        assert_eq!(translator.query(&query(text)).expect(text), expected, "{text}");
    };
    let is = |name: &str| json!({"term": {"_index": {"value": name}}});
    let like = |name: &str| json!({"wildcard": {"_index": {"value": name}}});
    let any = |all: [Value; 2]| json!({"bool": {"should": all, "minimum_should_match": 1}});
    for namespace in ["", "shop-", "north-"] {
        check(namespace, "_index:shop-2026.11.24", is("shop-2026.11.24"));
        let own = format!("{namespace}ecommerce-logs-error-2026.11.24");
        check(namespace, "_index:ecommerce-logs-error-2026.11.24", is(&own));
        check(namespace, "_index:other-2026.11.24", json!({"match_none": {}}));
        check(namespace, "_index:\"shop-a,b\"", json!({"match_none": {}}));
    }
    check("", "_index:shop-*", like("shop-*"));
    check("north-", "_index:shop-*", any([like("north-shop-*"), like("shop-*")]));
}

#[test]
fn each_read_has_its_shops() {
    let (fields, prefixes) = (Fields::new(&fields()), IndexPrefixes::default());
    let product = Product::OpenSearch;
    let translator = Translator { fields: &fields, product, namespace: "", prefixes: &prefixes };
    let range = TimeRange::default();
    let of = |scope| whole(&translator, &scope, &Query::All, range).expect("a query");
    assert_eq!(
        of(only(&["north", "south"])),
        json!({"bool": {"filter": [{"terms": {"millrace.shop": ["north", "south"]}}]}})
    );
    assert_eq!(of(only(&[])), json!({"bool": {"filter": [{"match_none": {}}]}}));
    assert_eq!(
        of(everything()),
        json!({"bool": {"filter": [{"exists": {"field": "millrace.shop"}}]}})
    );
}
