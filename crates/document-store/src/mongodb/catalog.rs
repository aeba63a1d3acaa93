//! The catalog: which collections and indexes there are, kept on the server, so that an index is
//! maintained also by a process that has not declared it.
//!
//! A process reads an entry again when it has not for a while. Whoever adds an index fills it, and
//! once more after the time in which others may not have known it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use mongodb::Database;
use mongodb::bson::doc;
use serde::{Deserialize, Serialize};

use super::error::{DUPLICATE_KEY, Failure, code, is_there_already};
use super::fill::{self, Filling};
use crate::catalog::{Collection, unknown_collection};
use crate::{CollectionSpec, DocumentError, ErrorKind};

/// No collection of the platform has a dot in its name.
const CATALOG: &str = "millrace.catalog";
/// How often a declaration is tried while others declare the same.
const DECLARATIONS_MAX: u32 = 20;

/// A collection as the catalog has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "_id")]
    name: String,
    /// Grows with each change.
    revision: i64,
    #[serde(flatten)]
    pub(super) collection: Collection,
    /// Names of indexes that may not hold all documents yet.
    pub(super) unfilled: Vec<String>,
}

struct Known {
    collection: Arc<Collection>,
    read_at: Instant,
}

/// How old what is known may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// How long a process goes on with what it has read.
    pub(super) known_for: Duration,
    /// After how long nobody stores with less than the catalog has now.
    pub(super) known_to_all: Duration,
}

impl Times {
    /// The times of processes whose calls begin nothing after `call_timeout`, and wait `server_timeout`
    /// for the server with what they have begun.
    pub(super) fn new(call_timeout: Duration, server_timeout: Duration) -> Self {
        let known_for = Duration::from_secs(5);
        Self { known_for, known_to_all: known_for + call_timeout + server_timeout }
    }
}

/// What this process knows of the catalog.
pub(super) struct Catalog {
    known: RwLock<HashMap<String, Known>>,
    pub(super) times: Times,
}

impl Catalog {
    pub(super) fn new(times: Times) -> Self {
        Self { known: RwLock::default(), times }
    }

    /// The collection of this name, as it has been lately.
    pub(super) async fn collection(
        &self,
        database: &Database,
        name: &str,
    ) -> Result<Arc<Collection>, Failure> {
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = known.get(name)
                && known.read_at.elapsed() < self.times.known_for
            {
                return Ok(Arc::clone(&known.collection));
            }
        }
        let read_at = Instant::now();
        let entry = read(database, name).await?.ok_or_else(|| unknown_collection(name))?;
        Ok(self.remember(entry.collection, read_at))
    }

    fn remember(&self, collection: Collection, read_at: Instant) -> Arc<Collection> {
        let collection = Arc::new(collection);
        let known = Known { collection: Arc::clone(&collection), read_at };
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match all.get(&collection.name) {
            Some(newer) if newer.read_at > read_at => {}
            _ => drop(all.insert(collection.name.clone(), known)),
        }
        collection
    }

    /// Makes what is missing of a declaration. Gives the entry if indexes must be filled once more.
    pub(super) async fn ensure(
        &self,
        place: &str,
        database: &Database,
        spec: &CollectionSpec,
    ) -> Result<Option<Entry>, Failure> {
        match database.create_collection(spec.name).await {
            Err(error) if !is_there_already(&error) => return Err(error.into()),
            _ => {}
        }
        let read_at = Instant::now();
        let Declared { entry, is_first, new } = declare(database, spec).await?;
        self.remember(entry.collection.clone(), read_at);
        for index in &entry.collection.indexes {
            let is_unfilled = entry.unfilled.contains(&index.name);
            let filling = Filling { place, database, collection: &entry.collection, index };
            let made = filling.make(is_unfilled).await;
            if let Err(failure) = made {
                // Where another process has declared it, that one may be using it.
                if new.contains(&index.name)
                    && let Failure::Refused(_) = failure
                {
                    withdraw(database, spec.name, &index.name).await?;
                    let entry = read(database, spec.name).await?;
                    entry.map(|entry| self.remember(entry.collection, Instant::now()));
                }
                return Err(failure);
            }
        }
        // Nobody stores in a collection that is not in the catalog.
        if is_first {
            filled(database, spec.name, &entry.unfilled).await?;
            return Ok(None);
        }
        Ok((!entry.unfilled.is_empty()).then_some(entry))
    }
}

fn entries(database: &Database) -> mongodb::Collection<Entry> {
    database.collection(CATALOG)
}

async fn read(database: &Database, name: &str) -> Result<Option<Entry>, Failure> {
    Ok(entries(database).find_one(doc! {"_id": name}).await?)
}

/// Writes an entry in place of the one it was made of. Says whether that was still there.
async fn write(database: &Database, mut entry: Entry) -> Result<Option<Entry>, Failure> {
    let before = entry.revision;
    entry.revision += 1;
    if before == 0 {
        return match entries(database).insert_one(&entry).await {
            Ok(_) => Ok(Some(entry)),
            Err(error) if code(&error) == Some(DUPLICATE_KEY) => Ok(None),
            Err(error) => Err(error.into()),
        };
    }
    let filter = doc! {"_id": entry.name.as_str(), "revision": before};
    let done = entries(database).replace_one(filter, &entry).await?;
    Ok((done.matched_count == 1).then_some(entry))
}

/// What a declaration has become.
struct Declared {
    entry: Entry,
    /// Whether the collection was not in the catalog before.
    is_first: bool,
    /// Names of the indexes that were not.
    new: Vec<String>,
}

/// Adds a declaration to the catalog.
async fn declare(database: &Database, spec: &CollectionSpec) -> Result<Declared, Failure> {
    for _ in 0..DECLARATIONS_MAX {
        let known = read(database, spec.name).await?;
        let is_known = known.is_some();
        let mut entry = known.unwrap_or_else(|| Entry {
            name: spec.name.to_owned(),
            revision: 0,
            collection: Collection::new(spec.name),
            unfilled: Vec::new(),
        });
        let before = entry.collection.indexes.len();
        entry.collection.grow(spec)?;
        let new = &entry.collection.indexes[before..];
        let new: Vec<String> = new.iter().map(|index| index.name.clone()).collect();
        if is_known && new.is_empty() {
            return Ok(Declared { entry, is_first: false, new });
        }
        for index in &new {
            fill::clear(database, spec.name, index).await?;
        }
        entry.unfilled.extend(new.iter().cloned());
        if let Some(entry) = write(database, entry).await? {
            return Ok(Declared { entry, is_first: !is_known, new });
        }
    }
    Err(contended(spec.name))
}

/// Takes an index that cannot be made out of the catalog.
async fn withdraw(database: &Database, collection: &str, index: &str) -> Result<(), Failure> {
    change(database, collection, |entry| {
        entry.collection.indexes.retain(|other| other.name != index);
        entry.unfilled.retain(|name| name != index);
    })
    .await?;
    fill::clear(database, collection, index).await
}

/// Notes that these indexes hold all documents.
pub(super) async fn filled(
    database: &Database,
    collection: &str,
    indexes: &[String],
) -> Result<(), Failure> {
    if indexes.is_empty() {
        return Ok(());
    }
    change(database, collection, |entry| entry.unfilled.retain(|name| !indexes.contains(name)))
        .await
}

async fn change(
    database: &Database,
    collection: &str,
    change: impl Fn(&mut Entry),
) -> Result<(), Failure> {
    for _ in 0..DECLARATIONS_MAX {
        let Some(mut entry) = read(database, collection).await? else { return Ok(()) };
        change(&mut entry);
        if write(database, entry).await?.is_some() {
            return Ok(());
        }
    }
    Err(contended(collection))
}

fn contended(collection: &str) -> Failure {
    let text = format!("the catalog's entry of `{collection}` is being changed by many");
    DocumentError::new(ErrorKind::Transient, text).into()
}
