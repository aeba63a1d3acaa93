//! Every filter with its options and values that a pipeline might give them, as texts of the language.
//!
//! Most combinations are accepted. The others must be refused with a word, never run half.

use std::sync::LazyLock;

use enricher::description::{OptionDescription, OptionKind, Presence};
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterShape {
    pub(crate) name: &'static str,
    /// How often it is chosen: those that take long to load are rare.
    pub(crate) weight: u32,
    pub(crate) needed: &'static [(&'static str, Wanted)],
    pub(crate) others: &'static [(&'static str, Wanted)],
}

/// The options that every filter has.
pub(crate) const COMMON: &[(&str, Wanted)] = &[
    ("add_field", FieldToTemplate),
    ("remove_field", Fields),
    ("add_tag", Templates),
    ("remove_tag", Words(TAGS)),
];

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
];

const DICTIONARIES: &[&str] = &[
    r#"{ "1" => "one" "text" => "[a]" "é" => "%{a}" }"#,
    r#"[ "true", "yes", "null", "no" ]"#,
    r#"{ "^[0-9]+$" => "number" "(a" => "no pattern" }"#,
    r#"{ "a.*" => "starts with a" ".*" => "any" }"#,
];

const NETWORKS: &[&str] =
    &["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "%{b}", "203.0.113.7/32"];

/// Filters that need texts of their own, or are to be chosen more or less often than others.
#[rustfmt::skip]
pub(crate) const WITH_TEXTS: &[FilterShape] = &[
    FilterShape { name: "aggregate", weight: 4, needed: &[("task_id", Template), ("code", Written(CODES))], others: &[
        ("map_action", Word(&["create", "update", "create_or_update"])), ("end_of_task", Flag), ("timeout", Whole(1, 60)),
        ("inactivity_timeout", Whole(1, 60)), ("push_map_as_event_on_timeout", Flag), ("push_previous_map_as_event", Flag),
        ("timeout_task_id_field", Field), ("timeout_tags", Words(TAGS)),
    ] },
    FilterShape { name: "cidr", weight: 4, needed: &[("address", Templates), ("network", Words(NETWORKS))], others: &[] },
    FilterShape { name: "clone", weight: 6, needed: &[("clones", Words(&["one", "two", "%{a}", ""]))], others: &[
        ("ecs_compatibility", Word(&["disabled", "v8"])),
    ] },
    FilterShape { name: "csv", weight: 6, needed: &[], others: &[
        ("source", Field), ("target", Field), ("columns", Words(FIELDS)), ("separator", Word(&[",", ";", "|", "  "])),
        ("quote_char", Word(&["'", "\\x00", "~"])), ("autogenerate_column_names", Flag), ("skip_empty_columns", Flag),
        ("skip_empty_rows", Flag),
        ("convert", Written(&[r#"{ "a" => "integer" "n" => "float" }"#, r#"{ "column2" => "date_time" "column1" => "boolean" }"#])),
    ] },
    FilterShape { name: "date", weight: 6, needed: &[("match", Written(FORMATS))], others: &[
        ("target", Field), ("timezone", Word(&["Europe/Berlin", "America/New_York", "+05:30", "%{a}"])),
        ("locale", Word(&["en"])), ("tag_on_failure", Words(TAGS)),
    ] },
    FilterShape { name: "de_dot", weight: 4, needed: &[], others: &[
        ("separator", Word(&["_", "-", ""])), ("nested", Flag), ("recursive", Flag), ("fields", Fields),
    ] },
    FilterShape { name: "dissect", weight: 6, needed: &[("mapping", Written(DISSECTIONS))], others: &[
        ("convert_datatype", FieldTo(&["int", "float"])), ("tag_on_failure", Words(TAGS)),
    ] },
    FilterShape { name: "dns", weight: 1, needed: &[("reverse", Fields)], others: &[
        ("action", Word(&["append", "replace"])), ("nameserver", Word(&["192.0.2.53"])), ("hit_cache_size", Whole(0, 100)),
    ] },
    FilterShape { name: "drop", weight: 3, needed: &[], others: &[("percentage", Whole(0, 100))] },
    FilterShape { name: "fingerprint", weight: 5, needed: &[], others: &[
        ("source", Fields), ("target", Field), ("key", Word(&["24", "a key"])), ("base64encode", Flag),
        ("method", Word(&["SHA1", "SHA256", "SHA384", "SHA512", "MD5", "MURMUR3", "MURMUR3_128", "UUID", "PUNCTUATION"])),
        ("concatenate_sources", Flag), ("concatenate_all_fields", Flag), ("ecs_compatibility", Word(&["disabled", "v1"])),
    ] },
    FilterShape { name: "geoip", weight: 1, needed: &[("source", Field)], others: &[
        ("target", Word(&["a", "[b][geo]", "client"])), ("fields", Words(&["country_name", "country_code2"])),
    ] },
    FilterShape { name: "grok", weight: 5, needed: &[("match", Written(PATTERNS))], others: &[
        ("break_on_match", Flag), ("overwrite", Fields), ("named_captures_only", Flag), ("keep_empty_captures", Flag),
        ("target", Field), ("tag_on_failure", Words(TAGS)), ("timeout_millis", Whole(0, 30)),
        ("ecs_compatibility", Word(&["disabled", "v8"])),
        ("pattern_definitions", Written(&[r#"{ "WORD" => "[a-z]+" "MINE" => "%{WORD} %{INT}" }"#])),
    ] },
    FilterShape { name: "json", weight: 8, needed: &[("source", Field)], others: &[
        ("target", Field), ("skip_on_invalid_json", Flag), ("tag_on_failure", Words(TAGS)),
    ] },
    FilterShape { name: "kv", weight: 8, needed: &[], others: &[
        ("source", Field), ("target", Field), ("field_split", Word(&["&", ", ", "|", "é"])), ("value_split", Word(&[":", "=:", "é"])),
        ("field_split_pattern", Word(&[", ?", "\\s+", "$"])), ("value_split_pattern", Word(&[":+", "=>?"])),
        ("whitespace", Word(&["strict", "lenient"])), ("include_brackets", Flag), ("recursive", Flag), ("prefix", Template),
        ("include_keys", Templates), ("exclude_keys", Templates), ("allow_duplicate_values", Flag), ("allow_empty_values", Flag),
        ("default_keys", FieldTo(TEMPLATES)), ("trim_key", Word(&["<>", "é"])), ("trim_value", Word(&["<>\\[\\]", ","])),
        ("remove_char_key", Word(&["\\[\\]", "a-z"])), ("remove_char_value", Word(&["aé", "\\s"])),
        ("transform_key", Word(&["uppercase", "lowercase", "capitalize"])), ("transform_value", Word(&["uppercase", "capitalize"])),
    ] },
    FilterShape { name: "math", weight: 4, needed: &[("calculate", Written(CALCULATIONS))], others: &[] },
    FilterShape { name: "metrics", weight: 2, needed: &[("meter", Words(TEMPLATES))], others: &[
        ("flush_interval", Whole(5, 60)), ("clear_interval", Whole(-1, 60)), ("rates", Written(&["[ 1, 5 ]"])),
        ("ignore_older_than", Whole(0, 60)), ("timer", FieldToTemplate),
    ] },
    FilterShape { name: "mutate", weight: 24, needed: &[], others: &[
        ("coerce", FieldToTemplate), ("rename", FieldToField), ("update", FieldToTemplate), ("replace", FieldToTemplate),
        ("convert", FieldTo(&["integer", "float", "string", "boolean", "integer_eu", "float_eu"])), ("gsub", Written(SUBSTITUTIONS)),
        ("uppercase", Fields), ("capitalize", Fields), ("lowercase", Fields), ("strip", Fields),
        ("split", FieldTo(&[",", " ", "é"])), ("join", FieldTo(&[",", ""])), ("merge", FieldToField), ("copy", FieldToField),
        ("tag_on_failure", Word(TAGS)),
    ] },
    FilterShape { name: "prune", weight: 4, needed: &[], others: &[
        ("whitelist_names", Words(&["^a", "b", "message|list", "%{a}"])), ("blacklist_names", Words(&["^n$", "%{b}", "x.y"])),
        ("whitelist_values", FieldTo(&["^[a-z]+$", "%{b}"])), ("blacklist_values", FieldTo(&["\\d", "é"])), ("interpolate", Flag),
    ] },
    FilterShape { name: "redact", weight: 1, needed: &[], others: &[("cards", Flag), ("emails", Flag), ("secrets", Flag)] },
    FilterShape { name: "schema", weight: 1, needed: &[], others: &[("extra_values_max", Whole(1, 20)), ("extra_depth_max", Whole(1, 4))] },
    FilterShape { name: "split", weight: 6, needed: &[], others: &[
        ("field", Field), ("target", Field), ("terminator", Word(&[",", " ", "é", "\\n"])),
    ] },
    FilterShape { name: "syslog_pri", weight: 4, needed: &[], others: &[
        ("syslog_pri_field_name", Field), ("use_labels", Flag), ("ecs_compatibility", Word(&["disabled", "v8"])),
    ] },
    FilterShape { name: "throttle", weight: 2, needed: &[("key", Template)], others: &[
        ("before_count", Whole(-1, 3)), ("after_count", Whole(-1, 3)), ("period", Whole(1, 60)), ("max_age", Whole(60, 3600)),
    ] },
    FilterShape { name: "translate", weight: 6, needed: &[("source", Field), ("dictionary", Written(DICTIONARIES))], others: &[
        ("target", Field), ("exact", Flag), ("regex", Flag), ("override", Flag), ("fallback", Template), ("iterate_on", Field),
    ] },
    FilterShape { name: "urldecode", weight: 4, needed: &[], others: &[("field", Field), ("all_fields", Flag), ("tag_on_failure", Words(TAGS))] },
    FilterShape { name: "useragent", weight: 1, needed: &[("source", Field)], others: &[("target", Field), ("prefix", Word(&["ua_"]))] },
    FilterShape { name: "xml", weight: 4, needed: &[("source", Field), ("target", Field)], others: &[
        ("force_array", Flag), ("force_content", Flag), ("suppress_empty", Flag), ("remove_namespaces", Flag),
        ("xpath", FieldTo(&["a"])), ("parse_options", Word(&["strict"])),
    ] },
];

/// Every filter of the registry; those without texts of their own as their descriptions say.
pub(crate) static FILTERS: LazyLock<Vec<FilterShape>> = LazyLock::new(|| {
    let shape = |entry: &'static Entry| {
        let own = WITH_TEXTS.iter().find(|shape| shape.name == entry.name);
        own.copied().unwrap_or_else(|| described(entry))
    };
    registry::FILTERS.iter().map(shape).collect()
});

fn described(entry: &'static Entry) -> FilterShape {
    let options = |is_required: bool| -> &'static [(&'static str, Wanted)] {
        let options = entry.description.options.iter();
        let options = options
            .filter(|option| (option.presence == Presence::Required) == is_required)
            .filter_map(|option| Some((option.name, wanted(option)?)));
        options.collect::<Vec<_>>().leak()
    };
    FilterShape { name: entry.name, weight: 4, needed: options(true), others: options(false) }
}

fn wanted(option: &'static OptionDescription) -> Option<Wanted> {
    if option.presence == Presence::Refused {
        return None;
    }
    Some(match option.kind {
        _ if !option.words.is_empty() => Word(option.words),
        OptionKind::Boolean => Flag,
        OptionKind::Number => Whole(1, 30),
        OptionKind::String | OptionKind::Template => Template,
        OptionKind::Strings | OptionKind::Templates => Templates,
        OptionKind::Field => Field,
        OptionKind::Fields | OptionKind::FieldTemplates => Fields,
        OptionKind::Hash => FieldToTemplate,
        OptionKind::Path
        | OptionKind::Paths
        | OptionKind::Numbers
        | OptionKind::Arrays
        | OptionKind::Any => return None,
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
