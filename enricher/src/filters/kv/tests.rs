//! What `kv` makes of events, what it refuses, and its scanner against the expression that it stands for.

use std::time::{Duration, Instant};

use event::Limits;
use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};

use super::scan::{Marks, Position, Scanner};
use super::separator::Separator;
use crate::filter::Environment;
use crate::filters::trial::Trial;
use crate::language::{Source, Syntax};
use crate::plan::parse_and_compile;

/// The fields beside `message` that come out of a text.
fn fields(options: &str, message: &str) -> Value {
    let mut out = run(options, json!({"message": message}));
    out.as_object_mut().unwrap().remove("message");
    out
}

fn run(options: &str, event: Value) -> Value {
    let mut out = Trial::new(&format!("kv {{ {options} }}")).run(event);
    out.as_object_mut().unwrap().remove("@timestamp");
    out
}

#[test]
fn values_stand_alone_or_in_quotes_and_brackets() {
    let message = r#"a=1 b="x y" c='x y' d=(x y) e=[x y] f=<x y> g="x" y h="open i=x(y z"#;
    assert_eq!(
        fields(r#"add_tag => "ok""#, message),
        json!({"a": "1", "b": "x y", "c": "x y", "d": "x y", "e": "x y", "f": "x y", "g": "x", "h": "\"open", "i": "x(y", "tags": ["ok"]})
    );
    let out = fields("include_brackets => false", r#"a=(x y) b=[x y] c="x y""#);
    assert_eq!(out, json!({"a": "(x", "b": "[x", "c": "x y"}));
    assert_eq!(fields(r#"add_tag => "ok""#, "neither nor"), json!({}));
}

#[test]
fn blanks_around_the_separator_are_no_part_of_a_pair_unless_it_is_strict() {
    let message = r#"a = 1 b= 2 c =3 d="" e=5 f="#;
    assert_eq!(fields("", message), json!({"a": "1", "b": "2", "c": "3", "e": "5"}));
    assert_eq!(fields("whitespace => strict", message), json!({"e": "5"}));
    assert_eq!(
        fields("whitespace => strict allow_empty_values => true", message),
        json!({"b": "", "d": "", "e": "5", "f": ""})
    );
    let options = r#"field_split => "\r\n" value_split => " " trim_key => ":""#;
    assert_eq!(
        fields(options, "A: 4\r\nB\r\n\r\nC: \r\nD:  True\r\n"),
        json!({"A": "4", "D": "True"})
    );
}

#[test]
fn a_backslash_takes_away_the_meaning_of_a_separator() {
    assert_eq!(
        fields(r#"value_split => ":""#, r"IKE:=Quick\ Mode IKE\ IDs:=x\ (y) z:1"),
        json!({"IKE": r"=Quick\ Mode", r"IKE\ IDs": r"=x\ (y)", "z": "1"})
    );
    let out = fields("", r#"a="x\" y" b\=c=d e\\=f g="\\" h\=i"#);
    assert_eq!(out, json!({"a": r#"x\" y"#, r"b\=c": "d", r"e\\": "f", "g": r"\\", r"h\": "i"}));
}

#[test]
fn separators_are_characters_or_patterns() {
    let expected = json!({"a": "b c", "d": "x"});
    for (options, message) in [
        (r#"field_split => "?&""#, "?a=b c&nothing&d=x"),
        (r#"field_split => "\|;""#, "a=b c|d=x;"),
        (r#"field_split => "\s" value_split => ":""#, "a:'b c'\td:x"),
        (r#"field_split => "·é""#, "a=b c·d=xé"),
        (r#"field_split => "&" value_split => "→""#, "a→ b c&d→x"),
        (r#"field_split_pattern => "__" value_split_pattern => "::""#, "a::b c__d::x"),
        (r#"field_split_pattern => "_+" value_split_pattern => ":+""#, "a: b c___d :::x_"),
        (r#"field_split_pattern => "\?\?" value_split_pattern => "\+\+""#, "a++b c??d++x"),
        (r#"field_split_pattern => "\\r\\n""#, r"a=b c\r\nd=x\r\n\r\n"),
        (r#"field_split_pattern => "(?i)and|&""#, "a=b cANDd=x"),
        (r#"field_split_pattern => ";|$""#, "a=b c;d=x"),
        (r#"value_split_pattern => "(?:=+=+)+:""#, "a==:'b c' d====:x"),
    ] {
        assert_eq!(fields(options, message), expected, "{options}");
    }
    let message = r#"a=b!!!c="x" and y!!!d="in! it"!!!e="o!!!f"!!!g="""#;
    assert_eq!(
        fields(r#"field_split_pattern => "!!!""#, message),
        json!({"a": "b", "c": "\"x\" and y", "d": "in! it", "e": "o!!!f"})
    );
    // A line ends what a pattern separates.
    assert_eq!(
        fields(r#"field_split_pattern => ";""#, "a=b\nc=d;e=f"),
        json!({"a": "b", "c": "d", "e": "f"})
    );
}

#[test]
fn a_separator_may_look_at_what_follows() {
    let message =
        r#"key1: val1; key2: val2; key3:  https://x/?g={"...;  CLR  rv:1)"..}; key4: val4;"#;
    let options = r#"field_split_pattern => "; *(?=key.+?:)|;$" value_split_pattern => ": +""#;
    assert_eq!(
        fields(options, message),
        json!({"key1": "val1", "key2": "val2", "key3": r#"https://x/?g={"...;  CLR  rv:1)"..}"#, "key4": "val4"})
    );
    let out = fields(r#"field_split_pattern => "[(,|]+(?=\w+=)""#, "a=b (|)c,d=e");
    assert_eq!(out, json!({"a": "b (|)c", "d": "e"}));
}

#[test]
fn keys_and_values_are_trimmed_cleaned_and_changed() {
    let message = "%+To=<Me@x.com>, %+sTate=sEnt<1>,";
    let options = r#"trim_key => "%+" trim_value => "<>," transform_key => "lowercase" remove_char_value => "@\[\]""#;
    assert_eq!(fields(options, message), json!({"to": "Mex.com", "state": "sEnt<1"}));
    let options =
        r#"remove_char_key => "%+" transform_key => "uppercase" transform_value => "capitalize""#;
    assert_eq!(fields(options, message), json!({"TO": "<me@x.com>,", "STATE": "Sent<1>,"}));
    assert_eq!(fields(r#"trim_value => " ""#, "a=' x \n y '"), json!({"a": "x\ny"}));
}

#[test]
fn which_keys_are_taken_may_come_out_of_the_event() {
    let event = json!({"message": "a=1 b=2 c=3", "one": "a", "two": "b"});
    let added = |options: &str| {
        let mut out = run(options, event.clone());
        let out = out.as_object_mut().unwrap();
        ["message", "one", "two"].into_iter().for_each(|name| drop(out.remove(name)));
        json!(out)
    };
    assert_eq!(added(r#"include_keys => ["%{one}", "c"]"#), json!({"a": "1", "c": "3"}));
    assert_eq!(
        added(r#"exclude_keys => ["%{one}", "c"] prefix => "%{two}_""#),
        json!({"b_b": "2"})
    );
    assert_eq!(added(r#"include_keys => "a" exclude_keys => "%{one}" add_tag => "ok""#), json!({}));
}

#[test]
fn keys_that_come_again_have_arrays() {
    let message = "a=1 a=2 a=2 b=1";
    assert_eq!(fields("", message), json!({"a": ["1", "2", "2"], "b": "1"}));
    assert_eq!(
        fields("allow_duplicate_values => false", "a=12 a=1 a=12 b=1"),
        json!({"a": ["12", "1"], "b": "1"})
    );
    let out = run(r#"source => "list""#, json!({"list": ["a=1 b=2", 5, null, ["c=3"], "a=4"]}));
    assert_eq!((&out["a"], &out["b"], out.get("c")), (&json!(["1", "4"]), &json!("2"), None));
}

#[test]
fn pairs_within_values() {
    let message = r#"a="plain" b = (x= 1 y= [u=1 u=2] z) b="c=d""#;
    assert_eq!(
        fields("recursive => true", message),
        json!({"a": "plain", "b": [{"x": "1", "y": {"u": ["1", "2"]}}, {"c": "d"}]})
    );
    let limits = Limits { depth_max: 2, ..Limits::default() };
    let environment = Environment { limits, ..Environment::default() };
    let mut trial = Trial::build("kv { recursive => true }", &environment).unwrap();
    let out = trial.run(json!({"message": r#"a="b='c=[d=<e>]'""#}));
    assert_eq!(out["a"], json!({"b": {"c": "d=<e>"}}));
}

#[test]
fn defaults_and_targets() {
    let options = r#"default_keys => { "a" => "x" "[n][m]" => ["y", 1] }"#;
    assert_eq!(fields(options, "a=1"), json!({"a": "1", "n": {"m": ["y", 1]}}));
    assert_eq!(fields(options, "none"), json!({"a": "x", "n": {"m": ["y", 1]}}));
    assert_eq!(
        fields(&format!(r#"{options} target => "[t][u]""#), "b=1"),
        json!({"t": {"u": {"a": "x", "[n][m]": ["y", 1], "b": "1"}}})
    );
    let out = run(r#"source => "s" target => "s""#, json!({"s": "a=1 b=2"}));
    assert_eq!(out, json!({"s": {"a": "1", "b": "2"}}));
    let out = run(r#"target => "t" add_tag => "ok""#, json!({"message": "none", "t": 1}));
    assert_eq!(out, json!({"message": "none", "t": 1}));
}

#[test]
fn hostile_13_names_in_texts_are_only_names() {
    let out = fields("", "[a][b]=1 a.b=2 @metadata=3 @timestamp=4 %{x}=%{y} tags=5");
    assert_eq!(
        out,
        json!({"[a][b]": "1", "a.b": "2", "_@timestamp": "4", "%{x}": "%{y}", "tags": ["5", "_timestampparsefailure"]})
    );
    let mut trial = Trial::new("kv { }");
    let out = trial.run(json!({"message": "@timestamp=2001-02-03T04:05:06Z"}));
    assert_eq!(out["@timestamp"], "2001-02-03T04:05:06.000Z");
}

#[test]
fn what_is_too_much_only_tags() {
    for (options, message) in [
        ("", "a=1 ".repeat(20_001)),
        (r#"prefix => "%{message}""#, "a=1 ".repeat(4_000)),
        (r#"target => "[message][x]""#, "a=1".to_owned()),
    ] {
        let event = json!({"message": message});
        let out = run(&format!(r#"{options} add_tag => "ok""#), event.clone());
        assert_eq!(out["tags"], json!(["_kv_filter_error"]), "{options}");
        assert_eq!((out.as_object().unwrap().len(), &out["message"]), (2, &event["message"]));
        let out = run(&format!(r#"{options} tag_on_failure => ["x", "y"]"#), event);
        assert_eq!(out["tags"], json!(["x", "y"]));
    }
}

/// Each text would take minutes if its length counted twice.
#[test]
fn hostile_12_any_text_costs_time_in_proportion() {
    let generous = Limits { nodes_max: 1_000_000, payload_bytes_max: 64 << 20, depth_max: 64 };
    let environment = Environment { limits: generous, ..Environment::default() };
    let patterns = r#"field_split_pattern => ";.*x|;" value_split_pattern => "(?:=+=+)+:|=""#;
    for (options, part, count) in [
        ("", "a=(b ", 100_000),
        ("", "a=(b \\)x ", 60_000),
        ("", "a=\"b ", 100_001),
        ("", "\\= ", 200_000),
        ("", "a\\=\\\\", 100_000),
        ("", "a      ", 100_000),
        ("recursive => true", "a=(", 150_000),
        ("", "k=v k=v ", 50_000),
        ("allow_duplicate_values => false", "k=v k=v ", 50_000),
        (r#"value_split_pattern => "(?:=+=+)+:""#, "=", 1_000_000),
        (patterns, "; a=b ", 100_000),
        (patterns, "=====", 100_000),
        (r#"trim_value => " " trim_key => " " field_split => ";""#, "  a=\n ", 100_000),
    ] {
        let mut trial = Trial::build(&format!("kv {{ {options} }}"), &environment).unwrap();
        let start = Instant::now();
        trial.run(json!({"message": part.repeat(count)}));
        let took = start.elapsed();
        assert!(took < Duration::from_secs(20), "{options} {part:?}: {took:?}");
    }
    let many = (0..100_000).map(|number| format!("k{number}=v ")).collect::<String>();
    let out = Trial::build(r#"kv { target => "t" }"#, &environment)
        .unwrap()
        .run(json!({"message": many}));
    assert_eq!(out["t"].as_object().unwrap().len(), 100_000);
}

#[test]
fn mistakes_are_refused_with_a_way_out() {
    for (options, message, way_out) in [
        (r#"value_split => """#, "names no characters", "backslash"),
        (r#"field_split => "^""#, "names no characters", r"\^"),
        (r#"field_split => "a]b""#, "more than a set", r"\]"),
        (r#"field_split => "\\;""#, "separates nothing", "field_split_pattern"),
        (r#"field_split => "[""#, "not closed", "close it"),
        (r#"field_split_pattern => """#, "is empty", "leave it out"),
        (r#"value_split_pattern => """#, "is empty", "leave it out"),
        (r#"value_split_pattern => "=(?=x)""#, "look-around", "match what stands around"),
        (r#"field_split_pattern => "(?<!a);""#, "look-around", "match what stands around"),
        (r#"field_split_pattern => "\b""#, "cannot be run", "without `\\b`"),
        (r#"field_split_pattern => "(""#, "cannot be read", "correct the pattern"),
        (r#"trim_key => """#, "is empty", "leave it out"),
        (r#"transform_key => "upper""#, "cannot be `upper`", "uppercase"),
        (r#"whitespace => "none""#, "cannot be `none`", "lenient, strict"),
        ("timeout_millis => -1", "cannot be negative", "leave it out"),
        (r#"default_keys => { "a[" => "b" }"#, "not a field reference", "[outer][inner]"),
        (r#"trim => "<>""#, "not supported", "`trim_value => ...`"),
        (r#"trimkey => "<>""#, "not supported", "`trim_key => ...`"),
        (r#"whitespac => "strict""#, "has no option `whitespac`", "`whitespace`"),
    ] {
        let said = Trial::refusal(&format!("kv {{ {options} }}"));
        assert!(said.contains(message) && said.contains(way_out), "{options}: {said}");
    }
    let harmless = r#"timeout_millis => 0 tag_on_timeout => "x" ecs_compatibility => v1"#;
    assert!(Trial::build(&format!("kv {{ {harmless} }}"), &Environment::default()).is_ok());
}

#[test]
fn a_check_says_that_timeouts_have_no_effect() {
    let environment = Environment { wants_warnings: true, ..Environment::default() };
    let warned = |options: &str| {
        let source = Source::new("test.conf", format!("filter {{ kv {{ {options} }} }}"));
        let plan = parse_and_compile(&source, Syntax::default(), &environment);
        let plan = plan.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        plan.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let said = warned(r#"timeout_millis => 100 tag_on_timeout => "slow""#);
    for name in ["`timeout_millis` has no effect", "`tag_on_timeout` has no effect"] {
        assert!(said.contains(name), "{said}");
    }
    assert_eq!(warned(r#"field_split => "&""#), "");
}

/// What texts are made of: many are separators, quotes and what takes their meaning away.
const PARTS: &[&str] = &[
    "a", "b", "é", "\n", "\\", "\\", "\\\\", "\\\"", "\"", "\"", "'", "(", ")", "[", "]", "<", ">",
    " ", " ", "=", "=", ";",
];

/// A scanner, and the expression by which Logstash finds the same pairs.
fn scanner_and_expression(
    split: &str,
    field: &str,
    is_strict: bool,
    by_pattern: bool,
) -> (Scanner, Regex) {
    let blanks = if is_strict { "" } else { " *" };
    let splits = if by_pattern {
        Separator::pattern(&format!("{blanks}(?:[{split}]){blanks}"))
    } else {
        Separator::one_of(split)
    };
    let fields = if by_pattern {
        Separator::pattern(&format!("[{field}]"))
    } else {
        Separator::one_of(field)
    };
    let scanner = Scanner {
        fields: fields.unwrap(),
        splits: splits.unwrap(),
        skips_blanks: !is_strict && !by_pattern,
        keys_end_with_lines: by_pattern,
        values_end_with_lines: by_pattern,
        include_brackets: true,
    };
    let line = if by_pattern { r"\n" } else { "" };
    let until = |class: &str| format!(r"((?:\\.|[^{class}])+)");
    let values = [('"', '"'), ('\'', '\''), ('(', ')'), ('[', ']'), ('<', '>')]
        .map(|(open, close)| {
            format!(r"\{open}{}?\{close}", until(&format!(r"\{close}")))
                .replace(r"\<", "<")
                .replace(r"\>", ">")
        })
        .join("|");
    let key = until(&format!("{split}{field}{line}"));
    let unquoted = until(&format!("{field}{line}"));
    let expression =
        format!("{key}{blanks}[{split}]{blanks}(?:{values}|{unquoted})?(?:[{field}]|(?m:$))");
    (scanner, Regex::new(&expression).unwrap())
}

fn scanned(scanner: &mut Scanner, text: &str) -> Vec<(String, String)> {
    let mut marks = Marks::default();
    scanner.mark(text, &mut marks);
    let mut position = Position::default();
    let pairs = std::iter::from_fn(|| scanner.next(text, &marks, &mut position));
    pairs.map(|pair| (pair.key.to_owned(), pair.value.to_owned())).collect()
}

fn expected(expression: &Regex, text: &str) -> Vec<(String, String)> {
    let pairs = expression.captures_iter(text).map(|groups| {
        let value = groups.iter().skip(2).flatten().next();
        (groups[1].to_owned(), value.map_or("", |value| value.as_str()).to_owned())
    });
    pairs.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Patterns of one character, strict ones: there the negated look-ahead is a class.
    #[test]
    fn the_scanner_finds_what_the_expression_finds(
        parts in prop::collection::vec(prop::sample::select(PARTS), 0..32),
        strict in any::<bool>(),
        by_pattern in any::<bool>(),
        separators in prop::sample::select(vec![("=", " "), ("=", ";"), (" ", ";"), ("= ", " ;"), ("=", r"\n"), ("=é", "; "), ("a", "'")]),
    ) {
        let text = parts.concat();
        let (split, field) = separators;
        let is_strict = strict || by_pattern;
        let (mut scanner, expression) = scanner_and_expression(split, field, is_strict, by_pattern);
        prop_assert_eq!(scanned(&mut scanner, &text), expected(&expression, &text), "{}", expression);
    }

    #[test]
    fn no_pattern_and_no_text_panic(
        split in r"[=:+*?|()\[\]a^$\\]{1,6}",
        field in r"[;,+*?|()\[\]=a^$\\]{1,6}",
        text in r"[ab=:;,é \\\n()]{0,24}",
    ) {
        let options = r#"kv { field_split_pattern => "FIELD" value_split_pattern => "SPLIT" recursive => true }"#;
        let options = options.replace("FIELD", &field).replace("SPLIT", &split);
        if let Ok(mut trial) = Trial::build(&options, &Environment::default()) {
            trial.run(json!({"message": text}));
        }
    }
}
