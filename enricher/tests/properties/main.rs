//! What holds for any pipeline and any record: every record has one fate, what comes out is whole, and a replay
//! makes the same bytes again; and for any text of a pipeline: it is run, or refused with places that it has.
//!
//! `MILLRACE_PROPERTY_TIMES` multiplies the number of cases: 1 is what every run of the tests has.

#[path = "../support/mod.rs"]
mod support;

mod documents;
mod fates;
mod filters;
mod pipeline_text;
mod records;

use std::path::{Path, PathBuf};

use enricher::description::{COMMON_OPTIONS, OptionKind, Presence};
use enricher::{Config, Diagnostic, Environment, Plan, Source, language, plan, registry};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use documents::{assert_document, assert_whole};
use fates::{Fate, fates, fates_one_by_one, in_order};
use pipeline_text::{condition, slipped, statements, words};
use records::any_record;

/// So many cases, times `MILLRACE_PROPERTY_TIMES`. What is found gets a test of its own, so nothing is kept beside them.
fn cases(count: u32) -> ProptestConfig {
    let times = std::env::var("MILLRACE_PROPERTY_TIMES").ok().and_then(|times| times.parse().ok());
    let cases = count.saturating_mul(times.unwrap_or(1));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn load(text: &str) -> Result<Plan, Vec<Diagnostic>> {
    let environment = Environment { dns: true, ..Environment::default() };
    plan::parse_and_compile(
        &Source::new("any.conf", text),
        language::Syntax::default(),
        &environment,
    )
}

/// What becomes of the records in a stage of their own, and in another one that sees them again.
fn twice(plan: &Plan, records: &[bus::Record]) -> Vec<Fate> {
    let run = || fates(&mut enricher::EnricherStage::new(plan, event::Limits::default()), records);
    let first = run();
    assert_eq!(run(), first, "a replay makes the same bytes");
    first
}

/// Every mistake lies in the text and can be shown.
fn assert_inside(text: &str, mistakes: &[Diagnostic]) {
    assert!(!mistakes.is_empty(), "refused without a word: {text}");
    let lines: Vec<_> = text.split('\n').collect();
    for mistake in mistakes {
        let line = lines.get(mistake.line.wrapping_sub(1));
        let columns = line.map_or(0, |line| line.chars().count() + 1);
        assert!((1..=columns).contains(&mistake.column), "{mistake:?} in {text:?}");
        assert!(!mistake.message.is_empty() && mistake.to_string().contains(&mistake.message));
    }
}

#[test]
fn what_is_tried_there_is() {
    let overrides = filters::OVERRIDES.iter().map(|(filter, name, _)| (*filter, *name));
    for (filter, name) in overrides.chain(filters::NEEDED.iter().copied()) {
        let options = match filter {
            filters::EVERY => COMMON_OPTIONS,
            _ => registry::find(filter).expect("a filter").description.options,
        };
        assert!(options.iter().any(|option| option.name == name), "{filter}: {name}");
    }
    for (filter, _) in filters::WEIGHTS {
        assert!(registry::find(filter).is_some(), "{filter}");
    }
}

#[test]
fn every_option_is_tried_that_needs_no_file() {
    for (shape, entry) in filters::FILTERS.iter().zip(registry::FILTERS) {
        let tried = || shape.needed.iter().chain(&shape.others);
        for option in entry.description.options {
            let is_left_out = option.presence == Presence::Refused
                || matches!(option.kind, OptionKind::Path | OptionKind::Paths);
            let is_tried = tried().any(|(name, _)| *name == option.name);
            assert!(is_tried != is_left_out, "{}: {}", entry.name, option.name);
        }
    }
}

#[test]
fn most_filters_that_are_tried_can_run() {
    let mut runner = TestRunner::deterministic();
    for shape in filters::FILTERS.iter() {
        let texts = filters::written(shape);
        let accepted = (0..20).filter(|_| {
            let text = texts.new_tree(&mut runner).expect("a text is made").current();
            load(&format!("filter {{ {text} }}")).is_ok()
        });
        let accepted = accepted.count();
        assert!(accepted >= 8, "{accepted} of 20 are accepted of {}", shape.name);
    }
    let texts = statements();
    let whole = (0..200).filter(|_| {
        let text = texts.new_tree(&mut runner).expect("a text is made").current();
        load(&format!("filter {{ {text} }}")).is_ok()
    });
    let whole = whole.count();
    assert!(whole >= 60, "{whole} of 200 pipelines are accepted");
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn any_record_has_one_fate_and_a_replay_makes_it_again(
        text in statements(),
        records in prop::collection::vec(any_record(), 1..6),
    ) {
        let text = format!("filter {{ {text} }}");
        let plan = match load(&text) {
            Ok(plan) => plan,
            Err(mistakes) => {
                assert_inside(&text, &mistakes);
                return Ok(());
            }
        };
        let records = in_order(records);
        let first = twice(&plan, &records);
        let untouched = fates(&mut support::stage("filter { }"), &records);
        let enders = ["aggregate", "autodetect_column_names", "drop", "split", "throttle"];
        let may_end = enders.iter().any(|name| text.contains(name));
        let mut ids = std::collections::HashSet::new();
        for ((record, fate), untouched) in records.iter().zip(&first).zip(&untouched) {
            match fate {
                Fate::Forwarded(made) => {
                    assert_whole(record, made);
                    assert!(made.iter().all(|made| ids.insert(made.id)), "an id comes twice");
                }
                Fate::Discarded => assert!(may_end, "nothing ends events here"),
                // What is refused, is refused by what it is, not by a pipeline.
                Fate::Refused(..) => prop_assert_eq!(fate, untouched),
            }
            assert!(!matches!((fate, untouched), (Fate::Forwarded(_) | Fate::Discarded, Fate::Refused(..))));
        }
        if let Some(Fate::Forwarded(made)) = first.get(records.len()) {
            made.iter().for_each(assert_document);
            assert!(made.iter().all(|made| ids.insert(made.id)), "an id comes twice");
        }
        let mut stage = enricher::EnricherStage::new(&plan, event::Limits::default());
        prop_assert_eq!(&fates_one_by_one(&mut stage, &records), &first);
        if !plan.keeps_state() {
            // No event's documents depend on those before it.
            let mut stage = enricher::EnricherStage::new(&plan, event::Limits::default());
            fates(&mut stage, &records);
            let mut backwards = fates(&mut stage, &records.iter().rev().cloned().collect::<Vec<_>>());
            backwards.reverse();
            prop_assert_eq!(backwards, first);
        }
    }
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn clones_are_counted_and_what_is_dropped_is_gone(
        text in statements(),
        records in prop::collection::vec(any_record(), 1..4),
    ) {
        // Two copies of the same throttle count the same: each stage is new.
        let records = in_order(records);
        let run = |end: &str| {
            let plan = load(&format!("filter {{ {text}\n {end} }}")).ok()?;
            let mut stage = enricher::EnricherStage::new(&plan, event::Limits::default());
            Some(fates(&mut stage, &records))
        };
        let (Some(plain), Some(cloned), Some(dropped)) =
            (run(""), run("clone { clones => [ 'x', 'y' ] }"), run("drop { }"))
        else {
            return Ok(());
        };
        for ((plain, cloned), dropped) in plain.iter().zip(&cloned).zip(&dropped) {
            if let Fate::Forwarded(made) = plain {
                let Fate::Forwarded(copies) = cloned else { panic!("{cloned:?}") };
                // Beyond a bound no more are made, and the events are tagged.
                if made.len() < 1_000 {
                    prop_assert_eq!(copies.len(), made.len() * 3);
                }
                prop_assert_eq!(dropped, &Fate::Discarded);
            } else {
                prop_assert_eq!((plain, plain), (cloned, dropped));
            }
        }
    }

    #[test]
    fn a_condition_and_its_opposite_never_agree(
        condition in condition(),
        other in condition(),
        records in prop::collection::vec(any_record(), 1..4),
    ) {
        let tag = |condition: &str, tag: &str| {
            format!("if {condition} {{ mutate {{ add_field => {{ \"[told][{tag}]\" => \"yes\" }} }} }}\n")
        };
        let text = [
            tag(&format!("{condition} "), "if"),
            tag(&format!("!({condition})"), "not"),
            tag(&format!("({condition}) nand ({other})"), "nand"),
            tag(&format!("!({condition}) or !({other})"), "neither"),
            tag(&format!("({condition}) xor ({other})"), "xor"),
            tag(&format!("(({condition}) and !({other})) or (!({condition}) and ({other}))"), "either"),
            format!("if {condition} {{ }} else {{ mutate {{ add_field => {{ '[told][else]' => 'yes' }} }} }}"),
        ];
        let text = format!("filter {{ {} }}", text.concat());
        let plan = match load(&text) {
            Ok(plan) => plan,
            Err(mistakes) => {
                assert_inside(&text, &mistakes);
                return Ok(());
            }
        };
        let mut stage = enricher::EnricherStage::new(&plan, event::Limits::default());
        for fate in fates(&mut stage, &in_order(records)) {
            let Fate::Forwarded(made) = fate else { continue };
            let document = documents::value(&made[0]);
            let told = |name: &str| document.get("told").is_some_and(|told| told.get(name).is_some());
            prop_assert!(told("if") != told("not"), "{}", document);
            prop_assert_eq!(told("not"), told("else"));
            prop_assert_eq!(told("nand"), told("neither"));
            prop_assert_eq!(told("xor"), told("either"));
        }
    }
}

/// The pipelines of this crate and of its tests.
fn pipelines() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    let mut folders = vec![root.join("pipelines"), root.join("tests/golden")];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("test data is good");
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.expect("test data is good").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "conf") {
                texts.push(std::fs::read_to_string(&path).expect("test data is good"));
            }
        }
    }
    assert!(texts.len() > 10, "only {} pipelines", texts.len());
    texts
}

/// Loads a file of these bytes as a start does.
fn load_file(folder: &Path, bytes: &[u8]) -> Option<Plan> {
    let path = folder.join("any.conf");
    std::fs::write(&path, bytes).expect("the folder is there");
    let config = Config { pipeline: Some(path), ..Config::default() };
    match (enricher::compile(&config, "key"), std::str::from_utf8(bytes)) {
        (Ok(plan), Ok(_)) => return Some(plan),
        (Err(enricher::EnricherError::Mistakes(mistakes)), Ok(text)) => {
            assert_inside(text, &mistakes);
        }
        (Err(enricher::EnricherError::Unreadable { .. }), Err(_)) => {}
        (found, _) => panic!("{found:?}"),
    }
    None
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn any_file_is_run_or_refused_at_places_that_it_has(
        bytes in prop_oneof![
            1 => prop::collection::vec(any::<u8>(), 0..80),
            3 => words(),
            6 => slipped(pipelines()),
        ],
        records in prop::collection::vec(any_record(), 1..3),
    ) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        if let Some(plan) = load_file(folder.path(), &bytes) {
            for (record, fate) in records.iter().zip(twice(&plan, &records)) {
                if let Fate::Forwarded(made) = fate {
                    assert_whole(record, &made);
                }
            }
        }
    }
}
