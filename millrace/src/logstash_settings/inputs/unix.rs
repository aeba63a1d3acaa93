//! The input `unix`: the door for lines that is a socket in the file system.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec;
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::Events;
use super::{EVERY, SENDER, read_every};

const PATH: &str = "ingest_gateway.unix.stream_path";
const REASONS: Reasons = &[
    (SENDER, &["ecs_compatibility"]),
    ("a socket without a living process is removed, one with it never", &["force_unlink"]),
    (
        "a connection ends after `ingest_gateway.unix.idle_timeout` without a line",
        &["data_timeout"],
    ),
    ("it is for an input that connects", &["socket_not_present_retry_interval_seconds"]),
];
const REST: [&str; 6] = [
    "data_timeout",
    "ecs_compatibility",
    "force_unlink",
    "mode",
    "path",
    "socket_not_present_retry_interval_seconds",
];

pub(super) fn read(reader: &mut PluginReader<'_>) {
    if reader.options.choice("mode", &["server", "client"]) == Some("client") {
        let reason = "a door waits for senders and connects to none; join them: `socat UNIX-CONNECT:THEIRS \
                      UNIX-CONNECT:OURS`";
        return reader.leave_whole(reason, &[&EVERY, &REST]);
    }
    let path = reader.options.required_text("path");
    let (codec, multiline) = codec::read_stream(reader);
    let mut door = None;
    if let Some(other) = reader.carried.find(PATH) {
        let reason = format!(
            "not carried over: there is one door of this kind, and {} (line {}) has it",
            other.plugin, other.spot.line
        );
        reader.note(reason);
    } else if let Some(path) = path {
        let table = ["ingest_gateway", "unix"];
        reader.carry("path", &[table[0], table[1], "stream_path"], SettingValue::Text(path));
        codec::carry_stream(reader, table[1], &codec, multiline);
        door = Some(table[1]);
    }
    reader.leave_given(REASONS);
    read_every(reader, Events { door, codec: Some(&codec), sender: None, unless: &[] });
}
