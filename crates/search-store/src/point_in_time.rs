//! The points in time that a store holds open for consistent searches: how many there may be, whose they are, and
//! when they end. It reads no clock and holds whatever a store needs to show that moment again.

mod config;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

pub use config::PointsInTimeConfig;

use crate::StoreError;

/// How long one is held in all, however often it is asked: what it holds takes room on a disk, also after retention
/// has taken the documents away.
pub(crate) const LIFETIME_MAX: Duration = Duration::from_secs(3_600);

/// All that are open, with what the store holds for each.
#[derive(Debug)]
pub(crate) struct PointsInTime<T> {
    config: PointsInTimeConfig,
    open: Mutex<HashMap<Uuid, Open<T>>>,
}

#[derive(Debug)]
struct Open<T> {
    user: String,
    held: T,
    /// When it ends, however often it is asked.
    ends: Instant,
    /// When it ends if nobody asks again.
    expires: Instant,
}

/// One that was opened for a page which nobody has yet: dropped with whoever wanted it, it is let go, since no cursor
/// names it.
#[derive(Debug)]
pub(crate) struct Opening<T> {
    points: Arc<PointsInTime<T>>,
    handle: Uuid,
    is_kept: bool,
}

impl<T> Opening<T> {
    pub(crate) fn handle(&self) -> Uuid {
        self.handle
    }

    /// It goes on: the page with its cursor is handed out, or something else lets it go.
    pub(crate) fn keep(mut self) -> Uuid {
        self.is_kept = true;
        self.handle
    }
}

impl<T> Drop for Opening<T> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.points.close(self.handle);
        }
    }
}

impl<T> PointsInTime<T> {
    pub(crate) fn new(config: PointsInTimeConfig) -> Self {
        Self { config, open: Mutex::default() }
    }

    pub(crate) fn keep_alive(&self) -> Duration {
        self.config.keep_alive.0
    }

    /// Takes one in under a handle: a random one, since a cursor may be older than this process.
    ///
    /// # Errors
    /// There are as many as may be, of this user or in all, or there may be none.
    pub(crate) fn open(
        self: &Arc<Self>,
        user: &str,
        held: T,
        now: Instant,
    ) -> Result<Opening<T>, StoreError> {
        let PointsInTimeConfig { max, per_user_max, .. } = self.config;
        if max == 0 || per_user_max == 0 {
            let message = "consistent searches are switched off (search.points_in_time.max or \
                           search.points_in_time.per_user_max is 0): search without `consistent`";
            return Err(StoreError::Invalid(message.to_owned()));
        }
        self.close_expired(now);
        let mut open = self.lock();
        let of_user = open.values().filter(|one| one.user == user);
        if of_user.clone().count() >= per_user_max {
            let what = format!(
                "{per_user_max} consistent searches of {user} are open already \
                 (search.points_in_time.per_user_max)"
            );
            return Err(too_many(&what, of_user, now));
        }
        if open.len() >= max {
            let what =
                format!("{max} consistent searches are open already (search.points_in_time.max)");
            return Err(too_many(&what, open.values(), now));
        }
        let handle = Uuid::new_v4();
        let (ends, expires) = (now + LIFETIME_MAX, now + self.keep_alive().min(LIFETIME_MAX));
        open.insert(handle, Open { user: user.to_owned(), held, ends, expires });
        drop(open);
        Ok(Opening { points: Arc::clone(self), handle, is_kept: false })
    }

    /// What is held for a handle, for another while; none if it has ended.
    pub(crate) fn renew(&self, handle: Uuid, now: Instant) -> Option<T>
    where
        T: Clone,
    {
        self.close_expired(now);
        let mut open = self.lock();
        let one = open.get_mut(&handle)?;
        one.expires = one.ends.min(now + self.keep_alive());
        Some(one.held.clone())
    }

    /// Lets one go.
    pub(crate) fn close(&self, handle: Uuid) {
        // Dropped after the lock, as everywhere here: what is held may be many files.
        let closed = self.lock().remove(&handle);
        drop(closed);
    }

    /// Lets go what has ended, also if nobody asks for it again.
    pub(crate) fn close_expired(&self, now: Instant) {
        let expired: Vec<_> = self.lock().extract_if(|_, one| one.expires <= now).collect();
        drop(expired);
    }

    /// Lets all go.
    pub(crate) fn close_all(&self) {
        let closed = std::mem::take(&mut *self.lock());
        drop(closed);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Open<T>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_many<'a, T: 'a>(
    what: &str,
    open: impl Iterator<Item = &'a Open<T>>,
    now: Instant,
) -> StoreError {
    let next = open.map(|one| one.expires.saturating_duration_since(now)).min();
    StoreError::TooManyPointsInTime {
        after: next.unwrap_or_default(),
        reason: format!(
            "{what}: read one to its last page, wait until one has expired, or search without \
             `consistent`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Weak};
    use std::time::{Duration, Instant};

    use service::Span;

    use super::{LIFETIME_MAX, Opening, PointsInTime, PointsInTimeConfig};
    use crate::StoreError;

    const KEEP_ALIVE: Duration = Duration::from_secs(60);

    fn points() -> Arc<PointsInTime<Arc<()>>> {
        let keep_alive = Span(KEEP_ALIVE);
        Arc::new(PointsInTime::new(PointsInTimeConfig { max: 3, per_user_max: 2, keep_alive }))
    }

    #[test]
    fn there_are_limits_for_each_user_and_for_all() {
        let (points, now) = (points(), Instant::now());
        let open = |user: &str, now| points.open(user, Arc::default(), now).map(Opening::keep);
        let first = open("ada", now).expect("room");
        open("ada", now + KEEP_ALIVE / 2).expect("room");
        let refused = open("ada", now + KEEP_ALIVE / 2).expect_err("no room for her");
        assert!(refused.to_string().contains("search.points_in_time.per_user_max"), "{refused}");
        open("bob", now).expect("room for him");
        let refused = open("eve", now + KEEP_ALIVE / 2).expect_err("no room at all");
        assert!(refused.to_string().contains("search.points_in_time.max"), "{refused}");
        let StoreError::TooManyPointsInTime { after, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(after, KEEP_ALIVE / 2, "until the first one expires");
        points.close(first);
        open("eve", now + KEEP_ALIVE / 2).expect("room again");
    }

    #[test]
    fn one_ends_when_nobody_asks_and_what_it_held_is_let_go() {
        let (points, now) = (points(), Instant::now());
        let held = Arc::new(());
        let handle = points.open("ada", Arc::clone(&held), now).expect("room").keep();
        let late = KEEP_ALIVE - Duration::from_nanos(1);
        assert!(points.renew(handle, now + late).is_some());
        assert!(points.renew(handle, now + 2 * late).is_some(), "each page gives it more time");
        points.close_expired(now + 2 * late + KEEP_ALIVE);
        assert_eq!((points.len(), Arc::strong_count(&held)), (0, 1));
        assert!(points.renew(handle, now).is_none());
    }

    #[test]
    fn one_whose_page_nobody_gets_is_let_go() {
        let (points, now) = (points(), Instant::now());
        let held = Arc::new(());
        let opening = points.open("ada", Arc::clone(&held), now).expect("room");
        assert_eq!((points.len(), Arc::strong_count(&held)), (1, 2));
        drop(opening);
        assert_eq!((points.len(), Arc::strong_count(&held)), (0, 1));
    }

    /// What asks, when it is dropped, how many are open: it would wait for ever if that were locked.
    #[derive(Debug, Clone)]
    struct AskingWhenDropped(Weak<PointsInTime<AskingWhenDropped>>);

    impl Drop for AskingWhenDropped {
        fn drop(&mut self) {
            let points = self.0.upgrade().expect("it lives longer");
            assert!(points.open.try_lock().is_ok(), "dropped under the lock");
        }
    }

    #[test]
    fn what_is_held_is_dropped_when_others_can_go_on() {
        let keep_alive = Span(KEEP_ALIVE);
        let config = PointsInTimeConfig { max: 9, per_user_max: 9, keep_alive };
        let (points, now) = (Arc::new(PointsInTime::new(config)), Instant::now());
        let open = |now| {
            let held = AskingWhenDropped(Arc::downgrade(&points));
            points.open("ada", held, now).expect("room").keep()
        };
        open(now);
        let handle = open(now + KEEP_ALIVE);
        assert!(points.renew(handle, now + KEEP_ALIVE).is_some());
        assert_eq!(points.len(), 1, "the first one has expired");
        points.close(handle);
        open(now);
        points.close_expired(now + KEEP_ALIVE);
        open(now);
        open(now + KEEP_ALIVE);
        points.close_all();
        assert_eq!(points.len(), 0);
    }

    #[test]
    fn one_ends_also_when_somebody_asks_for_ever() {
        let (points, mut now) = (points(), Instant::now());
        let handle = points.open("ada", Arc::default(), now).expect("room").keep();
        let end = now + LIFETIME_MAX;
        while now < end {
            assert!(points.renew(handle, now).is_some());
            now += KEEP_ALIVE / 2;
        }
        assert!(points.renew(handle, now).is_none());
    }
}
