//! Several processes at once.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_of_many_conditional_puts_wins() {
    let databases = Databases::default();
    let settings = Databases::settings();
    let stores = [0; 4].map(|_| databases.open(&settings));
    stores[0].ensure_collections(&[STATE]).await.unwrap();
    for round in 0..10_u64 {
        let expect = if round == 0 { Expect::Absent } else { Expect::Version(round) };
        let tries = (0..32_usize).map(|n| {
            let store = Arc::clone(&stores[n % stores.len()]);
            let body = Bytes::from(n.to_string());
            tokio::spawn(async move { store.put("state", "leader", body, expect).await })
        });
        let mut won = Vec::new();
        for (n, tried) in futures::future::join_all(tries).await.into_iter().enumerate() {
            match tried.unwrap() {
                Ok(()) => won.push(n.to_string()),
                Err(error) => assert_eq!(error.kind, ErrorKind::Conflict, "{error}"),
            }
        }
        let leader = stores[0].get("state", "leader").await.unwrap().unwrap();
        assert_eq!(leader.version, round + 1);
        assert_eq!(won, [String::from_utf8(leader.body.to_vec()).unwrap()]);
    }
    databases.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_in_each_others_way_are_made_again() {
    let databases = Databases::default();
    let settings = Databases::settings();
    let stores = [0; 4].map(|_| databases.open(&settings));
    stores[0].ensure_collections(&[STATE]).await.unwrap();
    let writers = (0..4_usize).map(|n| {
        let store = Arc::clone(&stores[n]);
        tokio::spawn(async move {
            let mut made = 0_u64;
            for round in 0..10 {
                let body = format!("{n}/{round}");
                let changes =
                    vec![put("a", body.clone()), put("b", body.clone()), put(body.clone(), body)];
                match store.apply("state", changes).await {
                    Ok(()) => made += 1,
                    // Given up under this much contention: then nothing has been done.
                    Err(error) => assert_eq!(error.kind, ErrorKind::Transient, "{error}"),
                }
            }
            made
        })
    });
    let mut made = 0;
    for writer in futures::future::join_all(writers).await {
        made += writer.unwrap();
    }
    let both = stores[0].get_many("state", &["a", "b"]).await.unwrap();
    let [Some(a), Some(b)] = both.as_slice() else { panic!("{both:?}") };
    assert_eq!((a.version, b.version, &a.body), (made, made, &b.body));
    assert!(made > 0, "none of 40 went through");
    databases.drop().await;
}

#[tokio::test]
async fn a_conflict_of_a_transaction_is_told_and_nothing_has_happened() {
    let databases = Databases::default();
    let store = databases.make();
    store.ensure_collections(&[STATE, THINGS]).await.unwrap();
    store.put("state", "a", Bytes::from_static(b"1"), Expect::Absent).await.unwrap();
    let version = |id: &str, version| Change::Put {
        id: id.to_owned(),
        body: Bytes::from_static(b"x"),
        expect: Expect::Version(version),
    };
    let delete = |id: &str, expect| Change::Delete { id: id.to_owned(), expect };
    let absent = |id: &str| Change::Put {
        id: id.to_owned(),
        body: Bytes::from_static(b"x"),
        expect: Expect::Absent,
    };
    for changes in [
        vec![put("b", "x"), version("a", 2)],
        vec![put("b", "x"), version("b", 2)],
        vec![put("b", "x"), absent("a")],
        vec![put("b", "x"), delete("a", Expect::Absent)],
        vec![put("b", "x"), delete("a", Expect::Version(2))],
        vec![put("b", "x"), delete("none", Expect::Version(1))],
        vec![version("a", 1), version("a", 1)],
        vec![version("a", u64::MAX), put("b", "x")],
    ] {
        let error = store.apply("state", changes.clone()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{changes:?}: {error}");
        assert_eq!(store.get("state", "b").await.unwrap(), None);
        assert_eq!(store.get("state", "a").await.unwrap().unwrap().version, 1);
    }
    let fine = vec![
        delete("none", Expect::Absent),
        delete("none", Expect::Any),
        absent("c"),
        version("c", 1),
        version("d", 0),
        delete("a", Expect::Version(1)),
    ];
    store.apply("state", fine).await.unwrap();
    let now = store.get_many("state", &["a", "c", "d"]).await.unwrap();
    let versions: Vec<_> = now.iter().map(|found| found.as_ref().map(|d| d.version)).collect();
    assert_eq!(versions, [None, Some(2), Some(1)]);

    let same = vec![put("1", named("wheel")), put("2", named("wheel"))];
    let taken = store.apply("things", same).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Conflict);
    assert!(
        taken.message.contains("values of 2") && taken.message.contains("`by_name`"),
        "{taken}"
    );
    databases.drop().await;
}

#[tokio::test]
async fn an_index_holds_also_what_was_stored_by_those_who_did_not_know_it() {
    const BEFORE: CollectionSpec = CollectionSpec { name: "things", indexes: &[] };
    let databases = Databases::default();
    let settings = Databases::settings();
    // Nothing but this test says when a new index is known to all.
    let times = Times { known_for: Duration::from_secs(3600), known_to_all: Duration::MAX };
    let old = databases.open_with(&settings, times);
    old.ensure_collections(&[BEFORE]).await.unwrap();
    old.put("things", "1", named("wheel"), Expect::Any).await.unwrap();
    let new = databases.open_with(&settings, Times { known_for: Duration::ZERO, ..times });
    let database = new.shared.server.database().await.unwrap();
    let entry = new.shared.catalog.ensure("here", database, &THINGS).await.unwrap();
    old.put("things", "2", named("axle"), Expect::Any).await.unwrap();
    assert_eq!(new.count("things", "by_name", &[]).await.unwrap(), 1);
    new.shared.fill_again(entry.expect("it is to be filled once more")).await.unwrap();
    assert_eq!(new.count("things", "by_name", &[]).await.unwrap(), 2);
    let again = new.shared.catalog.ensure("here", database, &THINGS).await.unwrap();
    assert!(again.is_none(), "it is filled");
    let found = Find { limit: 9, ..Find::default() };
    let found = new.find("things", "by_name", &found).await.unwrap();
    let ids: Vec<_> = found.documents.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(ids, ["2", "1"]);
    databases.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_declare_the_same_at_once() {
    let databases = Databases::default();
    let settings = Databases::settings();
    let stores: Vec<_> = (0..8).map(|_| databases.open(&settings)).collect();
    let declared = stores.iter().map(|store| async {
        store.ensure_collections(&[THINGS, STATE]).await.unwrap();
    });
    futures::future::join_all(declared).await;
    stores[3].put("things", "1", named("wheel"), Expect::Any).await.unwrap();
    assert_eq!(stores[5].count("things", "by_name", &[]).await.unwrap(), 1);
    databases.drop().await;
}

#[tokio::test]
async fn a_document_that_was_stored_anew_keeps_its_own_key() {
    let databases = Databases::default();
    let store = databases.make();
    store.ensure_collections(&[THINGS]).await.unwrap();
    store.put("things", "1", named("wheel"), Expect::Any).await.unwrap();
    let database = store.shared.server.database().await.unwrap();
    let collection = store.shared.catalog.collection(database, "things").await.unwrap();
    let (collection, index) = (&*collection, &collection.indexes[0]);
    let filling = Filling { place: "here", database, collection, index };
    // Read by one who fills the index; meanwhile another one, of the same version, is stored.
    let read = store.get("things", "1").await.unwrap().unwrap();
    let statement = filling.statement(&read).unwrap();
    store.delete("things", "1", Expect::Any).await.unwrap();
    store.put("things", "1", named("axle"), Expect::Absent).await.unwrap();
    filling.update(vec![statement]).await.unwrap();
    for (name, count) in [("axle", 1), ("wheel", 0)] {
        let name = [IndexValue::Text(name.to_owned())];
        assert_eq!(store.count("things", "by_name", &name).await.unwrap(), count, "{name:?}");
    }
    databases.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_there_is_not_stored_by_another_at_the_same_time() {
    let databases = Databases::default();
    let settings = Databases::settings();
    let stores = [0; 2].map(|_| databases.open(&settings));
    stores[0].ensure_collections(&[STATE]).await.unwrap();
    for round in 0..20 {
        // Each stores its own document if the other's is not there.
        let changes = |own: &str, other: &str| {
            let id = format!("{other}{round}");
            vec![put(format!("{own}{round}"), "x"), Change::Delete { id, expect: Expect::Absent }]
        };
        let (one, two) = tokio::join!(
            stores[0].apply("state", changes("a", "b")),
            stores[1].apply("state", changes("b", "a")),
        );
        assert!(one.is_err() || two.is_err(), "both, in round {round}");
        for error in [one, two].into_iter().filter_map(Result::err) {
            assert!(matches!(error.kind, ErrorKind::Conflict | ErrorKind::Transient), "{error}");
        }
    }
    databases.drop().await;
}
