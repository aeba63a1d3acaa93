//! A line of a log before it is stored: the copy without what must not be.
//!
//! Masked once or twice it is the same, and what was valid JSON stays so, with the same names and kinds of values.
//! A line that holds nothing is not copied.

use std::ops::Range;

use crate::card;
use crate::json_number::JsonNumbers;
use crate::secret::{MASK, NUMBER_MASK, Secret, Secrets};
use crate::text::Text;

/// What is masked in lines.
#[derive(Clone, Debug)]
pub struct LineMask {
    cards: bool,
    secrets: Option<Secrets>,
}

/// How often a line is looked at: what stands next to something that was masked may be seen for what it is only then.
const PASSES_MAX: usize = 4;

/// A line of which something was masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedLine {
    /// The line without it.
    pub bytes: Vec<u8>,
    /// Whether there were card numbers.
    pub has_cards: bool,
    /// Whether there were secrets.
    pub has_secrets: bool,
}

/// A card number in a line.
struct Card {
    digits: Range<usize>,
    /// Whether it is a number of JSON.
    is_number: bool,
}

impl LineMask {
    /// Masks card numbers if that is wanted, and secrets where it is said what counts as one.
    #[must_use]
    pub fn new(cards: bool, secrets: Option<Secrets>) -> Self {
        Self { cards, secrets }
    }

    /// The line without what must not be stored; `None` if it holds nothing of that. Where it is only the beginning
    /// of what was sent, the beginnings of numbers and secrets at its end are masked too.
    #[must_use]
    pub fn mask(&self, line: &[u8], is_cut: bool) -> Option<MaskedLine> {
        let mut masked = self.mask_once(line, is_cut)?;
        for _ in 1..PASSES_MAX {
            let Some(more) = self.mask_once(&masked.bytes, is_cut) else { break };
            masked = MaskedLine {
                has_cards: masked.has_cards || more.has_cards,
                has_secrets: masked.has_secrets || more.has_secrets,
                ..more
            };
        }
        Some(masked)
    }

    fn mask_once(&self, line: &[u8], is_cut: bool) -> Option<MaskedLine> {
        let secrets = match &self.secrets {
            Some(secrets) => secrets.find(line, is_cut),
            None => Vec::new(),
        };
        let has_secrets = !secrets.is_empty();
        let mut bytes = if has_secrets { without(line, &secrets) } else { Vec::new() };
        let cards = self.cards(if has_secrets { &bytes } else { line });
        let mut has_cards = !cards.is_empty();
        if !has_secrets && (has_cards || self.cards && is_cut) {
            bytes = line.to_vec();
        }
        for card in cards {
            let digits = &mut bytes[card.digits];
            if card.is_number { card::hide_number(digits) } else { card::hide(digits) }
        }
        if self.cards && is_cut {
            has_cards |= card::hide_at_cut(&mut bytes);
        }
        (has_cards || has_secrets).then_some(MaskedLine { bytes, has_cards, has_secrets })
    }

    /// The card numbers of a line. A number of JSON may also be a time or an id: it is one only where it has the
    /// length for it.
    fn cards(&self, line: &[u8]) -> Vec<Card> {
        let found = if self.cards { card::find(line) } else { Vec::new() };
        if found.is_empty() {
            return Vec::new();
        }
        let mut numbers = JsonNumbers::new(Text::new(line, false));
        let cards = found.into_iter().filter_map(|digits| {
            let number = numbers.around(&digits);
            let is_card = number.is_none_or(card::is_number);
            is_card.then_some(Card { digits, is_number: number.is_some() })
        });
        cards.collect()
    }
}

/// A copy of a line with its secrets replaced.
fn without(line: &[u8], secrets: &[Secret]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut copied = 0;
    for Secret { range, is_number } in secrets {
        bytes.extend_from_slice(&line[copied..range.start]);
        let mask = if *is_number { NUMBER_MASK } else { MASK };
        bytes.extend_from_slice(mask.as_bytes());
        copied = range.end;
    }
    bytes.extend_from_slice(&line[copied..]);
    bytes
}

#[cfg(test)]
mod tests;
