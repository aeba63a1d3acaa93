//! The documents' fields as an engine knows them: by name, with the nested object around each.

use std::collections::BTreeMap;

use schema::{Field, FieldKind};

/// The field whose value is the operation's timestamp, whatever the document says.
pub(crate) const TIMESTAMP: &str = "@timestamp";

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) kind: FieldKind,
    /// The nested field around it.
    pub(crate) nested: Option<String>,
}

/// All fields, by name.
#[derive(Debug)]
pub(crate) struct Fields {
    known: BTreeMap<String, Known>,
}

/// What the name of a field stands for.
#[derive(Debug, PartialEq)]
pub(crate) enum Target<'a> {
    Id,
    Index,
    /// The operation's timestamp.
    Timestamp,
    Field(&'a Known),
    /// A path below a flattened field.
    Path(&'a Known),
    /// An object: fields below it.
    Object(Vec<&'a Known>),
    Unknown,
}

impl Fields {
    /// Of fields of one name the first counts.
    pub(crate) fn new(fields: &[Field]) -> Self {
        let mut known = BTreeMap::new();
        let around = |name: &str| {
            let outer = |field: &&Field| {
                field.kind == FieldKind::Nested
                    && name.strip_prefix(&field.name).is_some_and(|rest| rest.starts_with('.'))
            };
            fields.iter().find(outer).map(|field| field.name.clone())
        };
        for field in fields {
            known.entry(field.name.clone()).or_insert_with(|| Known {
                name: field.name.clone(),
                kind: field.kind,
                nested: around(&field.name),
            });
        }
        Self { known }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Known> {
        self.known.values()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Known> {
        self.known.get(name)
    }

    /// What a name in a query stands for.
    pub(crate) fn resolve(&self, name: &str) -> Target<'_> {
        match name {
            "_id" => return Target::Id,
            "_index" => return Target::Index,
            TIMESTAMP => return Target::Timestamp,
            _ => {}
        }
        if let Some(field) = self.get(name) {
            return Target::Field(field);
        }
        for (dot, _) in name.match_indices('.').collect::<Vec<_>>().into_iter().rev() {
            match self.get(&name[..dot]) {
                Some(field) if field.kind == FieldKind::Flattened => return Target::Path(field),
                _ => {}
            }
        }
        let below = |field: &&Known| {
            field.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
        };
        let inner: Vec<&Known> = self.iter().filter(below).collect();
        if inner.is_empty() { Target::Unknown } else { Target::Object(inner) }
    }

    /// Whether an object of this name holds fields.
    pub(crate) fn is_object(&self, name: &str) -> bool {
        let after = format!("{name}.");
        let first = self.known.range(after.clone()..).next();
        first.is_some_and(|(name, _)| name.starts_with(&after))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Target};

    #[test]
    fn names_are_fields_paths_objects_or_nothing() {
        let fields = Fields::new(&crate::contract::fields());
        let named = |name: &str| fields.get(name).expect("a field");
        assert_eq!(fields.resolve("tags"), Target::Field(named("tags")));
        assert_eq!(fields.resolve("shop.extra.a.b"), Target::Path(named("shop.extra")));
        assert_eq!(named("shop.order.items.sku").nested.as_deref(), Some("shop.order.items"));
        assert_eq!(named("shop.order.items").nested, None);
        assert_eq!(fields.resolve("shop.order.items.unheard"), Target::Unknown);
        assert_eq!(fields.resolve("a\0b.c..\"{}"), Target::Unknown);
        assert_eq!(fields.resolve("@timestamp"), Target::Timestamp);
        let Target::Object(inner) = fields.resolve("client.geo") else { panic!("an object") };
        assert_eq!(inner, [named("client.geo.location")]);
        assert!(fields.is_object("client.geo") && !fields.is_object("client.ge"));
        assert!(!fields.is_object("tags"));
    }
}
