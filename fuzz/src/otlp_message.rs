//! Whatever an OTLP message holds, in protobuf or JSON, its events are JSON objects within the limits.

use ingest_gateway::trial::otlp;
use serde_json::{Map, Value};

/// Decodes the bytes in both forms.
pub fn hold(data: &[u8]) {
    for is_json in [false, true] {
        for event in otlp(data, is_json).unwrap_or_default() {
            assert!(event.len() <= 1 << 10, "{} bytes", event.len());
            let read = serde_json::from_slice::<Map<String, Value>>(&event);
            assert!(read.is_ok(), "{}", String::from_utf8_lossy(&event));
        }
    }
}
