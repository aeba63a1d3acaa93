//! Somebody who means well and wants to be served meanwhile.

use std::time::{Duration, Instant};

use service::http_client;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::Gateway;

/// Sends a line over HTTP and one over TCP again and again, and notes how long an answer takes.
pub(crate) struct Bystander {
    stop: CancellationToken,
    sending: JoinHandle<Vec<Duration>>,
}

impl Bystander {
    pub(crate) fn start(gateway: &Gateway) -> Self {
        let stop = CancellationToken::new();
        let (url, tcp, stopped) = (gateway.url("/v1/logs"), gateway.tcp, stop.clone());
        let sending = tokio::spawn(async move {
            let client = http_client::builder().build().unwrap();
            let mut lines = TcpStream::connect(tcp).await.unwrap();
            let mut times = Vec::new();
            loop {
                // Read before it sends, so that one more is served after the attack, however short that was.
                let last = stopped.is_cancelled();
                let begun = Instant::now();
                let answer = client.post(&url).body("{\"bystander\":1}").send().await.unwrap();
                assert_eq!(answer.status(), 200);
                lines.write_all(b"{\"bystander\":2}\n").await.unwrap();
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
        assert!(most < Duration::from_secs(1), "one in ten waited for {most:?} or longer");
        let over_tcp = || gateway.door("tcp").accepted >= count as u64;
        crate::support::eventually("its lines over TCP arrive", over_tcp).await;
    }
}
