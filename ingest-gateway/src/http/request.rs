//! What the headers of a request promise: who sends it, how it is encoded, what it holds, and that there is
//! memory for it.

use std::sync::Arc;
use std::time::Duration;

use bus::Codec;
use bytestring::ByteString;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, StatusCode};
use tokio::time::timeout;

use super::answer::Problem;
use super::body::{BodyReader, too_large, undecodable};
use super::decoding::{Decoder, Encoding};
use super::route::{Door, Sender, turn_away};
use super::{credentials, description};
use crate::budget::{Reservation, Share};
use crate::intake::{Identity, Ids, Origin, Shown, Unidentified};

/// Least memory of a body that says nothing of its size: a batch that fills, and one on its way.
pub(crate) const BODY_MEMORY_BYTES: usize = 2 << 20;
/// How long a request waits for memory before it is told to come again.
const MEMORY_WAIT: Duration = Duration::from_secs(2);
/// Longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// What is known of a body before it is read.
pub(crate) struct Plan {
    pub(crate) origin: Arc<Origin>,
    pub(crate) encoding: Encoding,
    /// Whether the content type says that JSON comes in lines.
    pub(crate) said_lines: bool,
    pub(crate) idempotency_key: Option<ByteString>,
    pub(crate) room: Reservation,
}

/// What the headers promise, with the reader of the body that may come now. Who cannot be served is turned away
/// before the problem is given.
pub(crate) async fn open<'a>(
    door: &'a Door,
    sender: &Sender,
    mut request: Request<Incoming>,
) -> Result<(Plan, BodyReader<'a>), Problem> {
    match prepare(door, sender, &request).await {
        Ok((plan, decoder)) => {
            let body = request.into_body();
            Ok((plan, BodyReader::new(&door.intake, &door.config, decoder, body)))
        }
        Err(problem) => {
            turn_away(door, &problem, &mut request).await;
            Err(problem)
        }
    }
}

async fn prepare(
    door: &Door,
    sender: &Sender,
    request: &Request<Incoming>,
) -> Result<(Plan, Decoder), Problem> {
    let plan = plan(door, sender, request).await?;
    let config = &door.config;
    let (bytes_max, ratio_max) = (config.decompressed_bytes_max.0, config.decompressed_ratio_max);
    let decoder = Decoder::new(plan.encoding, bytes_max, ratio_max)
        .map_err(|error| undecodable(&door.intake, &error))?;
    Ok((plan, decoder))
}

async fn plan(door: &Door, sender: &Sender, request: &Request<Incoming>) -> Result<Plan, Problem> {
    let headers = request.headers();
    let identity = identify(door, sender, headers).await?;
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
        door.limit_hit("body_bytes");
        return Err(too_large(&door.intake, &door.config));
    }
    door.intake.admit(&identity.shop, promised).await.map_err(Problem::over_quota)?;
    let described = description::content_type(door, request);
    // Of its own a content type is little beside what a request holds anyway.
    let described_bytes = if door.config.request_headers { described.len() } else { 0 };
    let room = room(door, &sender.share, encoding, promised, described_bytes).await?;
    let content_type = text(headers, CONTENT_TYPE.as_str());
    let origin = Arc::new(Origin {
        shop: identity.shop,
        source: sender.source.clone(),
        listener: ByteString::from_static(door.intake.door()),
        codec: codec(content_type, door.config.codec),
        content_type: described,
        trace_context: trace_context(headers).into(),
        // The same body goes to the same partition again.
        routing_key: match &idempotency_key {
            Some(key) => key.clone(),
            None => Ids::counted().of("", 0).to_string().into(),
        },
    });
    Ok(Plan { origin, encoding, said_lines: says_lines(content_type), idempotency_key, room })
}

/// Memory of a body that says nothing of its size, where a line may have so many bytes: of each batch, one line.
pub(crate) fn body_memory_bytes(line_bytes_max: usize) -> usize {
    BODY_MEMORY_BYTES.max(line_bytes_max.saturating_mul(2))
}

/// Who sends a request, by the token that it shows and the sender's certificate.
pub(crate) async fn identify(
    door: &Door,
    sender: &Sender,
    headers: &HeaderMap,
) -> Result<Identity, Problem> {
    let token = credentials::offered(headers);
    let has_token = token.as_deref().is_some_and(|token| door.intake.is_token(token));
    if door.config.sign_in.is_on() && !has_token && sender.certificate.is_none() {
        return sign_in(door, headers);
    }
    let shown = Shown { token: token.as_deref(), certificate: sender.certificate.as_ref() };
    door.intake.identify(shown).await.map_err(|why| match why {
        Unidentified::NoToken => {
            // One answer, whatever was shown: it helps nobody to guess.
            let detail = "no ingest token that is known here was shown: send `Authorization: Bearer \
                          <ingest token>`, or Basic with it as the password";
            Problem::new(StatusCode::UNAUTHORIZED, detail)
        }
        Unidentified::Untold => Problem::busy(why.to_string(), door.intake.retry_after()),
        why => Problem::new(StatusCode::UNAUTHORIZED, why.to_string()),
    })
}

/// Who shows the user and the password of the settings.
fn sign_in(door: &Door, headers: &HeaderMap) -> Result<Identity, Problem> {
    let shown = credentials::user_and_password(headers);
    if shown.is_some_and(|shown| door.config.sign_in.lets_in(&shown)) {
        return Ok(door.intake.anonymous());
    }
    door.intake.count_unidentified(Unidentified::NoToken);
    let detail = "send the user and the password of this door as `Authorization: Basic`";
    Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
}

async fn room(
    door: &Door,
    share: &Share,
    encoding: Encoding,
    promised: Option<u64>,
    described_bytes: usize,
) -> Result<Reservation, Problem> {
    let promised = promised.and_then(|bytes| usize::try_from(bytes).ok());
    let most = body_memory_bytes(door.intake.line_bytes_max());
    let body = match (encoding, promised) {
        (Encoding::Identity, Some(bytes)) => bytes.min(most),
        _ => most,
    };
    reserve(door, share, body + encoding.memory_bytes() + described_bytes).await
}

/// Waits a while for memory.
pub(crate) async fn reserve(
    door: &Door,
    share: &Share,
    bytes: usize,
) -> Result<Reservation, Problem> {
    timeout(MEMORY_WAIT, share.reserve(bytes)).await.map_err(|_| {
        door.limit_hit("memory_bytes");
        Problem::busy("the door's memory is used up at the moment", door.intake.retry_after())
    })
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
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The content type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_plain(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("text/plain")
}

/// What the lines of a body are, by its content type; `default` where that says neither text nor JSON.
fn codec(content_type: &str, default: Codec) -> Codec {
    let is_json = || essence(content_type).to_ascii_lowercase().contains("json");
    match default {
        _ if is_plain(content_type) => Codec::Plain,
        Codec::Plain if is_json() => Codec::Json,
        default => default,
    }
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
    use hyper::header::HeaderValue;

    use super::{Codec, body_memory_bytes, codec, idempotency_key, is_plain, trace_context};

    #[test]
    fn a_body_has_memory_for_the_longest_line_that_is_configured() {
        assert_eq!(body_memory_bytes(1 << 20), 2 << 20);
        assert_eq!(body_memory_bytes(1 << 10), 2 << 20);
        assert_eq!(body_memory_bytes(16 << 20), 32 << 20);
    }

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
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
    fn what_no_content_type_says_a_setting_says() {
        for (content_type, default, expected) in [
            ("text/plain; charset=utf-8", Codec::Json, Codec::Plain),
            ("", Codec::Json, Codec::Json),
            ("", Codec::Plain, Codec::Plain),
            ("application/x-www-form-urlencoded", Codec::Plain, Codec::Plain),
            ("application/vnd.shop+JSON", Codec::Plain, Codec::Json),
            ("application/x-ndjson", Codec::Plain, Codec::Json),
            ("text/html", Codec::Json, Codec::Json),
        ] {
            assert_eq!(codec(content_type, default), expected, "{content_type}");
        }
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
