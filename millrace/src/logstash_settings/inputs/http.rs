//! The input `http`: the HTTP door.

use service::ByteSize;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines};
use crate::logstash_settings::listen::{self, Door};
use crate::logstash_settings::plugin::{JAVA_STORES, PluginReader, Reasons};

use super::{EVERY, SENDER, TUNING, read_every};

const DOOR: Door = Door {
    table: "http",
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
const OF_TLS: [&str; 13] = [
    "cipher_suites",
    "ssl_certificate",
    "ssl_certificate_authorities",
    "ssl_cipher_suites",
    "ssl_client_authentication",
    "ssl_handshake_timeout",
    "ssl_key",
    "ssl_key_passphrase",
    "ssl_supported_protocols",
    "ssl_verify_mode",
    "tls_max_version",
    "tls_min_version",
    "verify_mode",
];
const REST: [&str; 15] = [
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
    "ssl",
    "ssl_enabled",
    "threads",
    "user",
];
/// Bounds of `ingest_gateway.http.body_bytes_max`.
const BODY_BYTES: std::ops::RangeInclusive<i64> = 1 << 10..=1 << 40;

pub(super) fn read(reader: &mut PluginReader<'_>) {
    // Both are read, so that neither is unknown.
    let is_tls = reader.options.flag("ssl_enabled", false) | reader.options.flag("ssl", false);
    if is_tls {
        let reason = "the doors speak no TLS; put a proxy with TLS on this port that passes requests on to \
                      http://127.0.0.1:8080/v1/logs";
        return reader.leave_whole(reason, &[&EVERY, &OF_TLS, &JAVA_STORES, &REST]);
    }
    let may_be_open = reader.reach.has_token;
    let is_carried = listen::carry(reader, DOOR, may_be_open);
    let length = reader.number_within("max_content_length", BODY_BYTES);
    if is_carried {
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
    for name in OF_TLS.into_iter().chain(JAVA_STORES) {
        if reader.options.value(name).is_some() {
            reader.leave(name, "without `ssl_enabled` it does nothing");
        }
    }
    read_every(reader);
}
