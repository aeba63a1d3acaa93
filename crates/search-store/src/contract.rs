//! What every search store must do, as one suite of tests that each backend runs. It knows no backend.

mod changes;
mod named_indices;
mod pages;
mod points_in_time;
mod queries;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use access::{Keys, Role, Scope, Shops};
use async_trait::async_trait;
use bytes::Bytes;
use query::Query;
use schema::{Field, FieldKind};

use crate::cursor::View;
use crate::{IndexOperation, ItemOutcome, SearchRequest, SearchStore, TimeRange};

/// Makes stores for the suite.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// A store without documents, for these fields.
    async fn empty(&self, fields: &[Field]) -> Box<dyn Running>;

    /// Whether an index name may be any text. Where it names files of an engine, one that is not ours is
    /// rejected.
    fn takes_any_index_name(&self) -> bool {
        true
    }

    /// Whether the values of single names below a flattened field can be listed. OpenSearch cannot.
    fn lists_values_of_paths(&self) -> bool {
        true
    }
}

/// A store that runs.
#[async_trait]
pub(crate) trait Running: Send + Sync {
    fn store(&self) -> &dyn SearchStore;

    /// Stops the store and starts it on the same data.
    async fn reopen(&mut self);

    /// Lets go what a consistent search pages through, as if its time had passed.
    async fn expire(&self, view: &View);

    /// What the names of indices begin with that documents may go to beside our own.
    fn index_prefix(&self) -> String {
        "shop-".to_owned()
    }
}

/// Runs all of it.
pub(crate) async fn run(backend: &dyn Backend) {
    queries::run(backend).await;
    changes::run(backend).await;
    named_indices::run(backend).await;
    pages::run(backend).await;
    points_in_time::run(backend).await;
}

/// 2026-11-24T08:00:00Z.
pub(super) const NOON_NS: i64 = 1_795_507_200_000_000_000;
pub(super) const SECOND_NS: i64 = 1_000_000_000;

pub(super) fn fields() -> Vec<Field> {
    let kinds = [
        ("@timestamp", FieldKind::Date),
        ("client.geo.location", FieldKind::GeoPoint),
        ("client.ip", FieldKind::Ip),
        ("error.message", FieldKind::Text),
        ("event.created", FieldKind::Date),
        ("event.dataset", FieldKind::Keyword),
        ("event.duration", FieldKind::Long),
        ("message", FieldKind::Text),
        ("shop.extra", FieldKind::Flattened),
        ("shop.order.amount", FieldKind::Decimal { scale: 2 }),
        ("shop.order.first_order", FieldKind::Boolean),
        ("shop.order.id", FieldKind::Keyword),
        ("shop.order.items", FieldKind::Nested),
        ("shop.order.items.sku", FieldKind::Keyword),
        ("shop.order.items.price", FieldKind::Decimal { scale: 2 }),
        ("shop.rum.shift", FieldKind::Double),
        ("tags", FieldKind::Keyword),
    ];
    let field = |(name, kind): (&str, FieldKind)| Field {
        name: name.to_owned(),
        kind,
        description: String::new(),
    };
    kinds.into_iter().map(field).collect()
}

/// An operation of the shop `default`, a second after the one before.
pub(super) fn operation(number: i64, id: &str, document: &str) -> IndexOperation {
    IndexOperation {
        id: id.to_owned(),
        index: "ecommerce-logs-transaction-2026.11.24".into(),
        shop: "default".into(),
        timestamp_ns: NOON_NS + number * SECOND_NS,
        received_at_ns: received_at_ns(),
        document: Bytes::copy_from_slice(document.as_bytes()),
    }
}

/// Now: retention counts from receipt.
fn received_at_ns() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).expect("the clock is right")
}

/// An id as records have it, in the order of the numbers.
pub(super) fn hexadecimal_id(number: u64) -> String {
    format!("{:032x}", u128::from(number) << 64)
}

/// Sees everything.
pub(super) fn everything() -> Scope {
    access::local_admin(0, 0).expect("root is the local administrator")
}

/// Sees these shops.
pub(super) fn only(shops: &[&str]) -> Scope {
    let keys = Keys::ephemeral().expect("the system gives random numbers");
    let shops = Shops::Only(shops.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
    let token = keys.issue("somebody", Role::Viewer, &shops, 1_000, Duration::from_secs(60));
    keys.verify(&token.expect("a short token"), 1_010).expect("its own token")
}

pub(super) fn query(text: &str) -> Query {
    query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Indexes operations that fit, and waits until the last one is found.
pub(super) async fn index(store: &dyn SearchStore, operations: Vec<IndexOperation>) {
    let last = operations.last().expect("something to index").clone();
    let outcomes = store.bulk(operations).await.expect("a bulk");
    assert!(outcomes.iter().all(|outcome| *outcome == ItemOutcome::Done), "{outcomes:?}");
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let hit = store.get(&everything(), &last.id).await.expect("a read");
        if hit.is_some_and(|hit| hit.document == last.document) {
            return;
        }
        assert!(Instant::now() < deadline, "{} is not found in time", last.id);
        tokio::task::yield_now().await;
    }
}

/// The ids of what matches, oldest first.
pub(super) async fn ids(store: &dyn SearchStore, text: &str) -> Vec<String> {
    let mut request = SearchRequest::new(query(text));
    request.order = crate::Order::OldestFirst;
    let page = store.search(&everything(), &request).await;
    let page = page.unwrap_or_else(|error| panic!("{text}: {error}"));
    let count = store.count(&everything(), &request.query, TimeRange::default()).await;
    assert_eq!(count.expect("a count"), page.total, "count and total of {text}");
    page.hits.into_iter().map(|hit| hit.id).collect()
}
