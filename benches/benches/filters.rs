//! What the filters cost, one at a time, in events a second: grok on lines that match and that do
//! not, dates, places, user agents, hashes, and the pipeline for access logs as a whole.

use bus::{Codec, Record, RecordId};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use enricher::Environment;
use enricher::language::{Source, Syntax};
use enricher::plan::{Program, parse_and_compile};
use event::Event;

/// 2026-01-01T00:00:00Z.
const RECEIVED_AT_NS: i64 = 1_767_225_600_000_000_000;
/// Lines in one round.
const LINES: u64 = 1_000;

fn program(pipeline: &str) -> Program {
    let source = Source::new("bench.conf", pipeline);
    parse_and_compile(&source, Syntax::default(), &Environment::default())
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
        .instance()
}

/// Access log lines of about 184 bytes; with `cut`, without the closing quote.
fn access_lines(cut: bool) -> Vec<String> {
    let agents = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)",
        "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://bot.example/about.html)",
    ];
    (0..LINES)
        .map(|number| {
            let agent = agents[number as usize % agents.len()];
            let (high, low) = (number / 250 + 1, number % 250);
            let end = if cut { "" } else { "\"" };
            format!(
                "66.{high}.73.{low} - - [17/May/2015:10:{:02}:03 +0000] \"GET /shop/category-{low}/item?id={number} HTTP/1.1\" 200 {} \"https://shop.example/search?q={number}\" \"{agent}{end}",
                number % 60,
                number * 37
            )
        })
        .collect()
}

fn record(line: &str) -> Record {
    Record {
        id: RecordId([7; 16]),
        received_at_ns: RECEIVED_AT_NS,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        codec: Codec::Plain,
        payload: Bytes::copy_from_slice(line.as_bytes()),
        ..Record::default()
    }
}

/// Runs a pipeline over lines; what it costs to make the event and write it is measured alone too.
fn pass(criterion: &mut Criterion, name: &str, pipeline: &str, lines: &[String]) {
    let mut program = program(pipeline);
    let records: Vec<_> = lines.iter().map(|line| record(line)).collect();
    let mut event = Event::new();
    let mut out = Vec::new();
    let mut group = criterion.benchmark_group("filters");
    group.throughput(Throughput::Elements(records.len() as u64)).sample_size(20);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for record in &records {
                event.start_plain(&record.payload, RECEIVED_AT_NS);
                program.run(&mut event, record, |event, _| {
                    out.clear();
                    event.write_json(&mut out);
                });
            }
        });
    });
    group.finish();
}

fn filters(criterion: &mut Criterion) {
    let matching = access_lines(false);
    let cut = access_lines(true);
    let addresses: Vec<_> =
        matching.iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect();
    let agents: Vec<_> = matching
        .iter()
        .map(|line| line.rsplit('"').nth(1).unwrap_or_default().to_owned())
        .collect();
    let times: Vec<_> = (0..LINES).map(|n| format!("2026-11-20 08:00:00,{n:03}")).collect();
    let combined = r#"filter { grok { match => { "message" => "%{COMBINEDAPACHELOG}" } } }"#;
    let legacy = r#"filter { grok { match => { "message" => "%{COMBINEDAPACHELOG}" } ecs_compatibility => "disabled" } }"#;
    pass(criterion, "nothing", "filter { }", &matching);
    pass(criterion, "grok COMBINEDAPACHELOG", combined, &matching);
    pass(criterion, "grok COMBINEDAPACHELOG legacy", legacy, &matching);
    pass(criterion, "grok COMBINEDAPACHELOG no match", combined, &cut);
    pass(criterion, "date", r#"filter { date { match => ["message", "ISO8601"] } }"#, &times);
    pass(
        criterion,
        "date joda",
        r#"filter { date { match => ["message", "yyyy-MM-dd HH:mm:ss,SSS"] } }"#,
        &times,
    );
    pass(
        criterion,
        "geoip",
        r#"filter { geoip { source => "message" target => "client" } }"#,
        &addresses,
    );
    pass(criterion, "useragent", r#"filter { useragent { source => "message" } }"#, &agents);
    pass(
        criterion,
        "fingerprint",
        r#"filter { fingerprint { method => "SHA256" key => "k" } }"#,
        &addresses,
    );
    let whole = include_str!("../../enricher/pipelines/access-log.conf");
    pass(criterion, "access-log.conf", whole, &matching);
}

criterion_group!(benches, filters);
criterion_main!(benches);
