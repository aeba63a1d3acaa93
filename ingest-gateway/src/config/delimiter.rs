//! The setting that names what ends a line.

use super::Problem;
use crate::lines::{Delimiter, Framing};

/// Refuses a delimiter beside a framing that has another end, or none.
pub(super) fn check_delimiter(
    framing: Framing,
    delimiter: Option<Delimiter>,
    problems: &mut Vec<Problem>,
) {
    if delimiter.is_some() && framing != Framing::Newline {
        let message = "it ends a line in place of a line feed, and `framing` names another way already: leave one \
                       of both away";
        problems.push(Problem::new("delimiter", message));
    }
}
