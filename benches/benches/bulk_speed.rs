//! Documents into the search store on engines: documents a CPU second of the sender, against a server in a
//! process of its own that answers at once.
//!
//! `cargo bench -p benches --bench bulk_speed`, with `BULK_DOCUMENTS` (500,000), `BULK_BATCH` (5,000) and
//! `BULK_CONCURRENCY` (4).

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use benches::dumb_engine::{Bulks, DumbEngine};
use benches::{cpu_seconds, memory_bytes};
use bytes::Bytes;
use futures::future::join_all;
use search_store::{
    ElasticsearchConfig, ElasticsearchStore, IndexOperation, ItemOutcome, SearchStore,
};

/// 2026-11-24T08:00:00Z.
const BEGIN_NS: i64 = 1_795_507_200_000_000_000;
/// The argument with which this program is the server.
const SERVE: &str = "serve";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == SERVE) {
        return serve();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
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
        index: "ecommerce-logs-transaction-2026.11.24".into(),
        shop: "default".into(),
        timestamp_ns: BEGIN_NS + number as i64 * 1_000_000,
        received_at_ns: BEGIN_NS + 512_000_000,
        document: Bytes::from(document),
    }
}

/// Answers every bulk at once, until the input ends.
fn serve() {
    let engine = DumbEngine::start(Bulks::Forgotten);
    writeln!(std::io::stdout(), "{}", engine.url()).expect("somebody reads");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the input ends");
}
