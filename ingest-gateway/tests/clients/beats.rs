//! Lumberjack from pylogbeat, and from go-lumber, which is Elastic's own.

use std::collections::HashSet;

use serde_json::Value;
use service::Span;

use crate::support::{Gateway, Mode, eventually};
use crate::{printed, program, python, run};

fn messages(gateway: &Gateway) -> Vec<String> {
    let message = |text: &String| {
        let event: Value = serde_json::from_str(text).unwrap();
        event["message"].as_str().unwrap().to_owned()
    };
    gateway.bus.texts().iter().map(message).collect()
}

#[tokio::test]
async fn pylogbeat_is_acknowledged_window_by_window() {
    let gateway = Gateway::start(|_| {}).await;
    let arguments = [gateway.beats.port().to_string(), "20".into(), "300".into()];
    let said = python("beats.py", &arguments).await;
    let expected: Vec<String> = (0..20).map(|window| format!("acknowledged {window}")).collect();
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    let messages = messages(&gateway);
    assert_eq!(messages.len(), 6_000);
    assert_eq!(messages[301], "line 1/1 – ünïcode");
    gateway.stop().await;
}

#[tokio::test]
async fn pylogbeat_waits_while_the_log_has_no_room() {
    let gateway = Gateway::start(|config| {
        config.beats.keep_alive_interval = Span::from_millis(20);
    })
    .await;
    gateway.bus.set_mode(Mode::Full);
    let arguments = [gateway.beats.port().to_string(), "2".into(), "10".into()];
    let sending = tokio::spawn(async move { python("beats.py", &arguments).await });
    eventually("a window waits", || gateway.busy("beats") == 1).await;
    assert!(!sending.is_finished());
    gateway.bus.set_mode(Mode::Works);
    assert_eq!(sending.await.unwrap(), "acknowledged 0\nacknowledged 1\n");
    assert_eq!(messages(&gateway).len(), 20);
    gateway.stop().await;
}

#[tokio::test]
async fn go_lumber_is_acknowledged_exactly() {
    let gateway = Gateway::start(|_| {}).await;
    let mut sent = 0;
    // Windows, events, compression, and windows in flight where it does not wait for each.
    for case in [["30", "100", "0", ""], ["30", "2048", "3", ""], ["100", "50", "3", "2"]] {
        let [windows, events, ..] = case.map(|text| text.parse::<usize>().unwrap_or_default());
        let given = case.iter().filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
        let arguments: Vec<_> = [gateway.beats.to_string()].into_iter().chain(given).collect();
        let said = printed(&run(program("lumber"), &arguments).await);
        assert_eq!(said.trim(), (windows * events).to_string(), "{case:?}");
        sent += windows * events;
        assert_eq!(gateway.bus.records().len(), sent);
    }
    let last: HashSet<String> = messages(&gateway).split_off(sent - 5_000).into_iter().collect();
    assert_eq!(last.len(), 5_000, "each once");
    gateway.stop().await;
}
