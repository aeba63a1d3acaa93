//! The input `file`: the door that reads files.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines, Takes};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::{Events, NOWHERE};
use super::{TUNING, read_every};

const TABLE: [&str; 2] = ["ingest_gateway", "file"];
/// Where the configuration names files of its own, nothing that is said of these counts.
const UNLESS: &[&str] = &["ingest_gateway.file.paths"];
const REASONS: Reasons = &[
    (
        "`enricher.ecs_compatibility` says whether a file's path stands in [log][file][path] or in [path]",
        &["ecs_compatibility"],
    ),
    (TUNING, &["file_chunk_count", "file_chunk_size", "sincedb_write_interval"]),
    ("it is `ingest_gateway.file.close_after` here", &["close_older"]),
    ("it is `ingest_gateway.file.scan_interval` here", &["discover_interval"]),
    ("it is `ingest_gateway.file.poll_interval` here", &["stat_interval"]),
    ("it is `ingest_gateway.file.open_files_max` here", &["max_open_files"]),
    ("it is `ingest_gateway.file.forget_after` here", &["sincedb_clean_after"]),
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
    let mode = reader.options.choice("mode", &["tail", "read"]);
    let start = reader.options.choice("start_position", &["beginning", "end"]);
    let positions = reader.options.text("sincedb_path");
    let codec = codec::read(reader, Lines::Plain, Takes::Events);
    reader.leave_given(REASONS);
    if let Some(other) = reader.carried.find("ingest_gateway.file.paths") {
        let reason = format!(
            "not carried over: there is one door for files, and line {} has it; add this `path` to that one",
            other.spot.line
        );
        reader.note(reason);
        return read_every(reader, NOWHERE);
    }
    let mut carry = |option: &str, name: &str, value| {
        reader.carry_unless(option, &[TABLE[0], TABLE[1], name], value, UNLESS);
    };
    let text = |word: &str| SettingValue::Text(word.to_owned());
    let Some(paths) = paths else { return read_every(reader, NOWHERE) };
    carry("path", "paths", SettingValue::List(paths));
    carry("codec", "codec", text(codec.lines.as_str()));
    if let Some(exclude) = exclude {
        carry("exclude", "exclude", SettingValue::List(exclude));
    }
    if let Some(mode) = mode {
        carry("mode", "mode", text(mode));
    }
    match start {
        Some(_) if mode == Some("read") => {
            let reason = "with `mode => read` a file is always read from its beginning";
            reader.leave("start_position", reason);
        }
        Some(start) => carry("start_position", "start_position", text(start)),
        None => {}
    }
    if let Some(positions) = positions {
        let reason = if positions == "/dev/null" {
            "positions are always kept, so that no line is lost or taken twice"
        } else {
            "positions are kept in another form, in the data folder; \
             `ingest_gateway.file.position_file` names another file"
        };
        reader.leave("sincedb_path", reason);
    }
    let events = Events { door: Some(TABLE[1]), codec: Some(&codec), sender: None, unless: UNLESS };
    read_every(reader, events);
}
