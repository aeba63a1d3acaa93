//! Which events are one document, as outputs say it.

use super::*;

const SETTING: &str = "enricher.document_id";

#[test]
fn the_id_of_the_store_is_a_setting() {
    for (plugin, text) in [
        ("elasticsearch", "%{[@metadata][fingerprint]}"),
        ("opensearch", "order-%{[order][id]}-%{+YYYY.MM.dd}"),
    ] {
        let config = format!("output {{ {plugin} {{ document_id => '{text}' }} }}");
        let carried = carried(&config, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(carried.left_lines(), "", "{config}");
        let toml = carried.to_toml("m.conf");
        let printed = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
        let printed = printed.unwrap_or_else(|mistakes| panic!("{toml}\n{mistakes}"));
        assert_eq!(printed.enricher.document_id.as_deref(), Some(text), "{toml}");
        assert_eq!(printed.enricher.pipeline.as_deref(), Some(Path::new("m.conf")), "{toml}");
        // Also where the configuration names a store of its own.
        let file = Some((Path::new("m.toml"), "[search]\nurl = \"embedded:\"\n"));
        let taken = service::config::load_over::<PlatformConfig>(&carried.presets(), file, [], &[]);
        let taken = taken.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(taken.value.enricher.document_id.as_deref(), Some(text));
    }
}

#[test]
fn outputs_that_differ_are_told() {
    let id = |text: &str| format!("document_id => '{text}'");
    let none = String::new();
    for (first, second, setting, is_told) in [
        (id("%{a}"), id("%{a}"), Some("%{a}"), false),
        (id("%{a}"), id("%{b}"), Some("%{a}"), true),
        (id("%{a}"), none.clone(), Some("%{a}"), true),
        (none.clone(), none.clone(), None, false),
    ] {
        let text =
            format!("output {{ elasticsearch {{ {first} }}\n elasticsearch {{ {second} }} }}");
        let carried = carried(&text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let found = carried.find(SETTING).map(|setting| setting.value.untyped());
        assert_eq!(found.as_deref(), setting, "{text}");
        let said = carried.left_lines();
        let told = "s.conf:2: `document_id` of output elasticsearch: what the output of line 1 says of ids is \
                    for all events";
        assert_eq!(said.contains(told), is_told, "{said}");
        assert_eq!(carried.left.len(), usize::from(is_told), "{said}");
    }
    // Where none is in force, none is said to be.
    for (first, second, reasons) in [
        (none.clone(), id("%{b}"), &["only that of the output of line 1 would be"][..]),
        (id("fixed"), id("%{[b]}"), &["it names no field", "none is carried over from there"][..]),
        (id("fixed"), id("fixed"), &["it names no field", "it names no field"][..]),
        (id("fixed"), none.clone(), &["it names no field"][..]),
        (id("${PASSWORD}"), id("%{b}"), &["never printed", "none is carried over from there"][..]),
    ] {
        let text =
            format!("output {{ elasticsearch {{ {first} }}\n elasticsearch {{ {second} }} }}");
        let carried = carried(&text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(carried.find(SETTING).is_none(), "{text}");
        let said: Vec<_> = carried.left.iter().map(|left| left.reason.as_str()).collect();
        assert_eq!(said.len(), reasons.len(), "{text}: {said:?}");
        for (said, reason) in said.iter().zip(reasons) {
            assert!(said.contains(reason), "{text}: {said}");
            assert!(!said.contains("says of ids is for all events"), "{text}: {said}");
        }
    }
    // Another store is not carried over as a whole.
    let text =
        "output { elasticsearch { } elasticsearch { hosts => other document_id => '%{a}' } }";
    assert_eq!(told(text, OPEN).1, ["output elasticsearch"]);
}

#[test]
fn a_text_that_cannot_be_printed_or_names_no_field_is_not_carried_over() {
    for (text, part) in [
        ("${PASSWORD}-%{id}", "write the text in `enricher.document_id`"),
        ("id", "it names no field"),
        ("%{id", "it names no field"),
    ] {
        let config = format!("output {{ elasticsearch {{ document_id => '{text}' }} }}");
        let carried = carried(&config, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(carried.find(SETTING).is_none(), "{text}");
        let said = carried.left_lines();
        assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn how_a_document_is_written_is_still_told() {
    let text =
        "output { elasticsearch { document_id => '%{id}' version => '%{v}' doc_as_upsert => true
        action => update } }";
    let options = ["version", "doc_as_upsert", "action"];
    let expected = options.map(|option| format!("`{option}` of output elasticsearch"));
    assert_eq!(told(text, OPEN).1, expected);
}
