//! What `csv` makes of events, and what it refuses.

use bus::{Codec, Record};
use event::Limits;
use serde_json::{Value, json};

use crate::filter::{Applied, Environment};
use crate::filters::trial::Trial;
use crate::language::{Source, Syntax};
use crate::plan::{Plan, parse_and_compile};
use crate::stage::Processor;

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

const DETECTING: &str = "autodetect_column_names => true";

fn detecting(options: &str) -> Trial {
    Trial::new(&format!("csv {{ {DETECTING} {options} }}"))
}

/// A row in which columns are named.
#[track_caller]
fn name(trial: &mut Trial, header: &str) {
    assert_eq!(trial.apply(json!({"message": header})).0, Applied::Dropped, "{header}");
}

#[test]
fn the_first_row_may_name_the_columns() {
    let convert = r#"convert => { "n" => "integer" "column4" => "float" } add_tag => "ok""#;
    let mut trial = detecting(convert);
    name(&mut trial, "first,last,n");
    for _ in 0..2 {
        let out = trial.run(json!({"message": "big,\"bird, B\",7,8"}));
        let found = (&out["first"], &out["last"], &out["n"], &out["column4"], &out["tags"]);
        assert_eq!(
            found,
            (&json!("big"), &json!("bird, B"), &json!(7), &json!(8.0), &json!(["ok"]))
        );
    }
    // It is not known for a header when it comes again, unless it is to be skipped.
    assert_eq!(trial.run(json!({"message": "first,last,n"}))["n"], "n");
    let mut trial = detecting("skip_header => true");
    name(&mut trial, "id,,name");
    name(&mut trial, "id,,name");
    assert_eq!(trial.run(json!({"message": "id,,Name"}))["name"], "Name");
}

#[test]
fn columns_that_a_header_leaves_out_have_a_number_or_are_left_out() {
    let header = "a,,\"\",d";
    let mut trial = detecting("target => \"row\"");
    name(&mut trial, header);
    assert_eq!(
        trial.run(json!({"message": "1,2,3,4,5"}))["row"],
        json!({"a": "1", "column2": "2", "column3": "3", "d": "4", "column5": "5"})
    );
    let mut trial = detecting("target => \"row\" autogenerate_column_names => false");
    name(&mut trial, header);
    let row = &trial.run(json!({"message": "1,2,3,4,5"}))["row"];
    assert_eq!(row, &json!({"a": "1", "d": "4"}));
}

#[test]
fn a_row_that_names_nothing_is_no_header() {
    let mut trial = detecting("");
    for broken in ["", "a,\"b"] {
        let out = trial.run(json!({"message": broken}));
        assert_eq!(out["tags"], json!(["_csvparsefailure"]), "{broken}");
    }
    assert_eq!(trial.apply(json!({})).0, Applied::NotMatched);
    name(&mut trial, "\n");
    name(&mut trial, "a,b");
    assert_eq!(trial.run(json!({"message": "1,2"}))["b"], "2");
    let mut trial = detecting("skip_empty_rows => true");
    let out = trial.run(json!({"message": "\n"}));
    assert_eq!(out["tags"], json!(["_csvskippedemptyfield"]));
    name(&mut trial, "a,b");
}

#[test]
fn each_shop_has_a_header_of_its_own() {
    let mut trial = detecting("");
    name(&mut trial, "a,b");
    trial.shop = "north";
    name(&mut trial, "x,y");
    assert_eq!(trial.run(json!({"message": "1,2"}))["y"], "2");
    trial.shop = "default";
    assert_eq!(trial.run(json!({"message": "1,2"}))["b"], "2");
}

#[test]
fn hostile_13_a_header_names_fields_and_nothing_of_the_platforms() {
    let header = "[a][b],[@metadata][shop],@metadata,[x,[@timestamp][y]";
    let row = json!({"message": "1,2,3,4,5"});
    let mut trial = detecting("");
    name(&mut trial, header);
    let out = trial.run(row.clone());
    assert_eq!(out["a"], json!({"b": "1"}));
    assert_eq!((&out["[@metadata][shop]"], &out["[x"]), (&json!("2"), &json!("4")));
    assert_eq!((&out["[@timestamp][y]"], out.get("@metadata")), (&json!("5"), None));
    assert_eq!(out["@timestamp"], "2024-06-15T12:00:00.000Z");
    let mut trial = detecting("target => \"row\"");
    name(&mut trial, header);
    assert_eq!(
        trial.run(row)["row"],
        json!({"a": {"b": "1"}, "@metadata": "3", "[x": "4", "@timestamp": {"y": "5"}})
    );
}

#[test]
fn hostile_12_headers_are_bounded_and_none_is_forgotten() {
    const SHOPS: [&str; 16] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
    let header = json!({"message": format!("{},b", "x".repeat(500_000))});
    let mut trial = detecting("");
    let mut named = 0;
    for shop in SHOPS {
        trial.shop = shop;
        let (applied, out) = trial.apply(header.clone());
        match applied {
            Applied::Dropped => named += 1,
            _ => assert_eq!(out["tags"], json!(["_csv_too_many"]), "{shop}"),
        }
    }
    assert!((1..SHOPS.len()).contains(&named), "{named}");
    trial.shop = SHOPS[0];
    assert_eq!(trial.run(json!({"message": "1,2"}))["b"], "2");
}

#[test]
fn hostile_12_a_header_of_one_shop_leaves_room_for_those_of_others() {
    let mut trial = detecting("");
    trial.shop = "north";
    let (applied, out) = trial.apply(json!({"message": format!("{},b", "x".repeat(800_000))}));
    assert_eq!((applied, &out["tags"]), (Applied::NotMatched, &json!(["_csv_too_many"])));
    trial.shop = "default";
    name(&mut trial, "a,b");
    trial.shop = "north";
    name(&mut trial, "x,y");
    assert_eq!(trial.run(json!({"message": "1,2"}))["y"], "2");
}

fn compiled(options: &str) -> Plan {
    let source = Source::new("test.conf", format!("filter {{ csv {{ {options} }} }}"));
    let environment = Environment { wants_warnings: true, ..Environment::default() };
    let plan = parse_and_compile(&source, Syntax::default(), &environment);
    plan.unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

#[test]
fn a_check_warns_of_what_first_rows_name() {
    for (options, keeps_state, said) in [
        (DETECTING, true, "it may be one in the midst of a file"),
        ("autodetect_column_names => true columns => []", true, "in the midst of a file"),
        ("autodetect_column_names => true columns => ['a']", false, "so no row does"),
    ] {
        let plan = compiled(options);
        let [warning] = plan.warnings() else { panic!("{options}: {:?}", plan.warnings()) };
        assert!(warning.to_string().contains(said), "{options}: {warning}");
        assert_eq!(plan.keeps_state(), keeps_state, "{options}");
    }
    let plan = compiled("columns => ['a']");
    assert!(plan.warnings().is_empty() && !plan.keeps_state());
    let mut trial = detecting("columns => ['a']");
    assert_eq!(trial.run(json!({"message": "1,2"}))["a"], "1");
}

#[test]
fn a_rehearsal_takes_no_row_for_a_header() {
    let mut rehearsal = Processor::rehearsing(&compiled(DETECTING), Limits::default());
    for _ in 0..2 {
        let record = Record {
            listener: "tcp".into(),
            codec: Codec::Json,
            payload: r#"{"message":"a,b"}"#.into(),
            ..Record::default()
        };
        let mut seen = 0;
        rehearsal.run(&record, |_, _| seen += 1).unwrap();
        assert_eq!(seen, 1);
    }
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
        ("skip_header => true", "does not know the header", "`columns`"),
        ("skip_header => true columns => []", "does not know the header", "`columns`"),
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
