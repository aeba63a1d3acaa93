//! How maps end: by `end_of_task`, by time, by the next task, and with the last record.

use serde_json::{Value, json};

use super::joined;
use crate::filter::Environment;
use crate::filters::trial::Trial;
use crate::language::{Source, Syntax};
use crate::plan::parse_and_compile;

const SECOND: i64 = 1_000_000_000;
const COUNT: &str = "map['n'] ||= 0; map['n'] += 1";

fn after(trial: &mut Trial, seconds: i64) -> Vec<Value> {
    trial.received_at_ns += seconds * SECOND;
    trial.made_until_now()
}

#[test]
fn a_map_that_runs_out_becomes_an_event() {
    let mut trial = joined(
        COUNT,
        "push_map_as_event_on_timeout => true timeout_task_id_field => '[user][id]' timeout => 600
         timeout_tags => ['_aggregatetimeout', 'n=%{n}'] add_tag => 'joined'
         timeout_code => \"event.set('several', event.get('n') > 1)\"",
    );
    (0..3).for_each(|_| drop(trial.run(json!({"id": "u1"}))));
    trial.received_at_ns += SECOND;
    trial.run(json!({"id": "u2"}));
    assert!(after(&mut trial, 599).is_empty());
    let made = after(&mut trial, 1);
    assert_eq!(
        made,
        [
            json!({"n": 3, "user": {"id": "u1"}, "several": true, "tags": ["_aggregatetimeout", "n=3"],
                "@timestamp": "2024-06-15T12:10:00.000Z"})
        ]
    );
    assert_eq!(after(&mut trial, 3_600)[0]["user"]["id"], "u2");
    assert_eq!(trial.tasks().counted(), (0, 0));
}

#[test]
fn many_maps_that_run_out_at_once_all_become_events() {
    let mut trial = joined(COUNT, "push_map_as_event_on_timeout => true timeout => 60");
    (0..1_000).for_each(|id| drop(trial.run(json!({"id": id}))));
    assert_eq!(after(&mut trial, 61).len(), 1_000);
    (0..1_000).for_each(|id| drop(trial.run(json!({"id": id}))));
    assert_eq!(trial.made_at_the_end().len(), 1_000);
}

#[test]
fn inactive_tasks_run_out_sooner() {
    let options = "push_map_as_event_on_timeout => true timeout => 100 inactivity_timeout => 30";
    let mut trial = joined(COUNT, options);
    for _ in 0..4 {
        trial.run(json!({"id": "a"}));
        assert!(after(&mut trial, 25).is_empty());
    }
    let made = after(&mut trial, 1);
    assert_eq!((made.len(), &made[0]["n"]), (1, &json!(4)), "100 seconds after the first event");
    trial.run(json!({"id": "a"}));
    assert_eq!(after(&mut trial, 31)[0]["n"], 1);
}

#[test]
fn code_may_end_its_task_at_once() {
    let code =
        "map['n'] ||= 0; map['n'] += 1; map_meta.timeout = 0 if event.get('last'); event.cancel";
    let options = "push_map_as_event_on_timeout => true timeout_tags => 'over' add_tag => 'joined'";
    let mut trial = joined(code, options);
    assert!(trial.run_all(json!({"id": "a"})).is_empty());
    let made = trial.run_all(json!({"id": "a", "last": true}));
    assert_eq!((made.len(), &made[0]["n"], &made[0]["tags"]), (1, &json!(2), &json!(["over"])));
    assert_eq!(trial.tasks().counted(), (0, 0));
    // Also where the task before becomes an event with it, and where the task ends anyway.
    let mut trial = joined(code, &format!("{options} push_previous_map_as_event => true"));
    assert!(trial.run_all(json!({"id": "a"})).is_empty());
    assert_eq!(trial.run_all(json!({"id": "b", "last": true})).len(), 2);
    let mut trial = joined(code, &format!("{options} end_of_task => true"));
    assert_eq!(trial.run_all(json!({"id": "a", "last": true})).len(), 1);
    // Nobody asked for the map.
    let mut trial = joined("map_meta.inactivity_timeout = 0", "");
    assert_eq!(trial.run_all(json!({"id": "a"})).len(), 1);
    assert_eq!(trial.tasks().counted(), (0, 0));
}

#[test]
fn code_may_say_when_its_task_runs_out() {
    let options = "push_map_as_event_on_timeout => true timeout => 600 inactivity_timeout => 300
                   timeout_task_id_field => 'task'";
    let code =
        "map_meta.timeout = event.get('all'); map_meta.inactivity_timeout = event.get('idle')";
    let mut trial = joined(code, options);
    for (id, all, idle) in [("all", json!(10), json!(null)), ("idle", json!(null), json!(20.5))] {
        trial.run(json!({"id": id, "all": all, "idle": idle}));
    }
    trial.run(json!({"id": "usual"}));
    trial.run(json!({"id": "late", "all": 4_000, "idle": 3_600}));
    for (seconds, over) in [
        (10, None),
        (1, Some("all")),
        (10, Some("idle")),
        (280, Some("usual")),
        (3_300, Some("late")),
    ] {
        let made = after(&mut trial, seconds);
        let tasks: Vec<_> = made.iter().filter_map(|made| made["task"].as_str()).collect();
        assert_eq!(tasks, over.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_timeout_that_is_over_when_code_sets_it_counts_from_then_on() {
    let code = "map['n'] ||= 0; map['n'] += 1; map_meta.timeout = event.get('all')";
    let mut trial = joined(code, "push_map_as_event_on_timeout => true");
    trial.run(json!({"id": "a"}));
    assert!(after(&mut trial, 100).is_empty());
    trial.run(json!({"id": "a", "all": 10}));
    assert_eq!(after(&mut trial, 1), [json!({"n": 2, "@timestamp": "2024-06-15T12:01:40.000Z"})]);
}

#[test]
fn timeouts_may_count_by_the_time_of_a_field() {
    let options = r#"push_map_as_event_on_timeout => true timeout => 120 timeout_timestamp_field => "@timestamp""#;
    let mut trial = joined("map['s'] ||= 0; map['s'] += event.get('d')", options);
    let mut run =
        |time: &str, d: u32| trial.run_all(json!({"id": "1", "d": d, "@timestamp": time}));
    assert_eq!(run("2018-01-31T00:00:00Z", 2).len(), 1);
    assert_eq!(run("2018-01-31T00:00:01Z", 3).len(), 1);
    let out = run("2018-01-31T00:05:00Z", 4);
    assert_eq!((out.len(), &out[1]["s"]), (2, &json!(5)));
    assert_eq!(after(&mut trial, 121)[0]["s"], 4);
    let options = "timeout => 120 timeout_timestamp_field => 'when'";
    let out = joined(COUNT, options).run(json!({"id": "1", "when": "soon"}));
    assert_eq!(out["tags"], json!(["_aggregateexception"]));
}

#[test]
fn the_next_task_ends_the_one_before() {
    let code =
        "map['country'] = event.get('id'); map['towns'] ||= []; map['towns'] << event.get('town')
                event.cancel()";
    let mut trial =
        joined(code, "push_previous_map_as_event => true timeout => 3 add_tag => 'joined'");
    let mut run = |country: &str, town: &str| trial.run_all(json!({"id": country, "town": town}));
    assert!(run("France", "Paris").is_empty());
    assert!(run("France", "Marseille").is_empty());
    let mut made = run("USA", "New-York");
    made[0].as_object_mut().unwrap().remove("@timestamp");
    assert_eq!(made, [json!({"country": "France", "towns": ["Paris", "Marseille"]})]);
    trial.shop = "north";
    assert!(trial.run_all(json!({"id": "Italy", "town": "Rome"})).is_empty(), "of another shop");
    let left: Vec<Value> = trial.made_at_the_end();
    let countries: Vec<_> = left.iter().map(|made| &made["country"]).collect();
    assert_eq!(countries, ["USA", "Italy"]);
    assert!(left.iter().all(|made| made["tags"] == json!(["_aggregatefinalflush"])));
}

#[test]
fn a_map_is_made_or_found_as_map_action_says() {
    let mut create = joined(COUNT, "map_action => 'create' push_map_as_event_on_timeout => true");
    (0..3).for_each(|_| drop(create.run(json!({"id": "a"}))));
    assert_eq!(create.made_at_the_end()[0]["n"], 1);
    let mut update = joined(COUNT, "map_action => 'update' push_map_as_event_on_timeout => true");
    update.run(json!({"id": "a"}));
    assert!(update.made_at_the_end().is_empty());
    let mut ended = joined("map['n'] = 1; event.set('n', map['n'])", "end_of_task => true");
    assert_eq!(ended.run(json!({"id": "a"}))["n"], 1);
    assert_eq!(ended.tasks().counted(), (0, 0));
}

#[test]
fn a_map_keeps_time_and_words_of_the_platform_apart() {
    let code =
        "map['@timestamp'] = event.get('@timestamp'); map['@metadata'] = event.get('forged')";
    let mut trial = joined(code, "push_map_as_event_on_timeout => true timeout => 5");
    trial.run(json!({"id": "a", "@timestamp": "2020-01-01T00:00:00Z", "forged": {"shop": "x"}}));
    assert_eq!(after(&mut trial, 6), [json!({"@timestamp": "2020-01-01T00:00:00.000Z"})]);
    let mut trial =
        joined(COUNT, "push_map_as_event_on_timeout => true timeout_code => 'event.cancel'");
    trial.run(json!({"id": "a"}));
    assert!(trial.made_at_the_end().is_empty());
}

#[test]
fn one_filter_says_what_becomes_of_maps() {
    let compiled = |text: &str| {
        let source = Source::new("test.conf", format!("filter {{ {text} }}"));
        parse_and_compile(&source, Syntax::default(), &Environment::default())
    };
    let filter = |id: &str, options: &str| {
        format!("aggregate {{ task_id => '{id}' code => '' {options} }}\n")
    };
    let two = filter("%{a}", "timeout => 5") + &filter("%{a}", "timeout_tags => 'x'");
    let mistakes = compiled(&two).unwrap_err();
    assert!(mistakes[0].to_string().contains("two filters say what becomes of maps of `%{a}`"));
    let other =
        filter("%{a}", "timeout => 5") + &filter("%{b}", "timeout => 5") + &filter("%{a}", "");
    assert!(compiled(&other).is_ok());
}
