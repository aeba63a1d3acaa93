//! The options of `xml`. An XPath that can never be looked up is refused here.

use std::sync::Arc;

use event::FieldPath;
use uppsala::Document;

use super::shape::Shape;
use super::xpath::XPath;
use super::{Xml, XmlPlan, evaluator};
use crate::filter::{Environment, FilterPlan};
use crate::options::Options;

/// Parse options of Logstash that change nothing here: nothing is printed or fetched by a parser.
const WITHOUT_EFFECT: [&str; 7] =
    ["NOERROR", "NOWARNING", "NONET", "COMPACT", "NODICT", "NOBASEFIX", "BIGLINES"];

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let source = options.required_field("source");
    let stores = options.flag("store_xml", true);
    let target = match options.text("target").as_deref() {
        Some("") | None => None,
        Some(_) => options.field("target"),
    };
    if stores && target.is_none() {
        let way_out = "add `target => ...`, or `store_xml => false` for XPaths only";
        options.refuse("target", "with `store_xml` a `target` must be set", way_out);
    }
    let shape = Shape {
        force_array: options.flag("force_array", true),
        force_content: options.flag("force_content", false),
        suppress_empty: options.flag("suppress_empty", true),
    };
    let namespaces = options.text_pairs("namespaces").unwrap_or_default();
    let namespaces: Vec<_> =
        namespaces.into_iter().map(|(prefix, uri)| (prefix.text, uri)).collect();
    let xpaths = xpaths(options, &namespaces);
    let remove_namespaces = options.flag("remove_namespaces", false);
    let is_strict = is_strict(options);
    // Nothing that this filter does has another name in another mode.
    options.ecs_compatibility(environment.ecs_compatibility);
    Some(Arc::new(XmlPlan(Arc::new(Xml {
        source: source?,
        target: target.filter(|_| stores),
        shape,
        xpaths,
        namespaces,
        remove_namespaces,
        is_strict,
        limits: environment.limits.clone(),
    }))))
}

fn xpaths(options: &mut Options<'_>, namespaces: &[(String, String)]) -> Vec<(XPath, FieldPath)> {
    let mut xpaths = Vec::new();
    for (key, destination) in options.text_pairs("xpath").unwrap_or_default() {
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

fn is_strict(options: &mut Options<'_>) -> bool {
    let Some(given) = options.text("parse_options") else { return false };
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
