//! Templates and policies say what the products want to read.

use super::*;
use crate::Schema;

fn options(product: Product) -> TemplateOptions {
    const DAY: Duration = Duration::from_secs(86_400);
    TemplateOptions {
        product,
        namespace: String::new(),
        shards: 1,
        replicas: 1,
        refresh_interval: Duration::from_secs(1),
        policies: true,
        compact_after: 7 * DAY,
        delete_after: 90 * DAY,
        minimal_engine: false,
    }
}

#[test]
fn each_log_type_has_a_template_of_its_own_indices() {
    let fields = Schema::embedded().fields();
    let templates = options(Product::Elasticsearch).index_templates(fields);
    assert_eq!(templates.len(), LOG_TYPES.len());
    for ((name, template), log_type) in templates.iter().zip(LOG_TYPES) {
        assert_eq!(*name, format!("ecommerce-logs-{log_type}"));
        assert_eq!(template["index_patterns"], json!([format!("{name}-*")]));
        assert!(template["priority"].as_u64().unwrap() > 200);
        assert_eq!(template["template"]["mappings"]["dynamic"], "false");
        assert_eq!(template["template"]["settings"]["index"]["codec"], "best_compression");
        assert_eq!(template["_meta"]["millrace"]["version"], TEMPLATE_VERSION);
    }
}

#[test]
fn fields_have_the_products_types() {
    let fields = Schema::embedded().fields();
    let properties = |options: &TemplateOptions| options.mappings(fields)["properties"].clone();
    let elastic = properties(&options(Product::Elasticsearch));
    let order = &elastic["shop"]["properties"]["order"]["properties"];
    assert_eq!(order["amount"], json!({"type": "scaled_float", "scaling_factor": 10_000}));
    assert_eq!(order["items"]["type"], "nested");
    assert_eq!(order["items"]["properties"]["quantity"], json!({"type": "long"}));
    assert_eq!(elastic["client"]["properties"]["ip"], json!({"type": "ip"}));
    assert_eq!(elastic["@timestamp"], json!({"type": "date"}));
    assert_eq!(elastic["shop"]["properties"]["extra"]["type"], "flattened");
    assert_eq!(elastic["millrace"]["properties"]["shop"], json!({"type": "keyword"}));
    let open = properties(&options(Product::OpenSearch));
    assert_eq!(open["shop"]["properties"]["extra"], json!({"type": "flat_object"}));
    let minimal = TemplateOptions { minimal_engine: true, ..options(Product::Elasticsearch) };
    let minimal = properties(&minimal);
    let order = &minimal["shop"]["properties"]["order"]["properties"];
    assert_eq!(order["amount"], json!({"type": "double"}));
}

#[test]
fn the_namespace_stands_before_every_name() {
    let options =
        TemplateOptions { namespace: "north-".to_owned(), ..options(Product::OpenSearch) };
    let templates = options.index_templates(Schema::embedded().fields());
    assert_eq!(templates[0].0, "north-ecommerce-logs-transaction");
    assert_eq!(options.index_pattern(), "north-ecommerce-logs-*");
    let policy = options.policy();
    assert_eq!(policy["policy"]["ism_template"][0]["index_patterns"][0], options.index_pattern());
}

#[test]
fn an_index_is_compacted_then_deleted() {
    let elastic = options(Product::Elasticsearch);
    let phases = &elastic.policy()["policy"]["phases"];
    assert_eq!(phases["warm"]["min_age"], "7d");
    assert_eq!(phases["delete"]["min_age"], "90d");
    let settings = elastic.settings(&[]);
    assert_eq!(settings["index"]["lifecycle"]["name"], elastic.policy_name());
    let open = options(Product::OpenSearch).policy();
    let states = open["policy"]["states"].as_array().unwrap();
    assert_eq!(states[0]["transitions"][0]["conditions"]["min_index_age"], "7d");
    assert_eq!(states[1]["transitions"][0]["conditions"]["min_index_age"], "90d");
    assert!(open["policy"]["description"].as_str().unwrap().contains("version 1"));
    let hours = TemplateOptions {
        compact_after: Duration::from_secs(90 * 60),
        ..options(Product::Elasticsearch)
    };
    assert_eq!(hours.policy()["policy"]["phases"]["warm"]["min_age"], "90m");
}

#[test]
fn what_changes_changes_the_fingerprint() {
    let seal = |options: &TemplateOptions| {
        options.index_templates(Schema::embedded().fields())[0].1["_meta"]["millrace"].clone()
    };
    let one = options(Product::Elasticsearch);
    assert_eq!(seal(&one), seal(&one.clone()));
    let other = TemplateOptions { replicas: 2, ..one.clone() };
    assert_ne!(seal(&one), seal(&other));
}
