//! What `csv` makes of events, and what it refuses.

use event::Limits;
use serde_json::{Value, json};

use crate::filter::{Applied, Environment};
use crate::filters::trial::Trial;

fn run(options: &str, event: Value) -> Value {
    let mut out = Trial::new(&format!("csv {{ {options} }}")).run(event);
    out.as_object_mut().unwrap().remove("@timestamp");
    out
}

#[test]
fn columns_have_names_or_numbers() {
    let message = "big,\"bird, \"\"B\"\"\",,sesame street";
    let event = json!({"message": message});
    assert_eq!(
        run("", event.clone()),
        json!({"message": message, "column1": "big", "column2": "bird, \"B\"", "column3": null, "column4": "sesame street"})
    );
    assert_eq!(
        run(r#"columns => ["a", "b"] skip_empty_columns => true add_tag => "ok""#, event.clone()),
        json!({"message": message, "a": "big", "b": "bird, \"B\"", "column4": "sesame street", "tags": ["ok"]})
    );
    assert_eq!(
        run(r#"columns => ["message", "b", "message"] autogenerate_column_names => false"#, event),
        json!({"message": null, "b": "bird, \"B\""})
    );
}

#[test]
fn columns_may_be_fields_within_others() {
    let event = json!({"line": "1;2;3", "x": {"old": true, "b": 0}});
    assert_eq!(
        run(
            r#"source => "line" separator => ";" target => "x" columns => ["[a][n]", "b"] convert => { "[a][n]" => "integer" "column3" => "float" "column9" => "float" }"#,
            event.clone()
        )["x"],
        json!({"old": true, "b": "2", "a": {"n": 1}, "column3": 3.0})
    );
    let out = run(r#"source => "line" separator => ";" target => "[y][z]""#, event.clone());
    assert_eq!(out["y"]["z"], json!({"column1": "1", "column2": "2", "column3": "3"}));
    for blocked in [r#"target => "line""#, r#"target => "[line][x]""#, r#"columns => "[line][x]""#]
    {
        let out = run(&format!(r#"source => "line" {blocked} add_tag => "ok""#), event.clone());
        assert_eq!((&out["line"], &out["tags"]), (&json!("1;2;3"), &json!(["_csvparsefailure"])));
    }
}

#[test]
fn a_column_may_be_the_events_time() {
    let options = r#"columns => ["@timestamp", "b"] convert => { "@timestamp" => "date_time" }"#;
    let mut trial = Trial::new(&format!("csv {{ {options} }}"));
    let out = trial.run(json!({"message": "2001-02-03 04:05:06,x"}));
    assert_eq!(out["@timestamp"], "2001-02-03T04:05:06.000Z");
    let out = trial.run(json!({"message": "soon,x"}));
    assert_eq!((&out["_@timestamp"], &out["b"]), (&json!("soon"), &json!("x")));
    assert_eq!(out["tags"], json!(["_timestampparsefailure"]));
}

#[test]
fn rows_that_are_none_only_tag() {
    for message in [
        json!("a,\"b"),
        json!("a \"b\""),
        json!(""),
        json!(5),
        json!(true),
        json!(["a,b"]),
        json!(",".repeat(20_000)),
    ] {
        let out = run(r#"add_tag => "ok""#, json!({"message": message}));
        assert_eq!(out, json!({"message": message, "tags": ["_csvparsefailure"]}), "{message}");
    }
    for event in [json!({}), json!({"message": null}), json!({"message": false})] {
        assert_eq!(run(r#"add_tag => "ok""#, event.clone()), event);
    }
}

#[test]
fn headers_and_empty_rows_are_skipped() {
    let options = r#"columns => ["id", "name"] skip_header => true skip_empty_rows => true"#;
    let mut trial = Trial::new(&format!("csv {{ {options} }}"));
    assert_eq!(trial.apply(json!({"message": "id,\"name\"\r\n"})).0, Applied::Dropped);
    for message in ["id", "id,name,x", "id,", "Id,name"] {
        assert_eq!(trial.apply(json!({"message": message})).0, Applied::Matched, "{message}");
    }
    for message in ["", "\n", "\r\n1,2"] {
        let (applied, out) = trial.apply(json!({"message": message}));
        assert_eq!(
            (applied, &out["tags"]),
            (Applied::NotMatched, &json!(["_csvskippedemptyfield"]))
        );
    }
    assert_eq!(run(r#"add_tag => "ok""#, json!({"message": "\n"}))["tags"], json!(["ok"]));
}

#[test]
fn hostile_12_many_columns_cost_time_in_proportion() {
    let environment = Environment {
        limits: Limits { nodes_max: 300_000, ..Limits::default() },
        ..Environment::default()
    };
    let mut trial = Trial::build(r#"csv { target => "row" }"#, &environment).unwrap();
    let out = trial.run(json!({"message": "x,".repeat(300_000 - 1)}));
    assert_eq!(out["row"].as_object().unwrap().len(), 300_000);
}

#[test]
fn no_character_need_be_a_quote() {
    let out = run(r#"quote_char => "\x00""#, json!({"message": "a,\"b\" c"}));
    assert_eq!(out["column2"], "\"b\" c");
    let out = run(r#"quote_char => "é""#, json!({"message": "éa,bé,c"}));
    assert_eq!((&out["column1"], &out["column2"]), (&json!("a,b"), &json!("c")));
}

#[test]
fn mistakes_are_refused_with_a_way_out() {
    for (options, message, way_out) in [
        (r#"convert => { "a" => "int" }"#, "cannot make `int`", "integer"),
        ("autodetect_column_names => true", "the first event", "`columns`"),
        ("skip_header => true", "does not know the header", "`columns`"),
        (r#"quote_char => "ab""#, "one character", "\\x00"),
        (r#"quote_char => """#, "one character", "\\x00"),
        (r#"separator => """#, "empty", "between two values"),
        (r#"separator => "\t""#, "two characters", "a tab"),
        (r#"separator => "'" quote_char => "'""#, "holds the quote", "between two values"),
        (r#"columns => ["a", "b]"]"#, "`b]` is not a field reference", "[outer][inner]"),
        (r#"columns => ["a", ""]"#, "not a field reference", "[outer][inner]"),
        (r#"colums => "a""#, "has no option `colums`", "did you mean `columns`?"),
    ] {
        let said = Trial::refusal(&format!("csv {{ {options} }}"));
        assert!(said.contains(message) && said.contains(way_out), "{options}: {said}");
    }
    let harmless = "autodetect_column_names => false ecs_compatibility => v1";
    assert!(Trial::build(&format!("csv {{ {harmless} }}"), &Environment::default()).is_ok());
}
