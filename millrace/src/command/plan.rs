//! The plan of a command that runs a pipeline without a platform.

use enricher::Plan;
use enricher::config::HASH_KEY_VARIABLE;
use uuid::Uuid;

use super::{Failure, complain};

/// Compiles the pipeline that the configuration names. `run` is what hashes are made with where no key is given.
pub(super) fn compile(
    config: &enricher::Config,
    run: Uuid,
    command: &str,
) -> Result<Plan, Failure> {
    let given = config.secret().map_err(|error| Failure::usage(error.to_string()))?;
    let key = given.as_ref().map_or_else(|| run.to_string(), |given| given.reveal().clone());
    let plan =
        enricher::compile(config, &key).map_err(|mistakes| Failure::usage(mistakes.to_string()))?;
    if !plan.lookups().is_empty() {
        return Err(Failure::usage(format!(
            "`{command}` asks no servers, and the pipeline has a filter `dns`: put it into an `if` that is \
             false here, or use `millrace up`"
        )));
    }
    let is_keyed = given.is_some() || std::env::var_os(HASH_KEY_VARIABLE).is_some();
    if !is_keyed && plan.filters().iter().any(|filter| filter.has_hash_key) {
        complain(
            "millrace",
            &format!(
                "warning: {HASH_KEY_VARIABLE} is not set: hashes with the installation's key are of \
                 this run alone"
            ),
        );
    }
    Ok(plan)
}
