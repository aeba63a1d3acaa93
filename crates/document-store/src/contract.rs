//! What every document store must do, whatever it stores in. A backend passes by `run`.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;

const PEOPLE: CollectionSpec = CollectionSpec {
    name: "people",
    indexes: &[
        IndexSpec { name: "by_email", fields: &["email"], unique: true },
        IndexSpec { name: "by_city_and_age", fields: &["city", "age"], unique: false },
    ],
};
const STATE: CollectionSpec = CollectionSpec { name: "state", indexes: &[] };

/// Runs the suite; `make` gives an empty store each time.
pub(crate) async fn run<F: Future<Output = Arc<dyn DocumentStore>>>(make: impl Fn() -> F) {
    let made = || async {
        let store = make().await;
        store.ensure_collections(&[PEOPLE, STATE]).await.unwrap();
        store
    };
    versions_grow_and_documents_come_in_the_order_asked(made().await.as_ref()).await;
    conditions_hold_or_nothing_happens(made().await.as_ref()).await;
    what_must_not_be_there_is_not_removed(made().await.as_ref()).await;
    changes_of_one_document_happen_in_order(made().await.as_ref()).await;
    an_index_finds_in_its_order(made().await.as_ref()).await;
    pages_go_on_where_the_last_ended(made().await.as_ref()).await;
    an_index_follows_its_documents(made().await.as_ref()).await;
    unique_values_stay_unique(made().await.as_ref()).await;
    wrong_calls_are_named(made().await.as_ref()).await;
    an_index_added_later_is_filled(make().await.as_ref()).await;
    many_writers_lose_nothing(made().await).await;
}

fn person(email: &str, city: &str, age: i64) -> Bytes {
    body(&json!({"email": email, "city": city, "age": age}))
}

fn body(value: &Value) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap())
}

fn put(id: &str, body: Bytes) -> Change {
    Change::Put { id: id.to_owned(), body, expect: Expect::Any }
}

fn text(text: &str) -> IndexValue {
    IndexValue::Text(text.to_owned())
}

fn all(equals: &[IndexValue]) -> Find {
    Find { equals: equals.to_vec(), limit: 100, ..Find::default() }
}

async fn found(store: &dyn DocumentStore, index: &str, find: &Find) -> Vec<String> {
    let found = store.find("people", index, find).await.unwrap();
    found.documents.into_iter().map(|document| document.id).collect()
}

async fn versions_grow_and_documents_come_in_the_order_asked(store: &dyn DocumentStore) {
    store.put("state", "a", Bytes::from_static(b"\x00\xff one"), Expect::Any).await.unwrap();
    store.put("state", "a", Bytes::from_static(b"two"), Expect::Any).await.unwrap();
    store.put("state", "b", Bytes::new(), Expect::Any).await.unwrap();
    let a = Document { id: "a".into(), version: 2, body: Bytes::from_static(b"two") };
    let b = Document { id: "b".into(), version: 1, body: Bytes::new() };
    let asked = store.get_many("state", &["b", "none", "a", "b"]).await.unwrap();
    assert_eq!(asked, [Some(b.clone()), None, Some(a), Some(b)]);
    assert_eq!(store.get_many("state", &[]).await.unwrap(), []);
    assert_eq!(store.get("people", "a").await.unwrap(), None, "collections are apart");
    store.delete("state", "a", Expect::Any).await.unwrap();
    store.delete("state", "a", Expect::Any).await.unwrap();
    assert_eq!(store.get("state", "a").await.unwrap(), None);
    store.put("state", "a", Bytes::new(), Expect::Absent).await.unwrap();
    assert_eq!(store.get("state", "a").await.unwrap().unwrap().version, 1);
}

async fn conditions_hold_or_nothing_happens(store: &dyn DocumentStore) {
    store.put("state", "a", Bytes::from_static(b"1"), Expect::Absent).await.unwrap();
    let conflict = |result: Result<(), DocumentError>| result.unwrap_err().kind;
    let one = Bytes::from_static(b"x");
    let absent = store.put("state", "a", one.clone(), Expect::Absent).await;
    assert_eq!(conflict(absent), ErrorKind::Conflict);
    let version = store.put("state", "a", one.clone(), Expect::Version(2)).await;
    assert_eq!(conflict(version), ErrorKind::Conflict);
    let missing = store.put("state", "b", one.clone(), Expect::Version(1)).await;
    assert_eq!(conflict(missing), ErrorKind::Conflict);
    assert_eq!(conflict(store.delete("state", "b", Expect::Version(1)).await), ErrorKind::Conflict);
    let changes = vec![
        put("b", one.clone()),
        Change::Delete { id: "a".into(), expect: Expect::Any },
        Change::Put { id: "c".into(), body: one.clone(), expect: Expect::Version(7) },
    ];
    assert_eq!(conflict(store.apply("state", changes).await), ErrorKind::Conflict);
    let now = store.get_many("state", &["a", "b", "c"]).await.unwrap();
    assert_eq!(now.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
    store.put("state", "a", one, Expect::Version(1)).await.unwrap();
    store.delete("state", "a", Expect::Version(2)).await.unwrap();
}

async fn what_must_not_be_there_is_not_removed(store: &dyn DocumentStore) {
    let delete = |id: &str, expect| Change::Delete { id: id.into(), expect };
    let ada = person("a@x", "Ulm", 1);
    store.put("people", "a", ada.clone(), Expect::Absent).await.unwrap();
    for expect in [Expect::Absent, Expect::Version(0)] {
        let alone = store.delete("people", "a", expect).await.unwrap_err();
        assert_eq!(alone.kind, ErrorKind::Conflict, "{alone}");
        let changes = vec![put("b", person("b@x", "Ulm", 1)), delete("a", expect)];
        let together = store.apply("people", changes).await.unwrap_err();
        assert_eq!(together.kind, ErrorKind::Conflict, "{together}");
        assert_eq!(
            store.get("people", "a").await.unwrap().map(|found| found.body),
            Some(ada.clone())
        );
        assert_eq!(store.get("people", "b").await.unwrap(), None);
        store.delete("people", "none", expect).await.unwrap();
    }
    // Within one transaction: gone, then not there, then there again.
    let changes = vec![
        delete("none", Expect::Absent),
        delete("a", Expect::Version(1)),
        delete("a", Expect::Absent),
        put("a", ada),
    ];
    store.apply("people", changes).await.unwrap();
    let now = store.get_many("people", &["a", "none"]).await.unwrap();
    let versions: Vec<_> = now.into_iter().map(|found| found.map(|found| found.version)).collect();
    assert_eq!(versions, [Some(1), None], "nothing is left of what was only asked about");
    assert_eq!(store.count("people", "by_email", &[]).await.unwrap(), 1);
}

async fn changes_of_one_document_happen_in_order(store: &dyn DocumentStore) {
    let changes = vec![
        put("z", Bytes::from_static(b"1")),
        put("a", Bytes::from_static(b"1")),
        Change::Put { id: "z".into(), body: Bytes::from_static(b"2"), expect: Expect::Version(1) },
        Change::Delete { id: "a".into(), expect: Expect::Version(1) },
        put("z", Bytes::from_static(b"3")),
    ];
    store.apply("state", changes).await.unwrap();
    let z = store.get("state", "z").await.unwrap().unwrap();
    assert_eq!((z.version, z.body.as_ref()), (3, b"3".as_slice()));
    assert_eq!(store.get("state", "a").await.unwrap(), None);
}

async fn an_index_finds_in_its_order(store: &dyn DocumentStore) {
    let people = [
        ("1", "Ulm", 30),
        ("2", "Ulm", -5),
        ("3", "Ulm\0x", 1),
        ("4", "Ulma", 2),
        ("5", "Öhringen", i64::MAX),
        ("6", "Ulm", 30),
        ("7", "Ulm", i64::MIN),
        ("8", "", 0),
    ];
    let puts = people.iter().map(|(id, city, age)| put(id, person(id, city, *age)));
    store.apply("people", puts.collect()).await.unwrap();
    let index = "by_city_and_age";
    assert_eq!(found(store, index, &all(&[text("Ulm")])).await, ["7", "2", "1", "6"]);
    let thirty = [text("Ulm"), IndexValue::Integer(30)];
    assert_eq!(found(store, index, &all(&thirty)).await, ["1", "6"]);
    let backwards = Find { descending: true, ..all(&[text("Ulm")]) };
    assert_eq!(found(store, index, &backwards).await, ["6", "1", "2", "7"]);
    let everybody = found(store, index, &all(&[])).await;
    assert_eq!(everybody, ["8", "7", "2", "1", "6", "3", "4", "5"]);
    assert_eq!(found(store, index, &all(&[text("Bonn")])).await, [""; 0]);
    assert_eq!(store.count("people", index, &[]).await.unwrap(), 8);
    assert_eq!(store.count("people", index, &[text("Ulm")]).await.unwrap(), 4);
    assert_eq!(store.count("people", index, &thirty).await.unwrap(), 2);
    let none = Find { limit: 0, ..all(&[]) };
    assert!(store.find("people", index, &none).await.unwrap().documents.is_empty());
}

async fn pages_go_on_where_the_last_ended(store: &dyn DocumentStore) {
    let id = |n: i64| format!("{n:03}");
    let puts = (0..25).map(|n| put(&id(n), person(&id(n), "Ulm", n / 3)));
    store.apply("people", puts.collect()).await.unwrap();
    for descending in [false, true] {
        let mut pages = Vec::new();
        let mut find = Find { descending, limit: 10, ..all(&[text("Ulm")]) };
        loop {
            let page = store.find("people", "by_city_and_age", &find).await.unwrap();
            pages.extend(page.documents.into_iter().map(|document| document.id));
            find.after = page.next;
            if find.after.is_none() {
                break;
            }
            // A page goes on also when its last document has gone.
            let last = pages.last().unwrap();
            store.delete("people", last, Expect::Any).await.unwrap();
            store.put("people", last, person(last, "Bonn", 0), Expect::Any).await.unwrap();
        }
        let mut all_of_them: Vec<String> = (0..25).map(id).collect();
        if descending {
            all_of_them.reverse();
        }
        assert_eq!(pages, all_of_them, "each once, in order");
        let back = (0..25).map(|n| put(&id(n), person(&id(n), "Ulm", n / 3)));
        store.apply("people", back.collect()).await.unwrap();
    }
    let exact = Find { limit: 25, ..all(&[text("Ulm")]) };
    let page = store.find("people", "by_city_and_age", &exact).await.unwrap();
    assert_eq!((page.documents.len(), page.next), (25, None));
}

async fn an_index_follows_its_documents(store: &dyn DocumentStore) {
    store.put("people", "1", person("1", "Ulm", 1), Expect::Any).await.unwrap();
    store.put("people", "1", person("1", "Bonn", 1), Expect::Any).await.unwrap();
    let index = "by_city_and_age";
    assert_eq!(found(store, index, &all(&[text("Ulm")])).await, [""; 0]);
    assert_eq!(found(store, index, &all(&[text("Bonn")])).await, ["1"]);
    let without_age = body(&json!({"city": "Bonn", "email": null, "more": [1, {"a": 2.5}]}));
    store.put("people", "1", without_age, Expect::Any).await.unwrap();
    assert_eq!(found(store, index, &all(&[text("Bonn")])).await, [""; 0]);
    assert_eq!(store.count("people", "by_email", &[]).await.unwrap(), 0, "null is not indexed");
    store.put("people", "1", person("1", "Bonn", 2), Expect::Any).await.unwrap();
    store.delete("people", "1", Expect::Any).await.unwrap();
    assert_eq!(store.count("people", index, &[]).await.unwrap(), 0);
}

async fn unique_values_stay_unique(store: &dyn DocumentStore) {
    store.put("people", "1", person("a@x", "Ulm", 1), Expect::Any).await.unwrap();
    let taken = store.put("people", "2", person("a@x", "Ulm", 1), Expect::Any).await;
    assert_eq!(taken.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(store.get("people", "2").await.unwrap(), None);
    assert_eq!(found(store, "by_city_and_age", &all(&[])).await, ["1"]);
    store.put("people", "1", person("a@x", "Ulm", 2), Expect::Any).await.unwrap();
    let swap = vec![put("9", person("b@x", "Ulm", 1)), put("1", person("c@x", "Ulm", 1))];
    store.apply("people", swap).await.unwrap();
    let moved = vec![
        put("9", person("d@x", "Ulm", 1)),
        Change::Delete { id: "1".into(), expect: Expect::Any },
        put("0", person("c@x", "Ulm", 1)),
    ];
    store.apply("people", moved).await.unwrap();
    assert_eq!(found(store, "by_email", &all(&[text("c@x")])).await, ["0"]);
}

async fn wrong_calls_are_named(store: &dyn DocumentStore) {
    let ada = person("a@x", "Ulm", 1);
    let kinds = [
        store.put("nothing", "1", ada.clone(), Expect::Any).await.unwrap_err(),
        store.get("nothing", "1").await.unwrap_err(),
        store.find("people", "by_shoe", &all(&[])).await.unwrap_err(),
        store.find("state", "by_email", &all(&[])).await.unwrap_err(),
        store.count("people", "by_shoe", &[]).await.unwrap_err(),
        store.find("people", "by_email", &all(&[text("a@x"), text("b")])).await.unwrap_err(),
        store.count("people", "by_email", &[text("a@x"), text("b")]).await.unwrap_err(),
        store.put("people", "1", Bytes::from_static(b"not json"), Expect::Any).await.unwrap_err(),
        store.put("people", "1", Bytes::from_static(b"[1]"), Expect::Any).await.unwrap_err(),
        store.put("people", "1", body(&json!({"email": 1.5})), Expect::Any).await.unwrap_err(),
        store
            .put("people", "1", body(&json!({"email": {"$gt": ""}})), Expect::Any)
            .await
            .unwrap_err(),
        store.put("people", "1", person(&"x".repeat(1025), "", 1), Expect::Any).await.unwrap_err(),
        store.put("people", "", ada.clone(), Expect::Any).await.unwrap_err(),
        store.put("people", &"i".repeat(513), ada.clone(), Expect::Any).await.unwrap_err(),
    ];
    for error in kinds {
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    }
    assert_eq!(store.count("people", "by_email", &[]).await.unwrap(), 0, "nothing was stored");

    let puts = ["1", "2", "3"].map(|id| put(id, person(id, "Ulm", 1)));
    store.apply("people", puts.to_vec()).await.unwrap();
    let page = Find { limit: 1, ..all(&[text("Ulm")]) };
    let mark = store.find("people", "by_city_and_age", &page).await.unwrap().next;
    let others = [
        ("by_city_and_age", Find { after: Some("zz".into()), ..page.clone() }),
        ("by_city_and_age", Find { after: mark.clone(), ..all(&[text("Bonn")]) }),
        ("by_city_and_age", Find { after: mark.clone(), descending: true, ..page.clone() }),
        ("by_email", Find { after: mark, ..all(&[]) }),
    ];
    for (index, find) in others {
        let error = store.find("people", index, &find).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{index} {find:?}");
    }
}

async fn an_index_added_later_is_filled(store: &dyn DocumentStore) {
    const BEFORE: CollectionSpec = CollectionSpec { name: "people", indexes: &[] };
    const OTHER: CollectionSpec = CollectionSpec {
        name: "people",
        indexes: &[IndexSpec { name: "by_email", fields: &["mail"], unique: true }],
    };
    store.ensure_collections(&[BEFORE]).await.unwrap();
    let puts = ["1", "2", "3"].map(|id| put(id, person(id, "Ulm", 1)));
    store.apply("people", puts.to_vec()).await.unwrap();
    store.ensure_collections(&[PEOPLE]).await.unwrap();
    store.ensure_collections(&[PEOPLE, BEFORE]).await.unwrap();
    assert_eq!(found(store, "by_city_and_age", &all(&[text("Ulm")])).await, ["1", "2", "3"]);
    let taken = store.put("people", "4", person("1", "Ulm", 1), Expect::Any).await;
    assert_eq!(taken.unwrap_err().kind, ErrorKind::Conflict);
    let other = store.ensure_collections(&[OTHER]).await.unwrap_err();
    assert_eq!(other.kind, ErrorKind::Fatal);

    const CLASH: CollectionSpec = CollectionSpec {
        name: "people",
        indexes: &[IndexSpec { name: "by_city", fields: &["city"], unique: true }],
    };
    let clash = store.ensure_collections(&[CLASH]).await.unwrap_err();
    assert_eq!(clash.kind, ErrorKind::Fatal, "{clash}");
    store.put("people", "4", person("4", "Ulm", 1), Expect::Any).await.unwrap();
}

async fn many_writers_lose_nothing(store: Arc<dyn DocumentStore>) {
    let writer = |n: u64| {
        let store = Arc::clone(&store);
        async move {
            for round in 0..10 {
                let own = format!("own-{n}-{round}");
                store.put("state", &own, Bytes::new(), Expect::Absent).await.unwrap();
                loop {
                    let now = store.get("state", "counter").await.unwrap();
                    let (count, expect) = match &now {
                        None => (0, Expect::Absent),
                        Some(document) => (
                            std::str::from_utf8(&document.body).unwrap().parse::<u64>().unwrap(),
                            Expect::Version(document.version),
                        ),
                    };
                    let next = Bytes::from((count + 1).to_string());
                    match store.put("state", "counter", next, expect).await {
                        Ok(()) => break,
                        Err(error) => assert_eq!(error.kind, ErrorKind::Conflict, "{error}"),
                    }
                }
            }
        }
    };
    futures::future::join_all((0..8).map(writer)).await;
    let counter = store.get("state", "counter").await.unwrap().unwrap();
    assert_eq!((counter.version, counter.body.as_ref()), (80, b"80".as_slice()));
    let own: Vec<String> =
        (0..8).flat_map(|n| (0..10).map(move |round| format!("own-{n}-{round}"))).collect();
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    assert!(store.get_many("state", &own).await.unwrap().iter().all(Option::is_some));
}
