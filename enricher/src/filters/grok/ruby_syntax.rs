//! Ruby's regular expressions in the words of the crate `regex`.
//!
//! Grok patterns are written for Ruby's engine. What means the same is written anew; names of groups
//! become numbers, so that they may hold any character; look-around over one character becomes an
//! empty group that the automaton reads as a condition. What a linear engine cannot do (references
//! back, wider look-around) is refused with a way out. Atomic groups and possessive counts are read as
//! plain ones: they keep an engine from trying again, which this one never does.
//!
//! Conditions and `gsub` read their patterns in this way too, without look-around.

mod class;

use super::look::{Look, LookSet};
use class::Class;

/// An expression ready for `regex-syntax`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Translation {
    pub(crate) expression: String,
    /// Texts between `(?<` and `>`, by number: group `c0`, `c1`, ...
    pub(crate) names: Vec<String>,
    /// Conditions, by number: group `l0`, `l1`, ...
    pub(crate) looks: Vec<Look>,
}

/// Why an expression cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SyntaxError {
    #[error("`{text}` refers to an earlier group")]
    BackReference { text: String },
    #[error("the look-around `{text}` spans more than one character")]
    WideLook { text: String },
    #[error("`{text}` is not supported")]
    Unsupported { text: String },
    #[error("`{text}` is not closed")]
    Unclosed { text: String },
}

impl SyntaxError {
    /// What to write instead.
    pub(crate) fn way_out(&self) -> &'static str {
        match self {
            Self::BackReference { .. } => {
                "capture both places under two names and compare them in a condition"
            }
            Self::WideLook { .. } => {
                "look-around works for one character here, as in `(?<![0-9])` or `(?=\\s|$)`: match the text itself outside of the capture"
            }
            Self::Unsupported { .. } => "write the pattern without it",
            Self::Unclosed { .. } => "close it",
        }
    }
}

/// Translates an expression. A group without a name captures nothing.
pub(super) fn translate(expression: &str) -> Result<Translation, SyntaxError> {
    translate_with(expression, false, false)
}

/// Translates an expression whose groups without a name are counted, as Ruby does where no group has
/// one.
pub(crate) fn translate_counting(expression: &str) -> Result<Translation, SyntaxError> {
    let any_named = expression
        .match_indices("(?<")
        .any(|(at, opening)| !expression[at + opening.len()..].starts_with(['=', '!']));
    translate_with(expression, !any_named, false)
}

fn translate_with(
    expression: &str,
    counts_groups: bool,
    within_look: bool,
) -> Result<Translation, SyntaxError> {
    let mut translator = Translator {
        rest: expression,
        ignores_case: false,
        around: Vec::new(),
        counts_groups,
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
    /// A flag to that effect holds here: conditions, which are read apart, follow it.
    ignores_case: bool,
    /// The same of what is around each open group, which it is again when the group is closed.
    around: Vec<bool>,
    counts_groups: bool,
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
            '{' => self.braces(),
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
        }
    }

    /// `{2}`, `{2,}`, `{2,3}`, `{,3}`; anything else is a brace.
    fn braces(&mut self) {
        let count = self.rest.find('}').map(|end| &self.rest[1..end]).and_then(|inside| {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            match inside.split_once(',') {
                Some(("", most)) if !most.is_empty() && digits(most) => {
                    Some(format!("{{0,{most}}}"))
                }
                Some((least, most)) if !least.is_empty() && digits(least) && digits(most) => {
                    Some(format!("{{{inside}}}"))
                }
                None if !inside.is_empty() && digits(inside) => Some(format!("{{{inside}}}")),
                _ => None,
            }
            .map(|count| (count, inside.len() + 2))
        });
        let Some((count, length)) = count else {
            return self.literal("\\{");
        };
        self.take(length);
        self.emit(&count);
        if self.rest.starts_with('?') {
            self.literal("?");
        } else if self.rest.starts_with('+') {
            // Ruby counts the counted once more.
            self.take(1);
            self.emit("+");
        }
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
                return self.look(opening.len(), look_ahead, negated);
            }
        }
        if rest.starts_with("(?#") {
            let end = rest.find(')').ok_or_else(|| unclosed("(?#"))?;
            self.take(end + 1);
        } else if rest.starts_with("(?<") || rest.starts_with("(?P<") {
            let start = rest.find('<').map_or(0, |at| at + 1);
            let end = rest.find('>').ok_or_else(|| unclosed("(?<"))?;
            let group = format!("(?P<c{}>", self.done.names.len());
            self.done.names.push(rest[start..end].to_owned());
            self.take(end + 1);
            self.open(&group);
        } else if rest.starts_with("(?>") {
            self.take(3);
            self.open("(?:");
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
            self.open(if self.counts_groups { "(" } else { "(?:" });
        }
        Ok(())
    }

    /// Emits the opening of a group that is closed by a `)` of its own.
    fn open(&mut self, text: &str) {
        self.emit(text);
        self.around.push(self.ignores_case);
    }

    fn look(&mut self, opening: usize, ahead: bool, negated: bool) -> Result<(), SyntaxError> {
        let whole = self.rest;
        if self.within_look {
            return Err(SyntaxError::WideLook { text: start_of(whole) });
        }
        let end = closing(whole).ok_or_else(|| unclosed(&whole[..opening]))?;
        let wide = || SyntaxError::WideLook { text: whole[..=end].to_owned() };
        let inside = translate_with(&whole[opening..end], false, true)?;
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
            '1'..='9' | 'k' => return Err(SyntaxError::BackReference { text: text.to_owned() }),
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
