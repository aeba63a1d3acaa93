//! The input `beats`: the Beats door.

use std::time::Duration;

use service::Span;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines, Takes};
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::listen::{self, Kind};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::{Events, Sender};
use super::tls::{self, Tls};
use super::{EVERY, SENDER as WORDS, TUNING, read_every};

const KIND: Kind = Kind {
    table: "beats",
    listens: &["listen"],
    port: None,
    needed: "set `ingest_gateway.beats.allow_unauthenticated = true`, since Beats can show no token, or ask for \
             certificates, without which `ingest_gateway.require_token` lets none in",
    permission: Some("allow_unauthenticated"),
};
const REASONS: Reasons = &[
    (WORDS, &["add_hostname", "ssl_peer_metadata"]),
    ("the text of an event is its `message`", &["target_field_for_codec"]),
    (TUNING, &["congestion_threshold", "event_loop_threads", "executor_threads"]),
];
const SENDER: Sender = Sender {
    legacy: &["[@metadata][ip_address]"],
    ecs: &["[@metadata][input][beats][host][ip]"],
    option: None,
};
const NO_SENDER: Sender = Sender { legacy: &[], ecs: &[], option: None };
const TLS: Tls = Tls {
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
    // A certificate is enough, and says more.
    let permission = KIND.permission.filter(|_| !tls.knows_senders());
    let door = listen::carry(reader, Kind { permission, ..KIND }, may_be_open);
    if let Some(door) = &door {
        tls.carry(reader, door);
    }
    match (reader.number_within("client_inactivity_timeout", INACTIVITY_SECONDS), &door) {
        (Some(0), _) => {
            let reason =
                "a silent connection always ends: `ingest_gateway.beats.idle_timeout` says when";
            reader.leave("client_inactivity_timeout", reason);
        }
        (Some(seconds), Some(door)) => {
            let timeout = Span(Duration::from_secs(seconds.unsigned_abs()));
            let value = SettingValue::Text(timeout.to_string());
            reader.carry("client_inactivity_timeout", &door.path(&["idle_timeout"]), value);
        }
        _ => {}
    }
    let codec = codec::read(reader, Lines::Plain, Takes::Lines);
    if codec.lines == Lines::Json {
        let reason = "an event of a Beat is an object already; where its `message` is JSON, write the filter \
                      json { source => \"message\" }";
        reader.leave("codec", reason);
    }
    let (has_codec_tags, has_sender) = enrichments(reader);
    if let Some(door) = door.as_ref().filter(|_| has_codec_tags) {
        let path = ["enricher", "inputs", door.name(), "codec_tags"];
        reader.carry("include_codec_tag", &path, SettingValue::Flag(true));
    }
    reader.leave_given(REASONS);
    let sender = if has_sender { SENDER } else { NO_SENDER };
    let door = door.as_ref().map(Door::name);
    read_every(reader, Events { door, codec: Some(&codec), sender: Some(sender), unless: &[] });
}

/// Whether events are tagged by their codec, and told the address of their sender.
fn enrichments(reader: &mut PluginReader<'_>) -> (bool, bool) {
    let words = reader.options.texts("enrich");
    let has = |word: &str| {
        words.as_ref().is_none_or(|words| words.iter().any(|said| said == word || said == "all"))
    };
    let has_codec_tags = reader.options.flag("include_codec_tag", true);
    if words.is_some() && has("ssl_peer_metadata") {
        reader.leave("enrich", WORDS);
    }
    (has_codec_tags && has("codec_metadata"), has("source_metadata"))
}
