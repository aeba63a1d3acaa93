//! How elements become values: attributes and elements are members, elements of one name an array, a text
//! beside them is `content`.

use serde_json::{Map, Value};
use uppsala::{Document, NodeId, NodeKind};

/// The member that holds an element's own text.
const CONTENT: &str = "content";
/// Elements of this name, alone in another, are the other's value.
const ANONYMOUS: &str = "anon";

#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Whether an element that stands alone is an array too.
    pub(super) force_array: bool,
    /// Whether an element with nothing but text is an object too.
    pub(super) force_content: bool,
    /// Whether an element with nothing in it is left out.
    pub(super) suppress_empty: bool,
}

impl Shape {
    /// The value of a document's root, under no name.
    pub(super) fn of(self, document: &Document<'_>) -> Value {
        document.document_element().map(|root| self.element(document, root)).unwrap_or_default()
    }

    /// As deep as the document, which is bounded.
    fn element(self, document: &Document<'_>, id: NodeId) -> Value {
        let mut members = attributes(document, id);
        let has_attributes = !members.is_empty();
        let mut texts = Vec::new();
        let mut has_elements = false;
        for child in document.children_iter(id) {
            match document.node_kind(child) {
                Some(NodeKind::Element(element)) => {
                    has_elements = true;
                    let value = self.element(document, child);
                    if !(self.suppress_empty && !has_attributes && is_empty(&value)) {
                        self.add(&mut members, &element.name.local_name, value);
                    }
                }
                Some(NodeKind::Text(text) | NodeKind::CData(text)) => texts.push(text.as_ref()),
                _ => {}
            }
        }
        if !has_elements && !texts.is_empty() {
            return self.text(members, texts.concat());
        }
        if texts.iter().any(|text| !is_blank(text)) {
            let content = match texts.as_slice() {
                [single] => Value::from(*single),
                all => Value::from(all),
            };
            members.insert(CONTENT.to_owned(), content);
        }
        if members.values().filter(|value| value.is_array()).count() == 1
            && members.get(ANONYMOUS).is_some_and(Value::is_array)
        {
            return members.remove(ANONYMOUS).unwrap_or_default();
        }
        if members.is_empty() && self.suppress_empty {
            return Value::Null;
        }
        Value::Object(members)
    }

    /// An element that holds text only.
    fn text(self, mut members: Map<String, Value>, text: String) -> Value {
        if members.is_empty() {
            if is_blank(&text) {
                return Value::Object(members);
            }
            if !self.force_content {
                return Value::String(text);
            }
        }
        self.add(&mut members, CONTENT, Value::String(text));
        Value::Object(members)
    }

    fn add(self, members: &mut Map<String, Value>, name: &str, value: Value) {
        match members.get_mut(name) {
            Some(Value::Array(values)) => values.push(value),
            Some(present) => {
                let first = present.take();
                *present = Value::Array(vec![first, value]);
            }
            None => {
                let is_array = value.is_array() || self.force_array && name != CONTENT;
                let value = if is_array { Value::Array(vec![value]) } else { value };
                members.insert(name.to_owned(), value);
            }
        }
    }
}

/// Declarations of namespaces are attributes as any.
fn attributes(document: &Document<'_>, id: NodeId) -> Map<String, Value> {
    let Some(element) = document.element(id) else { return Map::new() };
    let declarations = element.namespace_declarations.iter().map(|(prefix, uri)| {
        let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        (name, Value::from(uri.as_ref()))
    });
    let attributes = element.attributes.iter().map(|attribute| {
        (attribute.name.prefixed_name().into_owned(), Value::from(attribute.value.as_ref()))
    });
    declarations.chain(attributes).collect()
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::String(text) => is_blank(text),
        other => other.is_null(),
    }
}
