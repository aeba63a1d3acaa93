//! The platform's configuration: one table a service, the same file for `up` and for each service alone.
//!
//! It only describes; what a setting does stands in the service that owns it.

use std::collections::BTreeSet;

use bus_kafka::KafkaBus;
use cache_store::RedisCache;
use document_store::MongoDocuments;
use enricher::IndexOutline;
use schema::NamedIndices;
use search_store::ElasticsearchStore;
use serde::{Deserialize, Serialize};
use service::{Check, Findings};

/// The URL of a backend below the data folder.
pub const EMBEDDED: &str = "embedded:";
/// The URL of a cache in this process.
pub const MEMORY: &str = "memory:";

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
    /// `embedded:` for the segment log below the data folder, or `kafka://host:9092,host:9092`
    /// (`kafkas://` for TLS).
    pub url: String,
    /// The embedded log. Its partitions and retention hold for topics on Kafka too.
    pub log: bus::log::LogConfig,
    /// Kafka.
    pub kafka: bus_kafka::KafkaConfig,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            url: EMBEDDED.to_owned(),
            log: bus::log::LogConfig::default(),
            kafka: bus_kafka::KafkaConfig::default(),
        }
    }
}

/// Settings of `[search]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchConfig {
    /// `embedded:` for the index below the data folder, or `https://host:9200,https://host:9200` for
    /// Elasticsearch 8 or OpenSearch 2.
    pub url: String,
    /// Beginnings of the names of indices that documents may go to beside the platform's own, as `shop-`: what
    /// `enricher.index` names must begin with one.
    pub index_prefixes: search_store::IndexPrefixes,
    /// The embedded index.
    pub embedded: search_store::EmbeddedConfig,
    /// Elasticsearch or OpenSearch.
    pub elasticsearch: search_store::ElasticsearchConfig,
    /// Consistent searches of either.
    pub points_in_time: search_store::PointsInTimeConfig,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self {
            url: EMBEDDED.to_owned(),
            index_prefixes: search_store::IndexPrefixes::default(),
            embedded: search_store::EmbeddedConfig::default(),
            elasticsearch: search_store::ElasticsearchConfig::default(),
            points_in_time: search_store::PointsInTimeConfig::default(),
        }
    }
}

/// Settings of `[documents]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentsConfig {
    /// `embedded:` for the database below the data folder, or `mongodb://host:27017,host:27017` for a
    /// replica set (`mongodb+srv://` for one that is named in DNS).
    pub url: String,
    /// The embedded database.
    pub embedded: document_store::EmbeddedConfig,
    /// MongoDB.
    pub mongodb: document_store::MongoConfig,
}

impl Default for DocumentsConfig {
    fn default() -> Self {
        Self {
            url: EMBEDDED.to_owned(),
            embedded: document_store::EmbeddedConfig::default(),
            mongodb: document_store::MongoConfig::default(),
        }
    }
}

/// Settings of `[cache]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// `memory:` for this process's memory, or `redis://host:6379` (`rediss://` for TLS,
    /// `redis+sentinel://`, `redis+cluster://`).
    pub url: String,
    /// This process's memory.
    pub memory: cache_store::MemoryConfig,
    /// Redis.
    pub redis: cache_store::RedisConfig,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            url: MEMORY.to_owned(),
            memory: cache_store::MemoryConfig::default(),
            redis: cache_store::RedisConfig::default(),
        }
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
        findings.within("bus.kafka", |findings| self.bus.kafka.check(findings));
        findings.within("search.index_prefixes", |findings| {
            self.search.index_prefixes.check(findings);
        });
        self.check_indices(findings);
        self.check_doors(findings);
        findings
            .within("search.elasticsearch", |findings| self.search.elasticsearch.check(findings));
        findings.within("search.points_in_time", |findings| {
            self.search.points_in_time.check(findings);
        });
        findings.within("documents.mongodb", |findings| self.documents.mongodb.check(findings));
        findings.within("cache.redis", |findings| self.cache.redis.check(findings));
        self.check_spool(findings);
        self.check_urls(findings);
    }
}

impl PlatformConfig {
    /// The topics that others write and the enricher reads. An embedded bus has none.
    #[must_use]
    pub fn foreign_topics(&self) -> Vec<String> {
        let topics = self.bus.kafka.topics.0.iter();
        let foreign = topics.filter(|(_, topic)| topic.foreign && self.bus.url != EMBEDDED);
        foreign.map(|(name, _)| name.clone()).collect()
    }

    /// The indices beside the platform's own. They grow old where all that is written of them ends with its day: one
    /// that goes on and on would be deleted with the documents of today.
    #[must_use]
    pub fn named_indices(&self) -> Vec<NamedIndices> {
        let texts = self.enricher.indices();
        let named = |prefix: &String| {
            let texts = texts.iter().filter(|(_, text)| text.beginning.starts_with(prefix));
            let separators: BTreeSet<_> = texts.map(|(_, text)| text.day_separator).collect();
            let mut separators = separators.into_iter();
            let day_separator = separators.next().filter(|_| separators.next().is_none());
            NamedIndices { prefix: prefix.clone(), day_separator: day_separator.flatten() }
        };
        self.search.index_prefixes.0.iter().map(named).collect()
    }

    /// What is named and not allowed would go nowhere but to the platform's own indices.
    fn check_indices(&self, findings: &mut Findings) {
        for (pipeline, IndexOutline { beginning, .. }) in self.enricher.indices() {
            if self.search.index_prefixes.allow(&beginning) {
                continue;
            }
            let message = format!(
                "no document may go to an index that begins with `{beginning}`: write `search.index_prefixes = \
                 [\"{beginning}\"]`"
            );
            let add = |findings: &mut Findings| findings.add(&["index"], message);
            match pipeline {
                None => findings.within("enricher", add),
                Some(id) => {
                    findings.within("enricher.pipelines", |findings| findings.within_key(id, add))
                }
            }
        }
    }

    /// A further door that stands nowhere sends no event. On Kafka it may be one of a gateway elsewhere.
    fn check_doors(&self, findings: &mut Findings) {
        if self.bus.url != EMBEDDED {
            return;
        }
        let add = |findings: &mut Findings, setting: &str, door: &str| {
            if let Some(kind) = door.split('-').next().filter(|_| self.is_missing(door)) {
                let message = format!(
                    "no event comes from `{door}`: there is no table [ingest_gateway.{kind}.inputs.{door}]"
                );
                findings.add(&[setting], message);
            }
        };
        findings.within("enricher.inputs", |findings| {
            self.enricher.inputs.keys().for_each(|door| add(findings, door, door));
        });
        findings.within("enricher.pipelines", |findings| {
            for (id, pipeline) in &self.enricher.pipelines {
                findings.within_key(id, |findings| {
                    pipeline.listeners.iter().for_each(|door| add(findings, "listeners", door));
                });
            }
        });
    }

    /// Whether this is the name of a further door that has no table.
    fn is_missing(&self, door: &str) -> bool {
        let doors = &self.ingest_gateway;
        let has_table = match door.split_once('-') {
            Some(("tcp", _)) => doors.tcp.inputs.contains_key(door),
            Some(("udp", _)) => doors.udp.inputs.contains_key(door),
            Some(("http", _)) => doors.http.inputs.contains_key(door),
            Some(("beats", _)) => doors.beats.inputs.contains_key(door),
            Some(("syslog", _)) => doors.syslog.inputs.contains_key(door),
            Some(("unix", _)) => doors.unix.inputs.contains_key(door),
            Some(("file", _)) => doors.file.inputs.contains_key(door),
            // A first door, which may be closed; any other name is refused where its table is read.
            _ => true,
        };
        !has_table
    }

    /// A spool is for a bus that can be away.
    fn check_spool(&self, findings: &mut Findings) {
        if self.bus.url == EMBEDDED && self.ingest_gateway.spool.is_on() {
            let message = format!(
                "`bus.url = \"{EMBEDDED}\"` is a log on this disk already, which is never away: leave the spool \
                 out, or name brokers in bus.url (`kafka://host:9092`)"
            );
            findings.add(&["ingest_gateway.spool.folder", "bus.url"], message);
        }
    }

    /// Addresses that no backend understands. What they hold is not shown: it may be a password.
    fn check_urls(&self, findings: &mut Findings) {
        fn told<E: ToString>(checked: Result<(), E>) -> Option<String> {
            checked.err().map(|error| error.to_string())
        }
        let (bus, search) = (&self.bus.url, &self.search.url);
        let (documents, cache) = (&self.documents.url, &self.cache.url);
        let (mongodb, redis) = (&self.documents.mongodb, &self.cache.redis);
        let checked = [
            ("bus.url", bus, EMBEDDED, told(KafkaBus::check_url(bus))),
            ("search.url", search, EMBEDDED, told(ElasticsearchStore::check_url(search))),
            (
                "documents.url",
                documents,
                EMBEDDED,
                told(MongoDocuments::check_url(documents, mongodb)),
            ),
            ("cache.url", cache, MEMORY, told(RedisCache::connect(cache, redis).map(drop))),
        ];
        for (setting, url, own, problem) in checked {
            if let Some(problem) = problem.filter(|_| url != own) {
                findings.add(&[setting], format!("{problem}; or write `{own}`"));
            }
        }
    }

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

    fn load(text: &str) -> Result<PlatformConfig, String> {
        service::config::load(Some((Path::new("m.toml"), text)), [], &[])
            .map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn consistent_searches_have_one_table_for_either_store() {
        let config =
            load("[search.points_in_time]\nmax = 3\nkeep_alive = \"1h\"").expect("settings");
        let points_in_time = config.search.points_in_time;
        assert_eq!((points_in_time.max, points_in_time.per_user_max), (3, 4));
        for url in ["embedded:", "https://host:9200"] {
            let text =
                format!("[search]\nurl = \"{url}\"\n[search.points_in_time]\nkeep_alive = \"2h\"");
            let refused = load(&text).expect_err("it would be held for ever");
            assert!(refused.contains("m.toml:4:") && refused.contains("1ms to 1h"), "{refused}");
        }
        for store in ["embedded", "elasticsearch"] {
            let refused = load(&format!("[search.{store}]\npoints_in_time.max = 1"));
            let refused = refused.expect_err("it stands elsewhere");
            assert!(refused.contains("points_in_time"), "{refused}");
        }
    }

    #[test]
    fn an_index_that_is_named_must_be_allowed() {
        let index = "[enricher]\nindex = \"shop-%{+YYYY.MM.dd}\"\n";
        let refused = load(index).expect_err("nothing is allowed");
        let way_out = "write `search.index_prefixes = [\"shop-\"]`";
        assert!(refused.contains("m.toml:2:") && refused.contains(way_out), "{refused}");
        for (list, is_allowed) in [
            (r#"["shop-"]"#, true),
            (r#"["audit-", "sh"]"#, true),
            (r#"["shop-2"]"#, false),
            (r#"["audit-"]"#, false),
        ] {
            for url in ["embedded:", "https://host:9200"] {
                let search = format!("[search]\nurl = \"{url}\"\nindex_prefixes = {list}\n");
                let loaded = load(&format!("{index}{search}"));
                assert_eq!(loaded.is_ok(), is_allowed, "{list}: {loaded:?}");
            }
        }
        let own =
            "[enricher.pipelines.'the shop.2']\npipeline = \"s.conf\"\nindex = \"shop-%{+YYYY}\"\n";
        let refused = load(own).expect_err("nothing is allowed");
        assert!(refused.contains("m.toml:3:") && refused.contains(way_out), "{refused}");
        // A prefix may stay after its text is gone: what stands there is found.
        load("[search]\nindex_prefixes = [\"shop-\"]").unwrap_or_else(|error| panic!("{error}"));
        let refused = load("[search]\nindex_prefixes = [\"Shop-\"]").expect_err("upper case");
        assert!(refused.contains("m.toml:2:") && refused.contains("`Shop-`"), "{refused}");
    }

    #[test]
    fn a_further_door_that_events_are_awaited_from_has_a_table() {
        let awaited = "[enricher.inputs.tcp-2]\ntype = \"a\"\n[enricher.pipelines.web]\npipeline = \"w.conf\"\n\
                       listeners = [\"tcp\", \"file-2\"]\n";
        let refused = load(awaited).expect_err("nobody sends there");
        for part in ["m.toml:1:", "m.toml:5:", "[ingest_gateway.file.inputs.file-2]"] {
            assert!(refused.contains(part), "{part} in {refused}");
        }
        let doors = "[ingest_gateway.tcp.inputs.tcp-2]\nlisten = \"off\"\n\
                     [ingest_gateway.file.inputs.file-2]\npaths = [\"/var/log/a.log\"]\n";
        let elsewhere = "[bus]\nurl = \"kafka://host:9092\"\n";
        for more in [doors, elsewhere] {
            load(&format!("{awaited}{more}")).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn indices_grow_old_only_where_each_is_of_a_day() {
        for (text, prefix, day_separator) in [
            ("shop-%{+YYYY.MM.dd}", "shop-", Some('.')),
            ("shop-%{type}-%{+YYYY-MM-dd}", "shop", Some('-')),
            ("shop-%{+YYYY.MM}", "shop-", None),
            ("shop", "shop", None),
        ] {
            let text = format!(
                "[enricher]\nindex = \"{text}\"\n[search]\nindex_prefixes = [\"{prefix}\", \"old-\"]"
            );
            let config = load(&text).unwrap_or_else(|error| panic!("{error}"));
            let named = config.named_indices();
            let found: Vec<_> =
                named.iter().map(|one| (one.prefix.as_str(), one.day_separator)).collect();
            assert_eq!(found, [(prefix, day_separator), ("old-", None)], "{text}");
        }
    }

    #[test]
    fn a_spool_is_for_a_bus_that_can_be_away() {
        let spool = "[ingest_gateway.spool]\nfolder = \"/var/lib/millrace/spool\"\n";
        let refused = load(spool).expect_err("the embedded bus is a log on disk");
        assert!(refused.contains("m.toml:2:") && refused.contains("on this disk"), "{refused}");
        let kafka = format!("{spool}[bus]\nurl = \"kafka://host:9092\"");
        let config = load(&kafka).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(config.ingest_gateway.spool.is_on());
        let small = kafka.replace("[bus]", "bytes_max = \"1MiB\"\n[bus]");
        let refused = load(&small).expect_err("a few batches would fill it");
        assert!(refused.contains("32MiB"), "{refused}");
        let relative = kafka.replace("/var", "var");
        let refused = load(&relative).expect_err("it is another folder elsewhere");
        assert!(refused.contains("not absolute"), "{refused}");
    }

    #[test]
    fn doors_accept_no_more_than_the_enricher() {
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
