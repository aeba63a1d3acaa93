//! 20: credentials that are none: guessed ones, and those that are made for another world.

use std::io::Write;

use crate::Attack;
use crate::senders::{connect_all, post, rest, send_lines};
use crate::target::Target;

/// On doors that let everybody in.
pub(crate) const GUESSES: &[Attack] = &[Attack {
    name: "guessed tokens",
    run: guesses,
    counted_by: &[
        "millrace_gateway_refused_senders_total{door=\"http\",reason=\"unknown_token\"}",
        "millrace_gateway_unauthorized_total{door=\"http\"}",
    ],
}];

/// On doors that ask for tokens.
pub(crate) const WRONG: &[Attack] = &[
    Attack {
        name: "guessed tokens where one is needed",
        run: guesses,
        counted_by: &[
            "millrace_gateway_refused_senders_total{door=\"http\",reason=\"unknown_token\"}",
        ],
    },
    Attack {
        name: "credentials that are none",
        run: wrong_credentials,
        counted_by: &[
            "millrace_gateway_refused_senders_total{door=\"http\",reason=\"no_token\"}",
            "millrace_gateway_refused_requests_total{code=\"401\",door=\"http\"}",
            "millrace_gateway_unauthorized_total{door=\"http\"}",
        ],
    },
    Attack {
        name: "first lines that are no token",
        run: wrong_first_lines,
        counted_by: &[
            "millrace_gateway_refused_senders_total{door=\"tcp\",reason=\"no_token\"}",
            "millrace_gateway_refused_senders_total{door=\"tcp\",reason=\"unknown_token\"}",
            "millrace_gateway_unauthorized_total{door=\"tcp\"}",
        ],
    },
];

fn guesses(target: &Target) {
    // The store is asked for all of them together, so they come together.
    let mut guessers = connect_all(2, target.http(), 100);
    for (number, stream) in guessers.iter_mut().enumerate() {
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
             authorization: Bearer mrt_{number:043}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).expect("the door reads");
    }
    for stream in &mut guessers {
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
}

/// An answer without the time at which it was given.
fn timeless(answer: &str) -> String {
    answer.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n")
}

fn wrong_credentials(target: &Target) {
    let good = target.token.as_deref().expect("somebody has one");
    let header = |value: &str| format!("authorization: {value}\r\n");
    let wrong = [
        String::new(),
        header("Bearer"),
        header(good),
        header(&format!("Bearer {}", &good[..good.len() - 1])),
        header(&format!("Token {good}")),
        header(&format!("Bearer {good}, Bearer {good}")),
        // Two answers to one question are none, whichever of them is right.
        header(&format!("Bearer {good}")).repeat(2),
        header("Bearer wrong") + &header(&format!("Bearer {good}")),
        // JSON Web Tokens: without a signature, and with one that nobody has made.
        header("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."),
        header("Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2V0Yy9wYXNzd2QifQ.e30.AAAA"),
        header("Bearer ' OR '1'='1"),
        header(&format!("Bearer {}", "x".repeat(15_000))),
        format!("cookie: token={good}\r\nx-api-key: {good}\r\n"),
    ];
    let mut first: Option<String> = None;
    for (number, lines) in wrong.iter().enumerate() {
        let answer = post(target, "/v1/logs", lines, b"{\"n\":1}");
        assert!(answer.starts_with("HTTP/1.1 401"), "{number}: {answer}");
        assert!(!answer.contains(good), "{number}: {answer}");
        let answer = timeless(&answer);
        assert_eq!(&answer, first.get_or_insert_with(|| answer.clone()), "{number}");
    }
    let query = post(target, &format!("/v1/logs?token={good}"), "", b"{\"n\":1}");
    assert!(query.starts_with("HTTP/1.1 401"), "it would stand in every log: {query}");
}

fn wrong_first_lines(target: &Target) {
    let good = target.token.as_deref().expect("somebody has one");
    let before = target.accepted("tcp");
    let no_token = ["{\"n\":1}".to_owned(), good[1..].to_owned(), format!(" {good}")];
    for first_line in no_token {
        let lines = format!("{first_line}\n{{\"n\":1}}\n");
        let said = send_lines(target.tcp(), lines.as_bytes());
        assert_eq!(said, "the first line must be the ingest token\n", "{first_line}");
    }
    let unknown = format!("mrt_{}\n{{\"n\":1}}\n", "A".repeat(43));
    let said = send_lines(target.tcp(), unknown.as_bytes());
    assert_eq!(said, "nobody knows this ingest token\n");
    // One that is far too long is not waited for.
    assert_eq!(send_lines(target.tcp(), &vec![b'x'; 8 << 20]), "");
    assert_eq!(target.accepted("tcp"), before, "nothing was taken");
}
