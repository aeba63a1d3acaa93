//! A server that answers a bulk at once as OpenSearch does when all is well, and remembers the bulks.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use futures::StreamExt;
use tokio::runtime::Runtime;

const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bulks on their way at once when they are fed from memory, as many as the indexer's own setting.
const CONCURRENCY: usize = 8;
const GREETING: &str = r#"{"version":{"number":"2.19.6","distribution":"opensearch"}}"#;

/// What becomes of the bulks that come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bulks {
    /// They are kept, to be fed to a real engine.
    Kept,
    /// They are forgotten.
    Forgotten,
}

#[derive(Debug)]
struct Taken {
    keep: Bulks,
    /// Uncompressed ones.
    bulks: Mutex<Vec<Bytes>>,
}

/// The server; it ends when it is dropped.
#[derive(Debug)]
pub struct DumbEngine {
    taken: Arc<Taken>,
    address: SocketAddr,
    runtime: Runtime,
}

impl DumbEngine {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn start(keep: Bulks) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let taken = Arc::new(Taken { keep, bulks: Mutex::default() });
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::clone(&taken));
        let address = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            tokio::spawn(async { axum::serve(listener, router).await });
            address
        });
        Self { taken, address, runtime }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Feeds an engine with the bulks that came uncompressed, under another namespace, whose templates
    /// are there already. Gives the seconds that it took.
    ///
    /// # Panics
    /// The engine refuses one.
    #[must_use]
    pub fn replay_into(&self, engine: &str, namespace: &str) -> f64 {
        let bulks = self.taken.bulks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let bulks: Vec<Bytes> = bulks.iter().map(|bulk| renamed(bulk, namespace)).collect();
        let client = service::http_client::builder().build().expect("a client");
        let url = format!("{engine}/_bulk");
        self.runtime.block_on(async {
            let indices = format!("{engine}/{namespace}-*");
            client.delete(indices).send().await.expect("deleted");
            let started = Instant::now();
            let sent = futures::stream::iter(bulks).map(|bulk| {
                let request =
                    client.post(&url).header(header::CONTENT_TYPE, "application/x-ndjson");
                async { request.body(bulk).send().await.expect("sent").bytes().await }
            });
            sent.buffer_unordered(CONCURRENCY)
                .for_each(|answer| async {
                    let answer = answer.expect("an answer");
                    assert!(!answer.windows(13).any(|at| at == b"\"errors\":true"), "refused");
                })
                .await;
            started.elapsed().as_secs_f64()
        })
    }
}

/// The bulk with the namespace in front of its index names changed to another of the same length.
fn renamed(bulk: &Bytes, namespace: &str) -> Bytes {
    let mut bytes = bulk.to_vec();
    let mut place = 0;
    while let Some(found) = memchr::memmem::find(&bytes[place..], b"\"_index\":\"") {
        let start = place + found + 10;
        bytes[start..start + namespace.len()].copy_from_slice(namespace.as_bytes());
        place = start;
    }
    bytes.into()
}

async fn answer(
    State(taken): State<Arc<Taken>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    if uri.path().ends_with("_bulk") {
        return (json, items(&taken, &headers, body)).into_response();
    }
    match method {
        Method::GET if uri.path() == "/" => (json, GREETING.to_owned()).into_response(),
        Method::GET | Method::HEAD => (StatusCode::NOT_FOUND, json, "{}").into_response(),
        _ => (json, "{\"acknowledged\":true}").into_response(),
    }
}

/// The parts of an answer that the store asks for.
fn items(taken: &Taken, headers: &HeaderMap, body: Bytes) -> String {
    let zipped = headers.contains_key(header::CONTENT_ENCODING);
    let body = if zipped {
        let mut plain = Vec::new();
        GzDecoder::new(&*body).read_to_end(&mut plain).expect("gzip");
        plain.into()
    } else {
        if taken.keep == Bulks::Kept {
            let mut bulks = taken.bulks.lock().unwrap_or_else(PoisonError::into_inner);
            bulks.push(body.clone());
        }
        body
    };
    let mut items = String::from("{\"items\":[");
    let mut lines = body.split(|byte| *byte == b'\n');
    while let (Some(action), Some(_)) = (lines.next(), lines.next()) {
        if items.ends_with('}') {
            items.push(',');
        }
        let action = std::str::from_utf8(action).expect("an action");
        let id = action.split_once("\"_id\":\"").and_then(|(_, rest)| rest.split('"').next());
        items.push_str("{\"index\":{\"_id\":\"");
        items.push_str(id.expect("an action of the store's"));
        items.push_str("\",\"result\":\"created\",\"status\":201}}");
    }
    items.push_str("]}");
    items
}
