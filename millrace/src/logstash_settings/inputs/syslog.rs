//! The input `syslog`: the syslog door, over UDP and TCP.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines, Takes};
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::listen::{self, Kind};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::{Events, Sender};
use super::read_every;

const KIND: Kind = Kind {
    table: "syslog",
    listens: &["udp_listen", "tcp_listen"],
    port: Some(514),
    needed: "set `ingest_gateway.syslog.allow_unauthenticated = true`, since syslog can show no token",
    permission: Some("allow_unauthenticated"),
};
const REASONS: Reasons = &[
    ("fields have the names of ECS", &["ecs_compatibility", "syslog_field"]),
    (
        "messages of RFC 3164 and RFC 5424 are both read, and others are kept whole; take those apart with a filter \
         `grok`",
        &["grok_pattern"],
    ),
    ("names of months are English in every language, as RFC 3164 says", &["locale"]),
    (
        "the names are Logstash's own defaults; other ones come by a filter `translate`",
        &["facility_labels", "severity_labels"],
    ),
    (
        "a proxy's line before the messages is not understood: switch it off there",
        &["proxy_protocol"],
    ),
];
/// The sender of a message stands beside the host that the message names. Without ECS Logstash has both in `host`.
const SENDER: Sender = Sender { legacy: &[], ecs: &["[host][ip]"], option: None };

pub(super) fn read(reader: &mut PluginReader<'_>) {
    let may_be_open = reader.reach.is_syslog_allowed;
    let door = listen::carry(reader, KIND, may_be_open);
    let zone = reader.options.text("timezone");
    if let (Some(door), Some(zone)) = (&door, zone) {
        reader.carry("timezone", &door.path(&["timezone"]), SettingValue::Text(zone));
    }
    if !reader.options.flag("use_labels", true) {
        reader.leave("use_labels", "the names stand beside the numbers; `mutate` removes them");
    }
    if codec::read(reader, Lines::Plain, Takes::Lines).lines == Lines::Json {
        let reason = "the text of a message stays text; write the filter `json` with `source => \"message\"`";
        reader.leave("codec", reason);
    }
    reader.leave_given(REASONS);
    let door = door.as_ref().map(Door::name);
    let events = Events { door, codec: None, sender: Some(SENDER), unless: &[] };
    read_every(reader, events);
}
