//! A document out of what is not well-formed: as far as it can be read, with all that is open closed.
//!
//! No declaration of a DTD is looked at: an entity that XML itself does not have stays as it is written.

use std::borrow::Cow;
use std::collections::HashSet;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use uppsala::{Attribute, Document, NodeId, QName};

/// Reads a text; what cannot be read ends the document.
pub(super) fn recover(text: &str, depth_max: usize) -> Document<'static> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut builder = Builder {
        document: Document::new(),
        open: Vec::new(),
        namespaces: Vec::new(),
        text: String::new(),
        depth_max,
        has_root: false,
    };
    while let Ok(event) = reader.read_event() {
        if !builder.take(event) {
            break;
        }
    }
    builder.end_text();
    builder.document
}

struct Builder {
    document: Document<'static>,
    open: Vec<Open>,
    /// Prefixes and what they stand for, the innermost last.
    namespaces: Vec<(String, String)>,
    /// Text that is not in the document yet: a reference does not end it.
    text: String,
    depth_max: usize,
    has_root: bool,
}

/// An element whose end was not seen yet.
struct Open {
    id: NodeId,
    name: String,
    /// How many namespaces there were outside.
    namespaces: usize,
}

impl Builder {
    /// False at the end of the document.
    fn take(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::Eof => return false,
            Event::Start(start) => return self.start(&start, false),
            Event::Empty(start) => return self.start(&start, true),
            Event::End(end) => self.end(end.name().as_ref()),
            Event::Text(text) => self.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => self.reference(&reference),
            Event::CData(text) => {
                let text = text.xml10_content().into_owned();
                self.add(|document| document.create_cdata(text));
            }
            Event::Comment(text) => {
                let text = text.xml10_content().into_owned();
                self.add(|document| document.create_comment(text));
            }
            Event::PI(instruction) => {
                let target = instruction.target().to_owned();
                let data = Cow::Owned(instruction.content().trim_start().to_owned());
                self.add(|document| document.create_processing_instruction(target, Some(data)));
            }
            Event::Decl(_) | Event::DocType(_) => {}
        }
        true
    }

    fn start(&mut self, start: &BytesStart<'_>, is_empty: bool) -> bool {
        if self.open.is_empty() && self.has_root || self.open.len() >= self.depth_max {
            return false;
        }
        self.has_root = true;
        let namespaces = self.namespaces.len();
        let mut attributes: Vec<(String, String)> = Vec::new();
        let mut declarations = Vec::new();
        // The reader would compare each with each.
        let mut seen = HashSet::new();
        for attribute in start.attributes().with_checks(false).flatten() {
            let name = attribute.key.as_ref().to_owned();
            if !seen.insert(name.clone()) {
                continue;
            }
            let value = match attribute.normalized_value(XmlVersion::Implicit1_0) {
                Ok(value) => value.into_owned(),
                Err(_) => attribute.value.into_owned(),
            };
            match name.strip_prefix("xmlns") {
                Some("") => declarations.push((String::new(), value)),
                Some(prefix) if prefix.starts_with(':') => {
                    declarations.push((prefix[1..].to_owned(), value));
                }
                _ => attributes.push((name, value)),
            }
        }
        self.namespaces.extend(declarations.iter().cloned());
        let name = start.name().as_ref().to_owned();
        let qualified = self.qualified(&name, true);
        let attributes: Vec<_> = attributes
            .into_iter()
            .map(|(name, value)| Attribute {
                name: self.qualified(&name, false),
                value: Cow::Owned(value),
            })
            .collect();
        let id = self.add(|document| document.create_element(qualified));
        for (prefix, uri) in declarations {
            self.document.declare_namespace(id, Some(&prefix), uri);
        }
        if let Some(element) = self.document.element_mut(id) {
            element.attributes = attributes;
        }
        match is_empty {
            true => self.namespaces.truncate(namespaces),
            false => self.open.push(Open { id, name, namespaces }),
        }
        true
    }

    /// An end closes all that is open within it; one without a beginning is nothing.
    fn end(&mut self, name: &str) {
        let Some(place) = self.open.iter().rposition(|open| open.name == name) else { return };
        self.end_text();
        self.namespaces.truncate(self.open[place].namespaces);
        self.open.truncate(place);
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        if let Ok(Some(character)) = reference.resolve_char_ref() {
            self.text.push(character);
            return;
        }
        let name = reference.xml10_content();
        match resolve_xml_entity(&name) {
            Some(text) => self.text.push_str(text),
            None => self.text.extend(["&", &name, ";"]),
        }
    }

    /// A name with a prefix that nobody declared is a name with a colon in it.
    fn qualified(&self, name: &str, is_element: bool) -> QName<'static> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if prefix.is_empty() && !is_element {
            return QName::local(name.to_owned());
        }
        let found = self.namespaces.iter().rev().find(|(known, _)| known == prefix);
        match found {
            Some((_, uri)) if prefix.is_empty() && !uri.is_empty() => {
                QName::with_namespace(uri.clone(), name.to_owned())
            }
            Some((_, uri)) if !prefix.is_empty() => {
                QName::full(prefix.to_owned(), uri.clone(), local.to_owned())
            }
            _ => QName::local(name.to_owned()),
        }
    }

    /// Puts a node into what is open.
    fn add(&mut self, make: impl FnOnce(&mut Document<'static>) -> NodeId) -> NodeId {
        self.end_text();
        let id = make(&mut self.document);
        let parent = self.open.last().map_or(self.document.root(), |open| open.id);
        self.document.append_child(parent, id);
        id
    }

    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if let Some(open) = self.open.last()
            && !text.is_empty()
        {
            let id = self.document.create_text(text);
            self.document.append_child(open.id, id);
        }
    }
}
