//! Money as whole ten-thousandths: exact, and the same on every machine. It never becomes a float.

use std::fmt;

/// An amount of money in ten-thousandths of its currency's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub i64);

/// Decimals that are kept.
const SCALE: usize = 4;

impl Amount {
    /// Reads a JSON number without exponent, rounded to four decimals away from zero: no rule may be
    /// escaped by one decimal more. `None` where it is no such number or too large.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) {
            return None;
        }
        let kept = &fraction[..fraction.len().min(SCALE)];
        let mut value: i64 = whole.parse().ok()?;
        for place in 0..SCALE {
            let digit = kept.as_bytes().get(place).map_or(0, |byte| i64::from(byte - b'0'));
            value = value.checked_mul(10)?.checked_add(digit)?;
        }
        if fraction[kept.len()..].bytes().any(|byte| byte != b'0') {
            value = value.checked_add(1)?;
        }
        Some(Self(if negative { -value } else { value }))
    }
}

impl fmt::Display for Amount {
    /// At least two decimals, as money is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let decimals = format!("{:04}", size % 10_000);
        let kept = decimals.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{}.{}", size / 10_000, &decimals[..kept])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_is_written() {
        for (text, written) in [
            ("129.90", "129.90"),
            ("129.9", "129.90"),
            ("0", "0.00"),
            ("-12.5", "-12.50"),
            ("12990", "12990.00"),
            ("0.1234", "0.1234"),
            ("1.50000", "1.50"),
            ("1299.9499999999998", "1299.95"),
            ("-0.00001", "-0.0001"),
            ("9.99999", "10.00"),
        ] {
            assert_eq!(
                Amount::parse(text).map(|amount| amount.to_string()).as_deref(),
                Some(written)
            );
        }
    }

    #[test]
    fn what_is_no_plain_number_is_no_amount() {
        for text in ["", "-", ".5", "1e3", "99999999999999999999", "1,5", "NaN"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }
}
