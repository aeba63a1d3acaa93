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
        named: Vec::new(),
    }
}

fn named(prefix: &str, day_separator: Option<char>) -> NamedIndices {
    NamedIndices { prefix: prefix.to_owned(), day_separator }
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
    let settings = elastic.settings(&[], true);
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

#[test]
fn indices_that_an_installation_names_are_like_our_own() {
    let fields = Schema::embedded().fields();
    let own = options(Product::Elasticsearch);
    let options = TemplateOptions {
        namespace: "north-".to_owned(),
        named: vec![named("shop-", Some('.')), named("audit", None)],
        ..options(Product::Elasticsearch)
    };
    let templates = options.index_templates(fields);
    let named = &templates[LOG_TYPES.len()..];
    let names: Vec<_> = named.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "north-millrace-documents-shop-",
            "north-millrace-documents-shop-@days",
            "north-millrace-documents-audit",
        ]
    );
    // No namespace stands before them: their names are the user's.
    let patterns = named.iter().map(|(_, body)| body["index_patterns"][0].as_str().unwrap());
    assert_eq!(patterns.collect::<Vec<_>>(), ["shop-*", "shop-*20*.*.*", "audit*"]);
    let ours = templates[0].1["priority"].as_u64().unwrap();
    let priorities: Vec<_> =
        named.iter().map(|(_, body)| body["priority"].as_u64().unwrap()).collect();
    // Where several match, an engine takes the highest, and it refuses two of the same priority.
    assert!(200 < priorities[0] && priorities[0] < priorities[1] && priorities[1] < ours);
    for (_, body) in named {
        assert_eq!(body["template"]["mappings"], templates[0].1["template"]["mappings"]);
        assert_eq!(body["template"]["aliases"], json!({"north-millrace-documents": {}}));
        assert_eq!(body["_meta"]["millrace"]["version"], TEMPLATE_VERSION);
    }
    assert_eq!(options.named_template_beginning(), "north-millrace-documents-");
    // Who names none has what there was before.
    assert_eq!(own.index_templates(fields).len(), LOG_TYPES.len());
}

#[test]
fn of_the_indices_that_an_installation_names_only_those_of_a_day_grow_old() {
    let named = vec![named("shop-", Some('-')), named("audit", None)];
    let elastic = TemplateOptions { named: named.clone(), ..options(Product::Elasticsearch) };
    let templates = elastic.index_templates(&[]);
    let policies = templates[LOG_TYPES.len()..].iter().map(|(name, body)| {
        (name.as_str(), body["template"]["settings"]["index"]["lifecycle"]["name"].as_str())
    });
    assert_eq!(
        policies.collect::<Vec<_>>(),
        [
            ("millrace-documents-shop-", None),
            ("millrace-documents-shop-@days", Some("ecommerce-logs")),
            ("millrace-documents-audit", None),
        ]
    );
    let open = TemplateOptions { named: named.clone(), ..options(Product::OpenSearch) }.policy();
    let taken: Vec<_> = open["policy"]["ism_template"]
        .as_array()
        .unwrap()
        .iter()
        .map(|template| template["index_patterns"][0].as_str().unwrap())
        .collect();
    assert_eq!(taken, ["ecommerce-logs-*", "shop-*20*-*-*"]);
    let without = TemplateOptions { policies: false, named, ..options(Product::Elasticsearch) };
    assert_eq!(without.index_templates(&[]).len(), LOG_TYPES.len() + 2);
}
