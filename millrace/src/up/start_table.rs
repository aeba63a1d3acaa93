//! What a person sees at the start: what listens where, how durable it is, and three commands to try.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use ingest_gateway::ClosedDoor;
use service::{Printable, url_without_secrets};

use super::addresses::Addresses;
use crate::logstash_settings::Taken;

/// The parts of the table.
pub(super) struct StartTable<'a> {
    pub(super) data: &'a Path,
    pub(super) is_new: bool,
    pub(super) addresses: &'a Addresses,
    /// What else there is to be told of the doors.
    pub(super) doors: &'a DoorsTold,
    pub(super) durability_warning: Option<String>,
    /// Of bus, search, documents and cache.
    pub(super) urls: [&'a str; 4],
    /// Patterns of the files that are read.
    pub(super) files: &'a [String],
    /// What comes from the inputs and outputs of the pipeline.
    pub(super) taken: Option<&'a Taken>,
    /// Whether the doors ask for the ingest token.
    pub(super) needs_token: bool,
    /// Shown once, at the first start.
    pub(super) first_password: Option<&'a str>,
}

/// What is told of the doors beside their addresses.
pub(super) struct DoorsTold {
    /// Whether the HTTP door speaks TLS.
    pub(super) is_http_tls: bool,
    /// Doors beside those of the addresses: what each is, and where.
    pub(super) others: Vec<(&'static str, String)>,
    /// Doors that nobody asked for, and whose addresses are not to be had.
    pub(super) closed: Vec<ClosedDoor>,
}

impl StartTable<'_> {
    /// The table as text.
    pub(super) fn text(&self) -> String {
        let mut out = String::with_capacity(2_048);
        self.write(&mut out).expect("writing into a string cannot fail");
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let [bus, search, documents, cache] = self.urls.map(url_without_secrets);
        let made = if self.is_new { " (made now)" } else { "" };
        writeln!(out, "\nMillrace {} runs. Ctrl-C stops it.\n", env!("CARGO_PKG_VERSION"))?;
        let addresses = self.addresses;
        let mut rows = self.door_rows();
        rows.extend([
            (
                "pages and API",
                format!("http://{}", from_here(addresses.api)),
                "sign in as admin".to_owned(),
            ),
            (
                "metrics, health",
                format!("http://{}/metrics", from_here(addresses.metrics)),
                String::new(),
            ),
            ("data", self.data.display().to_string(), made.trim().to_owned()),
            (
                "backends",
                format!("bus {bus} search {search} documents {documents} cache {cache}"),
                String::new(),
            ),
        ]);
        for (what, place, note) in rows {
            writeln!(out, "  {}", format!("{what:<16} {place:<32} {note}").trim_end())?;
        }
        if !self.doors.closed.is_empty() {
            writeln!(out, "\n  WARNING: these doors are closed, and everything else runs:\n")?;
            for closed in &self.doors.closed {
                writeln!(out, "    {closed}")?;
            }
        }
        if let Some(taken) = self.taken {
            writeln!(out, "\n  From the inputs and outputs of {}:\n", Printable(&taken.pipeline))?;
            for line in taken.lines() {
                writeln!(out, "    {}", Printable(&line))?;
            }
        }
        if let Some(password) = self.first_password {
            writeln!(
                out,
                "\n  The user admin was made. Its password, shown only now:\n\n    {password}"
            )?;
        }
        self.write_commands(out)
    }

    /// What listens where, and what an answer there means.
    fn door_rows(&self) -> Vec<(&'static str, String, String)> {
        let addresses = self.addresses;
        let durable = match &self.durability_warning {
            None => "an answer means: synced to disk".to_owned(),
            Some(warning) => format!("NOT DURABLE: {warning}"),
        };
        let at = |address: Option<SocketAddr>| {
            address.map_or("off".to_owned(), |address| address.to_string())
        };
        let scheme = self.http_scheme();
        let http =
            addresses.http.map_or("off".to_owned(), |http| format!("{scheme}://{http}/v1/logs"));
        let further = [
            ("OTLP over HTTP", addresses.otlp_http, "/v1/logs"),
            ("OTLP over gRPC", addresses.otlp_grpc, ""),
            ("_bulk", addresses.bulk, "/_bulk"),
        ];
        let mut rows = vec![
            ("lines over TCP", at(addresses.tcp), "no answer in the protocol".to_owned()),
            ("lines over UDP", at(addresses.udp), "no answer in the protocol".to_owned()),
            ("HTTP", http, durable.clone()),
        ];
        rows.extend(further.into_iter().filter_map(|(door, address, path)| {
            Some((door, format!("{scheme}://{}{path}", address?), durable.clone()))
        }));
        rows.extend(self.doors.others.iter().map(|(door, place)| {
            (*door, Printable(place).to_string(), "no answer in the protocol".to_owned())
        }));
        rows.extend(addresses.beats.map(|beats| ("Beats", beats.to_string(), durable)));
        rows.extend(self.files.iter().map(|files| {
            let files = Printable(files).to_string();
            ("lines of files", files, "read on from where the last start ended".to_owned())
        }));
        rows
    }

    fn http_scheme(&self) -> &'static str {
        if self.doors.is_http_tls { "https" } else { "http" }
    }

    fn write_commands(&self, out: &mut String) -> std::fmt::Result {
        let program = std::env::args().next().unwrap_or_else(|| "millrace".to_owned());
        let here = std::env::current_dir().map(|folder| folder.join("data"));
        let is_default = here.is_ok_and(|default| default == self.data);
        let data =
            if is_default { String::new() } else { format!(" --data {}", self.data.display()) };
        let addresses = self.addresses;
        // Where the HTTP door is off, it may be open at its further addresses.
        let url = match addresses.http.or(addresses.otlp_http).or(addresses.bulk) {
            Some(http) if http.port() != 8080 || self.doors.is_http_tls => {
                format!(" --url {}://{}", self.http_scheme(), from_here(http))
            }
            _ => String::new(),
        };
        let token = if self.needs_token { " --token TOKEN" } else { "" };
        writeln!(out, "\nTry in a second terminal:\n")?;
        writeln!(out, "  {program} generate --count 10000 | {program} send{url}{token}")?;
        writeln!(
            out,
            "  {program} query 'type:transaction AND shop.order.amount:>100' --last 24h{data}"
        )?;
        writeln!(out, "  {program} status{data}\n")
    }
}

/// Where somebody on this machine reaches what listens on an address.
fn from_here(address: SocketAddr) -> SocketAddr {
    let mut reached = address;
    if address.ip().is_unspecified() {
        reached.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_shows_can_be_typed_and_holds_no_password() {
        let any: SocketAddr = "0.0.0.0:8181".parse().expect("an address");
        let addresses = Addresses {
            tcp: None,
            udp: None,
            http: Some(any),
            otlp_http: None,
            otlp_grpc: Some(any),
            bulk: None,
            beats: Some(any),
            api: any,
            metrics: any,
        };
        let doors = DoorsTold {
            is_http_tls: false,
            others: vec![("syslog over UDP", "127.0.0.1:514".to_owned())],
            closed: vec![ClosedDoor {
                setting: "otlp.http_listen",
                address: any,
                reason: "is in use".to_owned(),
                way_out: "another address",
            }],
        };
        let table = StartTable {
            data: Path::new("/data"),
            is_new: false,
            addresses: &addresses,
            doors: &doors,
            durability_warning: None,
            urls: [
                "embedded:",
                "embedded:",
                "mongodb://ada:hunter2@m:1/?x=y",
                "redis://:hunter2@r",
            ],
            files: &["/var/log/shop/*.log".to_owned(), "/a\u{1b}[2J*.log".to_owned()],
            taken: None,
            needs_token: true,
            first_password: None,
        };
        let text = table.text();
        assert!(text.contains("send --url http://127.0.0.1:8181 --token TOKEN"), "{text}");
        assert!(text.contains("syslog over UDP  127.0.0.1:514 "), "{text}");
        assert!(text.contains("pages and API    http://127.0.0.1:8181"), "{text}");
        assert!(text.contains("Beats            0.0.0.0:8181"), "{text}");
        assert!(text.contains("OTLP over gRPC   http://0.0.0.0:8181 "), "{text}");
        assert!(!text.contains("OTLP over HTTP "), "{text}");
        let closed = "    ingest_gateway.otlp.http_listen: 0.0.0.0:8181 is in use";
        assert!(text.contains("WARNING") && text.contains(closed), "{text}");
        assert!(text.contains("/shop/*.log ") && text.contains(r"/a\u{1b}[2J*.log "), "{text}");
        assert!(text.contains("mongodb://m:1") && !text.contains("hunter2"), "{text}");

        let elsewhere: SocketAddr = "127.0.0.1:4318".parse().expect("an address");
        let addresses = Addresses { http: None, otlp_http: Some(elsewhere), ..addresses.clone() };
        let text = StartTable { addresses: &addresses, ..table }.text();
        assert!(text.contains("send --url http://127.0.0.1:4318 --token TOKEN"), "{text}");
    }
}
