//! The ways in which loggers spell the same JSON: with or without blanks, characters as they are or as
//! escapes.

use std::io;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// A way to spell.
#[derive(Clone, Copy, Debug)]
struct Spelling {
    blanks: bool,
    escapes: bool,
}

/// Spells an event in a way that is drawn: blanks in a third, escapes in most.
pub(super) fn spelled(random: &mut ChaCha8Rng, event: &Value) -> Vec<u8> {
    let spelling = Spelling { blanks: random.random_bool(0.33), escapes: random.random_bool(0.8) };
    let mut line = Vec::with_capacity(1024);
    event
        .serialize(&mut Serializer::with_formatter(&mut line, spelling))
        .expect("a value of JSON can be written to memory");
    line
}

impl Formatter for Spelling {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        let blank = self.blanks && !first;
        CompactFormatter.begin_array_value(writer, first)?;
        if blank { writer.write_all(b" ") } else { Ok(()) }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.begin_array_value(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(if self.blanks { b": " } else { b":" })
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !self.escapes || fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            if character.is_ascii() {
                writer.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}
