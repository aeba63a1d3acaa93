//! The past of one key: its transactions by event time, each with the record's id and the decision, so
//! that a record that comes again changes nothing and gets the same answer.
//!
//! A ring holds at most [`ENTRIES_MAX`] transactions; older ones are let go, and only what was decided
//! about the last [`DECISIONS_MAX`] of them is kept. It never looks at a clock.

use std::collections::VecDeque;

use bus::RecordId;
use smallvec::SmallVec;

use crate::amount::Amount;
use crate::rule::{Decision, Reason, Rule};
use crate::transaction::Transaction;

/// Transactions that a ring holds.
pub const ENTRIES_MAX: usize = 256;
/// Decisions that a ring keeps of transactions that it has let go: two batches of the runner (1,024
/// records each, unless `bus.log.batch_records` is raised), so that a batch that comes again after a kill
/// gets the scores that it had, although all of it is of one customer and another partition's batch
/// came between.
pub const DECISIONS_MAX: usize = 2 * 1_024;

/// The form in which rings are stored.
const VERSION: u8 = 2;
/// The form before, without the decisions of what was let go.
const VERSION_ENTRIES_ONLY: u8 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    timestamp_ms: i64,
    id: RecordId,
    amount: Option<Amount>,
    currency: SmallVec<[u8; 8]>,
    decision: Decision,
}

/// The transactions of a customer or an address, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ring {
    entries: Vec<Entry>,
    /// What was decided about transactions that were let go, in the order in which they were.
    let_go: VecDeque<(RecordId, Decision)>,
}

/// Bytes that are no ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored state is damaged at byte {0}")]
pub struct DamagedState(usize);

impl Ring {
    /// What was decided about this record, if the ring knows it.
    #[must_use]
    pub fn decision_of(&self, id: &RecordId) -> Option<&Decision> {
        let held = self.entries.iter().find(|entry| entry.id == *id).map(|entry| &entry.decision);
        held.or_else(|| self.let_go.iter().find(|(other, _)| other == id).map(|(_, kept)| kept))
    }

    /// Takes a transaction in at its event time; false, and nothing happens, if the ring knows it.
    pub fn insert(&mut self, transaction: &Transaction, decision: &Decision) -> bool {
        if self.decision_of(&transaction.id).is_some() {
            return false;
        }
        let order = |entry: &Entry| (entry.timestamp_ms, entry.id);
        let place = (transaction.timestamp_ms, transaction.id);
        let at = self.entries.partition_point(|entry| order(entry) < place);
        let currency = transaction.currency.as_bytes();
        let entry = Entry {
            timestamp_ms: transaction.timestamp_ms,
            id: transaction.id,
            amount: transaction.amount,
            currency: currency[..currency.len().min(8)].into(),
            decision: decision.clone(),
        };
        self.entries.insert(at, entry);
        let surplus = self.entries.len().saturating_sub(ENTRIES_MAX);
        self.let_go.extend(self.entries.drain(..surplus).map(|entry| (entry.id, entry.decision)));
        let forgotten = self.let_go.len().saturating_sub(DECISIONS_MAX);
        self.let_go.drain(..forgotten);
        true
    }

    /// How many transactions happened after `from_ms` and not after `until_ms`.
    #[must_use]
    pub fn count_between(&self, from_ms: i64, until_ms: i64) -> u64 {
        let first = self.entries.partition_point(|entry| entry.timestamp_ms <= from_ms);
        let after = self.entries.partition_point(|entry| entry.timestamp_ms <= until_ms);
        after.saturating_sub(first) as u64
    }

    /// Positive amounts in this currency that were paid not after `until_ms`.
    #[must_use]
    pub fn amounts_before(&self, until_ms: i64, currency: &str) -> Vec<i64> {
        let currency = &currency.as_bytes()[..currency.len().min(8)];
        self.entries
            .iter()
            .take_while(|entry| entry.timestamp_ms <= until_ms)
            .filter(|entry| entry.currency.as_slice() == currency)
            .filter_map(|entry| entry.amount.map(|amount| amount.0))
            .filter(|amount| *amount > 0)
            .collect()
    }

    /// The stored form: a version, how many decisions of what was let go, these, then each entry;
    /// integers are little-endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(3 + self.entries.len() * 48 + self.let_go.len() * 24);
        out.push(VERSION);
        out.extend_from_slice(&(self.let_go.len() as u16).to_le_bytes());
        for (id, decision) in &self.let_go {
            out.extend_from_slice(&id.0);
            encode_decision(decision, &mut out);
        }
        for entry in &self.entries {
            out.extend_from_slice(&entry.id.0);
            out.extend_from_slice(&entry.timestamp_ms.to_le_bytes());
            out.extend_from_slice(&entry.amount.map_or(i64::MIN, |amount| amount.0).to_le_bytes());
            out.push(entry.currency.len() as u8);
            out.extend_from_slice(&entry.currency);
            encode_decision(&entry.decision, &mut out);
        }
        out
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`DamagedState`] with the byte at which it cannot be understood.
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedState> {
        let mut reader = Reader { bytes, at: 0 };
        let mut let_go = VecDeque::new();
        match reader.byte()? {
            VERSION => {
                for _ in 0..u16::from_le_bytes(reader.take()?) {
                    let_go.push_back((RecordId(reader.take()?), reader.decision()?));
                }
            }
            VERSION_ENTRIES_ONLY => {}
            _ => return Err(DamagedState(0)),
        }
        let mut entries = Vec::with_capacity(bytes.len() / 37);
        while reader.at < bytes.len() {
            entries.push(reader.entry()?);
        }
        Ok(Self { entries, let_go })
    }
}

fn encode_decision(decision: &Decision, out: &mut Vec<u8>) {
    out.extend_from_slice(&decision.score.to_le_bytes());
    out.push(decision.reasons.len() as u8);
    for reason in &decision.reasons {
        out.push(reason.rule as u8);
        out.extend_from_slice(&reason.value.0.to_le_bytes());
        out.extend_from_slice(&reason.threshold.0.to_le_bytes());
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DamagedState> {
        let found = self.bytes.get(self.at..self.at + N).and_then(|part| part.try_into().ok());
        let part = found.ok_or(DamagedState(self.at))?;
        self.at += N;
        Ok(part)
    }

    fn byte(&mut self) -> Result<u8, DamagedState> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn integer(&mut self) -> Result<i64, DamagedState> {
        self.take().map(i64::from_le_bytes)
    }

    fn entry(&mut self) -> Result<Entry, DamagedState> {
        let id = RecordId(self.take()?);
        let timestamp_ms = self.integer()?;
        let amount = Some(self.integer()?).filter(|amount| *amount != i64::MIN).map(Amount);
        let mut currency = SmallVec::new();
        for _ in 0..self.byte()? {
            currency.push(self.byte()?);
        }
        Ok(Entry { timestamp_ms, id, amount, currency, decision: self.decision()? })
    }

    fn decision(&mut self) -> Result<Decision, DamagedState> {
        let score = u16::from_le_bytes(self.take()?);
        let mut reasons = Vec::new();
        for _ in 0..self.byte()? {
            let start = self.at;
            reasons.push(Reason {
                rule: Rule::from_number(self.byte()?).ok_or(DamagedState(start))?,
                value: Amount(self.integer()?),
                threshold: Amount(self.integer()?),
            });
        }
        Ok(Decision { score, reasons })
    }
}

#[cfg(test)]
mod tests;
