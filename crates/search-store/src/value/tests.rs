//! Numbers are exact, dates and networks have ends, and no text panics.

use proptest::prelude::*;

use super::{
    Scaled, format_address, format_scaled, indexed_date, indexed_scaled, parse_address, parse_date,
    parse_double, parse_network, parse_scaled,
};

#[test]
fn numbers_are_rounded_down_and_say_so() {
    let check = |text: &str, scale: u8, floor: i128, exact: bool| {
        assert_eq!(parse_scaled(text.as_bytes(), scale), Some(Scaled { floor, exact }), "{text}");
    };
    check("0", 2, 0, true);
    check("-0.000", 2, 0, true);
    check("129.90", 2, 12_990, true);
    check("129.9", 2, 12_990, true);
    check("+.5", 2, 50, true);
    check("5.", 2, 500, true);
    check("0.005", 2, 0, false);
    check("-0.005", 2, -1, false);
    check("-1.239", 2, -124, false);
    check("1e3", 0, 1_000, true);
    check("1.5E+2", 1, 1_500, true);
    check("12345e-2", 2, 12_345, true);
    check("12345e-3", 1, 123, false);
    check("000000000000000000000000000000000000000000007", 0, 7, true);
    check("1.00000000000000000000000000000000000000000000", 2, 100, true);
    check("1.00000000000000000000000000000000000000000001", 2, 100, false);
    check("0e99999999999999999999", 2, 0, true);
    check("1e-99999999999999999999", 2, 0, false);
    assert_eq!(indexed_scaled(b"9223372036854775807", 0), Some(i64::MAX));
    assert_eq!(indexed_scaled(b"-9223372036854775808", 0), Some(i64::MIN));
    assert_eq!(indexed_scaled(b"9223372036854775808", 0), None);
    assert_eq!(indexed_scaled(b"1e400", 2), None);
    for text in
        ["", "-", "+", ".", "1,5", "1.2.3", "1e", "e5", "0x10", "NaN", "inf", " 1", "1 ", "--1"]
    {
        assert_eq!(parse_scaled(text.as_bytes(), 2), None, "{text}");
    }
}

#[test]
fn numbers_are_written_with_their_decimals() {
    let check = |value: i64, scale: u8, text: &str| assert_eq!(format_scaled(value, scale), text);
    check(12_990, 2, "129.90");
    check(5, 2, "0.05");
    check(-5, 2, "-0.05");
    check(0, 2, "0.00");
    check(-7, 0, "-7");
    check(i64::MIN, 2, "-92233720368547758.08");
}

#[test]
fn doubles_are_finite() {
    assert_eq!(parse_double(b"2.5e3"), Some(2_500.0));
    for text in ["inf", "NaN", "1e400", "", "x", "1,5"] {
        assert_eq!(parse_double(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn dates_stand_for_a_time() {
    const DAY_NS: i64 = 86_400_000_000_000;
    let day = 1_795_478_400_000_000_000;
    assert_eq!(parse_date("2026-11-24"), Some((day, day + DAY_NS - 1)));
    assert_eq!(parse_date("2026-11-24T00:00:00Z"), Some((day, day)));
    assert_eq!(parse_date("1795478400000"), Some((day, day + 999_999)));
    assert_eq!(parse_date("-1"), Some((-1_000_000, -1)));
    assert_eq!(indexed_date("2026-11-24T01:00:00+01:00"), Some(day));
    assert_eq!(indexed_date("1795478400000"), Some(day));
    for text in
        ["", "now-1h", "2026-11-31", "2026-1-1", "24.11.2026", "99999999999999999", "-", "+5"]
    {
        assert_eq!(parse_date(text), None, "{text}");
    }
}

#[test]
fn networks_have_a_first_and_a_last_address() {
    let check = |text: &str, first: &str, last: &str| {
        let network = parse_network(text).map(|(a, b)| (format_address(a), format_address(b)));
        assert_eq!(network, Some((first.to_owned(), last.to_owned())), "{text}");
    };
    check("10.1.2.3/8", "10.0.0.0", "10.255.255.255");
    check("0.0.0.0/0", "0.0.0.0", "255.255.255.255");
    check("10.1.2.3/32", "10.1.2.3", "10.1.2.3");
    check("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    check("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    for text in [
        "10.0.0.0",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "::/129",
        "x/8",
        "10.0.0.0/",
        "/8",
    ] {
        assert_eq!(parse_network(text), None, "{text}");
    }
    assert_eq!(parse_address("10.1.2.3").map(format_address).as_deref(), Some("10.1.2.3"));
    assert_eq!(parse_address("010.1.2.3"), None);
    assert_eq!(parse_address("localhost"), None);
}

proptest! {
    #[test]
    fn any_text_is_a_number_or_not(text in "[-+.eE0-9]{0,60}", scale in 0u8..20) {
        if let Some(Scaled { floor, .. }) = parse_scaled(text.as_bytes(), scale) {
            prop_assert!(floor.unsigned_abs() <= 1 << 100);
        }
    }

    #[test]
    fn decimals_come_back(value in any::<i64>(), scale in 0u8..18) {
        let text = format_scaled(value, scale);
        prop_assert_eq!(indexed_scaled(text.as_bytes(), scale), Some(value));
    }

    #[test]
    fn rounding_keeps_the_order(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000) {
        // Of four decimals, read with two.
        let read = |value: i64| parse_scaled(format_scaled(value, 4).as_bytes(), 2).expect("a number");
        prop_assert_eq!(read(a).floor, i128::from(a.div_euclid(100)));
        prop_assert_eq!(read(a).exact, a.rem_euclid(100) == 0);
        prop_assert!(a > b || read(a).floor <= read(b).floor);
    }
}
