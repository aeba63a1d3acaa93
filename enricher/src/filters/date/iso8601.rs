//! ISO 8601 as Logstash reads it: dates by month, by day of the year or by week, times to any
//! precision, `T` or a blank between them, a comma for the point.

use jiff::civil::{Date, ISOWeekDate, Time, Weekday};
use jiff::tz::{Offset, TimeZone};

use crate::joda::{offset, resolve_local};

/// Reads a whole text; a time without an offset is local to `zone`.
pub(super) fn read(text: &str, zone: &TimeZone) -> Option<i64> {
    let mut cursor = Cursor { rest: text };
    let date = date(&mut cursor)?;
    let time = if cursor.eat(b"Tt ") { time(&mut cursor)? } else { Time::midnight() };
    let local = date.to_datetime(time);
    if cursor.rest.is_empty() {
        return resolve_local(local, zone);
    }
    let rest = cursor.rest.strip_prefix(' ').unwrap_or(cursor.rest);
    let (offset_s, "") = offset(rest)? else {
        return None;
    };
    let offset = Offset::from_seconds(offset_s).ok()?;
    i64::try_from(offset.to_timestamp(local).ok()?.as_nanosecond()).ok()
}

/// `2026`, `2026-11`, `2026-11-24`, `2026-328`, `2026-W48`, `2026-W48-2`.
fn date(cursor: &mut Cursor<'_>) -> Option<Date> {
    let year = cursor.number(4, 4)?;
    if !cursor.eat(b"-") {
        return Date::new(year, 1, 1).ok();
    }
    if cursor.eat(b"Ww") {
        let week = cursor.small(1, 2)?;
        let day = if cursor.eat(b"-") { cursor.small(1, 1)? } else { 1 };
        let weekday = Weekday::from_monday_one_offset(day).ok()?;
        return Some(ISOWeekDate::new(year, week, weekday).ok()?.date());
    }
    if cursor.digits() == 3 {
        let day = cursor.number(3, 3)?;
        return Date::new(year, 1, 1).ok()?.with().day_of_year(day).build().ok();
    }
    let month = cursor.small(1, 2)?;
    let day = if cursor.eat(b"-") { cursor.small(1, 2)? } else { 1 };
    Date::new(year, month, day).ok()
}

/// `08`, `08:00`, `08:00:00`, `08:00:00.123`, `08:00:00,123`.
fn time(cursor: &mut Cursor<'_>) -> Option<Time> {
    let hour = cursor.small(1, 2)?;
    let minute = if cursor.eat(b":") { cursor.small(1, 2)? } else { 0 };
    let mut second = 0;
    let mut nanosecond = 0;
    if cursor.eat(b":") {
        second = cursor.small(1, 2)?;
        if cursor.eat(b".,") {
            nanosecond = cursor.fraction_ns()?;
        }
    }
    // A leap second is the last second of its minute.
    Time::new(hour, minute, if second == 60 { 59 } else { second }, nanosecond).ok()
}

struct Cursor<'t> {
    rest: &'t str,
}

impl Cursor<'_> {
    /// Takes one of these bytes if it comes next.
    fn eat(&mut self, wanted: &[u8]) -> bool {
        let found = self.rest.as_bytes().first().is_some_and(|byte| wanted.contains(byte));
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn digits(&self) -> usize {
        self.rest.bytes().take_while(u8::is_ascii_digit).count()
    }

    /// Takes a number of `least` to `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i16> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (number, rest) = self.rest.split_at(count);
        self.rest = rest;
        number.parse().ok()
    }

    fn small(&mut self, least: usize, most: usize) -> Option<i8> {
        i8::try_from(self.number(least, most)?).ok()
    }

    /// Takes a fraction; digits beyond nanoseconds are dropped.
    fn fraction_ns(&mut self) -> Option<i32> {
        let (digits, rest) = self.rest.split_at(self.digits());
        self.rest = rest;
        let kept = &digits[..digits.len().min(9)];
        Some(kept.parse::<i32>().ok()? * 10i32.pow(9 - kept.len() as u32))
    }
}
