//! Names that settings give and that last as long as the process: those of doors in metrics, in ledgers and in records,
//! and those of their settings in messages.
//!
//! Keeps each name once, however often it is asked for. What a sender says never comes here.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The same name, for as long as the process lives.
pub(crate) fn kept(name: &str) -> &'static str {
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = all.get(name).copied() {
        return known;
    }
    let name: &'static str = Box::leak(Box::<str>::from(name));
    all.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn a_name_is_kept_once() {
        let first = kept("tcp-kept-once");
        assert_eq!(first, "tcp-kept-once");
        assert!(std::ptr::eq(first, kept(&["tcp-", "kept-once"].concat())));
    }
}
