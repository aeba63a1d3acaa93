//! Settings of the store on Elasticsearch or OpenSearch. It holds values and their defaults and checks that
//! they go together; it opens nothing.

use std::path::PathBuf;

use schema::NamedIndices;
use serde::{Deserialize, Serialize};
use service::config::{Check, Findings};
use service::{ByteSize, Secret, Span};

use crate::point_in_time::PointsInTimeConfig;

/// The longest text before index names.
const NAMESPACE_BYTES_MAX: usize = 100;

/// Settings of `[search.elasticsearch]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElasticsearchConfig {
    /// Stands before the names of all indices, templates and policies, so that several installations can
    /// share a cluster: lower-case letters, digits, `-`, `_` and `.`. Default none.
    pub index_namespace: String,
    /// Whether lifecycle policies are installed: indices compacted, then deleted, by age. Default true.
    pub policies: bool,
    /// After which age an index is compacted. Default `7d`.
    pub compact_after: Span,
    /// After which age an index is deleted. Default `90d`.
    pub delete_after: Span,
    /// Primary shards of an index. Default 1.
    pub shards: u16,
    /// Copies of each shard beside the primary. Default 1.
    pub replicas: u16,
    /// How long an indexed document may wait until it is found. Default `1s`.
    pub refresh_interval: Span,
    /// What the engine brings along; `minimal` is for distributions without the vendor's modules, as the
    /// project's tests use. Default `full`.
    pub engine_parts: EngineParts,

    /// User, with `password` or `password_file`; may also stand in the address.
    pub user: Option<String>,
    /// Password of the user.
    pub password: Option<Secret<String>>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
    /// API key as the engine gives it out (`encoded`).
    pub api_key: Option<Secret<String>>,
    /// File that holds the API key.
    pub api_key_file: Option<PathBuf>,
    /// Bearer token.
    pub bearer_token: Option<Secret<String>>,
    /// File that holds the bearer token.
    pub bearer_token_file: Option<PathBuf>,
    /// Certificates (PEM) that may have signed the engine's; none are the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate (PEM), for engines that ask for one.
    pub client_cert_file: Option<PathBuf>,
    /// Its key (PEM).
    pub client_key_file: Option<PathBuf>,

    /// Bytes of one bulk request before compression; a document that is larger goes alone. Default `5MiB`.
    pub bulk_bytes_max: ByteSize,
    /// Documents of one bulk request. Default 5,000.
    pub bulk_documents_max: usize,
    /// How much bulk requests are compressed: 0 not at all, 1 fast, to 9. Default 1.
    pub compression_level: u32,
    /// Bulk requests that may run at the same time; how many do is found out by how the engine answers.
    /// Default 8.
    pub concurrency_max: usize,
    /// Reads that run at the same time; further ones wait. Default 16.
    pub reads_max: usize,

    /// How long a connection may take to stand. Default `5s`.
    pub connect_timeout: Span,
    /// How long one bulk request may take. Default `60s`.
    pub bulk_timeout: Span,
    /// How long one read may take, with its wait for a place. Default `30s`.
    pub read_time_max: Span,
    /// The longest answer that is read; a page that would be longer is cut. Default `64MiB`.
    pub answer_bytes_max: ByteSize,
    /// How much later than it was sent a document may become searchable, clocks' differences included, and
    /// still be seen by those who follow live; more than `refresh_interval`. Default `10s`.
    pub tail_window: Span,
    /// Consistent searches: `[search.points_in_time]`, which is handed to whichever store is opened.
    #[serde(skip)]
    pub points_in_time: PointsInTimeConfig,
    /// Indices beside the platform's own, of `search.index_prefixes`.
    #[serde(skip)]
    pub named_indices: Vec<NamedIndices>,
}

/// What an engine brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineParts {
    /// Everything that the vendor's distribution has.
    #[default]
    Full,
    /// The server without its modules: templates leave out what it cannot load.
    Minimal,
}

impl Default for ElasticsearchConfig {
    fn default() -> Self {
        const DAY_SECONDS: u64 = 86_400;
        Self {
            index_namespace: String::new(),
            policies: true,
            compact_after: Span::from_secs(7 * DAY_SECONDS),
            delete_after: Span::from_secs(90 * DAY_SECONDS),
            shards: 1,
            replicas: 1,
            refresh_interval: Span::from_secs(1),
            engine_parts: EngineParts::Full,
            user: None,
            password: None,
            password_file: None,
            api_key: None,
            api_key_file: None,
            bearer_token: None,
            bearer_token_file: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            bulk_bytes_max: ByteSize(5 << 20),
            bulk_documents_max: 5_000,
            compression_level: 1,
            concurrency_max: 8,
            reads_max: 16,
            connect_timeout: Span::from_secs(5),
            bulk_timeout: Span::from_secs(60),
            read_time_max: Span::from_secs(30),
            answer_bytes_max: ByteSize(64 << 20),
            tail_window: Span::from_secs(10),
            points_in_time: PointsInTimeConfig::default(),
            named_indices: Vec::new(),
        }
    }
}

impl Check for ElasticsearchConfig {
    fn check(&self, findings: &mut Findings) {
        self.check_names(findings);
        self.check_access(findings);
        self.check_bounds(findings);
    }
}

impl ElasticsearchConfig {
    fn check_names(&self, findings: &mut Findings) {
        let namespace = &self.index_namespace;
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let begins_well = !namespace.starts_with(['-', '_', '.']);
        if !namespace.chars().all(allowed) || !begins_well || namespace.len() > NAMESPACE_BYTES_MAX
        {
            findings.add(
                &["index_namespace"],
                format!(
                    "at most {NAMESPACE_BYTES_MAX} lower-case letters, digits, `-`, `_` and `.`, a \
                     letter or digit first"
                ),
            );
        }
        if namespace.contains(schema::INDEX_PREFIX) {
            findings.add(
                &["index_namespace"],
                format!(
                    "without `{}`: an installation with a shorter namespace, or none, would find these \
                     indices as its own",
                    schema::INDEX_PREFIX
                ),
            );
        }
        if self.compact_after >= self.delete_after {
            findings.add(
                &["compact_after", "delete_after"],
                "an index is compacted before it is deleted: compact_after must be less than \
                 delete_after",
            );
        }
    }

    fn check_access(&self, findings: &mut Findings) {
        let pairs = [
            ("password", self.password.is_some(), "password_file", self.password_file.is_some()),
            ("api_key", self.api_key.is_some(), "api_key_file", self.api_key_file.is_some()),
            (
                "bearer_token",
                self.bearer_token.is_some(),
                "bearer_token_file",
                self.bearer_token_file.is_some(),
            ),
        ];
        for (value, has_value, file, has_file) in pairs {
            findings.not_both([value, file], [has_value, has_file]);
        }
        let given: Vec<&str> =
            pairs.iter().filter(|(_, a, _, b)| *a || *b).map(|(name, ..)| *name).collect();
        if given.len() > 1 {
            let message = format!("one way to sign in is enough: {}", given.join(" or "));
            findings.add(&given, message);
        }
        if self.client_cert_file.is_some() != self.client_key_file.is_some() {
            findings.add(
                &["client_cert_file", "client_key_file"],
                "a certificate needs its key, and a key its certificate",
            );
        }
    }

    fn check_bounds(&self, findings: &mut Findings) {
        if !(ByteSize(64 << 10)..=ByteSize(100 << 20)).contains(&self.bulk_bytes_max) {
            findings.add(&["bulk_bytes_max"], "from 64KiB to 100MiB: the engines take no more");
        }
        if !(1..=100_000).contains(&self.bulk_documents_max) {
            findings.add(&["bulk_documents_max"], "from 1 to 100000");
        }
        if self.compression_level > 9 {
            findings.add(&["compression_level"], "from 0 (not at all) to 9");
        }
        if !(1..=256).contains(&self.concurrency_max) {
            findings.add(&["concurrency_max"], "from 1 to 256");
        }
        if !(1..=1_024).contains(&self.reads_max) {
            findings.add(&["reads_max"], "from 1 to 1024");
        }
        if !(1..=1_024).contains(&self.shards) {
            findings.add(&["shards"], "from 1 to 1024");
        }
        if self.answer_bytes_max < ByteSize(1 << 20) {
            findings.add(&["answer_bytes_max"], "1MiB or more");
        }
        if self.tail_window <= self.refresh_interval {
            findings.add(
                &["tail_window", "refresh_interval"],
                "a document is found only after refresh_interval, and seen live within tail_window: \
                 tail_window must be more than refresh_interval",
            );
        }
        let times = [
            ("refresh_interval", self.refresh_interval),
            ("connect_timeout", self.connect_timeout),
            ("bulk_timeout", self.bulk_timeout),
            ("read_time_max", self.read_time_max),
            ("tail_window", self.tail_window),
        ];
        for (name, span) in times {
            if !(Span::from_millis(1)..=Span::from_secs(3_600)).contains(&span) {
                findings.add(&[name], "from 1ms to 1h");
            }
        }
    }
}
