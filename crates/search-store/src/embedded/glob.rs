//! Matches a value against a pattern of `*` and `?`, in time linear in the value for each piece. It
//! knows no index.

use query::PatternPart;

/// Whether the whole text matches the pattern.
pub(crate) fn matches(pattern: &[PatternPart], text: &str) -> bool {
    // Where to go on after a mismatch: behind the last `*`, one character further each time.
    let mut resume: Option<(usize, usize)> = None;
    let (mut part, mut at) = (0, 0);
    loop {
        let step = match pattern.get(part) {
            None if at == text.len() => return true,
            None => None,
            Some(PatternPart::Any) => {
                if part + 1 == pattern.len() {
                    return true;
                }
                resume = Some((part + 1, at));
                part += 1;
                continue;
            }
            Some(PatternPart::One) => text[at..].chars().next().map(char::len_utf8),
            Some(PatternPart::Text(literal)) => {
                text[at..].starts_with(literal.as_str()).then_some(literal.len())
            }
        };
        if let Some(length) = step {
            at += length;
            part += 1;
            continue;
        }
        let Some((after, from)) = resume else { return false };
        let Some(next) = next_start(pattern, after, text, from) else { return false };
        resume = Some((after, next));
        (part, at) = (after, next);
    }
}

/// The next place after `from` at which the part behind a `*` can match.
fn next_start(pattern: &[PatternPart], part: usize, text: &str, from: usize) -> Option<usize> {
    let step = text[from..].chars().next()?.len_utf8();
    match pattern.get(part) {
        Some(PatternPart::Text(literal)) => {
            text[from + step..].find(literal.as_str()).map(|found| from + step + found)
        }
        _ => Some(from + step),
    }
}

#[cfg(test)]
mod tests {
    use query::{PatternPart, Query};

    use super::matches;

    fn parts(pattern: &str) -> Vec<PatternPart> {
        match query::parse(pattern).expect("a query") {
            Query::Wildcard { pattern, .. } => pattern.0,
            Query::Term { value, .. } => vec![PatternPart::Text(value)],
            other => panic!("not a pattern: {other:?}"),
        }
    }

    #[test]
    fn patterns_match_whole_values() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(matches(&parts(pattern), text), expected, "{pattern} on {text}");
        };
        check("order*", "order", true);
        check("order*", "orders-7", true);
        check("order*", "an order", false);
        check("or?er", "order", true);
        check("or?er", "oräer", true);
        check("or?er", "orer", false);
        check("ab*cd*ef", "ab--cd--cd--ef", true);
        check("ab*cd*ef", "ab--cd--cd--eg", false);
        check("ab*?cd", "abcd", false);
        check("ab*?cd", "abxcd", true);
        check("ab*cd", "abcdcdc", false);
        check("ab*é?", "ab€é€", true);
        check("ab??", "ab€", false);
    }

    #[test]
    fn a_hostile_value_costs_little() {
        let text = format!("aa{}", "a".repeat(60_000));
        assert!(!matches(&parts("aa*ab*ab*ab*ab*b"), &text));
    }
}
