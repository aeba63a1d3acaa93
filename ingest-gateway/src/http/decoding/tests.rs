//! Encodings: the same bytes for any split, and never more than the limits allow.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::{DecodeError, Decoder, Encoding, UnknownEncoding};

mod pieces;

const PLENTY: u64 = 1 << 30;

fn encode(encoding: Encoding, plain: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Identity => plain.to_vec(),
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zstd => zstd::encode_all(plain, 3).unwrap(),
    }
}

/// The decoded bytes, and the largest block.
fn decode(mut decoder: Decoder, chunks: &[&[u8]]) -> Result<(Vec<u8>, usize), DecodeError> {
    let (mut plain, mut largest) = (Vec::new(), 0);
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(block) = decoder.next()? {
            largest = largest.max(block.len());
            plain.extend_from_slice(&block);
        }
    }
    decoder.finish()?;
    Ok((plain, largest))
}

fn plenty(encoding: Encoding) -> Decoder {
    Decoder::new(encoding, PLENTY, u32::MAX).unwrap()
}

const ALL: [Encoding; 4] = [Encoding::Identity, Encoding::Gzip, Encoding::Deflate, Encoding::Zstd];

#[test]
fn a_body_in_parts_is_one_body() {
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let body = [encode(encoding, b"one\n"), encode(encoding, b""), encode(encoding, b"two\n")];
        let (plain, _) = decode(plenty(encoding), &[&body.concat()]).unwrap();
        assert_eq!(plain, b"one\ntwo\n", "{encoding:?}");
    }
}

#[test]
fn a_body_that_is_cut_off_or_something_else_is_refused() {
    for encoding in &ALL[1..] {
        let body = encode(*encoding, &b"some text, some text, some text".repeat(50));
        let cut = decode(plenty(*encoding), &[&body[..body.len() - 1]]);
        assert!(matches!(cut, Err(DecodeError::Invalid(_))), "{encoding:?}: {cut:?}");
        let other = decode(plenty(*encoding), &[b"{\"not\":\"compressed\"}"]);
        assert!(matches!(other, Err(DecodeError::Invalid(_))), "{encoding:?}: {other:?}");
        let (empty, _) = decode(plenty(*encoding), &[]).unwrap();
        assert!(empty.is_empty(), "an empty body has nothing that could be cut off");
    }
    let trailing = [encode(Encoding::Deflate, b"x"), b"more".to_vec()].concat();
    assert!(decode(plenty(Encoding::Deflate), &[&trailing]).is_err());
}

#[test]
fn hostile_01_a_bomb_ends_at_the_limit_in_small_blocks() {
    for encoding in &ALL[1..] {
        let bomb = encode(*encoding, &vec![0; 64 << 20]);
        let limited = Decoder::new(*encoding, 8 << 20, u32::MAX).unwrap();
        assert_eq!(decode(limited, &[&bomb]), Err(DecodeError::TooLarge(8 << 20)));
        let ratio = Decoder::new(*encoding, PLENTY, 20).unwrap();
        assert_eq!(decode(ratio, &[&bomb]), Err(DecodeError::Ratio(20)));
        let (plain, largest) = decode(plenty(*encoding), &[&bomb]).unwrap();
        assert_eq!(plain.len(), 64 << 20);
        assert!(largest <= 256 << 10);
    }
}

#[test]
fn hostile_02_a_body_of_countless_members_is_refused() {
    let body = encode(Encoding::Gzip, b"").repeat(2_000);
    assert_eq!(decode(plenty(Encoding::Gzip), &[&body]), Err(DecodeError::Invalid("gzip")));
}

#[test]
fn a_window_larger_than_agreed_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(&[7; 1_000]).unwrap();
    let body = encoder.finish().unwrap();
    let refused = decode(plenty(Encoding::Zstd), &[&body]).unwrap_err().to_string();
    assert_eq!(refused, "the body is not valid zstd, or needs a window of more than 8MiB");
    assert_eq!(1_u64 << super::ZSTD_WINDOW_LOG_MAX, 8 << 20, "as it says");
}

#[test]
fn one_known_encoding_is_taken() {
    let of = |values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        Encoding::of(&headers)
    };
    assert_eq!(of(&[]), Ok(Encoding::Identity));
    assert_eq!(of(&["GZIP"]), Ok(Encoding::Gzip));
    assert_eq!(of(&["zstd"]), Ok(Encoding::Zstd));
    assert_eq!(of(&["br"]), Err(UnknownEncoding("br".to_owned())));
    assert_eq!(of(&["gzip, gzip"]), Err(UnknownEncoding("gzip, gzip".to_owned())));
    assert!(of(&["gzip", "gzip"]).is_err(), "one within another, in two headers");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_split_gives_the_same_bytes(
        plain in prop::collection::vec(prop::sample::select(b"abc\n".to_vec()), 0..3_000),
        encoding in prop::sample::select(ALL.to_vec()),
        cuts in prop::collection::vec(0usize..3_000, 0..8),
    ) {
        let body = encode(encoding, &plain);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect();
        let (decoded, _) = decode(plenty(encoding), &chunks).unwrap();
        prop_assert_eq!(decoded, plain);
    }

    #[test]
    fn no_bytes_break_the_decoder(
        body in prop::collection::vec(any::<u8>(), 0..300),
        encoding in prop::sample::select(ALL.to_vec()),
    ) {
        let magic: &[u8] = match encoding {
            Encoding::Gzip => &[0x1f, 0x8b, 8],
            Encoding::Deflate => &[0x78, 0x9c],
            Encoding::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
            Encoding::Identity => &[],
        };
        let decoder = Decoder::new(encoding, 1 << 20, 1_000).unwrap();
        // Whatever the verdict is, it comes.
        drop(decode(decoder, &[magic, &body]));
    }
}
