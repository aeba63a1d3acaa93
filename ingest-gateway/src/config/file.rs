//! Settings of the file door: which files it follows, where it begins, and where it keeps its place.

use std::path::{self, Path, PathBuf};

use access::ShopName;
use bus::Codec;
use glob::Pattern;
use serde::{Deserialize, Serialize};
use service::Span;

use super::Problem;
use super::problem::refuse_zero;

/// Settings of the file door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    /// Files to read, as absolute paths with `*`, `?`, `[...]` and `**`. Without any the door is closed.
    pub paths: Vec<String>,
    /// Names of files, without their folders, that are left out; with the same signs.
    pub exclude: Vec<String>,
    /// Whether files are followed, or read once.
    pub mode: FileMode,
    /// Where a file begins of which no place is kept. Absent, that is its end. Only for followed files.
    pub start_position: Option<StartPosition>,
    /// What a line is: a JSON object, or plain text.
    pub codec: Codec,
    /// The shop of all lines; absent, `default`.
    pub shop: Option<ShopName>,
    /// Where the places of all files are kept, as an absolute path. Absent, that is in the data folder.
    pub position_file: Option<PathBuf>,
    /// How often open files are looked at for new lines.
    pub poll_interval: Span,
    /// How often folders are looked at for new files, and closed files for new lines.
    pub scan_interval: Span,
    /// How long a file is held open after its last line.
    pub close_after: Span,
    /// Most files that are held open. Further ones are opened for each read.
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
        !self.paths.is_empty()
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
        if self.mode == FileMode::Read && self.start_position == Some(StartPosition::End) {
            let message = "with mode \"read\" a file is always read from its beginning: remove this, \
                           or set mode = \"tail\"";
            problems.push(Problem::new("start_position", message));
        }
        if let Some(wrong) = self.position_file.as_deref().and_then(check_file) {
            let message = format!("it {wrong}: write it as \"/var/lib/millrace/positions.json\"");
            problems.push(Problem::new("position_file", message));
        }
        if self.open_files_max == 0 {
            problems.push(Problem::new("open_files_max", "it must be more than 0"));
        }
        let spans = [
            ("poll_interval", self.poll_interval),
            ("scan_interval", self.scan_interval),
            ("forget_after", self.forget_after),
        ];
        refuse_zero(problems, &[], &spans);
    }
}

fn check_file(file: &Path) -> Option<&'static str> {
    if file.is_relative() {
        return Some("is not absolute, so it would be another file in another folder");
    }
    file.file_name().is_none().then_some("names no file")
}

fn check_path(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return Some("is not absolute: begin it with /".into());
    }
    check_pattern(path)
}

fn check_name(name: &str) -> Option<String> {
    if name.contains('/') {
        return Some("holds a /, but names of files are compared without their folders".into());
    }
    check_pattern(name)
}

fn check_pattern(pattern: &str) -> Option<String> {
    if pattern.contains(['{', '}']) {
        return Some("has braces, which mean nothing here: write an entry for each case".into());
    }
    Pattern::new(pattern).err().map(|error| format!("is no pattern: {}", error.msg))
}
