//! Documents into the embedded search store, and queries over them: events a CPU second, resident memory,
//! and how long a bulk waits. It measures the whole process, merges included.
//!
//! `cargo bench -p benches --bench index`, with `INDEX_EVENTS` (200,000), `INDEX_PARTITIONS` (8) and
//! `INDEX_BATCH` (1,000).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::{cpu_seconds, memory_bytes};
use bytes::Bytes;
use search_store::{
    EmbeddedConfig, EmbeddedSearch, IndexOperation, ItemOutcome, SearchRequest, SearchStore,
    TimeRange,
};

/// 2026-11-24T08:00:00Z.
const BEGIN_NS: i64 = 1_795_507_200_000_000_000;

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let events = setting("INDEX_EVENTS", if test { 2_000 } else { 200_000 });
    let partitions = setting("INDEX_PARTITIONS", 8);
    let batch = setting("INDEX_BATCH", 1_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure(events, partitions, batch));
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn measure(events: u64, partitions: u64, batch: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let fields = schema::Schema::embedded().fields();
    let store = EmbeddedSearch::open(folder.path(), EmbeddedConfig::default(), fields);
    let store = Arc::new(store.await.expect("a store"));
    let bytes: usize = (0..1_000).map(|number| operation(number).document.len()).sum();
    let made = cpu_seconds("self");
    (0..events).for_each(|number| drop(std::hint::black_box(operation(number))));
    let making = cpu_seconds("self") - made;

    let (cpu, clock) = (cpu_seconds("self"), Instant::now());
    let mut tasks = Vec::new();
    for partition in 0..partitions {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            let mut numbers = (partition..events).step_by(partitions as usize).peekable();
            while numbers.peek().is_some() {
                let bulk = numbers.by_ref().take(batch as usize).map(operation).collect();
                let start = Instant::now();
                let outcomes = store.bulk(bulk).await.expect("a bulk");
                longest = longest.max(start.elapsed());
                assert!(outcomes.iter().all(|one| *one == ItemOutcome::Done));
            }
            longest
        }));
    }
    let mut longest = Duration::ZERO;
    for task in tasks {
        longest = longest.max(task.await.expect("a partition"));
    }
    let (wall, cpu) = (clock.elapsed().as_secs_f64(), cpu_seconds("self") - cpu - making);
    let mut report = String::new();
    let rate = events as f64;
    writeln!(
        report,
        "{events} documents of {} bytes, {partitions} partitions, bulks of {batch}",
        bytes / 1_000
    )
    .expect("a string");
    writeln!(
        report,
        "{:>12.0} documents a CPU second ({:.1} us each)",
        rate / cpu,
        cpu / rate * 1e6
    )
    .expect("a string");
    writeln!(report, "{:>12.0} documents a second", rate / wall).expect("a string");
    writeln!(report, "{:>12.0} ms, the longest bulk", longest.as_secs_f64() * 1e3)
        .expect("a string");
    writeln!(
        report,
        "{:>12} MB resident at most, {} MB of it not from files",
        memory_bytes("self", "VmHWM") >> 20,
        memory_bytes("self", "RssAnon") >> 20
    )
    .expect("a string");
    for text in QUERIES {
        ask(&store, text, events, &mut report).await;
    }
    let clock = Instant::now();
    store.close().await.expect("a clean end");
    writeln!(report, "{:>12.0} ms to close", clock.elapsed().as_secs_f64() * 1e3)
        .expect("a string");
    writeln!(report, "{:>12} bytes a document on disk", size(folder.path()) / events)
        .expect("a string");
    print(&report);
}

const QUERIES: [&str; 7] = [
    "*",
    "type:transaction AND shop.order.amount:>100",
    "payment",
    "ORD-00000777",
    "client.ip:10.0.0.0/12 AND NOT type:error",
    "\"order placed\" AND shop.order.id:ORD-0000*",
    "shop.order:* AND NOT user.id:*",
];

async fn ask(store: &EmbeddedSearch, text: &str, events: u64, report: &mut String) {
    let scope = access::local_admin(0, 0).expect("root is the local administrator");
    let request = SearchRequest::new(query::parse(text).expect("a query"));
    let mut total = 0;
    let mut shortest = Duration::MAX;
    for _ in 0..5 {
        let clock = Instant::now();
        total = store.search(&scope, &request).await.expect("a page").total;
        shortest = shortest.min(clock.elapsed());
    }
    let clock = Instant::now();
    let counts =
        store.histogram(&scope, &request.query, TimeRange::default(), 60_000_000_000).await;
    let counted: u64 = counts.expect("counts").iter().map(|(_, count)| count).sum();
    let histogram = clock.elapsed();
    assert_eq!(counted, total, "{text}");
    assert!(text != "*" || total == events, "{total} of {events} are found");
    writeln!(
        report,
        "{:>12.2} ms a page, {:.2} ms a histogram: {text} ({total})",
        shortest.as_secs_f64() * 1e3,
        histogram.as_secs_f64() * 1e3
    )
    .expect("a string");
}

/// SplitMix64.
fn random(seed: u64) -> u64 {
    let value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A log type, and what documents of that type alone have.
fn typed_part(number: u64, seed: u64, customer: u64) -> (&'static str, String) {
    let pick = |salt: u64, count: u64| random(seed ^ salt) % count;
    match pick(4, 10) {
        0..=3 => (
            "user_behavior",
            format!(
                r#""dataset":"user_behavior","action":"{}","outcome":"success"}},"url":{{"path":"/product/{}","domain":"shop.example"}},"http":{{"request":{{"referrer":"https://shop.example/category/{}"}}}},"shop":{{"session":{{"id":"s-{:012x}"}},"product":{{"id":"P-{}","category":"shoes","price":{}.{:02}}}}},"message":"page view of product {}""#,
                ["page_view", "search", "add_to_cart"][pick(5, 3) as usize],
                pick(6, 5_000),
                pick(7, 40),
                random(customer),
                pick(6, 5_000),
                pick(8, 200),
                pick(9, 100),
                pick(6, 5_000)
            ),
        ),
        4..=6 => (
            "transaction",
            format!(
                r#""dataset":"transaction","action":"order_placed","outcome":"success"}},"shop":{{"session":{{"id":"s-{:012x}"}},"order":{{"id":"ORD-{number:08}","amount":{}.{:02},"tax":{}.{:02},"shipping_cost":4.90,"currency":"EUR","item_count":{},"status":"completed","billing_country":"DE","shipping_country":"DE","first_order":{}}},"payment":{{"method":"card","gateway":"stripe","card_brand":"visa","card_last4":"{:04}"}}}},"message":"order placed: payment accepted for ORD-{number:08}""#,
                random(customer),
                pick(10, 400),
                pick(11, 100),
                pick(12, 40),
                pick(13, 100),
                1 + pick(14, 9),
                pick(15, 2) == 0,
                pick(16, 10_000)
            ),
        ),
        7 => (
            "error",
            format!(
                r#""dataset":"error","outcome":"failure"}},"error":{{"type":"java.lang.NullPointerException","code":"E{}","message":"cannot read field of null object in checkout step {}","stack_trace":"at com.shop.Checkout.pay(Checkout.java:{})\n at com.shop.Web.handle(Web.java:88)"}},"http":{{"response":{{"status_code":500}}}},"message":"unhandled exception in checkout""#,
                pick(17, 50),
                pick(18, 9),
                pick(19, 900)
            ),
        ),
        _ => (
            "performance",
            format!(
                r#""dataset":"performance","duration":{},"outcome":"success"}},"url":{{"path":"/api/cart/{}"}},"http":{{"request":{{"method":"GET"}},"response":{{"status_code":200,"bytes":{}}}}},"span":{{"id":"{:016x}"}},"message":"GET /api/cart took {} ms""#,
                pick(20, 900_000_000),
                pick(21, 300),
                pick(22, 90_000),
                random(seed ^ 23),
                pick(20, 900)
            ),
        ),
    }
}

/// A document as the enricher writes them.
fn operation(number: u64) -> IndexOperation {
    let seed = random(number);
    let pick = |salt: u64, count: u64| random(seed ^ salt) % count;
    let timestamp_ns = BEGIN_NS + number as i64 * 20_000_000;
    let timestamp = format!(
        "2026-11-24T{:02}:{:02}:{:02}.{:03}Z",
        8 + number / 180_000 % 16,
        number / 3_000 % 60,
        number / 50 % 60,
        number * 20 % 1_000
    );
    let customer = pick(1, 20_000);
    let trace = format!("{:016x}{:016x}", random(seed ^ 2), random(seed ^ 3));
    let mut text = format!(
        r#"{{"@timestamp":"{timestamp}","ecs":{{"version":"9.5.0"}},"event":{{"id":"{seed:016x}{number:016x}","created":"{timestamp}","kind":"event","category":["web"],"#
    );
    let (kind, rest) = typed_part(number, seed, customer);
    write!(text, r#"{rest},"log":{{"level":"info"}},"service":{{"name":"{}","environment":"production","version":"4.{}.1"}},"host":{{"name":"web-{:02}"}},"client":{{"ip":"{}.{}.{}.{}","geo":{{"country_iso_code":"DE"}}}},"user":{{"id":"u-{customer}","hash":"{:016x}{:016x}"}},"user_agent":{{"original":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/12{}.0 Safari/537.36","name":"Chrome","version":"12{}.0"}},"organization":{{"id":"default"}},"trace":{{"id":"{trace}"}},"tags":["web"]}}"#,
        ["cart", "checkout", "catalog"][pick(24, 3) as usize], pick(25, 9), pick(26, 12), 10 + pick(27, 3), pick(28, 32), pick(29, 256), pick(30, 256), random(customer ^ 5), random(customer ^ 6), pick(31, 9), pick(31, 9))
        .expect("a string");
    IndexOperation {
        id: format!("{:012x}7{:03x}8{:015x}", timestamp_ns / 1_000_000, seed % 4_096, seed >> 4),
        index: format!("ecommerce-logs-{kind}-2026.11.24").into(),
        shop: "default".into(),
        timestamp_ns,
        received_at_ns: BEGIN_NS + number as i64 * 60_000,
        document: Bytes::from(text),
    }
}

fn size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

#[expect(clippy::print_stdout, reason = "a bench's result")]
fn print(report: &str) {
    println!("{report}");
}
