//! Values as the text that is hashed: scalars as they print; names and values of objects, sorted, and
//! elements of arrays with `|` between them.

use event::{Event, Kind, NodeId};

/// Appends the text of a value.
pub(super) fn write(event: &Event, value: NodeId, out: &mut String) {
    match event.kind(value) {
        Kind::Object => {
            let mut members: Vec<_> = event.children(value).collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            for (place, (name, member)) in members.into_iter().enumerate() {
                out.push_str(if place == 0 { "" } else { "|" });
                out.extend([&*name, "|"]);
                write(event, member, out);
            }
        }
        Kind::Array => {
            for (place, element) in event.elements(value).enumerate() {
                out.push_str(if place == 0 { "" } else { "|" });
                write(event, element, out);
            }
        }
        _ => out.push_str(&event.scalar_text(value).unwrap_or_default()),
    }
}

/// Appends the event's own time.
pub(super) fn write_timestamp(event: &Event, out: &mut String) {
    let mut text = Vec::with_capacity(30);
    event::format_timestamp(event.timestamp_ns, &mut text);
    // Sub-milliseconds that Logstash prints are as many digits as needed, here three, six or nine.
    let text = String::from_utf8_lossy(&text);
    match text.strip_suffix("000Z").filter(|rest| rest.len() > "2000-01-01T00:00:00.000".len()) {
        Some(microseconds) => out.extend([microseconds, "Z"]),
        None => out.push_str(&text),
    }
}

/// All fields of an event, sorted by name, its time among them: `|name|value|name|value|`.
pub(super) fn of_event(event: &Event) -> String {
    let mut fields: Vec<_> = event.fields().map(|(name, value)| (name, Some(value))).collect();
    fields.push(("@timestamp".into(), None));
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    let mut text = String::new();
    for (name, value) in fields {
        text.extend(["|", &name, "|"]);
        match value {
            Some(value) => write(event, value, &mut text),
            None => write_timestamp(event, &mut text),
        }
    }
    text.push('|');
    text
}
