//! The cache on Redis: counters and values that several processes share.
//!
//! Every call is bounded in time. After several failures in a row the cache is left alone for a
//! moment, and calls fail at once: a cache that is away makes its users slower, never wrong.

mod address;
mod breaker;
mod command;
mod config;
mod connection;
mod connector;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use redis::{ErrorKind, RedisError, RedisResult, Script, ServerErrorKind};

use self::address::{Address, Kind};
use self::breaker::{Breaker, Leave};
use self::connection::{Connection, Line};
use self::connector::Connector;
use crate::{CacheError, CacheStore};

pub use config::RedisConfig;

/// A cache on a Redis server, on one that sentinels watch, or on a cluster.
pub struct RedisCache {
    /// The address as it may be shown.
    place: String,
    is_cluster: bool,
    key_prefix: String,
    call_timeout: Duration,
    line: Line,
    breaker: Mutex<Breaker>,
    add: Script,
}

impl RedisCache {
    /// Prepares a cache at a URL: `redis://host:6379/0`,
    /// `redis+sentinel://host:26379,host2:26379/master/0` or
    /// `redis+cluster://host:6379,host2:6379`; `rediss` in place of `redis` is with TLS. The server is
    /// asked for with the first call.
    ///
    /// # Errors
    /// The URL or the settings cannot be used.
    pub fn connect(url: &str, config: &RedisConfig) -> Result<Self, CacheError> {
        let address = Address::parse(url, config)?;
        let (place, is_cluster) = (address.to_string(), address.kind == Kind::Cluster);
        let connector = Connector::new(address, config)
            .map_err(|error| CacheError(format!("{place} cannot be used: {error}")))?;
        Ok(Self {
            place,
            is_cluster,
            key_prefix: config.key_prefix.clone(),
            call_timeout: config.call_timeout.0,
            line: Line::new(connector, config.connect_timeout.0),
            breaker: Mutex::new(Breaker::new(config.failures_until_pause, config.pause.0)),
            add: command::add_script(),
        })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.key_prefix)
    }

    fn breaker<T>(&self, with: impl FnOnce(&mut Breaker) -> T) -> T {
        with(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks the cache, if it may be asked now.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, CacheError> {
        if self.breaker(|breaker| breaker.ask(Instant::now())) == Leave::Stay {
            return Err(CacheError(format!("{} is left alone for a moment", self.place)));
        }
        let (number, connecting) = self.line.connection();
        let asked = tokio::time::timeout(self.call_timeout, async {
            let mut connection = connecting.await.map_err(|reason| (reason, true))?;
            let answer = question(&mut connection).await;
            answer.map_err(|error| (error.to_string(), self.breaks(&error)))
        });
        let (reason, is_broken) = match asked.await {
            Ok(Ok(answer)) => {
                if self.breaker(Breaker::succeeded) {
                    tracing::info!(cache = self.place, "the cache answers again");
                }
                return Ok(answer);
            }
            Ok(Err(failed)) => failed,
            Err(_) => (format!("no answer within {}", service::Span(self.call_timeout)), false),
        };
        let (is_paused, is_away) = self.breaker(|breaker| {
            let is_paused = breaker.failed(Instant::now());
            (is_paused, !breaker.is_closed())
        });
        if is_paused {
            tracing::warn!(cache = self.place, reason, "the cache is left alone for a moment");
        }
        if is_broken {
            self.line.broke(number);
        } else if is_away {
            self.line.is_suspect(number);
        }
        Err(CacheError(format!("{}: {reason}", self.place)))
    }

    /// Whether another connection is needed: this one is cut, or leads to a server that is no longer
    /// the one that takes writes. A cluster's connections look after themselves.
    fn breaks(&self, error: &RedisError) -> bool {
        let is_cut = error.is_io_error() || error.is_unrecoverable_error();
        let is_elsewhere = matches!(
            error.kind(),
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
        );
        match self.is_cluster {
            false => is_cut || is_elsewhere,
            true => error.kind() == ErrorKind::ClusterConnectionNotFound,
        }
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCache").field("url", &self.place).finish_non_exhaustive()
    }
}

#[async_trait]
impl CacheStore for RedisCache {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, CacheError> {
        let command = command::get(&self.key(key));
        self.ask(async |connection| {
            let answer: RedisResult<Option<Vec<u8>>> = command.query_async(connection).await;
            match answer {
                Err(error) if command::is_counter(&error) => Ok(None),
                answer => Ok(answer?.map(Bytes::from)),
            }
        })
        .await
    }

    async fn set(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<(), CacheError> {
        let command = command::set(&self.key(key), &value, time_to_live);
        self.ask(async |connection| command.exec_async(connection).await).await
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        let command = command::delete(&self.key(key));
        self.ask(async |connection| command.exec_async(connection).await).await
    }

    async fn add(&self, key: &str, amount: u64, window: Duration) -> Result<u64, CacheError> {
        let key = self.key(key);
        self.ask(async |connection| command::add(connection, &self.add, &key, amount, window).await)
            .await
    }
}

#[cfg(test)]
mod tests;
