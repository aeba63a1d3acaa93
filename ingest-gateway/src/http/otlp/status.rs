//! What is said of a request that fails: `google.rpc.Status`, with the wait where there is one.
//!
//! Source: `google/rpc/status.proto`, `google/rpc/error_details.proto`, and the codes of gRPC.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::json;

use super::wire::{put_bytes, put_varint};
use crate::http::answer::Problem;

/// Codes of gRPC that a door answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
}

impl Status {
    /// What a problem is in gRPC. Only what may succeed later is said to be worth another try.
    pub(super) fn of(problem: &Problem) -> Self {
        let code = match problem.status {
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Code::Unavailable,
            StatusCode::PAYLOAD_TOO_LARGE => Code::ResourceExhausted,
            StatusCode::REQUEST_TIMEOUT => Code::DeadlineExceeded,
            StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::NOT_FOUND => Code::Unimplemented,
            _ => Code::InvalidArgument,
        };
        Self { code, message: problem.detail.clone(), retry_after: problem.retry_after }
    }

    /// `RetryInfo`, if there is a wait.
    pub(super) fn retry_info(&self) -> Option<Vec<u8>> {
        let wait = self.retry_after?;
        let mut duration = Vec::new();
        put_varint(&mut duration, 1, wait.as_secs());
        put_varint(&mut duration, 2, wait.subsec_nanos().into());
        let mut info = Vec::new();
        put_bytes(&mut info, 1, &duration);
        Some(info)
    }

    /// The whole of it.
    pub(super) fn to_protobuf(&self) -> Vec<u8> {
        let mut status = Vec::new();
        put_varint(&mut status, 1, self.code as u64);
        put_bytes(&mut status, 2, self.message.as_bytes());
        if let Some(info) = self.retry_info() {
            let mut any = Vec::new();
            put_bytes(&mut any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
            put_bytes(&mut any, 2, &info);
            put_bytes(&mut status, 3, &any);
        }
        status
    }

    /// The same in JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        json!({ "code": self.code as u64, "message": self.message }).to_string().into_bytes()
    }
}
