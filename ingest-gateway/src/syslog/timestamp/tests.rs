//! Which instant a time means that says less than it should.

use super::{Clock, Rfc3339, leading, leading_with_year, rfc3339, zone_by_name};

fn ns(text: &str) -> i64 {
    event::parse_iso8601(text).unwrap()
}

/// The instant of a time that stands at the beginning, and what follows it.
fn read<'t>(text: &'t str, received: &str, zone: &str) -> Option<(i64, &'t str)> {
    let zone = zone_by_name(zone).unwrap();
    leading(text, Clock { zone: &zone, received_at_ns: ns(received) })
}

fn check(text: &str, received: &str, zone: &str, expected: &str) {
    assert_eq!(read(text, received, zone), Some((ns(expected), "")), "{text} at {received}");
}

#[test]
fn rfc_5424_is_strict() {
    for (word, expected) in [
        ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.52Z"),
        ("1985-04-12T19:20:50.52-04:00", "1985-04-12T23:20:50.52Z"),
        ("2003-10-11T22:14:15.003Z", "2003-10-11T22:14:15.003Z"),
        ("2003-08-24T05:14:15.000003-07:00", "2003-08-24T12:14:15.000003Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
    ] {
        assert_eq!(rfc3339(word), Rfc3339::At(ns(expected)), "{word}");
    }
    for word in ["2026-02-28T23:59:60Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+01:00"] {
        assert_eq!(rfc3339(word), Rfc3339::Unusable, "{word}");
    }
    for word in [
        "2026-11-23T02:29:04",
        "2026-11-23t02:29:04Z",
        "2026-11-23T02:29:04z",
        "2026-11-23 02:29:04Z",
        "2026-02-30T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T02:60:00Z",
        "2026-11-23T02:29:61Z",
        "2026-11-23T02:29:04.Z",
        "2026-11-23T02:29:04.0123456789Z",
        "2026-11-23T02:29:04+24:00",
        "2026-11-23T02:29:04+0100",
        "26-11-23T02:29:04Z",
        "2026-11-23T2:29:04Z",
        "2026-11-23TZ",
        "T",
        "é",
    ] {
        assert_eq!(rfc3339(word), Rfc3339::Illegal, "{word}");
    }
}

#[test]
fn hostile_25_the_year_is_the_one_nearest_to_the_receipt() {
    for (text, received, expected) in [
        ("Dec 31 23:59:59", "2027-01-01T00:00:01Z", "2026-12-31T23:59:59Z"),
        ("Jan  1 00:00:01", "2026-12-31T23:59:58Z", "2027-01-01T00:00:01Z"),
        ("Nov 23 02:29:04", "2026-11-23T02:29:05Z", "2026-11-23T02:29:04Z"),
        ("Mar  1 00:00:00", "2026-08-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("Dec 24 12:00:00", "2026-05-01T00:00:00Z", "2025-12-24T12:00:00Z"),
        ("Feb 29 12:00:00", "2028-03-01T00:00:00Z", "2028-02-29T12:00:00Z"),
    ] {
        check(text, received, "UTC", expected);
    }
    assert_eq!(read("Feb 29 12:00:00", "2027-03-01T00:00:00Z", "UTC"), None, "no such day");
    assert_eq!(
        read("Feb 29 12:00:00", "2029-02-28T00:00:00Z", "UTC"),
        None,
        "a year ago is not near"
    );
}

#[test]
fn a_time_without_a_zone_is_of_the_zone_that_is_set() {
    check("Nov 23 02:29:04", "2026-11-23T02:00:00Z", "Europe/Berlin", "2026-11-23T01:29:04Z");
    check("Jul 23 02:29:04", "2026-07-23T02:00:00Z", "Europe/Berlin", "2026-07-23T00:29:04Z");
    check("Nov 23 02:29:04", "2026-11-23T02:00:00Z", "-07:00", "2026-11-23T09:29:04Z");
    // The year of the zone, not of UTC.
    check("Dec 31 23:30:00", "2027-01-01T00:30:00Z", "Atlantic/Azores", "2027-01-01T00:30:00Z");
    assert!(zone_by_name("Europe/Nowhere").is_none() && zone_by_name("+25:00").is_none());
}

#[test]
fn hours_that_stand_twice_or_never() {
    // Clocks go back at 03:00 in Berlin on 25 October 2026, and forward at 02:00 on 29 March.
    let berlin = "Europe/Berlin";
    check("Oct 25 02:30:00", "2026-10-25T00:30:01Z", berlin, "2026-10-25T00:30:00Z");
    check("Oct 25 02:30:00", "2026-10-25T01:30:01Z", berlin, "2026-10-25T01:30:00Z");
    check("Mar 29 02:30:00", "2026-03-29T01:30:01Z", berlin, "2026-03-29T01:30:00Z");
}

#[test]
fn senders_write_days_fractions_and_years_in_their_ways() {
    let received = "2026-07-02T12:00:00Z";
    for (text, expected) in [
        ("Apr  1 12:34:56", "2026-04-01T12:34:56Z"),
        ("Apr 1 12:34:56", "2026-04-01T12:34:56Z"),
        ("Apr 01 12:34:56", "2026-04-01T12:34:56Z"),
        ("Apr  1 12:34:56.789", "2026-04-01T12:34:56.789Z"),
        ("Apr  1 2019 12:34:56", "2019-04-01T12:34:56Z"),
        ("2019-04-01T12:34:56.789+02:00", "2019-04-01T10:34:56.789Z"),
    ] {
        check(text, received, "UTC", expected);
    }
    let zone = zone_by_name("UTC").unwrap();
    let clock = Clock { zone: &zone, received_at_ns: ns(received) };
    let read = leading_with_year("2026 Nov 23 02:29:04 UTC: %A", clock);
    assert_eq!(read, Some((ns("2026-11-23T02:29:04Z"), " UTC: %A")));
}

#[test]
fn what_is_no_time_is_none() {
    for text in [
        "",
        "Nov",
        "Nov 23",
        "nov 23 02:29:04",
        "NOV 23 02:29:04",
        "Nov 31 02:29:04",
        "Nov 0 02:29:04",
        "Nov 23 24:00:00",
        "Nov 23 02:60:00",
        "Nov 23 02:29:60",
        "Nov 23 2:29:04",
        "Nov 23 02:29:04x",
        "Nov   3 02:29:04",
        "Nov 123 02:29:04",
        "Növ 23 02:29:04",
        "Nov 23 02:29:é",
        "2026-11-23T02:29:04 h",
        "1990 Oct 22 10:52:01",
    ] {
        assert_eq!(read(text, "2026-07-02T12:00:00Z", "UTC"), None, "{text}");
    }
}
