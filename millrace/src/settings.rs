//! What can be said of settings before anything starts, beside what the configuration checks itself:
//! filters of the log, addresses that two doors want, variables that only look like settings.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;
use service::config::VARIABLE_PREFIX;
use service::logging::{FILTER_VARIABLE, check_filter};

use crate::command::Failure;
use crate::config::PlatformConfig;
use crate::up::METRICS_PORT;

/// The dotted names of all settings that a configuration shows. Settings that hold names of the
/// operator's own, as caps by currency, are there by those names too.
#[must_use]
pub fn names(config: &PlatformConfig) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(value) = serde_json::to_value(config) {
        walk(&value, "", &mut names);
    }
    names
}

fn walk(value: &Value, path: &str, names: &mut Vec<String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, inner) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(inner, &path, names);
            }
        }
        _ => names.push(path.to_owned()),
    }
}

/// Variables that would be settings if `__` stood between the levels of their names, with the names
/// that they should have.
pub(crate) fn near_variables(variables: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let names = names(&PlatformConfig::default());
    let meant = |variable: String| {
        let path = variable.strip_prefix(VARIABLE_PREFIX)?;
        if path.contains("__") {
            return None;
        }
        let path = path.to_lowercase();
        let name = names.iter().find(|name| name.replace('.', "_") == path)?;
        let right = name.replace('.', "__").to_uppercase();
        Some((variable, format!("{VARIABLE_PREFIX}{right}")))
    };
    variables.filter_map(meant).collect()
}

/// Refuses filters of the log that cannot be read; a good variable does not hide a bad setting.
///
/// # Errors
/// Both, if both are wrong.
pub(crate) fn check_filters(
    config: &PlatformConfig,
    variable: Option<&str>,
) -> Result<(), Failure> {
    let setting = Some(config.logging.filter.as_str());
    let wrong = [("logging.filter", setting), (FILTER_VARIABLE, variable)];
    let wrong = wrong.into_iter().filter_map(|(name, filter)| {
        let error = check_filter(filter?).err()?;
        Some(format!("{name}: {error}"))
    });
    match wrong.collect::<Vec<_>>() {
        none if none.is_empty() => Ok(()),
        wrong => Err(Failure::usage(wrong.join("\n"))),
    }
}

/// Refuses an address that two parts of one process would listen on.
///
/// # Errors
/// Every pair.
pub(crate) fn check_addresses(config: &PlatformConfig) -> Result<(), Failure> {
    let metrics = SocketAddr::from(([127, 0, 0, 1], METRICS_PORT));
    let gateway = &config.ingest_gateway;
    // UDP has ports of its own.
    let listening = [
        ("ingest_gateway.tcp.listen", gateway.tcp.listen.address()),
        ("ingest_gateway.http.listen", gateway.http.listen.address()),
        ("ingest_gateway.beats.listen", gateway.beats.listen.address()),
        ("ingest_gateway.syslog.tcp_listen", gateway.syslog.tcp_listen.address()),
        ("ingest_gateway.syslog.tls_listen", gateway.syslog.tls_listen.address()),
        ("query_api.listen", Some(config.query_api.listen)),
        ("metrics.listen", Some(config.metrics.listen.unwrap_or(metrics))),
    ];
    let datagrams = [
        ("ingest_gateway.udp.listen", gateway.udp.listen.address()),
        ("ingest_gateway.syslog.udp_listen", gateway.syslog.udp_listen.address()),
    ];
    let mut twice = Vec::new();
    for listening in [&listening[..], &datagrams] {
        for (place, (name, address)) in listening.iter().enumerate() {
            for (other, taken) in &listening[..place] {
                if let (Some(address), Some(taken)) = (address, taken)
                    && are_same(*address, *taken)
                {
                    twice.push(format!("{name}: {address} is the address of {other} too"));
                }
            }
        }
    }
    if twice.is_empty() { Ok(()) } else { Err(Failure::usage(twice.join("\n"))) }
}

/// Whether one process cannot listen on both. Port 0 is another one each time.
fn are_same(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |a: IpAddr, b: IpAddr| a == b || a.is_unspecified() && a.is_ipv4() == b.is_ipv4();
    one.port() != 0
        && one.port() == other.port()
        && (covers(one.ip(), other.ip()) || covers(other.ip(), one.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_with_single_underscores_is_told_its_right_name() {
        let variables = [
            "MILLRACE_QUERY_API_LISTEN",
            "MILLRACE_BUS_LOG_FSYNC",
            "MILLRACE_DATA",
            "MILLRACE_LOG",
            "MILLRACE_QUERY_API__LISTEN",
            "QUERY_API_LISTEN",
        ];
        let near = near_variables(variables.into_iter().map(str::to_owned));
        let expected = [
            ("MILLRACE_QUERY_API_LISTEN", "MILLRACE_QUERY_API__LISTEN"),
            ("MILLRACE_BUS_LOG_FSYNC", "MILLRACE_BUS__LOG__FSYNC"),
        ];
        assert_eq!(near, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn a_filter_of_the_log_is_read_before_the_start() {
        let mut config = PlatformConfig::default();
        assert!(check_filters(&config, Some("info,indexer=debug")).is_ok());
        config.logging.filter = "info,=,".to_owned();
        let failure = check_filters(&config, Some("a=b=c")).expect_err("both are wrong");
        for part in ["logging.filter", "MILLRACE_LOG"] {
            assert!(failure.message.contains(part), "{failure}");
        }
        assert_eq!(failure.exit_code, 64);
    }

    #[test]
    fn an_address_that_two_want_is_refused() {
        let mut config = PlatformConfig::default();
        assert!(check_addresses(&config).is_ok());
        let at = |text: &str| -> SocketAddr { text.parse().expect("an address") };
        for (api, metrics) in [
            ("127.0.0.1:8080", None),
            ("0.0.0.0:8080", None),
            ("127.0.0.1:9600", None),
            ("127.0.0.1:7000", Some(at("127.0.0.1:7000"))),
        ] {
            config.query_api.listen = at(api);
            config.metrics.listen = metrics;
            let failure = check_addresses(&config).expect_err(api);
            assert!(failure.message.contains("query_api.listen"), "{failure}");
        }
        config.query_api.listen = at("127.0.0.1:0");
        config.metrics.listen = Some(at("127.0.0.1:0"));
        assert!(check_addresses(&config).is_ok(), "any free port");
        config.query_api.listen = at("127.0.0.2:8080");
        assert!(check_addresses(&config).is_ok(), "another address");
    }
}
