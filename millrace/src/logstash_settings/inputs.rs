//! The inputs of Logstash: those that doors and topics stand for, and what is said of the others.

mod absent;
mod beats;
mod file;
mod http;
mod kafka;
mod syslog;
mod tcp;
mod tls;
mod udp;
mod unix;

use enricher::language::{Key, Value};

use super::known::{KnownPlugins, Read};
use super::plugin::{PluginReader, Reasons};

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

const DOORS: [(&str, Read); 8] = [
    ("beats", beats::read),
    ("file", file::read),
    ("http", http::read),
    ("kafka", kafka::read),
    ("syslog", syslog::read),
    ("tcp", tcp::read),
    ("udp", udp::read),
    ("unix", unix::read),
];

/// The inputs that are known.
pub(super) const KNOWN: KnownPlugins = KnownPlugins {
    carried: &DOORS,
    every: &EVERY,
    absent: &absent::ABSENT,
    others: &absent::OTHERS,
    instead_of_other: absent::instead_of_other,
};

/// What every input may ask for that a door does not do: a door changes no event.
fn read_every(reader: &mut PluginReader<'_>) {
    const REASONS: Reasons = &[(MONITORING, &["enable_metric", "id"])];
    reader.leave_given(REASONS);
    // These only check the types. The filters are printed with what is written, so that no variable's value
    // is shown.
    if reader.options.pairs("add_field").is_some() {
        let pairs = reader.written("add_field").and_then(Value::into_pairs);
        let hash = pairs.and_then(|pairs| hash(&pairs));
        let filter = hash.map(|hash| format!("mutate {{ add_field => {hash} }}"));
        leave_for_filter(reader, "add_field", filter);
    }
    if reader.options.texts("tags").is_some() {
        let tags = reader.written("tags").and_then(|tags| tags.as_texts());
        let tags = tags.and_then(|tags| list(&tags));
        let filter = tags.map(|tags| format!("mutate {{ add_tag => [{tags}] }}"));
        leave_for_filter(reader, "tags", filter);
    }
    if reader.options.text("type").is_some() {
        let kind = reader.written("type").and_then(|kind| kind.single()?.as_text());
        let kind = kind.and_then(|kind| quoted(&kind));
        let filter = kind.map(|kind| {
            format!("if ![type] {{ mutate {{ add_field => {{ \"type\" => {kind} }} }} }}")
        });
        leave_for_filter(reader, "type", filter);
    }
}

/// Says which filter does it; `None` is one that cannot be written.
fn leave_for_filter(reader: &mut PluginReader<'_>, option: &str, filter: Option<String>) {
    const NONE: &str = "a `mutate` with it (it cannot be printed here: a text holds both kinds of quotes, or a \
                        value is no text; a text with both can stand in a variable, `${NAME}`)";
    let filter = filter.as_deref().unwrap_or(NONE);
    let reason = format!(
        "a door changes no event, and no event says by which door it came; write at the start of the filter \
         section, for the events of all doors: {filter}"
    );
    reader.leave(option, reason);
}

fn hash(pairs: &[(Key, Value)]) -> Option<String> {
    let pair = |(key, value): &(Key, Value)| {
        let texts = value.as_texts()?;
        let value = match &texts[..] {
            [text] => quoted(text)?,
            texts => format!("[{}]", list(texts)?),
        };
        Some(format!("{} => {value}", quoted(&key.text)?))
    };
    let pairs: Option<Vec<_>> = pairs.iter().map(pair).collect();
    Some(format!("{{ {} }}", pairs?.join(" ")))
}

fn list(texts: &[String]) -> Option<String> {
    let texts: Option<Vec<_>> = texts.iter().map(|text| quoted(text)).collect();
    texts.map(|texts| texts.join(", "))
}

/// A text as the language takes it, which knows no escapes: none with both kinds of quotes.
fn quoted(text: &str) -> Option<String> {
    match (text.contains('"'), text.contains('\'')) {
        (false, _) => Some(format!("\"{text}\"")),
        (true, false) => Some(format!("'{text}'")),
        (true, true) => None,
    }
}
