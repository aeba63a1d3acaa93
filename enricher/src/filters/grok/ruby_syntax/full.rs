//! Expressions in full, for the engine that goes back and tries again: look-around over any text, what an earlier group
//! has taken, and alternatives by whether a group took part.

use super::{Dialect, SyntaxError, Translator, closing, names_groups, translate_with, unclosed};

/// An expression ready for `fancy-regex`, and what is made of it for `regex`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullTranslation {
    pub(crate) expression: String,
    /// An expression that is found wherever the whole one is, and perhaps elsewhere.
    pub(crate) looser: String,
    /// One that has all its parts: as large as the whole one. What is looked at are groups `l0`, `l1`, ...
    pub(crate) parts: String,
    /// Texts between `(?<` and `>`, by number: group `c0`, `c1`, ...
    pub(crate) names: Vec<String>,
}

/// Translates an expression whose groups without a name are counted where none has one.
pub(crate) fn translate_fully(expression: &str) -> Result<FullTranslation, SyntaxError> {
    let counts_groups = !names_groups(expression);
    let translated = |dialect| translate_with(expression, dialect, counts_groups, false);
    let full = translated(Dialect::Full)?;
    Ok(FullTranslation {
        expression: full.expression,
        looser: translated(Dialect::Looser)?.expression,
        parts: translated(Dialect::Parts)?.expression,
        names: full.names,
    })
}

/// Whether a count, as it is written out, takes nothing: `{0,0}`.
pub(super) fn counts_nothing(count: &str) -> bool {
    let most = count.trim_end_matches('}').rsplit(['{', ',']).next().unwrap_or_default();
    !most.is_empty() && most.bytes().all(|digit| digit == b'0')
}

impl Translator<'_> {
    pub(super) fn look(
        &mut self,
        opening: &str,
        ahead: bool,
        negated: bool,
    ) -> Result<(), SyntaxError> {
        let end = || closing(self.rest).ok_or_else(|| unclosed(opening));
        match self.dialect {
            Dialect::Automaton => return self.condition(opening.len(), ahead, negated),
            Dialect::Regex => {
                return Err(SyntaxError::Look { text: self.rest[..=end()?].to_owned() });
            }
            Dialect::Looser => {
                let end = end()?;
                self.take(end + 1);
                self.emit("(?:)");
            }
            Dialect::Full => {
                self.take(opening.len());
                self.open(opening);
            }
            Dialect::Parts => {
                self.take(opening.len());
                let group = format!("(?P<l{}>", self.done.expression.len());
                self.open(&group);
            }
        }
        Ok(())
    }

    /// `\1`, `\k<name>`, `\k'name'`, `\k<-1>`: what a group has taken.
    pub(super) fn reference(&mut self) -> Result<(), SyntaxError> {
        let length = reference_length(self.rest).ok_or_else(|| unclosed("\\k"))?;
        let text = &self.rest[..length];
        match self.dialect {
            Dialect::Automaton | Dialect::Regex => {
                return Err(SyntaxError::BackReference { text: text.to_owned() });
            }
            Dialect::Looser => {
                self.take(length);
                self.emit("(?s:.*)");
            }
            Dialect::Parts => {
                self.take(length);
                self.emit("(?:)");
            }
            Dialect::Full => {
                let inside = text[1..].strip_prefix('k').unwrap_or(&text[1..]);
                let groups = self.groups(inside.trim_matches(['<', '>', '\'']), text)?;
                self.take(length);
                match groups.as_slice() {
                    [only] => self.emit(&format!("\\k<{only}>")),
                    several => {
                        let several: Vec<_> =
                            several.iter().map(|group| format!("\\k<{group}>")).collect();
                        // The first that took part and fits is the only one that is tried.
                        self.emit(&format!("(?>{})", several.join("|")));
                    }
                }
            }
        }
        Ok(())
    }

    /// `(?(1)yes|no)`, `(?(<name>)yes|no)`.
    pub(super) fn alternatives_by_group(&mut self) -> Result<(), SyntaxError> {
        let end = self.rest.find(')').ok_or_else(|| unclosed("(?("))?;
        let text = &self.rest[..=end];
        match self.dialect {
            Dialect::Automaton | Dialect::Regex => {
                return Err(SyntaxError::BackReference { text: text.to_owned() });
            }
            Dialect::Looser | Dialect::Parts => {
                self.take(end + 1);
                // Without the second alternative it may be nothing.
                self.open("(?:|");
            }
            Dialect::Full => {
                let inside = text["(?(".len()..end].trim_matches(['<', '>', '\'']);
                let groups = self.groups(inside, text)?;
                let [group] = groups.as_slice() else {
                    return Err(SyntaxError::Unsupported { text: text.to_owned() });
                };
                let opening = format!("(?(<{group}>)");
                self.take(end + 1);
                self.open(&opening);
            }
        }
        Ok(())
    }

    /// The groups of a number or a name, as they are called here; of several with one name the last comes first.
    fn groups(&self, named: &str, text: &str) -> Result<Vec<String>, SyntaxError> {
        let unknown = || SyntaxError::UnknownGroup { text: text.to_owned() };
        if let Ok(number) = named.parse::<i32>() {
            if !self.counts_groups {
                return Err(SyntaxError::NumberBesideNames { text: text.to_owned() });
            }
            let opened = i32::try_from(self.counted_groups).unwrap_or(i32::MAX);
            let number = if number < 0 { opened.saturating_add(number) + 1 } else { number };
            return if number > 0 { Ok(vec![number.to_string()]) } else { Err(unknown()) };
        }
        let is_meant = |name: &str| name == named || name.split(':').next() == Some(named);
        let names = self.done.names.iter().enumerate().rev();
        let groups: Vec<_> = names
            .filter(|(_, name)| is_meant(name))
            .map(|(place, _)| format!("c{place}"))
            .collect();
        if groups.is_empty() { Err(unknown()) } else { Ok(groups) }
    }
}

/// Length of a reference that begins a text: `\12`, `\k<name>`, `\k'name'`.
fn reference_length(text: &str) -> Option<usize> {
    let Some(named) = text.strip_prefix("\\k") else {
        return Some(1 + text[1..].bytes().take_while(u8::is_ascii_digit).count());
    };
    let closed_by = match named.chars().next()? {
        '<' => '>',
        '\'' => '\'',
        _ => return None,
    };
    Some("\\k".len() + 1 + named[1..].find(closed_by)? + 1)
}

#[cfg(test)]
mod tests {
    use super::{SyntaxError, counts_nothing, translate_fully};

    #[test]
    fn what_only_one_engine_knows_is_left_to_it() {
        for (pattern, expression, looser, parts) in [
            ("a(?=bc)d", "a(?=bc)d", "a(?:)d", "a(?P<l1>bc)d"),
            ("(?<!x[)]y)z", r"(?<!x[\)]y)z", "(?:)z", r"(?P<l0>x[\)]y)z"),
            ("(a)(?:b)\\1", "(a)(?:b)\\k<1>", "(a)(?:b)(?s:.*)", "(a)(?:b)(?:)"),
            ("(a)(b)\\k<-1>", "(a)(b)\\k<2>", "(a)(b)(?s:.*)", "(a)(b)(?:)"),
            ("(?<q>.)\\k'q'", "(?P<c0>.)\\k<c0>", "(?P<c0>.)(?s:.*)", "(?P<c0>.)(?:)"),
            ("(?>a+)b*+c{3}?", "(?>a+)b*+c{3,3}?", "(?:a+)b*c{3}?", "(?:a+)b*c{3}?"),
            ("(a)?(?(1)b|c)", "(a)?(?(<1>)b|c)", "(a)?(?:|b|c)", "(a)?(?:|b|c)"),
        ] {
            let full = translate_fully(pattern).unwrap();
            assert_eq!(full.expression, expression);
            assert_eq!((&*full.looser, &*full.parts), (looser, parts), "{pattern}");
        }
    }

    #[test]
    fn a_name_means_the_groups_before_it_last_first() {
        let full = translate_fully(r"(?:(?<n:int>a)|(?<n>b))(?<m>c)\k<n>(?<n>d)").unwrap();
        assert!(full.expression.contains(r"(?>\k<c1>|\k<c0>)"), "{}", full.expression);
        assert_eq!(full.names, ["n:int", "n", "m", "n"]);
    }

    #[test]
    fn a_reference_to_nothing_is_refused() {
        let text = |text: &str| text.to_owned();
        for (pattern, error) in [
            (r"\k<n>(?<n>a)", SyntaxError::UnknownGroup { text: text(r"\k<n>") }),
            (r"(a)\k<-2>", SyntaxError::UnknownGroup { text: text(r"\k<-2>") }),
            (r"(?<n>a)(b)\1", SyntaxError::NumberBesideNames { text: text(r"\1") }),
            (r"(?<n>a)\k<n", SyntaxError::Unclosed { text: text(r"\k") }),
            (r"(?<n>a){0}\k<n>", SyntaxError::Unsupported { text: text("{0}") }),
            (r"(?=a", SyntaxError::Unclosed { text: text("(?=") }),
            (r"(?~ab)", SyntaxError::Unsupported { text: text("(?~ab)") }),
        ] {
            assert_eq!(translate_fully(pattern).unwrap_err(), error, "{pattern}");
        }
    }

    #[test]
    fn only_counts_up_to_nothing_count_nothing() {
        for (count, is_nothing) in [
            ("{0,0}", true),
            ("{00,0}", true),
            ("{0,}", false),
            ("{0,10}", false),
            ("{3,3}", false),
        ] {
            assert_eq!(counts_nothing(count), is_nothing, "{count}");
        }
    }
}
