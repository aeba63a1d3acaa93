//! Texts of columns as values of other types, by the rules of Ruby's converters, which Logstash uses. A text that is
//! none of the type stays what it is.

use event::{Event, NodeId, format_timestamp, parse_iso8601};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// Most digits of an integer: more than a float can mean.
const DIGITS_MAX: usize = 400;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What a column is made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    Integer,
    Float,
    Date,
    DateTime,
    Boolean,
}

impl Conversion {
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("integer", Self::Integer),
        ("float", Self::Float),
        ("date", Self::Date),
        ("date_time", Self::DateTime),
        ("boolean", Self::Boolean),
    ];

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, conversion)| *conversion)
    }

    /// The value of a text; it stands nowhere yet.
    pub(super) fn value(self, event: &mut Event, text: &str) -> NodeId {
        let instant = match self {
            Self::Integer => return number(event, text, integer(text)),
            Self::Float => return number(event, text, float(text)),
            Self::Boolean => {
                // What is neither loses its blanks and capitals too, as in Logstash.
                let word = text.trim().to_lowercase();
                return match word.as_str() {
                    "true" => event.new_bool(true),
                    "false" => event.new_bool(false),
                    _ => event.new_text(&word),
                };
            }
            Self::Date => date(text).and_then(|date| instant(date, Time::midnight())),
            Self::DateTime => date_time(text),
        };
        let Some(instant_ns) = instant else {
            return event.new_text(text);
        };
        let mut shown = Vec::with_capacity(30);
        format_timestamp(instant_ns, &mut shown);
        event.new_text(&String::from_utf8_lossy(&shown))
    }
}

fn number(event: &mut Event, text: &str, number: Option<String>) -> NodeId {
    match number {
        Some(number) => event.new_number(&number),
        None => event.new_text(text),
    }
}

/// Without blanks around, and with its sign apart.
fn sign(text: &str) -> (&'static str, &str) {
    let text = text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Digits without the underscores that may stand between two of them.
fn digits(text: &str, radix: u32) -> Option<String> {
    let parts = text.split('_');
    let is_sound = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_digit(radix));
    parts.clone().all(is_sound).then(|| parts.collect())
}

/// A whole text that is an integer as Ruby writes them: `0x1A`, `0b11` and, with a zero in front, octal.
fn integer(text: &str) -> Option<String> {
    let (sign, rest) = sign(text);
    let prefix = rest.get(..2).map(str::to_ascii_lowercase);
    let (radix, rest) = match prefix.as_deref() {
        Some("0x") => (16, &rest[2..]),
        Some("0b") => (2, &rest[2..]),
        Some("0o") => (8, &rest[2..]),
        Some("0d") => (10, &rest[2..]),
        Some(_) if rest.starts_with('0') => (8, rest),
        _ => (10, rest),
    };
    let digits = digits(rest, radix)?;
    let value = if radix == 10 {
        let significant = digits.trim_start_matches('0').to_owned();
        if significant.is_empty() { "0".to_owned() } else { significant }
    } else {
        u128::from_str_radix(&digits, radix).ok()?.to_string()
    };
    let sign = if value == "0" { "" } else { sign };
    (value.len() <= DIGITS_MAX).then(|| format!("{sign}{value}"))
}

/// A whole text that is a decimal number, or a hexadecimal integer.
fn float(text: &str) -> Option<String> {
    let (sign, rest) = sign(text);
    let value = if rest.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x")) {
        u128::from_str_radix(&digits(&rest[2..], 16)?, 16).ok()? as f64
    } else {
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let whole = if whole.is_empty() && mantissa.starts_with('.') { "0" } else { whole };
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let minus = if exponent.starts_with('-') { "-" } else { "" };
        let (whole, fraction) = (digits(whole, 10)?, digits(fraction, 10)?);
        format!("{whole}.{fraction}e{minus}{}", digits(unsigned, 10)?).parse().ok()?
    };
    value.is_finite().then(|| format!("{sign}{value:?}"))
}

/// `2017-06-01`, `June 1, 2017`, `Thu, Jun 1 17`.
fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let is_digits = |at: std::ops::Range<usize>| bytes[at].iter().all(u8::is_ascii_digit);
    if bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-' {
        let is_date = is_digits(0..4) && is_digits(5..7) && is_digits(8..10);
        return if is_date { text.parse().ok() } else { None };
    }
    let (words, count) = words(text)?;
    match &words[..count] {
        [month, day, year] | [_, month, day, year] => {
            named_date(month, day.strip_suffix(',').unwrap_or(day), year)
        }
        _ => None,
    }
}

/// As ISO 8601 has it, with or without a time; `Jun 1 12:30:00 2017`, `Thu Jun 1 12:30:00, 2017`. UTC without an offset.
fn date_time(text: &str) -> Option<i64> {
    if let Some(instant_ns) = parse_iso8601(text) {
        return Some(instant_ns);
    }
    if !text.contains(':') {
        return if text.contains('-') { instant(date(text)?, Time::midnight()) } else { None };
    }
    let (words, count) = words(text)?;
    let ([month, day, time, year] | [_, month, day, time, year]) = &words[..count] else {
        return None;
    };
    let mut parts = time.strip_suffix(',').unwrap_or(time).split(':').map(number_of);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    instant(named_date(month, day, year)?, Time::new(hour, minute, second, 0).ok()?)
}

/// The words between blanks, five at most, and how many there are.
fn words(text: &str) -> Option<([&str; 5], usize)> {
    let mut words = [""; 5];
    let mut count = 0;
    for word in text.split_ascii_whitespace() {
        *words.get_mut(count)? = word;
        count += 1;
    }
    Some((words, count))
}

fn named_date(month: &str, day: &str, year: &str) -> Option<Date> {
    let is_word = month.bytes().all(|byte| byte.is_ascii_alphabetic());
    let name = month.get(..3).filter(|_| is_word)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|known| *known == name)? + 1;
    let is_year = (2..=4).contains(&year.len()) && year.bytes().all(|byte| byte.is_ascii_digit());
    let year: i16 = year.parse().ok().filter(|_| is_year)?;
    let year = match year {
        0..69 => year + 2000,
        69..100 => year + 1900,
        _ => year,
    };
    Date::new(year, i8::try_from(month).ok()?, number_of(day)?).ok()
}

/// One digit or two.
fn number_of(text: &str) -> Option<i8> {
    let is_number = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn instant(date: Date, time: Time) -> Option<i64> {
    let time = Offset::UTC.to_timestamp(DateTime::from_parts(date, time)).ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filters::trial::Trial;

    fn converted(to: &str, text: &str) -> Value {
        let text = format!("\"{}\"", text.replace('"', "\"\""));
        let options = format!(r#"csv {{ columns => "a" convert => {{ "a" => "{to}" }} }}"#);
        Trial::new(&options).run(json!({"message": text}))["a"].take()
    }

    #[test]
    fn integers_are_rubys() {
        for (text, value) in [
            ("1234", json!(1234)),
            (" -42\t", json!(-42)),
            ("+1_000", json!(1000)),
            ("0x1A", json!(26)),
            ("-0b11", json!(-3)),
            ("010", json!(8)),
            ("0d010", json!(10)),
            ("-0", json!(0)),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ] {
            assert_eq!(converted("integer", text), value, "{text}");
        }
        let long = "9".repeat(500);
        for text in ["", "12a", "1.5", "1__0", "_1", "0x", "09", "- 1", "é", "1e3", long.as_str()]
        {
            assert_eq!(converted("integer", text), json!(text), "{text}");
        }
    }

    #[test]
    fn floats_are_rubys() {
        for (text, value) in [
            ("1234.5678", 1234.5678),
            (" 5 ", 5.0),
            (".5", 0.5),
            ("-1_0.2_5e-1", -1.025),
            ("1E3", 1000.0),
            ("0x10", 16.0),
        ] {
            assert_eq!(converted("float", text), json!(value), "{text}");
        }
        for text in ["", "1.", "1e", "1e400", "nan", "inf", "1.2.3", "e5", ".", "1_.5", "--1"] {
            assert_eq!(converted("float", text), json!(text), "{text}");
        }
    }

    #[test]
    fn truth_values_are_words() {
        assert_eq!(converted("boolean", " TRUE "), json!(true));
        assert_eq!(converted("boolean", "false"), json!(false));
        assert_eq!(converted("boolean", " Yes"), json!("yes"));
    }

    #[test]
    fn dates_are_midnight_and_times_utc() {
        for (to, text, instant) in [
            ("date", "2017-06-01", "2017-06-01T00:00:00.000Z"),
            ("date", "June 1, 2017", "2017-06-01T00:00:00.000Z"),
            ("date", "Thu,  jun 1 99", "1999-06-01T00:00:00.000Z"),
            ("date_time", "2001-02-03 04:05:06", "2001-02-03T04:05:06.000Z"),
            ("date_time", "2001-02-03T04:05:06.5+07:00", "2001-02-02T21:05:06.500Z"),
            ("date_time", "2001-02-03", "2001-02-03T00:00:00.000Z"),
            ("date_time", "Sat Aug 28 02:55:09 2000", "2000-08-28T02:55:09.000Z"),
            ("date_time", "aug 28 2:5:9, 00", "2000-08-28T02:05:09.000Z"),
        ] {
            assert_eq!(converted(to, text), json!(instant), "{text}");
        }
        for text in [
            "invalid_date",
            "",
            "2017-02-30",
            "2017-06-1x",
            "20é7-06-0",
            "Foo 1 2017",
            "a b c d e f",
            "June 31 2017",
            "June +1 2017",
        ] {
            assert_eq!(converted("date", text), json!(text), "{text}");
            assert_eq!(converted("date_time", text), json!(text), "{text}");
        }
        for text in
            ["June 1 2017", "Aug 28 25:00:00 2000", "Aug 28 1:2 2000", "Aug 28 1:2:3:4 2000"]
        {
            assert_eq!(converted("date_time", text), json!(text), "{text}");
        }
    }
}
