//! What it costs to see that a line holds no card number and no secret, and to mask one that does: time a line.
//!
//! `cargo bench -p benches --bench masking`. Events have some 600 bytes, as a shop's have. What the doors do with a
//! line is measured by `doors_speed`, with masking as it is by default.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use redaction::secret::Secrets;
use redaction::{LineMask, card};

/// Lines in one round.
const LINES: u64 = 1_000;

/// An event with members of its own behind the usual ones.
fn event(number: u64, members: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-01-31T12:34:56.{:03}Z\",\"event_id\":\"{:032x}\",\"log_type\":\"transaction\",\
         \"level\":\"info\",\"service\":\"checkout\",\"env\":\"production\",\"host\":\"web-{}\",\
         \"session_id\":\"{:016x}\",\"user_id\":\"u-{}\",\"order_id\":\"O-{number}\",\"amount\":\"{}.90\",\
         \"currency\":\"EUR\",\"items\":[{{\"sku\":\"A-1\",\"quantity\":1,\"price\":19.9}},\
         {{\"sku\":\"B-22\",\"quantity\":2,\"price\":5.25}}],\"payment\":{{\"method\":\"card\",\"card_last4\":\"1111\"}},\
         \"client_ip\":\"192.0.2.{}\",\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) \
         Gecko/20100101 Firefox/128.0\",\"url\":\"https://shop.example/checkout?step=3\"{members}}}",
        number % 1_000,
        // As ids are: digits in a row would be looked at as those of a card.
        u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        number % 7,
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        number % 3_000,
        number % 500,
        number % 250
    )
}

fn lines(line: impl Fn(u64) -> String) -> Vec<Vec<u8>> {
    (0..LINES).map(|number| line(number).into_bytes()).collect()
}

/// Kinds of lines by name, and whether something is masked in them.
fn kinds() -> Vec<(&'static str, Vec<Vec<u8>>, bool)> {
    let access = |number: u64| {
        format!(
            "66.249.73.{} - - [17/May/2015:10:05:03 +0000] \"GET /shop/item?id={number} HTTP/1.1\" 200 {} \
             \"https://shop.example/search?q={number}\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0\"",
            number % 250,
            number * 37
        )
    };
    let milliseconds =
        |number: u64| format!(",\"at\":{},\"sent\":{}", 1_795_132_800_000 + number, number);
    vec![
        ("events", lines(|number| event(number, "")), false),
        ("events with milliseconds", lines(|number| event(number, &milliseconds(number))), false),
        ("access lines", lines(access), false),
        (
            "events with a card",
            lines(|number| event(number, ",\"card\":\"4111111111111111\"")),
            true,
        ),
        (
            "events with a secret",
            lines(|number| event(number, ",\"api_key\":\"k-1f7c3b9a\"")),
            true,
        ),
    ]
}

fn masking(criterion: &mut Criterion) {
    let secrets = Secrets::default();
    let mask = LineMask::new(true, Some(secrets.clone()));
    let mut group = criterion.benchmark_group("masking");
    group.throughput(Throughput::Elements(LINES)).sample_size(20);
    for (kind, lines, is_masked) in kinds() {
        assert!(lines.iter().all(|line| mask.mask(line, false).is_some() == is_masked), "{kind}");
        group.bench_function(BenchmarkId::new("cards", kind), |bencher| {
            bencher.iter(|| lines.iter().filter(|line| card::may_be_in(black_box(line))).count());
        });
        group.bench_function(BenchmarkId::new("secrets", kind), |bencher| {
            bencher.iter(|| {
                let found = lines.iter().map(|line| secrets.find(black_box(line), false).len());
                found.sum::<usize>()
            });
        });
        group.bench_function(BenchmarkId::new("line", kind), |bencher| {
            bencher.iter(|| {
                let masked = lines.iter().map(|line| mask.mask(black_box(line), false));
                masked.flatten().map(|masked| masked.bytes.len()).sum::<usize>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, masking);
criterion_main!(benches);
