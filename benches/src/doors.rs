//! What the benches of the gateway share: a gateway with the embedded log in a process of its own, and what is sent to
//! its doors. Everything that is sent is made before it is measured, so that a sender costs little but its system
//! calls. Nothing here is a bench.

pub mod arguments;
pub mod payload;
pub mod sender;
pub mod server;
pub mod warm_memory;

use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets this process open as many files as the system allows it, and says how many that are.
pub fn raise_open_files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What it then is counts, whether or not this was allowed.
    setrlimit(Resource::Nofile, limit).unwrap_or_default();
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// The longest of this share of durations, which are sorted; nothing where there is none.
#[must_use]
pub fn longest_of(sorted: &[Duration], share: f64) -> Duration {
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
