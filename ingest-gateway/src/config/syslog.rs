//! Settings of the syslog door.

use std::collections::BTreeMap;
use std::path::PathBuf;

use access::ShopName;
use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

use super::problem::{refuse_zero, within};
use super::{Listen, Problem, SocketMode, TlsConfig, check_socket_path};
use crate::lines::Framing;
use crate::syslog::zone_by_name;

/// Settings of the syslog door: RFC 5424 and RFC 3164 over UDP (RFC 5426), TCP (RFC 6587), TLS (RFC 5425) and a
/// socket in the file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyslogConfig {
    /// Address and port for datagrams, or `off`.
    pub udp_listen: Listen,
    /// Address and port for connections without TLS, or `off`.
    pub tcp_listen: Listen,
    /// Address and port for connections with TLS, or `off`.
    pub tls_listen: Listen,
    /// Where a datagram socket is made, as `/dev/log`.
    pub socket_path: Option<PathBuf>,
    /// Who may write to it.
    pub socket_mode: SocketMode,
    /// Whether it may listen on an address that other machines reach without asking for certificates: syslog
    /// can show no token.
    pub allow_unauthenticated: bool,
    /// The shop of what comes without a certificate of a shop; absent, `default`.
    pub shop: Option<ShopName>,
    /// How messages of a connection are told apart.
    pub framing: Framing,
    /// The zone of times that name none: a name as `Europe/Berlin`, or an offset as `+01:00`.
    pub timezone: String,
    /// TLS for `tls_listen`.
    pub tls: TlsConfig,
    /// Most connections at once; further ones wait.
    pub connections_max: u32,
    /// How long a connection may be silent between two messages.
    pub idle_timeout: Span,
    /// How long a message may take from its first byte to its end.
    pub line_timeout: Span,
    /// Size of the kernel's receive buffer for datagrams. Beyond `net.core.rmem_max` it needs CAP_NET_ADMIN.
    pub receive_buffer_bytes: ByteSize,
    /// Further doors of the kind with settings of their own, by a name that begins with `syslog-`: their records, metrics
    /// and `enricher.inputs` have it.
    pub inputs: BTreeMap<String, SyslogConfig>,
}

impl Default for SyslogConfig {
    fn default() -> Self {
        Self {
            udp_listen: Listen::loopback_if_free(5514),
            tcp_listen: Listen::loopback_if_free(5514),
            tls_listen: Listen::Off,
            socket_path: None,
            socket_mode: SocketMode(0o666),
            allow_unauthenticated: false,
            shop: None,
            framing: Framing::Auto,
            timezone: "UTC".to_owned(),
            tls: TlsConfig::default(),
            connections_max: 10_000,
            idle_timeout: Span::from_secs(24 * 3_600),
            line_timeout: Span::from_secs(60),
            receive_buffer_bytes: ByteSize(32 << 20),
            inputs: BTreeMap::new(),
        }
    }
}

impl SyslogConfig {
    /// Whether it says where the door is, be it `off`.
    pub(super) fn names_a_place(&self) -> bool {
        let listens = [self.udp_listen, self.tcp_listen];
        let is_said = listens.into_iter().any(Listen::is_said) || self.tls_listen.is_asked_for();
        is_said || self.socket_path.is_some()
    }

    /// Checks a door with this table.
    pub(super) fn check(&self, table: &str, problems: &mut Vec<Problem>) {
        self.check_reach(table, problems);
        within("tls", problems, |problems| self.tls.check(problems));
        if zone_by_name(&self.timezone).is_none() {
            let message = format!(
                "`{}` is no time zone: write a name as Europe/Berlin, or an offset as +01:00",
                self.timezone
            );
            problems.push(Problem::new("timezone", message));
        }
        if self.framing == Framing::Newline || self.framing == Framing::Nul {
            let message = "messages of syslog are told apart by \"auto\", \"octet-counting\" or \"non-transparent\" \
                           (a line feed or a NUL)";
            problems.push(Problem::new("framing", message));
        }
        let counts = [("connections_max", self.connections_max)];
        let spans = [("idle_timeout", self.idle_timeout), ("line_timeout", self.line_timeout)];
        refuse_zero(problems, &counts, &spans);
        check_socket_path("socket_path", self.socket_path.as_deref(), problems);
    }

    fn check_reach(&self, table: &str, problems: &mut Vec<Problem>) {
        if self.tls_listen != Listen::Off && !self.tls.is_on() {
            let message = format!(
                "TLS needs a certificate: set ingest_gateway.{table}.tls.certificate_file and key_file"
            );
            problems.push(Problem::new("tls_listen", message));
        }
        let doors = [
            ("udp_listen", self.udp_listen, false),
            ("tcp_listen", self.tcp_listen, false),
            ("tls_listen", self.tls_listen, self.tls.knows_senders()),
        ];
        for (setting, listen, knows_senders) in doors {
            if listen.is_reachable() && !knows_senders && !self.allow_unauthenticated {
                let message = format!(
                    "other machines reach {listen}, and syslog can show no token: set \
                     ingest_gateway.{table}.allow_unauthenticated = true, ask for certificates (tls_listen with \
                     tls.client_certificates = \"required\"), or listen on 127.0.0.1"
                );
                problems.push(Problem::new(setting, message));
            }
        }
    }
}
