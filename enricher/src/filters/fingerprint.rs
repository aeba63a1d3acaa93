//! `fingerprint`: a hash of fields, the same for the same values.
//!
//! With a `key`, SHA and MD5 become HMACs: without the key nobody can try values out. A key belongs in
//! the environment, `key => "${MILLRACE_HASH_KEY}"`, not in a file. `UUID` is derived from the record's
//! id, not drawn: a replay gives the same. It is written as version 4, as Logstash's are.

mod digest;
mod murmur3;
mod text;

use std::net::Ipv4Addr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::{Event, FieldPath, Kind, NodeId};

use crate::filter::{Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};
use digest::Digest;

/// How a fingerprint is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Digest(Digest),
    Murmur3,
    Murmur3Of128,
    /// The network of an address, by this many bits.
    Ipv4Network(u32),
    Uuid,
    Punctuation,
}

#[derive(Clone, Debug)]
struct Fingerprint {
    method: Method,
    /// In the order of the text; by name where they are joined.
    sources: Vec<Source>,
    target: FieldPath,
    key: Option<Vec<u8>>,
    concatenate_sources: bool,
    concatenate_all_fields: bool,
    base64encode: bool,
}

#[derive(Clone, Debug)]
struct Source {
    /// As it is written: a part of what is hashed.
    name: String,
    path: FieldPath,
}

filter_options! {
    /// Sets a hash of fields, the same for the same values.
    ///
    /// With a `key`, SHA and MD5 become HMACs: without the key nobody can try values out. `key =>
    /// "${MILLRACE_HASH_KEY}"` uses that variable or, if it is not set, a key made for this
    /// installation.
    struct FingerprintOptions {
        /// How it is taken. `IPV4_NETWORK` is the network of an address, by as many bits as the key
        /// says; `UUID` is another one for each event and each filter, derived from the record's id,
        /// so that a replay makes the same, and written as version 4, as Logstash's are;
        /// `PUNCTUATION` is a text's signs without letters and digits.
        method: Method {
            "SHA1" => Method::Digest(Digest::Sha1),
            "SHA256" => Method::Digest(Digest::Sha256),
            "SHA384" => Method::Digest(Digest::Sha384),
            "SHA512" => Method::Digest(Digest::Sha512),
            "MD5" => Method::Digest(Digest::Md5),
            "MURMUR3" => Method::Murmur3,
            "MURMUR3_128" => Method::Murmur3Of128,
            "IPV4_NETWORK" => Method::Ipv4Network(0),
            "UUID" => Method::Uuid,
            "PUNCTUATION" => Method::Punctuation,
        } = first,
        /// The fields that are hashed. Of several the last one's hash stands, unless they are
        /// concatenated.
        source: Vec<String> = ["message"],
        /// The field that gets the hash.
        target: FieldPath => "default: `[event][hash]`, with `ecs_compatibility => disabled` `fingerprint`",
        /// The key of HMACs, or the length of the network's prefix.
        key: String,
        /// Whether the hash is written in Base64, else in hexadecimal digits.
        base64encode: bool = false,
        /// Whether names and values of all fields in `source` are hashed together.
        concatenate_sources: bool = false,
        /// Whether the whole event is hashed.
        concatenate_all_fields: bool = false,
        /// Which names are used by default.
        ecs_compatibility: EcsCompatibility => "default: the pipeline's",
    }
    example r#"fingerprint { source => ["[user][email]"] target => "[user][hash]" method => "SHA256" key => "a key" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = FingerprintOptions::read(options);
    let ecs = given.ecs_compatibility.unwrap_or(environment.ecs_compatibility);
    let FingerprintOptions { key, concatenate_sources, concatenate_all_fields, .. } = given;
    let method = method(options, given.method, key.as_deref());
    let mut sources = Vec::with_capacity(given.source.len());
    for name in given.source {
        match options.escape_style().parse(&name) {
            Ok(path) => sources.push(Source { name, path }),
            Err(error) => options.refuse("source", error.to_string(), "name fields"),
        }
    }
    if concatenate_sources {
        sources.sort_by(|one, other| one.name.cmp(&other.name));
    }
    let method = method?;
    if key.as_deref() == Some("") && matches!(method, Method::Digest(_)) {
        options.refuse("key", "the key is empty", "set the variable, or leave `key` out");
    }
    Some(Arc::new(Fingerprint {
        method,
        sources,
        target: given.target.unwrap_or_else(|| match ecs {
            EcsCompatibility::Disabled => FieldPath::key("fingerprint"),
            _ => FieldPath::keys(&["event", "hash"]),
        }),
        key: key.map(String::into_bytes),
        concatenate_sources,
        concatenate_all_fields,
        base64encode: given.base64encode,
    }))
}

/// The method, with the length of the network's prefix where there is one.
fn method(options: &mut Options<'_>, method: Method, key: Option<&str>) -> Option<Method> {
    if !matches!(method, Method::Ipv4Network(_)) {
        return Some(method);
    }
    let bits = key.and_then(|key| key.parse().ok()).filter(|bits| *bits <= 32);
    if bits.is_none() {
        let message = "`IPV4_NETWORK` needs the length of the network's prefix as its key";
        options.refuse("key", message, "write `key => 24`");
    }
    bits.map(Method::Ipv4Network)
}

impl FilterPlan for Fingerprint {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for Fingerprint {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        match self.method {
            Method::Uuid => {
                let bytes = context.record.id.derive(&role(context)).0;
                let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
                let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
                event.set_text(&self.target, id.hyphenated().encode_lower(&mut text));
            }
            Method::Punctuation => self.each_source(event, |event, value| {
                let text = event.scalar_text(value)?;
                let kept: String = text.chars().filter(|character| is_mark(*character)).collect();
                Some(event.new_text(&kept))
            }),
            _ if self.concatenate_all_fields => self.put_joined(event, text::of_event(event)),
            _ if self.concatenate_sources => {
                let mut joined = String::new();
                for source in &self.sources {
                    joined.extend(["|", &source.name, "|"]);
                    if source.path.is_timestamp() {
                        text::write_timestamp(event, &mut joined);
                    } else if let Some(value) = event.get(&source.path) {
                        text::write(event, value, &mut joined);
                    }
                }
                joined.push('|');
                self.put_joined(event, joined);
            }
            _ => self.each_source(event, |event, value| self.value_of(event, value)),
        }
        Applied::Matched
    }
}

impl Fingerprint {
    /// Sets the target from each source that is there; the last one stands.
    fn each_source(
        &self,
        event: &mut Event,
        mut fingerprint: impl FnMut(&mut Event, NodeId) -> Option<NodeId>,
    ) {
        for source in &self.sources {
            if source.path.is_timestamp() {
                let mut text = String::new();
                text::write_timestamp(event, &mut text);
                let value = event.new_text(&text);
                if let Some(made) = fingerprint(event, value) {
                    event.place(&self.target, made);
                }
                continue;
            }
            let Some(value) = event.get(&source.path) else {
                continue;
            };
            let made = if event.kind(value) == Kind::Array && self.method != Method::Punctuation {
                let elements: Vec<_> = event.elements(value).collect();
                let array = event.new_array();
                for element in elements {
                    if let Some(made) = fingerprint(event, element) {
                        event.push(array, made);
                    }
                }
                Some(array)
            } else {
                fingerprint(event, value)
            };
            if let Some(made) = made {
                event.place(&self.target, made);
            }
        }
    }

    fn put_joined(&self, event: &mut Event, joined: String) {
        if let Some(made) = self.value_of_text(event, &joined) {
            event.place(&self.target, made);
        }
    }

    fn value_of(&self, event: &mut Event, value: NodeId) -> Option<NodeId> {
        let mut text = String::new();
        text::write(event, value, &mut text);
        if event.kind(value) == Kind::Number
            && let Ok(number) = text.parse::<i64>()
        {
            // Logstash hashes the bytes of integers, not their digits.
            match self.method {
                Method::Murmur3 => {
                    let hash = murmur3::hash_32(&number.to_le_bytes());
                    return Some(event.new_number(&hash.to_string()));
                }
                Method::Murmur3Of128 => {
                    let hash = match i32::try_from(number) {
                        Ok(number) => murmur3::hash_128(&number.to_le_bytes()),
                        Err(_) => murmur3::hash_128(&number.to_le_bytes()),
                    };
                    let text = self.encode(&hash);
                    return Some(event.new_text(&text));
                }
                _ => {}
            }
        }
        self.value_of_text(event, &text)
    }

    fn value_of_text(&self, event: &mut Event, text: &str) -> Option<NodeId> {
        let made = match self.method {
            Method::Digest(digest) => self.encode(&digest.of(text.as_bytes(), self.key.as_deref())),
            Method::Murmur3 => {
                let hash = murmur3::hash_32(text.as_bytes());
                return Some(event.new_number(&hash.to_string()));
            }
            Method::Murmur3Of128 => self.encode(&murmur3::hash_128(text.as_bytes())),
            Method::Ipv4Network(bits) => {
                let address: Ipv4Addr = text.trim().parse().ok()?;
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).to_string()
            }
            // Both are made from the event, not from a text.
            Method::Uuid | Method::Punctuation => return None,
        };
        Some(event.new_text(&made))
    }

    fn encode(&self, hash: &[u8]) -> String {
        if self.base64encode { STANDARD.encode(hash) } else { hexadecimal(hash) }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| DIGITS[usize::from(nibble)]).collect()
}

/// What a UUID is derived for: each filter makes another one, and of each event of a record.
fn role(context: &FilterContext<'_>) -> String {
    match (context.place, context.number) {
        (0, 0) => "fingerprint".to_owned(),
        (place, number) => format!("fingerprint/{place}/{number}"),
    }
}

/// Punctuation and symbols.
fn is_mark(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_punctuation();
    }
    !character.is_alphanumeric() && !character.is_whitespace() && !character.is_control()
}

#[cfg(test)]
mod tests;
