//! What the size of a pipeline costs an event: filters that touch it, and branches that it never goes into.
//!
//! Between two sizes the cost should grow with what is touched, and by no more than a comparison for what is not.

use benches::{RECEIVED_AT_NS, shop_records};
use bus::Record;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enricher::Environment;
use enricher::language::{Source, Syntax};
use enricher::plan::{Program, parse_and_compile};
use event::{Event, Limits};

const EVENTS: u64 = 1_000;
/// What every pipeline of the curves does to an event besides.
const TOUCHING: &str = r#"
  mutate { rename => { "user_agent" => "[user_agent][original]" } add_tag => [ "shop" ] }
  date { match => [ "timestamp", "ISO8601" ] target => "[event][created]" }
  mutate { lowercase => [ "level" ] copy => { "log_type" => "[event][dataset]" } }
  if [amount] { mutate { convert => { "amount" => "float" } } }
  mutate { remove_field => [ "session_id" ] }
"#;

fn program(filters: &str) -> Program {
    let source = Source::new("bench.conf", format!("filter {{ {filters} }}"));
    parse_and_compile(&source, Syntax::default(), &Environment::default())
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
        .instance()
}

/// Forty conditionals with a mutate in each: some hold for few of the events, some for most, that of the tag for all.
fn forty_conditionals() -> String {
    const CONDITIONS: [&str; 8] = [
        r#"[log_type] == "transaction""#,
        r#"[log_type] in [ "error", "performance" ]"#,
        r#"[amount] and [currency] == "EUR""#,
        r#""shop" in [tags]"#,
        r#"![user_id] or [log_type] != "error""#,
        r#"[message] =~ /timeout|refused/"#,
        r#"[page] and [page] !~ /^\/admin/"#,
        r#"[amount] > 100 and !([log_type] in [ "user_behavior" ])"#,
    ];
    const OPERATIONS: [&str; 5] = [
        r#"add_field => { "[labels][NAME]" => "%{log_type}" }"#,
        r#"rename => { "level" => "[log][level]" } add_tag => [ "NAME" ]"#,
        r#"copy => { "log_type" => "[event][NAME]" }"#,
        r#"gsub => [ "message", "NAME", "x" ] lowercase => [ "log_type" ]"#,
        r#"replace => { "[labels][last]" => "NAME" }"#,
    ];
    let one = |number: usize| {
        let operation =
            OPERATIONS[number % OPERATIONS.len()].replace("NAME", &format!("n{number}"));
        format!("if {} {{ mutate {{ {operation} }} }}\n", CONDITIONS[number % CONDITIONS.len()])
    };
    let tag = r#"mutate { add_tag => [ "shop" ] }"#.to_owned() + "\n";
    std::iter::once(tag).chain((0..40).map(one)).collect()
}

/// Branches for kinds of logs that no event is of, as the files of others have them.
fn untouched(count: usize) -> String {
    let one = |number: usize| {
        format!(
            r#"if [log_type] == "kind-{number}" {{ kv {{ source => "message" target => "kind" }} mutate {{ rename => {{ "[kind][a]" => "[kind][b]" }} }} }}
            "#
        )
    };
    (0..count).map(one).collect()
}

/// The same as one chain, each link of which is asked.
fn untouched_chain(count: usize) -> String {
    let links: Vec<_> = (0..count)
        .map(|number| {
            format!(r#"if [log_type] == "kind-{number}" {{ mutate {{ add_tag => "k" }} }}"#)
        })
        .collect();
    links.join(" else ")
}

/// Mutates that every event meets.
fn touched(count: usize) -> String {
    let one = |number: usize| {
        format!(r#"mutate {{ replace => {{ "[labels][n{}]" => "value {number}" }} }}"#, number % 8)
    };
    (0..count).map(one).collect()
}

fn pass(criterion: &mut Criterion, name: BenchmarkId, filters: &str, records: &[Record]) {
    let mut program = program(filters);
    let mut event = Event::new();
    let mut out = Vec::new();
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("pipeline size");
    group.throughput(Throughput::Elements(records.len() as u64)).sample_size(20);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for record in records {
                event.decode_json(&record.payload, RECEIVED_AT_NS, &limits).expect("well-formed");
                program.run(&mut event, record, |event, _| {
                    out.clear();
                    event.write_json(&mut out);
                });
            }
        });
    });
    group.finish();
}

fn pipeline_size(criterion: &mut Criterion) {
    let records = shop_records(EVENTS);
    let forty = forty_conditionals();
    pass(criterion, BenchmarkId::from_parameter("nothing"), "", &records);
    pass(criterion, BenchmarkId::from_parameter("40 conditionals and mutates"), &forty, &records);
    for count in [0, 10, 40, 160, 640] {
        let separate = format!("{}{TOUCHING}", untouched(count));
        pass(criterion, BenchmarkId::new("untouched branches", count), &separate, &records);
        let chain = format!("{} {TOUCHING}", untouched_chain(count));
        pass(criterion, BenchmarkId::new("untouched links of a chain", count), &chain, &records);
        pass(criterion, BenchmarkId::new("touching mutates", count), &touched(count), &records);
    }
}

criterion_group!(benches, pipeline_size);
criterion_main!(benches);
