//! The program that is attacked, with small limits and short times.

use std::net::SocketAddr;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::cluster::free_port;
use crate::support::{Platform, text};

/// What the doors may hold, and short times.
const SETTINGS: [&str; 5] = [
    "ingest_gateway.connections_per_address_max=400",
    "ingest_gateway.memory_bytes_max=32MiB",
    "ingest_gateway.http.message_bytes_max=4MiB",
    "ingest_gateway.http.idle_timeout=2s",
    "ingest_gateway.tcp.line_timeout=5s",
];
/// What only doors have that let everybody in.
const OPEN: [&str; 5] = [
    "ingest_gateway.http.body_idle_timeout=1s",
    "ingest_gateway.tcp.framing=auto",
    "ingest_gateway.beats.idle_timeout=2s",
    "ingest_gateway.syslog.tls.handshake_timeout=2s",
    // Less than a flood has, so that the kernel drops some of it.
    "ingest_gateway.udp.receive_buffer_bytes=256KiB",
];
/// Where tokens are asked for: what is revoked is known soon, and a shop has a quota.
const GUARDED: [&str; 4] = [
    "ingest_gateway.require_token=true",
    "ingest_gateway.tokens_refresh_interval=100ms",
    "ingest_gateway.shops.hot.quota.events_per_second=5000",
    "ingest_gateway.shops.hot.quota.burst=1s",
];

/// The program, and what its senders must know.
pub(crate) struct Target {
    pub(crate) platform: Platform,
    /// What whoever means well shows, where tokens are asked for.
    pub(crate) token: Option<String>,
    /// The syslog door over TCP, and with TLS.
    syslog: Option<[SocketAddr; 2]>,
    _certificate: Option<TempDir>,
}

impl Target {
    /// One that lets everybody in, at all doors.
    pub(crate) fn open() -> Self {
        let certificate = certificate();
        let file = |name: &str| certificate.path().join(name).display().to_string();
        let syslog = [free_port(), free_port()];
        let own = [
            format!("ingest_gateway.syslog.tcp_listen={}", syslog[0]),
            format!("ingest_gateway.syslog.tls_listen={}", syslog[1]),
            format!("ingest_gateway.syslog.tls.certificate_file={}", file("door.crt")),
            format!("ingest_gateway.syslog.tls.key_file={}", file("door.key")),
        ];
        let own = own.iter().map(String::as_str);
        let settings = SETTINGS.into_iter().chain(OPEN).chain(own);
        let platform = start(&["--beats-listen", "127.0.0.1:0"], settings);
        Self { platform, token: None, syslog: Some(syslog), _certificate: Some(certificate) }
    }

    /// One that asks for tokens of shops.
    pub(crate) fn guarded() -> Self {
        let platform = start(&[], SETTINGS.into_iter().chain(GUARDED));
        let mut target = Self { platform, token: None, syslog: None, _certificate: None };
        target.token = Some(target.give("calm"));
        target
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.platform.addresses.http.expect("an HTTP door")
    }

    pub(crate) fn tcp(&self) -> SocketAddr {
        self.platform.addresses.tcp.expect("a TCP door")
    }

    pub(crate) fn udp(&self) -> SocketAddr {
        self.platform.addresses.udp.expect("a UDP door")
    }

    pub(crate) fn beats(&self) -> SocketAddr {
        self.platform.addresses.beats.expect("a Beats door")
    }

    /// Syslog over TCP.
    pub(crate) fn syslog(&self) -> SocketAddr {
        self.syslog.expect("a syslog door")[0]
    }

    /// Syslog over TLS.
    pub(crate) fn syslog_tls(&self) -> SocketAddr {
        self.syslog.expect("a syslog door")[1]
    }

    /// The value of a metric; 0 where it is not counted yet.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let metrics = self.platform.metrics();
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// How many records a door has accepted.
    pub(crate) fn accepted(&self, door: &str) -> f64 {
        self.metric(&format!("millrace_door_accepted_records_total{{door=\"{door}\"}}"))
    }

    /// Makes a token of a shop, and gives its text.
    pub(crate) fn give(&self, shop: &str) -> String {
        let output = self.platform.tool(&["token", "create", "--shop", shop]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim_end().to_owned()
    }

    /// Ends the tokens of a shop.
    pub(crate) fn revoke(&self, shop: &str) {
        let listed = self.platform.ask(&["token", "list", "--json", "--shop", shop]);
        for line in listed.lines() {
            let token: Value = serde_json::from_str(line).expect("JSON");
            self.platform.ask(&["token", "revoke", token["id"].as_str().expect("an id")]);
        }
    }
}

fn start<'a>(arguments: &[&'a str], settings: impl Iterator<Item = &'a str>) -> Platform {
    let mut all = arguments.to_vec();
    all.extend(settings.flat_map(|setting| ["--set", setting]));
    Platform::start(&all)
}

/// A certificate and its key in a folder.
fn certificate() -> TempDir {
    let made = generate_simple_self_signed(vec!["gateway.example".to_owned()]);
    let CertifiedKey { cert, signing_key } = made.expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    for (name, pem) in [("door.crt", cert.pem()), ("door.key", signing_key.serialize_pem())] {
        std::fs::write(folder.path().join(name), pem).expect("a file");
    }
    folder
}
