//! A pipeline's text, and where it comes from: a file, a folder, a pattern of files, or an entry of
//! `pipelines.yml`.
//!
//! Files are read at the start and when the pipeline is read again; never by an event.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use crate::EnricherError;
use crate::config::{Config, process_variables};
use crate::filter::{EcsCompatibility, Environment};
use crate::language::{Diagnostic, Source, Syntax};
use crate::pipeline_list::{self, ListedPipeline, ListedText};
use crate::plan::{self, Plan};
use crate::refreshed_file::Stamp;

/// The pipeline that runs where the configuration names none.
const DEFAULT_PIPELINE: &str = include_str!("../pipelines/ecommerce.conf");
/// What messages call it.
const DEFAULT_PIPELINE_NAME: &str = "pipelines/ecommerce.conf";
/// Most bytes of a pipeline, all its files together.
const PIPELINE_BYTES_MAX: u64 = 4 << 20;
/// Which files of a folder are a pipeline's.
const ENDING: &str = "conf";

/// A pipeline's text with what belongs to it.
#[derive(Clone, Debug)]
pub struct PipelineText {
    /// The text.
    pub source: Source,
    /// Files that lie beside those that were read and are no part of the pipeline.
    pub not_read: Vec<PathBuf>,
    /// Its entry in `pipelines.yml`, if it has one: what it says holds over the configuration.
    pub listed: Option<ListedPipeline>,
}

impl PipelineText {
    /// The pipeline that comes along.
    #[must_use]
    pub fn built_in() -> Self {
        let source = Source::new(DEFAULT_PIPELINE_NAME, DEFAULT_PIPELINE);
        Self { source, not_read: Vec::new(), listed: None }
    }

    /// Reads what a path names: a file, a folder (its files `*.conf` in the order of their names), a pattern
    /// as `conf.d/*.conf`, or `pipelines.yml` with one pipeline, `pipelines.yml#ID` for one of several.
    ///
    /// # Errors
    /// It cannot be read as text, names nothing, or is too large.
    pub fn read(path: &Path) -> Result<Self, EnricherError> {
        let Some((list, id)) = list_and_id(path) else {
            let files = files_of(path)?;
            let source = read_files(path, &files.read)?;
            return Ok(Self { source, not_read: files.not_read, listed: None });
        };
        let listed = listed(&list, id.as_deref())?;
        let (source, not_read) = match &listed.text {
            ListedText::Here(text) => {
                let name = format!("{}#{} (config.string)", list.display(), listed.id);
                (Source::new(name, text), Vec::new())
            }
            ListedText::Path(named) => {
                let path = beside(&list, named);
                let files = files_of(&path)?;
                (read_files(&path, &files.read)?, files.not_read)
            }
        };
        Ok(Self { source, not_read, listed: Some(listed) })
    }

    /// How the text is read.
    #[must_use]
    pub fn syntax(&self, config: &Config) -> Syntax {
        let listed = self.listed.as_ref().and_then(|listed| listed.support_escapes);
        Syntax { support_escapes: listed.unwrap_or(config.support_escapes) }
    }

    /// Which field names filters use by default.
    #[must_use]
    pub fn ecs_compatibility(&self, config: &Config) -> EcsCompatibility {
        let listed = self.listed.as_ref().and_then(|listed| listed.ecs_compatibility);
        listed.unwrap_or(config.ecs_compatibility)
    }

    /// Compiles the filters.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn compile(
        &self,
        config: &Config,
        environment: Environment,
    ) -> Result<Plan, Vec<Diagnostic>> {
        let ecs_compatibility = self.ecs_compatibility(config);
        let environment = Environment { ecs_compatibility, ..environment };
        plan::parse_and_compile(&self.source, self.syntax(config), &environment)
    }
}

/// The ids of the pipelines in a list, or `None` for a path that is no list or says which of them is meant.
///
/// # Errors
/// The list cannot be read, or what is wrong with it.
pub fn listed_ids(path: &Path) -> Result<Option<Vec<String>>, EnricherError> {
    match list_and_id(path) {
        Some((list, None)) => {
            Ok(Some(read_list(&list)?.into_iter().map(|listed| listed.id).collect()))
        }
        _ => Ok(None),
    }
}

/// By what it is seen that any file of a pipeline has changed, come or gone; `None` while one cannot be
/// looked at.
pub(crate) fn stamps(path: &Path) -> Option<Vec<(PathBuf, Stamp)>> {
    let mut paths = Vec::new();
    match list_and_id(path) {
        None => paths = files_of(path).ok()?.read,
        Some((list, id)) => {
            // A list that cannot be read is still seen to change.
            if let Ok(ListedPipeline { text: ListedText::Path(named), .. }) =
                listed(&list, id.as_deref())
            {
                paths = files_of(&beside(&list, &named)).ok()?.read;
            }
            paths.push(list);
        }
    }
    paths.into_iter().map(|path| Stamp::of(&path).ok().map(|stamp| (path, stamp))).collect()
}

/// The list that a path names, and which pipeline of it.
fn list_and_id(path: &Path) -> Option<(PathBuf, Option<String>)> {
    if !path.exists()
        && let Some((list, id)) = path.to_str().and_then(split_id)
    {
        return Some((list.into(), Some(id.to_owned())));
    }
    let is_list = path.extension().is_some_and(|end| end == "yml" || end == "yaml");
    is_list.then(|| (path.to_owned(), None))
}

/// Splits at the first `#` behind a list: an id may hold any character.
fn split_id(text: &str) -> Option<(&str, &str)> {
    let ends = [".yml#", ".yaml#"].map(|end| text.find(end).map(|at| at + end.len()));
    let (list, id) = text.split_at(ends.into_iter().flatten().min()?);
    Some((list.strip_suffix('#')?, id))
}

fn read_list(list: &Path) -> Result<Vec<ListedPipeline>, EnricherError> {
    let source = read_files(list, &[list.to_owned()])?;
    let name = list.display().to_string();
    Ok(pipeline_list::parse(&name, source.text(), &process_variables())?)
}

/// The pipeline of a list that is meant.
fn listed(list: &Path, id: Option<&str>) -> Result<ListedPipeline, EnricherError> {
    let mut pipelines = read_list(list)?;
    let ids: Vec<_> = pipelines.iter().map(|listed| listed.id.clone()).collect();
    let place = match id {
        None if ids.len() == 1 => Some(0),
        None => None,
        Some(id) => ids.iter().position(|known| known == id),
    };
    match place {
        Some(place) => Ok(pipelines.swap_remove(place)),
        None => {
            let id = id.map(str::to_owned);
            Err(EnricherError::WhichPipeline { list: list.to_owned(), id, ids })
        }
    }
}

/// Where a path in a list leads: from the list's folder on.
fn beside(list: &Path, named: &str) -> PathBuf {
    list.parent().unwrap_or(Path::new("")).join(named)
}

/// What a path names.
struct Files {
    read: Vec<PathBuf>,
    not_read: Vec<PathBuf>,
}

fn files_of(path: &Path) -> Result<Files, EnricherError> {
    let all = if path.is_dir() {
        in_folder(path)?
    } else if path.exists() || !has_pattern(path) {
        return Ok(Files { read: vec![path.to_owned()], not_read: Vec::new() });
    } else {
        matching(path)?
    };
    let is_folder = path.is_dir();
    let (read, not_read) = all.into_iter().partition(|file| {
        // What an editor has left is no pipeline.
        let is_left = file.to_string_lossy().ends_with('~');
        let is_hidden = file.file_name().is_some_and(is_hidden);
        let is_of_folder = !is_hidden && file.extension().is_some_and(|ending| ending == ENDING);
        !is_left && (!is_folder || is_of_folder)
    });
    let files = Files { read, not_read };
    if files.read.is_empty() {
        return Err(EnricherError::NoFiles { path: path.to_owned() });
    }
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, EnricherError> {
    let unreadable = |source| EnricherError::Unreadable { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn has_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, EnricherError> {
    let unreadable =
        |path: &Path, source| EnricherError::Unreadable { path: path.to_owned(), source };
    let wrong = |error: glob::PatternError| {
        unreadable(pattern, std::io::Error::new(std::io::ErrorKind::InvalidInput, error))
    };
    let hidden = hidden_in(pattern);
    let mut files = Vec::new();
    for found in glob::glob(&pattern.to_string_lossy()).map_err(wrong)? {
        match found {
            Ok(path) if is_meant(&path, &hidden) && path.is_file() => files.push(path),
            Err(error) if is_meant(error.path(), &hidden) => {
                let path = error.path().to_owned();
                return Err(unreadable(&path, error.into()));
            }
            _ => {}
        }
    }
    files.sort();
    Ok(files)
}

/// The parts of a pattern that name something hidden.
fn hidden_in(pattern: &Path) -> Vec<glob::Pattern> {
    let parts = pattern.components().filter_map(|part| match part {
        Component::Normal(name) if is_hidden(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    // The whole pattern is read before they are used: it says what is wrong with one.
    parts.filter_map(|part| glob::Pattern::new(&part).ok()).collect()
}

/// Whether nothing of a path is hidden but what a pattern names so. The option of `glob` for this panics
/// on names that are not UTF-8.
fn is_meant(path: &Path, hidden: &[glob::Pattern]) -> bool {
    path.components().all(|part| match part {
        Component::Normal(name) if is_hidden(name) => {
            hidden.iter().any(|pattern| pattern.matches(&name.to_string_lossy()))
        }
        _ => true,
    })
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn read_files(path: &Path, files: &[PathBuf]) -> Result<Source, EnricherError> {
    let mut bytes = 0;
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        let unreadable = |source| EnricherError::Unreadable { path: file.clone(), source };
        bytes += std::fs::metadata(file).map_err(unreadable)?.len();
        if bytes > PIPELINE_BYTES_MAX {
            return Err(EnricherError::TooLarge { path: path.to_owned(), max: PIPELINE_BYTES_MAX });
        }
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        texts.push((file.display().to_string(), text));
    }
    Ok(Source::joined(texts))
}

#[cfg(test)]
mod tests;
