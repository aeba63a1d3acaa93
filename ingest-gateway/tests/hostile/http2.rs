//! Frames of HTTP/2 (RFC 9113, 4.1) and header blocks (RFC 7541), written by hand so that they can be wrong.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use crate::support::SOON;
use crate::support::otlp::put_varint;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// SETTINGS_HEADER_TABLE_SIZE.
pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
/// SETTINGS_INITIAL_WINDOW_SIZE.
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// POST / over http with HPACK's static table (RFC 7541, A), and an authority.
pub(crate) const POST: &[u8] = &[0x83, 0x86, 0x84, 0x41, 0x01, b'a'];

/// The first byte of a header that is not remembered, and of one that is (RFC 7541, 6.2).
pub(crate) const ONCE: u8 = 0x00;
pub(crate) const REMEMBERED: u8 = 0x40;

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// What a client says first, with these settings.
pub(crate) fn opening(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in settings {
        payload.extend_from_slice(&name.to_be_bytes());
        payload.extend_from_slice(&value.to_be_bytes());
    }
    [PREFACE, &frame(SETTINGS, 0, 0, &payload)].concat()
}

/// The header block of a POST to this path, with these headers.
pub(crate) fn post(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x83, 0x86, 0x01];
    put_text(&mut block, "a");
    block.push(0x04);
    put_text(&mut block, path);
    for (name, value) in headers {
        block.extend(field(ONCE, name, value));
    }
    block
}

/// A header of a block; the first byte says whether it is remembered.
pub(crate) fn field(first: u8, name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![first];
    put_text(&mut field, name);
    put_text(&mut field, value);
    field
}

/// A text with its length in front (RFC 7541, 5.2).
fn put_text(block: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(length @ 0..0x7f) => block.push(length),
        _ => {
            block.push(0x7f);
            put_varint(block, text.len() - 0x7f);
        }
    }
    block.extend_from_slice(text.as_bytes());
}

/// How a flood went.
pub(crate) struct Flood {
    /// Pieces that the door took before it closed the connection; all of them if it did not.
    pub(crate) sent: u32,
    pub(crate) was_ended: bool,
}

/// Sends an opening, and then one piece after the other until the door closes the connection.
pub(crate) async fn flood(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    opening: Vec<u8>,
    pieces_max: u32,
    mut piece: impl FnMut(u32) -> Vec<u8>,
) -> Flood {
    let (mut reading, mut writing) = split(stream);
    writing.write_all(&opening).await.unwrap();
    let closed = tokio::spawn(async move {
        let mut answer = [0; 4_096];
        while matches!(reading.read(&mut answer).await, Ok(1..)) {}
    });
    let mut sent = 0;
    while !closed.is_finished() && sent < pieces_max {
        if writing.write_all(&piece(sent)).await.is_err() || writing.flush().await.is_err() {
            break;
        }
        sent += 1;
    }
    let was_ended = sent < pieces_max && tokio::time::timeout(SOON, closed).await.is_ok();
    Flood { sent, was_ended }
}
