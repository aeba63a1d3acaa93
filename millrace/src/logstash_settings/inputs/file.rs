//! The input `file`: the door that reads files. A second one is a further input of the door, with files and
//! settings of its own.

mod own;

use bus::inputs::FILE;

use crate::logstash_settings::carried::{Carried, Setting, SettingValue};
use crate::logstash_settings::codec::{self, Takes};
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::{Events, NOWHERE};
use super::{TUNING, read_every};
use own::Own;

const TABLE: [&str; 2] = ["ingest_gateway", FILE];
/// The setting that every input has.
const PATHS: &str = "paths";
/// The setting that names files which are left to the next inputs.
const EXCLUDE: &str = "exclude";
/// Where the configuration names files of its own, nothing that is said of these counts.
const UNLESS: &[&str] = &["ingest_gateway.file.paths", "ingest_gateway.file.inputs"];
const REASONS: Reasons = &[
    (
        "`enricher.ecs_compatibility` says whether a file's path stands in [log][file][path] or in [path]",
        &["ecs_compatibility"],
    ),
    (TUNING, &["file_chunk_count", "file_chunk_size", "sincedb_write_interval"]),
    ("lines end with a line feed", &["delimiter"]),
    ("an archive that is damaged is told in the log", &["check_archive_validity"]),
    ("the process goes on when all files are read", &["exit_after_read"]),
    ("files are never changed or removed", &["file_completed_action", "file_completed_log_path"]),
    (
        "files are read in the order in which they are found",
        &["file_sort_by", "file_sort_direction"],
    ),
    ("name the files that count with `path` and `exclude`", &["ignore_older"]),
];

pub(super) fn read(reader: &mut PluginReader<'_>) {
    reader.options.require("path");
    let paths = reader.options.texts("path");
    let exclude = reader.options.texts("exclude");
    let own = Own::read(reader);
    let start = reader.options.choice("start_position", &["beginning", "end"]);
    let (codec, multiline) = codec::read_joined(reader, Takes::Events);
    reader.leave_given(REASONS);
    leave_positions(reader);
    let left_out = exclude.as_deref().unwrap_or_default();
    let paths = paths.map(|paths| not_read_yet(reader, paths, left_out));
    let paths = paths.filter(|paths| !paths.is_empty());
    let Some(paths) = paths else { return read_every(reader, NOWHERE) };
    let door = Door::next(reader.carried, FILE);
    let table = door.path(&[]);
    let carry = |reader: &mut PluginReader<'_>, option: &str, setting: &str, value| {
        reader.carry_unless(option, &[&table[..], &[setting]].concat(), value, UNLESS);
    };
    let text = |word: &str| SettingValue::Text(word.to_owned());
    carry(reader, "path", PATHS, SettingValue::List(paths));
    carry(reader, "codec", "codec", text(codec.lines.as_str()));
    if let Some(exclude) = exclude {
        carry(reader, "exclude", EXCLUDE, SettingValue::List(exclude));
    }
    own.carry(reader, &table);
    match start {
        Some(_) if own.reads_once() => {
            let reason = "with `mode => read` a file is always read from its beginning";
            reader.leave("start_position", reason);
        }
        Some(start) => carry(reader, "start_position", "start_position", text(start)),
        None => {}
    }
    if let Some(multiline) = multiline {
        multiline.carry(reader, &table, UNLESS);
    }
    reader.carried.open(door.clone());
    let name = Some(door.name());
    let events = Events { door: name, codec: Some(&codec), sender: None, unless: UNLESS };
    read_every(reader, events);
}

/// Says what becomes of the file of positions.
fn leave_positions(reader: &mut PluginReader<'_>) {
    let Some(positions) = reader.options.text("sincedb_path") else { return };
    let reason = if positions == "/dev/null" {
        "positions are always kept, so that no line is lost or taken twice"
    } else {
        "positions of all inputs are kept in one file, in another form, in the data folder; \
         `ingest_gateway.file.position_file` names another file"
    };
    reader.leave("sincedb_path", reason);
}

/// Paths with files for this input, which leaves some names out: what an input before it has is read once.
fn not_read_yet(
    reader: &mut PluginReader<'_>,
    paths: Vec<String>,
    left_out: &[String],
) -> Vec<String> {
    let mut own = Vec::with_capacity(paths.len());
    for path in paths {
        let carried = &*reader.carried;
        let known = inputs(carried)
            .find(|setting| has(setting, &path) && leaves_nothing(carried, setting, left_out));
        let Some(known) = known else {
            own.push(path);
            continue;
        };
        let place = reader.place_of(&known.spot);
        let reason = format!(
            "`{path}` is not carried over: a file is read once, and {place} has this one; Logstash makes two \
             events of each line, as a filter `clone` does"
        );
        reader.leave("path", reason);
    }
    own
}

/// The paths of the inputs before.
fn inputs(carried: &Carried) -> impl Iterator<Item = &Setting> {
    carried.settings.iter().filter(|setting| {
        let is_of_files = setting.path.iter().zip(TABLE).all(|(level, own)| level == own);
        is_of_files && setting.path.last().is_some_and(|last| last == PATHS)
    })
}

fn has(setting: &Setting, path: &str) -> bool {
    matches!(&setting.value, SettingValue::List(paths) if paths.iter().any(|known| known == path))
}

/// Whether the input with these paths takes all of their files, but for names that a later one leaves out too.
fn leaves_nothing(carried: &Carried, paths: &Setting, left_out: &[String]) -> bool {
    let Some((_, table)) = paths.path.split_last() else { return true };
    let excluded = carried.find(&format!("{}.{EXCLUDE}", table.join(".")));
    match excluded.map(|setting| &setting.value) {
        Some(SettingValue::List(names)) => names.iter().all(|name| left_out.contains(name)),
        _ => true,
    }
}
