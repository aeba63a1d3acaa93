//! A sender's way to the log: one batch at a time, so that order holds, while the next is being read.

use tokio::task::{JoinError, JoinHandle};

use super::{Answer, Batch, Intake};

/// A batch that came back.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) batch: Batch,
    /// An answer for each of its lines, in order; none after settling.
    pub(crate) answers: Vec<Answer>,
}

/// One sender's way. A batch that is on it arrives even if the sender goes away.
pub(crate) struct Lane {
    intake: Intake,
    on_its_way: Option<JoinHandle<Receipt>>,
}

impl Lane {
    pub(crate) fn new(intake: Intake) -> Self {
        Self { intake, on_its_way: None }
    }

    pub(crate) fn is_free(&self) -> bool {
        self.on_its_way.is_none()
    }

    /// Sends a batch that is answered line by line, whatever the answers are. The lane must be free.
    pub(crate) fn take(&mut self, batch: Batch) {
        debug_assert!(self.is_free(), "order holds only one batch at a time");
        let intake = self.intake.clone();
        self.on_its_way = Some(tokio::spawn(async move {
            let answers = intake.take(&batch).await;
            Receipt { batch, answers }
        }));
    }

    /// Sends a batch that is tried until it is durable. The lane must be free.
    pub(crate) fn settle(&mut self, batch: Batch) {
        debug_assert!(self.is_free(), "order holds only one batch at a time");
        let intake = self.intake.clone();
        self.on_its_way = Some(tokio::spawn(async move {
            Receipt { batch: intake.settle(batch).await, answers: Vec::new() }
        }));
    }

    /// Sends a batch that is tried until it is durable, for a sender that keeps what it was not told of:
    /// what is left when the process must stop comes back, and is not lost. The lane must be free.
    pub(crate) fn deliver(&mut self, batch: Batch) {
        debug_assert!(self.is_free(), "order holds only one batch at a time");
        let intake = self.intake.clone();
        self.on_its_way = Some(tokio::spawn(async move {
            Receipt { batch: intake.deliver(batch).await, answers: Vec::new() }
        }));
    }

    /// Waits for the batch on its way; `None` if there is none. Dropping the future loses nothing.
    ///
    /// # Panics
    /// If publishing did: then nothing is acknowledged, and only this sender's task ends.
    pub(crate) async fn arrival(&mut self) -> Option<Receipt> {
        let arrived = self.on_its_way.as_mut()?.await;
        self.on_its_way = None;
        match arrived.map_err(JoinError::try_into_panic) {
            Ok(receipt) => Some(receipt),
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime itself ends, and this task with it.
            Err(Err(_)) => std::future::pending().await,
        }
    }
}
