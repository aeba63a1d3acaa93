//! What `mutate` does to fields, and what it refuses.

use event::{Event, FieldPath};
use serde_json::{Value, json};

use super::restructure;
use crate::filters::trial::Trial;

fn run(options: &str, event: Value) -> Value {
    let mut out = Trial::new(&format!("mutate {{ {options} }}")).run(event);
    out.as_object_mut().unwrap().remove("@timestamp");
    out
}

#[test]
fn operations_run_in_their_own_order() {
    // In the order of the text the copy would be of the old name, the replacement overwritten.
    let out = run(
        r#"copy => { "b" => "c" } uppercase => [ "b" ] replace => { "x" => "%{b}!" }
           rename => { "a" => "b" } update => { "missing" => "no" } coerce => { "n" => "was null" }"#,
        json!({"a": "word", "n": null}),
    );
    assert_eq!(out, json!({"b": "WORD", "x": "word!", "n": "was null", "c": "WORD"}));
}

#[test]
fn integers_keep_all_their_digits() {
    for (value, expected) in [
        (json!("1,234,567.8"), json!(1_234_567)),
        (json!(" 42 "), json!(42)),
        (json!("12abc"), json!(12)),
        (json!("abc"), json!(0)),
        (json!("-0x1A"), json!(-26)),
        (json!("0x1.edcdp6"), json!(123)),
        (json!("1.5E3"), json!(1500)),
        (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_993_i64)),
        (json!("9223372036854775808"), json!(9_223_372_036_854_775_808_u64)),
        (json!(true), json!(1)),
        (json!(["1", null, 2.9, false]), json!([1, null, 2, 0])),
        (json!({"k": "1"}), json!({"k": "1"})),
    ] {
        assert_eq!(
            run(r#"convert => { "a" => "integer" }"#, json!({"a": value}))["a"],
            expected,
            "{value}"
        );
    }
    assert_eq!(
        run(r#"convert => { "a" => "integer_eu" }"#, json!({"a": "1.234,9"}))["a"],
        json!(1234)
    );
    assert_eq!(
        run(r#"convert => { "a" => "float_eu" }"#, json!({"a": "1.234,5"}))["a"],
        json!(1234.5)
    );
}

#[test]
fn a_conversion_that_fails_ends_the_filter_and_tags() {
    for value in ["abc", "", "1.2.3", "nan", "inf", "1e400", "0xzz", "5."] {
        let out = run(
            r#"convert => { "a" => "float" } uppercase => "b" add_tag => "done""#,
            json!({"a": value, "b": "x"}),
        );
        assert_eq!(out, json!({"a": value, "b": "x", "tags": ["_mutate_error"]}), "{value}");
    }
    let out =
        run(r#"convert => { "a" => "integer" } tag_on_failure => "oops""#, json!({"a": "hello"}));
    assert_eq!(out, json!({"a": "hello", "tags": ["oops"]}));
}

#[test]
fn truth_values_are_words() {
    for (value, expected) in [
        (json!("Yes"), json!(true)),
        (json!("f"), json!(false)),
        (json!(1), json!(true)),
        (json!(0.0), json!(false)),
        (json!(""), json!(false)),
        (json!("maybe"), json!("maybe")),
        (json!([true, "n", 7]), json!([true, false, 7])),
    ] {
        assert_eq!(
            run(r#"convert => { "a" => "boolean" }"#, json!({"a": value}))["a"],
            expected,
            "{value}"
        );
    }
}

#[test]
fn strings_are_as_written() {
    let out = run(
        r#"convert => { "a" => "string" "b" => "string" "c" => "string" }"#,
        json!({"a": 1.50, "b": true, "c": [1, {"k": 2}, null]}),
    );
    assert_eq!(out, json!({"a": "1.5", "b": "true", "c": ["1", "{\"k\":2}", null]}));
}

#[test]
fn patterns_are_replaced_with_groups() {
    let out = run(
        r#"gsub => [ "a", "(?<first>\d+)-(?<last>\w+)", "\2/\k<last>/\0\\n\x", "b", "[\\?#-]", ".", "list", "^x$", "y" ]"#,
        json!({"a": "1-b 2-c", "b": "a\\b?c#d-e", "list": ["x", 1, "z\nx"]}),
    );
    assert_eq!(
        out,
        json!({"a": "b/b/1-b\\n\\x c/c/2-c\\n\\x", "b": "a.b.c.d.e", "list": ["y", 1, "z\ny"]})
    );
}

#[test]
fn hostile_11_event_text_in_patterns_and_replacements_is_text() {
    let out = run(
        r#"gsub => [ "a", "is %{what}", "was %{by}" ] add_field => { "copy" => "%{by}" }"#,
        json!({"a": "is (a+)+$ is aaa", "what": "(a+)+$", "by": "\\0 %{a} ${HOME} ${jndi:ldap://x}"}),
    );
    let by = "\\0 %{a} ${HOME} ${jndi:ldap://x}";
    assert_eq!(
        out,
        json!({"a": format!("was {by} is aaa"), "what": "(a+)+$", "by": by, "copy": by})
    );
}

#[test]
fn texts_are_edited_alone_and_in_arrays() {
    let out = run(
        r#"uppercase => "u" lowercase => [ "l" ] capitalize => "c" strip => [ "s", "n" ]"#,
        json!({"u": "straße", "l": ["ÀB", 1, {"k": "X"}], "c": "éCOLE X", "s": ["\t a b\n", 3], "n": 5}),
    );
    assert_eq!(
        out,
        json!({"u": "STRASSE", "l": ["àb", 1, {"k": "X"}], "c": "École x", "s": ["a b", 3], "n": 5})
    );
}

#[test]
fn arrays_are_split_joined_and_merged() {
    let out = run(
        r#"split => { "a" => "," "w" => " " "e" => "" } join => { "j" => "-" }
           merge => { "m" => [ "one", "many" ] "o" => "p" "o2" => "m2" "none" => "nothing" }"#,
        json!({
            "a": ",x,,y,,", "w": "  b  c ", "e": "äb", "j": [1, ["x", null], {"k": true}],
            "m": "zero", "one": 1, "many": [2, "3"], "o": {"a": 1, "b": 2}, "p": {"b": 3, "c": 4}, "o2": {"a": 1}, "m2": [1],
        }),
    );
    assert_eq!(
        out,
        json!({
            "a": ["", "x", "", "y"], "w": ["b", "c"], "e": ["ä", "b"], "j": "1-x--{\"k\":true}",
            "m": ["zero", 1, 2, "3"], "one": 1, "many": [2, "3"], "o": {"a": 1, "b": 3, "c": 4}, "p": {"b": 3, "c": 4},
            "o2": {"a": 1}, "m2": [1], "none": [],
        })
    );
}

#[test]
fn what_a_substitution_makes_of_a_field_is_bounded() {
    let blanks = " ".repeat(100_000);
    for event in [
        json!({"a": blanks, "x": "y".repeat(400_000)}),
        json!({"a": ["short and", vec!["x"], blanks.clone(), "short"], "x": "y".repeat(400_000)}),
        json!({"a": vec!["a b"; 50], "x": "y".repeat(400_000)}),
    ] {
        for gsub in [r#"[ "a", " ", "%{x}" ]"#, r#"[ "a", "( )", "\1%{x}" ]"#] {
            let out = run(&format!(r#"gsub => {gsub} uppercase => "a""#), event.clone());
            let mut expected = event.clone();
            expected["tags"] = json!(["_mutate_error"]);
            assert!(out == expected, "{gsub}: {} bytes", out.to_string().len());
        }
    }
    let grown = run(r#"gsub => [ "a", " ", "0123456789" ]"#, json!({"a": blanks}));
    assert_eq!(grown["a"].as_str().unwrap().len(), 1_000_000);
    assert_eq!(grown.get("tags"), None);
}

#[test]
fn hostile_08_objects_of_many_pairs_are_merged() {
    let pairs = |from: u32| (from..from + 9_000).map(move |n| (format!("k{n}"), json!(from)));
    let (into, added): (Value, Value) = (pairs(0).collect(), pairs(4_500).collect());
    let out = run(r#"merge => { "a" => "b" }"#, json!({"a": into, "b": added}));
    assert_eq!(out["a"].as_object().unwrap().len(), 13_500);
    assert_eq!((&out["a"]["k4499"], &out["a"]["k4500"]), (&json!(0), &json!(4_500)));
    assert_eq!(out["b"], added);
}

#[test]
fn hostile_08_a_long_array_costs_time_in_proportion() {
    let long = vec!["a-1"; 19_000];
    let out = run(
        r#"uppercase => "l" gsub => [ "l", "-", "" ] merge => { "m" => "l" } remove_tag => "x""#,
        json!({"l": long, "tags": vec!["x"; 900]}),
    );
    assert_eq!(out["m"], json!(vec!["A1"; 19_000]));
    assert_eq!(out["tags"], json!([]));
}

#[test]
fn a_blocked_way_is_tagged_and_loses_nothing() {
    for options in [
        r#"rename => { "a" => "[s][x]" }"#,
        r#"copy => { "a" => "[s][x]" }"#,
        r#"replace => { "[s][x]" => "y" }"#,
        r#"merge => { "[s][x]" => "a" }"#,
        r#"rename => { "a" => "@timestamp" }"#,
        r#"rename => { "a" => "%{bad}" }"#,
    ] {
        let out = run(options, json!({"a": 1, "s": "text", "bad": "[x"}));
        assert_eq!(
            out,
            json!({"a": 1, "s": "text", "bad": "[x", "tags": ["_mutate_error"]}),
            "{options}"
        );
    }
}

#[test]
fn the_time_can_be_copied() {
    let out = run(r#"copy => { "@timestamp" => "[event][created]" }"#, json!({}));
    assert_eq!(out, json!({"event": {"created": "2024-06-15T12:00:00.000Z"}}));
}

#[test]
fn a_field_with_the_times_name_is_not_copied_as_the_time() {
    let mut event = Event::new();
    let forged = event.new_text("forged");
    event.attach(event.root(), "@timestamp", forged);
    let to = FieldPath::key("time");
    assert!(restructure::copy(&mut event, &FieldPath::key("@timestamp"), &to).is_ok());
    let copied = event.get(&to).and_then(|id| event.text(id));
    assert_eq!(copied.as_deref(), Some("1970-01-01T00:00:00.000Z"));
}

#[test]
fn gsub_looks_around_and_refers_back() {
    for (three, text, expected) in [
        (r#""a", "(?<=\d)(?=(?:\d{3})+$)", ",""#, "1234567", "1,234,567"),
        (r#""a", "(?<!\\)'", "''""#, r"it's \'so", r"it''s \'so"),
        (r#""a", "(\w)\1", "<\1>""#, "aabbc", "<a><b>c"),
        (r#""a", "(?<q>['x])(?<in>\w+)\k<q>", "\k<in>""#, "'a' xbx 'c", "a b 'c"),
        (r#""a", "%{b}(?=x)", "<%{b}>""#, "a.cx abcx a.cy", "<a.c>x abcx a.cy"),
        (r#""a", "x(?=yz)", "!""#, "nothing", "nothing"),
    ] {
        let out = run(&format!("gsub => [ {three} ]"), json!({"a": text, "b": "a.c"}));
        assert_eq!(out["a"], expected, "{three}");
    }
}

/// Hostile input 16: a search that would go on for ever leaves the field as it is.
#[test]
fn hostile_16_gsub_ends() {
    let text = format!("x{}y", "a".repeat(60));
    let out = run(r#"gsub => [ "a", "^(.)(?:a+)+\1$", "" ]"#, json!({"a": [text, "xax"]}));
    assert_eq!(out, json!({"a": [text, "xax"], "tags": ["_mutate_error"]}));
}

#[test]
fn mistakes_are_refused_with_a_way_out() {
    for (options, message, way_out) in [
        (r#"convert => { "a" => "int" }"#, "cannot make `int`", "did you mean `integer`?"),
        (r#"convert => { "a" => "flaot" }"#, "cannot make `flaot`", "did you mean `float`?"),
        (r#"gsub => [ "a", "b" ]"#, "list of threes", "replacement"),
        (r#"gsub => [ "a", "(?<x>b)\1", "c" ]"#, "counts groups", "give the group a name"),
        (r#"gsub => [ "a", "(?<x>b)", "\k<y>" ]"#, "no group `y`", "(?<y>...)"),
        (r#"gsub => [ "a", "%{x", "%{+QQ}" ]"#, "QQ", "%{+YYYY.MM.dd}"),
        (r#"rename => { "[a" => "b" }"#, "`[a` is not a field reference", "[outer][inner]"),
        (r#"rename => "a""#, "must be a hash", "=>"),
        (r#"renam => { "a" => "b" }"#, "has no option `renam`", "did you mean `rename`?"),
        (r#"remove_field => "@timestamp""#, "cannot be removed", "leave it out"),
        (r#"remove => "a""#, "`remove` of `mutate` is not supported", "remove_field => [ ... ]"),
        (r#"uppercase => { "a" => "b" }"#, "list of strings", "["),
    ] {
        let said = Trial::refusal(&format!("mutate {{ {options} }}"));
        assert!(said.contains(message) && said.contains(way_out), "{options}: {said}");
    }
}
