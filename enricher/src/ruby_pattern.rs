//! Regular expressions as Ruby reads them, compiled by an engine of linear time.
//!
//! What that engine cannot express (look-around, back references, atomic groups) is refused when a
//! pipeline is loaded, never at an event. Written after Onigmo's `doc/RE`.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// Most bytes of a compiled pattern.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// Why a pattern cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct PatternError {
    /// What is wrong.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) way_out: String,
}

fn unsupported(what: &str) -> PatternError {
    PatternError {
        message: format!("{what} is not supported in patterns"),
        way_out: "patterns run in time linear in the text: rewrite it without".to_owned(),
    }
}

/// Compiles a pattern. `^` and `$` are ends of lines, as in Ruby.
pub(crate) fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let translated = translate(pattern)?;
    RegexBuilder::new(&translated).multi_line(true).size_limit(COMPILED_BYTES_MAX).build().map_err(
        |error| PatternError {
            message: match error {
                regex::Error::CompiledTooBig(limit) => {
                    format!("the pattern needs more than {limit} bytes when compiled")
                }
                other => format!("the pattern cannot be read: {}", last_line(&other.to_string())),
            },
            way_out: "correct the pattern; a special character that is meant as text needs `\\`"
                .to_owned(),
        },
    )
}

/// The engine draws the whole pattern first; its last line says what is wrong.
fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn translate(pattern: &str) -> Result<String, PatternError> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut letters = pattern.chars().peekable();
    let mut class_depth = 0usize;
    // Whether `+` behind this would make it possessive.
    let mut after_quantifier = false;
    while let Some(letter) = letters.next() {
        let quantifier_before = std::mem::take(&mut after_quantifier);
        match letter {
            '\\' => escape(&mut letters, class_depth > 0, &mut out)?,
            '[' if class_depth > 0 && letters.peek() == Some(&':') => {
                posix_class(&mut letters, &mut out)?;
            }
            '[' => {
                class_depth += 1;
                out.push('[');
                if letters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // Right after the opening `]` is a character.
                if letters.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ']' if class_depth > 0 => {
                class_depth -= 1;
                out.push(']');
            }
            _ if class_depth > 0 => out.push(letter),
            '(' if letters.peek() == Some(&'?') => group(&mut letters, &mut out)?,
            '{' => after_quantifier = braces(&mut letters, &mut out),
            '+' if quantifier_before => return Err(unsupported("a possessive quantifier")),
            '*' | '+' | '?' => {
                out.push(letter);
                after_quantifier = !quantifier_before;
            }
            _ => out.push(letter),
        }
    }
    Ok(out)
}

fn escape(
    letters: &mut Peekable<Chars<'_>>,
    in_class: bool,
    out: &mut String,
) -> Result<(), PatternError> {
    let Some(letter) = letters.next() else {
        return Err(PatternError {
            message: "the pattern ends with a single `\\`".to_owned(),
            way_out: "write `\\\\` for a backslash".to_owned(),
        });
    };
    // Ruby's shorthands mean ASCII; a nested class stands well in a class too.
    let class = match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => "[ \\t\\r\\n\\x0C\\x0B]",
        'S' => "[^ \\t\\r\\n\\x0C\\x0B]",
        'h' => "[0-9A-Fa-f]",
        'H' => "[^0-9A-Fa-f]",
        'e' => "\\x1B",
        'R' if !in_class => "(?:\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])",
        'b' if in_class => "\\x08",
        '0' => "\\x00",
        '<' | '>' => "",
        _ => {
            match letter {
                '1'..='9' | 'k' | 'g' => return Err(unsupported("a back reference")),
                'Z' => {
                    return Err(PatternError {
                        message: "`\\Z` is not supported in patterns".to_owned(),
                        way_out:
                            "write `\\z` for the end of the text, or `$` for the end of a line"
                                .to_owned(),
                    });
                }
                'G' | 'K' | 'X' | 'C' | 'M' | 'c' => {
                    return Err(unsupported(&format!("`\\{letter}`")));
                }
                'A' | 'B' | 'z' | 'b' | 'n' | 't' | 'r' | 'f' | 'v' | 'a' | 'x' | 'u' | 'p'
                | 'P' => out.extend(['\\', letter]),
                // Any other letter escaped is itself.
                _ if letter.is_alphanumeric() || !letter.is_ascii() => out.push(letter),
                _ => out.extend(['\\', letter]),
            }
            return Ok(());
        }
    };
    if class.is_empty() {
        out.push(letter)
    } else {
        out.push_str(class)
    }
    Ok(())
}

/// `[:alpha:]` inside a class; by Ruby's rules it means all of Unicode.
fn posix_class(letters: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), PatternError> {
    let mut name = String::new();
    letters.next();
    loop {
        match letters.next() {
            Some(':') if letters.next_if_eq(&']').is_some() => break,
            Some(letter) if letter.is_ascii_lowercase() || letter == '^' => name.push(letter),
            _ => {
                return Err(PatternError {
                    message: format!("`[:{name}` in the pattern is not closed"),
                    way_out: "write `[[:alpha:]]`".to_owned(),
                });
            }
        }
    }
    let (negated, name) = match name.strip_prefix('^') {
        Some(name) => (true, name),
        None => (false, name.as_str()),
    };
    let inside = match name {
        "alpha" => "\\p{Alphabetic}",
        "digit" => "\\p{Nd}",
        "alnum" => "\\p{Alphabetic}\\p{Nd}",
        "upper" => "\\p{Uppercase}",
        "lower" => "\\p{Lowercase}",
        "space" => "\\p{White_Space}",
        "word" => "\\w",
        _ => {
            out.push_str(&format!("[:{}{name}:]", if negated { "^" } else { "" }));
            return Ok(());
        }
    };
    out.push_str(if negated { "[^" } else { "[" });
    out.push_str(inside);
    out.push(']');
    Ok(())
}

/// What follows `(?`.
fn group(letters: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), PatternError> {
    letters.next();
    let mut ahead = letters.clone();
    match (ahead.next(), ahead.next()) {
        (Some('=' | '!'), _) | (Some('<'), Some('=' | '!')) => {
            return Err(unsupported("look-around"));
        }
        (Some('>'), _) => return Err(unsupported("an atomic group")),
        (Some('~'), _) => return Err(unsupported("an absent operator")),
        (Some('('), _) => return Err(unsupported("a conditional group")),
        (Some('#'), _) => {
            // A comment, up to the parenthesis.
            for letter in letters.by_ref() {
                if letter == ')' {
                    return Ok(());
                }
            }
            return Err(unsupported("a comment without an end"));
        }
        (Some('\''), _) => {
            out.push_str("(?<");
            letters.next();
            for letter in letters.by_ref() {
                if letter == '\'' {
                    break;
                }
                out.push(letter);
            }
            out.push('>');
            return Ok(());
        }
        _ => {}
    }
    out.push_str("(?");
    // Ruby's `m` lets the point match line ends: `s` elsewhere. Its anchors are lines' always.
    while let Some(flag) = letters.next_if(|c| matches!(c, 'm' | 'i' | 'x' | '-')) {
        out.push(if flag == 'm' { 's' } else { flag });
    }
    Ok(())
}

/// `{2,3}` is a quantifier; a brace that begins none is a character. Says whether it was one.
fn braces(letters: &mut Peekable<Chars<'_>>, out: &mut String) -> bool {
    let ahead: String = letters.clone().take_while(|c| *c != '}').take(16).collect();
    let closed = letters.clone().nth(ahead.chars().count()) == Some('}');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let bounds = match ahead.split_once(',') {
        Some((low, high)) => digits(low) && digits(high) && ahead.len() > 1,
        None => digits(&ahead) && !ahead.is_empty(),
    };
    if !closed || !bounds {
        out.push_str("\\{");
        return false;
    }
    out.push('{');
    if ahead.starts_with(',') {
        out.push('0');
    }
    out.push_str(&ahead);
    out.push('}');
    letters.nth(ahead.len());
    // `{2}+` repeats in Ruby, it is not possessive.
    false
}

#[cfg(test)]
mod tests {
    use super::compile;

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
        ] {
            assert_eq!(compile(pattern).unwrap().is_match(text), matches, "{pattern} {text:?}");
        }
    }

    #[test]
    fn what_is_not_linear_is_refused() {
        for pattern in [
            "a(?=b)",
            "(?<!a)b",
            "(?>a)b",
            "(a)\\1",
            "a++",
            "a*+",
            "(?<x>a)\\k<x>",
            "a\\Z",
            "a(",
            "[a",
            "a\\",
            "(a{1000}){1000}",
            "[[:alph",
            "(?#",
            "*",
        ] {
            let error = compile(pattern).unwrap_err();
            assert!(!error.message.is_empty() && !error.way_out.is_empty(), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in r#"[a-c(){}\[\]?*+|\\:^$,0-9<>=!#'mi-]{0,24}"#) {
            drop(compile(&pattern));
        }
    }
}
