//! Patterns of conditions and of `gsub`: written for Ruby, run by an engine of linear time.
//!
//! What that engine cannot express is refused when a pipeline is loaded, never at an event.

use regex::{Regex, RegexBuilder};

use crate::filters::grok::ruby_syntax::translate_counting;

/// Most bytes of a compiled pattern.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// A pattern ready to run.
#[derive(Clone, Debug)]
pub(crate) struct RubyPattern {
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

impl RubyPattern {
    /// Compiles a pattern. `^` and `$` are ends of lines, as in Ruby.
    pub(crate) fn compile(pattern: &str) -> Result<Self, PatternError> {
        let translation = translate_counting(pattern).map_err(|error| PatternError {
            message: format!("in the pattern {error}"),
            way_out: error.way_out().to_owned(),
        })?;
        if !translation.looks.is_empty() {
            return Err(PatternError {
                message: "look-around is not supported in this pattern".to_owned(),
                way_out: "match what stands around too, or use grok, which looks at one character"
                    .to_owned(),
            });
        }
        let regex = RegexBuilder::new(&translation.expression)
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| PatternError {
                message: match error {
                    regex::Error::CompiledTooBig(limit) => {
                        format!("the pattern needs more than {limit} bytes when compiled")
                    }
                    other => format!("the pattern cannot be read: {}", last_line(&other)),
                },
                way_out: "correct the pattern; a special character that is text needs a backslash"
                    .to_owned(),
            })?;
        Ok(Self { regex, names: translation.names })
    }

    /// The number of a named group; those without a name are not counted beside it.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name).map(|place| place + 1)
    }
}

/// The engine draws the whole pattern first; its last line says what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::RubyPattern;

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
            let found = RubyPattern::compile(pattern).unwrap().regex.is_match(text);
            assert_eq!(found, matches, "{pattern} {text:?}");
        }
    }

    #[test]
    fn groups_are_counted_or_named() {
        let counted = RubyPattern::compile("(a)(?:b)(c)").unwrap();
        assert_eq!(&counted.regex.captures("abc").unwrap()[2], "c");
        let named = RubyPattern::compile("(a)(?<x>b)(?<y>c)").unwrap();
        assert_eq!((named.group("y"), named.group("z")), (Some(2), None));
        assert_eq!(&named.regex.captures("abc").unwrap()[2], "c");
    }

    #[test]
    fn what_is_not_linear_is_refused() {
        for pattern in [
            "a(?=b)",
            "(?<!a)b",
            "(a)\\1",
            "(?<x>a)\\k<x>",
            "a(",
            "[a",
            "a\\",
            "(a{1000}){1000}",
            "[[:alph",
            "(?#",
            "*",
        ] {
            let error = RubyPattern::compile(pattern).unwrap_err();
            assert!(!error.message.is_empty() && !error.way_out.is_empty(), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in r#"[a-c(){}\[\]?*+|\\:^$,0-9<>=!#'mi-]{0,24}"#) {
            drop(RubyPattern::compile(&pattern));
        }
    }
}
