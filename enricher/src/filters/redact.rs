//! `redact`: card numbers, e-mail addresses and secrets do not leave the enricher in clear.
//!
//! Card numbers keep their first six and last four digits, e-mail addresses their domain; a value
//! under the name of a secret is replaced as a whole, and so is what stands behind such a name and `=` or
//! `:` in a text. It looks at every value of the event, whatever its name, and never at what other events
//! held.

mod assignment;
mod email;
mod secret;
mod signs;

use std::sync::Arc;

use event::{Event, Kind, NodeId, Swept};
use redaction::card;
use schema::{FieldKind, Schema};
use signs::{Places, Signs};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// What is looked for; each can be switched off by the option of its name.
#[derive(Clone, Copy, Debug)]
struct Redact {
    cards: bool,
    emails: bool,
    secrets: bool,
}

/// The names of an event that were masked.
#[derive(Debug, Default)]
struct Names {
    masked: usize,
    /// Numbers go on from the sender's own, which are looked for when the first is needed.
    last_number: Option<usize>,
}

const ALL: Redact = Redact { cards: true, emails: true, secrets: true };

filter_options! {
    /// Masks card numbers, e-mail addresses and secrets, wherever they stand in the event.
    ///
    /// It looks at every value, whatever its name, and at every name.
    struct RedactOptions {
        /// Card numbers keep their first six and last four digits.
        cards: bool = true,
        /// E-mail addresses keep their domain.
        emails: bool = true,
        /// Secrets are values of fields with such a name (`password`, `apiKey`, `access_token`
        /// ...), and in any text what stands behind such a name and `=` or `:` (of `Authorization:
        /// ...` and `Cookie: ...` the whole line). `[redacted]` stands in their place.
        secrets: bool = true,
    }
    example r#"redact { emails => false }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let RedactOptions { cards, emails, secrets } = RedactOptions::read(options);
    Some(Arc::new(Redact { cards, emails, secrets }))
}

impl FilterPlan for Redact {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker { redact: *self, places: Places::default(), found: Vec::new() })
    }
}

/// One worker's instance.
#[derive(Debug)]
struct Worker {
    redact: Redact,
    /// Used again for each event, as what is found.
    places: Places,
    found: Vec<NodeId>,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        self.redact.find(event, &mut self.places, &mut self.found);
        let mut names = Names::default();
        for node in self.found.drain(..) {
            self.redact.mask(event, node, &mut names);
        }
        Applied::Matched
    }
}

/// Masks a value that is about to be written down as text, with its name.
pub(super) fn mask_member(event: &mut Event, name: &str, node: NodeId) {
    if secret::is_secret(name.as_bytes()) {
        event.rewrite_text(node, REDACTED);
    } else {
        // In a text nothing is lost where a name stands twice.
        ALL.below(event, node, &mut Names { masked: 0, last_number: Some(0) });
    }
}

impl Redact {
    /// Finds values that may have to be masked. What the payload does not hold, no part of it does,
    /// so most events are done with after one look at it.
    fn find(self, event: &Event, places: &mut Places, found: &mut Vec<NodeId>) {
        let payload = event.payload();
        let in_added = Signs { at: self.emails, digits: self.cards, assigned: self.secrets };
        let in_payload = places.find(payload, in_added);
        // Names of a line that is no JSON come from what filters made of it.
        let in_names = if payload.is_empty() { in_added } else { in_payload };
        let is_in_text = |text: &[u8]| {
            let has_place = places.are_in(payload, text);
            has_place.unwrap_or_else(|| in_payload.are_in(text))
        };
        let is_in_name = |name: &[u8]| {
            let has_place = places.are_in(payload, name);
            has_place.unwrap_or_else(|| in_names.are_in_name(name))
        };
        for Swept { id, kind, has_own_name, is_added, has_escapes } in event.sweep() {
            let suspicious = match kind {
                Kind::String => {
                    let text = content(event, id);
                    let may_be_seen = if is_added {
                        in_added.are_in(text)
                    } else {
                        in_payload.any() && is_in_text(text)
                    };
                    may_be_seen || has_escapes && signs::may_be_hidden(text)
                }
                Kind::Number => {
                    (if is_added { in_added } else { in_payload }).digits
                        && card::is_number(content(event, id))
                }
                _ => false,
            };
            // Names of the schema, which are shared, are no names of secrets: a test looks at each.
            let has_suspicious_name = || {
                event.key_has_escapes(id)
                    || in_names.any() && is_in_name(event.key_content(id))
                    || self.secrets && is_secret(event, id)
            };
            if suspicious || has_own_name && has_suspicious_name() {
                found.push(id);
            }
        }
    }

    /// Masks a value and all below it. Depth is bounded by the scan, so this may recur.
    fn below(self, event: &mut Event, node: NodeId, names: &mut Names) {
        self.mask(event, node, names);
        let mut next = event.first_child(node);
        while let Some(inner) = next {
            next = event.next_sibling(inner);
            self.below(event, inner, names);
        }
    }

    /// Masks a value and its name.
    fn mask(self, event: &mut Event, node: NodeId, names: &mut Names) {
        self.mask_name(event, node, names);
        if self.secrets && is_secret(event, node) {
            event.rewrite_text(node, REDACTED);
            return;
        }
        let masked = match event.kind(node) {
            Kind::String => event.text(node).and_then(|text| self.masked_text(&text)),
            // A number may be a card's too, unless the schema says that the field holds numbers.
            Kind::Number if self.cards && !is_numeric_field(event, node) => {
                event.scalar_text(node).as_deref().and_then(card::mask)
            }
            _ => None,
        };
        if let Some(masked) = masked {
            event.rewrite_text(node, &masked);
        }
    }

    /// Masked names may become equal: all but the first have a number behind them, and so has the first
    /// where its name is taken.
    fn mask_name(self, event: &mut Event, node: NodeId, names: &mut Names) {
        let Some(mut name) = self.masked(&event.key(node)) else { return };
        names.masked += 1;
        let is_taken =
            |event: &Event| event.parent(node).is_some_and(|all| event.child(all, &name).is_some());
        if names.masked > 1 || is_taken(event) {
            let last = *names.last_number.get_or_insert_with(|| last_number(event));
            name.push_str(&format!("#{}", last + names.masked));
        }
        event.rename_in_place(node, &name);
    }

    /// The text without secrets, card numbers and addresses; `None` if it has none.
    fn masked_text(self, text: &str) -> Option<String> {
        let assigned = if self.secrets { assignment::mask(text) } else { None };
        self.masked(assigned.as_deref().unwrap_or(text)).or(assigned)
    }

    /// The text without card numbers and addresses; `None` if it has none.
    fn masked(self, text: &str) -> Option<String> {
        let cards = if self.cards { card::mask(text) } else { None };
        let emails = if self.emails { email::mask(cards.as_deref().unwrap_or(text)) } else { None };
        emails.or(cards)
    }
}

fn content(event: &Event, node: NodeId) -> &[u8] {
    event.content(node).unwrap_or_default()
}

/// The highest number behind a name that looks as if it had been masked; 0 if none has one. An event
/// has no place for so many names that a longer number could be reached.
fn last_number(event: &Event) -> usize {
    let own = event.sweep().filter(|swept| swept.has_own_name);
    let numbers = own.filter_map(|swept| {
        let name = event.key(swept.id);
        let (masked, number) = name.rsplit_once('#')?;
        let number: u32 = number.parse().ok()?;
        masked.contains("**").then_some(number as usize)
    });
    numbers.max().unwrap_or(0)
}

fn is_secret(event: &Event, node: NodeId) -> bool {
    let secret = if event.key_has_escapes(node) {
        secret::is_secret(event.key(node).as_bytes())
    } else {
        secret::is_secret(event.key_content(node))
    };
    // Something must be there to hide, and a truth value hides nothing.
    secret && !matches!(event.kind(node), Kind::Null | Kind::True | Kind::False)
}

fn is_numeric_field(event: &Event, node: NodeId) -> bool {
    let document = Schema::embedded().document();
    let ancestors = std::iter::successors(Some(node), |id| event.parent(*id));
    let path: Vec<_> = ancestors.collect();
    // The event itself and elements of arrays have no names.
    let mut names = path.iter().rev().map(|id| event.key(*id)).filter(|name| !name.is_empty());
    let place = names.try_fold(document.root(), |place, name| document.child(place, &name));
    let kind = place.and_then(|place| document.field(place)).map(|field| field.kind);
    matches!(kind, Some(FieldKind::Long | FieldKind::Double | FieldKind::Decimal { .. }))
}

#[cfg(test)]
mod tests;
