//! The points in time that a store holds open for consistent searches: how many there may be, whose they are, and
//! when they end. It reads no clock and holds whatever a store needs to show that moment again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::StoreError;

/// How long one is held in all, however often it is asked: what it holds takes room on a disk, also after retention
/// has taken the documents away.
pub(crate) const LIFETIME_MAX: Duration = Duration::from_secs(3_600);

/// What may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PointInTimeLimits {
    /// Points in time of everybody.
    pub(crate) open_max: usize,
    /// Points in time of one user.
    pub(crate) per_user_max: usize,
    /// How long one is held after each page.
    pub(crate) keep_alive: Duration,
}

/// All that are open, with what the store holds for each.
#[derive(Debug)]
pub(crate) struct PointsInTime<T> {
    limits: PointInTimeLimits,
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

impl<T: Clone> PointsInTime<T> {
    pub(crate) fn new(limits: PointInTimeLimits) -> Self {
        Self { limits, open: Mutex::default() }
    }

    pub(crate) fn keep_alive(&self) -> Duration {
        self.limits.keep_alive
    }

    /// Takes one in, and gives its handle: a random one, since a cursor may be older than this process.
    ///
    /// # Errors
    /// There are as many as may be, of this user or in all, or there may be none.
    pub(crate) fn open(&self, user: &str, held: T, now: Instant) -> Result<Uuid, StoreError> {
        let PointInTimeLimits { open_max, per_user_max, keep_alive } = self.limits;
        if open_max == 0 || per_user_max == 0 {
            let message = "consistent searches are switched off (points_in_time_max or \
                           points_in_time_per_user_max is 0): search without `consistent`";
            return Err(StoreError::Invalid(message.to_owned()));
        }
        let mut open = self.after_sweep(now);
        let of_user = open.values().filter(|one| one.user == user);
        if of_user.clone().count() >= per_user_max {
            let what = format!(
                "{per_user_max} consistent searches of {user} are open already \
                 (points_in_time_per_user_max)"
            );
            return Err(too_many(&what, of_user, now));
        }
        if open.len() >= open_max {
            let what =
                format!("{open_max} consistent searches are open already (points_in_time_max)");
            return Err(too_many(&what, open.values(), now));
        }
        let handle = Uuid::new_v4();
        let (ends, expires) = (now + LIFETIME_MAX, now + keep_alive.min(LIFETIME_MAX));
        open.insert(handle, Open { user: user.to_owned(), held, ends, expires });
        Ok(handle)
    }

    /// What is held for a handle, for another while; none if it has ended.
    pub(crate) fn renew(&self, handle: Uuid, now: Instant) -> Option<T> {
        let keep_alive = self.limits.keep_alive;
        let mut open = self.after_sweep(now);
        let one = open.get_mut(&handle)?;
        one.expires = one.ends.min(now + keep_alive);
        Some(one.held.clone())
    }

    /// Lets one go.
    pub(crate) fn close(&self, handle: Uuid) {
        // Dropped after the lock: what is held may be many files.
        let _closed = self.lock().remove(&handle);
    }

    /// Lets go what has ended, also if nobody asks for it again.
    pub(crate) fn close_expired(&self, now: Instant) {
        drop(self.after_sweep(now));
    }

    /// Lets all go.
    pub(crate) fn close_all(&self) {
        self.lock().clear();
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn after_sweep(&self, now: Instant) -> MutexGuard<'_, HashMap<Uuid, Open<T>>> {
        let mut open = self.lock();
        open.retain(|_, one| one.expires > now);
        open
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
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::{LIFETIME_MAX, PointInTimeLimits, PointsInTime};
    use crate::StoreError;

    const KEEP_ALIVE: Duration = Duration::from_secs(60);

    fn points() -> PointsInTime<Arc<()>> {
        let limits = PointInTimeLimits { open_max: 3, per_user_max: 2, keep_alive: KEEP_ALIVE };
        PointsInTime::new(limits)
    }

    #[test]
    fn there_are_limits_for_each_user_and_for_all() {
        let (points, now) = (points(), Instant::now());
        let open = |user: &str, now| points.open(user, Arc::default(), now);
        let first = open("ada", now).expect("room");
        open("ada", now + KEEP_ALIVE / 2).expect("room");
        let refused = open("ada", now + KEEP_ALIVE / 2).expect_err("no room for her");
        assert!(refused.to_string().contains("points_in_time_per_user_max"), "{refused}");
        open("bob", now).expect("room for him");
        let refused = open("eve", now + KEEP_ALIVE / 2).expect_err("no room at all");
        assert!(refused.to_string().contains("points_in_time_max"), "{refused}");
        let StoreError::TooManyPointsInTime { after, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(after, KEEP_ALIVE / 2, "until the first one expires");
        points.close(first);
        open("eve", now + KEEP_ALIVE / 2).expect("room again");
    }

    #[test]
    fn one_ends_when_nobody_asks_and_what_it_held_is_let_go() {
        let (points, now) = (points(), Instant::now());
        let held = Arc::new(());
        let handle = points.open("ada", Arc::clone(&held), now).expect("room");
        let late = KEEP_ALIVE - Duration::from_nanos(1);
        assert!(points.renew(handle, now + late).is_some());
        assert!(points.renew(handle, now + 2 * late).is_some(), "each page gives it more time");
        points.close_expired(now + 2 * late + KEEP_ALIVE);
        assert_eq!((points.len(), Arc::strong_count(&held)), (0, 1));
        assert!(points.renew(handle, now).is_none());
    }

    #[test]
    fn one_ends_also_when_somebody_asks_for_ever() {
        let (points, mut now) = (points(), Instant::now());
        let handle = points.open("ada", Arc::default(), now).expect("room");
        let end = now + LIFETIME_MAX;
        while now < end {
            assert!(points.renew(handle, now).is_some());
            now += KEEP_ALIVE / 2;
        }
        assert!(points.renew(handle, now).is_none());
    }
}
