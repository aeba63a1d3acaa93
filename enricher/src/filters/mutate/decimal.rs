//! Numbers as texts of digits: as exact as they are written.

/// Most digits of an integer that is written out: more than a float can mean.
const DIGITS_MAX: usize = 400;

/// The whole part of a decimal number with a perhaps fraction and exponent. `None` for anything
/// else, and for more digits than [`DIGITS_MAX`].
pub(crate) fn truncated(text: &str) -> Option<String> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    // Where the point stands, counted from the first significant digit.
    let skipped = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_sub(skipped)?;
    if significant.is_empty() || point <= 0 {
        return Some("0".to_owned());
    }
    let point = usize::try_from(point).ok().filter(|point| *point <= DIGITS_MAX)?;
    let taken: String = significant.chars().chain(std::iter::repeat('0')).take(point).collect();
    Some(signed(negative, &taken))
}

/// Digits as a number: without zeros in front, 0 without a sign.
pub(super) fn signed(negative: bool, digits: &str) -> String {
    let digits = digits.trim_start_matches('0');
    match (negative, digits) {
        (_, "") => "0".to_owned(),
        (true, digits) => format!("-{digits}"),
        (false, digits) => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::truncated;

    #[test]
    fn decimals_are_cut_exactly() {
        for (text, whole) in [
            ("1.234500e+02", "123"),
            ("-123.99", "-123"),
            ("9.007199254740993e+15", "9007199254740993"),
            ("9223372036854775808.0", "9223372036854775808"),
            ("0.00123E5", "123"),
            ("1e-5", "0"),
            ("-0.5", "0"),
            (".5e1", "5"),
            ("000", "0"),
        ] {
            assert_eq!(truncated(text).as_deref(), Some(whole), "{text}");
        }
        for wrong in [
            "",
            "e",
            "hello",
            "1e",
            "1e5x",
            "1e999999999",
            "1e99999999999999999999",
            "1.2.3",
            "--1",
        ] {
            assert_eq!(truncated(wrong), None, "{wrong}");
        }
    }
}
