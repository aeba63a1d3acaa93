//! Dictionaries in files: YAML, JSON or CSV by the end of their name.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::dictionary::{Comparison, Dictionary, Entries, Entry};
use super::yaml;
use crate::refreshed_file::RefreshedFile;

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

/// How a dictionary is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) format: Format,
    pub(super) yaml: yaml::Rules,
    pub(super) comparison: Comparison,
    pub(super) behaviour: Behaviour,
}

/// A dictionary that is read again.
pub(super) type DictionaryFile = RefreshedFile<Dictionary>;

/// Reads the file, for the first time.
///
/// # Errors
/// Why it cannot be read, in words.
pub(super) fn open(
    path: PathBuf,
    reading: Reading,
    refresh_ns: Option<i64>,
) -> Result<DictionaryFile, String> {
    let read = move |path: &Path, before: Option<&Dictionary>| {
        reading.read(path, before).map_err(|reason| format!("{}: {reason}", path.display()))
    };
    RefreshedFile::open(path, FILE_MAX_BYTES, refresh_ns, Box::new(read))
}

impl Reading {
    fn read(self, path: &Path, before: Option<&Dictionary>) -> Result<Dictionary, String> {
        if !path.is_file() {
            return Err("it is no file".to_owned());
        }
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let entries = match self.format {
            Format::Yaml => yaml::entries(text, self.yaml),
            Format::Json => json_entries(text),
            Format::Csv => csv_entries(text),
        }?;
        match before {
            Some(before) if self.behaviour == Behaviour::Merge => before.clone().with(entries),
            _ => Dictionary::new(entries, self.comparison),
        }
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
