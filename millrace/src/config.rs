//! The platform's configuration: one table a service, the same file for `up` and for each service alone.
//!
//! It only describes; what a setting does stands in the service that owns it.

use serde::{Deserialize, Serialize};
use service::{Check, Findings};

/// All settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformConfig {
    /// Where records are stored between the services.
    pub bus: BusConfig,
    /// Where documents are found.
    pub search: SearchConfig,
    /// Where users, sessions, dead letters and state are kept.
    pub documents: DocumentsConfig,
    /// What may be lost.
    pub cache: CacheConfig,
    /// The doors.
    pub ingest_gateway: ingest_gateway::Config,
    /// The filters.
    pub enricher: enricher::Config,
    /// The scores.
    pub fraud_worker: fraud_worker::Config,
    /// The way into the search store.
    pub indexer: indexer::Config,
    /// API and pages.
    pub query_api: query_api::Config,
    /// Metrics and health.
    pub metrics: service::AdminConfig,
    /// What is logged.
    pub logging: service::LogConfig,
}

/// Settings of `[bus]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// `embedded:` for the segment log below the data folder.
    pub url: String,
    /// The embedded log.
    pub log: bus::log::LogConfig,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self { url: "embedded:".to_owned(), log: bus::log::LogConfig::default() }
    }
}

/// Settings of `[search]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchConfig {
    /// `embedded:` for the index below the data folder.
    pub url: String,
    /// The embedded index.
    pub embedded: search_store::EmbeddedConfig,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self { url: "embedded:".to_owned(), embedded: search_store::EmbeddedConfig::default() }
    }
}

/// Settings of `[documents]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentsConfig {
    /// `embedded:` for the database below the data folder.
    pub url: String,
    /// The embedded database.
    pub embedded: document_store::EmbeddedConfig,
}

impl Default for DocumentsConfig {
    fn default() -> Self {
        Self { url: "embedded:".to_owned(), embedded: document_store::EmbeddedConfig::default() }
    }
}

/// Settings of `[cache]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// `memory:` for this process's memory.
    pub url: String,
    /// This process's memory.
    pub memory: cache_store::MemoryConfig,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { url: "memory:".to_owned(), memory: cache_store::MemoryConfig::default() }
    }
}

impl Check for PlatformConfig {
    fn check(&self, findings: &mut Findings) {
        for problem in self.ingest_gateway.check() {
            findings.add(&[&format!("ingest_gateway.{}", problem.setting)], problem.message);
        }
        findings.within("enricher", |findings| self.enricher.check(findings));
        self.check_event_limits(findings);
        findings.within("fraud_worker", |findings| self.fraud_worker.check(findings));
        findings.within("query_api", |findings| self.query_api.check(findings));
        findings.within("metrics", |findings| self.metrics.check(findings));
        for (setting, allowed) in self.bus.log.problems() {
            findings.add(&[&format!("bus.log.{setting}")], format!("must be {allowed}"));
        }
        let urls = [
            ("bus.url", &self.bus.url, "embedded:"),
            ("search.url", &self.search.url, "embedded:"),
            ("documents.url", &self.documents.url, "embedded:"),
            ("cache.url", &self.cache.url, "memory:"),
        ];
        for (setting, url, known) in urls {
            if url != known {
                findings
                    .add(&[setting], format!("no backend is known for `{url}`: write `{known}`"));
            }
        }
    }
}

impl PlatformConfig {
    /// What a door has answered as accepted must not be refused later for its size.
    fn check_event_limits(&self, findings: &mut Findings) {
        let (door, enricher) = (&self.ingest_gateway, &self.enricher.limits);
        let pairs = [
            (
                "line_bytes_max",
                door.line_bytes_max.0,
                "event_bytes_max",
                enricher.event_bytes_max.0,
            ),
            ("fields_max", door.fields_max.into(), "fields_max", enricher.fields_max.into()),
            ("depth_max", door.depth_max.into(), "depth_max", enricher.depth_max.into()),
        ];
        for (setting, accepted, limit, kept) in pairs {
            if accepted > kept {
                let limit = format!("enricher.limits.{limit}");
                let message =
                    format!("the doors would accept what {limit} refuses: raise that too");
                findings.add(&[&format!("ingest_gateway.{setting}"), &limit], message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::PlatformConfig;

    #[test]
    fn doors_accept_no_more_than_the_enricher() {
        let load = |text: &str| {
            service::config::load::<PlatformConfig>(Some((Path::new("m.toml"), text)), [], &[])
                .map_err(|mistakes| mistakes.to_string())
        };
        for (door, enricher) in [
            ("line_bytes_max = \"4MiB\"", "event_bytes_max = \"4MiB\""),
            ("fields_max = 50000", "fields_max = 50000"),
            ("depth_max = 100", "depth_max = 100"),
        ] {
            let refused = load(&format!("[ingest_gateway]\n{door}")).expect_err("refused");
            assert!(
                refused.contains("m.toml:2:") && refused.contains("enricher.limits"),
                "{refused}"
            );
            let both = format!("[ingest_gateway]\n{door}\n[enricher.limits]\n{enricher}");
            load(&both).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        }
    }
}
