//! The syslog door: RFC 5424 and RFC 3164 over UDP (RFC 5426), TCP (RFC 6587), TLS (RFC 5425) and a socket in
//! the file system, as `/dev/log` is one.
//!
//! Each message becomes a record of JSON that holds the message as it came. Syslog knows no acknowledgement:
//! connections are not read while the log has no room, and what the kernel drops of datagrams is counted.

use std::sync::Arc;

use bus::Codec;
use jiff::tz::TimeZone;

use crate::config::SyslogConfig;
use crate::form::Form;
use crate::intake::Intake;
use crate::syslog::{Parser, zone_by_name};
use crate::{connection, datagrams};

/// Its name in ledgers, metrics and records.
pub(crate) const DOOR: &str = "syslog";

fn form(config: &SyslogConfig) -> Form {
    // A zone that is none is refused with the settings.
    Form::Syslog(Parser::new(zone_by_name(&config.timezone).unwrap_or(TimeZone::UTC)))
}

/// What its connections have in common.
pub(crate) fn connections(intake: Intake, config: &SyslogConfig) -> Arc<connection::Door> {
    Arc::new(connection::Door {
        intake,
        codec: Codec::Json,
        form: form(config),
        framing: config.framing,
        multiline: None,
        idle_timeout: config.idle_timeout.0,
        line_timeout: config.line_timeout.0,
        asks_token: false,
    })
}

/// What it makes of datagrams, each of which is one message.
pub(crate) fn messages(intake: Intake, config: &SyslogConfig) -> datagrams::Door {
    datagrams::Door { intake, codec: Codec::Json, form: form(config), is_one_message: true }
}
