//! Logs of OpenTelemetry over gRPC: one unary call, on the HTTP door's own HTTP/2.
//!
//! Source: "gRPC over HTTP2" (PROTOCOL-HTTP2.md) and "Compression" of gRPC, and the OTLP specification
//! ("OTLP/gRPC Throttling"). A call is one message behind a head of five bytes, and ends with trailers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::export::{Export, Growing, Refused};
use super::format::Format;
use super::status::Status;
use crate::budget::Reservation;
use crate::http::answer::{Problem, Reply};
use crate::http::body::{BodyReader, undecodable};
use crate::http::decoding::{Decoder, Encoding};
use crate::http::request::{essence, open, reserve, text};
use crate::http::route::{Door, Sender, count_busy, turn_away};

/// The head of a message: whether it is compressed, and its length.
const HEAD_BYTES: usize = 5;
/// What a status message must not hold as it is ("Percent-Byte-Unencoded").
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// Answers a call of `Export`.
pub(in crate::http) async fn answer(
    door: &Door,
    sender: Sender,
    mut request: Request<Incoming>,
) -> Reply {
    let content_type = essence(text(request.headers(), CONTENT_TYPE.as_str()));
    let is_grpc = content_type == "application/grpc" || content_type == "application/grpc+proto";
    if *request.method() != Method::POST || !is_grpc {
        let detail = "this path is called by gRPC; over HTTP logs are sent to POST /v1/logs";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
        turn_away(door, &problem, &mut request).await;
        return problem.reply();
    }
    let compression = match compression(request.headers()) {
        Ok(compression) => compression,
        Err(problem) => {
            turn_away(door, &problem, &mut request).await;
            return failure(&problem);
        }
    };
    let (plan, mut body) = match open(door, &sender, request).await {
        Ok(opened) => opened,
        Err(problem) => return failure(&problem),
    };
    let growing = Growing::new(door, &sender.share);
    let result = match read(door, growing, &mut body, compression).await {
        Ok((message, room)) => {
            let export = Export { door, share: &sender.share, format: Format::Protobuf };
            export.take(plan, message, room).await
        }
        Err(problem) => {
            body.drain().await;
            Err(problem)
        }
    };
    match result {
        Ok(refused) => success(&refused),
        Err(problem) => {
            count_busy(door, &problem);
            failure(&problem)
        }
    }
}

/// How a compressed message of this call is compressed: the call as a whole is never, or one encoding would stand
/// within another.
fn compression(headers: &HeaderMap) -> Result<Encoding, Problem> {
    if Encoding::of(headers) != Ok(Encoding::Identity) {
        let detail =
            "a call has no content-encoding: name the encoding of its message in grpc-encoding";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    match text(headers, "grpc-encoding") {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" => Ok(Encoding::Gzip),
        "deflate" => Ok(Encoding::Deflate),
        "zstd" => Ok(Encoding::Zstd),
        other => {
            let detail = format!(
                "grpc-encoding `{}` is not taken: use one of gzip, deflate, zstd, or none",
                other.escape_debug().take(64).collect::<String>()
            );
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
        }
    }
}

/// Reads the one message of a call.
async fn read(
    door: &Door,
    mut growing: Growing<'_>,
    body: &mut BodyReader<'_>,
    compression: Encoding,
) -> Result<(Bytes, Option<Reservation>), Problem> {
    let cut = || Problem::new(StatusCode::BAD_REQUEST, "the call ends in the midst of its message");
    let other = |what: &str| Problem::new(StatusCode::BAD_REQUEST, what);
    let mut head = BytesMut::new();
    while head.len() < HEAD_BYTES {
        head.extend_from_slice(&body.next().await?.ok_or_else(cut)?);
    }
    let encoding = match head.get_u8() {
        0 => Encoding::Identity,
        1 if compression != Encoding::Identity => compression,
        _ => return Err(other("the message is compressed, and no grpc-encoding says how")),
    };
    let mut missing = u64::from(head.get_u32());
    let _decoding = reserve(door, growing.share(), encoding.memory_bytes()).await?;
    let (bytes_max, ratio_max) =
        (door.config.decompressed_bytes_max.0, door.config.decompressed_ratio_max);
    let undecodable = |error| undecodable(&door.intake, &error);
    let mut decoder = Decoder::new(encoding, bytes_max, ratio_max).map_err(undecodable)?;
    let mut chunk = head.freeze();
    loop {
        if chunk.len() as u64 > missing {
            return Err(other("something follows the call's one message"));
        }
        missing -= chunk.len() as u64;
        decoder.push(chunk);
        while let Some(block) = decoder.next().map_err(undecodable)? {
            growing.extend(&block).await?;
        }
        match body.next().await? {
            Some(next) => chunk = next,
            None if missing == 0 => break,
            None => return Err(cut()),
        }
    }
    decoder.finish().map_err(undecodable)?;
    Ok(growing.finish())
}

fn success(refused: &Refused) -> Reply {
    let response = refused.to_protobuf();
    let mut body = Vec::with_capacity(HEAD_BYTES + response.len());
    body.push(0);
    body.extend_from_slice(&u32::try_from(response.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(&response);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from(body)).with_trailers(async move { Some(Ok(trailers)) });
    reply(Response::new(body.boxed_unsync()))
}

/// An answer without a message: what would be trailers stands in its headers.
fn failure(problem: &Problem) -> Reply {
    let status = Status::of(problem);
    let mut reply = reply(Response::new(Full::new(Bytes::new()).boxed_unsync()));
    let message = utf8_percent_encode(&status.message, ENCODED).to_string();
    let base64 = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    let details = base64(&status.to_protobuf());
    let retry_info = status.retry_info().map(|info| base64(&info));
    let named = [
        ("grpc-status", Some((status.code as u8).to_string())),
        ("grpc-message", Some(message)),
        ("grpc-status-details-bin", Some(details)),
        ("grpc-accept-encoding", Some("identity,gzip,deflate,zstd".to_owned())),
        // Where exporters in Python look for it.
        ("google.rpc.retryinfo-bin", retry_info),
    ];
    for (name, value) in named {
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        if let Some(value) = value {
            reply.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    reply
}

fn reply(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    reply
}
