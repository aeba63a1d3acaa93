//! Settings of the gateway: where its doors listen, what they take, and every limit they keep.
//!
//! A setting that would open a door to strangers is refused together with the way out.

mod beats;
mod delimiter;
mod doors;
mod file;
mod further;
mod http;
mod identity;
mod kept;
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
mod tcp;
mod tls;
mod udp;
mod unix;

use std::collections::BTreeMap;

use access::{IngestToken, ShopName};
use event::Limits;
use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

pub use beats::BeatsConfig;
pub use file::{FileConfig, FileInputConfig, FileMode, StartPosition};
pub use further::{BulkConfig, OtlpConfig};
pub use http::HttpConfig;
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
pub use tcp::TcpConfig;
pub use tls::{ClientCertificates, TlsConfig, TlsVersion};
pub use udp::UdpConfig;
pub use unix::{SocketMode, UnixConfig};

pub(crate) use doors::{Several, table_of};
use doors::{check_further, each};
pub(crate) use kept::kept;
use memory::MEMORY_BYTES_MIN;
pub(crate) use place::{Kind, Place, SaidMut, Slot};
use problem::{check_ranges, refuse_zero, within};
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
    /// These settings with no address to listen on, and no further doors, for whoever opens some.
    #[must_use]
    pub fn closed(mut self) -> Self {
        for slot in Slot::ALL {
            self.close(slot.first());
        }
        self.tcp.inputs.clear();
        self.udp.inputs.clear();
        self.http.inputs.clear();
        self.beats.inputs.clear();
        self.syslog.inputs.clear();
        self.unix.inputs.clear();
        self
    }

    /// Reads the passwords that senders show, where files hold them.
    pub(crate) fn read_passwords(&mut self) -> Result<(), Problem> {
        self.http.sign_in.read_password("http")?;
        for (door, http) in &mut self.http.inputs {
            http.sign_in.read_password(&table_of(door))?;
        }
        Ok(())
    }
}

impl Config {
    /// What is wrong with these settings; nothing if they can be used.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_reach(&mut problems);
        self.check_limits(&mut problems);
        each(&self.tcp, &mut problems, |tcp, _, problems| tcp.check(problems));
        each(&self.http, &mut problems, |http, _, problems| {
            http.check(self.memory_bytes_max, problems);
        });
        each(&self.beats, &mut problems, |beats, table, problems| {
            beats.check(table, self.require_token, problems);
        });
        within("file", &mut problems, |problems| self.file.check(problems));
        within("masking", &mut problems, |problems| self.masking.check(problems));
        each(&self.syslog, &mut problems, |syslog, table, problems| syslog.check(table, problems));
        each(&self.unix, &mut problems, |unix, _, problems| unix.check(problems));
        self.check_further_doors(&mut problems);
        within("spool", &mut problems, |problems| self.spool.check(problems));
        self.check_quotas(&mut problems);
        self.check_sharing(&mut problems);
        problems
    }

    fn check_further_doors(&self, problems: &mut Vec<Problem>) {
        check_further(&self.tcp, problems);
        check_further(&self.udp, problems);
        check_further(&self.http, problems);
        check_further(&self.beats, problems);
        check_further(&self.syslog, problems);
        check_further(&self.unix, problems);
    }

    fn check_reach(&self, problems: &mut Vec<Problem>) {
        let reached = |place: &Place| self.listen(*place).is_reachable();
        let (with_token, without): (Vec<_>, Vec<_>) =
            self.places().into_iter().filter(reached).partition(|place| place.takes_tokens());
        for place in with_token {
            if !self.needs_token() && !place.knows_senders(self) {
                let message = format!(
                    "other machines reach {}, and anyone there could send: set \
                     ingest_gateway.ingest_token (openssl rand -hex 16 makes one), or \
                     ingest_gateway.require_token = true for tokens of shops (millrace token create), ask for \
                     certificates ({}.tls.client_certificates = \"required\"), or listen on 127.0.0.1",
                    self.listen(place),
                    place.table()
                );
                problems.push(Problem::new(place.setting(), message));
            }
        }
        for place in without.into_iter().filter(|place| place.slot() == Slot::Udp) {
            if !self.allow_unauthenticated_udp {
                let message = format!(
                    "other machines reach {}, and UDP can show no token: set \
                     ingest_gateway.allow_unauthenticated_udp = true, or listen on 127.0.0.1",
                    self.listen(place)
                );
                problems.push(Problem::new(place.setting(), message));
            }
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
        ];
        check_ranges(&ranges, problems);
        if self.line_bytes_max.0.saturating_mul(16) > self.memory_bytes_max.0 {
            let message = format!(
                "{} cannot hold 16 lines of {}: raise it, or lower line_bytes_max",
                self.memory_bytes_max, self.line_bytes_max
            );
            problems.push(Problem::new("memory_bytes_max", message));
        }
        let counts = [
            ("fields_max", self.fields_max),
            ("depth_max", self.depth_max),
            ("connections_per_address_max", self.connections_per_address_max),
        ];
        let spans = [
            ("retry_after", self.retry_after),
            ("tokens_refresh_interval", self.tokens_refresh_interval),
        ];
        refuse_zero(problems, &counts, &spans);
    }
}

#[cfg(test)]
mod tests;
