//! What the benches of the gateway share: a gateway with the embedded log in a process of its own, and what is sent to
//! its doors. Everything that is sent is made before it is measured, so that a sender costs little but its system
//! calls. Nothing here is a bench.

pub mod arguments;
pub mod payload;
pub mod sender;
pub mod server;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets this process open as many files as the system allows it, and says how many that are.
pub fn raise_open_files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What it then is counts, whether or not this was allowed.
    setrlimit(Resource::Nofile, limit).unwrap_or_default();
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
