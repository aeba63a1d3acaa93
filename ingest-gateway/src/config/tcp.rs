//! Settings of the TCP door: where it listens, how its lines are told apart and joined, and its limits.

use std::collections::BTreeMap;

use access::ShopName;
use bus::Codec;
use serde::{Deserialize, Serialize};
use service::Span;

use super::delimiter::check_delimiter;
use super::problem::{refuse_zero, within};
use super::{Listen, MultilineConfig, Problem, TlsConfig};
use crate::lines::{Delimiter, Framing};

/// Settings of the TCP door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TcpConfig {
    /// Address and port, or `off`.
    pub listen: Listen,
    /// What a line is: a JSON object, or plain text.
    pub codec: Codec,
    /// How lines are told apart.
    pub framing: Framing,
    /// What ends a line in place of a line feed, 1 to 16 bytes.
    pub delimiter: Option<Delimiter>,
    /// Which lines are one event.
    pub multiline: MultilineConfig,
    /// The shop of what comes without a token or certificate of a shop; absent, `default`.
    pub shop: Option<ShopName>,
    /// TLS, if there is a certificate.
    pub tls: TlsConfig,
    /// Most connections at once; further ones wait.
    pub connections_max: u32,
    /// How long a connection may be silent between two lines.
    pub idle_timeout: Span,
    /// How long a line may take from its first byte to its end, the token's line included.
    pub line_timeout: Span,
    /// Further doors of the kind with settings of their own, by a name that begins with `tcp-`: their records, metrics
    /// and `enricher.inputs` have it.
    pub inputs: BTreeMap<String, TcpConfig>,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(5000),
            codec: Codec::Json,
            framing: Framing::Newline,
            delimiter: None,
            multiline: MultilineConfig::default(),
            shop: None,
            tls: TlsConfig::default(),
            connections_max: 10_000,
            idle_timeout: Span::from_secs(3_600),
            line_timeout: Span::from_secs(60),
            inputs: BTreeMap::new(),
        }
    }
}

impl TcpConfig {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        within("tls", problems, |problems| self.tls.check(problems));
        check_delimiter(self.framing, self.delimiter, problems);
        within("multiline", problems, |problems| self.multiline.check(problems));
        let counts = [("connections_max", self.connections_max)];
        let spans = [("idle_timeout", self.idle_timeout), ("line_timeout", self.line_timeout)];
        refuse_zero(problems, &counts, &spans);
    }
}
