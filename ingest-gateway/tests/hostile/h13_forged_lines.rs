//! 13: an event that tries to be two, and two that try to be one.

use serde_json::Value;
use service::http_client;

use crate::memory::alone;
use crate::support::{Gateway, send_tcp};

#[tokio::test]
async fn hostile_13_one_event_stays_one_event() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let escaped = r#"{"message":"first\r\n{\"level\":\"forged\"}\u000a\u2028\u0085end"}"#;
    send_tcp(gateway.tcp, format!("{escaped}\n").as_bytes()).await;
    let url = gateway.url("/v1/logs");
    let post = async |body: String| -> Value {
        http_client::builder()
            .build()
            .unwrap()
            .post(&url)
            .body(body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(post(escaped.to_owned()).await["accepted"], 1);
    assert_eq!(post(format!("[{escaped}]")).await["accepted"], 1);
    assert_eq!(gateway.bus.texts(), [escaped; 3]);

    // Separators of other systems end no line here.
    let separators = "{\"a\":\"x\u{2028}y\u{85}z\"}\r{\"b\":1}";
    send_tcp(gateway.tcp, separators.as_bytes()).await;
    assert_eq!(gateway.bus.texts()[3], separators);

    // A real line feed within a string ends the line: both halves are refused, none is forged.
    let torn = "{\"a\":\"x\n{\"level\":\"forged\"}\"}\n".to_owned();
    let answer = post(torn).await;
    assert_eq!((&answer["accepted"], &answer["refused_count"]), (&0.into(), &2.into()));
    gateway.stop().await;
}
