//! Room that shops get in turn: when some becomes free, it is the turn of the shop that waits longest, not of
//! the one that has most who wait.
//!
//! Knows not what the room is for.

mod turns;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytestring::ByteString;
use service::{ByteBudget, HeldBytes};
use tokio::sync::oneshot;

use turns::Turns;

/// A budget that is given out in turns. Nobody else may take from it.
#[derive(Debug)]
pub(crate) struct FairBudget {
    all: ByteBudget,
    turns: Mutex<Turns<oneshot::Sender<Room>>>,
}

/// Room that is held until this is dropped.
pub(crate) struct Room {
    held: Option<HeldBytes>,
    budget: Arc<FairBudget>,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("held", &self.held).finish_non_exhaustive()
    }
}

impl FairBudget {
    /// Gives out a budget, in its turn about so much to each shop.
    pub(crate) fn new(all: ByteBudget, turn_bytes: u64) -> Arc<Self> {
        Arc::new(Self { all, turns: Mutex::new(Turns::new(turn_bytes)) })
    }

    fn turns(&self) -> MutexGuard<'_, Turns<oneshot::Sender<Room>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(self: &Arc<Self>, held: HeldBytes) -> Room {
        Room { held: Some(held), budget: Arc::clone(self) }
    }

    /// Waits for room for a shop, which is not more than all. Dropping the future gives its place up.
    pub(crate) async fn acquire(self: &Arc<Self>, shop: &ByteString, bytes: u64) -> Room {
        let served = {
            let mut turns = self.turns();
            if turns.is_empty()
                && let Ok(held) = self.all.try_acquire(bytes)
            {
                return self.room(held);
            }
            let (waiter, served) = oneshot::channel();
            turns.push(shop, bytes, waiter);
            served
        };
        served.await.expect("who waits is served, or waits as long as the budget is there")
    }

    /// Gives what is free to those whose turn it is.
    fn serve(self: &Arc<Self>) {
        loop {
            let mut is_given_back = false;
            for (waiter, room) in self.next_ones() {
                // Who is gone needs none: it is the next one's.
                if let Err(mut room) = waiter.send(room) {
                    drop(room.held.take());
                    is_given_back = true;
                }
            }
            if !is_given_back {
                return;
            }
        }
    }

    /// Takes room for all whose turn it is and for whom there is some.
    fn next_ones(self: &Arc<Self>) -> Vec<(oneshot::Sender<Room>, Room)> {
        let mut next_ones = Vec::new();
        let mut turns = self.turns();
        while let Some(bytes) = turns.next_amount() {
            let Ok(held) = self.all.try_acquire(bytes) else { break };
            let Some(waiter) = turns.serve() else { break };
            next_ones.push((waiter, self.room(held)));
        }
        next_ones
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        drop(held);
        self.budget.serve();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use bytestring::ByteString;
    use service::{ByteBudget, ByteSize};
    use tokio::task::{JoinSet, yield_now};
    use tokio::time::timeout;

    use super::{FairBudget, Room};

    type Waiting<'f> = Pin<Box<dyn Future<Output = Room> + 'f>>;

    fn shop(name: &'static str) -> ByteString {
        ByteString::from_static(name)
    }

    fn budget() -> Arc<FairBudget> {
        FairBudget::new(ByteBudget::new(ByteSize(1_024)), 1_024)
    }

    fn ready(waiting: &mut Waiting<'_>) -> Option<Room> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(room) => Some(room),
            Poll::Pending => None,
        }
    }

    /// Somebody who is in the queue.
    fn wait<'f>(budget: &'f Arc<FairBudget>, shop: &'f ByteString, bytes: u64) -> Waiting<'f> {
        let mut waiting: Waiting<'f> = Box::pin(budget.acquire(shop, bytes));
        assert!(ready(&mut waiting).is_none(), "there is no room");
        waiting
    }

    #[tokio::test]
    async fn what_becomes_free_goes_to_the_shop_whose_turn_it_is() {
        let (budget, large, small) = (budget(), shop("large"), shop("small"));
        let all = budget.acquire(&large, 1_024).await;
        let mut many = [0; 3].map(|_| wait(&budget, &large, 512));
        let mut one = wait(&budget, &small, 256);
        drop(all);
        let [first, second, third] = many.each_mut().map(ready);
        assert!(first.is_some() && second.is_some(), "they were first, and it is their turn");
        assert!(third.is_none() && ready(&mut one).is_none(), "there is no more");
        drop(first);
        assert!(
            ready(&mut one).is_some(),
            "the third of the other shop came before, and has no turn"
        );
        assert!(ready(&mut many[2]).is_some(), "what was given back is the next one's");
        drop(second);
        assert_eq!(budget.all.held(), ByteSize(0));
    }

    #[tokio::test]
    async fn those_who_go_away_take_nothing_along() {
        let (budget, one, other, third) = (budget(), shop("one"), shop("other"), shop("third"));
        let all = budget.acquire(&one, 1_024).await;
        let gone = wait(&budget, &one, 1_024);
        let served = wait(&budget, &other, 1_024);
        let mut last = wait(&budget, &third, 1_024);
        drop(gone);
        drop(all);
        assert!(ready(&mut last).is_none(), "the one before has all, and has not looked yet");
        drop(served);
        assert!(ready(&mut last).is_some());
        assert_eq!(budget.all.held(), ByteSize(0));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nobody_is_forgotten_among_many_who_come_and_go() {
        let budget = budget();
        let mut tasks = JoinSet::new();
        for task in 0..64_u64 {
            let budget = Arc::clone(&budget);
            tasks.spawn(async move {
                let shop = ByteString::from(format!("shop-{}", task % 5));
                for round in 0..200 {
                    let acquire = budget.acquire(&shop, 256 * (1 + (task + round) % 4));
                    if round % 3 == 0 {
                        // It does not wait, or only until it is served.
                        drop(timeout(Duration::ZERO, acquire).await);
                    } else {
                        let _room = acquire.await;
                        yield_now().await;
                    }
                }
            });
        }
        let all = timeout(Duration::from_secs(20), tasks.join_all());
        all.await.expect("all are served");
        assert_eq!(budget.all.held(), ByteSize(0));
        assert!(budget.turns().is_empty());
    }
}
