//! Hostile inputs, by their numbers in the list of those that the platform must withstand, through the
//! built-in pipeline.

mod support;

use bus::Codec;
use enricher::language::Syntax;
use enricher::{Environment, Source, plan};
use pipeline::Verdict;
use serde_json::{Value, json};
use support::{default_stage, document, record, rejection, verdict};

#[test]
fn hostile_07_nested_100k_deep() {
    let mut stage = default_stage();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"a\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
        assert_eq!(rejection(&mut stage, deep).kind, "too_deep");
        let open_only = format!("{{\"a\":{}", open.repeat(100_000));
        assert_eq!(rejection(&mut stage, open_only).kind, "too_deep");
    }
    // The worker goes on with the next one.
    assert_eq!(document(&mut stage, r#"{"log_type":"error"}"#)["event"]["dataset"], "error");
}

#[test]
fn hostile_07_what_is_just_allowed_can_be_read_again() {
    let mut stage = default_stage();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(63), "]".repeat(63));
    let mut again = event::Event::new();
    let out = support::forwarded(&mut stage, deep);
    again.decode_json(&out.payload, 0, &event::Limits::documents()).expect("test data is good");
}

#[test]
fn hostile_08_keys_many_long_twice_and_dotted() {
    let mut stage = default_stage();
    let many: Vec<String> = (0..1_000_000).map(|n| format!("\"k{n}\":1")).collect();
    let kind = rejection(&mut stage, format!("{{{}}}", many.join(","))).kind;
    assert!(kind == "too_large" || kind == "too_many_fields", "{kind}");
    let fewer = format!("{{{}}}", many[..60_000].join(","));
    assert_eq!(rejection(&mut stage, fewer).kind, "too_many_fields");
    let long = format!("{{\"{}\":1}}", "k".repeat(1_000_000));
    assert_eq!(document(&mut stage, long)["event"]["dataset"], "other");

    let mut plain = support::stage("filter { }");
    let out =
        document(&mut plain, r#"{"a":1,"b":{"c":1,"c":2},"a":3,"\u0061":4,"x.y":5,"x":{"y":6}}"#);
    assert_eq!((&out["a"], &out["b"]), (&json!(4), &json!({"c": 2})));
    assert_eq!((&out["x.y"], &out["x"]), (&json!(5), &json!({"y": 6})));
}

#[test]
fn hostile_09_bytes_that_are_no_text() {
    let mut stage = default_stage();
    let rejected = rejection(&mut stage, &b"{\"log_type\":\"error\",\"message\":\"caf\xe9\"}"[..]);
    assert_eq!((&*rejected.kind, rejected.position_bytes), ("invalid_utf8", Some(34)));
    let mark = document(&mut stage, &b"\xef\xbb\xbf{\"log_type\":\"error\",\"message\":\"m\"}"[..]);
    assert_eq!(mark["message"], "m");
    let odd =
        document(&mut stage, r#"{"log_type":"error","message":"a\ud800b\u0000c\u001b[31md"}"#);
    let text = odd["message"].as_str().expect("test data is good");
    assert_eq!(text, "a\u{fffd}b\u{0}c\u{1b}[31md");
    assert!(
        odd["tags"].as_array().expect("test data is good").contains(&json!("_lone_surrogate")),
        "{odd}"
    );
    let raw_control = &b"{\"message\":\"a\x00b\"}"[..];
    assert_eq!(rejection(&mut stage, raw_control).kind, "invalid_json");
    let mut plain = support::stage("filter { }");
    let Verdict::Forward(records) = verdict(&mut plain, record(&b"\xff\xfe\0"[..], Codec::Plain))
    else {
        panic!("not forwarded");
    };
    let out: Value = serde_json::from_slice(&records[0].payload).expect("test data is good");
    assert_eq!(out["tags"], json!(["_invalid_utf8"]));
}

#[test]
fn hostile_10_numbers_stay_exact_or_stand_aside() {
    let mut stage = default_stage();
    let out = document(
        &mut stage,
        r#"{"log_type":"transaction","order_id":"ORD-1","amount":"12,50","tax":"NaN","shipping_cost":-0,"user_id":9007199254740993}"#,
    );
    for name in ["amount", "tax"] {
        assert!(out["shop"]["order"].get(name).is_none(), "{out}");
        assert!(out["shop"]["unparsed"].to_string().contains(name), "{out}");
    }
    assert_eq!(out["user"]["id"], "9007199254740993");
    assert_eq!(rejection(&mut stage, r#"{"amount":NaN}"#).kind, "invalid_json");
    let beyond = support::forwarded(&mut stage, r#"{"log_type":"transaction","tax":1e400}"#);
    let mut event = event::Event::new();
    event.decode_json(&beyond.payload, 0, &event::Limits::documents()).expect("test data is good");
    assert!(event.get(&event::FieldPath::dotted("shop.order.tax")).is_none());
    // As text: a reader of JSON would round.
    let exact = support::forwarded(
        &mut stage,
        r#"{"log_type":"transaction","amount":"90071992547409.93"}"#,
    );
    let text = String::from_utf8(exact.payload.to_vec()).expect("test data is good");
    assert!(text.contains(r#""amount":90071992547409.93"#), "{text}");
}

#[test]
fn hostile_11_templates_in_values_are_text() {
    let hostile = [
        "${jndi:ldap://x/a}",
        "{{ 7*7 }}",
        "%{message}",
        "%{[@metadata][source]}",
        "%{+YYYY}",
        "%{{TIME_NOW}}",
    ];
    let mut stage = default_stage();
    for text in hostile {
        let out = document(
            &mut stage,
            json!({"log_type": "error", "message": text, text: text}).to_string(),
        );
        assert_eq!(out["message"], text);
    }
    let mut copying = support::stage(
        r#"filter {
            mutate { add_field => { "copy" => "<%{message}>" "[deep][%{name}]" => "%{message}" } add_tag => "%{message}" }
            mutate { gsub => [ "copy", "<", "%{message}" ] }
        }"#,
    );
    for text in hostile {
        let out = document(&mut copying, json!({"message": text, "name": "n"}).to_string());
        assert_eq!(out["copy"], format!("{text}{text}>"));
        assert_eq!(out["tags"], json!([text]));
        assert_eq!(out["deep"]["n"], text);
    }
}

#[test]
fn hostile_12_names_from_values_stay_within_the_list() {
    let mut stage = default_stage();
    for name in [
        "../../etc/passwd",
        "a\nb",
        "*",
        "x,y",
        &"l".repeat(300),
        "TRANSACTION/..",
        "logs-*",
        "-error",
        "",
        ".",
    ] {
        let out = document(
            &mut stage,
            json!({"log_type": name, "shop": name, "tenant": name, "organization": {"id": name}})
                .to_string(),
        );
        let known =
            ["transaction", "error", "user_behavior", "performance", "fraud_detection", "other"];
        assert!(
            known.contains(&out["event"]["dataset"].as_str().expect("test data is good")),
            "{name}: {out}"
        );
        assert_eq!(out["organization"]["id"], "default", "{name}");
    }
}

#[test]
fn hostile_13_one_event_stays_one_line() {
    let forged = "ok\r\n{\"log_type\":\"transaction\",\"amount\":1}\nnext\u{2028}";
    let mut stage = default_stage();
    let out = document(
        &mut stage,
        json!({"log_type": "error", "message": forged, "host": forged, "k\ney": forged})
            .to_string(),
    );
    assert_eq!(out["message"], forged);
    // A payload laid out over many lines is one line afterwards, unknown keys and all.
    let pretty = "{\n  \"log_type\": \"error\",\r\n  \"message\": \"m\",\n  \"extra\": {\n    \"a\": [\n      1,\r\n 2\n    ]\n  }\n}";
    assert_eq!(document(&mut stage, pretty)["message"], "m");
    let mut untouched = support::stage("filter { }");
    assert_eq!(document(&mut untouched, pretty)["extra"], json!({"a": [1, 2]}));
}

#[test]
fn hostile_16_classes_and_looks_within_each_other_are_read_once() {
    let grok = |pattern: &str, line: &str| {
        let pipeline =
            format!(r#"filter {{ grok {{ match => {{ "message" => '{pattern}' }} }} }}"#);
        document(&mut support::stage(&pipeline), json!({"message": line}).to_string())["a"].clone()
    };
    // Read again for what stands before it, each class within another took twice the time.
    let classes = format!("(?<a>{}b{}+)", "[x-".repeat(30), "]".repeat(30));
    assert_eq!(grok(&classes, "ax-bc"), "x-b");
    assert_eq!(grok(r"(?<a>[+-[0-9]]+)", "x-1+2"), "-1+2");
    // No name between the colons: a class of one within a class.
    assert_eq!(grok(r"(?<a>[[:]]+)", "a::b"), "::");
    assert_eq!(grok(r"(?<a>[^[:]|x]+):[[:digit:]]", "x ab:1"), " ab");
    let looks = format!("{}a{}", "(?=".repeat(60_000), ")".repeat(60_000));
    let pipeline = format!(r#"filter {{ grok {{ match => {{ "message" => '{looks}' }} }} }}"#);
    let source = Source::new("a.conf", pipeline);
    let mistakes = plan::parse_and_compile(&source, Syntax::default(), &Environment::default());
    let said = mistakes.expect_err("no engine goes so deep")[0].to_string();
    assert!(said.contains("nest"), "{said}");
}
