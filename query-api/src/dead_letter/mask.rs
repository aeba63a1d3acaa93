//! Masks card numbers in bytes that are about to be shown. What is stored stays as it is.

/// A card number's length in digits (ISO/IEC 7812-1).
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// What stays of a number: the issuer's, and the last ones.
const HEAD: usize = 6;
const TAIL: usize = 4;

/// Replaces the middle digits of every card number by `*`: 13 to 19 digits with a right check digit,
/// also in groups with one space or hyphen between them. Says whether there was any.
pub(super) fn mask_card_numbers(bytes: &mut [u8]) -> bool {
    let mut masked = false;
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let groups = groups_from(bytes, at);
        at = match card(bytes, &groups) {
            Some(places) => {
                let end = places[places.len() - 1] + 1;
                for &place in &places[HEAD..places.len() - TAIL] {
                    bytes[place] = b'*';
                }
                masked = true;
                end
            }
            None => groups[0].end,
        };
    }
    masked
}

/// Groups of digits, each after one separator, from the digit at `start` on; as many as can belong to
/// one number.
fn groups_from(bytes: &[u8], start: usize) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let (mut begin, mut digits) = (start, 0);
    loop {
        let length = bytes[begin..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let end = begin + length;
        digits += length;
        groups.push(begin..end);
        let goes_on = matches!(bytes.get(end), Some(b' ' | b'-'))
            && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !goes_on || digits >= *DIGITS.end() {
            return groups;
        }
        begin = end + 1;
    }
}

/// Places of the digits of the longest card number that the groups begin with.
fn card(bytes: &[u8], groups: &[std::ops::Range<usize>]) -> Option<Vec<usize>> {
    (1..=groups.len()).rev().find_map(|count| {
        let places: Vec<usize> = groups[..count].iter().cloned().flatten().collect();
        let is_card = DIGITS.contains(&places.len()) && luhn(places.iter().map(|&at| bytes[at]));
        is_card.then_some(places)
    })
}

/// Whether the last digit checks the others (ISO/IEC 7812-1, annex B).
fn luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(digit - b'0')) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::mask_card_numbers;

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mask_card_numbers(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn card_numbers_are_masked_in_every_spelling() {
        for (text, shown) in [
            ("4111111111111111", "411111******1111"),
            (
                r#"{"card":"4111 1111 1111 1111","cvc":1}"#,
                r#"{"card":"4111 11** **** 1111","cvc":1}"#,
            ),
            ("5555-5555-5555-4444,", "5555-55**-****-4444,"),
            ("amex 3782 822463 10005 12/27", "amex 3782 82**** *0005 12/27"),
            ("card 4111 1111 1111 1111 12 27", "card 4111 11** **** 1111 12 27"),
            ("4111111111111111 5105105105105100", "411111******1111 510510******5100"),
            ("\u{fc}4222222222222", "\u{fc}422222***2222"),
            ("6011000990139424000", "6011000990139424000"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "4111111111111112",
            "1234",
            "411111111111",
            "41111111111111111111111",
            "4111  1111 1111 1111",
            "4111x1111x1111x1111",
            "2026-01-02 10:00:00",
            "",
            "-",
            "7-",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn it_says_whether_it_masked() {
        assert!(mask_card_numbers(&mut b"x4111111111111111".to_vec()));
        assert!(!mask_card_numbers(&mut b"\xff\xfe 12".to_vec()));
    }
}
