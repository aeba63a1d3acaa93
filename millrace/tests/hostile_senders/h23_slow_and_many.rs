//! 23: senders that begin and never end, and very many connections from one address.

use std::io::Write;

use crate::Attack;
use crate::senders::{connect_all, rest};
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        name: "halves of lines, heads, bodies and handshakes",
        run: halves,
        counted_by: &[
            "millrace_gateway_limit_hits_total{door=\"tcp\",limit=\"idle_timeout\"}",
            "millrace_gateway_limit_hits_total{door=\"http\",limit=\"idle_timeout\"}",
            "millrace_gateway_limit_hits_total{door=\"http\",limit=\"body_idle_timeout\"}",
            "millrace_gateway_limit_hits_total{door=\"syslog\",limit=\"tls_handshake_timeout\"}",
            "millrace_gateway_refused_requests_total{code=\"408\",door=\"http\"}",
        ],
    },
    Attack {
        name: "connections without end from one address",
        run: many_connections,
        counted_by: &[
            "millrace_gateway_limit_hits_total{door=\"tcp\",limit=\"connections_per_address\"}",
        ],
    },
];

fn halves(target: &Target) {
    let half_line = vec![b'x'; 100 << 10];
    let half_head = format!("POST /v1/logs HTTP/1.1\r\nx: {}", "y".repeat(8 << 10));
    let half_body = "POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{\"a\":\"";
    // The beginning of a hello.
    let half_handshake = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice();
    let mut lines = connect_all(2, target.tcp(), 150);
    let mut heads = connect_all(2, target.http(), 150);
    let mut bodies = connect_all(3, target.http(), 80);
    let mut handshakes = connect_all(3, target.syslog_tls(), 80);
    for (streams, bytes) in [
        (&mut lines, half_line.as_slice()),
        (&mut heads, half_head.as_bytes()),
        (&mut bodies, half_body.as_bytes()),
        (&mut handshakes, half_handshake),
    ] {
        for stream in streams {
            drop(stream.write_all(bytes));
        }
    }
    // They are sent away, and say nothing meanwhile.
    for stream in &mut bodies {
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    for stream in lines.iter_mut().chain(&mut heads).chain(&mut handshakes) {
        drop(rest(stream));
    }
}

fn many_connections(target: &Target) {
    let mut streams = connect_all(2, target.tcp(), 600);
    // Those beyond what one address may have are sent away, and do not wait.
    for stream in streams.iter_mut().skip(500) {
        assert_eq!(rest(stream), "");
    }
}
