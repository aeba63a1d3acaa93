//! What was found in an agent, as the JSON that events get.

use event::{Event, FieldPath, Fragment};
use serde_json::{Map, Value, json};

use super::expressions::Expressions;

/// The family of what no expression knows.
const UNKNOWN: &str = "Other";

/// JSON objects ready to be put into events.
pub(super) struct Agent {
    found: Fragment,
    /// Versions in parts, for conditions: only in ECS, in `@metadata`.
    metadata: Option<Fragment>,
}

impl Agent {
    pub(super) fn size_bytes(&self) -> usize {
        self.found.size_bytes() + self.metadata.as_ref().map_or(0, Fragment::size_bytes)
    }
}

/// Under which names, and where.
pub(super) enum Style {
    Ecs {
        target: FieldPath,
        original: FieldPath,
        /// Where the parts of versions go, if the pipeline asks for them.
        metadata: Option<FieldPath>,
    },
    Legacy {
        target: Option<FieldPath>,
        prefix: String,
    },
}

impl Style {
    pub(super) fn ecs(target: FieldPath, with_metadata: bool) -> Self {
        let original = target.join(&FieldPath::key("original"));
        let metadata =
            with_metadata.then(|| FieldPath::keys(&["@metadata", "filter", "user_agent"]));
        Self::Ecs { target, original, metadata }
    }

    pub(super) fn legacy(target: Option<FieldPath>, prefix: &str) -> Self {
        Self::Legacy { target, prefix: prefix.to_owned() }
    }

    /// Takes an agent apart.
    pub(super) fn agent(&self, expressions: &Expressions, text: &str) -> Agent {
        let (browser, system, device) = expressions.extract(text);
        let browser = browser.map_or_else(Product::unknown, |browser| Product {
            name: browser.family.to_string(),
            parts: parts([browser.major, browser.minor, browser.patch, browser.patch_minor]),
        });
        let system = system.map_or_else(Product::unknown, |system| Product {
            name: system.os.to_string(),
            parts: parts([
                system.major.as_deref(),
                system.minor.as_deref(),
                system.patch.as_deref(),
                system.patch_minor.as_deref(),
            ]),
        });
        let device = device.map_or_else(|| UNKNOWN.to_owned(), |device| device.device.to_string());
        match self {
            Self::Ecs { .. } => ecs(&browser, &system, &device),
            Self::Legacy { prefix, .. } => legacy(&browser, &system, &device, prefix),
        }
    }

    /// Puts what was found into an event.
    pub(super) fn put(&self, agent: &Agent, source: &FieldPath, event: &mut Event) {
        match self {
            Self::Ecs { target, original, metadata } => {
                if original != source
                    && event.get(original).is_none()
                    && let Some(text) = event.get(source)
                {
                    let copy = event.new_copy(text);
                    if target == source {
                        event.remove(source);
                    }
                    event.place(original, copy);
                }
                event.merge_fragment(target, &agent.found);
                if let (Some(path), Some(found)) = (metadata, &agent.metadata) {
                    let value = event.new_fragment(found);
                    event.place(path, value);
                }
            }
            Self::Legacy { target, .. } => {
                if target.as_ref() == Some(source) {
                    event.remove(source);
                }
                if let Some(target) = target {
                    event.merge_fragment(target, &agent.found);
                } else {
                    let found = event.new_fragment(&agent.found);
                    event.merge_members(event.root(), found);
                }
            }
        }
    }
}

/// A browser or a system.
struct Product {
    name: String,
    /// Of the version; ends at the first that is missing.
    parts: Vec<String>,
}

impl Product {
    fn unknown() -> Self {
        Self { name: UNKNOWN.to_owned(), parts: Vec::new() }
    }

    fn version(&self) -> Option<String> {
        (!self.parts.is_empty()).then(|| self.parts.join("."))
    }

    fn full(&self) -> String {
        match self.version() {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }

    /// `{"major": ..., "minor": ..., "patch": ...}`.
    fn metadata(&self) -> Value {
        Value::Object(self.named_parts("").collect())
    }

    fn named_parts(&self, prefix: &str) -> impl Iterator<Item = (String, Value)> {
        let names = ["major", "minor", "patch"].into_iter();
        let values = self.parts.iter().map(|part| Value::from(part.as_str()));
        names.map(move |name| format!("{prefix}{name}")).zip(values)
    }
}

fn parts(parts: [Option<&str>; 4]) -> Vec<String> {
    let given = parts.into_iter().map_while(|part| part.filter(|part| !part.is_empty()));
    given.map(ToOwned::to_owned).collect()
}

fn ecs(browser: &Product, system: &Product, device: &str) -> Agent {
    let mut os = Map::new();
    os.insert("name".to_owned(), system.name.as_str().into());
    if let Some(version) = system.version() {
        os.insert("version".to_owned(), version.into());
    }
    os.insert("full".to_owned(), system.full().into());
    let mut found = Map::new();
    found.insert("name".to_owned(), browser.name.as_str().into());
    if let Some(version) = browser.version() {
        found.insert("version".to_owned(), version.into());
    }
    found.insert("os".to_owned(), os.into());
    found.insert("device".to_owned(), json!({"name": device}));
    let metadata = json!({"version": browser.metadata(), "os": {"version": system.metadata()}});
    Agent { found: fragment(&Value::Object(found)), metadata: Some(fragment(&metadata)) }
}

fn legacy(browser: &Product, system: &Product, device: &str, prefix: &str) -> Agent {
    let mut found = Map::new();
    let mut put = |name: &str, value: Value| {
        found.insert(format!("{prefix}{name}"), value);
    };
    put("name", browser.name.as_str().into());
    if let Some(version) = browser.version() {
        put("version", version.into());
    }
    browser.named_parts("").for_each(|(name, value)| put(&name, value));
    put("os", system.name.as_str().into());
    put("os_name", system.name.as_str().into());
    if let Some(version) = system.version() {
        put("os_version", version.into());
    }
    put("os_full", system.full().into());
    system.named_parts("os_").for_each(|(name, value)| put(&name, value));
    put("device", device.into());
    Agent { found: fragment(&Value::Object(found)), metadata: None }
}

fn fragment(value: &Value) -> Fragment {
    Fragment::new(value.to_string().as_bytes()).expect("a value prints as JSON")
}
