//! The input `udp`: the UDP door.

use service::ByteSize;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines, Takes};
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::listen::{self, Kind};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::{Events, Sender};
use super::{TUNING, read_every};

const KIND: Kind = Kind {
    table: "udp",
    listens: &["listen"],
    port: None,
    needed: "set `ingest_gateway.allow_unauthenticated_udp = true`, since UDP can show no token",
    permission: None,
};
const REASONS: Reasons = &[
    ("datagrams of every size are taken", &["buffer_size"]),
    (TUNING, &["queue_size", "workers"]),
];
const SENDER: Sender =
    Sender { legacy: &["host"], ecs: &["[host][ip]"], option: Some("source_ip_fieldname") };

pub(super) fn read(reader: &mut PluginReader<'_>) {
    let may_be_open = reader.reach.is_udp_allowed;
    let door = listen::carry(reader, KIND, may_be_open);
    let codec = codec::read(reader, Lines::Plain, Takes::Events);
    let buffer = reader.number_within("receive_buffer_bytes", 1..=1 << 40);
    if let Some(door) = &door {
        let value = SettingValue::Text(codec.lines.as_str().to_owned());
        reader.carry("codec", &door.path(&["codec"]), value);
        if let Some(bytes) = buffer.and_then(|bytes| u64::try_from(bytes).ok()) {
            let value = SettingValue::Text(ByteSize(bytes).to_string());
            reader.carry("receive_buffer_bytes", &door.path(&["receive_buffer_bytes"]), value);
        }
    }
    reader.leave_given(REASONS);
    let door = door.as_ref().map(Door::name);
    let events = Events { door, codec: Some(&codec), sender: Some(SENDER), unless: &[] };
    read_every(reader, events);
}
