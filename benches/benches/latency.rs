//! From sent to searchable through the services alone on real engines, at a steady rate over HTTP. Events
//! come to the index in about the order in which they were sent, so the n-th is taken to be searchable when
//! n are.
//!
//! Needs the engines (`scripts/engines up`, with its variables exported) and the release programs, which
//! `scripts/bench` builds.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use benches::services::{Bench, Profile};
use benches::{cpu_seconds, memory_bytes, shop_events};
use serde_json::Value;

/// Unless MILLRACE_BENCH_RATE says otherwise.
const EVENTS_PER_SECOND: u64 = 5_000;
const SECONDS: u64 = 30;
const REQUESTS_PER_SECOND: u64 = 50;
const PROGRAMS: [&str; 4] = ["indexer", "fraud-worker", "enricher", "ingest-gateway"];

fn bodies(per_second: u64) -> Vec<Vec<u8>> {
    let mut events = shop_events(per_second * SECONDS);
    let lines = usize::try_from(per_second / REQUESTS_PER_SECOND).expect("small");
    let mut bodies = Vec::new();
    loop {
        let body: Vec<u8> =
            events.by_ref().take(lines).flat_map(|line| [line, vec![b'\n']].concat()).collect();
        if body.is_empty() {
            return bodies;
        }
        bodies.push(body);
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port")
}

/// Sends each body at its moment, and notes when that was.
async fn send(url: String, bodies: Vec<Vec<u8>>, began: Instant) -> Vec<Instant> {
    let client = service::http_client::builder().build().expect("a client");
    let mut sent = Vec::with_capacity(bodies.len());
    let mut answers = tokio::task::JoinSet::new();
    for (number, body) in (0_u32..).zip(bodies) {
        let moment = began + Duration::from_secs(1) * number / REQUESTS_PER_SECOND as u32;
        tokio::time::sleep_until(moment.into()).await;
        sent.push(Instant::now());
        let request = client.post(&url).body(body);
        answers.spawn(async move { request.send().await.map(|answer| answer.status()) });
    }
    while let Some(answer) = answers.join_next().await {
        let status = answer.expect("it ends").expect("an answer");
        assert!(status.is_success(), "{status}");
    }
    sent
}

/// How many events are found.
async fn found(client: &reqwest::Client, url: &str) -> u64 {
    let answer = client.get(url).send().await;
    let Ok(answer) = answer else { return 0 };
    let answer: Value = answer.json().await.unwrap_or_default();
    answer["count"].as_u64().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "a bench's result")]
fn main() {
    let engine = std::env::var("MILLRACE_TEST_OPENSEARCH").expect("scripts/engines up");
    let rate = std::env::var("MILLRACE_BENCH_RATE").ok().and_then(|text| text.parse().ok());
    let rate: u64 = rate.unwrap_or(EVENTS_PER_SECOND);
    let bench = Bench::new(Profile::Json);
    let door = free_port();
    let running: Vec<_> = PROGRAMS
        .iter()
        .map(|program| {
            let mut flags = vec![format!("--search={engine}")];
            if *program == "ingest-gateway" {
                flags.extend(
                    ["--tcp-listen=127.0.0.1:0", "--udp-listen=127.0.0.1:0"].map(str::to_owned),
                );
                flags.push(format!("--http-listen={door}"));
            }
            bench.start(program, &flags)
        })
        .collect();
    let bodies = bodies(rate);
    let lines = rate / REQUESTS_PER_SECOND;
    let total = rate * SECONDS;
    let indices = format!("{engine}/{}-ecommerce-logs-*", bench.namespace());
    let count = format!("{indices}/_count?q=NOT+event.dataset:fraud_score");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (sent, visible) = runtime.block_on(async {
        let client = service::http_client::builder().build().expect("a client");
        warm_up(&client, &format!("http://{door}/v1/logs"), &bodies[0], &count, lines).await;
        let began = Instant::now();
        let visible = Arc::new(Mutex::new(Vec::new()));
        let sender = tokio::spawn(send(format!("http://{door}/v1/logs"), bodies, began));
        let deadline = began + Duration::from_secs(SECONDS + 120);
        loop {
            let events = found(&client, &count).await.saturating_sub(lines);
            visible.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), events));
            if events >= total {
                break;
            }
            assert!(Instant::now() < deadline, "{events} of {total} were found");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let seen = visible.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (sender.await.expect("it ends"), seen)
    });
    let mut delays: Vec<f64> = (0_u64..)
        .zip(&sent)
        .map(|(request, moment)| {
            let through = (request + 1) * lines;
            let seen =
                visible.iter().find(|(_, events)| *events >= through).expect("all are found");
            seen.0.duration_since(*moment).as_secs_f64()
        })
        .collect();
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    println!(
        "{rate} events a second for {SECONDS} s, sent to searchable: p50 {:.2} s, p99 {:.2} s, at most {:.2} s",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    for (program, running) in PROGRAMS.iter().zip(&running) {
        let process = running.process();
        let (cpu, memory) = (cpu_seconds(&process), memory_bytes(&process, "VmHWM"));
        println!("{program}: {cpu:.1} CPU s, {} MiB at most", memory >> 20);
    }
}

/// The first events make indices and topics known; they are not counted.
async fn warm_up(client: &reqwest::Client, url: &str, body: &[u8], count: &str, lines: u64) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while client.post(url).body(body.to_vec()).send().await.is_err() {
        assert!(Instant::now() < deadline, "the door does not open");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while found(client, count).await < lines {
        assert!(Instant::now() < deadline, "the first events are not found");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
