//! Reads characters, words, quoted texts and bounds of a query and keeps their positions. It knows
//! nothing of operators' order or of fields.

use crate::ParseError;

/// One character of a word; an escaped one never has a meaning of its own.
#[derive(Clone, Copy)]
pub(crate) struct Character {
    pub(crate) value: char,
    pub(crate) escaped: bool,
}

impl Character {
    /// Whether this is the given character, written without an escape.
    pub(crate) fn is(self, value: char) -> bool {
        !self.escaped && self.value == value
    }
}

/// Characters without space between them, and where they begin.
pub(crate) struct Word {
    pub(crate) start: usize,
    pub(crate) characters: Vec<Character>,
}

/// Where the lexer stands in the text; positions count characters from 0.
pub(crate) struct Lexer {
    text: Vec<char>,
    pub(crate) at: usize,
}

/// An error at a position that counts from 0.
pub(crate) fn mistake(at: usize, message: impl Into<String>) -> ParseError {
    ParseError { position: at + 1, message: message.into() }
}

impl Lexer {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.chars().collect(), at: 0 }
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    /// What stands at the lexer's place, for a message.
    pub(crate) fn found(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(character) => format!("`{}`", character.escape_debug()),
        }
    }

    pub(crate) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Takes the character if it stands here.
    pub(crate) fn take(&mut self, character: char) -> bool {
        let here = self.peek() == Some(character);
        self.at += usize::from(here);
        here
    }

    /// Whether the operator stands here, spelled out (`AND`) or as a sign (`&&`).
    pub(crate) fn at_operator(&self, name: &str, sign: &str) -> Option<usize> {
        if !sign.is_empty() && self.starts_with(sign) {
            return Some(sign.len());
        }
        let next = self.text.get(self.at + name.len());
        let ends = next.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'));
        (self.starts_with(name) && ends).then_some(name.len())
    }

    fn starts_with(&self, text: &str) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        text.chars().count() <= rest.len() && text.chars().zip(rest).all(|(a, b)| a == *b)
    }

    fn at_word_end(&self) -> bool {
        match self.peek() {
            None | Some('(' | ')' | '[' | ']' | '{' | '}' | '"') => true,
            Some('&') => self.starts_with("&&"),
            Some('|') => self.starts_with("||"),
            Some(other) => other.is_whitespace(),
        }
    }

    /// Reads a word; with `until_colon` it ends before the first colon.
    pub(crate) fn word(&mut self, until_colon: bool) -> Result<Word, ParseError> {
        let mut word = Word { start: self.at, characters: Vec::new() };
        while let Some(value) = self.peek() {
            if self.at_word_end() || (until_colon && value == ':') {
                break;
            }
            self.at += 1;
            let character = match value {
                '\\' => Character { value: self.escaped()?, escaped: true },
                _ => Character { value, escaped: false },
            };
            word.characters.push(character);
        }
        Ok(word)
    }

    fn escaped(&mut self) -> Result<char, ParseError> {
        let value = self.peek().ok_or_else(|| {
            mistake(self.at - 1, "expected a character after `\\`, found the end")
        })?;
        self.at += 1;
        Ok(value)
    }

    /// Reads a text between quotes; the lexer stands on the first quote.
    pub(crate) fn quoted(&mut self) -> Result<String, ParseError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += 1;
            match character {
                '"' => return Ok(text),
                '\\' => text.push(self.escaped()?),
                other => text.push(other),
            }
        }
        Err(mistake(start, "this quote is never closed: expected `\"`"))
    }

    /// Reads one bound of a range: a quoted text, or characters up to a space or closing bracket.
    /// None is a lone `*`.
    pub(crate) fn bound(&mut self) -> Result<Option<String>, ParseError> {
        let start = self.at;
        if self.peek() == Some('"') {
            return self.quoted().map(Some);
        }
        let word = self.word(false)?;
        match word.characters.as_slice() {
            [] => Err(mistake(start, format!("expected a value, found {}", self.found()))),
            [only] if only.is('*') => Ok(None),
            characters => Ok(Some(characters.iter().map(|c| c.value).collect())),
        }
    }
}
