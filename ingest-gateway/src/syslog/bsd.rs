//! RFC 3164, the format of BSD's syslog: a time, a host, and a tag before the message, none of which a
//! sender must write.
//!
//! The RFC describes what was seen. Where it leaves a choice, this takes the word behind the time for the
//! host unless it is a tag, and for a tag only what ends with a colon.

use super::timestamp::{self, Clock};
use super::{Message, cisco};

/// Reads what follows the priority. Without a time that can be read, all of it is the message.
pub(super) fn read<'a>(text: &'a str, clock: Clock<'_>) -> Message<'a> {
    let read = timestamp::leading(text, clock).map(|(at, rest)| after_time(at, None, rest, clock));
    read.or_else(|| cisco::read(text, clock))
        .unwrap_or_else(|| Message { message: Some(text), ..Message::default() })
}

/// What follows a time: a blank or a colon, or nothing.
pub(super) fn after_time<'a>(
    at: i64,
    host: Option<&'a str>,
    rest: &'a str,
    clock: Clock<'_>,
) -> Message<'a> {
    let message = if host.is_some() {
        content(without_colon(rest.trim_start_matches(' ')))
    } else if let Some(content_begin) = rest.strip_prefix(':') {
        content(content_begin.trim_start_matches(' '))
    } else {
        header(rest.trim_start_matches(' '), clock)
    };
    Message { timestamp_ns: Some(at), host: host.or(message.host), ..message }
}

/// The host, unless the first word is a tag, and the content.
fn header<'a>(text: &'a str, clock: Clock<'_>) -> Message<'a> {
    if let Some(content_begin) = cisco::without_zone(text, false) {
        return content(content_begin);
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(host) = word.strip_suffix(':') {
        let rest = rest.trim_start_matches(' ');
        if !host.is_empty() && cisco::mnemonic(rest).is_some() {
            return Message { host: Some(host), ..content(rest) };
        }
        return content(without_colon(text));
    }
    let begins_tag = word.contains('[') && tag(text).is_some();
    if word.is_empty() || begins_tag {
        return content(text);
    }
    let rest = cisco::relayed(rest, clock).unwrap_or_else(|| without_colon(rest));
    Message { host: Some(word), ..content(rest) }
}

/// A lone colon behind the host is a firewall's way to end its header.
fn without_colon(text: &str) -> &str {
    match text.strip_prefix(':') {
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => rest.trim_start_matches(' '),
        _ => text,
    }
}

/// Tag and message.
pub(super) fn content(text: &str) -> Message<'_> {
    if let Some((mnemonic, message)) = cisco::mnemonic(text) {
        return Message { app: Some(mnemonic), message: Some(message), ..Message::default() };
    }
    let Some(Tag { name, process, message }) = tag(text) else {
        return Message { message: Some(text), ..Message::default() };
    };
    Message { app: Some(name), procid: process, message: Some(message), ..Message::default() }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tag<'a> {
    name: &'a str,
    process: Option<&'a str>,
    message: &'a str,
}

/// `name:` or `name[process]:`. What is followed by two slashes is an address of the web.
fn tag(text: &str) -> Option<Tag<'_>> {
    let end = text.find(['[', ':', ' '])?;
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    let (process, rest) = match rest.strip_prefix('[') {
        None => (None, rest),
        Some(inner) => {
            let (process, rest) = inner.split_once(']')?;
            if process.contains(' ') {
                return None;
            }
            (Some(process).filter(|process| !process.is_empty()), rest)
        }
    };
    let message = rest.strip_prefix(':')?;
    if message.starts_with("//") {
        return None;
    }
    Some(Tag { name, process, message: message.strip_prefix(' ').unwrap_or(message) })
}
