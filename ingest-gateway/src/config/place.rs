//! The places of doors: sockets that have a setting of their own and can be handed over. How each is called, what its
//! socket takes and which setting says where it is stands in one table here; every list of them is made of it.
//!
//! It opens nothing and refuses nothing.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Config, Listen, TlsConfig};

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

/// Makes [`Place`] of its table. A row is a place with its name, what its socket takes, and its setting, which is called
/// as the field of [`Config`] is.
macro_rules! places {
    ($($place:ident: $name:literal, $kind:ident, $table:ident.$setting:ident;)+) => {
        /// A door's socket. A door may have several.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Place {
            $($place,)+
        }

        impl Place {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$place,)+];

            /// How the service manager calls it (`FileDescriptorName=`), and a metric.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$place => $name,)+
                }
            }

            pub(crate) fn kind(self) -> Kind {
                match self {
                    $(Self::$place => Kind::$kind,)+
                }
            }

            /// Name of its setting within `[ingest_gateway]`.
            pub(crate) fn setting(self) -> &'static str {
                match self {
                    $(Self::$place => concat!(stringify!($table), ".", stringify!($setting)),)+
                }
            }

            fn said(self, config: &Config) -> Said<'_> {
                match self {
                    $(Self::$place => (&config.$table.$setting).into(),)+
                }
            }

            /// What its setting says, to be changed.
            pub(crate) fn said_mut(self, config: &mut Config) -> SaidMut<'_> {
                match self {
                    $(Self::$place => (&mut config.$table.$setting).into(),)+
                }
            }
        }
    };
}

places! {
    Tcp: "tcp", Connections, tcp.listen;
    Udp: "udp", Datagrams, udp.listen;
    Http: "http", Connections, http.listen;
    OtlpHttp: "otlp-http", Connections, otlp.http_listen;
    OtlpGrpc: "otlp-grpc", Connections, otlp.grpc_listen;
    Bulk: "bulk", Connections, bulk.listen;
    Beats: "beats", Connections, beats.listen;
    SyslogUdp: "syslog-udp", Datagrams, syslog.udp_listen;
    SyslogTcp: "syslog-tcp", Connections, syslog.tcp_listen;
    SyslogTls: "syslog-tls", Connections, syslog.tls_listen;
    SyslogSocket: "syslog-socket", LocalDatagrams, syslog.socket_path;
    UnixStream: "unix-stream", LocalConnections, unix.stream_path;
    UnixDatagram: "unix-datagram", LocalDatagrams, unix.datagram_path;
}

impl Place {
    /// All of the door for HTTP, its own first.
    pub(crate) const HTTP: [Self; 4] = [Self::Http, Self::OtlpHttp, Self::OtlpGrpc, Self::Bulk];

    /// The one that the service manager calls so.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|place| place.name() == name)
    }

    /// Whether the protocol that is spoken there can show a token.
    pub(crate) fn takes_tokens(self) -> bool {
        matches!(self, Self::Tcp | Self::UnixStream) || Self::HTTP.contains(&self)
    }

    /// The settings of the TLS that is spoken there if there is a certificate; none where it never is.
    pub(crate) fn tls(self, config: &Config) -> Option<&TlsConfig> {
        match self {
            Self::Tcp => Some(&config.tcp.tls),
            Self::Http | Self::OtlpHttp | Self::OtlpGrpc | Self::Bulk => Some(&config.http.tls),
            Self::Beats => Some(&config.beats.tls),
            Self::SyslogTls => Some(&config.syslog.tls),
            Self::Udp | Self::SyslogUdp | Self::SyslogTcp => None,
            Self::SyslogSocket | Self::UnixStream | Self::UnixDatagram => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Config {
    /// Where a place listens: nowhere if nobody asked for it, and only what was asked for is opened.
    pub(crate) fn listen(&self, place: Place) -> Listen {
        match place.said(self) {
            Said::Address(listen) if self.default_doors || listen.is_asked_for() => listen,
            Said::Address(_) | Said::File(_) => Listen::Off,
        }
    }

    /// The file of a socket in the file system, if there is to be one.
    pub(crate) fn socket_file(&self, place: Place) -> Option<&Path> {
        match place.said(self) {
            Said::Address(_) => None,
            Said::File(file) => file,
        }
    }

    /// Lets a place listen nowhere.
    pub(super) fn close(&mut self, place: Place) {
        if let SaidMut::Address(listen) = place.said_mut(self) {
            *listen = Listen::Off;
        }
    }

    /// All places of a kind, and where they listen.
    pub(super) fn listens(&self, kind: Kind) -> Vec<(Place, Listen)> {
        let places = Place::ALL.iter().filter(|place| place.kind() == kind);
        places.map(|place| (*place, self.listen(*place))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Place, Said};
    use crate::config::Config;

    #[test]
    fn each_has_a_name_a_setting_and_a_socket_of_its_own() {
        let config = Config::default();
        for (at, place) in Place::ALL.iter().enumerate() {
            assert_eq!(Place::of(place.name()), Some(*place));
            let others = &Place::ALL[at + 1..];
            assert!(others.iter().all(|other| other.setting() != place.setting()), "{place}");
            let is_file = matches!(place.kind(), Kind::LocalConnections | Kind::LocalDatagrams);
            assert_eq!(matches!(place.said(&config), Said::File(_)), is_file, "{place}");
        }
        assert_eq!(Place::OtlpGrpc.setting(), "otlp.grpc_listen", "as it is written in a file");
        assert_eq!(Place::of("otlp"), None);
    }

    #[test]
    fn what_can_be_shown_no_token_is_told_apart() {
        let tokenless = Place::ALL.iter().filter(|place| !place.takes_tokens());
        let names: Vec<&str> = tokenless.map(|place| place.name()).collect();
        let expected = [
            "udp",
            "beats",
            "syslog-udp",
            "syslog-tcp",
            "syslog-tls",
            "syslog-socket",
            "unix-datagram",
        ];
        assert_eq!(names, expected);
    }
}
