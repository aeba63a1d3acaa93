//! Settings of the HTTP door: where it listens, who may send there, what is answered, and how much a request may have.

use std::collections::BTreeMap;

use access::ShopName;
use bus::Codec;
use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

use super::origins::check_origins;
use super::problem::{check_ranges, refuse_zero, within};
use super::{Listen, Problem, ResponseConfig, SignInConfig, TlsConfig};

/// Settings of the HTTP door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port, or `off`.
    pub listen: Listen,
    /// The shop of what comes without a token or certificate of a shop; absent, `default`.
    pub shop: Option<ShopName>,
    /// TLS, if there is a certificate.
    pub tls: TlsConfig,
    /// Pages that may send to `/v1/logs` from a browser, by origin, as `https://shop.example`. With one, requests of
    /// other pages are refused.
    pub cors_origins: Vec<String>,
    /// Whether lines may be posted to every path that means nothing else here, and not to `/v1/logs` alone.
    pub any_path: bool,
    /// What the lines of a body are whose content type is none, or neither text nor JSON.
    pub codec: Codec,
    /// Whether records are told of the request that brought them: method, path, version and headers but those of
    /// credentials, 8KiB at most. `enricher.inputs` says where they go.
    pub request_headers: bool,
    /// A user and a password that senders show.
    pub sign_in: SignInConfig,
    /// What lines that were taken are answered with.
    pub response: ResponseConfig,
    /// Most connections at once; further ones wait.
    pub connections_max: u32,
    /// Largest body as it is sent.
    pub body_bytes_max: ByteSize,
    /// Largest body after decompression.
    pub decompressed_bytes_max: ByteSize,
    /// Most decompressed bytes for each sent one, once a body has passed 1MiB.
    pub decompressed_ratio_max: u32,
    /// Largest OTLP message after decompression; it is held whole. At most an eighth of
    /// `memory_bytes_max`.
    pub message_bytes_max: ByteSize,
    /// Largest request line and headers together; at least 8KiB.
    pub header_bytes_max: ByteSize,
    /// How long a connection may be without a request, a request may take to send its headers, and a long answer may
    /// stay unread.
    pub idle_timeout: Span,
    /// How long a body may be silent.
    pub body_idle_timeout: Span,
    /// How long a body may take as a whole.
    pub body_timeout: Span,
    /// Further doors of the kind with settings of their own, by a name that begins with `http-`: their records, metrics
    /// and `enricher.inputs` have it.
    pub inputs: BTreeMap<String, HttpConfig>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(8080),
            shop: None,
            tls: TlsConfig::default(),
            cors_origins: Vec::new(),
            any_path: false,
            codec: Codec::Json,
            request_headers: false,
            sign_in: SignInConfig::default(),
            response: ResponseConfig::default(),
            connections_max: 10_000,
            body_bytes_max: ByteSize(16 << 20),
            decompressed_bytes_max: ByteSize(64 << 20),
            decompressed_ratio_max: 500,
            message_bytes_max: ByteSize(8 << 20),
            header_bytes_max: ByteSize(16 << 10),
            idle_timeout: Span::from_secs(60),
            body_idle_timeout: Span::from_secs(30),
            body_timeout: Span::from_secs(300),
            inputs: BTreeMap::new(),
        }
    }
}

impl HttpConfig {
    /// Whether only senders come in that show a certificate, or a user and a password.
    pub(super) fn knows_senders(&self) -> bool {
        self.tls.knows_senders() || self.sign_in.is_on()
    }

    /// Checks a door that shares so much memory with the others.
    pub(super) fn check(&self, memory_bytes_max: ByteSize, problems: &mut Vec<Problem>) {
        within("tls", problems, |problems| self.tls.check(problems));
        check_origins(&self.cors_origins, problems);
        within("sign_in", problems, |problems| self.sign_in.check(problems));
        within("response", problems, |problems| self.response.check(problems));
        let ranges = [
            ("header_bytes_max", self.header_bytes_max, 8 << 10, 1 << 20),
            ("body_bytes_max", self.body_bytes_max, 1 << 10, 1 << 40),
            ("decompressed_bytes_max", self.decompressed_bytes_max, 1 << 10, 1 << 40),
            ("message_bytes_max", self.message_bytes_max, 1 << 10, 1 << 30),
        ];
        check_ranges(&ranges, problems);
        if self.message_bytes_max.0.saturating_mul(8) > memory_bytes_max.0 {
            let message = format!(
                "a message of {} is held whole, with what is made of it, and 8 of them are more than the \
                 {memory_bytes_max} of memory_bytes_max: lower it, or raise memory_bytes_max",
                self.message_bytes_max
            );
            problems.push(Problem::new("message_bytes_max", message));
        }
        let counts = [
            ("connections_max", self.connections_max),
            ("decompressed_ratio_max", self.decompressed_ratio_max),
        ];
        let spans = [
            ("idle_timeout", self.idle_timeout),
            ("body_idle_timeout", self.body_idle_timeout),
            ("body_timeout", self.body_timeout),
        ];
        refuse_zero(problems, &counts, &spans);
    }
}
