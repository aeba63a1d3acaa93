//! One pass over an event's members: each by its rule, and after all of them those that yield to
//! others: aliases in their order, then names that are a document's own.

use event::{Event, Kind, NodeId};
use schema::{Action, Place, RANK_OF_DOCUMENT_NAMES, Rule, Table, is_believable};

use super::value::{Converted, plain};
use super::{SchemaFilter, instant, is_same};

/// What was found on the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Findings {
    /// A value could not be converted.
    pub(super) unparsed: bool,
    /// No time could be used.
    pub(super) no_time: bool,
}

/// A value that waits until names before its own were looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deferred {
    node: NodeId,
    /// What the value's name stands within, dotted.
    prefix: &'static str,
    rank: u8,
    meaning: Waiting,
}

#[derive(Clone, Copy, Debug)]
enum Waiting {
    Rule(&'static Rule),
    /// An object of the documents' own names.
    Object(Place),
}

/// What the members of one event have in common.
#[derive(Debug)]
pub(super) struct Pass {
    /// The event names its log type, so that its schema is meant.
    declared: bool,
    received_at_ns: i64,
    /// The time was found.
    timed: bool,
    /// What was to be the time and is none.
    mistimed: bool,
    /// A whole list of addresses of which the first was taken, and its field.
    pub(super) list: Option<(Place, NodeId)>,
    pub(super) findings: Findings,
}

impl SchemaFilter {
    /// Converts an event's members, which stand nowhere now.
    pub(super) fn convert(
        &mut self,
        event: &mut Event,
        table: &'static Table,
        declared: bool,
        mut members: Option<NodeId>,
        received_at_ns: i64,
    ) -> Findings {
        let mut pass = Pass {
            declared,
            received_at_ns,
            timed: false,
            mistimed: false,
            list: None,
            findings: Findings::default(),
        };
        self.take_own_time(event, &mut pass);
        while let Some(node) = members {
            members = event.next_sibling(node);
            self.member(event, &mut pass, table, "", node);
        }
        self.settle_deferred(event, &mut pass);
        if let Some((place, list)) = pass.list.filter(|(place, _)| self.target.at(*place).is_none())
        {
            self.target.put(event, place, list);
        }
        if pass.timed {
            // Decoding has tagged an `@timestamp` that it could not read.
            if let Some(tags) = self.target.at(self.schema.known().tags) {
                event.remove_tag(super::TAG_NO_TIME);
                if event.first_child(tags).is_none() {
                    event.detach(tags);
                }
            }
            pass.findings.unparsed |= pass.mistimed;
        } else {
            event.timestamp_ns = received_at_ns;
            pass.findings.no_time = true;
        }
        pass.findings
    }

    /// A time that the event has already counts, if it can be believed.
    fn take_own_time(&mut self, event: &mut Event, pass: &mut Pass) {
        if event.timestamp_ns == pass.received_at_ns {
            return;
        }
        pass.timed = is_believable(event.timestamp_ns, pass.received_at_ns);
        if !pass.timed {
            let mut text = Vec::with_capacity(30);
            event::format_timestamp(event.timestamp_ns, &mut text);
            let node = event.new_text(&String::from_utf8_lossy(&text));
            pass.mistimed = true;
            self.leftovers.keep_unparsed(event, &mut self.target, "timestamp", node);
        }
    }

    fn member(
        &mut self,
        event: &mut Event,
        pass: &mut Pass,
        table: &'static Table,
        prefix: &'static str,
        node: NodeId,
    ) {
        let key = event.key_content(node);
        let meaning = if event.key_has_escapes(node) {
            table.get(event.key(node).as_bytes())
        } else {
            table.get(key)
        };
        let Some(meaning) = meaning else {
            return self.nameless(event, prefix, node);
        };
        let is_container = matches!(event.kind(node), Kind::Object | Kind::Array);
        let rule = meaning.rule.map(|id| self.schema.rule(id));
        if let Some(Rule { action: Action::Value(conversion), name }) = rule
            && meaning.rank == 0
            && !is_container
            && conversion.is_simple()
            && self.target.at(conversion.place).is_none()
        {
            // Nearly every value goes this way; all others do the same with more to look at.
            return match self.convert_one(event, conversion, node) {
                Converted::Fits => self.target.put(event, conversion.place, node),
                Converted::Absent => {}
                Converted::Fails => self.fail(event, pass, name, node),
            };
        }
        let waiting = match (rule, meaning.object) {
            (Some(rule), Some(_)) if is_container && rule.action.takes_containers() => {
                Waiting::Rule(rule)
            }
            (_, Some(place)) if event.kind(node) == Kind::Object => Waiting::Object(place),
            (Some(rule), _) => Waiting::Rule(rule),
            (None, Some(_)) if event.kind(node) == Kind::Null => return,
            (None, _) => return self.keep(event, prefix, node),
        };
        let rank = match waiting {
            Waiting::Rule(rule) if meaning.rank == 0 => {
                return self.by_rule(event, pass, rule, prefix, 0, node);
            }
            Waiting::Rule(_) => meaning.rank,
            Waiting::Object(_) => RANK_OF_DOCUMENT_NAMES,
        };
        self.deferred.push(Deferred { node, prefix, rank, meaning: waiting });
    }

    /// A name that no table has: perhaps a dotted one of the documents, perhaps not for output.
    fn nameless(&mut self, event: &mut Event, prefix: &'static str, node: NodeId) {
        if prefix.is_empty() && event.key(node) == "@metadata" {
            return event.attach_as_is(event.root(), node);
        }
        if !prefix.is_empty() || !event.key_content(node).contains(&b'.') {
            return self.keep(event, prefix, node);
        }
        let document = self.schema.document();
        let Some(place) = document.find_below(document.root(), &event.key(node)) else {
            return self.keep(event, prefix, node);
        };
        let meaning = match self.schema.own_rule(place) {
            Some(rule) => Waiting::Rule(rule),
            None => Waiting::Object(place),
        };
        self.deferred.push(Deferred { node, prefix, rank: RANK_OF_DOCUMENT_NAMES, meaning });
    }

    pub(super) fn keep(&mut self, event: &mut Event, prefix: &str, node: NodeId) {
        if prefix.is_empty() {
            self.leftovers.keep(event, &mut self.target, node);
        } else {
            self.leftovers.keep_below(event, &mut self.target, prefix, node);
        }
    }

    fn settle_deferred(&mut self, event: &mut Event, pass: &mut Pass) {
        self.deferred.sort_by_key(|deferred| deferred.rank);
        let mut next = 0;
        // Objects add more at the end, which have the last rank too.
        while let Some(&Deferred { node, prefix, rank, meaning }) = self.deferred.get(next) {
            next += 1;
            match meaning {
                Waiting::Rule(rule) => self.by_rule(event, pass, rule, prefix, rank, node),
                Waiting::Object(place) => self.own_object(event, place, prefix, node),
            }
        }
        self.deferred.clear();
    }

    /// An object of the documents' own names: each of them waits for itself.
    fn own_object(&mut self, event: &mut Event, place: Place, prefix: &'static str, node: NodeId) {
        match event.kind(node) {
            Kind::Object => {}
            Kind::Null => return,
            _ => return self.keep(event, prefix, node),
        }
        let name = self.schema.document().dotted(place);
        let mut next = event.detach_all(node);
        while let Some(inner) = next {
            next = event.next_sibling(inner);
            let document = self.schema.document();
            let Some(found) = document.find_below(place, &event.key(inner)) else {
                self.keep(event, name, inner);
                continue;
            };
            let meaning = match self.schema.own_rule(found) {
                Some(rule) => Waiting::Rule(rule),
                None => Waiting::Object(found),
            };
            let rank = RANK_OF_DOCUMENT_NAMES;
            self.deferred.push(Deferred { node: inner, prefix: name, rank, meaning });
        }
    }

    fn by_rule(
        &mut self,
        event: &mut Event,
        pass: &mut Pass,
        rule: &'static Rule,
        prefix: &'static str,
        rank: u8,
        node: NodeId,
    ) {
        // An alias, or a name in an event of no log type, may mean something else altogether.
        let container = matches!(event.kind(node), Kind::Object | Kind::Array);
        let sure = rank == 0 && pass.declared || rank == RANK_OF_DOCUMENT_NAMES;
        if container && !sure && !rule.action.takes_containers() {
            return self.keep(event, prefix, node);
        }
        let converted = match &rule.action {
            Action::Value(conversion) => {
                return self.value(event, pass, rule, conversion, prefix, node);
            }
            Action::Timestamp => return self.timestamp(event, pass, prefix, node),
            Action::LogType => {
                let known = self.target.at(self.schema.known().event_dataset);
                if !known.is_some_and(|known| is_same(event, known, node)) {
                    self.keep(event, prefix, node);
                }
                return;
            }
            Action::RequestLine => self.request_line(event, prefix, node),
            Action::Object(table) => match event.kind(node) {
                Kind::Object => {
                    let mut next = event.detach_all(node);
                    while let Some(inner) = next {
                        next = event.next_sibling(inner);
                        self.member(event, pass, table, &rule.name, inner);
                    }
                    Converted::Absent
                }
                Kind::Null => Converted::Absent,
                _ => Converted::Fails,
            },
            Action::Nested(place, table) => {
                if self.target.at(*place).is_some() {
                    return self.keep(event, prefix, node);
                }
                let (converted, all) = self.nested(event, *place, table, &rule.name, node);
                pass.findings.unparsed |= !all;
                converted
            }
        };
        if converted == Converted::Fails {
            self.fail(event, pass, &rule.name, node);
        }
    }

    /// Keeps a value that could not be converted, under the name of its rule.
    pub(super) fn fail(&mut self, event: &mut Event, pass: &mut Pass, name: &str, node: NodeId) {
        pass.findings.unparsed = true;
        self.leftovers.keep_unparsed(event, &mut self.target, name, node);
    }

    fn timestamp(
        &mut self,
        event: &mut Event,
        pass: &mut Pass,
        prefix: &'static str,
        node: NodeId,
    ) {
        if event.kind(node) == Kind::Null {
            return;
        }
        if pass.timed {
            return self.keep(event, prefix, node);
        }
        plain(event, node);
        let scalar = matches!(event.kind(node), Kind::String | Kind::Number);
        let content = event.content(node).filter(|_| scalar).unwrap_or_default();
        let nanos = instant::parse(content);
        match nanos.filter(|nanos| is_believable(*nanos, pass.received_at_ns)) {
            Some(nanos) => {
                event.timestamp_ns = nanos;
                pass.timed = true;
            }
            None => {
                pass.mistimed = true;
                self.leftovers.keep_unparsed(event, &mut self.target, "timestamp", node);
            }
        }
    }
}
