//! The content type of a request's records: that of the body alone, or where the door's setting asks for it with what
//! is told of the request behind it.
//!
//! Credentials are never told, and card numbers and other secrets are masked before anything is written down.

use std::borrow::Cow;

use bus::described_request::{DescriptionWriter, content_type_of_body};
use bytestring::ByteString;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName};
use hyper::{Request, Version};
use memchr::memmem;
use percent_encoding::percent_decode_str;
use redaction::secret::MASK;

use super::request::text;
use super::route::Door;
use crate::masking::Masking;

/// Longest content type that is kept, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 128;
/// Headers that hold credentials.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];
/// Headers that filters ask for most, which come first where there is not room for all.
const FIRST: [&str; 5] = [HOST_NAME, "user-agent", "content-length", "content-type", "accept"];
const HOST_NAME: &str = "host";
/// What stands between a header's name, which holds no colon, and its value.
const BEHIND_NAME: &str = ": ";

/// The content type of a request's records.
pub(crate) fn content_type<B>(door: &Door, request: &Request<B>) -> ByteString {
    let masking = door.intake.masking();
    let of_body = of_body(masking, request);
    if door.config.request_headers {
        described(masking, &of_body, request)
    } else {
        // What a door tells no sender says.
        content_type_of_body(&of_body).into()
    }
}

/// The content type of the body as far as it is kept, masked as a whole: of a number of which the end is missing nobody
/// sees that it is a card's.
fn of_body<B>(masking: &Masking, request: &Request<B>) -> String {
    let sent = text(request.headers(), CONTENT_TYPE.as_str());
    clipped(&masking.text(sent.to_owned())).to_owned()
}

fn clipped(content_type: &str) -> &str {
    // A header that reads as text is ASCII: any byte is a boundary.
    content_type.get(..CONTENT_TYPE_BYTES_MAX).unwrap_or(content_type)
}

fn described<B>(masking: &Masking, of_body: &str, request: &Request<B>) -> ByteString {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut description = DescriptionWriter::new(
        of_body,
        request.method().as_str(),
        &masking.text(without_credentials(masking, target)),
        version(request.version()),
    );
    // Over HTTP/2 it is no header, and may name a user.
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let host = authority.and_then(|authority| authority.rsplit('@').next());
    if let Some(host) = host.filter(|_| !request.headers().contains_key(HOST)) {
        tell(&mut description, masking, HOST_NAME, host.as_bytes());
    }
    for (name, value) in told_headers(request) {
        tell(&mut description, masking, name, value);
    }
    description.finish()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

/// The headers that are told. Of a name that stands several times the last counts, as with Logstash.
fn told_headers<B>(request: &Request<B>) -> impl Iterator<Item = (&str, &[u8])> {
    let headers = request.headers();
    let rest = headers.keys().map(HeaderName::as_str);
    let rest = rest.filter(|name| !FIRST.contains(name) && !CREDENTIALS.contains(name));
    FIRST.into_iter().chain(rest).filter_map(move |name| {
        let last = headers.get_all(name).iter().next_back()?;
        Some((name, last.as_bytes()))
    })
}

/// A target whose query has the mask in place of each value under the name of a credential.
fn without_credentials(masking: &Masking, target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if masking.is_credential(&percent_decode_str(name).decode_utf8_lossy()) => {
            Cow::Owned(format!("{name}={MASK}"))
        }
        _ => Cow::Borrowed(pair),
    });
    let pairs: Vec<_> = pairs.collect();
    format!("{path}?{}", pairs.join("&"))
}

/// Tells a header as far as it may be stored; by its name it is seen what it holds.
fn tell(description: &mut DescriptionWriter, masking: &Masking, name: &str, value: &[u8]) {
    if masking.is_credential(name) {
        description.header(name, MASK.as_bytes());
        return;
    }
    let line = [name.as_bytes(), BEHIND_NAME.as_bytes(), value].concat();
    let line = match masking.mask().mask(&line, false) {
        Some(masked) => masked.bytes,
        None => line,
    };
    let Some(name_bytes) = memmem::find(&line, BEHIND_NAME.as_bytes()) else { return };
    if let Ok(name) = std::str::from_utf8(&line[..name_bytes]) {
        // One that there is no room for is left out.
        description.header(name, &line[name_bytes + BEHIND_NAME.len()..]);
    }
}

#[cfg(test)]
mod tests {
    use bus::described_request::{DESCRIPTION_BYTES_MAX, DescribedRequest, content_type_of_body};
    use hyper::header::HeaderValue;
    use service::Metrics;

    use super::*;
    use crate::config::MaskingConfig;

    fn request(target: &str, headers: &[(&'static str, &[u8])]) -> Request<()> {
        let mut request = Request::post(target).body(()).unwrap();
        for &(name, value) in headers {
            let value = HeaderValue::from_bytes(value).unwrap();
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
        request
    }

    fn told(request: &Request<()>) -> ByteString {
        let masking = Masking::new(&MaskingConfig::default(), &Metrics::default());
        described(&masking, &of_body(&masking, request), request)
    }

    fn value(content_type: &str, wanted: &str) -> Option<String> {
        let mut headers = DescribedRequest::of(content_type).unwrap().headers();
        headers.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
    }

    #[test]
    fn a_request_is_told_with_its_last_header_of_a_name() {
        let request = request(
            "/app?a=1",
            &[
                ("x-forwarded-for", b"192.0.2.1"),
                ("x-name", b"caf\xe9"),
                ("content-type", b"text/plain; charset=utf-8"),
                ("host", b"shop.example"),
                ("x-forwarded-for", b"192.0.2.2"),
            ],
        );
        let content_type = told(&request);
        assert_eq!(content_type_of_body(&content_type), "text/plain; charset=utf-8");
        let described = DescribedRequest::of(&content_type).unwrap();
        assert_eq!((&*described.method(), &*described.version()), ("POST", "HTTP/1.1"));
        assert_eq!(described.target(), "/app?a=1");
        assert_eq!(value(&content_type, "host").as_deref(), Some("shop.example"));
        assert_eq!(value(&content_type, "x-forwarded-for").as_deref(), Some("192.0.2.2"));
        assert_eq!(value(&content_type, "x-name").as_deref(), Some("café"));
        assert_eq!(described.headers().count(), 4);
    }

    #[test]
    fn credentials_are_not_told_and_what_must_not_be_stored_is_masked() {
        let request = request(
            "/pay?card=4111111111111111&api_key=hunter2&x=1",
            &[
                ("content-type", b"x/4111111111111111"),
                ("authorization", b"Basic dGVzdDpwd2Q="),
                ("proxy-authorization", b"Bearer hunter2"),
                ("cookie", b"session=hunter2"),
                ("x-api-key", b"hunter2"),
                ("x-note", b"card 4111 1111 1111 1111 of Ada"),
            ],
        );
        let content_type = told(&request);
        for secret in ["hunter2", "dGVzd", "411111111111", "4111 1111 1111"] {
            assert!(!content_type.contains(secret), "{secret} in {content_type}");
        }
        let described = DescribedRequest::of(&content_type).unwrap();
        assert_eq!(described.target(), "/pay?card=411111******1111&api_key=***&x=1");
        assert_eq!(value(&content_type, "x-api-key").as_deref(), Some("***"));
        let note = value(&content_type, "x-note");
        assert_eq!(note.as_deref(), Some("card 4111 11** **** 1111 of Ada"));
        let names: Vec<_> = described.headers().map(|(name, _)| name).collect();
        assert_eq!(names, ["content-type", "x-api-key", "x-note"]);
    }

    #[test]
    fn under_the_name_of_a_credential_nothing_of_it_is_told() {
        let request = request(
            "/in?api_key=ab,hunter2&X-Amz-Signature=hunter2&access%4bey=hunter2&accessKey=hunter2&token[]=hunter2&sort=key#",
            &[
                ("x-auth-token", b"Token hunter2"),
                ("x-password", b"correct hunter2"),
                ("x-forwarded-authorization", b"Digest username=\"ada\", response=\"hunter2\""),
                ("x-vault-token", b"hunter2"),
                ("ocp-apim-subscription-key", b"hunter2"),
                ("x-forwarded-cookie", b"hunter2hunter2"),
                ("idempotency-key", b"order-7"),
                ("x-keyboard", b"us"),
            ],
        );
        let content_type = told(&request);
        assert!(!content_type.contains("hunter2"), "{content_type}");
        let described = DescribedRequest::of(&content_type).unwrap();
        let target = "/in?api_key=***&X-Amz-Signature=***&access%4bey=***&accessKey=***&token[]=***&sort=key";
        assert_eq!(described.target(), target);
        let told = ["x-auth-token", "x-vault-token", "idempotency-key", "x-keyboard"];
        let values = told.map(|name| value(&content_type, name).unwrap());
        assert_eq!(values, ["***", "***", "order-7", "us"]);
    }

    #[test]
    fn where_secrets_are_not_masked_headers_are_told_as_they_are() {
        let config = MaskingConfig { secrets: false, ..MaskingConfig::default() };
        let masking = Masking::new(&config, &Metrics::default());
        let request = request("/?token=a", &[("x-vault-token", b"b"), ("cookie", b"c=d")]);
        let content_type = described(&masking, "", &request);
        assert_eq!(value(&content_type, "x-vault-token").as_deref(), Some("b"));
        assert_eq!(value(&content_type, "cookie"), None);
        assert_eq!(DescribedRequest::of(&content_type).unwrap().target(), "/?token=a");
    }

    #[test]
    fn the_host_of_http_2_is_that_of_its_address() {
        let mut request = request("http://ada:hunter2@shop.example:8080/app", &[]);
        *request.version_mut() = Version::HTTP_2;
        let content_type = told(&request);
        assert_eq!(value(&content_type, "host").as_deref(), Some("shop.example:8080"));
        let described = DescribedRequest::of(&content_type).unwrap();
        assert_eq!((&*described.version(), &*described.target()), ("HTTP/2.0", "/app"));
        request.headers_mut().insert(HOST, HeaderValue::from_static("other.example"));
        assert_eq!(value(&told(&request), "host").as_deref(), Some("other.example"));
        assert!(!content_type.contains("hunter2"));
    }

    #[test]
    fn the_usual_headers_have_room_before_others() {
        let long = vec![b'x'; DESCRIPTION_BYTES_MAX - 400];
        let request = request(
            "/",
            &[("x-long", &long), ("x-short", b"a"), ("user-agent", b"test"), ("accept", &long)],
        );
        let content_type = told(&request);
        assert!(content_type.len() <= DESCRIPTION_BYTES_MAX);
        let described = DescribedRequest::of(&content_type).unwrap();
        let names: Vec<_> = described.headers().map(|(name, _)| name).collect();
        assert_eq!(names, ["user-agent", "accept", "x-short"]);
    }

    #[test]
    fn a_card_number_at_the_limit_of_a_content_type_is_masked() {
        let long = format!("text/{} 4111111111111111", "x".repeat(107));
        let content_type = told(&request("/", &[("content-type", long.as_bytes())]));
        assert!(!content_type.contains("4111111"), "{content_type}");
    }

    #[test]
    fn a_content_type_is_kept_as_sent_up_to_its_limit() {
        assert_eq!(clipped("text/plain; charset=utf-8"), "text/plain; charset=utf-8");
        assert_eq!(clipped(&"x".repeat(1_000)).len(), CONTENT_TYPE_BYTES_MAX);
    }
}
