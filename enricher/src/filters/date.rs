//! `date`: reads a time from a field, by the first format that fits.
//!
//! The only "now" is the record's time of receipt: a date without a year is near it, so that a replay
//! reads the same. Without `timezone` a local time is UTC, never the machine's zone. A time that does
//! not exist (29 February of a common year, the hour that is skipped in spring) and a year that
//! nanoseconds since 1970 cannot hold (before 1677, after 2262) fail like any other: the event is
//! tagged, its field and its `@timestamp` stay.

mod epoch;
mod iso8601;

use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};
use jiff::tz::TimeZone;

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::joda::{DateFormat, zone_by_id};
use crate::options::{Options, filter_options};
use crate::template::Template;

const MATCH_WAY_OUT: &str = "write `match => [ \"field\", \"ISO8601\", \"yyyy-MM-dd HH:mm:ss\" ]`";
const NANOSECONDS_OF_MILLISECOND: i64 = 1_000_000;
const ENGLISH: &str = "en";
/// Languages in which Logstash has names of its own for months and days, whatever Java it runs on. The names of others
/// are read in English, as Logstash does with those of a language that it does not know; a check says so.
const OTHER_LANGUAGES: [&str; 47] = [
    "ar", "be", "bg", "ca", "cs", "da", "de", "el", "es", "et", "fi", "fr", "ga", "he", "hi", "hr",
    "hu", "id", "in", "is", "it", "iw", "ja", "ko", "lt", "lv", "mk", "ms", "mt", "nb", "nl", "nn",
    "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "th", "tr", "uk", "vi", "zh",
];

/// One way of writing a time.
#[derive(Clone, Debug)]
enum Format {
    Iso8601,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
    Tai64n,
    Joda(DateFormat),
}

/// The zone of local times.
#[derive(Clone, Debug)]
enum Zone {
    Fixed(TimeZone),
    /// The event names it.
    OfEvent(Template),
}

#[derive(Clone, Debug)]
struct Date {
    source: FieldPath,
    formats: Vec<Format>,
    /// `@timestamp` where it is `None`.
    target: Option<FieldPath>,
    zone: Zone,
    /// Whether only milliseconds are kept.
    is_cut: bool,
    tag_on_failure: Vec<String>,
}

filter_options! {
    /// Reads a time from a field, by the first format that fits.
    ///
    /// The only "now" is the record's time of receipt: a date without a year is near it, so that a
    /// replay reads the same. Without `timezone` a local time is UTC, never the machine's zone. A
    /// time that does not exist (29 February of a common year, the hour that is skipped in spring)
    /// and a year before 1677 or after 2262 fail like any other.
    struct DateOptions {
        /// The field, and then the formats: `ISO8601`, `UNIX` (seconds since 1970), `UNIX_MS`,
        /// `TAI64N`, or one of Joda-Time such as `yyyy-MM-dd HH:mm:ss`. Names of months and days
        /// are English.
        r#match: Vec<String> = required,
        /// The field that gets the time.
        target: FieldPath = "@timestamp",
        /// The zone of local times, as `Europe/Berlin` or `+01:00`; the event may name it.
        timezone: Template => "default: UTC",
        /// The language of names of months and days. They are read in English. Where a format has
        /// such names, a language that Logstash surely reads otherwise is refused, and of any other
        /// `millrace check` warns.
        locale: String => "default: English",
        /// Which digits of a fraction are kept: all, or those of milliseconds, as Logstash does
        /// unless it is told `ns`.
        precision: bool { "ns" => false, "ms" => true } = first,
        /// Tags of an event whose field holds no such time.
        tag_on_failure: Vec<String> = ["_dateparsefailure"],
    }
    tags {
        "_dateparsefailure" => "the field holds no time in one of the formats; it stays, and so does `@timestamp`",
    }
    example r#"date { match => ["[log][time]", "ISO8601", "yyyy-MM-dd HH:mm:ss"] timezone => "Europe/Berlin" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = DateOptions::read(options);
    let DateOptions { r#match: texts, target, timezone, tag_on_failure, .. } = given;
    let zone = zone(options, timezone);
    let texts = texts?;
    let [source, formats @ ..] = texts.as_slice() else {
        options.refuse("match", "`match` of `date` is empty", MATCH_WAY_OUT);
        return None;
    };
    if formats.is_empty() {
        options.refuse("match", "`match` of `date` names a field but no format", MATCH_WAY_OUT);
    }
    let source = options.escape_style().parse(source).map_err(|error| {
        options.refuse("match", error.to_string(), "the first text of `match` names the field");
    });
    let formats: Vec<_> = formats.iter().map(|text| format(options, text)).collect();
    if let Some(locale) = given.locale
        && formats.iter().flatten().any(Format::reads_words)
    {
        look_at_language(options, &locale, environment.wants_warnings);
    }
    Some(Arc::new(Date {
        source: source.ok()?,
        formats: formats.into_iter().collect::<Option<_>>()?,
        target: Some(target).filter(|target| !target.is_timestamp()),
        zone: zone?,
        is_cut: given.precision,
        tag_on_failure,
    }))
}

/// Looks at a locale in whose language a format's names would have to be read: refuses one that has names of its own,
/// and warns of any other.
fn look_at_language(options: &mut Options<'_>, locale: &str, wants_warnings: bool) {
    let language = locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if language == ENGLISH {
        return;
    }
    let way_out = "leave `locale` out if they are English; else make them English before, \
                   with mutate { gsub => [...] }";
    if OTHER_LANGUAGES.contains(&language.as_str()) {
        let message =
            format!("names of months and days are read in English, not as `{locale}` has them");
        options.refuse("locale", message, way_out);
    } else if wants_warnings {
        let message = format!(
            "names of months and days are read in English here, whatever `{locale}` calls them"
        );
        let span = options.span("locale");
        options.warn_at(span, message, way_out);
    }
}

fn zone(options: &mut Options<'_>, template: Option<Template>) -> Option<Zone> {
    let Some(template) = template else { return Some(Zone::Fixed(TimeZone::UTC)) };
    let Some(id) = template.literal() else {
        return Some(Zone::OfEvent(template));
    };
    let zone = zone_by_id(id);
    if zone.is_none() {
        let way_out = "write a name such as `Europe/Berlin` or an offset such as `+01:00`";
        options.refuse("timezone", format!("there is no time zone `{id}`"), way_out);
    }
    zone.map(Zone::Fixed)
}

fn format(options: &mut Options<'_>, text: &str) -> Option<Format> {
    Some(match text {
        "ISO8601" => Format::Iso8601,
        "UNIX" => Format::Unix,
        "UNIX_MS" => Format::UnixMs,
        "TAI64N" => Format::Tai64n,
        pattern => match DateFormat::joda(pattern) {
            Ok(format) if format.is_readable() => Format::Joda(format),
            Ok(_) => {
                let message = format!("`{pattern}` names an era or a century");
                options.refuse("match", message, "read the whole year with `yyyy`");
                return None;
            }
            Err(message) => {
                let way_out = "put plain text between single quotes, as in yyyy-MM-dd'T'HH:mm:ss";
                options.refuse("match", message, way_out);
                return None;
            }
        },
    })
}

impl Format {
    /// Whether texts have words in them that each language has its own of.
    fn reads_words(&self) -> bool {
        matches!(self, Self::Joda(format) if format.reads_words())
    }
}

impl FilterPlan for Date {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for Date {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let now_ns = context.record.received_at_ns;
        let Some(mut value) = event.get(&self.source) else {
            return Applied::NotMatched;
        };
        if event.kind(value) == Kind::Array {
            match event.first_child(value) {
                Some(first) => value = first,
                None => return Applied::NotMatched,
            }
        }
        if event.kind(value) == Kind::Null {
            return Applied::NotMatched;
        }
        match self.read(event, value, now_ns) {
            Some(timestamp_ns) => {
                self.put(event, timestamp_ns);
                Applied::Matched
            }
            None => {
                for tag in &self.tag_on_failure {
                    event.add_tag(tag);
                }
                Applied::NotMatched
            }
        }
    }
}

impl Date {
    fn read(&self, event: &Event, value: NodeId, now_ns: i64) -> Option<i64> {
        let text = match event.kind(value) {
            Kind::String | Kind::Number => event.scalar_text(value)?,
            _ => return None,
        };
        let of_event;
        let zone = match &self.zone {
            Zone::Fixed(zone) => zone,
            Zone::OfEvent(template) => {
                of_event = zone_by_id(&template.render(event, now_ns))?;
                &of_event
            }
        };
        self.formats.iter().find_map(|format| match format {
            Format::Iso8601 => iso8601::read(&text, zone),
            Format::Unix => epoch::read_seconds(&text),
            Format::UnixMs => epoch::read_milliseconds(&text),
            Format::Tai64n => epoch::read_tai64n(&text),
            Format::Joda(format) => format.parse(&text)?.resolve(zone, now_ns),
        })
    }

    fn put(&self, event: &mut Event, timestamp_ns: i64) {
        let timestamp_ns = match self.is_cut {
            true => {
                timestamp_ns.saturating_sub(timestamp_ns.rem_euclid(NANOSECONDS_OF_MILLISECOND))
            }
            false => timestamp_ns,
        };
        let Some(target) = &self.target else {
            event.timestamp_ns = timestamp_ns;
            return;
        };
        let mut text = Vec::with_capacity(30);
        event::format_timestamp(timestamp_ns, &mut text);
        event.set_text(target, &String::from_utf8_lossy(&text));
    }
}

#[cfg(test)]
mod tests;
