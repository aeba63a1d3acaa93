//! Instants in the forms in which loggers write them. A form without a zone means UTC.
//!
//! Numbers are seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their
//! size: in each unit, what lies before the year 5138 is taken for it.

use event::parse_iso8601;

use super::number::Decimal;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Seconds since 1970 until the year 5138.
const SECONDS_MAX: i128 = 100_000_000_000;

/// Nanoseconds since 1970 UTC of a time as a logger writes it.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    match (text.get(2), text.get(4)) {
        (Some(b'/'), _) => access_log(text),
        (_, Some(b'-')) => parse_iso8601(std::str::from_utf8(text).ok()?),
        _ => epoch(text),
    }
}

/// `20/Nov/2026:08:00:00 +0000`, as web servers write it; the zone may be absent.
fn access_log(text: &[u8]) -> Option<i64> {
    let month = MONTHS.iter().position(|month| text.get(3..6) == Some(&month[..]))?;
    let colons = text.get(6) == Some(&b'/') && text.get(11) == Some(&b':');
    let zone = text.get(20..)?;
    if !colons || zone.len() > 6 {
        return None;
    }
    // The same instant in the order of ISO 8601.
    let mut iso = [b'-'; 25];
    iso[..4].copy_from_slice(&text[7..11]);
    iso[5] = b'0' + (month as u8 + 1) / 10;
    iso[6] = b'0' + (month as u8 + 1) % 10;
    iso[8..10].copy_from_slice(&text[..2]);
    iso[10] = b'T';
    iso[11..19].copy_from_slice(&text[12..20]);
    let zone = zone.trim_ascii_start();
    let end = 19 + zone.len();
    iso[19..end].copy_from_slice(zone);
    parse_iso8601(std::str::from_utf8(&iso[..end]).ok()?)
}

fn epoch(text: &[u8]) -> Option<i64> {
    let number = Decimal::parse(text)?;
    let (whole, _) = number.whole(0)?;
    // Powers of ten from the unit to nanoseconds.
    let shift = match whole.unsigned_abs() as i128 {
        size if size < SECONDS_MAX => 9,
        size if size < SECONDS_MAX * 1_000 => 6,
        size if size < SECONDS_MAX * 1_000_000 => 3,
        _ => 0,
    };
    number.whole(shift).and_then(|(value, _)| i64::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHT: i64 = 1_795_161_600_000_000_000;

    #[test]
    fn the_eight_forms_of_one_instant() {
        for (text, nanos) in [
            ("2026-11-20T08:00:00.400Z", 400_000_000),
            ("2026-11-20T08:00:00Z", 0),
            ("2026-11-20T11:30:00.400+03:30", 400_000_000),
            ("1795161600400", 400_000_000),
            ("1795161600", 0),
            ("2026-11-20 08:00:00,400", 400_000_000),
            ("20/Nov/2026:08:00:00 +0000", 0),
            ("1795161600.400", 400_000_000),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(EIGHT + nanos), "{text}");
        }
    }

    #[test]
    fn hostile_25_units_are_told_apart_by_size() {
        for text in ["1795161600", "1795161600000", "1795161600000000", "1795161600000000000"] {
            assert_eq!(parse(text.as_bytes()), Some(EIGHT), "{text}");
        }
        assert_eq!(parse(b"1.7951616e9"), Some(EIGHT));
        assert_eq!(parse(b"0"), Some(0));
        assert_eq!(parse(b"20/Nov/2026:11:30:00 +0330"), Some(EIGHT));
        assert_eq!(parse(b" 2026-11-20T08:00Z "), Some(EIGHT));
    }

    #[test]
    fn what_names_no_instant_is_none() {
        for text in [
            "",
            "yesterday",
            "N/A",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "20/Nox/2026:08:00:00",
            "20/11/2026 08:00:00",
            "20/Nov/2026:08:00",
            "20/Nov/2026:08:00:00 +000000",
            "1e400",
            "-",
            "99999999999999999999",
            "0000-00-00 00:00:00",
            "10000-01-01T00:00:00Z",
            "//",
            "--------",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn february_29_exists_in_leap_years_alone() {
        assert!(parse(b"2024-02-29T00:00:00Z").is_some());
        assert_eq!(parse(b"2026-02-29T00:00:00Z"), None);
    }
}
