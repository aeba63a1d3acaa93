use serde_json::{Value, json};

use crate::description::Presence;
use crate::filter::Applied;
use crate::filters::trial::Trial;

const SECOND: i64 = 1_000_000_000;

fn counted(options: &str) -> Trial {
    Trial::new(&format!("metrics {{ {options} }}"))
}

/// What comes out after some seconds.
fn after(trial: &mut Trial, seconds: i64) -> Vec<Value> {
    trial.received_at_ns += seconds * SECOND;
    trial.made_until_now()
}

#[test]
fn events_are_counted_by_names_out_of_their_fields() {
    let mut trial =
        counted(r#"meter => ["http_%{response}", "[all][events]"] add_tag => "metric""#);
    assert!(after(&mut trial, 100).is_empty(), "nothing was counted");
    for response in [200, 404, 200] {
        let (applied, out) = trial.apply(json!({"response": response}));
        assert_eq!(
            (applied, out.get("tags")),
            (Applied::NotMatched, None),
            "events pass as they are"
        );
    }
    assert!(after(&mut trial, 4).is_empty());
    let told = after(&mut trial, 1);
    assert_eq!(told.len(), 1);
    let meter = |count: u64, rate: f64| json!({"count": count, "rate_1m": rate, "rate_5m": rate, "rate_15m": rate});
    assert_eq!(told[0]["http_200"], meter(2, 0.4));
    assert_eq!(told[0]["http_404"], meter(1, 0.2));
    assert_eq!(told[0]["all"]["events"], meter(3, 0.6));
    assert_eq!(told[0]["tags"], json!(["metric"]), "common options are for what is told");
    // Five seconds after the first event, whenever that is seen.
    assert_eq!(told[0]["@timestamp"], "2024-06-15T12:01:45.000Z");
    assert_eq!(after(&mut trial, 5)[0]["http_200"]["count"], 2, "counts go on");
}

#[test]
fn times_are_summed_up() {
    let mut trial = counted(
        r#"timer => { "took" => "%{ms}" } rates => [5] percentiles => [50, 99.9] flush_interval => 60"#,
    );
    for value in [json!(10), json!("30 ms"), json!(20.0), json!(-1)] {
        trial.run(json!({"ms": value}));
    }
    assert!(after(&mut trial, 59).is_empty());
    let told = after(&mut trial, 1).remove(0);
    let mut took = told["took"].clone();
    let rate = took["rate_5m"].take().as_f64().unwrap();
    assert!(rate > 0.4 && rate < 0.6, "{rate}");
    assert_eq!(
        took,
        json!({"count": 3, "rate_5m": null, "min": 10.0, "max": 30.0, "mean": 20.0, "stddev": 10.0,
               "p50": 20.0, "p99.9": 30.0})
    );
    let mut trial = counted(r#"timer => ["took", "%{ms}"]"#);
    trial.run(json!({"ms": 1}));
    let told = after(&mut trial, 5).remove(0);
    for name in ["p1", "p5", "p10", "p90", "p95", "p99", "p100"] {
        assert_eq!(told["took"][name], 1.0, "{name}");
    }
}

#[test]
fn a_rate_is_the_same_however_seldom_it_is_told() {
    for interval in [5, 7, 60, 200] {
        let mut trial = counted(&format!(
            "meter => 'hits' timer => {{ 'took' => '%{{ms}}' }} flush_interval => {interval}"
        ));
        let mut told = Vec::new();
        for _ in 0..60 {
            trial.run(json!({"ms": 1}));
            told.extend(after(&mut trial, 1));
        }
        told.extend(trial.made_at_the_end());
        let last = told.last().unwrap();
        for name in ["hits", "took"] {
            for rate in ["rate_1m", "rate_5m", "rate_15m"] {
                let rate = last[name][rate].as_f64().unwrap();
                assert!((0.9..1.1).contains(&rate), "{rate} every {interval} s");
            }
        }
    }
}

#[test]
fn of_enormous_values_numbers_are_told() {
    let mut trial = counted(r#"timer => { "took" => "%{ms}" }"#);
    for value in [1e200, 2.0, 1.7e308, 1.7e308] {
        trial.run(json!({"ms": value}));
    }
    let told = after(&mut trial, 5).remove(0);
    assert!(told["took"]["stddev"].as_f64().is_some_and(|deviation| deviation > 1e300));
    assert_eq!((&told["took"]["min"], &told["took"]["count"]), (&json!(2.0), &json!(4)));
}

#[test]
fn counters_are_cleared_and_silence_is_told_once() {
    let mut trial = counted(r#"meter => "hits" clear_interval => 15"#);
    trial.run(json!({}));
    for _ in 0..3 {
        assert_eq!(after(&mut trial, 5)[0]["hits"]["count"], 1);
    }
    assert!(after(&mut trial, 5).is_empty());
    trial.run(json!({}));
    assert_eq!(after(&mut trial, 5)[0]["hits"]["count"], 1);
    // An hour of silence: one event, and the counters are cleared.
    let mut trial = counted(r#"meter => "hits" clear_interval => 60"#);
    trial.run(json!({}));
    let told = after(&mut trial, 3_600);
    assert_eq!((told.len(), &told[0]["@timestamp"]), (1, &json!("2024-06-15T12:00:05.000Z")));
    assert!(after(&mut trial, 3_600).is_empty());
}

#[test]
fn what_was_not_told_is_told_at_the_end() {
    let mut trial = counted(r#"meter => "hits""#);
    assert!(trial.made_at_the_end().is_empty());
    trial.run(json!({}));
    assert_eq!(trial.made_at_the_end()[0]["hits"]["count"], 1);
    assert!(trial.made_at_the_end().is_empty());
}

#[test]
fn shops_are_counted_by_themselves() {
    let mut trial = counted(r#"meter => "hits""#);
    trial.run(json!({}));
    trial.shop = "north";
    trial.run(json!({}));
    trial.run(json!({}));
    trial.received_at_ns += 5 * SECOND;
    let told = trial.advance(false);
    let of = |made: &crate::timer::TimedEvent| {
        let mut json = Vec::new();
        made.event.write_json(&mut json);
        let told: Value = serde_json::from_slice(&json).unwrap();
        (made.origin.shop.to_string(), told["hits"]["count"].clone())
    };
    let told: Vec<_> = told.iter().map(of).collect();
    assert_eq!(told, [("default".to_owned(), json!(1)), ("north".to_owned(), json!(2))]);
}

#[test]
fn old_events_are_not_counted() {
    let mut trial = counted(r#"meter => "hits" ignore_older_than => 10"#);
    trial.run(json!({"@timestamp": "2024-06-15T11:59:49Z"}));
    trial.run(json!({"@timestamp": "2024-06-15T11:59:50Z"}));
    assert_eq!(after(&mut trial, 5)[0]["hits"]["count"], 1);
}

#[test]
fn names_out_of_events_are_bounded_and_stay_names() {
    let mut trial = counted(r#"meter => "%{name}""#);
    let (long, longer) = ("x".repeat(super::NAME_BYTES_MAX), "x".repeat(super::NAME_BYTES_MAX + 1));
    assert_eq!(counted(r#"meter => "%{name}""#).run(json!({"name": long})).get("tags"), None);
    let out = trial.run(json!({"name": longer}));
    assert_eq!(out["tags"], json!(["_metrics_name_failure"]));
    for number in 0..super::NAMES_MAX {
        assert_eq!(trial.run(json!({"name": format!("n{number}")})).get("tags"), None);
    }
    assert_eq!(trial.run(json!({"name": "one more"}))["tags"], json!(["_metrics_too_many"]));
    assert_eq!(trial.run(json!({"name": "n1"})).get("tags"), None);
    for name in ["@timestamp", "[@metadata][shop]", "tags", "[open", ""] {
        let out = trial.run(json!({"name": name}));
        assert_eq!(out["tags"], json!(["_metrics_name_failure"]), "{name}");
    }
    let told = after(&mut trial, 5).remove(0);
    assert_eq!((&told["n1"]["count"], &told["n2"]["count"]), (&json!(2), &json!(1)));
}

#[test]
fn the_same_events_make_the_same_sample() {
    let told = || {
        let mut trial = counted(r#"timer => { "took" => "%{ms}" }"#);
        (0..3_000).for_each(|ms| drop(trial.run(json!({"ms": ms}))));
        after(&mut trial, 5).remove(0)
    };
    assert_eq!(told(), told());
}

#[test]
fn defaults_are_what_their_page_says() {
    let told = |name: &str| {
        let option = super::DESCRIPTION.options.iter().find(|option| option.name == name).unwrap();
        let Presence::Otherwise(told) = option.presence else { panic!("{option:?}") };
        told
    };
    let list = |numbers: Vec<String>| format!("default `[{}]`", numbers.join(", "));
    let rates = super::WINDOWS_MINUTES.iter().map(ToString::to_string).collect();
    assert_eq!(told("rates"), list(rates));
    let percentiles = super::PERCENTILES_DEFAULT.iter().map(ToString::to_string).collect();
    assert_eq!(told("percentiles"), list(percentiles));
    assert_eq!(told("clear_interval"), format!("default `{}`, never", super::NEVER_S));
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        ("", "would count nothing"),
        (r#"meter => "a" flush_interval => 0"#, "`flush_interval` cannot be 0"),
        (r#"meter => "a" clear_interval => -2"#, "or -1 for never"),
        (r#"meter => "a" ignore_older_than => -1"#, "`ignore_older_than` cannot be -1"),
        (r#"meter => "a" rates => [90]"#, "some of 1, 5 and 15"),
        (r#"meter => "a" percentiles => [101]"#, "no percentile"),
        (r#"meter => "[a""#, "not a field reference"),
        (r#"timer => "a""#, "must be a hash"),
    ] {
        let refusal = Trial::refusal(&format!("metrics {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
