//! The UDP door: each datagram holds one line or several, and ends the last one.

use crate::config::UdpConfig;
use crate::datagrams::Door;
use crate::form::Form;
use crate::intake::Intake;

/// Its name in ledgers, metrics and records.
pub(crate) const DOOR: &str = "udp";

/// What it makes of datagrams.
pub(crate) fn door(intake: Intake, config: &UdpConfig) -> Door {
    let intake = intake.of_shop(config.shop.as_ref());
    Door { intake, codec: config.codec, form: Form::AsItIs, is_one_message: false }
}
