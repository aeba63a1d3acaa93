//! What an input says of its lines: the option `codec`.

mod multiline;

use enricher::language::{Attribute, Plugin, Value, ValueKind};
use enricher::{Charset, EcsCompatibility};
use event::FieldPath;
use ingest_gateway::Delimiter;
use service::suggest::nearest;

pub(super) use multiline::Multiline;

use super::carried::SettingValue;
use super::doors::Door;
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

/// What of a codec an input can carry over beside what its lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing.
    Lines,
    /// What is done to each event: its encoding, and where what it holds goes.
    Events,
    /// The same, and what ends a line.
    Stream,
}

/// What a codec says.
#[derive(Clone, Debug)]
pub(super) struct Codec {
    /// What lines are.
    pub(super) lines: Lines,
    /// What ends a line, if it is no line feed.
    pub(super) delimiter: Option<String>,
    /// Their encoding, if it is not UTF-8.
    pub(super) charset: Option<Charset>,
    /// The field that gets what a line of JSON holds.
    pub(super) target: Option<String>,
    /// Whether names are those of ECS.
    pub(super) is_ecs: bool,
    /// Whether Logstash takes all that comes at once for one event.
    pub(super) is_whole: bool,
    /// The tag of an event of several lines.
    pub(super) multiline_tag: Option<String>,
}

impl Codec {
    fn new(lines: Lines, is_ecs: bool) -> Self {
        Self {
            lines,
            delimiter: None,
            charset: None,
            target: None,
            is_ecs,
            is_whole: false,
            multiline_tag: None,
        }
    }

    /// Reads the codec's own `ecs_compatibility`.
    fn read_mode(&mut self, reader: &mut PluginReader<'_>, option: &Attribute) {
        let word = text(&option.value);
        match EcsCompatibility::of_word(&word) {
            Some(mode) => self.is_ecs = mode != EcsCompatibility::Disabled,
            None => {
                let message = format!("`ecs_compatibility` of the codec cannot be `{word}`");
                reader.options.refuse_at(option.span, message, "write disabled, v1 or v8");
            }
        }
    }

    /// Whether it keeps the text of a line beside `message`.
    pub(super) fn keeps_original(&self) -> bool {
        self.is_ecs && self.lines == Lines::Plain
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
        "join lines where the log is read, in the shipper; the inputs `file`, `tcp` and `unix` join them by a \
         `pattern` whose names ship with Logstash",
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
/// What ends a line here anyway. Without escapes in strings `"\n"` is a backslash and a letter.
const LINE_ENDS: [&str; 4] = ["\n", "\\n", "\r\n", "\\r\\n"];

/// Reads `codec` of a connection whose lines may be joined.
pub(super) fn read_stream(reader: &mut PluginReader<'_>) -> (Codec, Option<Multiline>) {
    read_joined(reader, Takes::Stream)
}

/// Reads `codec` where lines may be joined.
pub(super) fn read_joined(
    reader: &mut PluginReader<'_>,
    takes: Takes,
) -> (Codec, Option<Multiline>) {
    match multiline::read(reader) {
        Some((codec, multiline)) => (codec, Some(multiline)),
        None => (read(reader, Lines::Plain, takes), None),
    }
}

/// Lets what [`read_stream`] gave stand for the settings of a door.
pub(super) fn carry_stream(
    reader: &mut PluginReader<'_>,
    door: &Door,
    codec: &Codec,
    multiline: Option<Multiline>,
) {
    let lines = SettingValue::Text(codec.lines.as_str().to_owned());
    reader.carry("codec", &door.path(&["codec"]), lines);
    if let Some(delimiter) = codec.delimiter.clone() {
        reader.carry("codec", &door.path(&["delimiter"]), SettingValue::Text(delimiter));
    }
    if let Some(multiline) = multiline {
        multiline.carry(reader, &door.path(&[]), &[]);
    }
}

/// Reads `codec`; `default` is what the input has without one.
pub(super) fn read(reader: &mut PluginReader<'_>, default: Lines, takes: Takes) -> Codec {
    let is_ecs = reader.is_ecs_by_default();
    let of_default = Codec { is_whole: default == Lines::Plain, ..Codec::new(default, is_ecs) };
    let Some((value, _)) = reader.given("codec") else { return of_default };
    let (name, codec) = match &value.kind {
        ValueKind::Text(name) => (name.as_str(), None),
        ValueKind::Plugin(plugin) => (plugin.name.as_str(), Some(plugin)),
        _ => {
            reader.options.refuse("codec", "a codec has a name", "write `codec => json`");
            return of_default;
        }
    };
    let known = match name {
        "json" | "json_lines" => Some(Lines::Json),
        "plain" | "line" => Some(Lines::Plain),
        _ => None,
    };
    if let Some(lines) = known {
        let mut said = Codec { is_whole: name == "plain", ..Codec::new(lines, is_ecs) };
        if let Some(codec) = codec {
            options(reader, codec, &mut said, takes);
        }
        return said;
    }
    if let Some((_, instead)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
        let reason = format!(
            "there is no codec `{name}` here, and each line is the text of `message`; {instead}"
        );
        reader.leave("codec", reason);
        return Codec::new(Lines::Plain, is_ecs);
    }
    let known = ["json", "json_lines", "plain", "line"];
    let names = known.into_iter().chain(ABSENT.map(|(absent, _)| absent));
    let way_out = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    };
    reader.options.refuse("codec", format!("there is no codec `{name}`"), way_out);
    of_default
}

/// Reads a codec's own options; what a door does not do is said.
fn options(reader: &mut PluginReader<'_>, codec: &Plugin, said: &mut Codec, takes: Takes) {
    for option in codec.options() {
        let value = text(&option.value);
        let has_events = takes != Takes::Lines;
        let reason = match option.name.as_str() {
            "charset" => match charset(&value).filter(|_| has_events) {
                Some(charset) => {
                    said.charset = Some(charset);
                    continue;
                }
                None if is_utf8(&value) => continue,
                None => "lines are UTF-8, and what is not is marked; let the sender write UTF-8",
            },
            "delimiter" if LINE_ENDS.contains(&value.as_str()) => continue,
            "delimiter" if takes == Takes::Stream && value.parse::<Delimiter>().is_ok() => {
                said.delimiter = Some(value);
                continue;
            }
            "delimiter" => {
                "lines end with a line feed; the inputs `tcp` and `unix` know other ends of 16 bytes at most"
            }
            "target" if has_events && said.lines == Lines::Json => {
                said.target = target(reader, &option, value);
                continue;
            }
            "target" => {
                "write `codec => plain` and the filter `json` with `source => \"message\"` and this target"
            }
            "ecs_compatibility" => {
                said.read_mode(reader, &option);
                continue;
            }
            "decode_size_limit_bytes" => "a line's longest is `ingest_gateway.line_bytes_max`",
            known if OPTIONS.contains(&known) => continue,
            unknown => {
                let message = format!("the codec `{}` has no option `{unknown}`", codec.name);
                reader.options.refuse_at(option.span, message, near(unknown, &OPTIONS));
                continue;
            }
        };
        let what = format!("`{}` of the codec: {reason}", option.name);
        reader.leave("codec", what);
    }
}

/// The field that gets what a line of JSON holds, if it is one.
fn target(reader: &mut PluginReader<'_>, option: &Attribute, value: String) -> Option<String> {
    if FieldPath::parse(&value).is_ok_and(|path| !path.is_timestamp()) {
        return Some(value);
    }
    let message = format!("`target` of the codec cannot be `{value}`");
    reader.options.refuse_at(option.span, message, "a field is written `name` or `[outer][inner]`");
    None
}

fn is_utf8(name: &str) -> bool {
    name.eq_ignore_ascii_case("UTF-8") || name.eq_ignore_ascii_case("UTF8")
}

/// An encoding that is not UTF-8 and that is known here.
fn charset(name: &str) -> Option<Charset> {
    name.parse().ok()
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
