//! Taps: what one filter does to the events, live, for somebody who looks on.
//!
//! A tap never holds an event up: what its reader does not take in time it is only told the number of. It is bound to
//! a filter's place in the pipeline, not to the filter at work, and goes on where the pipeline is read again. Where
//! nobody looks on it costs one load a batch, and the look at an empty list a filter.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bus::{Record, RecordId};
use bytestring::ByteString;
use event::Event;
use service::{ByteBudget, ByteSize, HeldBytes};
use tokio::sync::mpsc;

use crate::filter::Applied;

/// Most taps at a time.
pub const TAPS_MAX: usize = 8;
/// Events that wait for the reader of a tap.
const EVENTS_MAX: usize = 256;
/// Most bytes of them.
const BYTES_MAX: ByteSize = ByteSize(16 << 20);

/// There are as many taps as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{TAPS_MAX} taps are open already: close one")]
pub struct TooManyTaps;

/// What a filter did to an event.
#[derive(Debug)]
pub struct Tapped {
    /// The filter's place in the pipeline, from 0.
    pub filter: usize,
    /// Hash of the pipeline.
    pub pipeline: String,
    /// Its name.
    pub name: &'static str,
    /// The file that it stands in.
    pub file: String,
    /// Its line in that file.
    pub line: usize,
    /// The record that the event came from.
    pub record_id: RecordId,
    /// Whose it is.
    pub shop: ByteString,
    /// Which of the record's events: 0 is the one that was decoded.
    pub number: usize,
    /// What the filter said.
    pub applied: Applied,
    /// Events that it made of this one.
    pub made: usize,
    /// The event before, as JSON, without `[@metadata]`.
    pub before: Vec<u8>,
    /// The event behind the filter and its common options; of one that was dropped as it was then.
    pub after: Vec<u8>,
    _held: HeldBytes,
}

/// The taps of a pipeline. Cloning shares.
#[derive(Clone, Debug, Default)]
pub struct Taps {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Changes with every tap that comes or goes.
    generation: AtomicUsize,
    points: Mutex<Vec<Point>>,
    next_id: AtomicU64,
}

/// A tap as a worker sees it.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    id: u64,
    filter: usize,
    only_changed: bool,
    sender: mpsc::Sender<Tapped>,
    room: ByteBudget,
    lost: Arc<AtomicU64>,
}

/// The end of a tap where its events come out. The tap is gone when this is dropped.
#[derive(Debug)]
pub struct TapReader {
    id: u64,
    receiver: mpsc::Receiver<Tapped>,
    lost: Arc<AtomicU64>,
    taps: Taps,
}

impl Taps {
    /// Looks on at the filter of this place, from 0, from the next batch on; with `only_changed` at those events that
    /// it changes, drops or makes others of.
    ///
    /// # Errors
    /// There are too many.
    pub fn open(&self, filter: usize, only_changed: bool) -> Result<TapReader, TooManyTaps> {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let lost = Arc::<AtomicU64>::default();
        let room = ByteBudget::new(BYTES_MAX);
        let mut points = self.shared.points.lock().unwrap_or_else(PoisonError::into_inner);
        if points.len() >= TAPS_MAX {
            return Err(TooManyTaps);
        }
        points.push(Point { id, filter, only_changed, sender, room, lost: Arc::clone(&lost) });
        self.shared.generation.fetch_add(1, Ordering::Relaxed);
        drop(points);
        Ok(TapReader { id, receiver, lost, taps: self.clone() })
    }

    /// Changes with every tap that comes or goes.
    pub(crate) fn generation(&self) -> usize {
        self.shared.generation.load(Ordering::Relaxed)
    }

    pub(crate) fn points(&self) -> Vec<Point> {
        self.shared.points.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Point {
    /// Counts an event that the reader does not see.
    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl TapReader {
    /// The next event.
    pub async fn next(&mut self) -> Option<Tapped> {
        self.receiver.recv().await
    }

    /// How many events were not taken in time since this was asked last.
    #[must_use]
    pub fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

impl Drop for TapReader {
    fn drop(&mut self) {
        let shared = &self.taps.shared;
        let mut points = shared.points.lock().unwrap_or_else(PoisonError::into_inner);
        points.retain(|point| point.id != self.id);
        shared.generation.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is the same for all taps of one application of a filter.
pub(crate) struct Application<'a> {
    pub(crate) filter: usize,
    pub(crate) pipeline: &'a str,
    pub(crate) name: &'static str,
    pub(crate) file: &'a str,
    pub(crate) line: usize,
    pub(crate) record: &'a Record,
    pub(crate) number: usize,
    pub(crate) applied: Applied,
    pub(crate) made: usize,
}

/// The event before a filter, where somebody looks on who has room for it. Where nobody has, all are told that they
/// missed one, whether the filter changes it or not: nobody finds that out.
pub(crate) fn before(points: &[Point], filter: usize, event: &Event) -> Option<Vec<u8>> {
    let here = || points.iter().filter(move |point| point.filter == filter);
    if here().any(|point| point.sender.capacity() > 0) {
        // What the others miss is known behind the filter.
        return Some(written(event));
    }
    here().for_each(Point::lose);
    None
}

/// Gives the event before and behind a filter to all who look on.
pub(crate) fn give(points: &[Point], application: &Application<'_>, before: &[u8], event: &Event) {
    let after = written(event);
    let is_changed =
        application.applied == Applied::Dropped || application.made > 0 || before != after;
    let size = (before.len() + after.len()) as u64;
    for point in points.iter().filter(|point| point.filter == application.filter) {
        if point.only_changed && !is_changed {
            continue;
        }
        let has_room = point.sender.capacity() > 0;
        let is_given = has_room
            && point.room.try_acquire(size).is_ok_and(|held| {
                let tapped = application.tapped(before.to_vec(), after.clone(), held);
                point.sender.try_send(tapped).is_ok()
            });
        if !is_given {
            point.lose();
        }
    }
}

impl Application<'_> {
    fn tapped(&self, before: Vec<u8>, after: Vec<u8>, held: HeldBytes) -> Tapped {
        Tapped {
            filter: self.filter,
            pipeline: self.pipeline.to_owned(),
            name: self.name,
            file: self.file.to_owned(),
            line: self.line,
            record_id: self.record.id,
            shop: self.record.shop.clone(),
            number: self.number,
            applied: self.applied,
            made: self.made,
            before,
            after,
            _held: held,
        }
    }
}

fn written(event: &Event) -> Vec<u8> {
    let mut json = Vec::new();
    event.write_json(&mut json);
    json
}
