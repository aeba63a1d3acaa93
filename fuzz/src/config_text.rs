//! A pipeline's text is run, or refused at places that it has.

use bus::Codec;
use enricher::language::{Diagnostic, Source, Syntax};
use enricher::{Environment, plan};

use crate::trial;

/// Options that name files: what stands there is the machine's.
const NAMES_FILES: &[&str] = &["_path", "patterns_dir", "database", "hostsfile", "regexes"];

const EVENT: &[u8] = br#"{"message":"a=1 b=2, c","a":{"b":[1,"x"]},"n":-1.5,"tags":["t"]}"#;

/// Loads the text and, where it can run, runs events through it.
pub fn hold(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    if NAMES_FILES.iter().any(|name| text.contains(name)) {
        return;
    }
    let syntax = Syntax { support_escapes: first % 2 == 1 };
    let source = Source::new("fuzz.conf", text);
    let environment = Environment { wants_warnings: true, ..Environment::default() };
    match plan::parse_and_compile(&source, syntax, &environment) {
        Ok(plan) => {
            hold_places(text, plan.warnings());
            trial::run(&plan, EVENT, Codec::Json);
            trial::run(&plan, b"<34>Nov 24 11:59:58 host app[1]: a, b; c=\"d\"", Codec::Plain);
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a word");
            hold_places(text, &mistakes);
        }
    }
}

/// What is said is said of places that the text has.
fn hold_places(text: &str, said: &[Diagnostic]) {
    let lines: Vec<_> = text.split('\n').collect();
    for one in said {
        let line = lines.get(one.line.wrapping_sub(1));
        let columns = line.map_or(0, |line| line.chars().count() + 1);
        assert!((1..=columns).contains(&one.column), "{one:?}");
        assert!(one.to_string().contains(&one.message));
    }
}
