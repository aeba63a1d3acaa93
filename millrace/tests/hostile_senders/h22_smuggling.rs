//! 22: requests that two readers would understand in two ways, heads without end, and an upgrade that nobody needs.

use crate::Attack;
use crate::senders::{post, talk};
use crate::support::eventually;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        name: "requests within requests",
        run: smuggled,
        counted_by: &["millrace_gateway_limit_hits_total{door=\"http\",limit=\"protocol\"}"],
    },
    Attack {
        name: "heads without end",
        run: large_heads,
        counted_by: &[
            "millrace_gateway_limit_hits_total{door=\"http\",limit=\"header_bytes\"}",
            "millrace_gateway_refused_requests_total{code=\"431\",door=\"http\"}",
        ],
    },
];

fn smuggled(target: &Target) {
    let inner = "POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 23\r\n\r\n{\"message\":\"smuggling\"}";
    for (heads, status) in [
        ("content-length: 0\r\ncontent-length: 5\r\n\r\n", "400"),
        ("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", "400"),
        ("x-a: b\r\n transfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n", "400"),
        // Chunks count, and the connection ends (RFC 9112, 6.1).
        ("content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "200"),
        // A line feed alone: another header to some, and a part of this one to others.
        ("x-a: b\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n", "400"),
        ("content-length: 0\n\n", "400"),
    ] {
        let request = format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{heads}{inner}");
        let answer = talk(target.http(), request.as_bytes());
        // A door that has more to read than it wants may reset the connection before the answer is read.
        let is_as_it_should =
            answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}"));
        assert!(is_as_it_should && answer.matches("HTTP/1.1 ").count() <= 1, "{heads}: {answer}");
    }
    let upgrade = "GET /health HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings, close\r\n\
                   upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n";
    let answer = talk(target.http(), upgrade.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200"), "it stays HTTP/1.1: {answer}");
    // What comes behind all of it is found, and nothing of it.
    let answer = post(target, "/v1/logs", "", b"{\"message\":\"unsmuggled\"}");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    eventually("the next request is taken", || match target.platform.count("message:unsmuggled") {
        1 => Ok(()),
        other => Err(format!("{other} found")),
    });
    assert_eq!(target.platform.count("message:smuggling"), 0);
}

fn large_heads(target: &Target) {
    let lines = "x-long: y\r\n".repeat(90);
    for (head, status) in [
        (format!("x-large: {}\r\nconnection: close\r\n", "x".repeat(20 << 10)), Some("431")),
        // These are refused while they come: the answer may not be read any more.
        (format!("x-large: {}\r\n", "x".repeat(4 << 20)), None),
        (lines.repeat(1_000), None),
    ] {
        let request = format!("GET /health HTTP/1.1\r\nhost: a\r\n{head}\r\n");
        let answer = talk(target.http(), request.as_bytes());
        let is_refused = answer.starts_with("HTTP/1.1 431");
        assert!(is_refused || (status.is_none() && answer.is_empty()), "{status:?}: {answer}");
    }
}
