//! The options of `dns`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use event::FieldPath;

use super::{Action, Dns, DnsPlan};
use crate::filter::{Environment, FilterPlan};
use crate::language::{Value, ValueKind};
use crate::lookup::{LookupSettings, Lookups};
use crate::options::{Options, filter_options};

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

filter_options! {
    /// Looks up the address of a name, or the name of an address.
    ///
    /// Off unless `enricher.dns` is on: names out of events are told to servers. The filter never
    /// holds events up one by one: before a batch is processed the pipeline is rehearsed over it,
    /// and what it will ask is looked up together, for at most 10 seconds a batch; what is not
    /// answered then is tagged. Answers are kept for their time also where the sizes are 0, at
    /// least 50,000 of them. A replay may meet other answers. The batch in hand while a pipeline
    /// changes may lack some, and is tagged.
    struct DnsOptions {
        /// Fields with a name, of which the address is looked up.
        resolve: Vec<FieldPath> = required_unless("reverse"),
        /// Fields with an address, of which the name is looked up.
        reverse: Vec<FieldPath> = required_unless("resolve"),
        /// Whether what was found stands beside the value, in an array, or in its place.
        action: Action { "append" => Action::Append, "replace" => Action::Replace } = first,
        /// Who is asked: a server, an array of them, or a hash with `address`, `search` (domains
        /// that names are completed with) and `ndots` (a name with as many dots is whole).
        nameserver: Value [Any, Options::value] => "default: the system's",
        /// Files in the form of `/etc/hosts` that are looked into first. The system's own is not
        /// read unless it is named.
        hostsfile: Vec<PathBuf>,
        /// How many seconds an answer may take: more than 0, and at most 86,400.
        timeout: f64 = 0.5,
        /// How often is asked once more, at most 10 times.
        max_retries: i64 = 2,
        /// How many answers are kept, at most 1,000,000.
        hit_cache_size: i64 = 0,
        /// For how many seconds an answer is kept: more than 0, and at most 86,400.
        hit_cache_ttl: f64 = 60.0,
        /// How many names and addresses without an answer are kept, at most 1,000,000.
        failed_cache_size: i64 = 0,
        /// For how many seconds it is kept that there is no answer: more than 0, and at most
        /// 86,400.
        failed_cache_ttl: f64 = 5.0,
        /// Tags of an event for which the answer took too long.
        tag_on_timeout: Vec<String> = ["_dnstimeout"],
    }
    tags {
        "_dnstimeout" => "the answer took too long",
    }
    example r#"dns { reverse => ["[client][domain]"] action => "replace" nameserver => "192.0.2.53" }"#
}

/// Checks the options; reads the hosts files.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = DnsOptions::read(options);
    let Nameserver { servers, search, dots } = nameserver(options, given.nameserver);
    let timeout = seconds(options, "timeout", given.timeout);
    let retries = count(options, "max_retries", given.max_retries, 10);
    let found = count(options, "hit_cache_size", given.hit_cache_size, KEPT_MAX);
    let missing = count(options, "failed_cache_size", given.failed_cache_size, KEPT_MAX);
    let settings = LookupSettings {
        servers,
        search,
        dots,
        timeout,
        retries,
        kept_max: NonZeroUsize::new(KEPT_MIN.max(found + missing))?,
        found_for: seconds(options, "hit_cache_ttl", given.hit_cache_ttl),
        missing_for: seconds(options, "failed_cache_ttl", given.failed_cache_ttl),
        hosts: hosts(options, &given.hostsfile.unwrap_or_default()),
    };
    if !environment.dns {
        let name = options.plugin().to_owned();
        let message = format!("`{name}` tells names out of events to servers, and is off");
        options.refuse(&name, message, "set `enricher.dns = true` if that is wanted");
    }
    let lookups = Arc::new(Lookups::new(settings));
    Some(Arc::new(DnsPlan(Arc::new(Dns {
        resolve: given.resolve.unwrap_or_default(),
        reverse: given.reverse.unwrap_or_default(),
        action: given.action,
        tags_on_timeout: given.tag_on_timeout,
        lookups,
    }))))
}

fn seconds(options: &mut Options<'_>, name: &str, given: f64) -> Duration {
    const MAX_S: f64 = 86_400.0;
    if given > 0.0 && given <= MAX_S {
        return Duration::from_secs_f64(given);
    }
    options.refuse(
        name,
        format!("`{name}` cannot be {given}"),
        "write a number of seconds, as 0.5",
    );
    Duration::ZERO
}

fn count(options: &mut Options<'_>, name: &str, given: i64, max: i64) -> usize {
    if !(0..=max).contains(&given) {
        let message = format!("`{name}` cannot be {given}");
        options.refuse(name, message, format!("write 0 to {max}"));
    }
    usize::try_from(given).unwrap_or_default()
}

/// A server, a list of them, or a hash with `address`, `search` and `ndots`.
fn nameserver(options: &mut Options<'_>, value: Option<Value>) -> Nameserver {
    let mut found = Nameserver::default();
    let Some(value) = value else { return found };
    let span = value.span;
    let ValueKind::Hash(pairs) = value.kind else {
        found.servers = servers(options, &value);
        return found;
    };
    if !pairs.iter().any(|(key, _)| key.text == "address") {
        let way_out = "write `nameserver => { \"address\" => \"192.0.2.53\" }`";
        options.refuse_at(span, "`nameserver` names no `address`", way_out);
    }
    for (key, value) in pairs {
        match key.text.as_str() {
            "address" => found.servers = servers(options, &value),
            "search" => match value.as_texts() {
                Some(domains) => found.search = domains,
                None => {
                    let message = "`search` of `nameserver` must be a list of domains";
                    let way_out = "write `\"search\" => [\"example.org\"]`";
                    options.refuse_at(value.span, message, way_out);
                }
            },
            "ndots" => {
                found.dots = value.as_text().and_then(|text| text.parse().ok());
                if found.dots.is_none() {
                    let message = "`ndots` of `nameserver` must be a whole number";
                    options.refuse_at(value.span, message, "write `\"ndots\" => 1`");
                }
            }
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
fn hosts(options: &mut Options<'_>, paths: &[PathBuf]) -> BTreeMap<String, String> {
    let mut hosts = BTreeMap::new();
    for path in paths {
        match read_hosts(path) {
            Ok(text) => {
                for line in text.lines() {
                    add_line(line, &mut hosts);
                }
            }
            Err(why) => {
                let message = format!("cannot read {}: {why}", path.display());
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
