//! 6: lengths that are absurd, negative, or written in other ways than digits.

use crate::Attack;
use crate::senders::{send_lines, talk};
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "counts of octets that are none",
    run: octet_counts,
    counted_by: &[
        "millrace_gateway_limit_hits_total{door=\"tcp\",limit=\"framing\"}",
        "millrace_gateway_limit_hits_total{door=\"syslog\",limit=\"framing\"}",
        "millrace_gateway_limit_hits_total{door=\"http\",limit=\"body_bytes\"}",
        "millrace_gateway_limit_hits_total{door=\"http\",limit=\"protocol\"}",
    ],
}];

fn octet_counts(target: &Target) {
    for door in [target.tcp(), target.syslog()] {
        for count in ["99999999999", "18446744073709551616", "999999999", "-5", "+5", "0", "007"] {
            let said = send_lines(door, format!("{count} <13>a\n").as_bytes());
            assert_eq!(said, "", "{count}");
        }
    }
    for (length, status) in [("99999999999", "413"), ("-5", "400"), ("7, 8", "400")] {
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\
             expect: 100-continue\r\n\r\n"
        );
        let answer = talk(target.http(), head.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length}: {answer}");
    }
}
