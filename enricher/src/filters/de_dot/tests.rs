//! Names with dots on top, within, and where something is in the way.

use serde_json::{Map, Value, json};

use crate::filters::trial::Trial;

fn run(options: &str, event: Value) -> Value {
    let mut out = Trial::new(&format!("de_dot {{ {options} }}")).run(event);
    out.as_object_mut().unwrap().remove("@timestamp");
    out
}

#[test]
fn dots_become_something_else() {
    let event = || json!({"a.b": 1, "c_d": 2, "e": {"f.g": 3}, "@metadata": {}});
    for (options, expected) in [
        ("", json!({"a_b": 1, "c_d": 2, "e": {"f.g": 3}})),
        (r#"separator => "___""#, json!({"a___b": 1, "c_d": 2, "e": {"f.g": 3}})),
        (r#"separator => """#, json!({"ab": 1, "c_d": 2, "e": {"f.g": 3}})),
        ("recursive => true", json!({"a_b": 1, "c_d": 2, "e": {"f_g": 3}})),
        ("nested => true", json!({"a": {"b": 1}, "c_d": 2, "e": {"f.g": 3}})),
        (
            "nested => true recursive => true",
            json!({"a": {"b": 1}, "c_d": 2, "e": {"f": {"g": 3}}}),
        ),
        (
            r#"fields => ["[e][f.g]", "none.at", "c_d"]"#,
            json!({"a.b": 1, "c_d": 2, "e": {"f_g": 3}}),
        ),
    ] {
        assert_eq!(run(options, event()), expected, "{options}");
    }
    let deep = run(
        "nested => true recursive => true",
        json!({"x": {"a.b": {"c.d": 1, "n": 2}}, "l": [{"a.b": 1}]}),
    );
    assert_eq!(deep, json!({"x": {"a": {"b": {"c": {"d": 1}, "n": 2}}}, "l": [{"a.b": 1}]}));
}

#[test]
fn fields_within_fields_with_dots() {
    let options = r#"nested => true fields => [ "[acme][roller.skates]", "foo.bar", "[a.b][c.d][e.f]", "[l][0][x.y]" ]"#;
    let event = json!({
        "acme": {"roller.skates": "coyote"}, "a.b": {"c.d": {"e.f": "finally"}}, "l": [{"x.y": 1}],
    });
    let expected = json!({
        "acme": {"roller": {"skates": "coyote"}},
        "a": {"b": {"c": {"d": {"e": {"f": "finally"}}}}},
        "l": [{"x": {"y": 1}}],
    });
    assert_eq!(run(options, event), expected);
    // What stands beside the field is not lost.
    let out = run(options, json!({"a.b": {"c.d": {"e.f": 1}, "other": 2}, "foo.bar": 3}));
    let expected = json!({
        "a.b": {"other": 2}, "a": {"b": {"c": {"d": {"e": {"f": 1}}}}}, "foo": {"bar": 3},
    });
    assert_eq!(out, expected);
    let out = run(r#"recursive => true fields => [ "a.b" ]"#, json!({"a.b": {"c.d": 1}, "e.f": 2}));
    assert_eq!(out, json!({"a_b": {"c_d": 1}, "e.f": 2}));
}

#[test]
fn what_is_in_the_way_is_replaced_or_stays() {
    assert_eq!(run("", json!({"a_b": 1, "a.b": 2})), json!({"a_b": 2}));
    let nested = |event| run("nested => true recursive => true", event);
    assert_eq!(nested(json!({"a": {"b": 1, "c": 2}, "a.b": 3})), json!({"a": {"b": 3, "c": 2}}));
    assert_eq!(nested(json!({"a": 1, "a.b": 2})), json!({"a": 1, "a.b": 2}));
    assert_eq!(
        nested(json!({"a.b": {"c.d": 1}, "a": {"b": 0}})),
        json!({"a": {"b": {"c": {"d": 1}}}})
    );
    for name in [".", "..", "."] {
        assert_eq!(nested(json!({name: 1})), json!({name: 1}));
    }
    assert_eq!(nested(json!({".@timestamp": 1})), json!({".@timestamp": 1}), "it is written");
    assert_eq!(nested(json!({"..a..b.": 1})), json!({"a": {"b": 1}}));
    assert_eq!(nested(json!({"[a].b\"": 1})), json!({"[a]": {"b\"": 1}}));
}

#[test]
fn no_name_makes_an_event_too_deep() {
    let name = vec!["a"; 50_000].join(".");
    assert_eq!(run("nested => true", json!({name.as_str(): 1})), json!({name.as_str(): 1}));
    let mut value = json!(1);
    for _ in 0..40 {
        value = json!({vec!["a"; 20].join("."): value});
    }
    let out = run("nested => true recursive => true", value);
    let mut depth = 0;
    let mut at = &out;
    while let Some((_, inner)) = at.as_object().and_then(|object| object.iter().next()) {
        (at, depth) = (inner, depth + 1);
    }
    assert!((100..=128).contains(&depth), "{depth}");
}

#[test]
fn many_names_cost_time_in_proportion() {
    let members: Map<String, Value> = (0..19_000).map(|n| (format!("a.k{n}"), json!(n))).collect();
    let start = std::time::Instant::now();
    let out = run("nested => true", Value::Object(members));
    assert_eq!(out["a"]["k18999"], 18_999);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn mistakes_are_refused() {
    assert!(Trial::refusal(r#"de_dot { separator => "-.-" }"#).contains("contains a dot"));
    assert!(Trial::refusal(r#"de_dot { fields => ["[a"] }"#).contains("not a field reference"));
}
