//! Wherever a body is cut in pieces, the same comes out of it, or it is refused: whole, in two pieces at every border
//! (with empty ones between), and byte by byte.

use super::{ALL, Encoding, decode, encode, plenty};

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The library fails when so many calls in a row have nothing to do.
const EMPTY_PIECES: usize = 20;

/// What comes out of the body; `None` if it is refused.
fn decoded(encoding: Encoding, body: &[u8]) -> Option<Vec<u8>> {
    let run = |chunks: &[&[u8]]| decode(plenty(encoding), chunks).ok().map(|(plain, _)| plain);
    let empty: &[u8] = &[];
    let whole = run(&[body]);
    for border in 0..=body.len() {
        let (first, second) = body.split_at(border);
        assert_eq!(run(&[first, second]), whole, "{encoding:?}: {body:02x?} at {border}");
        let mut hesitant = vec![first];
        hesitant.extend([empty; EMPTY_PIECES]);
        hesitant.push(second);
        assert_eq!(run(&hesitant), whole, "{encoding:?}: {body:02x?} at {border}, later");
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(run(&bytes), whole, "{encoding:?}: {body:02x?} byte by byte");
    whole
}

fn zstd(body: &[u8]) -> Option<Vec<u8>> {
    decoded(Encoding::Zstd, body)
}

/// A frame of one segment and one raw block, which says its size.
fn frame(plain: &str) -> Vec<u8> {
    let length = u8::try_from(plain.len()).unwrap();
    let block = ((u32::from(length) << 3) | 1).to_le_bytes();
    [&ZSTD_MAGIC[..], &[0x20, length], &block[..3], plain.as_bytes()].concat()
}

/// A frame to skip (RFC 8878, 3.1.2).
fn skippable(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&[0x5a, 0x2a, 0x4d, 0x18][..], &length, content].concat()
}

/// Some of the bodies of an encoding that end where they may.
fn complete(encoding: Encoding) -> Vec<(Vec<u8>, &'static str)> {
    let mut bodies = vec![
        (
            encode(encoding, b"some text, some text, some text\n"),
            "some text, some text, some text\n",
        ),
        (encode(encoding, b""), ""),
    ];
    if encoding == Encoding::Gzip {
        bodies.push((
            [encode(encoding, b"one\n"), encode(encoding, b"two\n")].concat(),
            "one\ntwo\n",
        ));
    }
    if encoding == Encoding::Zstd {
        let checked = [&ZSTD_MAGIC[..], &[0x24, 0, 1, 0, 0, 0x99, 0xe9, 0xd8, 0x51]].concat();
        bodies.extend([
            (frame("one\n"), "one\n"),
            (frame(""), ""),
            (checked, ""),
            (skippable(b""), ""),
            (skippable(b"skipped"), ""),
            ([skippable(b"skipped"), frame("one\n")].concat(), "one\n"),
            ([frame("one\n"), skippable(b""), frame(""), frame("two\n")].concat(), "one\ntwo\n"),
        ]);
    }
    bodies
}

#[test]
fn a_body_is_taken_or_refused_wherever_it_is_cut() {
    for encoding in &ALL[1..] {
        assert_eq!(decoded(*encoding, b"").as_deref(), Some(&b""[..]), "{encoding:?}");
        for garbage in [&b"{\"a\":1}\n"[..], b"\n", &[0], &[0; 20]] {
            assert_eq!(decoded(*encoding, garbage), None, "{encoding:?}: {garbage:?}");
        }
        for (body, plain) in complete(*encoding) {
            let found = decoded(*encoding, &body);
            assert_eq!(found.as_deref(), Some(plain.as_bytes()), "{encoding:?}: {body:02x?}");
            for garbage in [&b"more"[..], &[0]] {
                let followed = [&body[..], garbage].concat();
                assert_eq!(decoded(*encoding, &followed), None, "{encoding:?}: {followed:02x?}");
            }
        }
    }
}

#[test]
fn a_body_that_is_cut_off_is_refused_at_every_length() {
    for encoding in &ALL[1..] {
        let mut bodies = vec![encode(*encoding, b"one\n")];
        if *encoding == Encoding::Zstd {
            bodies.extend([frame("one\n"), skippable(b"skipped")]);
        }
        for body in bodies {
            for length in 1..body.len() {
                assert_eq!(decoded(*encoding, &body[..length]), None, "{encoding:?}: {length}");
                // What is whole before it makes no difference.
                let second = [&body[..], &body[..length]].concat();
                assert_eq!(decoded(*encoding, &second), None, "{encoding:?}: {length} again");
            }
        }
    }
}

#[test]
fn frames_of_formats_before_zstd_1_0_are_refused() {
    // A whole and empty frame of 0.5; and a header that is wrong, and whose dictionary's number begins like one.
    let old = [0x25, 0xb5, 0x2f, 0xfd, 0, 0xc8, 0x33, 0x0b];
    assert_eq!(zstd(&old), None);
    assert_eq!(zstd(&[&frame("one\n")[..], &old].concat()), None);
    assert_eq!(zstd(&[&ZSTD_MAGIC[..], &[0x03, 0xf0], &old].concat()), None);
}

#[test]
fn a_window_is_too_large_also_where_the_frame_says_how_small_it_is() {
    // 256 times the same byte in one block, with a window of 8MiB and of 16MiB.
    let frame = |window: u8| [&ZSTD_MAGIC[..], &[0x40, window, 0, 0, 3, 8, 0, b'a']].concat();
    assert_eq!(zstd(&frame(13 << 3)), Some(vec![b'a'; 256]));
    assert_eq!(zstd(&frame(14 << 3)), None);
}

#[test]
fn a_header_that_reads_like_a_frame_to_skip_is_none() {
    // The descriptor, the window and the size are the magic number of such a frame, two empty blocks its length.
    let size: u16 = 0x184d + 256;
    let last = ((u32::from(size) << 3) | 3).to_le_bytes();
    let blocks = [&[0; 6][..], &last[..3], b"a"].concat();
    let frame = [&ZSTD_MAGIC[..], &[0x50, 0x2a, 0x4d, 0x18], &blocks].concat();
    // So long that a block of it would have room for all of the frame.
    let body = [frame, skippable(&[0; 1_000])].concat();
    assert_eq!(zstd(&body), Some(vec![b'a'; size.into()]));
}
