//! How the platform is: whether every record is accounted for, how far each group is behind, whether
//! an acknowledgement means what it should.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::Scope;
use axum::extract::State;
use axum::{Extension, Json};
use bus::{PartitionLag, TOPIC_DEAD, TOPIC_ENRICHED, TOPIC_RAW, TOPIC_SCORED};
use pipeline::{DoorSnapshot, StageLedger};
use query::Query;
use search_store::TimeRange;
use serde::Serialize;
use service::HealthState;
use utoipa::ToSchema;

use crate::api::Api;
use crate::dead_letter;
use crate::problem::Problem;

/// The attribution that the licence of the GeoIP data asks for.
pub const ATTRIBUTION: &str = "IP geolocation by DB-IP.com, CC BY 4.0";

/// The group that reads foreign topics too.
const ENRICHER: &str = "enricher";

/// The groups of the platform and what they read.
const GROUPS: [(&str, &[&str]); 4] = [
    (ENRICHER, &[TOPIC_RAW]),
    ("fraud-worker", &[TOPIC_ENRICHED]),
    ("indexer", &[TOPIC_ENRICHED, TOPIC_SCORED]),
    (dead_letter::DEAD_LETTERS_GROUP, &[TOPIC_DEAD]),
];

/// How the platform is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// Whether every record that came in is accounted for.
    balanced: bool,
    /// The conservation ledger of each stage; of one that runs in other processes, as of its commits.
    #[schema(value_type = Vec<Object>)]
    stages: Vec<StageLedger>,
    /// What each door of this process took and refused since it began.
    #[schema(value_type = Vec<Object>)]
    doors: Vec<DoorSnapshot>,
    /// How far each group is behind on each of its topics.
    lag: Vec<Lag>,
    /// Events that can be found; null if the search store does not answer.
    events: Option<u64>,
    /// Scores of transactions that can be found, which are no events of the shop's; null likewise.
    scores: Option<u64>,
    /// Refused records that wait for a person, and that were replayed.
    dead_letters: DeadLetterCounts,
    /// Why an acknowledgement does not mean that a record is synced to disk; null if it does.
    durability_warning: Option<String>,
    /// Each part of this process, and whether it is ready.
    #[schema(value_type = Object)]
    parts: BTreeMap<String, HealthState>,
}

/// How far a group is behind.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Lag {
    group: &'static str,
    topic: String,
    /// Records not yet settled, over all partitions.
    records: u64,
    /// Most records not yet settled in one partition.
    records_in_partition_max: u64,
    partitions: usize,
}

/// Refused records by state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterCounts {
    waiting: u64,
    replayed: u64,
}

/// What may be known without signing in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthAnswer {
    /// Version of the server.
    version: &'static str,
    /// Whose data is used.
    attribution: &'static str,
    /// Whether every part of the process is ready.
    ready: bool,
}

/// How the platform is.
#[utoipa::path(get, path = "/api/status", tag = "status",
    responses((status = 200, body = Status), (status = 403, body = Problem)))]
pub(crate) async fn status(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
) -> Result<Json<Status>, Problem> {
    let documents = api.stores.search.count(&scope, &Query::All, TimeRange::default()).await.ok();
    let scores = api.stores.search.count(&scope, &scores(), TimeRange::default()).await.ok();
    let (waiting, replayed) = dead_letter::waiting_and_replayed(api.documents()).await?;
    let groups = groups(&api).await;
    let commits = groups.iter().map(|(group, _, partitions)| {
        (*group, partitions.iter().map(|lag| lag.metadata.clone()).collect())
    });
    let stages = api.runtime.ledgers.overview(commits);
    let lag = groups.iter().flat_map(|(group, topics, partitions)| {
        topics.iter().map(move |topic| sum(group, topic, partitions))
    });
    Ok(Json(Status {
        balanced: stages.iter().all(|stage| stage.balance == 0),
        lag: lag.collect(),
        stages,
        doors: api.runtime.ledgers.doors(),
        events: documents.zip(scores).map(|(all, scores)| all.saturating_sub(scores)),
        scores,
        dead_letters: DeadLetterCounts { waiting, replayed },
        durability_warning: api.runtime.bus.durability_warning(),
        parts: api.runtime.context.health.parts(),
    }))
}

/// Version and readiness, for everybody.
#[utoipa::path(get, path = "/api/health", tag = "status",
    responses((status = 200, body = HealthAnswer)))]
pub(crate) async fn health(State(api): State<Arc<Api>>) -> Json<HealthAnswer> {
    let ready = api.runtime.context.health.is_ready();
    Json(HealthAnswer { version: env!("CARGO_PKG_VERSION"), attribution: ATTRIBUTION, ready })
}

/// Our own scores among the documents.
fn scores() -> Query {
    let field = Some(query::TYPE_FIELD.to_owned());
    Query::Term { field, value: schema::FRAUD_SCORE.to_owned() }
}

type Group<'a> = (&'static str, Vec<&'a str>, Vec<PartitionLag>);

/// What the bus knows of the platform's groups.
async fn groups(api: &Api) -> Vec<Group<'_>> {
    let mut known = Vec::new();
    for (group, topics) in GROUPS {
        let mut topics = topics.to_vec();
        if group == ENRICHER {
            topics.extend(api.foreign_topics.iter().map(String::as_str));
        }
        match api.runtime.bus.lag(group, &topics).await {
            Ok(partitions) => known.push((group, topics, partitions)),
            Err(error) => tracing::debug!(group, %error, "the lag of a group is not known"),
        }
    }
    known
}

fn sum(group: &'static str, topic: &str, partitions: &[PartitionLag]) -> Lag {
    let of_topic = partitions.iter().filter(|lag| lag.topic == topic).map(|lag| lag.lag_records);
    Lag {
        group,
        topic: topic.to_owned(),
        records: of_topic.clone().sum(),
        records_in_partition_max: of_topic.clone().max().unwrap_or_default(),
        partitions: of_topic.count(),
    }
}
