//! Text that is safe to print: one line, and nothing that a terminal would obey.

use std::fmt::{self, Write};
use std::io;

use tracing_subscriber::fmt::MakeWriter;

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

/// Writes lines of JSON with those control characters escaped that JSON may hold as they are. Whoever
/// reads the JSON gets the same text.
#[derive(Clone, Debug)]
pub(crate) struct EscapedJson<W>(pub(crate) W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for EscapedJson<W> {
    type Writer = EscapedJson<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        EscapedJson(self.0.make_writer())
    }
}

impl<W: io::Write> io::Write for EscapedJson<W> {
    /// Takes whole lines, as the log's formatter gives them.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let is_safe = |character: char| character == '\n' || !is_unsafe(character);
        if text.chars().all(is_safe) {
            self.0.write_all(line)?;
        } else {
            let escaped = text.chars().map(|character| match is_safe(character) {
                true => character.to_string(),
                false => format!("\\u{:04x}", u32::from(character)),
            });
            self.0.write_all(escaped.collect::<String>().as_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
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
