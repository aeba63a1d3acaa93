//! What is looked at and referred to, as Ruby means it, and how much a search may do.

use proptest::prelude::*;

use super::{Backtracker, BacktrackerError, OutOfSteps, STEPS_BY_DEFAULT};
use crate::filters::grok::ruby_syntax::translate_fully;

/// Explodes on a text of letters between quotes that differ.
const EXPLODING: &str = r#"^(?<q>["'])(?:[a-z]+ ?)+\k<q>$"#;

fn backtracker(pattern: &str) -> Backtracker {
    let translation = translate_fully(pattern).unwrap();
    Backtracker::compile(&translation, true).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

/// The first match.
fn first<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    let mut steps = STEPS_BY_DEFAULT;
    let groups = backtracker(pattern).captures(text, 0, &mut steps).unwrap()?;
    groups.get(0).map(|found| found.as_str())
}

#[test]
fn looks_and_references_mean_what_they_mean_in_ruby() {
    for (pattern, text, expected) in [
        (r"(?<=ab+ )\w+", "abbb xy", Some("xy")),
        (r"(?<=ab+ )\w+", "ac xy", None),
        (r"(?<=user )\w+", "user bob", Some("bob")),
        (r"(?<!user |by )\bb\w+", "user bob ben", Some("ben")),
        (r"(?<!é)x", "éx yx", Some("x")),
        (r"\w+(?=\d{3})", "ab1234", Some("ab1")),
        (r"^(?!.*secret).+$", "a secret\nb", Some("b")),
        (r"^(?:(?!secret)[^\n])+$", "a secret\nb", Some("b")),
        (r"(?=.*\d)(?=.*[a-z])\w{4}", "x--ab12", Some("ab12")),
        (r#"(["']).*?\1"#, r#"x "it's" y"#, Some(r#""it's""#)),
        (r"(?<a>\w)(?<b>\w)\k<b>\k<a>", "xabbay", Some("abba")),
        (r"(?i:(?<a>ab)\k<a>)", "abAB", Some("abAB")),
        (r"(?:(?<n>a)|(?<n>b))-\k<n>", "b-b", Some("b-b")),
        (r"(?:(?<n>a)|(?<n>b))-\k<n>", "b-a", None),
        (r"^(?<open>\()?\w+(?(<open>)\))$", "(ab)", Some("(ab)")),
        (r"^(\()?\w+(?(1)\)|!)$", "ab!", Some("ab!")),
        (r"^(\()?\w+(?(1)\)|!)$", "(ab!", None),
        // Atomic groups and possessive counts give nothing back here.
        (r"(?>a+)a(?!bc)", "aaa", None),
        (r"a++a(?!bc)", "aaa", None),
        (r"a{2}+b(?=cd)", "aaaabcd", Some("aaaab")),
        (r"a{2}?(?=bc)", "aabc", Some("aa")),
        // The rest of the syntax is Ruby's too.
        (r"(?=ab)\h+\H", "xabf0z", Some("abf0z")),
        (r"(?=ab)[[:alpha:]]+", "abé1", Some("abé")),
        (r"(?=ab).+\Z", "ab\ncd\n", Some("ab\ncd\n")),
        (r"(?=ab)(?-m:.+)", "ab\ncd", Some("ab")),
        (r"(?=ab)a\<?b", "ab", Some("ab")),
        (r"\Ab(?=cd)", "a\nbcd", None),
        (r"^b(?=cd)", "a\nbcd", Some("b")),
        (r"(?=ab)ab$", "ab\ncd", Some("ab")),
        (r"(?=a{b)a{b", "a{b", Some("a{b")),
        (r"(?=ab)a(?#why)b", "ab", Some("ab")),
    ] {
        assert_eq!(first(pattern, text), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn matches_follow_each_other_as_in_the_crate_regex() {
    for (pattern, text, expected) in [
        (r"(?<=ab)x", "abxx abx", vec!["x", "x"]),
        (r"\d(?=(?:\d{3})+$)", "1234567", vec!["1", "4"]),
        (r"(?=ab)", "abéab", vec!["", ""]),
        (r"b*(?!cd)", "bbéc", vec!["bb", "", ""]),
        (r"(.)\1", "aabbc", vec!["aa", "bb"]),
        (r"x(?=yz)", "", vec![]),
    ] {
        let backtracker = backtracker(pattern);
        let mut steps = STEPS_BY_DEFAULT;
        let found = backtracker.matches(text, &mut steps).map(|groups| {
            let groups = groups.unwrap();
            groups.get(0).map(|found| found.as_str()).unwrap()
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn a_search_that_explodes_ends_in_the_same_place_each_time() {
    let backtracker = backtracker(EXPLODING);
    let text = format!("\"{}'", "a".repeat(60));
    let mut spent = Vec::new();
    for _ in 0..2 {
        let mut steps = STEPS_BY_DEFAULT;
        assert_eq!(backtracker.is_match(&text, &mut steps), Err(OutOfSteps));
        spent.push(STEPS_BY_DEFAULT - steps);
    }
    assert_eq!(spent[0], spent[1]);
    // With what the text fits it is soon found, whatever the engine may still do.
    let mut steps = STEPS_BY_DEFAULT;
    assert_eq!(backtracker.is_match("\"a b c\"", &mut steps), Ok(true));
    assert!(STEPS_BY_DEFAULT - steps < 100_000);
    let mut steps = STEPS_BY_DEFAULT;
    let mut matches = backtracker.matches(&text, &mut steps);
    assert!(matches.next().is_some_and(|first| first.is_err()) && matches.next().is_none());
}

/// Hostile input 16: a long text costs no more than a search may.
#[test]
fn hostile_16_long_texts_end_too() {
    for (pattern, text) in [
        (r"(?<=user )\w+ .*(?<=xyz)end", "user bob end ".repeat(80_000)),
        (r"^(?:(?!ab)\w)+!", format!("{}!", "xab".repeat(300_000))),
        (r"(?:(?=.*b)a)+(?=bcd)b", "a".repeat(1 << 20) + "b"),
        (r"(\w+)-\1$", "x".repeat(1 << 20) + "-y"),
    ] {
        let backtracker = backtracker(pattern);
        let mut steps = STEPS_BY_DEFAULT;
        if let Ok(found) = backtracker.is_match(&text, &mut steps) {
            assert!(!found, "{pattern}");
        }
        assert!(steps < STEPS_BY_DEFAULT, "{pattern}");
    }
}

#[test]
fn texts_without_what_is_looked_for_cost_one_pass() {
    let backtracker = backtracker(r"(?<=user )\w+ .*failed");
    let text = "user bob in ".repeat(10_000);
    let mut steps = STEPS_BY_DEFAULT;
    assert_eq!(backtracker.is_match(&text, &mut steps), Ok(false));
    assert!(STEPS_BY_DEFAULT - steps <= text.len() as u64 + 1);
}

#[test]
fn what_the_engine_does_not_take_is_refused() {
    let nested = format!("{}a{}", "(?=".repeat(1_000), ")".repeat(1_000));
    for (pattern, said) in [
        (r"(?<=a)(\w)\2", "reference"),
        (r"(?=ab)?x", "repeat"),
        (r"(?=(?:(?:a{999}){999}){999}b)c", "bytes when compiled"),
        (r"(?=ab", "not closed"),
        (r"(?=ab))", "pattern"),
        (nested.as_str(), "nest"),
    ] {
        let error = match translate_fully(pattern) {
            Ok(translation) => {
                Backtracker::compile(&translation, true).map(drop).unwrap_err().to_string()
            }
            Err(error) => error.to_string(),
        };
        assert!(error.to_lowercase().contains(said), "{pattern:.40}: {error}");
    }
    let large = translate_fully(r"(?=ab)(?:\p{L}{1000}){1000}").unwrap();
    assert_eq!(Backtracker::compile(&large, true).map(drop), Err(BacktrackerError::TooLarge));
}

proptest! {
    /// Where nothing comes of a look, both engines find the same.
    #[test]
    fn agrees_with_the_crate_regex(
        pattern in "((\\(\\?:|\\()?([ab.]|\\[ab\\]|\\\\b|\\$|a\\|b|é)([*+?]\\??)?(\\))?){1,6}",
        text in "[abé \\n]{0,12}",
    ) {
        let pattern = format!("{pattern}(?!xy)");
        let Ok(translation) = translate_fully(&pattern) else { return Ok(()) };
        let Ok(backtracker) = Backtracker::compile(&translation, true) else { return Ok(()) };
        let reference = regex::Regex::new(&format!("(?s){}", translation.looser)).unwrap();
        let mut steps = STEPS_BY_DEFAULT;
        let found = backtracker.captures(&text, 0, &mut steps).unwrap();
        let found = found.and_then(|groups| groups.get(0)).map(|found| found.range());
        prop_assert_eq!(found, reference.find(&text).map(|found| found.range()));
    }

    /// Whatever the full expression finds, the looser one lets through.
    #[test]
    fn no_pattern_panics_and_none_is_lost(
        pattern in r#"(\(\?[=!>]|\(\?<[=!]|\(|\)|[abc.]|[*+?]|\\1|\\b|\||\^|\$|\{2\}){1,14}"#,
        text in "[abc\\n]{0,10}",
    ) {
        let Ok(translation) = translate_fully(&pattern) else { return Ok(()) };
        let Ok(backtracker) = Backtracker::compile(&translation, true) else { return Ok(()) };
        let mut steps = STEPS_BY_DEFAULT;
        let Ok(found) = backtracker.is_match(&text, &mut steps) else { return Ok(()) };
        let alone = backtracker.build(1_000_000).unwrap().is_match(&text);
        if let Ok(alone) = alone {
            prop_assert_eq!(found, alone, "{} on {:?}", translation.expression, text);
        }
    }
}
