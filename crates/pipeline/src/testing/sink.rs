//! A sink that keeps what it takes and answers by a script.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bus::Record;

use crate::sink::{Fatal, Outcome, Sink};

type Script = Box<dyn FnMut(&Record) -> Result<Outcome, Fatal> + Send>;

/// Keeps delivered records.
pub struct MemorySink {
    delivered: Mutex<Vec<Record>>,
    script: Mutex<Script>,
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySink").field("delivered", &self.delivered()).finish_non_exhaustive()
    }
}

impl Default for MemorySink {
    fn default() -> Self {
        Self::scripted(|_| Ok(Outcome::Delivered))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemorySink {
    /// A sink that asks the script for each item of each attempt.
    pub fn scripted(
        script: impl FnMut(&Record) -> Result<Outcome, Fatal> + Send + 'static,
    ) -> Self {
        Self { delivered: Mutex::default(), script: Mutex::new(Box::new(script)) }
    }

    /// Goes on with another script.
    pub fn set_script(
        &self,
        script: impl FnMut(&Record) -> Result<Outcome, Fatal> + Send + 'static,
    ) {
        *locked(&self.script) = Box::new(script);
    }

    /// What was delivered, in order, repetitions included.
    #[must_use]
    pub fn delivered(&self) -> Vec<Record> {
        locked(&self.delivered).clone()
    }
}

#[async_trait]
impl Sink for MemorySink {
    async fn deliver(&self, items: &[Record]) -> Result<Vec<Outcome>, Fatal> {
        let mut script = locked(&self.script);
        let mut outcomes = Vec::with_capacity(items.len());
        for item in items {
            let outcome = script(item)?;
            if matches!(outcome, Outcome::Delivered) {
                locked(&self.delivered).push(item.clone());
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }
}
