//! Payment card numbers in text: 13 to 19 digits, perhaps in groups, that end in their check digit
//! (ISO/IEC 7812, Luhn) and begin as those of the card networks do.

mod run;

use std::ops::Range;

use smallvec::SmallVec;

use crate::block::blocks;
pub use run::Runs;

/// Least digits of a card number.
const DIGITS_MIN: usize = 13;
const DIGITS_MAX: usize = 19;
/// A card number with a separator between any two digits.
const SPAN_BYTES_MAX: usize = 2 * DIGITS_MAX - 1;
/// Groups that a card number is written in.
const GROUPS_MAX: usize = 5;
/// How far to both sides an id is looked at.
const ID_BYTES_MAX: usize = 64;
/// Hexadecimal digits of the ids of spans, documents, traces and of digests.
const ID_LENGTHS: [usize; 5] = [16, 24, 32, 40, 64];
/// Hexadecimal digits of the first and the last group of a UUID.
const UUID_ENDS: (usize, usize) = (8, 12);
/// Digits of the number of a telephone (IMEI).
const IMEI_DIGITS: usize = 15;
/// Digits that stay in clear: the bank's number and the last ones.
const HEAD: usize = 6;
const TAIL: usize = 4;

const fn belongs(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b' ' || byte == b'-'
}

/// Whether a text may hold a card number.
#[must_use]
#[inline]
pub fn may_be_in(text: &[u8]) -> bool {
    text.len() >= DIGITS_MIN && places(text).next().is_some()
}

/// Places within the runs of a text that may be card numbers, in order: of each so many that any card number has one.
fn places(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut runs = Runs::default();
    blocks(text).flat_map(move |(start, block)| runs.places(text, start, &block))
}

/// Whether the text of a JSON number may be a card number, written as a whole number or with decimals
/// of zeros. Those of 13 digits, which are no longer issued, would be mistaken for milliseconds, and
/// those of 14 are of one network only.
#[must_use]
pub fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let whole = text.iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, fraction) = text.split_at(whole);
    let possible = match whole {
        14 => [b"30", b"36", b"38", b"39"].iter().any(|prefix| digits.starts_with(*prefix)),
        _ => (15..=DIGITS_MAX).contains(&whole),
    };
    possible && (fraction.is_empty() || is_zero_fraction(fraction))
}

/// A point and zeros, before anything that is no digit.
fn is_zero_fraction(text: &[u8]) -> bool {
    let Some(decimals) = text.strip_prefix(b".") else { return false };
    let zeros = decimals.iter().take_while(|byte| **byte == b'0').count();
    zeros > 0 && !decimals.get(zeros).is_some_and(u8::is_ascii_digit)
}

/// Digits that stand together.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: usize,
    end: usize,
}

/// Groups of one number, and some more.
type Groups = SmallVec<[Group; 8]>;

/// The text with its card numbers masked; `None` if it has none.
#[must_use]
pub fn mask(text: &str) -> Option<String> {
    let cards = find(text.as_bytes());
    if cards.is_empty() {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    cards.into_iter().for_each(|card| hide(&mut bytes[card]));
    // Only digits were replaced, each by one ASCII byte.
    String::from_utf8(bytes).ok()
}

/// Masks the card numbers in bytes, which need not be UTF-8; says whether there were any.
pub fn mask_bytes(bytes: &mut [u8]) -> bool {
    let cards = find(bytes);
    let has_any = !cards.is_empty();
    cards.into_iter().for_each(|card| hide(&mut bytes[card]));
    has_any
}

/// Where the card numbers stand, in order. Only runs of digits that are long enough are looked at.
pub(crate) fn find(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut cards = Vec::new();
    let mut from = 0;
    for place in places(bytes) {
        if place < from {
            continue;
        }
        let before = bytes[from..place].iter().rev().take_while(|byte| belongs(**byte)).count();
        let behind = bytes[place..].iter().take_while(|byte| belongs(**byte)).count();
        from = place + behind;
        find_within(bytes, place - before..from, &mut cards);
    }
    cards
}

/// Adds the card numbers that stand in a part of the bytes, between what is neither a digit nor a separator.
fn find_within(bytes: &[u8], run: Range<usize>, cards: &mut Vec<Range<usize>>) {
    let mut at = run.start;
    while at < run.end {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let groups = groups_from(bytes, at);
        let found = cards.len();
        let mut first = 0;
        while let Some(group) = groups.get(first) {
            let count = groups_of_card(bytes, &groups[first..]);
            if count > 0 {
                cards.push(group.start..groups[first + count - 1].end);
            }
            first += count.max(1);
        }
        at = match escape_end(bytes, at) {
            // The digits belonged to an escape of an address, `%20`: a number may follow.
            Some(end) if cards.len() == found => end,
            _ => groups.last().map_or(at + 1, |last| last.end),
        };
    }
}

/// Where the percent escape ends whose first digit this is.
fn escape_end(bytes: &[u8], at: usize) -> Option<usize> {
    let is_escape = at > 0 && bytes[at - 1] == b'%' && bytes.get(at + 1)?.is_ascii_hexdigit();
    is_escape.then_some(at + 2)
}

/// Groups of digits with one blank or dash between them.
fn groups_from(text: &[u8], from: usize) -> Groups {
    let mut groups = Groups::new();
    let mut start = from;
    loop {
        let length = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return groups;
        }
        let end = start + length;
        groups.push(Group { start, end });
        match text.get(end) {
            Some(b' ' | b'-') => start = end + 1,
            _ => return groups,
        }
    }
}

/// How many groups make a card number that begins with the first: as many as can; 0 if none do.
fn groups_of_card(text: &[u8], groups: &[Group]) -> usize {
    let possible = (1..=groups.len().min(GROUPS_MAX)).rev();
    let mut cards = possible.filter(|count| {
        let taken = &groups[..*count];
        let (start, end) = (taken[0].start, taken[count - 1].end);
        let length: usize = taken.iter().map(|group| group.end - group.start).sum();
        (DIGITS_MIN..=DIGITS_MAX).contains(&length)
            && is_grouped_like_a_card(taken)
            && stands_alone(text, start, end)
            && is_card_number(text[start..end].iter().copied().filter(u8::is_ascii_digit))
    });
    cards.next().unwrap_or(0)
}

/// 4-4-4-4 and its longer forms, 4-6-5, 4-6-4: a telephone number has other groups.
fn is_grouped_like_a_card(groups: &[Group]) -> bool {
    let lengths = groups.iter().map(|group| group.end - group.start);
    match groups.len() {
        1 => true,
        2 => false,
        count => lengths.enumerate().all(|(place, length)| match place {
            0 => length == 4,
            last if last + 1 == count => (1..=6).contains(&length),
            _ => length == 4 || length == 6,
        }),
    }
}

/// Not part of a hexadecimal id, a longer number or the decimals of one.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map(|at| text[at]);
    let after = text.get(end).copied();
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let decimals = before == Some(b'.') && start >= 2 && text[start - 2].is_ascii_digit();
    let fraction =
        after == Some(b'.') && digit(text.get(end + 1).copied()) && !is_zero_fraction(&text[end..]);
    let escaped = start >= 2 && escape_end(text, start - 2).is_some();
    (escaped || !digit(before))
        && !digit(after)
        && !decimals
        && !fraction
        && !is_in_id(text, start, end)
}

/// Part of a hexadecimal id: a word of hexadecimal digits with two letters or more, which has an id's
/// length or letters on both sides. One letter stands before and after the number on a card's magnetic
/// stripe (ISO/IEC 7813), and three behind it may be a currency.
fn is_in_id(text: &[u8], start: usize, end: usize) -> bool {
    let word = |byte: &&u8| byte.is_ascii_alphanumeric();
    let mut before = text[..start].iter().rev().take(ID_BYTES_MAX).take_while(word).count();
    let after = text[end..].iter().take(ID_BYTES_MAX).take_while(word).count();
    if before >= 2 && start > before && text[start - before - 1] == b'%' {
        // The escape before it is no part of the word.
        before -= 2;
    }
    let around = || text[start - before..start].iter().chain(&text[end..end + after]);
    let letters = around().filter(|byte| byte.is_ascii_alphabetic()).count();
    letters >= 2
        && around().all(u8::is_ascii_hexdigit)
        && has_shape_of_id(&text[start..end], before, after)
}

/// Whether a number with so many bytes of its word before and after it fits an id: in groups, the ends
/// of a UUID's are words of 8 and of 12.
fn has_shape_of_id(number: &[u8], before: usize, after: usize) -> bool {
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    let first = number.iter().take_while(is_digit).count();
    if first == number.len() {
        return before > 0 && after > 0 || ID_LENGTHS.contains(&(before + first + after));
    }
    let last = number.iter().rev().take_while(is_digit).count();
    before > 0 && before + first == UUID_ENDS.0 || after > 0 && last + after == UUID_ENDS.1
}

fn is_card_number(digits: impl Iterator<Item = u8>) -> bool {
    let digits: SmallVec<[u8; DIGITS_MAX]> = digits.collect();
    let network = match digits[0] {
        // American Express alone has 15 of these; so has the number of a telephone (IMEI), with the same check digit.
        b'3' if digits.len() == IMEI_DIGITS => matches!(digits[1], b'4' | b'7'),
        b'2' | b'4' if digits.len() == IMEI_DIGITS => false,
        b'3'..=b'6' => true,
        b'2' => (b"2221"..=b"2720").contains(&digits.first_chunk().unwrap_or(b"0000")),
        _ => false,
    };
    network
        && check_sum(&digits, |place, digit| if place % 2 == 1 { luhn(digit) } else { digit })
        && !is_article_number(&digits)
}

const fn luhn(digit: u32) -> u32 {
    let double = digit * 2;
    if double > 9 { double - 9 } else { double }
}

/// Places are counted from the check digit.
fn check_sum(digits: &[u8], weigh: impl Fn(usize, u32) -> u32) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| weigh(place, u32::from(digit - b'0')))
        .sum();
    sum.is_multiple_of(10)
}

/// An article number of 13 digits (EAN, GS1): its check digit is another. Cards of 13 digits are no
/// longer issued, articles are in every order.
fn is_article_number(digits: &[u8]) -> bool {
    digits.len() == DIGITS_MIN
        && check_sum(digits, |place, digit| if place % 2 == 1 { digit * 3 } else { digit })
}

/// Hides the digits of a card number but for the first six and the last four.
pub(crate) fn hide(card: &mut [u8]) {
    let count = card.iter().filter(|byte| byte.is_ascii_digit()).count();
    let digits = card.iter_mut().filter(|byte| byte.is_ascii_digit());
    digits.take(count - TAIL).skip(HEAD).for_each(|digit| *digit = b'*');
}

/// Hides the same digits of a card number that is a number of JSON and stays one: they become zeros. Where the check
/// digit fits by chance, one of them becomes another, so that nobody takes it for a card number again.
pub(crate) fn hide_number(card: &mut [u8]) {
    let tail = card.len() - TAIL;
    card[HEAD..tail].fill(b'0');
    if is_card_number(card.iter().copied()) {
        card[tail - 1] = b'1';
    }
}

/// Hides digits at the end of what is only the beginning of a line, where they may be the beginning of a card number;
/// says whether there were any.
pub(crate) fn hide_at_cut(line: &mut [u8]) -> bool {
    let last = line.iter().rev().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit());
    if last.count() > DIGITS_MAX {
        return false;
    }
    let run = line.iter().rev().take(SPAN_BYTES_MAX).take_while(|byte| belongs(**byte)).count();
    let start = line.len() - run;
    let digits = line[start..].iter_mut().filter(|byte| byte.is_ascii_digit());
    let mut has_any = false;
    for digit in digits.skip(HEAD) {
        *digit = b'*';
        has_any = true;
    }
    has_any
}

#[cfg(test)]
mod tests;
