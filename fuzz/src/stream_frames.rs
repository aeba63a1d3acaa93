//! Frames of a stream are the same for any split of its bytes.

use ingest_gateway::{Framing, frames};

const FRAMINGS: [Framing; 5] = [
    Framing::Newline,
    Framing::Nul,
    Framing::NonTransparent,
    Framing::OctetCounting,
    Framing::Auto,
];

/// The first bytes choose the framing, the longest line and the size of the pieces; the rest is the stream.
pub fn hold(data: &[u8]) {
    let [framing, longest, piece, stream @ ..] = data else { return };
    let framing = FRAMINGS[usize::from(*framing) % FRAMINGS.len()];
    let line_bytes_max = usize::from(*longest) + 1;
    let whole = frames([stream], framing, line_bytes_max);
    assert!(whole.iter().all(|frame| frame.len() <= line_bytes_max));
    let bytes: usize = whole.iter().map(|frame| frame.len()).sum();
    assert!(bytes <= stream.len(), "nothing is invented");
    let pieces = stream.chunks(usize::from(*piece) + 1);
    assert_eq!(frames(pieces, framing, line_bytes_max), whole);
}
