//! Settings of the gateway: where its doors listen, what they take, and every limit they keep.
//!
//! A setting that would open a door to strangers is refused together with the way out.

mod beats;
mod delimiter;
mod file;
mod further;
mod identity;
mod listen;
mod masking;
mod memory;
mod multiline;
mod origins;
mod place;
mod problem;
mod quota;
mod response;
mod sharing;
mod sign_in;
mod spool;
mod syslog;
mod tls;
mod unix;

use std::collections::BTreeMap;

use access::{IngestToken, ShopName};
use bus::Codec;
use event::Limits;
use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

pub use beats::BeatsConfig;
pub use file::{FileConfig, FileInputConfig, FileMode, StartPosition};
pub use further::{BulkConfig, OtlpConfig};
pub use listen::Listen;
pub use masking::MaskingConfig;
pub use memory::{Lowered, MemoryPart};
pub use multiline::{MultilineConfig, What};
pub use problem::Problem;
pub use quota::{QuotaConfig, ShopConfig};
pub use response::ResponseConfig;
pub use sign_in::SignInConfig;
pub use spool::SpoolConfig;
pub use syslog::SyslogConfig;
pub use tls::{ClientCertificates, TlsConfig, TlsVersion};
pub use unix::{SocketMode, UnixConfig};

use crate::lines::{Delimiter, Framing};
use delimiter::check_delimiter;
use memory::MEMORY_BYTES_MIN;
use origins::check_origins;
pub(crate) use place::{Kind, Place, SaidMut};
use problem::{refuse_zero, within};
use unix::check_socket_path;

/// Settings of `[ingest_gateway]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether doors are open at their usual places where no setting names another. Without them only those are open that
    /// a setting, a flag, a pipeline or the service manager names.
    pub default_doors: bool,
    /// The door for lines over TCP.
    pub tcp: TcpConfig,
    /// The door for lines over UDP.
    pub udp: UdpConfig,
    /// The door for lines, arrays and objects over HTTP.
    pub http: HttpConfig,
    /// Where the HTTP door is looked for by senders of OpenTelemetry.
    pub otlp: OtlpConfig,
    /// Where it is looked for by clients of Elasticsearch.
    pub bulk: BulkConfig,
    /// The door for Beats and Logstash (Lumberjack).
    pub beats: BeatsConfig,
    /// The door for lines of files.
    pub file: FileConfig,
    /// The door for syslog.
    pub syslog: SyslogConfig,
    /// The doors for lines that are sockets in the file system.
    pub unix: UnixConfig,
    /// Where records wait while the bus is away.
    pub spool: SpoolConfig,
    /// The token that senders show who have none of their shop: `Authorization: Bearer` over HTTP, the first
    /// line over TCP. Without one, and without `require_token`, the doors are open to whoever reaches
    /// them, so they listen on this machine only.
    #[serde(skip_serializing)]
    pub ingest_token: Option<IngestToken>,
    /// Whether senders must show a token over HTTP and TCP, be it `ingest_token` or a shop's. A certificate that
    /// `tls.shops` names counts as one.
    pub require_token: bool,
    /// How often it is looked in the document store whether tokens of shops have changed: how long one still opens a
    /// door that was revoked.
    pub tokens_refresh_interval: Span,
    /// Whether UDP, which can show no token, may listen on an address that other machines reach.
    pub allow_unauthenticated_udp: bool,
    /// What is masked before it is stored.
    pub masking: MaskingConfig,
    /// Longest line or array element. What is longer is refused, up to the next delimiter.
    pub line_bytes_max: ByteSize,
    /// Values in a line of JSON that comes over HTTP, objects and arrays included. What holds more is
    /// refused in the answer.
    pub fields_max: u32,
    /// Objects and arrays within each other in a line of JSON that comes over HTTP, 1 to 128.
    pub depth_max: u32,
    /// Memory for what the doors have read and not yet made durable; at least 32MiB. When it is used
    /// up, reading stops. It is lowered to the doors' part of what the process may use.
    pub memory_bytes_max: ByteSize,
    /// Most connections from one address (IPv6: one /64 network), over all doors.
    pub connections_per_address_max: u32,
    /// When a sender is told to try again after the log had no room.
    pub retry_after: Span,
    /// How long a stop may take to make durable what was read.
    pub drain_timeout: Span,
    /// How much each shop may send.
    pub quota: QuotaConfig,
    /// Shops for which something else is set than for every shop, by name.
    pub shops: BTreeMap<ShopName, ShopConfig>,
    /// Whether gateways with the same cache add up what shops send, so that each shop has its quota once.
    pub share_quotas: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default_doors: true,
            tcp: TcpConfig::default(),
            udp: UdpConfig::default(),
            http: HttpConfig::default(),
            otlp: OtlpConfig::default(),
            bulk: BulkConfig::default(),
            beats: BeatsConfig::default(),
            file: FileConfig::default(),
            syslog: SyslogConfig::default(),
            unix: UnixConfig::default(),
            spool: SpoolConfig::default(),
            ingest_token: None,
            require_token: false,
            tokens_refresh_interval: Span::from_secs(2),
            allow_unauthenticated_udp: false,
            masking: MaskingConfig::default(),
            line_bytes_max: ByteSize(1 << 20),
            fields_max: Limits::default().nodes_max,
            depth_max: Limits::default().depth_max,
            memory_bytes_max: ByteSize(64 << 20),
            connections_per_address_max: 1_000,
            retry_after: Span::from_secs(1),
            drain_timeout: Span::from_secs(5),
            quota: QuotaConfig::default(),
            shops: BTreeMap::new(),
            share_quotas: true,
        }
    }
}

impl Config {
    /// These settings with no address to listen on, for whoever opens some.
    #[must_use]
    pub fn closed(mut self) -> Self {
        for place in Place::ALL {
            self.close(*place);
        }
        self
    }
}

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
        }
    }
}

/// Settings of the UDP door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UdpConfig {
    /// Address and port, or `off`.
    pub listen: Listen,
    /// What a line is: a JSON object, or plain text.
    pub codec: Codec,
    /// The shop of all that comes; absent, `default`.
    pub shop: Option<ShopName>,
    /// Size of the kernel's receive buffer. Beyond `net.core.rmem_max` it needs CAP_NET_ADMIN.
    pub receive_buffer_bytes: ByteSize,
}

impl Default for UdpConfig {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(5000),
            codec: Codec::Json,
            shop: None,
            receive_buffer_bytes: ByteSize(32 << 20),
        }
    }
}

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
        }
    }
}

impl HttpConfig {
    /// Whether only senders come in that show a certificate, or a user and a password.
    fn knows_senders(&self) -> bool {
        self.tls.knows_senders() || self.sign_in.is_on()
    }
}

impl Config {
    /// What is wrong with these settings; nothing if they can be used.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_reach(&mut problems);
        self.check_limits(&mut problems);
        within("beats", &mut problems, |problems| self.beats.check(self.require_token, problems));
        within("file", &mut problems, |problems| self.file.check(problems));
        within("masking", &mut problems, |problems| self.masking.check(problems));
        within("tcp.tls", &mut problems, |problems| self.tcp.tls.check(problems));
        within("http.tls", &mut problems, |problems| self.http.tls.check(problems));
        within("http", &mut problems, |problems| check_origins(&self.http.cors_origins, problems));
        within("http.sign_in", &mut problems, |problems| self.http.sign_in.check(problems));
        within("http.response", &mut problems, |problems| self.http.response.check(problems));
        within("tcp", &mut problems, |problems| {
            check_delimiter(self.tcp.framing, self.tcp.delimiter, problems);
        });
        within("tcp.multiline", &mut problems, |problems| self.tcp.multiline.check(problems));
        within("syslog", &mut problems, |problems| self.syslog.check(problems));
        within("unix", &mut problems, |problems| self.unix.check(problems));
        within("spool", &mut problems, |problems| self.spool.check(problems));
        self.check_quotas(&mut problems);
        self.check_sharing(&mut problems);
        problems
    }

    fn check_reach(&self, problems: &mut Vec<Problem>) {
        let tcp = (Place::Tcp, "tcp", self.tcp.tls.knows_senders());
        let http = Place::HTTP.map(|place| (place, "http", self.http.knows_senders()));
        for (place, table, knows_senders) in [tcp].into_iter().chain(http) {
            let listen = self.listen(place);
            if listen.is_reachable() && !self.needs_token() && !knows_senders {
                let message = format!(
                    "other machines reach {listen}, and anyone there could send: set \
                     ingest_gateway.ingest_token (openssl rand -hex 16 makes one), or \
                     ingest_gateway.require_token = true for tokens of shops (millrace token create), ask for \
                     certificates ({table}.tls.client_certificates = \"required\"), or listen on 127.0.0.1"
                );
                problems.push(Problem::new(place.setting(), message));
            }
        }
        if self.udp.listen.is_reachable() && !self.allow_unauthenticated_udp {
            let message = format!(
                "other machines reach {}, and UDP can show no token: set \
                 ingest_gateway.allow_unauthenticated_udp = true, or listen on 127.0.0.1",
                self.udp.listen
            );
            problems.push(Problem::new("udp.listen", message));
        }
    }

    /// What a line may hold.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            depth_max: self.depth_max,
            nodes_max: self.fields_max,
            payload_bytes_max: self.line_bytes_max.as_usize(),
        }
    }

    fn check_limits(&self, problems: &mut Vec<Problem>) {
        if self.depth_max > 128 {
            let message = format!("{} is too deep: it is 1 to 128", self.depth_max);
            problems.push(Problem::new("depth_max", message));
        }
        let ranges = [
            ("line_bytes_max", self.line_bytes_max, 1 << 10, 16 << 20),
            ("memory_bytes_max", self.memory_bytes_max, MEMORY_BYTES_MIN, 1 << 40),
            ("http.header_bytes_max", self.http.header_bytes_max, 8 << 10, 1 << 20),
            ("http.body_bytes_max", self.http.body_bytes_max, 1 << 10, 1 << 40),
            ("http.decompressed_bytes_max", self.http.decompressed_bytes_max, 1 << 10, 1 << 40),
            ("http.message_bytes_max", self.http.message_bytes_max, 1 << 10, 1 << 30),
        ];
        for (setting, size, min, max) in ranges {
            if !(min..=max).contains(&size.0) {
                let (min, max) = (ByteSize(min), ByteSize(max));
                let message = format!("{size} is not between {min} and {max}");
                problems.push(Problem::new(setting, message));
            }
        }
        if self.line_bytes_max.0.saturating_mul(16) > self.memory_bytes_max.0 {
            let message = format!(
                "{} cannot hold 16 lines of {}: raise it, or lower line_bytes_max",
                self.memory_bytes_max, self.line_bytes_max
            );
            problems.push(Problem::new("memory_bytes_max", message));
        }
        if self.http.message_bytes_max.0.saturating_mul(8) > self.memory_bytes_max.0 {
            let message = format!(
                "a message of {} is held whole, with what is made of it, and 8 of them are more than the {} of \
                 memory_bytes_max: lower it, or raise memory_bytes_max",
                self.http.message_bytes_max, self.memory_bytes_max
            );
            problems.push(Problem::new("http.message_bytes_max", message));
        }
        let counts = [
            ("fields_max", self.fields_max),
            ("depth_max", self.depth_max),
            ("connections_per_address_max", self.connections_per_address_max),
            ("tcp.connections_max", self.tcp.connections_max),
            ("http.connections_max", self.http.connections_max),
            ("http.decompressed_ratio_max", self.http.decompressed_ratio_max),
        ];
        let spans = [
            ("tcp.idle_timeout", self.tcp.idle_timeout),
            ("tcp.line_timeout", self.tcp.line_timeout),
            ("http.idle_timeout", self.http.idle_timeout),
            ("http.body_idle_timeout", self.http.body_idle_timeout),
            ("http.body_timeout", self.http.body_timeout),
            ("retry_after", self.retry_after),
            ("tokens_refresh_interval", self.tokens_refresh_interval),
        ];
        refuse_zero(problems, &counts, &spans);
    }
}

#[cfg(test)]
mod tests;
