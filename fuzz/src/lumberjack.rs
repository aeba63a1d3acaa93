//! The decoder of Lumberjack gives the same frames for any split of the bytes.

use ingest_gateway::trial::lumberjack;

/// Decodes the bytes whole, one by one, and in two pieces, whose border the first byte tells.
pub fn hold(data: &[u8]) {
    let Some((border, stream)) = data.split_first() else { return };
    let (whole, error) = lumberjack(&[stream]);
    let (first, second) = stream.split_at(usize::from(*border).min(stream.len()));
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    for chunks in [&[first, second][..], &bytes] {
        let (frames, other) = lumberjack(chunks);
        // What a broken stream of zlib gives before it breaks depends on the pieces; nothing of it counts.
        let is_broken =
            [&error, &other].into_iter().flatten().any(|error| error.contains("cannot be read"));
        assert!(error == other || is_broken, "{error:?} is not {other:?}");
        assert_eq!(error.is_some(), other.is_some());
        let same = frames.len().min(whole.len());
        assert_eq!(frames[..same], whole[..same]);
        assert!(is_broken || frames.len() == whole.len(), "{} of {}", frames.len(), whole.len());
    }
}
