//! Whatever is asked of an index, the answer is that of the embedded store.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::*;
use crate::{EmbeddedConfig, EmbeddedDocuments};

const MIXED: CollectionSpec = CollectionSpec {
    name: "mixed",
    indexes: &[
        IndexSpec { name: "by_both", fields: &["x", "y"], unique: false },
        IndexSpec { name: "by_key", fields: &["key"], unique: true },
    ],
};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (-2_i64..3).prop_map(Value::from),
        2 => any::<i64>().prop_map(Value::from),
        4 => "[\\x00-\\x03ab]{0,3}".prop_map(Value::from),
        2 => "[ -~ä\u{ffff}\u{10000}\u{10ffff}]{0,3}".prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof!["[a-d]{1,2}", "[\\x00-\\x03a\u{ffff}\u{10000}]{1,2}"]
}

fn change() -> impl Strategy<Value = Change> {
    let body = (value(), value(), value()).prop_map(|(x, y, key)| {
        let mut body = json!({"x": x, "y": y, "key": key});
        if body["y"] == json!(0) {
            body.as_object_mut().unwrap().remove("y");
        }
        Bytes::from(serde_json::to_vec(&body).unwrap())
    });
    let expect = prop_oneof![
        6 => Just(Expect::Any),
        1 => Just(Expect::Absent),
        1 => (0_u64..3).prop_map(Expect::Version),
    ];
    (id(), body, expect, prop::bool::weighted(0.8)).prop_map(|(id, body, expect, is_put)| {
        if is_put { Change::Put { id, body, expect } } else { Change::Delete { id, expect } }
    })
}

/// Everything that an index answers, page by page.
async fn pages(store: &dyn DocumentStore, index: &str, find: &Find) -> Vec<Vec<Document>> {
    let (mut pages, mut find) = (Vec::new(), find.clone());
    loop {
        let page = store.find("mixed", index, &find).await.unwrap();
        pages.push(page.documents);
        find.after = page.next;
        if find.after.is_none() {
            return pages;
        }
    }
}

async fn compare(mongo: &MongoDocuments, embedded: &EmbeddedDocuments, batches: Vec<Vec<Change>>) {
    let mut equals = vec![Vec::new()];
    for batch in batches {
        for change in &batch {
            let Change::Put { body, .. } = change else { continue };
            let body: Value = serde_json::from_slice(body).unwrap();
            let value = |field: &str| match &body[field] {
                Value::String(text) => Some(IndexValue::Text(text.clone())),
                number => number.as_i64().map(IndexValue::Integer),
            };
            equals.extend(value("x").map(|x| vec![x]));
            equals.extend(value("x").zip(value("y")).map(|(x, y)| vec![x, y]));
        }
        let here = mongo.apply("mixed", batch.clone()).await.map_err(|error| error.kind);
        let there = embedded.apply("mixed", batch).await.map_err(|error| error.kind);
        assert_eq!(here, there);
    }
    equals.truncate(12);
    for equals in equals {
        let indexes: &[&str] = if equals.len() < 2 { &["by_both", "by_key"] } else { &["by_both"] };
        for (index, descending) in indexes.iter().flat_map(|index| [(index, false), (index, true)])
        {
            let find = Find { equals: equals.clone(), descending, limit: 3, after: None };
            let here = pages(mongo, index, &find).await;
            assert_eq!(here, pages(embedded, index, &find).await, "{index} {find:?}");
            let count: usize = here.iter().map(Vec::len).sum();
            let counted = mongo.count("mixed", index, &equals).await.unwrap();
            assert_eq!(counted, u64::try_from(count).unwrap());
        }
    }
}

#[test]
fn it_answers_as_the_embedded_store() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let batches = prop::collection::vec(prop::collection::vec(change(), 1..6), 1..6);
    let ran = runner.run(&batches, |batches| {
        runtime.block_on(async {
            let databases = Databases::default();
            let mongo = databases.make();
            let here = tempfile::tempdir_in(folder.path()).unwrap();
            let embedded =
                EmbeddedDocuments::open(here.path(), &EmbeddedConfig::default()).unwrap();
            mongo.ensure_collections(&[MIXED]).await.unwrap();
            embedded.ensure_collections(&[MIXED]).await.unwrap();
            compare(&mongo, &embedded, batches).await;
            databases.drop().await;
        });
        Ok(())
    });
    ran.unwrap();
}
