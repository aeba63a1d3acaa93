//! The options of `dns`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Action, Dns, DnsPlan};
use crate::filter::{Environment, FilterPlan};
use crate::language::{Value, ValueKind};
use crate::lookup::{LookupSettings, Lookups};
use crate::options::Options;

/// Answers that are kept at least: those of the batches in hand, of which each partition has one.
const KEPT_MIN: usize = 50_000;
const KEPT_MAX: i64 = 1_000_000;
/// Port of servers where none is named.
const PORT: u16 = 53;
/// Most bytes of a hosts file.
const HOSTS_BYTES_MAX: u64 = 4 << 20;

/// Servers, and how names are completed.
#[derive(Debug, Default)]
struct Nameserver {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    dots: Option<usize>,
}

/// Checks the options; reads the hosts files.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let resolve = options.fields("resolve").unwrap_or_default();
    let reverse = options.fields("reverse").unwrap_or_default();
    if !options.has("resolve") && !options.has("reverse") {
        options.require("resolve");
    }
    let action = match options.choice("action", &["append", "replace"]) {
        Some("replace") => Action::Replace,
        _ => Action::Append,
    };
    let tags = options.texts("tag_on_timeout");
    let tags_on_timeout = tags.unwrap_or_else(|| vec!["_dnstimeout".to_owned()]);
    let Nameserver { servers, search, dots } = nameserver(options);
    let timeout = seconds(options, "timeout", 0.5);
    let retries = count(options, "max_retries", 2, 10);
    let found = count(options, "hit_cache_size", 0, KEPT_MAX);
    let missing = count(options, "failed_cache_size", 0, KEPT_MAX);
    let settings = LookupSettings {
        servers,
        search,
        dots,
        timeout,
        retries,
        kept_max: NonZeroUsize::new(KEPT_MIN.max(found + missing))?,
        found_for: seconds(options, "hit_cache_ttl", 60.0),
        missing_for: seconds(options, "failed_cache_ttl", 5.0),
        hosts: hosts(options),
    };
    if !environment.dns {
        let name = options.plugin().to_owned();
        let message = format!("`{name}` tells names out of events to servers, and is off");
        options.refuse(&name, message, "set `enricher.dns = true` if that is wanted");
    }
    let lookups = Arc::new(Lookups::new(settings));
    Some(Arc::new(DnsPlan(Arc::new(Dns { resolve, reverse, action, tags_on_timeout, lookups }))))
}

fn seconds(options: &mut Options<'_>, name: &'static str, default: f64) -> Duration {
    const MAX_S: f64 = 86_400.0;
    let given = options.number(name).unwrap_or(default);
    if given > 0.0 && given <= MAX_S {
        return Duration::from_secs_f64(given);
    }
    options.refuse(
        name,
        format!("`{name}` cannot be {given}"),
        "write a number of seconds, as 0.5",
    );
    Duration::from_secs_f64(default)
}

fn count(options: &mut Options<'_>, name: &'static str, default: usize, max: i64) -> usize {
    let Some(given) = options.integer(name) else { return default };
    if !(0..=max).contains(&given) {
        let message = format!("`{name}` cannot be {given}");
        options.refuse(name, message, format!("write 0 to {max}"));
    }
    usize::try_from(given).unwrap_or(default)
}

/// A server, a list of them, or a hash with `address`, `search` and `ndots`.
fn nameserver(options: &mut Options<'_>) -> Nameserver {
    let mut found = Nameserver::default();
    let Some(value) = options.value("nameserver") else { return found };
    let ValueKind::Hash(pairs) = value.kind else {
        found.servers = servers(options, &value);
        return found;
    };
    for (key, value) in pairs {
        match key.text.as_str() {
            "address" => found.servers = servers(options, &value),
            "search" => found.search = value.as_texts().unwrap_or_default(),
            "ndots" => found.dots = value.as_text().and_then(|text| text.parse().ok()),
            other => {
                let message = format!("`nameserver` has no `{other}`");
                options.refuse_at(value.span, message, "it has `address`, `search` and `ndots`");
            }
        }
    }
    found
}

fn servers(options: &mut Options<'_>, value: &Value) -> Vec<SocketAddr> {
    let texts = value.as_texts().unwrap_or_default();
    if texts.is_empty() {
        let message = "`nameserver` names no server";
        options.refuse_at(value.span, message, "write `nameserver => \"192.0.2.53\"`");
    }
    let mut servers = Vec::with_capacity(texts.len());
    for text in texts {
        let address = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT));
        match address.or_else(|_| text.parse::<SocketAddr>()) {
            Ok(server) => servers.push(server),
            Err(_) => {
                let message = format!("`{text}` is no address of a server");
                let way_out = "write `192.0.2.53`, `192.0.2.53:5353` or `[2001:db8::53]:53`";
                options.refuse_at(value.span, message, way_out);
            }
        }
    }
    servers
}

/// Addresses by name and names by address, of all files; the first that is said of one counts.
fn hosts(options: &mut Options<'_>) -> BTreeMap<String, String> {
    let mut hosts = BTreeMap::new();
    for path in options.texts("hostsfile").unwrap_or_default() {
        match read_hosts(Path::new(&path)) {
            Ok(text) => {
                for line in text.lines() {
                    add_line(line, &mut hosts);
                }
            }
            Err(why) => {
                let message = format!("cannot read {path}: {why}");
                options.refuse("hostsfile", message, "name a file in the form of /etc/hosts");
            }
        }
    }
    hosts
}

fn read_hosts(path: &Path) -> std::io::Result<String> {
    let length = std::fs::metadata(path)?.len();
    if length > HOSTS_BYTES_MAX {
        let why = format!("it has {length} bytes, allowed are {HOSTS_BYTES_MAX}");
        return Err(std::io::Error::other(why));
    }
    std::fs::read_to_string(path)
}

fn add_line(line: &str, hosts: &mut BTreeMap<String, String>) {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_ascii_whitespace();
    let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else { return };
    let address = address.to_string();
    for name in words {
        hosts.entry(address.clone()).or_insert_with(|| name.to_owned());
        hosts.entry(name.to_ascii_lowercase()).or_insert_with(|| address.clone());
    }
}
