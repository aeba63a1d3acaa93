//! Where to go on after a mistake: over what cannot be read, to the next thing that can.
//!
//! Records nothing: the mistake was said already.

use super::Parser;

impl Parser<'_> {
    /// To behind the next block, or the end.
    pub(super) fn skip_section(&mut self) {
        while !self.lexer.at_end() {
            if matches!(self.lexer.peek(), Some('{')) {
                self.skip_lexeme();
                self.skip_to_close();
                self.lexer.take("}");
                return;
            }
            self.skip_lexeme();
        }
    }

    /// To the next line that begins a statement, or to the `}` of the block.
    pub(super) fn skip_statement(&mut self) {
        self.skip_until(|parser| {
            let word = parser.lexer.peek_name();
            if word.is_empty() || word == "else" {
                return false;
            }
            let start = parser.lexer.at;
            parser.lexer.name();
            parser.lexer.skip_blanks();
            let found = word == "if" || parser.lexer.rest().starts_with('{');
            parser.lexer.at = start;
            found
        });
    }

    /// To the next line that begins an option or an entry, or to the `}` around it.
    pub(super) fn skip_attribute(&mut self) {
        self.skip_until(Self::at_attribute);
    }

    /// To the next `,` or to the `]` of the array.
    pub(super) fn skip_array(&mut self) {
        let mut depth = 0usize;
        loop {
            self.lexer.skip_blanks();
            match self.lexer.peek() {
                None => return,
                Some(']' | ',') if depth == 0 => return,
                Some('[' | '{') => depth += 1,
                Some(']' | '}') => depth = depth.saturating_sub(1),
                Some(_) => {}
            }
            self.skip_lexeme();
        }
    }

    /// To the `{` that must follow a condition, or to the `}` of the block around it.
    pub(super) fn skip_condition(&mut self) {
        while !self.lexer.at_end() && !matches!(self.lexer.peek(), Some('{' | '}')) {
            self.skip_lexeme();
        }
    }

    /// Goes on to a place at the start of a line that `found` accepts, or to the `}` that closes
    /// the block it stands in.
    fn skip_until(&mut self, found: impl Fn(&mut Self) -> bool) {
        loop {
            let start = self.lexer.at;
            self.lexer.skip_blanks();
            if self.lexer.at_end() || matches!(self.lexer.peek(), Some('}')) {
                return;
            }
            let new_line = self.source.slice(self.lexer.since(start)).contains('\n');
            if new_line && found(self) {
                return;
            }
            if matches!(self.lexer.peek(), Some('{')) {
                self.skip_lexeme();
                self.skip_to_close();
                self.lexer.take("}");
            } else {
                self.skip_lexeme();
            }
        }
    }

    /// To the `}` of the block that was just opened.
    fn skip_to_close(&mut self) {
        let mut depth = 0usize;
        loop {
            self.lexer.skip_blanks();
            match self.lexer.peek() {
                None => return,
                Some('}') if depth == 0 => return,
                Some('}') => depth -= 1,
                Some('{') => depth += 1,
                Some(_) => {}
            }
            self.skip_lexeme();
        }
    }

    /// A whole string or name, or one character.
    fn skip_lexeme(&mut self) {
        if self.lexer.string().is_some() || !self.lexer.name().is_empty() {
            return;
        }
        self.lexer.at += self.lexer.peek().map_or(0, char::len_utf8);
    }
}
