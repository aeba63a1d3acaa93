//! Any bytes of a header come through; nothing that a sender names is taken for what a door tells.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    DESCRIPTION_BYTES_MAX, DescribedRequest, DescriptionWriter, TARGET_BYTES_MAX,
    content_type_of_body,
};
use crate::frame::{FrameBuilder, decode, encoded_bytes_max};
use crate::record::Record;

fn described(of_body: &str, headers: &[(&str, &[u8])]) -> String {
    let mut description = DescriptionWriter::new(of_body, "POST", "/app?a=1;b", "HTTP/1.1");
    for (name, value) in headers {
        assert!(description.header(name, value), "{name}");
    }
    description.finish().to_string()
}

fn headers(content_type: &str) -> Vec<(String, String)> {
    let request = DescribedRequest::of(content_type).expect("it tells of a request");
    request.headers().map(|(name, value)| (name.to_owned(), value.into_owned())).collect()
}

/// A value as a reader has it.
fn text(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

#[test]
fn a_content_type_tells_of_the_request() {
    let content_type = described(
        "text/plain; charset=utf-8",
        &[("host", b"shop.example:8080"), ("user-agent", b"test/1.0 (a; 50%)"), ("x-empty", b"")],
    );
    let expected = "text/plain; charset=utf-8; request-method=POST; request-target=/app?a=1%3Bb; \
                    http-version=HTTP/1.1; host=shop.example:8080; user-agent=test/1.0 (a%3B 50%25); x-empty=";
    assert_eq!(content_type, expected);
    assert_eq!(content_type_of_body(&content_type), "text/plain; charset=utf-8");
    let request = DescribedRequest::of(&content_type).unwrap();
    assert_eq!((&*request.method(), &*request.version()), ("POST", "HTTP/1.1"));
    assert_eq!(request.target(), "/app?a=1;b");
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        headers(&content_type),
        [
            own("host", "shop.example:8080"),
            own("user-agent", "test/1.0 (a; 50%)"),
            own("x-empty", ""),
        ]
    );
    let bare = described("", &[]);
    assert_eq!((content_type_of_body(&bare), headers(&bare).len()), ("", 0));
}

#[test]
fn other_content_types_tell_of_none() {
    for other in [
        "",
        "text/plain",
        "application/json; charset=utf-8",
        "application/json; index=shop-2026.12.01",
        "text/x-lines; several; limit=bytes",
        "a;; request-method",
    ] {
        assert_eq!(DescribedRequest::of(other), None, "{other}");
        assert_eq!(content_type_of_body(other), other);
    }
    for broken in ["; request-method=", "a; request-method=POST; http-version=HTTP/1.1"] {
        assert_eq!(DescribedRequest::of(broken), None, "{broken}");
    }
}

#[test]
fn no_sender_tells_of_a_request_by_its_content_type() {
    let forged = described("text/plain", &[("x-shop", b"north")]);
    let content_type = described(&forged, &[("x-shop", b"south")]);
    assert_eq!(content_type_of_body(&content_type), "text/plain");
    assert_eq!(headers(&content_type), [("x-shop".to_owned(), "south".to_owned())]);
    // Nor does one by a value.
    let value = "a; x-shop=north; request-method=GET; request-target=/; http-version=HTTP/9";
    let content_type = described("a", &[("x-note", value.as_bytes())]);
    assert_eq!(headers(&content_type), [("x-note".to_owned(), value.to_owned())]);
    assert_eq!(DescribedRequest::of(&content_type).unwrap().method(), "POST");
}

#[test]
fn what_is_too_long_is_left_out_and_a_target_is_cut() {
    let target = "/ä".repeat(TARGET_BYTES_MAX);
    let mut description = DescriptionWriter::new(&"x".repeat(9_000), "POST", &target, "HTTP/2.0");
    assert!(description.header("host", b"a"));
    assert!(!description.header("x-long", &[b'x'; DESCRIPTION_BYTES_MAX]));
    // As it is written it has three times as many bytes.
    assert!(!description.header("x-bytes", &[0xff; DESCRIPTION_BYTES_MAX / 3]));
    assert!(description.header("x-short", b"b"));
    for name in ["", "a b", "a=b", "a;b", "ä"] {
        assert!(!description.header(name, b"c"), "{name:?} is no name");
    }
    let content_type = description.finish();
    assert!(content_type.len() <= DESCRIPTION_BYTES_MAX);
    let names: Vec<_> = headers(&content_type).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["host", "x-short"]);
    let request = DescribedRequest::of(&content_type).unwrap();
    let told = request.target();
    assert!(target.starts_with(&*told) && (250..TARGET_BYTES_MAX).contains(&told.len()), "{told}");
}

proptest! {
    #[test]
    fn any_bytes_come_through_a_frame(
        of_body in "\\PC{0,40}",
        target in "/\\PC{0,60}",
        sent in vec(("[!#$%&'*+.^_`|~0-9a-z-]{1,20}", vec(any::<u8>(), 0..40)), 0..12),
    ) {
        let mut description = DescriptionWriter::new(&of_body, "PUT", &target, "HTTP/1.1");
        for (name, value) in &sent {
            prop_assert!(description.header(name, value));
        }
        let content_type = description.finish();
        prop_assert!(content_type.len() <= DESCRIPTION_BYTES_MAX);
        let record = Record { content_type, payload: Bytes::from_static(b"{}"), ..Record::default() };
        let mut frame = FrameBuilder::new(encoded_bytes_max(&record).unwrap());
        frame.push(&record);
        let records = decode(&frame.finish().bytes.into()).unwrap();
        let content_type = &records[0].content_type;
        prop_assert_eq!(content_type_of_body(content_type), content_type_of_body(&of_body));
        prop_assert_eq!(DescribedRequest::of(content_type).unwrap().target(), target);
        let expected: Vec<_> =
            sent.into_iter().map(|(name, value)| (name, text(&value))).collect();
        prop_assert_eq!(headers(content_type), expected);
    }

    #[test]
    fn no_content_type_breaks_the_reader(told in "\\PC{0,80}") {
        for content_type in [
            told.clone(),
            format!("a; request-method={told}"),
            format!("a; request-method=P; request-target=/; http-version=H{told}"),
        ] {
            prop_assert!(content_type.starts_with(content_type_of_body(&content_type)));
            if let Some(request) = DescribedRequest::of(&content_type) {
                let (method, target) = (request.method(), request.target());
                prop_assert!(method.len() + target.len() <= 2 * content_type.len());
                prop_assert!(request.headers().count() <= content_type.len());
            }
        }
    }
}
