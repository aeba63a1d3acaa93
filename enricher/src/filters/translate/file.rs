//! Dictionaries in files: YAML, JSON or CSV by the end of their name. All workers share what was read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::dictionary::{Comparison, Dictionary, Entries, Entry};
use super::yaml;

/// Size of a dictionary file in bytes.
const FILE_MAX_BYTES: u64 = 512 << 20;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    Csv,
}

impl Format {
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "yml" | "yaml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// What becomes of entries that are no longer in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// They stay.
    Merge,
    Replace,
}

/// Where a dictionary is read, and how.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(super) yaml: yaml::Rules,
    pub(super) behaviour: Behaviour,
}

/// A dictionary that is read again.
#[derive(Debug)]
pub(super) struct DictionaryFile {
    reading: Reading,
    /// None: the file is read once.
    pub(super) refresh_ns: Option<i64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dictionary: Arc<Dictionary>,
    stamp: Stamp,
}

/// Tells whether a file is another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size_bytes: u64,
}

impl DictionaryFile {
    /// Reads the file.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub(super) fn open(
        reading: Reading,
        comparison: Comparison,
        refresh_ns: Option<i64>,
    ) -> Result<Self, String> {
        let stamp = reading.stamp()?;
        let dictionary = reading.in_words(Dictionary::new(reading.entries()?, comparison))?;
        let state = Mutex::new(State { dictionary: Arc::new(dictionary), stamp });
        Ok(Self { reading, refresh_ns, state })
    }

    /// What stands in the file by now; what stood there if it cannot be read.
    pub(super) fn current(&self) -> Arc<Dictionary> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.read_again(&state) {
            Ok(Some(read)) => *state = read,
            Ok(None) => {}
            Err(reason) => tracing::warn!(reason, "the dictionary of `translate` stays as it is"),
        }
        Arc::clone(&state.dictionary)
    }

    fn read_again(&self, before: &State) -> Result<Option<State>, String> {
        let stamp = self.reading.stamp()?;
        if stamp == before.stamp {
            return Ok(None);
        }
        let entries = self.reading.entries()?;
        let dictionary = match self.reading.behaviour {
            Behaviour::Merge => (*before.dictionary).clone().with(entries),
            Behaviour::Replace => Dictionary::new(entries, before.dictionary.comparison()),
        };
        let dictionary = Arc::new(self.reading.in_words(dictionary)?);
        Ok(Some(State { dictionary, stamp }))
    }

    pub(super) fn at_start(&self) -> Arc<Dictionary> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).dictionary)
    }
}

impl Reading {
    fn in_words<T>(&self, result: Result<T, String>) -> Result<T, String> {
        result.map_err(|reason| {
            format!("{reason} when loading the dictionary file at {}", self.path.display())
        })
    }

    fn stamp(&self) -> Result<Stamp, String> {
        let metadata = self.path.metadata();
        let metadata = self.in_words(metadata.map_err(|error| error.to_string()))?;
        let size_bytes = metadata.len();
        if !metadata.is_file() {
            return self.in_words(Err("it is no file".to_owned()));
        }
        if size_bytes > FILE_MAX_BYTES {
            return self.in_words(Err(format!("it is larger than {FILE_MAX_BYTES} bytes")));
        }
        Ok(Stamp { modified: metadata.modified().ok(), size_bytes })
    }

    fn entries(&self) -> Result<Entries, String> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| error.to_string());
        let text = self.in_words(text)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        self.in_words(match self.format {
            Format::Yaml => yaml::entries(text, self.yaml),
            Format::Json => json_entries(text),
            Format::Csv => csv_entries(text),
        })
    }
}

fn json_entries(text: &str) -> Result<Entries, String> {
    if text.trim().is_empty() {
        return Ok(Entries::new());
    }
    let values: IndexMap<String, Box<RawValue>> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let entries = values.into_iter().map(|(name, value)| {
        // Numbers stay as exact as they are written.
        let entry = match value.get().starts_with('"') {
            true => Entry::Text(serde_json::from_str(value.get())?),
            false => Entry::Json(value.get().to_owned()),
        };
        Ok((name, entry))
    });
    entries.collect::<Result<_, serde_json::Error>>().map_err(|error| error.to_string())
}

/// Two columns; more are not looked at.
fn csv_entries(text: &str) -> Result<Entries, String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut entries = Entries::new();
    for line in reader.records() {
        let line = line.map_err(|error| error.to_string())?;
        let name = line.get(0).unwrap_or_default().to_owned();
        let entry = match line.get(1) {
            Some(text) => Entry::Text(text.to_owned()),
            None => Entry::Json("null".to_owned()),
        };
        entries.insert(name, entry);
    }
    Ok(entries)
}
