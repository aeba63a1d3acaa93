//! The input `unix`: the door for lines that is a socket in the file system.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec;
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::listen::is_taken;
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::Events;
use super::{EVERY, SENDER, read_every};

const KIND: &str = "unix";
const PATH: &str = "stream_path";
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
    let next = Door::next(reader.carried, KIND);
    let path = path.filter(|path| !is_taken(reader, &next, PATH, path));
    let door = path.is_some().then_some(next);
    if let (Some(door), Some(path)) = (&door, path) {
        reader.carry("path", &door.path(&[PATH]), SettingValue::Text(path));
        reader.carried.open(door.clone());
        codec::carry_stream(reader, door, &codec, multiline);
    }
    reader.leave_given(REASONS);
    let door = door.as_ref().map(Door::name);
    read_every(reader, Events { door, codec: Some(&codec), sender: None, unless: &[] });
}
