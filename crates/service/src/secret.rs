//! A value that is never shown: not in a log, not in an error, not in a configuration that is
//! written out.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands in the place of a secret.
const HIDDEN: &str = "(secret)";

/// The longest file that can hold a secret, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// A file that was to hold a secret.
#[derive(Debug, thiserror::Error)]
#[error("the secret in {} cannot be used: {reason}", .path.display())]
pub struct SecretFileError {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub reason: String,
}

/// A password, a key, a token.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one who needs it.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl Secret<String> {
    /// The secret in a file, without the line breaks at its end.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is too long to hold a secret.
    pub fn read(path: &Path) -> Result<Self, SecretFileError> {
        let unusable = |reason: String| SecretFileError { path: path.to_owned(), reason };
        let length = fs::metadata(path).map_err(|error| unusable(error.to_string()))?.len();
        if length > FILE_BYTES_MAX {
            return Err(unusable(format!("it is longer than {FILE_BYTES_MAX} bytes")));
        }
        let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(unusable("it is empty".to_owned())),
            secret => Ok(Self(secret.to_owned())),
        }
    }

    /// The secret that settings give, by a file or as it is.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn given(
        value: Option<&Self>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, SecretFileError> {
        match file {
            Some(path) => Self::read(path).map(Some),
            None => Ok(value.cloned()),
        }
    }
}

/// A URL as it may be shown: scheme and hosts, without user, password, path and options.
#[must_use]
pub fn url_without_secrets(url: &str) -> String {
    let (scheme, rest) = url.find("://").map_or(("", url), |at| url.split_at(at + 3));
    let hosts = rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts);
    let end = hosts.find(['/', '?', '#']).unwrap_or(hosts.len());
    format!("{scheme}{}", &hosts[..end])
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error of the value itself would show it.
        let refused =
            |_| D::Error::custom("this secret is not of the form wanted (it is not shown)");
        T::deserialize(deserializer).map(Self).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_shown() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "(secret)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"(secret)\"");
        assert_eq!(secret.reveal(), "hunter2");
        let error = serde_json::from_str::<Secret<u8>>("\"hunter2\"").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_file_holds_a_secret_or_says_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| {
            let path = folder.path().join("secret");
            fs::write(&path, text).unwrap();
            Secret::read(&path).map(|secret| secret.reveal().clone()).map_err(|e| e.to_string())
        };
        assert_eq!(write("hunter2\r\n").unwrap(), "hunter2");
        assert_eq!(write(" hunter 2 ").unwrap(), " hunter 2 ");
        assert!(write("\n").unwrap_err().contains("it is empty"));
        let long = write(&"x".repeat(70_000)).unwrap_err();
        assert!(long.contains("longer than") && !long.contains("xx"), "{long}");
        assert!(
            Secret::read(Path::new("/nowhere/x")).unwrap_err().to_string().contains("/nowhere")
        );
        let value = Secret::new("value".to_owned());
        assert_eq!(Secret::given(Some(&value), None).unwrap(), Some(value));
        assert_eq!(Secret::given(None, None).unwrap(), None);
    }

    #[test]
    fn urls_are_shown_without_secrets() {
        for (url, shown) in [
            ("mongodb://ada:hunter2@a:1,b:2/?x=y", "mongodb://a:1,b:2"),
            ("redis://:hunt@er2@h:6379/0", "redis://h:6379"),
            ("kafka://a:9092,b:9092", "kafka://a:9092,b:9092"),
            ("embedded:", "embedded:"),
            ("mongodb:ada:hunter2@a", "a"),
        ] {
            assert_eq!(url_without_secrets(url), shown);
        }
    }
}
