//! The codec `multiline`: which lines are one event.

use enricher::language::{Attribute, ValueKind};
use enricher::line_expression;
use service::ByteSize;

use super::{Codec, Lines, charset, is_utf8, near, text};
use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::plugin::PluginReader;

const OPTIONS: [&str; 12] = [
    "auto_flush_interval",
    "charset",
    "ecs_compatibility",
    "enable_metric",
    "id",
    "max_bytes",
    "max_lines",
    "multiline_tag",
    "negate",
    "pattern",
    "patterns_dir",
    "what",
];

/// The tag of an event of several lines, unless `multiline_tag` says otherwise.
const TAG: &str = "multiline";

/// What a codec `multiline` says of the door, by the names of settings.
pub(crate) struct Multiline(Vec<(&'static str, SettingValue)>);

/// Reads it, if `codec` is one that a door can be, with what it says of events; what is wrong with it is said.
pub(super) fn read(reader: &mut PluginReader<'_>) -> Option<(Codec, Multiline)> {
    let (value, _) = reader.given("codec")?;
    let ValueKind::Plugin(plugin) = &value.kind else { return None };
    if plugin.name != "multiline" {
        return None;
    }
    let options = plugin.options();
    let given = |name: &str| options.iter().find(|option| option.name == name);
    let mut codec = Codec::new(Lines::Plain, reader.is_ecs_by_default());
    codec.multiline_tag = Some(TAG.to_owned());
    if let Some(mode) = given("ecs_compatibility") {
        codec.read_mode(reader, mode);
    }
    // Without a pattern, or with names that nobody knows here, the reason is that of the codecs that no door has.
    let pattern = pattern(reader, &text(&given("pattern")?.value), codec.is_ecs)?;
    let mut settings = vec![("pattern", SettingValue::Text(pattern))];
    for option in &options {
        settings.extend(setting(reader, option, &mut codec));
    }
    if given("what").is_none() {
        let way_out = "write `what => \"previous\"` or `what => \"next\"`";
        reader.options.refuse("codec", "the codec `multiline` needs `what`", way_out);
    }
    Some((codec, Multiline(settings)))
}

/// The pattern as a door reads it: names of grok are written out.
fn pattern(reader: &mut PluginReader<'_>, pattern: &str, is_ecs: bool) -> Option<String> {
    if !pattern.contains("%{") {
        return Some(pattern.to_owned());
    }
    let found = line_expression(pattern, is_ecs).ok()?;
    if found.is_looser {
        let reason = "`pattern` of the codec: it holds conditions on what stands beside a match, as `(?![0-9])`, which \
                      are not asked for: a line that only they tell apart is taken for one with the pattern";
        reader.leave("codec", reason);
    }
    Some(found.expression)
}

/// The setting that an option stands for; else it is said why there is none.
fn setting(
    reader: &mut PluginReader<'_>,
    option: &Attribute,
    codec: &mut Codec,
) -> Option<(&'static str, SettingValue)> {
    let value = text(&option.value);
    let reason = match option.name.as_str() {
        "what" if matches!(value.as_str(), "previous" | "next") => {
            return Some(("what", SettingValue::Text(value)));
        }
        "negate" if matches!(value.as_str(), "true" | "false") => {
            return Some(("negate", SettingValue::Flag(value == "true")));
        }
        "max_lines" => match value.parse::<i64>() {
            Ok(lines) if lines > 0 => return Some(("lines_max", SettingValue::Whole(lines))),
            _ => return refuse(reader, option, "a number of lines"),
        },
        "auto_flush_interval" => match value.parse::<f64>() {
            Ok(seconds) if seconds > 0.0 && seconds < 1e9 => {
                let milliseconds = (seconds * 1_000.0).ceil();
                return Some(("flush_interval", SettingValue::Text(format!("{milliseconds}ms"))));
            }
            _ => return refuse(reader, option, "a number of seconds"),
        },
        "max_bytes" => match bytes(&value) {
            Some(bytes) => {
                return Some(("bytes_max", SettingValue::Text(ByteSize(bytes).to_string())));
            }
            None => return refuse(reader, option, "a size, as \"10 MiB\""),
        },
        "what" => return refuse(reader, option, "`previous` or `next`"),
        "negate" => return refuse(reader, option, "`true` or `false`"),
        // The first two have been read.
        "pattern" | "ecs_compatibility" | "enable_metric" | "id" => return None,
        "charset" if is_utf8(&value) => return None,
        "charset" => match charset(&value) {
            Some(charset) => {
                codec.charset = Some(charset);
                return None;
            }
            None => "lines are UTF-8, and what is not is marked; let the sender write UTF-8",
        },
        "multiline_tag" => {
            codec.multiline_tag = Some(value);
            return None;
        }
        "patterns_dir" => "the patterns that ship with Logstash are known here, and no others",
        unknown => {
            let message = format!("the codec `multiline` has no option `{unknown}`");
            reader.options.refuse_at(option.span, message, near(unknown, &OPTIONS));
            return None;
        }
    };
    reader.leave("codec", format!("`{}` of the codec: {reason}", option.name));
    None
}

fn refuse(
    reader: &mut PluginReader<'_>,
    option: &Attribute,
    wanted: &str,
) -> Option<(&'static str, SettingValue)> {
    let message = format!("`{}` of the codec cannot be `{}`", option.name, text(&option.value));
    reader.options.refuse_at(option.span, message, format!("write {wanted}"));
    None
}

/// A size as Logstash writes it: a number, and perhaps a unit.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor).filter(|bytes| *bytes > 0)
}

impl Multiline {
    /// Lets it stand for the settings in a table, unless the configuration gives one of these.
    pub(crate) fn carry(
        self,
        reader: &mut PluginReader<'_>,
        table: &[&str],
        unless: &'static [&'static str],
    ) {
        for (name, value) in self.0 {
            let path = [table, &["multiline", name]].concat();
            reader.carry_unless("codec", &path, value, unless);
        }
    }
}
