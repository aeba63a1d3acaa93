//! What can be said of settings before anything starts, beside what the configuration checks itself:
//! filters of the log, addresses that two parts want, variables that only look like settings.

use std::fmt;
use std::net::SocketAddr;

use ingest_gateway::Listen;
use serde_json::Value;
use service::config::{Mistake, Place, Preset, VARIABLE_PREFIX};
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

/// An address that two parts of one process would listen on.
#[derive(Debug)]
pub(crate) struct SharedAddress {
    address: SocketAddr,
    /// Who wants it, by their settings.
    settings: [String; 2],
}

impl SharedAddress {
    /// As a mistake of the setting that one of these gives, told where that stands.
    pub(crate) fn mistake(&self, presets: &[Preset]) -> Mistake {
        let given =
            |setting: &String| presets.iter().find(|preset| preset.path.join(".") == *setting);
        let [one, other] = &self.settings;
        let (setting, other, preset) = match (given(one), given(other)) {
            (None, Some(preset)) => (other, one, Some(preset)),
            (preset, _) => (one, other, preset),
        };
        Mistake {
            place: preset.map_or(Place::Default, |preset| preset.place.clone()),
            setting: setting.clone(),
            message: format!("{} is the address of {other} too", self.address),
        }
    }
}

impl fmt::Display for SharedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = &self.settings;
        write!(f, "{one}: {} is the address of {other} too", self.address)
    }
}

/// The addresses of the API and of metrics that another part of a whole platform wants too. The gateway
/// looks at its own.
pub(crate) fn shared_addresses(config: &PlatformConfig) -> Vec<SharedAddress> {
    let metrics = SocketAddr::from(([127, 0, 0, 1], METRICS_PORT));
    let listening = [
        ("query_api.listen", config.query_api.listen),
        ("metrics.listen", config.metrics.listen.unwrap_or(metrics)),
    ];
    // A door that nobody asked for gives way.
    let doors = config.ingest_gateway.connection_listens();
    let mut known: Vec<(String, Listen)> = doors
        .into_iter()
        .filter(|(_, listen)| !listen.gives_way())
        .map(|(name, listen)| (format!("ingest_gateway.{name}"), listen))
        .collect();
    let mut shared = Vec::new();
    for (name, address) in listening {
        let listen = Listen::At(address);
        let others = known.iter().filter(|(_, other)| listen.excludes(*other));
        shared.extend(others.map(|(other, _)| SharedAddress {
            address,
            settings: [name.to_owned(), other.clone()],
        }));
        known.push((name.to_owned(), listen));
    }
    shared
}

/// Refuses an address that two parts of one process would listen on.
///
/// # Errors
/// Every pair.
pub(crate) fn check_addresses(config: &PlatformConfig) -> Result<(), Failure> {
    let shared = shared_addresses(config);
    if shared.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = shared.iter().map(ToString::to_string).collect();
    Err(Failure::usage(lines.join("\n")))
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
        config.query_api.listen = at("127.0.0.1:4318");
        assert!(check_addresses(&config).is_ok(), "nobody asked for the door that is there");
        config.ingest_gateway.otlp.http_listen = Listen::At(at("127.0.0.1:4318"));
        check_addresses(&config).expect_err("now somebody did");
    }
}
