//! The input `tcp`: the TCP door.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines};
use crate::logstash_settings::listen::{self, Door};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::{EVERY, SENDER, read_every};

const DOOR: Door = Door {
    table: "tcp",
    title: "TCP",
    port: None,
    needed: "set `ingest_gateway.ingest_token`, which senders then show in their first line",
};
const TLS: &str = "without `ssl_enabled` it does nothing";
const REASONS: Reasons = &[
    (SENDER, &["dns_reverse_lookup_enabled", "ecs_compatibility"]),
    (
        "a proxy's line before the events is not understood: switch it off there",
        &["proxy_protocol"],
    ),
    (
        "a connection ends after `ingest_gateway.tcp.idle_timeout` without a line",
        &["tcp_keep_alive", "data_timeout"],
    ),
];
const OF_TLS: [&str; 14] = [
    "ssl_cacert",
    "ssl_cert",
    "ssl_certificate",
    "ssl_certificate_authorities",
    "ssl_cipher_suites",
    "ssl_client_authentication",
    "ssl_extra_chain_certs",
    "ssl_key",
    "ssl_key_passphrase",
    "ssl_supported_protocols",
    "ssl_verification_mode",
    "ssl_verify",
    "ssl_enabled",
    "ssl_enable",
];
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
        return reader.leave_whole(reason, &[&EVERY, &OF_TLS, &REST]);
    }
    // Both are read, so that neither is unknown.
    let is_tls =
        reader.options.flag("ssl_enabled", false) | reader.options.flag("ssl_enable", false);
    if is_tls {
        let reason = "the doors speak no TLS; put a proxy with TLS on this port that passes the lines on \
                      to the TCP door (127.0.0.1:5000)";
        return reader.leave_whole(reason, &[&EVERY, &OF_TLS, &REST]);
    }
    let may_be_open = reader.reach.has_token;
    let is_carried = listen::carry(reader, DOOR, may_be_open);
    let lines = codec::read(reader, Lines::Plain);
    if is_carried {
        let value = SettingValue::Text(lines.as_str().to_owned());
        reader.carry("codec", &["ingest_gateway", "tcp", "codec"], value);
    }
    reader.leave_given(REASONS);
    for name in OF_TLS.into_iter().filter(|name| !matches!(*name, "ssl_enabled" | "ssl_enable")) {
        if reader.options.value(name).is_some() {
            reader.leave(name, TLS);
        }
    }
    read_every(reader);
}
