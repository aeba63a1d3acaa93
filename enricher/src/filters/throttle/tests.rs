use serde_json::{Value, json};

use crate::filters::trial::Trial;

const BEGIN_S: i64 = 1_718_452_800;

/// An event of a key, some seconds after the beginning.
fn at(key: &str, seconds: i64) -> Value {
    let mut text = Vec::new();
    event::format_timestamp((BEGIN_S + seconds) * 1_000_000_000, &mut text);
    json!({"@timestamp": String::from_utf8(text).unwrap(), "k": key, "p": seconds})
}

struct Counted(Trial);

impl Counted {
    fn new(options: &str) -> Self {
        let plugin = format!(r#"throttle {{ key => "%{{k}}" add_tag => "throttled" {options} }}"#);
        Self(Trial::new(&plugin))
    }

    fn is_throttled(&mut self, key: &str, seconds: i64) -> bool {
        self.0.run(at(key, seconds)).get("tags").is_some()
    }

    /// Which of these are throttled.
    fn all(&mut self, times: &[i64]) -> Vec<bool> {
        times.iter().map(|seconds| self.is_throttled("a", *seconds)).collect()
    }
}

#[test]
fn too_few_and_too_many_of_a_key_are_throttled() {
    let mut counted = Counted::new("before_count => 2 after_count => 3");
    assert_eq!(counted.all(&[0, 1, 2, 3, 59]), [true, false, false, true, true]);
    // The next period of this key, and another key.
    assert_eq!(counted.all(&[60, 61, 62, 63]), [true, false, false, true]);
    assert!(counted.is_throttled("b", 63));
    assert!(!counted.is_throttled("b", 64));
    let mut counted = Counted::new("after_count => 1");
    assert_eq!(counted.all(&[0, 0]), [false, true]);
    let mut counted = Counted::new("before_count => 2 after_count => -1");
    assert_eq!(counted.all(&[0, 0, 0]), [true, false, false]);
}

#[test]
fn periods_are_those_of_the_events_times() {
    let mut counted = Counted::new("after_count => 1 period => 10");
    assert_eq!(
        counted.all(&[5, 14, 15, 24, 4, -5, -4]),
        [false, true, false, true, false, true, true]
    );
    // A period that is too old is not kept.
    let mut counted = Counted::new("after_count => 1 period => 10 max_age => 20");
    assert_eq!(counted.all(&[0, 100, 0, 0, 80, 80]), [false, false, false, false, false, true]);
    // An event says how long its period is; what is no length is a minute.
    let mut counted = Counted::new(r#"after_count => 1 period => "%{p}""#);
    assert_eq!(counted.all(&[0, 1, 2]), [false, false, false]);
    let mut counted = Counted::new(r#"after_count => 1 period => "%{none}""#);
    assert_eq!(counted.all(&[0, 59, 60]), [false, true, false]);
}

#[test]
fn keys_are_forgotten_by_age_and_by_number() {
    let mut counted = Counted::new("after_count => 1 max_age => 100");
    assert_eq!(counted.all(&[0, 0]), [false, true]);
    counted.0.received_at_ns += 99_000_000_000;
    assert_eq!(counted.all(&[0]), [true]);
    counted.0.received_at_ns += 101_000_000_000;
    assert_eq!(counted.all(&[0]), [false]);
    let mut counted = Counted::new("after_count => 1 max_counters => 2");
    for (key, is_throttled) in
        [("a", false), ("b", false), ("a", true), ("c", false), ("a", true), ("b", false)]
    {
        assert_eq!(counted.is_throttled(key, 0), is_throttled, "{key}");
    }
}

#[test]
fn hostile_keys_and_times_are_bounded() {
    let mut counted = Counted::new("after_count => 1 max_age => 1000000000 period => 1");
    let mut counted_few = Counted::new("after_count => 1 max_counters => 10");
    for number in 0..5_000_i64 {
        counted.is_throttled("a", number * 7919 % 100_000);
        counted_few.is_throttled(&format!("{}{number}", "x".repeat(1000)), number);
    }
    let years = 60 * 60 * 24 * 365 * 200;
    assert_eq!(counted.all(&[years, -years, years]), [false, false, true]);
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        ("after_count => 1", "needs the option `key`"),
        (r#"key => "a""#, "would throttle nothing"),
        (r#"key => "a" after_count => -2"#, "`after_count` cannot be -2"),
        (r#"key => "a" after_count => 1 period => "x""#, "no number of seconds"),
        (r#"key => "a" after_count => 1 period => 0"#, "no number of seconds"),
        (r#"key => "a" after_count => 1 max_age => 0"#, "`max_age` cannot be 0"),
        (r#"key => "a" after_count => 1 max_counters => -1"#, "they need memory"),
    ] {
        let refusal = Trial::refusal(&format!("throttle {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
