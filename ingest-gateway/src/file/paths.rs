//! Which files there are: what the patterns of the settings find now. Opens nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, glob_with};

use super::identity::FileId;
use crate::config::{FileConfig, FileMode};

/// As a shell does: `*` finds neither hidden files nor what lies in deeper folders.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The patterns of the settings.
#[derive(Debug)]
pub(crate) struct Paths {
    patterns: Vec<Pattern>,
    excluded: Vec<Pattern>,
    takes_gzip: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files, each once.
    pub(crate) files: HashMap<FileId, (PathBuf, Metadata)>,
    /// In their order.
    pub(crate) order: Vec<FileId>,
    /// What could not be looked at.
    pub(crate) failures: Vec<(PathBuf, io::Error)>,
    /// Compressed files where only plain ones are read.
    pub(crate) compressed: Vec<PathBuf>,
}

impl Paths {
    /// Those of settings that were checked; what is no pattern finds nothing.
    pub(crate) fn new(config: &FileConfig) -> Self {
        let patterns = |texts: &[String]| {
            texts.iter().filter_map(|text| Pattern::new(text).ok()).collect::<Vec<_>>()
        };
        Self {
            patterns: patterns(&config.paths),
            excluded: patterns(&config.exclude),
            takes_gzip: config.mode == FileMode::Read,
        }
    }

    /// Looks for files now. A folder that does not exist has none.
    pub(crate) fn find(&self) -> Found {
        let mut found = Found::default();
        for pattern in &self.patterns {
            let Ok(paths) = glob_with(pattern.as_str(), OPTIONS) else { continue };
            for path in paths {
                match path {
                    Ok(path) => self.add(path, &mut found),
                    Err(error) => {
                        found.failures.push((error.path().to_owned(), error.into()));
                    }
                }
            }
        }
        found
    }

    fn add(&self, path: PathBuf, found: &mut Found) {
        if self.is_excluded(&path) {
            return;
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            // Between two looks it went away; or it is no file.
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return found.failures.push((path, error)),
        };
        if is_gzip(&path) && !self.takes_gzip {
            return found.compressed.push(path);
        }
        let id = FileId::of(&metadata);
        if let Entry::Vacant(first) = found.files.entry(id) {
            first.insert((path, metadata));
            found.order.push(id);
        }
    }

    /// Whether a file of this name would be read.
    pub(crate) fn want(&self, path: &Path) -> bool {
        let matches = |pattern: &Pattern| pattern.matches_path_with(path, OPTIONS);
        self.patterns.iter().any(matches) && !self.is_excluded(path)
    }

    fn is_excluded(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.excluded.iter().any(|pattern| pattern.matches(&name))
    }
}

/// Whether a name says that the file is compressed.
pub(crate) fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

/// Folders with their files by inode, each read once, to find files again that were renamed.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    known: HashMap<PathBuf, HashMap<u64, PathBuf>>,
}

impl Folders {
    /// Where in its old folder a file is now.
    pub(crate) fn locate(&mut self, path: &Path, id: FileId) -> Option<PathBuf> {
        let folder = path.parent()?;
        if !self.known.contains_key(folder) {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let files = entries.map(|entry| (entry.ino(), entry.path())).collect();
            self.known.insert(folder.to_owned(), files);
        }
        let found = self.known.get(folder)?.get(&id.inode)?;
        leads_to(found, id).is_ok_and(|leads| leads).then(|| found.clone())
    }
}

/// Whether a path leads to this file.
pub(crate) fn leads_to(path: &Path, id: FileId) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file() && FileId::of(&metadata) == id),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
