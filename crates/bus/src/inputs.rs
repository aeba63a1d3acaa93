//! What records of inputs are called. A kind of door has one listener for what its own settings name, and one for each
//! further input that has settings of its own, so that whoever reads the records tells the inputs apart.
//!
//! Names alone: it opens nothing and knows no setting.

/// The listener of records of files.
pub const FILE: &str = "file";
/// The doors that may have further inputs, by the listeners of their records.
pub const KINDS: [&str; 7] = ["beats", FILE, "http", "syslog", "tcp", "udp", "unix"];
/// Most bytes of the name of a further input.
const FURTHER_BYTES_MAX: usize = 64;

/// What names a further input of a door, in words for whoever writes one.
#[must_use]
pub fn further_in_words(kind: &str) -> String {
    format!(
        "`{kind}-` and a word of small letters, digits, - and _, as {kind}-nginx, of {FURTHER_BYTES_MAX} bytes at most"
    )
}

/// The name of a further input of a door that is counted and not named: `tcp-2`.
#[must_use]
pub fn counted(kind: &str, number: usize) -> String {
    format!("{kind}-{number}")
}

/// Whether this is the name of a further input of a door.
#[must_use]
pub fn is_further(kind: &str, name: &str) -> bool {
    let is_known = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let word = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('-'));
    word.is_some_and(|word| {
        !word.is_empty() && name.len() <= FURTHER_BYTES_MAX && word.bytes().all(is_known)
    })
}

/// The door whose records have this listener: `tcp` of `tcp-2`. A listener that is no further input is its own door.
#[must_use]
pub fn door_of(listener: &str) -> &str {
    match listener.split_once('-') {
        Some((kind, _)) if KINDS.contains(&kind) && is_further(kind, listener) => kind,
        _ => listener,
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, FURTHER_BYTES_MAX, KINDS, counted, door_of, further_in_words, is_further};

    #[test]
    fn a_further_input_has_the_door_and_a_word_in_its_name() {
        let longest = format!("file-{}", "x".repeat(FURTHER_BYTES_MAX - 5));
        for name in ["file-2", "file-nginx", "file-a_b-3", &longest, &counted(FILE, 10)] {
            assert!(is_further(FILE, name), "{name}");
            assert_eq!(door_of(name), FILE, "{name}");
        }
        let longer = format!("{longest}x");
        for name in ["file-", "files", "file.a", "file-A", "file-a b", "tcp", "", &longer] {
            assert!(!is_further(FILE, name), "{name}");
            assert_eq!(door_of(name), name, "its own door");
        }
        assert!(
            !is_further(FILE, "file") && !is_further(FILE, "tcp-2"),
            "the door itself, and another one's"
        );
        assert!(further_in_words("tcp").contains(&FURTHER_BYTES_MAX.to_string()));
    }

    #[test]
    fn each_kind_has_further_inputs_and_other_listeners_have_none() {
        for kind in KINDS {
            assert_eq!(door_of(&counted(kind, 2)), kind);
            assert_eq!(door_of(kind), kind);
        }
        for listener in ["kafka", "kafka-2", "fraud-worker", "ingest-gateway", "-2"] {
            assert_eq!(door_of(listener), listener);
        }
    }
}
