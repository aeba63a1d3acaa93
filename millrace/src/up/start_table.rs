//! What a person sees at the start: what listens where, how durable it is, and three commands to try.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use ingest_gateway::{ClosedDoor, FurtherDoor};
use service::{Printable, url_without_secrets};

use super::addresses::Addresses;
use crate::logstash_settings::Taken;

/// What is said of a door whose protocol has no answers.
const NO_ANSWER: &str = "no answer in the protocol";
/// What is said where nothing listens, with the way out.
const NO_DOOR: &str = "no door is open, so nothing can be sent here: name one, as --tcp-listen 127.0.0.1:5000 or \
                       --http-listen 127.0.0.1:8080";

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
    /// Further doors of a kind.
    pub(super) further: Vec<FurtherDoor>,
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
        if !self.has_open_door() {
            writeln!(out, "\n  WARNING: {NO_DOOR}")?;
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

    /// Whether anything can come in here.
    fn has_open_door(&self) -> bool {
        let Addresses { tcp, udp, http, otlp_http, otlp_grpc, bulk, beats, .. } = self.addresses;
        let mut addresses = [tcp, udp, http, otlp_http, otlp_grpc, bulk, beats].into_iter();
        let has_others = !self.doors.others.is_empty() || !self.doors.further.is_empty();
        addresses.any(Option::is_some) || has_others || !self.files.is_empty()
    }

    /// What listens where, and what an answer there means.
    fn door_rows(&self) -> Vec<(&'static str, String, String)> {
        let addresses = self.addresses;
        let durable = match &self.durability_warning {
            None => "an answer means: synced to disk".to_owned(),
            Some(warning) => format!("NOT DURABLE: {warning}"),
        };
        // No answer comes from a door that is off.
        let row = |door, place: Option<String>, note: &str| match place {
            Some(place) => (door, place, note.to_owned()),
            None => (door, "off".to_owned(), String::new()),
        };
        let at = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        let scheme = self.http_scheme();
        let http = addresses.http.map(|http| format!("{scheme}://{http}/v1/logs"));
        let further = [
            ("OTLP over HTTP", addresses.otlp_http, "/v1/logs"),
            ("OTLP over gRPC", addresses.otlp_grpc, ""),
            ("_bulk", addresses.bulk, "/_bulk"),
        ];
        let mut rows = vec![
            row("lines over TCP", at(addresses.tcp), NO_ANSWER),
            row("lines over UDP", at(addresses.udp), NO_ANSWER),
            row("HTTP", http, &durable),
        ];
        rows.extend(further.into_iter().filter_map(|(door, address, path)| {
            Some((door, format!("{scheme}://{}{path}", address?), durable.clone()))
        }));
        let others = self.doors.others.iter();
        rows.extend(others.map(|(door, place)| {
            let place = Printable(place).to_string();
            (*door, place, NO_ANSWER.to_owned())
        }));
        rows.extend(addresses.beats.map(|beats| ("Beats", beats.to_string(), durable.clone())));
        rows.extend(self.doors.further.iter().map(|door| {
            let note = if door.answers { durable.clone() } else { NO_ANSWER.to_owned() };
            (door.name, Printable(&door.place).to_string(), note)
        }));
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
        writeln!(out, "\nTry in a second terminal:\n")?;
        // Where the HTTP door is off, it may be open at its further addresses.
        if let Some(http) = addresses.http.or(addresses.otlp_http).or(addresses.bulk) {
            let is_usual = http.port() == 8080 && !self.doors.is_http_tls;
            let scheme = self.http_scheme();
            let url = match is_usual {
                true => String::new(),
                false => format!(" --url {scheme}://{}", from_here(http)),
            };
            let token = if self.needs_token { " --token TOKEN" } else { "" };
            writeln!(out, "  {program} generate --count 10000 | {program} send{url}{token}")?;
        }
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

    /// Where every door is off.
    fn all_off() -> Addresses {
        let any: SocketAddr = "0.0.0.0:8181".parse().expect("an address");
        Addresses {
            tcp: None,
            udp: None,
            http: None,
            otlp_http: None,
            otlp_grpc: None,
            bulk: None,
            beats: None,
            api: any,
            metrics: any,
        }
    }

    fn text(addresses: &Addresses, doors: &DoorsTold, files: &[String]) -> String {
        StartTable {
            data: Path::new("/data"),
            is_new: false,
            addresses,
            doors,
            durability_warning: None,
            urls: [
                "embedded:",
                "embedded:",
                "mongodb://ada:hunter2@m:1/?x=y",
                "redis://:hunter2@r",
            ],
            files,
            taken: None,
            needs_token: true,
            first_password: None,
        }
        .text()
    }

    fn further(name: &'static str, place: &str, answers: bool) -> FurtherDoor {
        FurtherDoor { name, place: place.to_owned(), address: None, answers }
    }

    #[test]
    fn what_it_shows_can_be_typed_and_holds_no_password() {
        let any: SocketAddr = "0.0.0.0:8181".parse().expect("an address");
        let addresses =
            Addresses { http: Some(any), otlp_grpc: Some(any), beats: Some(any), ..all_off() };
        let doors = DoorsTold {
            is_http_tls: false,
            others: vec![("syslog over UDP", "127.0.0.1:514".to_owned())],
            further: vec![
                further("http-2", "https://127.0.0.1:8443/v1/logs", true),
                further("syslog-2.udp", "127.0.0.1:515", false),
            ],
            closed: vec![ClosedDoor {
                setting: "otlp.http_listen",
                address: any,
                reason: "is in use".to_owned(),
                way_out: "another address",
            }],
        };
        let files = ["/var/log/shop/*.log".to_owned(), "/a\u{1b}[2J*.log".to_owned()];
        let shown = text(&addresses, &doors, &files);
        assert!(shown.contains("send --url http://127.0.0.1:8181 --token TOKEN"), "{shown}");
        assert!(shown.contains("syslog over UDP  127.0.0.1:514 "), "{shown}");
        assert!(shown.contains("pages and API    http://127.0.0.1:8181"), "{shown}");
        assert!(shown.contains("Beats            0.0.0.0:8181"), "{shown}");
        let http = "  http-2           https://127.0.0.1:8443/v1/logs   an answer means: synced";
        assert!(shown.contains(http), "{shown}");
        let syslog = "  syslog-2.udp     127.0.0.1:515                    no answer in";
        assert!(shown.contains(syslog), "{shown}");
        assert!(shown.contains("OTLP over gRPC   http://0.0.0.0:8181 "), "{shown}");
        assert!(!shown.contains("OTLP over HTTP "), "{shown}");
        let closed = "    ingest_gateway.otlp.http_listen: 0.0.0.0:8181 is in use";
        assert!(shown.contains("WARNING") && shown.contains(closed), "{shown}");
        assert!(shown.contains("/shop/*.log ") && shown.contains(r"/a\u{1b}[2J*.log "), "{shown}");
        assert!(shown.contains("mongodb://m:1") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn nothing_is_promised_of_a_door_that_is_off() {
        let mut doors = DoorsTold {
            is_http_tls: false,
            others: Vec::new(),
            further: Vec::new(),
            closed: Vec::new(),
        };
        let elsewhere: SocketAddr = "127.0.0.1:4318".parse().expect("an address");
        let addresses = Addresses { otlp_http: Some(elsewhere), ..all_off() };
        let shown = text(&addresses, &doors, &[]);
        assert!(shown.contains("send --url http://127.0.0.1:4318 --token TOKEN"), "{shown}");
        assert!(shown.contains("\n  HTTP             off\n"), "nothing answers there: {shown}");
        assert!(shown.contains("\n  lines over TCP   off\n"), "{shown}");
        assert!(!shown.contains("WARNING"), "{shown}");

        let shown = text(&all_off(), &doors, &["/var/log/shop/*.log".to_owned()]);
        assert!(!shown.contains(" send") && shown.contains(" query "), "{shown}");
        assert!(!shown.contains("WARNING"), "files are read: {shown}");
        let shown = text(&all_off(), &doors, &[]);
        let warning = "WARNING: no door is open, so nothing can be sent here: name one, as --tcp";
        assert!(shown.contains(warning), "{shown}");
        doors.further.push(further("tcp-2", "127.0.0.1:5001", false));
        let shown = text(&all_off(), &doors, &[]);
        assert!(!shown.contains("WARNING"), "a further door is one: {shown}");
    }
}
