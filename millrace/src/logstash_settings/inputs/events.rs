//! What an input does to its events: the table of its door in `enricher.inputs`.

use enricher::language::{Key, Value};

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::Codec;
use crate::logstash_settings::plugin::PluginReader;

/// What is asked of an input, and where it goes.
#[derive(Clone, Copy)]
pub(super) struct Events<'a> {
    /// The door that the input has become, or its name within it; without one nothing is carried over.
    pub(super) door: Option<&'a str>,
    /// What its codec says.
    pub(super) codec: Option<&'a Codec>,
    /// Where Logstash puts the sender's address.
    pub(super) sender: Option<Sender>,
    /// Settings that leave all of it out where the configuration gives one of them.
    pub(super) unless: &'static [&'static str],
}

/// Where Logstash puts the sender's address.
#[derive(Clone, Copy)]
pub(super) struct Sender {
    /// Without ECS.
    pub(super) legacy: &'static [&'static str],
    /// With it.
    pub(super) ecs: &'static [&'static str],
    /// The option that names another field.
    pub(super) option: Option<&'static str>,
}

/// Of a door that is none: whatever it is asked for is said.
pub(super) const NOWHERE: Events<'static> =
    Events { door: None, codec: None, sender: None, unless: &[] };

/// The table of a door.
struct Table<'a> {
    door: &'a str,
    unless: &'static [&'static str],
}

impl Table<'_> {
    fn carry(&self, reader: &mut PluginReader<'_>, option: &str, name: &str, value: SettingValue) {
        let path = ["enricher", "inputs", self.door, name];
        reader.carry_unless(option, &path, value, self.unless);
    }
}

/// Reads the options of every input that are about its events.
pub(super) fn read(reader: &mut PluginReader<'_>, events: Events<'_>) {
    let fields = events.sender.map(|sender| sender_fields(reader, sender));
    let table = events.door.map(|door| Table { door, unless: events.unless });
    if let Some(table) = &table {
        if let Some((option, fields)) = fields.filter(|(_, fields)| !fields.is_empty()) {
            table.carry(reader, option, "sender_fields", SettingValue::List(fields));
        }
        if let Some(codec) = events.codec {
            carry_codec(reader, table, codec);
        }
    }
    add_field(reader, table.as_ref());
    tags(reader, table.as_ref());
    kind(reader, table.as_ref());
}

/// Where the sender's address goes, and which option says it. Words of the platform that nobody asks for are left
/// out.
fn sender_fields(reader: &mut PluginReader<'_>, sender: Sender) -> (&'static str, Vec<String>) {
    let is_ecs = reader.is_ecs();
    let named = sender.option.and_then(|option| Some((option, reader.options.text(option)?)));
    if let Some((option, field)) = named {
        if !reader.has_variables(option) {
            return (option, vec![field]);
        }
        let way_out = "write the field in `sender_fields` of the door's table in `enricher.inputs`";
        reader.leave_variable(option, way_out);
        return (option, Vec::new());
    }
    let is_seen = reader.options.pipeline_mentions("@metadata");
    let fields = if is_ecs { sender.ecs } else { sender.legacy };
    let fields = fields.iter().filter(|field| is_seen || !field.starts_with("[@metadata]"));
    ("ecs_compatibility", fields.map(|field| (*field).to_owned()).collect())
}

fn carry_codec(reader: &mut PluginReader<'_>, table: &Table<'_>, codec: &Codec) {
    let texts = [
        ("charset", codec.charset.map(|charset| charset.to_string())),
        ("target", codec.target.clone()),
        ("multiline_tag", codec.multiline_tag.clone()),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            table.carry(reader, "codec", name, SettingValue::Text(value));
        }
    }
    if codec.keeps_original() {
        table.carry(reader, "codec", "original", SettingValue::Flag(true));
    }
}

fn add_field(reader: &mut PluginReader<'_>, table: Option<&Table<'_>>) {
    let Some(pairs) = reader.options.pairs("add_field") else { return };
    let values = |(key, value): &(Key, Value)| Some((key.text.clone(), value.as_texts()?));
    let values: Option<Vec<_>> = pairs.iter().map(values).collect();
    let shown = table.filter(|_| !reader.has_variables("add_field"));
    if let (Some(table), Some(values)) = (shown, values) {
        for (key, texts) in values {
            let path = ["enricher", "inputs", table.door, "add_field", key.as_str()];
            reader.carry_unless("add_field", &path, SettingValue::List(texts), table.unless);
        }
        return;
    }
    let pairs = reader.written("add_field").and_then(Value::into_pairs);
    let hash = pairs.and_then(|pairs| hash(&pairs));
    let filter = hash.map(|hash| format!("mutate {{ add_field => {hash} }}"));
    leave_for_filter(reader, "add_field", filter);
}

fn tags(reader: &mut PluginReader<'_>, table: Option<&Table<'_>>) {
    let Some(texts) = reader.options.texts("tags") else { return };
    if let Some(table) = table.filter(|_| !reader.has_variables("tags")) {
        return table.carry(reader, "tags", "tags", SettingValue::List(texts));
    }
    let tags = reader.written("tags").and_then(|tags| tags.as_texts());
    let tags = tags.and_then(|tags| list(&tags));
    let filter = tags.map(|tags| format!("mutate {{ add_tag => [{tags}] }}"));
    leave_for_filter(reader, "tags", filter);
}

fn kind(reader: &mut PluginReader<'_>, table: Option<&Table<'_>>) {
    let Some(kind) = reader.options.text("type") else { return };
    if let Some(table) = table.filter(|_| !reader.has_variables("type")) {
        return table.carry(reader, "type", "type", SettingValue::Text(kind));
    }
    let kind = reader.written("type").and_then(|kind| kind.single()?.as_text());
    let kind = kind.and_then(|kind| quoted(&kind));
    let filter = kind
        .map(|kind| format!("if ![type] {{ mutate {{ add_field => {{ \"type\" => {kind} }} }} }}"));
    leave_for_filter(reader, "type", filter);
}

/// Says which filter does it, with what is written, so that no variable's value is shown; `None` is one that cannot
/// be written.
fn leave_for_filter(reader: &mut PluginReader<'_>, option: &str, filter: Option<String>) {
    const NONE: &str = "a `mutate` with it (it cannot be printed here: a text holds both kinds of quotes, or a \
                        value is no text; a text with both can stand in a variable, `${NAME}`)";
    let filter = filter.as_deref().unwrap_or(NONE);
    let reason = format!(
        "no setting does it, for the value of a variable is never printed, and a door has the words of one input; \
         write at the start of the filter section, for the events of all doors: {filter}"
    );
    reader.leave(option, reason);
}

fn hash(pairs: &[(Key, Value)]) -> Option<String> {
    let pair = |(key, value): &(Key, Value)| {
        let texts = value.as_texts()?;
        let value = match &texts[..] {
            [text] => quoted(text)?,
            texts => format!("[{}]", list(texts)?),
        };
        Some(format!("{} => {value}", quoted(&key.text)?))
    };
    let pairs: Option<Vec<_>> = pairs.iter().map(pair).collect();
    Some(format!("{{ {} }}", pairs?.join(" ")))
}

fn list(texts: &[String]) -> Option<String> {
    let texts: Option<Vec<_>> = texts.iter().map(|text| quoted(text)).collect();
    texts.map(|texts| texts.join(", "))
}

/// A text as the language takes it, which knows no escapes: none with both kinds of quotes.
fn quoted(text: &str) -> Option<String> {
    match (text.contains('"'), text.contains('\'')) {
        (false, _) => Some(format!("\"{text}\"")),
        (true, false) => Some(format!("'{text}'")),
        (true, true) => None,
    }
}
