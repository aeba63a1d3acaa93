//! The filters that exist, one line each, and what is said of those that do not.
//!
//! Only a name that stands here can be run.

use std::sync::Arc;

use service::suggest::nearest;

use crate::filter::{Environment, FilterPlan};
use crate::filters;
use crate::language::{Diagnostic, Plugin, Source};
use crate::options::Options;
use crate::ruby_diagnosis;

/// Who defined a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Logstash has it too.
    Logstash,
    /// Only Millrace has it.
    Millrace,
}

/// Checks a filter's options; `None` when a mistake was recorded.
pub type Build = fn(&mut Options<'_>, &Environment) -> Option<Arc<dyn FilterPlan>>;

/// A filter that can be named in a pipeline.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Who defined it.
    pub origin: Origin,
    /// Checks its options.
    pub build: Build,
}

const fn logstash(name: &'static str, build: Build) -> Entry {
    Entry { name, origin: Origin::Logstash, build }
}

const fn millrace(name: &'static str, build: Build) -> Entry {
    Entry { name, origin: Origin::Millrace, build }
}

/// Every filter, by name.
pub const FILTERS: &[Entry] = &[
    logstash("aggregate", filters::aggregate::build),
    logstash("bytes", filters::bytes::build),
    logstash("cidr", filters::cidr::build),
    logstash("clone", filters::clone::build),
    logstash("csv", filters::csv::build),
    logstash("date", filters::date::build),
    logstash("de_dot", filters::de_dot::build),
    logstash("dissect", filters::dissect::build),
    logstash("dns", filters::dns::build),
    logstash("drop", filters::drop::build),
    logstash("fingerprint", filters::fingerprint::build),
    logstash("geoip", filters::geoip::build),
    logstash("grok", filters::grok::build),
    logstash("json", filters::json::build),
    logstash("json_encode", filters::json_encode::build),
    logstash("kv", filters::kv::build),
    logstash("math", filters::math::build),
    logstash("metrics", filters::metrics::build),
    logstash("mutate", filters::mutate::build),
    logstash("prune", filters::prune::build),
    millrace("redact", filters::redact::build),
    millrace("schema", filters::schema::build),
    logstash("split", filters::split::build),
    logstash("syslog_pri", filters::syslog_pri::build),
    logstash("throttle", filters::throttle::build),
    logstash("tld", filters::tld::build),
    logstash("translate", filters::translate::build),
    logstash("truncate", filters::truncate::build),
    logstash("urldecode", filters::urldecode::build),
    logstash("useragent", filters::useragent::build),
    logstash("uuid", filters::uuid::build),
    logstash("xml", filters::xml::build),
];

/// Filters of Logstash that do not run here, and what to do instead. Of `ruby` its code says it.
const ABSENT: &[(&str, &str)] = &[
    (
        "elapsed",
        "use aggregate: keep the first event's time in its map, and compare it in the last one",
    ),
    ("multiline", "join lines where the log is read"),
    ("sleep", "remove it: nothing waits here"),
    ("elasticsearch", "a filter asks no server here"),
    ("http", "a filter asks no server here"),
    ("rest", "a filter asks no server here"),
    ("jdbc_streaming", "a filter asks no server here"),
    ("jdbc_static", "a filter asks no server here"),
    ("memcached", "a filter asks no server here"),
    ("environment", "write ${NAME} where the value is needed"),
    ("extractnumbers", "use grok with %{NUMBER:name:float}"),
    ("i18n", "remove it"),
    ("range", "use conditionals with < and >"),
    ("alter", "use conditionals with mutate"),
    ("anonymize", "use fingerprint"),
    ("checksum", "use fingerprint"),
];

/// Finds a filter.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    FILTERS.iter().find(|entry| entry.name == name)
}

/// What to say of a filter that does not exist here.
pub(crate) fn explain_absence(plugin: &Plugin, source: &Source) -> Diagnostic {
    let name = plugin.name.as_str();
    if name == "ruby" {
        return ruby_diagnosis::diagnose(plugin, source);
    }
    if let Some((_, way_out)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
        let message = format!("Logstash's filter `{name}` does not run here");
        return source.mistake(plugin.span, message, *way_out);
    }
    let names = FILTERS.iter().map(|entry| entry.name);
    let way_out = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    source.mistake(plugin.span, format!("there is no filter `{name}`"), way_out)
}
