//! The embedded files keep to the form, and files that do not are refused with their place.

use super::*;

fn read_with(file: &str, text: &str) -> Result<Schema, SchemaError> {
    Schema::read(embedded::DOCUMENT, embedded::ENVELOPE, &[(file, text)])
}

#[test]
fn the_embedded_schemas_can_be_read() {
    let schema = Schema::read(embedded::DOCUMENT, embedded::ENVELOPE, embedded::LOG_TYPES).unwrap();
    assert!(schema.fields().len() > 100);
    let names: Vec<_> = schema.log_types().iter().map(|log_type| &*log_type.name).collect();
    assert_eq!(names, LOG_TYPES);
}

#[test]
fn every_field_is_found_under_its_name_and_has_a_rule() {
    let schema = Schema::embedded();
    for field in schema.fields() {
        let place = schema.document().find(&field.name).unwrap();
        assert_eq!(schema.document().field(place), Some(field));
        assert_eq!(&*schema.own_rule(place).unwrap().name, field.name);
    }
}

fn field_of<'a>(schema: &'a Schema, log_type: &str, name: &str) -> (&'a str, u8) {
    let meaning = schema.log_type(log_type).unwrap().table.get(name.as_bytes()).unwrap();
    let rule = schema.rule(meaning.rule.unwrap());
    match &rule.action {
        Action::Value(conversion) => {
            (&schema.document().field(conversion.place).unwrap().name, meaning.rank)
        }
        Action::Timestamp => ("@timestamp", meaning.rank),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn one_name_means_what_its_log_type_says() {
    let schema = Schema::embedded();
    assert_eq!(field_of(schema, "transaction", "status"), ("shop.order.status", 0));
    assert_eq!(field_of(schema, "performance", "status"), ("http.response.status_code", 0));
    assert_eq!(field_of(schema, "other", "response").0, "http.response.status_code");
    assert_eq!(field_of(schema, "other", "remote_ip").0, "client.ip");
    assert_eq!(field_of(schema, "error", "InvoiceDate").0, "@timestamp");
    for (log_type, also) in [("error", 1), ("other", 0)] {
        for name in ["message", "msg"] {
            let meaning = schema.log_type(log_type).unwrap().table.get(name.as_bytes()).unwrap();
            let Action::Value(conversion) = &schema.rule(meaning.rule.unwrap()).action else {
                panic!("a message is a value");
            };
            assert_eq!(conversion.also.len(), also, "{log_type} {name}");
        }
    }
}

#[test]
fn a_documents_own_names_yield_to_names_of_the_log() {
    let schema = Schema::embedded();
    let table = &schema.log_type("error").unwrap().table;
    let host = table.get(b"host").unwrap();
    assert_eq!((host.rank, host.object), (0, schema.document().find("host")));
    let client = table.get(b"client").unwrap();
    assert_eq!((client.rule, client.rank), (None, RANK_OF_DOCUMENT_NAMES));
    assert_eq!(client.object, schema.document().find("client"));
}

#[test]
fn a_file_that_says_nonsense_is_refused_with_its_place() {
    let file = |properties: &str| {
        format!(
            r#"{{"title": "error", "description": "x", "x-millrace": {{"event": {{"kind": "event"}}}},
                "properties": {properties}}}"#
        )
    };
    for (properties, expected) in [
        (
            r#"{"a": {"x-millrace": {"field": "no.such"}}}"#,
            "a: document.json has no field `no.such`",
        ),
        (r#"{"a": {"x-millrace": {"feild": "message"}}}"#, "a: `x-millrace` has no `feild`"),
        (r#"{"a": {"x-millrace": {"field": "client"}}}"#, "a: `client` is not a field"),
        (r#"{"a": {"type": "string"}}"#, "a: a property needs"),
        (
            r#"{"a": {"properties": {"b": {"x-millrace": {"field": "event.duration",
                "unit": {"from": "h", "to": "ns"}}}}}}"#,
            "a.b: nothing is known about units from `h` to `ns`",
        ),
    ] {
        let error = read_with("error.json", &file(properties)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = read_with("error.json", "{").unwrap_err();
    assert!(matches!(error, SchemaError::NotJson { file, .. } if file == "error.json"));
}

#[test]
fn the_reference_page_is_what_the_schemas_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fields.md");
    let page = Schema::embedded().reference();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == written,
        "docs/fields.md is not what schemas/*.json say: run \
         `UPDATE_EXPECT=1 cargo test -p schema the_reference_page` and look at the change"
    );
}
