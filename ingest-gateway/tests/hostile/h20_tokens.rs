//! 20: credentials that are none, in all the forms in which they come, and those that are nearly right.

use access::IngestToken;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use service::Span;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::otlp::{call, framed, record, request};
use crate::support::{Gateway, read_to_close, send_raw, send_tcp, statuses};

const TOKEN: &str = "correct-horse?battery>>staple";
const UNAUTHORIZED: &str = "millrace_gateway_unauthorized_total";

async fn guarded() -> Gateway {
    Gateway::start(|config| {
        config.ingest_token = Some(IngestToken::new(TOKEN).unwrap());
        config.tcp.line_timeout = Span::from_secs(2);
    })
    .await
}

fn unauthorized(gateway: &Gateway, door: &str) -> f64 {
    gateway.metric(&format!("{UNAUTHORIZED}{{door=\"{door}\"}}"))
}

/// A request with these lines among its headers.
fn request_with(path: &str, lines: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n");
    let body = "content-length: 16\r\n\r\n{\"index\":{}}\n{}\n";
    [head.as_bytes(), lines, body.as_bytes()].concat()
}

/// Headers that show no token, or not this one.
fn wrong() -> Vec<Vec<u8>> {
    let authorization = |value: &str| format!("authorization: {value}\r\n").into_bytes();
    let pair =
        |scheme: &str, pair: String| authorization(&format!("{scheme} {}", STANDARD.encode(pair)));
    let as_user = STANDARD.encode(format!("user:{TOKEN}"));
    let mut wrong: Vec<Vec<u8>> = [
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        &format!("Bearer\t{TOKEN}"),
        &format!("Bearer {}", &TOKEN[..TOKEN.len() - 1]),
        &format!("Bearer {}", &TOKEN[1..]),
        &format!("Bearer {TOKEN}x"),
        &format!("Bearer {}", TOKEN.to_uppercase()),
        &format!("Bearer \"{TOKEN}\""),
        &format!("Bearer {TOKEN} {TOKEN}"),
        &format!("Bearer {TOKEN}, Bearer {TOKEN}"),
        &format!("Bearer: {TOKEN}"),
        &format!("Token {TOKEN}"),
        &format!("Digest {TOKEN}"),
        &format!("Negotiate {TOKEN}"),
        &format!("Basic {TOKEN}"),
        &format!("Basic {}", as_user.trim_end_matches('=')),
        &format!("Basic {}", as_user.replace('+', "-").replace('/', "_")),
        &format!("Basic {as_user}{as_user}"),
        &format!("Bearer {as_user}"),
        // JSON Web Tokens: without a signature, and with one that nobody has made.
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2V0Yy9wYXNzd2QifQ.e30.AAAA",
        "Bearer ' OR '1'='1",
        &format!("Bearer {}", "x".repeat(15_000)),
        &format!("Basic {}", "QUFB".repeat(3_700)),
    ]
    .map(authorization)
    .to_vec();
    wrong.extend([
        pair("Basic", TOKEN.to_owned()),
        pair("Basic", format!("{TOKEN}:")),
        pair("Basic", format!("user:{TOKEN}\0")),
        pair("Basic", format!("user: {TOKEN}")),
        pair("ApiKey", format!("{TOKEN}:id")),
        Vec::new(),
        b"authorization: Bearer \xff\xfe\r\n".to_vec(),
        format!("proxy-authorization: Bearer {TOKEN}\r\n").into_bytes(),
        format!("x-api-key: {TOKEN}\r\n").into_bytes(),
        format!("cookie: token={TOKEN}\r\n").into_bytes(),
        // Two answers to one question are none, whichever of them is right.
        format!("authorization: Bearer {TOKEN}\r\nauthorization: Bearer {TOKEN}\r\n").into_bytes(),
        format!("authorization: Bearer wrong\r\nauthorization: Bearer {TOKEN}\r\n").into_bytes(),
        format!("authorization: Bearer {TOKEN}\r\nAuthorization: Bearer wrong\r\n").into_bytes(),
    ]);
    wrong
}

/// An answer without the time at which it was given.
fn timeless(answer: &str) -> String {
    answer.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_20_wrong_credentials_get_one_answer_and_are_counted() {
    let _alone = alone().await;
    let gateway = guarded().await;
    let bystander = Bystander::with_token(&gateway, TOKEN);
    for path in ["/v1/logs", "/_bulk"] {
        let mut first: Option<String> = None;
        for (index, lines) in wrong().iter().enumerate() {
            let before = unauthorized(&gateway, "http");
            let sent = request_with(path, lines);
            let (answer, rise) = rise_during(send_raw(gateway.http, &sent)).await;
            assert_eq!(statuses(&answer), [401], "{path} {index}: {answer}");
            assert!(answer.contains("www-authenticate: "), "{answer}");
            assert!(rise < 8 << 20, "{path} {index}: {rise} bytes");
            let answer = timeless(&answer);
            assert!(!answer.contains(TOKEN));
            assert_eq!(&answer, first.get_or_insert_with(|| answer.clone()), "{path} {index}");
            assert_eq!(unauthorized(&gateway, "http"), before + 1.0, "{path} {index}");
        }
    }
    assert_eq!(gateway.refused_requests("401"), unauthorized(&gateway, "http"));
    // In the query it would stand in every log on the way.
    let path = format!("/v1/logs?token={}", TOKEN.replace('>', "%3E"));
    let query = send_raw(gateway.http, &request_with(&path, b"")).await;
    assert_eq!(statuses(&query), [401]);
    let huge = format!("authorization: Bearer {}\r\n", "x".repeat(20 << 10));
    let huge = send_raw(gateway.http, &request_with("/v1/logs", huge.as_bytes())).await;
    assert_eq!(statuses(&huge), [431]);
    let texts = gateway.bus.texts();
    assert!(texts.iter().all(|text| text.contains("bystander")), "nothing else was taken");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_20_the_right_token_is_taken_in_each_form_that_clients_have() {
    let _alone = alone().await;
    let gateway = guarded().await;
    let pair = |scheme: &str| format!("{scheme} {}", STANDARD.encode(format!("a:{TOKEN}")));
    let right = [
        format!("Bearer {TOKEN}"),
        format!("bEaReR   {TOKEN}  "),
        pair("Basic"),
        pair("basic"),
        pair("ApiKey"),
    ];
    for value in &right {
        let lines = format!("authorization: {value}\r\n");
        let answer = send_raw(gateway.http, &request_with("/_bulk", lines.as_bytes())).await;
        assert_eq!(statuses(&answer), [200], "{value}");
    }
    assert_eq!(gateway.bus.records().len(), right.len());
    assert_eq!(unauthorized(&gateway, "http"), 0.0);
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_20_who_is_not_known_need_not_send_a_body_and_calls_of_grpc_say_so() {
    let _alone = alone().await;
    let gateway = guarded().await;
    let asks_first = "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\n\
                      content-length: 1000000\r\n\r\n";
    let answer = send_raw(gateway.http, asks_first.as_bytes()).await;
    assert_eq!(statuses(&answer), [401], "it is not told to go on");
    let message = framed(0, &request(&[record("one")]));
    let pair: &'static str =
        format!("Basic {}", STANDARD_NO_PAD.encode(format!("u:{TOKEN}x"))).leak();
    let url_safe: &'static str = format!("Basic {}", URL_SAFE.encode(TOKEN)).leak();
    for value in ["Bearer wrong-but-long-enough", pair, url_safe, ""] {
        let (headers, _) = call(&gateway, &[("authorization", value)], message.clone()).await;
        assert_eq!(headers["grpc-status"], "16", "{value}");
    }
    assert_eq!(gateway.refused_requests("grpc-16"), 4.0);
    assert_eq!(unauthorized(&gateway, "http"), 5.0);
    assert!(gateway.bus.records().is_empty());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_20_a_first_line_that_is_not_the_token_lets_nothing_in() {
    let _alone = alone().await;
    let gateway = guarded().await;
    let bystander = Bystander::with_token(&gateway, TOKEN);
    let first_lines = [
        TOKEN[1..].to_owned(),
        TOKEN[..TOKEN.len() - 1].to_owned(),
        format!("{TOKEN}x"),
        format!(" {TOKEN}"),
        format!("{TOKEN} "),
        format!("{TOKEN}\0"),
        format!("Bearer {TOKEN}"),
        format!("{{\"token\":\"{TOKEN}\"}}"),
        TOKEN.to_uppercase(),
        "\u{feff}".to_owned() + TOKEN,
    ];
    for first_line in &first_lines {
        let answer = send_tcp(gateway.tcp, format!("{first_line}\n{{\"n\":1}}\n").as_bytes()).await;
        assert_eq!(answer, b"the first line must be the ingest token\n", "{first_line}");
    }
    let counted = first_lines.len() as f64;
    assert_eq!(unauthorized(&gateway, "tcp"), counted);

    // One that never ends, and one that is far too long.
    let mut silent = TcpStream::connect(gateway.tcp).await.unwrap();
    silent.write_all(&TOKEN.as_bytes()[..10]).await.unwrap();
    read_to_close(&mut silent).await;
    assert_eq!(unauthorized(&gateway, "tcp"), counted + 1.0);
    let attack = async {
        let mut long = TcpStream::connect(gateway.tcp).await.unwrap();
        drop(long.write_all(&vec![b'x'; 8 << 20]).await);
        read_to_close(&mut long).await
    };
    let (_, rise) = rise_during(attack).await;
    // The eight megabytes are the sender's own.
    assert!(rise < 16 << 20, "{rise} bytes");
    assert_eq!(unauthorized(&gateway, "tcp"), counted + 2.0);
    let texts = gateway.bus.texts();
    assert!(texts.iter().all(|text| text.contains("bystander")), "nothing else was taken");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_20_a_flood_of_guesses_holds_up_nobody_who_is_known() {
    let _alone = alone().await;
    let gateway = guarded().await;
    let bystander = Bystander::with_token(&gateway, TOKEN);
    let attack = async {
        let mut guessers = tokio::task::JoinSet::new();
        for guesser in 0..20 {
            let url = gateway.url("/v1/logs");
            guessers.spawn(async move {
                let client = service::http_client::builder().build().unwrap();
                for guess in 0..100 {
                    let token = format!("guess-{guesser}-{guess}-0123456789");
                    let sent = client.post(&url).bearer_auth(token).body("{}").send().await;
                    assert_eq!(sent.unwrap().status(), 401);
                }
            });
        }
        guessers.join_all().await
    };
    let (_, rise) = rise_during(attack).await;
    assert!(rise < 32 << 20, "{rise} bytes");
    assert_eq!(unauthorized(&gateway, "http"), 2_000.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
