//! 2: an encoding within an encoding.

use crate::Attack;
use crate::senders::{compressed, post, talk};
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "compressed frames and bodies within each other",
    run: nested,
    counted_by: &[
        "millrace_gateway_limit_hits_total{door=\"beats\",limit=\"nested_compression\"}",
        "millrace_gateway_refused_requests_total{code=\"415\",door=\"http\"}",
        "millrace_gateway_refused_requests_total{code=\"400\",door=\"http\"}",
    ],
}];

fn nested(target: &Target) {
    let mut frames = b"2J\0\0\0\x01\0\0\0\x02{}".to_vec();
    for _ in 0..100 {
        frames = compressed(&frames);
    }
    let window = b"2W\0\0\0\x01".as_slice();
    assert_eq!(talk(target.beats(), &[window, &frames].concat()), "", "no acknowledgement");

    let once = zstd::encode_all(&b"{\"a\":1}\n"[..], 1).expect("a buffer");
    let twice = zstd::encode_all(&once[..], 1).expect("a buffer");
    for (encoding, status) in [("zstd, zstd", "415"), ("identity, zstd", "415"), ("zstd", "400")] {
        let answer = post(target, "/v1/logs", &format!("content-encoding: {encoding}\r\n"), &twice);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{encoding}: {answer}");
    }
}
