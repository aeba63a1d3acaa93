//! Date formats: Joda-Time's (`yyyy-MM-dd HH:mm:ss`), the dialect of Logstash's `date` filter and of
//! `%{+YYYY.MM.dd}`, and java.time's where a date is written as `%{{uuuu-MM-dd}}`. A format is
//! compiled once into steps that read or write one field each.
//!
//! The letters and their counts follow the class descriptions of Joda's `DateTimeFormat` and Java's
//! `DateTimeFormatter`. Names are English, as in Logstash without a locale. Nothing here reads a
//! clock: years that a text leaves out are chosen by the caller's "now".

mod compile;
mod format;
mod moment;
mod names;
mod parse;

pub(crate) use moment::{resolve_local, zone_by_id};
pub(crate) use parse::offset;

/// A compiled format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DateFormat {
    steps: Box<[Step]>,
}

/// Fields that are written in digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numeric {
    Century,
    Year,
    WeekYear,
    Week,
    Weekday,
    DayOfYear,
    Month,
    Day,
    /// 0-11, `K`.
    HourOfHalfday,
    /// 1-12, `h`.
    ClockHourOfHalfday,
    /// 0-23, `H`.
    Hour,
    /// 1-24, `k`.
    ClockHour,
    Minute,
    Second,
    // Those of java.time, which are only written.
    /// 1-4, `Q`.
    Quarter,
    /// `n`.
    NanosecondOfSecond,
    /// `A`, since midnight.
    MillisecondOfDay,
    /// `N`, since midnight.
    NanosecondOfDay,
}

/// Fields that are written as words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Month,
    Weekday,
    Halfday,
    Era,
    Quarter,
}

/// How much of a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Short,
    Long,
    /// The first letter, or the number of a quarter: only java.time writes that.
    Narrow,
}

/// How a zone is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ZoneStyle {
    /// `+0130`.
    Offset,
    /// `+01:30`.
    ColonOffset,
    /// `Europe/Berlin`.
    Id,
    /// `EST`.
    Name,
}

/// One part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Literal(Box<str>),
    Number {
        field: Numeric,
        digits_min: usize,
        digits_max: usize,
    },
    /// `yy`: two digits near "now"; any other count is the year itself where that is allowed.
    TwoDigitYear {
        field: Numeric,
        lenient: bool,
    },
    Word {
        field: Word,
        form: Form,
    },
    /// Digits after the point of a second.
    Fraction {
        digits: usize,
    },
    Zone(ZoneStyle),
}

#[cfg(test)]
mod tests;
