//! Bracketed classes and the escapes that stand in and outside of them.

use super::SyntaxError;

/// Nested classes within each other.
const DEPTH_MAX: usize = 32;

/// A class, written for `regex`.
pub(super) struct Class(String);

impl Class {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the class that begins a text, and its length in bytes.
    pub(super) fn read(text: &str) -> Result<(Self, usize), SyntaxError> {
        let mut reader = Reader { text, at: 0, out: String::new() };
        reader.class(0)?;
        Ok((Self(reader.out), reader.at))
    }
}

struct Reader<'p> {
    text: &'p str,
    at: usize,
    out: String,
}

/// What stands at one place of a class.
enum Element {
    Character(char),
    /// Already written.
    Set,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn unclosed(&self) -> SyntaxError {
        SyntaxError::Unclosed { text: self.text.chars().take(12).collect() }
    }

    fn class(&mut self, depth: usize) -> Result<(), SyntaxError> {
        if depth > DEPTH_MAX {
            return Err(SyntaxError::Unsupported { text: self.rest().chars().take(12).collect() });
        }
        self.at += 1;
        self.out.push('[');
        if self.rest().starts_with('^') {
            self.at += 1;
            self.out.push('^');
        }
        let first = self.at;
        loop {
            match self.rest().chars().next() {
                None => return Err(self.unclosed()),
                Some(']') if self.at > first => break,
                _ if self.rest().starts_with("&&") => {
                    self.at += 2;
                    self.out.push_str("&&");
                }
                _ => {
                    if let Element::Character(low) = self.element(depth)? {
                        self.range(low, depth)?;
                    }
                }
            }
        }
        self.at += 1;
        self.out.push(']');
        Ok(())
    }

    /// A character alone or the start of a range.
    fn range(&mut self, low: char, depth: usize) -> Result<(), SyntaxError> {
        push_literal(&mut self.out, low);
        let after = self.rest().strip_prefix('-').and_then(|rest| rest.chars().next());
        if after.is_none_or(|after| after == ']') {
            return Ok(());
        }
        let (dash, length) = (self.at, self.out.len());
        self.at += 1;
        // A class ends no range. It is not even tried: one within the other, each would be read twice as often.
        if after == Some('[') {
            self.out.push_str("\\-");
            return Ok(());
        }
        self.out.push('-');
        match self.element(depth)? {
            Element::Character(high) if high >= low => push_literal(&mut self.out, high),
            _ => {
                // No range: the dash is one of the characters, what follows is read again.
                self.at = dash + 1;
                self.out.truncate(length);
                self.out.push_str("\\-");
            }
        }
        Ok(())
    }

    fn element(&mut self, depth: usize) -> Result<Element, SyntaxError> {
        if let Some(inside) = self.rest().strip_prefix("[:")
            && let Some(end) = inside.find(":]")
            && let Some(class) = posix(&inside[..end])
        {
            self.out.push_str(class);
            self.at += end + 4;
            return Ok(Element::Set);
        }
        let first = self.rest().chars().next().ok_or_else(|| self.unclosed())?;
        if first == '[' {
            self.class(depth + 1)?;
            return Ok(Element::Set);
        }
        self.at += first.len_utf8();
        if first != '\\' {
            return Ok(Element::Character(first));
        }
        let escaped = self.rest().chars().next().ok_or_else(|| self.unclosed())?;
        if let Some(class) = shorthand(escaped) {
            self.at += 1;
            self.out.push_str(&format!("[{class}]"));
            return Ok(Element::Set);
        }
        if "pPxu".contains(escaped) {
            let length = long_escape(&self.text[self.at - 1..]).ok_or_else(|| self.unclosed())?;
            let text = &self.text[self.at - 1..self.at - 1 + length];
            self.at += length - 1;
            if let Some(character) = code_point(text) {
                return Ok(Element::Character(character));
            }
            self.out.push_str(text);
            return Ok(Element::Set);
        }
        self.at += escaped.len_utf8();
        let character = if escaped == 'b' { '\u{8}' } else { control(escaped).unwrap_or(escaped) };
        Ok(Element::Character(character))
    }
}

/// Appends a character that stands for itself, in a class and outside.
pub(super) fn push_literal(out: &mut String, character: char) {
    match character {
        ' ' | '#' => out.extend(["\\x", if character == ' ' { "20" } else { "23" }]),
        '<' | '>' => out.push(character),
        other if other.is_ascii_punctuation() => out.extend(['\\', other]),
        other if other.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(other))),
        other => out.push(other),
    }
}

/// The content of a class for `\d`, `\w`, `\s`, `\h` and their negations: ASCII, as in Ruby.
pub(super) fn shorthand(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "0-9",
        'D' => "^0-9",
        'w' => "0-9A-Za-z_",
        'W' => "^0-9A-Za-z_",
        's' => r"\t\n\x0b\f\r\x20",
        'S' => r"^\t\n\x0b\f\r\x20",
        'h' => "0-9A-Fa-f",
        'H' => "^0-9A-Fa-f",
        _ => return None,
    })
}

/// Bracket classes by name: Unicode, as in Ruby.
fn posix(name: &str) -> Option<&'static str> {
    Some(match name {
        "alnum" => r"\p{Alphabetic}\p{N}",
        "^alnum" => r"[^\p{Alphabetic}\p{N}]",
        "alpha" => r"\p{Alphabetic}",
        "^alpha" => r"\P{Alphabetic}",
        "ascii" => r"\x00-\x7f",
        "blank" => r"\t\p{Zs}",
        "cntrl" => r"\p{Cc}",
        "digit" => r"\p{Nd}",
        "^digit" => r"\P{Nd}",
        "graph" => r"[^\p{White_Space}\p{Cc}]",
        "lower" => r"\p{Lowercase}",
        "print" => r"[^\p{Cc}]",
        "punct" => r"\p{P}$+<=>\^`|\~",
        "space" => r"\p{White_Space}",
        "^space" => r"\P{White_Space}",
        "upper" => r"\p{Uppercase}",
        "xdigit" => r"0-9A-Fa-f",
        "word" => r"\p{Alphabetic}\p{M}\p{N}\p{Pc}",
        _ => return None,
    })
}

/// Length of `\p{...}`, `\x41`, `\x{41}`, `\u0041` at the start of a text.
pub(super) fn long_escape(text: &str) -> Option<usize> {
    if text[2..].starts_with('{') {
        return text.find('}').map(|end| end + 1);
    }
    let digits =
        |most: usize| text[2..].bytes().take(most).take_while(u8::is_ascii_hexdigit).count();
    match text.as_bytes()[1] {
        b'x' if digits(2) == 2 => Some(4),
        b'u' if digits(4) == 4 => Some(6),
        b'p' | b'P' => text[2..].chars().next().map(|letter| 2 + letter.len_utf8()),
        _ => None,
    }
}

/// The character of `\x41`, `\x{41}`, `\u0041`.
fn code_point(escape: &str) -> Option<char> {
    let digits = escape.strip_prefix("\\x").or_else(|| escape.strip_prefix("\\u"))?;
    let digits = digits.trim_start_matches('{').trim_end_matches('}');
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// The character of `\n`, `\t` and the like.
pub(super) fn control(letter: char) -> Option<char> {
    Some(match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'a' => '\u{7}',
        'e' => '\u{1b}',
        '0' => '\0',
        _ => return None,
    })
}
