//! What events of a door are before the first filter.

use std::collections::BTreeMap;

use bus::described_request::DescriptionWriter;
use bus::{Codec, JoinLimit, Joined, Record};
use bytes::Bytes;
use bytestring::ByteString;
use event::{Limits, RefusalKind};
use serde_json::{Value, json};

use super::InputConfig;
use crate::config::Config;
use crate::language::{Source, Syntax};
use crate::plan::parse_and_compile;
use crate::{Environment, Processor};

/// What comes out of a pipeline without filters that looks at `[@metadata]`, for a record of the door `listener`.
fn run(listener: &str, input: Value, record: Record) -> Result<Value, (RefusalKind, usize)> {
    let input: InputConfig = serde_json::from_value(input).unwrap();
    let inputs = BTreeMap::from([(listener.to_owned(), input)]);
    let environment = Environment { inputs, ..Environment::default() };
    let source = Source::new("test.conf", "filter { } # [@metadata]");
    let plan = parse_and_compile(&source, Syntax::default(), &environment).unwrap();
    let mut out = Value::Null;
    let record = Record { listener: listener.into(), ..record };
    let ran = Processor::new(&plan, Limits::default()).run(&record, |event, _| {
        let mut json = Vec::new();
        event.write_json(&mut json);
        out = serde_json::from_slice(&json).unwrap();
        let metadata = event.child(event.root(), "@metadata").unwrap();
        json.clear();
        event.raw(metadata, &mut json);
        out["@metadata"] = serde_json::from_slice(&json).unwrap();
    });
    ran.map_err(|refusal| (refusal.kind, refusal.position_bytes))?;
    Ok(out)
}

fn record(codec: Codec, payload: &'static [u8]) -> Record {
    let payload = Bytes::from_static(payload);
    Record { codec, payload, source: "192.0.2.7".into(), ..Record::default() }
}

#[test]
fn what_an_input_adds_stands_beside_what_came() {
    let input = json!({
        "type": "nginx", "tags": ["web", "of-%{n}"],
        "add_field": {"shop": ["north"], "n": ["two"], "[a][b]": ["%{[@metadata][source]}"]},
    });
    let out =
        run("tcp", input.clone(), record(Codec::Json, b"{\"n\":1,\"tags\":\"own\"}")).unwrap();
    assert_eq!(out["type"], "nginx");
    assert_eq!((&out["shop"], &out["n"]), (&json!("north"), &json!([1, "two"])));
    assert_eq!(out["a"]["b"], "192.0.2.7");
    assert_eq!(out["tags"], json!(["own", "web", "of-1,two"]));
    let out = run("tcp", input, record(Codec::Json, b"{\"type\":\"own\"}")).unwrap();
    assert_eq!(out["type"], "own");
}

#[test]
fn inputs_of_files_are_told_apart_by_their_names() {
    let config: Config = serde_json::from_value(json!({"inputs": {
        "file": {"type": "shop"}, "file-2": {"type": "nginx", "tags": ["web"]},
        "tcp-2": {}, "beats-north": {}, "syslog-2": {}, "http-2": {}, "udp-2": {}, "unix-2": {},
        // No input of the door can be called so.
        "file-": {}, "file-Nginx": {}, "kafka-2": {}, "tcp-": {},
    }}))
    .unwrap();
    let mut findings = service::config::Findings::default();
    service::config::Check::check(&config, &mut findings);
    let said = format!("{findings:?}");
    assert_eq!(said.matches("there is no door of this name").count(), 4, "{said}");
    let environment = Environment { inputs: config.inputs, ..Environment::default() };
    let source = Source::new("test.conf", "filter { }");
    let plan = parse_and_compile(&source, Syntax::default(), &environment).unwrap();
    let mut processor = Processor::new(&plan, Limits::default());
    for (listener, kind, tags) in [
        ("file", "shop", Value::Null),
        ("file-2", "nginx", json!(["web"])),
        ("file-3", "", Value::Null),
    ] {
        let of_file = Record { listener: listener.into(), ..record(Codec::Plain, b"a line") };
        let mut out = Value::Null;
        let ran = processor.run(&of_file, |event, _| {
            let mut json = Vec::new();
            event.write_json(&mut json);
            out = serde_json::from_slice(&json).unwrap();
        });
        assert_eq!(ran, Ok(1));
        assert_eq!((out["type"].as_str().unwrap_or_default(), &out["tags"]), (kind, &tags));
    }
}

#[test]
fn the_sender_has_an_address_where_nothing_else_stands() {
    let input = json!({"sender_fields": ["host", "[@metadata][input][tcp][source][ip]"]});
    let out = run("tcp", input.clone(), record(Codec::Plain, b"a line")).unwrap();
    assert_eq!(out["host"], "192.0.2.7");
    assert_eq!(out["@metadata"]["input"]["tcp"]["source"]["ip"], "192.0.2.7");
    let out = run("tcp", input.clone(), record(Codec::Json, b"{\"host\":{\"name\":\"web-1\"}}"));
    assert_eq!(out.unwrap()["host"], json!({"name": "web-1"}));
    let of_file = Record { source: "/var/log/a".into(), ..record(Codec::Plain, b"a line") };
    assert!(run("file", input, of_file).unwrap()["host"].is_null(), "a path is no address");
}

#[test]
fn a_target_takes_what_a_line_holds() {
    let input = json!({"target": "[doc][body]"});
    let run = |payload| run("tcp", input.clone(), record(Codec::Json, payload));
    let out = run(b" {\"a\":[1],\"@timestamp\":\"2020-01-01T00:00:00Z\"} ").unwrap();
    assert_eq!(out["doc"]["body"], json!({"a": [1], "@timestamp": "2020-01-01T00:00:00Z"}));
    assert_eq!(out["@timestamp"], "1970-01-01T00:00:00.000Z", "the event's own is its receipt");
    assert!(out["a"].is_null());
    assert_eq!(run(b"  [1]"), Err((RefusalKind::NotAnObject, 2)));
    assert_eq!(run(b"{\"a\":}").unwrap_err().0, RefusalKind::InvalidJson);
}

#[test]
fn text_of_another_encoding_is_read_and_kept_as_text() {
    let input = json!({"charset": "ISO-8859-1", "original": true});
    let out = run("udp", input.clone(), record(Codec::Plain, b"Montr\xe9al")).unwrap();
    assert_eq!((&out["message"], &out["tags"]), (&json!("Montréal"), &Value::Null));
    assert_eq!(out["event"]["original"], "Montréal");
    let out = run("udp", input, record(Codec::Json, b"{\"message\":\"\xe9\"}")).unwrap();
    assert_eq!((&out["message"], &out["event"]), (&json!("é"), &Value::Null), "JSON is not kept");
}

#[test]
fn json_of_doors_that_say_so_is_utf_8_beside_text_of_another_encoding() {
    let input = json!({"charset": "ISO-8859-1"});
    for door in ["http", "beats", "syslog", "http-2", "beats-north", "syslog-2"] {
        let sent = "{\"message\":\"Montréal\"}".as_bytes();
        let out = run(door, input.clone(), record(Codec::Json, sent)).unwrap();
        assert_eq!(out["message"], "Montréal", "{door}");
    }
    let out = run("http", input, record(Codec::Plain, b"Montr\xe9al")).unwrap();
    assert_eq!(out["message"], "Montréal");
}

#[test]
fn no_sender_says_where_it_is_in_the_words_of_the_platform() {
    let input = json!({"sender_fields": ["[@metadata][input][beats][host][ip]", "host"]});
    let sent = b"{\"@metadata\":{\"input\":{\"beats\":{\"host\":{\"ip\":\"10.0.0.1\"}}}},\"host\":\"own\"}";
    let out = run("beats", input, record(Codec::Json, sent)).unwrap();
    assert_eq!(out["@metadata"]["input"]["beats"]["host"]["ip"], "192.0.2.7");
    assert_eq!(out["host"], "own");
}

#[test]
fn joined_lines_are_told_with_their_limit() {
    let of = |is_several, limit, input| {
        let content_type = Joined { is_several, limit }.content_type().unwrap_or_default().into();
        let out = run("tcp", input, Record { content_type, ..record(Codec::Plain, b"a\n b") });
        out.unwrap()["tags"].clone()
    };
    let tagged = json!({"multiline_tag": "multiline"});
    assert_eq!(of(true, None, tagged.clone()), json!(["multiline"]));
    assert_eq!(of(false, None, tagged.clone()), Value::Null);
    assert_eq!(
        of(true, Some(JoinLimit::Bytes), tagged),
        json!(["multiline", "multiline_codec_max_bytes_reached"])
    );
    assert_eq!(
        of(true, Some(JoinLimit::Lines), json!({"multiline_tag": ""})),
        json!(["multiline_codec_max_lines_reached"])
    );
}

#[test]
fn events_of_beats_keep_their_words_and_are_told_what_became_of_them() {
    let input = json!({"codec_tags": true, "original": true});
    let sent = b"{\"@metadata\":{\"beat\":\"filebeat\",\"shop\":\"forged\"},\"message\":\"m\"}";
    let out = run("beats", input.clone(), record(Codec::Json, sent)).unwrap();
    assert_eq!(out["@metadata"]["beat"], "filebeat");
    assert_eq!(out["@metadata"]["shop"], "", "no sender says whose it is");
    assert_eq!(out["@metadata"]["listener"], "beats");
    assert_eq!(out["tags"], json!(["beats_input_codec_plain_applied"]));
    assert_eq!(out["event"]["original"], "m");
    let out = run("beats", input.clone(), record(Codec::Json, b"{\"metric\":1}")).unwrap();
    assert_eq!((&out["tags"], &out["event"]), (&json!(["beats_input_raw_event"]), &Value::Null));
    let out = run("beats-2", input.clone(), record(Codec::Json, sent)).unwrap();
    assert_eq!(out["@metadata"]["beat"], "filebeat", "a further door of the kind");
    assert_eq!(out["@metadata"]["listener"], "beats-2");
    assert_eq!(out["tags"], json!(["beats_input_codec_plain_applied"]));
    for other in ["tcp", "tcp-2"] {
        let out = run(other, input.clone(), record(Codec::Json, sent)).unwrap();
        assert!(out["@metadata"]["beat"].is_null() && out["tags"].is_null(), "{other}");
    }
}

/// A content type that tells of a request with these headers.
fn told(headers: &[(&str, &str)]) -> ByteString {
    let mut description = DescriptionWriter::new("text/plain", "POST", "/meh.json?a=1", "HTTP/1.1");
    for (name, value) in headers {
        assert!(description.header(name, value.as_bytes()));
    }
    description.finish()
}

/// A record that is told of such a request.
fn over_http(codec: Codec, payload: &'static [u8], headers: &[(&str, &str)]) -> Record {
    Record { content_type: told(headers), ..record(codec, payload) }
}

const HEADERS: [(&str, &str); 6] = [
    ("host", "localhost:8080"),
    ("user-agent", "test-agent/1.0"),
    ("content-length", "5"),
    ("content-type", "text/plain"),
    ("accept", "*/*"),
    ("x-forwarded-for", "192.0.2.9"),
];

#[test]
fn a_request_is_one_object_without_ecs() {
    let input = json!({"request_headers": "headers"});
    let expected = json!({
        "request_method": "POST", "request_path": "/meh.json?a=1", "http_version": "HTTP/1.1",
        "http_host": "localhost:8080", "http_user_agent": "test-agent/1.0", "http_accept": "*/*",
        "content_length": "5", "content_type": "text/plain", "x_forwarded_for": "192.0.2.9",
    });
    for door in ["http", "http-2"] {
        let sent = over_http(Codec::Plain, b"hello", &HEADERS);
        let out = run(door, input.clone(), sent).unwrap();
        assert_eq!((&out["headers"], &out["message"]), (&expected, &json!("hello")), "{door}");
        assert_eq!((&out["http"], &out["url"]), (&Value::Null, &Value::Null));
        assert_eq!(out["@metadata"]["content_type"], "text/plain");
    }
    let untold = Record { content_type: "text/plain".into(), ..record(Codec::Plain, b"hello") };
    assert!(run("http", input.clone(), untold).unwrap()["headers"].is_null());
    let elsewhere = over_http(Codec::Plain, b"hello", &HEADERS);
    assert!(run("kafka", input, elsewhere).unwrap()["headers"].is_null(), "not of that door");
}

#[test]
fn a_request_is_in_fields_of_ecs_and_its_headers_among_the_words_of_the_platform() {
    let field = "[@metadata][input][http][request][headers]";
    let input = json!({"request_headers": field, "request_fields": true});
    let out = run("http", input.clone(), over_http(Codec::Plain, b"hello", &HEADERS)).unwrap();
    let request = json!({"body": {"bytes": "5"}, "mime_type": "text/plain"});
    assert_eq!(out["http"], json!({"version": "HTTP/1.1", "method": "POST", "request": request}));
    assert_eq!(out["url"], json!({"path": "/meh.json?a=1", "domain": "localhost", "port": 8080}));
    assert_eq!(out["user_agent"], json!({"original": "test-agent/1.0"}));
    let headers = &out["@metadata"]["input"]["http"]["request"]["headers"];
    assert_eq!(headers["x_forwarded_for"], "192.0.2.9");
    assert!(out["headers"].is_null());
    let bare = run("http", input, over_http(Codec::Plain, b"hello", &[])).unwrap();
    assert_eq!(bare["url"], json!({"path": "/meh.json?a=1"}));
    assert!(bare["user_agent"].is_null());
}

#[test]
fn no_body_says_how_it_came() {
    let input = json!({"request_headers": "headers", "request_fields": true});
    let sent =
        b"{\"headers\":{\"x_admin\":\"1\"},\"http\":{\"method\":\"GET\",\"own\":1},\"url\":\"/x\"}";
    let headers = [("x-a", "1"), ("x_a", "2"), ("request-method", "GET"), ("http_host", "forged")];
    let out = run("http", input, over_http(Codec::Json, sent, &headers)).unwrap();
    assert_eq!(
        out["headers"],
        json!({
            "request_method": "POST", "request_path": "/meh.json?a=1", "http_version": "HTTP/1.1",
            "http_accept": null, "http_host": null, "http_user_agent": null, "x_a": "2",
        })
    );
    assert_eq!((&out["http"]["method"], &out["http"]["own"]), (&json!("POST"), &json!(1)));
    assert_eq!(out["url"], "/x", "what stands in the way of a field stays");
}

#[test]
fn no_body_says_what_its_request_does_not() {
    let input = json!({"request_fields": true});
    let sent = b"{\"url\":{\"domain\":\"forged\",\"port\":22,\"own\":1},\"user_agent\":{\"original\":\"forged\"},\
        \"http\":{\"request\":{\"body\":{\"bytes\":1,\"own\":2},\"mime_type\":\"forged\"}}}";
    for (headers, url) in [
        (&[][..], json!({"path": "/meh.json?a=1", "own": 1})),
        (
            &[("host", "shop.example")],
            json!({"path": "/meh.json?a=1", "own": 1, "domain": "shop.example"}),
        ),
    ] {
        let out = run("http", input.clone(), over_http(Codec::Json, sent, headers)).unwrap();
        assert_eq!(out["url"], url);
        assert_eq!(
            out["http"],
            json!({"version": "HTTP/1.1", "method": "POST", "request": {"body": {"own": 2}}})
        );
        assert!(out["user_agent"]["original"].is_null(), "{out}");
    }
}

#[test]
fn a_header_sent_with_an_underscore_takes_the_place_of_no_usual_one() {
    let input = json!({"request_headers": "headers", "request_fields": true});
    let others =
        [("user_agent", "other/9"), ("content_type", "other/type"), ("Content_Length", "9")];
    let both: Vec<_> = HEADERS.into_iter().chain(others).collect();
    let out = run("http", input.clone(), over_http(Codec::Plain, b"hello", &both)).unwrap();
    for (name, expected) in [
        ("http_user_agent", "test-agent/1.0"),
        ("content_type", "text/plain"),
        ("content_length", "5"),
    ] {
        assert_eq!(out["headers"][name], expected, "{name}");
    }
    assert_eq!(out["user_agent"]["original"], "test-agent/1.0");
    let request = json!({"body": {"bytes": "5"}, "mime_type": "text/plain"});
    assert_eq!(out["http"]["request"], request);
    let out = run("http", input, over_http(Codec::Plain, b"hello", &others)).unwrap();
    assert_eq!(out["headers"]["http_user_agent"], "other/9", "there is no other one");
}

#[test]
fn headers_with_a_name_of_their_own_are_null_where_a_request_has_none() {
    let input = json!({"request_headers": "headers"});
    let out = run("http", input, over_http(Codec::Plain, b"hello", &HEADERS[..1])).unwrap();
    assert_eq!(
        out["headers"],
        json!({
            "request_method": "POST", "request_path": "/meh.json?a=1", "http_version": "HTTP/1.1",
            "http_host": "localhost:8080", "http_accept": null, "http_user_agent": null,
        })
    );
}

#[test]
fn each_record_has_the_request_that_brought_it() {
    let input = InputConfig { request_headers: Some("h".to_owned()), ..InputConfig::default() };
    let inputs = BTreeMap::from([("http".to_owned(), input)]);
    let environment = Environment { inputs, ..Environment::default() };
    let source = Source::new("test.conf", "filter { }");
    let plan = parse_and_compile(&source, Syntax::default(), &environment).unwrap();
    let mut processor = Processor::new(&plan, Limits::default());
    let (north, south) = (told(&[("x-shop", "north")]), told(&[("x-shop", "south")]));
    let untold = ByteString::from_static("text/plain");
    let mut shops = Vec::new();
    for content_type in [&north, &north, &untold, &south, &north] {
        let content_type = content_type.clone();
        let sent = Record { content_type, listener: "http".into(), ..record(Codec::Plain, b"a") };
        let ran = processor.run(&sent, |event, _| {
            let mut json = Vec::new();
            event.write_json(&mut json);
            let out: Value = serde_json::from_slice(&json).unwrap();
            shops.push(out["h"]["x_shop"].as_str().unwrap_or("none").to_owned());
        });
        assert_eq!(ran, Ok(1));
    }
    assert_eq!(shops, ["north", "north", "none", "south", "north"]);
}

#[test]
fn words_of_the_platform_that_nobody_asks_for_are_not_made() {
    let field = "[@metadata][input][http][request][headers]".to_owned();
    let input = InputConfig { request_headers: Some(field), ..InputConfig::default() };
    let inputs = BTreeMap::from([("http".to_owned(), input)]);
    let environment = Environment { inputs, ..Environment::default() };
    let plan = |text: &str| {
        let source = Source::new("test.conf", text);
        parse_and_compile(&source, Syntax::default(), &environment).unwrap()
    };
    for (text, is_made) in [("filter { }", false), ("filter { } # [@metadata]", true)] {
        let mut processor = Processor::new(&plan(text), Limits::default());
        let sent = over_http(Codec::Plain, b"hello", &HEADERS);
        let sent = Record { listener: "http".into(), ..sent };
        let ran = processor.run(&sent, |event, _| {
            assert_eq!(event.child(event.root(), "@metadata").is_some(), is_made, "{text}");
        });
        assert_eq!(ran, Ok(1));
    }
}

#[test]
fn settings_that_name_no_field_are_refused() {
    let config: Config = serde_json::from_value(json!({"inputs": {
        "tcp": {
            "sender_fields": ["a[b"], "target": "@timestamp", "tags": ["%{+bb}"],
            "request_headers": "c[d",
            "add_field": {"[x": ["y"]},
        },
        "carrier_pigeon": {},
    }}))
    .unwrap();
    let mut findings = service::config::Findings::default();
    service::config::Check::check(&config, &mut findings);
    let said = format!("{findings:?}");
    for part in ["`a[b`", "`c[d`", "`@timestamp`", "`[x`", "there is no door of this name"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
