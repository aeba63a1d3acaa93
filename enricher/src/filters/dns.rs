//! `dns`: the address of a name, or the name of an address, in its place or beside it. What the filter asks is
//! looked up by the platform before a batch is processed, within time limits; the filter itself never waits.
//!
//! Off unless `enricher.dns` is on: names out of events are told to servers.

mod options;

use std::net::IpAddr;
use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};

use crate::filter::{Applied, Filter, FilterContext, FilterPlan};
use crate::lookup::{Answer, Lookups, Question, Wanted};

pub(crate) use options::{DESCRIPTION, build};

/// What becomes of the value that was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Replace,
    Append,
}

#[derive(Debug)]
struct Dns {
    resolve: Vec<FieldPath>,
    reverse: Vec<FieldPath>,
    action: Action,
    tags_on_timeout: Vec<String>,
    lookups: Arc<Lookups>,
}

struct DnsPlan(Arc<Dns>);

impl FilterPlan for DnsPlan {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker(Arc::clone(&self.0)))
    }

    fn lookups(&self) -> Option<Arc<Lookups>> {
        Some(Arc::clone(&self.0.lookups))
    }
}

struct Worker(Arc<Dns>);

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let dns = &*self.0;
        let mut applied = Applied::Matched;
        let resolve = dns.resolve.iter().map(|field| (field, false));
        for (field, is_reverse) in resolve.chain(dns.reverse.iter().map(|field| (field, true))) {
            let Some(value) = value(event, field) else {
                return Applied::NotMatched;
            };
            let Some(question) = event.text(value).and_then(|text| question(&text, is_reverse))
            else {
                return Applied::NotMatched;
            };
            match dns.answer(&question, context.wanted.as_deref_mut()) {
                Some(Answer::Found(found)) => dns.put(event, field, value, &found),
                Some(Answer::Missing) => return Applied::NotMatched,
                // In a rehearsal what follows is asked too.
                None if context.wanted.is_some() => applied = Applied::NotMatched,
                None | Some(Answer::TimedOut) => {
                    dns.tags_on_timeout.iter().for_each(|tag| event.add_tag(tag));
                    return Applied::NotMatched;
                }
            }
        }
        applied
    }
}

/// The text of a field: by itself, or the only one of an array.
fn value(event: &Event, field: &FieldPath) -> Option<NodeId> {
    let value = event.get(field)?;
    match event.kind(value) {
        Kind::String => Some(value),
        Kind::Array => {
            let only = event.first_child(value)?;
            (event.next_sibling(only).is_none() && event.kind(only) == Kind::String).then_some(only)
        }
        _ => None,
    }
}

/// What is asked of a text; a name may have 253 bytes, and an address is no question for its address.
fn question(text: &str, is_reverse: bool) -> Option<Question> {
    const NAME_BYTES_MAX: usize = 253;
    let text = text.trim();
    if is_reverse {
        return text.parse::<IpAddr>().ok().map(Question::Name);
    }
    let is_name = !text.is_empty() && text.len() <= NAME_BYTES_MAX;
    is_name.then(|| Question::Address(text.to_ascii_lowercase().into()))
}

impl Dns {
    fn answer(&self, question: &Question, wanted: Option<&mut Wanted>) -> Option<Answer> {
        let hosts = &self.lookups.settings().hosts;
        let known = match question {
            Question::Address(name) => hosts.get(&**name),
            Question::Name(address) => hosts.get(&address.to_string()),
        };
        match (known, wanted) {
            (Some(known), _) => Some(Answer::Found(known.as_str().into())),
            (None, Some(wanted)) => self.lookups.rehearse(question, wanted),
            (None, None) => self.lookups.ask(question),
        }
    }

    fn put(&self, event: &mut Event, field: &FieldPath, value: NodeId, found: &str) {
        match self.action {
            Action::Replace => {
                event.rewrite_text(value, found);
            }
            Action::Append => {
                event.append(field, found);
            }
        }
    }
}

#[cfg(test)]
mod tests;
