//! The options of `geoip`, checked at load.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::FieldPath;
use service::suggest::nearest;

use super::database::Database;
use super::field::{Field, Selection};
use super::{Geoip, GeoipPlan};
use crate::filter::{EcsCompatibility, Environment, FilterPlan};
use crate::options::Options;

/// `cache_size` where it is not given.
const CACHE_DEFAULT_RECORDS: i64 = 1_000;
/// Largest `cache_size`: a record takes a few hundred bytes, in each worker.
const CACHE_MAX_RECORDS: i64 = 1_000_000;

/// Checks the options and reads the databases.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let ecs = options.ecs_compatibility(environment.ecs_compatibility);
    let source = options.required_field("source");
    let target = target(options, ecs, source.as_ref());
    let wanted = fields(options);
    let databases = databases(options, environment);
    let tag_on_failure = options.texts("tag_on_failure");
    let cache_size = options.integer("cache_size").unwrap_or(CACHE_DEFAULT_RECORDS);
    if !(1..=CACHE_MAX_RECORDS).contains(&cache_size) {
        let message = format!("`cache_size` cannot be {cache_size}");
        options.refuse("cache_size", message, format!("write 1 to {CACHE_MAX_RECORDS}"));
    }
    let selection = Selection::new(ecs, wanted?);
    let target = target?;
    let within = |name: &str| target.join(&FieldPath::key(name));
    Some(Arc::new(GeoipPlan(Arc::new(Geoip {
        source: source?,
        targets: selection.members().into_iter().map(within).collect(),
        ip: selection.wants(Field::Ip).then(|| within("ip")),
        databases: databases?,
        tag_on_failure: tag_on_failure.unwrap_or_else(|| vec!["_geoip_lookup_failure".to_owned()]),
        cache_records: usize::try_from(cache_size).ok().and_then(NonZeroUsize::new)?,
        selection,
        target,
    }))))
}

/// `geoip` in old events; in ECS what holds the source, where that is an `[ip]` within something.
fn target(
    options: &mut Options<'_>,
    ecs: EcsCompatibility,
    source: Option<&FieldPath>,
) -> Option<FieldPath> {
    if options.has("target") {
        return options.field("target");
    }
    if ecs == EcsCompatibility::Disabled {
        return Some(FieldPath::key("geoip"));
    }
    let segments: Vec<_> = source?.segments().iter().map(|segment| &*segment.key).collect();
    match segments.as_slice() {
        [holder @ .., "ip"] if !holder.is_empty() => Some(FieldPath::keys(holder)),
        _ => {
            let message = "`geoip` requires a `target` unless `source` is an `[ip]` within a field";
            options.refuse("source", message, "add `target => \"client\"`, or another field");
            None
        }
    }
}

/// The fields named; `Some(None)` where none are, `None` after a mistake.
fn fields(options: &mut Options<'_>) -> Option<Option<Vec<Field>>> {
    let Some(names) = options.texts("fields") else {
        return Some(None);
    };
    let mut fields = Vec::with_capacity(names.len());
    for name in &names {
        match Field::by_name(name) {
            Some(field) => fields.push(field),
            None => {
                let near = nearest(name, Field::names());
                let way_out = near.map_or_else(
                    || format!("there are {}", Field::names().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                options.refuse("fields", format!("`geoip` has no field `{name}`"), way_out);
            }
        }
    }
    (fields.len() == names.len()).then_some(Some(fields))
}

/// The databases named, else the installation's, else the embedded one.
fn databases(options: &mut Options<'_>, environment: &Environment) -> Option<Vec<Arc<Database>>> {
    let kind = options.choice("default_database_type", &["City", "ASN"]);
    let named =
        options.texts("database").map(|paths| paths.into_iter().map(PathBuf::from).collect());
    let paths: Vec<PathBuf> =
        named.unwrap_or_else(|| environment.geoip_database.iter().cloned().collect());
    if paths.is_empty() {
        if kind == Some("ASN") {
            let way_out = "name a file: `database => \"/path/to/GeoLite2-ASN.mmdb\"`";
            let message = "the embedded database knows countries, not autonomous systems";
            options.refuse("default_database_type", message, way_out);
            return None;
        }
        let embedded = Database::embedded().map_err(|error| {
            options.refuse("database", error.to_string(), "name a file with `database`");
        });
        return Some(vec![embedded.ok()?]);
    }
    let opened: Vec<_> = paths.iter().map(|path| open(options, path)).collect();
    opened.into_iter().collect()
}

fn open(options: &mut Options<'_>, path: &Path) -> Option<Arc<Database>> {
    let opened = Database::open(path);
    if let Err(error) = &opened {
        options.refuse("database", error.to_string(), "name a whole database in MaxMind's format");
    }
    opened.ok()
}
