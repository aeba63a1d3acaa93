//! A proxy in front of an engine that can be told to answer as an engine in trouble does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// The largest body that it passes on, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

struct Way {
    engine: String,
    client: reqwest::Client,
    troubled: AtomicBool,
    refused: AtomicU64,
}

/// The proxy; it ends with the test.
pub(crate) struct Faults {
    way: Arc<Way>,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Faults {
    /// Stands in front of this engine.
    pub(crate) fn before(engine: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let way = Arc::new(Way {
            engine: engine.to_owned(),
            client: service::http_client::builder().build().expect("a client"),
            troubled: AtomicBool::new(false),
            refused: AtomicU64::new(0),
        });
        let router = Router::new()
            .fallback(pass)
            .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::clone(&way));
        let address = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            tokio::spawn(async { axum::serve(listener, router).await });
            address
        });
        Self { way, address, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether requests are refused from now on, by turns with 429 and 503.
    pub(crate) fn trouble(&self, troubled: bool) {
        self.way.troubled.store(troubled, Ordering::SeqCst);
    }

    /// How many requests were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.way.refused.load(Ordering::SeqCst)
    }
}

async fn pass(
    State(way): State<Arc<Way>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    if way.troubled.load(Ordering::SeqCst) {
        return match way.refused.fetch_add(1, Ordering::SeqCst) % 2 {
            0 => (StatusCode::TOO_MANY_REQUESTS, "{\"error\":\"busy\"}").into_response(),
            _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        };
    }
    for ours in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(ours);
    }
    let url = format!("{}{uri}", way.engine);
    let sent = way.client.request(method, url).headers(headers).body(body).send().await;
    let Ok(answer) = sent else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    match answer.bytes().await {
        Ok(body) => (status, headers, body).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
