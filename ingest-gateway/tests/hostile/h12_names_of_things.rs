//! 12 (and 11): text that looks like a path, a tenant, an index or a template.

use service::http_client;

use crate::memory::alone;
use crate::support::{Gateway, send_tcp};

#[tokio::test]
async fn hostile_12_nothing_that_a_sender_says_names_anything() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let long = "A".repeat(300);
    let names = [
        "../../etc/passwd",
        "logs.dead",
        "*,-x",
        "${jndi:ldap://a/b}",
        "%{[shop]}",
        "{{7*7}}",
        &long,
    ];
    for name in names {
        let event = format!(
            "{{\"shop\":\"{name}\",\"organization\":{{\"id\":\"{name}\"}},\"_index\":\"{name}\",\"type\":\"{name}\"}}"
        );
        send_tcp(gateway.tcp, event.as_bytes()).await;
        let request = http_client::builder()
            .build()
            .unwrap()
            .post(gateway.url("/v1/logs"))
            .header("content-type", format!("text/{name}"))
            .header("idempotency-key", &name[..name.len().min(255)])
            .header("traceparent", name)
            .header("x-shop", name)
            .body(event);
        assert_eq!(request.send().await.unwrap().status(), 200, "{name}");
    }
    let records = gateway.bus.records();
    assert_eq!(records.len(), 2 * names.len());
    for record in &records {
        assert_eq!(&*record.shop, "default");
        assert_eq!(&*record.source, "127.0.0.1");
        assert_eq!(&*record.trace_context, "");
        assert!(record.content_type.len() <= 128);
        assert!(["tcp", "http"].contains(&&*record.listener));
    }
    gateway.stop().await;
}
