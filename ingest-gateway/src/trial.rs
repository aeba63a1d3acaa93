//! The decoders of strangers' bytes without their doors, for fuzz targets and test vectors. Not for anybody else.

use bytes::Bytes;
use event::Limits;
use service::Metrics;

use crate::beats::decoder::{Decoder, Progress};
use crate::beats::frame::FrameLimits;
use crate::config::TcpConfig;
use crate::frames::Frames;
use crate::http::decoding::{Decoder as ContentDecoder, Encoding};
use crate::http::elasticsearch::action::Action;
use crate::http::otlp::format::Format;
use crate::http::shape::Splitter;
use crate::intake::Line;
use crate::metrics::GatewayMetrics;
use crate::multiline::Rules;
use crate::tcp;

/// Limits that a few thousand bytes reach.
const LIMITS: Limits = Limits { depth_max: 16, nodes_max: 200, payload_bytes_max: 1 << 10 };

/// The frames of Lumberjack in these chunks, written out, and what ended them if anything did.
#[must_use]
pub fn lumberjack(chunks: &[&[u8]]) -> (Vec<String>, Option<String>) {
    let mut decoder = Decoder::new(FrameLimits {
        window_events_max: 1_000,
        event_bytes_max: LIMITS.payload_bytes_max,
        skipped_bytes_max: 4 << 10,
        pairs_max: LIMITS.nodes_max,
        compressed_bytes_max: 1 << 20,
        decompressed_bytes_max: 4 << 20,
        decompressed_ratio_max: 500,
    });
    let mut frames = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        loop {
            match decoder.next() {
                Ok(Progress::Frame(frame)) => frames.push(format!("{frame:?}")),
                Ok(Progress::Working) => {}
                Ok(Progress::MoreNeeded) => break,
                Err(error) => return (frames, Some(error.to_string())),
            }
        }
    }
    (frames, None)
}

/// The events of an OTLP message, of those that are not refused; `None` where the message is none.
#[must_use]
pub fn otlp(message: &[u8], is_json: bool) -> Option<Vec<Vec<u8>>> {
    let format = if is_json { Format::Json } else { Format::Protobuf };
    let events = format.events(message, &LIMITS).ok()?;
    Some(events.into_iter().filter_map(Result::ok).collect())
}

/// What the action line of a bulk body asks for, with the index and the id that it names; else why it is none.
///
/// # Errors
/// What is wrong with the line.
pub fn bulk_action(line: &[u8]) -> Result<(&'static str, Option<String>, Option<String>), String> {
    let Action { verb, index, id, .. } = Action::parse(line)?;
    Ok((verb.as_str(), index, id))
}

/// The names of the content encodings that [`decompressed`] knows.
pub const ENCODINGS: [&str; 4] = ["identity", "gzip", "deflate", "zstd"];

/// A body that comes in these chunks, decompressed: at most so many bytes.
///
/// # Errors
/// The bytes are not what the encoding says, or become more.
pub fn decompressed(encoding: &str, chunks: &[&[u8]], bytes_max: u64) -> Result<Vec<u8>, String> {
    let encoding = match encoding {
        "gzip" => Encoding::Gzip,
        "deflate" => Encoding::Deflate,
        "zstd" => Encoding::Zstd,
        _ => Encoding::Identity,
    };
    let text = |error: crate::http::decoding::DecodeError| error.to_string();
    let mut decoder = ContentDecoder::new(encoding, bytes_max, u32::MAX).map_err(text)?;
    let mut decompressed = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(block) = decoder.next().map_err(text)? {
            decompressed.extend_from_slice(&block);
        }
    }
    decoder.finish().map_err(text)?;
    Ok(decompressed)
}

/// What an HTTP body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Lines of text.
    Text,
    /// JSON of any shape.
    Json,
    /// JSON of which the sender says that it comes in lines.
    JsonLines,
}

/// A line of a body: its number, and its bytes or the kind of its refusal.
pub type BodyLine = (u64, Result<Bytes, String>);

/// The lines, elements or the one object of a body that comes in these chunks.
#[must_use]
pub fn body_lines(kind: BodyKind, chunks: &[&[u8]]) -> Vec<BodyLine> {
    let mut splitter = match kind {
        BodyKind::Text => Splitter::text(LIMITS),
        BodyKind::Json => Splitter::json(LIMITS, false),
        BodyKind::JsonLines => Splitter::json(LIMITS, true),
    };
    let mut lines = Vec::new();
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk));
        lines.extend(std::iter::from_fn(|| splitter.next()));
    }
    splitter.end();
    lines.extend(std::iter::from_fn(|| splitter.next()));
    lines.extend(splitter.finish());
    let line = |line: Line| match line.fault {
        Some(fault) => (line.number, Err(fault.rejection.kind.into_owned())),
        None => (line.number, Ok(line.payload)),
    };
    lines.into_iter().map(line).collect()
}

/// An event of a connection: its content type, where the door tells one, and its bytes.
pub type StreamEvent = (Option<&'static str>, Bytes);

/// The events of a connection to the TCP door whose bytes come in these chunks, of those that are not refused.
/// Where it has not ended, what is still waited for is not among them.
#[must_use]
pub fn tcp_events(
    config: &TcpConfig,
    line_bytes_max: usize,
    chunks: &[&[u8]],
    is_ended: bool,
) -> Vec<StreamEvent> {
    let metrics = GatewayMetrics::new(&Metrics::default());
    let framing = config.framing.or_ended_by(config.delimiter);
    let rules = Rules::new(&config.multiline, line_bytes_max);
    let mut frames = Frames::new(framing, rules, line_bytes_max, tcp::DOOR, &metrics);
    let mut events = Vec::new();
    for chunk in chunks {
        frames.push(Bytes::copy_from_slice(chunk));
        events.extend(std::iter::from_fn(|| frames.next()));
    }
    if is_ended {
        frames.finish(true);
        events.extend(std::iter::from_fn(|| frames.next()));
    }
    let good = events.into_iter().filter(|event: &Line| event.fault.is_none());
    good.map(|event| (event.content_type, event.payload)).collect()
}
