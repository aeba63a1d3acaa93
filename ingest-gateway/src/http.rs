//! The HTTP door: HTTP/1.1 (RFC 9112) and HTTP/2 with prior knowledge (RFC 9113), both on each of its ports.
//!
//! Serves connections within limits and times; what a request means stands in `route`.

mod answer;
mod body;
mod cors;
mod credentials;
pub(crate) mod decoding;
mod description;
pub(crate) mod elasticsearch;
mod elements;
mod json_error;
mod lingering;
mod message_lines;
pub(crate) mod otlp;
mod publisher;
mod repeated;
mod request;
mod route;
pub(crate) mod shape;
mod success;
mod unread;
mod upload;

use std::convert::Infallible;
use std::error::Error;
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
use crate::connections::{Admission, Arrival, Gate, Listeners};
use crate::intake::Intake;
use crate::stream::Stream;
use crate::tls::Acceptor;
use answer::Reply;
use lingering::Lingering;
use message_lines::{BodyEnds, MessageLines};
use route::{Door, Sender};

/// The name of the first one in ledgers, metrics and records.
pub(crate) const DOOR: &str = "http";
/// Most headers of a request.
const HEADERS_MAX: usize = 100;
/// HTTP/2: requests at once on a connection, and streams that may be reset before they were looked at
/// (the limit that ends a rapid reset).
const STREAMS_MAX: u32 = 32;
const RESET_STREAMS_MAX: usize = 32;
/// Most bytes of a connection that are read before a request asks for them. No budget holds them, so that these
/// times the connections of an address must be little: what RFC 9113 begins with. Over HTTP/1.1 it is twice that for a
/// moment, where a read ends in a body and brings the next head with it.
const READ_AHEAD_BYTES: u32 = 64 << 10;

/// Serves the door until told to stop, then lets requests in hand finish. `bulk_socket` is the one for clients of
/// Elasticsearch, by its place.
pub(crate) async fn serve(
    gate: Gate<Listeners>,
    bulk_socket: Option<usize>,
    intake: Intake,
    config: HttpConfig,
    tls: Option<Arc<Acceptor>>,
    shutdown: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let builder = Arc::new(builder(&config));
    let intake = intake.of_shop(config.shop.as_ref());
    let door = Arc::new(Door { intake, config });
    gate.run(&shutdown, |stream, Arrival { peer, socket }, admission| {
        let connection = Connection {
            builder: Arc::clone(&builder),
            door: Arc::clone(&door),
            peer,
            is_for_elasticsearch: Some(socket) == bulk_socket,
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
        // Whoever has sent all and says so waits for the answer still.
        .half_close(true)
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
    is_for_elasticsearch: bool,
    admission: Admission,
    shutdown: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: Stream) {
        let (requests, in_hand) = watch::channel(Requests::default());
        let hang_up = CancellationToken::new();
        let sender = Sender {
            source: ByteString::from(self.peer.ip().to_canonical().to_string()),
            share: self.admission.guest.share.clone(),
            certificate: stream.shop().cloned(),
            is_for_elasticsearch: self.is_for_elasticsearch,
            hang_up: hang_up.clone(),
        };
        let idle_timeout = self.door.config.idle_timeout.0;
        let body_ends = BodyEnds::default();
        let service = service_fn(|request| {
            body_ends.tell(&request);
            let in_hand = InHand::begin(&requests);
            let (door, sender) = (Arc::clone(&self.door), sender.clone());
            async move {
                // In a box, since hyper keeps room for this future as long as the connection: one that is idle would
                // hold all that a request in hand may need.
                let reply = Box::pin(cors::answer(&door, sender, request)).await;
                count_refused(&door, &reply);
                drop(in_hand);
                Ok::<_, Infallible>(reply)
            }
        });
        let stream = Lingering::new(stream, self.shutdown.clone());
        let stream = TokioIo::new(MessageLines::new(stream, body_ends.clone()));
        let connection = self.builder.serve_connection(stream, service);
        let mut connection = std::pin::pin!(connection);
        let mut stopping = false;
        let result = loop {
            tokio::select! {
                result = &mut connection => break result,
                () = idle(in_hand.clone(), idle_timeout) => {
                    self.door.limit_hit("idle_timeout");
                    return;
                }
                () = hang_up.cancelled() => {
                    self.door.limit_hit("unread_answer");
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
            if let Some(limit) = breach(&*error) {
                self.door.limit_hit(limit);
            }
            tracing::debug!(peer = %self.peer, error, "an HTTP connection ended early");
        }
    }
}

/// Counts an answer that is no success.
fn count_refused(door: &Door, reply: &Reply) {
    let status = reply.status();
    // A call of gRPC that fails has its code in the head, and one that does not in its trailers.
    let grpc = reply.headers().get("grpc-status").and_then(|code| code.to_str().ok());
    let code = match grpc {
        Some(code) => format!("grpc-{code}"),
        None if status.is_client_error() || status.is_server_error() => status.as_str().to_owned(),
        None => return,
    };
    let refused = &door.intake.metrics().refused_requests;
    refused.with_label_values(&[door.intake.door(), code.as_str()]).inc();
}

/// The limit under which it counts that a connection was ended by its sender's bytes; none if the sender or the net
/// ended it.
fn breach(error: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    let error = error.downcast_ref::<hyper::Error>()?;
    if error.is_parse_too_large() {
        return Some("header_bytes");
    }
    if error.is_timeout() {
        return Some("idle_timeout");
    }
    // Of HTTP/2, floods among them: what the library itself puts an end to.
    let cause = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>());
    (error.is_parse() || cause.is_some_and(h2::Error::is_library)).then_some("protocol")
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
