//! Ids, queries, and a body for whose answer the memory ends.

use std::sync::Arc;
use std::time::Duration;

use bus::{RecordId, TOPIC_RAW};
use bytes::Bytes;
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::Value;
use service::Context;
use tokio::time::timeout;

use super::{Bulk, names_pipeline, record_id};
use crate::budget::Share;
use crate::config::{Config, HttpConfig};
use crate::http::DOOR;
use crate::http::decoding::Encoding;
use crate::http::request::{BODY_MEMORY_BYTES, Plan};
use crate::http::route::Door;
use crate::intake::Intake;
use crate::intake::tests::{ScriptedBus, foundation, origin_of_body};

#[test]
fn an_id_is_one_of_its_index_and_shop() {
    let id = record_id("default", "logs", "a");
    assert_eq!(id, record_id("default", "logs", "a"));
    for (shop, index, other) in
        [("other", "logs", "a"), ("default", "log", "a"), ("default", "logs", "b")]
    {
        assert_ne!(id, record_id(shop, index, other));
    }
    assert_ne!(record_id("default", "a", "b\0c"), record_id("default", "a\0b", "c"));
}

#[test]
fn a_pipeline_is_named_in_the_query() {
    assert!(names_pipeline("refresh=true&pipeline=geo"));
    assert!(!names_pipeline("pipeline=_none"));
    assert!(!names_pipeline("require_alias=false&filter_path=items"));
}

/// A body that begins.
async fn bulk<'d>(door: &'d Door, share: &Share) -> Bulk<'d> {
    let plan = Plan {
        origin: origin_of_body(),
        encoding: Encoding::Identity,
        said_lines: true,
        idempotency_key: None,
        room: share.reserve(BODY_MEMORY_BYTES).await,
    };
    Bulk::new(door, share.clone(), plan, None, false)
}

#[tokio::test(start_paused = true)]
async fn documents_for_whose_answer_there_is_no_memory_are_to_come_again() {
    let bus = Arc::new(ScriptedBus::default());
    let foundation = foundation(&Config::default(), &bus, &Context::default());
    let share = foundation.budget.share();
    let door = Door { intake: Intake::new(DOOR, &foundation), config: HttpConfig::default() };
    let mut bulk = bulk(&door, &share).await;
    let documents = |count: usize| Bytes::from("{\"index\":{}}\n{}\n".repeat(count));
    bulk.take_in(documents(3_000)).await.unwrap();
    let mut others = Vec::new();
    while let Ok(room) = timeout(Duration::from_millis(1), share.reserve(64 << 10)).await {
        others.push(room);
    }
    bulk.take_in(documents(20_000)).await.unwrap();
    bulk.finish().await.unwrap();
    bulk.collect().await;

    let reply = bulk.items.into_reply("nothing was taken", None);
    assert_eq!(
        (reply.status().as_u16(), &reply.headers()["retry-after"]),
        (200, &"1".parse().unwrap())
    );
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["errors"], true);
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 23_000);
    let taken = bus.records(TOPIC_RAW).len();
    assert!((3_000..23_000).contains(&taken), "{taken}");
    assert!(items[..taken].iter().all(|item| item["index"]["status"] == 201));
    assert!(items[taken..].iter().all(|item| item["index"]["status"] == 429));
    let reason = items[22_999]["index"]["error"]["reason"].as_str().unwrap();
    assert!(reason.contains("memory is used up"), "{reason}");
}

/// What comes of a body in these pieces: the items of its answer, or what is wrong with all of it, and the documents
/// that were taken with their ids.
fn taken(pieces: &[&[u8]]) -> (Result<Value, String>, Vec<(RecordId, Bytes)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bus = Arc::new(ScriptedBus::default());
        let foundation = foundation(&Config::default(), &bus, &Context::default());
        let share = foundation.budget.share();
        let door = Door { intake: Intake::new(DOOR, &foundation), config: HttpConfig::default() };
        let mut bulk = bulk(&door, &share).await;
        let mut result = Ok(());
        for piece in pieces {
            if result.is_ok() && !bulk.is_broken {
                result = bulk.take_in(Bytes::copy_from_slice(piece)).await;
            }
        }
        if result.is_ok() {
            result = bulk.finish().await;
        }
        bulk.collect().await;
        let answer = match result {
            Ok(()) => {
                let reply = bulk.items.into_reply("nothing was taken", None);
                let body = reply.into_body().collect().await.unwrap().to_bytes();
                let answer: Value = serde_json::from_slice(&body).unwrap();
                Ok(answer["items"].clone())
            }
            Err(error) => Err(error.reason),
        };
        let records = bus.records(TOPIC_RAW).into_iter();
        (answer, records.map(|record| (record.id, record.payload)).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_cut_of_a_body_gives_the_same_items(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{\"index\":{\"_id\":\"a\"}}\n", "{\"create\":{\"_id\":\"b\",\"_index\":\"x\"}}\r\n",
            "{\"update\":{\"_id\":\"c\"}}\n", "{\"delete\":{\"_id\":\"d\"}}\n",
            "{\"n\":1}\n", "{\"n\":2}\n", "{\"n\":\n", "\n", "\r\n", "[[1]]\n", "{\"n\":3}",
        ]), 0..16),
        cuts in prop::collection::vec(0usize..400, 0..12),
    ) {
        let input = parts.concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
        prop_assert_eq!(taken(&pieces), taken(&[&input]));
    }
}
