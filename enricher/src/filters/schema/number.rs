//! Numbers as text, exact: what is a number, whether it fits its field, and its text in the field's
//! unit. Nothing becomes a float on the way.

use smallvec::SmallVec;

/// Digits of a number that are understood.
const DIGITS_MAX: usize = 36;
const LARGEST: u128 = TENS[DIGITS_MAX];
/// Powers of ten.
const TENS: [u128; 39] = {
    let mut tens = [1; 39];
    let mut power = 1;
    while power < tens.len() {
        tens[power] = tens[power - 1] * 10;
        power += 1;
    }
    tens
};
/// Longest text that is read as a number.
const TEXT_BYTES_MAX: usize = 64;
/// Zeros that a number without exponent may need before its digits or after them.
const PADDING_MAX: i32 = 40;

/// A number that fits its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fitting {
    /// The text is the number already.
    AsWritten,
    /// It is this text.
    Rewritten(SmallVec<[u8; 48]>),
}

/// `mantissa` times ten to the power of minus `scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    pub(super) mantissa: u128,
    pub(super) scale: i32,
    /// The text is a number of JSON without exponent.
    plain: bool,
}

impl Decimal {
    /// Reads `129.90`, `-5`, `+5`, `007`, `1e3`; `None` for everything else: `1.299,90`, `N/A`, `5.`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (negative, unsigned) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        let (mut mantissa, whole) = digits(0, unsigned)?;
        let mut rest = &unsigned[whole..];
        let mut scale = 0;
        if let Some((b'.', fraction)) = rest.split_first() {
            let (sum, count) = digits(mantissa, fraction)?;
            mantissa = sum;
            scale = count as i32;
            rest = &fraction[count..];
        }
        let superfluous = unsigned[0] == b'0' && whole > 1 || text[0] == b'+';
        let plain = rest.is_empty() && !superfluous;
        if let Some((b'e' | b'E', exponent)) = rest.split_first() {
            scale -= std::str::from_utf8(exponent).ok()?.parse::<i16>().map(i32::from).ok()?;
        } else if !rest.is_empty() {
            return None;
        }
        Some(Self { negative, mantissa, scale, plain })
    }

    /// The number times ten to the power of `shift`, rounded to a whole one; `None` if 128 bits do not
    /// hold it. Says whether nothing was lost.
    pub(super) fn whole(self, shift: i32) -> Option<(i128, bool)> {
        let power = shift - self.scale;
        let ten = |power: i32| TENS.get(power.unsigned_abs() as usize).copied();
        let (size, exact) = if power == 0 || self.mantissa == 0 {
            (self.mantissa, true)
        } else if power > 0 {
            (self.mantissa.checked_mul(ten(power)?)?, true)
        } else {
            match ten(power) {
                Some(divisor) => {
                    let (size, rest) = (self.mantissa / divisor, self.mantissa % divisor);
                    (size + u128::from(rest >= divisor - divisor / 2), rest == 0)
                }
                None => (0, false),
            }
        };
        let size = i128::try_from(size).ok()?;
        Some((if self.negative { -size } else { size }, exact))
    }

    /// The number times ten to the power of `shift`, without exponent.
    fn text(self, shift: i32) -> Option<SmallVec<[u8; 48]>> {
        let scale = self.scale - shift;
        if scale.abs() > PADDING_MAX {
            return None;
        }
        let mut text = SmallVec::new();
        if self.negative && self.mantissa != 0 {
            text.push(b'-');
        }
        let mut buffer = [0; 40];
        let digits = digits_of(self.mantissa, &mut buffer);
        let decimals = usize::try_from(scale).unwrap_or(0);
        let whole = digits.len().saturating_sub(decimals);
        if whole == 0 {
            text.push(b'0');
        }
        text.extend_from_slice(&digits[..whole]);
        if scale < 0 && self.mantissa != 0 {
            text.resize(text.len() + scale.unsigned_abs() as usize, b'0');
        }
        if decimals > 0 {
            text.push(b'.');
            text.resize(text.len() + decimals - (digits.len() - whole), b'0');
            text.extend_from_slice(&digits[whole..]);
        }
        Some(text)
    }
}

/// Goes on with a number by the digits at the start; gives the number and how many there are, of
/// which there must be one.
fn digits(mut sum: u128, text: &[u8]) -> Option<(u128, usize)> {
    let mut count = 0;
    // Eighteen digits fit into the faster 64 bits.
    if sum == 0 {
        let mut small = 0u64;
        while let Some(digit @ b'0'..=b'9') = text.get(count).filter(|_| count < 18) {
            small = small * 10 + u64::from(digit - b'0');
            count += 1;
        }
        sum = u128::from(small);
    }
    while let Some(digit @ b'0'..=b'9') = text.get(count) {
        if sum >= LARGEST {
            return None;
        }
        sum = sum * 10 + u128::from(digit - b'0');
        count += 1;
    }
    (count > 0).then_some((sum, count))
}

fn digits_of(mut number: u128, buffer: &mut [u8; 40]) -> &[u8] {
    let mut at = buffer.len();
    // Division of 64 bits is far cheaper than that of 128.
    while number > u128::from(u64::MAX) {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let mut small = number as u64;
    loop {
        at -= 1;
        buffer[at] = b'0' + (small % 10) as u8;
        small /= 10;
        if small == 0 {
            return &buffer[at..];
        }
    }
}

/// A whole number of 64 bits. In another unit it is rounded to a whole one; in its own it must be one.
pub(super) fn long(text: &[u8], shift: i8) -> Option<Fitting> {
    let number = Decimal::parse(text)?;
    if shift == 0 && number.plain && number.scale == 0 {
        // Most are small; `-0` is no whole number of JSON.
        if number.mantissa <= i64::MAX as u128 && !(number.negative && number.mantissa == 0) {
            return Some(Fitting::AsWritten);
        }
    }
    let (value, exact) = number.whole(i32::from(shift))?;
    if !exact && shift == 0 {
        return None;
    }
    let value = i64::try_from(value).ok()?;
    Some(Fitting::Rewritten(integer_text(value)))
}

fn integer_text(value: i64) -> SmallVec<[u8; 48]> {
    let mut text = SmallVec::new();
    if value < 0 {
        text.push(b'-');
    }
    let mut buffer = [0; 40];
    text.extend_from_slice(digits_of(u128::from(value.unsigned_abs()), &mut buffer));
    text
}

/// A number whose every digit is kept, of a size that 64 bits hold with `scale` decimals.
pub(super) fn decimal(text: &[u8], shift: i8, scale: u8) -> Option<Fitting> {
    let number = Decimal::parse(text)?;
    // With fewer digits it fits in any case.
    let small = shift == 0 && number.plain && number.mantissa < TENS[18 - usize::from(scale)];
    if !small {
        let (value, _) = number.whole(i32::from(shift) + i32::from(scale))?;
        i64::try_from(value).ok()?;
    }
    if shift == 0 && number.plain {
        return Some(Fitting::AsWritten);
    }
    number.text(i32::from(shift)).map(Fitting::Rewritten)
}

/// A finite floating-point number, with the digits that it was written with.
pub(super) fn double(text: &[u8], shift: i8, is_json: bool) -> Option<Fitting> {
    if let Some(number) = Decimal::parse(text) {
        if shift == 0 && number.plain {
            return Some(Fitting::AsWritten);
        }
        if let Some(text) = number.text(i32::from(shift)) {
            return Some(Fitting::Rewritten(text));
        }
    }
    // Beyond exact arithmetic: more digits or a larger exponent.
    let finite = std::str::from_utf8(text).ok()?.parse::<f64>().ok()?.is_finite();
    (finite && is_json && shift == 0).then_some(Fitting::AsWritten)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str, fitting: Option<Fitting>) -> Option<String> {
        fitting.map(|fitting| match fitting {
            Fitting::AsWritten => text.to_owned(),
            Fitting::Rewritten(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        })
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn hostile_10_money_keeps_its_digits_and_nothing_is_guessed() {
        let money = |given: &str| text(given, decimal(given.as_bytes(), 0, 4));
        for kept in ["129.90", "129.9", "129.900", "12990", "-12.50", "0", "0.00", "0.1234567"] {
            assert_eq!(money(kept), some(kept));
        }
        assert_eq!(money("+5.00"), some("5.00"));
        assert_eq!(money("007.50"), some("7.50"));
        assert_eq!(money("1.5e2"), some("150"));
        assert_eq!(money("1e-7"), some("0.0000001"));
        for wrong in [
            "",
            "-",
            "N/A",
            "1.299,90",
            "12,50",
            "12,50 €",
            "5.",
            ".5",
            "1 000",
            "0x10",
            "NaN",
            "1e400",
            "99999999999999999999",
            "1e16",
            "--5",
            "1e",
            "1_000",
        ] {
            assert_eq!(money(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn whole_numbers_are_whole_and_fit() {
        let plain = |given: &str| text(given, long(given.as_bytes(), 0));
        for kept in ["0", "1532", "-1", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(plain(kept), some(kept));
        }
        assert_eq!(plain("1e3"), some("1000"));
        assert_eq!(plain("2.0"), some("2"));
        assert_eq!(plain("-0"), some("0"));
        for wrong in ["1.5", "1.5e300", "99999999999999999999", "9223372036854775808", "abc", "-"] {
            assert_eq!(plain(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn milliseconds_become_nanoseconds_exactly() {
        let nanos = |given: &str| text(given, long(given.as_bytes(), 6));
        assert_eq!(nanos("1532"), some("1532000000"));
        assert_eq!(nanos("273.2"), some("273200000"));
        assert_eq!(nanos("273.200"), some("273200000"));
        assert_eq!(nanos("0.000001"), some("1"));
        assert_eq!(nanos("273.19999999925494"), some("273200000"));
        assert_eq!(nanos("1e3"), some("1000000000"));
        assert_eq!(nanos("1.5e300"), None);
        assert_eq!(nanos("99999999999999999999"), None);
    }

    #[test]
    fn percent_becomes_a_share_and_floats_stay_finite() {
        let share = |given: &str| text(given, double(given.as_bytes(), -2, true));
        assert_eq!(share("70.0"), some("0.700"));
        assert_eq!(share("5"), some("0.05"));
        assert_eq!(share("100"), some("1.00"));
        let plain = |given: &str| text(given, double(given.as_bytes(), 0, true));
        assert_eq!(plain("0.30000000000000004"), some("0.30000000000000004"));
        assert_eq!(plain("1.5e300"), some("1.5e300"));
        let long = format!("0.{}", "3".repeat(60));
        assert_eq!(plain(&long), some(&long));
        for wrong in ["1e400", "NaN", "inf", "infinity", "", "0.112s"] {
            assert_eq!(plain(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_json_number_or_nothing(given in "[-+]?[0-9]{0,30}(\\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?") {
            let bytes = given.as_bytes();
            for fitting in [long(bytes, 0), long(bytes, 6), decimal(bytes, 0, 4), double(bytes, -2, false), double(bytes, 0, false)] {
                if let Some(number) = text(&given, fitting) {
                    let read: Result<serde_json::Number, _> = serde_json::from_str(&number);
                    prop_assert!(read.is_ok(), "{given} gave {number}");
                }
            }
        }

        #[test]
        fn the_value_is_kept(value in -1_000_000_000_000i64..1_000_000_000_000, decimals in 0usize..4) {
            let size = format!("{:0width$}", value.unsigned_abs(), width = decimals + 1);
            let (whole, fraction) = size.split_at(size.len() - decimals);
            let sign = if value < 0 { "-" } else { "" };
            let given = if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
            let expected = i128::from(value) * 10i128.pow(6 - decimals as u32);
            let read = Decimal::parse(given.as_bytes()).unwrap();
            prop_assert_eq!(read.whole(6), Some((expected, true)));
            let text = String::from_utf8(read.text(0).unwrap().to_vec()).unwrap();
            prop_assert_eq!(text.trim_start_matches('-'), given.trim_start_matches('-'));
        }
    }
}
