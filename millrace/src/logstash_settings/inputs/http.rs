//! The input `http`: the HTTP door.

use service::ByteSize;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines};
use crate::logstash_settings::listen::{self, Door};
use crate::logstash_settings::plugin::{JAVA_STORES, PluginReader, Reasons};

use super::tls::{self, Tls};
use super::{EVERY, SENDER, TUNING, read_every};

const DOOR: Door = Door {
    table: "http",
    listens: &["listen"],
    title: "HTTP",
    port: Some(8080),
    needed: "set `ingest_gateway.ingest_token`, which senders then show as `Authorization: Bearer`",
};
const TOKEN: &str = "senders show the ingest token (`ingest_gateway.ingest_token`) as `Authorization: Bearer`, \
                     not a user and a password";
const ANSWER: &str = "the answer says how many lines were accepted, and names each refused one";
const REASONS: Reasons = &[
    (SENDER, &["ecs_compatibility", "remote_host_target_field", "request_headers_target_field"]),
    (TUNING, &["threads", "max_pending_requests"]),
    (TOKEN, &["user", "password"]),
    (ANSWER, &["response_code", "response_headers"]),
    (
        "the content type of a request says it: `text/plain` is text, any other JSON",
        &["additional_codecs"],
    ),
];
const TLS: Tls = Tls {
    table: "http",
    others: &[
        (tls::SUITES, &["cipher_suites", "ssl_cipher_suites"]),
        ("write `ssl_client_authentication`", &["ssl_verify_mode", "verify_mode"]),
        ("write `ssl_supported_protocols`", &["tls_max_version", "tls_min_version"]),
        ("`ingest_gateway.http.tls.handshake_timeout` says it", &["ssl_handshake_timeout"]),
        ("keys and certificates are read as PEM", &JAVA_STORES),
    ],
    ..tls::USUAL
};
const REST: [&str; 13] = [
    "additional_codecs",
    "ecs_compatibility",
    "host",
    "max_content_length",
    "max_pending_requests",
    "password",
    "port",
    "remote_host_target_field",
    "request_headers_target_field",
    "response_code",
    "response_headers",
    "threads",
    "user",
];
/// Bounds of `ingest_gateway.http.body_bytes_max`.
const BODY_BYTES: std::ops::RangeInclusive<i64> = 1 << 10..=1 << 40;

pub(super) fn read(reader: &mut PluginReader<'_>) {
    let Some(tls) = tls::read(reader, TLS, &[&EVERY, &REST]) else { return };
    let may_be_open = reader.reach.has_token || tls.knows_senders();
    let is_carried = listen::carry(reader, DOOR, may_be_open);
    let length = reader.number_within("max_content_length", BODY_BYTES);
    if is_carried {
        tls.carry(reader);
        reader.note("senders post to /v1/logs: Logstash takes any path, this door that one");
        if let Some(bytes) = length.and_then(|bytes| u64::try_from(bytes).ok()) {
            let value = SettingValue::Text(ByteSize(bytes).to_string());
            reader.carry(
                "max_content_length",
                &["ingest_gateway", "http", "body_bytes_max"],
                value,
            );
        }
    }
    if codec::read(reader, Lines::Json) == Lines::Plain {
        let reason = "each request says it: send `content-type: text/plain` with lines of text, and any other \
                      with JSON";
        reader.leave("codec", reason);
    }
    reader.leave_given(REASONS);
    read_every(reader);
}
