//! Patterns of grok for whoever only asks whether a line has one, with the crate `regex`: doors, which know no
//! names of patterns.

use super::definitions::Definitions;
use super::expansion::expand;
use super::ruby_syntax::translate;

/// A pattern of grok in the words of the crate `regex`, without any names of patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineExpression {
    /// The expression.
    pub expression: String,
    /// Whether it asks for less: `regex` knows no conditions on what stands beside a match, such as `(?![0-9])`.
    /// Every line that has the pattern has the expression too.
    pub is_looser: bool,
}

/// A pattern that cannot be written so: a name that is not defined, or what no linear engine can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NoLineExpression {
    message: String,
}

/// Writes a pattern out, with the definitions that ship with Logstash: the set of ECS, or the legacy one.
///
/// # Errors
/// Why there is no such expression.
pub fn line_expression(pattern: &str, is_ecs: bool) -> Result<LineExpression, NoLineExpression> {
    let refused = |message: String| NoLineExpression { message };
    let written = expand(pattern, &Definitions::shipped(is_ecs), false)
        .map_err(|error| refused(error.to_string()))?;
    let translation = translate(&written).map_err(|error| refused(error.to_string()))?;
    let is_looser = !translation.looks.is_empty();
    // In Ruby's patterns of Logstash a dot is any character.
    Ok(LineExpression { expression: format!("(?s){}", translation.expression), is_looser })
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::line_expression;

    #[test]
    fn names_are_written_out_for_an_engine_that_knows_none() {
        for (pattern, line, other, is_looser) in [
            ("^%{TIMESTAMP_ISO8601} ", "2026-11-24T12:00:00.5Z started", "\tat a.b.C", false),
            ("^%{SYSLOGTIMESTAMP}", "Nov 24 12:00:00 host", "  more", true),
            ("^%{NUMBER} %{TIME}", "120913 12:04:33 first", "second", true),
            (r"^\[%{LOGLEVEL:level}\]", "[ERROR] a", "ERROR a", false),
        ] {
            for is_ecs in [true, false] {
                let found = line_expression(pattern, is_ecs).unwrap();
                assert_eq!(found.is_looser, is_looser, "{pattern}");
                let regex = Regex::new(&found.expression).unwrap();
                assert!(regex.is_match(line.as_bytes()), "{pattern}");
                assert!(!regex.is_match(other.as_bytes()), "{pattern}");
            }
        }
    }

    #[test]
    fn what_cannot_be_written_out_says_why() {
        for (pattern, part) in
            [("^%{NO_SUCH_NAME}", "NO_SUCH_NAME"), (r"(a)\1", "earlier group"), ("(?<x", "closed")]
        {
            let error = line_expression(pattern, true).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
