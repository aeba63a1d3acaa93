//! Reading and writing by formats.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::DateFormat;
use super::moment::zone_by_id;

/// 2024-06-15T12:00:00Z.
const NOW_NS: i64 = 1_718_452_800_000_000_000;

fn read_at(pattern: &str, text: &str, zone: &str, now_ns: i64) -> Option<String> {
    let pattern = DateFormat::joda(pattern).unwrap();
    let zone = zone_by_id(zone).unwrap();
    let instant = pattern.parse(text)?.resolve(&zone, now_ns)?;
    let mut written = Vec::new();
    event::format_timestamp(instant, &mut written);
    Some(String::from_utf8(written).unwrap())
}

fn read(pattern: &str, text: &str) -> Option<String> {
    read_at(pattern, text, "UTC", NOW_NS)
}

#[test]
fn reads_what_logs_write() {
    for (pattern, text, expected) in [
        ("dd/MMM/yyyy:HH:mm:ss Z", "25/Mar/2013:20:33:56 +0130", "2013-03-25T19:03:56.000Z"),
        ("yyyy-MM-dd HH:mm:ss,SSS", "2026-11-20 08:00:00,120", "2026-11-20T08:00:00.120Z"),
        ("YYYY.MM.dd", "2024.02.29", "2024-02-29T00:00:00.000Z"),
        ("yyyyMMddHHmmssSSS", "20240229235959123", "2024-02-29T23:59:59.123Z"),
        (
            "yyyy-MM-dd'T'HH:mm:ss.SSSSSSZZ",
            "2024-01-01T00:00:00.000001+00:00",
            "2024-01-01T00:00:00.000001000Z",
        ),
        ("MMMM d yyyy, h:mm a", "september 1 2014, 12:05 PM", "2014-09-01T12:05:00.000Z"),
        ("MMM d yyyy, h:mm a", "Sep 1 2014, 12:05 am", "2014-09-01T00:05:00.000Z"),
        ("EEE MMM dd HH:mm:ss yyyy", "Sun Dec 04 04:47:44 2005", "2005-12-04T04:47:44.000Z"),
        (
            "EEEE, dd-MMM-yy HH:mm:ss z",
            "Monday, 15-Aug-05 15:52:01 EST",
            "2005-08-15T20:52:01.000Z",
        ),
        ("yyyy-DDD", "2024-366", "2024-12-31T00:00:00.000Z"),
        ("xxxx-'W'ww-e", "2020-W53-7", "2021-01-03T00:00:00.000Z"),
        ("yy/MM/dd", "43/01/01", "2043-01-01T00:00:00.000Z"),
        ("yy/MM/dd", "44/01/01", "1944-01-01T00:00:00.000Z"),
        ("yyyy ZZZ HH", "2024 America/New_York 07", "2024-01-01T12:00:00.000Z"),
        ("'day' dd'''s'", "DAY 07's", "2024-01-07T00:00:00.000Z"),
    ] {
        assert_eq!(read(pattern, text).as_deref(), Some(expected), "{text} by {pattern}");
    }
}

#[test]
fn refuses_what_does_not_follow_the_pattern() {
    for (pattern, text) in [
        ("yyyy/MM/dd", "2013/Apr/21"),
        ("yyyy/MM/dd", "2013/04/21 "),
        ("yyyy/MM/dd", "2013/04"),
        ("yyyy/MM/dd", "2013/02/30"),
        ("yyyy/MM/dd", "2013/13/01"),
        ("MMM  d HH:mm", "Mar 5 01:00"),
        ("hh:mm a", "13:00 am"),
        ("hh:mm a", "00:00 am"),
        ("HH:mm", "24:00"),
        ("dd/MMM/yyyy Z", "25/Mar/2013 0130"),
        ("yyyy", ""),
        ("yyyy-MM-dd", "2013-é4-21"),
    ] {
        assert_eq!(read(pattern, text), None, "{text} by {pattern}");
    }
}

/// Hostile input 25: year 0, 9999, 1970, 29 February, ends of the range.
#[test]
fn hostile_25_years_at_the_edges() {
    let day = |text| read("yyyy-MM-dd", text);
    assert_eq!(day("1970-01-01").as_deref(), Some("1970-01-01T00:00:00.000Z"));
    assert_eq!(day("2262-04-11").as_deref(), Some("2262-04-11T00:00:00.000Z"));
    for beyond in
        ["0000-01-01", "0001-01-01", "1600-01-01", "2262-04-12", "9999-12-31", "999999999-01-01"]
    {
        assert_eq!(day(beyond), None, "{beyond}");
    }
    assert_eq!(day("2000-02-29").as_deref(), Some("2000-02-29T00:00:00.000Z"));
    assert_eq!(day("1900-02-29"), None);
    assert_eq!(day("2023-02-29"), None);
}

/// Hostile input 25: a year-less 31 December at New Year.
#[test]
fn hostile_25_year_less_dates_are_near() {
    let at = |now: &str, text: &str| {
        read_at("MMM dd HH:mm:ss", text, "UTC", event::parse_iso8601(now).unwrap()).unwrap()
    };
    assert_eq!(at("2014-01-01T00:30:50Z", "Dec 31 23:59:00"), "2013-12-31T23:59:00.000Z");
    assert_eq!(at("2013-12-31T23:59:50Z", "Jan 01 01:00:00"), "2014-01-01T01:00:00.000Z");
    assert_eq!(at("2024-06-15T12:00:00Z", "Dec 31 23:59:00"), "2024-12-31T23:59:00.000Z");
    assert_eq!(at("2024-06-15T12:00:00Z", "Feb 29 01:00:00"), "2024-02-29T01:00:00.000Z");
    let leap_day_in_2023 = event::parse_iso8601("2023-03-01T00:00:00Z").unwrap();
    assert_eq!(read_at("MMM dd", "Feb 29", "UTC", leap_day_in_2023), None);
}

/// Hostile input 25: local times that a change of the clock skips or repeats.
#[test]
fn hostile_25_daylight_saving() {
    let at = |text| read_at("yyyy-MM-dd HH:mm:ss", text, "Europe/Berlin", NOW_NS);
    assert_eq!(at("2016-03-27 01:59:59").as_deref(), Some("2016-03-27T00:59:59.000Z"));
    assert_eq!(at("2016-03-27 02:00:01"), None);
    assert_eq!(at("2016-03-27 03:00:01").as_deref(), Some("2016-03-27T01:00:01.000Z"));
    assert_eq!(at("2016-10-30 02:30:00").as_deref(), Some("2016-10-30T00:30:00.000Z"));
}

#[test]
fn says_what_is_wrong_with_a_format() {
    for (pattern, said) in [
        ("", "empty"),
        ("yyyy-MM-ddTHH", "`T`"),
        ("yyyy 'at", "not closed"),
        (&"y".repeat(1000), "more than"),
        ("YYYY-QQ", "`Q`"),
    ] {
        let error = DateFormat::joda(pattern).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    assert!(!DateFormat::joda("yyyy G").unwrap().is_readable());
}

fn written(format: &DateFormat, timestamp_ns: i64) -> String {
    let mut text = String::new();
    format.write(timestamp_ns, &mut text);
    text
}

#[test]
fn writes_in_utc() {
    let instant = event::parse_iso8601("2021-01-03T15:04:05.678Z").unwrap();
    for (pattern, expected) in [
        ("YYYY.MM.dd", "2021.01.03"),
        ("xxxx-'W'ww e", "2020-W53 7"),
        ("yy-M-d", "21-1-3"),
        ("EEE, dd MMM yyyy HH:mm:ss Z", "Sun, 03 Jan 2021 15:04:05 +0000"),
        ("EEEE MMMM", "Sunday January"),
        ("hh a kk K SSS SSSSSSSSSSS", "03 PM 15 3 678 67800000000"),
        ("D e ZZ zzz 'o''clock'", "3 7 +00:00 UTC o'clock"),
    ] {
        assert_eq!(written(&DateFormat::joda(pattern).unwrap(), instant), expected, "{pattern}");
    }
}

#[test]
fn java_letters_differ() {
    let instant = event::parse_iso8601("2021-01-03T15:04:05Z").unwrap();
    for (pattern, expected) in
        [("YYYY-DDD", "2020-003"), ("uuuu-MM-dd'T'HH:mm:ssX", "2021-01-03T15:04:05Z")]
    {
        assert_eq!(written(&DateFormat::java(pattern).unwrap(), instant), expected, "{pattern}");
    }
}

#[test]
fn java_writes_zones_by_the_count_of_letters_and_has_letters_of_its_own() {
    let instant = event::parse_iso8601("2021-08-03T15:04:05.678Z").unwrap();
    for (pattern, expected) in [
        ("x xx xxx xxxx xxxxx", "+00 +0000 +00:00 +0000 +00:00"),
        ("X XX XXX XXXX XXXXX", "Z Z Z Z Z"),
        ("Z ZZ ZZZ ZZZZ ZZZZZ", "+0000 +0000 +0000 GMT Z"),
        ("z zzzz VV O OOOO", "Z Z Z GMT GMT"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSxxx", "2021-08-03T15:04:05.678+00:00"),
        ("Q qq QQQ QQQQ QQQQQ", "3 03 Q3 3rd quarter 3"),
        ("MMM MMMM MMMMM LLLLL", "Aug August A A"),
        ("EEE EEEE EEEEE", "Tue Tuesday T"),
        ("n nnnnnnnnnnn A N", "678000000 00678000000 54245678 54245678000000"),
    ] {
        assert_eq!(written(&DateFormat::java(pattern).unwrap(), instant), expected, "{pattern}");
    }
    for (pattern, said) in [
        ("yyyy xxxxxx", "`xxxxxx` in `yyyy xxxxxx` means nothing: `x` stands 1 to 5 times"),
        ("ZZZZZZ", "1 to 5 times"),
        ("V", "`V` in `V` means nothing: `V` stands twice"),
        ("OO", "1 or 4 times"),
        ("MMMMMM", "1 to 5 times"),
        ("LLLLLL", "1 to 5 times"),
        ("EEEEEE", "1 to 5 times"),
        ("QQQQQQ", "1 to 5 times"),
        ("yyyy e", "`e` in `yyyy e` is no letter of a date format"),
    ] {
        let error = DateFormat::java(pattern).unwrap_err();
        assert!(error.contains(said), "{pattern}: {error}");
    }
    // Joda has no letter alone.
    let joda = DateFormat::joda("MMMMM EEEEE").unwrap();
    assert_eq!(written(&joda, instant), "August Tuesday");
}

proptest! {
    #[test]
    fn reading_never_panics(pattern in "[yMdHhmsSEaZzDewx':/ T.-]{0,24}", text in ".{0,40}", now: i64) {
        if let Ok(pattern) = DateFormat::joda(&pattern)
            && let Some(moment) = pattern.parse(&text)
        {
            let _: Option<i64> = moment.resolve(&TimeZone::UTC, now);
        }
    }

    #[test]
    fn what_was_written_is_read_back(instant in 0i64..4_102_444_800) {
        let pattern = DateFormat::joda("EEE yyyy-MM-dd'T'HH:mm:ss.SSSZ").unwrap();
        let mut text = String::new();
        pattern.write(instant * 1_000_000_000, &mut text);
        let read = pattern.parse(&text).unwrap().resolve(&TimeZone::UTC, NOW_NS);
        prop_assert_eq!(read, Some(instant * 1_000_000_000));
    }
}
