//! Logs from OpenTelemetry's own SDK for Python.

use std::collections::HashSet;

use serde_json::Value;
use service::Span;

use crate::python;
use crate::support::{Gateway, Mode, TOKEN, eventually};

const COUNT: usize = 3_000;

async fn export(gateway: &Gateway, protocol: &str, compression: &str) -> String {
    let arguments = [protocol, &gateway.url(""), TOKEN, &COUNT.to_string(), compression];
    python("otlp.py", &arguments.map(str::to_owned)).await
}

/// All that was logged, once each.
fn check(gateway: &Gateway) {
    let texts = gateway.bus.texts();
    let events: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let orders: HashSet<&str> =
        events.iter().filter_map(|event| event["order_id"].as_str()).collect();
    assert_eq!((events.len(), orders.len()), (COUNT + 1, COUNT));
    let event = events.iter().find(|event| event["order_id"] == "o-7").unwrap();
    assert_eq!(event["message"], "payment 7 failed");
    assert_eq!((&event["amount"], &event["retries"]), (&12.5.into(), &7.into()));
    assert_eq!(
        (event["log.level"].as_str(), event["log.logger"].as_str()),
        (Some("warn"), Some("shop.payment"))
    );
    assert_eq!(event["service.name"], "checkout");
    assert_eq!(event["service.environment"], "prod");
    assert!(event["@timestamp"].as_str().unwrap().ends_with('Z'));
    let last = events.iter().find(|event| event["message"] == "at last").unwrap();
    assert_eq!(
        (&last["error.type"], &last["error.message"]),
        (&"ValueError".into(), &"no such card".into())
    );
    assert!(last["error.stack_trace"].as_str().unwrap().contains("otlp.py"));
}

#[tokio::test]
async fn the_sdk_exports_over_http_and_grpc() {
    for (protocol, compression) in
        [("http", "none"), ("http", "gzip"), ("grpc", "none"), ("grpc", "gzip")]
    {
        let gateway = Gateway::start_with_token().await;
        assert_eq!(export(&gateway, protocol, compression).await, "flushed\n", "{protocol}");
        check(&gateway);
        gateway.stop().await;
    }
}

#[tokio::test]
async fn the_sdk_sends_again_what_there_was_no_room_for() {
    for protocol in ["http", "grpc"] {
        let gateway = Gateway::start(|config| config.retry_after = Span::from_millis(20)).await;
        gateway.bus.set_mode(Mode::Full);
        let mending = async {
            eventually("it was told to come again", || gateway.busy("http") > 0).await;
            gateway.bus.set_mode(Mode::Works);
        };
        let (said, ()) = tokio::join!(export(&gateway, protocol, "gzip"), mending);
        assert_eq!(said, "flushed\n", "{protocol}");
        check(&gateway);
        gateway.stop().await;
    }
}
