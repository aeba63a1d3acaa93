//! The scan of JSON takes what another strict parser takes, and writes again what it read.

use bytes::Bytes;
use event::{Event, Limits, RefusalKind};
use serde_json::{Map, Value};

/// Decodes the bytes, and holds what comes out against the other parser.
pub fn hold(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    let mut event = Event::new();
    let ours = event.decode_json(&payload, 0, &Limits::default());
    let asked = event::validate(data, &Limits::default());
    assert_eq!(asked, ours, "who only asks is told something else");
    let mark = if data.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let theirs = serde_json::from_slice::<Map<String, Value>>(&data[mark..]);
    match (&ours, &theirs) {
        (Ok(()), Ok(_)) | (Err(_), Err(_)) => {}
        // What a float cannot hold, and halves of surrogate pairs, are well-formed all the same.
        (Ok(()), Err(error)) => {
            let said = error.to_string();
            let stricter = ["out of range", "surrogate", "hex escape"];
            assert!(stricter.iter().any(|reason| said.contains(reason)), "accepted: {said}");
        }
        (Err(refusal), Ok(_)) => {
            let limits = [RefusalKind::TooDeep, RefusalKind::TooManyFields, RefusalKind::TooLarge];
            assert!(limits.contains(&refusal.kind), "refused: {refusal}");
        }
    }
    if let Err(refusal) = ours {
        assert!(refusal.position_bytes <= data.len(), "{refusal}");
        return;
    }
    let mut written = Vec::new();
    event.write_json(&mut written);
    let mut again = Event::new();
    let read = again.decode_json(&Bytes::copy_from_slice(&written), 0, &Limits::documents());
    assert!(read.is_ok(), "what was written cannot be read");
    let ours = serde_json::from_slice::<Map<String, Value>>(&written);
    if let (Ok(mut theirs), Ok(mut ours)) = (theirs, ours) {
        // The event's time and its tags are the platform's; a time that is none goes to `_@timestamp`.
        for name in ["@timestamp", "_@timestamp", "tags", "@metadata"] {
            ours.shift_remove(name);
            theirs.shift_remove(name);
        }
        assert_eq!(Value::Object(ours), Value::Object(theirs));
    }
}
