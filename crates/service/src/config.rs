//! Configuration: one TOML file with a table for each service, environment over file, flags over
//! environment; every mistake at once, each with its place and what is allowed.
//!
//! Nothing here opens a file, reads the environment or knows a setting.

mod check;
mod deserialize;
mod mistake;
mod problem;
mod tree;

use std::path::Path;

use serde::de::DeserializeOwned;

pub use check::{Check, Findings};
pub use mistake::{Mistake, Mistakes, Place};
use problem::{Problem, ProblemKind};
use tree::{Origin, Tree};

/// What the name of an environment variable begins with if it may be a setting.
pub const VARIABLE_PREFIX: &str = "MILLRACE_";

/// A setting given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag as it was written: `--tcp`.
    pub name: String,
    /// The setting it stands for: `ingest_gateway.tcp.listen`.
    pub path: String,
    /// Its value, read as the setting's type wants it.
    pub value: String,
}

impl Flag {
    /// A flag that gives a setting a value.
    pub fn new(name: impl Into<String>, path: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), path: path.into(), value: value.into() }
    }
}

/// A setting that something beside the configuration stands for, as the ports in a pipeline of another
/// program. Whatever the configuration says wins over it.
#[derive(Clone, Debug)]
pub struct Preset {
    /// Where it stands.
    pub place: Place,
    /// The setting's name, level by level.
    pub path: Vec<String>,
    /// Its value, read as the setting's type wants it.
    pub value: String,
    /// Settings that leave it out when the configuration gives one of them. Its own name is always one.
    pub unless: Vec<Vec<String>>,
}

/// A configuration with presets below it.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The configuration.
    pub value: T,
    /// Which of the presets count, in their order.
    pub taken: Vec<bool>,
}

/// Reads a configuration: the text of a file, then variables, then flags over it.
///
/// A variable is a setting if its name begins with [`VARIABLE_PREFIX`] and contains `__`, which
/// stands between the levels: `MILLRACE_INGEST_GATEWAY__HTTP__LISTEN` is
/// `ingest_gateway.http.listen`. Others are left alone. Texts of variables and flags are read as the
/// setting's type wants them: lists are separated by commas or written as in TOML.
///
/// # Errors
/// All mistakes, those of [`Check`] included. Each is found by taking out the setting that is
/// refused and reading again, so every setting that is left out must have a default.
pub fn load<T: DeserializeOwned + Check>(
    file: Option<(&Path, &str)>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &[Flag],
) -> Result<T, Mistakes> {
    load_over(&[], file, environment, flags).map(|loaded| loaded.value)
}

/// As [`load`], with presets below everything that is given.
///
/// # Errors
/// As [`load`].
pub fn load_over<T: DeserializeOwned + Check>(
    presets: &[Preset],
    file: Option<(&Path, &str)>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &[Flag],
) -> Result<Loaded<T>, Mistakes> {
    let mut tree = Tree::default();
    let mut mistakes = Vec::new();
    if let Some((path, text)) = file {
        tree.read_file(path, text, &mut mistakes);
    }
    for (name, value) in environment {
        if let Some(path) = setting_of_variable(&name) {
            tree.set(&path, value, Origin::Variable(name));
        }
    }
    for flag in flags {
        let path: Vec<_> = flag.path.split('.').map(str::to_owned).collect();
        tree.set(&path, flag.value.clone(), Origin::Flag(flag.name.clone()));
    }
    let counts = |preset: &Preset| {
        !tree.has(&preset.path) && !preset.unless.iter().any(|path| tree.has(path))
    };
    let taken: Vec<_> = presets.iter().map(counts).collect();
    for (preset, _) in presets.iter().zip(&taken).filter(|(_, taken)| **taken) {
        tree.set(&preset.path, preset.value.clone(), Origin::Preset(preset.place.clone()));
    }
    let value = read(tree, mistakes)?;
    Ok(Loaded { value, taken })
}

/// Reads the settings into their types.
fn read<T: DeserializeOwned + Check>(
    mut tree: Tree,
    mut mistakes: Vec<Mistake>,
) -> Result<T, Mistakes> {
    let settings = tree.clone();
    let mut removed = Vec::new();
    let value: Option<T> = loop {
        match T::deserialize(tree.deserializer()) {
            Ok(value) => break Some(value),
            Err(problem) => {
                let follows = problem.kind == ProblemKind::Missing && below(&removed, &problem);
                if !follows {
                    mistakes.push(mistake_of(&tree, &problem));
                }
                if !tree.remove(&problem.path) {
                    break None;
                }
                removed.push(problem.path);
            }
        }
    };
    if let Some(value) = &value {
        let mut findings = Findings::default();
        value.check(&mut findings);
        for finding in findings.without(&removed) {
            mistakes.push(Mistake::new(
                settings.place(&finding.path),
                &finding.path,
                finding.message,
            ));
        }
    }
    match value {
        Some(value) if mistakes.is_empty() => Ok(value),
        _ => Err(Mistakes::new(mistakes)),
    }
}

fn setting_of_variable(name: &str) -> Option<Vec<String>> {
    let path = name.strip_prefix(VARIABLE_PREFIX)?;
    path.contains("__").then(|| path.to_lowercase().split("__").map(str::to_owned).collect())
}

/// Whether a setting is only missing because it was taken out for another mistake.
fn below(removed: &[Vec<String>], problem: &Problem) -> bool {
    removed.iter().any(|path| path.starts_with(&problem.path))
}

fn mistake_of(tree: &Tree, problem: &Problem) -> Mistake {
    let place = tree.place(&problem.path);
    if problem.kind == ProblemKind::UnknownSetting {
        let (table, _) = problem.path.split_at(problem.path.len().saturating_sub(1));
        return Mistake::new(place, table, problem.message.clone());
    }
    Mistake::new(place, &problem.path, problem.message.clone())
}

#[cfg(test)]
mod tests;
