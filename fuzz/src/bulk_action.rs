//! An action line of a bulk body is read or refused, and says what another reader of JSON finds in it.

use ingest_gateway::trial::bulk_action;
use serde_json::Value;

/// Reads the line.
pub fn hold(line: &[u8]) {
    let read = bulk_action(line);
    let (verb, index, id) = match read {
        Err(reason) => return assert!(!reason.is_empty(), "refused without a word"),
        Ok(action) => action,
    };
    // What is passed over may be no text: then the other reader refuses.
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(line) else { return };
    assert_eq!(object.keys().collect::<Vec<_>>(), [verb]);
    let members = &object[verb];
    assert_eq!(members["_index"].as_str(), index.as_deref());
    let named = match &members["_id"] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    assert_eq!(named, id);
}
