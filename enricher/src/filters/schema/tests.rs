//! What becomes of an event: names, types, units, times, and what has no field.

mod properties;
mod times;

use schema::check_document;
use serde_json::{Value, json};

use crate::filters::trial::Trial;

/// 2026-11-25T08:00:00Z.
const RECEIVED_NS: i64 = 1_795_593_600_000_000_000;

fn trial(plugin: &str) -> Trial {
    let mut trial = Trial::new(plugin);
    trial.received_at_ns = RECEIVED_NS;
    trial
}

/// The document of an event, which keeps to the schema.
fn document(event: Value) -> Value {
    let document = trial("schema { }").run(event);
    assert_eq!(check_document(&document), Vec::<String>::new(), "{document:#}");
    document
}

/// The document of an event with a good time, without what the platform says of every event.
fn own(log_type: &str, members: Value) -> Value {
    let mut event = json!({"log_type": log_type, "timestamp": "2026-11-20T08:00:00Z"});
    merge(&mut event, members);
    let mut document = document(event);
    let object = document.as_object_mut().unwrap();
    for name in ["@timestamp", "ecs", "organization"] {
        object.remove(name);
    }
    let inner = object["event"].as_object_mut().unwrap();
    for name in ["dataset", "id", "kind", "category", "type", "created"] {
        inner.remove(name);
    }
    if inner.is_empty() {
        object.remove("event");
    }
    document
}

fn merge(event: &mut Value, members: Value) {
    let Value::Object(members) = members else { panic!("members are an object") };
    event.as_object_mut().unwrap().extend(members);
}

#[test]
fn the_platform_says_what_every_event_is() {
    let document =
        document(json!({"log_type": "performance", "timestamp": "2026-11-20T08:00:00Z"}));
    assert_eq!(
        document,
        json!({
            "@timestamp": "2026-11-20T08:00:00.000Z",
            "ecs": {"version": "9.5.0"},
            "event": {
                "dataset": "performance", "kind": "metric", "category": ["web"], "type": ["info"],
                "id": "07070707070707070707070707070707", "created": "2026-11-25T08:00:00.000Z",
            },
            "organization": {"id": "default"},
        })
    );
}

#[test]
fn hostile_12_only_log_types_on_the_list_are_taken() {
    let dataset = |event: Value| document(event)["event"]["dataset"].clone();
    assert_eq!(dataset(json!({"event": {"dataset": "error"}})), "error");
    assert_eq!(dataset(json!({"event.dataset": "error"})), "error");
    for log_type in ["ERROR", "Error", "User_Behavior"] {
        let named = dataset(json!({"log_type": log_type}));
        assert_eq!(named, log_type.to_lowercase(), "letters of any case");
    }
    for log_type in
        [json!("../x"), json!("fraud_score"), json!(["error"]), json!(null), json!("FRAUD_SCORE")]
    {
        let document = document(json!({"log_type": log_type}));
        assert_eq!(document["event"]["dataset"], "other");
        let kept = &document["shop"]["extra"]["log_type"];
        assert_eq!(kept, &log_type, "what it said is kept");
    }
    assert_eq!(dataset(json!({"log_type": "error", "event": {"dataset": "transaction"}})), "error");
}

#[test]
fn the_shop_is_the_records_whatever_the_event_says() {
    let document = document(json!({"organization": {"id": "another"}, "organization.id": "third"}));
    assert_eq!(document["organization"], json!({"id": "default"}));
    assert_eq!(document["shop"]["extra"], json!({"organization.id": ["third", "another"]}));
}

#[test]
fn a_list_of_addresses_gives_the_first_and_is_kept() {
    let list = "66.249.73.135, 10.0.0.7";
    for event in [json!({"client_ip": list}), json!({"client_ip": list, "x_forwarded_for": list})] {
        assert_eq!(own("error", event)["client"], json!({"ip": "66.249.73.135", "address": list}));
    }
    let other =
        own("error", json!({"client_ip": " 2a01:4f8::1 , 10.0.0.1", "x_forwarded_for": "a"}));
    assert_eq!(other["client"], json!({"ip": "2a01:4f8::1", "address": "a"}));
    for address in ["unknown, 66.249.73.135", ", 10.0.0.1"] {
        let document = own("error", json!({"client_ip": address}));
        assert_eq!(document["shop"]["unparsed"], json!({"client_ip": address}));
        assert_eq!(document.get("client"), None);
    }
}

#[test]
fn hostile_10_money_is_exact_or_absent() {
    let order =
        |amount: Value| own("transaction", json!({"amount": amount, "tax": 0}))["shop"].clone();
    for (given, text) in [
        (json!("129.90"), "129.90"),
        (json!("129.900"), "129.900"),
        (json!(" -12.50 "), "-12.50"),
        (json!(12990), "12990"),
        (json!("+5"), "5"),
        (json!("0.30000000000000004"), "0.30000000000000004"),
    ] {
        // Compared as text: a float would hide what was lost.
        let mut trial = trial("schema { }");
        let written = trial.run_to_text(json!({"log_type": "transaction", "amount": given}));
        assert!(written.contains(&format!("\"amount\":{text}}}")), "{written}");
    }
    for amount in
        ["1.299,90", "12,50", "N/A", "", "12,50 €", "NaN", "1e400", "0x10", "99999999999999999999"]
    {
        assert_eq!(
            order(json!(amount)),
            json!({"order": {"tax": 0}, "unparsed": {"amount": amount}})
        );
    }
    assert_eq!(order(Value::Null), json!({"order": {"tax": 0}}));
    assert_eq!(order(json!(true))["unparsed"], json!({"amount": true}));
}

#[test]
fn a_failure_is_tagged_once_and_named() {
    let document = own("performance", json!({"status": "abc", "db_time_ms": "x", "url": 1}));
    assert_eq!(document["tags"], json!(["_schemaparsefailure"]));
    assert_eq!(document["shop"]["unparsed"], json!({"status": "abc", "db_time_ms": "x"}));
    assert_eq!(own("performance", json!({"status": 200})).get("tags"), None);
}

#[test]
fn dirty_values_of_every_kind() {
    let unparsed = |log_type, members| own(log_type, members)["shop"]["unparsed"].clone();
    for (log_type, name, value) in [
        ("error", "client_ip", json!("unknown")),
        ("error", "client_ip", json!("999.1.2.3")),
        ("error", "client_ip", json!(3_232_235_777u32)),
        ("error", "trace_id", json!({"id": "x"})),
        ("user_behavior", "url", json!(["a", "b"])),
        ("user_behavior", "duration_ms", json!(1.5e300)),
        ("user_behavior", "duration_ms", json!("99999999999999999999")),
        ("user_behavior", "scroll_pct", json!("half")),
        ("user_behavior", "is_bot", json!("perhaps")),
        ("performance", "status", json!("abc")),
        ("performance", "response_time_ms", json!("-")),
        ("performance", "memory_mb", json!("1.5")),
        ("fraud_detection", "risk_score", json!("high")),
        ("fraud_detection", "velocity", json!("fast")),
        ("transaction", "items", json!("three")),
        ("transaction", "item_count", json!("three")),
    ] {
        assert_eq!(unparsed(log_type, json!({ name: value.clone() })), json!({ name: value }));
    }
    let nested = unparsed("transaction", json!({"payment": {"duration_ms": "soon"}}));
    assert_eq!(nested, json!({"payment.duration_ms": "soon"}));
}

#[test]
fn values_that_say_nothing_leave_nothing() {
    for (log_type, members) in [
        ("error", json!({"client_ip": null, "user_agent": null})),
        ("error", json!({"client_ip": "", "user_agent": "-", "user_id": ""})),
        (
            "user_behavior",
            json!({"referrer": "-", "scroll_pct": null, "product": null, "utm": null}),
        ),
        (
            "performance",
            json!({"cache": "-", "upstream": {"time": "-"}, "vitals": null, "status": null}),
        ),
        ("transaction", json!({"coupon": "", "payment": {"card_brand": null}, "items": null})),
        ("fraud_detection", json!({"ip_country": "", "rules": []})),
    ] {
        assert_eq!(own(log_type, members), json!({}));
    }
}

#[test]
fn units_are_those_of_the_fields() {
    let duration = |log_type, members| own(log_type, members)["event"]["duration"].clone();
    assert_eq!(duration("user_behavior", json!({"duration_ms": "1532"})), 1_532_000_000);
    assert_eq!(duration("user_behavior", json!({"duration_ms": "1e3"})), 1_000_000_000);
    assert_eq!(duration("performance", json!({"response_time_ms": "273.200"})), 273_200_000);
    assert_eq!(duration("performance", json!({"response_time_ms": 0.0001})), 100);
    let performance = own("performance", json!({"cpu_pct": "70.0", "response_time": "0.273"}));
    assert_eq!(performance["host"], json!({"cpu": {"usage": 0.7}}));
    assert_eq!(performance["shop"], json!({"performance": {"response_time_s": 0.273}}));
    let score = |given: Value| {
        own("fraud_detection", json!({"risk_score": given}))["event"]["risk_score"].clone()
    };
    assert_eq!(score(json!("0.4914")), 0.4914);
    assert_eq!(score(json!("49%")), 49);
    assert_eq!(score(json!(49)), 49);
}

#[test]
fn truth_has_many_spellings() {
    for value in
        [json!(true), json!("true"), json!("1"), json!("yes"), json!(1), json!("TRUE"), json!("y")]
    {
        let document = own("transaction", json!({"first_order": value}));
        assert_eq!(document["shop"]["order"]["first_order"], true);
    }
    for value in [json!(false), json!("false"), json!("0"), json!("no"), json!(0), json!("F")] {
        let document = own("transaction", json!({"first_order": value}));
        assert_eq!(document["shop"]["order"]["first_order"], false);
    }
}

#[test]
fn lines_of_an_order_are_converted_one_by_one() {
    let items = json!([
        {"sku": "85123A", "name": "Cafetière", "category": "kitchen", "quantity": "2", "unit_price": "2.95"},
        {"StockCode": "POST", "Description": null, "Quantity": "-1", "UnitPrice": "0.001"},
        {"sku": "a", "StockCode": "b", "quantity": "many", "colour": "red"},
        {"sku": "c", "quantity": "few", "colour": "blue"},
        "gift",
        null,
    ]);
    let document = own("transaction", json!({"items": items, "item_count": "3"}));
    assert_eq!(
        document["shop"],
        json!({
            "order": {"item_count": 3, "items": [
                {"sku": "85123A", "name": "Cafetière", "category": "kitchen", "quantity": 2, "unit_price": 2.95},
                {"sku": "POST", "quantity": -1, "unit_price": 0.001},
                {"sku": "a"},
                {"sku": "c"},
            ]},
            "unparsed": {"items.quantity": ["many", "few"], "items": "gift"},
            "extra": {"items.colour": ["red", "blue"], "items.StockCode": "b"},
        })
    );
    assert_eq!(document["tags"], json!(["_schemaparsefailure"]));
}

#[test]
fn the_outcome_follows_from_the_status() {
    let event = |status: &str| own("transaction", json!({"status": status}))["event"].clone();
    assert_eq!(event("paid"), json!({"action": "paid", "outcome": "success"}));
    assert_eq!(event("failed"), json!({"action": "failed", "outcome": "failure"}));
    assert_eq!(event("refunded"), json!({"action": "refunded"}));
}

#[test]
fn unknown_names_go_to_extra_and_never_become_fields() {
    let members = json!({
        "ts_unused": "x", "a.b": 1, "a": {"b": [1, {"c": null}]}, "payment": {"x": 1}, "payment.x": 2,
        "shop": {"order": {"id": "ORD-1", "unknown": 1}, "nonsense": {}}, "client": {"ip": "::1", "as": 3},
        "http": {"request": {"method": "get"}}, "client.mac": "m",
    });
    let document = own("transaction", members);
    assert_eq!(
        document["shop"],
        json!({
            "order": {"id": "ORD-1"},
            "extra": {
                "ts_unused": "x", "a.b": 1, "a": {"b": [1, {"c": null}]}, "payment.x": [1, 2],
                "client.mac": "m", "shop.order.unknown": 1, "shop.nonsense": {}, "client.as": 3,
            },
        })
    );
    assert_eq!(document["client"], json!({"ip": "::1"}));
    assert_eq!(document["http"], json!({"request": {"method": "get"}}));
    assert_eq!(document.get("tags"), None);
}

#[test]
fn names_of_the_document_are_taken_and_checked() {
    let members = json!({
        "client": {"ip": "66.249.73.135", "geo": {"country_iso_code": "US", "location": {"lat": 1.5, "lon": -3}}},
        "client.port": "443", "event": {"action": "x", "duration": "12", "created": "2026-11-20 08:00:00"},
        "http": {"response": {"status_code": "200", "body": {"bytes": "no"}}}, "http.version": 1.1,
        "labels": {"team": "a"}, "tags": "one", "user_agent": {"original": "curl"}, "url.path": "/x",
        "rule": {"name": "single"}, "message": "m", "@metadata": {"y": 1}, "host": {"name": "web-1"},
        "source": {"geo": {"x": 1}},
    });
    let document = own("other", members);
    assert_eq!(
        document,
        json!({
            "client": {
                "ip": "66.249.73.135", "port": 443,
                "geo": {"country_iso_code": "US", "location": {"lat": 1.5, "lon": -3}},
            },
            "event": {"action": "x", "duration": 12},
            "http": {"response": {"status_code": 200}, "version": "1.1"},
            "labels": {"team": "a"}, "tags": ["one", "_schemaparsefailure"],
            "user_agent": {"original": "curl"}, "url": {"path": "/x"}, "rule": {"name": ["single"]},
            "message": "m", "host": {"name": "web-1"},
            "shop": {"unparsed": {"http.response.body.bytes": "no"}, "extra": {"source.geo": {"x": 1}}},
        })
    );
}

#[test]
fn a_name_comes_before_its_aliases_and_those_before_the_documents() {
    let members = json!({
        "http.response.status_code": 503, "response": 502, "status_code": 501, "status": 500,
        "ip": "10.0.0.2", "remote_ip": "10.0.0.1", "client": {"ip": "10.0.0.3"}, "msg": "same", "message": "same",
    });
    let document = own("other", members);
    assert_eq!(document["http"]["response"]["status_code"], 500);
    assert_eq!(document["client"]["ip"], "10.0.0.1");
    assert_eq!(
        document["shop"]["extra"],
        json!({
            "status_code": 501, "response": 502, "http.response.status_code": 503, "ip": "10.0.0.2",
            "client.ip": "10.0.0.3",
        })
    );
}

#[test]
fn an_access_log_as_json() {
    let members = json!({
        "timestamp": null, "time": "17/May/2015:08:05:32 +0000", "remote_ip": "93.180.71.3", "remote_user": "-",
        "request": "GET /downloads/product_1 HTTP/1.1", "response": 304, "bytes": 0, "referrer": "-",
        "agent": "Debian APT-HTTP/1.3",
    });
    assert_eq!(
        own("", members),
        json!({
            "client": {"ip": "93.180.71.3"},
            "http": {
                "request": {"method": "GET"}, "version": "1.1",
                "response": {"status_code": 304, "body": {"bytes": 0}},
            },
            "url": {"original": "/downloads/product_1"},
            "user_agent": {"original": "Debian APT-HTTP/1.3"},
            "shop": {"extra": {"log_type": ""}},
        })
    );
    for line in ["GET /", "get / HTTP/1.1", "GET / b HTTP/1.1", "GET / HTTP/", ""] {
        let document = own("", json!({"request": line}));
        assert_eq!(document["shop"]["unparsed"], json!({"request": line}));
    }
    let escaped = r#"{"request": "GET \/cart HTTP\/1.1"}"#;
    let document = document(serde_json::from_str(escaped).unwrap());
    assert_eq!(document["url"]["original"], "/cart");
}

#[test]
fn a_request_line_that_says_something_else_than_a_field_is_kept() {
    let line = "GET /a HTTP/1.1";
    let other = own("", json!({"method": "POST", "request": line}));
    assert_eq!(other["http"], json!({"request": {"method": "POST"}, "version": "1.1"}));
    assert_eq!(other["url"], json!({"original": "/a"}));
    assert_eq!(other["shop"]["extra"]["request"], line);
    let same = own("", json!({"method": "GET", "request": "GET /\"a\" HTTP/1.1", "url": "/\"a\""}));
    assert_eq!(same["shop"]["extra"].get("request"), None, "{same:#}");
    assert_eq!(same["url"]["original"], "/\"a\"");
}

#[test]
fn metadata_of_the_sender_is_no_field() {
    let names = [r#"{"\u0040metadata":{"a":1},"x":2}"#, r#"{"@metadata":{"a":1},"x":2}"#];
    for event in names {
        // Read by this program's own decoder: another would take the escapes away.
        let text = trial("schema { }").run_payload(event);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["shop"]["extra"], json!({"x": 2}));
        assert!(!text.contains("metadata"), "{text}");
    }
}

#[test]
fn an_alias_that_holds_an_object_means_something_else() {
    let document =
        own("", json!({"response": {"a": 1}, "request": {"b": 2}, "time": [1], "ip": {}}));
    assert_eq!(document.get("tags"), None);
    assert_eq!(document["shop"]["extra"]["response"], json!({"a": 1}));
}

#[test]
fn hostile_08_what_is_too_much_is_kept_as_one_text() {
    let mut filter = trial("schema { extra_values_max => 3 extra_depth_max => 2 }");
    let long = "k".repeat(257);
    let mut event = json!({
        "labels": {"x": {"y": {"z": 1}}}, "a": 1, "deep": {"x": {"y": {"z": 1}}}, "b": {"c": 2}, "d": 4, "": 5, "password": "p", "nul": {"\u{0}": 6},
    });
    merge(&mut event, json!({ &long: 7 }));
    let document = filter.run(event);
    assert_eq!(check_document(&document), Vec::<String>::new());
    assert_eq!(document["shop"]["extra"], json!({"a": 1, "b": {"c": 2}}));
    let text = document["shop"]["overflow"].as_str().unwrap();
    let beyond: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        beyond,
        json!({
            "labels": {"x": {"y": {"z": 1}}}, "deep": {"x": {"y": {"z": 1}}}, "d": 4, "": 5, "password": "[redacted]", "nul": {"\u{0}": 6}, &long: 7,
        })
    );
    assert_eq!(
        document["tags"],
        json!(["_schemaparsefailure", "_timestampparsefailure", "_schemaoverflow"])
    );
    for wrong in
        ["extra_values_max => 0", "extra_depth_max => 21", "extra_values_max => -1", "extra => 1"]
    {
        let refusal = Trial::refusal(&format!("schema {{ {wrong} }}"));
        assert!(refusal.contains("extra"), "{refusal}");
    }
}

#[test]
fn hostile_11_text_is_inert() {
    let texts = json!({
        "level": "${jndi:ldap://x}", "message": "%{host} {{ }} %{+YYYY}", "user_id": "../../etc/passwd", "x": "%{x}",
    });
    let document = own("error", texts);
    assert_eq!(document["log"]["level"], "${jndi:ldap://x}");
    assert_eq!(document["message"], "%{host} {{ }} %{+YYYY}");
    assert_eq!(document["user"]["id"], "../../etc/passwd");
    assert_eq!(document["shop"]["extra"]["x"], "%{x}");
}

#[test]
fn hostile_09_and_15_odd_characters_stay_as_they_are() {
    let text = "h\u{0}st \u{1b}[31m \u{feff} <script>alert(1)</script> \r\n{\"fake\":1}";
    let document = own("error", json!({"host": text, "message": text, "odd \"name\"": text}));
    assert_eq!(document["host"]["name"], text);
    assert_eq!(document["message"], text);
    assert_eq!(document["error"]["message"], text);
    assert_eq!(document["shop"]["extra"], json!({"odd \"name\"": text}));
}

#[test]
fn a_document_that_comes_again_stays_the_same() {
    let event = json!({
        "log_type": "transaction", "timestamp": "2026-11-20T08:00:00Z", "event_id": "e", "status": "paid",
        "amount": "x", "unknown": {"a": 1}, "client_ip": "10.0.0.1, 10.0.0.2", "payment": {"odd": 1},
        "items": [{"sku": "a", "quantity": "2"}], "tags": ["mine"], "level": "INFO",
    });
    let once = document(event);
    let twice = document(once.clone());
    assert_eq!(once, twice);
}
