//! Text that is safe to print: one line, and nothing that a terminal would obey.

use std::fmt::{self, Write};

/// Displays a value with its control characters escaped: line breaks, ANSI escapes, and those that
/// change the direction of text.
#[derive(Clone, Copy, Debug)]
pub struct Printable<T>(pub T);

impl<T: fmt::Display> fmt::Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// Escapes control characters of all that is written to it.
pub(crate) struct Escaping<W>(pub(crate) W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_unsafe) {
            let (before, after) = rest.split_at(at);
            self.0.write_str(before)?;
            let mut characters = after.chars();
            if let Some(character) = characters.next() {
                write!(self.0, "{}", character.escape_default())?;
            }
            rest = characters.as_str();
        }
        self.0.write_str(rest)
    }
}

fn is_unsafe(character: char) -> bool {
    let changes_direction = matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || changes_direction || matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        let forged = "ok\r\n2026-01-01 ERROR forged \u{1b}[31mred\u{9b}0m\0\u{202e}";
        let shown = Printable(forged).to_string();
        assert_eq!(shown, r"ok\r\n2026-01-01 ERROR forged \u{1b}[31mred\u{9b}0m\u{0}\u{202e}");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let text = "Zürich → 東京 \\n 'quoted' \"twice\"";
        assert_eq!(Printable(text).to_string(), text);
    }
}
