//! Sends requests to an engine's hosts: signed in, in bounded time, with a bounded answer, never following a
//! redirect. Dropping a request ends it. It knows no index and no query.

mod sign_in;

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};

use super::address::Addresses;
use super::config::ElasticsearchConfig;
use super::hosts::Hosts;
use super::tls;
use crate::StoreError;

/// A request's body.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    None,
    Json(Bytes),
    /// Lines of JSON, perhaps compressed with gzip.
    Lines {
        bytes: Bytes,
        compressed: bool,
    },
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The wait that the engine asks for.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) is_elasticsearch: bool,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// No host can be reached.
    Unreachable(String),
    /// The answer did not come in time.
    TooLate,
    /// The answer broke off.
    Broken(String),
    /// The answer is longer than the limit.
    TooLong,
}

/// The longest wait that an engine can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Connections to all hosts.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    urls: Vec<Url>,
    hosts: Mutex<Hosts>,
    answer_bytes_max: usize,
}

impl Client {
    /// # Errors
    /// For settings and files that cannot be used.
    pub(crate) fn new(
        addresses: Addresses,
        config: &ElasticsearchConfig,
    ) -> Result<Self, StoreError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(config.connect_timeout.0)
            .tcp_nodelay(true)
            .user_agent(concat!("millrace/", env!("CARGO_PKG_VERSION")));
        let sign_in = sign_in::header(config, addresses.user.as_deref())?;
        let mut headers = HeaderMap::new();
        headers.extend(sign_in.map(|value| (reqwest::header::AUTHORIZATION, value)));
        builder = builder.default_headers(headers);
        // Without any https the certificates need not be there.
        if addresses.has_tls() {
            builder = builder.tls_backend_preconfigured(tls::client(config)?);
        } else {
            builder = builder.tls_backend_preconfigured(tls::unused()?);
        }
        let http = builder.build().map_err(|error| {
            StoreError::Fatal(format!("the search engine's client: {}", told(&error)))
        })?;
        let hosts = Mutex::new(Hosts::new(addresses.hosts.len()));
        let answer_bytes_max = config.answer_bytes_max.as_usize();
        Ok(Self { http, urls: addresses.hosts, hosts, answer_bytes_max })
    }

    /// The hosts, to be shown.
    pub(crate) fn shown(&self) -> String {
        self.urls.iter().map(Url::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Asks one host; the next one if that cannot be reached.
    ///
    /// # Errors
    /// No answer.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Body,
        time: Duration,
    ) -> Result<Answer, NoAnswer> {
        let mut unreachable = String::new();
        let attempts = self.hosts().len();
        let until = Instant::now() + time;
        for _ in 0..attempts {
            let left = until.saturating_duration_since(Instant::now());
            let host = self.hosts().choose(Instant::now());
            match self.ask_host(host, &method, path, body.clone(), left).await {
                Err(NoAnswer::Unreachable(reason)) => {
                    if self.hosts().failed(host, Instant::now()) {
                        tracing::warn!(host = %self.urls[host], reason, "a search host is down");
                    }
                    unreachable = reason;
                }
                Ok(answer) => {
                    let is_up = !matches!(answer.status.as_u16(), 502..=504);
                    if is_up {
                        self.hosts().answered(host);
                    } else {
                        self.hosts().failed(host, Instant::now());
                    }
                    return Ok(answer);
                }
                Err(NoAnswer::TooLong) => {
                    self.hosts().answered(host);
                    return Err(NoAnswer::TooLong);
                }
                Err(other) => {
                    self.hosts().failed(host, Instant::now());
                    return Err(other);
                }
            }
        }
        Err(NoAnswer::Unreachable(unreachable))
    }

    async fn ask_host(
        &self,
        host: usize,
        method: &Method,
        path: &str,
        body: Body,
        time: Duration,
    ) -> Result<Answer, NoAnswer> {
        let url =
            self.urls[host].join(path).map_err(|error| NoAnswer::Broken(error.to_string()))?;
        let mut request = self.http.request(method.clone(), url).timeout(time);
        match body {
            Body::None => {}
            Body::Json(bytes) => {
                request = request.header(CONTENT_TYPE, "application/json").body(bytes);
            }
            Body::Lines { bytes, compressed } => {
                request = request.header(CONTENT_TYPE, "application/x-ndjson").body(bytes);
                if compressed {
                    request = request.header(CONTENT_ENCODING, "gzip");
                }
            }
        }
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let headers = response.headers();
        let retry_after = headers.get(RETRY_AFTER).and_then(seconds);
        let product = headers.get("x-elastic-product").map(HeaderValue::as_bytes);
        let is_elasticsearch = product == Some(b"Elasticsearch");
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(no_answer)? {
            if body.len() + piece.len() > self.answer_bytes_max {
                return Err(NoAnswer::TooLong);
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, retry_after, is_elasticsearch, body: body.freeze() })
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    if error.is_connect() {
        NoAnswer::Unreachable(told(&error))
    } else if error.is_timeout() {
        NoAnswer::TooLate
    } else {
        NoAnswer::Broken(told(&error))
    }
}

/// An error with its causes, which say more than itself. The address is said elsewhere.
fn told(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next: Option<&dyn Error> = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() { "the request failed".to_owned() } else { causes.join(": ") }
}

impl NoAnswer {
    /// In words.
    pub(crate) fn told(&self, hosts: &str) -> String {
        match self {
            Self::Unreachable(reason) => {
                format!("the search engine at {hosts} cannot be reached: {reason}")
            }
            Self::TooLate => format!("the search engine at {hosts} did not answer in time"),
            Self::Broken(reason) => format!("the search engine's answer broke off: {reason}"),
            Self::TooLong => {
                "the search engine's answer is longer than answer_bytes_max".to_owned()
            }
        }
    }
}
