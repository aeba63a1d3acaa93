//! Whose turn it is: those who wait queue by shop, and shops have turns (deficit round robin).
//!
//! In its turn a shop has served what a quantum is enough for, with what it could not use of its last turn. So
//! however many of one shop wait, a shop with a single one is served after about a quantum of each other shop.
//! Within a shop the first is served first. Pure: knows neither time nor room.

use std::collections::{HashMap, VecDeque};

use bytestring::ByteString;

/// Those who wait, by shop.
#[derive(Debug)]
pub(super) struct Turns<W> {
    shops: HashMap<ByteString, Queue<W>>,
    /// The shops in the order of their turns; the first has it.
    order: VecDeque<ByteString>,
    quantum: u64,
    /// Whether the first has been given its quantum.
    has_begun: bool,
}

/// Those who wait of one shop; never empty.
#[derive(Debug)]
struct Queue<W> {
    waiting: VecDeque<(u64, W)>,
    /// What may be served of it in this turn.
    credit: u64,
}

impl<W> Turns<W> {
    /// With a quantum for each turn, at least 1.
    pub(super) fn new(quantum: u64) -> Self {
        let quantum = quantum.max(1);
        Self { shops: HashMap::new(), order: VecDeque::new(), quantum, has_begun: false }
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Somebody of a shop waits for so much.
    pub(super) fn push(&mut self, shop: &ByteString, amount: u64, waiter: W) {
        if let Some(queue) = self.shops.get_mut(shop) {
            return queue.waiting.push_back((amount, waiter));
        }
        let queue = Queue { waiting: VecDeque::from([(amount, waiter)]), credit: 0 };
        self.shops.insert(shop.clone(), queue);
        self.order.push_back(shop.clone());
    }

    /// How much the next one waits for, until somebody is served: none is passed over because there is no room
    /// for it yet.
    pub(super) fn next_amount(&mut self) -> Option<u64> {
        loop {
            let queue = self.shops.get_mut(self.order.front()?)?;
            if !self.has_begun {
                queue.credit = queue.credit.saturating_add(self.quantum);
                self.has_begun = true;
            }
            let (amount, _) = queue.waiting.front()?;
            if *amount <= queue.credit {
                return Some(*amount);
            }
            // What it has is kept for its next turn.
            self.order.rotate_left(1);
            self.has_begun = false;
        }
    }

    /// Takes the next one out, whose amount `next_amount` gives.
    pub(super) fn serve(&mut self) -> Option<W> {
        self.next_amount()?;
        let queue = self.shops.get_mut(self.order.front()?)?;
        let (amount, waiter) = queue.waiting.pop_front()?;
        queue.credit -= amount;
        if queue.waiting.is_empty() {
            // Whoever has nothing to wait for saves nothing up.
            if let Some(shop) = self.order.pop_front() {
                self.shops.remove(&shop);
            }
            self.has_begun = false;
        }
        Some(waiter)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytestring::ByteString;
    use proptest::prelude::*;

    use super::Turns;

    const QUANTUM: u64 = 100;

    fn shop(number: usize) -> ByteString {
        format!("shop-{number}").into()
    }

    /// Who waits: of which shop, which one, and for how much.
    type Waiter = (usize, usize, u64);

    fn push(turns: &mut Turns<Waiter>, waiter: Waiter) {
        turns.push(&shop(waiter.0), waiter.2, waiter);
    }

    fn served(turns: &mut Turns<Waiter>) -> Vec<(usize, usize)> {
        std::iter::from_fn(|| turns.serve()).map(|(shop, which, _)| (shop, which)).collect()
    }

    #[test]
    fn a_small_shop_is_not_behind_a_thousand_of_a_large_one() {
        let mut turns = Turns::new(QUANTUM);
        for which in 0..1_000 {
            push(&mut turns, (0, which, QUANTUM));
        }
        push(&mut turns, (1, 0, 1));
        push(&mut turns, (2, 0, 1));
        push(&mut turns, (1, 1, 1));
        let order = served(&mut turns);
        assert_eq!(order[..4], [(0, 0), (1, 0), (1, 1), (2, 0)]);
        assert_eq!(order[4..], (1..1_000).map(|which| (0, which)).collect::<Vec<_>>());
        assert!(turns.is_empty());
    }

    #[test]
    fn shops_get_as_much_whatever_the_size_of_what_they_send() {
        let mut turns = Turns::new(QUANTUM);
        for which in 0..600 {
            push(&mut turns, (0, which, 30));
            push(&mut turns, (1, which, 90));
        }
        let mut amounts = [0_u64; 2];
        for _ in 0..400 {
            let (shop, _, amount) = turns.serve().unwrap();
            amounts[shop] += amount;
        }
        assert!(amounts[0].abs_diff(amounts[1]) <= 2 * QUANTUM, "{amounts:?}");
    }

    #[test]
    fn what_is_larger_than_a_quantum_is_served_after_some_turns() {
        let mut turns = Turns::new(QUANTUM);
        push(&mut turns, (0, 0, QUANTUM * 10));
        for which in 0..20 {
            push(&mut turns, (1, which, QUANTUM));
        }
        let order = served(&mut turns);
        assert_eq!(order.iter().position(|waiter| waiter.0 == 0), Some(9));
    }

    #[test]
    fn the_next_one_stays_the_next_one_while_there_is_no_room_for_it() {
        let mut turns = Turns::new(QUANTUM);
        assert_eq!(turns.next_amount(), None);
        push(&mut turns, (0, 0, 80));
        assert_eq!((turns.next_amount(), turns.next_amount()), (Some(80), Some(80)));
        push(&mut turns, (1, 0, 1));
        assert_eq!(turns.next_amount(), Some(80), "nobody overtakes by being small");
        assert_eq!(served(&mut turns), [(0, 0), (1, 0)]);
    }

    proptest! {
        /// Whoever comes and goes: all are served once, each shop's in their order; and from when a shop
        /// waits until it is served no other has more than it could have in two turns.
        #[test]
        fn nobody_is_lost_overtaken_by_his_own_or_kept_waiting(
            steps in prop::collection::vec((0_usize..5, 0_u64..=QUANTUM, 0_usize..3), 1..300),
        ) {
            let mut turns = Turns::new(QUANTUM);
            let mut pushed: BTreeMap<usize, usize> = BTreeMap::new();
            let mut done: BTreeMap<usize, usize> = BTreeMap::new();
            // What others were served since a shop's first one waits.
            let mut meanwhile: BTreeMap<usize, BTreeMap<usize, u64>> = BTreeMap::new();
            let mut after_all = false;
            let mut steps = steps.into_iter();
            loop {
                let serves = match steps.next() {
                    Some((number, amount, serves)) => {
                        let which = pushed.entry(number).or_default();
                        push(&mut turns, (number, *which, amount));
                        *which += 1;
                        meanwhile.entry(number).or_default();
                        serves
                    }
                    None if after_all => break,
                    None => {
                        after_all = true;
                        usize::MAX
                    }
                };
                for _ in 0..serves {
                    let expected = turns.next_amount();
                    let Some((number, which, amount)) = turns.serve() else { break };
                    prop_assert_eq!(Some(amount), expected);
                    let next = done.entry(number).or_default();
                    prop_assert_eq!(which, *next, "a shop's own are served in their order");
                    *next += 1;
                    let waited = meanwhile.remove(&number).unwrap_or_default();
                    prop_assert!(waited.values().all(|served| *served <= 2 * QUANTUM), "{:?}", waited);
                    if pushed[&number] > *next {
                        meanwhile.insert(number, BTreeMap::new());
                    }
                    for (other, served) in &mut meanwhile {
                        if *other != number {
                            *served.entry(number).or_default() += amount;
                        }
                    }
                }
            }
            prop_assert!(turns.is_empty());
            prop_assert_eq!(pushed, done);
        }
    }
}
