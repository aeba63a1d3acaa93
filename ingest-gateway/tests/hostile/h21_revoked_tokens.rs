//! 21: a token of a shop that was stolen or replaced: ended while somebody uses it.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use service::http_client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::otlp::{GRPC, framed, record, request};
use crate::support::shops::{Shops, refused_senders};
use crate::support::{Gateway, SOON, eventually, read_to_close, statuses};

async fn post(gateway: &Gateway, token: &str) -> u16 {
    let client = http_client::builder().build().unwrap();
    let sent = client.post(gateway.url("/v1/logs")).bearer_auth(token).body("{\"n\":1}").send();
    sent.await.unwrap().status().as_u16()
}

/// Waits until a token is refused, which is when the gateway has read of its end.
async fn is_refused(gateway: &Gateway, token: &str) {
    let refused = async { while post(gateway, token).await == 200 {} };
    tokio::time::timeout(SOON, refused).await.expect("a token that has ended is refused");
}

/// How many events of a shop came to a door.
fn taken(gateway: &Gateway, door: &str, shop: &str) -> usize {
    let records = gateway.bus.records();
    records.iter().filter(|record| &*record.listener == door && &*record.shop == shop).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_21_a_token_ends_on_connections_that_stay_open_and_what_was_sent_is_kept() {
    let _alone = alone().await;
    let shops = Shops::none().await;
    let (stolen, other) = (shops.give("north").await, shops.give("south").await);
    let gateway = shops.gateway(|config| config.require_token = true).await;
    let bystander = Bystander::with_token(&gateway, &other.text);
    let mut thieves = Vec::new();
    for _ in 0..50 {
        let mut thief = TcpStream::connect(gateway.tcp).await.unwrap();
        thief.write_all(format!("{}\n{{\"n\":1}}\n", stolen.text).as_bytes()).await.unwrap();
        thieves.push(thief);
    }
    eventually("all are let in", || taken(&gateway, "tcp", "north") == 50).await;
    shops.revoke(&stolen).await;
    let attack = async {
        for (number, thief) in thieves.iter_mut().enumerate() {
            if number % 2 == 0 {
                // It may be closed already: half of them send nothing more, and are closed all the same.
                drop(thief.write_all(b"{\"n\":2}\n").await);
            }
            assert_eq!(read_to_close(thief).await, "the ingest token was revoked\n");
        }
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 16 << 20, "{rise} bytes");
    assert_eq!(refused_senders(&gateway, "tcp", "revoked_token"), 50.0);
    is_refused(&gateway, &stolen.text).await;
    // What had come before the door looked is durable; nothing comes any more.
    let kept = taken(&gateway, "tcp", "north");
    assert!((50..=75).contains(&kept), "{kept}");
    let mut again = TcpStream::connect(gateway.tcp).await.unwrap();
    again.write_all(format!("{}\n{{\"n\":3}}\n", stolen.text).as_bytes()).await.unwrap();
    assert_eq!(read_to_close(&mut again).await, "the ingest token was revoked\n");
    assert_eq!(taken(&gateway, "tcp", "north"), kept);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_21_every_request_of_a_connection_shows_its_token_anew() {
    let _alone = alone().await;
    let shops = Shops::none().await;
    let (stolen, other) = (shops.give("north").await, shops.give("south").await);
    let gateway = shops.gateway(|config| config.require_token = true).await;
    let bystander = Bystander::with_token(&gateway, &other.text);
    // Connections that are open before the token ends: HTTP/1.1, and gRPC on HTTP/2.
    let mut kept_alive = TcpStream::connect(gateway.http).await.unwrap();
    let one = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: 7\r\n\r\n{{\"n\":1}}",
        stolen.text
    );
    kept_alive.write_all(one.as_bytes()).await.unwrap();
    let mut answer = [0; 4_096];
    let bytes = kept_alive.read(&mut answer).await.unwrap();
    assert_eq!(statuses(&String::from_utf8_lossy(&answer[..bytes])), [200]);

    let stream = TokioIo::new(TcpStream::connect(gateway.http).await.unwrap());
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (mut calls, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let call = |token: &str| {
        let message = framed(0, &request(&[record("one")]));
        let call = Request::post(format!("http://door{GRPC}"))
            .header("content-type", "application/grpc")
            .header("authorization", format!("Bearer {token}"));
        call.body(Full::new(Bytes::from(message))).unwrap()
    };
    let answer = calls.send_request(call(&stolen.text)).await.unwrap();
    assert!(answer.headers().get("grpc-status").is_none(), "it ends in trailers: it is taken");
    answer.into_body().collect().await.unwrap();
    assert_eq!(taken(&gateway, "http", "north"), 2);

    shops.revoke(&stolen).await;
    is_refused(&gateway, &stolen.text).await;
    let before = taken(&gateway, "http", "north");
    let close = one.replace("host: a\r\n", "host: a\r\nconnection: close\r\n");
    kept_alive.write_all(close.as_bytes()).await.unwrap();
    assert_eq!(statuses(&read_to_close(&mut kept_alive).await), [401]);
    let answer = calls.send_request(call(&stolen.text)).await.unwrap();
    assert_eq!(answer.headers()["grpc-status"], "16");
    // The connection is whoever's token comes next.
    let answer = calls.send_request(call(&other.text)).await.unwrap();
    assert!(answer.headers().get("grpc-status").is_none());
    answer.into_body().collect().await.unwrap();
    connection.abort();
    assert_eq!(taken(&gateway, "http", "north"), before, "nothing came after its end");
    assert!(refused_senders(&gateway, "http", "revoked_token") >= 3.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_21_tokens_are_changed_without_a_gap_and_a_copy_of_the_old_one_is_worth_nothing() {
    let _alone = alone().await;
    let shops = Shops::none().await;
    let (old, other) = (shops.give("north").await, shops.give("south").await);
    let gateway = shops.gateway(|config| config.require_token = true).await;
    let bystander = Bystander::with_token(&gateway, &other.text);
    assert_eq!(post(&gateway, &old.text).await, 200);
    let new = shops.give("north").await;
    assert_eq!(post(&gateway, &new.text).await, 200, "it is known at once");
    assert_eq!(post(&gateway, &old.text).await, 200, "until somebody ends the old one");
    shops.revoke(&old).await;
    is_refused(&gateway, &old.text).await;
    // Whoever has only what the store keeps of a token, or most of it, has nothing.
    for guess in [old.id.as_str(), new.id.as_str(), &new.text[..new.text.len() - 1]] {
        assert_eq!(post(&gateway, guess).await, 401, "{guess}");
    }
    let swapped =
        new.text.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c });
    let swapped: String = "mrt_".chars().chain(swapped.skip(4)).collect();
    assert_eq!(post(&gateway, &swapped).await, 401);
    assert_eq!(post(&gateway, &new.text).await, 200);
    assert_eq!(gateway.bus.records().iter().filter(|r| &*r.shop == "default").count(), 0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
