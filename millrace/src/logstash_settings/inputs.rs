//! The inputs of Logstash: those that doors and topics stand for, and what is said of the others.

mod absent;
mod beats;
mod events;
mod file;
mod http;
mod kafka;
mod request;
mod syslog;
mod tcp;
mod tls;
mod udp;
mod unix;

use events::Events;

use super::known::{KnownPlugins, Read};
use super::plugin::{PluginReader, Reasons};

/// What every input has.
const EVERY: [&str; 6] = ["add_field", "codec", "enable_metric", "id", "tags", "type"];

/// Why options of every plugin are not carried over.
pub(super) const MONITORING: &str =
    "it is for Logstash's own monitoring; the metrics port shows all doors and stages";
/// Why an input's words of its sender are not carried over.
const SENDER: &str = "of its sender an event is told no more than the address";
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

/// Reads what every input may ask for.
fn read_every(reader: &mut PluginReader<'_>, events: Events<'_>) {
    const REASONS: Reasons = &[(MONITORING, &["enable_metric", "id"])];
    reader.leave_given(REASONS);
    events::read(reader, events);
}
