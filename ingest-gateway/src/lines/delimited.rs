//! Lines that a delimiter of the settings ends. It may have several bytes, and begin in one chunk and end in
//! another: the lines are the same for any split.

use super::delimiter::Delimiter;
use super::{Line, Lines};

impl Lines {
    /// Takes bytes up to a delimiter. `None` if more must come first, and no line for an empty one.
    pub(super) fn delimited_by(&mut self, delimiter: Delimiter) -> Option<Option<Line>> {
        let chunk = self.chunks.front()?;
        let Some(end) = delimiter.find_end(&self.before, chunk) else {
            let bytes = chunk.len();
            let rest = self.split_to(bytes)?;
            delimiter.keep_last(&mut self.before, &rest);
            self.extend(&rest);
            return Some(None);
        };
        self.before.clear();
        let mut piece = self.split_to(end)?;
        let delimiter_bytes = delimiter.as_bytes().len();
        match end.checked_sub(delimiter_bytes) {
            Some(line_bytes) => piece.truncate(line_bytes),
            None => {
                piece.clear();
                self.take_back(delimiter_bytes - end);
            }
        }
        Some(self.end_line(piece, false))
    }

    /// Takes the beginning of a delimiter away from the line that it ends.
    fn take_back(&mut self, bytes: usize) {
        match &mut self.oversize {
            Some(oversize) => oversize.bytes -= bytes as u64,
            None => self.partial.truncate(self.partial.len().saturating_sub(bytes)),
        }
    }
}
