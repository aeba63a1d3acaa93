//! What the RFCs' own examples and real senders' lines become, and that no line is lost.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FAILURE_TAG, INVALID_UTF8_TAG, Parser, zone_by_name};

fn parser() -> Parser {
    Parser::new(zone_by_name("UTC").unwrap())
}

/// The record of a line that came in the middle of 2026.
fn record(line: impl AsRef<[u8]>) -> Option<Value> {
    let received_at_ns = event::parse_iso8601("2026-07-02T12:00:00Z").unwrap();
    let record = parser().record(line.as_ref(), received_at_ns)?;
    Some(serde_json::from_slice(&record).unwrap())
}

/// Time, host, program, process and message.
fn parts(line: &str) -> Value {
    let record = record(line).unwrap();
    let syslog = &record["log"]["syslog"];
    json!([
        record["@timestamp"],
        syslog["hostname"],
        syslog["appname"],
        syslog["procid"],
        record["message"]
    ])
}

#[test]
fn a_record_has_the_names_of_logstash_and_of_ecs() {
    let line = "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 42 ID47 \
                [exampleSDID@32473 iut=\"3\" eventSource=\"Application\"] \u{feff}An event";
    assert_eq!(
        record(line).unwrap(),
        json!({
            "@timestamp": "2003-10-11T22:14:15.003Z",
            "message": "An event",
            "host": { "name": "mymachine.example.com", "hostname": "mymachine.example.com" },
            "process": { "name": "evntslog", "pid": 42 },
            "log": {
                "level": "notice",
                "syslog": {
                    "priority": 165,
                    "facility": { "code": 20, "name": "local4" },
                    "severity": { "code": 5, "name": "Notice" },
                    "version": "1",
                    "hostname": "mymachine.example.com",
                    "appname": "evntslog",
                    "procid": "42",
                    "msgid": "ID47",
                    "structured_data": {
                        "exampleSDID@32473": { "iut": "3", "eventSource": "Application" }
                    },
                },
            },
            "event": { "original": line },
        })
    );
}

#[test]
fn the_examples_of_rfc_3164() {
    assert_eq!(
        parts("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"),
        json!([
            "2026-10-11T22:14:15.000Z",
            "mymachine",
            "su",
            null,
            "'su root' failed for lonvick on /dev/pts/8"
        ])
    );
    assert_eq!(parts("Use the BFG!"), json!([null, null, null, null, "Use the BFG!"]));
    // The RFC says itself that here CST is the host, and 1987 the beginning of the message.
    let example = "<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time.  %%";
    assert_eq!(
        parts(example),
        json!([
            "2026-08-24T05:34:00.000Z",
            "CST",
            null,
            null,
            "1987 mymachine myproc[10]: %% It's time.  %%"
        ])
    );
    let example =
        "<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All!";
    assert_eq!(parts(example), json!([null, null, null, null, &example[3..]]));
}

#[test]
fn headers_of_rfc_3164_that_lack_a_part() {
    let time = "2026-11-23T02:29:04.000Z";
    for (line, expected) in [
        ("<13>Nov 23 02:29:04 web-01 app[1]: m", json!([time, "web-01", "app", "1", "m"])),
        ("<13>Nov 23 02:29:04 app[1]: m", json!([time, null, "app", "1", "m"])),
        ("<13>Nov 23 02:29:04 app: m", json!([time, null, "app", null, "m"])),
        ("<13>Nov 23 02:29:04 web-01 app[]: m", json!([time, "web-01", "app", null, "m"])),
        ("<13>Nov 23 02:29:04 web-01 app[1] m", json!([time, "web-01", null, null, "app[1] m"])),
        (
            "<13>Nov 23 02:29:04 web-01 two words: m",
            json!([time, "web-01", null, null, "two words: m"]),
        ),
        ("<13>Nov 23 02:29:04 2001:db8::1 app: m", json!([time, "2001:db8::1", "app", null, "m"])),
        ("<13>Nov 23 02:29:04 web-01 app:  m ", json!([time, "web-01", "app", null, " m "])),
        ("<13>Nov 23 02:29:04 web-01", json!([time, "web-01", null, null, ""])),
        ("<13>Nov 23 02:29:04", json!([time, null, null, null, ""])),
        ("<13>", json!([null, null, null, null, ""])),
        ("<13>m", json!([null, null, null, null, "m"])),
        ("<13>2 files", json!([null, null, null, null, "2 files"])),
        ("<13> Nov 23 02:29:04 h: m", json!([null, null, null, null, " Nov 23 02:29:04 h: m"])),
        ("<13>2026-11-23T02:29:04Z web-01 app: m", json!([time, "web-01", "app", null, "m"])),
    ] {
        assert_eq!(parts(line), expected, "{line}");
    }
}

#[test]
fn devices_of_cisco_mark_their_clocks_and_messages() {
    let time = "2026-11-23T02:29:04.000Z";
    let link = "%LINK-3-UPDOWN";
    for (head, host, app) in [
        ("<187>29: *Nov 23 02:29:04: ", None, link),
        ("<187>29: .Nov 23 02:29:04 UTC: ", None, link),
        ("<187>29: 000031: Nov 23 02:29:04 CET: ", None, link),
        ("<187>29: edge-1: *Nov 23 2026 02:29:04 UTC: ", Some("edge-1"), link),
        ("<187>: 2026 Nov 23 02:29:04 UTC: ", None, "%ETHPORT-5-IF_UP"),
        ("<187>Nov 23 2026 02:29:04 asa01: ", Some("asa01"), "%ASA-6-302013"),
        ("<187>Nov 23 2026 02:29:04 asa01 : ", Some("asa01"), "%ASA-6-302013"),
        ("<187>2026-11-23T02:29:04Z: ", None, "%ASA-6-302013"),
        ("<187>Nov 23 02:29:04 edge-1 29: *Nov 23 02:29:03.999 UTC: ", Some("edge-1"), link),
        ("<187>Nov 23 02:29:04 edge-1 29: ", Some("edge-1"), link),
        ("<187>Nov 23 02:29:04 edge-1 : 2026 Nov 23 02:29:03 UTC: ", Some("edge-1"), link),
        ("<187>2026-11-23T02:29:04Z asa01 : ", Some("asa01"), "%ASA-6-302013"),
        ("<187>29: *Nov 23 02:29:04 SAST: ", None, link),
        ("<187>*Nov 23 02:29:04 SAST: ", None, link),
        ("<187>: 2026 Nov 23 02:29:04 BRST: ", None, "%ETHPORT-5-IF_UP"),
        ("<187>29: edge-1: *Nov 23 02:29:04 SAST: ", Some("edge-1"), link),
        ("<187>Nov 23 02:29:04 edge-1 29: *Nov 23 02:29:03.999 SAST: ", Some("edge-1"), link),
        ("<187>Nov 23 02:29:04 FWA: ", Some("FWA"), "%ASA-6-302013"),
        ("<187>29: Nov 23 02:29:04 FW01: ", Some("FW01"), "%ASA-6-302013"),
        ("<187>29: Nov 23 02:29:04 FW: ", Some("FW"), "%ASA-6-302013"),
        ("<189>2026 Nov 23 02:29:04 n7k-1 ", Some("n7k-1"), "%DAEMON-3-SYSTEM_MSG"),
        ("<189>2026 Nov 23 02:29:04 n7k-1: ", Some("n7k-1"), "%DAEMON-3-SYSTEM_MSG"),
        ("<189>2026 Nov 23 02:29:04 ", None, "%DAEMON-3-SYSTEM_MSG"),
    ] {
        let line = format!("{head}{app}: up: m");
        assert_eq!(parts(&line), json!([time, host, app, null, "up: m"]), "{line}");
    }
    let untimed = json!([null, null, "%SYS-5-CONFIG_I", null, "m"]);
    assert_eq!(parts("<189>29: %SYS-5-CONFIG_I: m"), untimed);
    assert_eq!(parts("<189>%SYS-5-CONFIG_I: m"), untimed);
}

#[test]
fn times_of_cisco_with_fractions_and_the_parts_of_a_router() {
    let time = "2026-11-23T02:29:04.123Z";
    assert_eq!(
        parts("<189>2026 Nov 23 02:29:04.123 n7k-1 %DAEMON-3-SYSTEM_MSG: x"),
        json!([time, "n7k-1", "%DAEMON-3-SYSTEM_MSG", null, "x"])
    );
    for zone in [" UTC: ", " SAST: ", ": "] {
        let line = format!(
            "<189>123: RP/0/RSP0/CPU0:Nov 23 02:29:04.123{zone}config[65710]: %MGBL-SYS-5-CONFIG_I : x"
        );
        let expected = json!([time, null, "%MGBL-SYS-5-CONFIG_I", "65710", "x"]);
        assert_eq!(parts(&line), expected, "{line}");
    }
    let unknown = "RP/0/RSP0/CPU0:Nov 23 02:29:04.123 UTC: config: no mnemonic";
    assert_eq!(parts(&format!("<189>{unknown}"))[0], json!(null), "it is no device's");
}

#[test]
fn what_breaks_the_rules_is_kept_whole_and_tagged() {
    for (line, priority) in [
        ("<14>1 yesterday h a - - - m", 14),
        ("<14>1 2026-11-23T02:29:04Z h a - -", 14),
        ("<14>1 2026-11-23T02:29:04Z h a - - [x", 14),
        ("<14>1 2026-11-23T02:29:04Z h a - - -m", 14),
        ("<14>1 2026-11-23T02:29:04Z  h a - - - m", 14),
        ("<14>2 2026-11-23T02:29:04Z h a - - - m", 14),
        ("<999>Oct 11 22:14:15 h a: m", 13),
        ("<34", 13),
    ] {
        let record = record(line).unwrap();
        assert_eq!(record["message"], line);
        assert_eq!(record["event"]["original"], line);
        assert_eq!(record["tags"], json!([FAILURE_TAG]), "{line}");
        assert_eq!(record["log"]["syslog"]["priority"], priority);
        assert_eq!(record.get("@timestamp"), None);
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_marked_and_framing_is_no_message() {
    let latin = record(b"<13>Nov 23 02:29:04 h app: caf\xe9 \xff\r\n").unwrap();
    assert_eq!(latin["message"], "caf\u{fffd} \u{fffd}");
    assert_eq!(latin["tags"], json!([INVALID_UTF8_TAG]));
    assert_eq!(latin["event"]["original"], "<13>Nov 23 02:29:04 h app: caf\u{fffd} \u{fffd}");
    let kept = STANDARD.decode(latin["event"]["original_base64"].as_str().unwrap()).unwrap();
    assert_eq!(kept, b"<13>Nov 23 02:29:04 h app: caf\xe9 \xff", "no byte of it is lost");
    for end in ["", "\n", "\r\n", "\0", "\0\n", "\n\0"] {
        assert_eq!(record(format!("<13>m {end}")).unwrap()["message"], "m ");
        assert_eq!(record(end), None, "nothing is no event");
    }
    assert_eq!(record("<13>m\n\n").unwrap()["message"], "m\n", "one is framing, the second is not");
}

#[test]
fn absent_and_empty_messages_are_told_apart() {
    let head = "<14>1 2026-11-23T02:29:04Z h a - - -";
    assert_eq!(record(head).unwrap().get("message"), None);
    assert_eq!(record(format!("{head} ")).unwrap()["message"], "");
    assert_eq!(record(format!("{head} \u{feff}")).unwrap()["message"], "");
    let shortest = record("<0>1 - - - - - -").unwrap();
    assert_eq!((shortest.get("host"), shortest.get("process")), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_line_is_a_record_that_holds_it(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "<34>", "<", ">", "1 ", "2 ", "2026-11-23T02:29:04Z", "Nov 23 02:29:04", " ", "-", "h", "a[1]",
                ": ", ":", "[x@1 p=\"v\"]", "[", "]", "\"", "\\", "%ASA-6-1", "29: ", "*", "é", "\u{feff}",
                "2026 ", "UTC", "\0", "\n",
            ]),
            1..16,
        ),
    ) {
        let line = words.concat();
        if let Some(record) = record(&line) {
            let original = record["event"]["original"].as_str().unwrap();
            prop_assert!(!original.is_empty() && line.starts_with(original));
            if let Some(message) = record["message"].as_str() {
                prop_assert!(original.ends_with(message));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_fail(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _record = record(&line);
    }
}
