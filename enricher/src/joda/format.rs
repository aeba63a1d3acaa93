//! Writing an instant by a format, in UTC.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::names::{MONTHS, NARROW, QUARTERS, SHORT, WEEKDAYS};
use super::{DateFormat, Form, Numeric, Step, Word, ZoneStyle};

impl DateFormat {
    /// Appends an instant, nanoseconds since 1970, as text in UTC.
    pub(crate) fn write(&self, timestamp_ns: i64, out: &mut String) {
        let Ok(timestamp) = jiff::Timestamp::from_nanosecond(i128::from(timestamp_ns)) else {
            return;
        };
        let time = Offset::UTC.to_datetime(timestamp);
        for step in &self.steps {
            write_step(step, time, out);
        }
    }
}

fn write_step(step: &Step, time: DateTime, out: &mut String) {
    match step {
        Step::Literal(text) => out.push_str(text),
        Step::Number { field, digits_min, .. } => {
            pad(number(*field, time), *digits_min, out);
        }
        Step::TwoDigitYear { field, .. } => pad(number(*field, time).rem_euclid(100), 2, out),
        Step::Word { field, form } => out.push_str(word(*field, *form, time)),
        Step::Fraction { digits } => {
            let mut text = String::with_capacity(9);
            pad(i64::from(time.subsec_nanosecond()), 9, &mut text);
            text.extend(std::iter::repeat_n('0', digits.saturating_sub(9)));
            out.push_str(&text[..*digits]);
        }
        Step::Zone(style) => out.push_str(match style {
            ZoneStyle::Offset => "+0000",
            ZoneStyle::ColonOffset => "+00:00",
            ZoneStyle::Id | ZoneStyle::Name => "UTC",
        }),
    }
}

fn pad(value: i64, width: usize, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    out.push_str(&format!("{:0width$}", value.unsigned_abs()));
}

fn number(field: Numeric, time: DateTime) -> i64 {
    let hour = i64::from(time.hour());
    let date = time.date();
    match field {
        Numeric::Century => i64::from(time.year() / 100),
        Numeric::Year => i64::from(time.year()),
        Numeric::WeekYear => i64::from(date.iso_week_date().year()),
        Numeric::Week => i64::from(date.iso_week_date().week()),
        Numeric::Weekday => i64::from(date.weekday().to_monday_one_offset()),
        Numeric::DayOfYear => i64::from(date.day_of_year()),
        Numeric::Month => i64::from(time.month()),
        Numeric::Day => i64::from(time.day()),
        Numeric::HourOfHalfday => hour % 12,
        Numeric::ClockHourOfHalfday => (hour + 11) % 12 + 1,
        Numeric::Hour => hour,
        Numeric::ClockHour => (hour + 23) % 24 + 1,
        Numeric::Minute => i64::from(time.minute()),
        Numeric::Second => i64::from(time.second()),
        Numeric::Quarter => i64::from((time.month() + 2) / 3),
        Numeric::NanosecondOfSecond => i64::from(time.subsec_nanosecond()),
        Numeric::MillisecondOfDay => nanosecond_of_day(time) / 1_000_000,
        Numeric::NanosecondOfDay => nanosecond_of_day(time),
    }
}

fn nanosecond_of_day(time: DateTime) -> i64 {
    let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
    let seconds = minutes * 60 + i64::from(time.second());
    seconds * 1_000_000_000 + i64::from(time.subsec_nanosecond())
}

fn word(field: Word, form: Form, time: DateTime) -> &'static str {
    let name = match field {
        Word::Era => return "AD",
        Word::Quarter => {
            let (short, name) = QUARTERS[usize::from(time.month().unsigned_abs() - 1) / 3];
            return match form {
                Form::Short => short,
                Form::Long => name,
                Form::Narrow => &name[..NARROW],
            };
        }
        Word::Halfday => return if time.hour() < 12 { "AM" } else { "PM" },
        Word::Month => MONTHS[usize::from(time.month().unsigned_abs()) - 1],
        Word::Weekday => {
            WEEKDAYS[usize::from(time.weekday().to_monday_zero_offset().unsigned_abs())]
        }
    };
    match form {
        Form::Short => &name[..SHORT],
        Form::Long => name,
        Form::Narrow => &name[..NARROW],
    }
}
