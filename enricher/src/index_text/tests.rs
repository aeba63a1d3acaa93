//! Which index a document is for, as the stage writes it.

use bus::{Positioned, Record, document_type};
use event::Limits;
use pipeline::{Stage, State, Verdict};
use serde_json::{Value, json};

use super::IndexOutline;
use crate::language::{Source, Syntax};
use crate::plan::parse_and_compile;
use crate::{CurrentPlan, EnricherStage, Environment, EscapeStyle, Plan};

/// 2026-12-01T08:00:00Z.
const RECEIVED_AT_NS: i64 = 1_796_112_000_000_000_000;

fn plan(filters: &str, index: Option<&str>) -> Plan {
    let index = index.map(str::to_owned);
    let environment = Environment { index, ..Environment::default() };
    let source = Source::new("test.conf", format!("filter {{ {filters} }}"));
    parse_and_compile(&source, Syntax::default(), &environment).unwrap()
}

fn stage(filters: &str, index: &str) -> EnricherStage {
    EnricherStage::new(&plan(filters, Some(index)), Limits::default())
}

/// The records that an event becomes.
fn made(stage: &mut EnricherStage, event: &Value) -> Vec<Record> {
    let record = Record {
        received_at_ns: RECEIVED_AT_NS,
        shop: "north".into(),
        listener: "tcp".into(),
        payload: event.to_string().into(),
        // What a sender says of itself names no index.
        content_type: "application/json; index=shop-forged".into(),
        ..Record::default()
    };
    let batch = [Positioned { offset: 0, index: 0, record }];
    match stage.process(&batch, &mut State::default()).remove(0) {
        Verdict::Forward(records) => records.into_vec(),
        other => panic!("{other:?}"),
    }
}

/// The index that the only record names, and the tags of its document.
fn named(stage: &mut EnricherStage, event: &Value) -> (Option<String>, Value) {
    let records = made(stage, event);
    assert_eq!(records.len(), 1);
    let document: Value = serde_json::from_slice(&records[0].payload).unwrap();
    let index = document_type::index_of(&records[0].content_type).map(str::to_owned);
    (index, document["tags"].clone())
}

#[test]
fn an_index_is_named_as_logstash_names_it() {
    let event = json!({
        "@timestamp": "2026-11-29T23:59:59.999Z",
        "type": "nginx",
        "fields": {"type": "access.log", "port": 8080},
    });
    for (text, index) in [
        ("shop-%{+YYYY.MM.dd}", "shop-2026.11.29"),
        ("shop-%{{yyyy.MM.dd}}", "shop-2026.11.29"),
        ("shop%{+YYYY-MM-dd}", "shop2026-11-29"),
        ("logstash-%{+xxxx.ww}", "logstash-2026.48"),
        ("shop-%{+YYYY.MM}", "shop-2026.11"),
        ("shop-%{+YYYY}", "shop-2026"),
        ("shop-%{+YYYY.MM.dd.HH}", "shop-2026.11.29.23"),
        ("shop-%{type}-%{+YYYY}", "shop-nginx-2026"),
        ("shop-%{[fields][type]}", "shop-access.log"),
        ("shop_%{[fields][port]}", "shop_8080"),
        ("shop", "shop"),
    ] {
        let mut stage = stage("", text);
        for _ in 0..2 {
            assert_eq!(named(&mut stage, &event), (Some(index.to_owned()), Value::Null), "{text}");
        }
    }
}

#[test]
fn without_a_text_the_platform_names_the_index() {
    let mut stage = EnricherStage::new(&plan("", None), Limits::default());
    let record = &made(&mut stage, &json!({"message": "x"}))[0];
    assert_eq!(record.content_type, "application/json");
}

#[test]
fn hostile_input_12_what_is_no_part_of_a_name_leaves_the_document_to_our_own_index() {
    let long = "x".repeat(300);
    let values = [
        json!("../../etc"),
        json!("a/b"),
        json!("a\nb"),
        json!("*"),
        json!("a,b"),
        json!("Nginx"),
        json!("ä"),
        json!(""),
        json!("a b"),
        json!(".."),
        json!("a..b"),
        json!("<{now/d}>"),
        json!("%{type}"),
        json!("cluster:a"),
        json!("ecommerce-logs-error-2026.12.01"),
        json!(["a", "b"]),
        json!({"a": "b"}),
        json!(null),
        json!(long),
    ];
    for value in values {
        let mut stage = stage("", "shop-%{[fields][type]}-%{+YYYY.MM.dd}");
        let refused: (Option<String>, Value) = (None, json!(["_index_name_refused"]));
        assert_eq!(named(&mut stage, &json!({"fields": {"type": value}})), refused, "{value}");
        assert_eq!(named(&mut stage, &json!({"message": "no field"})), refused);
        // The next one is named again.
        let fit = named(&mut stage, &json!({"fields": {"type": "a"}, "tags": ["own"]}));
        assert_eq!(fit, (Some("shop-a-2026.12.01".to_owned()), json!(["own"])));
    }
    // A name within bounds, and one byte more.
    let mut stage = stage("", "shop-%{a}");
    for (bytes, is_named) in [(123, true), (124, false)] {
        let (index, _) = named(&mut stage, &json!({"a": "x".repeat(bytes)}));
        assert_eq!(index.is_some(), is_named, "{bytes} bytes");
    }
    // A point at the end of the beginning and one of the event are two.
    let mut stage = self::stage("", "shop.%{a}");
    assert_eq!(named(&mut stage, &json!({"a": ".b"})).0, None);
    assert_eq!(named(&mut stage, &json!({"a": "b"})).0.as_deref(), Some("shop.b"));
}

#[test]
fn a_time_that_cannot_be_believed_gives_the_day_of_receipt() {
    let mut stage = stage("", "shop-%{+YYYY.MM.dd}");
    for (time, day, is_believed) in [
        ("2006-12-02T00:00:00Z", "2006.12.02", true),
        ("2006-11-30T00:00:00Z", "2026.12.01", false),
        ("1970-01-01T00:00:00Z", "2026.12.01", false),
        ("2026-12-02T08:00:00Z", "2026.12.02", true),
        ("2026-12-02T08:00:00.001Z", "2026.12.01", false),
        ("9999-01-01T00:00:00Z", "2026.12.01", false),
        ("2026-12-01T00:30:00+01:00", "2026.11.30", true),
    ] {
        let (index, tags) = named(&mut stage, &json!({"@timestamp": time}));
        assert_eq!(index, Some(format!("shop-{day}")), "{time}");
        let is_tagged = tags.to_string().contains("_timestampparsefailure");
        // What is no time at all is tagged where it is decoded.
        assert_eq!(is_tagged, !is_believed, "{time}: {tags}");
    }
    // Where no date is named, none is wrong.
    let mut undated = self::stage("", "shop");
    let event = json!({"@timestamp": "1970-01-01T00:00:00Z"});
    assert_eq!(named(&mut undated, &event), (Some("shop".to_owned()), Value::Null));
}

#[test]
fn words_of_the_pipeline_count_and_those_of_a_sender_do_not() {
    let text = "shop-%{[@metadata][kind]}";
    let mut set = stage("mutate { copy => { name => '[@metadata][kind]' } }", text);
    let forged = json!({"@metadata": {"kind": "forged"}, "name": "a"});
    assert_eq!(named(&mut set, &forged).0.as_deref(), Some("shop-a"));
    // No filter speaks of them here, only the setting.
    let mut unset = stage("", text);
    assert_eq!(named(&mut unset, &json!({"@metadata": {"kind": "forged"}})).0, None);
}

#[test]
fn each_event_of_a_record_has_the_index_that_it_names() {
    let mut parts = stage("split { field => items }", "shop-%{[items][kind]}");
    let event = json!({"items": [{"kind": "a"}, {"kind": "b"}, {"kind": "a"}, {"n": 1}]});
    let records = made(&mut parts, &event);
    let indices: Vec<_> =
        records.iter().map(|record| document_type::index_of(&record.content_type)).collect();
    assert_eq!(indices, [Some("shop-a"), Some("shop-b"), Some("shop-a"), None]);
    // Names that come again are not written again.
    let addresses = [0, 2].map(|at: usize| records[at].content_type.as_ptr());
    assert_eq!(addresses[0], addresses[1]);
}

#[test]
fn more_names_than_are_kept_are_all_right() {
    let mut stage = stage("", "shop-%{n}");
    for number in (0..40).chain(0..40) {
        let (index, _) = named(&mut stage, &json!({"n": number}));
        assert_eq!(index, Some(format!("shop-{number}")));
    }
}

#[test]
fn a_pipeline_that_changes_names_indices_as_the_new_plan_does() {
    let current = CurrentPlan::new(plan("", Some("a-%{+YYYY}")));
    let mut stage = EnricherStage::following(current.clone(), Limits::default());
    let event = json!({"message": "x"});
    assert_eq!(named(&mut stage, &event).0.as_deref(), Some("a-2026"));
    current.replace(plan("", Some("b-%{+YYYY}")));
    assert_eq!(named(&mut stage, &event).0.as_deref(), Some("b-2026"));
    current.replace(plan("", None));
    assert_eq!(named(&mut stage, &event).0, None);
}

#[test]
fn what_is_known_of_a_text_is_its_beginning_and_whether_each_name_ends_with_its_day() {
    for (text, beginning, day_separator) in [
        ("shop-%{+YYYY.MM.dd}", "shop-", Some('.')),
        ("shop-%{{uuuu.MM.dd}}", "shop-", Some('.')),
        ("shop-%{type}-%{+yyyy-MM-dd}", "shop-", Some('-')),
        ("shop%{+YYYY_MM_dd}", "shop", Some('_')),
        ("shop-%{+YYYY.MM.dd.HH}", "shop-", None),
        ("shop-%{+dd.MM.YYYY}", "shop-", None),
        ("shop-%{+YYYY.MM}", "shop-", None),
        ("shop-%{+xxxx.ww}", "shop-", None),
        ("shop-%{+YYYY.MM.dd}-a", "shop-", None),
        ("shop-2026.12.01", "shop-2026.12.01", None),
        ("shop", "shop", None),
    ] {
        let outline = IndexOutline::parse(text, EscapeStyle::None).unwrap();
        let expected = IndexOutline { beginning: beginning.to_owned(), day_separator };
        assert_eq!(outline, expected, "{text}");
    }
}

#[test]
fn a_text_that_cannot_name_an_index_is_refused() {
    for (text, said) in [
        ("", "no fixed beginning"),
        ("%{+YYYY.MM.dd}", "no fixed beginning"),
        ("%{[@metadata][beat]}-%{+YYYY.MM.dd}", "no fixed beginning"),
        ("Shop-%{+YYYY}", "no fixed beginning"),
        ("-shop-%{+YYYY}", "no fixed beginning"),
        (".shop", "no fixed beginning"),
        ("shop-%{+YYYY", "no fixed beginning"),
        ("shop/%{+YYYY}", "no fixed beginning"),
        ("ecommerce-logs-%{+YYYY}", "no fixed beginning"),
        ("shop-%{+MMM}", "no index can have one"),
        ("shop-%{+YYYY.MM.dd HH}", "no index can have one"),
        ("shop-%{+YYYY}-Logs", "no index can have one"),
        ("shop-%{{TIME_NOW}}", "no index can have one"),
        ("shop-%{a}..%{b}", "no index can have one"),
        ("shop-%{[a}", "names no field"),
        ("shop-%{+bbb}", "is no letter of a date format"),
    ] {
        let error = IndexOutline::parse(text, EscapeStyle::None).unwrap_err();
        assert!(error.message.contains(said), "{text}: {error}");
        assert!(!error.way_out.is_empty(), "{text}");
    }
}
