//! The stage: transactions of `logs.enriched` to scores of `fraud.scored`. Pure; the state comes with
//! the batch.

use std::sync::Arc;

use bus::Positioned;
use hashbrown::HashMap;
use pipeline::{Rejection, Stage, State, StateKey, Verdict};
use smallvec::smallvec;

use crate::config::ScoringConfig;
use crate::ring::Ring;
use crate::rule::Decision;
use crate::score;
use crate::transaction::{Transaction, TransactionReader};

/// Scores transactions.
#[derive(Debug)]
pub struct FraudStage {
    config: Arc<ScoringConfig>,
    reader: TransactionReader,
}

impl FraudStage {
    /// A stage with these rules and thresholds.
    #[must_use]
    pub fn new(config: Arc<ScoringConfig>) -> Self {
        Self { config, reader: TransactionReader::default() }
    }
}

impl Stage for FraudStage {
    fn keys(&mut self, batch: &[Positioned]) -> Vec<StateKey> {
        let mut keys: Vec<_> = batch
            .iter()
            .filter_map(|item| self.reader.read(&item.record).ok().flatten())
            .flat_map(|transaction| [transaction.customer_key(), transaction.address_key()])
            .flatten()
            .map(StateKey)
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn process(&mut self, batch: &[Positioned], state: &mut State) -> Vec<Verdict> {
        let mut rings = Rings::load(state);
        let verdicts = batch.iter().map(|item| self.score(item, &mut rings)).collect();
        rings.save(state);
        verdicts
    }
}

impl FraudStage {
    fn score(&mut self, item: &Positioned, rings: &mut Rings) -> Verdict {
        let transaction = match self.reader.read(&item.record) {
            Ok(Some(transaction)) => transaction,
            Ok(None) => return Verdict::Discard("not_a_transaction"),
            Err(refusal) => return Verdict::Reject(refusal.into()),
        };
        let decision = match rings.decide(&self.config, &transaction) {
            Ok(decision) => decision,
            Err(rejection) => return Verdict::Reject(rejection),
        };
        let action = self.config.action(&decision);
        Verdict::Forward(smallvec![score::record(&item.record, &transaction, &decision, action)])
    }
}

/// The rings of a batch, decoded when first asked for.
struct Rings {
    slots: HashMap<String, usize>,
    stored: Vec<Option<bytes::Bytes>>,
    rings: Vec<Option<Ring>>,
    changed: Vec<bool>,
}

impl Rings {
    fn load(state: &State) -> Self {
        let slots =
            state.keys.iter().enumerate().map(|(slot, key)| (key.0.clone(), slot)).collect();
        let count = state.keys.len();
        let (rings, changed) = (vec![None; count], vec![false; count]);
        Self { slots, stored: state.values.clone(), rings, changed }
    }

    /// The slot of a key with its ring decoded; `None` for an absent key or one without a slot.
    fn open(&mut self, key: Option<String>) -> Result<Option<usize>, Rejection> {
        let Some(slot) = key.and_then(|key| self.slots.get(&key).copied()) else {
            return Ok(None);
        };
        if self.rings[slot].is_none() {
            let ring = match &self.stored[slot] {
                None => Ring::default(),
                Some(bytes) => Ring::decode(bytes).map_err(|error| Rejection {
                    kind: "damaged_state".into(),
                    message: error.to_string(),
                    position_bytes: None,
                })?,
            };
            self.rings[slot] = Some(ring);
        }
        Ok(Some(slot))
    }

    /// The decision that a ring remembers for this record, else a new one that both rings take.
    fn decide(
        &mut self,
        config: &ScoringConfig,
        transaction: &Transaction,
    ) -> Result<Decision, Rejection> {
        let customer = self.open(transaction.customer_key())?;
        let address = self.open(transaction.address_key())?;
        let ring = |slot: Option<usize>| slot.and_then(|slot| self.rings[slot].as_ref());
        let known = [customer, address]
            .into_iter()
            .find_map(|slot| ring(slot).and_then(|ring| ring.decision_of(&transaction.id)));
        let decision = match known {
            Some(decision) => decision.clone(),
            None => config.rules.decide(transaction, ring(customer), ring(address)),
        };
        for slot in [customer, address].into_iter().flatten() {
            if let Some(ring) = &mut self.rings[slot]
                && ring.insert(transaction, &decision)
            {
                self.changed[slot] = true;
            }
        }
        Ok(decision)
    }

    fn save(self, state: &mut State) {
        for (slot, (ring, changed)) in self.rings.into_iter().zip(self.changed).enumerate() {
            if let Some(ring) = ring.filter(|_| changed) {
                state.set(slot, ring.encode().into());
            }
        }
    }
}
