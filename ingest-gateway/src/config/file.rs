//! Settings of the file door: which files it follows, what their lines are, where it begins, and where it
//! keeps its place.

use std::collections::BTreeMap;
use std::path::{self, Path, PathBuf};

use access::ShopName;
use bus::Codec;
use glob::Pattern;
use serde::{Deserialize, Serialize};
use service::Span;

use super::problem::{refuse_zero, within};
use super::{MultilineConfig, Problem, doors};
use crate::file::{DOOR, expand_braces};

/// Settings of the file door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    /// Files to read, as absolute paths with `*`, `?`, `[...]`, `**` and `{a,b}`. Without any, here or in `inputs`,
    /// the door is closed.
    pub paths: Vec<String>,
    /// Names of files, without their folders, that are left out; with the same signs.
    pub exclude: Vec<String>,
    /// Whether files are followed, or read once; for inputs that do not say it too.
    pub mode: FileMode,
    /// Where a file begins of which no place is kept. Absent, that is its end. Only for followed files.
    pub start_position: Option<StartPosition>,
    /// What a line is: a JSON object, or plain text.
    pub codec: Codec,
    /// Which lines are one event.
    pub multiline: MultilineConfig,
    /// Further files with settings of their own, by a name that begins with `file-`: their records and
    /// `enricher.inputs` have it. What several inputs find is the first one's: these paths, then in the order of
    /// the names, the shorter ones first.
    pub inputs: BTreeMap<String, FileInputConfig>,
    /// The shop of all lines; absent, `default`.
    pub shop: Option<ShopName>,
    /// Where the places of all files are kept, as an absolute path. Absent, that is in the data folder.
    pub position_file: Option<PathBuf>,
    /// How often open files are looked at for new lines; this and what follows counts for inputs that do not say it.
    pub poll_interval: Span,
    /// How often folders are looked at for new files, and closed files for new lines.
    pub scan_interval: Span,
    /// How long a file is held open after its last line.
    pub close_after: Span,
    /// Most files that are held open. Further ones are opened for each read. Those of inputs with a number of their
    /// own are not counted here.
    pub open_files_max: u32,
    /// How long the place of a file is kept that is no longer seen.
    pub forget_after: Span,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            exclude: Vec::new(),
            mode: FileMode::Tail,
            start_position: None,
            codec: Codec::Json,
            multiline: MultilineConfig::default(),
            inputs: BTreeMap::new(),
            shop: None,
            position_file: None,
            poll_interval: Span::from_millis(250),
            scan_interval: Span::from_secs(1),
            close_after: Span::from_secs(300),
            open_files_max: 512,
            forget_after: Span::from_secs(14 * 24 * 3_600),
        }
    }
}

/// Files of the door that have settings of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileInputConfig {
    /// Files to read, as those of the door.
    pub paths: Vec<String>,
    /// Names of files, without their folders, that are left out.
    pub exclude: Vec<String>,
    /// Whether files are followed, or read once. Absent, that is as for the door.
    pub mode: Option<FileMode>,
    /// Where a file begins of which no place is kept. Absent, that is its end. Only for followed files.
    pub start_position: Option<StartPosition>,
    /// What a line is: a JSON object, or plain text.
    pub codec: Codec,
    /// Which lines are one event.
    pub multiline: MultilineConfig,
    /// How often open files are looked at for new lines. Absent, this and what follows is as for the door.
    pub poll_interval: Option<Span>,
    /// How often folders are looked at for new files, and closed files for new lines.
    pub scan_interval: Option<Span>,
    /// How long a file is held open after its last line.
    pub close_after: Option<Span>,
    /// Most of its files that are held open. Absent, they are counted among the door's.
    pub open_files_max: Option<u32>,
    /// How long the place of a file is kept that is no longer seen.
    pub forget_after: Option<Span>,
}

/// How files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileMode {
    /// They are followed: what is appended is read.
    Tail,
    /// Each is read once, to its end.
    Read,
}

/// Where a file begins of which no place is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartPosition {
    /// With its first line.
    Beginning,
    /// With what is appended from now on.
    End,
}

impl FileConfig {
    /// Whether the door is open.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.paths.is_empty() || !self.inputs.is_empty()
    }

    /// The paths of all inputs.
    #[must_use]
    pub fn patterns(&self) -> Vec<String> {
        self.all_inputs().into_iter().flat_map(|(_, input)| input.paths).collect()
    }

    /// All inputs that name files, with their names, in the order in which they are asked for a file.
    pub(crate) fn all_inputs(&self) -> Vec<(String, FileInputConfig)> {
        let mut all = vec![(DOOR.to_owned(), self.own_input())];
        all.extend(self.inputs.iter().map(|(name, input)| (name.clone(), input.clone())));
        all.retain(|(_, input)| !input.paths.is_empty());
        // The names of inputs that are counted have their order then: `file-2` before `file-10`.
        all.sort_by_key(|(name, _)| name.len());
        all
    }

    /// What the door's own table says of its files alone, and not of those of other inputs too.
    fn own_input(&self) -> FileInputConfig {
        FileInputConfig {
            paths: self.paths.clone(),
            exclude: self.exclude.clone(),
            start_position: self.start_position,
            codec: self.codec,
            multiline: self.multiline.clone(),
            ..FileInputConfig::default()
        }
    }

    /// Names the file of places within this folder, unless a setting names one.
    pub fn keep_places_in(&mut self, folder: &Path) {
        if self.is_on() && self.position_file.is_none() {
            let file = folder.join("gateway").join("positions.json");
            self.position_file = Some(path::absolute(&file).unwrap_or(file));
        }
    }

    /// What is wrong where there is no data folder.
    #[must_use]
    pub fn check_position_file(&self) -> Option<Problem> {
        (self.is_on() && self.position_file.is_none()).then(|| {
            let message = "this process has no data folder: name the file in which it keeps how far it has read";
            Problem::new("position_file", message).within("file")
        })
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.own_input().check(self.mode, problems);
        for (name, input) in &self.inputs {
            within("inputs", problems, |problems| check_input(name, input, self.mode, problems));
        }
        if let Some(wrong) = self.position_file.as_deref().and_then(check_file) {
            let message = format!("it {wrong}: write it as \"/var/lib/millrace/positions.json\"");
            problems.push(Problem::new("position_file", message));
        }
        check_limits(
            problems,
            Some(self.open_files_max),
            [
                ("poll_interval", Some(self.poll_interval)),
                ("scan_interval", Some(self.scan_interval)),
                ("forget_after", Some(self.forget_after)),
            ],
        );
    }
}

impl FileInputConfig {
    /// Checks an input of a door with this mode.
    fn check(&self, mode: FileMode, problems: &mut Vec<Problem>) {
        for path in &self.paths {
            if let Some(wrong) = check_path(path) {
                let message = format!("`{path}` {wrong}");
                problems.push(Problem::new("paths", message));
            }
        }
        for name in &self.exclude {
            if let Some(wrong) = check_name(name) {
                let message = format!("`{name}` {wrong}");
                problems.push(Problem::new("exclude", message));
            }
        }
        let mode = self.mode.unwrap_or(mode);
        if mode == FileMode::Read && self.start_position == Some(StartPosition::End) {
            let message = "with mode \"read\" a file is always read from its beginning: remove this, \
                           or set mode = \"tail\"";
            problems.push(Problem::new("start_position", message));
        }
        within("multiline", problems, |problems| self.multiline.check(problems));
        check_limits(
            problems,
            self.open_files_max,
            [
                ("poll_interval", self.poll_interval),
                ("scan_interval", self.scan_interval),
                ("forget_after", self.forget_after),
            ],
        );
    }
}

/// Refuses limits of nothing among those that are given.
fn check_limits(
    problems: &mut Vec<Problem>,
    open_files_max: Option<u32>,
    spans: [(&str, Option<Span>); 3],
) {
    if open_files_max == Some(0) {
        problems.push(Problem::new("open_files_max", "it must be more than 0"));
    }
    let given: Vec<_> =
        spans.into_iter().filter_map(|(setting, span)| Some((setting, span?))).collect();
    refuse_zero(problems, &[], &given);
}

/// Checks a further input, with its name and that it names files.
fn check_input(name: &str, input: &FileInputConfig, mode: FileMode, problems: &mut Vec<Problem>) {
    doors::check_name(DOOR, name, problems);
    within(name, problems, |problems| {
        if input.paths.is_empty() {
            problems
                .push(Problem::new("paths", "it names no files: write some, or remove the table"));
        }
        input.check(mode, problems);
    });
}

fn check_file(file: &Path) -> Option<&'static str> {
    if file.is_relative() {
        return Some("is not absolute, so it would be another file in another folder");
    }
    file.file_name().is_none().then_some("names no file")
}

fn check_path(path: &str) -> Option<String> {
    let patterns = match expand_braces(path) {
        Ok(patterns) => patterns,
        Err(error) => return Some(error.to_string()),
    };
    patterns.iter().find_map(|pattern| {
        if !pattern.starts_with('/') {
            return Some("is not absolute: begin it with /".to_owned());
        }
        check_pattern(pattern)
    })
}

fn check_name(name: &str) -> Option<String> {
    if name.contains('/') {
        return Some("holds a /, but names of files are compared without their folders".into());
    }
    if name.contains(['{', '}']) {
        return Some("has braces, which mean nothing here: write an entry for each case".into());
    }
    check_pattern(name)
}

fn check_pattern(pattern: &str) -> Option<String> {
    Pattern::new(pattern).err().map(|error| format!("is no pattern: {}", error.msg))
}
