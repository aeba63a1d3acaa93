//! Named patterns: the sets that ship with Logstash, and a user's own.
//!
//! The legacy set is that of the crate `grok` (Apache-2.0, from logstash-patterns-core), with a few
//! definitions in the form that a linear engine needs. Of the ECS set, those of web servers and of
//! syslog are here; every other name has its legacy definition, with its legacy field names, in ECS
//! mode too.

mod ecs;
mod lowered;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Size of a pattern file in bytes.
const FILE_MAX_BYTES: u64 = 1 << 20;
/// Files read from one folder.
const FILES_MAX: usize = 1_000;

/// Why a file of patterns cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DefinitionsError {
    #[error("cannot read the patterns in {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is larger than {FILE_MAX_BYTES} bytes")]
    TooLarge { path: PathBuf },
    #[error("{path} holds more than {FILES_MAX} pattern files")]
    TooMany { path: PathBuf },
}

/// Patterns by name; later ones replace earlier ones.
#[derive(Clone, Debug)]
pub(super) struct Definitions {
    by_name: HashMap<String, String>,
}

impl Definitions {
    /// The shipped set.
    pub(super) fn shipped(ecs: bool) -> Self {
        let mut definitions = Self { by_name: HashMap::with_capacity(400) };
        let legacy = grok::patterns().iter().copied();
        let ecs = if ecs { ecs::DEFINITIONS } else { &[] };
        for (name, pattern) in
            legacy.chain(lowered::DEFINITIONS.iter().copied()).chain(ecs.iter().copied())
        {
            definitions.add(name, pattern);
        }
        definitions
    }

    /// Adds one.
    pub(super) fn add(&mut self, name: &str, pattern: &str) {
        self.by_name.insert(name.to_owned(), pattern.to_owned());
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Adds those of a folder's files whose names fit, in the order of their names, or of one file.
    pub(super) fn add_path(&mut self, path: &Path, glob: &str) -> Result<(), DefinitionsError> {
        let failed = |source| DefinitionsError::Read { path: path.to_owned(), source };
        if path.metadata().map_err(failed)?.is_file() {
            return self.add_file(path);
        }
        let mut files = Vec::new();
        for entry in path.read_dir().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if fits(glob, &entry.file_name().to_string_lossy()) && entry.path().is_file() {
                files.push(entry.path());
            }
            if files.len() > FILES_MAX {
                return Err(DefinitionsError::TooMany { path: path.to_owned() });
            }
        }
        files.sort();
        files.iter().try_for_each(|file| self.add_file(file))
    }

    fn add_file(&mut self, path: &Path) -> Result<(), DefinitionsError> {
        let failed = |source| DefinitionsError::Read { path: path.to_owned(), source };
        if path.metadata().map_err(failed)?.len() > FILE_MAX_BYTES {
            return Err(DefinitionsError::TooLarge { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, pattern)) = line.trim_end_matches('\r').split_once([' ', '\t']) {
                self.add(name, pattern.trim_start());
            }
        }
        Ok(())
    }
}

/// Whether a file's name fits a pattern of `*` and `?`.
fn fits(glob: &str, name: &str) -> bool {
    match (glob.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            fits(&glob[1..], name)
                || name.chars().next().is_some_and(|first| fits(glob, &name[first.len_utf8()..]))
        }
        (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
            fits(&glob[wanted.len_utf8()..], &name[found.len_utf8()..])
        }
        _ => false,
    }
}
