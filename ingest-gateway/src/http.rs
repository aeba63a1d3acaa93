//! The HTTP door: HTTP/1.1 (RFC 9112) and HTTP/2 with prior knowledge (RFC 9113), on one port.
//!
//! Serves connections within limits and times; what a request means stands in `route`.

mod answer;
mod body;
mod credentials;
pub(crate) mod decoding;
mod elasticsearch;
mod elements;
pub(crate) mod otlp;
mod publisher;
mod repeated;
mod request;
mod route;
mod shape;
mod upload;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::HttpConfig;
use crate::connections::{Admission, Gate};
use crate::intake::Intake;
use crate::stream::Stream;
use crate::tls::Acceptor;
use route::{Door, Sender};

/// Its name in ledgers, metrics and records.
pub(crate) const DOOR: &str = "http";
/// Most headers of a request.
const HEADERS_MAX: usize = 100;
/// HTTP/2: requests at once on a connection, and streams that may be reset before they were looked at
/// (the limit that ends a rapid reset).
const STREAMS_MAX: u32 = 32;
const RESET_STREAMS_MAX: usize = 32;
/// Most bytes of a connection that are read before a request asks for them.
const READ_AHEAD_BYTES: u32 = 256 << 10;

/// Serves the door until told to stop, then lets requests in hand finish.
pub(crate) async fn serve(
    gate: Gate,
    intake: Intake,
    config: HttpConfig,
    tls: Option<Arc<Acceptor>>,
    shutdown: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let builder = Arc::new(builder(&config));
    let door = Arc::new(Door { intake, config });
    gate.run(&shutdown, |stream, peer, admission| {
        let connection = Connection {
            builder: Arc::clone(&builder),
            door: Arc::clone(&door),
            peer,
            admission,
            shutdown: shutdown.clone(),
        };
        let (tls, shutdown) = (tls.clone(), shutdown.clone());
        tracker.spawn(async move {
            if let Some(stream) = Stream::greet(tls.as_deref(), stream, &shutdown).await {
                connection.serve(stream).await;
            }
        });
    })
    .await;
    tracker.close();
    tracker.wait().await;
}

fn builder(config: &HttpConfig) -> auto::Builder<TokioExecutor> {
    let header_bytes = config.header_bytes_max.as_usize();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.idle_timeout.0)
        .max_headers(HEADERS_MAX)
        .max_buf_size((READ_AHEAD_BYTES as usize).max(header_bytes));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(config.idle_timeout.0)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_connection_window_size(READ_AHEAD_BYTES)
        .initial_stream_window_size(READ_AHEAD_BYTES)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_local_error_reset_streams(RESET_STREAMS_MAX)
        .max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX));
    builder
}

struct Connection {
    builder: Arc<auto::Builder<TokioExecutor>>,
    door: Arc<Door>,
    peer: SocketAddr,
    admission: Admission,
    shutdown: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: Stream) {
        let (requests, in_hand) = watch::channel(Requests::default());
        let sender = Sender {
            source: ByteString::from(self.peer.ip().to_canonical().to_string()),
            share: self.admission.guest.share.clone(),
        };
        let idle_timeout = self.door.config.idle_timeout.0;
        let service = service_fn(|request| {
            let in_hand = InHand::begin(&requests);
            let (door, sender) = (Arc::clone(&self.door), sender.clone());
            async move {
                let reply = route::answer(&door, sender, request).await;
                drop(in_hand);
                Ok::<_, Infallible>(reply)
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut stopping = false;
        let result = loop {
            tokio::select! {
                result = &mut connection => break result,
                () = idle(in_hand.clone(), idle_timeout) => {
                    self.door.intake.metrics().limit_hit(DOOR, "idle_timeout");
                    return;
                }
                () = self.door.intake.give_up() => return,
                () = self.shutdown.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(peer = %self.peer, error, "an HTTP connection ended early");
        }
    }
}

/// Requests of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Requests {
    begun: u64,
    in_hand: u64,
}

/// A request that is being answered.
struct InHand(watch::Sender<Requests>);

impl InHand {
    fn begin(requests: &watch::Sender<Requests>) -> Self {
        requests.send_modify(|requests| {
            requests.begun += 1;
            requests.in_hand += 1;
        });
        Self(requests.clone())
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.send_modify(|requests| requests.in_hand -= 1);
    }
}

/// Ends when there was no request for this long: nothing was sent, headers trickle, a preface never
/// ends, or the answer is not read. How long a body may take is the request's own affair.
async fn idle(mut requests: watch::Receiver<Requests>, limit: Duration) {
    loop {
        let begun = match requests.wait_for(|requests| requests.in_hand == 0).await {
            Ok(quiet) => quiet.begun,
            Err(_) => return,
        };
        let another = requests.wait_for(|requests| requests.begun != begun);
        if tokio::time::timeout(limit, another).await.is_err() {
            return;
        }
    }
}
