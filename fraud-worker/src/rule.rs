//! The rules: what fires, with which weight, and why. Rules know the past of a customer and an address
//! only as windows and read nothing else.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::ring::Ring;
use crate::transaction::Transaction;

const HOUR_MS: i64 = 3_600_000;

/// A rule's identity. The number is stored with decisions and is never given to another rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rule {
    /// The amount is above the cap of its currency.
    AmountAbsolute = 1,
    /// The amount is far above what the customer usually pays.
    AmountRatio = 2,
    /// The customer pays often in a short time.
    CustomerVelocity = 3,
    /// The address pays often in a short time.
    AddressVelocity = 4,
    /// The amount that was sent is no amount, so that no rule could look at it.
    AmountUnreadable = 5,
}

impl Rule {
    /// All rules.
    pub const ALL: [Rule; 5] = [
        Rule::AmountAbsolute,
        Rule::AmountRatio,
        Rule::CustomerVelocity,
        Rule::AddressVelocity,
        Rule::AmountUnreadable,
    ];

    /// The rule with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| *rule as u8 == number)
    }

    /// Name in documents: `rule.id`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rule::AmountAbsolute => "amount_absolute",
            Rule::AmountRatio => "amount_ratio",
            Rule::CustomerVelocity => "customer_velocity",
            Rule::AddressVelocity => "address_velocity",
            Rule::AmountUnreadable => "amount_unreadable",
        }
    }

    /// Whether it compares a value with a threshold.
    #[must_use]
    pub fn measures(self) -> bool {
        self != Rule::AmountUnreadable
    }

    /// What it says, for a person.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Rule::AmountAbsolute => "the amount is above the cap of its currency",
            Rule::AmountRatio => "the amount is far above the customer's usual one",
            Rule::CustomerVelocity => "the customer pays very often in an hour",
            Rule::AddressVelocity => "the address pays very often in an hour",
            Rule::AmountUnreadable => "the amount could not be read",
        }
    }
}

/// Why a rule fired: its value and the threshold that it passed, in ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which rule.
    pub rule: Rule,
    /// What was measured.
    pub value: Amount,
    /// What it must not pass.
    pub threshold: Amount,
}

/// What a transaction was found to be. Kept with the record's id, so that a replay says the same.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Decision {
    /// 0 to 1000.
    pub score: u16,
    /// The rules that fired, heaviest first.
    pub reasons: Vec<Reason>,
}

/// An amount in the configuration, written as text: `"1000.00"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AmountSetting(pub Amount);

impl TryFrom<String> for AmountSetting {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Amount::parse(&text)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not an amount, as \"1000.00\""))
    }
}

impl From<AmountSetting> for String {
    fn from(setting: AmountSetting) -> Self {
        setting.0.to_string()
    }
}

/// Thresholds and weights of the rules. A weight is the score, 0 to 1000, that a rule gives alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// Cap of an amount in a currency that `amount_caps` does not name.
    pub amount_cap: AmountSetting,
    /// Caps by currency.
    pub amount_caps: std::collections::BTreeMap<String, AmountSetting>,
    /// Weight of an amount above its cap.
    pub amount_absolute_weight: u16,
    /// How many times the robust mean of the customer's own past amounts is too much.
    pub amount_ratio_max: AmountSetting,
    /// Past amounts in the same currency that the ratio needs.
    pub amount_ratio_history_min: u32,
    /// Weight of a ratio that is too high.
    pub amount_ratio_weight: u16,
    /// Transactions of a customer in one hour that are still usual.
    pub customer_transactions_per_hour_max: u32,
    /// Weight of a customer who pays more often.
    pub customer_velocity_weight: u16,
    /// Transactions of an address in one hour that are still usual.
    pub address_transactions_per_hour_max: u32,
    /// Weight of an address that pays more often.
    pub address_velocity_weight: u16,
    /// Weight of an amount that could not be read; whatever it is, a person should look.
    pub amount_unreadable_weight: u16,
}

impl Default for RulesConfig {
    fn default() -> Self {
        let amount = |units: i64| AmountSetting(Amount(units * 10_000));
        Self {
            amount_cap: amount(1_000),
            amount_caps: [("JPY".to_owned(), amount(150_000))].into(),
            amount_absolute_weight: 700,
            amount_ratio_max: AmountSetting(Amount(32_000)),
            amount_ratio_history_min: 3,
            amount_ratio_weight: 600,
            customer_transactions_per_hour_max: 10,
            customer_velocity_weight: 650,
            address_transactions_per_hour_max: 30,
            address_velocity_weight: 550,
            amount_unreadable_weight: 500,
        }
    }
}

impl RulesConfig {
    /// Decides on a transaction from the past of its customer and its address. The heaviest rule that
    /// fires gives the score.
    #[must_use]
    pub fn decide(
        &self,
        transaction: &Transaction,
        customer: Option<&Ring>,
        address: Option<&Ring>,
    ) -> Decision {
        let mut fired: Vec<(u16, Reason)> = Vec::new();
        let mut fire = |weight, reason: Option<Reason>| {
            fired.extend(reason.map(|reason| (weight, reason)));
        };
        fire(self.amount_absolute_weight, self.amount_absolute(transaction));
        fire(self.amount_ratio_weight, self.amount_ratio(transaction, customer));
        fire(
            self.customer_velocity_weight,
            velocity(
                Rule::CustomerVelocity,
                self.customer_transactions_per_hour_max,
                transaction,
                customer,
            ),
        );
        fire(
            self.address_velocity_weight,
            velocity(
                Rule::AddressVelocity,
                self.address_transactions_per_hour_max,
                transaction,
                address,
            ),
        );
        fire(self.amount_unreadable_weight, amount_unreadable(transaction));
        fired.sort_by_key(|(weight, reason)| (std::cmp::Reverse(*weight), reason.rule));
        Decision {
            score: fired.first().map_or(0, |(weight, _)| (*weight).min(1_000)),
            reasons: fired.into_iter().map(|(_, reason)| reason).collect(),
        }
    }

    fn amount_absolute(&self, transaction: &Transaction) -> Option<Reason> {
        let value = transaction.amount?;
        let threshold = self.amount_caps.get(&transaction.currency).unwrap_or(&self.amount_cap).0;
        (value > threshold).then_some(Reason { rule: Rule::AmountAbsolute, value, threshold })
    }

    fn amount_ratio(&self, transaction: &Transaction, customer: Option<&Ring>) -> Option<Reason> {
        let amount = transaction.amount.filter(|amount| amount.0 > 0)?;
        let past = customer?.amounts_before(transaction.timestamp_ms, &transaction.currency);
        if past.len() < (self.amount_ratio_history_min as usize).max(1) {
            return None;
        }
        let usual = robust_mean(past)?;
        let ratio = i128::from(amount.0) * 10_000 / i128::from(usual.0);
        let value = Amount(i64::try_from(ratio).unwrap_or(i64::MAX));
        let threshold = self.amount_ratio_max.0;
        (value > threshold).then_some(Reason { rule: Rule::AmountRatio, value, threshold })
    }
}

fn amount_unreadable(transaction: &Transaction) -> Option<Reason> {
    let (value, threshold) = (Amount::default(), Amount::default());
    let reason = Reason { rule: Rule::AmountUnreadable, value, threshold };
    transaction.amount_is_unreadable.then_some(reason)
}

fn velocity(
    rule: Rule,
    usual_max: u32,
    transaction: &Transaction,
    ring: Option<&Ring>,
) -> Option<Reason> {
    let from = transaction.timestamp_ms - HOUR_MS;
    // The transaction itself counts as one.
    let count = ring?.count_between(from, transaction.timestamp_ms) + 1;
    let tenths = |count: u64| Amount(i64::try_from(count * 10_000).unwrap_or(i64::MAX));
    (count > u64::from(usual_max)).then_some(Reason {
        rule,
        value: tenths(count),
        threshold: tenths(u64::from(usual_max)),
    })
}

/// Mean of the amounts below three times their median: one earlier fraud does not make the next one
/// look usual. `None` where it is not positive.
fn robust_mean(mut amounts: Vec<i64>) -> Option<Amount> {
    amounts.sort_unstable();
    let median = *amounts.get(amounts.len() / 2)?;
    let limit = i128::from(median) * 3;
    let (sum, count) = amounts
        .iter()
        .map(|amount| i128::from(*amount))
        .filter(|amount| *amount < limit)
        .fold((0, 0), |(sum, count), amount| (sum + amount, count + 1));
    let mean = if count == 0 { 0 } else { sum / count };
    i64::try_from(mean).ok().filter(|mean| *mean > 0).map(Amount)
}

#[cfg(test)]
mod tests;
