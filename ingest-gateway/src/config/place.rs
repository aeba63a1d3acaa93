//! The places of doors: sockets that have a setting of their own and can be handed over. How each is called, what its
//! socket takes and which setting says where it is stands in one table here; every list of them is made of it. Further
//! doors of a kind have the same sockets, each in a table of its own.
//!
//! It opens nothing and refuses nothing.

use std::fmt;
use std::path::{Path, PathBuf};

use bus::inputs;

use super::doors::{Several, Table, table_of_kind};
use super::{Config, Listen, TlsConfig, kept};
use crate::{beats, http, syslog_door, tcp, udp, unix};

/// What a socket takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connections,
    Datagrams,
    LocalConnections,
    LocalDatagrams,
}

/// What the setting of a place says.
enum Said<'c> {
    Address(Listen),
    File(Option<&'c Path>),
}

impl From<&Listen> for Said<'_> {
    fn from(listen: &Listen) -> Self {
        Self::Address(*listen)
    }
}

impl<'c> From<&'c Option<PathBuf>> for Said<'c> {
    fn from(file: &'c Option<PathBuf>) -> Self {
        Self::File(file.as_deref())
    }
}

/// The same, to be changed.
pub(crate) enum SaidMut<'c> {
    Address(&'c mut Listen),
    File(&'c mut Option<PathBuf>),
}

impl<'c> From<&'c mut Listen> for SaidMut<'c> {
    fn from(listen: &'c mut Listen) -> Self {
        Self::Address(listen)
    }
}

impl<'c> From<&'c mut Option<PathBuf>> for SaidMut<'c> {
    fn from(file: &'c mut Option<PathBuf>) -> Self {
        Self::File(file)
    }
}

/// Makes [`Slot`] of its table. A row is a socket with its name and that of the door that has it, what it takes, and its
/// setting, which is called as the field of [`Config`] is.
macro_rules! slots {
    ($($slot:ident: $name:literal of $door:expr, $kind:ident, $table:ident.$setting:ident;)+) => {
        /// A socket that a kind of door has. A kind may have several.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Slot {
            $($slot,)+
        }

        impl Slot {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$slot,)+];

            /// How that of the first door is called.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$slot => $name,)+
                }
            }

            /// The first door that has it, which is the name of the kind.
            fn door(self) -> &'static str {
                match self {
                    $(Self::$slot => $door,)+
                }
            }

            fn kind(self) -> Kind {
                match self {
                    $(Self::$slot => Kind::$kind,)+
                }
            }

            /// The table with its setting, of the first door.
            fn table(self) -> &'static str {
                match self {
                    $(Self::$slot => stringify!($table),)+
                }
            }

            /// Its setting, within a table.
            fn setting(self) -> &'static str {
                match self {
                    $(Self::$slot => stringify!($setting),)+
                }
            }

            /// The further doors that have it.
            fn further_doors(self, config: &Config) -> Vec<&'static str> {
                match self {
                    $(Self::$slot => config.$table.further_doors(),)+
                }
            }
        }

        impl Place {
            /// What its setting says; none where no door is called so.
            fn said(self, config: &Config) -> Option<Said<'_>> {
                match self.slot {
                    $(Slot::$slot => {
                        let first = &config.$table;
                        let is_further = self.is_further();
                        let table = if is_further { first.further(self.door)? } else { first };
                        Some((&table.$setting).into())
                    })+
                }
            }

            /// The same, to be changed.
            pub(crate) fn said_mut(self, config: &mut Config) -> Option<SaidMut<'_>> {
                match self.slot {
                    $(Slot::$slot => {
                        let first = &mut config.$table;
                        let is_further = self.is_further();
                        let table = if is_further { first.further_mut(self.door)? } else { first };
                        Some((&mut table.$setting).into())
                    })+
                }
            }
        }
    };
}

slots! {
    Tcp: "tcp" of tcp::DOOR, Connections, tcp.listen;
    Udp: "udp" of udp::DOOR, Datagrams, udp.listen;
    Http: "http" of http::DOOR, Connections, http.listen;
    OtlpHttp: "otlp-http" of http::DOOR, Connections, otlp.http_listen;
    OtlpGrpc: "otlp-grpc" of http::DOOR, Connections, otlp.grpc_listen;
    Bulk: "bulk" of http::DOOR, Connections, bulk.listen;
    Beats: "beats" of beats::DOOR, Connections, beats.listen;
    SyslogUdp: "syslog-udp" of syslog_door::DOOR, Datagrams, syslog.udp_listen;
    SyslogTcp: "syslog-tcp" of syslog_door::DOOR, Connections, syslog.tcp_listen;
    SyslogTls: "syslog-tls" of syslog_door::DOOR, Connections, syslog.tls_listen;
    SyslogSocket: "syslog-socket" of syslog_door::DOOR, LocalDatagrams, syslog.socket_path;
    UnixStream: "unix-stream" of unix::DOOR, LocalConnections, unix.stream_path;
    UnixDatagram: "unix-datagram" of unix::DOOR, LocalDatagrams, unix.datagram_path;
}

impl Slot {
    /// All of the door for HTTP, its own first.
    pub(crate) const HTTP: [Self; 4] = [Self::Http, Self::OtlpHttp, Self::OtlpGrpc, Self::Bulk];

    /// That of the first door.
    pub(crate) fn first(self) -> Place {
        self.of(self.door())
    }

    /// That of a door of the kind.
    pub(crate) fn of(self, door: &'static str) -> Place {
        Place { slot: self, door }
    }

    /// What tells it from the other sockets of its door, where it has others.
    fn part(self) -> Option<&'static str> {
        self.name().strip_prefix(self.door())?.strip_prefix('-')
    }

    /// Whether further doors of the kind have it too.
    fn may_be_further(self) -> bool {
        self.table() == self.door()
    }
}

/// A socket of a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    slot: Slot,
    door: &'static str,
}

impl Place {
    /// The one that the service manager calls so.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let first = Slot::ALL.iter().find(|slot| slot.name() == name);
        first.map(|slot| slot.first()).or_else(|| Self::of_further(name))
    }

    /// The same of a further door, whether or not there is one.
    fn of_further(name: &str) -> Option<Self> {
        let (door, part) = match name.split_once('.') {
            Some((door, part)) => (door, Some(part)),
            None => (name, None),
        };
        let is_meant = |slot: &&Slot| {
            let is_door = slot.may_be_further() && inputs::is_further(slot.door(), door);
            is_door && slot.part() == part
        };
        Some(Slot::ALL.iter().find(is_meant)?.of(kept(door)))
    }

    pub(crate) fn slot(self) -> Slot {
        self.slot
    }

    /// The name of its door, in ledgers, metrics and records.
    pub(crate) fn door(self) -> &'static str {
        self.door
    }

    pub(crate) fn is_further(self) -> bool {
        self.door != self.slot.door()
    }

    /// How the service manager calls it (`FileDescriptorName=`), and a metric: of a further door by the door's name, with
    /// what no such name has between it and the socket where there are several.
    pub(crate) fn name(self) -> &'static str {
        match self.slot.part() {
            _ if !self.is_further() => self.slot.name(),
            Some(part) => kept(&format!("{}.{part}", self.door)),
            None => self.door,
        }
    }

    pub(crate) fn kind(self) -> Kind {
        self.slot.kind()
    }

    /// Name of the table of its door within `[ingest_gateway]`.
    pub(crate) fn table(self) -> String {
        table_of_kind(self.slot.door(), self.door)
    }

    /// Name of its setting within `[ingest_gateway]`.
    pub(crate) fn setting(self) -> &'static str {
        let table = match self.is_further() {
            true => self.table(),
            false => self.slot.table().to_owned(),
        };
        kept(&format!("{table}.{}", self.slot.setting()))
    }

    /// Whether the protocol that is spoken there can show a token.
    pub(crate) fn takes_tokens(self) -> bool {
        matches!(self.slot, Slot::Tcp | Slot::UnixStream) || Slot::HTTP.contains(&self.slot)
    }

    /// The settings of the TLS that is spoken there if there is a certificate; none where it never is.
    pub(crate) fn tls(self, config: &Config) -> Option<&TlsConfig> {
        match self.slot {
            Slot::Tcp => Some(&config.tcp.of(self.door).tls),
            Slot::Http | Slot::OtlpHttp | Slot::OtlpGrpc | Slot::Bulk => {
                Some(&config.http.of(self.door).tls)
            }
            Slot::Beats => Some(&config.beats.of(self.door).tls),
            Slot::SyslogTls => Some(&config.syslog.of(self.door).tls),
            Slot::Udp | Slot::SyslogUdp | Slot::SyslogTcp => None,
            Slot::SyslogSocket | Slot::UnixStream | Slot::UnixDatagram => None,
        }
    }

    /// Whether only senders come in there that show who they are, by something else than a token.
    pub(super) fn knows_senders(self, config: &Config) -> bool {
        match Slot::HTTP.contains(&self.slot) {
            true => config.http.of(self.door).knows_senders(),
            false => self.tls(config).is_some_and(TlsConfig::knows_senders),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Config {
    /// The places of all doors, of the first ones first.
    pub(crate) fn places(&self) -> Vec<Place> {
        let first = Slot::ALL.iter().map(|slot| slot.first());
        let further = Slot::ALL
            .iter()
            .flat_map(|slot| slot.further_doors(self).into_iter().map(move |door| slot.of(door)));
        first.chain(further).collect()
    }

    /// Where a place listens: nowhere if nobody asked for it, and only what was asked for is opened. Nobody asks for a
    /// further door but by saying where it is.
    pub(crate) fn listen(&self, place: Place) -> Listen {
        let has_usual = self.default_doors && !place.is_further();
        match place.said(self) {
            Some(Said::Address(listen)) if has_usual || listen.is_asked_for() => listen,
            Some(Said::Address(_) | Said::File(_)) | None => Listen::Off,
        }
    }

    /// The file of a socket in the file system, if there is to be one.
    pub(crate) fn socket_file(&self, place: Place) -> Option<&Path> {
        match place.said(self)? {
            Said::Address(_) => None,
            Said::File(file) => file,
        }
    }

    /// Lets a place listen nowhere.
    pub(super) fn close(&mut self, place: Place) {
        if let Some(SaidMut::Address(listen)) = place.said_mut(self) {
            *listen = Listen::Off;
        }
    }

    /// All places of a kind, and where they listen.
    pub(super) fn listens(&self, kind: Kind) -> Vec<(Place, Listen)> {
        let places = self.places().into_iter().filter(|place| place.kind() == kind);
        places.map(|place| (place, self.listen(place))).collect()
    }
}

#[cfg(test)]
mod tests;
