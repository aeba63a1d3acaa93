//! The input `tcp`: the TCP door, and each further one another such door.

use crate::logstash_settings::codec;
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::listen::{self, Kind};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::{Events, Sender};
use super::tls::{self, Tls};
use super::{EVERY, read_every};

const KIND: Kind = Kind {
    table: "tcp",
    listens: &["listen"],
    port: None,
    needed: "set `ingest_gateway.ingest_token`, which senders then show in their first line",
    permission: None,
};
const REASONS: Reasons = &[
    ("the name of an address is not asked for", &["dns_reverse_lookup_enabled"]),
    (
        "a proxy's line before the events is not understood: switch it off there",
        &["proxy_protocol"],
    ),
    (
        "a connection ends after `ingest_gateway.tcp.idle_timeout` without a line",
        &["tcp_keep_alive", "data_timeout"],
    ),
];
const SENDER: Sender = Sender {
    legacy: &["host", "[@metadata][ip_address]"],
    ecs: &["[@metadata][input][tcp][source][ip]", "[@metadata][input][tcp][source][name]"],
    option: None,
};
const TLS: Tls = Tls {
    switches: &["ssl_enabled", "ssl_enable"],
    certificates: &["ssl_certificate", "ssl_cert"],
    authorities: &["ssl_certificate_authorities", "ssl_cacert"],
    client_certificates: Some("required"),
    others: &[
        (
            "the certificates between stand in the file of the door's own, behind it",
            &["ssl_extra_chain_certs"],
        ),
        (tls::SUITES, &["ssl_cipher_suites"]),
        ("it is for an input that connects", &["ssl_verification_mode"]),
        ("write `ssl_client_authentication`", &["ssl_verify"]),
    ],
};
const REST: [&str; 8] = [
    "dns_reverse_lookup_enabled",
    "ecs_compatibility",
    "proxy_protocol",
    "tcp_keep_alive",
    "data_timeout",
    "host",
    "port",
    "mode",
];

pub(super) fn read(reader: &mut PluginReader<'_>) {
    let mode = reader.options.choice("mode", &["server", "client"]);
    if mode == Some("client") {
        let reason = "a door waits for senders and connects to none; let the other side connect to the \
                      TCP door, or join them: `nc HOST PORT | nc -N 127.0.0.1 5000`";
        return reader.leave_whole(reason, &[&EVERY, &tls::names(TLS), &REST]);
    }
    let Some(tls) = tls::read(reader, TLS, &[&EVERY, &REST]) else { return };
    let may_be_open = reader.reach.has_token || tls.knows_senders();
    let door = listen::carry(reader, KIND, may_be_open);
    let (codec, multiline) = codec::read_stream(reader);
    if let Some(door) = &door {
        codec::carry_stream(reader, door, &codec, multiline);
        tls.carry(reader, door);
    }
    reader.leave_given(REASONS);
    let door = door.as_ref().map(Door::name);
    let events = Events { door, codec: Some(&codec), sender: Some(SENDER), unless: &[] };
    read_every(reader, events);
}
