//! Memory of the filters that remember what they have seen, over events of which no two have the same user agent or
//! address: it must not grow once the caches are full.
//!
//! `cargo bench -p benches --bench flat_memory -- [MILLIONS]`, 50 million events if absent. Prints the memory of the
//! process after each tenth of them.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Instant;

use benches::{RECEIVED_AT_NS, memory_bytes};
use bus::Record;
use bytes::Bytes;
use enricher::Environment;
use enricher::language::{Source, Syntax};
use enricher::plan::parse_and_compile;
use event::{Event, Limits};

const PIPELINE: &str = r#"filter {
  useragent { source => "agent" target => "user_agent" }
  geoip { source => "ip" target => "client" }
}"#;
const MILLION: u32 = 1_000_000;
/// Coprime to the number of addresses: each is another one, and far from the one before.
const ADDRESS_STEP: u32 = 2_654_435_761;

/// An event with an agent and an address of its own.
fn record(number: u32) -> Record {
    let address = Ipv4Addr::from(number.wrapping_mul(ADDRESS_STEP));
    let payload = format!(
        "{{\"agent\":\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/{}.0.{}.{} Safari/537.36 shop/{number}\",\"ip\":\"{address}\"}}",
        90 + number % 60,
        number % 6_000,
        number % 200
    );
    Record { received_at_ns: RECEIVED_AT_NS, payload: Bytes::from(payload), ..Record::default() }
}

fn main() {
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|one| !one.starts_with("--")).collect();
    let is_test = std::env::args().any(|argument| argument == "--test");
    let millions = asked.first().map_or(50, |text| text.parse().expect("a number of millions"));
    let count = if is_test { 10_000 } else { millions * MILLION };
    let source = Source::new("bench.conf", PIPELINE.to_owned());
    let plan = parse_and_compile(&source, Syntax::default(), &Environment::default());
    let mut program = plan.unwrap_or_else(|mistakes| panic!("{}", mistakes[0])).instance();
    let (mut event, mut out, limits) = (Event::new(), Vec::new(), Limits::default());
    let begun = Instant::now();
    let mut report = String::from("| events | MiB resident | seconds |\n|---|---|---|\n");
    for number in 0..count {
        let record = record(number);
        event.decode_json(&record.payload, RECEIVED_AT_NS, &limits).expect("well-formed");
        program.run(&mut event, &record, |event, _| {
            out.clear();
            event.write_json(&mut out);
        });
        if (number + 1).is_multiple_of((count / 10).max(1)) {
            let resident = memory_bytes("self", "VmRSS") as f64 / f64::from(1 << 20);
            let seconds = begun.elapsed().as_secs_f64();
            report += &format!("| {} | {resident:.1} | {seconds:.0} |\n", number + 1);
        }
    }
    std::io::stdout().write_all(report.as_bytes()).expect("a report");
}
