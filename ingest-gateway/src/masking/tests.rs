//! What a line is after it was masked.

use std::sync::Arc;

use bytes::Bytes;
use pipeline::Rejection;
use service::Metrics;

use super::Masking;
use crate::config::MaskingConfig;
use crate::intake::{Batch, Ids, Line};

const HELD: &[u8] = br#"{"card":"4111111111111111","password":"hunter2"}"#;
const STORED: &[u8] = br#"{"card":"411111******1111","password":"***"}"#;

fn masking() -> (Masking, Metrics) {
    let metrics = Metrics::default();
    (Masking::new(&MaskingConfig::default(), &metrics), metrics)
}

fn rejection(message: &str) -> Rejection {
    Rejection { kind: "invalid_json".into(), message: message.into(), position_bytes: Some(3) }
}

#[test]
fn a_line_that_holds_nothing_is_not_copied() {
    let (masking, metrics) = masking();
    let payload = Bytes::from_static(b"{\"order\":\"O-7\",\"amount\":19.90}");
    let mut line = Line::good(1, payload.clone());
    assert_eq!(masking.apply("tcp", &mut line), 0);
    assert_eq!(line.payload.as_ptr(), payload.as_ptr());
    assert!(!metrics.text().contains("millrace_gateway_masked_total{"));
}

#[test]
fn a_line_that_does_is_counted_by_what_it_held() {
    let (masking, metrics) = masking();
    let mut line = Line::good(1, Bytes::from_static(HELD));
    assert_eq!(masking.apply("tcp", &mut line), STORED.len());
    assert_eq!(line.payload, STORED);
    let mut card = Line::good(2, Bytes::from_static(b"4111111111111111"));
    masking.apply("tcp", &mut card);
    let text = metrics.text();
    for counted in ["kind=\"card\"} 2", "kind=\"secret\"} 1"] {
        let counted = format!("millrace_gateway_masked_total{{door=\"tcp\",{counted}");
        assert!(text.contains(&counted), "{text}");
    }
}

#[test]
fn a_refused_line_is_as_long_as_what_is_kept_of_it() {
    let (masking, _) = masking();
    let mut line = Line::good(1, Bytes::from_static(HELD));
    line.refuse(rejection("found \"4111111111111111\""));
    masking.apply("http", &mut line);
    assert_eq!(line.payload, STORED);
    let fault = line.fault.unwrap();
    assert_eq!(fault.payload_bytes, STORED.len() as u64);
    assert_eq!(fault.rejection.message, "found \"411111******1111\"");
    assert_eq!(fault.rejection.position_bytes, Some(3));
}

#[test]
fn the_beginning_of_a_line_stays_a_beginning() {
    let (masking, _) = masking();
    let beginning = br#"{"password":"hunter2","card":"411111111"#;
    let mut line = Line::refused(1, beginning, 5_000, rejection("it is too long"));
    masking.apply("http", &mut line);
    assert_eq!(line.payload, br#"{"password":"***","card":"411111***"#.as_slice());
    assert_eq!(
        line.fault.unwrap().payload_bytes,
        5_000 - 4,
        "what is left out is as long as before"
    );
}

#[test]
fn a_long_secret_leaves_no_memory_behind() {
    let (masking, _) = masking();
    let mut line = Line::good(1, Bytes::from(format!("password={}", "x".repeat(1 << 20))));
    assert_eq!(masking.apply("http", &mut line), line.payload.len());
    assert_eq!(line.payload, "password=***");
    let kept = line.payload.try_into_mut().expect("nobody else has it");
    assert!(kept.capacity() < 1 << 10, "{}", kept.capacity());
}

#[test]
fn a_batch_holds_its_copies_beside_its_blocks() {
    let (masking, _) = masking();
    let mut batch = Batch::new(0, Ids::Keyed("key".into()), "tcp", &Arc::new(masking));
    batch.pin(1_000);
    batch.push(Line::good(1, Bytes::from_static(b"{}")));
    assert_eq!(batch.held_bytes(), 1_000);
    batch.push(Line::good(2, Bytes::from_static(HELD)));
    assert_eq!(batch.held_bytes(), 1_000 + STORED.len());
}
