//! One thread's share: a block of lines to documents. Reads the clock once a block, which is when its
//! lines were received.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::{Record, RecordId};
use bytes::Bytes;
use enricher::Processor;
use event::{Event, Refusal};
use pipeline::dead_letter::PAYLOAD_BYTES_MAX;
use serde::Serialize;

use super::blocks::Block;
use super::pool::Pool;
use super::{Options, PipeError};

/// Output is passed on when there is this much of it, so that a filter which makes many events of one
/// does not fill the memory.
const CHUNK_BYTES: usize = 512 << 10;

/// What became of some lines of a block.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Documents, one a line.
    pub(super) output: Vec<u8>,
    /// Lines that are no event.
    pub(super) refused: Vec<RefusedLine>,
    /// How many documents.
    pub(super) events: u64,
    /// Lines of which nothing is left.
    pub(super) dropped: u64,
    /// Lines of the whole block; 0 in all but its last chunk.
    pub(super) lines: u64,
    /// It is the block's last one.
    pub(super) is_last: bool,
}

impl Chunk {
    fn write(&mut self, event: &Event) {
        event.write_json(&mut self.output);
        self.output.push(b'\n');
        self.events += 1;
    }
}

/// A line that is no event.
#[derive(Debug)]
pub(super) struct RefusedLine {
    /// Which line of its block, from 1.
    pub(super) place: u64,
    pub(super) refusal: Refusal,
    /// Its beginning.
    line: Vec<u8>,
    is_cut: bool,
}

/// A refused line as it is kept.
#[derive(Serialize)]
struct Kept<'a> {
    kind: &'static str,
    message: String,
    position_bytes: usize,
    line_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_base64: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
}

impl RefusedLine {
    fn new(place: u64, refusal: Refusal, line: &[u8]) -> Self {
        let is_cut = line.len() > PAYLOAD_BYTES_MAX;
        let line = line[..line.len().min(PAYLOAD_BYTES_MAX)].to_vec();
        Self { place, refusal, line, is_cut }
    }

    /// Writes it as one line of JSON. Bytes that are no text are kept as they are, in base64.
    pub(super) fn write(&self, line_number: u64, out: &mut dyn Write) -> io::Result<()> {
        let text = std::str::from_utf8(&self.line).ok();
        let kept = Kept {
            kind: self.refusal.kind.as_str(),
            message: self.refusal.to_string(),
            position_bytes: self.refusal.position_bytes,
            line_number,
            line: text,
            line_base64: text.is_none().then(|| STANDARD.encode(&self.line)),
            is_cut: self.is_cut,
        };
        serde_json::to_writer(&mut *out, &kept)?;
        out.write_all(b"\n")
    }
}

/// A pipeline at work.
pub(super) struct Worker {
    processor: Processor,
    /// Used again for every line.
    record: Record,
    seed: u64,
}

impl Worker {
    pub(super) fn new(options: &Options) -> Self {
        let record = Record {
            shop: "default".into(),
            listener: "pipe".into(),
            codec: options.codec,
            ..Record::default()
        };
        let processor = Processor::new(&options.plan, options.limits.clone());
        Self { processor, record, seed: options.seed }
    }

    /// Filters a block's lines; `emit` is given what became of them, piece by piece.
    pub(super) fn process(
        &mut self,
        block: Block,
        pool: &Pool,
        emit: &mut dyn FnMut(Chunk) -> Result<(), PipeError>,
    ) -> Result<(), PipeError> {
        self.record.received_at_ns = now_ns();
        let bytes = Bytes::from(block.bytes);
        let mut chunk = Chunk { output: pool.take(), ..Chunk::default() };
        self.processor.advance(self.record.received_at_ns, |event, _, _| chunk.write(event));
        let mut lines = 0;
        let mut begin = 0;
        while begin < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[begin..]).map_or(bytes.len(), |at| begin + at);
            lines += 1;
            let returns = usize::from(bytes[begin..end].ends_with(b"\r"));
            let line = begin..end - returns;
            if !line.is_empty() {
                self.record.id = id(self.seed, block.offset + begin as u64);
                self.record.payload = bytes.slice(line);
                self.line(lines, &mut chunk);
            }
            begin = end + 1;
            if chunk.output.len() >= CHUNK_BYTES {
                let next = Chunk { output: pool.take(), ..Chunk::default() };
                emit(std::mem::replace(&mut chunk, next))?;
            }
        }
        self.record.payload = Bytes::new();
        self.processor.release();
        if let Ok(mut bytes) = bytes.try_into_mut() {
            // Empty, so that nothing is copied.
            bytes.clear();
            pool.put(bytes.into());
        }
        (chunk.lines, chunk.is_last) = (lines, true);
        emit(chunk)
    }

    /// What the pipeline remembers, where no line comes any more.
    pub(super) fn finish(&mut self, pool: &Pool) -> Chunk {
        let mut chunk = Chunk { output: pool.take(), is_last: true, ..Chunk::default() };
        self.processor.finish(|event, _, _| chunk.write(event));
        chunk
    }

    fn line(&mut self, place: u64, chunk: &mut Chunk) {
        match self.processor.run(&self.record, |event, _| chunk.write(event)) {
            Ok(0) => chunk.dropped += 1,
            Ok(_) => {}
            Err(refusal) => {
                chunk.refused.push(RefusedLine::new(place, refusal, &self.record.payload));
            }
        }
    }
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// An id that no other line of this run has, with bits that are even over all lines. Cheaper than a
/// hash: nobody chooses the numbers that go in.
fn id(seed: u64, offset: u64) -> RecordId {
    let low = mix(seed ^ mix(offset));
    let id = u128::from(mix(seed.wrapping_add(offset))) << 64 | u128::from(low);
    RecordId(id.to_be_bytes())
}

/// Spreads a number over all bits, each to another one (the finalizer of `SplitMix64`).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
