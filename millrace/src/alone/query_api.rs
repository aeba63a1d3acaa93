//! The query API alone.

use std::path::PathBuf;

use query_api::Stores;

use super::Alone;
use crate::backends::{Opening, Store};
use crate::cli::ApiArguments;
use crate::command::Failure;
use crate::config::PlatformConfig;
use crate::first_password;

/// API and pages in a process of their own.
#[derive(Debug)]
pub struct QueryApi {
    keys_folder: PathBuf,
    admin_password_file: Option<PathBuf>,
}

impl Alone for QueryApi {
    const NAME: &'static str = "query-api";
    const ABOUT: &'static str = "Serves sign-in, search, dead letters, state, and the pages";
    const METRICS_PORT: u16 = 9605;
    const STORES: &'static [Store] = &[Store::Bus, Store::Documents, Store::Search];
    type Arguments = ApiArguments;

    fn prepare(config: &PlatformConfig, arguments: &ApiArguments) -> Result<Self, Failure> {
        let Some(keys_folder) = config.query_api.keys_folder.clone() else {
            return Err(Failure::usage(
                "query_api.keys_folder is not set: name a folder for the keys of access tokens; all \
                 instances of the API need the same ones",
            ));
        };
        let admin_password_file = arguments.admin_password_file.clone();
        Ok(Self { keys_folder, admin_password_file })
    }

    async fn run(self, opening: Opening) -> Result<(), Failure> {
        let config = opening.config.query_api.clone();
        let bound = query_api::bind(&config, None).await.map_err(Failure::of)?;
        tracing::info!(address = %bound.address().map_err(Failure::of)?, "api listens");
        let Some(runtime) = opening.runtime().await? else { return Ok(()) };
        let documents = opening.documents()?;
        let file = self.admin_password_file.as_deref();
        let password = first_password::ensure(documents.as_ref(), file, &runtime.context).await?;
        if let Some(password) = password {
            let told = "The user admin was made. Its password, shown only now:";
            crate::command::print(|out| writeln!(out, "{told} {password}"))?;
        }
        let stores = Stores {
            search: opening.search().await?,
            documents,
            cache: opening.cache()?,
            keys: access::Keys::load_or_create(&self.keys_folder).map_err(Failure::of)?,
            // Enrichers run in other processes.
            tap: None,
        };
        let foreign_topics = opening.config.foreign_topics();
        query_api::run(bound, config, stores, foreign_topics, runtime).await.map_err(Failure::of)
    }
}
