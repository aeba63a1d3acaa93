//! The live stream: what arrives comes, once, also after a break; streams are few, and end with the
//! server.

use access::Role;
use futures::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::Span;

use super::rig::{PATIENCE, Rig, answer};

/// A stream as a browser reads it.
struct Reader {
    response: Response,
    text: String,
    last_id: Option<String>,
}

impl Reader {
    async fn open(rig: &Rig, query: &str, last_id: Option<&str>) -> Self {
        let path = format!("/api/search/tail?q={query}");
        let mut request = rig.request(Method::GET, &path).bearer_auth(rig.token(Role::Viewer));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), last_id: None }
    }

    /// The data of the next event that has any; `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                if let Some(id) = field("id: ") {
                    self.last_id = Some(id.to_owned());
                }
                if let Some(data) = field("data: ") {
                    return Some(serde_json::from_str(data).unwrap());
                }
            }
            let part = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let part = part.expect("something arrives in time").unwrap()?;
            self.text.push_str(std::str::from_utf8(&part).unwrap());
        }
    }

    async fn next_id(&mut self) -> String {
        self.next().await.expect("an event")["id"].as_str().unwrap().to_owned()
    }
}

fn event(message: &str) -> Value {
    json!({"event": {"dataset": "other"}, "message": message})
}

const LONG_AGO: &str = "2025-01-01T00:00:00Z";

#[tokio::test]
async fn what_arrives_comes_and_goes_on_after_a_break() {
    let rig = Rig::start().await;
    rig.index(&[("before", LONG_AGO, event("wheel"))]).await;
    let mut reader = Reader::open(&rig, "wheel", None).await;
    rig.index(&[("other", LONG_AGO, event("water"))]).await;
    rig.index(&[("1", LONG_AGO, event("wheel"))]).await;
    let first = reader.next().await.unwrap();
    assert_eq!((&first["id"], &first["document"]["message"]), (&json!("1"), &json!("wheel")));
    rig.index(&[("2", LONG_AGO, event("wheel")), ("3", LONG_AGO, event("wheel"))]).await;
    assert_eq!([reader.next_id().await, reader.next_id().await], ["2", "3"]);

    let last_id = reader.last_id.clone().expect("an id to go on from");
    drop(reader);
    rig.index(&[("4", LONG_AGO, event("wheel"))]).await;
    let mut again = Reader::open(&rig, "wheel", Some(&last_id)).await;
    assert_eq!(again.next_id().await, "4", "nothing is missed, nothing comes twice");
    rig.stop().await;
}

#[tokio::test]
async fn what_has_gathered_comes_without_pauses() {
    let rig = Rig::start_with(|config| config.tail_poll_interval = Span::from_secs(3600)).await;
    let from = rig.stores.search.tail_position().await.unwrap();
    let ids: Vec<String> = (0..450).map(|number| number.to_string()).collect();
    let events: Vec<_> = ids.iter().map(|id| (id.as_str(), LONG_AGO, event("wheel"))).collect();
    rig.index(&events).await;
    let mut reader = Reader::open(&rig, "wheel", Some(&from.0)).await;
    for id in &ids {
        assert_eq!(&reader.next_id().await, id);
    }
    rig.stop().await;
}

#[tokio::test]
async fn an_id_is_there_before_the_first_event() {
    let rig = Rig::start().await;
    let response =
        rig.request(Method::GET, "/api/search/tail").bearer_auth(rig.token(Role::Viewer));
    let mut parts = response.send().await.unwrap().bytes_stream();
    let first = tokio::time::timeout(PATIENCE, parts.next()).await.unwrap().unwrap().unwrap();
    let first = String::from_utf8_lossy(&first).into_owned();
    assert!(first.contains("id: ") && first.contains("retry: 2000"), "{first}");
    rig.stop().await;
}

#[tokio::test]
async fn a_document_with_line_breaks_is_one_line_of_data() {
    let rig = Rig::start().await;
    let mut reader = Reader::open(&rig, "", None).await;
    let document = "{\r\n  \"message\":\n\"two\\nlines\",\"event\":{\"dataset\":\"other\"}\n}";
    let operation = search_store::IndexOperation {
        id: "x".to_owned(),
        index: "ecommerce-logs-other-2025.01.01".into(),
        shop: "default".into(),
        timestamp_ns: 0,
        received_at_ns: 1_735_689_600_000_000_000,
        document: document.into(),
    };
    rig.stores.search.bulk(vec![operation]).await.unwrap();
    assert_eq!(reader.next().await.unwrap()["document"]["message"], "two\nlines");
    rig.stop().await;
}

#[tokio::test]
async fn streams_are_few_and_a_place_is_free_again_when_a_reader_goes() {
    let rig = Rig::start_with(|config| config.tail_streams_max = 1).await;
    let reader = Reader::open(&rig, "", None).await;
    let refused = rig.get("/api/search/tail", Role::Viewer).await;
    assert_eq!((refused.status, &refused.headers["retry-after"]), (429, &"10".parse().unwrap()));
    drop(reader);
    super::rig::eventually(async || {
        let request = rig.request(Method::GET, "/api/search/tail");
        let response = request.bearer_auth(rig.token(Role::Viewer)).send().await.unwrap();
        (response.status() == 200).then_some(())
    })
    .await;
    rig.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_server_and_after_its_time() {
    let rig = Rig::start_with(|config| {
        config.tail_duration_max = service::Span::from_millis(100);
    })
    .await;
    let mut reader = Reader::open(&rig, "", None).await;
    assert_eq!(reader.next().await, None, "its time is over");
    let local = service::http_client::builder().unix_socket(rig.socket.clone()).build().unwrap();
    let response = local.get("http://localhost/api/search/tail").send().await.unwrap();
    let mut endless = Reader { response, text: String::new(), last_id: None };
    rig.index(&[("1", LONG_AGO, event("wheel"))]).await;
    assert_eq!(endless.next_id().await, "1");
    rig.stop().await;
    assert_eq!(endless.next().await, None, "the server has stopped");
}

#[tokio::test]
async fn an_id_of_elsewhere_is_refused() {
    let rig = Rig::start().await;
    let request = rig.request(Method::GET, "/api/search/tail").bearer_auth(rig.token(Role::Viewer));
    let refused = answer(request.header("last-event-id", "../../etc/passwd")).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    rig.stop().await;
}
