//! Reads over all parts: what the scope may see and the query matches. Every read goes through
//! [`Reading::over`], which takes a scope; it never writes.

use std::sync::Arc;
use std::time::Instant;

use access::{Scope, Shops};
use query::Query;

use super::bits::Bits;
use super::catalog::{Catalog, TIMESTAMP_COLUMN};
use super::evaluate::{Deadline, evaluate};
use super::part::{PartView, SegmentView};
use super::plan::{Plan, plan, plan_of_earlier};
use super::shared::{Held, Shared, Snapshot};
use super::term::{self, SHOP};
use crate::{StoreError, TimeRange};

/// One read: what is searched, for whom, until when.
pub(crate) struct Reading {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) deadline: Deadline,
    /// A page that holds this many bytes of documents ends.
    pub(crate) page_bytes_max: usize,
    views: Vec<(Arc<PartView>, Plan)>,
}

impl Reading {
    /// Plans a read of what can be searched now.
    ///
    /// # Errors
    /// A query that cannot be run, or a part that cannot be read.
    pub(crate) fn new(
        shared: &Shared,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
    ) -> Result<Self, StoreError> {
        Self::over(shared, &shared.hold()?, scope, query, range)
    }

    /// Plans a read of what could be searched at some moment.
    ///
    /// # Errors
    /// A query that cannot be run.
    pub(crate) fn over(
        shared: &Shared,
        held: &Held,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
    ) -> Result<Self, StoreError> {
        // With the fields of now, so that a query is refused whatever parts there are.
        let current = plan(query, &shared.catalog)?;
        let deadline = Deadline(Instant::now() + shared.config.read_time_max.0);
        let planned = |view: &Arc<PartView>| {
            let asked = if Arc::ptr_eq(&view.catalog, &shared.catalog) {
                current.clone()
            } else {
                plan_of_earlier(query, &view.catalog)
            };
            (Arc::clone(view), Plan::And(vec![visible(scope), within(range), asked]))
        };
        let views = held.views.iter().map(planned).collect();
        let page_bytes_max = shared.config.page_bytes_max.as_usize();
        Ok(Self { snapshot: Arc::clone(&held.snapshot), deadline, page_bytes_max, views })
    }

    /// Calls `visit` for each segment in which something matches, newest part first.
    ///
    /// # Errors
    /// A segment that cannot be read, too long a time, or what `visit` answers.
    pub(crate) fn each(
        &self,
        visit: impl FnMut(&Catalog, &Arc<SegmentView>, Bits) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.each_of(|_| true, visit)
    }

    /// As [`each`](Self::each), of the segments that are wanted.
    ///
    /// # Errors
    /// As [`each`](Self::each).
    pub(crate) fn each_of(
        &self,
        wanted: impl Fn(&SegmentView) -> bool,
        mut visit: impl FnMut(&Catalog, &Arc<SegmentView>, Bits) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for (view, plan) in self.views.iter().rev() {
            for segment in view.segments.iter().filter(|segment| wanted(segment)) {
                if let Some(found) = evaluate(plan, segment, self.deadline)? {
                    visit(&view.catalog, segment, found)?;
                }
            }
        }
        Ok(())
    }
}

/// The documents that a scope may see.
fn visible(scope: &Scope) -> Plan {
    match scope.shops() {
        Shops::All => Plan::All,
        Shops::Only(shops) => {
            Plan::Terms(shops.iter().map(|shop| term::term(SHOP, shop.as_bytes())).collect())
        }
    }
}

fn within(range: TimeRange) -> Plan {
    let from = range.from_ns.unwrap_or(i64::MIN);
    let to = match range.to_ns {
        None => Some(i64::MAX),
        Some(to) => to.checked_sub(1),
    };
    match (from, to) {
        (i64::MIN, Some(i64::MAX)) => Plan::All,
        (_, None) => Plan::Nothing,
        (from, Some(to)) => Plan::Longs { column: TIMESTAMP_COLUMN.to_owned(), from, to },
    }
}
