//! The inputs of Logstash: those that doors and topics stand for, and what is said of the others.

mod absent;
mod file;
mod http;
mod kafka;
mod tcp;
mod udp;

use enricher::language::{Key, Value};

use super::plugin::{PluginReader, Reasons};

/// Reads one input.
type Read = fn(&mut PluginReader<'_>);

/// What every input has.
const EVERY: [&str; 6] = ["add_field", "codec", "enable_metric", "id", "tags", "type"];

/// Why options of every plugin are not carried over.
pub(super) const MONITORING: &str =
    "it is for Logstash's own monitoring; the metrics port shows all doors and stages";
/// Why `ecs_compatibility` of an input is not carried over.
const SENDER: &str = "the doors add nothing of the sender to an event";
/// Why threads and sizes are not carried over.
pub(super) const TUNING: &str =
    "threads, batches and waiting are the platform's own: nothing has to be set";

const DOORS: [(&str, Read); 5] = [
    ("file", file::read),
    ("http", http::read),
    ("kafka", kafka::read),
    ("tcp", tcp::read),
    ("udp", udp::read),
];

/// Finds who reads an input.
pub(super) fn find(name: &str) -> Option<Read> {
    let door = DOORS.iter().find(|(known, _)| *known == name).map(|(_, read)| *read);
    door.or_else(|| absent::find(name))
}

/// The names of all inputs that are known.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    DOORS.iter().map(|(name, _)| *name).chain(absent::names())
}

/// What every input may ask for that a door does not do: a door changes no event.
fn read_every(reader: &mut PluginReader<'_>) {
    const REASONS: Reasons = &[(MONITORING, &["enable_metric", "id"])];
    reader.leave_given(REASONS);
    if let Some(pairs) = reader.options.pairs("add_field") {
        leave_for_filter(
            reader,
            "add_field",
            &format!("mutate {{ add_field => {} }}", hash(&pairs)),
        );
    }
    if let Some(tags) = reader.options.texts("tags") {
        let tags: Vec<_> = tags.iter().map(|tag| quoted(tag)).collect();
        let filter = format!("mutate {{ add_tag => [{}] }}", tags.join(", "));
        leave_for_filter(reader, "tags", &filter);
    }
    if let Some(kind) = reader.options.text("type") {
        let add = format!("mutate {{ add_field => {{ \"type\" => {} }} }}", quoted(&kind));
        leave_for_filter(reader, "type", &format!("if ![type] {{ {add} }}"));
    }
}

fn leave_for_filter(reader: &mut PluginReader<'_>, option: &str, filter: &str) {
    let reason = format!(
        "a door changes no event, and no event says by which door it came; write at the start of the filter \
         section, for the events of all doors: {filter}"
    );
    reader.leave(option, reason);
}

fn hash(pairs: &[(Key, Value)]) -> String {
    let pair = |(key, value): &(Key, Value)| {
        let texts: Vec<_> =
            value.as_texts().unwrap_or_default().iter().map(|text| quoted(text)).collect();
        let value = match &texts[..] {
            [text] => text.clone(),
            texts => format!("[{}]", texts.join(", ")),
        };
        format!("{} => {value}", quoted(&key.text))
    };
    format!("{{ {} }}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
}

/// A text as the language takes it, which knows no escapes.
fn quoted(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}
