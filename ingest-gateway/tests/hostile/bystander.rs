//! Somebody who means well and wants to be served meanwhile.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bus::Record;
use serde_json::Value;
use service::http_client;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Gateway, send_tcp};

/// The longest that nine of ten exchanges may take.
const MOST: Duration = Duration::from_secs(1);

/// Sends again and again, and notes how long an answer takes.
pub(crate) struct Bystander {
    stop: CancellationToken,
    sending: JoinHandle<Vec<Duration>>,
}

impl Bystander {
    /// Sends a line over HTTP and one over TCP each time.
    pub(crate) fn start(gateway: &Gateway) -> Self {
        Self::repeat(Over::Both { url: gateway.url("/v1/logs"), tcp: gateway.tcp, token: None })
    }

    /// The same with a token, which stands before the lines over TCP.
    pub(crate) fn with_token(gateway: &Gateway, token: &str) -> Self {
        let token = Some(token.to_owned());
        Self::repeat(Over::Both { url: gateway.url("/v1/logs"), tcp: gateway.tcp, token })
    }

    /// Sends a line over a TCP connection of its own each time and waits for its end, which means that the line is
    /// durable. For attacks on an HTTP door that does not speak without TLS.
    pub(crate) fn over_tcp(gateway: &Gateway) -> Self {
        Self::repeat(Over::Tcp(gateway.tcp))
    }

    fn repeat(over: Over) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let sending = tokio::spawn(async move {
            let mut way = over.open().await;
            let mut times = Vec::new();
            loop {
                // Read before it sends, so that one more is served after the attack, however short that was.
                let last = stopped.is_cancelled();
                let begun = Instant::now();
                way.exchange().await;
                times.push(begun.elapsed());
                if last {
                    return times;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Self { stop, sending }
    }

    /// Ends it after one more exchange, and checks that it was served all the time.
    pub(crate) async fn was_served(self, gateway: &Gateway) {
        self.stop.cancel();
        let mut times = self.sending.await.unwrap();
        times.sort_unstable();
        let count = times.len();
        let most = times[count * 9 / 10];
        assert!(most < MOST, "one in ten waited for {most:?} or longer");
        let over_tcp = || gateway.door("tcp").accepted >= count as u64;
        crate::support::eventually("its lines over TCP arrive", over_tcp).await;
    }
}

/// What came to the gateway but for the bystander's lines, in order.
pub(crate) fn records_of_others(gateway: &Gateway) -> Vec<Record> {
    let mut records = gateway.bus.records();
    records.retain(|record| !record.payload.starts_with(b"{\"bystander\":"));
    records
}

/// Their payloads as JSON.
pub(crate) fn events_of_others(gateway: &Gateway) -> Vec<Value> {
    let event = |record: &Record| serde_json::from_slice(&record.payload).unwrap();
    records_of_others(gateway).iter().map(event).collect()
}

/// Their payloads as text.
pub(crate) fn texts_of_others(gateway: &Gateway) -> Vec<String> {
    let text = |record: &Record| String::from_utf8_lossy(&record.payload).into_owned();
    records_of_others(gateway).iter().map(text).collect()
}

/// Over what it sends.
enum Over {
    Both { url: String, tcp: SocketAddr, token: Option<String> },
    Tcp(SocketAddr),
}

/// The connections over which it sends.
enum Way {
    Both { request: Box<reqwest::RequestBuilder>, lines: TcpStream },
    Tcp(SocketAddr),
}

impl Over {
    async fn open(self) -> Way {
        let (url, tcp, token) = match self {
            Self::Tcp(tcp) => return Way::Tcp(tcp),
            Self::Both { url, tcp, token } => (url, tcp, token),
        };
        let mut request = http_client::builder().build().unwrap().post(&url);
        let mut lines = TcpStream::connect(tcp).await.unwrap();
        if let Some(token) = token {
            lines.write_all(format!("{token}\n").as_bytes()).await.unwrap();
            request = request.bearer_auth(token);
        }
        Way::Both { request: Box::new(request.body("{\"bystander\":1}")), lines }
    }
}

impl Way {
    async fn exchange(&mut self) {
        match self {
            Self::Both { request, lines } => {
                let request = request.try_clone().expect("its body is no stream");
                assert_eq!(request.send().await.unwrap().status(), 200);
                lines.write_all(b"{\"bystander\":2}\n").await.unwrap();
            }
            Self::Tcp(tcp) => drop(send_tcp(*tcp, b"{\"bystander\":3}\n").await),
        }
    }
}
