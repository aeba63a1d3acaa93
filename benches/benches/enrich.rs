//! Enriching with the default pipeline against a strict scan of the same lines: how many times a scan
//! does the work on an event cost?

use std::hint::black_box;

use benches::shop_records;
use bus::{Positioned, Record};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use enricher::{Config, EnricherStage, compile};
use event::{Limits, scan};
use pipeline::{Stage, State};

const EVENTS: u64 = 4_096;

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
    let plan = compile(&Config::default(), "a key for the bench").expect("the default pipeline");
    group.bench_function("default pipeline", |bencher| {
        let mut stage = EnricherStage::new(&plan, Config::default().limits());
        bencher.iter_batched(
            State::default,
            |mut state| black_box(stage.process(&records, &mut state)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, enrich);
criterion_main!(benches);
