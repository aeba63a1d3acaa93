//! What a request means: which path, who sends it, and what its headers promise of the body.

use std::sync::Arc;
use std::time::Duration;

use bus::Codec;
use bytestring::ByteString;
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, EXPECT, HeaderMap};
use hyper::{Method, Request, StatusCode};
use tokio::time::timeout;

use super::DOOR;
use super::answer::{self, Problem, Reply};
use super::decoding::Encoding;
use super::upload::{FAILED, Plan, Upload, drain, too_large};
use crate::budget::{Reservation, Share};
use crate::config::HttpConfig;
use crate::intake::{Ids, Intake, Origin};

/// Memory of a body that says nothing of its size: a batch that fills, and one on its way.
const BODY_MEMORY_BYTES: usize = 2 << 20;
/// How long a request waits for memory before it is told to come again.
const MEMORY_WAIT: Duration = Duration::from_secs(2);
/// Longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 255;
/// Longest content type that is kept, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 128;

const WELCOME: &str = "This is Millrace's HTTP door for logs.\n\n\
    POST /v1/logs takes lines of JSON, a JSON array, one JSON object, or lines of text/plain;\n\
    plain or with Content-Encoding gzip, deflate or zstd. With an Idempotency-Key a body may be\n\
    sent again without being counted twice.\n\n\
    curl --data-binary @file.ndjson http://127.0.0.1:8080/v1/logs\n";

/// What the door knows.
pub(crate) struct Door {
    pub(crate) intake: Intake,
    pub(crate) config: HttpConfig,
}

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(crate) struct Sender {
    /// Address without port.
    pub(crate) source: ByteString,
    /// The memory of its address.
    pub(crate) share: Share,
}

/// Answers a request, whatever it is.
pub(crate) async fn answer(door: &Door, sender: Sender, request: Request<Incoming>) -> Reply {
    if head_bytes(&request) > door.config.header_bytes_max.as_usize() {
        door.intake.metrics().limit_hit(DOOR, "header_bytes");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Problem::new(status, "the request line and headers are too large").reply();
    }
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    match (request.uri().path(), reading) {
        ("/v1/logs", _) if request.method() == Method::POST => logs(door, sender, request).await,
        ("/v1/logs", _) => {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "logs are sent with POST").reply()
        }
        ("/", true) => answer::text(StatusCode::OK, WELCOME),
        ("/health", true) => health(door),
        _ => Problem::new(StatusCode::NOT_FOUND, "logs are sent to POST /v1/logs").reply(),
    }
}

/// Size of the request line and headers, as HTTP/1.1 writes them. The connection bounds what it reads
/// of them, but by its read-ahead, which is larger.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    let fields =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    request.method().as_str().len() + target + " HTTP/1.1\r\n\r\n".len() + 1 + fields.sum::<usize>()
}

fn health(door: &Door) -> Reply {
    match door.intake.is_failed() {
        false => answer::text(StatusCode::OK, "ready\n"),
        true => answer::text(StatusCode::SERVICE_UNAVAILABLE, format!("{FAILED}\n")),
    }
}

async fn logs(door: &Door, sender: Sender, mut request: Request<Incoming>) -> Reply {
    let planned = plan(door, sender, &request).await;
    let planned = planned.and_then(|plan| Upload::new(&door.intake, &door.config, plan));
    let upload = match planned {
        Ok(upload) => upload,
        Err(problem) => {
            count_busy(door, &problem);
            // Who waits for `100 Continue` has sent no body, and now keeps it.
            if !request.headers().contains_key(EXPECT) {
                drain(request.body_mut(), door.config.body_bytes_max.0).await;
            }
            return problem.reply();
        }
    };
    let (tally, result) = upload.run(request.into_body()).await;
    let warning = door.intake.durability_warning();
    match result {
        Ok(()) => answer::lines(&tally, warning),
        Err(problem) => {
            count_busy(door, &problem);
            problem.reply_after(&tally, warning)
        }
    }
}

fn count_busy(door: &Door, problem: &Problem) {
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        door.intake.count_busy();
    }
}

/// What the headers promise, if the body may come.
async fn plan(door: &Door, sender: Sender, request: &Request<Incoming>) -> Result<Plan, Problem> {
    let headers = request.headers();
    let identity = door.intake.identify(bearer(headers)).map_err(|_| {
        Problem::new(StatusCode::UNAUTHORIZED, "send `Authorization: Bearer <ingest token>`")
    })?;
    let encoding = Encoding::of(headers).map_err(|unknown| {
        let detail = format!(
            "content encoding `{}` is not taken: use one of gzip, deflate, zstd, or none",
            unknown.0.escape_debug()
        );
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })?;
    let idempotency_key = idempotency_key(headers)?;
    let promised = request.body().size_hint().exact();
    if promised.is_some_and(|bytes| bytes > door.config.body_bytes_max.0) {
        door.intake.metrics().limit_hit(DOOR, "body_bytes");
        return Err(too_large(&door.config));
    }
    let room = room(door, &sender.share, encoding, promised).await?;
    let content_type = text(headers, CONTENT_TYPE.as_str());
    let origin = Arc::new(Origin {
        shop: identity.shop,
        source: sender.source,
        listener: DOOR,
        codec: if is_plain(content_type) { Codec::Plain } else { Codec::Json },
        content_type: clipped(content_type).into(),
        trace_context: trace_context(headers).into(),
        // The same body goes to the same partition again.
        routing_key: match &idempotency_key {
            Some(key) => key.clone(),
            None => Ids::counted().of("", 0).to_string().into(),
        },
    });
    Ok(Plan { origin, encoding, said_lines: says_lines(content_type), idempotency_key, room })
}

async fn room(
    door: &Door,
    share: &Share,
    encoding: Encoding,
    promised: Option<u64>,
) -> Result<Reservation, Problem> {
    let promised = promised.and_then(|bytes| usize::try_from(bytes).ok());
    let body = match (encoding, promised) {
        (Encoding::Identity, Some(bytes)) => bytes.min(BODY_MEMORY_BYTES),
        _ => BODY_MEMORY_BYTES,
    };
    let reserve = share.reserve(body + encoding.memory_bytes());
    timeout(MEMORY_WAIT, reserve).await.map_err(|_| {
        door.intake.metrics().limit_hit(DOOR, "memory_bytes");
        Problem::busy("the door's memory is used up for now", door.intake.retry_after())
    })
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    // Two answers to the same question are no answer.
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<ByteString>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let usable = |key: &&str| (1..=KEY_BYTES_MAX).contains(&key.len());
    match value.to_str().ok().filter(usable) {
        Some(key) if values.next().is_none() => Ok(Some(key.into())),
        _ => {
            let detail =
                format!("Idempotency-Key is 1 to {KEY_BYTES_MAX} visible ASCII characters");
            Err(Problem::new(StatusCode::BAD_REQUEST, detail))
        }
    }
}

/// A header's value, empty if it is missing or not text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The content type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_plain(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("text/plain")
}

/// The names in use for lines of JSON; none is registered.
fn says_lines(content_type: &str) -> bool {
    const NAMES: [&str; 4] = [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/json-lines",
    ];
    NAMES.iter().any(|name| essence(content_type).eq_ignore_ascii_case(name))
}

fn clipped(content_type: &str) -> &str {
    // A header that reads as text is ASCII: any byte is a boundary.
    content_type.get(..CONTENT_TYPE_BYTES_MAX).unwrap_or(content_type)
}

/// The `traceparent` (W3C Trace Context, 3.2), if it is one of version 00.
fn trace_context(headers: &HeaderMap) -> &str {
    let value = text(headers, "traceparent");
    let mut parts = value.split('-');
    let sizes = [2, 32, 16, 2];
    let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let right = sizes.iter().all(|size| {
        parts.next().is_some_and(|part| part.len() == *size && part.bytes().all(lower_hex))
    });
    if right && parts.next().is_none() && value.starts_with("00-") { value } else { "" }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::{AUTHORIZATION, HeaderValue};

    use super::{bearer, idempotency_key, is_plain, trace_context};

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn a_token_is_taken_from_one_bearer_header_only() {
        assert_eq!(bearer(&headers("authorization", "bearer  abc")), Some(&b"abc"[..]));
        assert_eq!(bearer(&headers("authorization", "Basic abc")), None);
        let mut two = headers("authorization", "Bearer abc");
        two.append(AUTHORIZATION, HeaderValue::from_static("Bearer abd"));
        assert_eq!(bearer(&two), None);
    }

    #[test]
    fn keys_and_content_types_are_taken_as_sent() {
        let key = idempotency_key(&headers("idempotency-key", "\"upload 7\"")).unwrap();
        assert_eq!(key.as_deref(), Some("\"upload 7\""));
        assert!(idempotency_key(&headers("idempotency-key", "")).is_err());
        assert!(is_plain("Text/Plain; charset=utf-8"));
        assert!(!is_plain("application/x-ndjson"));
        assert!(!is_plain(""));
    }

    #[test]
    fn only_a_real_traceparent_is_kept() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(trace_context(&headers("traceparent", good)), good);
        for bad in [
            "",
            "00-0af7-b7ad-01",
            "%{foo}",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ] {
            assert_eq!(trace_context(&headers("traceparent", bad)), "");
        }
    }
}
