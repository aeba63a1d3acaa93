//! A body is the same lines, elements or object for any split of its bytes, in order and within their limit.

use ingest_gateway::trial::{BodyKind, body_lines};

const KINDS: [BodyKind; 3] = [BodyKind::Text, BodyKind::Json, BodyKind::JsonLines];
/// The longest line that the trial takes.
const LINE_BYTES_MAX: usize = 1 << 10;

/// The first bytes choose the kind and the size of the pieces; the rest is the body.
pub fn hold(data: &[u8]) {
    let [kind, piece, body @ ..] = data else { return };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    let whole = body_lines(kind, &[body]);
    assert!(whole.is_sorted_by(|(one, _), (next, _)| one < next), "numbers of lines go up");
    for (_, line) in &whole {
        if let Ok(line) = line {
            assert!((1..=LINE_BYTES_MAX).contains(&line.len()), "{} bytes", line.len());
        }
    }
    let bytes: usize =
        whole.iter().filter_map(|(_, line)| line.as_ref().ok()).map(|l| l.len()).sum();
    assert!(bytes <= body.len(), "nothing is invented");
    let pieces: Vec<&[u8]> = body.chunks(usize::from(*piece) + 1).collect();
    assert_eq!(body_lines(kind, &pieces), whole);
}
