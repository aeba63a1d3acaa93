//! Settings of the Beats door: where it listens, and what a window, an event and a compressed frame
//! may hold.

use std::collections::BTreeMap;

use access::ShopName;
use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

use super::problem::{refuse_zero, within};
use super::{Listen, Problem, TlsConfig};

/// Settings of the Beats door (Lumberjack, versions 1 and 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BeatsConfig {
    /// Address and port, or `off`.
    pub listen: Listen,
    /// Whether it may listen on an address that other machines reach: the protocol can show no token.
    pub allow_unauthenticated: bool,
    /// The shop of what comes without a certificate of a shop; absent, `default`.
    pub shop: Option<ShopName>,
    /// TLS, where it has a certificate.
    pub tls: TlsConfig,
    /// Most connections at once; further ones wait.
    pub connections_max: u32,
    /// Most events that a window may announce.
    pub window_events_max: u32,
    /// Largest compressed frame as it is sent.
    pub compressed_bytes_max: ByteSize,
    /// Largest compressed frame after decompression, and largest event that is read to its end (beyond
    /// `line_bytes_max` to be refused; beyond this the connection is closed).
    pub decompressed_bytes_max: ByteSize,
    /// Most decompressed bytes for each sent one, once a frame has passed 1MiB.
    pub decompressed_ratio_max: u32,
    /// How long a connection may be silent, unless it is the log that keeps it waiting.
    pub idle_timeout: Span,
    /// How long a window may take from its first byte to its last.
    pub window_timeout: Span,
    /// How often a sender is told that its window is still being worked on.
    pub keep_alive_interval: Span,
    /// Further doors of the kind with settings of their own, by a name that begins with `beats-`: their records, metrics
    /// and `enricher.inputs` have it.
    pub inputs: BTreeMap<String, BeatsConfig>,
}

impl Default for BeatsConfig {
    fn default() -> Self {
        Self {
            listen: Listen::loopback_if_free(5044),
            allow_unauthenticated: false,
            shop: None,
            tls: TlsConfig::default(),
            connections_max: 10_000,
            window_events_max: 65_536,
            compressed_bytes_max: ByteSize(16 << 20),
            decompressed_bytes_max: ByteSize(64 << 20),
            decompressed_ratio_max: 500,
            idle_timeout: Span::from_secs(60),
            window_timeout: Span::from_secs(300),
            keep_alive_interval: Span::from_secs(3),
            inputs: BTreeMap::new(),
        }
    }
}

impl BeatsConfig {
    /// Whether other machines may send without a certificate. Where senders must show a token, the setting alone is
    /// not enough.
    #[must_use]
    pub fn may_be_open(&self, requires_token: bool) -> bool {
        self.allow_unauthenticated && !requires_token
    }

    /// Checks a door with this table, where senders must show a token or need not.
    pub(super) fn check(&self, table: &str, requires_token: bool, problems: &mut Vec<Problem>) {
        within("tls", problems, |problems| self.tls.check(problems));
        let may_be_open = self.may_be_open(requires_token) || self.tls.knows_senders();
        if self.listen.is_reachable() && !may_be_open {
            let (asked, or_else) = match requires_token {
                true => (", which ingest_gateway.require_token asks for", String::new()),
                false => ("", format!(", set ingest_gateway.{table}.allow_unauthenticated = true")),
            };
            let message = format!(
                "other machines reach {}, and the protocol of Beats can show no token{asked}: ask for certificates \
                 (ingest_gateway.{table}.tls.client_certificates = \"required\"){or_else}, or listen on 127.0.0.1",
                self.listen
            );
            problems.push(Problem::new("listen", message));
        }
        let sizes = [
            ("compressed_bytes_max", self.compressed_bytes_max),
            ("decompressed_bytes_max", self.decompressed_bytes_max),
        ];
        for (setting, size) in sizes {
            let (min, max) = (ByteSize(1 << 10), ByteSize(4 << 30));
            if !(min..=max).contains(&size) {
                let message = format!("{size} is not between {min} and {max}");
                problems.push(Problem::new(setting, message));
            }
        }
        let counts = [
            ("connections_max", self.connections_max),
            ("window_events_max", self.window_events_max),
            ("decompressed_ratio_max", self.decompressed_ratio_max),
        ];
        let spans = [
            ("idle_timeout", self.idle_timeout),
            ("window_timeout", self.window_timeout),
            ("keep_alive_interval", self.keep_alive_interval),
        ];
        refuse_zero(problems, &counts, &spans);
    }
}
