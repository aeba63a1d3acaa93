//! The process's own address over real sockets.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::config::{Flag, load};
use crate::health::HealthState;

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn any_port() -> AdminConfig {
    AdminConfig::default()
}

#[tokio::test]
async fn health_and_metrics_are_served_until_the_end() {
    let context = Context::default();
    let admin = Admin::bind(&any_port(), 0).await.unwrap();
    let address = admin.address;
    let served = tokio::spawn(admin.serve(context.clone()));

    assert_eq!(get(address, "/health/ready").await.0, 200);
    let reason = "search engine is away".to_owned();
    context.health.set("indexer", HealthState::Waiting { reason });
    let (status, body) = get(address, "/health/ready").await;
    assert_eq!(status, 503);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["parts"]["indexer"]["state"], "waiting");
    assert_eq!(body["parts"]["indexer"]["reason"], "search engine is away");
    assert_eq!(get(address, "/health/live").await.0, 200, "waiting is no reason to start anew");

    context.health.set("enricher", HealthState::Stalled { reason: "process".to_owned() });
    assert_eq!(get(address, "/health/live").await.0, 503);

    let (status, metrics) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("process_resident_memory_bytes"), "{metrics}");
    assert_eq!(get(address, "/other").await.0, 404);

    context.shutdown.cancel();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_address_in_use_or_not_allowed_is_refused_with_the_way_out() {
    let first = Admin::bind(&any_port(), 0).await.unwrap();
    let taken = AdminConfig { listen: Some(first.address), ..AdminConfig::default() };
    let error = Admin::bind(&taken, 0).await.unwrap_err().to_string();
    assert!(error.contains("metrics.listen"), "{error}");

    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let open = AdminConfig { listen: Some(listen), allow_remote: false };
    let flags = [Flag::new("--metrics", "listen", "0.0.0.0:9600")];
    let mistakes = load::<AdminConfig>(None, [], &flags).unwrap_err().to_string();
    assert!(mistakes.starts_with("--metrics: listen: other machines reach"), "{mistakes}");
    assert!(matches!(Admin::bind(&open, 0).await, Err(AdminError::NotAllowed { .. })));
    let allowed = AdminConfig { listen: Some(listen), allow_remote: true };
    assert!(Admin::bind(&allowed, 0).await.is_ok());
}
