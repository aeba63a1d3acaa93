//! What is asked of the server. A value is a string; a counter is a hash with one field, so that
//! neither is taken for the other.
//!
//! The server counts to 2^63 - 1. Where a counter stands there it stays, and is given as the largest
//! number there is.

use std::time::Duration;

use redis::{Cmd, RedisError, RedisResult, Script};

use super::connection::Connection;

const TIME_TO_LIVE_MAX: Duration = Duration::from_secs(365 * 24 * 3600);
const COUNT_MAX: u64 = i64::MAX as u64;
const ADD: &str = include_str!("add.lua");

/// The script that adds to a counter.
pub(super) fn add_script() -> Script {
    Script::new(ADD)
}

pub(super) fn get(key: &str) -> Cmd {
    let mut command = redis::cmd("GET");
    command.arg(key);
    command
}

/// Stores a value, or forgets what is there when its time has passed already.
pub(super) fn set(key: &str, value: &[u8], time_to_live: Duration) -> Cmd {
    match milliseconds(time_to_live) {
        0 => delete(key),
        milliseconds => {
            let mut command = redis::cmd("SET");
            command.arg(key).arg(value).arg("PX").arg(milliseconds);
            command
        }
    }
}

pub(super) fn delete(key: &str) -> Cmd {
    let mut command = redis::cmd("DEL");
    command.arg(key);
    command
}

/// Adds to a counter by the script's hash; the server gets the script itself when it does not have
/// it.
pub(super) async fn add(
    connection: &mut Connection,
    script: &Script,
    key: &str,
    amount: u64,
    window: Duration,
) -> RedisResult<u64> {
    let mut call = script.key(key);
    call.arg(amount.min(COUNT_MAX)).arg(milliseconds(window)).arg(COUNT_MAX);
    let count: u64 = call.invoke_async(connection).await?;
    Ok(if count == COUNT_MAX { u64::MAX } else { count })
}

/// Whether what stands under the key is a counter.
pub(super) fn is_counter(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE")
}

/// Whole milliseconds, at least as long.
fn milliseconds(time: Duration) -> u64 {
    let time = time.min(TIME_TO_LIVE_MAX);
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_never_shortened_to_nothing() {
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(7)), 7);
        assert_eq!(milliseconds(Duration::MAX), 365 * 24 * 3600 * 1000);
    }
}
