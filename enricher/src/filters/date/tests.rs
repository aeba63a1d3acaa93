//! Times as logs write them, and as no log should.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::filter::{Applied, Environment};
use crate::filters::trial::Trial;
use crate::language::{Source, Syntax};
use crate::plan::parse_and_compile;

fn read(formats: &str, value: Value) -> Value {
    let mut date = Trial::new(&format!("date {{ match => [\"t\", {formats}] }}"));
    let event = date.run(json!({"t": value.clone()}));
    assert_eq!(event["t"], value, "the field stays");
    match event.get("tags") {
        Some(tags) => {
            assert_eq!(event["@timestamp"], "2024-06-15T12:00:00.000Z", "the time stays");
            tags.clone()
        }
        None => event["@timestamp"].clone(),
    }
}

#[test]
fn reads_the_eight_forms_of_shops() {
    let formats = r#""ISO8601", "UNIX", "UNIX_MS", "dd/MMM/yyyy:HH:mm:ss Z""#;
    for (value, expected) in [
        (json!("2026-11-20T00:02:52.400Z"), "2026-11-20T00:02:52.400Z"),
        (json!("2026-11-20T00:02:52Z"), "2026-11-20T00:02:52.000Z"),
        (json!("2026-11-20T03:32:52+03:30"), "2026-11-20T00:02:52.000Z"),
        (json!(1_795_132_972_400_i64), "2026-11-20T00:02:52.400Z"),
        (json!("1795132972"), "2026-11-20T00:02:52.000Z"),
        (json!("2026-11-20 08:00:00,000"), "2026-11-20T08:00:00.000Z"),
        (json!("20/Nov/2026:08:00:00 +0000"), "2026-11-20T08:00:00.000Z"),
        (json!(1_795_132_972.25), "2026-11-20T00:02:52.250Z"),
    ] {
        assert_eq!(read(formats, value.clone()), expected, "{value}");
    }
}

#[test]
fn reads_iso_8601_in_all_its_forms() {
    for (text, expected) in [
        ("2026", "2026-01-01T00:00:00.000Z"),
        ("2026-11", "2026-11-01T00:00:00.000Z"),
        ("2026-11-24", "2026-11-24T00:00:00.000Z"),
        ("2026-328", "2026-11-24T00:00:00.000Z"),
        ("2026-W48-2", "2026-11-24T00:00:00.000Z"),
        ("2026-11-24T08", "2026-11-24T08:00:00.000Z"),
        ("2026-11-24T08:30Z", "2026-11-24T08:30:00.000Z"),
        ("2026-11-24t08:30:15.1234567891+0130", "2026-11-24T07:00:15.123456789Z"),
        ("2026-11-24 08:30:15 -01", "2026-11-24T09:30:15.000Z"),
        ("2026-12-31T23:59:60Z", "2026-12-31T23:59:59.000Z"),
    ] {
        assert_eq!(read("ISO8601", json!(text)), expected, "{text}");
    }
}

#[test]
fn reads_epochs_and_tai64n() {
    assert_eq!(read("UNIX", json!("1478207457.456")), "2016-11-03T21:10:57.456Z");
    assert_eq!(read("UNIX", json!(0)), "1970-01-01T00:00:00.000Z");
    assert_eq!(read("UNIX", json!("-1.5")), "1969-12-31T23:59:58.500Z");
    assert_eq!(read("UNIX", json!(1.478_207_457e9)), "2016-11-03T21:10:57.000Z");
    assert_eq!(
        read("TAI64N", json!("@4000000050d506482dbdf024")),
        "2012-12-22T01:00:46.767422500Z"
    );
}

/// Hostile input 25: years at the edges, days that do not exist, units that are not what they seem.
#[test]
fn hostile_25_times_that_are_none() {
    let failed = json!(["_dateparsefailure"]);
    let formats = r#""ISO8601", "UNIX", "UNIX_MS""#;
    for value in [
        json!("0000-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("1600-01-01T00:00:00Z"),
        json!("2023-02-29T00:00:00Z"),
        json!("2026-13-01"),
        json!("2026-11-24T25:00:00Z"),
        json!("2026-11-24T08:00:00+99:00"),
        json!("yesterday"),
        json!(""),
        json!("12e"),
        json!("1e400"),
        // Nanoseconds are larger than any count of milliseconds.
        json!(1_795_132_972_400_000_000_i64),
        json!({"a": 1}),
        json!(true),
    ] {
        assert_eq!(read(formats, value.clone()), failed, "{value}");
    }
    assert_eq!(read(formats, json!("1970-01-01T00:00:00Z")), "1970-01-01T00:00:00.000Z");
    assert_eq!(read(formats, json!("2024-02-29T00:00:00Z")), "2024-02-29T00:00:00.000Z");
    // Seconds where milliseconds are meant cannot be told from January 1970.
    assert_eq!(read("UNIX_MS", json!(1_795_132_972)), "1970-01-21T18:38:52.972Z");
}

/// Hostile input 25: the local time that a change of the clock skips.
#[test]
fn hostile_25_a_skipped_hour_fails() {
    let mut date = Trial::new(
        r#"date { match => ["t", "MMM dd HH:mm:ss", "yyyy-MM-dd HH:mm"] timezone => "CET" }"#,
    );
    date.received_at_ns = event::parse_iso8601("2016-03-29T23:59:50Z").unwrap();
    assert_eq!(date.run(json!({"t": "Mar 27 02:00:01"}))["tags"], json!(["_dateparsefailure"]));
    assert_eq!(date.run(json!({"t": "Mar 27 03:00:01"}))["@timestamp"], "2016-03-27T01:00:01.000Z");
}

/// Hostile input 25: 31 December read on 1 January.
#[test]
fn hostile_25_the_year_is_near_the_receipt() {
    let mut date = Trial::new(r#"date { match => ["t", "MMM dd HH:mm:ss"] }"#);
    date.received_at_ns = event::parse_iso8601("2014-01-01T00:30:50Z").unwrap();
    assert_eq!(date.run(json!({"t": "Dec 31 23:59:00"}))["@timestamp"], "2013-12-31T23:59:00.000Z");
}

#[test]
fn the_event_may_name_its_zone() {
    let mut date = Trial::new(r#"date { match => ["t", "ISO8601"] timezone => "%{zone}" }"#);
    let event = date.run(json!({"t": "2007-12-09T10:00:00", "zone": "America/Caracas"}));
    assert_eq!(event["@timestamp"], "2007-12-09T14:30:00.000Z");
    let event = date.run(json!({"t": "2007-12-09T10:00:00", "zone": "Nowhere"}));
    assert_eq!(event["tags"], json!(["_dateparsefailure"]));
}

#[test]
fn another_target_leaves_the_events_time() {
    let mut date = Trial::new(
        r#"date { match => ["t", "ISO8601"] target => "[a][b]" tag_on_failure => ["bad"] }"#,
    );
    let event = date.run(json!({"t": ["2013-01-01"]}));
    assert_eq!(event["a"]["b"], "2013-01-01T00:00:00.000Z");
    assert_eq!(event["@timestamp"], "2024-06-15T12:00:00.000Z");
    assert_eq!(date.run(json!({"t": "x"}))["tags"], json!(["bad"]));
}

#[test]
fn a_fraction_is_kept_whole_or_cut_to_milliseconds() {
    for (precision, after, before) in [
        ("ns", "2024-02-29T00:00:00.123456789Z", "1969-12-31T23:59:59.999900000Z"),
        ("ms", "2024-02-29T00:00:00.123Z", "1969-12-31T23:59:59.999Z"),
    ] {
        let mut date = Trial::new(&format!(
            r#"date {{ match => ["t", "ISO8601"] target => "u" precision => "{precision}" }}"#
        ));
        assert_eq!(date.run(json!({"t": "2024-02-29T00:00:00.123456789Z"}))["u"], after);
        assert_eq!(date.run(json!({"t": "1969-12-31T23:59:59.9999Z"}))["u"], before);
    }
}

#[test]
fn a_locale_counts_only_where_names_are_read() {
    for (format, locale, text) in [
        ("dd MMM yyyy", "en", "29 Feb 2024"),
        ("dd MMM yyyy", "en_US", "29 Feb 2024"),
        // Digits are the same in every language.
        ("dd.MM.yyyy", "de-DE", "29.02.2024"),
        // Nothing is known of its names: they are English.
        ("dd MMM yyyy", "xx", "29 Feb 2024"),
    ] {
        let options = format!(r#"match => ["t", "{format}"] locale => "{locale}""#);
        let out = Trial::new(&format!("date {{ {options} }}")).run(json!({"t": text}));
        assert_eq!(out["@timestamp"], "2024-02-29T00:00:00.000Z", "{options}");
    }
    for (format, locale) in [("dd MMM yyyy", "fr-FR"), ("EEE dd.MM.yyyy", "de"), ("hh a", "el_GR")]
    {
        let options = format!(r#"match => ["t", "ISO8601", "{format}"] locale => "{locale}""#);
        let refusal = Trial::refusal(&format!("date {{ {options} }}"));
        assert!(refusal.contains(&format!("not as `{locale}` has them")), "{refusal}");
    }
}

#[test]
fn a_check_warns_where_names_of_an_unknown_language_are_read_in_english() {
    let warnings = |options: &str| {
        let text = format!("filter {{ date {{ {options} }} }}");
        let source = Source::new("test.conf", text);
        let environment = Environment { wants_warnings: true, ..Environment::default() };
        let plan = parse_and_compile(&source, Syntax::default(), &environment);
        let plan = plan.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        plan.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for locale in ["fa", "fa-IR", "%{[user][language]}"] {
        let said = warnings(&format!(r#"match => ["t", "dd MMM yyyy"] locale => "{locale}""#));
        let [said] = said.as_slice() else { panic!("{locale}: {said:?}") };
        assert!(said.contains("read in English here, whatever"), "{said}");
        assert!(said.contains(&format!("`{locale}`")) && said.contains("gsub"), "{said}");
    }
    for (format, locale) in [("dd.MM.yyyy", "fa"), ("ISO8601", "fa"), ("dd MMM yyyy", "en-GB")] {
        let said = warnings(&format!(r#"match => ["t", "{format}"] locale => "{locale}""#));
        assert_eq!(said, Vec::<String>::new(), "{format} {locale}");
    }
}

#[test]
fn a_missing_field_is_no_failure() {
    let mut date = Trial::new(r#"date { match => ["t", "ISO8601"] }"#);
    for event in [json!({}), json!({"t": null}), json!({"t": []})] {
        let (applied, event) = date.apply(event);
        assert_eq!(applied, Applied::NotMatched);
        assert_eq!(event.get("tags"), None);
    }
}

#[test]
fn refuses_what_it_cannot_do() {
    for (options, said) in [
        (r#"match => ["t"]"#, "no format"),
        ("match => []", "is empty"),
        (r#"match => ["t", "yyyy-MM-ddTHH"]"#, "`T`"),
        (r#"match => ["t", "yy G"]"#, "era"),
        (r#"match => ["t", "ISO8601"] timezone => "Mars""#, "`Mars`"),
        (r#"match => ["[t", "ISO8601"]"#, "field reference"),
        (r#"match => ["t", "ISO8601"] precision => "us""#, "`precision` cannot be `us`"),
        ("", "needs the option `match`"),
    ] {
        let refusal = Trial::refusal(&format!("date {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,40}") {
        Trial::new(r#"date { match => ["t", "ISO8601", "UNIX", "UNIX_MS", "TAI64N", "EEE MMM dd yy hh:mm:ss.SSS a Z"] }"#)
            .run(json!({"t": text}));
    }

    #[test]
    fn no_near_miss_panics(text in "[0-9TtWwZz:., +\u{e9}-]{0,32}") {
        Trial::new(r#"date { match => ["t", "ISO8601", "UNIX"] }"#).run(json!({"t": text}));
    }

    #[test]
    fn every_instant_is_read_back(timestamp_ns in i64::MIN..i64::MAX) {
        let mut text = Vec::new();
        event::format_timestamp(timestamp_ns, &mut text);
        let text = String::from_utf8(text).unwrap();
        let mut date = Trial::new(r#"date { match => ["t", "ISO8601"] }"#);
        let event = date.run(json!({"t": text.clone()}));
        prop_assert_eq!(event["@timestamp"].as_str(), Some(text.as_str()));
    }
}
