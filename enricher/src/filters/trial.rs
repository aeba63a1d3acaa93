//! For tests: one filter, built from its configuration and run on events written as JSON.

use std::collections::BTreeMap;

use bus::{Record, RecordId};
use bytes::Bytes;
use event::{Event, Limits};
use serde_json::Value;

use crate::filter::{Applied, Environment, Filter, FilterContext, NewEvent, Spawned};
use crate::filters::aggregate::TaskMaps;
use crate::language::{Source, Statement, Syntax, parse};
use crate::options::Options;
use crate::plan::CommonOptions;
use crate::registry;
use crate::timer::{Moment, Outbox, TimedEvent};

/// 2024-06-15T12:00:00Z.
pub(crate) const NOW_NS: i64 = 1_718_452_800_000_000_000;

/// A filter at work.
pub(crate) struct Trial {
    filter: Box<dyn Filter>,
    common: CommonOptions,
    tasks: TaskMaps,
    pub(crate) received_at_ns: i64,
    /// Whose the records are.
    pub(crate) shop: &'static str,
}

impl Trial {
    /// Builds the filter of `name { options }`.
    pub(crate) fn new(plugin: &str) -> Self {
        Self::build(plugin, &Environment::default()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    /// What is said of a filter that is refused.
    pub(crate) fn refusal(plugin: &str) -> String {
        match Self::build(plugin, &Environment::default()) {
            Ok(_) => panic!("was not refused"),
            Err(mistakes) => mistakes,
        }
    }

    pub(crate) fn build(plugin: &str, environment: &Environment) -> Result<Self, String> {
        let source = Source::new("test.conf", format!("filter {{ {plugin} }}"));
        let config =
            parse(&source, Syntax::default()).map_err(|mistakes| format!("{mistakes:?}"))?;
        let Statement::Plugin(plugin) = &config.sections[0].statements[0] else {
            return Err("no filter".to_owned());
        };
        let mut mistakes = Vec::new();
        let mut options = Options::new(plugin, &source, &BTreeMap::new(), &mut mistakes);
        let common = CommonOptions::take(&mut options);
        let entry = registry::find(&plugin.name).ok_or("no such filter")?;
        let plan = (entry.build)(&mut options, environment);
        options.finish();
        if !mistakes.is_empty() {
            return Err(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        }
        let plan = plan.ok_or("refused without a word")?;
        let tasks = TaskMaps::default();
        let filter = plan.instance();
        Ok(Self { filter, common, tasks, received_at_ns: NOW_NS, shop: "default" })
    }

    /// What filters `aggregate` remember.
    pub(crate) fn tasks(&mut self) -> &mut TaskMaps {
        &mut self.tasks
    }

    /// What comes out when time has passed until now, or with the end.
    pub(crate) fn advance(&mut self, is_end: bool) -> Vec<TimedEvent> {
        let mut events = Vec::new();
        loop {
            let mut some = Vec::new();
            let mut outbox = Outbox { place: 0, events: &mut some, tasks: &mut self.tasks };
            self.filter.advance(Moment { now_ns: self.received_at_ns, is_end }, &mut outbox);
            if some.is_empty() {
                break;
            }
            events.extend(some);
        }
        for TimedEvent { event, origin, is_matched, .. } in &mut events {
            if *is_matched {
                self.common.run(event, origin.received_at_ns);
            }
        }
        events
    }

    /// As [`Trial::advance`], the events alone.
    pub(crate) fn made_until_now(&mut self) -> Vec<Value> {
        self.advance(false).iter().map(|made| parsed(&made.event)).collect()
    }

    /// What comes out at the end.
    pub(crate) fn made_at_the_end(&mut self) -> Vec<Value> {
        self.advance(true).iter().map(|made| parsed(&made.event)).collect()
    }

    /// Runs an event through; gives it as it comes out.
    pub(crate) fn run(&mut self, event: Value) -> Value {
        self.apply(event).1
    }

    /// Runs an event through; gives its bytes as they come out.
    pub(crate) fn run_to_text(&mut self, event: Value) -> String {
        self.apply_to_text(event).1
    }

    pub(crate) fn apply(&mut self, event: Value) -> (Applied, Value) {
        let (applied, text) = self.apply_to_text(event);
        (applied, serde_json::from_str(&text).unwrap())
    }

    /// Runs an event through that is given as it is sent; gives its bytes as they come out.
    pub(crate) fn run_payload(&mut self, payload: &str) -> String {
        self.apply_payload(Bytes::copy_from_slice(payload.as_bytes())).1
    }

    fn apply_to_text(&mut self, event: Value) -> (Applied, String) {
        self.apply_payload(Bytes::from(event.to_string()))
    }

    fn apply_payload(&mut self, payload: Bytes) -> (Applied, String) {
        let (applied, event, _) = self.apply_decoded(payload);
        (applied, written(&event))
    }

    /// Runs an event through; gives all that goes on: itself unless it ends, and those made of it.
    pub(crate) fn run_all(&mut self, event: Value) -> Vec<Value> {
        let (applied, event, made) = self.apply_decoded(Bytes::from(event.to_string()));
        let itself = (applied != Applied::Dropped).then_some(event);
        let all = itself.into_iter().chain(made);
        all.map(|event| parsed(&event)).collect()
    }

    fn apply_decoded(&mut self, payload: Bytes) -> (Applied, Event, Vec<Event>) {
        let mut decoded = Event::new();
        decoded.decode_json(&payload, self.received_at_ns, &Limits::default()).unwrap();
        let record = record(payload, self.received_at_ns, self.shop);
        let mut spawned = Spawned::default();
        let mut context = FilterContext {
            record: &record,
            number: 0,
            place: 0,
            pushed_by: None,
            wanted: None,
            spawned: &mut spawned,
            tasks: &mut self.tasks,
        };
        let applied = self.filter.apply(&mut decoded, &mut context);
        if applied == Applied::Matched {
            self.common.run(&mut decoded, self.received_at_ns);
        }
        let mut made = Vec::new();
        for NewEvent { mut event, is_matched, .. } in spawned.events {
            if is_matched {
                self.common.run(&mut event, self.received_at_ns);
            }
            made.push(event);
        }
        (applied, decoded, made)
    }
}

fn parsed(event: &Event) -> Value {
    serde_json::from_str(&written(event)).unwrap()
}

fn written(event: &Event) -> String {
    let mut out = Vec::new();
    event.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

fn record(payload: Bytes, received_at_ns: i64, shop: &'static str) -> Record {
    Record {
        id: RecordId([7; 16]),
        received_at_ns,
        shop: shop.into(),
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        payload,
        ..Record::default()
    }
}
