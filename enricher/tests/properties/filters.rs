//! Every filter with its options and values that a pipeline might give them, as texts of the language.
//!
//! Most combinations are accepted. The others must be refused with a word, never run half.

use std::sync::LazyLock;

use enricher::description::{COMMON_OPTIONS, OptionDescription, OptionKind, Presence};
use enricher::registry::{self, Entry};
use proptest::prelude::*;

/// What an option takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// A field.
    Field,
    /// One to three fields.
    Fields,
    /// `true` or `false`.
    Flag,
    /// A whole number in this range.
    Whole(i64, i64),
    /// One of these, in quotes.
    Word(&'static [&'static str]),
    /// One to three of these, in quotes.
    Words(&'static [&'static str]),
    /// Fields with fields.
    FieldToField,
    /// Fields with one of these.
    FieldTo(&'static [&'static str]),
    /// Fields with texts in which fields are replaced.
    FieldToTemplate,
    /// A text in which fields are replaced.
    Template,
    /// One to three texts in which fields are replaced.
    Templates,
    /// One of these, as it is written.
    Written(&'static [&'static str]),
}

use Wanted::{
    Field, FieldTo, FieldToField, FieldToTemplate, Fields, Flag, Template, Templates, Whole, Word,
    Words, Written,
};

/// A filter and how it may be written.
#[derive(Clone, Debug)]
pub(crate) struct FilterShape {
    pub(crate) name: &'static str,
    /// How often it is chosen.
    pub(crate) weight: u32,
    pub(crate) needed: Vec<(&'static str, Wanted)>,
    pub(crate) others: Vec<(&'static str, Wanted)>,
}

/// The fields that events have and pipelines name.
pub(crate) const FIELDS: &[&str] = &[
    "message",
    "message",
    "a",
    "b",
    "c",
    "[a][b]",
    "[a][c]",
    "[a][b][c]",
    "[a][0]",
    "[b][-1]",
    "list",
    "[list][0]",
    "[list][1][a]",
    "n",
    "x.y",
    "tags",
    "type",
    "[@metadata][m]",
    "[%{a}]",
    "é",
];

/// Tags that are set and taken.
pub(crate) const TAGS: &[&str] = &["one", "two", "_grokparsefailure", "%{a}"];

/// Texts in which fields are replaced.
pub(crate) const TEMPLATES: &[&str] = &[
    "",
    "text",
    "%{a}",
    "%{[a][b]}",
    "<%{message}>",
    "%{list}",
    "%{+YYYY.MM.dd}",
    "%{+%s}",
    "%{{TIME_NOW}}",
    "%{missing}",
    "%{n} of %{[list][0]}",
    "%{@timestamp}",
    "%{",
    "%{[@metadata][m]}",
    "ß%{é}",
];

const FORMATS: &[&str] = &[
    r#"[ "message", "ISO8601" ]"#,
    r#"[ "a", "UNIX", "UNIX_MS", "TAI64N" ]"#,
    r#"[ "[a][b]", "MMM dd HH:mm:ss", "MMM  d HH:mm:ss" ]"#,
    r#"[ "b", "yyyy-MM-dd HH:mm:ss,SSS", "dd/MMM/yyyy:HH:mm:ss Z", "yy-D-e" ]"#,
    r#"[ "n", "YYYY-MM-dd'T'HH:mm:ssZZ", "EEE hh:mm a ZZZ", "xxxx-ww", "K k" ]"#,
];

const PATTERNS: &[&str] = &[
    r#"{ "message" => "%{WORD:a} %{NUMBER:n:int}" }"#,
    r#"{ "message" => [ "^%{IP:[a][b]}$", "(?<c>[a-z]+)=(?<[a][c]>.*)", "%{GREEDYDATA:message}" ] }"#,
    r#"{ "a" => "%{NOTSPACE:[@metadata][m]}%{SPACE}%{DATA:b}$" "b" => "(?<list>\d+(\.\d+)?)|é" }"#,
    r#"{ "message" => "%{TIMESTAMP_ISO8601:a} %{LOGLEVEL:type}?.*%{QUOTEDSTRING:b}" }"#,
    r#"{ "c" => "%{WORD:list}(?:,%{WORD:list})*" }"#,
];

const SUBSTITUTIONS: &[&str] = &[
    r#"[ "message", "[aeiou]", "" ]"#,
    r#"[ "a", "(\w+) (\w+)", "\2 %{b} \1" ]"#,
    r#"[ "list", "^", "%{n}", "b", "$", "é" ]"#,
    r#"[ "[a][b]", "x*", "-" ]"#,
];

const CALCULATIONS: &[&str] = &[
    r#"[ [ "add", "[n]", 1, "[n]" ] ]"#,
    r#"[ [ "divide", "[a]", "[n]", "MEM[0]" ], [ "round", "MEM[0]", 2, "[b]" ] ]"#,
    r#"[ [ "power", "[n]", "[n]", "[n]" ], [ "modulo", "[n]", "[a]", "[c]" ] ]"#,
    r#"[ [ "float divide", "[n]", 3, "[a]" ], [ "multiply", "[a]", -1.5, "[a]" ] ]"#,
];

const DISSECTIONS: &[&str] = &[
    r#"{ "message" => "%{a} %{b}" }"#,
    r#"{ "message" => "%{?k}=%{&k} %{[a][c]->} %{+b/2} %{+b/1}" }"#,
    r#"{ "a" => "<%{n}>%{}" "b" => "%{@timestamp},%{list}" }"#,
];

const CODES: &[&str] = &[
    "'map[\"n\"] ||= 0; map[\"n\"] += 1; event.set(\"n\", map[\"n\"])'",
    "'map[\"all\"] ||= []; map[\"all\"] << event.get(\"[a][b]\")'",
    "'map[\"a\"] = event.get(\"a\"); event.cancel()'",
    "'event.set(\"was\", map[\"a\"]) if map[\"a\"]'",
    "'map[\"n\"] = event.get(\"n\"); map_meta.timeout = event.get(\"n\")'",
    "'map_meta.inactivity_timeout = 0; event.set(\"c\", map_meta.task_id)'",
];

const TIMEOUT_CODES: &[&str] = &[
    "'event.set(\"several\", event.get(\"n\") > 1)'",
    "'event.set(\"b\", event.get(\"a\"))'",
    "'event.cancel()'",
];

const CONVERSIONS: &[&str] = &[
    r#"{ "a" => "integer" "n" => "float" }"#,
    r#"{ "column2" => "date_time" "column1" => "boolean" }"#,
];

const XPATHS: &[&str] = &[
    r#"{ "//a" => "b" }"#,
    r#"{ "/a/text()" => "[a][b]" "//b" => "list" }"#,
    r#"[ "//a/@b", "c" ]"#,
];

const DICTIONARIES: &[&str] = &[
    r#"{ "1" => "one" "text" => "[a]" "é" => "%{a}" }"#,
    r#"[ "true", "yes", "null", "no" ]"#,
    r#"{ "^[0-9]+$" => "number" "(a" => "no pattern" }"#,
    r#"{ "a.*" => "starts with a" ".*" => "any" }"#,
];

const NETWORKS: &[&str] =
    &["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "%{b}", "203.0.113.7/32"];

const METERS: &[&str] = &["orders", "%{a}", "status_%{n}", "%{message}", "[m][n]", "tags"];

/// In place of a filter's name: the options that every filter has.
pub(crate) const EVERY: &str = "*";

/// Options that need other values than their kinds say, most of them to be accepted: the filter, the option, and what
/// is wanted.
#[rustfmt::skip]
pub(crate) const OVERRIDES: &[(&str, &str, Wanted)] = &[
    (EVERY, "remove_tag", Words(TAGS)),
    ("aggregate", "code", Written(CODES)),
    ("aggregate", "timeout", Whole(1, 60)),
    ("aggregate", "inactivity_timeout", Whole(1, 60)),
    ("aggregate", "timeout_code", Written(TIMEOUT_CODES)),
    ("aggregate", "timeout_tags", Words(TAGS)),
    ("cidr", "network", Words(NETWORKS)),
    ("clone", "clones", Words(&["one", "two", "%{a}", ""])),
    ("csv", "columns", Words(FIELDS)),
    ("csv", "separator", Word(&[",", ";", "|", "  "])),
    ("csv", "quote_char", Word(&["'", "\\x00", "~"])),
    // With `true` an event that is a header ends: those that end events are known by their names.
    ("csv", "skip_header", Written(&["false"])),
    ("csv", "convert", Written(CONVERSIONS)),
    ("date", "match", Written(FORMATS)),
    ("date", "timezone", Word(&["Europe/Berlin", "America/New_York", "+05:30", "%{a}"])),
    ("date", "tag_on_failure", Words(TAGS)),
    ("de_dot", "separator", Word(&["_", "-", ""])),
    ("dissect", "mapping", Written(DISSECTIONS)),
    ("dissect", "convert_datatype", FieldTo(&["int", "float"])),
    ("dissect", "tag_on_failure", Words(TAGS)),
    ("dns", "nameserver", Word(&["192.0.2.53"])),
    ("dns", "max_retries", Whole(0, 10)),
    ("dns", "hit_cache_size", Whole(0, 100)),
    ("drop", "percentage", Whole(0, 100)),
    ("fingerprint", "source", Fields),
    ("fingerprint", "key", Word(&["24", "a key"])),
    ("geoip", "target", Word(&["a", "[b][geo]", "client"])),
    ("geoip", "fields", Words(&["country_name", "country_code2"])),
    // Systems need another database than the embedded one.
    ("geoip", "default_database_type", Word(&["City"])),
    ("grok", "match", Written(PATTERNS)),
    ("grok", "timeout_millis", Whole(0, 30)),
    ("grok", "tag_on_failure", Words(TAGS)),
    ("grok", "pattern_definitions", Written(&[r#"{ "WORD" => "[a-z]+" "MINE" => "%{WORD} %{INT}" }"#])),
    ("json", "tag_on_failure", Words(TAGS)),
    ("kv", "field_split", Word(&["&", ", ", "|", "é"])),
    ("kv", "value_split", Word(&[":", "=:", "é"])),
    ("kv", "field_split_pattern", Word(&[", ?", "\\s+", "$"])),
    ("kv", "value_split_pattern", Word(&[":+", "=>?"])),
    ("kv", "trim_key", Word(&["<>", "é"])),
    ("kv", "trim_value", Word(&["<>\\[\\]", ","])),
    ("kv", "remove_char_key", Word(&["\\[\\]", "a-z"])),
    ("kv", "remove_char_value", Word(&["aé", "\\s"])),
    ("math", "calculate", Written(CALCULATIONS)),
    ("metrics", "meter", Words(METERS)),
    ("metrics", "flush_interval", Whole(5, 60)),
    ("metrics", "clear_interval", Whole(-1, 60)),
    ("metrics", "ignore_older_than", Whole(0, 60)),
    ("metrics", "rates", Written(&["[ 1, 5 ]", "[ 15 ]"])),
    ("metrics", "percentiles", Written(&["[ 50, 99 ]", "[ 0, 100 ]"])),
    ("mutate", "rename", FieldToField),
    ("mutate", "convert", FieldTo(&["integer", "float", "string", "boolean", "integer_eu", "float_eu"])),
    ("mutate", "gsub", Written(SUBSTITUTIONS)),
    ("mutate", "split", FieldTo(&[",", " ", "é"])),
    ("mutate", "join", FieldTo(&[",", ""])),
    ("mutate", "merge", FieldToField),
    ("mutate", "copy", FieldToField),
    ("mutate", "tag_on_failure", Word(TAGS)),
    ("prune", "whitelist_names", Words(&["^a", "b", "message|list", "%{a}"])),
    ("prune", "blacklist_names", Words(&["^n$", "%{b}", "x.y"])),
    ("prune", "whitelist_values", FieldTo(&["^[a-z]+$", "%{b}"])),
    ("prune", "blacklist_values", FieldTo(&["\\d", "é"])),
    ("schema", "extra_values_max", Whole(1, 20)),
    ("schema", "extra_depth_max", Whole(1, 4)),
    ("split", "terminator", Word(&[",", " ", "é", "\\n"])),
    ("throttle", "before_count", Whole(-1, 3)),
    ("throttle", "after_count", Whole(-1, 3)),
    ("throttle", "period", Word(&["1", "20", "60", "%{n}"])),
    ("throttle", "max_age", Whole(60, 3600)),
    ("translate", "dictionary", Written(DICTIONARIES)),
    ("urldecode", "charset", Word(&["UTF-8"])),
    // ECS, which is the default, has no prefix.
    ("useragent", "prefix", Word(&["ua_"])),
    ("useragent", "ecs_compatibility", Word(&["disabled"])),
    ("xml", "xpath", Written(XPATHS)),
    ("xml", "namespaces", Written(&[r#"{ "x" => "urn:x" }"#])),
    ("xml", "parse_options", Word(&["strict"])),
];

/// Options that are needed, or with which more can be seen, beside those whose descriptions say so.
pub(crate) const NEEDED: &[(&str, &str)] = &[
    ("geoip", "target"),
    ("throttle", "after_count"),
    ("translate", "dictionary"),
    ("xml", "target"),
];

/// How often filters are chosen, others [`WEIGHT`] times: those that do much often, those that take long to load rarely.
#[rustfmt::skip]
pub(crate) const WEIGHTS: &[(&str, u32)] = &[
    ("clone", 6), ("csv", 6), ("date", 6), ("dissect", 6), ("dns", 1), ("drop", 3), ("fingerprint", 5), ("geoip", 1),
    ("grok", 5), ("json", 8), ("kv", 8), ("metrics", 2), ("mutate", 24), ("redact", 1), ("schema", 1), ("split", 6),
    ("throttle", 2), ("translate", 6), ("useragent", 1),
];
const WEIGHT: u32 = 4;

/// Every filter of the registry, as its description says.
pub(crate) static FILTERS: LazyLock<Vec<FilterShape>> =
    LazyLock::new(|| registry::FILTERS.iter().map(shape).collect());

/// The options that every filter has.
static COMMON: LazyLock<Vec<(&'static str, Wanted)>> = LazyLock::new(|| {
    let options = COMMON_OPTIONS.iter();
    options.filter_map(|option| Some((option.name, wanted(EVERY, option)?))).collect()
});

fn shape(entry: &'static Entry) -> FilterShape {
    let name = entry.name;
    let weight = WEIGHTS.iter().find(|(filter, _)| *filter == name);
    let weight = weight.map_or(WEIGHT, |(_, weight)| *weight);
    let (mut needed, mut others) = (Vec::new(), Vec::new());
    for option in entry.description.options {
        let Some(wanted) = wanted(name, option) else { continue };
        let is_needed = matches!(option.presence, Presence::Required | Presence::RequiredUnless(_))
            || NEEDED.contains(&(name, option.name));
        let list = if is_needed { &mut needed } else { &mut others };
        list.push((option.name, wanted));
    }
    FilterShape { name, weight, needed, others }
}

/// What an option takes; `None` if it is not tried: what is refused, and files, of which there are none.
fn wanted(filter: &str, option: &'static OptionDescription) -> Option<Wanted> {
    let mut overrides = OVERRIDES.iter();
    if let Some((_, _, wanted)) =
        overrides.find(|(of, name, _)| *of == filter && *name == option.name)
    {
        return Some(*wanted);
    }
    Some(match option.kind {
        _ if option.presence == Presence::Refused => return None,
        _ if !option.words.is_empty() => Word(option.words),
        OptionKind::Boolean => Flag,
        OptionKind::Number => Whole(1, 30),
        OptionKind::String | OptionKind::Template => Template,
        OptionKind::Strings | OptionKind::Templates => Templates,
        OptionKind::Field => Field,
        OptionKind::Fields | OptionKind::FieldTemplates => Fields,
        OptionKind::Hash => FieldToTemplate,
        OptionKind::Path | OptionKind::Paths => return None,
        OptionKind::Numbers | OptionKind::Arrays | OptionKind::Any => {
            panic!("`{}` of `{filter}` needs a row in `OVERRIDES`", option.name)
        }
    })
}

/// A filter, as it is written.
pub(crate) fn filter() -> impl Strategy<Value = String> {
    let shapes = FILTERS.iter().map(|shape| (shape.weight, written(shape).boxed()));
    prop::strategy::Union::new_weighted(shapes.collect())
}

/// One filter with some of its options.
pub(crate) fn written(shape: &'static FilterShape) -> impl Strategy<Value = String> {
    let needed = shape.needed.iter().map(|option| given(option).prop_map(Some).boxed());
    let perhaps = |option, likely| prop::option::weighted(likely, given(option)).boxed();
    // Of many options each is rarer, so that no filter has all of them.
    let likely = (2.0 / shape.others.len().max(1) as f64).min(0.5);
    let others = shape.others.iter().map(|option| perhaps(option, likely));
    let common = COMMON.iter().map(|option| perhaps(option, 0.1));
    let options: Vec<_> = needed.chain(others).chain(common).collect();
    options.prop_map(|options| {
        let options: Vec<_> = options.into_iter().flatten().collect();
        format!("{} {{ {} }}", shape.name, options.join(" "))
    })
}

fn given(option: &(&'static str, Wanted)) -> impl Strategy<Value = String> + use<> {
    let (name, wanted) = *option;
    value(wanted).prop_map(move |value| format!("{name} => {value}"))
}

fn value(wanted: Wanted) -> BoxedStrategy<String> {
    match wanted {
        Field => quoted(FIELDS).boxed(),
        Fields => list(FIELDS).boxed(),
        Flag => any::<bool>().prop_map(|flag| flag.to_string()).boxed(),
        Whole(least, most) => (least..=most).prop_map(|number| number.to_string()).boxed(),
        Word(words) => quoted(words).boxed(),
        Words(words) => list(words).boxed(),
        FieldToField => hash(FIELDS).boxed(),
        FieldTo(words) => hash(words).boxed(),
        FieldToTemplate => hash(TEMPLATES).boxed(),
        Template => quoted(TEMPLATES).boxed(),
        Templates => list(TEMPLATES).boxed(),
        Written(texts) => prop::sample::select(texts).prop_map(str::to_owned).boxed(),
    }
}

/// One of these texts in quotes.
pub(crate) fn quoted(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(|text| format!("\"{text}\""))
}

fn list(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(quoted(texts), 1..=3)
        .prop_map(|texts| format!("[ {} ]", texts.join(", ")))
}

fn hash(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let pair = (prop::sample::select(FIELDS), quoted(texts));
    // A hash may not hold a key twice.
    prop::collection::btree_map(pair.0, pair.1, 1..=3).prop_map(|pairs| {
        let pairs: Vec<_> =
            pairs.iter().map(|(key, text)| format!("\"{key}\" => {text}")).collect();
        format!("{{ {} }}", pairs.join(" "))
    })
}
