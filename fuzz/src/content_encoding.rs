//! A body with a content encoding gives the same bytes for any split, or is refused, and never grows beyond its
//! limit.

use ingest_gateway::trial::{ENCODINGS, decompressed};

const BYTES_MAX: u64 = 1 << 20;

/// The first byte chooses the encoding, the second the border of two pieces; the rest is the body.
pub fn hold(data: &[u8]) {
    let [encoding, border, body @ ..] = data else { return };
    let encoding = ENCODINGS[usize::from(*encoding) % ENCODINGS.len()];
    let whole = decompressed(encoding, &[body], BYTES_MAX);
    if let Ok(bytes) = &whole {
        assert!(bytes.len() as u64 <= BYTES_MAX, "{} bytes", bytes.len());
    }
    let (first, second) = body.split_at(usize::from(*border).min(body.len()));
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    for chunks in [&[first, second][..], &bytes] {
        // Which of two mistakes is met first may depend on the pieces.
        assert_eq!(decompressed(encoding, chunks, BYTES_MAX).ok(), whole.clone().ok());
    }
}
