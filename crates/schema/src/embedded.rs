//! The schema files that this program was built with.

/// The documents' fields.
pub(crate) const DOCUMENT: &str = include_str!("../../../schemas/document.json");

/// What every log type may hold.
pub(crate) const ENVELOPE: &str = include_str!("../../../schemas/envelope.json");

/// The log types: file and text.
pub(crate) const LOG_TYPES: &[(&str, &str)] = &[
    ("transaction.json", include_str!("../../../schemas/transaction.json")),
    ("error.json", include_str!("../../../schemas/error.json")),
    ("user_behavior.json", include_str!("../../../schemas/user_behavior.json")),
    ("performance.json", include_str!("../../../schemas/performance.json")),
    ("fraud_detection.json", include_str!("../../../schemas/fraud_detection.json")),
    ("other.json", include_str!("../../../schemas/other.json")),
    ("fraud_score.json", include_str!("../../../schemas/fraud_score.json")),
];
