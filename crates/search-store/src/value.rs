//! Texts as values of a type: numbers exact to their decimals, instants, addresses. It reads no
//! clock, and a text that is no such value is `None`.

use std::net::IpAddr;

use event::parse_iso8601;

/// A number times ten to the power of a scale, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scaled {
    pub(crate) floor: i128,
    /// Whether nothing was rounded.
    pub(crate) exact: bool,
}

/// Larger than any indexed value, whatever its sign.
const HUGE: i128 = 1 << 100;
/// Digits that are looked at; further ones only tell that a number is not exact.
const DIGITS_MAX: usize = 36;
/// Exponents beyond this are as good as infinite.
const EXPONENT_MAX: i64 = 1_000;

/// Reads `-12.50`, `1e3`, `.5`.
pub(crate) fn parse_scaled(text: &[u8], scale: u8) -> Option<Scaled> {
    let (negative, rest) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let mut digits = Digits::default();
    let mut rest = digits.read(rest, false);
    if let Some((b'.', after)) = rest.split_first() {
        rest = digits.read(after, true);
    }
    if !digits.any {
        return None;
    }
    let exponent = match rest.split_first() {
        None => 0,
        Some((b'e' | b'E', digits)) => parse_exponent(digits)?,
        Some(_) => return None,
    };
    Some(digits.scaled(negative, exponent.saturating_add(i64::from(scale))))
}

#[derive(Default)]
struct Digits {
    any: bool,
    value: i128,
    significant: usize,
    /// Power of ten by which the value is too small.
    shift: i64,
    more: bool,
}

impl Digits {
    fn read<'a>(&mut self, text: &'a [u8], fraction: bool) -> &'a [u8] {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = text.split_at(count);
        self.any |= count > 0;
        for digit in digits {
            if self.significant < DIGITS_MAX {
                self.value = self.value * 10 + i128::from(digit - b'0');
                self.significant += usize::from(self.value > 0);
                self.shift -= i64::from(fraction);
            } else {
                self.more |= *digit != b'0';
                self.shift += i64::from(!fraction);
            }
        }
        rest
    }

    fn scaled(&self, negative: bool, exponent: i64) -> Scaled {
        let power = self.shift.saturating_add(exponent);
        let ten = |power: i64| 10i128.checked_pow(u32::try_from(power).unwrap_or(u32::MAX));
        let (magnitude, exact) = if self.value == 0 {
            (0, !self.more)
        } else if power >= 0 {
            let product = ten(power).and_then(|factor| self.value.checked_mul(factor));
            (product.unwrap_or(HUGE).min(HUGE), !self.more)
        } else {
            match ten(power.saturating_neg()) {
                Some(divisor) => (self.value / divisor, !self.more && self.value % divisor == 0),
                None => (0, false),
            }
        };
        let floor = match (negative, exact) {
            (false, _) => magnitude,
            (true, true) => -magnitude,
            (true, false) => -magnitude - 1,
        };
        Scaled { floor, exact }
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        (b'+', digits) => (false, digits),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX));
    Some(if negative { -value } else { value })
}

/// A number as it is indexed; what lies beyond the scale is rounded down, so that
/// ranges keep their order. `None` beyond 64 bits.
pub(crate) fn indexed_scaled(text: &[u8], scale: u8) -> Option<i64> {
    parse_scaled(text, scale).and_then(|scaled| i64::try_from(scaled.floor).ok())
}

/// A scaled number as text: `129.90`.
pub(crate) fn format_scaled(value: i64, scale: u8) -> String {
    if scale == 0 {
        return value.to_string();
    }
    let width = usize::from(scale) + 1;
    let digits = format!("{:0>width$}", value.unsigned_abs());
    let (whole, decimals) = digits.split_at(digits.len() - usize::from(scale));
    format!("{}{whole}.{decimals}", if value < 0 { "-" } else { "" })
}

/// A number that is not infinite.
pub(crate) fn parse_double(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// An instant as it is indexed: RFC 3339, or milliseconds since 1970 UTC.
pub(crate) fn indexed_date(text: &str) -> Option<i64> {
    parse_iso8601(text).or_else(|| milliseconds(text))
}

fn milliseconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let value = plain.then(|| text.parse::<i64>().ok()).flatten()?;
    value.checked_mul(1_000_000)
}

/// The instants that a text in a query stands for, first and last in nanoseconds: a day for
/// `2026-11-24`, a millisecond for milliseconds since 1970, one instant for RFC 3339.
pub(crate) fn parse_date(text: &str) -> Option<(i64, i64)> {
    const DAY_NS: i64 = 86_400_000_000_000;
    if let Some(instant) = parse_iso8601(text) {
        return Some((instant, instant));
    }
    if text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') {
        let first = parse_iso8601(&format!("{text}T00:00:00Z"))?;
        return Some((first, first.saturating_add(DAY_NS - 1)));
    }
    milliseconds(text).map(|first| (first, first.saturating_add(999_999)))
}

/// An address as 16 bytes; version 4 is mapped into version 6.
pub(crate) fn parse_address(text: &str) -> Option<[u8; 16]> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    })
}

/// The first and the last address of `10.0.0.0/8`.
pub(crate) fn parse_network(text: &str) -> Option<([u8; 16], [u8; 16])> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits = length.parse::<u32>().ok().filter(|_| length.bytes().all(|b| b.is_ascii_digit()))?;
    let (octets, bits) = match address {
        IpAddr::V4(address) if bits <= 32 => (address.to_ipv6_mapped().octets(), bits + 96),
        IpAddr::V6(address) if bits <= 128 => (address.octets(), bits),
        _ => return None,
    };
    let host = u128::MAX.checked_shr(bits).unwrap_or(0);
    let value = u128::from_be_bytes(octets);
    Some(((value & !host).to_be_bytes(), (value | host).to_be_bytes()))
}

/// An address of 16 bytes as text.
pub(crate) fn format_address(octets: [u8; 16]) -> String {
    std::net::Ipv6Addr::from(octets).to_canonical().to_string()
}

#[cfg(test)]
mod tests;
