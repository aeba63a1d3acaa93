//! Reading a text by a format.

use super::moment::Moment;
use super::names::{MONTHS, WEEKDAYS, ZONES, find};
use super::{DateFormat, Numeric, Step, Word, ZoneStyle};

impl DateFormat {
    /// Whether texts can be read by it: an era or a century alone is only written, and so is what
    /// only java.time has.
    pub(crate) fn is_readable(&self) -> bool {
        !self.steps.iter().any(|step| match step {
            Step::Number { field, .. } => matches!(
                field,
                Numeric::Century
                    | Numeric::Quarter
                    | Numeric::NanosecondOfSecond
                    | Numeric::MillisecondOfDay
                    | Numeric::NanosecondOfDay
            ),
            Step::Word { field, .. } => matches!(field, Word::Era | Word::Quarter),
            _ => false,
        })
    }

    /// Whether texts have words in them that each language has its own of: months, days, halves of days.
    pub(crate) fn reads_words(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Word { .. }))
    }

    /// Reads a text as a whole; `None` where it does not follow the format. Names are read in any
    /// case, long or short; the name of the day is read but does not move the date.
    pub(crate) fn parse(&self, text: &str) -> Option<Moment> {
        let mut moment = Moment::default();
        let mut rest = text;
        for step in &self.steps {
            rest = read_step(step, rest, &mut moment)?;
        }
        rest.is_empty().then_some(moment)
    }
}

fn read_step<'t>(step: &Step, rest: &'t str, moment: &mut Moment) -> Option<&'t str> {
    match step {
        Step::Literal(text) => skip(text, rest),
        Step::Number { field, digits_max, .. } => {
            let (value, rest) = match field {
                Numeric::Year | Numeric::WeekYear => signed(rest, *digits_max)?,
                _ => digits(rest, *digits_max)?,
            };
            moment.set(*field, value);
            Some(rest)
        }
        Step::TwoDigitYear { field, lenient } => {
            let count = rest.bytes().take_while(u8::is_ascii_digit).count();
            if count == 2 || (count > 2 && !lenient) {
                let (value, rest) = digits(rest, 2)?;
                moment.set_two_digit_year(*field, value);
                return Some(rest);
            }
            let (value, rest) = signed(rest, 9)?;
            lenient.then(|| moment.set(*field, value))?;
            Some(rest)
        }
        Step::Word { field, .. } => word(*field, rest, moment),
        Step::Fraction { digits } => fraction(rest, *digits, moment),
        Step::Zone(style) => zone(*style, rest, moment),
    }
}

fn skip<'t>(literal: &str, text: &'t str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(literal.len())?;
    start.eq_ignore_ascii_case(literal).then_some(rest)
}

fn digits(text: &str, digits_max: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(digits_max).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(count);
    Some((number.parse().ok()?, rest))
}

fn signed(text: &str, digits_max: usize) -> Option<(i64, &str)> {
    match text.strip_prefix('-') {
        Some(text) => digits(text, digits_max).map(|(value, rest)| (-value, rest)),
        None => digits(text.strip_prefix('+').unwrap_or(text), digits_max),
    }
}

fn word<'t>(field: Word, text: &'t str, moment: &mut Moment) -> Option<&'t str> {
    match field {
        Word::Month => {
            let (place, length) = find(&MONTHS, text)?;
            moment.set(Numeric::Month, place as i64 + 1);
            Some(&text[length..])
        }
        Word::Era | Word::Quarter => None,
        Word::Weekday => find(&WEEKDAYS, text).map(|(_, length)| &text[length..]),
        Word::Halfday => {
            let (start, rest) = text.split_at_checked(2)?;
            let afternoon = match start.to_ascii_lowercase().as_str() {
                "am" => false,
                "pm" => true,
                _ => return None,
            };
            moment.set_halfday(afternoon);
            Some(rest)
        }
    }
}

/// Takes as many digits as the pattern has letters; digits beyond nanoseconds are dropped.
fn fraction<'t>(text: &'t str, width: usize, moment: &mut Moment) -> Option<&'t str> {
    let count = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(count);
    let kept = &number[..count.min(9)];
    let value: i64 = kept.parse().ok()?;
    moment.set_fraction_ns(value * 10i64.pow(9 - kept.len() as u32));
    Some(rest)
}

fn zone<'t>(style: ZoneStyle, text: &'t str, moment: &mut Moment) -> Option<&'t str> {
    match style {
        ZoneStyle::Offset | ZoneStyle::ColonOffset => {
            let (offset_s, rest) = offset(text)?;
            moment.set_offset_s(offset_s);
            Some(rest)
        }
        ZoneStyle::Id => {
            let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_+-:".contains(byte);
            let (id, rest) = text.split_at(text.bytes().take_while(allowed).count());
            moment.set_zone(super::moment::zone_by_id(id)?);
            Some(rest)
        }
        ZoneStyle::Name => {
            let (name, hours) = ZONES.iter().find(|(name, _)| {
                text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            })?;
            moment.set_offset_s(i32::from(*hours) * 3600);
            Some(&text[name.len()..])
        }
    }
}

/// `Z`, `+01`, `+0130`, `+01:30`, `+01:30:15`: seconds east of UTC, and what follows.
pub(crate) fn offset(text: &str) -> Option<(i32, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((0, rest));
    }
    let (sign, text) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let two = |text: &str| -> Option<i32> {
        let pair = text.get(..2)?;
        pair.bytes().all(|byte| byte.is_ascii_digit()).then(|| pair.parse().ok())?
    };
    let hours = two(text)?;
    let mut rest = &text[2..];
    let mut seconds = 0;
    for unit_s in [60, 1] {
        let next = rest.strip_prefix(':').unwrap_or(rest);
        let Some(value) = two(next).filter(|value| *value < 60) else {
            break;
        };
        seconds += value * unit_s;
        rest = &next[2..];
    }
    (hours <= 23).then_some((sign * (hours * 3600 + seconds), rest))
}
