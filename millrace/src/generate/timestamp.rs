//! One instant in the eight forms that shops' loggers write. A form without a zone means UTC.

use jiff::{SignedDuration, Timestamp};
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use super::customer::weighted;

/// Writes `time` in one of the forms, each as often as shops use it.
pub(super) fn written(random: &mut ChaCha8Rng, time: Timestamp) -> Value {
    let forms: &[(u32, u32)] =
        &[(40, 0), (12, 1), (10, 2), (14, 3), (6, 4), (8, 5), (6, 6), (4, 7)];
    let millis = time.as_millisecond();
    let text = |format: &str| json!(time.strftime(format).to_string());
    match weighted(random, forms) {
        0 => text("%Y-%m-%dT%H:%M:%S.%3fZ"),
        1 => text("%Y-%m-%dT%H:%M:%SZ"),
        2 => {
            let local = time + SignedDuration::from_mins(210);
            json!(local.strftime("%Y-%m-%dT%H:%M:%S.%3f+03:30").to_string())
        }
        3 => json!(millis),
        4 => json!(millis.div_euclid(1000).to_string()),
        5 => text("%Y-%m-%d %H:%M:%S,%3f"),
        6 => text("%d/%b/%Y:%H:%M:%S +0000"),
        _ => json!(millis as f64 / 1000.0),
    }
}
