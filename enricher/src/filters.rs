//! The filters, one file each.

pub(crate) mod aggregate;
pub(crate) mod bytes;
pub(crate) mod cidr;
pub(crate) mod clone;
pub(crate) mod csv;
pub(crate) mod date;
pub(crate) mod de_dot;
pub(crate) mod dissect;
pub(crate) mod dns;
pub(crate) mod drop;
pub(crate) mod fingerprint;
pub(crate) mod geoip;
pub(crate) mod grok;
pub(crate) mod json;
pub(crate) mod json_encode;
pub(crate) mod kv;
pub(crate) mod math;
pub(crate) mod metrics;
pub(crate) mod mutate;
pub(crate) mod prune;
pub(crate) mod redact;
pub(crate) mod schema;
pub(crate) mod split;
pub(crate) mod syslog_pri;
pub(crate) mod throttle;
pub(crate) mod tld;
pub(crate) mod translate;
#[cfg(test)]
pub(crate) mod trial;
pub(crate) mod truncate;
pub(crate) mod urldecode;
pub(crate) mod useragent;
pub(crate) mod uuid;
pub(crate) mod xml;
