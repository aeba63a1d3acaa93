//! Documents into the search store on engines: documents a CPU second of the sender, against a server in a
//! process of its own that answers at once.
//!
//! `cargo bench -p benches --bench bulk_speed`, with `BULK_DOCUMENTS` (500,000), `BULK_BATCH` (5,000) and
//! `BULK_CONCURRENCY` (4).

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use benches::{cpu_seconds, memory_bytes};
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::future::join_all;
use search_store::{
    ElasticsearchConfig, ElasticsearchStore, IndexOperation, ItemOutcome, SearchStore,
};

/// 2026-11-24T08:00:00Z.
const BEGIN_NS: i64 = 1_795_507_200_000_000_000;
/// What the server says it is.
const GREETING: &str = r#"{"version":{"distribution":"opensearch","number":"2.19.6"}}"#;
/// More than any bulk has.
const BODY_BYTES_MAX: usize = 64 << 20;
/// The argument with which this program is the server.
const SERVE: &str = "serve";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    if arguments.iter().any(|argument| argument == SERVE) {
        return runtime.block_on(serve());
    }
    let test = arguments.iter().any(|argument| argument == "--test");
    let documents = setting("BULK_DOCUMENTS", if test { 2_000 } else { 500_000 });
    let batch = setting("BULK_BATCH", if test { 500 } else { 5_000 });
    let concurrency = setting("BULK_CONCURRENCY", 4);
    let (mut server, url) = start_server();
    let report = runtime.block_on(measure(&url, documents, batch, concurrency));
    drop(server.stdin.take());
    server.wait().expect("the server ends");
    std::io::stdout().write_all(report.as_bytes()).expect("a report");
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The server and its address. It ends when its input does.
fn start_server() -> (Child, String) {
    let mut server = Command::new(std::env::current_exe().expect("this program"))
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut address = String::new();
    let output = server.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut address).expect("an address");
    (server, address.trim().to_owned())
}

async fn measure(url: &str, documents: usize, batch: usize, concurrency: usize) -> String {
    let operations: Vec<_> = (0..batch).map(operation).collect();
    let bytes: usize = operations.iter().map(|one| one.document.len()).sum();
    let mut report = format!(
        "{documents} documents of {} bytes, bulks of {batch}, {concurrency} at once\n",
        bytes / batch
    );
    let rounds = documents.div_ceil(batch * concurrency);
    for compression_level in [0, 1] {
        let config = ElasticsearchConfig { compression_level, ..ElasticsearchConfig::default() };
        let store = ElasticsearchStore::connect(url, config, &[]).expect("a store");
        store.ensure_templates().await.expect("templates");
        let (cpu, clock) = (cpu_seconds("self"), Instant::now());
        for _ in 0..rounds {
            let bulks = join_all((0..concurrency).map(|_| store.bulk(operations.clone()))).await;
            for outcomes in bulks {
                let outcomes = outcomes.expect("a bulk");
                assert_eq!(outcomes.len(), batch);
                assert!(outcomes.iter().all(|one| *one == ItemOutcome::Done));
            }
        }
        let (wall, cpu) = (clock.elapsed().as_secs_f64(), cpu_seconds("self") - cpu);
        let sent = (rounds * batch * concurrency) as f64;
        writeln!(
            report,
            "{:>12.0} documents a CPU second, {:.0} a second, with compression {compression_level}",
            sent / cpu,
            sent / wall
        )
        .expect("a string");
    }
    writeln!(report, "{:>12} MB resident at most", memory_bytes("self", "VmHWM") >> 20)
        .expect("a string");
    report
}

fn operation(number: usize) -> IndexOperation {
    let id = format!("{:032x}", (0x0192_f0c1_a2b3_7c4d_u128 << 64) + number as u128 * 7_919);
    let document = format!(
        r#"{{"@timestamp":"2026-11-24T08:00:00.{:03}Z","ecs":{{"version":"9.5.0"}},"event":{{"id":"{id}","kind":"event","category":["web"],"dataset":"transaction","created":"2026-11-24T08:00:00.512Z","outcome":"success"}},"organization":{{"id":"default"}},"message":"Payment accepted, order ORD-{number} shipped to the customer","user":{{"id":"U{}","email":"u{number}@shop.example"}},"client":{{"ip":"10.{}.{}.7","geo":{{"country_iso_code":"DE","location":{{"lat":52.5,"lon":13.4}}}}}},"shop":{{"session":{{"id":"S{number:012}"}},"order":{{"id":"ORD-{number}","amount":{}.90,"currency":"EUR","item_count":3}},"payment":{{"method":"card","card_brand":"visa","card_last4":"{:04}"}}}},"tags":["eu"]}}"#,
        number % 1_000,
        number % 977,
        number % 256,
        number / 256 % 256,
        number % 500,
        number % 10_000,
    );
    IndexOperation {
        id,
        index: "ecommerce-logs-transaction-2026.11.24".to_owned(),
        shop: "default".to_owned(),
        timestamp_ns: BEGIN_NS + number as i64 * 1_000_000,
        received_at_ns: BEGIN_NS + 512_000_000,
        document: Bytes::from(document),
    }
}

/// Answers every bulk at once, until the input ends.
async fn serve() {
    let router = Router::new().fallback(answer).layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    writeln!(std::io::stdout(), "http://{address}").expect("somebody reads");
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = axum::serve(listener, router) => served.expect("it serves"),
        ended = ended => drop(ended.expect("the input ends")),
    }
}

async fn answer(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    if uri.path() == "/_bulk" {
        return (json, items(&headers, &body)).into_response();
    }
    match method {
        Method::GET if uri.path() == "/" => (json, GREETING).into_response(),
        Method::GET => (StatusCode::NOT_FOUND, json, "{}").into_response(),
        _ => (json, "{}").into_response(),
    }
}

fn items(headers: &HeaderMap, body: &Bytes) -> String {
    let mut text = String::new();
    if headers.contains_key(header::CONTENT_ENCODING) {
        GzDecoder::new(&body[..]).read_to_string(&mut text).expect("gzip");
    } else {
        text = String::from_utf8(body.to_vec()).expect("text");
    }
    let mut items = String::from("{\"items\":[");
    for (place, action) in text.lines().step_by(2).enumerate() {
        let rest = action.split_once("\"_id\":\"").map_or("", |(_, rest)| rest);
        let id = rest.split('"').next().unwrap_or_default();
        let comma = if place > 0 { "," } else { "" };
        write!(
            items,
            "{comma}{{\"index\":{{\"_id\":\"{id}\",\"result\":\"created\",\"status\":201}}}}"
        )
        .expect("a string");
    }
    items.push_str("]}");
    items
}
