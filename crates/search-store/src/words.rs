//! The words of a text: runs of letters, digits and `_`, in lower case, as they are indexed and as
//! they are asked for, in every store. It knows no field.

use query::{Pattern, PatternPart};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// The name under which tantivy finds [`Words`].
pub(crate) const WORDS: &str = "words";
/// A longer word is cut to this.
const WORD_BYTES_MAX: usize = 255;
/// Words of one text that are indexed; the rest is stored only.
const WORDS_MAX: usize = 20_000;

/// Splits texts into words.
#[derive(Clone, Default)]
pub(crate) struct Words {
    token: Token,
}

/// The words of one text.
pub(crate) struct WordStream<'a> {
    text: &'a str,
    at: usize,
    count: usize,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream { text, at: 0, count: 0, token: &mut self.token }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        if self.count == WORDS_MAX {
            return false;
        }
        let rest = &self.text[self.at..];
        let Some(start) = rest.find(is_word) else { return false };
        let length = rest[start..].find(|c| !is_word(c)).unwrap_or(rest.len() - start);
        let word = &rest[start..start + length];
        self.token.offset_from = self.at + start;
        self.token.offset_to = self.at + start + length;
        self.at = self.token.offset_to;
        self.token.position = self.count;
        self.count += 1;
        write_lower_case(word, &mut self.token.text);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

fn write_lower_case(word: &str, out: &mut String) {
    out.clear();
    let end = word.floor_char_boundary(WORD_BYTES_MAX);
    out.push_str(&word[..end]);
    if out.is_ascii() {
        out.make_ascii_lowercase();
    } else {
        *out = out.to_lowercase();
    }
}

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut tokenizer = Words::default();
    tokenizer.token_stream(text).process(&mut |token| words.push(token.text.clone()));
    words
}

/// The pattern in lower case, as words are.
pub(crate) fn lower_case(pattern: &Pattern) -> Pattern {
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => PatternPart::Text(text.to_lowercase()),
        other => other.clone(),
    };
    Pattern(pattern.0.iter().map(part).collect())
}

#[cfg(test)]
mod tests {
    use query::{Pattern, PatternPart};

    use super::{WORD_BYTES_MAX, WORDS_MAX, lower_case, words};

    #[test]
    fn patterns_are_of_lower_case_as_words_are() {
        let of = |text: &str| vec![PatternPart::Text(text.to_owned()), PatternPart::Any];
        assert_eq!(lower_case(&Pattern(of("ÄRGER"))), Pattern(of("ärger")));
    }

    #[test]
    fn texts_become_words_in_lower_case() {
        let check = |text: &str, expected: &[&str]| assert_eq!(words(text), expected, "{text}");
        check(
            "Payment declined: card_expired (code=51)",
            &["payment", "declined", "card_expired", "code", "51"],
        );
        check("GROẞE Straße, ÄRGER", &["große", "straße", "ärger"]);
        check("--- ... !!", &[]);
        check("", &[]);
        check("a\0b", &["a", "b"]);
    }

    #[test]
    fn long_words_and_texts_are_cut() {
        assert_eq!(words(&"€".repeat(300)), Vec::<String>::new());
        assert_eq!(words(&"ä".repeat(300)), ["ä".repeat(WORD_BYTES_MAX / 2)]);
        assert_eq!(words(&"w ".repeat(WORDS_MAX + 5)).len(), WORDS_MAX);
    }
}
