//! The decoders of strangers' bytes without their doors, for fuzz targets. Not for anybody else.

use bytes::Bytes;
use event::Limits;

use crate::beats::decoder::{Decoder, Progress};
use crate::beats::frame::FrameLimits;
use crate::http::otlp::format::Format;

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
