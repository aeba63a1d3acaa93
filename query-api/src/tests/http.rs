//! The server below the routes: ports and files in use, slow and large requests.

use std::time::Duration;

use access::Role;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::{PATIENCE, Rig, answer};
use crate::{Config, bind};

#[tokio::test]
async fn a_port_or_socket_in_use_is_one_clear_line() {
    let rig = Rig::start().await;
    let listen = rig.base.strip_prefix("http://").unwrap().parse().unwrap();
    let config = Config { listen, ..Config::default() };
    let text = bind(&config, None).await.unwrap_err().to_string();
    assert!(text.contains("port is in use") && text.contains("query_api.listen"), "{text}");
    assert!(!text.contains('\n'), "{text}");
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    let text = bind(&config, Some(&rig.socket)).await.unwrap_err().to_string();
    assert!(text.contains("another process serves it"), "{text}");
    rig.stop().await;
}

#[tokio::test]
async fn a_socket_file_that_a_crash_left_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    let bound = bind(&config, Some(&path)).await.unwrap();
    drop(bound);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_large_body_and_a_large_head_are_refused() {
    let rig = Rig::start().await;
    let body = format!("{{\"ids\":[\"{}\"]}}", "x".repeat(100_000));
    let request = rig.request(Method::POST, "/api/dead/purge").bearer_auth(rig.token(Role::Admin));
    let large = answer(request.header("content-type", "application/json").body(body)).await;
    assert_eq!(large.status, 413, "{large:?}");
    let path = format!("/api/search/count?q={}", "x".repeat(100_000));
    let head = rig.request(Method::GET, &path).send().await;
    assert!(head.is_err() || head.unwrap().status().is_client_error());
    rig.stop().await;
}

#[tokio::test]
async fn whoever_does_not_finish_a_head_is_let_go_and_others_are_served() {
    let rig = Rig::start_with(|config| {
        config.connections_max = 1;
        config.head_timeout = service::Span::from_millis(500);
    })
    .await;
    let mut slow = TcpStream::connect(rig.base.strip_prefix("http://").unwrap()).await.unwrap();
    slow.write_all(b"GET /api/health HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let local = service::http_client::builder().unix_socket(rig.socket.clone()).build().unwrap();
    let at_once = answer(local.get("http://localhost/api/health")).await;
    assert_eq!(at_once.status, 200, "the local admin has room of its own");
    let served = tokio::time::timeout(PATIENCE, answer(rig.request(Method::GET, "/api/health")));
    assert_eq!(served.await.expect("served in time").status, 200);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), slow.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the slow one was let go");
    rig.stop().await;
}

#[tokio::test]
async fn whoever_does_not_read_the_answers_is_let_go_and_others_are_served() {
    let rig = Rig::start_with(|config| {
        config.connections_max = 1;
        config.write_timeout = service::Span::from_millis(200);
    })
    .await;
    let mut deaf = TcpStream::connect(rig.base.strip_prefix("http://").unwrap()).await.unwrap();
    let requests = "GET /api/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2_000);
    let sending = tokio::spawn(async move {
        // It ends when the server lets go, or waits with its requests until then.
        drop(deaf.write_all(requests.as_bytes()).await);
        deaf
    });
    let served = tokio::time::timeout(PATIENCE, answer(rig.request(Method::GET, "/api/health")));
    assert_eq!(served.await.expect("served in time").status, 200);
    drop(sending.await);
    rig.stop().await;
}
