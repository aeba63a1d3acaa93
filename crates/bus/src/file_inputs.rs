//! What records of files are called. The door for files has one listener for what its own settings name, and one for
//! each further input that has settings of its own, so that whoever reads the records tells the inputs apart.
//!
//! Names alone: it reads no file and knows no setting.

/// The listener of records of files.
pub const LISTENER: &str = "file";
/// What names a further input, in words for whoever writes one.
pub const FURTHER_IN_WORDS: &str =
    "`file-` and a word of small letters, digits, - and _, as file-nginx, of 64 bytes at most";
/// Most bytes of the name of a further input.
const FURTHER_BYTES_MAX: usize = 64;

/// The name of a further input that is counted and not named: `file-2`.
#[must_use]
pub fn counted(number: usize) -> String {
    format!("{LISTENER}-{number}")
}

/// Whether this is the name of a further input.
#[must_use]
pub fn is_further(name: &str) -> bool {
    let is_known = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let word = name.strip_prefix(LISTENER).and_then(|rest| rest.strip_prefix('-'));
    word.is_some_and(|word| {
        !word.is_empty() && name.len() <= FURTHER_BYTES_MAX && word.bytes().all(is_known)
    })
}

/// Whether records of this listener are of files.
#[must_use]
pub fn is_of_files(listener: &str) -> bool {
    listener == LISTENER || is_further(listener)
}

#[cfg(test)]
mod tests {
    use super::{FURTHER_BYTES_MAX, FURTHER_IN_WORDS, counted, is_further, is_of_files};

    #[test]
    fn a_further_input_has_the_door_and_a_word_in_its_name() {
        let longest = format!("file-{}", "x".repeat(FURTHER_BYTES_MAX - 5));
        for name in ["file-2", "file-nginx", "file-a_b-3", &longest, &counted(10)] {
            assert!(is_further(name) && is_of_files(name), "{name}");
        }
        let longer = format!("{longest}x");
        for name in ["file-", "files", "file.a", "file-A", "file-a b", "tcp", "", &longer] {
            assert!(!is_further(name) && !is_of_files(name), "{name}");
        }
        assert!(is_of_files("file") && !is_further("file"), "the door itself");
        assert!(FURTHER_IN_WORDS.contains(&FURTHER_BYTES_MAX.to_string()), "{FURTHER_IN_WORDS}");
    }
}
