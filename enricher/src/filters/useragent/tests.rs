//! Agents taken apart, long ones cut, and what is kept.

use std::time::{Duration, Instant};

use serde_json::json;

use super::agent::{Agent, Style};
use super::{CACHE_MAX_BYTES, Known};
use crate::filter::Applied;
use crate::filters::trial::Trial;

const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_5) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/45.0.2454.85 Safari/537.36";

#[test]
fn ecs_names() {
    let mut agent = Trial::new(r#"useragent { source => "[user_agent][original]" }"#);
    // Twice: what is kept is what was found.
    for _ in 0..2 {
        let event = agent.run(json!({"user_agent": {"original": CHROME}}));
        assert_eq!(
            event["user_agent"],
            json!({
                "original": CHROME,
                "name": "Chrome",
                "version": "45.0.2454.85",
                "os": {"name": "Mac OS X", "version": "10.10.5", "full": "Mac OS X 10.10.5"},
                "device": {"name": "Mac"},
            })
        );
    }
    let mut elsewhere = Trial::new(r#"useragent { source => "agent" target => "ua" }"#);
    assert_eq!(elsewhere.run(json!({"agent": [CHROME]}))["ua"]["original"], json!([CHROME]));
    let mut itself = Trial::new(r#"useragent { source => "ua" target => "ua" }"#);
    assert_eq!(itself.run(json!({"ua": CHROME}))["ua"]["original"], CHROME);
}

#[test]
fn legacy_names() {
    let mut agent = Trial::new(
        r#"useragent { source => "agent" prefix => "ua_" ecs_compatibility => "disabled" }"#,
    );
    let event = agent.run(json!({"agent": CHROME}));
    for (name, value) in [
        ("ua_name", "Chrome"),
        ("ua_major", "45"),
        ("ua_patch", "2454"),
        ("ua_os_full", "Mac OS X 10.10.5"),
        ("ua_os_minor", "10"),
        ("ua_device", "Mac"),
    ] {
        assert_eq!(event[name], value, "{name}");
    }
}

#[test]
fn the_version_of_a_system_is_not_its_builds() {
    let mut agent = Trial::new(r#"useragent { source => "agent" target => "ua" }"#);
    for (text, version) in [
        ("MacOutlook/16.24.0.190414 (Intelx64 Mac OS X Version 10.14.4 (Build 18E226))", "10.14.4"),
        (
            "MacOutlook/15.27.0.161010 (Intelx64 Mac OS X Version 10.11.6 (Build 15G1108))",
            "10.11.6",
        ),
        ("MacOutlook/16.12.0.180401 (Intelx64 Mac OS X Version 10.12.6 (build 16G29))", "10.12.6"),
    ] {
        let event = agent.run(json!({"agent": text}));
        assert_eq!(event["ua"]["name"], "MacOutlook");
        assert_eq!(event["ua"]["os"]["full"], format!("Mac OS X {version}"), "{text}");
    }
}

#[test]
fn an_unknown_agent_is_other_and_none_is_left_alone() {
    let mut agent = Trial::new(r#"useragent { source => "agent" target => "ua" }"#);
    let event = agent.run(json!({"agent": "ž"}));
    assert_eq!(
        event["ua"],
        json!({"original": "ž", "name": "Other", "os": {"name": "Other", "full": "Other"}, "device": {"name": "Other"}})
    );
    for nothing in [
        json!({}),
        json!({"agent": ""}),
        json!({"agent": null}),
        json!({"agent": []}),
        json!({"agent": 5}),
    ] {
        let (applied, event) = agent.apply(nothing);
        assert_eq!(applied, Applied::NotMatched);
        assert_eq!(event.get("ua"), None);
        assert_eq!(event.get("tags"), None);
    }
}

#[test]
fn a_long_agent_is_read_in_part_and_kept_whole() {
    let mut agent = Trial::new(r#"useragent { source => "agent" target => "ua" }"#);
    let started = Instant::now();
    for filler in ["x", "(", "é", "Mozilla/5.0 ", "Linux; Android 4.", "1.", "; ", " Build/"] {
        let long = format!("{CHROME} {}", filler.repeat(1_000_000 / filler.len()));
        let event = agent.run(json!({"agent": long.clone()}));
        assert_eq!(event["ua"]["original"], long);
        assert_eq!(event["ua"]["name"], "Chrome", "{filler}");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn what_is_kept_is_bounded_in_bytes_and_number() {
    let expressions = super::Expressions::embedded().unwrap();
    let style = Style::ecs(event::FieldPath::key("ua"), true);
    let agent: std::sync::Arc<Agent> = style.agent(&expressions, "x").into();
    let agents = lru::LruCache::with_hasher(20_000.try_into().unwrap(), Default::default());
    let mut known = Known { agents, bytes: 0 };
    for number in 0..30_000 {
        known.keep(&format!("{number}{}", "x".repeat(1_000)), &agent);
    }
    assert!(known.bytes <= CACHE_MAX_BYTES && known.agents.len() > 1_000);
    let held: usize =
        known.agents.iter().map(|(text, agent)| text.len() + agent.size_bytes()).sum();
    assert_eq!(known.bytes, held);
    assert!(known.get(&format!("29999{}", "x".repeat(1_000))).is_some());
}

#[test]
fn expressions_may_be_a_users_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.yaml");
    std::fs::write(
        &path,
        "user_agent_parsers:\n  - regex: '(MyShop)/(\\d+)'\nos_parsers: []\ndevice_parsers: []\n",
    )
    .unwrap();
    let mut agent = Trial::new(&format!(
        r#"useragent {{ source => "agent" target => "ua" regexes => "{}" }}"#,
        path.display()
    ));
    assert_eq!(agent.run(json!({"agent": "MyShop/7"}))["ua"]["version"], "7");
    for mistake in ["[", "[regex: '(']", "[regex: '(x{5000}){5000}']"] {
        let text = format!("user_agent_parsers: {mistake}\nos_parsers: []\ndevice_parsers: []\n");
        std::fs::write(&path, text).unwrap();
        let refusal = Trial::refusal(&format!(
            r#"useragent {{ source => "agent" regexes => "{}" }}"#,
            path.display()
        ));
        assert!(refusal.contains("is not a list"), "{mistake}: {refusal}");
    }
}

#[test]
fn what_is_compiled_when_asked_for_finds_what_the_library_finds() {
    let expressions = super::Expressions::embedded().unwrap();
    let whole = super::expressions::whole();
    for agent in [
        CHROME,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87",
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36",
        "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
        "mozilla/5.0 (linux; android 10; redmi note 8) applewebkit/537.36",
        "curl/8.5.0",
        "python-requests/2.32.3",
        "Mozilla/4.0 (compatible; MSIE 6.0; Windows CE; IEMobile 7.11)",
        "ž",
        "",
    ] {
        assert_eq!(expressions.extract(agent), whole.extract(agent), "{agent}");
    }
}

#[test]
fn every_expression_of_the_program_compiles() {
    assert_eq!(super::Expressions::embedded().unwrap().compile(), Ok(()));
}

#[test]
fn refuses_what_it_cannot_do() {
    for (options, said) in [
        ("", "needs the option `source`"),
        (r#"source => "a" prefix => "x""#, "ECS"),
        (r#"source => "a" regexes => "/nowhere""#, "cannot read"),
        (r#"source => "a" lru_cache_size => 0"#, "lru_cache_size"),
    ] {
        let refusal = Trial::refusal(&format!("useragent {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
