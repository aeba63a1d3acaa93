//! Line feeds in heads, trailers and bodies, in front of the library that reads them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

use super::place::Place;
use super::{BodyEnd, BodyEnds, MessageLines};

/// A request as a server sees it: its path, and its body if that came to its end.
type Seen = (String, Option<Vec<u8>>);

/// What a server sees in bytes that come in pieces, and what it answers.
async fn serve(bytes: &[u8], piece_bytes: usize) -> (Vec<Seen>, String) {
    let (door, client) = duplex(piece_bytes);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ends = BodyEnds::default();
    let service = service_fn(|request: Request<Incoming>| {
        ends.tell(&request);
        let seen = Arc::clone(&seen);
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect().await.ok();
            seen.lock().unwrap().push((path, body.map(|body| body.to_bytes().to_vec())));
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let stream = TokioIo::new(MessageLines::new(door, ends.clone()));
    let serving = http1::Builder::new().half_close(true).serve_connection(stream, service);
    let (mut reading, mut writing) = split(client);
    let sending = async {
        // A server that has seen enough does not read on.
        drop(writing.write_all(bytes).await);
        drop(writing.shutdown().await);
    };
    let mut answers = Vec::new();
    let (_, (), _) = tokio::join!(serving, sending, reading.read_to_end(&mut answers));
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (seen, String::from_utf8_lossy(&answers).into_owned())
}

#[tokio::test]
async fn a_line_feed_alone_in_a_head_is_answered_400_wherever_it_stands() {
    let head = "POST /a?b HTTP/1.1\r\nhost: a\r\nx:\r\ncontent-length: 0\r\n\r\n";
    let returns: Vec<usize> = head.match_indices('\r').map(|(at, _)| at).collect();
    let mut heads: Vec<String> =
        returns.iter().map(|at| format!("{}{}", &head[..*at], &head[at + 1..])).collect();
    heads.extend([head.replace('\r', ""), format!("\n{head}"), head.replace("a?b", "\n")]);
    heads.extend([head.replace("x:", "x\n:"), head.replace("host: a", "host: a\nb: c")]);
    for head in heads {
        // As the first request, and as the second one, which comes at once.
        let first = "GET /first HTTP/1.1\r\nhost: a\r\n\r\n";
        for (bytes, before) in [(head.clone(), 0), (format!("{first}{head}"), 1)] {
            let inner = "GET /behind HTTP/1.1\r\nhost: a\r\n\r\n";
            for piece_bytes in [1, 2, 5, 17, 4_096] {
                let (seen, answers) =
                    serve(format!("{bytes}{inner}").as_bytes(), piece_bytes).await;
                assert_eq!(seen.len(), before, "{bytes:?} by {piece_bytes}: {seen:?}");
                assert_eq!(answers.matches("HTTP/1.1 200").count(), before, "{answers}");
                assert!(answers.contains("HTTP/1.1 400"), "{bytes:?} by {piece_bytes}: {answers}");
            }
        }
    }
}

#[tokio::test]
async fn a_line_feed_alone_in_a_trailer_ends_the_body_with_an_error() {
    let head = "POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n";
    for trailers in ["\n\r\n", "a: b\n\r\n", "a: b\r\nc: d\ne: f\r\n\r\n"] {
        for piece_bytes in [1, 3, 4_096] {
            let bytes = format!("{head}{trailers}GET /behind HTTP/1.1\r\nhost: a\r\n\r\n");
            let (seen, _) = serve(bytes.as_bytes(), piece_bytes).await;
            assert_eq!(seen, [("/a".to_owned(), None)], "{trailers:?} by {piece_bytes}");
        }
    }
}

#[tokio::test]
async fn in_place_of_the_line_feed_and_all_behind_it_comes_what_no_head_holds() {
    let bytes = b"GET / HTTP/1.1\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n";
    for piece_bytes in [1, 4, 14, 1_000] {
        let mut stream = MessageLines::new(&bytes[..], BodyEnds::default());
        let (mut read, mut piece) = (Vec::new(), vec![0; piece_bytes]);
        while let count @ 1.. = stream.read(&mut piece).await.unwrap() {
            read.extend_from_slice(&piece[..count]);
        }
        assert_eq!(read, b"GET / HTTP/1.1\0\r\n\r\n", "by {piece_bytes}");
    }
}

#[tokio::test]
async fn what_is_read_beyond_a_head_waits_until_its_body_is_known() {
    let head = "POST / HTTP/1.1\r\nhost: a\r\n\r\n";
    let bytes = format!("{head}\n\n\n{head}\n\n\n\n");
    let ends = BodyEnds::default();
    let mut stream = MessageLines::new(bytes.as_bytes(), ends.clone());
    let mut read = [0; 1_000];
    let count = stream.read(&mut read).await.unwrap();
    assert_eq!(&read[..count], head.as_bytes());
    ends.set(BodyEnd::Length(3));
    let count = stream.read(&mut read).await.unwrap();
    assert_eq!(&read[..count], format!("\n\n\n{head}").as_bytes());
    ends.set(BodyEnd::Length(4));
    let count = stream.read(&mut read).await.unwrap();
    assert_eq!((&read[..count], stream.kept.len()), (&b"\n\n\n\n"[..], 0));
    assert_eq!(stream.read(&mut read).await.unwrap(), 0, "the end");
}

#[tokio::test]
async fn what_is_not_http_1_is_passed_on_as_it_is() {
    let bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\n\n\n";
    let mut stream = MessageLines::new(&bytes[..], BodyEnds::default());
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert_eq!((&read[..], stream.place), (&bytes[..], Place::Unfollowed));
}

/// A body, with its head, and how it looks on its way.
#[derive(Clone, Debug)]
enum Sent {
    Length(Vec<u8>),
    /// Chunks of these, what the lines of their sizes say besides, and trailers.
    Chunks(Vec<Vec<u8>>, &'static str, &'static str),
}

impl Sent {
    fn body(&self) -> Vec<u8> {
        match self {
            Self::Length(body) => body.clone(),
            Self::Chunks(chunks, ..) => chunks.concat(),
        }
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        let mut bytes = format!("POST {path} HTTP/1.1\r\nhost: a\r\n").into_bytes();
        match self {
            Self::Length(body) => {
                bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
                bytes.extend_from_slice(body);
            }
            Self::Chunks(chunks, extension, trailers) => {
                bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                for chunk in chunks {
                    bytes.extend(format!("{:X}{extension}\r\n", chunk.len()).into_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend(format!("0{extension}\r\n{trailers}\r\n").into_bytes());
            }
        }
        bytes
    }
}

/// Bytes that look like ends of lines, heads and bodies.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let words = ["\n", "\r", "\r\n", "\r\n\r\n", "a", "0\r\n\r\n", "GET / HTTP/1.1\n\n", "\0"];
    let words = prop::collection::vec(prop::sample::select(words.to_vec()), 1..12);
    words.prop_map(|words| words.concat().into_bytes())
}

fn sent() -> impl Strategy<Value = Sent> {
    let extensions = prop::sample::select(vec!["", " ", ";a=b", " ; \"x\"", ";0"]);
    let trailers = prop::sample::select(vec!["", "a: b\r\n", "a: b\r\nc:\r\n"]);
    let chunks = (prop::collection::vec(body(), 0..5), extensions, trailers);
    prop_oneof![
        prop_oneof![Just(Vec::new()), body()].prop_map(Sent::Length),
        chunks.prop_map(|(chunks, extension, trailers)| Sent::Chunks(chunks, extension, trailers)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn requests_with_whatever_bodies_are_seen_as_they_are_in_pieces_of_any_size(
        all in prop::collection::vec(sent(), 1..6),
        empty_lines in 0..3_usize,
        piece_bytes in prop_oneof![1..40_usize, Just(9_000)],
    ) {
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (number, sent) in all.iter().enumerate() {
            let path = format!("/{number}");
            bytes.extend(b"\r\n".repeat(empty_lines));
            bytes.extend(sent.bytes(&path));
            expected.push((path, Some(sent.body())));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (seen, answers) = runtime.block_on(serve(&bytes, piece_bytes));
        prop_assert_eq!(seen, expected, "{}", answers);
    }
}
