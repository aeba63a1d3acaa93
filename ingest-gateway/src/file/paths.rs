//! Which files there are: what the patterns of the settings find now, and whose each is. Opens nothing.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use glob::{MatchOptions, Pattern, glob_with};

use super::braces::expand_braces;
use super::identity::FileId;
use super::input::Input;
use crate::config::{FileConfig, FileInputConfig, FileMode};

/// As a shell does: `*` does not find what lies in deeper folders. That it finds no hidden files either is
/// left to [`Wanted`], since the crate panics there at names that are not UTF-8.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// The patterns of the settings.
#[derive(Debug)]
pub(crate) struct Paths {
    /// The first one that finds a file has it.
    inputs: Vec<Patterns>,
    takes_gzip: bool,
}

/// The patterns of an input.
#[derive(Debug)]
struct Patterns {
    input: Arc<Input>,
    wanted: Vec<Wanted>,
    excluded: Vec<Pattern>,
}

/// A pattern, with those of its parts that name hidden files and folders.
#[derive(Debug)]
struct Wanted {
    pattern: Pattern,
    hidden: Vec<Pattern>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files, each once.
    pub(crate) files: HashMap<FileId, Sighting>,
    /// In their order.
    pub(crate) order: Vec<FileId>,
    /// What could not be looked at.
    pub(crate) failures: Vec<(PathBuf, io::Error)>,
    /// Compressed files where only plain ones are read.
    pub(crate) compressed: HashSet<PathBuf>,
}

/// A file that was found.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) path: PathBuf,
    pub(crate) metadata: Metadata,
    /// Whose it is.
    pub(crate) input: Arc<Input>,
}

impl Wanted {
    /// None of what is no pattern.
    fn new(text: &str) -> Option<Self> {
        let hidden = text.split('/').filter(|part| part.starts_with('.'));
        Some(Self {
            pattern: Pattern::new(text).ok()?,
            hidden: hidden.filter_map(|part| Pattern::new(part).ok()).collect(),
        })
    }

    /// Whether all that is hidden in a path stands in the pattern as such.
    fn reveals(&self, path: &Path) -> bool {
        path.components().all(|component| {
            let Component::Normal(name) = component else { return true };
            let name = name.to_string_lossy();
            !name.starts_with('.') || self.hidden.iter().any(|part| part.matches(&name))
        })
    }
}

impl Patterns {
    /// Those of settings that were checked; what is no pattern finds nothing.
    fn new(config: &FileInputConfig, input: Input) -> Self {
        let expanded = config.paths.iter().filter_map(|path| expand_braces(path).ok());
        let excluded = config.exclude.iter().filter_map(|text| Pattern::new(text).ok());
        Self {
            input: Arc::new(input),
            wanted: expanded.flatten().filter_map(|text| Wanted::new(&text)).collect(),
            excluded: excluded.collect(),
        }
    }

    /// Whether a file of this name would be read.
    fn want(&self, path: &Path) -> bool {
        let matches = |wanted: &Wanted| {
            wanted.pattern.matches_path_with(path, OPTIONS) && wanted.reveals(path)
        };
        self.wanted.iter().any(matches) && !self.is_excluded(path)
    }

    fn is_excluded(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.excluded.iter().any(|pattern| pattern.matches(&name))
    }
}

impl Paths {
    /// Those of the door, with what is made of each input's name and settings.
    pub(crate) fn new(
        config: &FileConfig,
        input: impl Fn(String, &FileInputConfig) -> Input,
    ) -> Self {
        let patterns = |(name, config): (String, FileInputConfig)| {
            let input = input(name, &config);
            Patterns::new(&config, input)
        };
        Self {
            inputs: config.all_inputs().into_iter().map(patterns).collect(),
            takes_gzip: config.mode == FileMode::Read,
        }
    }

    /// Looks for files now. A folder that does not exist has none.
    pub(crate) fn find(&self) -> Found {
        let mut found = Found::default();
        let all =
            self.inputs.iter().flat_map(|of| of.wanted.iter().map(move |wanted| (of, wanted)));
        for (of, wanted) in all {
            let Ok(paths) = glob_with(wanted.pattern.as_str(), OPTIONS) else { continue };
            for path in paths {
                match path {
                    Ok(path) if wanted.reveals(&path) => self.add(path, of, &mut found),
                    Err(error) if wanted.reveals(error.path()) => {
                        found.failures.push((error.path().to_owned(), error.into()));
                    }
                    Ok(_) | Err(_) => {}
                }
            }
        }
        found
    }

    fn add(&self, path: PathBuf, of: &Patterns, found: &mut Found) {
        if of.is_excluded(&path) {
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
            found.compressed.insert(path);
            return;
        }
        let id = FileId::of(&metadata);
        if let Entry::Vacant(first) = found.files.entry(id) {
            first.insert(Sighting { path, metadata, input: Arc::clone(&of.input) });
            found.order.push(id);
        }
    }

    /// Whose a file of this name would be.
    pub(crate) fn want(&self, path: &Path) -> Option<&Arc<Input>> {
        self.inputs.iter().find(|of| of.want(path)).map(|of| &of.input)
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
    /// Where in its old folder a file is now; or, if its path is a link, in the folder where that leads.
    pub(crate) fn locate(&mut self, path: &Path, id: FileId) -> Option<PathBuf> {
        let folder = path.parent()?;
        self.locate_in(folder, id).or_else(|| {
            let real = fs::canonicalize(path).ok()?;
            self.locate_in(real.parent().filter(|real| *real != folder)?, id)
        })
    }

    fn locate_in(&mut self, folder: &Path, id: FileId) -> Option<PathBuf> {
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
