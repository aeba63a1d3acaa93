//! Which numbers are those of cards, and how they are hidden.

use proptest::prelude::*;

use super::*;

fn masked(text: &str) -> String {
    assert!(may_be_in(text.as_bytes()), "{text}");
    mask(text).unwrap_or_else(|| panic!("{text} is not masked"))
}

#[test]
fn card_numbers_keep_six_and_four_digits() {
    assert_eq!(masked("4111111111111111"), "411111******1111");
    assert_eq!(masked("card 4111 1111 1111 1111 12/28"), "card 4111 11** **** 1111 12/28");
    assert_eq!(masked("3782-822463-10005"), "3782-82****-*0005");
    assert_eq!(masked("4222222222222,"), "422222***2222,");
    assert_eq!(masked("pan=6011000990139424&x"), "pan=601100******9424&x");
    assert_eq!(masked("2026-11-20 5555555555554444"), "2026-11-20 555555******4444");
    assert_eq!(
        masked("a 2223003122003222, b 4111111111111111."),
        "a 222300******3222, b 411111******1111."
    );
    assert_eq!(masked("6304000000000000000 é"), "630400*********0000 é");
}

#[test]
fn numbers_are_found_among_letters_escapes_and_decimals() {
    for (text, shown) in [
        ("%B4111111111111111^DOE/J^2512", "%B411111******1111^DOE/J^2512"),
        (";4111111111111111D25121010000012345678?", ";411111******1111D25121010000012345678?"),
        ("card%3D4111111111111111", "card%3D411111******1111"),
        ("q=visa%204111111111111111", "q=visa%20411111******1111"),
        ("%4111111111111111", "%411111******1111"),
        ("Card4111111111111111", "Card411111******1111"),
        ("4111111111111111EUR", "411111******1111EUR"),
        ("4111111111111111.00", "411111******1111.00"),
        ("30569309025904", "305693****5904"),
        ("4111111111111111CAD", "411111******1111CAD"),
        ("face4111111111111111", "face411111******1111"),
        ("4111-1111-1111-1111CAD", "4111-11**-****-1111CAD"),
        ("caf%C3%AB4111111111111111", "caf%C3%AB411111******1111"),
    ] {
        assert_eq!(masked(text), shown);
    }
}

#[test]
fn numbers_of_json_may_be_cards() {
    for text in ["4111111111111111", "4111111111111111.0", "-4111111111111111", "30569309025904"] {
        assert!(is_number(text.as_bytes()), "{text}");
    }
    for text in ["1795161600400", "20261120080000", "4111111111111111.5", "1e20", "4111111111.0"] {
        assert!(!is_number(text.as_bytes()), "{text}");
    }
}

#[test]
fn other_numbers_stay() {
    for text in [
        "4111111111111112",
        "1795161600400",
        "9f4111111111111111ab",
        "0.4111111111111111",
        "4111111111111111.01",
        "trace 4111111111111111ab41111111111111",
        "trace abcdef4111111111111111ab",
        "deadbeef-4111-1111-1111-1111abcdef12",
        "abcd4111-1111-1111-1111-abcdefabcdef",
        "4006381333931",
        "imei:357441051815392",
        "230136010219768",
        "+49 170 12345678",
        "2026-11-20 08-00-00-000",
        "order 12345678901234567890123",
        "12 34 56 78 90 12 34",
    ] {
        assert_eq!(mask(text), None, "{text}");
    }
}

#[test]
fn bytes_that_are_shown_are_masked_in_every_spelling() {
    let masked = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        mask_bytes(&mut bytes);
        String::from_utf8(bytes).expect("UTF-8")
    };
    for (text, shown) in [
        ("4111111111111111", "411111******1111"),
        (r#"{"card":"4111 1111 1111 1111","cvc":1}"#, r#"{"card":"4111 11** **** 1111","cvc":1}"#),
        ("5555-5555-5555-4444,", "5555-55**-****-4444,"),
        ("amex 3782 822463 10005 12/27", "amex 3782 82**** *0005 12/27"),
        ("card 4111 1111 1111 1111 12 27", "card 4111 11** **** 1111 12 27"),
        ("4111111111111111 5105105105105100", "411111******1111 510510******5100"),
        ("\u{fc}4222222222222", "\u{fc}422222***2222"),
        ("6011000990139424000", "6011000990139424000"),
    ] {
        assert_eq!(masked(text), shown);
    }
    for text in [
        "4111111111111112",
        "1234",
        "411111111111",
        "41111111111111111111111",
        "4111  1111 1111 1111",
        "4111x1111x1111x1111",
        "2026-01-02 10:00:00",
        "",
        "-",
        "7-",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn numbers_of_json_stay_numbers() {
    for (number, masked) in [
        ("4111111111111111", "4111110000001111"),
        ("30569309025904", "30569300005904"),
        ("6011000990139424", "6011000000009424"),
        // Its check digit would fit.
        ("4111119999990005", "4111110000010005"),
    ] {
        let mut bytes = number.as_bytes().to_vec();
        hide_number(&mut bytes);
        let shown = String::from_utf8(bytes).unwrap();
        assert_eq!(shown, masked);
        assert_eq!(mask(&shown), None, "{shown} is taken for a card number");
    }
}

#[test]
fn the_beginning_of_a_number_at_a_cut_is_hidden() {
    for (line, shown) in [
        ("pan=411111111111111", "pan=411111*********"),
        ("pan 4111 1111 11", "pan 4111 11** **"),
        ("pan 4111 1111 ", "pan 4111 11** "),
        ("pan=411111", "pan=411111"),
        ("id=41111111111111111111", "id=41111111111111111111"),
        ("pan=411111******1111", "pan=411111******1111"),
        ("", ""),
    ] {
        let mut bytes = line.as_bytes().to_vec();
        assert_eq!(hide_at_cut(&mut bytes), line != shown, "{line}");
        assert_eq!(String::from_utf8(bytes).unwrap(), shown);
    }
}

#[test]
fn it_says_whether_it_masked() {
    assert!(mask_bytes(&mut b"x4111111111111111".to_vec()));
    assert!(!mask_bytes(&mut b"\xff\xfe 12".to_vec()));
}

#[test]
fn long_texts_take_no_longer_than_their_length() {
    for text in ["1 ".repeat(500_000), "4111111111111111-".repeat(60_000), "4".repeat(1_000_000)] {
        assert!(may_be_in(text.as_bytes()));
        let masked = mask(&text).unwrap_or(text);
        assert!(!masked.contains("4111111111111111"));
    }
}

proptest! {
    #[test]
    fn looking_at_long_runs_only_finds_the_same(text in "[0-9 %a4-]{0,60}(4111111111111111)?[0-9 %a4-]{0,30}") {
        let mut everywhere = Vec::new();
        find_within(text.as_bytes(), 0..text.len(), &mut everywhere);
        prop_assert_eq!(find(text.as_bytes()), everywhere);
    }

    #[test]
    fn every_card_number_in_any_text_is_seen(
        before in "[ -~]{0,40}[ =:,]", after in "[ =:,;][ -~]{0,40}", body in 400_000_000_000_000u64..600_000_000_000_000
    ) {
        let body = body.to_string();
        let digit = (b'0'..=b'9').find(|digit| {
            let all = [body.as_bytes(), &[*digit]].concat();
            check_sum(&all, |place, digit| if place % 2 == 1 { luhn(digit) } else { digit })
        }).unwrap();
        let number = format!("{body}{}", char::from(digit));
        let text = format!("{before}|{number}|{after}");
        prop_assert!(may_be_in(text.as_bytes()));
        prop_assert!(!mask(&text).unwrap().contains(&number));
    }
}
