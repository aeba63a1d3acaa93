//! 12 (and 11): text that looks like a path, a tenant, an index or a template.

use serde_json::{Value, json};
use service::http_client;

use crate::bystander::{Bystander, events_of_others, records_of_others};
use crate::memory::{alone, rise_during};
use crate::support::lumberjack::{Sender, batch};
use crate::support::otlp::{message, record, text};
use crate::support::{Gateway, any_port, send_tcp};

/// What looks like a path, a topic, a list of indices, a template or a format.
const NAMES: [&str; 8] = [
    "../../etc/passwd",
    "logs.dead",
    "*,-x",
    "${jndi:ldap://a/b}",
    "%{[shop]}",
    "{{7*7}}",
    "%s%n%x",
    "LOGS-Upper",
];
/// The most that memory may rise: nothing of this is large.
const RISE_BYTES_MAX: u64 = 16 << 20;

/// Asserts that a door has accepted so many records as its metric says, and that no metric has a name that a sender
/// said.
fn are_counted(gateway: &Gateway, door: &str, records: usize) {
    let accepted = format!("millrace_door_accepted_records_total{{door=\"{door}\"}}");
    assert_eq!(gateway.metric(&accepted), records as f64, "{door}");
    let metrics = gateway.context.metrics.text();
    for part in ["passwd", "jndi", "7*7", "Upper", "AAAA"] {
        assert!(!metrics.contains(part), "{part} in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_12_nothing_that_a_sender_says_names_anything() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let client = http_client::builder().build().unwrap();
    let long = "A".repeat(300);
    let names = [&NAMES[..], &[long.as_str()]].concat();
    let attack = async {
        for name in &names {
            let event = format!(
                "{{\"shop\":\"{name}\",\"organization\":{{\"id\":\"{name}\"}},\"_index\":\"{name}\",\"type\":\"{name}\"}}"
            );
            send_tcp(gateway.tcp, event.as_bytes()).await;
            let request = client
                .post(gateway.url("/v1/logs"))
                .header("content-type", format!("text/{name}"))
                .header("idempotency-key", &name[..name.len().min(255)])
                .header("traceparent", *name)
                .header("x-shop", *name)
                .header("x-forwarded-for", *name)
                .body(event);
            assert_eq!(request.send().await.unwrap().status(), 200, "{name}");
        }
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let records = records_of_others(&gateway);
    assert_eq!(records.len(), 2 * names.len());
    for record in &records {
        assert_eq!(&*record.shop, "default");
        assert_eq!(&*record.source, "127.0.0.1");
        assert_eq!(&*record.trace_context, "");
        assert!(record.content_type.len() <= 128);
        assert!(["tcp", "http"].contains(&&*record.listener));
    }
    bystander.was_served(&gateway).await;
    let records = gateway.bus.records();
    are_counted(&gateway, "http", records.iter().filter(|r| &*r.listener == "http").count());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_12_indices_of_bulk_bodies_name_nothing() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let client = http_client::builder().build().unwrap();
    let post = async |path: &str, body: String| -> Value {
        let response = client.post(gateway.url(path)).body(body).send().await.unwrap();
        response.json().await.unwrap()
    };
    let attack = async {
        for name in NAMES.iter().chain(&["line\nfeed", "nul\0", "\u{202e}left"]) {
            let action = json!({ "index": { "_index": name, "_id": name, "routing": name } });
            let answer = post("/_bulk", format!("{action}\n{{\"n\":1}}\n")).await;
            let item = &answer["items"][0]["index"];
            // They are told back as they were said, and no further.
            assert_eq!((&item["status"], &item["_index"]), (&json!(201), &json!(name)), "{name}");
        }
        for path in ["/..%2f..%2fetc%2fpasswd/_bulk", "/%00/_bulk", "/*,-x/_bulk", "/%ff%fe/_bulk"]
        {
            let answer = post(path, "{\"index\":{}}\n{\"n\":1}\n".to_owned()).await;
            assert_eq!(answer["items"][0]["index"]["status"], 201, "{path}");
        }
        let long = json!({ "index": { "_index": "A".repeat(300) } });
        let answer = post("/_bulk", format!("{long}\n{{\"n\":1}}\n")).await;
        assert_eq!(answer["status"], 400, "{answer}");
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let records = records_of_others(&gateway);
    assert_eq!(records.len(), NAMES.len() + 3 + 4);
    for record in &records {
        assert_eq!((&*record.shop, &*record.listener), ("default", "http"));
        assert_eq!(record.payload, "{\"n\":1}", "no name comes into the event");
    }
    assert_eq!(gateway.refused_requests("400"), 1.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

/// Sends a message of syslog, a record of OpenTelemetry and an event of a Beat in which everything has this name.
async fn send_as_names(gateway: &Gateway, name: &str) {
    let line = format!("<13>1 2026-11-23T02:29:04Z {name} {name} {name} {name} - m\n");
    send_tcp(gateway.syslog.tcp.unwrap(), line.as_bytes()).await;
    let attribute = |key: &str| message(&[(1, key.as_bytes()), (2, &text(name))]);
    let attributes = ["service.name", "organization.id", "event.dataset", name].map(attribute);
    let attributes: Vec<(u8, &[u8])> = attributes.iter().map(|one| (1, &one[..])).collect();
    let resource_logs = message(&[(1, &message(&attributes)), (2, &message(&[(2, &record("m"))]))]);
    let export = message(&[(1, &resource_logs)]);
    assert_eq!(gateway.post("/v1/logs", "application/x-protobuf", export).await.status(), 200);
    let mut sender = Sender::connect(gateway.beats).await;
    let metadata = json!({ "@metadata": { "beat": name, "index": name }, "message": "m" });
    sender.send(&batch(&[metadata.to_string()])).await;
    assert_eq!(sender.ack().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_12_names_of_programs_and_services_are_values_and_nothing_else() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.syslog.tcp_listen = any_port()).await;
    let bystander = Bystander::start(&gateway);
    let attack = async {
        for name in NAMES {
            send_as_names(&gateway, name).await;
        }
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let (records, events) = (records_of_others(&gateway), events_of_others(&gateway));
    assert_eq!(records.len(), 3 * NAMES.len());
    for (record, event) in records.iter().zip(&events) {
        assert_eq!((&*record.shop, &*record.source), ("default", "127.0.0.1"));
        assert_eq!(&*record.trace_context, "");
        assert!(["syslog", "http", "beats"].contains(&&*record.listener));
        assert_eq!(event["message"], "m", "{event}");
    }
    for (name, event) in NAMES.iter().zip(events.iter().step_by(3)) {
        assert_eq!(event["process"]["name"], *name);
        assert_eq!(event["host"]["name"], *name);
    }
    are_counted(&gateway, "syslog", NAMES.len());
    are_counted(&gateway, "beats", NAMES.len());
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
