//! Several changes as the commands of a transaction: as few as the order of the changes allows.

use std::collections::HashSet;

use mongodb::bson::{Document as Record, doc};

use super::record::{Content, selector};
use crate::catalog::Collection;
use crate::{Change, DocumentError, Expect};

/// How much of the documents goes into one command, in bytes; one document may be larger.
const COMMAND_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many changes go into one command; the server takes 100,000.
const COMMAND_CHANGES_MAX: usize = 10_000;

/// What a command does. Changes of one kind are alike in what the server's count must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Removes what is there; finding nothing is fine.
    Delete,
    /// Removes documents of a version.
    DeleteVersion,
    /// Takes the place of documents that must not be there, and leaves it again: nobody else can then
    /// store one of them at the same time, as they could if it were only looked for.
    Absent,
    /// Stores in place of what is there, or anew; of a version if one is given.
    Update,
    /// Stores what must not be there.
    Insert,
}

impl Kind {
    fn of(change: &Change) -> Self {
        match change {
            Change::Put { expect: Expect::Absent | Expect::Version(0), .. } => Self::Insert,
            Change::Put { .. } => Self::Update,
            Change::Delete { expect: Expect::Any, .. } => Self::Delete,
            Change::Delete { expect: Expect::Absent | Expect::Version(0), .. } => Self::Absent,
            Change::Delete { expect: Expect::Version(_), .. } => Self::DeleteVersion,
        }
    }

    /// Whether the server must have counted as many documents as there are statements.
    pub(super) fn counts_all(self) -> bool {
        matches!(self, Self::DeleteVersion | Self::Update | Self::Insert | Self::Absent)
    }
}

/// Changes of one kind that follow each other.
#[derive(Debug)]
pub(super) struct Step<'c> {
    pub(super) kind: Kind,
    pub(super) ids: Vec<&'c str>,
    bytes: usize,
    statements: Vec<Record>,
}

impl<'c> Step<'c> {
    /// The steps of these changes.
    pub(super) fn all(
        collection: &Collection,
        changes: &'c [Change],
    ) -> Result<Vec<Self>, DocumentError> {
        let mut steps: Vec<Self> = Vec::new();
        for change in ordered(collection, changes) {
            let (id, bytes) = match change {
                Change::Put { id, body, .. } => (id, body.len()),
                Change::Delete { id, .. } => (id, 0),
            };
            let kind = Kind::of(change);
            let statement = statement(collection, change)?;
            match steps.last_mut() {
                Some(step) if step.kind == kind && step.has_room(bytes) => {
                    step.ids.push(id);
                    step.bytes += bytes;
                    step.statements.push(statement);
                }
                _ => {
                    let (ids, statements) = (vec![id.as_str()], vec![statement]);
                    steps.push(Self { kind, ids, bytes, statements });
                }
            }
        }
        Ok(steps)
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.ids.len() < COMMAND_CHANGES_MAX && self.bytes + bytes <= COMMAND_BYTES_MAX
    }

    /// The command for the server.
    pub(super) fn command(&self, collection: &str) -> Record {
        let statements = self.statements.clone();
        match self.kind {
            Kind::Delete | Kind::DeleteVersion => {
                doc! {"delete": collection, "deletes": statements, "ordered": true}
            }
            Kind::Update => doc! {"update": collection, "updates": statements, "ordered": true},
            Kind::Insert | Kind::Absent => {
                doc! {"insert": collection, "documents": statements, "ordered": true}
            }
        }
    }

    /// The command that leaves the places of [`Kind::Absent`] again.
    pub(super) fn removal(&self, collection: &str) -> Record {
        let statements: Vec<_> =
            self.ids.iter().map(|id| doc! {"q": selector(id, None), "limit": 1}).collect();
        doc! {"delete": collection, "deletes": statements, "ordered": true}
    }
}

/// By kind where that cannot change the outcome: where no document is changed twice and no unique
/// value goes from one document to another.
fn ordered<'c>(collection: &Collection, changes: &'c [Change]) -> Vec<&'c Change> {
    let mut ordered: Vec<&Change> = changes.iter().collect();
    let mut ids = HashSet::with_capacity(changes.len());
    let mut is_new = |change: &Change| match change {
        Change::Put { id, .. } | Change::Delete { id, .. } => ids.insert(id.clone()),
    };
    let nothing_unique = collection.indexes.iter().all(|index| !index.unique);
    if nothing_unique && changes.iter().all(&mut is_new) {
        ordered.sort_by_key(|change| Kind::of(change));
    }
    ordered
}

fn statement(collection: &Collection, change: &Change) -> Result<Record, DocumentError> {
    let version = |expect: &Expect| match expect {
        Expect::Version(version) => Some(*version),
        Expect::Any | Expect::Absent => None,
    };
    Ok(match change {
        Change::Delete { id, expect: Expect::Absent | Expect::Version(0) } => selector(id, None),
        Change::Delete { id, expect } => doc! {"q": selector(id, version(expect)), "limit": 1},
        Change::Put { id, body, expect } => {
            let content = Content::new(collection, id, body)?;
            match expect {
                Expect::Absent | Expect::Version(0) => content.record(id),
                Expect::Any => {
                    doc! {"q": selector(id, None), "u": content.update(), "upsert": true}
                }
                Expect::Version(version) => {
                    doc! {"q": selector(id, Some(*version)), "u": content.update()}
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::catalog::Index;

    fn put(id: &str, expect: Expect, size: usize) -> Change {
        Change::Put { id: id.to_owned(), body: Bytes::from(vec![b' '; size]), expect }
    }

    fn delete(id: &str, expect: Expect) -> Change {
        Change::Delete { id: id.to_owned(), expect }
    }

    fn kinds(collection: &Collection, changes: &[Change]) -> Vec<(Kind, usize)> {
        let steps = Step::all(collection, changes).unwrap();
        steps.iter().map(|step| (step.kind, step.ids.len())).collect()
    }

    #[test]
    fn changes_of_different_documents_become_few_commands() {
        let changes: Vec<_> = (0..3000)
            .map(|n| match n % 3 {
                0 => put(&n.to_string(), Expect::Any, 10),
                1 => put(&n.to_string(), Expect::Version(n), 10),
                _ => delete(&n.to_string(), Expect::Any),
            })
            .collect();
        let steps = kinds(&Collection::new("state"), &changes);
        assert_eq!(steps, [(Kind::Delete, 1000), (Kind::Update, 2000)]);
    }

    #[test]
    fn the_order_stays_where_it_matters() {
        let twice =
            [put("a", Expect::Absent, 1), put("b", Expect::Any, 1), delete("a", Expect::Any)];
        let plain = Collection::new("state");
        assert_eq!(
            kinds(&plain, &twice),
            [(Kind::Insert, 1), (Kind::Update, 1), (Kind::Delete, 1)]
        );
        let index = Index { name: "i".into(), fields: vec!["f".into()], unique: true };
        let unique = Collection { name: "people".into(), indexes: vec![index] };
        let body = Bytes::from_static(b"{}");
        let moved = [
            Change::Put { id: "a".into(), body: body.clone(), expect: Expect::Any },
            delete("b", Expect::Version(1)),
            Change::Put { id: "c".into(), body, expect: Expect::Any },
        ];
        let steps = kinds(&unique, &moved);
        assert_eq!(steps, [(Kind::Update, 1), (Kind::DeleteVersion, 1), (Kind::Update, 1)]);
    }

    #[test]
    fn a_command_does_not_grow_too_large() {
        let mib = 1024 * 1024;
        let changes: Vec<_> =
            (0..10).map(|n| put(&n.to_string(), Expect::Absent, 3 * mib)).collect();
        let steps = kinds(&Collection::new("state"), &changes);
        assert_eq!(steps, [(Kind::Insert, 2); 5]);
        let large = put("x", Expect::Any, 16 * mib);
        let error = Step::all(&Collection::new("state"), &[large]).unwrap_err();
        assert_eq!(error.kind, crate::ErrorKind::Invalid);
    }
}
