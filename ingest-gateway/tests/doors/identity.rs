//! Whose events are, by the tokens that come with them and the doors that they come to.

use access::IngestToken;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::RecordId;
use service::{Span, http_client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, UnixStream};

use crate::support::lumberjack::{Sender, event, window};
use crate::support::otlp::{call, framed, record, request};
use crate::support::shops::{Shops, refused_senders, shop, shops_of};
use crate::support::{Gateway, Mode, SOON, any_port, eventually, read_to_close, send_tcp};

/// What looks like a shop's token, and is none.
const STRANGE: &str = "mrt_0123456789012345678901234567890123456789012";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Credentials as a scheme has them whose pairs are in base64.
fn pair(scheme: &str, token: &str) -> String {
    format!("{scheme} {}", STANDARD.encode(format!("somebody:{token}")))
}

/// Posts a body; the status.
async fn post(
    gateway: &Gateway,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> u16 {
    let mut request = http_client::builder().build().unwrap().post(gateway.url(path)).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status().as_u16()
}

async fn post_line(gateway: &Gateway, authorization: &str) -> u16 {
    post(gateway, "/v1/logs", &[("authorization", authorization)], "{\"n\":1}\n").await
}

#[tokio::test]
async fn over_http_events_are_the_shops_whose_token_comes_with_them() {
    let shops = Shops::none().await;
    let (north, south) = (shops.give("north").await, shops.give("south").await);
    let gateway = shops.gateway(|_| {}).await;
    for shown in [bearer(&north.text), pair("Basic", &north.text), pair("ApiKey", &south.text)] {
        assert_eq!(post_line(&gateway, &shown).await, 200);
    }
    assert_eq!(post(&gateway, "/v1/logs", &[], "{}").await, 200);
    assert_eq!(shops_of(&gateway), ["north", "north", "south", "default"]);

    let bulk = "{\"create\":{\"_id\":\"1\"}}\n{}\n";
    for token in [&north, &south] {
        let shown = pair("Basic", &token.text);
        let headers = [("authorization", &*shown)];
        assert_eq!(post(&gateway, "/_bulk", &headers, bulk).await, 200);
        let headers = [("authorization", &*shown), ("idempotency-key", "upload-7")];
        assert_eq!(post(&gateway, "/v1/logs", &headers, "{}").await, 200);
    }
    let message = request(&[record("an order")]);
    let shown = bearer(&north.text);
    let headers = [("authorization", &*shown), ("content-type", "application/x-protobuf")];
    assert_eq!(post(&gateway, "/v1/logs", &headers, message.clone()).await, 200);
    let shown: &'static str = bearer(&south.text).leak();
    let (headers, _) = call(&gateway, &[("authorization", shown)], framed(0, &message)).await;
    assert_eq!(headers["grpc-status"], "0");
    let expected = ["north", "north", "south", "south", "north", "south"];
    assert_eq!(shops_of(&gateway)[4..], expected);
    let ids: Vec<RecordId> = gateway.bus.records().iter().map(|record| record.id).collect();
    assert_ne!(ids[4], ids[6], "a document of one shop is none of another");
    assert_eq!(ids[5], RecordId::from_idempotency_key("north", "upload-7", 1));
    assert_eq!(ids[7], RecordId::from_idempotency_key("south", "upload-7", 1));
    gateway.stop().await;
}

#[tokio::test]
async fn a_wrong_token_of_a_shop_is_refused_at_an_open_door_and_other_credentials_are_not() {
    let shops = Shops::none().await;
    let north = shops.give("north").await;
    shops.revoke(&north).await;
    let gateway = shops.gateway(|_| {}).await;
    for other in [bearer("changeme"), pair("Basic", "changeme"), "Negotiate abc".to_owned()] {
        assert_eq!(post_line(&gateway, &other).await, 200);
    }
    for wrong in [bearer(STRANGE), pair("Basic", STRANGE), bearer(&north.text)] {
        assert_eq!(post_line(&gateway, &wrong).await, 401);
        let headers = [("authorization", &*wrong)];
        assert_eq!(post(&gateway, "/_bulk", &headers, "{\"create\":{}}\n{}\n").await, 401);
        let get = http_client::builder().build().unwrap().get(gateway.url("/_license"));
        let answer = get.header("authorization", &wrong).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer["error"]["type"], "security_exception");
    }
    assert_eq!(refused_senders(&gateway, "http", "unknown_token"), 6.0);
    assert_eq!(refused_senders(&gateway, "http", "revoked_token"), 3.0);
    assert_eq!(gateway.metric("millrace_gateway_unauthorized_total{door=\"http\"}"), 9.0);
    assert_eq!(shops_of(&gateway), ["default"; 3]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_new_token_opens_the_door_at_once_however_seldom_all_are_read() {
    let shops = Shops::none().await;
    let gateway = shops
        .gateway(|config| {
            config.tokens_refresh_interval = Span::from_secs(3_600);
            config.require_token = true;
        })
        .await;
    assert_eq!(post(&gateway, "/v1/logs", &[], "{}").await, 401);
    for name in ["north", "south"] {
        let token = shops.give(name).await;
        assert_eq!(post_line(&gateway, &bearer(&token.text)).await, 200);
    }
    assert_eq!(shops_of(&gateway), ["north", "south"]);
    gateway.stop().await;
}

#[tokio::test]
async fn without_a_store_there_are_no_tokens_of_shops() {
    let gateway = Gateway::start(|_| {}).await;
    assert_eq!(post_line(&gateway, &bearer(STRANGE)).await, 401);
    assert_eq!(post(&gateway, "/v1/logs", &[], "{}").await, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn the_first_line_may_be_the_token_of_a_shop_and_is_never_an_event() {
    let shops = Shops::none().await;
    let north = shops.give("north").await.text;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let gateway = shops.gateway(|config| config.unix.stream_path = Some(path.clone())).await;
    send_tcp(gateway.tcp, format!("{north}\r\none\ntwo").as_bytes()).await;
    send_tcp(gateway.tcp, b"three\nfour\n").await;
    assert_eq!(gateway.bus.texts(), ["one", "two", "three", "four"]);
    assert_eq!(shops_of(&gateway), ["north", "north", "default", "default"]);

    let answer = send_tcp(gateway.tcp, format!("{STRANGE}\nfive\n").as_bytes()).await;
    assert_eq!(answer, b"nobody knows this ingest token\n");
    let answer = send_tcp(gateway.tcp, STRANGE.as_bytes()).await;
    assert_eq!(answer, b"nobody knows this ingest token\n", "its line has no end");
    assert!(send_tcp(gateway.tcp, north.as_bytes()).await.is_empty());
    assert_eq!(gateway.bus.texts().len(), 4);
    assert!(gateway.bus.letters().is_empty());
    assert_eq!(refused_senders(&gateway, "tcp", "unknown_token"), 2.0);

    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(format!("{north}\nfive\n").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(shops_of(&gateway)[4..], ["north"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_stands_before_events_of_several_lines() {
    let shops = Shops::none().await;
    let north = shops.give("north").await.text;
    let gateway = shops.gateway(|config| config.tcp.multiline.pattern = Some("^ ".into())).await;
    send_tcp(gateway.tcp, format!("{north}\n one\n more\ntwo\n").as_bytes()).await;
    send_tcp(gateway.tcp, b"three\n more\nfour").await;
    send_tcp(gateway.tcp, b"five").await;
    let events = [" one\n more", "two", "three\n more", "four", "five"];
    assert_eq!(gateway.bus.texts(), events);
    assert_eq!(shops_of(&gateway), ["north", "north", "default", "default", "default"]);
    gateway.stop().await;
}

#[tokio::test]
async fn the_first_line_must_be_a_token_where_one_is_required() {
    let shops = Shops::none().await;
    let north = shops.give("north").await.text;
    let gateway = shops
        .gateway(|config| {
            config.require_token = true;
            config.ingest_token = Some(IngestToken::new("0123456789abcdef").unwrap());
            config.tcp.shop = Some(shop("west"));
        })
        .await;
    send_tcp(gateway.tcp, format!("{north}\none\n").as_bytes()).await;
    send_tcp(gateway.tcp, b"0123456789abcdef\ntwo\n").await;
    let answer = send_tcp(gateway.tcp, b"three\nfour\n").await;
    assert_eq!(answer, b"the first line must be the ingest token\n");
    assert_eq!(gateway.bus.texts(), ["one", "two"]);
    assert_eq!(shops_of(&gateway), ["north", "west"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_of_the_settings_that_looks_like_a_shops_ends_no_connection() {
    let shops = Shops::none().await;
    let own = Some(IngestToken::new(STRANGE).unwrap());
    let gateway = shops.gateway(|config| config.ingest_token = own).await;
    // Once another one is refused it is known that no shop has this one.
    assert_eq!(post_line(&gateway, &bearer(&STRANGE.replace('9', "8"))).await, 401);
    let answer = send_tcp(gateway.tcp, format!("{STRANGE}\none\n").as_bytes()).await;
    assert!(answer.is_empty(), "{answer:?}");
    assert_eq!(gateway.bus.texts(), ["one"]);
    assert_eq!(refused_senders(&gateway, "tcp", "unknown_token"), 0.0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_silent_connection_ends_with_its_token_and_what_was_read_of_it_is_kept() {
    let shops = Shops::none().await;
    let (north, south) = (shops.give("north").await, shops.give("south").await);
    let gateway = shops.gateway(|_| {}).await;
    let mut ending = TcpStream::connect(gateway.tcp).await.unwrap();
    ending.write_all(format!("{}\none\n", north.text).as_bytes()).await.unwrap();
    let mut going_on = TcpStream::connect(gateway.tcp).await.unwrap();
    going_on.write_all(format!("{}\ntwo\n", south.text).as_bytes()).await.unwrap();
    let mut without = TcpStream::connect(gateway.tcp).await.unwrap();
    without.write_all(b"three\n").await.unwrap();
    eventually("all are served", || gateway.door("tcp").accepted == 3).await;
    let received = "millrace_gateway_received_bytes_total{door=\"tcp\"}";
    let before = gateway.metric(received);
    ending.write_all(b"the beginning").await.unwrap();
    eventually("it is read", || gateway.metric(received) == before + 13.0).await;

    // It sends nothing more.
    shops.revoke(&north).await;
    assert_eq!(read_to_close(&mut ending).await, "the ingest token was revoked\n");
    assert_eq!(post_line(&gateway, &bearer(&north.text)).await, 401);
    going_on.write_all(b"four\n").await.unwrap();
    without.write_all(b"five\n").await.unwrap();
    eventually("the others go on", || gateway.door("tcp").accepted == 5).await;
    let of = |shop: &str| {
        let records = gateway.bus.records();
        let own = records.iter().filter(|r| &*r.listener == "tcp" && &*r.shop == shop);
        own.map(|record| record.payload.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("north"), ["one"]);
    assert_eq!(of("south"), ["two", "four"]);
    assert_eq!(of("default"), ["three", "five"]);
    assert_eq!(gateway.bus.letters()[0].kind, "incomplete_line");
    assert_eq!(refused_senders(&gateway, "tcp", "revoked_token"), 1.0);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_on_its_way_is_durable_before_a_connection_ends_with_its_token() {
    let shops = Shops::none().await;
    let north = shops.give("north").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let gateway = shops.gateway(|config| config.unix.stream_path = Some(path.clone())).await;
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(format!("{}\none\n", north.text).as_bytes()).await.unwrap();
    eventually("it is served", || gateway.door("unix").accepted == 1).await;
    gateway.bus.set_mode(Mode::Hangs);
    let received = "millrace_gateway_received_bytes_total{door=\"unix\"}";
    let before = gateway.metric(received);
    stream.write_all(b"two\n").await.unwrap();
    eventually("it is read", || gateway.metric(received) == before + 4.0).await;
    shops.revoke(&north).await;
    let mut answer = Vec::new();
    {
        let mut closing = std::pin::pin!(stream.read_to_end(&mut answer));
        let is_refused = || refused_senders(&gateway, "unix", "revoked_token") == 1.0;
        tokio::select! {
            _ = &mut closing => panic!("it is closed before that is durable"),
            () = eventually("its end is noticed", is_refused) => {}
        }
        gateway.bus.set_mode(Mode::Works);
        tokio::time::timeout(SOON, closing).await.unwrap().unwrap();
    }
    assert_eq!(answer, b"the ingest token was revoked\n");
    assert_eq!(gateway.bus.texts(), ["one", "two"]);
    gateway.stop().await;
}

#[tokio::test]
async fn what_can_show_nothing_is_the_shops_whose_door_it_comes_to() {
    let gateway = Gateway::start(|config| {
        config.udp.shop = Some(shop("north"));
        config.beats.shop = Some(shop("east"));
        config.http.shop = Some(shop("west"));
        config.syslog.shop = Some(shop("south"));
        config.syslog.udp_listen = any_port();
        config.syslog.tcp_listen = any_port();
    })
    .await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"{}", gateway.udp).await.unwrap();
    socket.send_to(b"<13>one", gateway.syslog.udp.unwrap()).await.unwrap();
    send_tcp(gateway.syslog.tcp.unwrap(), b"<13>two\n").await;
    eventually("they arrive", || {
        gateway.door("udp").accepted == 1 && gateway.door("syslog").accepted == 2
    })
    .await;
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&[window(1), event(1, "{}")].concat()).await;
    assert_eq!(sender.ack().await, 1);
    assert_eq!(post(&gateway, "/v1/logs", &[], "{}").await, 200);
    send_tcp(gateway.tcp, b"{}\n").await;
    let records = gateway.bus.records();
    let mut shops: Vec<(&str, &str)> =
        records.iter().map(|record| (&*record.listener, &*record.shop)).collect();
    shops.sort_unstable();
    let expected = [
        ("beats", "east"),
        ("http", "west"),
        ("syslog", "south"),
        ("syslog", "south"),
        ("tcp", "default"),
        ("udp", "north"),
    ];
    assert_eq!(shops, expected);
    gateway.stop().await;
}
