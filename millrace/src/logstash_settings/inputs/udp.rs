//! The input `udp`: the UDP door.

use service::ByteSize;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines};
use crate::logstash_settings::listen::{self, Door};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::{SENDER, TUNING, read_every};

const DOOR: Door = Door {
    table: "udp",
    listens: &["listen"],
    title: "UDP",
    port: None,
    needed: "set `ingest_gateway.allow_unauthenticated_udp = true`, since UDP can show no token",
};
const REASONS: Reasons = &[
    (SENDER, &["ecs_compatibility", "source_ip_fieldname"]),
    ("datagrams of every size are taken", &["buffer_size"]),
    (TUNING, &["queue_size", "workers"]),
];

pub(super) fn read(reader: &mut PluginReader<'_>) {
    let may_be_open = reader.reach.is_udp_allowed;
    let is_carried = listen::carry(reader, DOOR, may_be_open);
    let lines = codec::read(reader, Lines::Plain);
    let buffer = reader.number_within("receive_buffer_bytes", 1..=1 << 40);
    if is_carried {
        let value = SettingValue::Text(lines.as_str().to_owned());
        reader.carry("codec", &["ingest_gateway", "udp", "codec"], value);
        if let Some(bytes) = buffer.and_then(|bytes| u64::try_from(bytes).ok()) {
            let path = ["ingest_gateway", "udp", "receive_buffer_bytes"];
            let value = SettingValue::Text(ByteSize(bytes).to_string());
            reader.carry("receive_buffer_bytes", &path, value);
        }
    }
    reader.leave_given(REASONS);
    read_every(reader);
}
