//! Dead letters from `logs.dead` to the answer, back to where they came from, and away.

use access::Role;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bus::{Delivery, Record, RecordId, TOPIC_DEAD, TOPIC_ENRICHED, TOPIC_RAW};
use jiff::Timestamp;
use pipeline::{DeadLetter, Rejection};
use reqwest::Method;
use serde_json::{Value, json};

use super::rig::{Rig, answer, eventually};
use crate::dead_letter;

/// A record of just now: what is older than the retention would be removed while a test looks at it.
fn record(payload: &[u8]) -> Record {
    Record {
        id: RecordId::generate(),
        received_at_ns: crate::moment::as_ns(Timestamp::now()),
        shop: "default".into(),
        source: "192.0.2.7".into(),
        listener: "tcp".into(),
        content_type: "x/4111111111111111".into(),
        payload: payload.to_vec().into(),
        ..Record::default()
    }
}

fn rejection(kind: &'static str) -> Rejection {
    Rejection { kind: kind.into(), message: format!("it is {kind}"), position_bytes: Some(3) }
}

/// Publishes to a topic, as a stage or a door that refuses it then would find it.
async fn published(rig: &Rig, topic: &str, record: &Record) -> bus::Position {
    let mut answers = rig.runtime.bus.publish(topic, vec![record.clone()]).await;
    answers.remove(0).unwrap()
}

async fn bury(rig: &Rig, letter: DeadLetter) {
    published(rig, TOPIC_DEAD, &letter.into_record()).await;
}

/// Three letters: two of the enricher, one of a door.
async fn rig_with_letters() -> (Rig, Vec<String>) {
    let rig = Rig::start().await;
    let mut ids = Vec::new();
    for (stage, kind, payload) in [
        ("enricher", "invalid_json", br#"{"card":"4111 1111 1111 1111","#.as_slice()),
        ("enricher", "too_deep", b"[[[["),
        ("http", "invalid_utf8", b"\xff\xfe"),
    ] {
        let record = record(payload);
        let position = match stage {
            "http" => None,
            _ => Some(published(&rig, TOPIC_RAW, &record).await),
        };
        let letter = DeadLetter::new(stage, &record, position.as_ref(), &rejection(kind));
        ids.push(letter.id.clone());
        bury(&rig, letter).await;
    }
    waiting(&rig, 3).await;
    (rig, ids)
}

async fn waiting(rig: &Rig, count: u64) -> Value {
    eventually(async || {
        let page = rig.get("/api/dead", Role::Admin).await.body;
        (page["total"] == count).then_some(page)
    })
    .await
}

async fn total(rig: &Rig, parameters: &str) -> u64 {
    let answer = rig.get(&format!("/api/dead?{parameters}"), Role::Admin).await;
    answer.body["total"].as_u64().unwrap_or_else(|| panic!("{answer:?}"))
}

/// The next records of a topic, as a stage would read them.
async fn read(rig: &Rig, topic: &str, count: usize) -> Vec<Record> {
    let mut consumer = rig.runtime.bus.subscribe("test", &[topic]).await.unwrap();
    let mut records = Vec::new();
    while records.len() < count {
        let next = tokio::time::timeout(super::rig::PATIENCE, consumer.next()).await;
        if let Delivery::Batch(batch) = next.expect("records arrive in time").unwrap() {
            records.extend(batch.records.into_iter().map(|positioned| positioned.record));
        }
    }
    records
}

#[tokio::test]
async fn letters_are_listed_filtered_and_paged() {
    let (rig, ids) = rig_with_letters().await;
    assert_eq!(total(&rig, "stage=enricher").await, 2);
    assert_eq!(total(&rig, "kind=invalid_utf8").await, 1);
    assert_eq!(total(&rig, "stage=enricher&kind=too_deep").await, 1);
    assert_eq!(total(&rig, "stage=enricher&kind=invalid_utf8").await, 0);
    assert_eq!(total(&rig, "state=replayed").await, 0);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = rig.get(&format!("/api/dead?size=1{cursor}"), Role::Admin).await.body;
        seen.push(page["letters"][0]["id"].as_str().unwrap().to_owned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    seen.sort();
    let mut all = ids.clone();
    all.sort();
    assert_eq!(seen, all);
    let door = rig.get("/api/dead?stage=http", Role::Admin).await.body;
    let letter = &door["letters"][0];
    assert_eq!(letter["message"], "it is invalid_utf8");
    assert_eq!((&letter["source"], &letter["position"]), (&json!("192.0.2.7"), &Value::Null));
    for parameters in ["size=201", "cursor=zz", "state=gone", "stages=x"] {
        let answer = rig.get(&format!("/api/dead?{parameters}"), Role::Admin).await;
        assert_eq!(answer.status, 400, "{parameters}: {answer:?}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_letter_is_shown_with_its_bytes_and_card_numbers_masked() {
    let (rig, ids) = rig_with_letters().await;
    let shown = rig.get(&format!("/api/dead/{}", ids[0]), Role::Admin).await.body;
    assert_eq!(shown["payload_text"], r#"{"card":"4111 11** **** 1111","#);
    assert_eq!(shown["content_type"], "x/411111******1111");
    assert_eq!((&shown["masked"], &shown["cut"]), (&json!(true), &json!(false)));
    assert_eq!(shown["position_bytes"], 3);
    assert!(shown["position"].as_str().unwrap().starts_with("logs.raw/"), "{shown}");
    assert!(!shown.to_string().contains("1111 1111"), "nowhere: {shown}");
    let listed = rig.get("/api/dead?kind=invalid_json", Role::Admin).await.body.to_string();
    assert!(!listed.contains("1111 1111"), "{listed}");
    let bytes = rig.get(&format!("/api/dead/{}", ids[2]), Role::Admin).await.body;
    assert_eq!(bytes["payload_text"], Value::Null);
    assert_eq!(BASE64.decode(bytes["payload"].as_str().unwrap()).unwrap(), b"\xff\xfe");
    assert_eq!(rig.get("/api/dead/none", Role::Admin).await.status, 404);
    rig.stop().await;
}

#[tokio::test]
async fn a_replay_goes_where_the_record_came_from_under_its_own_id() {
    let (rig, ids) = rig_with_letters().await;
    let body = json!({"stage": "enricher"});
    let answer = rig.post("/api/dead/replay", &body, Role::Admin).await;
    assert_eq!(answer.body, json!({"replayed": 2, "refused": 0, "refusals": []}));
    let door = rig.post("/api/dead/replay", &json!({"ids": [ids[2]]}), Role::Admin).await;
    assert_eq!(door.body["replayed"], 1);
    let records = read(&rig, TOPIC_RAW, 5).await;
    let again: Vec<_> = records.iter().filter(|record| record.attempt == 1).collect();
    let of_letters: Vec<_> = ids.iter().map(|id| id[..32].to_owned()).collect();
    let of_records: Vec<_> = again.iter().map(|record| record.id.to_string()).collect();
    assert_eq!(of_records.len(), 3);
    assert!(of_letters.iter().all(|id| of_records.contains(id)), "{of_records:?}");
    let card = again.iter().find(|record| ids[0].starts_with(&record.id.to_string())).unwrap();
    assert_eq!(card.payload, br#"{"card":"4111 1111 1111 1111","#.as_slice(), "as it was sent");
    assert_eq!((&*card.source, &*card.listener), ("192.0.2.7", "tcp"));

    assert_eq!(total(&rig, "").await, 0);
    assert_eq!(total(&rig, "state=replayed").await, 3);
    let shown = rig.get(&format!("/api/dead/{}", ids[0]), Role::Admin).await.body;
    assert_eq!(shown["attempt"], 1, "a replay counts as soon as it is sent: {shown}");
    let unknown = rig.post("/api/dead/replay", &json!({"ids": ["none"]}), Role::Admin).await;
    let refusals = json!([{"id": "none", "reason": "no such dead letter"}]);
    assert_eq!(unknown.body, json!({"replayed": 0, "refused": 1, "refusals": refusals}));
    let none = rig.post("/api/dead/replay", &json!({"all": true}), Role::Admin).await;
    assert_eq!(none.body["replayed"], 0, "what was replayed waits no longer");
    rig.stop().await;
}

#[tokio::test]
async fn what_dies_again_is_the_same_letter_with_one_more_attempt() {
    let rig = Rig::start_with(|config| config.replay_attempts_max = 1).await;
    let mut record = record(b"{");
    let position = published(&rig, TOPIC_ENRICHED, &record).await;
    let letter = |record: &Record| {
        DeadLetter::new("indexer", record, Some(&position), &rejection("refused"))
    };
    bury(&rig, letter(&record)).await;
    waiting(&rig, 1).await;
    let replayed = rig.post("/api/dead/replay", &json!({"all": true}), Role::Admin).await;
    assert_eq!(replayed.body["replayed"], 1, "{replayed:?}");
    assert_eq!(read(&rig, TOPIC_ENRICHED, 2).await[1].attempt, 1);
    assert_eq!(total(&rig, "").await, 0);

    // The consumer reads the first letter again, as after a crash: the mark stays.
    bury(&rig, letter(&record)).await;
    record.attempt = 1;
    bury(&rig, letter(&record)).await;
    let page = waiting(&rig, 1).await;
    assert_eq!(page["letters"][0]["attempt"], 1);
    assert_eq!(total(&rig, "state=replayed").await, 0, "it is one letter");
    let refused = rig.post("/api/dead/replay", &json!({"all": true}), Role::Admin).await;
    assert_eq!((&refused.body["replayed"], &refused.body["refused"]), (&json!(0), &json!(1)));
    let reason = refused.body["refusals"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("replay_attempts_max"), "{reason}");
    rig.stop().await;
}

#[tokio::test]
async fn refused_payloads_of_one_record_are_all_kept_also_after_a_replay() {
    let rig = Rig::start().await;
    let first = record(b"[1]");
    let letter = |payload: &'static [u8]| {
        let record = Record { payload: payload.into(), ..first.clone() };
        DeadLetter::new("ingest-gateway", &record, None, &rejection("not_an_object"))
    };
    bury(&rig, letter(b"[1]")).await;
    waiting(&rig, 1).await;
    let replayed = rig.post("/api/dead/replay", &json!({"all": true}), Role::Admin).await;
    assert_eq!(replayed.body["replayed"], 1, "{replayed:?}");
    for payload in [b"[1]".as_slice(), b"[2]", b"[2]", b"[3]"] {
        bury(&rig, letter(payload)).await;
    }
    let page = waiting(&rig, 2).await;
    let letters = page["letters"].as_array().unwrap();
    let mut previews: Vec<_> = letters.iter().map(|one| one["preview"].as_str()).collect();
    previews.sort_unstable();
    assert_eq!(previews, [Some("[2]"), Some("[3]")]);
    assert_eq!(total(&rig, "state=replayed").await, 1);
    let again = rig.post("/api/dead/replay", &json!({"all": true}), Role::Admin).await;
    assert_eq!(again.body["replayed"], 2, "{again:?}");
    let records = read(&rig, TOPIC_RAW, 3).await;
    assert!(records.iter().all(|record| record.id == first.id), "{records:?}");
    rig.stop().await;
}

#[tokio::test]
async fn letters_of_the_old_form_of_id_are_shown_replayed_known_again_and_purged() {
    let rig = Rig::start().await;
    let mut record = record(b"{");
    let position = published(&rig, TOPIC_ENRICHED, &record).await;
    let letter = |record: &Record| {
        DeadLetter::new("indexer", record, Some(&position), &rejection("refused"))
    };
    let id = format!("{}-indexer", record.id);
    bury(&rig, DeadLetter { id: id.clone(), ..letter(&record) }).await;
    assert_eq!(waiting(&rig, 1).await["letters"][0]["id"], *id);
    let path = format!("/api/dead/{id}");
    assert_eq!(rig.get(&path, Role::Admin).await.body["payload_text"], "{");
    let replayed = rig.post("/api/dead/replay", &json!({"ids": [id]}), Role::Admin).await;
    assert_eq!(replayed.body["replayed"], 1, "{replayed:?}");
    record = read(&rig, TOPIC_ENRICHED, 2).await.remove(1);

    // The stage refuses it again, and then other bytes of the same record.
    bury(&rig, letter(&record)).await;
    let page = waiting(&rig, 1).await;
    let again = &page["letters"][0];
    assert_eq!((&again["id"], &again["attempt"]), (&json!(id), &json!(1)));
    assert_eq!(total(&rig, "state=replayed").await, 0, "it is one letter");
    bury(&rig, letter(&Record { payload: b"[".as_slice().into(), attempt: 0, ..record })).await;
    waiting(&rig, 2).await;
    let purged = rig.post("/api/dead/purge", &json!({"ids": [id]}), Role::Admin).await;
    assert_eq!(purged.body, json!({"purged": 1, "unknown": []}));
    assert_eq!(rig.get("/api/dead", Role::Admin).await.body["letters"][0]["preview"], "[");
    rig.stop().await;
}

#[tokio::test]
async fn a_large_payload_is_read_from_where_it_stands() {
    let rig = Rig::start().await;
    let payload = [b"5105105105105100 ".as_slice(), &vec![b'x'; 300 * 1024]].concat();
    let large = record(&payload);
    let position = published(&rig, TOPIC_RAW, &large).await;
    let letter = DeadLetter::new("enricher", &large, Some(&position), &rejection("too_large"));
    assert_eq!(letter.payload, None, "the letter does not hold it");
    let path = format!("/api/dead/{}", letter.id);
    bury(&rig, letter).await;
    waiting(&rig, 1).await;
    let shown = rig.get(&path, Role::Admin).await.body;
    assert!(shown["payload_text"].as_str().unwrap().starts_with("510510******5100 xx"));
    assert_eq!((&shown["cut"], &shown["payload_bytes"]), (&json!(true), &json!(payload.len())));
    let replayed = rig.post("/api/dead/replay", &json!({"kind": "too_large"}), Role::Admin).await;
    assert_eq!(replayed.body["replayed"], 1, "{replayed:?}");
    assert_eq!(read(&rig, TOPIC_RAW, 2).await[1].payload, payload);
    rig.stop().await;
}

#[tokio::test]
async fn purged_letters_are_gone_and_a_purge_says_which() {
    let (rig, ids) = rig_with_letters().await;
    for unclear in [
        json!({}),
        json!({"ids": ["a"], "all": true}),
        json!({"all": true, "kind": "x"}),
        json!({"ids": {"$gt": ""}}),
        json!({"everything": true}),
        json!({"ids": vec!["a"; 1001]}),
    ] {
        for path in ["/api/dead/purge", "/api/dead/replay"] {
            let answer = rig.post(path, &unclear, Role::Admin).await;
            assert_eq!(answer.status, 400, "{unclear}: {answer:?}");
        }
    }
    let one = rig.post("/api/dead/purge", &json!({"ids": [ids[0], "none"]}), Role::Admin).await;
    assert_eq!(one.body, json!({"purged": 1, "unknown": ["none"]}));
    assert_eq!(rig.get(&format!("/api/dead/{}", ids[0]), Role::Admin).await.status, 404);
    let rest = rig.post("/api/dead/purge", &json!({"all": true}), Role::Admin).await;
    assert_eq!(rest.body, json!({"purged": 2, "unknown": []}));
    assert_eq!(total(&rig, "").await, 0);
    rig.stop().await;
}

#[tokio::test]
async fn old_letters_and_those_that_are_too_many_are_removed() {
    let rig = Rig::start().await;
    let newest = Timestamp::now();
    for age_s in 0..250_i64 {
        let mut aged = record(b"{");
        aged.received_at_ns = crate::moment::as_ns(newest) - age_s * 1_000_000_000;
        bury(&rig, DeadLetter::new("http", &aged, None, &rejection("x"))).await;
    }
    waiting(&rig, 250).await;
    let remove = async |oldest: Timestamp, most: u64| {
        dead_letter::remove_surplus(rig.documents(), oldest, most).await.unwrap()
    };
    let before = |seconds: i64| newest - jiff::SignedDuration::from_secs(seconds);
    assert_eq!(remove(before(1000), 1000).await, 0);
    assert_eq!(remove(before(229), 1000).await, 20, "older than that");
    assert_eq!(remove(before(1000), 10).await, 220, "more than ten");
    let page = rig.get("/api/dead", Role::Admin).await.body;
    assert_eq!(page["total"], 10);
    let oldest = page["letters"][9]["received_at"].as_str().unwrap();
    assert_eq!(oldest, before(9).to_string(), "the newest stay");
    rig.stop().await;
}

#[tokio::test]
async fn what_is_no_letter_is_counted_and_holds_nothing_up() {
    let rig = Rig::start().await;
    let mut long = DeadLetter::new("http", &record(b"{"), None, &rejection("x"));
    long.kind = "x".repeat(5000);
    let long = long.into_record().payload;
    for (key, payload) in [("a", b"rubbish".as_slice()), ("b", &long), ("c", b""), ("d", b"{}")] {
        let mut rubbish = record(payload);
        rubbish.routing_key = key.into();
        published(&rig, TOPIC_DEAD, &rubbish).await;
    }
    bury(&rig, DeadLetter::new("http", &record(b"{"), None, &rejection("x"))).await;
    assert_eq!(waiting(&rig, 1).await["letters"][0]["kind"], "x");
    let ledger = eventually(async || {
        let ledger = rig.runtime.ledgers.snapshot().remove(0);
        (ledger.received == 5 && ledger.in_flight == 0).then_some(ledger)
    })
    .await;
    assert_eq!((ledger.forwarded, ledger.balance), (1, 0));
    assert_eq!(ledger.dead["invalid_dead_letter"], 4);
    rig.stop().await;
}

#[tokio::test]
async fn letters_of_a_filter_are_replayed_from_the_oldest_on() {
    let rig = Rig::start().await;
    let newest = record(b"{");
    for age_s in [3, 1, 2, 0] {
        let mut aged = record(b"{");
        aged.received_at_ns = newest.received_at_ns - age_s * 1_000_000_000;
        aged.routing_key = "ada".into();
        bury(&rig, DeadLetter::new("http", &aged, None, &rejection("x"))).await;
    }
    waiting(&rig, 4).await;
    rig.post("/api/dead/replay", &json!({"kind": "x"}), Role::Admin).await;
    let records = read(&rig, TOPIC_RAW, 4).await;
    let ages = records.iter().map(|record| newest.received_at_ns - record.received_at_ns);
    assert_eq!(ages.map(|ns| ns / 1_000_000_000).collect::<Vec<_>>(), [3, 2, 1, 0]);
    rig.stop().await;
}

#[tokio::test]
async fn who_may_see_some_shops_sees_no_letters() {
    let (rig, ids) = rig_with_letters().await;
    let shops = access::Shops::Only(["default".to_owned()].into());
    let token = rig.token_for(Role::Admin, &shops);
    let (list, show) = ("/api/dead".to_owned(), format!("/api/dead/{}", ids[0]));
    for path in [list, show] {
        let request = rig.request(Method::GET, &path).bearer_auth(&token);
        assert_eq!(answer(request).await.status, 403, "{path}");
    }
    for path in ["/api/dead/replay", "/api/dead/purge"] {
        let request = rig.request(Method::POST, path).bearer_auth(&token);
        assert_eq!(answer(request.json(&json!({"all": true}))).await.status, 403, "{path}");
    }
    waiting(&rig, 3).await;
    rig.stop().await;
}
