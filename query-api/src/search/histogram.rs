//! Counts over time: intervals that people would choose, and a bucket also where nothing happened.

use std::collections::HashMap;
use std::sync::Arc;

use access::Scope;
use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use query::Query;
use search_store::{Order, SearchRequest, StoreError, TimeRange};
use serde::{Deserialize, Serialize};
use service::Span;
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::extract::Parameters;
use crate::moment;
use crate::problem::Problem;

/// The most buckets that are chosen; usually there are about 60.
const BUCKETS_CHOSEN_MAX: i128 = 80;
/// The most buckets that can be asked for.
const BUCKETS_ASKED_MAX: i128 = 2000;

const MS: i64 = 1_000_000;
const SECOND: i64 = 1000 * MS;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Intervals to choose from, in nanoseconds.
const INTERVALS_NS: [i64; 35] = [
    MS,
    2 * MS,
    5 * MS,
    10 * MS,
    20 * MS,
    50 * MS,
    100 * MS,
    200 * MS,
    500 * MS,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
    1825 * DAY,
    3650 * DAY,
];

/// Which events to count, and in which steps.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistogramParameters {
    /// Query. Empty: every event.
    #[serde(default)]
    q: String,
    /// From when, inclusive. Absent: from the first event that matches.
    from: Option<String>,
    /// Until when, exclusive. Absent: until the last event that matches.
    to: Option<String>,
    /// Length of a bucket, as `5m`. Absent: chosen so that there are about 60.
    #[param(value_type = Option<String>)]
    interval: Option<Span>,
}

/// Counts over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Histogram {
    /// Length of a bucket in milliseconds.
    interval_ms: i64,
    /// The buckets in order, empty ones included.
    buckets: Vec<Bucket>,
}

/// One step.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Bucket {
    /// When it begins, milliseconds since 1970.
    from: i64,
    /// How many events.
    count: u64,
}

/// How many events match in each interval.
#[utoipa::path(get, path = "/api/search/histogram", tag = "search", params(HistogramParameters),
    responses((status = 200, body = Histogram), (status = 400, body = Problem)))]
pub(crate) async fn histogram(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Parameters(asked): Parameters<HistogramParameters>,
) -> Result<Json<Histogram>, Problem> {
    let query = query::parse(&asked.q)?;
    let range = moment::range(asked.from.as_deref(), asked.to.as_deref(), Timestamp::now())?;
    let at_fault = |error| Problem::of_query(error, &asked.q);
    let Some((from, to)) = ends(&api, &scope, &query, range).await.map_err(at_fault)? else {
        let interval_ns = asked.interval.map_or(MINUTE, Span::as_ns);
        return Ok(Json(Histogram { interval_ms: interval_ns / MS, buckets: Vec::new() }));
    };
    let interval = match asked.interval {
        Some(interval) => checked(interval.as_ns(), from, to)?,
        None => chosen(from, to),
    };
    let range = TimeRange { from_ns: Some(from), to_ns: Some(to) };
    let counts = api.stores.search.histogram(&scope, &query, range, interval).await;
    let counts = counts.map_err(at_fault)?;
    Ok(Json(Histogram { interval_ms: interval / MS, buckets: filled(counts, from, to, interval) }))
}

/// Both ends of the range; those that are open are where the events are. `None` if there are none.
async fn ends(
    api: &Api,
    scope: &Scope,
    query: &Query,
    range: TimeRange,
) -> Result<Option<(i64, i64)>, StoreError> {
    let edge = async |order| -> Result<Option<i64>, StoreError> {
        let request = SearchRequest { range, size: 1, order, ..SearchRequest::new(query.clone()) };
        let found = api.stores.search.search(scope, &request).await?;
        Ok(found.hits.first().map(|hit| hit.timestamp_ns))
    };
    let from = match range.from_ns {
        None => edge(Order::OldestFirst).await?,
        from => from,
    };
    let to = match range.to_ns {
        None => edge(Order::NewestFirst).await?.map(|last| last.saturating_add(1)),
        to => to,
    };
    Ok(from.zip(to).filter(|(from, to)| from < to))
}

fn buckets(from: i64, to: i64, interval: i64) -> i128 {
    let (from, to, interval) = (i128::from(from), i128::from(to), i128::from(interval));
    (to - 1).div_euclid(interval) - from.div_euclid(interval) + 1
}

fn chosen(from: i64, to: i64) -> i64 {
    let fits = |interval: &&i64| buckets(from, to, **interval) <= BUCKETS_CHOSEN_MAX;
    *INTERVALS_NS.iter().find(fits).unwrap_or(&INTERVALS_NS[INTERVALS_NS.len() - 1])
}

fn checked(interval: i64, from: i64, to: i64) -> Result<i64, Problem> {
    if interval < MS || interval % MS != 0 {
        return Err(Problem::invalid("interval: whole milliseconds, at least 1ms"));
    }
    if buckets(from, to, interval) > BUCKETS_ASKED_MAX {
        let text = format!("interval: more than {BUCKETS_ASKED_MAX} buckets, choose a longer one");
        return Err(Problem::invalid(text));
    }
    Ok(interval)
}

fn filled(counts: Vec<(i64, u64)>, from: i64, to: i64, interval: i64) -> Vec<Bucket> {
    let counts: HashMap<i64, u64> = counts.into_iter().collect();
    let first = i128::from(from).div_euclid(interval.into());
    (0..buckets(from, to, interval))
        .map(|step| {
            let begin = (first + step) * i128::from(interval);
            let count = i64::try_from(begin).ok().and_then(|begin| counts.get(&begin));
            let from = i64::try_from(begin.div_euclid(MS.into())).unwrap_or(i64::MIN);
            Bucket { from, count: count.copied().unwrap_or_default() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_sixty_buckets_are_chosen() {
        let now = 1_770_000_123 * SECOND + 7;
        for (length, interval) in [
            (15 * MINUTE, 15 * SECOND),
            (HOUR, MINUTE),
            (6 * HOUR, 5 * MINUTE),
            (DAY, 30 * MINUTE),
            (7 * DAY, 3 * HOUR),
            (30 * DAY, 12 * HOUR),
            (365 * DAY, 5 * DAY),
        ] {
            assert_eq!(chosen(now - length, now), interval);
            assert!((35..=80).contains(&buckets(now - length, now, interval)), "{length}");
        }
        assert_eq!(chosen(now, now + 1), MS);
        assert!(buckets(i64::MIN, i64::MAX, chosen(i64::MIN, i64::MAX)) <= 80);
    }

    #[test]
    fn empty_buckets_are_there_and_both_ends_are_covered() {
        let counts = vec![(0, 3), (2 * SECOND, 1)];
        let buckets = filled(counts, 500 * MS, 3 * SECOND + 1, SECOND);
        let pairs: Vec<_> = buckets.iter().map(|bucket| (bucket.from, bucket.count)).collect();
        assert_eq!(pairs, [(0, 3), (1000, 0), (2000, 1), (3000, 0)]);
        let before_1970 = filled(vec![(-SECOND, 2)], -1, 1, SECOND);
        assert_eq!(before_1970[0], Bucket { from: -1000, count: 2 });
        assert_eq!(before_1970.len(), 2);
    }

    #[test]
    fn too_many_buckets_are_refused() {
        assert!(checked(MS, 0, DAY).is_err());
        assert!(checked(0, 0, DAY).is_err());
        assert!(checked(MS + 1, 0, SECOND).is_err());
        assert_eq!(checked(MINUTE, 0, DAY).unwrap(), MINUTE);
    }
}
