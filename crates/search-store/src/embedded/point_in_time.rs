//! A page of a consistent search: the first one holds the segments of its moment, the last one lets them go. Neither
//! merges nor retention change what is held; the files stay on the disk until it is let go.

use std::sync::Arc;
use std::time::Instant;

use access::Scope;
use jiff::Timestamp;

use super::page;
use super::read::Reading;
use super::shared::Shared;
use crate::cursor::{StableCursor, View};
use crate::refusal::check_size;
use crate::{SearchPage, SearchRequest, StoreError};

/// Reads one page.
///
/// # Errors
/// As [`page::page`]; also a view that has expired, and too many of them.
pub(crate) fn page(
    shared: &Shared,
    scope: &Scope,
    request: &SearchRequest,
) -> Result<SearchPage, StoreError> {
    check_size(request.size)?;
    let SearchRequest { query, size, order, .. } = request;
    let now = Timestamp::now();
    let (view, held, after) = match &request.cursor {
        Some(text) => {
            let StableCursor { view, after } =
                StableCursor::parse(text, *order, scope, query, now)?;
            let held = shared.points.renew(view.handle, Instant::now());
            (view, held.ok_or(StoreError::Expired)?, Some(after))
        }
        None => {
            let held = Arc::new(shared.hold()?);
            let handle = shared.points.open(scope.user(), Arc::clone(&held), Instant::now())?;
            (View::new(handle, scope, query, request.range, now), held, None)
        }
    };
    let found = Reading::over(shared, &held, scope, query, view.range())
        .and_then(|reading| page::page(&reading, *size, *order, after.as_ref()));
    // A page that failed can be asked for again, if there is a cursor to ask with.
    let goes_on = match &found {
        Ok(page) => page.cursor.is_some(),
        Err(_) => after.is_some(),
    };
    if !goes_on {
        shared.points.close(view.handle);
    }
    let mut page = found?;
    page.cursor = page.cursor.map(|after| view.cursor_text(&after)).transpose()?;
    Ok(page)
}
