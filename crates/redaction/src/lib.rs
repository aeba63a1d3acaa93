//! What must not be seen, and how it is made unreadable: payment card numbers and secrets, in what is stored and
//! in what is shown, by one rule.
//!
//! Pure: it knows no event, no door and no page.

pub mod block;
pub mod card;
mod json_number;
mod line;
pub mod secret;
mod text;

pub use line::{LineMask, MaskedLine};
