//! Delivery until everything has an answer: only what may work later is tried again.
//!
//! There is no give-up. An attempt that has begun is never cut short by the wish to stop.

use std::time::Duration;

use bus::Record;
use service::CancellationToken;

use super::progress::{Progress, Stop};
use crate::sink::{Outcome, Sink};
use crate::stage::Rejection;
use service::Backoff;

/// Delivers all items; answers for each in order why it was refused, or `None` if it was delivered.
pub(super) async fn deliver(
    sink: &dyn Sink,
    items: &[Record],
    step: &'static str,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<Vec<Option<Rejection>>, Stop> {
    let mut answers: Vec<Option<Rejection>> = vec![None; items.len()];
    let mut open: Vec<usize> = (0..items.len()).collect();
    let mut again: Vec<Record> = Vec::new();
    let mut backoff = Backoff::default();
    while !open.is_empty() {
        let attempt = if open.len() == items.len() { items } else { &again };
        let outcomes = progress.step(step, sink.deliver(attempt)).await;
        let outcomes = outcomes.map_err(|fatal| Stop::Failed(fatal.to_string()))?;
        if outcomes.len() != attempt.len() {
            let (got, asked) = (outcomes.len(), attempt.len());
            return Err(Stop::Failed(format!("the sink gave {got} answers for {asked} records")));
        }
        let asked = open.len();
        let (later, wait, reason) = sort(&mut answers, &open, outcomes);
        open = later;
        if open.is_empty() {
            break;
        }
        if open.len() < asked {
            backoff = Backoff::default();
        }
        again = open.iter().map(|item| items[*item].clone()).collect();
        progress.wait_to_retry(step, &reason, &mut backoff, wait, stop).await?;
    }
    progress.recovered();
    Ok(answers)
}

/// Notes final answers; gives back which items may work later, the longest wait asked for, and why.
fn sort(
    answers: &mut [Option<Rejection>],
    open: &[usize],
    outcomes: Vec<Outcome>,
) -> (Vec<usize>, Duration, String) {
    let (mut later, mut wait, mut first_reason) = (Vec::new(), Duration::ZERO, String::new());
    for (item, outcome) in open.iter().zip(outcomes) {
        match outcome {
            Outcome::Delivered => {}
            Outcome::Rejected(rejection) => answers[*item] = Some(rejection),
            Outcome::RetryLater { after, reason } => {
                if later.is_empty() {
                    first_reason = reason;
                }
                later.push(*item);
                wait = wait.max(after);
            }
        }
    }
    (later, wait, first_reason)
}
