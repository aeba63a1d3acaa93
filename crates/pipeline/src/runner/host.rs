//! Where a stage runs: on a thread that may be busy, unless it is a light one, and behind a wall that its panics do not pass.
//!
//! An instance that has panicked is thrown away; the next call makes a new one. No more calls of one
//! runner run at once than there are cores, however many partitions it has.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bus::{Positioned, Record};
use tokio::sync::Semaphore;

use super::RunnerSpec;
use super::progress::Stop;
use crate::stage::{Stage, State, StateKey, Verdict};

/// What a panic said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panicked(pub(super) String);

impl Panicked {
    pub(super) fn from_payload(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "no message".to_owned()))
    }
}

/// Some records of a batch, shared with the thread that processes them.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub(super) records: Arc<Vec<Positioned>>,
    pub(super) range: Range<usize>,
}

impl Slice {
    pub(super) fn get(&self) -> &[Positioned] {
        &self.records[self.range.clone()]
    }
}

/// What a stage made of a slice.
pub(super) struct Processed {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) state: State,
    /// What it gave out when told the time afterwards.
    pub(super) derived: Result<Vec<Record>, Panicked>,
}

/// A partition's instance of the stage.
pub(super) struct StageHost {
    spec: Arc<RunnerSpec>,
    cores: Arc<Semaphore>,
    stage: Option<Box<dyn Stage>>,
}

impl StageHost {
    pub(super) fn new(spec: Arc<RunnerSpec>, cores: Arc<Semaphore>) -> Self {
        Self { spec, cores, stage: None }
    }

    /// Which state these records need.
    pub(super) async fn keys(
        &mut self,
        slice: Slice,
    ) -> Result<Result<Vec<StateKey>, Panicked>, Stop> {
        self.call(move |stage| stage.keys(slice.get())).await
    }

    /// The verdicts on these records; then what the stage gives out now that event time has come to
    /// the watermark.
    pub(super) async fn process(
        &mut self,
        slice: Slice,
        mut state: State,
        watermark_ns: i64,
    ) -> Result<Result<Processed, Panicked>, Stop> {
        let work = move |stage: &mut dyn Stage| {
            let verdicts = stage.process(slice.get(), &mut state);
            let derived = catch_unwind(AssertUnwindSafe(|| stage.advance(watermark_ns)))
                .map_err(|payload| Panicked::from_payload(payload.as_ref()));
            Processed { verdicts, state, derived }
        };
        self.call(work).await
    }

    /// What the stage gives out when it gets no more records; nothing if none was made yet.
    pub(super) async fn finish(&mut self) -> Result<Result<Vec<Record>, Panicked>, Stop> {
        match self.stage {
            Some(_) => self.call(|stage| stage.finish()).await,
            None => Ok(Ok(Vec::new())),
        }
    }

    async fn call<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Stage) -> T + Send + 'static,
    ) -> Result<Result<T, Panicked>, Stop> {
        let stage = self.stage.take().unwrap_or_else(|| (self.spec.make_stage)());
        if stage.is_light() {
            return Ok(behind_wall(stage, work).map(|(stage, done)| {
                self.stage = Some(stage);
                done
            }));
        }
        let permit = Arc::clone(&self.cores).acquire_owned().await;
        let permit = permit.map_err(|_| Stop::Told)?;
        let called = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            behind_wall(stage, work)
        });
        match called.await {
            Ok(Ok((stage, done))) => {
                self.stage = Some(stage);
                Ok(Ok(done))
            }
            Ok(Err(panicked)) => Ok(Err(panicked)),
            // Only the runtime's own end cancels what was handed over.
            Err(_) => Err(Stop::Told),
        }
    }
}

/// Has the stage do its work; one that panics is not given back.
fn behind_wall<T>(
    mut stage: Box<dyn Stage>,
    work: impl FnOnce(&mut dyn Stage) -> T,
) -> Result<(Box<dyn Stage>, T), Panicked> {
    match catch_unwind(AssertUnwindSafe(|| work(stage.as_mut()))) {
        Ok(done) => Ok((stage, done)),
        Err(payload) => Err(Panicked::from_payload(payload.as_ref())),
    }
}
