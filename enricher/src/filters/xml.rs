//! `xml`: takes the XML text of a field apart, as Logstash's filter lays it out, and looks XPaths up in it.
//!
//! Nothing outside the text is ever read, what an entity stands for is bounded, and so are depth and number
//! of what comes out. What is not XML only tags the event.

mod bounds;
mod options;
mod recovery;
mod shape;
mod xpath;

use std::sync::Arc;

use event::{Event, FieldPath, Kind, Limits};
use uppsala::{Document, NodeKind, Parser, XPathEvaluator, XPathValue, XmlWriteOptions};

use self::shape::Shape;
use self::xpath::XPath;
use crate::filter::{Applied, Filter, FilterContext, FilterPlan};

pub(crate) use self::options::{DESCRIPTION, build};

const FAILURE_TAG: &str = "_xmlparsefailure";
/// Most bytes that the entities of a text stand for.
const ENTITIES_BYTES_MAX: usize = 10_240;
/// Most bytes that one XPath may select.
const SELECTED_BYTES_MAX: usize = 4 << 20;
/// Most nodes that one XPath may visit.
const VISITS_MAX: usize = 1_000_000;

#[derive(Debug)]
struct Xml {
    source: FieldPath,
    /// Where the whole is stored, if it is.
    target: Option<FieldPath>,
    shape: Shape,
    xpaths: Vec<(XPath, FieldPath)>,
    /// Prefixes that XPaths use; without any, those that a root declares.
    namespaces: Vec<(String, String)>,
    remove_namespaces: bool,
    /// Whether what is not well-formed is refused although XPaths could be looked up.
    is_strict: bool,
    limits: Limits,
}

struct XmlPlan(Arc<Xml>);

impl FilterPlan for XmlPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let evaluator = evaluator(&self.0.namespaces);
        Box::new(Worker { plan: Arc::clone(&self.0), evaluator })
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<Xml>,
    evaluator: XPathEvaluator,
}

/// The event is to be tagged.
struct Failed;

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        match self.run(event) {
            Ok(true) => Applied::Matched,
            Ok(false) => Applied::NotMatched,
            Err(Failed) => {
                event.add_tag(FAILURE_TAG);
                Applied::NotMatched
            }
        }
    }
}

impl Worker {
    /// Whether anything was set.
    fn run(&self, event: &mut Event) -> Result<bool, Failed> {
        let plan = &*self.plan;
        let Some(text) = text(event, &plan.source)? else { return Ok(false) };
        // What stands before the declaration is blank in a log, and an error in XML.
        let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        if text.trim_end().is_empty() {
            return Ok(false);
        }
        if !bounds::is_bearable(text) {
            return Err(Failed);
        }
        let depth_max = plan.limits.depth_max.min(Limits::documents().depth_max);
        let parser =
            Parser::new().with_max_depth(depth_max).with_max_entity_expansion(ENTITIES_BYTES_MAX);
        let parsed = parser.parse(text);
        let mut is_matched = false;
        let mut stored = None;
        if plan.target.is_some() {
            stored = parsed.as_ref().ok().map(|document| plan.shape.of(document));
        }
        if !plan.xpaths.is_empty() || plan.is_strict {
            let document = match parsed {
                Ok(document) => document,
                Err(_) if plan.is_strict => return Err(Failed),
                Err(_) => recovery::recover(text, depth_max as usize),
            };
            is_matched |= self.look_up(document, event)?;
        }
        if let Some(target) = &plan.target {
            let json = stored.ok_or(Failed)?.to_string();
            let value = event.new_json_within(json.as_bytes(), &plan.limits);
            if !event.place(target, value.map_err(|_| Failed)?) {
                return Err(Failed);
            }
            is_matched = true;
        }
        Ok(is_matched)
    }

    /// Sets what the XPaths select; says whether that was anything.
    fn look_up(&self, mut document: Document<'_>, event: &mut Event) -> Result<bool, Failed> {
        let plan = &*self.plan;
        if plan.remove_namespaces {
            remove_namespaces(&mut document);
        }
        document.prepare_xpath();
        let declared = if plan.namespaces.is_empty() { declared(&document) } else { Vec::new() };
        let own;
        let evaluator = if declared.is_empty() {
            &self.evaluator
        } else {
            own = evaluator(&declared);
            &own
        };
        let mut is_matched = false;
        for (xpath, destination) in &plan.xpaths {
            let is_known = |prefix: &String| declared.iter().any(|(known, _)| known == prefix);
            if plan.namespaces.is_empty() && !xpath.prefixes.iter().all(is_known) {
                return Err(Failed);
            }
            let found = evaluator.evaluate(&document, document.root(), &xpath.text);
            let found = found.map_err(|_| Failed)?;
            if found.as_node_set().len() >= plan.limits.nodes_max as usize {
                return Err(Failed);
            }
            let texts = selected(&document, found)?;
            if texts.is_empty() {
                continue;
            }
            is_matched = true;
            let value = match texts.as_slice() {
                [single] if !plan.shape.force_array => event.new_text(single),
                all => {
                    let array = event.new_array();
                    for text in all {
                        let text = event.new_text(text);
                        event.push(array, text);
                    }
                    array
                }
            };
            if !event.place(destination, value) {
                return Err(Failed);
            }
        }
        Ok(is_matched)
    }
}

/// The text of a field, or of an array of one; none if there is no such field.
fn text(event: &Event, source: &FieldPath) -> Result<Option<String>, Failed> {
    let Some(mut value) = event.get(source) else { return Ok(None) };
    match event.kind(value) {
        Kind::Null => return Ok(None),
        Kind::Array => {
            let first = event.first_child(value).ok_or(Failed)?;
            if event.next_sibling(first).is_some() {
                return Err(Failed);
            }
            value = first;
        }
        _ => {}
    }
    event.text(value).map(|text| Some(text.into_owned())).ok_or(Failed)
}

fn evaluator(namespaces: &[(String, String)]) -> XPathEvaluator {
    let mut evaluator = XPathEvaluator::new().with_max_node_visits(VISITS_MAX);
    for (prefix, uri) in namespaces {
        evaluator.add_namespace(prefix.as_str(), uri.as_str());
    }
    evaluator
}

/// What the root declares; the default namespace by the prefix `xmlns`.
fn declared(document: &Document<'_>) -> Vec<(String, String)> {
    let root = document.document_element().and_then(|root| document.element(root));
    let declarations = root.map(|root| root.namespace_declarations.as_slice()).unwrap_or_default();
    let named = declarations.iter().map(|(prefix, uri)| {
        let prefix = if prefix.is_empty() { "xmlns" } else { prefix.as_ref() };
        (prefix.to_owned(), uri.to_string())
    });
    named.collect()
}

fn remove_namespaces(document: &mut Document<'_>) {
    for node in document.descendants(document.root()) {
        let Some(element) = document.element_mut(node) else { continue };
        element.namespace_declarations.clear();
        let attributes = element.attributes.iter_mut().map(|attribute| &mut attribute.name);
        for name in std::iter::once(&mut element.name).chain(attributes) {
            name.prefix = None;
            name.namespace_uri = None;
        }
    }
}

/// What an XPath found, as texts: elements as XML, attributes as their values. False is nothing.
fn selected(document: &Document<'_>, found: XPathValue) -> Result<Vec<String>, Failed> {
    let nodes = match found {
        XPathValue::Boolean(false) => return Ok(Vec::new()),
        XPathValue::Boolean(true) => return Ok(vec!["true".to_owned()]),
        XPathValue::Number(number) if number.is_finite() => return Ok(vec![format!("{number:?}")]),
        XPathValue::NodeSet(nodes) => nodes,
        other => return Ok(vec![other.to_string_value(document)]),
    };
    let options = XmlWriteOptions::pretty("  ");
    let mut left_bytes = SELECTED_BYTES_MAX;
    let texts = nodes.into_iter().map(|node| {
        let text = match document.node_kind(node) {
            Some(NodeKind::Attribute(_, value)) => value.to_string(),
            Some(NodeKind::Document) => document.to_xml_with_options(&options),
            _ => document.node_to_xml_with_options(node, &options),
        };
        left_bytes = left_bytes.checked_sub(text.len()).ok_or(Failed)?;
        Ok(text)
    });
    texts.collect()
}

#[cfg(test)]
mod tests;
