//! Pages of browsers: those that are listed send and read the answer, others send nothing.

use access::IngestToken;
use bus::Codec;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use service::http_client;

use crate::support::Gateway;

const SHOP: &str = "https://shop.example";
const EVIL: &str = "https://evil.example";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Whether a browser lets the page that sent it read it.
    fn may_be_read(&self) -> bool {
        self.header("access-control-allow-origin") == Some(SHOP)
            && self.header("access-control-allow-credentials") == Some("true")
            && self.header("vary") == Some("origin")
    }

    /// Whether it says nothing of pages.
    fn is_silent(&self) -> bool {
        !self.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
    }
}

async fn send(
    gateway: &Gateway,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Answer {
    let client = http_client::builder().build().unwrap();
    let mut request = client.request(method, gateway.url(path)).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    Answer { status: response.status(), headers: response.headers().clone() }
}

async fn door_of_the_shop() -> Gateway {
    Gateway::start(|config| config.http.cors_origins = vec![SHOP.to_owned()]).await
}

#[tokio::test]
async fn a_listed_page_asks_first_and_then_sends() {
    let gateway = door_of_the_shop().await;
    let asked = [
        ("origin", SHOP),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,idempotency-key"),
    ];
    let answer = send(&gateway, Method::OPTIONS, "/v1/logs", &asked, "").await;
    assert_eq!(answer.status, 204);
    assert!(answer.may_be_read(), "{:?}", answer.headers);
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    assert!(answer.header("access-control-max-age").is_some());
    let allowed = answer.header("access-control-allow-headers").unwrap();
    for name in ["authorization", "content-encoding", "content-type", "idempotency-key"] {
        assert!(allowed.split(", ").any(|allowed| allowed == name), "{name}: {allowed}");
    }

    let json = [("origin", SHOP), ("content-type", "application/json")];
    let answer = send(&gateway, Method::POST, "/v1/logs", &json, "{\"page\":1}").await;
    assert_eq!(answer.status, 200);
    assert!(answer.may_be_read(), "{:?}", answer.headers);
    let text = [("origin", SHOP), ("content-type", "text/plain;charset=UTF-8")];
    let answer = send(&gateway, Method::POST, "/v1/logs", &text, "a beacon of text").await;
    assert_eq!(answer.status, 200);
    let records = gateway.bus.records();
    assert_eq!(
        records.iter().map(|record| record.codec).collect::<Vec<_>>(),
        [Codec::Json, Codec::Plain]
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_listed_page_reads_why_it_is_refused() {
    let gateway = Gateway::start(|config| {
        config.http.cors_origins = vec![SHOP.to_owned()];
        config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
    })
    .await;
    let json = [("origin", SHOP), ("content-type", "application/json")];
    let answer = send(&gateway, Method::POST, "/v1/logs", &json, "{\"page\":1}").await;
    assert_eq!(answer.status, 401);
    assert!(answer.may_be_read(), "{:?}", answer.headers);
    let asked = [("origin", SHOP), ("access-control-request-method", "POST")];
    let answer = send(&gateway, Method::OPTIONS, "/v1/logs", &asked, "").await;
    assert_eq!(answer.status, 204, "who asks shows no token");
    gateway.stop().await;
}

#[tokio::test]
async fn another_page_sends_nothing_wherever_it_tries() {
    let gateway = door_of_the_shop().await;
    let bulk = "{\"create\":{}}\n{\"page\":1}\n";
    for (method, path, body) in [
        (Method::OPTIONS, "/v1/logs", ""),
        (Method::POST, "/v1/logs", "{\"page\":1}"),
        (Method::POST, "/_bulk", bulk),
        (Method::PUT, "/_bulk", bulk),
    ] {
        for origin in [EVIL, "null", "https://shop.example.evil.example"] {
            let headers = [("origin", origin), ("content-type", "text/plain")];
            let answer = send(&gateway, method.clone(), path, &headers, body).await;
            assert_eq!(answer.status, 403, "{method} {path} of {origin}");
            assert!(answer.is_silent(), "{:?}", answer.headers);
        }
    }
    assert_eq!(gateway.limit_hits("http", "cors_origin"), 12.0);
    assert_eq!(gateway.bus.texts(), Vec::<String>::new());
    let health = send(&gateway, Method::GET, "/health", &[("origin", EVIL)], "").await;
    assert_eq!((health.status, health.is_silent()), (StatusCode::OK, true), "nothing is sent");
    gateway.stop().await;
}

#[tokio::test]
async fn who_is_no_page_sends_as_ever_and_a_door_without_a_list_tells_pages_nothing() {
    let gateway = door_of_the_shop().await;
    let answer = send(&gateway, Method::POST, "/v1/logs", &[], "{\"tool\":1}").await;
    assert_eq!((answer.status, answer.is_silent()), (StatusCode::OK, true));
    let bulk = "{\"create\":{}}\n{\"page\":1}\n";
    let json = [("origin", SHOP), ("content-type", "application/x-ndjson")];
    let answer = send(&gateway, Method::POST, "/_bulk", &json, bulk).await;
    assert_eq!((answer.status, answer.is_silent()), (StatusCode::OK, true), "it cannot read it");
    gateway.stop().await;

    let gateway = Gateway::start(|_| {}).await;
    let answer = send(&gateway, Method::POST, "/v1/logs", &[("origin", SHOP)], "{\"a\":1}").await;
    assert_eq!((answer.status, answer.is_silent()), (StatusCode::OK, true));
    let asked = [("origin", SHOP), ("access-control-request-method", "POST")];
    let answer = send(&gateway, Method::OPTIONS, "/v1/logs", &asked, "").await;
    assert_eq!((answer.status, answer.is_silent()), (StatusCode::METHOD_NOT_ALLOWED, true));
    gateway.stop().await;
}
