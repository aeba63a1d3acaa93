//! What counts as a secret, and where it is found.

use proptest::prelude::*;

use super::name::{ANYWHERE, AUTHORIZATION, COOKIES, WORDS};
use super::{NameFault, Secrets, check_name};

/// What users are told.
const MASKING_PAGE: &str = include_str!("../../../../docs/masking.md");

/// The secrets of a line.
fn found(secrets: &Secrets, line: &str) -> Vec<String> {
    let found = secrets.find(line.as_bytes(), false);
    found.into_iter().map(|secret| line[secret.range].to_owned()).collect()
}

/// A name as it is written in different places; words stand apart by `_`.
fn spellings(name: &str) -> Vec<String> {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let words: Vec<&str> = name.split('_').collect();
    let capitals: String = words.iter().map(|word| capital(word)).collect();
    let camel =
        words[0].to_owned() + &words[1..].iter().map(|word| capital(word)).collect::<String>();
    let header: Vec<String> = words.iter().map(|word| capital(word)).collect();
    vec![
        name.to_owned(),
        words.concat(),
        words.join("-"),
        name.to_uppercase().replace("PWD", "DB_PWD"),
        format!("X-{}", header.join("-")),
        format!("shop.{name}"),
        format!("old_{name}"),
        format!("user{capitals}"),
        capitals,
        camel,
    ]
}

/// The names that users are told of, as the page writes them.
fn documented_names() -> impl Iterator<Item = &'static str> {
    let (_, behind) = MASKING_PAGE.split_once("| names |").expect("the table of names");
    let (table, _) = behind.split_once("those of `keys`").expect("the end of the table");
    let quoted = table.split('`').skip(1).step_by(2);
    // Beside names it quotes `PWD` and `=`.
    quoted.filter(|text| text.starts_with(|character: char| character.is_ascii_lowercase()))
}

#[test]
fn names_of_secrets_are_known_in_every_spelling() {
    let secrets = Secrets::default();
    for name in documented_names().chain(["Proxy-Authorization", "Set-Cookie"]) {
        for spelling in spellings(name) {
            assert!(secrets.is_name(spelling.as_bytes()), "{spelling}");
            // As a cookie has it, which is one only with a name of its own.
            let line = format!("{{\"a\":1,\"{spelling}\":\"sid=hunter2\",\"b\":2}}");
            assert_eq!(found(&secrets, &line), ["sid=hunter2"], "{line}");
            let line = format!("level=info {spelling}=sid=hunter2 user=ada");
            assert_eq!(found(&secrets, &line), ["sid=hunter2"], "{line}");
        }
    }
}

#[test]
fn every_name_of_secrets_is_documented() {
    for name in ANYWHERE.iter().chain(&WORDS).chain([&AUTHORIZATION]).chain(&COOKIES) {
        assert!(documented_names().any(|documented| documented == *name), "{name}");
    }
}

#[test]
fn other_names_are_none() {
    let secrets = Secrets::default();
    for name in [
        "",
        "_",
        "PWD",
        "OLDPWD",
        "account_id",
        "api",
        "apikeys",
        "authorized",
        "author",
        "bypass",
        "cache_key",
        "card_bin",
        "card_fingerprint",
        "card_last4",
        "cpwd",
        "cvvs",
        "idempotency_key",
        "key",
        "keyboard",
        "keyword",
        "monkey",
        "partition_key",
        "password_reset_at",
        "passwordless",
        "passwords_changed",
        "paid_tokens",
        "payment_token",
        "primary_key",
        "private_key_id",
        "secretary",
        "secret_count",
        "session_id",
        "sort_key",
        "survey",
        "token",
        "token_count",
        "topsecret",
        "trace_id",
        "turkey",
        "user_id",
        "voidtoken",
    ] {
        assert!(!secrets.is_name(name.as_bytes()), "{name}");
        let line = format!("{{\"a\":1,\"{name}\":\"hunter2\",\"b\":2}}");
        assert_eq!(found(&secrets, &line), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn further_names_count_too() {
    let secrets =
        Secrets::new(&["pin".into(), "iban".into(), "internal_note".into(), "a b".into()]);
    for name in [
        "pin",
        "PIN",
        "Pin",
        "card_pin",
        "cardPin",
        "iban",
        "IBAN",
        "internal_note",
        "internalNote",
    ] {
        let line = format!("{{\"{name}\":\"x\",\"password\":\"y\"}}");
        assert_eq!(found(&secrets, &line), ["x", "y"], "{line}");
    }
    for name in ["spin", "pinned", "ping", "note"] {
        assert!(!secrets.is_name(name.as_bytes()), "{name}");
    }
    let many: Vec<String> = (0..100).map(|number| format!("name{number}")).collect();
    assert_eq!(found(&Secrets::new(&many), "name7=x api_key=y"), ["x", "y"]);
}

#[test]
fn names_that_would_be_found_everywhere_are_refused() {
    for name in ["pin", "iban", "internal_note", "X-Shop-Pin", "user.pin", "pin2"] {
        assert_eq!(check_name(name), Ok(()), "{name}");
    }
    assert_eq!(check_name("client secret"), Err(NameFault::Character(' ')));
    assert_eq!(check_name("geheimwört"), Err(NameFault::Character('ö')));
    for name in ["", "id", "_", "a_b", "x-y.z1"] {
        assert_eq!(check_name(name), Err(NameFault::Short), "{name}");
    }
}

#[test]
fn at_a_cut_the_beginning_of_a_secret_is_one() {
    let secrets = Secrets::default();
    for (line, expected) in [
        (r#"{"password":"hun"#, vec!["hun"]),
        ("k=AKIAIOSFOD", vec!["IOSFOD"]),
        ("got Bearer abc", vec!["abc"]),
        ("t=eyJhbGciOiJIUzI1NiJ9.eyJz", vec!["hbGciOiJIUzI1NiJ9.eyJz"]),
        ("k=AKIAIOSFOD.", vec![]),
    ] {
        let found = secrets.find(line.as_bytes(), true);
        let found: Vec<&str> = found.into_iter().map(|secret| &line[secret.range]).collect();
        assert_eq!(found, expected, "{line}");
    }
    assert_eq!(found(&secrets, "k=AKIAIOSFOD"), Vec::<String>::new());
}

#[test]
fn long_lines_take_no_longer_than_their_length() {
    let secrets = Secrets::default();
    for piece in [
        "password=",
        "\"password\":\"",
        "password='",
        "\\\"password\\\":\\\"",
        "key",
        "_",
        "eyJ",
        "eyJhbGciOiJI.",
        "://a@",
        "xoxb-",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----------END",
        "Bearer ",
        "Basic ",
        "cookie: a",
        "\\",
        "'",
        "{\"cvv\":1,",
        "password%3Da%26",
    ] {
        let line = piece.repeat((1 << 20) / piece.len());
        let found = secrets.find(line.as_bytes(), false);
        assert!(found.iter().all(|secret| secret.range.end <= line.len()), "{piece}");
    }
}

proptest! {
    #[test]
    fn secrets_stand_in_order_and_apart(line in proptest::collection::vec(piece(), 0..20), is_cut in any::<bool>()) {
        let line = line.concat();
        let mut end = 0;
        for secret in Secrets::default().find(&line, is_cut) {
            prop_assert!(end <= secret.range.start && secret.range.start < secret.range.end);
            end = secret.range.end;
        }
        prop_assert!(end <= line.len());
    }
}

/// A part of a line: what matters here, or any bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        "password",
        "cookie",
        "authorization",
        "cvv",
        "=",
        ":",
        "\"",
        "'",
        "\\",
        " ",
        "Bearer ",
        "Basic ",
        "eyJ",
        ".",
        "-----BEGIN PRIVATE KEY-----",
        "://",
        "@",
        "{",
        "[",
        "a1B2c3D4e5F6g7H8",
    ]);
    prop_oneof![
        4 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ]
}
