//! Waiting for an engine at the start: as often as it takes, said in the log and in the health.
//!
//! Only for the start. Once records flow, the runner alone tries again.

use std::fmt::Display;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::context::Context;
use crate::health::HealthState;

/// Longest wait between two attempts, so that a service is there soon after its engine.
const DELAY_MAX: Duration = Duration::from_secs(5);

/// Tries until it works, or the process is told to stop, which gives `None`. `engine` names what is
/// waited for, in the log and as a part of the health.
///
/// # Errors
/// The first error that is not transient.
pub async fn wait_for<T, E: Display, F: Future<Output = Result<T, E>>>(
    context: &Context,
    engine: &str,
    is_transient: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> F,
) -> Result<Option<T>, E> {
    let mut backoff = Backoff::default();
    loop {
        let Some(tried) = context.shutdown.run_until_cancelled(attempt()).await else {
            return Ok(None);
        };
        let error = match tried {
            Ok(done) => {
                context.health.clear(engine);
                if backoff.attempts() > 0 {
                    tracing::info!(engine, "the engine is there now");
                }
                return Ok(Some(done));
            }
            Err(error) if is_transient(&error) => error,
            Err(error) => return Err(error),
        };
        let delay = backoff.next_delay(Duration::ZERO).min(DELAY_MAX);
        if backoff.attempts().is_power_of_two() {
            tracing::warn!(engine, attempts = backoff.attempts(), %error, "waiting for an engine");
        }
        let reason = format!("waiting for {engine}: {error}");
        context.health.set(engine, HealthState::Waiting { reason });
        if context.shutdown.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_comes_late_is_waited_for_and_the_health_says_so() {
        let context = Context::default();
        let mut attempts = 0;
        let waited = wait_for(
            &context,
            "kafka",
            |_| true,
            || {
                attempts += 1;
                ready(match attempts {
                    50.. => Ok(attempts),
                    2.. => {
                        let HealthState::Waiting { reason } = &context.health.parts()["kafka"]
                        else {
                            panic!("not waiting");
                        };
                        assert!(reason.contains("no broker"), "{reason}");
                        Err("no broker")
                    }
                    _ => Err("no broker"),
                })
            },
        );
        assert_eq!(waited.await, Ok(Some(50)));
        assert!(context.health.is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_never_work_and_the_end_of_the_process_end_the_wait() {
        let context = Context::default();
        let refused = wait_for(&context, "kafka", |_| false, || ready(Err::<(), _>("no rights")));
        assert_eq!(refused.await, Err("no rights"));
        let waiting = wait_for(&context, "kafka", |_| true, || ready(Err::<(), _>("no broker")));
        let stop = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            context.shutdown.cancel();
        };
        assert_eq!(tokio::join!(waiting, stop).0, Ok(None));
    }
}
