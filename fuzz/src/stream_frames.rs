//! Frames of a stream, and events of several of them, are the same for any split of its bytes.

use ingest_gateway::{Framing, MultilineConfig, TcpConfig, What, frames, trial};

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

/// The rule of this number by which lines are one event.
fn multiline(number: u8) -> MultilineConfig {
    let number = usize::from(number) / (FRAMINGS.len() + 1);
    MultilineConfig {
        pattern: Some("^[ab ]".to_owned()),
        negate: number % 2 == 1,
        what: if number % 4 < 2 { What::Previous } else { What::Next },
        lines_max: 4,
        ..MultilineConfig::default()
    }
}

/// The first bytes choose the framing and the rule of events, the longest line and the size of the pieces; the rest is the stream.
pub fn hold(data: &[u8]) {
    let [framing, longest, piece, stream @ ..] = data else { return };
    let multiline = multiline(*framing);
    let framing = self::framing(*framing);
    let line_bytes_max = usize::from(*longest) + 1;
    let whole = frames([stream], framing, line_bytes_max);
    assert!(whole.iter().all(|frame| frame.len() <= line_bytes_max));
    let bytes: usize = whole.iter().map(|frame| frame.len()).sum();
    assert!(bytes <= stream.len(), "nothing is invented");
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(*piece) + 1).collect();
    assert_eq!(frames(pieces.iter().copied(), framing, line_bytes_max), whole);

    let config = TcpConfig { framing, multiline, ..TcpConfig::default() };
    let events = |pieces: &[&[u8]]| trial::tcp_events(&config, line_bytes_max, pieces, true);
    let whole = events(&[stream]);
    assert!(whole.iter().all(|(_, event)| event.len() <= line_bytes_max));
    assert_eq!(events(&pieces), whole);
}
