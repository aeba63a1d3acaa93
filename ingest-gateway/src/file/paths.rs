//! Which files there are: what the patterns of the settings find, and whose each is. Opens nothing.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use glob::{MatchOptions, Pattern, glob_with};

use super::braces::expand_braces;
use super::identity::{FileId, Stamp};
use super::input::Input;
use super::troubles::unreadable;
use crate::config::FileInputConfig;

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
    /// By their numbers. The first one that finds a file has it.
    inputs: Vec<Patterns>,
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

/// What was found, by each input when it was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files, each once.
    pub(crate) files: HashMap<FileId, Sighting>,
    /// Those of the last look, in their order.
    pub(crate) order: Vec<FileId>,
    /// What could not be looked at.
    pub(crate) failures: Vec<Failure>,
    /// Compressed files where only plain ones are read, with the number of the input.
    pub(crate) compressed: HashMap<PathBuf, usize>,
}

/// A file that was found.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) path: PathBuf,
    /// What it was like then.
    pub(crate) stamp: Stamp,
    /// Whose it is.
    pub(crate) input: Arc<Input>,
}

/// A file or folder that could not be looked at.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) path: PathBuf,
    pub(crate) what: String,
    /// The number of the input.
    input: usize,
}

impl Found {
    /// Takes out what is looked for anew.
    fn forget(&mut self, is_due: impl Fn(usize) -> bool) {
        self.files.retain(|_, sighting| !is_due(sighting.input.number));
        self.order.clear();
        self.failures.retain(|failure| !is_due(failure.input));
        self.compressed.retain(|_, input| !is_due(*input));
    }

    /// Adds a file, unless an input before this one has it. What an input found at an earlier look may be gone, and
    /// its inode given to this file.
    fn add(&mut self, id: FileId, sighting: Sighting) {
        let is_taken = self.files.get(&id).is_some_and(|known| {
            known.input.number <= sighting.input.number
                && (known.path == sighting.path || leads_to(&known.path, id).unwrap_or(false))
        });
        if !is_taken {
            self.files.insert(id, sighting);
            self.order.push(id);
        }
    }

    fn fail(&mut self, path: PathBuf, error: &io::Error, input: &Input) {
        self.failures.push(Failure { path, what: unreadable(error), input: input.number });
    }
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
    fn new(config: &FileInputConfig, input: Arc<Input>) -> Self {
        let expanded = config.paths.iter().filter_map(|path| expand_braces(path).ok());
        let excluded = config.exclude.iter().filter_map(|text| Pattern::new(text).ok());
        Self {
            input,
            wanted: expanded.flatten().filter_map(|text| Wanted::new(&text)).collect(),
            excluded: excluded.collect(),
        }
    }

    /// Whether a file of this name would be read.
    fn want(&self, path: &Path) -> bool {
        let matches = |wanted: &Wanted| {
            wanted.pattern.matches_path_with(path, OPTIONS) && wanted.reveals(path)
        };
        self.can_read(path) && self.wanted.iter().any(matches) && !self.is_excluded(path)
    }

    /// Whether a file of this name is not compressed, or its files are read once.
    fn can_read(&self, path: &Path) -> bool {
        self.input.reads_once() || !is_gzip(path)
    }

    fn is_excluded(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.excluded.iter().any(|pattern| pattern.matches(&name))
    }
}

impl Paths {
    /// Those of these inputs, which stand in the order of their numbers, with their settings.
    pub(crate) fn new(inputs: &[(Arc<Input>, FileInputConfig)]) -> Self {
        let patterns = |(input, config): &(Arc<Input>, FileInputConfig)| {
            Patterns::new(config, Arc::clone(input))
        };
        Self { inputs: inputs.iter().map(patterns).collect() }
    }

    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Arc<Input>> {
        self.inputs.iter().map(|of| &of.input)
    }

    /// Looks for the files of the inputs for which it is time, by their numbers. What others have found stays as it
    /// was. A folder that does not exist has none.
    pub(crate) fn find(&self, found: &mut Found, is_due: impl Fn(usize) -> bool) {
        found.forget(&is_due);
        let due = self.inputs.iter().filter(|of| is_due(of.input.number));
        let all = due.flat_map(|of| of.wanted.iter().map(move |wanted| (of, wanted)));
        for (of, wanted) in all {
            let Ok(paths) = glob_with(wanted.pattern.as_str(), OPTIONS) else { continue };
            for path in paths {
                match path {
                    Ok(path) if wanted.reveals(&path) && !self.waits(&path, of, &is_due) => {
                        self.add(path, of, found);
                    }
                    Err(error) if wanted.reveals(error.path()) => {
                        found.fail(error.path().to_owned(), error.error(), &of.input);
                    }
                    Ok(_) | Err(_) => {}
                }
            }
        }
    }

    /// Whether a file waits for an input before this one that is not looked at now.
    fn waits(&self, path: &Path, of: &Patterns, is_due: impl Fn(usize) -> bool) -> bool {
        let mut before = self.inputs.iter().take(of.input.number);
        before.any(|before| !is_due(before.input.number) && before.want(path))
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
            Err(error) => return found.fail(path, &error, &of.input),
        };
        if of.can_read(&path) {
            let input = Arc::clone(&of.input);
            let sighting = Sighting { path, stamp: Stamp::of(&metadata), input };
            found.add(FileId::of(&metadata), sighting);
        } else if self.want(&path).is_none() {
            found.compressed.insert(path, of.input.number);
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
