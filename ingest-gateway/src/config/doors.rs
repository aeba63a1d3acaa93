//! Doors of a kind: the first one, whose settings are the kind's own table, and further ones, each with a table in
//! `inputs` there. A further door has all that the first one has but a usual place: it is where its table says.
//!
//! Knows their names and where their tables are; what a setting means is the table's affair.

use std::collections::BTreeMap;
use std::iter;

use bus::inputs;

use super::problem::within;
use super::{
    BeatsConfig, BulkConfig, HttpConfig, OtlpConfig, Problem, Slot, SyslogConfig, TcpConfig,
    UdpConfig, UnixConfig, kept,
};
use crate::{beats, http, syslog_door, tcp, udp, unix};

/// The setting that says where a further door is, and what may be written there.
type Needed = (&'static str, &'static str);

const ADDRESS: Needed = ("listen", "an address and a port, as 127.0.0.1:5001");
const SYSLOG_PLACE: Needed =
    ("udp_listen", "one of udp_listen, tcp_listen, tls_listen and socket_path");
const UNIX_PLACE: Needed = ("stream_path", "stream_path, datagram_path or both");

/// A table of settings that says where a door is.
pub(crate) trait Table: Sized {
    /// The table of a further door of the kind.
    fn further(&self, _door: &str) -> Option<&Self> {
        None
    }

    /// The same, to be changed.
    fn further_mut(&mut self, _door: &str) -> Option<&mut Self> {
        None
    }

    /// The names of the further doors. Those that are counted have their order: `tcp-2` before `tcp-10`.
    fn further_doors(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// A table of a kind of which there may be several doors.
pub(crate) trait Several: Table {
    /// What the first door is called in ledgers, metrics and records.
    const KIND: &'static str;
    /// What a further door is missing whose table names no place.
    const NEEDED: Needed;

    /// The tables of the further doors.
    fn inputs(&self) -> &BTreeMap<String, Self>;

    /// Whether the table says where its door is, be it `off`.
    fn is_placed(&self) -> bool;

    /// The table of a door of the kind, by its name.
    fn of(&self, door: &str) -> &Self {
        self.further(door).unwrap_or(self)
    }

    /// The doors of the kind with their tables, the first one first.
    fn doors(&self) -> Vec<(&'static str, &Self)> {
        let further = self.further_doors().into_iter();
        let further = further.filter_map(|door| Some((door, self.further(door)?)));
        iter::once((Self::KIND, self)).chain(further).collect()
    }
}

/// Makes kinds of tables. A row is a table with the name of its first door, how it says where a door is, and what is to
/// be written where it does not.
macro_rules! several {
    ($($config:ident: $kind:expr, $table:ident => $is_placed:expr, else $needed:expr;)+) => {$(
        impl Table for $config {
            fn further(&self, door: &str) -> Option<&Self> {
                self.inputs.get(door)
            }

            fn further_mut(&mut self, door: &str) -> Option<&mut Self> {
                self.inputs.get_mut(door)
            }

            fn further_doors(&self) -> Vec<&'static str> {
                let mut doors: Vec<_> = self.inputs.keys().map(|door| kept(door)).collect();
                doors.sort_by_key(|door| door.len());
                doors
            }
        }

        impl Several for $config {
            const KIND: &'static str = $kind;
            const NEEDED: Needed = $needed;

            fn inputs(&self) -> &BTreeMap<String, Self> {
                &self.inputs
            }

            fn is_placed(&self) -> bool {
                let $table = self;
                $is_placed
            }
        }
    )+};
}

several! {
    TcpConfig: tcp::DOOR, tcp => tcp.listen.is_said(), else ADDRESS;
    UdpConfig: udp::DOOR, udp => udp.listen.is_said(), else ADDRESS;
    HttpConfig: http::DOOR, http => http.listen.is_said(), else ADDRESS;
    BeatsConfig: beats::DOOR, beats => beats.listen.is_said(), else ADDRESS;
    SyslogConfig: syslog_door::DOOR, syslog => syslog.names_a_place(), else SYSLOG_PLACE;
    UnixConfig: unix::DOOR, unix => unix.names_a_place(), else UNIX_PLACE;
}

impl Table for OtlpConfig {}
impl Table for BulkConfig {}

/// The name of a door's table within `[ingest_gateway]`.
pub(crate) fn table_of(door: &str) -> String {
    table_of_kind(inputs::door_of(door), door)
}

/// The same, where the kind is known and the name may be none.
pub(super) fn table_of_kind(kind: &str, door: &str) -> String {
    if door == kind { kind.to_owned() } else { format!("{kind}.inputs.{door}") }
}

/// Checks each door of a kind. The check is given the name of the door's table.
pub(super) fn each<T: Several>(
    table: &T,
    problems: &mut Vec<Problem>,
    check: impl Fn(&T, &str, &mut Vec<Problem>),
) {
    for (door, table) in table.doors() {
        let name = table_of_kind(T::KIND, door);
        within(&name, problems, |problems| check(table, &name, problems));
    }
}

/// Checks what further doors of a kind are called, that each says where it is, and that none has others within.
pub(super) fn check_further<T: Several>(table: &T, problems: &mut Vec<Problem>) {
    let tables = format!("{}.inputs", T::KIND);
    for (door, further) in table.inputs() {
        within(&tables, problems, |problems| check_name(T::KIND, door, problems));
        within(&format!("{tables}.{door}"), problems, |problems| {
            if !further.is_placed() {
                let (setting, place) = T::NEEDED;
                let message = format!("a further door has no usual place: write {place}");
                problems.push(Problem::new(setting, message));
            }
            if !further.inputs().is_empty() {
                let message = format!(
                    "a further door has none of its own: write them beside it, in [ingest_gateway.{tables}]"
                );
                problems.push(Problem::new("inputs", message));
            }
        });
    }
}

/// Checks the name of a further input of a door.
pub(super) fn check_name(kind: &str, name: &str, problems: &mut Vec<Problem>) {
    if !inputs::is_further(kind, name) {
        let in_words = inputs::further_in_words(kind);
        let message = format!("this is no name of an input: write {in_words}");
        problems.push(Problem::new(name, message));
    } else if Slot::ALL.iter().any(|slot| slot.name() == name) {
        let message = format!(
            "so is a socket of the first door called, in metrics and by the service manager: write another word, as \
             {}",
            inputs::counted(kind, 2)
        );
        problems.push(Problem::new(name, message));
    }
}

#[cfg(test)]
mod tests;
