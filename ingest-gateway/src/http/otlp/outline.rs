//! Where the records of a message stand, and what describes them.
//!
//! Bounded: a message may be made of records of two bytes.

/// Most records of one message.
const RECORDS_MAX: usize = 65_536;

/// The records of a message.
#[derive(Debug, Default)]
pub(super) struct Outline<'a> {
    groups: Vec<Group<'a>>,
    records: Vec<Place<'a>>,
    /// What the next record begins, if none has come of it yet.
    next: Group<'a>,
    is_new: bool,
}

/// What describes the records of a scope, as it was sent; empty where nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Group<'a> {
    pub(super) resource: &'a [u8],
    pub(super) scope: &'a [u8],
}

/// A record as it was sent.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    bytes: &'a [u8],
    group: u32,
}

/// Why nothing of a message can be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// It is not what its content type says.
    #[error("{0}")]
    Malformed(String),
    /// It holds too many records.
    #[error("the message holds more than {RECORDS_MAX} records: export smaller batches")]
    TooMany,
}

impl<'a> Outline<'a> {
    /// Later records are described by these.
    pub(super) fn begin_group(&mut self, resource: &'a [u8], scope: &'a [u8]) {
        self.next = Group { resource, scope };
        self.is_new = true;
    }

    pub(super) fn push(&mut self, bytes: &'a [u8]) -> Result<(), Unreadable> {
        if self.records.len() >= RECORDS_MAX {
            return Err(Unreadable::TooMany);
        }
        if std::mem::take(&mut self.is_new) || self.groups.is_empty() {
            self.groups.push(self.next);
        }
        let group = u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX);
        self.records.push(Place { bytes, group });
        Ok(())
    }

    /// Memory that it takes, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Group<'_>>()
            + self.records.capacity() * size_of::<Place<'_>>()
    }

    /// The records, each with what describes it and with the number of that.
    pub(super) fn records(&self) -> impl Iterator<Item = (u32, Group<'a>, &'a [u8])> {
        let groups = &self.groups;
        self.records.iter().map(|place| (place.group, groups[place.group as usize], place.bytes))
    }
}
