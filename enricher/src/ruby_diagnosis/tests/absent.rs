//! What is `nil` in Ruby and what only looks so; fields whose names are put together.

use serde_json::{Value, json};

use super::{does, of_code};

/// Values that are there, though a condition of a field alone does not hold for some.
fn present() -> [Value; 8] {
    [
        json!(""),
        json!(false),
        json!("false"),
        json!(true),
        json!(0),
        json!("x"),
        json!([1]),
        json!({"k": 1}),
    ]
}

#[test]
fn only_what_is_not_there_is_nil() {
    for code in [
        "event.set('none', 'yes') if event.get('a').nil?",
        "event.set('none', 'yes') if event.get('a') == nil",
        "event.set('none', 'yes') unless event.get('a') != nil",
        "case event.get('a')\nwhen nil then event.set('none', 'yes')\nend",
        "event.set('none', 'yes') unless event.include?('a')",
    ] {
        does(code, json!({}), json!({"none": "yes"}));
        for value in present() {
            does(code, json!({"a": value}), json!({"a": value}));
        }
    }
    does(
        "event.remove('x') if event.get('x').nil?",
        json!({"x": false, "y": 1}),
        json!({"x": false, "y": 1}),
    );
}

#[test]
fn an_empty_text_and_that_of_false_are_true() {
    for (before, after) in [
        (json!({"a": ""}), json!({"a": "", "b": ""})),
        (json!({"a": "x"}), json!({"a": "x", "b": "x"})),
        (json!({"a": "false"}), json!({"a": "false", "b": "false"})),
        (json!({"a": false}), json!({"a": false, "b": "def"})),
        (json!({}), json!({"b": "def"})),
    ] {
        does("event.set('b', event.get('a') || 'def')", before, after);
    }
    let code = "event.set('b', 1) if event.get('a')";
    does(code, json!({"a": ""}), json!({"a": "", "b": 1}));
    does(code, json!({"a": "false"}), json!({"a": "false", "b": 1}));
    does(code, json!({"a": false}), json!({"a": false}));
    does(code, json!({"a": null}), json!({"a": null}));
    let code = "event.set('b', 1) unless event.get('a')";
    does(code, json!({"a": ""}), json!({"a": ""}));
    does(code, json!({"a": "false"}), json!({"a": "false"}));
    does(code, json!({}), json!({"b": 1}));
    for code in [
        "s = event.get('a').split(',')\nevent.set('b', s[1]) if s.length > 1",
        "s = event.get('a').split(',')\nevent.set('b', s[1]) if s.length == 2",
    ] {
        does(code, json!({"a": "x,false"}), json!({"a": "x,false", "b": "false"}));
        does(code, json!({"a": "x"}), json!({"a": "x"}));
    }
    let code = "event.set('b', 1) if event.get('a').any?";
    does(code, json!({"a": ["false"]}), json!({"a": ["false"], "b": 1}));
    does(code, json!({"a": [false]}), json!({"a": [false]}));
    let code = "event.set('b', 1) if event.get('a').is_a?(Array)";
    does(code, json!({"a": ["false"]}), json!({"a": ["false"], "b": 1}));
}

#[test]
fn true_and_false_equal_themselves_only() {
    for wanted in [true, false] {
        for (code, is_opposite) in [
            (format!("event.set('b', 1) if event.get('a') == {wanted}"), false),
            (format!("event.set('b', 1) if {wanted} == event.get('a')"), false),
            (format!("event.set('b', 1) if event.get('a') != {wanted}"), true),
            (format!("event.set('b', 1) unless event.get('a') == {wanted}"), true),
        ] {
            let set = |mut event: Value, is_equal: bool| {
                if is_equal != is_opposite {
                    event["b"] = json!(1);
                }
                event
            };
            does(&code, json!({}), set(json!({}), false));
            let others = [json!("true"), json!(["true"]), json!(["false"]), json!([false])];
            for value in present().into_iter().chain(others) {
                let event = json!({"a": value});
                does(&code, event.clone(), set(event, value == json!(wanted)));
            }
        }
    }
}

#[test]
fn names_are_put_together_by_plus() {
    does(
        r#"event.get("a").each { |k,v| event.set("[b][" + k + "]", v) }"#,
        json!({"a": {"x": 1, "y": "z"}}),
        json!({"a": {"x": 1, "y": "z"}, "b": {"x": 1, "y": "z"}}),
    );
    let said = of_code(r#"event.set("[b][" + event.get("q") + "]", Geo.find("x"))"#).way_out;
    assert!(said.contains("writes fields whose names are computed"), "{said}");
    let said =
        of_code(r#"event.get("a").each { |k,v| event.set("[b][" + k.gsub(".", "_") + "]", v) }"#);
    assert!(said.way_out.contains("de_dot { fields => [ ... ] recursive => true }"), "{said}");
    let said = of_code(r#"event.get("a").each { |k,v| event.set(k.upcase, v) }"#).way_out;
    assert!(!said.contains("split"), "{said}");
    let said = of_code(r#"event.get("a").each { |e| event.set("b", e) }"#).way_out;
    assert!(said.contains("`split` makes an event of each element"), "{said}");
}
