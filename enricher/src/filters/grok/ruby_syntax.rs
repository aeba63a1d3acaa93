//! Ruby's regular expressions in the words of the crate `regex`.
//!
//! Grok patterns are written for Ruby's engine. What means the same is written anew; names of groups
//! become numbers, so that they may hold any character; look-around over one character becomes an
//! empty group that the automaton reads as a condition. Atomic groups and possessive counts are read as
//! plain ones: they keep an engine from trying again, which this one never does.
//!
//! Conditions and `gsub` read their patterns in this way too, without look-around.
//!
//! What an engine of linear time cannot do (references back, wider look-around) has an error that says so. Such a
//! pattern is written once more, in full, for the engine that goes back and tries again.

mod class;
mod error;
mod full;

use super::look::{Look, LookSet};
use class::Class;

pub(crate) use error::SyntaxError;
pub(crate) use full::{FullTranslation, translate_fully};

/// An expression ready for `regex-syntax`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Translation {
    pub(crate) expression: String,
    /// Texts between `(?<` and `>`, by number: group `c0`, `c1`, ...
    pub(crate) names: Vec<String>,
    /// Conditions, by number: group `l0`, `l1`, ...
    pub(crate) looks: Vec<Look>,
}

/// Translates an expression. A group without a name captures nothing.
pub(super) fn translate(expression: &str) -> Result<Translation, SyntaxError> {
    translate_with(expression, Dialect::Automaton, false, false)
}

/// Translates an expression whose groups without a name are counted, as Ruby does where no group has
/// one.
pub(crate) fn translate_counting(expression: &str) -> Result<Translation, SyntaxError> {
    translate_with(expression, Dialect::Regex, !names_groups(expression), false)
}

/// Whether an expression has a group with a name: those without one are not counted then.
fn names_groups(expression: &str) -> bool {
    let names_one =
        |(at, opening): (usize, &str)| !expression[at + opening.len()..].starts_with(['=', '!']);
    expression.contains("(?P<") || expression.match_indices("(?<").any(names_one)
}

/// In whose words an expression is written, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Those of `regex`, with conditions on one character that the automaton knows.
    Automaton,
    /// Those of `regex`.
    Regex,
    /// Those of `fancy-regex`: all of it.
    Full,
    /// Those of `regex`, without what is looked at, and any text for what is referred to.
    Looser,
    /// Those of `regex`, with what is looked at as a group that is matched.
    Parts,
}

fn translate_with(
    expression: &str,
    dialect: Dialect,
    counts_groups: bool,
    within_look: bool,
) -> Result<Translation, SyntaxError> {
    let mut translator = Translator {
        rest: expression,
        dialect,
        ignores_case: false,
        around: Vec::new(),
        counts_groups,
        counted_groups: 0,
        within_look,
        done: Translation::default(),
    };
    while !translator.rest.is_empty() {
        translator.step()?;
    }
    Ok(translator.done)
}

struct Translator<'p> {
    rest: &'p str,
    dialect: Dialect,
    /// A flag to that effect holds here: conditions, which are read apart, follow it.
    ignores_case: bool,
    /// The same of what is around each open group, which it is again when the group is closed.
    around: Vec<bool>,
    counts_groups: bool,
    /// Groups that were counted so far.
    counted_groups: usize,
    /// A look is read, in which no other may stand: so this goes no deeper, however they are nested.
    within_look: bool,
    done: Translation,
}

impl<'p> Translator<'p> {
    fn emit(&mut self, text: &str) {
        self.done.expression.push_str(text);
    }

    fn take(&mut self, length: usize) -> &'p str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Takes what comes next: a group's opening, an escape, a class, a count, or one character.
    fn step(&mut self) -> Result<(), SyntaxError> {
        let Some(first) = self.rest.chars().next() else {
            return Ok(());
        };
        match first {
            '(' => return self.group(),
            ')' => {
                self.literal(")");
                self.ignores_case = self.around.pop().unwrap_or(self.ignores_case);
            }
            '\\' => return self.escape(),
            '[' => {
                let (class, length) = Class::read(self.rest)?;
                self.take(length);
                self.emit(class.as_str());
            }
            '{' => return self.braces(),
            '*' | '+' | '?' => self.count(first),
            // Line anchors, whatever the flags.
            '^' => self.literal("(?m:^)"),
            '$' => self.literal("(?m:$)"),
            '}' | ']' => {
                self.emit("\\");
                let taken = self.take(1);
                self.emit(taken);
            }
            other => {
                let taken = self.take(other.len_utf8());
                self.emit(taken);
            }
        }
        Ok(())
    }

    /// Emits a text for the next character.
    fn literal(&mut self, text: &str) {
        self.take(1);
        self.emit(text);
    }

    fn count(&mut self, sign: char) {
        self.take(1);
        self.done.expression.push(sign);
        if self.rest.starts_with('?') {
            self.literal("?");
        } else if self.rest.starts_with('+') {
            self.take(1);
            if self.dialect == Dialect::Full {
                self.emit("+");
            }
        }
    }

    /// `{2}`, `{2,}`, `{2,3}`, `{,3}`; anything else is a brace.
    fn braces(&mut self) -> Result<(), SyntaxError> {
        let count = self.rest.find('}').map(|end| &self.rest[1..end]).and_then(|inside| {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            match inside.split_once(',') {
                Some(("", most)) if !most.is_empty() && digits(most) => {
                    Some(format!("{{0,{most}}}"))
                }
                Some((least, most)) if !least.is_empty() && digits(least) && digits(most) => {
                    Some(format!("{{{inside}}}"))
                }
                // With both numbers a `?` behind it makes it no count of a count.
                None if !inside.is_empty() && digits(inside) && self.dialect == Dialect::Full => {
                    Some(format!("{{{inside},{inside}}}"))
                }
                None if !inside.is_empty() && digits(inside) => Some(format!("{{{inside}}}")),
                _ => None,
            }
            .map(|count| (count, inside.len() + 2))
        });
        let Some((count, length)) = count else {
            self.literal("\\{");
            return Ok(());
        };
        let counted = self.take(length);
        if self.dialect == Dialect::Full && full::counts_nothing(&count) {
            return Err(SyntaxError::Unsupported { text: counted.to_owned() });
        }
        self.emit(&count);
        if self.rest.starts_with('?') {
            self.literal("?");
        } else if self.rest.starts_with('+') {
            // Ruby counts the counted once more.
            self.take(1);
            self.emit("+");
        }
        Ok(())
    }

    fn group(&mut self) -> Result<(), SyntaxError> {
        let rest = self.rest;
        for (opening, look_ahead, negated) in [
            ("(?=", true, false),
            ("(?!", true, true),
            ("(?<=", false, false),
            ("(?<!", false, true),
        ] {
            if rest.starts_with(opening) {
                return self.look(opening, look_ahead, negated);
            }
        }
        if rest.starts_with("(?#") {
            let end = rest.find(')').ok_or_else(|| unclosed("(?#"))?;
            self.take(end + 1);
        } else if rest.starts_with("(?(") {
            return self.alternatives_by_group();
        } else if rest.starts_with("(?<") || rest.starts_with("(?P<") {
            let start = rest.find('<').map_or(0, |at| at + 1);
            let end = rest.find('>').ok_or_else(|| unclosed("(?<"))?;
            let group = format!("(?P<c{}>", self.done.names.len());
            self.done.names.push(rest[start..end].to_owned());
            self.take(end + 1);
            self.open(&group);
        } else if rest.starts_with("(?>") {
            self.take(3);
            self.open(if self.dialect == Dialect::Full { "(?>" } else { "(?:" });
        } else if let Some(flags) = rest.strip_prefix("(?") {
            let end = flags
                .find([')', ':'])
                .filter(|end| flags[..*end].bytes().all(|flag| b"imx-".contains(&flag)))
                .ok_or_else(|| SyntaxError::Unsupported { text: start_of(rest) })?;
            let (on, off) = flags[..end].split_once('-').unwrap_or((&flags[..end], ""));
            let ignores_case = (self.ignores_case || on.contains('i')) && !off.contains('i');
            let opens = flags[end..].starts_with(':');
            // Ruby's `m` lets `.` match a newline; it is on from the start.
            let flags = format!("(?{}", flags[..=end].replace('m', "s"));
            self.take(end + 3);
            if opens {
                self.open(&flags);
            } else {
                self.emit(&flags);
            }
            self.ignores_case = ignores_case;
        } else {
            self.take(1);
            self.counted_groups += usize::from(self.counts_groups);
            self.open(if self.counts_groups { "(" } else { "(?:" });
        }
        Ok(())
    }

    /// Emits the opening of a group that is closed by a `)` of its own.
    fn open(&mut self, text: &str) {
        self.emit(text);
        self.around.push(self.ignores_case);
    }

    /// A look over one character, as a condition.
    fn condition(&mut self, opening: usize, ahead: bool, negated: bool) -> Result<(), SyntaxError> {
        let whole = self.rest;
        if self.within_look {
            return Err(SyntaxError::WideLook { text: start_of(whole) });
        }
        let end = closing(whole).ok_or_else(|| unclosed(&whole[..opening]))?;
        let wide = || SyntaxError::WideLook { text: whole[..=end].to_owned() };
        let inside = translate_with(&whole[opening..end], Dialect::Automaton, false, true)?;
        if !inside.names.is_empty() {
            return Err(wide());
        }
        let flag = if self.ignores_case { "i" } else { "" };
        let expression = format!("(?{flag}:{})", inside.expression);
        let set = LookSet::read(&expression, ahead).ok_or_else(wide)?;
        let group = format!("(?P<l{}>)", self.done.looks.len());
        self.done.looks.push(Look { ahead, negated, set });
        self.take(end + 1);
        self.emit(&group);
        Ok(())
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let Some(escaped) = self.rest[1..].chars().next() else {
            return Err(unclosed("\\"));
        };
        let length = 1 + escaped.len_utf8();
        let text = &self.rest[..length];
        if let Some(class) = class::shorthand(escaped) {
            self.take(length);
            self.emit(&format!("[{class}]"));
            return Ok(());
        }
        match escaped {
            'b' | 'B' | 'A' | 'z' => {
                self.take(length);
                self.emit(text);
            }
            'Z' => {
                self.take(length);
                self.emit(r"(?:\n?\z)");
            }
            'R' => {
                self.take(length);
                self.emit(r"(?:\r\n|[\n\v\f\r])");
            }
            'p' | 'P' | 'x' | 'u' => {
                let length = class::long_escape(self.rest).ok_or_else(|| unclosed(text))?;
                let taken = self.take(length);
                self.emit(taken);
            }
            '1'..='9' | 'k' => return self.reference(),
            'g' | 'G' | 'K' | 'X' => {
                return Err(SyntaxError::Unsupported { text: text.to_owned() });
            }
            other => {
                self.take(length);
                let character = class::control(other).unwrap_or(other);
                class::push_literal(&mut self.done.expression, character);
            }
        }
        Ok(())
    }
}

fn unclosed(text: &str) -> SyntaxError {
    SyntaxError::Unclosed { text: text.to_owned() }
}

fn start_of(text: &str) -> String {
    text.chars().take(12).collect()
}

/// Where the group that begins a text is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        match first {
            '\\' => at += 1 + text[at + 1..].chars().next()?.len_utf8(),
            '[' => at += Class::read(&text[at..]).ok()?.1,
            _ => {
                match first {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    return Some(at);
                }
                at += first.len_utf8();
            }
        }
    }
    None
}
