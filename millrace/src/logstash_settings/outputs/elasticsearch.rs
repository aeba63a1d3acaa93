//! The outputs `elasticsearch` and `opensearch`: the search store.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::inputs::{MONITORING, TUNING};
use crate::logstash_settings::plugin::{JAVA_STORES, PluginReader, Reasons};

use super::access::{Access, UNLESS_URL};
use super::hosts::{self, Hosts};
use super::{document_id, index};

const TEMPLATES: &str = "the platform installs templates of its own, and lifecycle policies: \
                         `search.elasticsearch.policies`, `compact_after`, `delete_after`";
const VERSIONS: &str =
    "of events with one id the later replaces the earlier, whatever version they name";
const INDICES: &str = "a document goes to an index, and to no data stream: write `index => \"shop-%{+YYYY.MM.dd}\"`, or \
                       it is one of its log type and day, ecommerce-logs-TYPE-YYYY.MM.DD";
const VERIFIED: &str =
    "certificates are always verified: name the authority in `search.elasticsearch.ca_file`";
const PEM: &str = "certificates and keys are files in PEM: `search.elasticsearch.ca_file`, `client_cert_file`, \
                   `client_key_file`";
const WRITTEN: &str = "a document is written with `index` and its id, which is safe to repeat";
const REASONS: Reasons = &[
    (MONITORING, &["enable_metric", "id"]),
    ("a document is JSON", &["codec"]),
    (
        TUNING,
        &[
            "flush_size",
            "idle_flush_time",
            "max_retries",
            "pool_max",
            "pool_max_per_route",
            "resurrect_delay",
            "retry_initial_interval",
            "retry_max_interval",
            "retry_on_conflict",
            "validate_after_inactivity",
            "workers",
        ],
    ),
    (
        TEMPLATES,
        &[
            "ilm_enabled",
            "ilm_pattern",
            "ilm_policy",
            "ilm_rollover_alias",
            "manage_template",
            "template",
            "template_api",
            "template_name",
            "template_overwrite",
        ],
    ),
    (
        INDICES,
        &[
            "data_stream",
            "data_stream_auto_routing",
            "data_stream_dataset",
            "data_stream_namespace",
            "data_stream_sync_fields",
            "data_stream_type",
        ],
    ),
    (VERSIONS, &["version", "version_type"]),
    (
        WRITTEN,
        &[
            "doc_as_upsert",
            "document_type",
            "join_field",
            "parent",
            "routing",
            "script",
            "script_lang",
            "script_type",
            "script_var_name",
            "scripted_upsert",
            "upsert",
        ],
    ),
    ("run the filters here; the engine's ingest pipelines are not asked", &["pipeline"]),
    ("fields have the names of docs/fields.md", &["ecs_compatibility"]),
    (
        "what the store refuses stands in the dead letters: `millrace dead list`",
        &[
            "dlq_custom_codes",
            "dlq_on_failed_indexname_interpolation",
            "failure_type_logging_whitelist",
            "silence_errors_in_log",
        ],
    ),
    ("name all hosts: none are found out", &["sniffing", "sniffing_delay", "sniffing_path"]),
    ("write the path into the address: `http://host:9200/path`", &["path"]),
    ("the engine is asked on its own paths", &["bulk_path", "healthcheck_path", "parameters"]),
    ("requests have no headers of one's own", &["custom_headers"]),
    ("requests go to the engine without a proxy", &["proxy"]),
    (VERIFIED, &["ca_trusted_fingerprint"]),
    (
        "the cipher suites and TLS 1.2 and 1.3 are those of the TLS library",
        &["ssl_cipher_suites", "ssl_supported_protocols"],
    ),
    (PEM, &JAVA_STORES),
    (PEM, &["truststore", "truststore_password"]),
];

/// What only the output `opensearch` has.
const OPENSEARCH: Reasons = &[
    ("sign in with `user` and `password`, or a certificate", &["auth_type"]),
    ("the product and its version are found out", &["default_server_major_version"]),
    (TEMPLATES, &["legacy_template"]),
    (TUNING, &["target_bulk_bytes"]),
];

pub(super) fn read(reader: &mut PluginReader<'_>) {
    let store = Store::read(reader);
    let index = reader.options.text(index::OPTION);
    let named = reader.options.text(document_id::OPTION);
    let action = reader.options.text("action");
    if action.is_some_and(|action| action != "index") {
        reader.leave("action", WRITTEN);
    }
    reader.leave_given(REASONS);
    if reader.options.plugin() == "opensearch" {
        reader.leave_given(OPENSEARCH);
    }
    let Some(store) = store else { return };
    let first = reader.carried.store.clone();
    match reader.carried.find("search.url").map(|known| (known.value.clone(), known.spot.clone())) {
        None => {
            store.carry(reader);
            index::carry(reader, index);
            document_id::carry(reader, named);
            reader.carried.store = Some(reader.own_spot());
        }
        Some((SettingValue::Text(url), spot)) if url == store.url => {
            let reason = format!(
                "there is one search store, and the output of {} says how it is reached: write it there",
                reader.place_of(&spot)
            );
            store.settings(|option, path, value, _| {
                reader.leave_differing(option, path, &value, &reason);
            });
            match first {
                // Each pipeline of a list has its own.
                None => {
                    index::carry(reader, index);
                    document_id::carry(reader, named);
                    reader.carried.store = Some(reader.own_spot());
                }
                Some(first) => {
                    index::compare(reader, index.as_deref(), &first);
                    document_id::compare(reader, named.as_deref(), &first);
                }
            }
        }
        Some((_, spot)) => {
            let reason = format!(
                "not carried over: there is one search store, that of {}; copy documents from there, or \
                 run a second platform",
                reader.place_of(&spot)
            );
            reader.note(reason);
        }
    }
}

/// Where the engine is, and how it is asked.
struct Store {
    url: String,
    access: Access,
    compression_level: Option<(&'static str, i64)>,
    timeout_seconds: Option<i64>,
}

impl Store {
    /// Asks for all of its options, also where one of them is wrong: none is unknown then.
    fn read(reader: &mut PluginReader<'_>) -> Option<Self> {
        let is_tls = reader.options.flag("ssl_enabled", false) | reader.options.flag("ssl", false);
        let address = address(reader, is_tls);
        let (url, in_address) = address.unzip();
        let access = Access::read(reader, in_address.flatten());
        let is_verified =
            reader.options.choice("ssl_verification_mode", &["full", "none"]) != Some("none");
        if !is_verified {
            reader.leave("ssl_verification_mode", VERIFIED);
        }
        if !reader.options.flag("ssl_certificate_verification", true) {
            reader.leave("ssl_certificate_verification", VERIFIED);
        }
        let compression_level = compression_level(reader);
        let timeout_seconds = reader.number_within("timeout", 1..=3_600);
        Some(Self { url: url?, access, compression_level, timeout_seconds })
    }

    fn carry(&self, reader: &mut PluginReader<'_>) {
        let option = if reader.options.has("hosts") { "hosts" } else { "cloud_id" };
        reader.carry(option, &["search", "url"], SettingValue::Text(self.url.clone()));
        self.settings(|option, path, value, unless| {
            reader.carry_unless(option, path, value, unless);
        });
    }

    /// What it stands for: `take` is given each option, the setting's name, its value, and the settings that
    /// leave it out.
    fn settings(
        &self,
        mut take: impl FnMut(&'static str, &[&str], SettingValue, &'static [&'static str]),
    ) {
        self.access.settings(&mut take);
        let path = |name: &'static str| ["search", "elasticsearch", name];
        if let Some((option, level)) = self.compression_level {
            take(option, &path("compression_level"), SettingValue::Whole(level), UNLESS_URL);
        }
        if let Some(seconds) = self.timeout_seconds {
            let value = SettingValue::Text(format!("{seconds}s"));
            take("timeout", &path("bulk_timeout"), value, UNLESS_URL);
        }
    }
}

/// The level with the option that gave it.
fn compression_level(reader: &mut PluginReader<'_>) -> Option<(&'static str, i64)> {
    let is_compressed = reader.options.flag("http_compression", true);
    let level = reader.number_within("compression_level", 0..=9);
    if is_compressed {
        return level.map(|level| ("compression_level", level));
    }
    if level.is_some() {
        reader.leave("compression_level", "without `http_compression` it does nothing");
    }
    Some(("http_compression", 0))
}

/// A user and a password that stand in an address.
type InAddress = Option<(String, String)>;

fn address(reader: &mut PluginReader<'_>, is_tls: bool) -> Option<(String, InAddress)> {
    let given_hosts = reader.options.texts("hosts");
    let cloud_id = reader.options.text("cloud_id");
    if let Some(id) = cloud_id {
        if given_hosts.is_some() {
            let message = "`hosts` and `cloud_id` both say where the engine is";
            reader.options.refuse("hosts", message, "write one of them");
        }
        let url = hosts::of_cloud_id(&id);
        if url.is_none() {
            let way_out = "copy it from the deployment's page, or write `hosts`";
            reader.options.refuse("cloud_id", "`cloud_id` cannot be read", way_out);
        }
        return url.map(|url| (url, None));
    }
    let given = given_hosts.unwrap_or_else(|| vec!["localhost:9200".to_owned()]);
    match Hosts::parse(&given, is_tls) {
        Ok(Hosts { urls, user, has_user_alone }) => {
            if has_user_alone {
                let reason =
                    "a user in an address signs in with a password: write `user` and `password`";
                reader.leave("hosts", reason);
            }
            Some((urls.join(","), user))
        }
        Err(message) => {
            reader.options.refuse("hosts", message, "write `hosts => [\"https://host:9200\"]`");
            None
        }
    }
}
