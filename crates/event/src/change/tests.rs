//! Changes and output, as a user of the pipeline sees them.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::growth::assert_linear;
use crate::{Event, FieldPath, Limits, NodeId, Refusal};

fn event(text: &str) -> Event {
    let mut event = Event::new();
    event
        .decode_json(
            &Bytes::copy_from_slice(text.as_bytes()),
            1_700_000_000_000_000_000,
            &Limits::default(),
        )
        .unwrap();
    event
}

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

/// Builds a value from JSON text within the limits of documents.
fn new_json(event: &mut Event, json: &str) -> Result<NodeId, Refusal> {
    event.new_json_within(json.as_bytes(), &Limits::documents())
}

fn written(event: &Event) -> Value {
    let mut out = Vec::new();
    event.write_json(&mut out);
    let mut value: Value = serde_json::from_slice(&out).unwrap();
    value.as_object_mut().unwrap().remove("@timestamp");
    value
}

#[test]
fn an_unchanged_event_is_written_as_it_came() {
    let event = event(r#"{"a": {"b" : [1, 2.50, "\u00e9"]}, "n": 12345678901234567890.10}"#);
    let mut out = Vec::new();
    event.write_json(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"@timestamp":"2023-11-14T22:13:20.000Z","a":{"b" : [1, 2.50, "\u00e9"]},"n":12345678901234567890.10}"#
    );
}

#[test]
fn fields_are_set_moved_copied_and_removed() {
    let mut event = event(r#"{"a":{"b":1,"c":"x"},"list":[1,2,3],"gone":true}"#);
    assert!(event.rename(&path("[a][b]"), &path("[d][e]")));
    assert!(event.copy(&path("list"), &path("[d][list]")));
    assert!(event.set_text(&path("[list][-1]"), "last \"one\""));
    assert!(event.remove(&path("gone")));
    assert!(!event.set_text(&path("[a][c][deeper]"), "blocked"));
    assert!(event.append(&path("[a][c]"), "y"));
    assert_eq!(
        written(&event),
        json!({"a":{"c":["x","y"]},"list":[1,2,"last \"one\""],"d":{"e":1,"list":[1,2,3]}})
    );
}

#[test]
fn a_path_may_begin_at_a_container() {
    let mut event = event(r#"{"list":[{"a":{"b":1}},"x"]}"#);
    let elements: Vec<_> = event.get(&path("list")).map(|id| event.elements(id).collect()).unwrap();
    let found = event.get_within(elements[0], &path("[a][b]")).unwrap();
    assert_eq!(event.scalar_text(found).unwrap(), "1");
    assert_eq!(event.get_within(elements[1], &path("a")), None);
    for (element, placed) in [(elements[0], true), (elements[1], false)] {
        let added = event.new_text("now");
        assert_eq!(event.place_within(element, &path("@timestamp"), added), placed);
        let added = event.new_text("c");
        assert_eq!(event.place_within(element, &path("[a][c]"), added), placed);
    }
    let expected = json!({"list": [{"a": {"b": 1, "c": "c"}, "@timestamp": "now"}, "x"]});
    assert_eq!(written(&event), expected);
}

#[test]
fn a_blocked_way_loses_nothing() {
    let text = r#"{"a":{"b":1},"s":"x","list":[1,{"k":2}]}"#;
    let untouched: Value = serde_json::from_str(text).unwrap();
    for (from, to) in [
        ("a", "[s][deep]"),
        ("[list][0]", "[list][0][x]"),
        ("[list][1][k]", "[s][x]"),
        ("a", "[list][name]"),
        ("gone", "b"),
    ] {
        let mut event = event(text);
        assert!(!event.rename(&path(from), &path(to)), "{from} {to}");
        assert_eq!(written(&event), untouched, "{from} {to}");
        assert!(!event.copy(&path(from), &path(to)), "{from} {to}");
        assert_eq!(written(&event), untouched, "{from} {to}");
    }
    let mut event = event(text);
    assert!(event.rename(&path("a"), &path("[a][was]")));
    assert!(event.rename(&path("[list][0]"), &path("[list][0]")));
    assert_eq!(written(&event), json!({"a":{"was":{"b":1}},"s":"x","list":[1,{"k":2}]}));
}

#[test]
fn what_finds_no_place_in_its_shorter_array_stays() {
    let text = r#"{"l":[1,{"k":2},3]}"#;
    let untouched: Value = serde_json::from_str(text).unwrap();
    for (from, to) in [
        ("[l][0]", "[l][3]"),
        ("[l][2]", "[l][3]"),
        ("[l][0]", "[l][1][k]"),
        ("[l][1]", "[l][-3]"),
        ("[l][1]", "@timestamp"),
    ] {
        let mut event = event(text);
        assert!(!event.rename(&path(from), &path(to)), "{from} {to}");
        assert_eq!(written(&event), untouched, "{from} {to}");
        // The list is whole from both ends.
        let list = event.get(&path("l")).unwrap();
        assert!(event.remove(&path("[l][2]")) && event.remove(&path("[l][0]")));
        let added = event.new_null();
        event.push(list, added);
        assert_eq!(written(&event), json!({"l":[{"k":2},null]}), "{from} {to}");
    }
    let mut event = event(text);
    assert!(event.rename(&path("[l][0]"), &path("[l][2]")));
    assert_eq!(written(&event), json!({"l":[{"k":2},3,1]}));
}

#[test]
fn what_was_taken_out_with_all_others_is_not_found_under_another_name() {
    let mut event = event(r#"{"a":1,"b":2}"#);
    let taken = event.detach_all(event.root()).unwrap();
    event.rename_in_place(taken, "c");
    assert_eq!((event.get(&path("a")), event.get(&path("c"))), (None, None));
    event.set_text(&path("d"), "x");
    event.set_text(&path("c"), "y");
    assert_eq!(written(&event), json!({"d":"x","c":"y"}));
}

#[test]
fn a_replaced_field_keeps_its_place() {
    let mut event = event(r#"{"first":1,"sec\u006fnd":2,"last":3}"#);
    event.set_text(&path("second"), "x");
    event.set_bool(&path("last"), true);
    event.append(&path("first"), "y");
    let mut out = Vec::new();
    event.write_json(&mut out);
    assert!(
        String::from_utf8(out)
            .unwrap()
            .ends_with(r#","first":[1,"y"],"sec\u006fnd":"x","last":true}"#)
    );
}

#[test]
fn the_time_is_moved_as_text_and_taken_from_text() {
    let mut event = event("{}");
    assert!(event.copy(&path("@timestamp"), &path("[event][created]")));
    assert_eq!(written(&event), json!({"event":{"created":"2023-11-14T22:13:20.000Z"}}));
    event.set_text(&path("when"), "2026-01-02T03:04:05Z");
    assert!(event.rename(&path("when"), &path("@timestamp")));
    assert_eq!(event.timestamp_ns, 1_767_323_045_000_000_000);
    assert!(!event.set_text(&path("@timestamp"), "soon"));
    assert_eq!(written(&event), json!({"event":{"created":"2023-11-14T22:13:20.000Z"}}));
}

#[test]
fn dotted_and_nested_names_are_two_fields() {
    let mut event = event(r#"{"a.b":1,"a":{"b":2}}"#);
    assert!(event.rename(&FieldPath::key("a.b"), &path("c")));
    assert_eq!(written(&event), json!({"a":{"b":2},"c":1}));
    assert!(event.get(&FieldPath::dotted("a.b")).is_some());
}

#[test]
fn tags_are_an_array_of_strings() {
    let mut event = event(r#"{"tags":"one"}"#);
    event.add_tag("two");
    event.add_tag("two");
    assert!(event.has_tag("one") && event.has_tag("two"));
    event.remove_tag("one");
    assert_eq!(written(&event), json!({"tags":["two"]}));
    event.push_tag("two");
    assert_eq!(written(&event), json!({"tags":["two","two"]}));
    let mut single = self::event(r#"{"tags":"foo"}"#);
    single.remove_tag("bar");
    assert_eq!(written(&single), json!({"tags":["foo"]}));
}

#[test]
fn hostile_13_a_document_is_one_line() {
    let mut event = event("{\n \"a\": {\r\n  \"b\" : [1,\n 2, \"x\\ny\"]\n }\n}\n");
    let list = new_json(&mut event, "[1,\n2]").unwrap();
    event.place(&path("c"), list);
    event.set_text(&path("d"), "one\r\n{\"fake\":1}");
    let mut out = Vec::new();
    event.write_json(&mut out);
    assert!(!out.contains(&b'\n') && !out.contains(&b'\r'));
    assert_eq!(
        written(&event),
        json!({"a":{"b":[1,2,"x\ny"]},"c":[1,2],"d":"one\r\n{\"fake\":1}"})
    );
}

#[test]
fn metadata_is_never_output() {
    let mut event = event(r#"{"\u0040metadata":{"a":1}}"#);
    event.set_text(&path("[@metadata][secret]"), "x");
    assert_eq!(written(&event), json!({}));
}

#[test]
fn the_events_own_timestamp_is_taken_or_kept_aside() {
    assert_eq!(
        event(r#"{"@timestamp":"2026-11-20T00:02:52.4+03:30"}"#).timestamp_ns % 1_000_000_000,
        400_000_000
    );
    let unusable = event(r#"{"@timestamp":"yesterday"}"#);
    assert_eq!(unusable.timestamp_ns, 1_700_000_000_000_000_000);
    assert_eq!(
        written(&unusable),
        json!({"_@timestamp":"yesterday","tags":["_timestampparsefailure"]})
    );
}

#[test]
fn references_follow_logstash() {
    assert_eq!(path("[[a][b]][c]").to_string(), "[a][b][c]");
    assert_eq!(path("[[a]][b c]").to_string(), "[a][b c]");
    for wrong in [
        "",
        "[",
        "]",
        "foo[bar]",
        "[a]b[c]",
        "[a",
        "[]",
        "[[a][b]c][d]",
        "[c[a][b]][d]",
        "[a]][b]",
        "[a][]",
    ] {
        assert!(FieldPath::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn hostile_09_bytes_that_are_no_text_are_marked() {
    let mut event = Event::new();
    event.start_plain(&Bytes::from_static(b"caf\xe9 \x1b[31m\0"), 0);
    assert_eq!(
        written(&event),
        json!({"message":"caf\u{fffd} \u{1b}[31m\u{0}","tags":["_invalid_utf8"]})
    );
}

#[test]
fn json_text_becomes_values() {
    let mut event = event("{}");
    for (name, json) in [
        ("o", r#"{"a":[1,{"b":"\u00e9"}],"a2":null}"#),
        ("n", " 1.50 "),
        ("s", r#""x""#),
        ("l", "[]"),
    ] {
        let value = new_json(&mut event, json).unwrap();
        assert!(event.place(&path(name), value), "{json}");
    }
    let before = written(&event);
    assert_eq!(before, json!({"o":{"a":[1,{"b":"é"}],"a2":null},"n":1.5,"s":"x","l":[]}));
    for wrong in
        ["", "1,2", "1,\"a\":2", "1,\"\":2", "{", "1}", "}{", "{} x", "\"", "nul", "1} ", "\u{e9}"]
    {
        assert!(new_json(&mut event, wrong).is_err(), "{wrong}");
    }
    let limits = Limits { depth_max: 2, nodes_max: 3, ..Limits::default() };
    assert!(event.new_json_within(b"[[1]]", &limits).is_ok());
    for wrong in ["[[[1]]]", "[1,2,3]"] {
        assert!(event.new_json_within(wrong.as_bytes(), &limits).is_err(), "{wrong}");
    }
    assert_eq!(event.new_json_within(b"[1,x]", &limits).unwrap_err().position_bytes, 3);
    assert_eq!(written(&event), before);
}

fn members(prefix: &str, count: usize) -> String {
    let members: Vec<_> = (0..count).map(|n| format!("\"{prefix}{n}\":{n}")).collect();
    members.join(",")
}

#[test]
fn fields_take_the_place_of_their_namesakes_however_many() {
    for count in [3, 200] {
        let mut event = event(&format!("{{{},\"odd\":1}}", members("a", count)));
        let more = format!(r#"{{"\u00611":"x",{},"b0":"z"}}"#, members("b", count));
        let object = new_json(&mut event, &more).unwrap();
        event.take_fields(object);
        let out = written(&event);
        assert_eq!(out.as_object().unwrap().len(), 2 * count + 1);
        assert_eq!((&out["a1"], &out["a2"]), (&json!("x"), &json!(2)));
        assert_eq!((&out["b0"], &out["b1"], &out["odd"]), (&json!("z"), &json!(1), &json!(1)));
    }
}

#[test]
fn metadata_is_not_taken_from_a_text() {
    for name in ["@metadata", r"\u0040metadata"] {
        let mut event = event("{}");
        event.set_text(&path("[@metadata][shop]"), "platform");
        let object = new_json(&mut event, &format!(r#"{{"{name}":{{"shop":"x"}},"a":1}}"#));
        event.take_fields(object.unwrap());
        let shop = event.get(&path("[@metadata][shop]")).unwrap();
        assert_eq!(event.text(shop).unwrap(), "platform");
        assert_eq!(written(&event), json!({"a":1}));
    }
}

#[test]
fn hostile_08_fields_of_a_text_cost_time_in_proportion() {
    assert_linear(|count| {
        let mut event = Event::new();
        let text = format!("{{{},{}}}", members("a", count), members("b", count));
        let object = new_json(&mut event, &format!("{{{}}}", members("b", count))).unwrap();
        event.take_fields(object);
        let object = new_json(&mut event, &text).unwrap();
        event.take_fields(object);
    });
}

#[test]
fn hostile_08_tags_that_repeat_cost_time_in_proportion() {
    assert_linear(|count| {
        let mut event = Event::new();
        let tags = format!("[{}0]", "\"kept\",\"gone\",".repeat(count));
        let tags = new_json(&mut event, &tags).unwrap();
        event.place(&path("tags"), tags);
        event.remove_tag("gone");
        assert!(!event.has_tag("gone"));
    });
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_read_is_written(members in prop::collection::btree_map("[^@]{0,6}", arbitrary_json(), 0..6), set in any::<String>()) {
        let mut value = Value::Object(members.into_iter().collect());
        let mut event = event(&value.to_string());
        prop_assert_eq!(&written(&event), &value);
        event.set_text(&FieldPath::keys(&["new", &set]), &set);
        if value.get("new").is_none_or(Value::is_object) {
            value["new"][&set] = json!(set);
            prop_assert_eq!(&written(&event), &value);
        }
    }
}
