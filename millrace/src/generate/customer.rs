//! The people of a made-up shop: an address, a browser, a session each.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, seq::IndexedRandom};

use super::catalog::{COUNTRIES, NETWORKS, NETWORKS_V6, USER_AGENTS};

/// Somebody who visits the shop again and again.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) address: String,
    pub(super) user_agent: &'static str,
    pub(super) country: &'static str,
    pub(super) currency: &'static str,
    /// `None` for guests.
    pub(super) user_id: Option<String>,
    pub(super) session_id: String,
    pub(super) device_id: String,
}

impl Customer {
    pub(super) fn make(random: &mut ChaCha8Rng, number: u32) -> Self {
        let &(country, currency) = pick(random, COUNTRIES);
        let guest = random.random_bool(0.35);
        Self {
            address: address(random),
            user_agent: weighted(random, USER_AGENTS),
            country,
            currency,
            user_id: (!guest).then(|| format!("u-{}", 100_000 + number)),
            session_id: format!("{:016x}", random.random::<u64>()),
            device_id: format!("{:08x}-{:04x}", random.random::<u32>(), random.random::<u16>()),
        }
    }
}

fn address(random: &mut ChaCha8Rng) -> String {
    if random.random_bool(0.12) {
        let network = pick(random, NETWORKS_V6);
        let (site, host) = (random.random_range(1..0xffff), random.random_range(1..0xffff));
        return format!("{network}{site:x}::{host:x}");
    }
    let network = pick(random, NETWORKS);
    format!("{network}.{}.{}", random.random_range(0..256), random.random_range(1..255))
}

/// One of these, all alike.
pub(super) fn pick<'a, T>(random: &mut ChaCha8Rng, choices: &'a [T]) -> &'a T {
    choices.choose(random).expect("every table of the catalogue has entries")
}

/// One of these, by weight.
pub(super) fn weighted<T: Copy>(random: &mut ChaCha8Rng, choices: &[(u32, T)]) -> T {
    let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
    let mut left = random.random_range(0..total);
    for &(weight, choice) in choices {
        if left < weight {
            return choice;
        }
        left -= weight;
    }
    choices[choices.len() - 1].1
}
