//! The input `http`: the HTTP door.

use ingest_gateway::ResponseConfig;
use service::{ByteSize, Secret};

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Codec, Lines, Takes};
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::listen::{self, Kind};
use crate::logstash_settings::plugin::{JAVA_STORES, PluginReader, Reasons};

use super::events::{Events, Sender};
use super::tls::{self, Tls};
use super::{EVERY, TUNING, read_every, request};

const KIND: Kind = Kind {
    table: "http",
    listens: &["listen"],
    port: Some(8080),
    needed: "set `ingest_gateway.ingest_token`, which senders then show as `Authorization: Bearer`, or give the \
             input `user` and `password`",
    permission: None,
};
const SENDER: Sender =
    Sender { legacy: &["host"], ecs: &["[host][ip]"], option: Some("remote_host_target_field") };
const REASONS: Reasons = &[
    (TUNING, &["threads", "max_pending_requests"]),
    (
        "the content type of a request says it: `text/plain` is text, those of JSON are JSON",
        &["additional_codecs"],
    ),
];
const TLS: Tls = Tls {
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
    let sign_in = SignIn::read(reader);
    let may_be_open = reader.reach.has_token || tls.knows_senders() || sign_in.is_on();
    let door = listen::carry(reader, KIND, may_be_open);
    let length = reader.number_within("max_content_length", BODY_BYTES);
    if let Some(door) = &door {
        tls.carry(reader, door);
        reader.carry("port", &door.path(&["any_path"]), SettingValue::Flag(true));
        if let Some(bytes) = length.and_then(|bytes| u64::try_from(bytes).ok()) {
            let value = SettingValue::Text(ByteSize(bytes).to_string());
            reader.carry("max_content_length", &door.path(&["body_bytes_max"]), value);
        }
    }
    let mut codec = codec::read(reader, Lines::Plain, Takes::Events);
    if codec.lines == Lines::Json && codec.charset.take().is_some() {
        reader.leave("codec", "`charset` of the codec: a body of JSON is UTF-8");
    }
    answer(reader, door.as_ref());
    if let Some(door) = &door {
        sign_in.carry(reader, door);
        carry_codec(reader, door, &codec);
    }
    request::read(reader, door.as_ref());
    reader.leave_given(REASONS);
    let door = door.as_ref().map(Door::name);
    let events = Events { door, codec: Some(&codec), sender: Some(SENDER), unless: &[] };
    read_every(reader, events);
}

/// What a body is whose content type does not say it.
fn carry_codec(reader: &mut PluginReader<'_>, door: &Door, codec: &Codec) {
    if codec.lines == Lines::Json {
        return;
    }
    let value = SettingValue::Text(codec.lines.as_str().to_owned());
    reader.carry("codec", &door.path(&["codec"]), value);
    if codec.is_whole {
        let reason = "of a body of text each line is an event; Logstash's codec `plain` makes one of all of it";
        reader.leave("codec", reason);
    }
}

/// Reads what a request that is taken is answered with.
fn answer(reader: &mut PluginReader<'_>, door: Option<&Door>) {
    if let Some(code) = reader.options.integer("response_code") {
        let is_success =
            u16::try_from(code).is_ok_and(|code| ResponseConfig::STATUSES.contains(&code));
        if !is_success {
            let message = format!("`response_code` cannot be {code}");
            reader.options.refuse("response_code", message, "it is 200, 201, 202 or 204");
        } else if let Some(door) = door {
            let path = door.path(&["response", "status"]);
            reader.carry("response_code", &path, SettingValue::Whole(code));
        }
    }
    let Some(headers) = reader.options.text_pairs("response_headers") else { return };
    if reader.has_variables("response_headers") {
        let way_out = "write the headers in `ingest_gateway.http.response.headers`";
        return reader.leave_variable("response_headers", way_out);
    }
    let Some(door) = door else { return };
    for (name, value) in headers {
        let path = door.path(&["response", "headers", &name.text]);
        reader.carry("response_headers", &path, SettingValue::Text(value));
    }
}

/// A user and a password that senders show.
struct SignIn {
    user: Option<String>,
    password: Option<String>,
}

impl SignIn {
    fn read(reader: &mut PluginReader<'_>) -> Self {
        Self { user: reader.options.text("user"), password: reader.options.text("password") }
    }

    fn is_on(&self) -> bool {
        self.user.is_some() && self.password.is_some()
    }

    /// Lets it stand for the settings of the door, which refuse one without the other.
    fn carry(self, reader: &mut PluginReader<'_>, door: &Door) {
        if let Some(user) = self.user {
            reader.carry("user", &door.path(&["sign_in", "user"]), SettingValue::Text(user));
        }
        if let Some(password) = self.password {
            let value = SettingValue::Secret {
                value: Secret::new(password),
                file_setting: "password_file",
                file: format!("{}-password", door.name()),
            };
            // Where the configuration names a file with the password, it is not that of the input.
            let file = door.path(&["sign_in", "password_file"]).join(".");
            let path = door.path(&["sign_in", "password"]);
            reader.carry_unless("password", &path, value, &[file.as_str()]);
        }
    }
}
