//! What an input says of its lines: the option `codec`.

mod multiline;

use enricher::language::{Plugin, Value, ValueKind};
use service::suggest::nearest;

pub(super) use multiline::read as multiline;

use super::plugin::PluginReader;

/// What lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// One JSON object each.
    Json,
    /// Text.
    Plain,
}

impl Lines {
    /// The word of the setting.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Plain => "plain",
        }
    }
}

/// Codecs of Logstash that no door has, and what to do instead.
const ABSENT: [(&str, &str); 23] = [
    ("avro", OTHER),
    ("cef", OTHER),
    ("cloudfront", OTHER),
    ("cloudtrail", OTHER),
    ("collectd", OTHER),
    ("csv", "write the filter `csv`"),
    ("dots", OTHER),
    ("edn", OTHER),
    ("edn_lines", OTHER),
    ("es_bulk", OTHER),
    ("fluent", OTHER),
    ("graphite", OTHER),
    ("gzip_lines", "HTTP takes bodies with `content-encoding: gzip`"),
    ("java_line", "write `line`"),
    ("java_plain", "write `plain`"),
    ("jdots", OTHER),
    ("msgpack", OTHER),
    (
        "multiline",
        "join lines where the log is read, in the shipper; the inputs `tcp` and `unix` join them by a pattern \
         without names of grok",
    ),
    ("netflow", OTHER),
    ("nmap", OTHER),
    ("protobuf", OTHER),
    ("rubydebug", "it is for outputs"),
    ("sflow", OTHER),
];
const OTHER: &str = "take it apart with a filter, or let the sender write JSON";
/// The options of the codecs that there are.
const OPTIONS: [&str; 8] = [
    "charset",
    "delimiter",
    "target",
    "format",
    "ecs_compatibility",
    "decode_size_limit_bytes",
    "enable_metric",
    "id",
];

/// Reads `codec`; `default` is what the input has without one.
pub(super) fn read(reader: &mut PluginReader<'_>, default: Lines) -> Lines {
    let Some((value, _)) = reader.given("codec") else { return default };
    let (name, codec) = match &value.kind {
        ValueKind::Text(name) => (name.as_str(), None),
        ValueKind::Plugin(plugin) => (plugin.name.as_str(), Some(plugin)),
        _ => {
            reader.options.refuse("codec", "a codec has a name", "write `codec => json`");
            return default;
        }
    };
    let known = match name {
        "json" | "json_lines" => Some(Lines::Json),
        "plain" | "line" => Some(Lines::Plain),
        _ => None,
    };
    if let Some(lines) = known {
        if let Some(codec) = codec {
            options(reader, codec);
        }
        return lines;
    }
    if let Some((_, instead)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
        let reason = format!(
            "there is no codec `{name}` here, and each line is the text of `message`; {instead}"
        );
        reader.leave("codec", reason);
        return Lines::Plain;
    }
    let known = ["json", "json_lines", "plain", "line"];
    let names = known.into_iter().chain(ABSENT.map(|(absent, _)| absent));
    let way_out = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    };
    reader.options.refuse("codec", format!("there is no codec `{name}`"), way_out);
    default
}

/// What a codec's own options ask for that a door does not do.
fn options(reader: &mut PluginReader<'_>, codec: &Plugin) {
    for option in codec.options() {
        let reason = match (option.name.as_str(), text(&option.value).as_str()) {
            ("charset", charset) if !charset.eq_ignore_ascii_case("UTF-8") => {
                "lines are UTF-8, and what is not is marked; let the sender write UTF-8"
            }
            ("delimiter", delimiter) if !matches!(delimiter, "\n" | "\\n") => {
                "lines end with a line feed; let the sender write one"
            }
            ("target", _) => {
                "write `codec => plain` and the filter `json` with `source => \"message\"` and this target"
            }
            ("ecs_compatibility", _) => "where a codec puts what it reads is the platform's own",
            ("decode_size_limit_bytes", _) => "a line's longest is `ingest_gateway.line_bytes_max`",
            (known, _) if OPTIONS.contains(&known) => continue,
            (unknown, _) => {
                let message = format!("the codec `{}` has no option `{unknown}`", codec.name);
                reader.options.refuse_at(option.span, message, near(unknown, &OPTIONS));
                continue;
            }
        };
        let what = format!("`{}` of the codec: {reason}", option.name);
        reader.leave("codec", what);
    }
}

/// What a word that is none of these may have meant.
fn near(unknown: &str, known: &[&'static str]) -> String {
    match nearest(unknown, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "remove it".to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_text().unwrap_or_default()
}
