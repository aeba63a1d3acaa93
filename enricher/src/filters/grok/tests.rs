//! What grok takes apart, keeps, adds to and refuses.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::automaton::{Automaton, Stepper};
use super::definitions::Definitions;
use super::expansion::expand;
use super::program::Program;
use super::ruby_syntax::translate;
use crate::filter::Applied;
use crate::filters::trial::Trial;

const APACHE: &str = r#"192.0.2.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif?a=1 HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)""#;

fn automaton(pattern: &str) -> Automaton {
    let expression = expand(pattern, &Definitions::shipped(false), false).unwrap();
    let translation = translate(&expression).unwrap();
    Automaton::new(Program::compile(&translation).unwrap(), 1 << 20)
}

/// The captures of a pattern's first match, in the order of their groups.
fn captures(pattern: &str, text: &str) -> Option<Vec<Option<String>>> {
    let expression = expand(pattern, &Definitions::shipped(false), false).unwrap();
    let translation = translate(&expression).unwrap();
    let mut automaton = Automaton::new(Program::compile(&translation).unwrap(), 1 << 20);
    let mut steps = u64::MAX;
    automaton.search(text, &mut Stepper::new(), &mut steps).unwrap().then(|| {
        let captures = (0..translation.names.len()).map(|number| automaton.capture(number));
        captures.map(|range| range.map(|range| text[range].to_owned())).collect()
    })
}

fn first(pattern: &str, text: &str) -> Option<String> {
    captures(pattern, text)?.into_iter().next().flatten()
}

#[test]
fn takes_an_access_log_apart_in_ecs_names() {
    let mut grok = Trial::new(r#"grok { match => { "message" => "%{COMBINEDAPACHELOG}" } }"#);
    let (applied, event) = grok.apply(json!({"message": APACHE}));
    assert_eq!(applied, Applied::Matched);
    assert_eq!(
        event,
        json!({
            "@timestamp": "2024-06-15T12:00:00.000Z",
            "message": APACHE,
            "source": {"address": "192.0.2.7"},
            "user": {"name": "frank"},
            "timestamp": "10/Oct/2000:13:55:36 -0700",
            "http": {
                "request": {"method": "GET", "referrer": "http://www.example.com/start.html"},
                "version": "1.0",
                "response": {"status_code": 200, "body": {"bytes": 2326}},
            },
            "url": {"original": "/apache_pb.gif?a=1"},
            "user_agent": {"original": "Mozilla/4.08 [en] (Win98; I ;Nav)"},
        })
    );
}

#[test]
fn takes_an_access_log_apart_in_legacy_names() {
    let mut grok = Trial::new(
        r#"grok { match => { "message" => "%{COMBINEDAPACHELOG}" } ecs_compatibility => "disabled" }"#,
    );
    let event = grok.run(json!({"message": APACHE}));
    assert_eq!(event["clientip"], "192.0.2.7");
    assert_eq!(event["response"], "200");
    assert_eq!(event["agent"], "\"Mozilla/4.08 [en] (Win98; I ;Nav)\"");
}

/// What a shipped pattern makes of a line, without the line.
fn shipped(pattern: &str, mode: &str, line: &str) -> Value {
    let mut grok = Trial::new(&format!(
        r#"grok {{ match => {{ "message" => "%{{{pattern}}}" }} ecs_compatibility => "{mode}" }}"#
    ));
    let mut event = grok.run(json!({"message": line}));
    if let Some(fields) = event.as_object_mut() {
        fields.retain(|name, value| name != "@timestamp" && *value != line);
    }
    event
}

#[test]
fn one_format_has_the_names_of_either_set() {
    let line = r#"1470637867.953466 [0 195.168.1.1:52500] "ping""#;
    assert_eq!(
        shipped("REDISMONLOG", "disabled", line),
        json!({
            "timestamp": "1470637867.953466", "database": "0", "client": "195.168.1.1",
            "port": "52500", "command": "ping",
        })
    );
    assert_eq!(
        shipped("REDISMONLOG", "v1", line),
        json!({
            "timestamp": "1470637867.953466",
            "redis": {"database": {"id": "0"}, "command": {"name": "ping"}},
            "client": {"ip": "195.168.1.1", "port": 52500},
        })
    );
}

#[test]
fn columns_that_are_missing_give_no_fields() {
    let line = "1541001600.580233\tCPRLCB4eWHdjP852Bk\t172.16.133.19\t48046\t74.63.41.218\t5061\ttcp\t-\t-\t-\t-\tS0\t-\t-\t0\tS\t1\t48\t0\t0\t-";
    assert_eq!(
        shipped("ZEEK_CONN", "v8", line),
        json!({
            "timestamp": "1541001600.580233",
            "source": {"ip": "172.16.133.19", "port": 48046, "packets": 1, "bytes": 48},
            "destination": {"ip": "74.63.41.218", "port": 5061, "packets": 0, "bytes": 0},
            "network": {"transport": "tcp"},
            "zeek": {
                "session_id": "CPRLCB4eWHdjP852Bk",
                "connection": {"state": "S0", "missed_bytes": 0, "history": "S"},
            },
        })
    );
}

#[test]
fn a_firewall_s_line_is_taken_apart_in_ecs_names() {
    let line = "Teardown UDP connection 8171 for outside:10.1.1.9/53(LOCAL\\ann) to inside:10.2.2.8/4100 duration 0:01:02 bytes 148";
    assert_eq!(
        shipped("CISCOFW302013_302014_302015_302016", "v1", line),
        json!({
            "cisco": {"asa": {
                "outcome": "Teardown", "network": {"transport": "UDP"}, "connection_id": "8171",
                "duration": "0:01:02",
            }},
            "observer": {
                "ingress": {"interface": {"name": "outside"}},
                "egress": {"interface": {"name": "inside"}},
            },
            "source": {"ip": "10.1.1.9", "port": 53, "user": {"name": "LOCAL\\ann"}},
            "destination": {"ip": "10.2.2.8", "port": 4100},
            "network": {"bytes": 148},
        })
    );
}

#[test]
fn a_line_that_does_not_match_is_tagged_and_kept() {
    let mut grok = Trial::new(r#"grok { match => ["message", "%{COMBINEDAPACHELOG}"] }"#);
    let cut = &APACHE[..APACHE.len() - 5];
    let (applied, event) = grok.apply(json!({"message": cut}));
    assert_eq!(applied, Applied::NotMatched);
    assert_eq!(event["tags"], json!(["_grokparsefailure"]));
    assert_eq!(event["message"], cut);
    assert_eq!(event.get("http"), None);
}

#[test]
fn captures_add_to_what_is_there_unless_told_to_overwrite() {
    let mut adds =
        Trial::new(r#"grok { match => { "message" => "^%{WORD} %{GREEDYDATA:message}" } }"#);
    assert_eq!(adds.run(json!({"message": "a b c"}))["message"], json!(["a b c", "b c"]));
    let mut overwrites = Trial::new(
        r#"grok { match => { "message" => "^%{WORD} %{GREEDYDATA:message}" } overwrite => ["message"] }"#,
    );
    assert_eq!(overwrites.run(json!({"message": "a b c"}))["message"], "b c");
}

#[test]
fn options_change_what_is_captured() {
    let run = |options: &str, message: Value| {
        Trial::new(&format!("grok {{ {options} }}")).run(json!({"message": message}))
    };
    let event = run(
        r#"match => { "message" => "%{WORD} %{INT:n:int}" } named_captures_only => false"#,
        json!("a 07"),
    );
    assert_eq!((&event["WORD"], &event["n"]), (&json!("a"), &json!(7)));
    let event = run(
        r#"match => { "message" => "%{WORD:[a][b]} %{INT:[@metadata][x]}" } target => "t""#,
        json!("a 7"),
    );
    assert_eq!(event["t"]["a"]["b"], "a");
    let event =
        run(r#"match => { "message" => "a(?<b>x)?" } keep_empty_captures => true"#, json!("a"));
    assert_eq!(event.get("b"), Some(&Value::Null));
    let event = run(
        r#"match => { "message" => ["%{INT:n}", "%{WORD:w}"] } break_on_match => false"#,
        json!(["a 1", "b"]),
    );
    assert_eq!((&event["n"], &event["w"]), (&json!("1"), &json!(["a", "b"])));
    let event = run(
        r#"match => { "message" => "%{A:a}" } pattern_definitions => { "A" => "%{B}" "B" => "b+" }"#,
        json!("abb"),
    );
    assert_eq!(event["a"], "bb");
    let event = run(r#"match => { "message" => "x" } tag_on_failure => ["t1", "t2"]"#, json!("a"));
    assert_eq!(event["tags"], json!(["t1", "t2"]));
    let event = run(r#"match => { "message" => "^40.$" }"#, json!(403));
    assert_eq!(event.get("tags"), None);
}

#[test]
fn patterns_come_from_files_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.pattern"), "# mine\nORDER ORD-\\d+\r\n\nSKU  [A-Z]+\n")
        .unwrap();
    std::fs::write(folder.path().join("mine.old"), "ORDER never\n").unwrap();
    let path = folder.path().display();
    let mut grok = Trial::new(&format!(
        r#"grok {{ patterns_dir => "{path}" patterns_files_glob => "*.pattern" match => {{ "message" => "%{{ORDER:o}} %{{SKU:s}}" }} }}"#
    ));
    let event = grok.run(json!({"message": "see ORD-17 ABC"}));
    assert_eq!((&event["o"], &event["s"]), (&json!("ORD-17"), &json!("ABC")));
    let refusal =
        Trial::refusal(r#"grok { patterns_dir => "/nowhere/at/all" match => { "m" => "x" } }"#);
    assert!(refusal.contains("/nowhere/at/all"), "{refusal}");
}

#[test]
fn a_pattern_that_cannot_run_is_refused_with_a_way_out() {
    for (pattern, said) in [
        ("%{COMBINEDAPACHLOG}", "did you mean %{COMBINEDAPACHELOG}?"),
        (r"%{WORD:a}(b)\1", "give the group a name"),
        (r"\k<a>%{WORD:a}", "put the group before it"),
        (r"(?=abc)?a", "cannot be run"),
        (r"(?~abc)", "write the pattern without it"),
        (r"(?=(x{1000}){1000}{1000}y)z", "bytes when compiled"),
        (r"(?<a>x", "unclosed"),
        (r"%{WORD:[a}", "not a field reference"),
        (r"%{X=abc}", "pattern_definitions"),
        (r"(x{1000}){1000}{1000}", "bytes when compiled"),
    ] {
        let refusal =
            Trial::refusal(&format!(r#"grok {{ match => {{ "message" => '{pattern}' }} }}"#));
        assert!(refusal.contains(said), "{pattern}: {refusal}");
    }
    let endless = Trial::refusal(
        r#"grok { match => { "message" => "%{A}" } pattern_definitions => { "A" => "%{B}" "B" => "%{A}" } }"#,
    );
    assert!(endless.contains("leads back to itself"), "{endless}");
    assert!(Trial::refusal("grok { }").contains("`match`"));
    assert!(Trial::refusal(r#"grok { pattern => "a" }"#).contains("write `match => {"));
    let singles = Trial::refusal(r#"grok { match => { "message" => "a" } singles => true }"#);
    assert!(singles.contains("a single capture is a value of its own"), "{singles}");
}

#[test]
fn the_first_match_by_priority_is_taken() {
    for (pattern, text, expected) in [
        ("(?<a>.*?)b", "aabab", Some("aa")),
        ("(?<a>.*)b", "aabab", Some("aaba")),
        ("(?<a>a|ab)(?:c|bcd)", "abcd", Some("a")),
        ("(?<a>ab|a)(?:c|bcd)", "abcd", Some("ab")),
        ("(?<a>[0-9]+)", "x12y345", Some("12")),
        ("^(?<a>.)$", "abc\nd", Some("d")),
        ("(?<a>.+)x", "a\nbx", Some("a\nb")),
        ("%{NUMBER:a}", "x-12.5e", Some("-12.5")),
        ("%{GREEDYDATA}%{NUMBER:a}", "took 12.5", Some("12.5")),
        (r"\b(?<a>\w+)\b", "“foo” bar", Some("foo")),
        (r"\b(?<a>[a-z]+)\b", "éa bc", Some("bc")),
        (r"(?<a>[[:alpha:]]+)", "1é2", Some("é")),
        ("%{IPV4:a}", "1.2.3.4567 10.0.0.1", Some("10.0.0.1")),
        ("%{QUOTEDSTRING:a}", r#"x "a \" b" c"#, Some(r#""a \" b""#)),
        (r"(?<a>x)(?=\s|$)", "xy x", Some("x")),
        (r"(?<a>\d+)(?!\d|%)", "50% 51", Some("51")),
        (r"(?<![a-z])(?<a>[a-z]+)", "1abc", Some("abc")),
        (r"(?i:ERROR) (?<a>.)", "error x", Some("x")),
        (r"(?i)(?<a>x)(?=y)", "x XY", Some("X")),
        (r"(?i:q)(?<a>.)(?!b)", "QxB", Some("x")),
        (r"(?:(?i)q)(?<a>.)(?!b)", "QxB", Some("x")),
        (r"(?i:(?:q)(?<a>.)(?=y))", "QxY", Some("x")),
        (r"(?i)(?<a>.)(?-i)(?=Y)", "wyxY", Some("x")),
        ("(?:(?<a>a)|b)*", "abab", Some("a")),
        ("nothing", "something", None),
        ("(?<a>)", "", Some("")),
        ("(?<a>é+)$", "aéé", Some("éé")),
        (r"(?<a>a{,2}?b*+c++)\s", "aabbcc ", Some("aabbcc")),
        (r"(?<a>[\w-.]+[^]]*\])", "a-b.c x]y", Some("a-b.c x]")),
        (r"\{(?<a>[^}]*)}", "x{y}", Some("y")),
    ] {
        assert_eq!(first(pattern, text).as_deref(), expected, "{pattern} on {text}");
    }
}

/// Hostile input 16: nested counts and a long text.
#[test]
fn hostile_16_a_megabyte_ends_in_linear_time() {
    let long = "a".repeat(1 << 20);
    let started = Instant::now();
    let mut nested = automaton("^(a+)+$");
    let mut steps = u64::MAX;
    assert_eq!(nested.search(&format!("{long}b"), &mut Stepper::new(), &mut steps), Ok(false));
    assert!(u64::MAX - steps < 10 * long.len() as u64, "took {} steps", u64::MAX - steps);
    let mut counted = automaton("(.*a){30}");
    let mut steps = u64::MAX;
    assert_eq!(counted.search(&long, &mut Stepper::new(), &mut steps), Ok(true));
    assert!(u64::MAX - steps < 10 * long.len() as u64, "took {} steps", u64::MAX - steps);
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// Hostile input 16: what needs more steps than the filter allows ends with the tag.
#[test]
fn hostile_16_a_search_that_costs_too_much_is_tagged() {
    let mut grok = Trial::new(
        r#"grok { match => { "message" => "^(a|b)*a(a|b){60}$" } timeout_millis => 1 }"#,
    );
    let text: String = (0u32..200_000)
        .map(|n| if n.wrapping_mul(2_654_435_761) >> 16 & 1 == 0 { 'a' } else { 'b' })
        .collect();
    let (applied, event) = grok.apply(json!({"message": text}));
    assert_eq!(applied, Applied::NotMatched);
    assert_eq!(event["tags"], json!(["_groktimeout"]));
}

#[test]
fn look_around_and_references_of_a_user_s_own_work() {
    let run = |pattern: &str, message: &str| {
        let mut grok =
            Trial::new(&format!(r#"grok {{ match => {{ "message" => '{pattern}' }} }}"#));
        grok.run(json!({"message": message}))
    };
    for (pattern, message, captured) in [
        (r"(?<=took +)%{NUMBER:a:float}(?= ?ms)", "3 times, took  12.5 ms", json!(12.5)),
        (r"(?<=ab+ )%{WORD:a}", "b xy abb yz", json!("yz")),
        (r"(?<!user |by )\b(?<a>b\w+)", "user bob ben", json!("ben")),
        (r"%{DATA:a}(?=[0-9]{3})", "x1234", json!("x")),
        (r"^(?!.*(?:DEBUG|TRACE) )%{GREEDYDATA:a}$", "INFO x", json!("INFO x")),
        (r#"(?<q>["])(?<a>.*?)\k<q>"#, r#"say "it is" now"#, json!("it is")),
        (r"^(?<open>\()?%{WORD:a}(?(<open>)\)|!)", "b!", json!("b")),
        (r"(?i)(?=error: )%{WORD:a}", "an ERROR: x", json!("ERROR")),
    ] {
        assert_eq!(run(pattern, message)["a"], captured, "{pattern} on {message}");
    }
    // A group that took no part in the match sets no field.
    let event = run(r"(?<a>x)?(?=abc)", "x abc");
    assert_eq!((event.get("a"), event.get("tags")), (None, None));
    let event = run(r"^(?!.*(?:DEBUG|TRACE) )%{GREEDYDATA:a}$", "a DEBUG x");
    assert_eq!(event["tags"], json!(["_grokparsefailure"]));
    // Definitions may ask for it as well, and a second capture of a name makes an array.
    let mut grok = Trial::new(
        r#"grok { match => { "message" => "%{QUOTED:a} %{QUOTED:a}" } pattern_definitions => { "QUOTED" => "(?<=say )x+|(?=yyy)y+" } }"#,
    );
    assert_eq!(grok.run(json!({"message": "say xx yyy"}))["a"], json!(["xx", "yyy"]));
}

/// Hostile input 16: going back and trying again has an end, by default and with one that is set, for each pattern and
/// for the event.
#[test]
fn hostile_16_a_pattern_that_explodes_is_tagged() {
    let pattern = r#"^(?<q>["=])(?:[a-z]+ ?)+\k<q>$"#;
    let text = format!("\"{}=", "a".repeat(60));
    for options in [
        "",
        "timeout_millis => 1",
        "timeout_millis => 0",
        "timeout_scope => 'event' tag_on_timeout => '_groktimeout'",
    ] {
        let mut grok = Trial::new(&format!(
            r#"grok {{ match => {{ "message" => ['{pattern}', '^%{{GREEDYDATA:rest}}$'] }} {options} }}"#
        ));
        let (applied, event) = grok.apply(json!({"message": text}));
        assert_eq!(applied, Applied::NotMatched, "{options}");
        assert_eq!(event["tags"], json!(["_groktimeout"]), "{options}");
        assert_eq!(event.get("rest"), None);
        let event = grok.run(json!({"message": "\"a b\""}));
        assert_eq!((&event["q"], event.get("tags")), (&json!("\""), None), "{options}");
    }
}

#[test]
fn small_tables_give_the_same_answers() {
    let expression = expand("%{COMBINEDAPACHELOG}", &Definitions::shipped(false), false).unwrap();
    let translation = translate(&expression).unwrap();
    let program = Program::compile(&translation).unwrap();
    let mut roomy = Automaton::new(program.clone(), 1 << 20);
    let mut tight = Automaton::new(program.clone(), 2_000);
    let mut tightest = Automaton::new(program, 0);
    for cut in 0..APACHE.len() {
        let text = format!("{}{}", &APACHE[cut..], &APACHE[..cut]);
        for text in [&text, &APACHE[..cut], APACHE] {
            let mut steps = u64::MAX;
            let found = roomy.search(text, &mut Stepper::new(), &mut steps);
            assert_eq!(found, tight.search(text, &mut Stepper::new(), &mut steps));
            assert_eq!(found, tightest.search(text, &mut Stepper::new(), &mut steps));
            for number in 0..translation.names.len() {
                let captures =
                    [&roomy, &tight, &tightest].map(|automaton| automaton.capture(number));
                assert!(found != Ok(true) || captures.iter().all(|other| *other == captures[0]));
            }
        }
    }
}

#[test]
fn every_shipped_pattern_compiles() {
    for ecs in [false, true] {
        let definitions = Definitions::shipped(ecs);
        let mut names: Vec<_> = definitions.names().collect();
        names.sort_unstable();
        for name in names {
            let expression = expand(&format!("%{{{name}}}"), &definitions, false).unwrap();
            let translation =
                translate(&expression).unwrap_or_else(|error| panic!("{name}: {error}"));
            Program::compile(&translation).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

proptest! {
    /// The automaton finds what a well-tried engine finds, captures and all.
    #[test]
    fn agrees_with_the_regex_crate(
        pattern in "((\\(\\?<[abc]>|\\(\\?:|\\()?([ab.]|\\[ab\\]|\\\\b|\\^|\\$|a\\|b|é)([*+?]\\??)?(\\)[*+?]?)?){1,6}",
        text in "[abé \\n]{0,12}",
    ) {
        let Ok(translation) = translate(&pattern) else { return Ok(()) };
        let Ok(program) = Program::compile(&translation) else { return Ok(()) };
        let Ok(reference) = regex::Regex::new(&format!("(?s){}", translation.expression)) else { return Ok(()) };
        let mut automaton = Automaton::new(program, 1 << 16);
        let mut steps = u64::MAX;
        let found = automaton.search(&text, &mut Stepper::new(), &mut steps).unwrap();
        let expected = reference.captures(&text);
        prop_assert_eq!(found, expected.is_some(), "{} on {:?}", translation.expression, text);
        if let Some(expected) = expected {
            for number in 0..translation.names.len() {
                let wanted = expected.name(&format!("c{number}")).map(|group| group.range());
                prop_assert_eq!(automaton.capture(number), wanted, "c{} of {} on {:?}", number, translation.expression, text);
            }
        }
    }

    #[test]
    fn no_pattern_panics(pattern in ".{0,30}", text in ".{0,30}") {
        if let Ok(expression) = expand(&pattern, &Definitions::shipped(false), false)
            && let Ok(translation) = translate(&expression)
            && let Ok(program) = Program::compile(&translation)
        {
            let mut steps = 1_000_000;
            prop_assert!(Automaton::new(program, 1 << 16).search(&text, &mut Stepper::new(), &mut steps).is_ok());
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let mut steps = u64::MAX;
        let mut search = automaton("%{SYSLOGLINE}|%{URI:u} %{HTTPDATE}");
        prop_assert!(search.search(&text, &mut Stepper::new(), &mut steps).is_ok());
    }
}
