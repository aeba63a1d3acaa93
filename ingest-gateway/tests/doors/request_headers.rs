//! What records are told of the request that brought them, where the setting asks for it.

use std::net::SocketAddr;

use bus::described_request::{DESCRIPTION_BYTES_MAX, DescribedRequest, content_type_of_body};
use bus::{Codec, Record};
use ingest_gateway::HttpConfig;

use crate::support::{Gateway, any_port, send_raw, statuses};

/// Sends a request with these lines behind the first one and the `Host`; gives the code of the answer.
async fn post(door: SocketAddr, path: &str, headers: &[&[u8]], body: &str) -> u16 {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: shop.example:8080\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    let mut request = head.into_bytes();
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body.as_bytes());
    statuses(&send_raw(door, &request).await)[0]
}

fn header(record: &Record, wanted: &str) -> Option<String> {
    let mut headers = DescribedRequest::of(&record.content_type)?.headers();
    headers.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
}

#[tokio::test]
async fn each_record_is_told_of_its_request_without_credentials() {
    let gateway = Gateway::start(|config| {
        config.http.request_headers = true;
        config.http.any_path = true;
    })
    .await;
    let headers: [&[u8]; 5] = [
        b"content-type: application/x-ndjson",
        b"authorization: Bearer hunter2hunter2",
        b"cookie: session=hunter2",
        b"x-card: 4111111111111111",
        b"x-name: caf\xe9",
    ];
    let body = "{\"a\":1}\n{\"a\":}\n{\"a\":2}\n";
    assert_eq!(post(gateway.http, "/meh.json?a=1", &headers, body).await, 200);
    let records = gateway.bus.records();
    assert_eq!(records.len(), 2);
    for record in &records {
        let request = DescribedRequest::of(&record.content_type).unwrap();
        let told = (request.method(), request.target(), request.version());
        assert_eq!((&*told.0, &*told.1, &*told.2), ("POST", "/meh.json?a=1", "HTTP/1.1"));
        for (name, expected) in [
            ("host", Some("shop.example:8080")),
            ("content-type", Some("application/x-ndjson")),
            ("content-length", Some("23")),
            ("x-card", Some("411111******1111")),
            ("x-name", Some("café")),
            ("authorization", None),
            ("cookie", None),
        ] {
            assert_eq!(header(record, name).as_deref(), expected, "{name}");
        }
        assert!(!record.content_type.contains("hunter2"), "{}", record.content_type);
    }
    let shared = [0, 1].map(|at: usize| records[at].content_type.as_ptr());
    assert_eq!(shared[0], shared[1], "what is told of a request is kept once");
    assert_eq!(gateway.bus.letters()[0].content_type, "application/x-ndjson");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_told_is_bounded_and_changes_nothing_else() {
    let gateway = Gateway::start(|config| config.http.request_headers = true).await;
    let long = [b"x-long: ", &vec![b'a'; 9_000][..]].concat();
    let text: [&[u8]; 2] = [b"content-type: text/plain; charset=utf-8", &long];
    assert_eq!(post(gateway.http, "/v1/logs", &text, "hello").await, 200);
    let json: [&[u8]; 1] = [b"content-type: application/json"];
    assert_eq!(post(gateway.http, "/v1/logs", &json, "{\"a\":1}").await, 200);
    assert_eq!(post(gateway.http, "/_bulk", &json, "{\"index\":{}}\n{\"a\":2}\n").await, 200);
    let records = gateway.bus.records();
    let told = |record: &Record| {
        assert!(record.content_type.len() <= DESCRIPTION_BYTES_MAX);
        (record.codec, content_type_of_body(&record.content_type).to_owned())
    };
    let told: Vec<_> = records.iter().map(told).collect();
    let json = || (Codec::Json, "application/json".to_owned());
    let expected = [(Codec::Plain, "text/plain; charset=utf-8".to_owned()), json(), json()];
    assert_eq!(told, expected);
    assert_eq!(header(&records[0], "x-long"), None, "it is left out as a whole");
    assert_eq!(header(&records[0], "content-length").as_deref(), Some("5"));
    gateway.stop().await;
}

#[tokio::test]
async fn otlp_is_still_told_from_lines_of_json() {
    let gateway = Gateway::start(|config| config.http.request_headers = true).await;
    let json: [&[u8]; 1] = [b"content-type: application/json; charset=utf-8"];
    let message =
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}"#;
    assert_eq!(post(gateway.http, "/v1/logs", &json, message).await, 200);
    assert_eq!(gateway.bus.events()[0]["message"], "hello");
    gateway.stop().await;
}

#[tokio::test]
async fn no_door_tells_of_a_request_that_is_not_asked_to_and_no_sender_does() {
    let gateway = Gateway::start(|config| {
        let further =
            HttpConfig { listen: any_port(), request_headers: true, ..HttpConfig::default() };
        config.http.inputs.insert("http-2".to_owned(), further);
    })
    .await;
    let forged: [&[u8]; 1] =
        [b"content-type: text/plain; request-method=GET; request-target=/; http-version=HTTP/1.1; x-a=1"];
    assert_eq!(post(gateway.http, "/v1/logs", &forged, "one").await, 200);
    assert_eq!(post(gateway.at("http-2"), "/v1/logs", &forged, "two").await, 200);
    let records = gateway.bus.records();
    assert_eq!(&*records[0].content_type, "text/plain", "nobody asked the first door");
    assert_eq!((&*records[1].listener, header(&records[1], "x-a")), ("http-2", None));
    assert_eq!(DescribedRequest::of(&records[1].content_type).unwrap().method(), "POST");
    gateway.stop().await;
}
