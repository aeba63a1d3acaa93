//! Settings of further addresses of the HTTP door: where SDKs, agents and clients look unless they are told otherwise.
//!
//! They are addresses and nothing else: what is taken there, from whom and within which limits is said by
//! `[ingest_gateway.http]`.

use serde::{Deserialize, Serialize};

use super::Listen;

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
