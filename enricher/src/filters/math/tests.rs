use serde_json::{Value, json};

use crate::filters::trial::Trial;

/// What is set by one calculation; a number as it is written.
fn calculate(operator: &str, left: Value, right: Value) -> Option<String> {
    let plugin =
        format!(r#"math {{ calculate => [ [ "{operator}", "a", "[o][b]", "[n][r]" ] ] }}"#);
    let payload = format!(r#"{{"a":{left},"o":{{"b":{right}}}}}"#);
    result(&Trial::new(&plugin).run_payload(&payload))
}

fn result(out: &str) -> Option<String> {
    let rest = out.split_once(r#""n":{"r":"#)?.1;
    Some(rest[..rest.find('}')?].to_owned())
}

#[test]
fn numbers_are_calculated_with() {
    for (left, operator, right, wanted) in [
        (json!(-2), "add", json!(7), "5"),
        (json!(-2.4), "+", json!(7.8), "5.4"),
        (json!(0.1), "plus", json!(0.2), "0.3"),
        (json!(0), "add", json!(7.8), "7.8"),
        (json!(-2.4), "-", json!(7.8), "-10.2"),
        (json!(-2), "sub", json!(7), "-9"),
        (json!(2.5), "subtract", json!(0.5), "2.0"),
        (json!(-2.4), "*", json!(7.8), "-18.72"),
        (json!(19.99), "times", json!(3), "59.97"),
        (json!(0), "multiply", json!(7.8), "0.0"),
        (json!(-2), "/", json!(7), "-1"),
        (json!(7), "div", json!(2), "3"),
        (json!(-2.4), "divide", json!(7.8), "-0.3076923076923077"),
        (json!(-2), "fdiv", json!(7), "-0.2857142857142857"),
        (json!(6), "float_divide", json!(3), "2.0"),
        (json!(53), "mod", json!(13), "1"),
        (json!(-53), "modulo", json!(13), "12"),
        (json!(53.4), "mod", json!(13.1), "1.0"),
        (json!(-2), "**", json!(5), "-32"),
        (json!(2), "^", json!(-1), "0.5"),
        (json!(2.2), "to the power of", json!(1.2), "2.5757708085227633"),
        (json!(-2.0), "power", json!(2.0), "4.0"),
        (json!(0.42424242), "round", json!(2), "0.42"),
        (json!(42), "round", json!(2), "42.0"),
        (json!(0.75), "round", json!(0), "1"),
        (json!(-2.5), "round", json!(0), "-3"),
        (json!(1250), "round", json!(-2), "1300"),
        (json!(1e-7), "round", json!(3), "0.0"),
        (json!(1.5), "round", json!(9), "1.5"),
    ] {
        assert_eq!(
            calculate(operator, left.clone(), right.clone()).as_deref(),
            Some(wanted),
            "{left} {operator} {right}"
        );
    }
    // More than a float can tell apart.
    let large = json!(9_007_199_254_740_993_i64);
    assert_eq!(calculate("add", large, json!(2)).as_deref(), Some("9007199254740995"));
    // More than fits.
    let huge = calculate("*", json!(u64::MAX), json!(u64::MAX));
    assert_eq!(huge.as_deref(), Some("3.402823669209385e38"));
}

#[test]
fn what_has_no_result_sets_nothing() {
    for (left, operator, right) in [
        (json!(2), "/", json!(0)),
        (json!(2), "fdiv", json!(0.0)),
        (json!(2), "mod", json!(0)),
        (json!(-2.2), "**", json!(7.8)),
        (json!(0), "**", json!(-1)),
        (json!(1.79e308), "add", json!(1e308)),
        (json!(1.5), "round", json!(1e30)),
        (json!("2"), "add", json!(1)),
        (json!(1), "add", json!(null)),
        (json!([1]), "add", json!(1)),
        (json!(1), "add", json!({})),
        (json!(1), "add", json!(true)),
    ] {
        assert_eq!(
            calculate(operator, left.clone(), right.clone()),
            None,
            "{left} {operator} {right}"
        );
    }
    let mut trial = Trial::new(
        r#"math { calculate => [ [ "add", "a", 1, "b" ], [ "add", "b", 1, "[m][c]" ] ] add_tag => "ok" }"#,
    );
    assert_eq!(trial.run(json!({"m": 1})).get("tags"), None);
    let out = trial.run(json!({"a": 1, "m": 1}));
    assert_eq!((&out["b"], &out["m"], &out["tags"]), (&json!(2), &json!(1), &json!(["ok"])));
}

#[test]
fn registers_hold_what_comes_between() {
    let mut trial = Trial::new(
        r#"math { calculate => [
            [ "fdiv", 5, 9, "MEM[0]" ],
            [ "subtract", "[outside]", 32, "MEM[1]" ],
            [ "multiply", "MEM[1]", "MEM[0]", "MEM[1]" ],
            [ "subtract", "[inside]", 32, "MEM[2]" ],
            [ "multiply", "MEM[2]", "MEM[0]", "MEM[2]" ],
            [ "subtract", "MEM[2]", "MEM[1]", "MEM[3]" ],
            [ "round", "MEM[3]", 1, "[delta_in_c]" ]
        ] }"#,
    );
    assert_eq!(trial.run(json!({"inside": 71.24, "outside": 61.7}))["delta_in_c"], json!(5.3));
    // What another event left there is gone.
    assert_eq!(trial.run(json!({"inside": 71.24})).get("delta_in_c"), None);
}

#[test]
fn times_are_seconds() {
    let mut trial = Trial::new(
        r#"math { calculate => [ [ "-", "@timestamp", "start", "took" ], [ "+", "@timestamp", 0, "epoch" ] ] }"#,
    );
    let out = trial.run(json!({"start": "2024-06-15T11:58:54.5Z"}));
    assert_eq!((&out["took"], &out["epoch"]), (&json!(65.5), &json!(1_718_452_800.0)));
    assert_eq!(trial.run(json!({"start": "soon"})).get("took"), None);
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        ("", "needs the option `calculate`"),
        ("calculate => 1", "must be an array"),
        ("calculate => []", "is empty"),
        (r#"calculate => [ "add", "a", "b", "c" ]"#, "has four elements"),
        (r#"calculate => [ [ "add", "a", "b" ] ]"#, "has four elements"),
        (r#"calculate => [ [ "ad", "a", "b", "c" ] ]"#, "did you mean `add`?"),
        (r#"calculate => [ [ "add", "[a", "b", "c" ] ]"#, "not a field reference"),
        (r#"calculate => [ [ "add", [1], "b", "c" ] ]"#, "an operand is"),
        (r#"calculate => [ [ "add", "a", "b", 1 ] ]"#, "a target is"),
        (r#"calculate => [ [ "add", "a", "b", "@timestamp" ] ]"#, "is no number"),
        (r#"calculate => [ [ "add", "a", "b", "MEM[0]" ] ]"#, "is a register"),
        (r#"calculate => [ [ "/", "a", 0, "c" ] ]"#, "has no result"),
        (r#"calculate => [ [ "**", -2, 0.5, "c" ] ]"#, "has no result"),
    ] {
        let refusal = Trial::refusal(&format!("math {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}

proptest::proptest! {
    #[test]
    fn any_numbers_give_json(left in r"-?[0-9]{1,45}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", right in r"-?[0-9]{1,6}(\.[0-9]{1,5})?") {
        for (_, operator) in super::OPERATORS {
            let (Some(left), Some(right)) = (super::Number::read(&left), super::Number::read(&right)) else { continue };
            if let Some(result) = operator.apply(left, right) {
                serde_json::from_str::<serde_json::Number>(&result.to_string()).unwrap();
            }
        }
    }
}
