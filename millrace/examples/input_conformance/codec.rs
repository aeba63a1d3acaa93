//! A codec: its chunks go through the frames of the TCP door, whose input has it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::Record;
use bytes::Bytes;
use enricher::EcsCompatibility;
use ingest_gateway::trial;
use serde_json::Value;

use crate::pipeline_file::{PipelineFile, modes, options};

/// 2024-06-15T12:00:00Z: when everything is received.
const RECEIVED_AT_NS: i64 = 1_718_452_800_000_000_000;

/// Whether the vector holds, in one of its modes.
pub(crate) fn judge(vector: &Value) -> Result<(), String> {
    if vector["encode"].is_object() {
        return Err("no output has a codec: documents go to a search engine".to_owned());
    }
    let mut first = None;
    for mode in modes(vector) {
        match judge_in(vector, mode) {
            Ok(()) => return Ok(()),
            Err(why) => first = first.or(Some(why)),
        }
    }
    Err(first.unwrap_or_default())
}

fn judge_in(vector: &Value, mode: EcsCompatibility) -> Result<(), String> {
    let name = vector["codec"].as_str().unwrap_or_default();
    let codec = format!("codec => {name} {{ {} }}", options(&vector["options"]));
    let file = PipelineFile::new("tcp", &codec, mode)?;
    let chunks = vector["decode"]["chunks"].as_array().into_iter().flatten().map(bytes);
    let mut chunks: Vec<Vec<u8>> = chunks.collect();
    if name == "multiline" {
        // Logstash hands it whole lines.
        chunks.iter_mut().for_each(|line| line.push(b'\n'));
    }
    let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    let is_ended = vector["decode"]["flush_at_end"] == true;
    let gateway = &file.config.ingest_gateway;
    let line_bytes_max = gateway.line_bytes_max.as_usize();
    let events = |chunks: &[&[u8]], is_ended| {
        trial::tcp_events(&gateway.tcp, line_bytes_max, chunks, is_ended)
    };
    let events = match name {
        // Of these a chunk is a whole, as a datagram is.
        "json" | "plain" => {
            chunks.iter().flat_map(|chunk| events(&[*chunk], true)).collect::<Vec<_>>()
        }
        _ => events(&chunks, is_ended),
    };
    let record = |(content_type, payload): (Option<&'static str>, Bytes)| Record {
        received_at_ns: RECEIVED_AT_NS,
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        codec: gateway.tcp.codec,
        content_type: content_type.unwrap_or_default().into(),
        payload,
        ..Record::default()
    };
    let records: Vec<Record> = events.into_iter().map(record).collect();
    file.check(&records, &vector["expect"])
}

/// A text's bytes, or those of `{"$base64": "..."}`.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    match value["$base64"].as_str() {
        Some(text) => STANDARD.decode(text).unwrap_or_default(),
        None => value.as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}
