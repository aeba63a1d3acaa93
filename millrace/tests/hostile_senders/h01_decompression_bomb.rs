//! 1: a body of a few kilobytes that grows to gigabytes.

use std::io::{Read, copy, repeat};

use crate::Attack;
use crate::senders::{compressed, post, talk};
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        name: "bodies that grow",
        run: bodies,
        counted_by: &[
            "millrace_gateway_limit_hits_total{door=\"http\",limit=\"decompress_limit\"}",
            "millrace_gateway_refused_requests_total{code=\"413\",door=\"http\"}",
        ],
    },
    Attack {
        name: "a frame that grows",
        run: frame,
        counted_by: &[
            "millrace_gateway_limit_hits_total{door=\"beats\",limit=\"decompress_limit\"}",
        ],
    },
];

fn bodies(target: &Target) {
    let zstd = zstd::encode_all(repeat(0).take(1 << 30), 1).expect("a buffer");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    copy(&mut repeat(b' ').take(256 << 20), &mut gzip).expect("a buffer");
    let gzip = gzip.finish().expect("a buffer");
    for (path, encoding, bomb) in [("/v1/logs", "zstd", &zstd), ("/_bulk", "gzip", &gzip)] {
        let answer = post(target, path, &format!("content-encoding: {encoding}\r\n"), bomb);
        assert!(answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
    }
}

fn frame(target: &Target) {
    // Two events, each as long as its frame says, and together more than a frame may hold.
    let event_bytes = 48_u32 << 20;
    let mut events = Vec::new();
    for number in 1..=2_u32 {
        events.extend([&b"2J"[..], &number.to_be_bytes(), &event_bytes.to_be_bytes()].concat());
        events.resize(events.len() + event_bytes as usize, b' ');
    }
    let window = b"2W\0\0\0\x02".as_slice();
    let answer = talk(target.beats(), &[window, &compressed(&events)].concat());
    // While it is read the sender is told so, and no more than that.
    assert_eq!(answer.replace("2A\0\0\0\0", ""), "", "no acknowledgement");
}
