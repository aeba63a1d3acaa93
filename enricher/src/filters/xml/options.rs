//! The options of `xml`. An XPath that can never be looked up is refused here.

use std::sync::Arc;

use event::FieldPath;
use uppsala::Document;

use super::shape::Shape;
use super::xpath::XPath;
use super::{Xml, XmlPlan, evaluator};
use crate::filter::{EcsCompatibility, Environment, FilterPlan};
use crate::options::{Options, TextPairs, filter_options};

/// Parse options of Logstash that change nothing here: nothing is printed or fetched by a parser.
const WITHOUT_EFFECT: [&str; 7] =
    ["NOERROR", "NOWARNING", "NONET", "COMPACT", "NODICT", "NOBASEFIX", "BIGLINES"];

filter_options! {
    /// Takes the XML text of a field apart, as Logstash's filter lays it out, and looks XPaths up
    /// in it.
    ///
    /// Nothing outside of the text is read, and its entities may stand for 10 KiB at most. Without
    /// `strict`, XPaths are looked up in what is not well-formed too, as far as it can be read; it
    /// is never stored in `target`.
    struct XmlOptions {
        /// The field that holds the text.
        source: FieldPath = required,
        /// The field that gets the whole text's values.
        target: FieldPath [Field, target] => "required unless `store_xml` is `false`",
        /// Whether the whole is stored in `target`.
        store_xml: bool = true,
        /// XPaths (1.0) with the field that gets what each selects: elements as XML, attributes as
        /// their values.
        xpath: TextPairs,
        /// Prefixes that XPaths use, with their addresses.
        namespaces: TextPairs => "default: those that the root declares",
        /// Whether XPaths see names without their namespaces.
        remove_namespaces: bool = false,
        /// Whether an element that stands once is an array too.
        force_array: bool = true,
        /// Whether a text stands in `content` although its element has nothing else.
        force_content: bool = false,
        /// Whether elements without anything in them are left out.
        suppress_empty: bool = true,
        /// `strict` refuses what is not well-formed although XPaths could be looked up. Names of
        /// Logstash that only concern its parser are taken, others refused.
        parse_options: String,
    }
    without_effect {
        /// Nothing that this filter does has another name in another mode.
        ecs_compatibility: EcsCompatibility,
    }
    tags {
        "_xmlparsefailure" => "the field holds no XML, or something stands in the way of a field",
    }
    example r#"xml { source => "message" store_xml => false xpath => { "/order/@id" => "[order][id]" } }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = XmlOptions::read(options);
    let (source, stores) = (given.source, given.store_xml);
    let target = given.target;
    if stores && target.is_none() {
        let way_out = "add `target => ...`, or `store_xml => false` for XPaths only";
        options.refuse("target", "with `store_xml` a `target` must be set", way_out);
    }
    let shape = Shape {
        force_array: given.force_array,
        force_content: given.force_content,
        suppress_empty: given.suppress_empty,
    };
    let namespaces = given.namespaces.unwrap_or_default();
    let namespaces: Vec<_> =
        namespaces.into_iter().map(|(prefix, uri)| (prefix.text, uri)).collect();
    let xpaths = xpaths(options, given.xpath.unwrap_or_default(), &namespaces);
    let is_strict = given.parse_options.is_some_and(|written| is_strict(options, &written));
    Some(Arc::new(XmlPlan(Arc::new(Xml {
        source: source?,
        target: target.filter(|_| stores),
        shape,
        xpaths,
        namespaces,
        remove_namespaces: given.remove_namespaces,
        is_strict,
        limits: environment.limits.clone(),
    }))))
}

/// The target; an empty text is none.
fn target(options: &mut Options<'_>, name: &'static str) -> Option<FieldPath> {
    let is_empty = options.text(name)?.is_empty();
    if is_empty { None } else { options.field(name) }
}

fn xpaths(
    options: &mut Options<'_>,
    pairs: TextPairs,
    namespaces: &[(String, String)],
) -> Vec<(XPath, FieldPath)> {
    let mut xpaths = Vec::new();
    for (key, destination) in pairs {
        let xpath = XPath::read(&key.text);
        if let Err(message) = check(&xpath, namespaces) {
            let message = format!("`{}` cannot be looked up: {message}", key.text);
            let way_out = "write XPath 1.0; name each prefix in `namespaces`";
            options.refuse_at(key.span, message, way_out);
        }
        if let Some(destination) = options.parse_field_at(&destination, key.span) {
            xpaths.push((xpath, destination));
        }
    }
    xpaths
}

/// Looks an XPath up where nothing is found. Without `namespaces` the documents say which prefixes there are.
fn check(xpath: &XPath, namespaces: &[(String, String)]) -> Result<(), String> {
    let is_known = |prefix: &&String| namespaces.iter().any(|(known, _)| known == *prefix);
    if let Some(unknown) = xpath.prefixes.iter().find(|prefix| !is_known(prefix))
        && !namespaces.is_empty()
    {
        return Err(format!("`{unknown}` is not among the namespaces"));
    }
    let mut document = Document::new();
    document.prepare_xpath();
    let found = evaluator(namespaces).evaluate(&document, document.root(), &xpath.text);
    found.map(drop).map_err(|error| error.to_string())
}

fn is_strict(options: &mut Options<'_>, given: &str) -> bool {
    let mut is_strict = !given.trim().is_empty();
    for option in given.split([',', '|']).map(str::trim) {
        let name = option.replace('_', "").to_ascii_uppercase();
        match name.as_str() {
            "" | "STRICT" => {}
            "RECOVER" => is_strict = false,
            name if WITHOUT_EFFECT.contains(&name) => {}
            _ => {
                let message = format!("unsupported parse option: \"{option}\"");
                options.refuse("parse_options", message, "it is `strict`, or leave it out");
            }
        }
    }
    is_strict
}
