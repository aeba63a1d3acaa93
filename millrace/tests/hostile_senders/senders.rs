//! Connections on which anything can be sent.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use tokio::net::TcpSocket;

use crate::support::PATIENCE;
use crate::target::Target;

/// Sends bytes, and gives what comes until the door closes. A reset counts as an end.
pub(crate) fn talk(door: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(door);
    drop(stream.write_all(bytes));
    rest(&mut stream)
}

pub(crate) fn connect(door: SocketAddr) -> TcpStream {
    TcpStream::connect(door).expect("the door is open")
}

/// What comes until the door closes, as it must.
pub(crate) fn rest(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut rest = Vec::new();
    if let Err(error) = stream.read_to_end(&mut rest) {
        let is_open = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(
            !is_open,
            "the door leaves the connection open: {}",
            String::from_utf8_lossy(&rest)
        );
    }
    String::from_utf8_lossy(&rest).into_owned()
}

/// Connections from 127.0.0.`host`, another address of this machine than the bystander's: their memory is another
/// share.
pub(crate) fn connect_all(host: u8, door: SocketAddr, count: usize) -> Vec<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let connect = async {
        let mut streams = Vec::new();
        for _ in 0..count {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).expect("an address");
            let stream = socket.connect(door).await.expect("the door is open");
            streams.push(stream.into_std().expect("a socket"));
        }
        streams
    };
    let streams = runtime.expect("a runtime").block_on(connect);
    for stream in &streams {
        stream.set_nonblocking(false).expect("a setting of every socket");
    }
    streams
}

/// What the HTTP door answers to a body, with further lines of the head.
pub(crate) fn post(target: &Target, path: &str, lines: &str, body: &[u8]) -> String {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{lines}content-length: {}\r\n\r\n",
        body.len()
    );
    talk(target.http(), &[head.as_bytes(), body].concat())
}

/// Sends lines and ends the connection as it should be; what the door says.
pub(crate) fn send_lines(door: SocketAddr, lines: &[u8]) -> String {
    let mut stream = connect(door);
    drop(stream.write_all(lines));
    // A door that could not tell frames apart has closed it already.
    drop(stream.shutdown(Shutdown::Write));
    rest(&mut stream)
}

/// Frames of Lumberjack in a compressed one.
pub(crate) fn compressed(frames: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(frames).expect("a buffer");
    let stream = encoder.finish().expect("a buffer");
    [&b"2C"[..], &(stream.len() as u32).to_be_bytes(), &stream].concat()
}

/// The next acknowledgement of Lumberjack, the number that it names.
pub(crate) fn ack(stream: &mut TcpStream) -> u32 {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut ack = [0; 6];
    stream.read_exact(&mut ack).expect("an acknowledgement");
    assert_eq!(ack[..2], *b"2A", "{ack:?}");
    u32::from_be_bytes([ack[2], ack[3], ack[4], ack[5]])
}
