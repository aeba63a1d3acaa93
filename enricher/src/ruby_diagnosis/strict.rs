//! Reads code that is to be done, not only advised on: what the parser passes over is refused here.

use super::lexer::{Kind, Part, Token, tokens};
use super::parser::parse;
use super::tree::Statement;
use super::{CODE_BYTES_MAX, DEPTH_MAX};

/// Words and signs that the parser reads and leaves out of the tree.
const PASSED_OVER: &[&str] = &["rescue", "ensure", "retry", "redo"];

/// What stands where code cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    /// The byte where it stands.
    pub(crate) at: usize,
    pub(crate) why: String,
}

/// Reads the statements of a code.
///
/// # Errors
/// Where it stops being understood.
pub(crate) fn read(code: &str) -> Result<Vec<Statement>, Unread> {
    if code.len() > CODE_BYTES_MAX {
        let why = format!("the code is longer than {CODE_BYTES_MAX} bytes");
        return Err(Unread { at: 0, why });
    }
    let all = tokens(code);
    if let Some(unread) = all.iter().find_map(|token| passed_over(code, token, 0)) {
        return Err(unread);
    }
    parse(&all).map_err(|unreadable| {
        let at = unreadable.at;
        let shown: String =
            code.get(at..).unwrap_or_default().split_whitespace().next().unwrap_or_default().into();
        let why = match shown.as_str() {
            "" => "the code is not understood to its end".to_owned(),
            shown => format!("the code is not understood from `{shown}` on"),
        };
        Unread { at, why }
    })
}

fn passed_over(code: &str, token: &Token, depth: usize) -> Option<Unread> {
    let refuse = |why: String| Some(Unread { at: token.start, why });
    match &token.kind {
        Kind::Name(name) if PASSED_OVER.contains(&name.as_str()) => {
            refuse(format!("`{name}` is not understood"))
        }
        Kind::Sign("&.") => refuse("`&.` is not understood".to_owned()),
        Kind::Text(parts) => {
            // Of escapes only the plain ones are known; the others stay with their backslash.
            let is_double =
                code.get(token.start..).is_some_and(|text| text.starts_with(['"', '%']));
            let is_unknown =
                |part: &Part| matches!(part, Part::Literal(text) if text.contains('\\'));
            if is_double && parts.iter().any(is_unknown) {
                return refuse("a backslash in a text is not understood".to_owned());
            }
            if depth > DEPTH_MAX {
                return refuse("texts within texts are too deep".to_owned());
            }
            parts.iter().find_map(|part| match part {
                Part::Literal(_) => None,
                Part::Code(tokens) => {
                    tokens.iter().find_map(|token| passed_over(code, token, depth + 1))
                }
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn nothing_is_passed_over() {
        for (code, at) in [
            ("a = 1\nb = c rescue 2", 12),
            ("a = 1\nb = c&.to_i", 11),
            (r#"a = "x\e[1m""#, 4),
            (r##"a = "#{b&.c}""##, 8),
            ("a = = 1", 4),
            ("if a", 3),
        ] {
            assert_eq!(read(code).map(|_| ()).unwrap_err().at, at, "{code}");
        }
        for code in ["map['a'] ||= 0; map['a'] += 1", r"a = 'x\d'", "", "# nothing"] {
            assert!(read(code).is_ok(), "{code}");
        }
    }
}
