//! The score's document: what `fraud.scored` carries and the search store keeps. It is a document of
//! its own and never replaces the event that it scores.

use bus::{Codec, Record};
use event::{Event, FieldPath};

use crate::rule::{Decision, Reason};
use crate::transaction::Transaction;

/// The score's role in the identity that is derived from the event's.
const ROLE: &str = schema::FRAUD_SCORE;

/// What a shop should do with a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing was found.
    Allow,
    /// A person should look at it.
    Review,
    /// It should not go through.
    Block,
}

impl Action {
    /// Name in documents: `event.action`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Review => "review",
            Action::Block => "block",
        }
    }
}

/// Makes the record of a score. Equal decisions on equal transactions give equal bytes.
#[must_use]
pub fn record(
    source: &Record,
    transaction: &Transaction,
    decision: &Decision,
    action: Action,
) -> Record {
    let id = source.id.derive(ROLE);
    Record {
        id,
        listener: "fraud-worker".into(),
        codec: Codec::Json,
        content_type: "application/json".into(),
        attempt: 0,
        log_type: schema::log_type_place(ROLE),
        payload: document(&id.to_string(), transaction, decision, action).into(),
        ..source.clone()
    }
}

fn document(id: &str, transaction: &Transaction, decision: &Decision, action: Action) -> Vec<u8> {
    let mut document = Document(Event::new());
    document.0.timestamp_ns = transaction.timestamp_ms.saturating_mul(1_000_000);
    document.text("ecs.version", Some(schema::ECS_VERSION));
    document.text("event.action", Some(action.name()));
    document.texts("event.category", &["threat"]);
    document.text("event.dataset", Some(ROLE));
    document.text("event.id", Some(id));
    document.text("event.kind", Some(if decision.score == 0 { "event" } else { "alert" }));
    let sentences: Vec<_> = decision.reasons.iter().map(|reason| reason.rule.sentence()).collect();
    document.text("event.reason", Some(&sentences.join("; ")));
    document.text("event.reference", Some(&transaction.id.to_string()));
    document.number("event.risk_score", &decision.score.to_string());
    let norm = format!("{}.{}", decision.score / 10, decision.score % 10);
    document.number("event.risk_score_norm", &norm);
    document.texts("event.type", &["indicator"]);
    document.text("organization.id", Some(&transaction.shop));
    document.text("user.id", transaction.user.as_deref());
    document.text("client.ip", transaction.address.as_deref());
    document.text("shop.session.id", transaction.session.as_deref());
    document.text("shop.order.id", transaction.order.as_deref());
    document.text("shop.order.currency", Some(&transaction.currency));
    let rounded = transaction.amount.map(|amount| amount.to_string());
    if let Some(text) = transaction.amount_text.as_ref().or(rounded.as_ref()) {
        document.number("shop.order.amount", text);
    }
    let names: Vec<_> = decision.reasons.iter().map(|reason| reason.rule.name()).collect();
    document.texts("rule.id", &names);
    document.reasons(&decision.reasons);
    let mut out = Vec::with_capacity(768);
    document.0.write_json(&mut out);
    out
}

/// A document that is built field by field; absent and empty values leave no field.
struct Document(Event);

impl Document {
    fn text(&mut self, field: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.set_text(&FieldPath::dotted(field), value);
        }
    }

    fn number(&mut self, field: &str, value: &str) {
        self.0.set_number(&FieldPath::dotted(field), value);
    }

    fn texts(&mut self, field: &str, values: &[&str]) {
        if values.is_empty() {
            return;
        }
        let array = self.0.new_array();
        for value in values {
            let element = self.0.new_text(value);
            self.0.push(array, element);
        }
        self.0.place(&FieldPath::dotted(field), array);
    }

    fn reasons(&mut self, reasons: &[Reason]) {
        if reasons.is_empty() {
            return;
        }
        let array = self.0.new_array();
        for reason in reasons {
            let object = self.0.new_object();
            let rule = self.0.new_text(reason.rule.name());
            self.0.attach(object, "rule", rule);
            self.0.push(array, object);
            if !reason.rule.measures() {
                continue;
            }
            let value = self.0.new_number(&reason.value.to_string());
            self.0.attach(object, "value", value);
            let threshold = self.0.new_number(&reason.threshold.to_string());
            self.0.attach(object, "threshold", threshold);
        }
        self.0.place(&FieldPath::dotted("shop.fraud.reasons"), array);
    }
}
