//! Parts come with the weeks and the fields, go with the retention, and one that is damaged does not take
//! the others with it.

use std::fs;
use std::path::{Path, PathBuf};

use schema::FieldKind;

use super::{count, open, quick};
use crate::contract::{everything, fields, ids, index, operation};
use crate::embedded::EmbeddedSearch;
use crate::embedded::folder::drop_parts;
use crate::embedded::part::PartName;
use crate::{IndexOperation, ItemOutcome, SearchStore, StoreError};

const WEEK_NS: i64 = 7 * 86_400_000_000_000;

/// Received so many weeks ago.
fn weeks_ago(weeks: i64, id: &str, document: &str) -> IndexOperation {
    let mut one = operation(-weeks, id, document);
    one.received_at_ns -= weeks * WEEK_NS;
    one
}

fn folders(folder: &Path, begin: &str) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = entries
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn weeks_begin_on_mondays() {
    let second = 1_000_000_000;
    let monday = 1_795_392_000 * second;
    let week = PartName::week_of(monday);
    assert_eq!(PartName::week_of(monday - 1), week - 1);
    assert_eq!(PartName::week_of(monday + WEEK_NS - 1), week);
    let name = PartName { week, generation: 3 };
    assert_eq!(name.to_string(), "week-2026-11-23-3");
    assert_eq!(PartName::parse("week-2026-11-23-3"), Some(name));
    assert_eq!(name.end_ns(), monday + WEEK_NS);
    assert_eq!(
        PartName::parse(&PartName { week: -5, generation: 1 }.to_string()).map(|n| n.week),
        Some(-5)
    );
    for text in
        ["week-2026-11-24-3", "week-2026-11-23", "week-x-1", "week-2026-11-23-03", "lock", ".."]
    {
        assert_eq!(PartName::parse(text), None, "{text}");
    }
}

#[tokio::test]
async fn each_week_is_a_part_and_all_are_searched() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = quick();
    config.open_parts_max = 2;
    let store = EmbeddedSearch::open(folder.path(), config, &fields()).await.expect("a store");
    for round in 0..2 {
        let bulk = (0..6)
            .map(|week| weeks_ago(week, &format!("{week}-{round}"), r#"{"message":"first"}"#));
        index(&store, bulk.collect()).await;
    }
    assert_eq!(folders(folder.path(), "week-").len(), 6);
    assert_eq!(count(&store, "first").await, 12);
    let expected =
        ["5-0", "5-1", "4-0", "4-1", "3-0", "3-1", "2-0", "2-1", "1-0", "1-1", "0-0", "0-1"];
    assert_eq!(ids(&store, "*").await, expected);
    // Replaced in its own week, and from another one, while only two parts are open.
    index(&store, vec![weeks_ago(4, "4-0", r#"{"message":"second"}"#)]).await;
    index(&store, vec![weeks_ago(0, "5-0", r#"{"message":"second"}"#)]).await;
    assert_eq!(count(&store, "*").await, 12);
    assert_eq!(ids(&store, "second").await, ["4-0", "5-0"]);
}

#[tokio::test]
async fn retention_takes_whole_weeks_by_receipt() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path(), &fields()).await;
    // The event's own time does not count.
    let mut old = weeks_ago(15, "old", "{}");
    old.timestamp_ns = operation(0, "", "").timestamp_ns;
    let mut young = weeks_ago(2, "young", "{}");
    young.timestamp_ns = 0;
    index(&store, vec![old, young]).await;
    store.close().await.expect("a clean end");
    // Half of a part that was being dropped when the process stopped.
    fs::create_dir(folder.path().join("dropped-week-2020-01-06-1")).expect("a folder");
    let store = open(folder.path(), &fields()).await;
    index(&store, vec![operation(0, "new", "{}")]).await;
    assert_eq!(ids(&store, "*").await, ["young", "new"]);
    assert_eq!(folders(folder.path(), "week-").len(), 2);
    assert_eq!(folders(folder.path(), "dropped-"), Vec::<PathBuf>::new());
}

#[test]
fn old_parts_go_from_the_folder_whether_they_are_known_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["week-2020-01-06-1", "week-2020-01-13-1", "dropped-week-2019-12-30-1"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
        fs::write(folder.path().join(name).join("file"), "x").expect("a file");
    }
    let old = PartName::parse("week-2020-01-06-1").expect("a name");
    drop_parts(folder.path(), |name| name == old).expect("dropped");
    assert_eq!(folders(folder.path(), ""), [folder.path().join("week-2020-01-13-1")]);
}

#[tokio::test]
async fn other_fields_begin_another_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path(), &fields()).await;
    let document = r#"{"tags":"7","later":"9","shop":{"order":{"id":"ORD-1"}}}"#;
    index(&store, vec![operation(0, "a", document), operation(1, "b", document)]).await;
    store.close().await.expect("a clean end");
    let mut other = fields();
    let tags = other.iter_mut().find(|field| field.name == "tags").expect("tags");
    tags.kind = FieldKind::Long;
    let mut later = tags.clone();
    later.name = "later".to_owned();
    other.push(later);
    let store = open(folder.path(), &other).await;
    index(&store, vec![operation(2, "c", document), operation(1, "b", document)]).await;
    assert_eq!(folders(folder.path(), "week-").len(), 2);
    assert_eq!(ids(&store, "*").await, ["a", "b", "c"]);
    assert_eq!(ids(&store, "shop.order.id:ORD-1").await, ["a", "b", "c"]);
    assert_eq!(ids(&store, "tags:7").await, ["a", "b", "c"]);
    assert_eq!(ids(&store, "later:>8").await, ["b", "c"]);
    assert_eq!(ids(&store, "tags:>=7 AND later:9").await, ["b", "c"]);
    assert_eq!(ids(&store, "NOT later:*").await, ["a"]);
    store.close().await.expect("a clean end");
    // The fields of before find their part again.
    let store = open(folder.path(), &fields()).await;
    index(&store, vec![operation(3, "d", document)]).await;
    assert_eq!(folders(folder.path(), "week-").len(), 2);
    assert_eq!(count(&store, "shop.order.id:ORD-1").await, 4);
    // No number, so no value of the newer part; the rest of the query still counts there.
    assert_eq!(ids(&store, "tags:seven OR shop.order.id:ORD-1").await, ["a", "b", "c", "d"]);
}

/// What can happen to a file.
type Damage = fn(&Path);

fn cut(path: &Path) {
    let length = fs::metadata(path).expect("a file").len();
    let file = fs::File::options().write(true).open(path).expect("a file");
    file.set_len(length / 2).expect("a shorter file");
}

fn remove(path: &Path) {
    fs::remove_file(path).expect("a file");
}

fn overwrite(path: &Path) {
    fs::write(path, [0xa5; 4_000]).expect("a file");
}

#[tokio::test]
async fn a_damaged_part_is_set_aside_and_the_rest_goes_on() {
    let cases: [(&str, Damage); 7] = [
        ("meta.json", cut),
        ("fields.json", cut),
        ("fields.json", remove),
        (".term", remove),
        (".fast", cut),
        (".idx", overwrite),
        (".store", overwrite),
    ];
    for (file, damage) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path(), &fields()).await;
        index(&store, vec![weeks_ago(1, "old", "{}"), operation(0, "new", "{}")]).await;
        store.close().await.expect("a clean end");
        let week = folders(folder.path(), "week-").remove(0);
        for entry in fs::read_dir(&week).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().ends_with(file) {
                damage(&path);
            }
        }
        let store = open(folder.path(), &fields()).await;
        assert_eq!(ids(&store, "*").await, ["new"], "{file}");
        assert_eq!(folders(folder.path(), "damaged-week-").len(), 1, "{file}: the files are kept");
        index(&store, vec![weeks_ago(1, "old", "{}")]).await;
        assert_eq!(ids(&store, "*").await, ["old", "new"], "{file}: replayed from the log");
    }
}

#[tokio::test]
async fn a_part_that_was_never_finished_is_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let name =
        PartName { week: PartName::week_of(operation(0, "", "").received_at_ns), generation: 1 };
    let week = folder.path().join(name.to_string());
    fs::create_dir(&week).expect("a folder");
    fs::write(week.join("fields.json"), "").expect("a file");
    let store = open(folder.path(), &fields()).await;
    index(&store, vec![operation(0, "a", "{}")]).await;
    assert_eq!(count(&store, "*").await, 1);
    assert_eq!(folders(folder.path(), "damaged-"), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn damage_that_comes_while_the_store_is_open_is_not_tried_again_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path(), &fields()).await;
    index(&store, vec![operation(0, "old", "{}")]).await;
    store.close().await.expect("a clean end");
    let store = open(folder.path(), &fields()).await;
    overwrite(&folders(folder.path(), "week-").remove(0).join("meta.json"));
    let answer = store.bulk(vec![operation(1, "new", "{}")]).await;
    let error = answer.expect_err("a part is damaged");
    assert!(matches!(error, StoreError::Fatal(_)), "{error}");
    assert!(error.to_string().contains("restart"), "{error}");
    // Its writer must have let go of the folder.
    drop(store.close().await);
    let store = open(folder.path(), &fields()).await;
    index(&store, vec![operation(1, "new", "{}")]).await;
    assert_eq!(ids(&store, "*").await, ["new"]);
}

/// Stands for a full disk and whatever else keeps the engine from writing.
#[tokio::test]
async fn a_writer_that_failed_recovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path(), &fields()).await;
    index(&store, vec![operation(0, "before", "{}")]).await;
    let week = folders(folder.path(), "week-").remove(0);
    let away = folder.path().join("away");
    fs::rename(&week, &away).expect("the part is taken away");
    for _ in 0..3 {
        let bulk = vec![operation(1, "during", "{}"), operation(0, "before", r#"{"tags":"x"}"#)];
        let outcomes = store.bulk(bulk).await.expect("outcomes");
        assert!(
            outcomes.iter().all(|one| matches!(one, ItemOutcome::Retry { .. })),
            "{outcomes:?}"
        );
    }
    fs::rename(&away, &week).expect("the part is back");
    assert_eq!(ids(&store, "*").await, ["before"], "what was answered Retry is not there");
    let bulk = vec![operation(1, "during", "{}"), operation(0, "before", r#"{"tags":"x"}"#)];
    index(&store, bulk).await;
    assert_eq!(ids(&store, "*").await, ["before", "during"]);
    assert_eq!(ids(&store, "tags:x").await, ["before"]);
    store.close().await.expect("a clean end");
    let store = open(folder.path(), &fields()).await;
    assert_eq!(ids(&store, "*").await, ["before", "during"]);
    assert!(store.get(&everything(), "during").await.expect("a read").is_some());
}

#[tokio::test]
async fn a_version_that_cannot_be_removed_is_not_doubled() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path(), &fields()).await;
    index(&store, vec![weeks_ago(1, "a", "{}"), operation(0, "b", "{}")]).await;
    store.close().await.expect("a clean end");
    let store = open(folder.path(), &fields()).await;
    assert_eq!(ids(&store, "*").await, ["a", "b"]);
    let old = folders(folder.path(), "week-").remove(0);
    let away = folder.path().join("away");
    fs::rename(&old, &away).expect("the older part is taken away");
    let again = || vec![operation(1, "a", r#"{"tags":"x"}"#), operation(2, "c", "{}")];
    let outcomes = store.bulk(again()).await.expect("outcomes");
    assert!(matches!(outcomes[0], ItemOutcome::Retry { .. }), "{outcomes:?}");
    fs::rename(&away, &old).expect("the part is back");
    index(&store, again()).await;
    assert_eq!(ids(&store, "*").await, ["b", "a", "c"]);
    assert_eq!(ids(&store, "tags:x").await, ["a"]);
}
