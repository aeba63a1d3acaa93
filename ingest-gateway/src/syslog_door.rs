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

/// The name of the first one in ledgers, metrics and records.
pub(crate) const DOOR: &str = "syslog";

fn form(config: &SyslogConfig, intake: &Intake) -> Form {
    // A zone that is none is refused with the settings.
    let parser = Parser::new(zone_by_name(&config.timezone).unwrap_or(TimeZone::UTC));
    let untimed = intake.metrics().untimed_messages.with_label_values(&[intake.door()]);
    Form::Syslog { parser: parser.masking(intake.masking().mask()), untimed }
}

/// What its connections have in common.
pub(crate) fn connections(intake: Intake, config: &SyslogConfig) -> Arc<connection::Door> {
    Arc::new(connection::Door {
        form: form(config, &intake),
        intake: intake.of_shop(config.shop.as_ref()),
        codec: Codec::Json,
        framing: config.framing,
        multiline: None,
        idle_timeout: config.idle_timeout.0,
        line_timeout: config.line_timeout.0,
        first_line: connection::FirstLine::Line,
    })
}

/// What it makes of datagrams, each of which is one message.
pub(crate) fn messages(intake: Intake, config: &SyslogConfig) -> datagrams::Door {
    let form = form(config, &intake);
    let intake = intake.of_shop(config.shop.as_ref());
    datagrams::Door { intake, codec: Codec::Json, form, is_one_message: true }
}
