//! What was read of a date, and the instant that it means.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::Numeric;

/// The zones of the release, not the machine's: the same text means the same instant everywhere.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// How far the two digits of a year may lie after "now": Joda-Time's pivot of 30 years ago and the
/// 49 years after it.
const TWO_DIGIT_YEARS_AHEAD: i64 = 19;

/// The fields that a text gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moment {
    year: Option<i64>,
    year_of_century: Option<i64>,
    week_year: Option<i64>,
    week: Option<i64>,
    weekday: Option<i64>,
    day_of_year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    hour_of_halfday: Option<i64>,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    fraction_ns: i64,
    offset_s: Option<i32>,
    zone: Option<TimeZone>,
}

impl Moment {
    pub(super) fn set(&mut self, field: Numeric, value: i64) {
        match field {
            // Nothing is read by these: `is_readable`.
            Numeric::Century
            | Numeric::Quarter
            | Numeric::NanosecondOfSecond
            | Numeric::MillisecondOfDay
            | Numeric::NanosecondOfDay => {}
            Numeric::Year => self.year = Some(value),
            Numeric::WeekYear => self.week_year = Some(value),
            Numeric::Week => self.week = Some(value),
            Numeric::Weekday => self.weekday = Some(value),
            Numeric::DayOfYear => self.day_of_year = Some(value),
            Numeric::Month => self.month = Some(value),
            Numeric::Day => self.day = Some(value),
            Numeric::HourOfHalfday => self.hour_of_halfday = Some(value),
            // 12 is the first hour of its half, 24 the first of the day; 0 is neither.
            Numeric::ClockHourOfHalfday => self.hour_of_halfday = Some(clock(value, 12)),
            Numeric::ClockHour => self.hour = Some(clock(value, 24)),
            Numeric::Hour => self.hour = Some(value),
            Numeric::Minute => self.minute = value,
            Numeric::Second => self.second = value,
        }
    }

    pub(super) fn set_two_digit_year(&mut self, field: Numeric, value: i64) {
        match field {
            // Nothing is read by a century: `is_readable`.
            Numeric::Century => {}
            Numeric::Year => self.year_of_century = Some(value),
            // Weeks of two-digit years are this century's.
            _ => self.week_year = Some(2000 + value),
        }
    }

    pub(super) fn set_halfday(&mut self, afternoon: bool) {
        self.afternoon = Some(afternoon);
    }

    pub(super) fn set_fraction_ns(&mut self, fraction_ns: i64) {
        self.fraction_ns = fraction_ns;
    }

    pub(super) fn set_offset_s(&mut self, offset_s: i32) {
        self.offset_s = Some(offset_s);
    }

    pub(super) fn set_zone(&mut self, zone: TimeZone) {
        self.zone = Some(zone);
    }

    /// The instant, nanoseconds since 1970. Without a zone of its own it is local to `zone`. A year
    /// that the text leaves out is that of `now_ns`, but December seen in January is last year's and
    /// January seen in December next year's. `None` for dates that do not exist, local times inside
    /// the hour that is skipped in spring, and years that nanoseconds cannot hold.
    pub(crate) fn resolve(&self, zone: &TimeZone, now_ns: i64) -> Option<i64> {
        let zone = self.zone.as_ref().unwrap_or(zone);
        let time = Time::new(
            small(self.hour()?)?,
            small(self.minute)?,
            // A leap second is the last second of its minute.
            small(if self.second == 60 { 59 } else { self.second })?,
            i32::try_from(self.fraction_ns).ok()?,
        )
        .ok()?;
        let local = self.date(zone, now_ns)?.to_datetime(time);
        match self.offset_s {
            Some(offset_s) => nanoseconds(Offset::from_seconds(offset_s).ok()?, local),
            None => resolve_local(local, zone),
        }
    }

    fn hour(&self) -> Option<i64> {
        let Some(hour) = self.hour_of_halfday else {
            return Some(self.hour.unwrap_or(0));
        };
        let afternoon = self.afternoon.unwrap_or(false);
        (0..12).contains(&hour).then_some(hour + if afternoon { 12 } else { 0 })
    }

    fn date(&self, zone: &TimeZone, now_ns: i64) -> Option<Date> {
        if let Some(week) = self.week {
            let year = self.week_year.or(self.year).unwrap_or_else(|| now(zone, now_ns).0);
            let weekday =
                Weekday::from_monday_one_offset(small(self.weekday.unwrap_or(1))?).ok()?;
            return Some(ISOWeekDate::new(wide(year)?, small(week)?, weekday).ok()?.date());
        }
        let month = self.month.unwrap_or(1);
        let year = self.year.or(self.week_year).or_else(|| self.near_year(zone, now_ns));
        let year = wide(year.unwrap_or_else(|| year_by_month(month, now(zone, now_ns))))?;
        if let Some(day) = self.day_of_year {
            return Date::new(year, 1, 1).ok()?.with().day_of_year(wide(day)?).build().ok();
        }
        Date::new(year, small(month)?, small(self.day.unwrap_or(1))?).ok()
    }

    fn near_year(&self, zone: &TimeZone, now_ns: i64) -> Option<i64> {
        let latest = now(zone, now_ns).0 + TWO_DIGIT_YEARS_AHEAD;
        self.year_of_century.map(|year| latest - (latest - year).rem_euclid(100))
    }
}

fn clock(value: i64, first: i64) -> i64 {
    match value {
        0 => i64::MAX,
        value if value == first => 0,
        value => value,
    }
}

fn small(value: i64) -> Option<i8> {
    i8::try_from(value).ok()
}

fn wide(value: i64) -> Option<i16> {
    i16::try_from(value).ok()
}

/// Year and month of "now".
fn now(zone: &TimeZone, now_ns: i64) -> (i64, i64) {
    let now = Timestamp::from_nanosecond(i128::from(now_ns)).unwrap_or_default();
    let local = zone.to_datetime(now);
    (i64::from(local.year()), i64::from(local.month()))
}

fn year_by_month(month: i64, (year, month_now): (i64, i64)) -> i64 {
    match (month, month_now) {
        (12, 1) => year - 1,
        (1, 12) => year + 1,
        _ => year,
    }
}

fn nanoseconds(offset: Offset, local: DateTime) -> Option<i64> {
    i64::try_from(offset.to_timestamp(local).ok()?.as_nanosecond()).ok()
}

/// The instant of a local time, nanoseconds since 1970: the earlier one where a time stands twice,
/// `None` where it is skipped.
pub(crate) fn resolve_local(local: DateTime, zone: &TimeZone) -> Option<i64> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            nanoseconds(offset, local)
        }
        AmbiguousOffset::Gap { .. } => None,
    }
}

/// A zone by its name (`Europe/Berlin`, `CET`) or offset (`+01:00`).
pub(crate) fn zone_by_id(id: &str) -> Option<TimeZone> {
    if let Some((offset_s, "")) = super::parse::offset(id) {
        return Some(TimeZone::fixed(Offset::from_seconds(offset_s).ok()?));
    }
    ZONES.get(id).ok()
}
