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
use crate::options::{Options, filter_options};

/// Largest `cache_size`: a record takes a few hundred bytes, in each worker.
const CACHE_MAX_RECORDS: i64 = 1_000_000;

filter_options! {
    /// Sets the place of an address, from a database.
    ///
    /// Without `database` it is the configuration's (`enricher.geoip_database`), else the embedded
    /// one: countries, by DB-IP. Others are read in MaxMind's layout or the flat one, and are read
    /// again with the pipeline.
    struct GeoipOptions {
        /// The field that holds the address.
        source: FieldPath = required,
        /// The field that gets the place.
        target: FieldPath => "default: the field that holds the source, if that is an `[ip]`, else required; with \
            `ecs_compatibility => disabled` `geoip`",
        /// What is set of a place, by names of Logstash such as `country_name`, `city_name`,
        /// `location`, `ip`.
        fields: Vec<String> => "default: all that the database has",
        /// Files of databases. What each knows is set, that of later ones beside that of earlier
        /// ones.
        database: Vec<PathBuf> => "default: the configuration's, else the embedded one",
        /// What the embedded database would have to know; it knows countries, so `ASN` without
        /// `database` is refused.
        default_database_type: bool { "City" => false, "ASN" => true } = first,
        /// How many records are kept in each worker, 1 to 1000000. Four times as many addresses
        /// that came last are known by their text, 4096 at most; these take 48 bytes each for each
        /// database, from the first event on.
        cache_size: i64 = 1_000,
        /// Tags of an event whose field holds no address that is known.
        tag_on_failure: Vec<String> = ["_geoip_lookup_failure"],
        /// Which names of fields are used.
        ecs_compatibility: EcsCompatibility => "default: the pipeline's",
    }
    tags {
        "_geoip_lookup_failure" => "the field holds no address, or one that no database knows",
    }
    example r#"geoip { source => "[client][ip]" }"#
}

/// Checks the options and reads the databases.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = GeoipOptions::read(options);
    let ecs = given.ecs_compatibility.unwrap_or(environment.ecs_compatibility);
    let GeoipOptions { source, cache_size, .. } = given;
    let target = target(options, ecs, given.target, source.as_ref());
    let paths = given.database;
    let paths = paths.unwrap_or_else(|| environment.geoip_database.iter().cloned().collect());
    if paths.is_empty() && environment.wants_warnings && !given.default_database_type {
        warn_of_embedded(options, given.fields.as_deref().unwrap_or_default());
    }
    let wanted = fields(options, given.fields);
    let databases = databases(options, &paths, given.default_database_type);
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
        tag_on_failure: given.tag_on_failure,
        cache_records: usize::try_from(cache_size).ok().and_then(NonZeroUsize::new)?,
        selection,
        target,
    }))))
}

/// `geoip` in old events; in ECS what holds the source, where that is an `[ip]` within something.
fn target(
    options: &mut Options<'_>,
    ecs: EcsCompatibility,
    given: Option<FieldPath>,
    source: Option<&FieldPath>,
) -> Option<FieldPath> {
    if options.has("target") {
        return given;
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
fn fields(options: &mut Options<'_>, names: Option<Vec<String>>) -> Option<Option<Vec<Field>>> {
    let Some(names) = names else {
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

/// Says what is asked for and never set without a database of one's own.
fn warn_of_embedded(options: &mut Options<'_>, names: &[String]) {
    const WAY_OUT: &str = "name a file: `database => \"/path/to/GeoLite2-City.mmdb\"`";
    let is_unknown = |name: &&String| {
        Field::by_name(name).is_some_and(|field| !matches!(field, Field::CountryCode2 | Field::Ip))
    };
    let unknown: Vec<_> = names.iter().filter(is_unknown).map(|name| format!("`{name}`")).collect();
    if !unknown.is_empty() {
        let message = format!(
            "the embedded database knows codes of countries only: it never sets {}",
            unknown.join(", ")
        );
        let span = options.span("fields");
        options.warn_at(span, message, WAY_OUT);
    }
    if options.has("default_database_type") {
        let span = options.span("default_database_type");
        let message = "the embedded database knows codes of countries only, no cities";
        options.warn_at(span, message, WAY_OUT);
    }
}

/// The databases at these paths, else the embedded one.
fn databases(
    options: &mut Options<'_>,
    paths: &[PathBuf],
    wants_systems: bool,
) -> Option<Vec<Arc<Database>>> {
    if paths.is_empty() {
        if wants_systems {
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
