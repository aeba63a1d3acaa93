//! What becomes of lines.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{LineMask, MaskedLine};
use crate::secret::Secrets;

fn mask() -> LineMask {
    LineMask::new(true, Some(Secrets::default()))
}

/// A line as it is stored.
fn stored(line: &str) -> String {
    let masked = mask().mask(line.as_bytes(), false);
    masked.map_or_else(|| line.to_owned(), |masked| String::from_utf8(masked.bytes).expect("UTF-8"))
}

#[test]
fn secrets_of_json_are_masked() {
    for (line, expected) in [
        (r#"{"password":"hunter2"}"#, r#"{"password":"***"}"#),
        (r#"{"db_password" : "a\"b\\", "x":1}"#, r#"{"db_password" : "***", "x":1}"#),
        (
            r#"{"cvv":123,"cvc2":"123","pwd":null,"secret":true}"#,
            r#"{"cvv":0,"cvc2":"***","pwd":null,"secret":true}"#,
        ),
        (r#"{"api_key":-1.5e3}"#, r#"{"api_key":0}"#),
        (
            r#"{"Authorization":["Bearer x"],"Cookie":["a=1", "b=2"],"Accept":"*/*"}"#,
            r#"{"Authorization":["***"],"Cookie":["***", "***"],"Accept":"*/*"}"#,
        ),
        (r#"{"a":{"b":[{"password":"x"}]}}"#, r#"{"a":{"b":[{"password":"***"}]}}"#),
        (
            r#"{"body":"{\"password\":\"hunter2\",\"user\":\"ada\",\"cvv\":123}"}"#,
            r#"{"body":"{\"password\":\"***\",\"user\":\"ada\",\"cvv\":0}"}"#,
        ),
        (
            r#"{"b":"{\"c\":\"{\\\"password\\\":\\\"x\\\\\\\"y\\\"}\"}"}"#,
            r#"{"b":"{\"c\":\"{\\\"password\\\":\\\"***\\\"}\"}"}"#,
        ),
        (r#"{"message":"login password=hunter2 ok"}"#, r#"{"message":"login password=*** ok"}"#),
        (r#"{"message":"a\npassword: x\nuser: y"}"#, r#"{"message":"a\npassword: ***\nuser: y"}"#),
        (r#"{"message":"password=\"x y\" z"}"#, r#"{"message":"password=\"***\" z"}"#),
        (r#"{"message":"cookie: a=b\r\nhost: x"}"#, r#"{"message":"cookie: ***\r\nhost: x"}"#),
        (
            r#"{"url":"/login?user=a&password=b&api_key=c"}"#,
            r#"{"url":"/login?user=a&password=***&api_key=***"}"#,
        ),
        (
            r#"{"url":"/?u=1\u0026password=b\u0026y=2"}"#,
            r#"{"url":"/?u=1\u0026password=***\u0026y=2"}"#,
        ),
        (r#"{"m":"x\nghp_0123456789abcdefghijABCDEFGHIJ012345"}"#, r#"{"m":"x\nghp_***"}"#),
        (r#"{"dsn":"postgres:\/\/u:pw@db\/shop"}"#, r#"{"dsn":"postgres:\/\/u:***@db\/shop"}"#),
        (
            r#"{"k":"-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----\n","n":1}"#,
            r#"{"k":"-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\n","n":1}"#,
        ),
        (
            r#"{"k":"-----BEGIN PRIVATE KEY-----\nMIIE\nabc","n":1}"#,
            r#"{"k":"-----BEGIN PRIVATE KEY-----***","n":1}"#,
        ),
        (
            r#"{"client secret":"x","a.b.secret":"y"}"#,
            r#"{"client secret":"***","a.b.secret":"***"}"#,
        ),
    ] {
        assert_eq!(stored(line), expected);
        assert_eq!(stored(expected), expected, "once is enough");
    }
}

#[test]
fn secrets_of_plain_text_are_masked() {
    for (line, expected) in [
        ("level=info password=hunter2 user=ada", "level=info password=*** user=ada"),
        ("user=ada password=\"a b\\\"c\" x=1", "user=ada password=\"***\" x=1"),
        ("{'password': 'hunter2', 'user': 'ada'}", "{'password': '***', 'user': 'ada'}"),
        (
            "P: {\"user\"=>\"ada\", \"password\"=>\"hunter2\", :secret=>\"s\"}",
            "P: {\"user\"=>\"ada\", \"password\"=>\"***\", :secret=>\"***\"}",
        ),
        ("Server=db;Uid=sa;Pwd=x1;Timeout=5", "Server=db;Uid=sa;Pwd=***;Timeout=5"),
        ("db.password = hunter2", "db.password = ***"),
        ("spring.datasource.password: hunter2", "spring.datasource.password: ***"),
        ("password := \"x\"", "password := \"***\""),
        ("GET /?api_key=abc&x=1 HTTP/1.1", "GET /?api_key=***&x=1 HTTP/1.1"),
        ("to=%2Flogin%3Fpassword%3Dabc%26x%3D1", "to=%2Flogin%3Fpassword%3D***%26x%3D1"),
        ("Authorization: Bearer abc.def, x", "Authorization: ***"),
        ("authorization=Bearer abc next=1", "authorization=*** next=1"),
        ("curl -H 'Authorization: Basic eA==' http://h/", "curl -H 'Authorization: ***' http://h/"),
        ("Set-Cookie: sid=1; Path=/; HttpOnly", "Set-Cookie: ***"),
        ("MYSQL_PWD=x PWD=/srv OLDPWD=/", "MYSQL_PWD=*** PWD=/srv OLDPWD=/"),
        ("redis://:s3cret@cache:6379/0", "redis://:***@cache:6379/0"),
        ("mongodb://ada:p@w@h1:27017,h2:27017/shop", "mongodb://ada:***@h1:27017,h2:27017/shop"),
        ("got Bearer abcdef123456789 from", "got Bearer *** from"),
        ("got Basic dXNlcjpwYXNz from", "got Basic *** from"),
        ("k=AKIAIOSFODNN7EXAMPLE.", "k=AKIA***."),
        ("token ghp_0123456789abcdefghijABCDEFGHIJ012345", "token ghp_***"),
        ("github_pat_11ABCDEFG0abcdefghijkl_mnop", "github_pat_***"),
        ("xoxb-123456789012-1234567890123-AbCdEf", "xoxb-***"),
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_***"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIza***"),
        ("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln-x_ end", "t=eyJ*** end"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "eyJ***"),
        ("mrt_0123456789012345678901234567890123456789012", "mrt_***"),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPx", "aws_secret_access_key=***"),
    ] {
        assert_eq!(stored(line), expected);
        assert_eq!(stored(expected), expected, "once is enough");
    }
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    for line in [
        "",
        r#"{"message":"enter password:","next":"b"}"#,
        r#"{"message":"password=","next":"b"}"#,
        r#"{"message":"say \"password\", please"}"#,
        r#"{"type":"password","x":"y"}"#,
        r#"{"password":"","secret":"***","cvv":0,"pwd":{"min":8},"api_key":[1,{"a":"b"}]}"#,
        r#"{"password":"null","cookie":"-","secret":"false"}"#,
        r#"{"cookie":"accepted"}"#,
        "cookie: accepted, browser: firefox",
        "level=info password= user=ada",
        "shop::Token::new password::check password == null",
        "const password = undefined; password: null",
        "wrong password:\nat x",
        "Access denied for user 'root'@'localhost' (using password: YES)",
        "chpasswd[30938]: pam_unix(chpasswd:chauthtok): user \"x\" is not in /etc/passwd",
        "sudo: ada : TTY=pts/0 ; PWD=/srv/shop ; USER=root ; COMMAND=/bin/ls",
        "Failed password for root from 203.0.113.7 port 22 ssh2",
        "the bearer of good news and the basic membership",
        "eyJhIjoxfQ== eyJhbGciOiJIUzI1NiJ9.abc",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "AKIA akia1234567890123456 AKIAshort xoxb-1 pk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "https://shop.example:8443/@user/a:b@c?x:y@z ada@shop.example git@host:shop.git",
        "http://host:80,me@shop.example",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ] {
        assert_eq!(mask().mask(line.as_bytes(), false), None, "{line}");
    }
}

#[test]
fn card_numbers_keep_their_kind() {
    for (line, expected) in [
        ("paid 4111111111111111", "paid 411111******1111"),
        (r#"{"card":"4111 1111 1111 1111"}"#, r#"{"card":"4111 11** **** 1111"}"#),
        (r#"{"card":"x, 4111111111111111, y"}"#, r#"{"card":"x, 411111******1111, y"}"#),
        (r#"{"card":4111111111111111}"#, r#"{"card":4111110000001111}"#),
        (r#"{"card":4111111111111111.0,"b":1}"#, r#"{"card":4111110000001111.0,"b":1}"#),
        (
            r#"{"list":[5555555555554444, 1, -4111111111111111]}"#,
            r#"{"list":[5555550000004444, 1, -4111110000001111]}"#,
        ),
        (r#"{"b":"{\"card\":4111111111111111}"}"#, r#"{"b":"{\"card\":4111110000001111}"}"#),
        (r#"INFO {"card":4111111111111111}"#, r#"INFO {"card":4111110000001111}"#),
        (r#"{"4111111111111111":1}"#, r#"{"411111******1111":1}"#),
        (
            r#"{"card":{"number":"4111111111111111","cvc":"737"}}"#,
            r#"{"card":{"number":"411111******1111","cvc":"***"}}"#,
        ),
    ] {
        assert_eq!(stored(line), expected);
        assert_eq!(stored(expected), expected, "once is enough");
    }
    for line in [
        r#"{"t":1795132972400,"n":4222222222222,"id":"4111111111111112"}"#,
        r#"{"trace":"4bf92f3577b34da6a3ce929d0e0e4736","price":19.99,"span_id":"0000000000000006"}"#,
        "2026-11-20T00:02:52.400Z 1795132972400 66.249.73.1 - 200 12345",
    ] {
        assert_eq!(mask().mask(line.as_bytes(), false), None, "{line}");
    }
}

#[test]
fn each_kind_can_be_left_alone_and_is_told() {
    let line = br#"{"card":"4111111111111111","password":"p"}"#;
    let told = |mask: LineMask| {
        mask.mask(line, false).map(|masked| (masked.has_cards, masked.has_secrets))
    };
    assert_eq!(told(mask()), Some((true, true)));
    assert_eq!(told(LineMask::new(true, None)), Some((true, false)));
    assert_eq!(told(LineMask::new(false, Some(Secrets::default()))), Some((false, true)));
    assert_eq!(told(LineMask::new(false, None)), None);
}

#[test]
fn the_end_of_a_cut_line_hides_what_may_go_on() {
    let cut = |line: &str| {
        let masked = mask().mask(line.as_bytes(), true);
        masked.map(|masked: MaskedLine| String::from_utf8(masked.bytes).expect("UTF-8"))
    };
    assert_eq!(cut(r#"{"a":1,"card":"41111111111"#).unwrap(), r#"{"a":1,"card":"411111*****"#);
    assert_eq!(cut(r#"{"a":1,"password":"hun"#).unwrap(), r#"{"a":1,"password":"***"#);
    assert_eq!(cut(r#"{"a":1,"b":"c"#), None);
}

#[test]
fn long_lines_take_no_longer_than_their_length() {
    for (begin, piece) in
        [("", "4111111111111111-"), ("[\"", "4111111111111111-"), ("[1", ",4111111111111111")]
    {
        let line = [begin, &piece.repeat((1 << 20) / piece.len())].concat();
        assert!(!stored(&line).contains("4111111111111111"), "{begin}{piece}");
    }
}

#[test]
fn bytes_that_are_no_text_are_taken() {
    let masked =
        mask().mask(b"\xff\xfe password=\xff\xfe\x00 4111111111111111\xff", false).unwrap();
    assert_eq!(masked.bytes, b"\xff\xfe password=***\x00 411111******1111\xff");
}

/// The event of a shop of this number.
fn event(number: u64) -> Value {
    let session = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let trace = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let agent = "Mozilla/5.0 (Linux; Android 8.0.0; SM-G950F Build/R16NW) AppleWebKit/537.36 (KHTML, like Gecko)";
    let stack = "at com.shop.pay.GatewayClient.charge(GatewayClient.java:212)\n\tat com.shop.Token.of(Token.java:7)";
    let members: [(&str, Value); 24] = [
        ("event_id", format!("7-{number}").into()),
        ("timestamp", (1_795_132_800_000 + number * 977).into()),
        ("service", "checkout".into()),
        ("host", format!("web-{:02}", number % 12).into()),
        ("version", format!("2026.{}.{}", number % 12, number % 8).into()),
        ("client_ip", format!("203.0.113.{}", number % 250).into()),
        ("user_agent", agent.into()),
        ("session_id", format!("{session:016x}").into()),
        ("user_id", format!("u-{}", 100_000 + number).into()),
        ("trace_id", format!("{trace:032x}").into()),
        ("span_id", format!("{number:016}").into()),
        ("order_id", format!("ORD-{}", 2_400_000 + number).into()),
        ("amount", format!("{}.{:02}", number * 7 % 3_000, number % 100).into()),
        ("card_bin", "439801".into()),
        ("card_fingerprint", "2b92348ec2655f49".into()),
        ("payment", json!({"card_last4": format!("{number:04}"), "status": "authorized"})),
        ("url", format!("https://shop.example/product/{number}?sort=price&page=2").into()),
        ("referrer", "android-app://com.google.android.googlequicksearchbox/".into()),
        ("email", format!("user{number}@mail.example").into()),
        ("keyboard", "qwertz".into()),
        ("password_reset_at", Value::Null),
        ("is_bot", false.into()),
        ("duration_ms", (number * 3).into()),
        ("stack_trace", stack.into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[test]
fn events_of_a_shop_stay_as_they_are() {
    for number in 0..2_000 {
        let line = event(number).to_string();
        assert_eq!(mask().mask(line.as_bytes(), false), None, "{line}");
    }
}

/// Texts with what matters here in any order.
fn text() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "password",
        "apiKey",
        "Authorization",
        "cookie",
        "cvv",
        "secret",
        "PWD",
        ":",
        "=",
        "=>",
        "%3D",
        "%26",
        "&",
        ";",
        ",",
        " ",
        "\n",
        "\"",
        "'",
        "\\",
        "\\\"",
        "/",
        "@",
        "https://u:p@h/",
        "Bearer abcdef123456",
        "Basic dXNlcjpwYXNz",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig",
        "AKIAIOSFODNN7EXAMPLE",
        "sk_live_0123456789abcdefXYZ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "4111111111111111",
        "4111 1111 1111 1111",
        "1795132972400",
        "-",
        "1",
        "***",
        "{",
        "}",
        "[",
        "]",
        "a",
        "é",
        "\u{1f600}",
        "\u{1}",
        "{\"password\":\"in\\\"ner\",\"cvv\":123}",
    ]);
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// Any JSON, with names and texts of that kind, and JSON within texts.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => text().prop_map(Value::from),
        1 => proptest::sample::select(vec![json!(null), json!(true), json!(123), json!(4_111_111_111_111_111_u64), json!(1.5)]),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner.clone()).prop_map(Value::Object),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![
        proptest::sample::select(vec![
            "password",
            "api_key",
            "cookie",
            "cvv",
            "a",
            "b",
            "password_reset_at"
        ])
        .prop_map(str::to_owned),
        text(),
    ];
    proptest::collection::vec((name, value), 0..4).prop_map(|members| members.into_iter().collect())
}

/// Whether two values are alike: the same kinds, and the same names but for card numbers and secrets in them.
fn are_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| are_alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            // Names that are masked may become one.
            one.len() >= other.len()
                && one.iter().all(|(name, value)| {
                    let same = other.get(name).or_else(|| other.get(&stored_name(name)));
                    one.len() > other.len() || same.is_some_and(|same| are_alike(value, same))
                })
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => true,
        _ => one == other,
    }
}

/// A name as it is stored in the line.
fn stored_name(name: &str) -> String {
    let line = json!({ name: null }).to_string();
    let stored: Value = serde_json::from_str(&stored(&line)).expect("JSON");
    stored.as_object().and_then(|members| members.keys().next().cloned()).unwrap_or_default()
}

proptest! {
    #[test]
    fn json_stays_json_of_the_same_shape(members in object(value()), is_pretty in any::<bool>()) {
        let event = Value::Object(members);
        let line = if is_pretty { serde_json::to_string_pretty(&event).unwrap() } else { event.to_string() };
        let stored = stored(&line);
        let read: Result<Value, _> = serde_json::from_str(&stored);
        prop_assert!(read.is_ok_and(|read| are_alike(&event, &read)), "{} became {}", line, stored);
    }

    #[test]
    fn masked_twice_is_masked_once(line in text(), is_cut in any::<bool>()) {
        if let Some(masked) = mask().mask(line.as_bytes(), is_cut) {
            prop_assert_eq!(mask().mask(&masked.bytes, is_cut), None);
        }
    }

    #[test]
    fn any_bytes_are_taken(line in proptest::collection::vec(any::<u8>(), 0..200), is_cut in any::<bool>()) {
        let masked = mask().mask(&line, is_cut);
        prop_assert!(masked.is_none_or(|masked| masked.has_cards || masked.has_secrets));
    }
}
