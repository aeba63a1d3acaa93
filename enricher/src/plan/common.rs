//! The options that every filter has: run only when the filter matched. Inputs have some of them too.
//!
//! The order is Logstash's: fields are added, fields removed, tags added, tags removed.

use event::Event;

use crate::language::Value;
use crate::options::Options;
use crate::template::{FieldTemplate, Template, rendered};

/// The common options of one filter.
#[derive(Debug, Default)]
pub(crate) struct CommonOptions {
    add_field: Vec<(FieldTemplate, Vec<Template>)>,
    remove_field: Vec<FieldTemplate>,
    add_tag: Vec<Template>,
    remove_tag: Vec<Template>,
}

impl CommonOptions {
    pub(crate) fn take(options: &mut Options<'_>) -> Self {
        // An id names the filter in Logstash's monitoring; metrics cannot be switched off one by
        // one; nothing here is flushed by a clock. Neither changes what happens to an event.
        options.text("id");
        options.flag("enable_metric", true);
        options.flag("periodic_flush", false);
        let remove_field = options.field_templates("remove_field").unwrap_or_default();
        let removes_time = remove_field
            .iter()
            .any(|field| matches!(field, FieldTemplate::Fixed(path) if path.is_timestamp()));
        if removes_time {
            let message = "`@timestamp` cannot be removed";
            options.refuse("remove_field", message, "leave it out: every event has its time");
        }
        Self {
            add_field: add_field(options),
            remove_field,
            add_tag: options.templates("add_tag").unwrap_or_default(),
            remove_tag: options.templates("remove_tag").unwrap_or_default(),
        }
    }

    /// Those that only add fields and tags.
    pub(crate) fn adding(
        add_field: Vec<(FieldTemplate, Vec<Template>)>,
        add_tag: Vec<Template>,
    ) -> Self {
        Self { add_field, add_tag, ..Self::default() }
    }

    pub(crate) fn run(&self, event: &mut Event, received_at_ns: i64) {
        for (field, values) in &self.add_field {
            for value in values {
                if let Some(path) = field.resolve(event, received_at_ns) {
                    let added = rendered(event, value, received_at_ns);
                    event.append_node(&path, added);
                }
            }
        }
        for field in &self.remove_field {
            if let Some(path) = field.resolve(event, received_at_ns) {
                event.remove(&path);
            }
        }
        for tag in &self.add_tag {
            match tag.literal() {
                Some(tag) => event.push_tag(tag),
                None => {
                    let tag = tag.render(event, received_at_ns).into_owned();
                    event.push_tag(&tag);
                }
            }
        }
        for tag in &self.remove_tag {
            let tag = tag.render(event, received_at_ns).into_owned();
            event.remove_tag(&tag);
        }
    }
}

fn add_field(options: &mut Options<'_>) -> Vec<(FieldTemplate, Vec<Template>)> {
    let pairs = options.pairs("add_field").unwrap_or_default();
    let mut added = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let field = options.parse_field_template(&key.text, key.span);
        let values = texts(options, &value);
        if let Some((field, values)) = field.zip(values) {
            added.push((field, values));
        }
    }
    added
}

fn texts(options: &mut Options<'_>, value: &Value) -> Option<Vec<Template>> {
    let Some(texts) = value.as_texts() else {
        let message = "a field is added with a string, or with an array of strings";
        options.refuse_at(value.span, message, "write `\"name\" => \"value\"`");
        return None;
    };
    texts.iter().map(|text| options.parse_template(text, value.span)).collect()
}
