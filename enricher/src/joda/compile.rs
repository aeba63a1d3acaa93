//! From the text of a format to steps.

use super::{DateFormat, Form, Numeric, Step, Word, ZoneStyle};

/// How often a letter may stand in a row.
const REPEAT_MAX: usize = 32;

/// Whose letters are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Joda,
    Java,
}

impl DateFormat {
    /// Compiles Joda's letters. The error says what is wrong with the format.
    pub(crate) fn joda(pattern: &str) -> Result<Self, String> {
        compile(pattern, Dialect::Joda)
    }

    /// Compiles the letters of java.time. The error says what is wrong with the format.
    pub(crate) fn java(pattern: &str) -> Result<Self, String> {
        compile(pattern, Dialect::Java)
    }
}

fn compile(pattern: &str, dialect: Dialect) -> Result<DateFormat, String> {
    if pattern.is_empty() {
        return Err("a date format cannot be empty".to_owned());
    }
    let mut steps = Vec::new();
    let mut literal = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = quoted(rest, &mut literal)
                .ok_or_else(|| format!("`{pattern}` has a single quote that is not closed"))?;
        } else if first.is_ascii_alphabetic() {
            let count = rest.chars().take_while(|letter| *letter == first).count();
            rest = &rest[count..];
            if count > REPEAT_MAX {
                return Err(format!("`{pattern}` has `{first}` more than {REPEAT_MAX} times"));
            }
            let step = step(dialect, first, count, starts_numeric(rest))
                .ok_or_else(|| no_step(dialect, first, count, pattern))?;
            if !literal.is_empty() {
                steps.push(Step::Literal(std::mem::take(&mut literal).into()));
            }
            steps.push(step);
        } else {
            literal.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    if !literal.is_empty() {
        steps.push(Step::Literal(literal.into()));
    }
    Ok(DateFormat { steps: steps.into() })
}

/// What is wrong with a letter: it means nothing, or not so many of it do.
fn no_step(dialect: Dialect, letter: char, count: usize, pattern: &str) -> String {
    let counts = match letter {
        _ if dialect == Dialect::Joda => None,
        'M' | 'L' | 'E' | 'Q' | 'q' | 'x' | 'X' | 'Z' => Some("1 to 5 times"),
        'z' => Some("1 to 4 times"),
        'O' => Some("1 or 4 times"),
        'V' => Some("twice"),
        _ => None,
    };
    match counts {
        Some(counts) => {
            let letters = letter.to_string().repeat(count);
            format!("`{letters}` in `{pattern}` means nothing: `{letter}` stands {counts}")
        }
        None => format!("`{letter}` in `{pattern}` is no letter of a date format"),
    }
}

/// Takes `'text'` or `''` from the start of `rest`; inside quotes `''` is one quote.
fn quoted<'p>(rest: &'p str, literal: &mut String) -> Option<&'p str> {
    let mut rest = &rest[1..];
    if let Some(after) = rest.strip_prefix('\'') {
        literal.push('\'');
        return Some(after);
    }
    loop {
        let end = rest.find('\'')?;
        literal.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(after) = rest.strip_prefix('\'') else {
            return Some(rest);
        };
        literal.push('\'');
        rest = after;
    }
}

/// Whether digits follow directly, so that a number before them must stop at its own width.
fn starts_numeric(rest: &str) -> bool {
    let Some(first) = rest.chars().next() else {
        return false;
    };
    let count = rest.chars().take_while(|letter| *letter == first).count();
    match first {
        'M' => count <= 2,
        other => "YyuxwedDhHkKmsS".contains(other),
    }
}

fn step(dialect: Dialect, letter: char, count: usize, digits_follow: bool) -> Option<Step> {
    let number = |field, digits_max: usize| Step::Number {
        field,
        digits_min: count,
        digits_max: digits_max.max(count),
    };
    let year = |field| match count {
        2 => Step::TwoDigitYear { field, lenient: !digits_follow },
        _ if digits_follow => Step::Number { field, digits_min: count, digits_max: count },
        _ => number(field, 9),
    };
    Some(match (dialect, letter) {
        (Dialect::Java, 'M' | 'L' | 'E') if count > 5 => return None,
        (Dialect::Joda, 'Y') | (_, 'y') | (Dialect::Java, 'u') => year(Numeric::Year),
        (Dialect::Joda, 'x') | (Dialect::Java, 'Y') => year(Numeric::WeekYear),
        (Dialect::Joda, 'C') => number(Numeric::Century, 2),
        (Dialect::Joda, 'e') => number(Numeric::Weekday, 1),
        (_, 'M') | (Dialect::Java, 'L') if count >= 3 => {
            Step::Word { field: Word::Month, form: form(dialect, count) }
        }
        (_, 'M') | (Dialect::Java, 'L') => number(Numeric::Month, 2),
        (_, 'd') => number(Numeric::Day, 2),
        (_, 'D') => number(Numeric::DayOfYear, 3),
        (_, 'w') => number(Numeric::Week, 2),
        (_, 'E') => Step::Word { field: Word::Weekday, form: form(dialect, count) },
        (_, 'G') => Step::Word { field: Word::Era, form: Form::Short },
        (_, 'a') => Step::Word { field: Word::Halfday, form: Form::Short },
        (_, 'K') => number(Numeric::HourOfHalfday, 2),
        (_, 'h') => number(Numeric::ClockHourOfHalfday, 2),
        (_, 'H') => number(Numeric::Hour, 2),
        (_, 'k') => number(Numeric::ClockHour, 2),
        (_, 'm') => number(Numeric::Minute, 2),
        (_, 's') => number(Numeric::Second, 2),
        (_, 'S') => Step::Fraction { digits: count },
        (Dialect::Joda, 'z') => Step::Zone(ZoneStyle::Name),
        (Dialect::Joda, 'Z') => Step::Zone(match count {
            1 => ZoneStyle::Offset,
            2 => ZoneStyle::ColonOffset,
            _ => ZoneStyle::Id,
        }),
        (Dialect::Java, 'Q' | 'q') => match count {
            1 | 2 => number(Numeric::Quarter, 2),
            3..=5 => Step::Word { field: Word::Quarter, form: form(dialect, count) },
            _ => return None,
        },
        (Dialect::Java, 'n') => number(Numeric::NanosecondOfSecond, 9),
        (Dialect::Java, 'A') => number(Numeric::MillisecondOfDay, 8),
        (Dialect::Java, 'N') => number(Numeric::NanosecondOfDay, 14),
        (Dialect::Java, _) => return utc_in_java(letter, count),
        (Dialect::Joda, _) => return None,
    })
}

/// How much of a word so many letters ask for.
fn form(dialect: Dialect, count: usize) -> Form {
    match (dialect, count) {
        (Dialect::Java, 5) => Form::Narrow,
        (_, 4..) => Form::Long,
        _ => Form::Short,
    }
}

/// How java.time writes the zone of a date by the count of its letters. Dates are written in UTC only.
fn utc_in_java(letter: char, count: usize) -> Option<Step> {
    let written = match (letter, count) {
        ('x', 1) => "+00",
        ('x', 2 | 4) | ('Z', 1..=3) => "+0000",
        ('x', 3 | 5) => "+00:00",
        ('Z', 4) | ('O', 1 | 4) => "GMT",
        ('X', 1..=5) | ('Z', 5) | ('z', 1..=4) | ('V', 2) => "Z",
        _ => return None,
    };
    Some(Step::Literal(written.into()))
}
