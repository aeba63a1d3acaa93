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
        for (_, group, record) in outline.records() {
            let members = descriptions.members(group);
            events.push(members.and_then(|members| self.event(&members, record, limits)));
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
    examined_bytes: u64,
}

/// A resource as members of an object, and what it leaves to a scope.
struct Written {
    members: Vec<u8>,
    allowance: Allowance,
}

impl<'a> Descriptions<'a> {
    pub(super) fn new(format: Format, limits: &'a Limits) -> Self {
        Self { format, limits, resource: None, examined_bytes: 0 }
    }

    /// Bytes that were decoded until now.
    pub(super) fn examined_bytes(&self) -> u64 {
        self.examined_bytes
    }

    /// What describes the records of a group, written once as members of their objects.
    pub(super) fn members(&mut self, group: Group<'a>) -> Result<Vec<u8>, Rejection> {
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
        let is_known = self.resource.as_ref().is_some_and(|(known, _)| std::ptr::eq(*known, bytes));
        if !is_known {
            self.examined_bytes += bytes.len() as u64;
            self.resource = Some((bytes, self.decode(bytes)));
        }
        match &self.resource {
            Some((_, Ok(written))) => Ok(written),
            Some((_, Err(rejection))) => Err(rejection.clone()),
            None => Err(rejection("invalid_otlp", "the record has no resource")),
        }
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
