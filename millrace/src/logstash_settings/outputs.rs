//! The outputs of Logstash: the search store, and what is said of the others.

mod absent;
mod access;
mod document_id;
mod elasticsearch;
mod hosts;
mod index;

use super::known::{KnownPlugins, Read};

/// What every output has.
const EVERY: [&str; 4] = ["codec", "enable_metric", "id", "workers"];

/// Those that are the search store.
const SEARCH: [(&str, Read); 2] =
    [("elasticsearch", elasticsearch::read), ("opensearch", elasticsearch::read)];

/// The outputs that are known.
pub(super) const KNOWN: KnownPlugins = KnownPlugins {
    carried: &SEARCH,
    every: &EVERY,
    absent: &absent::ABSENT,
    others: &absent::OTHERS,
    instead_of_other: absent::instead_of_other,
};

/// Whether an output is the search store.
pub(super) fn is_store(name: &str) -> bool {
    SEARCH.iter().any(|(known, _)| *known == name)
}
