//! How many bulk requests run at the same time: as many as the engine takes without slowing down. It begins with
//! one and doubles, until the engine refuses or grows slow; from then on it grows by one a round and falls
//! to half.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// What is left of the limit when the engine refuses.
const BACK_OFF: f64 = 0.5;
/// What is left of the limit when the engine grows slow.
const SLOW_DOWN: f64 = 0.8;
/// Answers that take this many times as long as they used to are slow.
const SLOW_FACTOR: f64 = 2.0;
/// How much of the usual time a new answer makes.
const SMOOTHING: f64 = 0.1;
/// Answers before the usual time is known.
const SAMPLES_MIN: u32 = 8;

/// How one request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    /// It was answered and all was taken.
    Well,
    /// The engine, or a part of it, has too much to do, or did not answer.
    Overloaded,
    /// It says nothing about how busy the engine is.
    Neither,
}

/// The rule, without waiting and without a clock.
#[derive(Debug)]
pub(crate) struct Limit {
    limit: f64,
    max: f64,
    running: usize,
    slow_start: bool,
    /// Requests that began before this say nothing new.
    backed_off_at: Option<Instant>,
    usual_s: f64,
    samples: u32,
}

impl Limit {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            limit: 1.0,
            max: max.max(1) as f64,
            running: 0,
            slow_start: true,
            backed_off_at: None,
            usual_s: 0.0,
            samples: 0,
        }
    }

    fn places(&self) -> usize {
        self.limit.max(1.0) as usize
    }

    /// Takes a place if there is one.
    pub(crate) fn begin(&mut self) -> bool {
        let free = self.running < self.places();
        self.running += usize::from(free);
        free
    }

    /// Gives a place back.
    pub(crate) fn end(&mut self, went: Went, began: Instant, now: Instant, per_mebibyte: Duration) {
        self.running = self.running.saturating_sub(1);
        match went {
            Went::Neither => {}
            Went::Overloaded => self.fall(BACK_OFF, began, now),
            Went::Well => self.answered(began, now, per_mebibyte.as_secs_f64()),
        }
    }

    fn answered(&mut self, began: Instant, now: Instant, took_s: f64) {
        let known = self.samples >= SAMPLES_MIN;
        if known && took_s > self.usual_s * SLOW_FACTOR && self.limit > 1.0 {
            self.fall(SLOW_DOWN, began, now);
        } else {
            let more = if self.slow_start { 1.0 } else { 1.0 / self.limit };
            self.limit = (self.limit + more).min(self.max);
        }
        let part = if known { SMOOTHING } else { 1.0 / f64::from(self.samples + 1) };
        self.usual_s += (took_s - self.usual_s) * part;
        self.samples = self.samples.saturating_add(1);
    }

    fn fall(&mut self, to: f64, began: Instant, now: Instant) {
        if self.backed_off_at.is_some_and(|at| began < at) {
            return;
        }
        self.slow_start = false;
        self.limit = (self.limit * to).max(1.0);
        self.backed_off_at = Some(now);
    }
}

/// The rule with those who wait for a place.
#[derive(Debug)]
pub(crate) struct Concurrency {
    limit: Mutex<Limit>,
    freed: Notify,
}

impl Concurrency {
    pub(crate) fn new(max: usize) -> Self {
        Self { limit: Mutex::new(Limit::new(max)), freed: Notify::new() }
    }

    /// Waits for a place.
    pub(crate) async fn place(&self) -> Place<'_> {
        loop {
            let freed = self.freed.notified();
            if self.with(Limit::begin) {
                return Place { concurrency: self, began: Instant::now(), ended: false };
            }
            freed.await;
        }
    }

    /// How many may run now, at least one.
    pub(crate) fn limit(&self) -> usize {
        self.with(|limit| limit.places())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Limit) -> T) -> T {
        act(&mut self.limit.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A request's place; dropped without an end, as when nobody waits any more, it says nothing.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    concurrency: &'a Concurrency,
    began: Instant,
    ended: bool,
}

impl Place<'_> {
    /// The request begins now: what was done before is no fault of the engine.
    pub(crate) fn sending(&mut self) {
        self.began = Instant::now();
    }

    /// The request of as many bytes has ended.
    pub(crate) fn end(mut self, went: Went, bytes: usize) {
        const MEBIBYTE: f64 = 1_048_576.0;
        let now = Instant::now();
        let took = now.duration_since(self.began);
        // A small request has a cost of its own.
        let per_mebibyte = took.div_f64((bytes as f64 / MEBIBYTE).max(0.25));
        self.concurrency.with(|limit| limit.end(went, self.began, now, per_mebibyte));
        self.ended = true;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let now = Instant::now();
            let nothing = Duration::ZERO;
            self.concurrency.with(|limit| limit.end(Went::Neither, self.began, now, nothing));
        }
        self.concurrency.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
