//! Runs a pipeline over lines of the standard input, each as one record, and writes the documents, to
//! try a pipeline on real logs:
//!
//! `cargo run --release -p enricher --example run_pipeline -- enricher/pipelines/access-log.conf plain`

use std::error::Error;
use std::io::{BufRead, Write};

use bus::{Codec, Record, RecordId};
use bytes::Bytes;
use enricher::language::{Source, Syntax};
use enricher::plan::parse_and_compile;
use enricher::{Environment, Moment};
use event::{Event, Limits};

/// 2026-01-01T00:00:00Z: the time of receipt, so that a run can be repeated.
const RECEIVED_AT_NS: i64 = 1_767_225_600_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a pipeline")?;
    let codec = match arguments.next().as_deref() {
        Some("plain") => Codec::Plain,
        _ => Codec::Json,
    };
    let source = Source::new(path.clone(), std::fs::read_to_string(&path)?);
    let plan = parse_and_compile(&source, Syntax::default(), &Environment::default())
        .map_err(|mistakes| mistakes.iter().map(|m| format!("{m}\n")).collect::<String>())?;
    let mut program = plan.instance();
    let mut event = Event::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut document = Vec::new();
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let record = record(codec, number as u64, line?);
        match codec {
            Codec::Plain => event.start_plain(&record.payload, RECEIVED_AT_NS),
            Codec::Json => {
                event.decode_json(&record.payload, RECEIVED_AT_NS, &Limits::default())?;
            }
        }
        program.run(&mut event, &record, |event, _| {
            event.write_json(&mut document);
            document.push(b'\n');
        });
        out.write_all(&document)?;
        document.clear();
    }
    let end = Moment { now_ns: RECEIVED_AT_NS, is_end: true };
    program.advance(
        end,
        |_, _| {},
        |event, _, _| {
            event.write_json(&mut document);
            document.push(b'\n');
        },
    );
    out.write_all(&document)?;
    Ok(out.flush()?)
}

fn record(codec: Codec, number: u64, line: Vec<u8>) -> Record {
    Record {
        id: RecordId::from_idempotency_key("default", "run_pipeline", number),
        received_at_ns: RECEIVED_AT_NS,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        codec,
        payload: Bytes::from(line),
        ..Record::default()
    }
}
