//! Many documents, and large ones.

use super::record::RECORD_BYTES_MAX;
use super::*;
use crate::BODY_BYTES_MAX;

#[tokio::test]
async fn a_batch_of_two_thousand_is_stored_and_read_as_a_whole() {
    let databases = Databases::default();
    let store = databases.make();
    store.ensure_collections(&[STATE]).await.unwrap();
    let ids: Vec<String> = (0..2000).map(|n| format!("key-{n:05}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    for version in 1..=2 {
        let changes = ids.iter().map(|id| put(id, format!("{version} of {id}").repeat(20)));
        store.apply("state", changes.collect()).await.unwrap();
        let found = store.get_many("state", &names).await.unwrap();
        assert_eq!(found.len(), ids.len());
        for (id, document) in ids.iter().zip(found) {
            let document = document.unwrap();
            assert_eq!((&document.id, document.version), (id, version));
            assert_eq!(document.body, format!("{version} of {id}").repeat(20));
        }
    }
    databases.drop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_what_fits_comes_back() {
    let databases = Databases::default();
    let store = databases.make();
    store.ensure_collections(&[STATE, THINGS]).await.unwrap();
    let id = "i".repeat(512);
    let largest = Bytes::from(vec![0xff; RECORD_BYTES_MAX - id.len()]);
    for expect in [Expect::Absent, Expect::Version(1)] {
        store.put("state", &id, largest.clone(), expect).await.unwrap();
    }
    let found = store.get("state", &id).await.unwrap().unwrap();
    assert_eq!((found.version, found.body), (2, largest));
    // More than one command of a transaction.
    let large = Bytes::from(vec![0xfe; 5 * 1024 * 1024]);
    store.apply("state", vec![put(&id, large.clone()), put("b", large.clone())]).await.unwrap();
    for document in store.get_many("state", &[&id, "b"]).await.unwrap() {
        assert_eq!(document.unwrap().body, large);
    }
    for size in [RECORD_BYTES_MAX - id.len() + 1, BODY_BYTES_MAX, BODY_BYTES_MAX + 1] {
        let too_large = Bytes::from(vec![0; size]);
        let error = store.put("state", &id, too_large.clone(), Expect::Any).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        let changes = vec![put(&id, too_large), put("c", "x")];
        let error = store.apply("state", changes).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    }
    // The longest texts of an index, each character of which needs two in the key.
    let name = "\\u0000".repeat(crate::INDEX_TEXT_BYTES_MAX);
    store.put("things", &id, named(&name), Expect::Any).await.unwrap();
    let found = store.get("things", &id).await.unwrap().unwrap();
    assert_eq!(found.body, named(&name));
    assert_eq!(store.count("things", "by_name", &[]).await.unwrap(), 1);
    databases.drop().await;
}

#[tokio::test]
async fn bodies_come_back_byte_for_byte() {
    let databases = Databases::default();
    let store = databases.make();
    store.ensure_collections(&[THINGS]).await.unwrap();
    let body = Bytes::from_static(
        b" {\"name\" : \"wh\\u0065el\",\n\t\"a\":1e2, \"a\": 1.0, \"n\":123456789012345678901234567890}\r\n ",
    );
    store.put("things", "1", body.clone(), Expect::Any).await.unwrap();
    let equals = vec![IndexValue::Text("wheel".to_owned())];
    let find = Find { equals, limit: 1, ..Find::default() };
    let found = store.find("things", "by_name", &find).await.unwrap();
    assert_eq!(found.documents[0].body, body);
    databases.drop().await;
}
