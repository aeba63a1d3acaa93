//! The shipped pipeline for access logs, from lines to whole documents.

use bus::{Codec, Record, RecordId};
use bytes::Bytes;
use enricher::Environment;
use enricher::language::{Source, Syntax};
use enricher::plan::{Program, parse_and_compile};
use event::Event;
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z.
const RECEIVED_AT_NS: i64 = 1_767_225_600_000_000_000;

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn pipeline() -> Program {
    let text = include_str!("../pipelines/access-log.conf");
    let source = Source::new("access-log.conf", text);
    parse_and_compile(&source, Syntax::default(), &Environment::default())
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
        .instance()
}

/// The document of a line, without what every document has of its record.
fn document(program: &mut Program, line: &[u8]) -> Value {
    let record = Record {
        id: RecordId([7; 16]),
        received_at_ns: RECEIVED_AT_NS,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        codec: Codec::Plain,
        payload: Bytes::copy_from_slice(line),
        ..Record::default()
    };
    let mut event = Event::new();
    event.start_plain(&record.payload, RECEIVED_AT_NS);
    let mut out = Vec::new();
    assert_eq!(program.run(&mut event, &record, |event, _| event.write_json(&mut out)), 1);
    let document: Value = serde_json::from_slice(&out).expect("documents are JSON");
    assert_eq!(document["event"]["dataset"], "other");
    let Value::Object(mut fields) = document else { panic!("documents are objects") };
    for name in ["ecs", "organization", "event"] {
        fields.remove(name);
    }
    Value::Object(fields)
}

#[test]
fn a_line_becomes_a_document() {
    let line = format!(
        r#"193.0.6.139 - frank [10/Oct/2025:13:55:36 -0700] "GET /a/b.gif?c=1 HTTP/1.1" 200 2326 "http://www.example.com/start" "{AGENT}""#
    );
    assert_eq!(
        document(&mut pipeline(), line.as_bytes()),
        json!({
            "@timestamp": "2025-10-10T20:55:36.000Z",
            "message": line,
            "client": {"ip": "193.0.6.139", "geo": {"country_iso_code": "NL"}},
            "user": {"name": "frank"},
            "http": {
                "version": "1.1",
                "request": {"method": "GET", "referrer": "http://www.example.com/start"},
                "response": {"status_code": 200, "body": {"bytes": 2326}},
            },
            "url": {"original": "/a/b.gif?c=1", "path": "/a/b.gif", "query": "c=1"},
            "user_agent": {
                "original": AGENT,
                "name": "Firefox",
                "version": "140.0",
                "os": {"name": "Linux", "full": "Linux"},
                "device": {"name": "Other"},
            },
        })
    );
}

#[test]
fn addresses_of_both_kinds_have_places_and_names_are_no_addresses() {
    let mut program = pipeline();
    let mut client = |address: &str| {
        let line =
            format!(r#"{address} - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.0" 304 - "-" "-""#);
        let document = document(&mut program, line.as_bytes());
        assert_eq!(document.get("tags"), None, "{address}");
        assert_eq!(document["http"]["response"], json!({"status_code": 304}));
        document["client"].clone()
    };
    assert_eq!(
        client("2001:67c:2e8:22::c100:68b"),
        json!({"ip": "2001:67c:2e8:22::c100:68b", "geo": {"country_iso_code": "NL"}})
    );
    assert_eq!(client("10.0.0.7"), json!({"ip": "10.0.0.7"}));
    assert_eq!(client("proxy.example.com"), json!({"address": "proxy.example.com"}));
}

#[test]
fn the_common_format_and_odd_requests_are_read_too() {
    let mut program = pipeline();
    let common = document(
        &mut program,
        br#"192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "OPTIONS * HTTP/1.0" 200 -"#,
    );
    assert_eq!(common["url"], json!({"original": "*"}));
    assert_eq!(common.get("tags"), None);
    let quotes = document(
        &mut program,
        br#"192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "\x16\x03\x01" 400 0 "-" "a \"b\" c""#,
    );
    assert_eq!(quotes["user_agent"]["original"], r#"a \"b\" c"#);
    assert_eq!(quotes["http"]["response"]["status_code"], 400);
    assert_eq!(quotes.get("url"), None);
}

#[test]
fn a_line_that_is_cut_is_kept_and_tagged() {
    let line =
        r#"192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.0" 200 1 "-" "Mozilla/5"#;
    let document = document(&mut pipeline(), line.as_bytes());
    assert_eq!(document["message"], line);
    assert_eq!(document["@timestamp"], "2026-01-01T00:00:00.000Z");
    let tags = document["tags"].as_array().expect("test data is good");
    assert!(tags.contains(&json!("_grokparsefailure")), "{tags:?}");
    assert_eq!(document.get("http"), None);
}

#[test]
fn bytes_of_any_kind_pass() {
    let mut program = pipeline();
    for line in [&b""[..], b"\xff\xfe\x00", &[b'"'; 10_000], &[b'1'; 100_000], b"\n\n\n"] {
        let document = document(&mut program, line);
        assert!(
            document["tags"]
                .as_array()
                .expect("test data is good")
                .contains(&json!("_grokparsefailure"))
        );
    }
}
