//! The client library's settings, made of ours, and what it tells while it works.
//!
//! Every client of a bus begins with the same connection settings; what a promise of the bus rests on is
//! set here and nowhere else.

use std::sync::{Arc, Mutex, PoisonError};

use bus::{BusError, ErrorKind};
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use service::Secret;

use crate::address::Address;
use crate::config::{Compression, GroupProtocol, KafkaConfig, SaslMechanism};
use crate::error::{fatal, sort, transient};
use crate::oauth::TokenFile;

/// Bytes by which a batch of one message may be larger than that message.
pub(crate) const BATCH_OVERHEAD_BYTES: u64 = 4 << 10;
/// How long a queue that is full is left alone before it is filled again.
const FETCH_BACKOFF_MS: u64 = 20;
/// How long a broker may hold back an answer that would be empty, in milliseconds.
const FETCH_WAIT_MS: u64 = 50;
/// Bytes beyond which messages are not joined into one batch. A reader is given whole batches of every
/// partition, however little it asks for, so this is felt in its memory.
const REQUEST_BATCH_BYTES: u64 = 128 << 10;

/// What a client said last about its connections.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    last: Mutex<Option<(Code, String)>>,
    /// Whether what the client proves itself with is renewed by somebody: refused, it is waited for.
    renewed: bool,
}

impl Condition {
    fn said(&self, code: Code, reason: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are away follows what is wrong with them, and says less.
        if code != Code::AllBrokersDown || last.is_none() {
            *last = Some((code, reason.to_owned()));
        }
    }

    /// Whether a code passes though it does not for others: a token that is refused is renewed.
    pub(crate) fn passes(&self, code: Code) -> bool {
        self.renewed && matches!(code, Code::Authentication | Code::SaslAuthenticationFailed)
    }

    /// Forgets what was said: it works now.
    pub(crate) fn works(&self) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether nothing was said since it worked.
    pub(crate) fn is_silent(&self) -> bool {
        self.last().is_none()
    }

    fn last(&self) -> Option<(Code, String)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds to an error of waiting what the brokers were said to be; it stays one of waiting.
    pub(crate) fn describe(&self, error: BusError) -> BusError {
        match self.last().filter(|_| error.kind == ErrorKind::Transient) {
            Some((_, reason)) => transient(format!("{}; the client says: {reason}", error.message)),
            None => error,
        }
    }

    /// Adds to an error of waiting what the brokers were said to be. A certificate or a password that is
    /// refused does not get better by waiting.
    pub(crate) fn explain(&self, error: BusError) -> BusError {
        let Some((code, reason)) = self.last().filter(|_| error.kind == ErrorKind::Transient)
        else {
            return error;
        };
        let (kind, advice) = sort(code);
        let text = format!("{}; the client says: {reason}; {advice}", error.message);
        match (code, kind) {
            // Whatever the code: the library tells it as a lost connection too.
            _ if reason.contains("certificate") => {
                fatal(format!("{text}; look at the settings tls and ca_file"))
            }
            (code, _) if self.passes(code) => transient(text),
            (_, ErrorKind::Transient) => transient(text),
            _ => fatal(text),
        }
    }
}

/// What every client tells: its log, its errors, its need for tokens.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) condition: Arc<Condition>,
    token: Option<Arc<TokenFile>>,
}

impl Context {
    pub(crate) fn new(config: &KafkaConfig) -> Self {
        let token = config.sasl.token_file.clone().map(|path| Arc::new(TokenFile::new(path)));
        let condition = Condition { renewed: token.is_some(), ..Condition::default() };
        Self { condition: Arc::new(condition), token }
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, message, "kafka client"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(facility, message, "kafka client");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(facility, message, "kafka client"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        if code == Code::AutoOffsetReset || code == Code::PartitionEOF {
            return;
        }
        tracing::warn!(%error, reason, "kafka client");
        self.condition.said(code, reason);
    }

    fn generate_oauth_token(
        &self,
        _settings: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let token = self.token.as_ref().ok_or("no token file is set")?;
        token.read().map_err(|error| {
            tracing::warn!(%error, "the token for Kafka cannot be read");
            error.into()
        })
    }
}

impl ConsumerContext for Context {}

/// Makes settings of clients.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    pub(crate) config: Arc<KafkaConfig>,
    address: Address,
    password: Option<Secret<String>>,
}

impl Clients {
    /// Reads what the settings name.
    pub(crate) fn new(address: Address, config: KafkaConfig) -> Result<Self, BusError> {
        let sasl = &config.sasl;
        let password = Secret::given(sasl.password.as_ref(), sasl.password_file.as_deref())
            .map_err(|error| fatal(format!("sasl.password_file: {error}")))?;
        Ok(Self { config: Arc::new(config), address, password })
    }

    /// The brokers to begin with.
    pub(crate) fn brokers(&self) -> &str {
        &self.address.brokers
    }

    /// Whether tokens are used, of which the client library's administration knows nothing.
    pub(crate) fn uses_tokens(&self) -> bool {
        self.config.sasl.mechanism == Some(SaslMechanism::OauthBearer)
    }

    /// The name of a topic in the cluster.
    pub(crate) fn full_name(&self, topic: &str) -> String {
        if self.config.topics.is_foreign(topic) {
            return topic.to_owned();
        }
        format!("{}{topic}", self.config.topic_prefix)
    }

    /// The name of a group in the cluster.
    pub(crate) fn full_group(&self, group: &str) -> String {
        format!("{}{group}", self.config.topic_prefix)
    }

    /// What every client needs.
    pub(crate) fn common(&self) -> ClientConfig {
        let config = &self.config;
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.address.brokers)
            .set("client.id", &config.client_id)
            .set("allow.auto.create.topics", "false")
            .set("socket.keepalive.enable", "true")
            .set("log.connection.close", "false")
            .set("reconnect.backoff.max.ms", "5000")
            .set_log_level(RDKafkaLogLevel::Warning);
        self.protect(&mut client);
        client
    }

    fn protect(&self, client: &mut ClientConfig) {
        let config = &self.config;
        let tls = config.tls.unwrap_or(self.address.tls);
        let protocol = match (config.sasl.mechanism.is_some(), tls) {
            (false, false) => "plaintext",
            (false, true) => "ssl",
            (true, false) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if tls {
            client
                .set("enable.ssl.certificate.verification", "true")
                .set("ssl.endpoint.identification.algorithm", "https");
            let files = [
                ("ssl.ca.location", &config.ca_file),
                ("ssl.certificate.location", &config.client_cert_file),
                ("ssl.key.location", &config.client_key_file),
            ];
            for (setting, file) in files {
                if let Some(file) = file {
                    client.set(setting, file.to_string_lossy());
                }
            }
        }
        if let Some(mechanism) = config.sasl.mechanism {
            client.set("sasl.mechanism", mechanism.name());
        }
        if let Some(password) = &self.password {
            client.set("sasl.username", &config.sasl.user).set("sasl.password", password.reveal());
        }
    }

    /// For the one that publishes. Its memory is bounded by the library and, before that, by the
    /// publishers' own permits.
    pub(crate) fn producer(&self) -> ClientConfig {
        let config = &self.config;
        let compression = match config.compression {
            Compression::Zstd => "zstd",
            Compression::Lz4 => "lz4",
            Compression::None => "none",
        };
        let largest = config.message_bytes_max.0 + BATCH_OVERHEAD_BYTES;
        let mut client = self.common();
        client
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", compression)
            .set("linger.ms", config.linger.0.as_millis().to_string())
            .set("batch.size", largest.min(REQUEST_BATCH_BYTES).to_string())
            .set("message.max.bytes", largest.to_string())
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", (config.queue_bytes.0 / 1_024).max(1).to_string())
            .set("delivery.timeout.ms", config.delivery_timeout.0.as_millis().to_string());
        client
    }

    /// For one that asks about topics and offsets; with a group where it asks about one.
    pub(crate) fn asking(&self, group: Option<&str>) -> ClientConfig {
        let mut client = self.common();
        client.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        if let Some(group) = group {
            client.set("group.id", group);
        }
        client
    }

    /// For one that reads single messages at positions.
    pub(crate) fn reading(&self) -> ClientConfig {
        let group = self.full_group("millrace-reader");
        let mut client = self.asking(Some(&group));
        client.set("auto.offset.reset", "error").set("fetch.wait.max.ms", "100");
        self.bound_fetches(&mut client);
        client
    }

    /// For a member of a group.
    pub(crate) fn member(&self, group: &str) -> ClientConfig {
        let config = &self.config;
        let mut client = self.asking(Some(group));
        client
            // Where to begin is decided by us. Out of range, nothing that is still there is passed over,
            // and the reader sees and tells it.
            .set("auto.offset.reset", "earliest")
            .set("check.crcs", "true")
            .set("queued.max.messages.kbytes", (config.prefetch_bytes.0 / 1_024).max(1).to_string())
            .set("queued.min.messages", "100000")
            .set("fetch.queue.backoff.ms", FETCH_BACKOFF_MS.to_string())
            // While one request waits for partitions that are read to their end, those that have more are not
            // asked: a longer wait would be the pace of all of them.
            .set("fetch.wait.max.ms", FETCH_WAIT_MS.to_string());
        self.bound_fetches(&mut client);
        if !config.instance_id.is_empty() {
            client.set("group.instance.id", &config.instance_id);
        }
        match config.group_protocol {
            GroupProtocol::Consumer => client.set("group.protocol", "consumer"),
            GroupProtocol::Classic => {
                let session = config.session_timeout.0.as_millis();
                client
                    .set("group.protocol", "classic")
                    .set("partition.assignment.strategy", "cooperative-sticky")
                    .set("session.timeout.ms", session.to_string())
                    .set("heartbeat.interval.ms", (session / 15).clamp(100, 3_000).to_string())
                    .set("max.poll.interval.ms", session.max(300_000).to_string())
            }
        };
        client
    }

    fn bound_fetches(&self, client: &mut ClientConfig) {
        let config = &self.config;
        let whole = config.fetch_bytes.0.max(config.message_bytes_max.0 + BATCH_OVERHEAD_BYTES);
        client
            .set("fetch.max.bytes", whole.to_string())
            .set("fetch.message.max.bytes", config.fetch_partition_bytes.0.to_string())
            .set(
                "receive.message.max.bytes",
                (whole * 2 + (1 << 20)).min(2_147_483_647).to_string(),
            );
    }
}
