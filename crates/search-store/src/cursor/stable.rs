//! The cursor of a consistent search: the point in time that it pages through beside the document after which the
//! next page begins. What it was made for stands in it, so that any instance can go on with it.

use std::io::Read;
use std::time::Duration;

use access::Scope;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use query::Query;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Cursor, foreign};
use crate::point_in_time::LIFETIME_MAX;
use crate::{Order, StoreError, TimeRange};

/// The longest text: engines name a point in time with some 70 compressed bytes a shard, and whole addresses longer
/// than 64 KiB are not taken on the way.
pub(crate) const STABLE_CURSOR_BYTES_MAX: usize = 32 << 10;
/// What a text may unpack to.
const VIEW_BYTES_MAX: u64 = 256 << 10;
/// When the same search may fit: the same request now would not.
const RETRY_AFTER: Duration = Duration::from_secs(60);
/// What every text begins with; cursors without a point in time begin with a 1.
const KIND: &str = "2";

/// A point in time, and what it was opened for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    /// Its handle in the store that opened it.
    pub(crate) handle: Uuid,
    /// Digest of who asked, for whose documents, with which query.
    asked: String,
    /// The time range of the first page: `now-1h` goes on, this one does not.
    from_ns: Option<i64>,
    to_ns: Option<i64>,
    /// When it ends, however often it is asked: seconds since 1970.
    ends_at_s: i64,
    /// The engine's own name of it, the latest that came back; empty for the embedded store.
    #[serde(default)]
    pub(crate) engine_id: String,
}

/// A page of a consistent search after the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StableCursor {
    pub(crate) view: View,
    pub(crate) after: Cursor,
}

impl View {
    /// A point in time that is opened now.
    pub(crate) fn new(
        handle: Uuid,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        now: Timestamp,
    ) -> Self {
        Self {
            handle,
            asked: digest(scope, query),
            from_ns: range.from_ns,
            to_ns: range.to_ns,
            ends_at_s: now.as_second().saturating_add(seconds(LIFETIME_MAX)),
            engine_id: String::new(),
        }
    }

    /// The time range of all its pages.
    pub(crate) fn range(&self) -> TimeRange {
        TimeRange { from_ns: self.from_ns, to_ns: self.to_ns }
    }

    /// The text of the page after this place.
    ///
    /// # Errors
    /// It would be too long: the engine's name of the point in time grows with the shards that it covers.
    pub(crate) fn cursor_text(&self, after: &str) -> Result<String, StoreError> {
        let text = self.packed().map(|packed| format!("{KIND}.{packed}.{after}"));
        text.filter(|text| text.len() <= STABLE_CURSOR_BYTES_MAX).ok_or_else(|| {
            StoreError::NoPointInTime {
                after: RETRY_AFTER,
                reason: "what matches stands in too many indices for one view: take a shorter time range, \
                         or search without `consistent`"
                    .to_owned(),
            }
        })
    }

    fn packed(&self) -> Option<String> {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut packed, self).ok()?;
        Some(URL_SAFE_NO_PAD.encode(packed.finish().ok()?))
    }

    fn read(packed: &str) -> Option<Self> {
        let packed = URL_SAFE_NO_PAD.decode(packed).ok()?;
        let mut json = Vec::new();
        let unpacked = DeflateDecoder::new(&packed[..]).take(VIEW_BYTES_MAX).read_to_end(&mut json);
        unpacked.ok().and_then(|_| serde_json::from_slice(&json).ok())
    }
}

impl StableCursor {
    /// Reads the cursor of a request.
    ///
    /// # Errors
    /// A text that is no such cursor, or was made for somebody else, another query or the other order; and one whose
    /// point in time has ended.
    pub(crate) fn parse(
        text: &str,
        order: Order,
        scope: &Scope,
        query: &Query,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let cursor = Self::read(text, order)?;
        if cursor.view.asked != digest(scope, query) {
            return Err(foreign());
        }
        if cursor.view.ends_at_s <= now.as_second() {
            return Err(StoreError::Expired);
        }
        Ok(cursor)
    }

    /// What stands in a text, whoever asks.
    ///
    /// # Errors
    /// A text that is no such cursor.
    pub(crate) fn read(text: &str, order: Order) -> Result<Self, StoreError> {
        if text.len() > STABLE_CURSOR_BYTES_MAX {
            return Err(foreign());
        }
        let rest = text.strip_prefix(KIND).and_then(|rest| rest.strip_prefix('.'));
        let (packed, after) = rest.and_then(|rest| rest.split_once('.')).ok_or_else(|| {
            if Cursor::parse(text, order).is_ok() {
                let message = "this cursor is of a search without `consistent`: go on without it, or begin \
                               with the first page";
                return StoreError::Invalid(message.to_owned());
            }
            foreign()
        })?;
        let view = View::read(packed).ok_or_else(foreign)?;
        Ok(Self { view, after: Cursor::parse(after, order)? })
    }
}

/// Whether a text is the cursor of a consistent search, by how it begins.
pub(super) fn is_stable(text: &str) -> bool {
    text.strip_prefix(KIND).is_some_and(|rest| rest.starts_with('.'))
}

fn digest(scope: &Scope, query: &Query) -> String {
    let mut digest = Sha256::new();
    // A name and a list of shops hold no byte that ends them.
    digest.update(scope.user());
    digest.update([0xff]);
    digest.update(serde_json::to_vec(scope.shops()).unwrap_or_default());
    digest.update([0xff]);
    digest.update(query.to_string());
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use query::Query;
    use uuid::Uuid;

    use super::{STABLE_CURSOR_BYTES_MAX, StableCursor, View};
    use crate::contract::{everything, only, query};
    use crate::{Order, StoreError, StoreErrorKind, TimeRange};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const AFTER: &str = "1n.-5.an.id.with.dots";

    fn view() -> View {
        let range = TimeRange { from_ns: Some(-1), to_ns: None };
        let mut view = View::new(Uuid::new_v4(), &everything(), &query("a b"), range, NOW);
        view.engine_id = "iM-bBAAA==".to_owned();
        view
    }

    fn parse(text: &str, query: &Query, now: Timestamp) -> Result<StableCursor, StoreError> {
        StableCursor::parse(text, Order::NewestFirst, &everything(), query, now)
    }

    #[test]
    fn a_text_is_read_back_with_its_range_and_its_place() {
        let view = view();
        let text = view.cursor_text(AFTER).expect("a short text");
        let cursor = parse(&text, &query("a b"), NOW).expect("its own cursor");
        assert_eq!((cursor.view.range().from_ns, cursor.view), (Some(-1), view));
        assert_eq!((cursor.after.timestamp_ns, &*cursor.after.id), (-5, "an.id.with.dots"));
    }

    #[test]
    fn it_is_good_for_the_same_search_of_the_same_person_only_and_for_a_while() {
        let text = view().cursor_text(AFTER).expect("a short text");
        let invalid = |found: Result<StableCursor, StoreError>| {
            found.is_err_and(|error| error.kind() == StoreErrorKind::Invalid)
        };
        assert!(invalid(parse(&text, &query("a c"), NOW)));
        let north = only(&["north"]);
        let of_north = StableCursor::parse(&text, Order::NewestFirst, &north, &query("a b"), NOW);
        assert!(invalid(of_north));
        assert!(invalid(StableCursor::read(&text, Order::OldestFirst)));
        let later = NOW + SignedDuration::from_hours(2);
        assert!(matches!(parse(&text, &query("a b"), later), Err(StoreError::Expired)));
    }

    #[test]
    fn what_is_no_cursor_is_refused_however_it_unpacks() {
        let bomb = View { engine_id: "x".repeat(1 << 20), ..view() };
        let bomb = bomb.cursor_text(AFTER).expect("it packs well");
        let long = "x".repeat(STABLE_CURSOR_BYTES_MAX + 1);
        for text in ["", "2", "2.", "2..", "2.x.1n.5.a", "2.AAAA.1n.5.a", AFTER, &bomb, &long] {
            let refused = StableCursor::read(text, Order::NewestFirst).expect_err(text);
            assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{text:.40}");
        }
    }
}
