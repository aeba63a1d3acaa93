//! From sent to searchable through the services alone on real engines, at a steady rate over HTTP, and where the
//! time goes: until the door has acknowledged, the enricher has passed on, the engine has taken, and a search
//! finds. Events come through in about the order in which they were sent, so the n-th is taken to be there
//! when n are.
//!
//! Needs the engines (`scripts/engines up`, with its variables exported) and the release programs, which
//! `scripts/bench` builds.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use benches::services::{Bench, Profile};
use benches::{NO_DEFAULT_DOORS, cpu_seconds, memory_bytes, shop_events};
use bus::{TOPIC_ENRICHED, TOPIC_RAW};
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

/// A request: when it was sent, and when it was acknowledged.
type Request = (Instant, Instant);

/// Sends each body at its moment.
async fn send(url: String, bodies: Vec<Vec<u8>>, began: Instant) -> Vec<Request> {
    let client = service::http_client::builder().build().expect("a client");
    let mut answers = tokio::task::JoinSet::new();
    for (number, body) in (0_u32..).zip(bodies) {
        let moment = began + Duration::from_secs(1) * number / REQUESTS_PER_SECOND as u32;
        tokio::time::sleep_until(moment.into()).await;
        let sent = Instant::now();
        let request = client.post(&url).body(body);
        answers.spawn(async move {
            let status = request.send().await.expect("an answer").status();
            assert!(status.is_success(), "{status}");
            (sent, Instant::now())
        });
    }
    let mut requests = answers.join_all().await;
    requests.sort();
    requests
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
                flags.push(NO_DEFAULT_DOORS.to_owned());
                flags.push(format!("--http-listen={door}"));
            }
            bench.start(program, &flags)
        })
        .collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure(&bench, &engine, &format!("http://{door}/v1/logs"), rate));
    for (program, running) in PROGRAMS.iter().zip(&running) {
        let process = running.process();
        let (cpu, memory) = (cpu_seconds(&process), memory_bytes(&process, "VmHWM"));
        println!("{program}: {cpu:.1} CPU s, {} MiB at most", memory >> 20);
    }
}

/// Sends at the rate, and reports how long it took to each place.
#[expect(clippy::print_stdout, reason = "a bench's result")]
async fn measure(bench: &Bench, engine: &str, url: &str, rate: u64) {
    let (bodies, lines) = (bodies(rate), rate / REQUESTS_PER_SECOND);
    let total = rate * SECONDS;
    let indices = format!("{engine}/{}-ecommerce-logs-*", bench.namespace());
    let count = format!("{indices}/_count?q=NOT+event.dataset:fraud_score");
    let client = service::http_client::builder().build().expect("a client");
    warm_up(&client, url, &bodies[0], &count, lines).await;
    let began = Instant::now();
    let sender = tokio::spawn(send(url.to_owned(), bodies, began));
    let deadline = began + Duration::from_secs(SECONDS + 120);
    let mut reached = Vec::new();
    loop {
        let counts = [
            bench.settled("enricher", TOPIC_RAW).await,
            bench.settled("indexer", TOPIC_ENRICHED).await,
            found(&client, &count).await,
        ];
        let counts = counts.map(|count| count.saturating_sub(lines));
        reached.push((Instant::now(), counts));
        if counts.iter().all(|count| *count >= total) {
            break;
        }
        assert!(Instant::now() < deadline, "{counts:?} of {total}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let requests = sender.await.expect("it ends");
    println!("{rate} events a second for {SECONDS} s, from sent to:");
    show("acknowledged", requests.iter().map(|(sent, acknowledged)| *acknowledged - *sent));
    for (place, name) in ["enriched", "indexed", "searchable"].into_iter().enumerate() {
        let seen = (1..).zip(&requests).map(|(number, (sent, _))| {
            let through = number * lines;
            let at = reached.iter().find(|(_, counts)| counts[place] >= through);
            at.map_or(Duration::MAX, |(moment, _)| *moment - *sent)
        });
        show(name, seen);
    }
}

/// Reports how long it took, for the middle one, one of a hundred, and the last.
#[expect(clippy::print_stdout, reason = "a bench's result")]
fn show(what: &str, times: impl Iterator<Item = Duration>) {
    let mut seconds: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
    seconds.sort_by(f64::total_cmp);
    let at = |share: f64| seconds[((seconds.len() - 1) as f64 * share) as usize];
    println!("  {what}: p50 {:.2} s, p99 {:.2} s, at most {:.2} s", at(0.5), at(0.99), at(1.0));
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
