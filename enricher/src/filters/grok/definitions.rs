//! Named patterns: the sets that ship with Logstash, and a user's own.
//!
//! The legacy set is that of the crate `grok` (Apache-2.0, from logstash-patterns-core), with definitions
//! of ours where it is behind Logstash or in a form that a linear engine cannot run. The ECS set is made
//! from the legacy one by a table of field names, with definitions of ours for what is new in it. Each is
//! made once for the process; a filter adds its own to it.

mod ecs;
mod legacy;
mod lowered;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use lowered::Edit;

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

/// A shipped set by name.
type Set = HashMap<&'static str, Cow<'static, str>>;

static LEGACY: LazyLock<Set> = LazyLock::new(|| {
    let mut set = common();
    insert(&mut set, legacy::DEFINITIONS);
    set
});

static ECS: LazyLock<Set> = LazyLock::new(|| {
    let mut set = common();
    ecs::convert(&mut set);
    set
});

/// What both modes start from, with legacy field names.
fn common() -> Set {
    let mut set = Set::with_capacity(400);
    insert(&mut set, grok::patterns());
    edit(&mut set, lowered::EDITS);
    insert(&mut set, lowered::DEFINITIONS);
    set
}

fn insert(set: &mut Set, definitions: &[(&'static str, &'static str)]) {
    set.extend(definitions.iter().map(|(name, pattern)| (*name, Cow::Borrowed(*pattern))));
}

fn edit(set: &mut Set, edits: &[Edit]) {
    for (names, old, new) in edits {
        let fitting = set.iter_mut().filter(|(name, _)| fits(names, name));
        for (_, definition) in fitting.filter(|(_, definition)| definition.contains(old)) {
            *definition = Cow::Owned(definition.replace(old, new));
        }
    }
}

/// Patterns by name: the shipped ones, and those that replace them or are added.
#[derive(Clone, Debug)]
pub(super) struct Definitions {
    shipped: &'static Set,
    own: HashMap<String, String>,
}

impl Definitions {
    /// The shipped set.
    pub(super) fn shipped(ecs: bool) -> Self {
        Self { shipped: if ecs { &ECS } else { &LEGACY }, own: HashMap::new() }
    }

    /// Adds one.
    pub(super) fn add(&mut self, name: &str, pattern: &str) {
        self.own.insert(name.to_owned(), pattern.to_owned());
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let own = self.own.get(name).map(String::as_str);
        own.or_else(|| self.shipped.get(name).map(AsRef::as_ref))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.own.keys().map(String::as_str).chain(self.shipped.keys().copied())
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
