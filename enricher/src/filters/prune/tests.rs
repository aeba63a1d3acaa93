use serde_json::{Value, json};

use crate::filters::trial::Trial;

/// The names that are left.
fn names(options: &str, event: Value) -> Vec<String> {
    let mut out = Trial::new(&format!("prune {{ {options} }}")).run(event);
    out.as_object_mut().unwrap().remove("@timestamp");
    let mut names: Vec<_> = out.as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

fn left(options: &str, event: Value) -> Value {
    let mut out = Trial::new(&format!("prune {{ {options} }}")).run(event);
    out.as_object_mut().unwrap().remove("@timestamp");
    out
}

#[test]
fn fields_go_by_their_names() {
    let event = json!({"status": 1, "stat": 2, "%{x}": 3, "tags": ["a"], "o": {"status": 4}});
    for (options, kept) in [
        ("", vec!["o", "stat", "status", "tags"]),
        ("whitelist_names => 'stat'", vec!["stat", "status"]),
        ("whitelist_names => ['^stat$', '^tags$']", vec!["stat", "tags"]),
        ("whitelist_names => 'x'", vec![]),
        ("whitelist_names => []", vec!["o", "stat", "status", "tags"]),
        ("blacklist_names => ['^stat', 'o']", vec!["%{x}", "tags"]),
        ("blacklist_names => []", vec!["%{x}", "o", "stat", "status", "tags"]),
        ("whitelist_names => 'stat' blacklist_names => 'us$'", vec!["stat"]),
    ] {
        assert_eq!(names(options, event.clone()), kept, "{options}");
    }
    let out =
        Trial::new(r#"prune { whitelist_names => "a" add_tag => "ok" }"#).run(json!({"b": 1}));
    assert_eq!(out, json!({"@timestamp": "2024-06-15T12:00:00.000Z", "tags": ["ok"]}));
}

#[test]
fn fields_go_by_their_values() {
    let event = json!({
        "status": 200, "list": ["100", 200, {"a": 1}, null], "object": {"a": "2"}, "no": false,
        "yes": true, "none": null, "empty": []
    });
    let rules = |pattern: &str| {
        let names = ["status", "list", "object", "no", "yes", "none", "empty", "missing"];
        names.map(|name| format!("'{name}' => '{pattern}'")).join(" ")
    };
    let out = left(&format!("whitelist_values => {{ {} }}", rules("^2")), event.clone());
    assert_eq!(out, json!({"status": 200, "list": [200], "no": false, "none": null, "empty": []}));
    let out = left(&format!("blacklist_values => {{ {} }}", rules("^2|true")), event.clone());
    assert_eq!(
        out,
        json!({
            "list": ["100", {"a": 1}, null], "object": {"a": "2"}, "no": false, "none": null, "empty": []
        })
    );
    let all = r#"blacklist_values => { "list" => "^[12]" } whitelist_values => { "list" => "9" }"#;
    assert_eq!(left(all, json!({"list": ["1", "2"]})), json!({}));
}

#[test]
fn what_is_put_in_is_text() {
    let event =
        json!({"who": "a.c", "a.c_says": 1, "abc_says": 2, "n": "3", "list": ["a.c", "abc"]});
    let options = "interpolate => true blacklist_names => '^%{who}_says$'";
    assert_eq!(names(options, event.clone()), ["abc_says", "list", "n", "who"]);
    let options =
        "interpolate => true whitelist_values => { 'list' => '^%{who}$' '%{who}_says' => 'no' }";
    let out = left(options, event.clone());
    assert_eq!((&out["list"], out.get("a.c_says")), (&json!(["a.c"]), None));
    // Without it a name in braces is a name in braces.
    assert_eq!(names("whitelist_names => '%{who}_says'", event.clone()), [""; 0]);
    // The names that nothing was put into still go.
    assert_eq!(names("interpolate => true", json!({"%{x}": 1, "y": 2})), ["y"]);
    // What makes no expression, and what makes an endless one, matches nothing.
    let options = "interpolate => true whitelist_names => '^(a{999}){%{n}}'";
    assert_eq!(names(options, json!({"n": "999", "aaa": 1, "": 2})), [""; 0]);
    let options = "interpolate => true blacklist_names => '^(%{who}|www)'";
    assert_eq!(names(options, json!({"who": "w".repeat(9999), "www": 1})), ["who", "www"]);
}

#[test]
fn many_fields_and_large_texts_are_looked_at_once() {
    let mut event: serde_json::Map<String, Value> =
        (0..15_000).map(|n| (format!("f{n}"), json!(n))).collect();
    event.insert("large".to_owned(), json!("x".repeat(500_000)));
    let options = "interpolate => true blacklist_names => ['%{large}', '^f1'] whitelist_values => { 'f2' => '%{large}' }";
    assert_eq!(names(options, Value::Object(event)).len(), 15_001 - 6_111 - 1);
}

#[test]
fn expressions_may_look_around() {
    let event = json!({"shop": 1, "shop_id": 2, "shop_secret": 3, "other": 4});
    assert_eq!(names("whitelist_names => '^shop(?!_secret)'", event.clone()), ["shop", "shop_id"]);
    let options = "whitelist_values => { 'other' => '^(?!4)' }";
    assert_eq!(names(options, event), ["shop", "shop_id", "shop_secret"]);
    // A search that would go on for ever finds nothing, and takes little from the others.
    let event = json!({"long": format!("x{}y", "a".repeat(60)), "short": "xax"});
    let options = r"blacklist_values => { 'long' => '^(.)(?:a+)+\1$' 'short' => '^(.)(?:a+)+\1$' }";
    assert_eq!(names(options, event), ["long"]);
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        (r#"whitelist_names => "a(" "#, "pattern"),
        (r#"blacklist_values => { "a" => "(?=b" }"#, "`(?=` is not closed"),
        (r#"interpolate => true blacklist_names => "(%{a}""#, "pattern"),
        (r#"interpolate => true blacklist_names => "%{[^}]+}""#, "names no field"),
        (r#"whitelist_values => { "[a][b]" => "x" }"#, "knows no field `[a][b]`"),
        (r#"blacklist_values => { "@timestamp" => "x" }"#, "knows no field `@timestamp`"),
    ] {
        let refusal = Trial::refusal(&format!("prune {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
