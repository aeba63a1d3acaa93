//! A worker's program: steps over one event at a time, and over those that it makes.

use std::fmt;
use std::sync::Arc;

use bus::Record;
use event::Event;

use super::{Checked, FilterUse, Step};
use crate::filter::{Applied, Filter, FilterContext, NewEvent, Spawned};
use crate::filters::aggregate::TaskMaps;
use crate::lookup::Wanted;
use crate::tap::{self, Application, Point};
use crate::timer::{Moment, Outbox, TimedEvent};

/// A plan with instances of its filters.
pub struct Program {
    checked: Arc<Checked>,
    filters: Vec<Box<dyn Filter>>,
    /// Of a rehearsal.
    wanted: Option<Wanted>,
    spawned: Spawned,
    /// Who looks on.
    taps: Vec<Point>,
    tasks: TaskMaps,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("plan", &self.checked).finish_non_exhaustive()
    }
}

/// Where an event goes on, and what the filters there are to know of where it comes from.
#[derive(Clone, Copy)]
struct Course {
    step: usize,
    /// Which of the record's events it is.
    number: usize,
    /// The group of filters `aggregate` of which a map became the event, or the one that it was made of.
    pushed_by: Option<usize>,
}

/// An event that was made.
struct Made {
    event: Event,
    course: Course,
}

impl Program {
    pub(super) fn new(checked: Arc<Checked>, wanted: Option<Wanted>) -> Self {
        let filters = checked.filters.iter().map(|filter| filter.plan.instance()).collect();
        let (spawned, tasks) = (Spawned::default(), TaskMaps::default());
        Self { checked, filters, wanted, spawned, taps: Vec::new(), tasks }
    }

    /// Who looks on at the filters from now on.
    pub(crate) fn set_taps(&mut self, points: Vec<Point>) {
        self.taps = points;
    }

    /// Where a rehearsal notes what is to be asked; `None` of a program at work.
    pub(crate) fn wanted(&mut self) -> Option<&mut Wanted> {
        self.wanted.as_mut()
    }

    /// Runs every step over an event. `emit` is given each event that reaches the end: the event
    /// itself as number 0, and those made from it by their numbers from 1 in the order they were
    /// made. What is dropped is not emitted. Says how many were.
    pub fn run(
        &mut self,
        event: &mut Event,
        record: &Record,
        emit: impl FnMut(&mut Event, usize),
    ) -> usize {
        self.run_behind(0, None, event, record, emit)
    }

    /// Whether time alone makes it emit events.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        !self.checked.timed.is_empty()
    }

    /// Makes the events that time alone makes, up to this moment, and runs the steps behind their filters over them.
    /// `prepare` is given each of them first, and `emit` those that reach the end, both with what stands in the place
    /// of their record; numbers are as those of [`Program::run`].
    pub fn advance(
        &mut self,
        moment: Moment,
        mut prepare: impl FnMut(&mut Event, &Record),
        mut emit: impl FnMut(&mut Event, &Record, usize),
    ) {
        // At the end again and again: what one filter gives out may have opened a map of another that was asked before
        // it, and that one's of a third. Not until there is none: two may open each other's for ever.
        let rounds = if moment.is_end { self.checked.timed.len().max(2) } else { 1 };
        for _ in 0..rounds {
            for (index, behind) in Arc::clone(&self.checked).timed.iter().copied() {
                self.advance_one(index, behind, moment, &mut prepare, &mut emit);
            }
        }
    }

    /// Makes the events of one filter, until it makes none.
    fn advance_one(
        &mut self,
        index: usize,
        behind: usize,
        moment: Moment,
        prepare: &mut impl FnMut(&mut Event, &Record),
        emit: &mut impl FnMut(&mut Event, &Record, usize),
    ) {
        loop {
            let events = self.timed_events(index, moment);
            if events.is_empty() {
                break;
            }
            for TimedEvent { mut event, origin, is_matched, pushed_by } in events {
                prepare(&mut event, &origin);
                if is_matched {
                    self.checked.filters[index].common.run(&mut event, origin.received_at_ns);
                }
                self.run_behind(behind, pushed_by, &mut event, &origin, |event, number| {
                    emit(event, &origin, number);
                });
            }
        }
    }

    fn timed_events(&mut self, index: usize, moment: Moment) -> Vec<TimedEvent> {
        let mut events = Vec::new();
        let (place, tasks) = (self.checked.filters[index].place, &mut self.tasks);
        let mut outbox = Outbox { place, events: &mut events, tasks };
        self.filters[index].advance(moment, &mut outbox);
        events
    }

    fn run_behind(
        &mut self,
        step: usize,
        pushed_by: Option<usize>,
        event: &mut Event,
        record: &Record,
        mut emit: impl FnMut(&mut Event, usize),
    ) -> usize {
        let mut waiting = Vec::new();
        let mut made = 0;
        let mut emitted = 0;
        self.spawned.start();
        let course = Course { step, number: 0, pushed_by };
        if self.run_from(event, course, record, &mut waiting, &mut made) {
            emit(event, 0);
            emitted += 1;
        }
        // The first one made goes on first.
        waiting.reverse();
        while let Some(Made { mut event, course }) = waiting.pop() {
            let mut later = Vec::new();
            if self.run_from(&mut event, course, record, &mut later, &mut made) {
                emit(&mut event, course.number);
                emitted += 1;
            }
            waiting.extend(later.into_iter().rev());
        }
        emitted
    }

    /// Runs from a step to the end; false if the event was dropped.
    fn run_from(
        &mut self,
        event: &mut Event,
        course: Course,
        record: &Record,
        waiting: &mut Vec<Made>,
        made: &mut usize,
    ) -> bool {
        let Course { step: mut at, number, pushed_by } = course;
        while let Some(step) = self.checked.steps.get(at) {
            match step {
                Step::Jump(to) => at = *to,
                Step::Unless(test, to) => at = if test.holds(event) { at + 1 } else { *to },
                Step::Filter(index) => {
                    let before = match self.taps.as_slice() {
                        [] => None,
                        taps => tap::before(taps, *index, event),
                    };
                    let planned = &self.checked.filters[*index];
                    let (common, place) = (&planned.common, planned.place);
                    let (spawned, tasks) = (&mut self.spawned, &mut self.tasks);
                    let wanted = self.wanted.as_mut();
                    let mut context =
                        FilterContext { record, number, place, pushed_by, wanted, spawned, tasks };
                    let applied = self.filters[*index].apply(event, &mut context);
                    at += 1;
                    let first_made = *made;
                    for new in self.spawned.events.drain(..) {
                        let NewEvent { mut event, is_matched, pushed_by: own } = new;
                        if is_matched {
                            common.run(&mut event, record.received_at_ns);
                        }
                        *made += 1;
                        let pushed_by = own.or(pushed_by);
                        waiting.push(Made {
                            event,
                            course: Course { step: at, number: *made, pushed_by },
                        });
                    }
                    if applied == Applied::Matched {
                        common.run(event, record.received_at_ns);
                    }
                    if let Some(before) = before {
                        let made = *made - first_made;
                        self.give(*index, (record, number), (applied, made), (&before, event));
                    }
                    if applied == Applied::Dropped {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Shows what a filter did to those who look on.
    fn give(
        &self,
        filter: usize,
        (record, number): (&Record, usize),
        (applied, made): (Applied, usize),
        (before, event): (&[u8], &Event),
    ) {
        let FilterUse { name, line, ref file, .. } = self.checked.uses[filter];
        let pipeline = &self.checked.hash;
        let application =
            Application { filter, pipeline, name, file, line, record, number, applied, made };
        tap::give(&self.taps, &application, before, event);
    }
}
