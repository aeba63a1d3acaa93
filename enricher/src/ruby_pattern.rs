//! Patterns of conditions, of `gsub`, `prune` and `translate`: written for Ruby, run by an engine of linear time where it
//! can run them, and else by one that goes back and tries again, within a limit.
//!
//! What neither can express is refused when a pipeline is loaded, never at an event.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::backtracking::{Backtracker, OutOfSteps, STEPS_BY_DEFAULT, last_line};
use crate::filters::grok::ruby_syntax::{
    SyntaxError, Translation, translate_counting, translate_fully,
};
use crate::language::{Diagnostic, Source, Span};

/// Most bytes of a compiled pattern.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// A pattern ready to run.
#[derive(Clone, Debug)]
pub(crate) struct RubyPattern {
    pub(crate) engine: RubyEngine,
    names: Vec<String>,
}

/// What runs a pattern.
#[derive(Clone, Debug)]
pub(crate) enum RubyEngine {
    Linear(Regex),
    Backtracking(Arc<Backtracker>),
}

/// A pattern that only an engine of linear time may run.
#[derive(Clone, Debug)]
pub(crate) struct LinearPattern {
    pub(crate) regex: Regex,
    names: Vec<String>,
}

/// Why a pattern cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct PatternError {
    /// What is wrong.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) way_out: String,
}

impl From<SyntaxError> for PatternError {
    fn from(error: SyntaxError) -> Self {
        let way_out = error.way_out().to_owned();
        Self { message: format!("in the pattern {error}"), way_out }
    }
}

impl PatternError {
    fn unreadable(message: String) -> Self {
        let way_out = "correct the pattern; a special character that is text needs a backslash";
        Self { message, way_out: way_out.to_owned() }
    }
}

impl RubyPattern {
    /// Compiles a pattern. `^` and `$` are ends of lines, as in Ruby.
    pub(crate) fn compile(pattern: &str) -> Result<Self, PatternError> {
        match translate_counting(pattern) {
            Err(reason) if reason.asks_for_backtracking() => {
                let full = translate_fully(pattern)?;
                let backtracker = Backtracker::compile(&full, false)
                    .map_err(|error| PatternError::unreadable(error.to_string()))?;
                let engine = RubyEngine::Backtracking(Arc::new(backtracker));
                Ok(Self { engine, names: full.names })
            }
            translation => {
                let LinearPattern { regex, names } = LinearPattern::of(translation?)?;
                Ok(Self { engine: RubyEngine::Linear(regex), names })
            }
        }
    }

    /// Whether a text has a match. A search that takes too many steps finds none.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let mut steps = STEPS_BY_DEFAULT;
        self.is_match_within(text, &mut steps)
    }

    /// The same where several searches have their steps together.
    pub(crate) fn is_match_within(&self, text: &str, steps: &mut u64) -> bool {
        self.search(text, steps).unwrap_or(false)
    }

    /// The same for whoever must know that nobody knows.
    pub(crate) fn search(&self, text: &str, steps: &mut u64) -> Result<bool, OutOfSteps> {
        match &self.engine {
            RubyEngine::Linear(regex) => Ok(regex.is_match(text)),
            RubyEngine::Backtracking(backtracker) => backtracker.is_match(text, steps),
        }
    }

    /// The number of a named group; those without a name are not counted beside it.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        group(&self.names, name)
    }
}

impl LinearPattern {
    /// Compiles a pattern. `^` and `$` are ends of lines, as in Ruby.
    pub(crate) fn compile(pattern: &str) -> Result<Self, PatternError> {
        Self::of(translate_counting(pattern)?)
    }

    fn of(translation: Translation) -> Result<Self, PatternError> {
        let regex = RegexBuilder::new(&translation.expression)
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| {
                PatternError::unreadable(match error {
                    regex::Error::CompiledTooBig(limit) => {
                        format!("the pattern needs more than {limit} bytes when compiled")
                    }
                    other => format!("the pattern cannot be read: {}", last_line(&other)),
                })
            })?;
        Ok(Self { regex, names: translation.names })
    }

    /// The number of a named group; those without a name are not counted beside it.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        group(&self.names, name)
    }
}

fn group(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|known| known == name).map(|place| place + 1)
}

/// A warning of a pattern that no engine of linear time runs, at what it is that asks for more.
pub(crate) fn slow_pattern(source: &Source, span: Span, pattern: &str) -> Option<Diagnostic> {
    let reason = translate_counting(pattern).err().filter(SyntaxError::asks_for_backtracking)?;
    let (message, way_out) = reason.slowness(pattern);
    Some(source.warning(source.part(span, reason.part()), message, way_out))
}

#[cfg(test)]
mod tests {
    use super::{LinearPattern, RubyEngine, RubyPattern, slow_pattern};
    use crate::language::{Source, Span};

    #[test]
    fn patterns_mean_what_they_mean_in_ruby() {
        for (pattern, text, matches) in [
            ("^b$", "a\nb\nc", true),
            ("\\Ab", "a\nb", false),
            ("a.b", "a\nb", false),
            ("(?m)a.b", "a\nb", true),
            ("(?i-m:A)b", "ab", true),
            ("\\d", "٣", false),
            ("[[:digit:]]", "٣", true),
            ("^\\w+$", "caf\u{e9}", false),
            ("^[[:alpha:]]+$", "caf\u{e9}", true),
            ("^[\\w.-]+\\h\\H$", "a.b-cfz", true),
            ("{\"a\": ?{", "{\"a\":{", true),
            ("x{,2}y{2}", "xyy", true),
            ("[]x]", "]", true),
            ("\\<\\/\\y", "</y", true),
            ("a(?#why)b", "ab", true),
            ("(?<name>a)", "a", true),
            ("a\\R?b", "a\r\nb", true),
            ("(?>a+)b++", "aabb", true),
        ] {
            let pattern_of_line = RubyPattern::compile(pattern).unwrap();
            assert!(matches!(pattern_of_line.engine, RubyEngine::Linear(_)), "{pattern}");
            assert_eq!(pattern_of_line.is_match(text), matches, "{pattern} {text:?}");
        }
    }

    #[test]
    fn what_is_not_linear_is_run_by_the_other_engine() {
        for (pattern, text, matches) in [
            ("^(?!ab)", "abc", false),
            ("^(?!ab)", "cab", true),
            ("(?<!a)b", "ab", false),
            ("(?<=ab )c", "ab c", true),
            ("a(?=.*c)", "a\nc", false),
            ("(?m)a(?=.*c)", "a\nc", true),
            (r"(a|b)\1", "aba", false),
            (r"(a|b)\1", "abb", true),
            (r"(?<x>\w)\k<x>", "abb", true),
        ] {
            let pattern_of_turns = RubyPattern::compile(pattern).unwrap();
            assert!(matches!(pattern_of_turns.engine, RubyEngine::Backtracking(_)), "{pattern}");
            assert_eq!(pattern_of_turns.is_match(text), matches, "{pattern} {text:?}");
            assert!(LinearPattern::compile(pattern).is_err(), "{pattern}");
        }
        let explodes = RubyPattern::compile(r"^(.)(?:a+)+\1$").unwrap();
        assert!(!explodes.is_match(&format!("x{}y", "a".repeat(60))));
    }

    #[test]
    fn groups_are_counted_or_named() {
        let counted = LinearPattern::compile("(a)(?:b)(c)").unwrap();
        assert_eq!(&counted.regex.captures("abc").unwrap()[2], "c");
        let named = LinearPattern::compile("(a)(?<x>b)(?<y>c)").unwrap();
        assert_eq!((named.group("y"), named.group("z")), (Some(2), None));
        assert_eq!(&named.regex.captures("abc").unwrap()[2], "c");
        let looks = RubyPattern::compile("(a)(?<x>b)(?=c)(?<y>c)").unwrap();
        assert_eq!((looks.group("y"), looks.group("z")), (Some(2), None));
    }

    #[test]
    fn what_no_engine_runs_is_refused() {
        for pattern in [
            "a(",
            "[a",
            "a\\",
            "(a{1000}){1000}",
            "(?=(a{1000}){1000})",
            "[[:alph",
            "(?#",
            "*",
            "(?=a",
            "(?~ab)",
            r"(?<x>a)\1",
            r"\k<x>",
            r"(a)\2",
        ] {
            let error = RubyPattern::compile(pattern).unwrap_err();
            assert!(!error.message.is_empty() && !error.way_out.is_empty(), "{pattern}");
        }
    }

    #[test]
    fn a_slow_pattern_is_named_at_what_asks_for_it() {
        let source = Source::new("a.conf", r"gsub => [ 'x', '(\w)-(?!ab)\1', '' ]");
        let span = Span { start: 8, end: source.text().len() };
        let said = slow_pattern(&source, span, r"(\w)-(?!ab)\1").unwrap().to_string();
        for part in ["a.conf:1:22: warning:", "`(?!ab)`", "going back", "^^^^^^\n  way out"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(slow_pattern(&source, span, "a+b").is_none());
        assert!(slow_pattern(&source, span, "a(").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in r#"[a-c(){}\[\]?*+|\\:^$,0-9<>=!#'mi-]{0,24}"#) {
            drop(RubyPattern::compile(&pattern));
        }
    }
}
