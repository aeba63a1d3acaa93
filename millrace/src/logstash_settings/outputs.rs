//! The outputs of Logstash: the search store, and what is said of the others.

mod absent;
mod elasticsearch;
mod hosts;

use super::plugin::PluginReader;

/// Reads one output.
type Read = fn(&mut PluginReader<'_>);

/// What every output has.
const EVERY: [&str; 4] = ["codec", "enable_metric", "id", "workers"];

/// Those that are the search store.
const SEARCH: [&str; 2] = ["elasticsearch", "opensearch"];

/// Whether an output is the search store.
pub(super) fn is_store(name: &str) -> bool {
    SEARCH.contains(&name)
}

/// Finds who reads an output.
pub(super) fn find(name: &str) -> Option<Read> {
    if is_store(name) {
        return Some(elasticsearch::read);
    }
    absent::find(name)
}

/// The names of all outputs that are known.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SEARCH.into_iter().chain(absent::names())
}
