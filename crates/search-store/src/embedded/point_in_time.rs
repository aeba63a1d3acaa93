//! A page of a consistent search: the first one holds the segments of its moment, the last one lets them go. Neither
//! merges nor retention change what is held; the files stay on the disk until it is let go.

use std::sync::Arc;
use std::time::Instant;

use access::Scope;
use jiff::Timestamp;

use super::page;
use super::read::Reading;
use super::shared::{Held, Shared};
use crate::cursor::{StableCursor, View};
use crate::point_in_time::Opening;
use crate::refusal::check_size;
use crate::{SearchPage, SearchRequest, StoreError};

/// A page that was read, on a thread which does not know whether anybody still waits for it.
#[derive(Debug)]
pub(crate) struct Read {
    page: SearchPage,
    /// What this page has opened: if nobody takes the page, nobody has its cursor.
    opening: Option<Opening<Arc<Held>>>,
}

impl Read {
    /// Hands the page out.
    pub(crate) fn hand_out(self) -> SearchPage {
        if let Some(opening) = self.opening {
            opening.keep();
        }
        self.page
    }
}

/// Reads one page.
///
/// # Errors
/// As [`page::page`]; also a view that has expired, and too many of them.
pub(crate) fn page(
    shared: &Shared,
    scope: &Scope,
    request: &SearchRequest,
) -> Result<Read, StoreError> {
    check_size(request.size)?;
    let SearchRequest { query, size, order, .. } = request;
    let now = Timestamp::now();
    let (view, held, after, opening) = match &request.cursor {
        Some(text) => {
            let StableCursor { view, after } =
                StableCursor::parse(text, *order, scope, query, now)?;
            let held = shared.points.renew(view.handle, Instant::now());
            (view, held.ok_or(StoreError::Expired)?, Some(after), None)
        }
        None => {
            let held = Arc::new(shared.hold()?);
            let opening = shared.points.open(scope.user(), Arc::clone(&held), Instant::now())?;
            let view = View::new(opening.handle(), scope, query, request.range, now);
            (view, held, None, Some(opening))
        }
    };
    // A page that fails can be asked for again, if there is a cursor to ask with.
    let reading = Reading::over(shared, &held, scope, query, view.range())?;
    let mut page = page::page(&reading, *size, *order, after.as_ref())?;
    let Some(after) = page.cursor.take() else {
        shared.points.close(view.handle);
        return Ok(Read { page, opening: None });
    };
    page.cursor = Some(view.cursor_text(&after)?);
    Ok(Read { page, opening })
}
