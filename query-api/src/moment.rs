//! Moments as people write them: RFC 3339, `now-15m`, milliseconds since 1970. UTC where no offset is
//! given.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use search_store::TimeRange;

use crate::problem::Problem;

const UNITS_S: [(&str, i64); 6] =
    [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400), ("y", 365 * 86_400)];

/// Reads a moment; nanoseconds since 1970.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<i64, String> {
    let moment = match text.strip_prefix("now") {
        Some(rest) => relative(rest, now),
        None => absolute(text),
    };
    let moment = moment.ok_or_else(|| {
        format!(
            "`{}` is not a moment: expected 2026-01-31T12:00:00Z, now-15m (s, m, h, d, w, y) or \
             milliseconds since 1970",
            text.escape_debug()
        )
    })?;
    Ok(as_ns(moment))
}

/// A range from two texts, either of which may be absent or empty.
pub(crate) fn range(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
) -> Result<TimeRange, Problem> {
    let end = |name: &str, text: Option<&str>| match text {
        None | Some("") => Ok(None),
        Some(text) => parse(text, now)
            .map(Some)
            .map_err(|reason| Problem::invalid(format!("{name}: {reason}"))),
    };
    let range = TimeRange { from_ns: end("from", from)?, to_ns: end("to", to)? };
    match range {
        TimeRange { from_ns: Some(from), to_ns: Some(to) } if from > to => {
            Err(Problem::invalid("`from` lies after `to`"))
        }
        range => Ok(range),
    }
}

/// Nanoseconds since 1970, at the ends of what 64 bits hold for what lies beyond.
pub(crate) fn as_ns(moment: Timestamp) -> i64 {
    let ns = moment.as_nanosecond();
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}

/// A moment from nanoseconds since 1970.
pub(crate) fn from_ns(ns: i64) -> Timestamp {
    Timestamp::from_nanosecond(ns.into()).expect("64 bits of nanoseconds end in the year 2262")
}

fn relative(rest: &str, now: Timestamp) -> Option<Timestamp> {
    if rest.is_empty() {
        return Some(now);
    }
    let (sign, amount) = rest.split_at_checked(1)?;
    let unit = amount.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: i64 = amount.strip_suffix(unit)?.parse().ok()?;
    let (_, unit_s) = UNITS_S.iter().find(|(name, _)| *name == unit)?;
    let seconds = number.checked_mul(*unit_s)?;
    let seconds = match sign {
        "-" => -seconds,
        // A plus that was not encoded arrives as a space.
        "+" | " " => seconds,
        _ => return None,
    };
    now.checked_add(SignedDuration::from_secs(seconds)).ok()
}

fn absolute(text: &str) -> Option<Timestamp> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::from_millisecond(text.parse().ok()?).ok();
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let civil = text.parse::<DateTime>().ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-01T00:00:00Z";

    fn read(text: &str) -> Result<String, String> {
        parse(text, NOW.parse().unwrap()).map(|ns| from_ns(ns).to_string())
    }

    #[test]
    fn moments_are_read_in_every_form() {
        for (text, moment) in [
            ("now", NOW),
            ("now-15m", "2026-02-28T23:45:00Z"),
            ("now+1d", "2026-03-02T00:00:00Z"),
            ("now 1d", "2026-03-02T00:00:00Z"),
            ("now-90s", "2026-02-28T23:58:30Z"),
            ("now-2h", "2026-02-28T22:00:00Z"),
            ("now-20y", "2006-03-06T00:00:00Z"),
            ("2026-01-02T03:04:05.123456789+02:00", "2026-01-02T01:04:05.123456789Z"),
            ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("1767225600123", "2026-01-01T00:00:00.123Z"),
            ("-1", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(moment), "{text}");
        }
    }

    #[test]
    fn other_texts_are_named_and_never_panic() {
        for text in [
            "yesterday",
            "now-",
            "now-15",
            "now-m",
            "now*2d",
            "now-15q",
            "now-99999999999999999999s",
            "now-9223372036854775807y",
            "now−1d",
            "99999999999999999999",
            "2026-13-01",
            "-",
            "\u{0}",
            "now-1d/d",
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains("is not a moment"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_range_has_its_ends_in_order() {
        let now = NOW.parse().unwrap();
        assert_eq!(range(None, Some(""), now).unwrap(), TimeRange::default());
        assert!(range(Some("now"), Some("now-1h"), now).is_err());
        let whole = range(Some("0001-01-01"), Some("9999-12-30"), now).unwrap();
        assert_eq!(whole, TimeRange { from_ns: Some(i64::MIN), to_ns: Some(i64::MAX) });
    }
}
