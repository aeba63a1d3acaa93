//! `redact`: card numbers, e-mail addresses and secrets do not leave the enricher in clear.
//!
//! Card numbers keep their first six and last four digits, e-mail addresses their domain; a value
//! under the name of a secret is replaced as a whole. It looks at every value of the event, whatever
//! its name, and never at what other events held.

mod card;
mod email;
mod secret;

use std::borrow::Cow;
use std::sync::Arc;

use event::{Event, Kind, NodeId};
use schema::{FieldKind, Schema};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::Options;

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// What is looked for; each can be switched off by the option of its name.
#[derive(Clone, Copy, Debug)]
struct Redact {
    cards: bool,
    emails: bool,
    secrets: bool,
}

const ALL: Redact = Redact { cards: true, emails: true, secrets: true };

pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    Some(Arc::new(Redact {
        cards: options.flag("cards", true),
        emails: options.flag("emails", true),
        secrets: options.flag("secrets", true),
    }))
}

impl FilterPlan for Redact {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(*self)
    }
}

impl Filter for Redact {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let root = event.root();
        self.below(event, root, &mut Vec::new());
        Applied::Matched
    }
}

/// Masks a value that is about to be written down as text, with its name.
pub(super) fn mask_member(event: &mut Event, name: &str, node: NodeId) {
    if secret::is_secret(name.as_bytes()) {
        event.rewrite_text(node, REDACTED);
        return;
    }
    ALL.value(event, node, &mut Vec::new());
    ALL.below(event, node, &mut Vec::new());
}

impl Redact {
    /// Masks what stands below a container. `above` are the containers around it. Depth is bounded by
    /// the scan, so this may recur.
    fn below(self, event: &mut Event, container: NodeId, above: &mut Vec<NodeId>) {
        above.push(container);
        let mut next = event.first_child(container);
        while let Some(node) = next {
            next = event.next_sibling(node);
            if self.secrets && self.is_secret(event, node) {
                event.rewrite_text(node, REDACTED);
                continue;
            }
            match event.kind(node) {
                Kind::Object | Kind::Array => self.below(event, node, above),
                _ => self.value(event, node, above),
            }
        }
        above.pop();
    }

    fn is_secret(self, event: &Event, node: NodeId) -> bool {
        let key = event.key_content(node);
        let secret = if event.key_has_escapes(node) {
            secret::is_secret(event.key(node).as_bytes())
        } else {
            secret::is_secret(key)
        };
        // Something must be there to hide, and a truth value hides nothing.
        secret && !matches!(event.kind(node), Kind::Null | Kind::True | Kind::False)
    }

    fn value(self, event: &mut Event, node: NodeId, above: &mut Vec<NodeId>) {
        let content = match event.kind(node) {
            Kind::String => event.content(node).unwrap_or_default(),
            Kind::Number if self.cards => return mask_number(event, node, above),
            _ => return,
        };
        // `\u0031` is a digit too, so a text with such escapes is looked at in full.
        let hidden = event.has_escapes(node) && memchr::memmem::find(content, b"\\u").is_some();
        let cards = self.cards && (hidden || card::may_be_in(content));
        let emails = self.emails && (hidden || memchr::memchr(b'@', content).is_some());
        if !cards && !emails {
            return;
        }
        let text = event.text(node).unwrap_or_default();
        let mut masked = Cow::Borrowed(&*text);
        if cards && let Some(other) = card::mask(&masked) {
            masked = Cow::Owned(other);
        }
        if emails && let Some(other) = email::mask(&masked) {
            masked = Cow::Owned(other);
        }
        if let Cow::Owned(masked) = masked {
            event.rewrite_text(node, &masked);
        }
    }
}

/// A number may be a card's too, unless the schema says that the field holds numbers.
fn mask_number(event: &mut Event, node: NodeId, above: &[NodeId]) {
    let content = event.content(node).unwrap_or_default();
    if !card::is_number(content) || is_numeric_field(event, node, above) {
        return;
    }
    let masked = std::str::from_utf8(content).ok().and_then(card::mask);
    if let Some(masked) = masked {
        event.rewrite_text(node, &masked);
    }
}

fn is_numeric_field(event: &Event, node: NodeId, above: &[NodeId]) -> bool {
    let document = Schema::embedded().document();
    let mut place = document.root();
    for id in above.iter().skip(1).chain([&node]) {
        let key = event.key(*id);
        // Elements of an array have no name of their own.
        if key.is_empty() {
            continue;
        }
        match document.child(place, &key) {
            Some(inner) => place = inner,
            None => return false,
        }
    }
    let kind = document.field(place).map(|field| field.kind);
    matches!(kind, Some(FieldKind::Long | FieldKind::Double | FieldKind::Decimal { .. }))
}

#[cfg(test)]
mod tests;
