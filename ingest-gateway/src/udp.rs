//! The UDP door: each datagram holds one line or several, and ends the last one.
//!
//! Source: RFC 768 (UDP), whose datagrams come whole or not at all; within one, line feeds end lines as in NDJSON 1.0
//! and JSON Lines. No line goes on in another datagram, and nothing is ever answered.

use crate::config::UdpConfig;
use crate::datagrams::Door;
use crate::form::Form;
use crate::intake::Intake;

/// The name of the first one in ledgers, metrics and records.
pub(crate) const DOOR: &str = "udp";

/// What it makes of datagrams.
pub(crate) fn door(intake: Intake, config: &UdpConfig) -> Door {
    let intake = intake.of_shop(config.shop.as_ref());
    Door { intake, codec: config.codec, form: Form::AsItIs, is_one_message: false }
}
