//! Numbers as Ruby reads them at the beginning of texts, written as JSON has them.

use std::borrow::Cow;

/// The whole number that a text begins with, else 0; as exact as it is written.
pub(crate) fn integer(text: &str) -> Cow<'_, str> {
    let text = text.trim_start();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let written = &digits[..digits.bytes().take_while(u8::is_ascii_digit).count()];
    match written.trim_start_matches('0') {
        "" => Cow::Borrowed("0"),
        digits if !is_negative => Cow::Borrowed(digits),
        digits if digits.len() == written.len() => Cow::Borrowed(&text[..=digits.len()]),
        digits => Cow::Owned(format!("-{digits}")),
    }
}

/// The decimal number that a text begins with, else 0.
pub(crate) fn float(text: &str) -> String {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    end += digits(end);
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let value = text[..end].parse().ok().filter(|value: &f64| value.is_finite());
    format!("{:?}", value.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::{float, integer};

    #[test]
    fn converts_by_leading_digits() {
        for (text, as_integer, as_float) in [
            ("454.33", "454", "454.33"),
            ("0.001 x", "0", "0.001"),
            ("-12e3x", "-12", "-12000.0"),
            ("abc", "0", "0.0"),
            ("007", "7", "7.0"),
            ("-007", "-7", "-7.0"),
            ("-5 x", "-5", "-5.0"),
            ("+5", "5", "5.0"),
            (".5", "0", "0.5"),
            ("", "0", "0.0"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
                "1.2345678901234568e29",
            ),
            ("1e999", "1", "0.0"),
        ] {
            assert_eq!(integer(text), as_integer, "{text}");
            assert_eq!(float(text), as_float, "{text}");
        }
    }
}
