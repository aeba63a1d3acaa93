//! The place of one sender in the line of its shop: taken before a block, kept across pauses, and given back.
//!
//! A sender reads block after block, and does other things meanwhile. So what it waits with is kept here, and not in a
//! future that it may drop. Knows no door and no memory, and reads nothing.

use std::pin::Pin;

use super::{Leave, Turnstile};

/// The way of one sender past the turnstile of its shop. Dropping it gives back what it holds.
pub(crate) struct Passage {
    /// None if the shop has no quota.
    turnstile: Option<Turnstile>,
    /// Its place in line, which it keeps whatever else happens meanwhile.
    place: Option<Waiting>,
    /// Leave to read once; whoever has it stands in line no more.
    leave: Option<Leave>,
    has_waited: bool,
}

type Waiting = Pin<Box<dyn Future<Output = Leave> + Send>>;

impl Passage {
    /// Past this turnstile, if the shop has a quota.
    pub(crate) fn new(turnstile: Option<Turnstile>) -> Self {
        Self { turnstile, place: None, leave: None, has_waited: false }
    }

    /// Whether its shop has a quota.
    pub(crate) fn is_limited(&self) -> bool {
        self.turnstile.is_some()
    }

    /// Whether it stands in line.
    pub(crate) fn waits(&self) -> bool {
        self.place.is_some()
    }

    /// Whether it had to wait for the leave that it asked for last.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited
    }

    /// Whether it may read about so many bytes now; else it stands in line from here on.
    pub(crate) fn may_read(&mut self, bytes: usize) -> bool {
        let Some(turnstile) = &self.turnstile else { return true };
        if self.leave.is_none() && self.place.is_none() {
            self.leave = turnstile.try_pass(bytes);
            self.has_waited = self.leave.is_none();
            if self.has_waited {
                let turnstile = turnstile.clone();
                self.place = Some(Box::pin(async move { turnstile.pass(bytes).await }));
            }
        }
        self.leave.is_some()
    }

    /// Waits until it is through, if it stands in line. Dropping the future loses nothing.
    pub(crate) async fn pass(&mut self) {
        if let Some(place) = &mut self.place {
            self.leave = Some(place.await);
            self.place = None;
        }
    }

    /// So many bytes were read, and the leave is used up: what it was for beyond them is given back.
    pub(crate) fn keep(&mut self, bytes: u64) {
        if let Some(leave) = self.leave.take() {
            leave.keep(bytes);
        }
    }

    /// Gives its place, or its leave, to others: it is not going to read.
    pub(crate) fn give_back(&mut self) {
        (self.place, self.leave) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use std::iter;
    use std::time::Duration;

    use bytestring::ByteString;
    use service::{Context, Span};
    use tokio::time::{sleep, timeout};

    use super::Passage;
    use crate::config::Config;
    use crate::quota::{Leave, Quotas, Turnstile};

    const SECOND: Duration = Duration::from_secs(1);
    /// A block that is read, of a hundred events.
    const BLOCK_BYTES: usize = 51_200;

    /// The turnstile of a shop that may send a hundred events a second, as many at once, and has sent so many.
    fn turnstile(sent_events: u64) -> Turnstile {
        let mut config = Config::default();
        config.quota.events_per_second = Some(100);
        config.quota.burst = Some(Span::from_secs(1));
        let quotas = Quotas::new(&config, &Context::default());
        let shop = ByteString::from_static("north");
        quotas.charge(&shop, sent_events, sent_events * 512);
        quotas.turnstile(&shop).unwrap()
    }

    fn passages<const N: usize>(turnstile: &Turnstile) -> [Passage; N] {
        [(); N].map(|()| Passage::new(Some(turnstile.clone())))
    }

    /// Has it come into the line, where it is not looked at again.
    async fn stand(passage: &mut Passage) {
        assert!(!passage.may_read(BLOCK_BYTES));
        assert!(timeout(Duration::ZERO, passage.pass()).await.is_err() && passage.waits());
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_is_no_quota_nobody_waits() {
        let mut passage = Passage::new(None);
        for _ in 0..1_000 {
            assert!(passage.may_read(usize::MAX));
            timeout(SECOND, passage.pass()).await.unwrap();
            passage.keep(u64::MAX);
        }
        assert!(!passage.is_limited() && !passage.waits() && !passage.has_waited());
    }

    #[tokio::test(start_paused = true)]
    async fn leave_is_for_one_block_and_what_is_not_read_of_it_is_given_back() {
        let turnstile = turnstile(0);
        let [mut passage] = passages(&turnstile);
        assert!(passage.is_limited());
        assert!((0..100).all(|_| passage.may_read(BLOCK_BYTES)), "however often it asks");
        let others: Vec<Leave> = iter::from_fn(|| turnstile.try_pass(BLOCK_BYTES)).collect();
        assert_eq!(others.len(), 8, "nine are let in at once, and it is one of them");
        passage.keep(0);
        assert!(turnstile.try_pass(BLOCK_BYTES).is_some(), "it has read nothing");
        assert!(passage.may_read(BLOCK_BYTES) && !passage.has_waited());
        passage.keep(BLOCK_BYTES as u64);
        assert!(turnstile.try_pass(BLOCK_BYTES).is_none(), "what it read is going to be charged");
        assert!(!passage.may_read(BLOCK_BYTES) && passage.waits(), "the next block needs its own");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_in_line_is_kept_while_its_sender_does_other_things() {
        let turnstile = turnstile(300);
        let [mut first, mut second] = passages(&turnstile);
        stand(&mut first).await;
        stand(&mut second).await;
        sleep(SECOND * 3).await;
        // The debt is paid, and the first one has not looked yet.
        assert!(!second.may_read(BLOCK_BYTES), "it is not its turn");
        assert!(timeout(SECOND, second.pass()).await.is_err(), "nobody passes the first one");
        assert!(first.waits() && !first.may_read(BLOCK_BYTES), "it goes through where it stands");
        timeout(SECOND, first.pass()).await.expect("it has kept its place");
        assert!(!first.waits() && first.may_read(BLOCK_BYTES) && first.has_waited());
        timeout(SECOND, second.pass()).await.expect("then it is the turn of the second one");
        assert!(second.may_read(BLOCK_BYTES) && second.has_waited());
        first.keep(0);
        assert!(first.may_read(BLOCK_BYTES) && !first.has_waited(), "nobody is before it now");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_its_place_back_or_goes_away_holds_nobody_up() {
        let turnstile = turnstile(300);
        let [mut first, mut second, mut third] = passages(&turnstile);
        for passage in [&mut first, &mut second, &mut third] {
            stand(passage).await;
        }
        first.give_back();
        assert!(!first.waits());
        drop(second);
        timeout(SECOND * 4, third.pass()).await.expect("nobody is before it");
        // Nor does leave that is not going to be used.
        third.give_back();
        assert!(third.may_read(BLOCK_BYTES) && !third.has_waited());
        assert!(turnstile.try_pass(BLOCK_BYTES).is_none(), "more than that is not earned yet");
        drop(third);
        assert!(turnstile.try_pass(BLOCK_BYTES).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_given_its_place_back_may_stand_in_line_again() {
        let turnstile = turnstile(300);
        let [mut first, mut second] = passages(&turnstile);
        stand(&mut first).await;
        first.give_back();
        stand(&mut second).await;
        stand(&mut first).await;
        sleep(SECOND * 3).await;
        assert!(timeout(SECOND, first.pass()).await.is_err(), "it is the last one now");
        timeout(SECOND, second.pass()).await.expect("it is the first one");
        timeout(SECOND, first.pass()).await.expect("nobody is before it");
    }
}
