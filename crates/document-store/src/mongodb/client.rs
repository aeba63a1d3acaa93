//! The connection to the server: made with the first call, every call bounded in time.

use std::time::{Duration, Instant};

use mongodb::bson::doc;
use mongodb::options::{
    ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Database};
use tokio::sync::OnceCell;

use super::MongoConfig;
use super::config::Address;
use super::error::{Failure, not_a_replica_set};
use crate::{DocumentError, ErrorKind};

/// When a call is over for the one who asked. What has begun goes on; nothing begins after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    /// Asked before each attempt that changes something.
    pub(super) fn check(self) -> Result<(), DocumentError> {
        let text = "the call was over before this could be tried";
        let late = || DocumentError::new(ErrorKind::Transient, text);
        (!self.is_over()).then_some(()).ok_or_else(late)
    }
}

/// The server, asked for when it is needed first.
pub(super) struct Server {
    address: Address,
    config: MongoConfig,
    database: OnceCell<Database>,
}

impl Server {
    pub(super) fn new(url: &str, config: &MongoConfig) -> Result<Self, DocumentError> {
        let address = Address::parse(url, config)?;
        Ok(Self { address, config: config.clone(), database: OnceCell::new() })
    }

    /// The server as it may be shown.
    pub(super) fn place(&self) -> &str {
        &self.address.shown
    }

    /// The database. Names are looked up here, nothing is asked of the server yet.
    pub(super) async fn database(&self) -> Result<&Database, mongodb::error::Error> {
        self.database
            .get_or_try_init(|| async {
                let options = ClientOptions::parse(self.address.connection.clone()).await?;
                let client = Client::with_options(self.with_settings(options))?;
                Ok(client.database(&self.config.database))
            })
            .await
    }

    /// What the URL says comes first, but for what makes an answer durable.
    fn with_settings(&self, mut options: ClientOptions) -> ClientOptions {
        let config = &self.config;
        options.app_name.get_or_insert_with(|| "millrace".to_owned());
        options.connect_timeout.get_or_insert(config.connect_timeout.0);
        options.server_selection_timeout.get_or_insert(config.server_timeout.0);
        options.max_pool_size.get_or_insert(config.connections);
        options.retry_writes = Some(true);
        options.retry_reads = Some(true);
        options.write_concern = Some(WriteConcern::majority());
        options.read_concern = Some(ReadConcern::majority());
        options.selection_criteria =
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options
    }

    /// Refuses a server that has no transactions, with what to do.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        let hello = self.database().await?.run_command(doc! {"hello": 1}).await?;
        let is_router = hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
        if is_router || hello.contains_key("setName") {
            return Ok(());
        }
        Err(DocumentError::new(ErrorKind::Fatal, not_a_replica_set(self.place())).into())
    }

    /// When a call that begins now is over.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.config.call_timeout.0)
    }

    /// Runs a call for as long as a call may take.
    pub(super) async fn bounded<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, DocumentError> {
        let limit = self.config.call_timeout.0;
        tokio::time::timeout(limit, self.unbounded(call)).await.unwrap_or_else(|_| {
            let text = format!(
                "the document store {} has not answered within {}; what it did is not known",
                self.place(),
                service::Span(limit)
            );
            Err(DocumentError::new(ErrorKind::Transient, text))
        })
    }

    /// Runs a call to its end, also when the one who asked has gone away: the driver does not
    /// promise to be in order after a call that was dropped.
    pub(super) async fn unbounded<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, DocumentError> {
        match tokio::spawn(call).await {
            Ok(done) => done.map_err(|failure| failure.explain(self.place())),
            Err(error) => {
                let text = format!("a call of the document store ended early: {error}");
                Err(DocumentError::new(ErrorKind::Transient, text))
            }
        }
    }
}
