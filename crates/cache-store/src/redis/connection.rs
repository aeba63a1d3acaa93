//! The connection: made with the first call, shared by all, and made anew when it has broken.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, Pipeline, RedisFuture, Value};

use super::connector::Connector;

/// A connection to one server, or those to a cluster.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// A connection that is being made, or has been, or has failed to be.
pub(super) type Connecting = Shared<BoxFuture<'static, Result<Connection, String>>>;

#[derive(Default)]
struct Current {
    /// Grows with each connection, so that one failure replaces it only once.
    number: u64,
    connecting: Option<Connecting>,
}

/// The connection of a cache.
pub(super) struct Line {
    connector: Arc<Connector>,
    connect_timeout: Duration,
    current: Mutex<Current>,
}

impl Line {
    pub(super) fn new(connector: Connector, connect_timeout: Duration) -> Self {
        Self { connector: Arc::new(connector), connect_timeout, current: Mutex::default() }
    }

    /// The connection with its number. It is made to its end also when nobody waits any longer, so
    /// that making it may take longer than a call.
    pub(super) fn connection(&self) -> (u64, Connecting) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connecting) = &current.connecting {
            return (current.number, connecting.clone());
        }
        let (connector, limit) = (Arc::clone(&self.connector), self.connect_timeout);
        let making = tokio::spawn(async move {
            match tokio::time::timeout(limit, connector.connect()).await {
                Ok(connected) => connected.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no connection within {}", service::Span(limit))),
            }
        });
        let connecting = making
            .map(|made| made.unwrap_or_else(|error| Err(format!("ended early: {error}"))))
            .boxed()
            .shared();
        current.number += 1;
        current.connecting = Some(connecting.clone());
        (current.number, connecting)
    }

    /// Has the next call make another connection than the one of this number, unless it is still
    /// being made: that may take longer than a call.
    pub(super) fn is_suspect(&self, number: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let is_made = current.connecting.as_ref().is_some_and(|making| making.peek().is_some());
        if current.number == number && is_made {
            current.connecting = None;
        }
    }

    /// Has the next call make another connection than the one of this number.
    pub(super) fn broke(&self, number: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.number == number {
            current.connecting = None;
        }
    }
}
