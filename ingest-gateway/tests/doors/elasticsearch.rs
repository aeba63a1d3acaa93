//! What clients of Elasticsearch ask for.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::{ByteSize, http_client};

use crate::support::{Gateway, MemoryBus, Mode, TOKEN, eventually, send_raw, statuses};

/// `<logs-{now/d}-000001>`, as Logstash and Beats ask for it.
const FIRST_INDEX: &str = "/%3Clogs-%7Bnow%2Fd%7D-000001%3E";
/// What the official client for JavaScript takes, `HEAD /` included.
const JAVASCRIPT: &str = "application/vnd.elasticsearch+json; compatible-with=8,text/plain";

async fn ask(gateway: &Gateway, method: Method, path: &str, body: &str) -> Response {
    let client = http_client::builder().build().unwrap();
    client.request(method, gateway.url(path)).body(body.to_owned()).send().await.unwrap()
}

async fn bulk(gateway: &Gateway, path: &str, body: &str) -> (u16, Value) {
    let response = ask(gateway, Method::POST, path, body).await;
    assert_eq!(response.headers()["x-elastic-product"], "Elasticsearch");
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Each item's verb, status and type of error.
fn outcomes(answer: &Value) -> Vec<(String, u64, String)> {
    let items = answer["items"].as_array().unwrap();
    let outcome = |item: &Value| {
        let (verb, result) = item.as_object().unwrap().iter().next().unwrap();
        let error = result["error"]["type"].as_str().unwrap_or_default();
        (verb.clone(), result["status"].as_u64().unwrap(), error.to_owned())
    };
    items.iter().map(outcome).collect()
}

#[tokio::test]
async fn items_are_answered_one_by_one_in_order() {
    let gateway = Gateway::start(|_| {}).await;
    let body = "{\"create\":{\"_index\":\"logs-a\"}}\n{\"n\":1}\n\
                {\"delete\":{\"_index\":\"logs-a\",\"_id\":\"x\"}}\n\
                {\"index\":{\"_id\":\"7\"}}\r\n{\"n\":2}\r\n\
                {\"update\":{\"_id\":\"7\"}}\n{\"doc\":{}}\n\
                {\"index\":{}}\n{\"n\":\n\
                {\"index\":{}}\n\n\
                {\"index\":{}}\n{\"n\":3}";
    let (status, answer) = bulk(&gateway, "/logs-b/_bulk", body).await;
    assert_eq!((status, &answer["errors"]), (200, &json!(true)));
    let expected = [
        ("create", 201, ""),
        ("delete", 400, "illegal_argument_exception"),
        ("index", 201, ""),
        ("update", 400, "illegal_argument_exception"),
        ("index", 400, "document_parsing_exception"),
        ("index", 400, "document_parsing_exception"),
        ("index", 201, ""),
    ];
    let expected = expected.map(|(verb, status, error)| (verb.into(), status, error.into()));
    assert_eq!(outcomes(&answer), expected);
    assert_eq!(gateway.bus.texts(), ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"]);
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items[0]["create"]["_index"], "logs-a");
    let id = items[0]["create"]["_id"].as_str().unwrap();
    assert_eq!(id, gateway.bus.records()[0].id.to_string(), "one that can be found");
    assert_eq!(
        (&items[2]["index"]["_index"], &items[2]["index"]["_id"]),
        (&json!("logs-b"), &json!("7"))
    );
    let reason = items[1]["delete"]["error"]["reason"].as_str().unwrap();
    assert!(reason.contains("never removed"), "{reason}");
    assert_eq!(gateway.bus.letters().len(), 2, "documents that are none are kept as dead letters");
    assert_eq!(gateway.door("http").accepted, 3);
    gateway.stop().await;
}

#[tokio::test]
async fn an_id_makes_a_resend_the_same_record() {
    let gateway = Gateway::start(|_| {}).await;
    let body = "{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{}\n{\"create\":{\"_index\":\"b\",\"_id\":\"1\"}}\n{}\n\
                {\"create\":{\"_index\":\"a\"}}\n{}\n";
    for _ in 0..2 {
        let (status, answer) = bulk(&gateway, "/_bulk", body).await;
        assert_eq!((status, &answer["errors"]), (200, &json!(false)));
    }
    let ids: Vec<_> = gateway.bus.records().iter().map(|record| record.id).collect();
    assert_eq!((ids[0], ids[1]), (ids[3], ids[4]));
    assert_ne!(ids[0], ids[1], "an id is one of its index");
    assert_ne!(ids[2], ids[5], "without an id each is another one");
    gateway.stop().await;
}

#[tokio::test]
async fn without_room_items_are_to_come_again() {
    let gateway = Gateway::start(|_| {}).await;
    gateway.bus.set_mode(Mode::Full);
    let body = "{\"create\":{}}\n{}\n{\"create\":{}}\n{}\n";
    let response = ask(&gateway, Method::POST, "/logs/_bulk", body).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    let answer: Value = response.json().await.unwrap();
    assert_eq!(
        (&answer["status"], &answer["error"]["type"]),
        (&json!(429), &json!("es_rejected_execution_exception"))
    );
    assert_eq!(gateway.door("http").busy, 1);

    // One that is refused for good, so that the answer is one of items.
    let response =
        ask(&gateway, Method::POST, "/logs/_bulk", &format!("{body}{{\"delete\":{{}}}}\n")).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (200, &"1".parse().unwrap())
    );
    let answer: Value = response.json().await.unwrap();
    let statuses: Vec<u64> = outcomes(&answer).into_iter().map(|(_, status, _)| status).collect();
    assert_eq!(statuses, [429, 429, 400]);
    assert!(answer.to_string().contains("send this again"), "{answer}");
    assert_eq!(gateway.door("http").busy, 2, "items that are to come again count as well");
    gateway.bus.set_mode(Mode::Works);
    assert_eq!(bulk(&gateway, "/logs/_bulk", body).await.0, 200);
    assert_eq!(gateway.bus.records().len(), 2);
    gateway.stop().await;
}

#[tokio::test]
async fn a_large_body_is_answered_item_for_item() {
    let gateway = Gateway::start(|_| {}).await;
    let body: String = (0..20_000)
        .map(|n| {
            format!(
                "{{\"index\":{{\"_id\":\"{n}\"}}}}\n{{\"n\":{n},\"x\":\"{}\"}}\n",
                "x".repeat(n % 300)
            )
        })
        .collect();
    let (status, answer) = bulk(&gateway, "/logs/_bulk", &body).await;
    assert_eq!((status, &answer["errors"]), (200, &json!(false)));
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 20_000);
    assert!(
        items
            .iter()
            .enumerate()
            .all(
                |(n, item)| item["index"]["_id"].as_str().and_then(|id| id.parse().ok()) == Some(n)
            )
    );
    let records = gateway.bus.records();
    assert_eq!(records.len(), 20_000);
    assert!(records[19_999].payload.starts_with(b"{\"n\":19999,"));
    assert_eq!(gateway.metric("millrace_gateway_reading_held_bytes"), 0.0);

    let many = "{\"delete\":{}}\n".repeat(100_001);
    let (status, answer) = bulk(&gateway, "/logs/_bulk", &many).await;
    assert_eq!(status, 413);
    assert!(answer["error"]["reason"].as_str().unwrap().contains("send them in parts"));
    gateway.stop().await;
}

/// Documents with these numbers, without ids.
fn numbered(numbers: impl Iterator<Item = usize>) -> String {
    numbers.map(|n| format!("{{\"index\":{{}}}}\n{{\"n\":{n}}}\n")).collect()
}

#[tokio::test]
async fn documents_behind_the_longest_answer_are_to_come_again_and_only_they() {
    let gateway = Gateway::start(|_| {}).await;
    let body = numbered(0..60_000);
    let response = ask(&gateway, Method::POST, "/logs/_bulk", &body).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (200, &"1".parse().unwrap())
    );
    let answer: Value = response.json().await.unwrap();
    let statuses: Vec<u64> = outcomes(&answer).into_iter().map(|(_, status, _)| status).collect();
    let taken = statuses.iter().position(|status| *status != 201).unwrap();
    assert!(taken > 20_000, "{taken}");
    assert!(statuses[taken..].iter().all(|status| *status == 429));
    assert_eq!((statuses.len(), gateway.bus.records().len()), (60_000, taken));
    let reason = answer["items"][59_999]["index"]["error"]["reason"].as_str().unwrap();
    assert!(reason.contains("send them in parts"), "{reason}");

    let (status, answer) = bulk(&gateway, "/logs/_bulk", &numbered(taken..60_000)).await;
    assert_eq!((status, &answer["errors"]), (200, &json!(false)));
    let expected: Vec<String> = (0..60_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    assert!(gateway.bus.texts() == expected, "all of them, once, in order");
    gateway.stop().await;
}

#[tokio::test]
async fn a_line_that_is_no_action_leaves_what_was_sent_before_it() {
    let gateway = Gateway::start(|_| {}).await;
    let before = numbered(0..3_000);
    let broken = format!("{before}{{\"message\":\"a log line\"}}\n{}", numbered(0..10));
    let cut = format!("{before}{{\"create\":{{\"_id\":\"x\"}}}}\n");
    for (body, verb) in [(broken, "index"), (cut, "create")] {
        let (status, answer) = bulk(&gateway, "/logs/_bulk", &body).await;
        assert_eq!((status, &answer["errors"]), (200, &json!(true)));
        let outcomes = outcomes(&answer);
        assert_eq!(outcomes.len(), 3_001, "nothing behind it is read");
        assert!(outcomes[..3_000].iter().all(|(_, status, _)| *status == 201));
        let last = (verb.to_owned(), 400, "illegal_argument_exception".to_owned());
        assert_eq!(outcomes[3_000], last);
    }
    assert_eq!(gateway.bus.records().len(), 6_000);
    // Where nothing was sent yet, all of it is refused.
    let (status, _) =
        bulk(&gateway, "/logs/_bulk", &format!("{}no action\n", numbered(0..3))).await;
    assert_eq!((status, gateway.bus.records().len()), (400, 6_000));
    gateway.stop().await;
}

#[tokio::test]
async fn an_empty_line_is_a_document_that_is_none_and_does_not_cost_the_others() {
    let gateway = Gateway::start(|_| {}).await;
    let (status, answer) =
        bulk(&gateway, "/_bulk", "{\"index\":{}}\n{}\n\n{\"index\":{}}\n\n").await;
    assert_eq!(status, 200);
    let expected = [(201, ""), (400, "document_parsing_exception")];
    let expected = expected.map(|(status, error)| ("index".to_owned(), status, error.to_owned()));
    assert_eq!(outcomes(&answer), expected);
    assert_eq!((gateway.bus.records().len(), gateway.bus.letters().len()), (1, 1));
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_none_is_an_error_of_elasticsearch() {
    let gateway = Gateway::start(|config| config.line_bytes_max = ByteSize(1 << 10)).await;
    let long = format!("{{\"index\":{{\"_id\":\"{}\"}}}}\n{{}}\n", "x".repeat(2_000));
    for body in ["", "{\"message\":\"a log line\"}\n", "{\"index\":{}}\n", &long] {
        let (status, answer) = bulk(&gateway, "/_bulk", body).await;
        assert_eq!((status, &answer["status"]), (400, &json!(400)), "{body}");
        assert!(answer["error"]["root_cause"][0]["reason"].is_string());
    }
    let document = format!(
        "{{\"index\":{{}}}}\n{{\"a\":\"{}\"}}\n{{\"index\":{{}}}}\n{{}}\n",
        "x".repeat(2_000)
    );
    let (status, answer) = bulk(&gateway, "/_bulk", &document).await;
    assert_eq!(status, 200);
    let reason = answer["items"][0]["index"]["error"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("too_large"), "{reason}");
    assert_eq!(gateway.bus.texts(), ["{}"]);
    assert_eq!(ask(&gateway, Method::GET, "/_bulk", "").await.status(), 405);
    gateway.stop().await;
}

#[tokio::test]
async fn an_ingest_pipeline_is_ignored_and_said_so() {
    let mut bus = MemoryBus::new();
    bus.warning = Some("not durable: fsync = \"never\"".to_owned());
    let gateway = Gateway::start_on(bus, |_| {}).await;
    let plain = "{\"index\":{}}\n{}\n";
    let named = "{\"index\":{\"pipeline\":\"geo\"}}\n{}\n";
    for (path, body, warnings) in
        [("/a/_bulk", plain, 1), ("/a/_bulk?pipeline=geo", plain, 2), ("/a/_bulk", named, 2)]
    {
        let response = ask(&gateway, Method::POST, path, body).await;
        assert_eq!(response.status(), 200);
        let said: Vec<_> = response.headers().get_all("warning").iter().collect();
        assert_eq!(said.len(), warnings, "{path}: {said:?}");
        assert!(said[warnings - 1].to_str().unwrap().contains("not durable"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_is_shown_as_clients_of_elasticsearch_do() {
    let gateway = Gateway::start_with_token().await;
    let client = http_client::builder().build().unwrap();
    let post = || client.post(gateway.url("/a/_bulk")).body("{\"index\":{}}\n{}\n");
    let refused = post().basic_auth("elastic", Some("changeme")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("Basic"));
    let error = refused.json::<Value>().await.unwrap()["error"].take();
    assert_eq!(error["type"], "security_exception");
    assert!(error["reason"].as_str().unwrap().contains("no ingest token that is known"), "{error}");
    let unasked: Value = post().send().await.unwrap().json().await.unwrap();
    assert!(unasked["error"]["reason"].as_str().unwrap().contains("send `Author"), "{unasked}");
    assert_eq!(post().basic_auth("elastic", Some(TOKEN)).send().await.unwrap().status(), 200);
    assert_eq!(post().bearer_auth(TOKEN).send().await.unwrap().status(), 200);
    let key = "ApiKey aWQ6MDEyMzQ1Njc4OWFiY2RlZg==";
    assert_eq!(post().header("authorization", key).send().await.unwrap().status(), 200);
    assert_eq!(gateway.bus.records().len(), 3);
    gateway.stop().await;
}

#[tokio::test]
async fn every_call_asks_for_the_token() {
    let gateway = Gateway::start_with_token().await;
    let client = http_client::builder().build().unwrap();
    let calls = [
        (Method::GET, "/"),
        (Method::GET, "/_cluster/health"),
        (Method::GET, "/_license"),
        (Method::PUT, "/_index_template/filebeat-8.19.0"),
    ];
    for (method, path) in calls {
        let body = if method == Method::PUT { "x".repeat(1 << 20) } else { String::new() };
        let ask = || client.request(method.clone(), gateway.url(path)).body(body.clone());
        let refused = ask().send().await.unwrap();
        assert_eq!(refused.status(), 401, "{path}");
        assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("Basic"));
        assert_eq!(refused.headers()["x-elastic-product"], "Elasticsearch");
        let answer: Value = refused.json().await.unwrap();
        assert_eq!(
            (&answer["status"], &answer["error"]["root_cause"][0]["type"]),
            (&json!(401), &json!("security_exception"))
        );
        let taken = ask().basic_auth("elastic", Some(TOKEN)).send().await.unwrap();
        assert_eq!(taken.status(), 200, "{path}");
    }
    let page = client.get(gateway.url("/")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 200, "the page of words tells nothing of the platform");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_not_kept_is_read_before_it_is_answered() {
    let gateway = Gateway::start(|_| {}).await;
    let body = "x".repeat(1 << 20);
    for (line, status) in [
        ("PUT /_index_template/filebeat-8.19.0", 200),
        ("PUT /_ingest/pipeline/geo", 200),
        ("POST /logs/_search", 400),
        ("POST /", 404),
        ("POST /nowhere", 404),
        ("PUT /nowhere", 400),
        ("POST /logs/_doc", 400),
        ("PUT /v1/logs", 405),
    ] {
        let length = body.len();
        let first =
            format!("{line} HTTP/1.1\r\nhost: door\r\ncontent-length: {length}\r\n\r\n{body}");
        let second = "GET / HTTP/1.1\r\nhost: door\r\nconnection: close\r\n\r\n";
        let answers = send_raw(gateway.http, format!("{first}{second}").as_bytes()).await;
        assert_eq!(statuses(&answers), [status, 200], "{line}: the connection goes on");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn filebeat_7_that_must_have_a_lifecycle_is_told_what_lets_it_start() {
    let gateway = Gateway::start(|_| {}).await;
    // As it asks with `setup.ilm.enabled: true`, at each start and after each connection that broke.
    for _ in 0..2 {
        for (method, path, status) in [
            (Method::GET, "/_xpack", 200),
            (Method::GET, "/_ilm/policy/filebeat", 404),
            (Method::PUT, "/_ilm/policy/filebeat", 200),
            (Method::HEAD, "/_index_template/shop", 404),
            (Method::PUT, "/_index_template/shop", 200),
            (Method::GET, "/_alias/shop", 404),
            (Method::HEAD, "/shop", 404),
            (Method::PUT, FIRST_INDEX, 200),
        ] {
            let response = ask(&gateway, method.clone(), path, "").await;
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
        }
    }
    let features = ask(&gateway, Method::GET, "/_xpack", "").await.text().await.unwrap();
    let features: Value = serde_json::from_str(&features).unwrap();
    let has_lifecycles = json!({ "available": true, "enabled": true });
    assert_eq!(features["features"]["ilm"], has_lifecycles, "else it never sends: {features}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_shippers_ask_before_they_send_is_answered() {
    let gateway = Gateway::start(|_| {}).await;
    let cases = [
        (Method::GET, "/", 200, "/version/number", json!("8.19.0")),
        (Method::HEAD, "/", 200, "", json!(null)),
        (Method::GET, "/_license?human=false", 200, "/license/status", json!("active")),
        (Method::GET, "/_xpack", 200, "/features/ilm/enabled", json!(true)),
        (Method::GET, "/_cluster/health", 200, "/status", json!("green")),
        (Method::GET, "/_cluster/settings", 200, "/persistent", json!({})),
        (Method::GET, "/_nodes/http", 200, "/_nodes/total", json!(1)),
        (Method::GET, "/_nodes/ingest", 200, "/cluster_name", json!("millrace")),
        (
            Method::GET,
            "/_ilm/policy/filebeat",
            404,
            "/error/type",
            json!("resource_not_found_exception"),
        ),
        (Method::PUT, "/_ilm/policy/filebeat", 200, "/acknowledged", json!(true)),
        (Method::HEAD, "/_index_template/filebeat-8.19.0", 404, "", json!(null)),
        (Method::GET, "/_index_template", 200, "/index_templates", json!([])),
        (Method::PUT, "/_index_template/filebeat-8.19.0", 200, "/acknowledged", json!(true)),
        (Method::PUT, "/_component_template/x", 200, "/acknowledged", json!(true)),
        (Method::PUT, "/_template/logstash", 200, "/acknowledged", json!(true)),
        (Method::PUT, "/_data_stream/filebeat-8.19.0", 200, "/acknowledged", json!(true)),
        (Method::PUT, FIRST_INDEX, 200, "/acknowledged", json!(true)),
        (Method::POST, FIRST_INDEX, 400, "/status", json!(400)),
        (Method::PUT, "/_ingest/pipeline/geo", 200, "/acknowledged", json!(true)),
        (Method::GET, "/_ingest/pipeline", 200, "", json!({})),
        (Method::GET, "/_cat/templates/x", 200, "", json!(null)),
        (Method::GET, "/_cat/indices?v&format=json", 200, "", json!([])),
        (Method::GET, "/logs/_search", 400, "/status", json!(400)),
        (Method::DELETE, "/_all", 400, "/status", json!(400)),
    ];
    for (method, path, status, pointer, expected) in cases {
        let response = ask(&gateway, method.clone(), path, "").await;
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        assert_eq!(response.headers()["x-elastic-product"], "Elasticsearch");
        let text = response.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!(body.pointer(pointer), Some(&expected), "{method} {path}: {text}");
    }
    let nodes = ask(&gateway, Method::GET, "/_nodes/ingest", "").await.text().await.unwrap();
    for needed in ["user_agent", "geoip"] {
        assert!(nodes.contains(&format!("{{\"type\":\"{needed}\"}}")), "Filebeat's nginx: {nodes}");
    }
    let path = format!("/_search/{}", "%01".repeat(4_000));
    let told = ask(&gateway, Method::GET, &path, "").await.text().await.unwrap();
    assert!(told.len() < 8 << 10, "a long path is not told back: {} bytes", told.len());
    let client = http_client::builder().build().unwrap();
    for method in [Method::GET, Method::HEAD] {
        let request = client.request(method, gateway.url("/")).header("accept", JAVASCRIPT);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["x-elastic-product"], "Elasticsearch");
    }
    let page = client.get(gateway.url("/")).header("accept", "text/html").send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("POST /v1/logs takes"), "people are told in words");
    assert!(page.contains(&format!(" {}\n", gateway.url("/v1/logs"))), "and where it is: {page}");
    gateway.bus.set_mode(Mode::Full);
    let lost = ask(&gateway, Method::POST, "/", "{}").await;
    assert_eq!(lost.status(), 404, "nobody believes that this was taken");
    eventually("the disk is full", || gateway.context.health.parts().contains_key("disk")).await;
    let health = ask(&gateway, Method::GET, "/_cluster/health", "").await;
    assert_eq!(health.status(), 200, "as Elasticsearch says it");
    assert!(health.text().await.unwrap().contains("\"status\":\"red\""));
    gateway.stop().await;
}
