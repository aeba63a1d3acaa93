//! A sender of Lumberjack frames that can do what a good one would not.

use std::io::Write;
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::SOON;

/// A frame of this version and type, with its numbers and what follows them.
pub(crate) fn frame(kind: &[u8; 2], numbers: &[u32], rest: &[u8]) -> Vec<u8> {
    let mut frame = kind.to_vec();
    for number in numbers {
        frame.extend_from_slice(&number.to_be_bytes());
    }
    frame.extend_from_slice(rest);
    frame
}

pub(crate) fn window(events: u32) -> Vec<u8> {
    frame(b"2W", &[events], b"")
}

pub(crate) fn event(sequence: u32, payload: &str) -> Vec<u8> {
    frame(b"2J", &[sequence, payload.len() as u32], payload.as_bytes())
}

/// Events in one compressed frame.
pub(crate) fn compressed(frames: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(frames).unwrap();
    let stream = encoder.finish().unwrap();
    frame(b"2C", &[stream.len() as u32], &stream)
}

/// A window of these events, compressed as libbeat sends it, numbered from 1.
pub(crate) fn batch(payloads: &[String]) -> Vec<u8> {
    let mut frames = Vec::new();
    for (index, payload) in payloads.iter().enumerate() {
        frames.extend(event(index as u32 + 1, payload));
    }
    [window(payloads.len() as u32), compressed(&frames)].concat()
}

/// A connection to the Beats door.
pub(crate) struct Sender(pub(crate) TcpStream);

impl Sender {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next acknowledgement, with the byte of its version.
    pub(crate) async fn next_ack(&mut self) -> (u8, u32) {
        let mut ack = [0; 6];
        tokio::time::timeout(SOON, self.0.read_exact(&mut ack)).await.unwrap().unwrap();
        assert_eq!(ack[1], b'A', "{ack:?}");
        (ack[0], u32::from_be_bytes(ack[2..].try_into().unwrap()))
    }

    /// The next acknowledgement that is no keep-alive.
    pub(crate) async fn ack(&mut self) -> u32 {
        loop {
            if let (_, sequence @ 1..) = self.next_ack().await {
                return sequence;
            }
        }
    }

    /// How much else comes until the door closes, however much that is.
    pub(crate) async fn count_rest(mut self) -> u64 {
        let (mut rest, mut bytes) = ([0; 16 << 10], 0);
        let read_on = async {
            while let Ok(read @ 1..) = self.0.read(&mut rest).await {
                bytes += read as u64;
            }
        };
        tokio::time::timeout(SOON, read_on).await.unwrap();
        bytes
    }

    /// What else comes until the door closes; a reset counts as an end.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        drop(tokio::time::timeout(SOON, self.0.read_to_end(&mut rest)).await.unwrap());
        rest
    }
}
