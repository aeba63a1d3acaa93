//! Instants as ISO 8601 text, both ways. Nanoseconds since 1970 UTC inside.

use std::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::Offset;

const SECOND_NS: i64 = 1_000_000_000;

/// Appends `2026-11-24T08:00:00.000Z`; nine digits of fraction where milliseconds are not enough.
pub fn format_timestamp(timestamp_ns: i64, out: &mut Vec<u8>) {
    let (seconds, nanos) = (timestamp_ns.div_euclid(SECOND_NS), timestamp_ns.rem_euclid(SECOND_NS));
    let Ok(timestamp) = jiff::Timestamp::from_second(seconds) else {
        return;
    };
    let time = Offset::UTC.to_datetime(timestamp);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    let mut put = |places: Range<usize>, mut value: u32| {
        for place in places.rev() {
            text[place] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(0..4, u32::from(time.year().unsigned_abs()));
    put(5..7, u32::from(time.month().unsigned_abs()));
    put(8..10, u32::from(time.day().unsigned_abs()));
    put(11..13, u32::from(time.hour().unsigned_abs()));
    put(14..16, u32::from(time.minute().unsigned_abs()));
    put(17..19, u32::from(time.second().unsigned_abs()));
    put(20..29, nanos as u32);
    if nanos % 1_000_000 == 0 {
        text[23] = b'Z';
        out.extend_from_slice(&text[..24]);
    } else {
        out.extend_from_slice(&text);
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
    let shifted = utc.as_nanosecond() - i128::from(offset_seconds) * i128::from(SECOND_NS);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn formatted(timestamp_ns: i64) -> String {
        let mut text = Vec::new();
        format_timestamp(timestamp_ns, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn instants_are_written_with_as_many_digits_as_they_need() {
        for (timestamp_ns, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_764_547_200_007_000_000, "2025-12-01T00:00:00.007Z"),
            (1_764_547_200_007_000_001, "2025-12-01T00:00:00.007000001Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        ] {
            assert_eq!(formatted(timestamp_ns), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_instant(timestamp_ns: i64) {
            prop_assert_eq!(parse_iso8601(&formatted(timestamp_ns)), Some(timestamp_ns));
        }
    }
}
