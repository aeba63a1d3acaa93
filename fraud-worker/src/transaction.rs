//! What the worker reads of a transaction's document. Anything else of the document is not its concern.

use bus::{Record, RecordId};
use bytes::Bytes;
use event::{Event, FieldPath, Kind, Limits, NodeId};
use sha2::{Digest, Sha256};

use crate::amount::Amount;

/// The log type that is scored.
const TRANSACTION: &str = "transaction";

/// The names under which the schema keeps a transaction's amount that is none.
const AMOUNT_NAMES: [&str; 2] = ["amount", "shop.order.amount"];

/// Longest id that a state key holds as it is.
const KEY_ID_BYTES_MAX: usize = 128;

/// A transaction as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The record's identity.
    pub id: RecordId,
    /// Tenant.
    pub shop: String,
    /// When it happened, milliseconds since 1970 UTC.
    pub timestamp_ms: i64,
    /// The amount for the rules, where it is a number.
    pub amount: Option<Amount>,
    /// Whether an amount was sent that is none.
    pub amount_is_unreadable: bool,
    /// The amount with all its decimals as a number of JSON, where the document holds one.
    pub amount_text: Option<String>,
    /// Its currency, or empty.
    pub currency: String,
    /// User id, if the customer is known.
    pub user: Option<String>,
    /// Session.
    pub session: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// The order.
    pub order: Option<String>,
}

impl Transaction {
    /// The state key of the customer: the user, else the session. A long id, which a document store
    /// would refuse as a key, stands there by its digest.
    #[must_use]
    pub fn customer_key(&self) -> Option<String> {
        let key = |kind: &str, id: &String| match id.len() {
            0..=KEY_ID_BYTES_MAX => format!("customer\0{}\0{kind}\0{id}", self.shop),
            _ => format!("customer\0{}\0{kind}-digest\0{:032x}", self.shop, digest(id)),
        };
        let user = self.user.as_ref().map(|user| key("user", user));
        user.or_else(|| self.session.as_ref().map(|session| key("session", session)))
    }

    /// The state key of the client's address.
    #[must_use]
    pub fn address_key(&self) -> Option<String> {
        self.address.as_ref().map(|address| format!("address\0{}\0{address}", self.shop))
    }
}

fn names_amount(event: &Event, object: NodeId) -> bool {
    AMOUNT_NAMES.iter().any(|name| event.child(object, name).is_some())
}

/// The first half of the SHA-256.
fn digest(id: &str) -> u128 {
    Sha256::digest(id).first_chunk().copied().map_or(0, u128::from_be_bytes)
}

/// Reads transactions out of records; one is used again and again.
#[derive(Debug)]
pub struct TransactionReader {
    event: Event,
    /// What stands as text in `overflow`.
    beyond: Event,
    limits: Limits,
    dataset: FieldPath,
    amount: FieldPath,
    unparsed: FieldPath,
    overflow: FieldPath,
    currency: FieldPath,
    user: FieldPath,
    session: FieldPath,
    address: FieldPath,
    order: FieldPath,
}

impl Default for TransactionReader {
    fn default() -> Self {
        Self {
            event: Event::new(),
            beyond: Event::new(),
            limits: Limits::documents(),
            dataset: FieldPath::dotted("event.dataset"),
            amount: FieldPath::dotted("shop.order.amount"),
            unparsed: FieldPath::dotted("shop.unparsed"),
            overflow: FieldPath::dotted("shop.overflow"),
            currency: FieldPath::dotted("shop.order.currency"),
            user: FieldPath::dotted("user.id"),
            session: FieldPath::dotted("shop.session.id"),
            address: FieldPath::dotted("client.ip"),
            order: FieldPath::dotted("shop.order.id"),
        }
    }
}

impl TransactionReader {
    /// Reads a record of `logs.enriched`; `None` for every other log type.
    ///
    /// # Errors
    /// The record is not a document.
    pub fn read(&mut self, record: &Record) -> Result<Option<Transaction>, event::Refusal> {
        // Most records are of other types and need not be decoded.
        if memchr::memmem::find(&record.payload, b"\"transaction\"").is_none() {
            return Ok(None);
        }
        self.event.decode_json(&record.payload, record.received_at_ns, &self.limits)?;
        if self.text(&self.dataset).as_deref() != Some(TRANSACTION) {
            return Ok(None);
        }
        let amount = self.text(&self.amount).as_deref().and_then(Amount::parse);
        let is_number = |id: &NodeId| self.event.kind(*id) == Kind::Number;
        let number = self.event.get(&self.amount).filter(is_number).and(amount);
        let amount_is_unreadable = amount.is_none()
            && (self.event.get(&self.amount).is_some()
                || self.has_unparsed_amount()
                || self.has_overflown_amount());
        Ok(Some(Transaction {
            id: record.id,
            shop: record.shop.to_string(),
            timestamp_ms: self.event.timestamp_ns.div_euclid(1_000_000),
            amount,
            amount_is_unreadable,
            amount_text: number.and_then(|_| self.text(&self.amount)),
            currency: self.text(&self.currency).unwrap_or_default(),
            user: self.text(&self.user),
            session: self.text(&self.session),
            address: self.text(&self.address),
            order: self.text(&self.order),
        }))
    }

    /// Whether the schema kept an amount that it could not convert, under the name that it came with.
    fn has_unparsed_amount(&self) -> bool {
        let Some(unparsed) = self.event.get(&self.unparsed) else { return false };
        names_amount(&self.event, unparsed)
    }

    /// Whether such an amount stands in the text of what was too much for the document: whoever sends
    /// enough beside it must not escape.
    fn has_overflown_amount(&mut self) -> bool {
        let Some(text) = self.text(&self.overflow) else { return false };
        let (text, received_at_ns) = (Bytes::from(text), self.event.timestamp_ns);
        let decoded = self.beyond.decode_json(&text, received_at_ns, &self.limits);
        decoded.is_ok() && names_amount(&self.beyond, self.beyond.root())
    }

    fn text(&self, path: &FieldPath) -> Option<String> {
        let found = self.event.get(path)?;
        self.event.scalar_text(found).filter(|text| !text.is_empty()).map(|text| text.into_owned())
    }
}
