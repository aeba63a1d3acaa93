//! Which index a document goes to, as outputs say it.

use super::listed::carried_of;
use super::*;

const SETTING: &str = "enricher.index";
const ALLOWED: &str = "search.index_prefixes";

fn value(carried: &Carried, setting: &str) -> Option<String> {
    carried.find(setting).map(|setting| setting.value.untyped())
}

#[test]
fn the_index_of_the_store_is_a_setting_and_its_beginning_is_allowed() {
    for (plugin, text, prefix) in [
        ("elasticsearch", "shop-%{+YYYY.MM.dd}", "shop-"),
        ("opensearch", "logstash-%{+xxxx.ww}", "logstash-"),
        ("elasticsearch", "shop-%{[@metadata][kind]}-%{{yyyy.MM}}", "shop-"),
        ("elasticsearch", "shop", "shop"),
    ] {
        let config = format!("output {{ {plugin} {{ index => '{text}' }} }}");
        let carried = carried(&config, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(carried.left_lines(), "", "{config}");
        let toml = carried.to_toml("m.conf");
        let printed = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
        let printed = printed.unwrap_or_else(|mistakes| panic!("{toml}\n{mistakes}"));
        assert_eq!(printed.enricher.index.as_deref(), Some(text), "{toml}");
        assert_eq!(printed.search.index_prefixes.0, [prefix], "{toml}");
        // Also where the configuration names a store of its own.
        let file = Some((Path::new("m.toml"), "[search]\nurl = \"embedded:\"\n"));
        let taken = service::config::load_over::<PlatformConfig>(&carried.presets(), file, [], &[]);
        let taken = taken.unwrap_or_else(|mistakes| panic!("{mistakes}")).value;
        assert_eq!(taken.enricher.index.as_deref(), Some(text));
        assert_eq!(taken.search.index_prefixes.0, [prefix]);
    }
    let without = carried("output { elasticsearch { } }", OPEN).expect("right");
    assert!(without.find(SETTING).is_none() && without.find(ALLOWED).is_none());
}

#[test]
fn a_text_without_a_fixed_beginning_is_not_carried_over() {
    for (text, said) in [
        ("%{[@metadata][beat]}-%{+YYYY.MM.dd}", "has no fixed beginning"),
        ("%{+YYYY.MM.dd}", "has no fixed beginning"),
        ("Shop-%{+YYYY}", "has no fixed beginning"),
        ("-shop-%{+YYYY}", "has no fixed beginning"),
        ("shop-%{+MMM}", "no index can have one"),
        ("ecommerce-logs-%{+YYYY}", "has no fixed beginning"),
        ("ecommerce-%{+YYYY}", "the platform's own indices begin with"),
        ("${PASSWORD}-%{+YYYY}", "never printed"),
    ] {
        let config = format!("output {{ elasticsearch {{ index => '{text}' }} }}");
        let carried = carried(&config, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(carried.find(SETTING).is_none() && carried.find(ALLOWED).is_none(), "{text}");
        let left = carried.left_lines();
        assert!(left.contains("s.conf:1: `index` of output elasticsearch"), "{left}");
        assert!(left.contains(said) && left.contains("write "), "{left}");
        assert!(!left.contains("hunter2"), "{left}");
    }
}

#[test]
fn outputs_that_differ_are_told() {
    let index = |text: &str| format!("index => '{text}'");
    let none = String::new();
    for (first, second, setting, said) in [
        (index("a-%{+YYYY}"), index("a-%{+YYYY}"), Some("a-%{+YYYY}"), None),
        (index("a-%{+YYYY}"), index("b-%{+YYYY}"), Some("a-%{+YYYY}"), Some("is for all events")),
        (index("a-%{+YYYY}"), none.clone(), Some("a-%{+YYYY}"), Some("is for all events")),
        (none.clone(), index("b-%{+YYYY}"), None, Some("none is carried over from there")),
        (none.clone(), index("%{b}"), None, Some("has no fixed beginning")),
        (none.clone(), none.clone(), None, None),
    ] {
        let text =
            format!("output {{ elasticsearch {{ {first} }}\n elasticsearch {{ {second} }} }}");
        let carried = carried(&text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(value(&carried, SETTING).as_deref(), setting, "{text}");
        let left = carried.left_lines();
        assert_eq!(carried.left.len(), usize::from(said.is_some()), "{left}");
        if let Some(said) = said {
            assert!(left.contains("s.conf:2: `index` of output") && left.contains(said), "{left}");
        }
    }
    // Another store is not carried over as a whole.
    let text = "output { elasticsearch { } elasticsearch { hosts => other index => 'a' } }";
    assert_eq!(told(text, OPEN).1, ["output elasticsearch"]);
}

#[test]
fn each_pipeline_of_a_list_has_its_own_index() {
    let output = |index: &str| format!("output {{ elasticsearch {{ index => '{index}' }} }}");
    let (web, audit, all) = (output("shop-web-%{+YYYY}"), output("audit"), output("shop-%{+YYYY}"));
    let input = |port: u16| format!("input {{ tcp {{ port => {port} host => '127.0.0.1' }} }}\n");
    let texts = [(input(5001), web), (input(5002), audit), (input(5003), all)];
    let texts = texts.map(|(input, output)| input + &output);
    let carried = carried_of(&[("a", &texts[0]), ("b", &texts[1]), ("c", &texts[2])]);
    for (id, index) in [("a", "shop-web-%{+YYYY}"), ("b", "audit"), ("c", "shop-%{+YYYY}")] {
        let setting = format!("enricher.pipelines.{id}.index");
        assert_eq!(value(&carried, &setting).as_deref(), Some(index), "{}", carried.left_lines());
    }
    // A beginning that allows another one stands for it.
    assert_eq!(value(&carried, ALLOWED).as_deref(), Some(r#"["audit", "shop-"]"#));
    let loaded = service::config::load_over::<PlatformConfig>(&carried.presets(), None, [], &[]);
    assert!(loaded.is_ok(), "{loaded:?}");
}
