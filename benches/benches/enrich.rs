//! Enriching with the default pipeline, and with a short one of Logstash's filters, against a strict scan of the same
//! lines: how many times a scan does the work on an event cost?

use std::hint::black_box;

use benches::shop_records;
use bus::{Positioned, Record};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use enricher::language::{Source, Syntax};
use enricher::plan::{Plan, parse_and_compile};
use enricher::{Config, EnricherStage, Environment, compile};
use event::{Limits, scan};
use pipeline::{Stage, State};

const EVENTS: u64 = 4_096;

/// What most configurations do first.
const SHORT: &str = r#"filter {
  mutate {
    convert => {
      "duration_ms" => "integer" "scroll_pct" => "float" "status" => "integer" "response_time_ms" => "float"
      "bytes_sent" => "integer"
    }
  }
  date { match => ["timestamp", "ISO8601", "UNIX", "UNIX_MS", "dd/MMM/yyyy:HH:mm:ss Z"] }
  geoip { source => "client_ip" target => "client" fields => ["COUNTRY_CODE2"] tag_on_failure => [] }
}"#;

fn records() -> Vec<Positioned> {
    let positioned =
        |(number, record): (usize, Record)| Positioned { offset: number as u64, index: 0, record };
    shop_records(EVENTS).into_iter().enumerate().map(positioned).collect()
}

fn enrich(criterion: &mut Criterion) {
    let records = records();
    let bytes: usize = records.iter().map(|item| item.record.payload.len()).sum();
    let mut group = criterion.benchmark_group("enrich");
    group.throughput(Throughput::ElementsAndBytes { elements: EVENTS, bytes: bytes as u64 });
    group.sample_size(20);
    let limits = Limits::default();
    group.bench_function("strict scan", |bencher| {
        let mut nodes = Vec::new();
        bencher.iter(|| {
            for item in &records {
                black_box(scan(&item.record.payload, &limits, &mut nodes)).expect("well-formed");
            }
        });
    });
    let default = compile(&Config::default(), "a key for the bench").expect("the default pipeline");
    let source = Source::new("short.conf", SHORT);
    let short = parse_and_compile(&source, Syntax::default(), &Environment::default());
    let short = short.unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    let pipelines: [(&str, &Plan); 2] =
        [("default pipeline", &default), ("five converts, date and geoip", &short)];
    for (name, plan) in pipelines {
        group.bench_function(name, |bencher| {
            let mut stage = EnricherStage::new(plan, Config::default().limits());
            bencher.iter_batched(
                State::default,
                |mut state| black_box(stage.process(&records, &mut state)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, enrich);
criterion_main!(benches);
