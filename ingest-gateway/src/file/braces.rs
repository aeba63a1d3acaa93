//! Alternatives in braces, as Ruby's `Dir.glob` has them: `/var/log/{web,shop/{a,b}}.log` stands for three
//! patterns.
//!
//! Pure text: looks at no file and knows no other sign of patterns.

/// Most patterns that one may stand for.
const PATTERNS_MAX: usize = 1_000;
/// Most texts that are looked at for them: braces around a single word make none and want to be looked at too.
const LOOKS_MAX: usize = 4 * PATTERNS_MAX;

/// Why a pattern stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BracesError {
    /// A brace that is not closed.
    #[error("has a {{ without its }}: close it, or write ? where a file's name has a brace")]
    Open,
    /// More patterns than are looked for.
    #[error("stands for more than {most} patterns: write fewer alternatives, or *", most = PATTERNS_MAX)]
    TooMany,
}

/// The patterns without braces that a pattern stands for, in the order of its text. A `}` alone means itself.
///
/// # Errors
/// As [`BracesError`] says.
pub(crate) fn expand_braces(pattern: &str) -> Result<Vec<String>, BracesError> {
    let mut expanded = Vec::new();
    // The last one comes next, so that the order is that of the text.
    let mut waiting = vec![pattern.to_owned()];
    let mut looks = 0;
    while let Some(text) = waiting.pop() {
        looks += 1;
        if expanded.len() + waiting.len() >= PATTERNS_MAX || looks > LOOKS_MAX {
            return Err(BracesError::TooMany);
        }
        let Some((start, end)) = first_group(&text)? else {
            expanded.push(text);
            continue;
        };
        let alternatives = alternatives(&text[start + 1..end]);
        if alternatives.len() > PATTERNS_MAX {
            return Err(BracesError::TooMany);
        }
        let (before, behind) = (&text[..start], &text[end + 1..]);
        waiting.extend(alternatives.iter().rev().map(|own| format!("{before}{own}{behind}")));
    }
    Ok(expanded)
}

/// Where the braces of the first group are.
fn first_group(text: &str) -> Result<Option<(usize, usize)>, BracesError> {
    let (mut depth, mut start) = (0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b'}' if depth == 1 => return Ok(Some((start, at))),
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if depth == 0 { Ok(None) } else { Err(BracesError::Open) }
}

/// What stands between the commas of a group, and not of one within it.
fn alternatives(group: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let stands_between = |letter: char| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    group.split(stands_between).collect()
}

#[cfg(test)]
mod tests {
    use super::{BracesError, expand_braces};

    #[test]
    fn alternatives_are_patterns_in_the_order_of_the_text() {
        for (pattern, expected) in [
            ("/var/log/*.log", &["/var/log/*.log"][..]),
            ("/a/{b,c}.log", &["/a/b.log", "/a/c.log"]),
            ("/{a,b}/{c,d}", &["/a/c", "/a/d", "/b/c", "/b/d"]),
            ("/a/{b,c/{d,e}*}/f", &["/a/b/f", "/a/c/d*/f", "/a/c/e*/f"]),
            ("{/a,/b}/**/{c,d}", &["/a/**/c", "/a/**/d", "/b/**/c", "/b/**/d"]),
            ("/a{,.1}", &["/a", "/a.1"]),
            ("/a{}b", &["/ab"]),
            ("/{ä,{ö}}", &["/ä", "/ö"]),
            ("/a}b", &["/a}b"]),
            ("/{a,b}}", &["/a}", "/b}"]),
            ("", &[""]),
        ] {
            assert_eq!(expand_braces(pattern).unwrap(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_brace_that_is_not_closed_is_told() {
        for pattern in ["/a{b", "/a{b,{c}", "/{a}{", "/{a,b}/{c"] {
            assert_eq!(expand_braces(pattern), Err(BracesError::Open), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_stands_for_a_thousand_at_most() {
        let ten = "{0,1,2,3,4,5,6,7,8,9}";
        assert_eq!(expand_braces(&format!("/{}", ten.repeat(3))).unwrap().len(), 1_000);
        let commas = format!("/{{{}}}", ",".repeat(1_000_000));
        let twos = format!("/{}", "{a,b}".repeat(2_000));
        for pattern in [format!("/{}", ten.repeat(4)), twos, commas, "{a}".repeat(5_000)] {
            assert_eq!(expand_braces(&pattern), Err(BracesError::TooMany));
        }
        let deep = format!("/{}{}", "{".repeat(500), "}".repeat(500));
        assert_eq!(expand_braces(&deep).unwrap(), ["/"]);
    }
}
