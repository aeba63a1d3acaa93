//! Instants as ISO 8601 text, both ways. Nanoseconds since 1970 UTC inside.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Appends `2026-11-24T08:00:00.000Z`; nine digits of fraction where milliseconds are not enough.
pub fn format_timestamp(timestamp_ns: i64, out: &mut Vec<u8>) {
    let Ok(timestamp) = jiff::Timestamp::from_nanosecond(i128::from(timestamp_ns)) else {
        return;
    };
    let time = Offset::UTC.to_datetime(timestamp);
    let mut digits = |value: u32, width: u32, end: u8| {
        let mut unit = 10u32.pow(width - 1);
        while unit > 0 {
            out.push(b'0' + (value / unit % 10) as u8);
            unit /= 10;
        }
        out.push(end);
    };
    digits(u32::from(time.year().unsigned_abs()), 4, b'-');
    digits(u32::from(time.month().unsigned_abs()), 2, b'-');
    digits(u32::from(time.day().unsigned_abs()), 2, b'T');
    digits(u32::from(time.hour().unsigned_abs()), 2, b':');
    digits(u32::from(time.minute().unsigned_abs()), 2, b':');
    digits(u32::from(time.second().unsigned_abs()), 2, b'.');
    let nanos = time.subsec_nanosecond().unsigned_abs();
    if nanos.is_multiple_of(1_000_000) {
        digits(nanos / 1_000_000, 3, b'Z');
    } else {
        digits(nanos, 9, b'Z');
    }
}

/// Reads a date and a time: `T` or a blank between, seconds and a fraction after `.` or `,` may be
/// absent, `Z` or an offset may follow; without one it is UTC. `None` for anything else and for
/// years that nanoseconds since 1970 cannot hold.
#[must_use]
pub fn parse_iso8601(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, width: usize| -> Option<i16> {
        let digits = bytes.get(from..from + width)?;
        digits.iter().try_fold(0i16, |sum, &digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i16::from(digit - b'0'))
        })
    };
    let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":")) {
        return None;
    }
    let mut at = 16;
    let mut second = 0;
    let mut nanos = 0;
    if is(at, b":") {
        second = number(at + 1, 2)?;
        at += 3;
        if is(at, b".,") {
            let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            nanos =
                text[at + 1..at + 1 + digits].parse::<i32>().ok()? * 10i32.pow(9 - digits as u32);
            at += 1 + digits;
        }
    }
    // A leap second is the last moment of its minute.
    let second = if second == 60 { 59 } else { second };
    let small = |value: Option<i16>| value.and_then(|value| i8::try_from(value).ok());
    let time = DateTime::new(
        number(0, 4)?,
        small(number(5, 2))?,
        small(number(8, 2))?,
        small(number(11, 2))?,
        small(number(14, 2))?,
        i8::try_from(second).ok()?,
        nanos,
    )
    .ok()?;
    let offset_seconds = offset(&bytes[at..])?;
    let utc = Offset::UTC.to_timestamp(time).ok()?;
    let shifted = utc.as_nanosecond() - i128::from(offset_seconds) * 1_000_000_000;
    i64::try_from(shifted).ok()
}

/// `Z`, nothing, `+03:30`, `+0330`, `+03`, each perhaps after one blank: seconds east of UTC.
fn offset(rest: &[u8]) -> Option<i32> {
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let (sign, rest) = match rest.split_first() {
        None => return Some(0),
        Some((b'Z' | b'z', [])) => return Some(0),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return None,
    };
    let two = |digits: &[u8]| -> Option<i32> {
        let text = std::str::from_utf8(digits).ok()?;
        if digits.len() != 2 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        text.parse().ok()
    };
    let (hours, minutes) = match rest.len() {
        2 => (two(rest)?, 0),
        4 => (two(&rest[..2])?, two(&rest[2..])?),
        5 if rest[2] == b':' => (two(&rest[..2])?, two(&rest[3..])?),
        _ => return None,
    };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}
