//! Senders of what was made before: threads of their own with blocking sockets, which cost their system calls and
//! hardly anything else.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};

use super::payload::{DATAGRAM_BYTES, EVENTS, number_of};

/// Where logs of OpenTelemetry are sent over gRPC.
const GRPC: &str = "http://door/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// Datagrams that the kernel takes at once and sends one by one (`UDP_SEGMENT`).
const SEGMENTS: usize = 64;

/// Threads that send until they are told to stop.
#[derive(Debug)]
pub struct Senders {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Senders {
    /// Starts so many, each with its number, that look whether they are to stop.
    #[must_use]
    pub fn start(count: usize, send: impl Fn(usize, &AtomicBool) + Clone + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |number| {
            let (send, stop) = (send.clone(), Arc::clone(&stop));
            thread::spawn(move || send(number, &stop))
        };
        Self { threads: (0..count).map(start).collect(), stop }
    }

    /// Waits until all have ended.
    ///
    /// # Panics
    /// One was not answered as it should.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a sender ends as it should");
        }
    }
}

fn goes_on(stop: &AtomicBool) -> bool {
    !stop.load(Ordering::Relaxed)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the door is open");
    stream.set_nodelay(true).expect("a setting of every socket");
    stream
}

/// Writes a block of lines again and again. The door's own end says that all of them are durable.
///
/// # Panics
/// The door is not there.
pub fn pour(address: SocketAddr, block: &[u8], stop: &AtomicBool) {
    let mut stream = connect(address);
    while goes_on(stop) {
        stream.write_all(block).expect("the door reads");
    }
    stream.shutdown(Shutdown::Write).expect("an end");
    stream.read_to_end(&mut Vec::new()).expect("the door's end");
}

/// A connection over which requests are answered.
#[derive(Debug)]
pub struct Requests {
    stream: TcpStream,
    answer: Vec<u8>,
    block: Vec<u8>,
}

impl Requests {
    /// Connects.
    ///
    /// # Panics
    /// The door is not there.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        Self { stream: connect(address), answer: Vec::new(), block: vec![0; 64 << 10] }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Panics
    /// It is not one of success.
    pub fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).expect("the door reads");
        self.answer.clear();
        while !is_whole(&self.answer) {
            let bytes = self.stream.read(&mut self.block).expect("an answer");
            assert!(bytes > 0, "the door closes the connection");
            self.answer.extend_from_slice(&self.block[..bytes]);
        }
        let beginning = String::from_utf8_lossy(&self.answer[..self.answer.len().min(500)]);
        assert!(beginning.starts_with("HTTP/1.1 200"), "{beginning}");
    }
}

/// Whether a head and as much of a body as it says are there.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = memchr::memmem::find(answer, b"\r\n\r\n") else { return false };
    let name = b"content-length: ";
    let length = memchr::memmem::find(&answer[..head], name).and_then(|at| {
        let digits = answer[at + name.len()..].split(|byte| *byte == b'\r').next()?;
        std::str::from_utf8(digits).ok()?.parse::<usize>().ok()
    });
    answer.len() >= head + 4 + length.expect("an answer says how long it is")
}

/// Sends a request again and again, each when the one before it is answered.
pub fn requests(address: SocketAddr, request: &[u8], stop: &AtomicBool) {
    let mut requests = Requests::connect(address);
    while goes_on(stop) {
        requests.send(request);
    }
}

/// The same, each with a key of its own.
pub fn keyed_requests(address: SocketAddr, body: &[u8], sender: usize, stop: &AtomicBool) {
    let mut requests = Requests::connect(address);
    let mut number = 0;
    while goes_on(stop) {
        let key = format!("idempotency-key: {sender}-{number}\r\n");
        requests.send(&super::payload::post("/v1/logs", &key, body));
        number += 1;
    }
}

/// Sends requests at their moments, a thread for each connection, and gives how long each took from its moment to its
/// answer: one that waits for the one before it has waited too.
///
/// # Panics
/// A request is not answered with success.
#[must_use]
pub fn paced_requests(
    address: SocketAddr,
    request: &Arc<[u8]>,
    connections: usize,
    requests_per_second: f64,
    time: Duration,
) -> Vec<Duration> {
    let begun = Instant::now() + Duration::from_millis(50);
    let count = (time.as_secs_f64() * requests_per_second) as usize;
    let send = |connection: usize| {
        let request = Arc::clone(request);
        thread::spawn(move || {
            let mut requests = Requests::connect(address);
            let mut took = Vec::with_capacity(count / connections + 1);
            for number in (connection..count).step_by(connections) {
                let due = begun + Duration::from_secs_f64(number as f64 / requests_per_second);
                thread::sleep(due.saturating_duration_since(Instant::now()));
                requests.send(&request);
                took.push(due.elapsed());
            }
            took
        })
    };
    let threads: Vec<_> = (0..connections).map(send).collect();
    threads.into_iter().flat_map(|thread| thread.join().expect("it is answered")).collect()
}

/// Sends a window again and again, two of them on their way, as libbeat does.
///
/// # Panics
/// The door acknowledges something else.
pub fn windows(address: SocketAddr, window: &[u8], stop: &AtomicBool) {
    let mut stream = connect(address);
    let mut answers = stream.try_clone().expect("the same connection");
    let mut wait = || loop {
        let mut ack = [0; 6];
        answers.read_exact(&mut ack).expect("an acknowledgement");
        // Others say that the door is at work.
        if ack[2..] == number_of(EVENTS) {
            return;
        }
    };
    let mut on_their_way = 0;
    while goes_on(stop) {
        stream.write_all(window).expect("the door reads");
        on_their_way += 1;
        if on_their_way == 2 {
            wait();
            on_their_way -= 1;
        }
    }
    (0..on_their_way).for_each(|_| wait());
}

/// Calls `Export` of gRPC with a message again and again.
///
/// # Panics
/// A call is not answered with success.
pub fn calls(address: SocketAddr, message: &Bytes, stop: &AtomicBool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.expect("the door is open");
        stream.set_nodelay(true).expect("a setting of every socket");
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.expect("the door speaks HTTP/2");
        tokio::spawn(connection);
        while goes_on(stop) {
            let call = Request::post(GRPC)
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .body(Full::new(message.clone()))
                .expect("a request");
            let answer = sender.send_request(call).await.expect("an answer");
            let answer = answer.into_body().collect().await.expect("its end");
            let status = answer.trailers().and_then(|trailers| trailers.get("grpc-status"));
            assert!(status.is_some_and(|status| status == "0"), "{status:?}");
        }
    });
}

/// Sends datagrams of one size, one behind the other in a buffer, in bursts at a pace.
///
/// # Errors
/// The system refuses.
pub fn datagrams(
    address: SocketAddr,
    buffer: &[u8],
    bursts: u32,
    burst_interval: Duration,
) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(address)?;
    let size = i32::try_from(DATAGRAM_BYTES).unwrap_or(i32::MAX);
    let is_segmented = setsockopt(&socket, UdpGsoSegment, &size).is_ok();
    let segments = if is_segmented { SEGMENTS } else { 1 };
    let begun = Instant::now();
    for burst in 0..bursts {
        let due = begun + burst_interval * burst;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        for piece in buffer.chunks(segments * DATAGRAM_BYTES) {
            socket.send(piece)?;
        }
    }
    Ok(())
}
