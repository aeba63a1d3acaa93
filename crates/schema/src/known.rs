//! The fields that code must name: what the platform itself says of every event.

use crate::document::{DocumentTree, Place};
use crate::error::SchemaError;

/// Version of the Elastic Common Schema that the documents' names follow: `ecs.version`.
pub const ECS_VERSION: &str = "9.5.0";

/// Places of the fields that code names.
#[derive(Clone, Copy, Debug)]
pub struct KnownPlaces {
    /// `ecs.version`.
    pub ecs_version: Place,
    /// `event.category`.
    pub event_category: Place,
    /// `event.created`.
    pub event_created: Place,
    /// `event.dataset`.
    pub event_dataset: Place,
    /// `event.id`.
    pub event_id: Place,
    /// `event.kind`.
    pub event_kind: Place,
    /// `event.outcome`.
    pub event_outcome: Place,
    /// `event.type`.
    pub event_type: Place,
    /// `organization.id`.
    pub organization_id: Place,
    /// `http.request.method`.
    pub request_method: Place,
    /// `url.original`.
    pub request_target: Place,
    /// `http.version`.
    pub request_version: Place,
    /// `tags`.
    pub tags: Place,
    /// `shop.extra`.
    pub extra: Place,
    /// `shop.unparsed`.
    pub unparsed: Place,
    /// `shop.overflow`.
    pub overflow: Place,
}

impl KnownPlaces {
    pub(crate) fn find(document: &DocumentTree) -> Result<Self, SchemaError> {
        let place = |name: &str| {
            let found = document.find(name).filter(|place| document.field(*place).is_some());
            found.ok_or_else(|| SchemaError::Form {
                file: "document.json".to_owned(),
                place: name.to_owned(),
                message: "the platform sets this field, so it must stand here".to_owned(),
            })
        };
        Ok(Self {
            ecs_version: place("ecs.version")?,
            event_category: place("event.category")?,
            event_created: place("event.created")?,
            event_dataset: place("event.dataset")?,
            event_id: place("event.id")?,
            event_kind: place("event.kind")?,
            event_outcome: place("event.outcome")?,
            event_type: place("event.type")?,
            organization_id: place("organization.id")?,
            request_method: place("http.request.method")?,
            request_target: place("url.original")?,
            request_version: place("http.version")?,
            tags: place("tags")?,
            extra: place("shop.extra")?,
            unparsed: place("shop.unparsed")?,
            overflow: place("shop.overflow")?,
        })
    }
}
