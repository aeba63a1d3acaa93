//! Shops that send more than their quota: requests are told when to come again, and who cannot be told is read
//! later; nothing is lost.

use std::time::{Duration, Instant};

use ingest_gateway::{Config, QuotaConfig, ShopConfig};
use reqwest::Response;
use serde_json::Value;
use service::{Span, http_client};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;

use crate::support::otlp::{call, framed, record, request};
use crate::support::{Gateway, SOON, eventually, send_tcp};

/// Gives the shop `hot` so many events a second, and a burst.
fn limit(config: &mut Config, events_per_second: u64, burst_ms: u64) {
    let quota = QuotaConfig {
        events_per_second: Some(events_per_second),
        burst: Some(Span::from_millis(burst_ms)),
        ..QuotaConfig::default()
    };
    config.shops.insert("hot".parse().unwrap(), ShopConfig { quota });
}

/// A gateway whose lines over TCP are of that shop.
async fn start_for_lines(events_per_second: u64, burst_ms: u64) -> Gateway {
    Gateway::start(|config| {
        config.tcp.shop = Some("hot".parse().unwrap());
        limit(config, events_per_second, burst_ms);
    })
    .await
}

/// In seconds.
fn retry_after(response: &Response) -> u64 {
    response.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

/// Whether a response says when to come again, of a debt of ten seconds that is being paid.
fn is_for_later(response: &Response) -> bool {
    response.status() == 429 && (5..=10).contains(&retry_after(response))
}

#[tokio::test]
async fn every_kind_of_request_beyond_the_quota_is_told_when_to_come_again() {
    let gateway = Gateway::start(|config| {
        config.quota.events_per_second = Some(10);
        config.quota.burst = Some(Span::from_secs(10));
    })
    .await;
    let body = "{\"a\":1}\n".repeat(200);
    let first = gateway.post("/v1/logs", "application/x-ndjson", body.clone()).await;
    assert_eq!(first.status(), 200, "a request that is let in is taken whole");

    let lines = gateway.post("/v1/logs", "application/x-ndjson", body).await;
    assert!(is_for_later(&lines), "{lines:?}");
    assert_eq!(lines.headers()["content-type"], "application/problem+json");
    let problem: Value = lines.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("quota"), "{problem}");

    let items = "{\"create\":{}}\n{\"a\":1}\n";
    let bulk = gateway.post("/_bulk", "application/x-ndjson", items).await;
    assert!(is_for_later(&bulk), "{bulk:?}");
    let error: Value = bulk.json().await.unwrap();
    assert_eq!(error["error"]["type"], "es_rejected_execution_exception");

    let message = request(&[record("order placed")]);
    let otlp = gateway.post("/v1/logs", "application/x-protobuf", message.clone()).await;
    assert!(is_for_later(&otlp), "{otlp:?}");
    let (grpc, _) = call(&gateway, &[], framed(0, &message)).await;
    assert_eq!(grpc["grpc-status"], "14", "UNAVAILABLE, which all clients take for another try");
    assert!(grpc.contains_key("google.rpc.retryinfo-bin"));

    let health = http_client::builder().build().unwrap().get(gateway.url("/health")).send().await;
    assert_eq!(health.unwrap().status(), 200, "the gateway is well");
    let refused = "millrace_gateway_quota_refused_requests_total{shop=\"other\"}";
    assert_eq!((gateway.metric(refused), gateway.busy("http")), (4.0, 4));
    let bus = gateway.stop().await;
    assert_eq!((bus.texts().len(), bus.letters().len()), (200, 0));
}

#[tokio::test]
async fn a_request_that_comes_again_is_taken_when_its_shop_has_earned_it() {
    let gateway = Gateway::start(|config| {
        config.http.shop = Some("hot".parse().unwrap());
        limit(config, 1_500, 10);
    })
    .await;
    let body = "{\"a\":1}\n".repeat(3_000);
    assert_eq!(gateway.post("/v1/logs", "", body.clone()).await.status(), 200);
    let begun = Instant::now();
    let mut refused = 0_u32;
    loop {
        let answer = gateway.post("/v1/logs", "", body.clone()).await;
        if answer.status() == 200 {
            break;
        }
        assert_eq!(answer.status(), 429);
        assert!((1..=2).contains(&retry_after(&answer)), "{answer:?}");
        refused += 1;
        assert!(begun.elapsed() < SOON, "it is never taken");
    }
    assert!(refused > 0);
    let name = "millrace_gateway_quota_refused_requests_total{shop=\"hot\"}";
    assert_eq!(gateway.metric(name), f64::from(refused));
    let bus = gateway.stop().await;
    assert_eq!(bus.texts().len(), 6_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_a_shop_beyond_its_quota_all_arrive_while_another_is_served() {
    // More than one block of each: what comes first is let in at once, however much others are sending.
    let gateway = start_for_lines(60_000, 100).await;
    let begun = Instant::now();
    let mut senders = JoinSet::new();
    for sender in 0..3 {
        let lines: Vec<String> = (0..12_000).map(|n| format!("{sender} is at {n:>20}")).collect();
        let address = gateway.tcp;
        senders.spawn(async move { send_tcp(address, lines.join("\n").as_bytes()).await });
    }
    while senders.try_join_next().is_none() {
        let answer = gateway.post("/v1/logs", "", "{\"of\":\"another\"}").await;
        assert_eq!(answer.status(), 200);
    }
    senders.join_all().await;
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(100), "{took:?} for more than half a second of the quota");
    let waits = "millrace_gateway_quota_wait_seconds_count{shop=\"hot\"}";
    assert!(gateway.metric(waits) > 0.0);
    assert_eq!(gateway.door("tcp").busy, 0, "nothing was turned away");
    let bus = gateway.stop().await;
    let hot = bus.records().into_iter().filter(|record| record.shop == "hot");
    let texts: Vec<String> =
        hot.map(|record| String::from_utf8_lossy(&record.payload).into_owned()).collect();
    for sender in 0..3 {
        let own = texts.iter().filter(|text| text.starts_with(&format!("{sender} ")));
        let expected = (0..12_000).map(|n| format!("{sender} is at {n:>20}"));
        assert!(own.eq(expected.collect::<Vec<_>>().iter()), "all of them, once, in order");
    }
}

#[tokio::test]
async fn a_line_whose_end_waits_for_the_quota_is_not_taken_for_one_that_never_ends() {
    let gateway = Gateway::start(|config| {
        config.tcp.shop = Some("hot".parse().unwrap());
        config.tcp.idle_timeout = Span::from_millis(1_500);
        config.tcp.line_timeout = Span::from_millis(1_500);
        limit(config, 100, 10);
    })
    .await;
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    stream.write_all(&[b"x\n".repeat(401), b"the beginning".to_vec()].concat()).await.unwrap();
    eventually("the shop is in debt", || gateway.door("tcp").accepted == 401).await;
    stream.write_all(b" of a line\n").await.unwrap();
    eventually("the line arrives whole", || gateway.door("tcp").accepted == 402).await;
    assert_eq!(gateway.limit_hits("tcp", "idle_timeout"), 0.0);
    drop(stream);
    let bus = gateway.stop().await;
    assert_eq!(bus.texts()[401], "the beginning of a line");
    assert!(bus.letters().is_empty());
}

#[tokio::test]
async fn many_short_connections_get_no_more_than_a_long_one() {
    let gateway = start_for_lines(100, 10).await;
    let begun = Instant::now();
    for n in 0..30 {
        send_tcp(gateway.tcp, format!("{n}\n{n}\n").as_bytes()).await;
    }
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(500), "{took:?} for 60 lines");
    let bus = gateway.stop().await;
    assert_eq!(bus.texts().len(), 60);
}

#[tokio::test]
async fn datagrams_wait_in_the_kernel_while_their_shop_is_in_debt() {
    let gateway = Gateway::start(|config| {
        config.udp.shop = Some("hot".parse().unwrap());
        limit(config, 1_000, 10);
    })
    .await;
    let begun = Instant::now();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for n in 0..400 {
        socket.send_to(format!("{{\"n\":{n}}}").as_bytes(), gateway.udp).await.unwrap();
    }
    eventually("the shop is in debt", || gateway.door("udp").accepted >= 300).await;
    socket.send_to(b"{\"last\":1}", gateway.udp).await.unwrap();
    eventually("all arrive", || gateway.door("udp").accepted == 401).await;
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(250), "{took:?} for 400 events");
    let dropped = "millrace_gateway_udp_dropped_datagrams_total{door=\"udp\"}";
    assert_eq!(gateway.metric(dropped), 0.0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_stop_takes_what_has_arrived_whatever_the_quota_says() {
    let gateway = start_for_lines(1, 1_000).await;
    let lines: Vec<String> = (0..1_000).map(|n| format!("{n}")).collect();
    let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
    stream.write_all(format!("{}\n", lines.join("\n")).as_bytes()).await.unwrap();
    eventually("the shop is in debt", || gateway.door("tcp").accepted > 10).await;
    let begun = Instant::now();
    let bus = gateway.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(bus.texts(), lines);
}
