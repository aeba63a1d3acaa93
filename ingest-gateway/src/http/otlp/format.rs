//! How a message is written, and its records as events: the same for both forms.
//!
//! Pure: no I/O and no clock.

use event::Limits;
use pipeline::Rejection;

use super::model::{Allowance, rejection};
use super::outline::{Group, Outline, Unreadable};
use super::{json, protobuf, record};

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Protobuf,
    Json,
}

impl Format {
    /// Where the records of a message stand.
    pub(super) fn outline(self, message: &[u8]) -> Result<Outline<'_>, Unreadable> {
        match self {
            Self::Protobuf => protobuf::outline(message),
            Self::Json => json::outline(message),
        }
    }

    /// What describes the records of a group, written once as members of their objects.
    pub(super) fn members(self, group: Group<'_>, limits: &Limits) -> Result<Vec<u8>, Rejection> {
        let mut allowance = Allowance::new(limits);
        let (resource, scope) = match self {
            Self::Protobuf => (
                protobuf::resource(group.resource, &mut allowance)?,
                protobuf::scope(group.scope, &mut allowance)?,
            ),
            Self::Json => (
                json::described(group.resource, limits, &mut allowance)?,
                json::described(group.scope, limits, &mut allowance)?,
            ),
        };
        record::members_of(&resource, &scope, limits.payload_bytes_max)
    }

    /// A record as one JSON object, these members in it.
    pub(super) fn event(
        self,
        members: &[u8],
        record: &[u8],
        limits: &Limits,
    ) -> Result<Vec<u8>, Rejection> {
        let bytes_max = limits.payload_bytes_max;
        if record.len() > bytes_max {
            let message = format!("the record has {} bytes, more than {bytes_max}", record.len());
            return Err(rejection("too_large", message));
        }
        let mut allowance = Allowance::new(limits);
        let record = match self {
            Self::Protobuf => protobuf::record(record, &mut allowance)?,
            Self::Json => json::record(record, limits, &mut allowance)?,
        };
        record::json(members, &record, bytes_max)
    }

    /// The events of a whole message, each or why it is refused; an error where the message is none.
    pub(crate) fn events(
        self,
        message: &[u8],
        limits: &Limits,
    ) -> Result<Vec<Result<Vec<u8>, Rejection>>, String> {
        let outline = self.outline(message).map_err(|unreadable| unreadable.to_string())?;
        let event = |(_, group, record): (u32, Group<'_>, &[u8])| {
            self.event(&self.members(group, limits)?, record, limits)
        };
        Ok(outline.records().map(event).collect())
    }
}

#[cfg(test)]
mod tests;
