//! Indices whose names the installation chooses, as Logstash may have made them before: whether one holds our
//! documents. It is told by the alias that our templates give; nothing is ever changed in an index of others.

use reqwest::Method;
use serde_json::Value;

use super::client::Body;
use super::shared::Shared;
use super::templates;
use crate::StoreError;

/// What stands for the rest of a name where only its beginning counts.
const ANY: &str = "millrace";

/// Whose an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It is made by our templates, or will be.
    We,
    /// Its fields are of other types: no search of ours reads it. The one beside it is ours.
    Another,
    /// Neither it nor the one beside it can be ours.
    Others,
}

/// Whose the index of this name is.
///
/// # Errors
/// An engine that does not say, or that would make all indices of this beginning by the template of somebody else.
pub(crate) async fn owner(shared: &Shared, name: &str) -> Result<Owner, StoreError> {
    let alias = schema::named_alias(&shared.config.index_namespace);
    match has_alias(shared, name, &alias).await? {
        Some(true) => return Ok(Owner::We),
        Some(false) => {}
        None => {
            let is_ours = would_be_ours(shared, name, &alias).await?;
            return Ok(if is_ours { Owner::We } else { Owner::Others });
        }
    }
    let beside = super::index::beside(name);
    let is_ours = match has_alias(shared, &beside, &alias).await? {
        Some(is_ours) => is_ours,
        None => would_be_ours(shared, &beside, &alias).await?,
    };
    if !is_ours {
        return Ok(Owner::Others);
    }
    tracing::warn!(
        index = name,
        beside,
        "this index stands in the search engine already and is not Millrace's, as one that Logstash has made: documents \
         go to the one beside it"
    );
    Ok(Owner::Another)
}

/// Whether the index of this name has our alias; none if there is no such index.
async fn has_alias(shared: &Shared, name: &str, alias: &str) -> Result<Option<bool>, StoreError> {
    let found = templates::get(shared, &format!("{name}/_alias")).await?;
    // Where the name is itself an alias, or a data stream, others stand there.
    Ok(found.map(|found| found[name]["aliases"].get(alias).is_some()))
}

/// Whether an index that is not there yet will come from our template, which keeps the shops apart.
///
/// # Errors
/// No index of this beginning would. An event may choose the rest of a name, and must not stop anything.
async fn would_be_ours(shared: &Shared, name: &str, alias: &str) -> Result<bool, StoreError> {
    if is_by_our_template(shared, name, alias).await? {
        return Ok(true);
    }
    let prefixes = &shared.index_prefixes.0;
    let prefix = prefixes.iter().find(|prefix| name.starts_with(prefix.as_str()));
    let prefix = prefix.map_or(name, String::as_str);
    if is_by_our_template(shared, &format!("{prefix}{ANY}"), alias).await? {
        tracing::warn!(
            index = name,
            "the search engine would make this index by the template of somebody else, whose priority is higher than \
             that of Millrace's: its documents are dead letters"
        );
        return Ok(false);
    }
    Err(StoreError::Fatal(format!(
        "the search engine would make the index {name} by the template of somebody else, whose priority is higher than \
         that of Millrace's (290, or 295 for indices of a day): lower that one or remove it, or take other names in \
         enricher.index and search.index_prefixes"
    )))
}

/// Whether the template that counts for a name is ours, as far as the engine says so.
async fn is_by_our_template(shared: &Shared, name: &str, alias: &str) -> Result<bool, StoreError> {
    let path = format!("_index_template/_simulate_index/{name}");
    let answer = templates::ask(shared, Method::POST, &path, Body::None).await?;
    if !answer.status.is_success() {
        tracing::debug!(name, status = %answer.status, "the engine does not say which template counts");
        return Ok(true);
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let is_ours = told["template"]["aliases"].get(alias).is_some();
    Ok(is_ours || !told["template"].is_object())
}
