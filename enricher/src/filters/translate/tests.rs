//! Values found and not found, the three ways to compare, dictionaries in files, and files that change.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::filter::{EcsCompatibility, Environment};
use crate::filters::trial::{NOW_NS, Trial};

fn run(options: &str, event: Value) -> Value {
    let out = Trial::new(&format!(r#"translate {{ {options} add_tag => "hit" }}"#)).run(event);
    let mut out = out.as_object().unwrap().clone();
    out.remove("@timestamp");
    Value::Object(out)
}

/// A folder with a dictionary, and the options that name it.
fn file(name: &str, content: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let options = format!(r#"source => "s" target => "t" dictionary_path => "{}""#, path.display());
    (folder, options)
}

/// What a dictionary in a file gives for a value.
fn translated(name: &str, content: &str, value: Value) -> Value {
    let (_folder, options) = file(name, content);
    run(&options, json!({"s": value}))["t"].clone()
}

#[test]
fn a_value_is_looked_up_by_its_text() {
    let dictionary = r#"dictionary => { "200" => "OK" "x" => 1 "true" => "yes" "1.50" => "half" "" => "none" "[1]" => "list" }"#;
    for (value, expected) in [
        (json!(200), json!("OK")),
        (json!("200"), json!("OK")),
        (json!(["200", "x"]), json!("OK")),
        (json!("x"), json!(1)),
        (json!(true), json!("yes")),
        (json!(null), json!("none")),
        (json!([]), json!("none")),
        (json!([[1], 2]), json!("list")),
        (json!("20"), Value::Null),
        (json!({"x": 1}), Value::Null),
    ] {
        let out = run(&format!(r#"source => "s" target => "t" {dictionary}"#), json!({"s": value}));
        assert_eq!(out["t"], expected, "{value}");
        assert_eq!(out.get("tags").is_some(), !expected.is_null(), "{value}");
    }
    let out = run(
        &format!(r#"field => "[a][s]" destination => "[b][t]" {dictionary}"#),
        json!({"a": {"s": 200}}),
    );
    assert_eq!(out["b"]["t"], "OK");
}

#[test]
fn a_target_is_overwritten_if_it_is_said_or_is_the_source() {
    let dictionary = r#"source => "s" dictionary => { "a" => "b" }"#;
    let event = || json!({"s": "a", "t": "old"});
    assert_eq!(run(&format!(r#"{dictionary} target => "t""#), event()), event());
    let out = run(&format!(r#"{dictionary} target => "t" override => true"#), event());
    assert_eq!(out["t"], "b");
    assert_eq!(run(dictionary, event())["s"], "b");
    let out = run(&format!("{dictionary} override => false"), event());
    assert_eq!(out, event());
    // In its own place it always did its work.
    assert_eq!(run(dictionary, json!({"s": "x"}))["tags"], json!(["hit"]));
    let environment =
        Environment { ecs_compatibility: EcsCompatibility::Disabled, ..Environment::default() };
    let mut trial = Trial::build(&format!("translate {{ {dictionary} }}"), &environment).unwrap();
    let out = trial.run(event());
    assert_eq!((&out["s"], &out["translation"]), (&json!("a"), &json!("b")));
}

#[test]
fn a_fallback_stands_where_nothing_is_found() {
    let options = r#"source => "s" target => "t" fallback => "no %{w}" dictionary => ["a", "b"]"#;
    let out = run(options, json!({"s": "x", "w": "%{s}"}));
    assert_eq!((&out["t"], &out["tags"]), (&json!("no %{s}"), &json!(["hit"])));
    assert_eq!(run(options, json!({"w": 1})), json!({"w": 1}));
    let out = run(r#"source => "s" target => "t" fallback => "f""#, json!({"s": 1}));
    assert_eq!(out["t"], "f");
}

#[test]
fn names_may_be_patterns_or_parts() {
    let patterns = r#"source => "s" target => "t" regex => true dictionary => [ "^2\d\d$", "OK", "^[45]", "Error", "^4", "Client" ]"#;
    for (value, expected) in
        [(json!(204), json!("OK")), (json!("404"), json!("Error")), (json!("2000"), Value::Null)]
    {
        assert_eq!(run(patterns, json!({"s": value}))["t"], expected, "{value}");
    }
    let parts = r#"source => "s" target => "t" exact => false dictionary => [ "200", "OK", "50", "x", "500", "Error", "a.c", "dot" ]"#;
    for (value, expected) in [
        ("200 & 500", json!("OK & x0")),
        ("abc a.c", json!("abc dot")),
        ("none", Value::Null),
        ("", Value::Null),
    ] {
        assert_eq!(run(parts, json!({"s": value}))["t"], expected, "{value}");
    }
    let grows = format!(
        r#"source => "s" target => "t" exact => false fallback => "f" dictionary => {{ "a" => "{}" }}"#,
        "b".repeat(50_000)
    );
    assert_eq!(run(&grows, json!({"s": "a".repeat(50_000)}))["t"], "f");
}

#[test]
fn arrays_of_values_and_of_objects() {
    let dictionary = r#"dictionary => { "100" => "Yuki" "101" => "Rupert" }"#;
    let values = format!(r#"iterate_on => "[ids]" source => "ids" target => "names" {dictionary}"#);
    let out = run(&format!(r#"{values} fallback => "Unknown""#), json!({"ids": [100, 110, "101"]}));
    assert_eq!(out["names"], json!(["Yuki", "Unknown", "Rupert"]));
    let out = run(&values, json!({"ids": [110, 100]}));
    assert_eq!((&out["names"], &out["tags"]), (&json!([null, "Yuki"]), &json!(["hit"])));
    let out = run(&values, json!({"ids": [110]}));
    assert_eq!((&out["names"], out.get("tags")), (&json!([null]), None));
    assert_eq!(run(&values, json!({"ids": 100}))["names"], json!(["Yuki"]));
    assert_eq!(run(&values, json!({"ids": []}))["names"], json!([]));

    let objects =
        format!(r#"iterate_on => "who" source => "id" target => "[x][name]" {dictionary}"#);
    let who = json!([{"id": 100}, {"id": 110, "x": {"name": "old"}}, "text", {"x": 1, "id": 101}, {"id": 101, "x": {"name": "old"}}]);
    let mut expected = who.clone();
    expected[0]["x"] = json!({"name": "Yuki"});
    expected[4]["x"]["name"] = json!("Rupert");
    assert_eq!(run(&objects, json!({"who": who}))["who"], expected);
    expected[4]["x"]["name"] = json!("old");
    assert_eq!(run(&format!("{objects} override => false"), json!({"who": who}))["who"], expected);
    for other in [json!({}), json!({"who": {"id": 100}}), json!({"who": []}), json!({"who": 1})] {
        assert_eq!(run(&objects, other.clone()), other);
    }
}

#[test]
fn many_fallbacks_of_a_long_text_end() {
    let options = r#"iterate_on => "s" source => "s" target => "t" fallback => "%{long}""#;
    let out = run(options, json!({"s": vec![1; 10_000], "long": "x".repeat(100_000)}));
    let translated = out["t"].as_array().unwrap();
    assert_eq!(translated.len(), 10_000);
    assert_eq!(translated.iter().filter(|value| value.is_string()).count(), 41);
}

#[test]
fn files_of_three_formats() {
    for (name, content, value, expected) in [
        (
            "d.yml",
            "a: 1\n\"200\": OK\nd: { \"e\": [1, yes, ~, 1.5, \"1.1\"] }\n",
            "d",
            json!({"e": [1, true, null, 1.5, "1.1"]}),
        ),
        ("d.yaml", "\u{feff}404: gone\n", "404", json!("gone")),
        ("d.yml", "a: 0x1F\nb: 017\nc: 1_000\n", "b", json!(15)),
        ("d.yml", "a: 2024-01-01\n", "a", json!("2024-01-01")),
        ("d.yml", "x: &x [1]\na: *x\n", "a", json!([1])),
        ("d.yml", "x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x\n", "y", json!({"a": 1, "b": 2})),
        ("d.yml", "a: 1\na: 2\n", "a", json!(2)),
        ("d.yml", "# nothing\n", "a", Value::Null),
        ("d.json", "{\"a\": 12345678901234567890.10, \"b\\n\": \"\\u00e9\"}", "b\n", json!("é")),
        ("d.json", " ", "a", Value::Null),
        ("d.csv", "\u{feff}a,1\n\"b,\"\"c\",\"x\ny\",z\n\nd\n", "b,\"c", json!("x\ny")),
        ("d.csv", "a,1", "a", json!("1")),
        ("d.csv", "", "a", Value::Null),
    ] {
        assert_eq!(translated(name, content, json!(value)), expected, "{content}");
    }
    let (_folder, options) = file("d.json", r#"{"a": 12345678901234567890.10}"#);
    let text = Trial::new(&format!("translate {{ {options} }}")).run_to_text(json!({"s": "a"}));
    assert!(text.contains(r#""t":12345678901234567890.10"#), "{text}");
    let (_folder, options) = file("d.yml", "a: yes\nb: -1.50\n");
    let options = format!(r#"{options} yaml_load_strategy => "streaming""#);
    assert_eq!(run(&options, json!({"s": "a"}))["t"], "yes");
    assert_eq!(run(&options, json!({"s": "b"}))["t"], -1.5);
}

#[test]
fn a_file_is_read_again_when_it_is_time() {
    for (behaviour, left) in [("merge", json!(3)), ("replace", json!("gone"))] {
        let (folder, options) = file("d.yml", "a: 1\nb: 2\nc: 3\n");
        let mut trial = Trial::new(&format!(
            r#"translate {{ {options} fallback => "gone" refresh_interval => 60 refresh_behaviour => "{behaviour}" }}"#
        ));
        let mut get = |after_s: i64, value: &str| {
            trial.received_at_ns = NOW_NS + after_s * 1_000_000_000;
            trial.run(json!({"s": value}))["t"].clone()
        };
        let write = |content| std::fs::write(folder.path().join("d.yml"), content).unwrap();
        assert_eq!(get(0, "b"), 2);
        write("a: 1\nb: 40\n");
        assert_eq!(get(59, "b"), 2);
        assert_eq!(get(60, "b"), 40);
        assert_eq!(get(60, "c"), left);
        write("a: [\n");
        assert_eq!(get(200, "b"), 40);
    }
    let (folder, options) = file("d.yml", "a: 1\n");
    let mut trial = Trial::new(&format!("translate {{ {options} refresh_interval => 0 }}"));
    assert_eq!(trial.run(json!({"s": "a"}))["t"], 1);
    std::fs::write(folder.path().join("d.yml"), "a: 20\n").unwrap();
    trial.received_at_ns += 1 << 60;
    assert_eq!(trial.run(json!({"s": "a"}))["t"], 1);
}

#[test]
fn names_may_look_around_and_stay_in_their_order() {
    let mut trial = Trial::new(
        r#"translate {
            source => "s" target => "t" regex => true fallback => "none"
            dictionary => [ "^a(?!b)", "not b", "(.)\1\1", "three", "^a", "a" ]
        }"#,
    );
    for (text, found) in
        [("ac", "not b"), ("abc", "a"), ("abbb", "three"), ("xbbb", "three"), ("xb", "none")]
    {
        assert_eq!(trial.run(json!({"s": text}))["t"], found, "{text}");
    }
    let many: String = (0..101).map(|n| format!(r#""(?=a{n}b)", "x", "#)).collect();
    let refusal = Trial::refusal(&format!(
        r#"translate {{ source => "s" regex => true dictionary => [ {many} "y", "z" ] }}"#
    ));
    assert!(refusal.contains("more than 100 patterns"), "{refusal}");
}

/// Hostile input 16: where a name takes too long nothing is found, and not what stands behind it.
#[test]
fn hostile_16_a_name_that_explodes_leaves_no_other_one_in_its_place() {
    let mut trial = Trial::new(
        r#"translate {
            source => "s" target => "t" regex => true fallback => "none"
            dictionary => [ "^(.)(?:a+)+\1$", "first", "^x", "second" ]
        }"#,
    );
    let explodes = format!("x{}y", "a".repeat(60));
    for (text, found) in [("xax", "first"), ("xb", "second"), (&*explodes, "none")] {
        assert_eq!(trial.run(json!({"s": text}))["t"], found, "{text}");
    }
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        (r#"target => "t""#, "needs the option `source`"),
        (r#"source => "s" field => "s""#, "remove `field => ...`"),
        (r#"source => "s" target => "t" destination => "d""#, "remove `destination => ...`"),
        (
            r#"source => "s" dictionary => { "a" => "b" } dictionary_path => "/x.yml""#,
            "mutually exclusive",
        ),
        (r#"source => "s" dictionary_path => "/nowhere.yml""#, "when loading the dictionary file"),
        (r#"source => "s" dictionary_path => "/dev/null""#, "non valid format"),
        (r#"source => "s" dictionary => ["a(?=b", "x"] regex => true"#, "`(?=` is not closed"),
        (r#"source => "s" regex => true exact => false"#, "`exact => true` only"),
        (r#"source => "s" yaml_dictionary_code_point_limit => 0"#, "positive number"),
        (r#"source => "s" refresh_behaviour => "merg""#, "did you mean `merge`?"),
        (r#"source => "s" iterate_one => "x""#, "did you mean `iterate_on`?"),
    ] {
        let refusal = Trial::refusal(&format!("translate {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
    let deep = "[".repeat(500) + &"]".repeat(500);
    let bomb = (0..40).fold("a0: &a0 [x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        text + &format!("a{0}: &a{0} [{1}*a{n}]\n", n + 1, format!("*a{n},").repeat(7))
    });
    for (name, content, said) in [
        ("d.yml", "foo: somebody said I should put a colon here: so I did\n", "line 1 column 45"),
        ("d.yml", "just text\n", "no names"),
        ("d.yml", "- a\n", "no names"),
        ("d.yml", "a: 1\n---\nb: [\n", ""),
        ("d.yml", &bomb, "more than"),
        ("d.yml", &format!("a: {deep}\n"), "recursion"),
        ("d.yml", &format!("a: {}1{}\n", "[".repeat(70), "]".repeat(70)), "nested deeper"),
        ("d.json", "[1]", "invalid type"),
        ("d.json", "{\"a\": 1", "EOF"),
        ("d.json", &format!("{{\"a\": {deep}}}"), "nested too deeply"),
    ] {
        let (_folder, options) = file(name, content);
        if said.is_empty() {
            // What follows on the first document is not looked at.
            assert_eq!(run(&options, json!({"s": "a"}))["t"], 1);
            continue;
        }
        let refusal = Trial::refusal(&format!("translate {{ {options} }}"));
        assert!(refusal.contains(said), "{content:.80}: {refusal}");
    }
    let (_folder, options) = file("d.yml", "a: é\n");
    let limit =
        |limit| format!("translate {{ {options} yaml_dictionary_code_point_limit => {limit} }}");
    assert!(Trial::refusal(&limit(4)).contains("limit of 4 code points"));
    assert_eq!(Trial::new(&limit(5)).run(json!({"s": "a"}))["t"], "é");
    let (_folder, options) = file("d.json", "{}");
    let options = format!("{options} yaml_dictionary_code_point_limit => 100");
    assert!(Trial::refusal(&format!("translate {{ {options} }}")).contains("remove `yaml_"));
}
