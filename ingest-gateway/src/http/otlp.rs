//! Logs of OpenTelemetry over HTTP: `POST /v1/logs` in protobuf or JSON. `grpc` has the same over gRPC.
//!
//! Source: the OTLP specification, version 1 ("OTLP/HTTP", "OTLP/gRPC", "Failures", "Partial Success"). A
//! message is held whole, since it can only be read so; its records are decoded one at a time. Success
//! means that every record is durable, or refused for good and named in the answer.

mod export;
pub(crate) mod format;
mod grpc;
mod json;
mod model;
mod outline;
mod protobuf;
mod record;
mod status;
mod wire;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Request, StatusCode};

use super::answer::{self, Problem, Reply, retry_after_seconds};
use super::body::BodyReader;
use super::request::{Plan, essence, open, text};
use super::route::{Door, Sender, count_busy};
use export::Export;
use format::Format;
pub(super) use grpc::answer as answer_grpc;

/// The path over gRPC.
pub(super) const GRPC_PATH: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// How much of a body may have to be looked at.
const PEEKED_BYTES: usize = 4 << 10;

/// Whether a request to `/v1/logs` says itself that it is OTLP.
pub(super) fn is_protobuf(request: &Request<Incoming>) -> bool {
    let content_type = essence(text(request.headers(), CONTENT_TYPE.as_str()));
    content_type.eq_ignore_ascii_case("application/x-protobuf")
}

/// Whether a body may be OTLP in JSON: its beginning says whether it is.
pub(super) fn may_be_json(plan: &Plan) -> bool {
    essence(&plan.origin.content_type).eq_ignore_ascii_case("application/json")
}

/// Whether a body is OTLP in JSON: it begins with the one name that a message has.
pub(super) async fn is_json(body: &mut BodyReader<'_>) -> Result<bool, Problem> {
    let beginning = body.peek(PEEKED_BYTES, |beginning| {
        // Brace, name and colon, with some blanks between them.
        beginning.trim_ascii_start().len() >= 64
    });
    Ok(json::begins(beginning.await?))
}

/// Answers a request in protobuf.
pub(super) async fn answer_protobuf(
    door: &Door,
    sender: Sender,
    request: Request<Incoming>,
) -> Reply {
    match open(door, &sender, request).await {
        Ok((plan, body)) => answer_body(door, &sender, Format::Protobuf, plan, body).await,
        Err(problem) => failure(Format::Protobuf, &problem),
    }
}

/// Answers a body that is known to be JSON.
pub(super) async fn answer_json(
    door: &Door,
    sender: &Sender,
    plan: Plan,
    body: BodyReader<'_>,
) -> Reply {
    answer_body(door, sender, Format::Json, plan, body).await
}

async fn answer_body(
    door: &Door,
    sender: &Sender,
    format: Format,
    plan: Plan,
    mut body: BodyReader<'_>,
) -> Reply {
    let export = Export { door, share: &sender.share, format };
    let result = match export.read(&mut body).await {
        Ok((message, room)) => export.take(plan, message, room).await,
        Err(problem) => {
            body.drain().await;
            Err(problem)
        }
    };
    match result {
        Ok(refused) => success(format, &refused),
        Err(problem) => {
            count_busy(door, &problem);
            failure(format, &problem)
        }
    }
}

fn success(format: Format, refused: &export::Refused) -> Reply {
    let body = match format {
        Format::Protobuf => refused.to_protobuf(),
        Format::Json => refused.to_json(),
    };
    reply(StatusCode::OK, format, body)
}

fn failure(format: Format, problem: &Problem) -> Reply {
    let status = status::Status::of(problem);
    let body = match format {
        Format::Protobuf => status.to_protobuf(),
        Format::Json => status.to_json(),
    };
    let mut reply = reply(problem.status, format, body);
    if let Some(wait) = problem.retry_after {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(wait)));
    }
    reply
}

fn reply(status: StatusCode, format: Format, body: Vec<u8>) -> Reply {
    let content_type = match format {
        Format::Protobuf => "application/x-protobuf",
        Format::Json => "application/json",
    };
    answer::reply(status, content_type, Bytes::from(body))
}
