//! How many documents a second of processor time the store on Elasticsearch sends: against a server in another
//! process that answers at once. `cargo run --release -p search-store --example bulk_speed [seconds]`.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::future::join_all;
use search_store::{
    ElasticsearchConfig, ElasticsearchStore, IndexOperation, ItemOutcome, SearchStore,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Operations of one bulk, as a stage hands them over.
const OPERATIONS: usize = 5_000;
/// Bulks at the same time.
const BULKS: usize = 4;

/// What the server says it is.
const GREETING: &str = r#"{"version":{"distribution":"opensearch","number":"2.19.6"}}"#;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match std::env::args().nth(1).as_deref() {
        Some("serve") => runtime.block_on(serve()),
        seconds => {
            let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(5);
            runtime.block_on(measure(Duration::from_secs(seconds)))
        }
    }
}

#[expect(clippy::print_stdout, reason = "it prints what it measures")]
async fn measure(time: Duration) -> Result<(), Failure> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    let output = server.stdout.take().ok_or("the server says nothing")?;
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut address)?;
    let operations: Vec<_> = (0..OPERATIONS).map(operation).collect();
    let bytes: usize = operations.iter().map(|one| one.document.len()).sum();
    println!("documents of {} bytes, {} bulks at once", bytes / OPERATIONS, BULKS);
    for compression_level in [0, 1] {
        let config = ElasticsearchConfig { compression_level, ..ElasticsearchConfig::default() };
        let store = ElasticsearchStore::connect(address.trim(), config, &[])?;
        let (begun, processor) = (Instant::now(), processor_time()?);
        let mut documents = 0;
        while begun.elapsed() < time {
            let bulks = join_all((0..BULKS).map(|_| store.bulk(operations.clone()))).await;
            for outcomes in bulks {
                let done = |one: &&ItemOutcome| **one == ItemOutcome::Done;
                documents += outcomes?.iter().filter(done).count();
            }
        }
        let (wall, processor) = (begun.elapsed(), processor_time()? - processor);
        println!(
            "compression {compression_level}: {:.0} documents a second, {:.0} a second of processor time",
            documents as f64 / wall.as_secs_f64(),
            documents as f64 / processor.as_secs_f64(),
        );
    }
    drop(server.stdin.take());
    server.wait()?;
    Ok(())
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
        timestamp_ns: 1_795_507_200_000_000_000 + number as i64 * 1_000_000,
        received_at_ns: 1_795_507_200_512_000_000,
        document: Bytes::from(document),
    }
}

/// User and system time of this process, from the kernel's count in hundredths.
fn processor_time() -> Result<Duration, Failure> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let rest = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        rest.split_whitespace().skip(11).take(2).filter_map(|one| one.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

#[expect(clippy::print_stdout, reason = "it tells where it listens")]
async fn serve() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    // It ends with whoever started it.
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let accepting = async {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { drop(answer_all(stream).await) });
        }
    };
    tokio::select! {
        _ = ended => Ok(()),
        () = accepting => Ok(()),
    }
}

async fn answer_all(stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::with_capacity(1 << 18, stream);
    let mut line = String::new();
    loop {
        let (mut length, mut compressed, mut request) = (0, false, String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let lower = line.trim().to_ascii_lowercase();
            match lower.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap_or(0),
                Some(("content-encoding", value)) => compressed = value.trim() == "gzip",
                None if lower.is_empty() => break,
                _ if request.is_empty() => request = lower,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        if compressed {
            let mut whole = Vec::new();
            GzDecoder::new(&body[..]).read_to_end(&mut whole)?;
            body = whole;
        }
        let (status, answer) = match request.split(' ').next() {
            Some("post") => (200, answer(&String::from_utf8_lossy(&body))),
            Some("put") => (200, "{}".to_owned()),
            _ if request.starts_with("get / ") => (200, GREETING.to_owned()),
            _ => (404, "{}".to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

fn answer(body: &str) -> String {
    let mut answer = String::from(r#"{"errors":false,"items":["#);
    for (place, line) in body.lines().step_by(2).enumerate() {
        let id = line.split("\"_id\":\"").nth(1).and_then(|rest| rest.split('"').next());
        if place > 0 {
            answer.push(',');
        }
        answer.push_str(r#"{"index":{"_id":""#);
        answer.push_str(id.unwrap_or_default());
        answer.push_str(r#"","status":201}}"#);
    }
    answer.push_str("]}");
    answer
}
