use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{COMMON_OPTIONS, FilterDescription, OptionDescription, Presence, option_name};
use super::{index, page, summary};
use crate::filter::Environment;
use crate::filters::trial::Trial;
use crate::language::{Source, Statement, Syntax, parse};
use crate::options::Options;
use crate::plan::CommonOptions;
use crate::registry::{Entry, FILTERS};

/// The options that a filter asks for when it is built with these.
fn asked(entry: &Entry, written: &str) -> BTreeSet<&'static str> {
    let source = Source::new("test.conf", format!("filter {{ {} {{ {written} }} }}", entry.name));
    let config = parse(&source, Syntax::default()).unwrap();
    let Statement::Plugin(plugin) = &config.sections[0].statements[0] else { panic!("a filter") };
    let mut mistakes = Vec::new();
    let mut options = Options::new(plugin, &source, &BTreeMap::new(), &mut mistakes);
    CommonOptions::take(&mut options);
    let _plan = (entry.build)(&mut options, &Environment::default());
    options.asked().iter().copied().collect()
}

fn described(entry: &Entry) -> impl Iterator<Item = &'static OptionDescription> {
    entry.description.options.iter().chain(COMMON_OPTIONS)
}

#[test]
fn every_option_that_is_read_is_described_and_the_other_way_round() {
    for entry in FILTERS {
        let names: Vec<_> = described(entry).map(|option| option.name).collect();
        let described: BTreeSet<_> = names.iter().copied().collect();
        assert_eq!(described.len(), names.len(), "{}: an option twice", entry.name);
        // With none of them, with all of them as nonsense, and as texts that most take.
        let all = |value: &str| {
            names.iter().map(|name| format!("{name} => {value}")).collect::<Vec<_>>().join("\n")
        };
        for written in [String::new(), all("{ }"), all("\"1\"")] {
            assert_eq!(asked(entry, &written), described, "{} {{ {written} }}", entry.name);
        }
    }
}

#[test]
fn what_is_said_to_be_required_or_refused_is_so() {
    for entry in FILTERS {
        let said_of = |options: &str| {
            let text = format!("{} {{ {options} }}", entry.name);
            Trial::build(&text, &Environment::default()).err().unwrap_or_default()
        };
        let missing = said_of("");
        for option in entry.description.options {
            let is_required = option.presence == Presence::Required;
            let is_missed = missing.contains(&format!("needs the option `{}`", option.name));
            // One may be required only where another one is missing.
            let may_be_required = is_required
                || matches!(option.presence, Presence::RequiredUnless(_) | Presence::Otherwise(_));
            assert!(is_missed || !is_required, "{}: {}", entry.name, option.name);
            assert!(may_be_required || !is_missed, "{}: {}", entry.name, option.name);
            if let Presence::RequiredUnless(other) = option.presence {
                let is_told = |said: &str, option: &str| {
                    let names = [entry.name, option].map(|name| format!("`{name}`"));
                    said.lines().any(|line| names.iter().all(|name| line.contains(name)))
                };
                // Of two that would do in place of each other one is missed.
                let is_missed = is_told(&missing, option.name) || is_told(&missing, other);
                assert!(is_missed, "{}: {}: {missing}", entry.name, option.name);
                let said = said_of(&format!("{other} => \"1\""));
                assert!(!is_told(&said, option.name), "{}: {said}", entry.name);
            }
            if option.presence == Presence::Refused {
                let refusal =
                    Trial::refusal(&format!("{} {{ {} => \"1\" }}", entry.name, option.name));
                let said = format!("`{}` of `{}` is not supported", option.name, entry.name);
                assert!(refusal.contains(&said) && refusal.contains(option.text[0]), "{refusal}");
            }
        }
    }
}

#[test]
fn every_example_can_run() {
    let environment = Environment { dns: true, ..Environment::default() };
    for entry in FILTERS {
        let FilterDescription { example, .. } = entry.description;
        assert!(example.starts_with(&format!("{} {{", entry.name)), "{example}");
        if let Err(refusal) = Trial::build(example, &environment) {
            panic!("{example}\n{refusal}");
        }
    }
}

#[test]
fn every_tag_that_a_filter_sets_is_described() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/filters");
    for entry in FILTERS {
        let file = folder.join(entry.name);
        let mut texts = vec![fs::read_to_string(file.with_extension("rs")).unwrap()];
        let others = present(&file).into_iter().filter(|path| !path.ends_with("tests.rs"));
        texts.extend(
            others.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap()),
        );
        for text in &texts {
            let code = text.split("#[cfg(test)]").next().unwrap();
            let tags = code.split('"').filter(|text| {
                let name = text.strip_prefix('_').unwrap_or_default();
                name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            });
            for tag in tags {
                let is_described = entry.description.tags.iter().any(|(known, _)| *known == tag);
                assert!(is_described, "{}: {tag}", entry.name);
            }
        }
    }
}

#[test]
fn every_filter_says_what_it_does_in_a_sentence() {
    for entry in FILTERS {
        let summary = summary(entry);
        assert!(summary.ends_with('.') && summary.len() <= 160, "{}: {summary}", entry.name);
        for option in described(entry) {
            let is_empty = option.text.iter().all(|line| line.trim().is_empty());
            assert!(!is_empty, "{}: {} has no text", entry.name, option.name);
        }
    }
}

#[test]
fn a_word_of_rust_may_be_an_option() {
    assert_eq!(
        [option_name("r#match"), option_name("rates"), option_name("r")],
        ["match", "rates", "r"]
    );
}

#[test]
fn the_pages_of_filters_are_what_their_files_say() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/filters"));
    let mut pages: BTreeMap<PathBuf, String> = FILTERS
        .iter()
        .map(|entry| (folder.join(entry.name).with_extension("md"), page(entry)))
        .collect();
    pages.insert(folder.join("README.md"), index());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(folder).unwrap();
        present(folder).iter().filter(|path| !pages.contains_key(*path)).for_each(|path| {
            fs::remove_file(path).unwrap();
        });
        pages.iter().for_each(|(path, page)| fs::write(path, page).unwrap());
    }
    let written = present(folder).into_iter().map(|path| {
        let page = fs::read_to_string(&path).unwrap();
        (path, page)
    });
    let written: BTreeMap<_, _> = written.collect();
    let differ = |path: &&PathBuf| pages.get(*path) != written.get(*path);
    let others: BTreeSet<_> = pages.keys().chain(written.keys()).filter(differ).collect();
    assert!(
        others.is_empty(),
        "{others:?} are not what the filters' files say: run \
         `UPDATE_EXPECT=1 cargo test -p enricher --lib the_pages_of_filters` and look at the change"
    );
}

fn present(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}
