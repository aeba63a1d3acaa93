//! Settings of further addresses of the HTTP door: where SDKs, agents and clients look unless they are told otherwise.
//!
//! They are addresses and nothing else: what is taken there, from whom and within which limits is said by
//! `[ingest_gateway.http]`.

use serde::{Deserialize, Serialize};

use super::{Config, Listen};

/// Where senders of OpenTelemetry look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpConfig {
    /// Address and port where OTLP over HTTP is looked for, or `off`.
    pub http_listen: Listen,
    /// Address and port where OTLP over gRPC is looked for, or `off`.
    pub grpc_listen: Listen,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            http_listen: Listen::loopback_if_free(4318),
            grpc_listen: Listen::loopback_if_free(4317),
        }
    }
}

/// Where clients of Elasticsearch look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BulkConfig {
    /// Address and port, or `off`. Clients look for port 9200.
    pub listen: Listen,
}

impl Default for BulkConfig {
    fn default() -> Self {
        Self { listen: Listen::Off }
    }
}

impl Config {
    /// All addresses of the HTTP door: the names of settings within `[ingest_gateway]`, and what they say.
    pub(crate) fn http_listens(&self) -> [(&'static str, Listen); 4] {
        [
            ("http.listen", self.http.listen),
            ("otlp.http_listen", self.otlp.http_listen),
            ("otlp.grpc_listen", self.otlp.grpc_listen),
            ("bulk.listen", self.bulk.listen),
        ]
    }
}
