//! What senders of Logstash's inputs are used to.

use bus::{Codec, Joined};
use ingest_gateway::HttpConfig;
use service::{Secret, http_client};

use crate::support::{Gateway, send_tcp};

fn sign_in(config: &mut HttpConfig) {
    config.sign_in.user = Some("test".into());
    config.sign_in.password = Some(Secret::new("pwd".into()));
}

/// The code of the answer, its headers as text, and its body.
async fn send(
    gateway: &Gateway,
    method: reqwest::Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, String, String) {
    let client = http_client::builder().build().unwrap();
    let mut request = client.request(method, gateway.url(path)).body("hello");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), format!("{:?}", response.headers()));
    (status, headers, response.text().await.unwrap())
}

#[tokio::test]
async fn lines_come_to_any_path_and_are_answered_as_the_settings_say() {
    let gateway = Gateway::start(|config| {
        config.http.any_path = true;
        config.http.codec = Codec::Plain;
        config.http.response.status = 202;
        config.http.response.headers.insert("X-Shop".into(), "north".into());
    })
    .await;
    for (method, path) in [
        (reqwest::Method::POST, "/"),
        (reqwest::Method::PUT, "/meh.json"),
        (reqwest::Method::POST, "/v1/logs"),
    ] {
        let (status, headers, body) = send(&gateway, method, path, &[]).await;
        assert_eq!((status, headers.contains("north")), (202, true), "{path}: {headers}");
        assert!(body.contains("\"accepted\":1"), "{body}");
    }
    assert_eq!(gateway.bus.texts(), ["hello", "hello", "hello"]);
    assert!(gateway.bus.records().iter().all(|record| record.codec == Codec::Plain));
    let json = [("content-type", "application/json")];
    let (status, headers, _) = send(&gateway, reqwest::Method::POST, "/a", &json).await;
    assert_eq!((status, headers.contains("north")), (400, false), "no line was good");
    let (status, ..) = send(&gateway, reqwest::Method::DELETE, "/a", &[]).await;
    assert_eq!(status, 404);
    gateway.stop().await;

    let gateway = Gateway::start(|config| config.http.response.status = 204).await;
    let text = [("content-type", "text/plain")];
    let (status, _, body) = send(&gateway, reqwest::Method::POST, "/v1/logs", &text).await;
    assert_eq!((status, body.as_str()), (204, ""));
    assert_eq!(send(&gateway, reqwest::Method::POST, "/a", &text).await.0, 404);
    gateway.stop().await;
}

#[tokio::test]
async fn a_user_and_a_password_open_the_door_where_they_are_set() {
    let gateway = Gateway::start(|config| sign_in(&mut config.http)).await;
    let send = async |path: &str, shown: Option<&str>| {
        let shown = shown.map(|shown| ("authorization", shown));
        let text = ("content-type", "text/plain");
        let headers: Vec<_> = [text].into_iter().chain(shown).collect();
        send(&gateway, reqwest::Method::POST, path, &headers).await
    };
    for wrong in [None, Some("Basic meh"), Some("Basic dGVzdDpwd2Y="), Some("Bearer pwd")] {
        let (status, headers, _) = send("/v1/logs", wrong).await;
        assert_eq!(status, 401, "{wrong:?}");
        assert!(headers.contains("Basic realm="), "{headers}");
        assert_eq!(send("/_bulk", wrong).await.0, 401, "{wrong:?}");
    }
    assert_eq!(gateway.metric("millrace_gateway_unauthorized_total{door=\"http\"}"), 8.0);
    assert_eq!(send("/v1/logs", Some("Basic dGVzdDpwd2Q=")).await.0, 200);
    assert_eq!(gateway.bus.texts(), ["hello"]);
    gateway.stop().await;
}

#[tokio::test]
async fn lines_end_as_the_settings_say_and_tell_what_was_joined() {
    let gateway = Gateway::start(|config| {
        config.tcp.delimiter = Some("||".parse().unwrap());
        config.tcp.multiline.pattern = Some("^ ".into());
    })
    .await;
    send_tcp(gateway.tcp, b"one|| more||two\nlines|| and|| more").await;
    assert_eq!(gateway.bus.texts(), ["one\n more", "two\nlines\n and\n more"]);
    let joined = Joined { is_several: true, limit: None };
    for record in gateway.bus.records() {
        assert_eq!(Joined::of(&record.content_type), Some(joined));
    }
    gateway.stop().await;
}
