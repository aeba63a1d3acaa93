//! The filters that exist, one line each, and what is said of those that do not.
//!
//! Only a name that stands here can be run.

use std::sync::Arc;

use service::suggest::nearest;

use crate::description::FilterDescription;
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
    /// What its page is written from.
    pub description: &'static FilterDescription,
}

/// The entry of a filter: who defined it, and its name, which is its file's too.
macro_rules! filter {
    ($origin:ident $name:ident) => {
        Entry {
            name: stringify!($name),
            origin: Origin::$origin,
            build: filters::$name::build,
            description: &filters::$name::DESCRIPTION,
        }
    };
}

/// Every filter, by name.
pub const FILTERS: &[Entry] = &[
    filter!(Logstash aggregate),
    filter!(Logstash bytes),
    filter!(Logstash cidr),
    filter!(Logstash clone),
    filter!(Logstash csv),
    filter!(Logstash date),
    filter!(Logstash de_dot),
    filter!(Logstash dissect),
    filter!(Logstash dns),
    filter!(Logstash drop),
    filter!(Logstash fingerprint),
    filter!(Logstash geoip),
    filter!(Logstash grok),
    filter!(Logstash json),
    filter!(Logstash json_encode),
    filter!(Logstash kv),
    filter!(Logstash math),
    filter!(Logstash metrics),
    filter!(Logstash mutate),
    filter!(Logstash prune),
    filter!(Millrace redact),
    filter!(Millrace schema),
    filter!(Logstash split),
    filter!(Logstash syslog_pri),
    filter!(Logstash throttle),
    filter!(Logstash tld),
    filter!(Logstash translate),
    filter!(Logstash truncate),
    filter!(Logstash urldecode),
    filter!(Logstash useragent),
    filter!(Logstash uuid),
    filter!(Logstash xml),
];

/// Filters of Logstash that do not run here, and what to do instead. Of `ruby` its code says it.
pub(crate) const ABSENT: &[(&str, &str)] = &[
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
    ("java_uuid", "use uuid"),
    ("age", "set a field to %{{TIME_NOW}}, and subtract @timestamp from it with math"),
    ("cipher", "use fingerprint with a key, or redact"),
    ("wurfl_device_detection", "use useragent"),
    ("elastic_integration", "a filter asks no server here"),
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
    let (message, way_out) = absence(name);
    source.mistake(plugin.span, message, way_out)
}

/// What is to be said of a name that no filter has here, and what to do instead.
#[must_use]
pub fn absence(name: &str) -> (String, String) {
    if name == "ruby" {
        let way_out = "`millrace check` proposes the filters that do what its code does";
        return ("no Ruby runs here".to_owned(), way_out.to_owned());
    }
    if let Some((_, way_out)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
        let message = format!("Logstash's filter `{name}` does not run here");
        return (message, (*way_out).to_owned());
    }
    let names = FILTERS.iter().map(|entry| entry.name);
    let way_out = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    (format!("there is no filter `{name}`"), way_out)
}
