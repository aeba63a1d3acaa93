//! The HTTP door where SDKs, agents and clients look for it: addresses of the same door, with its token, its
//! certificate, its limits and its ledger.

use std::net::{SocketAddr, TcpListener};

use access::IngestToken;
use ingest_gateway::{Config, Listen};
use reqwest::Method;
use serde_json::{Value, json};
use service::http_client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::certificate::Certificate;
use crate::support::otlp::{call_at, framed, record, request};
use crate::support::{Gateway, SOON, any_port, eventually};

/// Without an address of its own.
fn elsewhere(config: &mut Config) {
    config.http.listen = Listen::Off;
    config.otlp.http_listen = any_port();
    config.otlp.grpc_listen = any_port();
    config.bulk.listen = any_port();
}

/// Posts a body; the code and the answer.
async fn post(
    url: &str,
    content_type: &str,
    token: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> (u16, Vec<u8>) {
    let client = http_client::builder().build().unwrap();
    let mut request = client.post(url).header("content-type", content_type).body(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

fn addresses(gateway: &Gateway) -> [SocketAddr; 3] {
    let further = &gateway.further;
    [further.otlp_http, further.otlp_grpc, further.bulk].map(Option::unwrap)
}

#[tokio::test]
async fn each_takes_what_the_door_takes_and_asks_for_its_token() {
    let gateway = Gateway::start(|config| {
        elsewhere(config);
        config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    })
    .await;
    let token = Some("0123456789abcdef");
    let [otlp_http, otlp_grpc, bulk] = addresses(&gateway);
    let (otlp, protobuf) = (request(&[record("one")]), "application/x-protobuf");
    let url = format!("http://{otlp_http}/v1/logs");
    assert_eq!(post(&url, protobuf, None, otlp.clone()).await.0, 401);
    assert_eq!(post(&url, protobuf, token, otlp.clone()).await.0, 200);

    let (headers, _) = call_at(otlp_grpc, &[], framed(0, &otlp)).await;
    assert_eq!(headers["grpc-status"], "16");
    let shown = [("authorization", "Bearer 0123456789abcdef")];
    let (headers, _) = call_at(otlp_grpc, &shown, framed(0, &otlp)).await;
    assert_eq!(headers["grpc-status"], "0");

    let (url, ndjson) = (format!("http://{bulk}/logs/_bulk"), "application/x-ndjson");
    let body = "{\"create\":{}}\n{\"message\":\"two\"}\n";
    assert_eq!(post(&url, ndjson, None, body).await.0, 401);
    let (status, answer) = post(&url, ndjson, token, body).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &answer["errors"]), (200, &json!(false)));

    for address in [otlp_http, otlp_grpc, bulk] {
        let url = format!("http://{address}/v1/logs");
        let (status, answer) = post(&url, ndjson, token, "{\"n\":1}\n{\"n\":2}\n").await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((status, &answer["accepted"]), (200, &json!(2)), "all routes");
    }
    assert!(gateway.bus.records().iter().all(|record| &*record.listener == "http"));
    assert_eq!(gateway.door("http").accepted, 1 + 1 + 1 + 6, "one ledger");
    assert_eq!(gateway.refused_requests("401"), 2.0);
    gateway.stop().await;
}

#[tokio::test]
async fn the_address_for_clients_of_elasticsearch_refuses_in_their_words() {
    let gateway = Gateway::start(|config| {
        elsewhere(config);
        config.http.listen = any_port();
        config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    })
    .await;
    let [otlp_http, _, bulk] = addresses(&gateway);
    let client = http_client::builder().build().unwrap();
    let ask = |method: &Method, url: &str| client.request(method.clone(), url);
    let token = "0123456789abcdef";
    let refused = "illegal_argument_exception";
    for (method, path, status, kind) in [
        (Method::DELETE, "/shop", 400, refused),
        (Method::DELETE, "/shop/kept/x", 400, refused),
        (Method::GET, "/shop", 404, "index_not_found_exception"),
        (Method::HEAD, "/shop", 404, ""),
        (Method::POST, "/shop", 400, refused),
        (Method::POST, "/", 400, refused),
        (Method::GET, "/shop/_search", 400, refused),
    ] {
        let url = format!("http://{bulk}{path}");
        let answer = ask(&method, &url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.headers()["x-elastic-product"], "Elasticsearch", "{method} {path}");
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        let root_cause = &answer["error"]["root_cause"][0];
        assert_eq!(answer["error"]["type"].as_str().unwrap_or_default(), kind, "{method} {path}");
        assert_eq!(root_cause["reason"], answer["error"]["reason"], "{method} {path}");
        let tokenless = ask(&method, &url).send().await.unwrap();
        assert_eq!(tokenless.status(), 401, "{method} {path}");
        if path == "/shop" {
            for other in [otlp_http, gateway.http] {
                let url = format!("http://{other}{path}");
                let answer = ask(&method, &url).bearer_auth(token).send().await.unwrap();
                assert_eq!(answer.status(), 404, "no client of Elasticsearch: {method} {path}");
                assert!(!answer.headers().contains_key("x-elastic-product"), "{method} {path}");
            }
        }
    }
    let url = format!("http://{bulk}/_cat/indices");
    let empty = ask(&Method::GET, &url).bearer_auth(token).send().await.unwrap();
    assert_eq!((empty.status().as_u16(), empty.text().await.unwrap().as_str()), (200, ""));
    gateway.stop().await;
}

#[tokio::test]
async fn each_speaks_the_tls_of_the_door() {
    let certificate = Certificate::new();
    let gateway = Gateway::start(|config| {
        elsewhere(config);
        config.http.tls = certificate.door();
    })
    .await;
    for address in addresses(&gateway) {
        let mut stream = certificate.connect(address, &["http/1.1"]).await;
        let request =
            "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(gateway.door("http").accepted, 3);
    gateway.stop().await;
}

#[tokio::test]
async fn what_gave_way_is_told_apart_from_what_is_open_and_what_is_off() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = Gateway::start(|config| {
        config.otlp.grpc_listen = Listen::IfFree(taken.local_addr().unwrap());
        config.otlp.http_listen = any_port();
    })
    .await;
    let shown = |door: &str| format!("millrace_gateway_door_open{{door=\"{door}\"}}");
    eventually("it is told", || gateway.metric(&shown("otlp-http")) == 1.0).await;
    let told = gateway.context.metrics.text();
    for door in ["tcp", "udp", "http", "beats"] {
        assert!(told.contains(&format!("{} 1\n", shown(door))), "{door}: {told}");
    }
    assert!(told.contains(&format!("{} 0\n", shown("otlp-grpc"))), "{told}");
    assert!(!told.contains(&shown("bulk")), "nobody misses it: {told}");
    gateway.stop().await;
}
