use std::sync::Mutex;

use access::Scope;
use bus::RecordId;
use query::Query;
use search_store::{Hit, SearchPage, SearchRequest, TailCursor, TailPage, TimeRange};

use super::*;

const RECEIVED_AT_NS: i64 = 1_764_000_000_000_000_000;

/// A store that answers what it is told, and keeps what it was asked.
#[derive(Default)]
struct Scripted {
    answers: Mutex<Vec<Result<Vec<ItemOutcome>, StoreError>>>,
    asked: Mutex<Vec<Vec<IndexOperation>>>,
}

#[async_trait]
impl SearchStore for Scripted {
    async fn ensure_templates(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn bulk(&self, operations: Vec<IndexOperation>) -> Result<Vec<ItemOutcome>, StoreError> {
        let done = vec![ItemOutcome::Done; operations.len()];
        self.asked.lock().expect("not poisoned").push(operations);
        self.answers.lock().expect("not poisoned").pop().unwrap_or(Ok(done))
    }

    async fn search(&self, _: &Scope, _: &SearchRequest) -> Result<SearchPage, StoreError> {
        Err(StoreError::Closed)
    }

    async fn count(&self, _: &Scope, _: &Query, _: TimeRange) -> Result<u64, StoreError> {
        Err(StoreError::Closed)
    }

    async fn histogram(
        &self,
        _: &Scope,
        _: &Query,
        _: TimeRange,
        _: i64,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn terms(
        &self,
        _: &Scope,
        _: &Query,
        _: TimeRange,
        _: &str,
        _: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn get(&self, _: &Scope, _: &str) -> Result<Option<Hit>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn tail_position(&self) -> Result<TailCursor, StoreError> {
        Err(StoreError::Closed)
    }

    async fn tail(
        &self,
        _: &Scope,
        _: &Query,
        _: &TailCursor,
        _: usize,
    ) -> Result<TailPage, StoreError> {
        Err(StoreError::Closed)
    }
}

fn record(number: u8, payload: &'static str) -> Record {
    Record {
        id: RecordId([number; 16]),
        received_at_ns: RECEIVED_AT_NS,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        payload: payload.into(),
        ..Record::default()
    }
}

async fn deliver(
    answer: Option<Result<Vec<ItemOutcome>, StoreError>>,
    records: &[Record],
) -> (Result<Vec<Outcome>, Fatal>, Vec<IndexOperation>) {
    let store = Arc::new(Scripted::default());
    store.answers.lock().expect("not poisoned").extend(answer);
    let prefixes = IndexPrefixes(vec!["shop-".to_owned()]);
    let outcomes = SearchSink::new(store.clone(), prefixes).deliver(records).await;
    let asked = store.asked.lock().expect("not poisoned").concat();
    (outcomes, asked)
}

#[tokio::test]
async fn type_and_day_choose_the_index_and_the_record_its_id() {
    let records = [
        record(1, r#"{"@timestamp":"2025-11-24T23:59:59.999Z","event":{"dataset":"transaction"}}"#),
        record(2, r#"{"@timestamp":"2025-11-24T10:00:00.000Z","event":{"dataset":"fraud_score"}}"#),
    ];
    let (outcomes, asked) = deliver(None, &records).await;
    assert!(outcomes.expect("delivered").iter().all(|one| matches!(one, Outcome::Delivered)));
    let named: Vec<_> = asked.iter().map(|one| (one.id.as_str(), &*one.index)).collect();
    assert_eq!(
        named,
        [
            ("01010101010101010101010101010101", "ecommerce-logs-transaction-2025.11.24"),
            ("02020202020202020202020202020202", "ecommerce-logs-fraud_score-2025.11.24"),
        ]
    );
    assert_eq!(asked[0].document, records[0].payload);
}

#[tokio::test]
async fn hostile_12_text_of_an_event_never_becomes_an_index_name() {
    let names = ["../../etc", "Transaction", "a*", "", "a,b", "transaction\\n"];
    for name in names {
        let text =
            format!(r#"{{"@timestamp":"2025-11-24T10:00:00Z","event":{{"dataset":"{name}"}}}}"#);
        let mut hostile = record(1, "");
        hostile.payload = text.into();
        let (_, asked) = deliver(None, &[hostile]).await;
        assert_eq!(&*asked[0].index, "ecommerce-logs-other-2025.11.24", "{name}");
    }
}

#[tokio::test]
async fn a_document_goes_where_the_enricher_says_if_that_is_allowed() {
    const PAYLOAD: &str = r#"{"@timestamp":"2025-11-24T10:00:00Z","event":{"dataset":"error"}}"#;
    const OWN: &str = "ecommerce-logs-error-2025.11.24";
    let long = format!("application/json; index=shop-{}", "x".repeat(300));
    for (content_type, index) in [
        ("application/json; index=shop-2025.11.24", "shop-2025.11.24"),
        ("application/json; index=shop-a.b_c", "shop-a.b_c"),
        ("application/json", OWN),
        ("", OWN),
        ("application/json; index=", OWN),
        ("application/json; index=other-2025.11.24", OWN),
        ("application/json; index=shop", OWN),
        ("application/json; index=shop-../x", OWN),
        ("application/json; index=shop-\n", OWN),
        ("application/json; index=shop-*", OWN),
        ("application/json; index=shop-a,b", OWN),
        ("application/json; index=shop-A", OWN),
        ("application/json; index=shop-ecommerce-logs-fraud_score-2025.11.24", OWN),
        ("text/plain; index=shop-a", OWN),
        (&long, OWN),
    ] {
        let named = Record { content_type: content_type.into(), ..record(1, PAYLOAD) };
        let (_, asked) = deliver(None, &[named.clone(), named]).await;
        assert_eq!((&*asked[0].index, &*asked[1].index), (index, index), "{content_type:?}");
    }
}

#[tokio::test]
async fn names_that_take_turns_stay_apart() {
    let named = |number: u8| {
        let content_type = bus::document_type::document_for(&format!("shop-{}", number % 40));
        Record { content_type, ..record(number, r#"{"event":{"dataset":"error"}}"#) }
    };
    let records: Vec<Record> = (0..120).map(named).collect();
    let (_, asked) = deliver(None, &records).await;
    for (number, one) in asked.iter().enumerate() {
        assert_eq!(*one.index, format!("shop-{}", number % 40));
    }
}

#[tokio::test]
async fn what_is_no_json_behind_its_log_type_reaches_no_store() {
    const SOUND: &str = r#"{"@timestamp":"2025-11-24T10:00:00Z","event":{"dataset":"error"}"#;
    // An engine may take comments, and would hold a document that nobody can read in its answers.
    for rest in ["", ",", ",\"a\":1/**/}", ",\"a\":tru}", "}}", "}\n{}"] {
        let mut broken = record(1, "");
        broken.payload = format!("{SOUND}{rest}").into();
        let (outcomes, asked) = deliver(None, &[broken]).await;
        let outcomes = outcomes.expect("answered");
        assert!(matches!(&outcomes[..], [Outcome::Rejected(_)]) && asked.is_empty(), "{rest}");
    }
}

#[tokio::test]
async fn keys_with_escapes_and_keys_that_stand_twice_mean_what_they_say() {
    for (payload, index) in [
        (
            r#"{"\u0040timestamp":"2025-11-23T10:00:00Z","event":{"dataset":"error"}}"#,
            "error-2025.11.23",
        ),
        (
            r#"{"@timestamp":"2025-11-23T10:00:00Z","event":{"dat\u0061set":"error"}}"#,
            "error-2025.11.23",
        ),
        (
            r#"{"@timestamp":"2025-11-23T10:00:00Z","event":{"dataset":"error","dataset":"transaction"}}"#,
            "transaction-2025.11.23",
        ),
        (
            r#"{"@timestamp":"2025-11-23T10:00:00Z","event":{"dataset":"error"},"\u0065vent":7}"#,
            "other-2025.11.23",
        ),
        (
            r#"{"@timestamp":"2025-11-23T10:00:00Z","event":{"dataset":"error"},"event":7}"#,
            "other-2025.11.23",
        ),
    ] {
        let (_, asked) = deliver(None, &[record(1, payload)]).await;
        assert_eq!(*asked[0].index, format!("ecommerce-logs-{index}"), "{payload}");
    }
}

#[tokio::test]
async fn each_document_gets_its_own_answer() {
    let records = [
        record(1, r#"{"event":{"dataset":"error"}}"#),
        record(2, "not a document"),
        record(3, r#"{"event":{"dataset":"error"}}"#),
        record(4, r#"{"event":{"dataset":"error"}}"#),
    ];
    let after = Duration::from_secs(3);
    let answers = vec![
        ItemOutcome::Done,
        ItemOutcome::Retry { after, reason: "busy".to_owned() },
        ItemOutcome::Rejected { kind: "mapping".to_owned(), message: "a text".to_owned() },
    ];
    let (outcomes, asked) = deliver(Some(Ok(answers)), &records).await;
    assert_eq!(asked.len(), 3);
    let outcomes = outcomes.expect("answered");
    assert!(matches!(&outcomes[0], Outcome::Delivered));
    assert!(matches!(&outcomes[1], Outcome::Rejected(why) if why.kind == "not_an_object"));
    assert!(matches!(&outcomes[2], Outcome::RetryLater { after, .. } if after.as_secs() == 3));
    assert!(matches!(&outcomes[3], Outcome::Rejected(why) if why.kind == "mapping"));
}

#[tokio::test]
async fn a_busy_store_is_asked_again_and_a_broken_one_stops_the_partition() {
    let records = [record(1, r#"{"event":{"dataset":"error"}}"#)];
    let after = Duration::from_secs(2);
    let busy = StoreError::Unavailable { after, reason: "the disk is full".to_owned() };
    let (outcomes, _) = deliver(Some(Err(busy)), &records).await;
    let again = outcomes.expect("not fatal");
    assert!(matches!(&again[0], Outcome::RetryLater { after, .. } if after.as_secs() == 2));
    let (broken, _) = deliver(Some(Err(StoreError::Fatal("damaged".to_owned()))), &records).await;
    assert_eq!(broken.expect_err("fatal").0, "damaged");
    let (short, _) = deliver(Some(Ok(Vec::new())), &records).await;
    assert!(short.is_err(), "an answer for each document, or none at all");
}
