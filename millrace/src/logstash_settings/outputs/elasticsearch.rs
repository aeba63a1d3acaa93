//! The outputs `elasticsearch` and `opensearch`: the search store.

use service::Secret;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::inputs::{MONITORING, TUNING};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::hosts::{self, Hosts};

/// Where the configuration names a store of its own, no password of this one is sent to it.
const UNLESS_URL: &[&str] = &["search.url"];
/// And where it says how to sign in, that is enough.
const UNLESS_ACCESS: &[&str] = &[
    "search.url",
    "search.elasticsearch.user",
    "search.elasticsearch.password",
    "search.elasticsearch.password_file",
    "search.elasticsearch.api_key",
    "search.elasticsearch.api_key_file",
    "search.elasticsearch.bearer_token",
    "search.elasticsearch.bearer_token_file",
];

const TEMPLATES: &str = "the platform installs templates of its own, and lifecycle policies: \
                         `search.elasticsearch.policies`, `compact_after`, `delete_after`";
const IDS: &str = "a document's id is its record's, so that a replay overwrites itself; over HTTP the header \
                   `Idempotency-Key` makes it the sender's";
const INDICES: &str =
    "each log type has an index a day, ecommerce-logs-TYPE-YYYY.MM.DD, whose name no event chooses";
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
    (IDS, &["document_id", "version", "version_type"]),
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
    (
        PEM,
        &[
            "keystore",
            "keystore_password",
            "ssl_keystore_password",
            "ssl_keystore_path",
            "ssl_keystore_type",
            "ssl_truststore_password",
            "ssl_truststore_path",
            "ssl_truststore_type",
            "truststore",
            "truststore_password",
        ],
    ),
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
    let index = reader.options.text("index");
    let action = reader.options.text("action");
    if action.is_some_and(|action| action != "index") {
        reader.leave("action", WRITTEN);
    }
    reader.leave_given(REASONS);
    if reader.options.plugin() == "opensearch" {
        reader.leave_given(OPENSEARCH);
    }
    let Some(store) = store else { return };
    match reader.carried.find("search.url").map(|known| (known.value.clone(), known.spot.clone())) {
        None => {
            store.carry(reader);
            carry_index(reader, index.as_deref());
        }
        Some((SettingValue::Text(url), _)) if url == store.url => {
            if index.is_some() {
                reader.leave("index", INDICES);
            }
        }
        Some((_, spot)) => {
            let reason = format!(
                "not carried over: there is one search store, that of line {}; copy documents from there, or \
                 run a second platform",
                spot.line
            );
            reader.note(reason);
        }
    }
}

/// What stands before the date of an index becomes what stands before the platform's own names.
fn carry_index(reader: &mut PluginReader<'_>, index: Option<&str>) {
    let Some(index) = index else { return };
    let Some(prefix) = prefix_of(index) else {
        return reader.leave("index", INDICES);
    };
    let path = ["search", "elasticsearch", "index_namespace"];
    reader.carry_unless("index", &path, SettingValue::Text(prefix.to_owned()), UNLESS_URL);
    let reason = format!(
        "{INDICES}; `{prefix}` stands before these names, so that patterns such as `{prefix}*` find them"
    );
    reader.leave("index", reason);
}

/// The fixed text before a date, where it may stand before indices and ends as a word.
fn prefix_of(index: &str) -> Option<&str> {
    let (prefix, date) = index.split_once("%{+")?;
    let is_date_alone =
        date.strip_suffix('}').is_some_and(|format| !format.contains(['%', '{', '}']));
    let allowed = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_.".contains(letter)
    };
    let is_prefix = prefix.ends_with(['-', '_', '.'])
        && prefix.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && prefix.chars().all(allowed)
        && prefix.len() <= 100
        && !prefix.contains(schema::INDEX_PREFIX);
    (is_date_alone && is_prefix).then_some(prefix)
}

/// A value with the option that gave it.
type Named = (&'static str, String);

/// Where the engine is, and who is asking.
struct Store {
    url: String,
    user: Option<(&'static str, String, String)>,
    api_key: Option<String>,
    authorities: Option<Named>,
    certificate: Option<(Named, Named)>,
    compression_level: Option<(&'static str, i64)>,
    timeout_seconds: Option<i64>,
}

impl Store {
    fn read(reader: &mut PluginReader<'_>) -> Option<Self> {
        let is_tls = reader.options.flag("ssl_enabled", false) | reader.options.flag("ssl", false);
        let given_hosts = reader.options.texts("hosts");
        let cloud_id = reader.options.text("cloud_id");
        let (url, in_address) = address(reader, given_hosts, cloud_id.as_deref(), is_tls)?;
        let user = user(reader, in_address);
        let api_key = reader.options.text("api_key").map(|key| hosts::api_key(&key));
        let is_verified =
            reader.options.choice("ssl_verification_mode", &["full", "none"]) != Some("none");
        if !is_verified {
            reader.leave("ssl_verification_mode", VERIFIED);
        }
        if !reader.options.flag("ssl_certificate_verification", true) {
            reader.leave("ssl_certificate_verification", VERIFIED);
        }
        let names = match reader.options.plugin() {
            "opensearch" => ["tls_certificate", "tls_key"],
            _ => ["ssl_certificate", "ssl_key"],
        };
        let [certificate, key] =
            names.map(|name| reader.options.text(name).map(|path| (name, path)));
        let is_compressed = reader.options.flag("http_compression", true);
        let level = reader.number_within("compression_level", 0..=9);
        Some(Self {
            url,
            user: user.filter(|_| api_key.is_none()),
            api_key,
            authorities: authorities(reader),
            certificate: certificate.zip(key),
            compression_level: if is_compressed {
                level.map(|level| ("compression_level", level))
            } else {
                Some(("http_compression", 0))
            },
            timeout_seconds: reader.number_within("timeout", 1..=3_600),
        })
    }

    fn carry(&self, reader: &mut PluginReader<'_>) {
        let text = |text: &str| SettingValue::Text(text.to_owned());
        let option = if reader.options.has("hosts") { "hosts" } else { "cloud_id" };
        reader.carry(option, &["search", "url"], text(&self.url));
        let mut carry = |option: &str, name: &str, value, unless| {
            reader.carry_unless(option, &["search", "elasticsearch", name], value, unless);
        };
        let secret = |value: &str, file_setting, file| SettingValue::Secret {
            value: Secret::new(value.to_owned()),
            file_setting,
            file,
        };
        if let Some((option, user, password)) = &self.user {
            carry(option, "user", text(user), UNLESS_ACCESS);
            let password = secret(password, "password_file", "elasticsearch-password");
            carry(option, "password", password, UNLESS_ACCESS);
        }
        if let Some(key) = &self.api_key {
            let key = secret(key, "api_key_file", "elasticsearch-api-key");
            carry("api_key", "api_key", key, UNLESS_ACCESS);
        }
        if let Some((option, path)) = &self.authorities {
            carry(option, "ca_file", text(path), UNLESS_URL);
        }
        if let Some((certificate, key)) = &self.certificate {
            carry(certificate.0, "client_cert_file", text(&certificate.1), UNLESS_URL);
            carry(key.0, "client_key_file", text(&key.1), UNLESS_URL);
        }
        if let Some((option, level)) = self.compression_level {
            carry(option, "compression_level", SettingValue::Whole(level), UNLESS_URL);
        }
        if let Some(seconds) = self.timeout_seconds {
            carry("timeout", "bulk_timeout", text(&format!("{seconds}s")), UNLESS_URL);
        }
    }
}

/// A user and a password that stand in an address.
type InAddress = Option<(String, String)>;

fn address(
    reader: &mut PluginReader<'_>,
    given_hosts: Option<Vec<String>>,
    cloud_id: Option<&str>,
    is_tls: bool,
) -> Option<(String, InAddress)> {
    if let Some(id) = cloud_id {
        let url = hosts::of_cloud_id(id);
        if url.is_none() {
            let way_out = "copy it from the deployment's page, or write `hosts`";
            reader.options.refuse("cloud_id", "`cloud_id` cannot be read", way_out);
        }
        return url.map(|url| (url, None));
    }
    let given = given_hosts.unwrap_or_else(|| vec!["localhost:9200".to_owned()]);
    match Hosts::parse(&given, is_tls) {
        Ok(Hosts { urls, user }) => Some((urls.join(","), user)),
        Err(message) => {
            reader.options.refuse("hosts", message, "write `hosts => [\"https://host:9200\"]`");
            None
        }
    }
}

fn user(
    reader: &mut PluginReader<'_>,
    in_address: InAddress,
) -> Option<(&'static str, String, String)> {
    let user = reader.options.text("user");
    let password = reader.options.text("password");
    let cloud = reader.options.text("cloud_auth");
    if let Some((user, password)) = user.zip(password) {
        return Some(("password", user, password));
    }
    let cloud = cloud.and_then(|both| {
        both.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    });
    let named = cloud.map(|(user, password)| ("cloud_auth", user, password));
    named.or_else(|| in_address.map(|(user, password)| ("hosts", user, password)))
}

fn authorities(reader: &mut PluginReader<'_>) -> Option<Named> {
    let old = reader.options.text("cacert").map(|path| ("cacert", path));
    let files = reader.options.texts("ssl_certificate_authorities").unwrap_or_default();
    if files.len() > 1 {
        let reason = "the first counts: `search.elasticsearch.ca_file` is one file, which may hold several \
                      certificates";
        reader.leave("ssl_certificate_authorities", reason);
    }
    files.into_iter().next().map(|path| ("ssl_certificate_authorities", path)).or(old)
}
