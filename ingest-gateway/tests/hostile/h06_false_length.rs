//! 6: lengths that are absurd, negative, or written in other ways than digits.

use crate::memory::{alone, rise_during};
use crate::support::{Gateway, send_raw, send_tcp, statuses};

#[tokio::test]
async fn hostile_06_a_false_length_is_refused_before_anything_is_allocated() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let cases = [
        ("99999999999", 413),
        ("9223372036854775807", 413),
        ("18446744073709551615", 431),
        ("99999999999999999999999", 400),
        ("-1", 400),
        ("+7", 400),
        ("0x7", 400),
        ("7, 8", 400),
        ("7 ", 200),
    ];
    for (length, status) in cases {
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\
             expect: 100-continue\r\n\r\n{{\"a\":1}}"
        );
        let (answer, rise) = rise_during(send_raw(gateway.http, request.as_bytes())).await;
        let given = statuses(&answer).into_iter().filter(|status| *status != 100);
        assert_eq!(given.collect::<Vec<_>>(), [status], "{length}");
        assert!(rise < 8 << 20, "{length}: {rise} bytes");
    }
    assert_eq!(gateway.bus.texts(), ["{\"a\":1}"], "the next connection is served");
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_06_an_octet_count_is_no_frame_here_and_wedges_nothing() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    send_tcp(gateway.tcp, b"99999999999 {\"a\":1}\n-1 x\n007 y\n{\"b\":1}\n").await;
    assert_eq!(gateway.bus.texts(), ["99999999999 {\"a\":1}", "-1 x", "007 y", "{\"b\":1}"]);
    gateway.stop().await;
}
