//! Generated events go in through every door and are found, typed and counted as the generator knows.

mod support;

use std::collections::BTreeMap;
use std::net::UdpSocket;

use jiff::Timestamp;
use millrace::generate::{Generator, Options, Summary};
use serde_json::Value;
use support::{Platform, eventually, text, tool_with_input};

const EVENTS: u64 = 200_000;
const EXPECTED: &str = include_str!("expected/events.json");

fn options(count: u64) -> Options {
    Options {
        count,
        seed: 20_261_124,
        start: "2026-11-20T00:00:00Z".parse().expect("a time"),
        span_seconds: 24 * 3_600,
        malformed_share: 0.02,
        dirty_share: 0.03,
        customers: 5_000,
    }
}

fn lines(options: Options) -> (Vec<u8>, Summary) {
    let mut generator = Generator::new(options);
    let mut out = Vec::new();
    for line in generator.by_ref() {
        out.extend_from_slice(&line);
        out.push(b'\n');
    }
    (out, generator.summary().clone())
}

/// Waits until every stage has settled what was sent, and gives the ledgers by stage.
fn settled(platform: &Platform, sent: u64) -> BTreeMap<String, Value> {
    eventually("the end of the line", || {
        let status = platform.status();
        let stages: BTreeMap<String, Value> = status["stages"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|stage| (stage["stage"].as_str().unwrap_or_default().to_owned(), stage.clone()))
            .collect();
        let number = |stage: &str, field: &str| {
            stages.get(stage).and_then(|ledger| ledger[field].as_u64()).unwrap_or(0)
        };
        let documents = number("enricher", "outputs");
        let scores = number("fraud-worker", "outputs");
        let done = number("enricher", "received") == sent
            && number("fraud-worker", "received") == documents
            && number("indexer", "forwarded") == documents + scores
            && stages.values().all(|ledger| ledger["in_flight"] == 0);
        if done { Ok(stages.clone()) } else { Err(status["stages"].to_string()) }
    })
}

#[test]
fn two_hundred_thousand_events_are_counted_and_typed() {
    let (lines, summary) = lines(options(EVENTS));
    let expected: Summary = serde_json::from_str(EXPECTED).expect("the committed table");
    assert_eq!(summary, expected, "the generator changed: its table must be made anew");
    let platform = Platform::start(&[]);
    platform.send_tcp(&lines);

    let stages = settled(&platform, EVENTS);
    for (stage, ledger) in &stages {
        assert_eq!(ledger["balance"], 0, "{stage}: {ledger}");
    }
    let dead: BTreeMap<String, u64> =
        serde_json::from_value(stages["enricher"]["dead"].clone()).expect("counts by kind");
    assert_eq!(dead, expected.dead_by_kind);
    let scores = stages["fraud-worker"]["outputs"].as_u64().expect("a number");
    assert_eq!(scores, expected.by_type["transaction"]);
    assert_eq!(platform.count("type:fraud_score"), scores);
    for (log_type, count) in &expected.by_type {
        assert_eq!(platform.count(&format!("type:{log_type}")), *count, "{log_type}");
    }
    for (day, count) in &expected.by_day {
        let days =
            platform.count(&format!("_index:ecommerce-logs-*-{day} AND NOT type:fraud_score"));
        let today = Timestamp::now().strftime("%Y.%m.%d").to_string();
        let undated = if *day == today { expected.no_usable_timestamp } else { 0 };
        assert_eq!(days, count + undated, "{day}");
    }
    assert_eq!(platform.count("tags:_timestampparsefailure"), expected.no_usable_timestamp);

    every_field_has_its_type(&platform, expected.well_formed + scores);
}

fn every_field_has_its_type(platform: &Platform, documents: u64) {
    let mut seen = 0;
    let mut hashed = 0;
    let all = ["query", "", "--json", "--from", "1970-01-02T00:00:00Z", "--limit", "1000000"];
    for line in platform.ask(&all).lines() {
        let mut document: Value = serde_json::from_str(line).expect("JSON");
        // The tool prints these before the document's own fields.
        let printed = document.as_object_mut().expect("an object");
        assert!(printed.remove("_id").is_some() && printed.remove("_index").is_some());
        let mistakes = schema::check_document(&document);
        assert!(mistakes.is_empty(), "{mistakes:?} in {document}");
        assert!(document["user"].get("email").is_none(), "an e-mail in clear: {document}");
        hashed += u64::from(document["user"].get("hash").is_some());
        seen += 1;
    }
    assert_eq!(seen, documents);
    assert!(hashed > 0, "no e-mail was hashed");
}

#[test]
fn two_hundred_addresses_have_the_countries_of_the_database() {
    let table: Vec<(&str, &str)> = include_str!("expected/countries.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect();
    assert_eq!(table.len(), 200);
    let mut lines = String::new();
    for (address, _) in &table {
        lines.push_str(&format!("{{\"log_type\":\"error\",\"client_ip\":\"{address}\"}}\n"));
    }
    let platform = Platform::start(&[]);
    let sent = platform.send(lines.as_bytes(), &[]);
    assert_eq!(text(&sent.stdout).trim(), "200 accepted, 0 refused");
    settled(&platform, 200);
    let found: BTreeMap<String, String> = platform
        .documents("type:error", 500)
        .iter()
        .map(|document| {
            let country = &document["client"]["geo"]["country_iso_code"];
            let address = document["client"]["ip"].as_str().expect("an address").to_owned();
            (address, country.as_str().unwrap_or("-").to_owned())
        })
        .collect();
    for (address, country) in table {
        assert_eq!(found.get(address).map(String::as_str), Some(country), "{address}");
    }
}

#[test]
fn the_newest_event_is_found_within_two_seconds() {
    let platform = Platform::start(&[]);
    for round in 0..3 {
        let line = format!("{{\"log_type\":\"error\",\"message\":\"needle{round}\"}}\n");
        let sent = std::time::Instant::now();
        platform.send_tcp(line.as_bytes());
        eventually("the newest event", || match platform.count(&format!("needle{round}")) {
            1 => Ok(()),
            other => Err(format!("{other} found")),
        });
        let elapsed = sent.elapsed();
        assert!(elapsed.as_millis() < 2_000, "found after {elapsed:?}");
    }
}

#[test]
fn every_door_leads_to_the_same_place() {
    let platform = Platform::start(&[]);
    let line = |name: &str| format!(r#"{{"log_type":"user_behavior","action":"{name}"}}"#);
    platform.send_tcp(line("by_tcp").as_bytes());
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    udp.send_to(line("by_udp").as_bytes(), platform.addresses.udp.expect("a UDP door"))
        .expect("sent");
    let ndjson = format!("{}\n{}\n", line("by_ndjson"), line("by_ndjson"));
    assert_eq!(post(&platform, &[], ndjson.as_bytes())["accepted"], 2);
    let array = format!("[{},\n {}]", line("by_array"), line("by_array"));
    assert_eq!(post(&platform, &[], array.as_bytes())["accepted"], 2);
    assert_eq!(post(&platform, &[], line("by_object").as_bytes())["accepted"], 1);
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, line("by_gzip").as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    };
    assert_eq!(post(&platform, &["content-encoding: gzip"], &gzip)["accepted"], 1);
    let zstd = zstd::encode_all(line("by_zstd").as_bytes(), 1).expect("memory");
    assert_eq!(post(&platform, &["content-encoding: zstd"], &zstd)["accepted"], 1);
    let mixed = format!("{}\nnonsense\n{{\"a\":1}}x\n", line("by_mixed"));
    let answer = post(&platform, &[], mixed.as_bytes());
    assert_eq!(answer["accepted"], 1);
    let refused: Vec<_> = answer["refused"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| (line["line"].as_u64(), line["kind"].as_str()))
        .collect();
    assert_eq!(refused, [(Some(2), Some("not_an_object")), (Some(3), Some("trailing_data"))]);

    let expected = [
        ("by_tcp", 1),
        ("by_udp", 1),
        ("by_ndjson", 2),
        ("by_array", 2),
        ("by_object", 1),
        ("by_gzip", 1),
        ("by_zstd", 1),
        ("by_mixed", 1),
    ];
    for (name, count) in expected {
        eventually(name, || match platform.count(&format!("event.action:{name}")) {
            found if found == count => Ok(()),
            other => Err(format!("{other} of {count}")),
        });
    }
}

#[test]
fn sdks_agents_and_clients_find_the_http_door_at_addresses_of_their_own() {
    let platform = Platform::start(&[
        "--http-listen",
        "off",
        "--set",
        "ingest_gateway.otlp.http_listen=127.0.0.1:0",
        "--set",
        "ingest_gateway.bulk.listen=127.0.0.1:0",
    ]);
    let addresses = &platform.addresses;
    assert_eq!((addresses.http, addresses.otlp_grpc), (None, None));
    for door in [addresses.otlp_http, addresses.bulk] {
        let url = format!("http://{}", door.expect("it is open"));
        let sent = tool_with_input(&["send", "--url", &url], b"{\"message\":\"unchanged\"}\n");
        assert!(sent.status.success(), "{}", text(&sent.stderr));
    }
    eventually("both events", || match platform.count("unchanged") {
        2 => Ok(()),
        other => Err(format!("{other} found")),
    });
    eventually("the start table", || {
        let logged = platform.logged();
        let rows = ["OTLP over HTTP   http://127.0.0.1:", "_bulk            http://127.0.0.1:"];
        if rows.iter().all(|row| logged.contains(row)) { Ok(()) } else { Err(logged) }
    });
}

fn post(platform: &Platform, headers: &[&str], body: &[u8]) -> Value {
    let url = format!("http://{}/v1/logs", platform.addresses.http.expect("an HTTP door"));
    let file = platform.data().join("body");
    std::fs::write(&file, body).expect("a file");
    let mut curl = std::process::Command::new("curl");
    curl.args(["--silent", "--show-error", "--data-binary"]).arg(format!("@{}", file.display()));
    for header in headers {
        curl.args(["--header", header]);
    }
    let answer = curl.arg(url).output().expect("curl runs");
    assert!(answer.status.success(), "{}", text(&answer.stderr));
    serde_json::from_slice(&answer.stdout).expect("JSON")
}
