//! Frames of a stream are the same for any split of its bytes.

use ingest_gateway::{Framing, frames};

const FRAMINGS: [Framing; 5] = [
    Framing::Newline,
    Framing::Nul,
    Framing::NonTransparent,
    Framing::OctetCounting,
    Framing::Auto,
];
/// One that begins again within itself.
const DELIMITER: &str = "abab|";

/// The framing of this number.
fn framing(number: u8) -> Framing {
    let delimiter = || Framing::Delimiter(DELIMITER.parse().expect("it is short"));
    let number = usize::from(number) % (FRAMINGS.len() + 1);
    FRAMINGS.get(number).copied().unwrap_or_else(delimiter)
}

/// The first bytes choose the framing, the longest line and the size of the pieces; the rest is the stream.
pub fn hold(data: &[u8]) {
    let [framing, longest, piece, stream @ ..] = data else { return };
    let framing = self::framing(*framing);
    let line_bytes_max = usize::from(*longest) + 1;
    let whole = frames([stream], framing, line_bytes_max);
    assert!(whole.iter().all(|frame| frame.len() <= line_bytes_max));
    let bytes: usize = whole.iter().map(|frame| frame.len()).sum();
    assert!(bytes <= stream.len(), "nothing is invented");
    let pieces = stream.chunks(usize::from(*piece) + 1);
    assert_eq!(frames(pieces, framing, line_bytes_max), whole);
}
