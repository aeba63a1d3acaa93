//! Times in syslog: RFC 3339's as RFC 5424 narrows them, and those of RFC 3164, which know no year and no
//! zone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// What a time without year or zone goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock<'a> {
    pub(super) zone: &'a TimeZone,
    /// Nanoseconds since 1970 UTC.
    pub(super) received_at_ns: i64,
}

/// A time of RFC 5424 (6.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rfc3339 {
    /// Nanoseconds since 1970 UTC.
    At(i64),
    /// It would be one, but for a leap second, which the RFC leaves out, or a year that nanoseconds since 1970
    /// do not reach.
    Unusable,
    /// It is none.
    Illegal,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// A time without a year is at most this far from its receipt: half a year, and a day for clocks and zones.
const DISTANCE_MAX_NS: i64 = 184 * 86_400 * 1_000_000_000;
/// Most digits of a second's fraction: what nanoseconds hold.
const FRACTION_DIGITS_MAX: usize = 9;

/// A time zone by its name (`Europe/Berlin`, `UTC`) or offset (`+01:00`).
#[must_use]
pub fn zone_by_name(name: &str) -> Option<TimeZone> {
    match offset(name) {
        Some(offset) => Some(TimeZone::fixed(offset)),
        None => TimeZone::get(name).ok(),
    }
}

/// Reads a word as a time: a date, `T`, a time with perhaps a fraction, and `Z` or an offset.
pub(super) fn rfc3339(word: &str) -> Rfc3339 {
    let read = || {
        let (date, time) = word.split_once('T')?;
        let date = date_of(date)?;
        let zone = time.find(['Z', '+', '-'])?;
        let (time, zone) = time.split_at(zone);
        let offset = if zone == "Z" { Offset::UTC } else { offset(zone)? };
        let (time, rest) = clock(time, true)?;
        rest.is_empty().then_some((date, time, offset))
    };
    match read() {
        None => Rfc3339::Illegal,
        Some((_, None, _)) => Rfc3339::Unusable,
        Some((date, Some(time), offset)) => {
            instant(date.to_datetime(time), offset).map_or(Rfc3339::Unusable, Rfc3339::At)
        }
    }
}

/// Reads the time at the beginning of a text, as RFC 3164 writes it (`Oct 11 22:14:15`; senders add
/// fractions and years) or RFC 3339, up to a blank or colon, and gives what follows it.
pub(super) fn leading<'t>(text: &'t str, clock: Clock<'_>) -> Option<(i64, &'t str)> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        // The colon that Cisco's firewalls write behind it is none of the time's.
        let word = text.split(' ').next()?;
        let word = word.strip_suffix(':').unwrap_or(word);
        let Rfc3339::At(instant) = rfc3339(word) else { return None };
        return Some((instant, &text[word.len()..]));
    }
    let (month, day, text) = month_and_day(text)?;
    let (year, text) = match year(text) {
        Some((year, text)) => (Some(year), text),
        None => (None, text),
    };
    let (time, rest) = self::clock(text, false)?;
    ends_here(rest).then_some(())?;
    let instant = match year {
        Some(year) => at(year, month, day, time?, clock),
        None => near(month, day, time?, clock),
    };
    Some((instant?, rest))
}

/// As Cisco's switches write it, the year first: `2026 Nov 23 02:29:04`.
pub(super) fn leading_with_year<'t>(text: &'t str, clock: Clock<'_>) -> Option<(i64, &'t str)> {
    let (year, text) = year(text)?;
    let (month, day, text) = month_and_day(text)?;
    let (time, rest) = self::clock(text, false)?;
    ends_here(rest).then_some(())?;
    Some((at(year, month, day, time?, clock)?, rest))
}

fn ends_here(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with([' ', ':'])
}

/// `Oct 11 `, `Oct  1 `, and as some write it `Oct 1 ` and `Oct 01 `. Names of months have their case.
fn month_and_day(text: &str) -> Option<(i8, i8, &str)> {
    let month = MONTHS.iter().position(|name| text.starts_with(name))?;
    let text = text[3..].strip_prefix(' ')?;
    let text = text.strip_prefix(' ').unwrap_or(text);
    let (day, rest) = text.split_once(' ')?;
    let is_day = matches!(day.len(), 1 | 2) && day.bytes().all(|byte| byte.is_ascii_digit());
    let day = is_day.then(|| day.parse().ok())??;
    Some((i8::try_from(month).ok()? + 1, day, rest))
}

/// `2026 `
fn year(text: &str) -> Option<(i16, &str)> {
    let (year, rest) = text.split_once(' ')?;
    Some((number(year, 4)?, rest))
}

/// `22:14:15` with perhaps a fraction, and what follows. No time for a leap second that may stand there.
fn clock(text: &str, knows_leap_second: bool) -> Option<(Option<Time>, &str)> {
    let bytes = text.as_bytes();
    if bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
        return None;
    }
    let part = |from: usize| number(text.get(from..from + 2)?, 2);
    let (hour, minute, second) = (part(0)?, part(3)?, part(6)?);
    let mut rest = text.get(8..)?;
    let mut nanoseconds = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=FRACTION_DIGITS_MAX).contains(&digits) {
            return None;
        }
        let unit = 10i32.pow(u32::try_from(FRACTION_DIGITS_MAX - digits).ok()?);
        nanoseconds = fraction[..digits].parse::<i32>().ok()? * unit;
        rest = &fraction[digits..];
    }
    let small = |value: i16| i8::try_from(value).ok();
    let is_leap = knows_leap_second && second == 60;
    let second = if is_leap { 59 } else { second };
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, nanoseconds).ok()?;
    Some(((!is_leap).then_some(time), rest))
}

fn date_of(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut part = |digits| number(parts.next()?, digits);
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// `+02:00`
fn offset(text: &str) -> Option<Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60)).ok()
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i16> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// The time of the year that is nearest to the receipt; none if that day is in none of them.
fn near(month: i8, day: i8, time: Time, clock: Clock<'_>) -> Option<i64> {
    let received = Timestamp::from_nanosecond(i128::from(clock.received_at_ns)).ok()?;
    let now = clock.zone.to_datetime(received).year();
    let years = [now.saturating_sub(1), now, now.saturating_add(1)];
    let times = years.into_iter().filter_map(|year| at(year, month, day, time, clock));
    let distance = |instant: &i64| clock.received_at_ns.abs_diff(*instant);
    times.min_by_key(distance).filter(|instant| distance(instant) <= DISTANCE_MAX_NS.unsigned_abs())
}

/// A local time. Where it stands twice, when clocks go back, it is the one nearer to the receipt; one
/// that is skipped, when they go forward, is as much later.
fn at(year: i16, month: i8, day: i8, time: Time, clock: Clock<'_>) -> Option<i64> {
    let local = DateTime::from_parts(Date::new(year, month, day).ok()?, time);
    match clock.zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => instant(local, offset),
        AmbiguousOffset::Gap { before, .. } => instant(local, before),
        AmbiguousOffset::Fold { before, after } => {
            let both = [instant(local, before)?, instant(local, after)?];
            both.into_iter().min_by_key(|instant| clock.received_at_ns.abs_diff(*instant))
        }
    }
}

fn instant(local: DateTime, offset: Offset) -> Option<i64> {
    i64::try_from(offset.to_timestamp(local).ok()?.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests;
