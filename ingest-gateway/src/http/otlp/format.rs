//! How a message is written, and its records as events: the same for both forms.
//!
//! A resource is decoded once, however many scopes share it: a small message may have thousands of scopes
//! of a resource of megabytes.
//!
//! Pure: no I/O and no clock.

use event::Limits;
use pipeline::Rejection;

use super::model::{Allowance, Described, rejection};
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
        let mut descriptions = Descriptions::new(self, limits);
        let mut events = Vec::new();
        for (number, group, record) in outline.records() {
            let members = descriptions.members(number, group);
            events.push(members.and_then(|members| self.event(members, record, limits)));
        }
        Ok(events)
    }
}

/// What describes the records of a message, decoded as their groups come.
pub(super) struct Descriptions<'a> {
    format: Format,
    limits: &'a Limits,
    /// The resource of the group before, where it stands, and what it is.
    resource: Option<(&'a [u8], Result<Written, Rejection>)>,
    /// The group before, by its number, as members of an object.
    group: Option<(u32, Result<Vec<u8>, Rejection>)>,
    examined_bytes: u64,
}

/// A resource as members of an object, and what it leaves to a scope.
struct Written {
    members: Vec<u8>,
    allowance: Allowance,
}

impl<'a> Descriptions<'a> {
    pub(super) fn new(format: Format, limits: &'a Limits) -> Self {
        Self { format, limits, resource: None, group: None, examined_bytes: 0 }
    }

    /// Bytes that were decoded until now.
    pub(super) fn examined_bytes(&self) -> u64 {
        self.examined_bytes
    }

    /// What describes the records of the group with this number, as members of their objects: written once,
    /// however many records it has.
    pub(super) fn members(&mut self, number: u32, group: Group<'a>) -> Result<&[u8], Rejection> {
        let described = match self.group.take() {
            Some(known) if known.0 == number => known,
            _ => (number, self.describe(group)),
        };
        let (_, members) = self.group.insert(described);
        members.as_deref().map_err(Rejection::clone)
    }

    fn describe(&mut self, group: Group<'a>) -> Result<Vec<u8>, Rejection> {
        let (format, limits) = (self.format, self.limits);
        let (bytes, bytes_max) =
            (group.resource.len() + group.scope.len(), limits.payload_bytes_max);
        if bytes > bytes_max {
            let message =
                format!("what describes the record has {bytes} bytes, more than {bytes_max}");
            return Err(rejection("too_large", message));
        }
        self.examined_bytes += group.scope.len() as u64;
        let resource = self.resource(group.resource)?;
        let mut allowance = resource.allowance;
        let scope = match format {
            Format::Protobuf => protobuf::scope(group.scope, &mut allowance)?,
            Format::Json => json::described(group.scope, limits, &mut allowance)?,
        };
        let scope = record::members_of(&scope, resource.members.len(), bytes_max)?;
        Ok([&resource.members[..], &scope].concat())
    }

    /// The resource that stands there, decoded if it is not that of the group before.
    fn resource(&mut self, bytes: &'a [u8]) -> Result<&Written, Rejection> {
        let resource = match self.resource.take() {
            Some(known) if std::ptr::eq(known.0, bytes) => known,
            _ => {
                self.examined_bytes += bytes.len() as u64;
                (bytes, self.decode(bytes))
            }
        };
        let (_, written) = self.resource.insert(resource);
        written.as_ref().map_err(Rejection::clone)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Written, Rejection> {
        let limits = self.limits;
        let mut allowance = Allowance::new(limits);
        let attributes = match self.format {
            Format::Protobuf => protobuf::resource(bytes, &mut allowance)?.attributes,
            Format::Json => json::described(bytes, limits, &mut allowance)?.attributes,
        };
        // A resource has no name, whatever its JSON says.
        let resource = Described { attributes, ..Described::default() };
        let members = record::members_of(&resource, 0, limits.payload_bytes_max)?;
        Ok(Written { members, allowance })
    }
}

#[cfg(test)]
mod tests;
