//! `geoip`: the place of an address, from a database that is read into memory at load.
//!
//! Without `database` it is the embedded one: countries, by DB-IP. What a record says is written as
//! JSON once and kept by the record's place in the database, since most addresses share theirs.
//! `cache_size` is the number of records kept in this way in each worker. Four times as many addresses that came
//! last, up to a limit, are known by their text.

mod database;
mod field;
mod options;
mod place;
mod recent;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};
use hashbrown::DefaultHashBuilder;
use lru::LruCache;

use crate::filter::{Applied, Filter, FilterContext, FilterPlan};
use database::Database;
use field::Selection;
use place::Member;
use recent::{AddressText, Recent};

pub(crate) use options::{DESCRIPTION, build};

/// To be shown wherever places from the embedded database are: the licence (CC BY 4.0) asks for it,
/// on web pages as a link to the address.
pub const ATTRIBUTION: &str = "IP geolocation by DB-IP.com, CC BY 4.0";

/// What the options said.
#[derive(Debug)]
struct Geoip {
    source: FieldPath,
    /// Where the fragments go, by their number.
    targets: Vec<FieldPath>,
    /// Where all of them are within.
    target: FieldPath,
    /// Where the address goes, if it is wanted.
    ip: Option<FieldPath>,
    databases: Vec<Arc<Database>>,
    selection: Selection,
    tag_on_failure: Vec<String>,
    cache_records: NonZeroUsize,
}

#[derive(Debug)]
struct GeoipPlan(Arc<Geoip>);

impl FilterPlan for GeoipPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let known = LruCache::with_hasher(self.0.cache_records, DefaultHashBuilder::default());
        let recent = Recent::new(self.0.databases.len(), self.0.cache_records);
        Box::new(Worker { plan: Arc::clone(&self.0), known, recent })
    }
}

/// One worker's instance.
#[derive(Debug)]
struct Worker {
    plan: Arc<Geoip>,
    /// By the number of the database and the record's place in it.
    known: LruCache<(usize, usize), Arc<[Member]>, DefaultHashBuilder>,
    recent: Recent,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        if self.place(event) {
            return Applied::Matched;
        }
        for tag in &self.plan.tag_on_failure {
            event.add_tag(tag);
        }
        Applied::NotMatched
    }
}

/// The address that a value is the text of.
fn address(event: &Event, source: NodeId) -> Option<IpAddr> {
    let text = event.text(source)?;
    let address: IpAddr = text.trim().parse().ok()?;
    // `::ffff:192.0.2.7` is 192.0.2.7.
    Some(address.to_canonical())
}

impl Worker {
    /// Adds what is known of the address; says whether anything is.
    fn place(&mut self, event: &mut Event) -> bool {
        let Some(source) = self.source(event) else {
            return false;
        };
        let text = event.content(source).and_then(AddressText::new);
        let mut found = false;
        for number in 0..self.plan.databases.len() {
            let known = text.and_then(|text| self.recent.get(number, text)).cloned();
            let fragments = match known {
                Some(known) => known,
                None => {
                    let Some(address) = address(event, source) else {
                        return false;
                    };
                    let fragments = self.fragments(number, address);
                    if let Some(text) = text {
                        self.recent.put(number, text, fragments.clone());
                    }
                    fragments
                }
            };
            for fragment in fragments.iter().flat_map(|fragments| fragments.iter()) {
                found = true;
                event.merge_fragment(&self.plan.targets[fragment.target], &fragment.value);
            }
        }
        if found {
            self.put_address(event);
        } else if event.get(&self.plan.target).is_none() {
            // Logstash leaves an empty object for an address that it does not know.
            let empty = event.new_object();
            event.place(&self.plan.target, empty);
        }
        found
    }

    fn source(&self, event: &Event) -> Option<NodeId> {
        let source = event.get(&self.plan.source)?;
        if event.kind(source) == Kind::Array { event.first_child(source) } else { Some(source) }
    }

    fn fragments(&mut self, number: usize, address: IpAddr) -> Option<Arc<[Member]>> {
        let plan = &self.plan;
        let record = plan.databases[number].find(address)?;
        let key = (number, record.offset()?);
        if let Some(known) = self.known.get(&key) {
            return Some(Arc::clone(known));
        }
        let fragments: Arc<[Member]> = place::read(&record, &plan.selection).into();
        self.known.put(key, Arc::clone(&fragments));
        Some(fragments)
    }

    fn put_address(&self, event: &mut Event) {
        let (Some(target), Some(source)) = (&self.plan.ip, self.source(event)) else {
            return;
        };
        if *target != self.plan.source {
            let copy = event.new_copy(source);
            event.place(target, copy);
        }
    }
}

#[cfg(test)]
mod tests;
