//! Settings with a unit: sizes (`"1MiB"`) and lengths of time (`"5s"`).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const SIZE_UNITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

const SPAN_UNITS: [(&str, u64); 6] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// A number of bytes, written with its unit: `64KiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// As a length in memory.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A length of time, written with its unit: `250ms`, `90d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// From whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// From milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// In nanoseconds, as timestamps are.
    #[must_use]
    pub fn as_ns(self) -> i64 {
        i64::try_from(self.0.as_nanos()).unwrap_or(i64::MAX)
    }
}

fn parse(text: &str, units: &[(&str, u64)], example: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim()).map(|(_, factor)| *factor);
    let value = number.parse::<u64>().ok().zip(factor).and_then(|(n, f)| n.checked_mul(f));
    value.ok_or_else(|| {
        let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
        format!("`{text}` is not a whole number with a unit ({}), as {example}", names.join(", "))
    })
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &SIZE_UNITS, "64KiB").map(Self)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &SPAN_UNITS, "5s").map(|ns| Self(Duration::from_nanos(ns)))
    }
}

fn write(value: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let fits = |unit: &&(&str, u64)| value >= unit.1 && value.is_multiple_of(unit.1);
    let (name, factor) =
        units.iter().filter(fits).max_by_key(|unit| unit.1).unwrap_or(&units[units.len() - 1]);
    write!(f, "{}{name}", value / factor)
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, &SIZE_UNITS, f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX), &SPAN_UNITS, f)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a text; says what is wanted when it is something else, a bare number say.
struct UnitVisitor<T> {
    wanted: &'static str,
    made: std::marker::PhantomData<T>,
}

impl<T: FromStr<Err = String>> de::Visitor<'_> for UnitVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = "a size with its unit in quotes, as \"64KiB\"";
        deserializer.deserialize_str(UnitVisitor { wanted, made: std::marker::PhantomData })
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = "a length of time with its unit in quotes, as \"5s\"";
        deserializer.deserialize_str(UnitVisitor { wanted, made: std::marker::PhantomData })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_read_exactly() {
        assert_eq!("64KiB".parse(), Ok(ByteSize(65_536)));
        assert_eq!("64KB".parse(), Ok(ByteSize(64_000)));
        assert_eq!(" 7 B ".parse(), Ok(ByteSize(7)));
        assert_eq!("250ms".parse(), Ok(Span::from_millis(250)));
        assert_eq!("90d".parse(), Ok(Span::from_secs(90 * 86_400)));
        assert_eq!("5us".parse(), Ok(Span(Duration::from_micros(5))));
    }

    #[test]
    fn what_has_no_unit_is_too_large_or_is_no_number_is_refused_with_an_example() {
        for text in ["", "5", "KiB", "-1s", "1.5s", "5 parsecs", "1kib", "99999999999TiB"] {
            let (size, span) = (text.parse::<ByteSize>(), text.parse::<Span>());
            assert!(size.is_err_and(|error| error.contains("64KiB")), "{text}");
            assert!(span.is_err_and(|error| error.contains("5s")), "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_told_what_is_wanted() {
        let error = serde_json::from_str::<ByteSize>("5").unwrap_err().to_string();
        assert!(error.contains("a size with its unit"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(bytes: u64, ns in 0_u64..u64::MAX / 2) {
            let size = ByteSize(bytes);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
            let span = Span(Duration::from_micros(ns / 1_000));
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
