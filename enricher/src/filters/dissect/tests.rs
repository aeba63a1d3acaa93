use serde_json::{Map, Value, json};

use crate::filter::Applied;
use crate::filters::trial::Trial;

/// What a mapping finds in a text.
fn found(mapping: &str, text: &str) -> Value {
    let mut trial = Trial::new(&format!("dissect {{ mapping => {{ 'message' => '{mapping}' }} }}"));
    let mut out = trial.run(json!({"message": text}));
    let fields = out.as_object_mut().unwrap();
    fields.remove("@timestamp");
    if fields["message"] == text {
        fields.remove("message");
    }
    out
}

#[test]
fn parts_lie_between_delimiters() {
    for (mapping, text, fields) in [
        ("%{a} %{b} %{c}", "1 2 3 4", json!({"a": "1", "b": "2", "c": "3 4"})),
        ("%{a},%{b},%{c}", ",,", json!({"a": "", "b": "", "c": ""})),
        ("[%{a}] %{b}:", "[1] 2: rest", json!({"a": "1", "b": "2"})),
        ("{%{a}}{%{b}}%{rest}", "{1}{2}", json!({"a": "1", "b": "2", "rest": ""})),
        ("{%{a}}", "{1}", json!({"a": "1"})),
        ("%{a}྿྿%{b}é%{c}", "྿1྿྿2é3", json!({"a": "྿1", "b": "2", "c": "3"})),
        ("%{a}\n%{b}", "1\n2", json!({"a": "1", "b": "2"})),
        ("%{} %{a} %{?x} %{b}", "1 2 3 4", json!({"a": "2", "b": "4"})),
        ("%{a->} %{b}", "1    2", json!({"a": "1", "b": "2"})),
        ("%{a->} %{b}", "1 2", json!({"a": "1", "b": "2"})),
        ("%{a->}, %{b}", "1, , , 2", json!({"a": "1", "b": "2"})),
        ("%{a} %{->} %{b}", "1 x   2", json!({"a": "1", "b": "2"})),
        ("%{a} %{b->}", "1 2  ", json!({"a": "1", "b": "2  "})),
        ("%{[a][b]} %{c.d}", "1 2", json!({"a": {"b": "1"}, "c.d": "2"})),
        ("%{a} %{a}", "1 2", json!({"a": "2"})),
        ("%{message} %{a}", "1 \"\\", json!({"message": "1", "a": "\"\\"})),
    ] {
        assert_eq!(found(mapping, text), fields, "{mapping} in {text:?}");
    }
}

#[test]
fn parts_are_appended_in_order_with_what_stood_before_them() {
    for (mapping, text, whole) in [
        ("%{a} %{x} %{+a}", "1 2 3 go", "1 3 go"),
        ("%{+a/2} %{+a/1} %{+a/4} %{+a/3}", "1 2 3 go", "2 1 go 3"),
        ("%{+a} %{a} %{+a} %{x}", "December 31 1999 q", "31 December 1999"),
        ("%{a}-%{+a}:%{+a}", "1-2:3", "1-2:3"),
        ("T %{+a/2} %{+a} %{+a/1}", "T x y z", "y zT x"),
        ("%{+a/2->} %{+a->/1} %{x}", "1   2  3", "2 1"),
    ] {
        assert_eq!(found(mapping, text)["a"], whole, "{mapping}");
    }
    let mut trial = Trial::new(r#"dissect { mapping => { "m" => "%{x} %{+n}" } }"#);
    assert_eq!(trial.run(json!({"m": "1 2", "n": 7}))["n"], "7 2");
    let out = trial.run(json!({"m": "1 2", "n": ["kept"]}));
    assert_eq!((&out["n"], &out["tags"]), (&json!(["kept"]), &json!(["_dissectfailure"])));
}

#[test]
fn the_text_names_fields_but_never_a_path() {
    for (mapping, text, fields) in [
        ("%{?k}: %{&k}", "a: 1", json!({"a": "1"})),
        ("%{&k}: %{?k}", "1: a", json!({"a": "1"})),
        ("%{k}=%{&k}, %{l}=%{&l}", "a=1, b=2", json!({"k": "a", "a": "1", "l": "b", "b": "2"})),
        ("%{?k}=%{&k}", "=1", json!({})),
        ("%{?k}=%{&other}", "a=1", json!({})),
        ("%{?k}=%{&k}", "[a][b]=1", json!({"[a][b]": "1"})),
        ("%{?k}=%{&k}", "@metadata=1", json!({"tags": ["_dissectfailure"]})),
    ] {
        assert_eq!(found(mapping, text), fields, "{mapping} in {text:?}");
    }
    let mut trial = Trial::new(r#"dissect { mapping => { "m" => "%{&k}" } }"#);
    assert_eq!(trial.run(json!({"m": "1", "k": "name"}))["name"], "1");
}

#[test]
fn an_event_that_does_not_fit_is_tagged_and_keeps_its_fields() {
    for (mapping, text) in
        [("%{a} - %{b}", "1 2"), ("[%{a}] %{b}", " [1] 2"), ("%{a} %{b}.", "1 2"), ("%{a}", "")]
    {
        assert_eq!(found(mapping, text), json!({"tags": ["_dissectfailure"]}), "{mapping}");
    }
    let options = r#"mapping => { "m" => "%{a} %{b}" } tag_on_failure => ["x"] add_tag => "ok""#;
    let mut trial = Trial::new(&format!("dissect {{ {options} }}"));
    for (value, tags) in [
        (json!("1 2"), json!(["ok"])),
        (json!("1"), json!(["x"])),
        (json!(12), json!(["x"])),
        (json!({"a": "1 2"}), json!(["x"])),
        (json!(null), json!(["x"])),
    ] {
        assert_eq!(trial.run(json!({"m": value}))["tags"], tags, "{value}");
    }
    let (applied, out) = trial.apply(json!({"other": "1 2"}));
    assert_eq!((applied, out.get("tags")), (Applied::NotMatched, None));
    // A way that is blocked.
    assert_eq!(found("%{a} %{[a][b]}", "1 2"), json!({"a": "1", "tags": ["_dissectfailure"]}));
}

#[test]
fn one_dissection_can_go_on_with_what_another_found() {
    let mut trial = Trial::new(
        r#"dissect { mapping => { "m" => "%{a} %{rest}" "rest" => "%{b}=%{c}" } add_tag => "ok" }"#,
    );
    let out = trial.run(json!({"m": "1 x=2"}));
    assert_eq!((&out["rest"], &out["b"], &out["c"]), (&json!("x=2"), &json!("x"), &json!("2")));
    assert_eq!(out["tags"], json!(["ok"]));
    assert_eq!(trial.run(json!({"m": "1 x"}))["tags"], json!(["_dissectfailure", "ok"]));
}

#[test]
fn texts_become_numbers_or_tag_the_event() {
    for (text, integer, float) in [
        ("00000001", Some("1"), Some("1.0")),
        ("-7.9", Some("-7"), Some("-7.9")),
        ("+1e3", Some("1000"), Some("1000.0")),
        (".5", Some("0"), Some("0.5")),
        ("4394740425750718628", Some("4394740425750718628"), Some("4.3947404257507185e18")),
        ("1e400", None, None),
        ("inf", None, None),
        (" 3", None, None),
        ("0x10", None, None),
        ("", None, None),
    ] {
        for (kind, number) in [("int", integer), ("Float", float)] {
            let mut trial = Trial::new(&format!(
                r#"dissect {{ convert_datatype => {{ "v" => "{kind}" }} add_tag => "ok" }}"#
            ));
            let out = trial.run_to_text(json!({"v": text}));
            match number {
                Some(number) => {
                    assert!(out.contains(&format!(r#""v":{number},"tags":["ok"]"#)), "{out}");
                }
                None => assert!(
                    out.contains(&format!(r#"["_dataconversionuncoercible_v_{kind}"]"#)),
                    "{out}"
                ),
            }
        }
    }
    let mut trial =
        Trial::new(r#"dissect { convert_datatype => { "a" => "int" "b" => "float" } }"#);
    let out = trial.run(json!({"a": null, "b": [1]}));
    let tags = json!(["_dataconversionnullvalue_a_int", "_dataconversionuncoercible_b_float"]);
    assert_eq!(out["tags"], tags);
    assert_eq!(trial.run(json!({"a": 1.9, "b": 2}))["a"], 1);
}

#[test]
fn a_long_text_takes_time_in_proportion() {
    let text = "-".repeat(1 << 19);
    assert_eq!(found("%{a->}-%{b}x", &text)["tags"], json!(["_dissectfailure"]));
    assert_eq!(found("%{a->}-%{b}", &text), json!({"a": "", "b": ""}));
    let many: Map<_, _> = (0..1000).map(|n| (format!("f{n}"), json!("-"))).collect();
    let mapping: Vec<_> = many.keys().map(|name| format!("%{{{name}}}")).collect();
    let out = found(&mapping.join(","), &vec!["-"; 1000].join(","));
    assert_eq!(out, Value::Object(many));
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        ("", "needs the option `mapping`"),
        (r#"mapping => { "m" => "text" }"#, "there is no field"),
        (r#"mapping => { "m" => "" }"#, "there is no field"),
        (r#"mapping => { "m" => "%{a} %{b" }"#, "has no end"),
        (r#"mapping => { "m" => "%{a}%{b}" }"#, "nothing stands before `%{b}`"),
        (r#"mapping => { "m" => "%{+}" }"#, "has no name"),
        (r#"mapping => { "m" => "%{&->}" }"#, "has no name"),
        (r#"mapping => { "m" => "%{+&a}" }"#, "both appended and named"),
        (r#"mapping => { "m" => "%{&+a}" }"#, "both appended and named"),
        (r#"mapping => { "m" => "%{[a}" }"#, "not a field reference"),
        (r#"mapping => { "[m" => "%{a}" }"#, "not a field reference"),
        (r#"convert_datatype => { "a" => "integer" }"#, "write `int` or `float`"),
    ] {
        let refusal = Trial::refusal(&format!("dissect {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
