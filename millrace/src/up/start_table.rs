//! What a person sees at the start: what listens where, how durable it is, and three commands to try.

use std::fmt::Write;
use std::path::Path;

use super::addresses::Addresses;

/// The parts of the table.
pub(super) struct StartTable<'a> {
    pub(super) data: &'a Path,
    pub(super) is_new: bool,
    pub(super) addresses: &'a Addresses,
    pub(super) durability_warning: Option<String>,
    /// Of bus, search, documents and cache.
    pub(super) urls: [&'a str; 4],
    /// Shown once, at the first start.
    pub(super) first_password: Option<&'a str>,
}

impl StartTable<'_> {
    /// The table as text.
    pub(super) fn text(&self) -> String {
        let mut out = String::with_capacity(2_048);
        self.write(&mut out).expect("writing into a string cannot fail");
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let [bus, search, documents, cache] = self.urls;
        let made = if self.is_new { " (made now)" } else { "" };
        writeln!(out, "\nMillrace {} runs. Ctrl-C stops it.\n", env!("CARGO_PKG_VERSION"))?;
        let durable = match &self.durability_warning {
            None => "an answer means: synced to disk".to_owned(),
            Some(warning) => format!("NOT DURABLE: {warning}"),
        };
        let addresses = self.addresses;
        let at = |address: Option<std::net::SocketAddr>| {
            address.map_or("off".to_owned(), |address| address.to_string())
        };
        let http = addresses.http.map_or("off".to_owned(), |http| format!("http://{http}/v1/logs"));
        let rows = [
            ("lines over TCP", at(addresses.tcp), "no answer in the protocol".to_owned()),
            ("lines over UDP", at(addresses.udp), "no answer in the protocol".to_owned()),
            ("HTTP", http, durable),
            ("pages and API", format!("http://{}", addresses.api), "sign in as admin".to_owned()),
            ("metrics, health", format!("http://{}/metrics", addresses.metrics), String::new()),
            ("data", self.data.display().to_string(), made.trim().to_owned()),
            (
                "backends",
                format!("bus {bus} search {search} documents {documents} cache {cache}"),
                String::new(),
            ),
        ];
        for (what, place, note) in rows {
            writeln!(out, "  {}", format!("{what:<16} {place:<32} {note}").trim_end())?;
        }
        if let Some(password) = self.first_password {
            writeln!(
                out,
                "\n  The user admin was made. Its password, shown only now:\n\n    {password}"
            )?;
        }
        self.write_commands(out)
    }

    fn write_commands(&self, out: &mut String) -> std::fmt::Result {
        let program = std::env::args().next().unwrap_or_else(|| "millrace".to_owned());
        let here = std::env::current_dir().map(|folder| folder.join("data"));
        let is_default = here.is_ok_and(|default| default == self.data);
        let data =
            if is_default { String::new() } else { format!(" --data {}", self.data.display()) };
        let url = match self.addresses.http {
            Some(http) if http.port() != 8080 => format!(" --url http://{http}"),
            _ => String::new(),
        };
        writeln!(out, "\nTry in a second terminal:\n")?;
        writeln!(out, "  {program} generate --count 10000 | {program} send{url}")?;
        writeln!(
            out,
            "  {program} query 'type:transaction AND shop.order.amount:>100' --last 24h{data}"
        )?;
        writeln!(out, "  {program} status{data}\n")
    }
}
