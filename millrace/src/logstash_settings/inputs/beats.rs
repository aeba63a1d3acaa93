//! The input `beats`: the Beats door.

use std::time::Duration;

use service::Span;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines};
use crate::logstash_settings::listen::{self, Door};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::tls::{self, Tls};
use super::{EVERY, SENDER, TUNING, read_every};

const DOOR: Door = Door {
    table: "beats",
    listens: &["listen"],
    title: "Beats",
    port: None,
    needed: "set `ingest_gateway.beats.allow_unauthenticated = true`, since Beats can show no token",
};
const REASONS: Reasons = &[
    (
        SENDER,
        &[
            "add_hostname",
            "ecs_compatibility",
            "enrich",
            "include_codec_tag",
            "ssl_peer_metadata",
            "target_field_for_codec",
        ],
    ),
    (TUNING, &["congestion_threshold", "event_loop_threads", "executor_threads"]),
];
const TLS: Tls = Tls {
    table: "beats",
    others: &[
        (tls::SUITES, &["cipher_suites", "ssl_cipher_suites"]),
        ("write `ssl_client_authentication`", &["ssl_verify_mode"]),
        ("write `ssl_supported_protocols`", &["tls_max_version", "tls_min_version"]),
        ("`ingest_gateway.beats.tls.handshake_timeout` says it", &["ssl_handshake_timeout"]),
    ],
    ..tls::USUAL
};
const REST: [&str; 12] = [
    "add_hostname",
    "client_inactivity_timeout",
    "congestion_threshold",
    "ecs_compatibility",
    "enrich",
    "event_loop_threads",
    "executor_threads",
    "host",
    "include_codec_tag",
    "port",
    "ssl_peer_metadata",
    "target_field_for_codec",
];
/// Seconds of `client_inactivity_timeout` that are a time limit; 0 is none.
const INACTIVITY_SECONDS: std::ops::RangeInclusive<i64> = 0..=i32::MAX as i64;

pub(super) fn read(reader: &mut PluginReader<'_>) {
    let Some(tls) = tls::read(reader, TLS, &[&EVERY, &REST]) else { return };
    let may_be_open = reader.reach.are_beats_allowed || tls.knows_senders();
    let is_carried = listen::carry(reader, DOOR, may_be_open);
    if is_carried {
        tls.carry(reader);
    }
    match reader.number_within("client_inactivity_timeout", INACTIVITY_SECONDS) {
        Some(0) => {
            let reason =
                "a silent connection always ends: `ingest_gateway.beats.idle_timeout` says when";
            reader.leave("client_inactivity_timeout", reason);
        }
        Some(seconds) if is_carried => {
            let timeout = Span(Duration::from_secs(seconds.unsigned_abs()));
            let path = ["ingest_gateway", "beats", "idle_timeout"];
            reader.carry(
                "client_inactivity_timeout",
                &path,
                SettingValue::Text(timeout.to_string()),
            );
        }
        _ => {}
    }
    if codec::read(reader, Lines::Plain) == Lines::Json {
        let reason = "an event of a Beat is an object already; where its `message` is JSON, write the filter \
                      json { source => \"message\" }";
        reader.leave("codec", reason);
    }
    reader.leave_given(REASONS);
    read_every(reader);
}
