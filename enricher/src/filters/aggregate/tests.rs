mod code;
mod pipelines;
mod timeouts;

use serde_json::{Value, json};

use crate::description::Presence;
use crate::filter::Applied;
use crate::filters::trial::Trial;

fn joined(code: &str, options: &str) -> Trial {
    Trial::new(&format!(
        "aggregate {{ task_id => \"%{{id}}\" code => {} {options} }}",
        quoted(code)
    ))
}

fn quoted(code: &str) -> String {
    let quote = if code.contains('\'') { '"' } else { '\'' };
    assert!(!code.contains(quote), "{code}");
    format!("{quote}{code}{quote}")
}

#[test]
fn events_of_a_task_share_a_map() {
    let code = "map['n'] ||= 0; map['n'] += event.get('d'); event.set('sum', map['n'])";
    let mut trial = joined(code, r#"add_tag => "joined""#);
    for (id, duration, sum) in [("a", 2, 2), ("b", 10, 10), ("a", 5, 7), ("b", 1, 11)] {
        let out = trial.run(json!({"id": id, "d": duration}));
        assert_eq!((&out["sum"], &out["tags"]), (&json!(sum), &json!(["joined"])));
    }
    // The same id as a number, and events of no task.
    assert_eq!(trial.run(json!({"id": 1, "d": 1}))["sum"], 1);
    assert_eq!(trial.run(json!({"id": "1", "d": 1}))["sum"], 2);
    let (applied, out) = trial.apply(json!({"d": 1}));
    assert_eq!((applied, out.get("sum")), (Applied::NotMatched, None));
    assert_eq!(trial.made_at_the_end(), Vec::<Value>::new(), "nobody asked for the maps");
}

#[test]
fn tasks_of_different_shops_have_nothing_in_common() {
    let mut trial = joined("map['n'] ||= 0; map['n'] += 1; event.set('n', map['n'])", "");
    trial.run(json!({"id": "a"}));
    trial.shop = "north";
    assert_eq!(trial.run(json!({"id": "a"}))["n"], 1);
    trial.shop = "default";
    assert_eq!(trial.run(json!({"id": "a"}))["n"], 2);
}

#[test]
fn what_code_fails_at_is_tagged_and_what_it_did_before_stays() {
    let mut trial = joined(
        "map['n'] ||= 0; map['n'] += 1; event.set('n', map['n']); map['s'] += event.get('d')",
        r#"add_tag => "joined""#,
    );
    for n in 1..3 {
        let (applied, out) = trial.apply(json!({"id": "a", "d": 1}));
        assert_eq!(applied, Applied::NotMatched);
        assert_eq!((&out["n"], &out["tags"]), (&json!(n), &json!(["_aggregateexception"])));
    }
}

#[test]
fn maps_are_bounded_in_size() {
    let mut trial = joined("map['all'] ||= []; map['all'] << event.get('text')", "");
    let text = "x".repeat(300_000);
    let tags: Vec<Value> = (0..5)
        .map(|_| {
            trial.run(json!({"id": "a", "text": text})).get("tags").cloned().unwrap_or_default()
        })
        .collect();
    assert_eq!(tags[..3], [Value::Null, Value::Null, Value::Null]);
    assert_eq!(tags[3..], [json!(["_aggregate_too_large"]), json!(["_aggregate_too_large"])]);
    assert_eq!(trial.run(json!({"id": "b", "text": text})).get("tags"), None);
    // All maps together.
    let tagged = (0..100).map(|id| trial.run(json!({"id": id, "text": "x".repeat(900_000)})));
    let tags: std::collections::BTreeSet<String> =
        tagged.filter_map(|out| out.get("tags").map(Value::to_string)).collect();
    let known = [r#"["_aggregate_too_large"]"#, r#"["_aggregate_too_many"]"#];
    assert!(!tags.is_empty() && tags.iter().all(|tags| known.contains(&tags.as_str())), "{tags:?}");
}

#[test]
fn one_shop_fills_a_quarter_of_the_bytes() {
    let mut trial = joined("map['text'] = event.get('text')", "");
    let text = "x".repeat(900_000);
    let fits = |trial: &mut Trial, id: u32| {
        let out = trial.run(json!({"id": id, "text": text}));
        out.get("tags").is_none()
    };
    let fitting = (0..100).take_while(|id| fits(&mut trial, *id)).count();
    assert_eq!(fitting, super::tasks::SHOP_BYTES_MAX / text.len());
    trial.shop = "north";
    assert!(fits(&mut trial, 0), "there is room for the others");
    // What ends makes room.
    trial.shop = "default";
    assert!(!fits(&mut trial, 101));
    trial.received_at_ns += 1_801 * 1_000_000_000;
    assert!(trial.made_until_now().is_empty());
    assert!(fits(&mut trial, 102));
}

#[test]
fn maps_are_bounded_in_number_and_ended_ones_make_room() {
    let mut trial = joined("map['n'] = 1", "");
    for shop in ["default", "north", "south", "west"] {
        trial.shop = shop;
        for id in 0..super::tasks::SHOP_TASKS_MAX {
            assert_eq!(trial.run(json!({"id": id})).get("tags"), None);
        }
        // One shop leaves room for the others.
        assert_eq!(trial.run(json!({"id": "new"}))["tags"], json!(["_aggregate_too_many"]));
        assert_eq!(trial.run(json!({"id": 7})).get("tags"), None);
    }
    assert_eq!(trial.tasks().counted().0, super::tasks::TASKS_MAX);
    trial.shop = "east";
    assert_eq!(trial.run(json!({"id": "new"}))["tags"], json!(["_aggregate_too_many"]));
    trial.received_at_ns += 1_801 * 1_000_000_000;
    assert!(trial.made_until_now().is_empty());
    assert_eq!(trial.run(json!({"id": "new"})).get("tags"), None);
    assert_eq!(trial.tasks().counted().0, 1);
}

#[test]
fn bytes_are_counted_as_they_are() {
    let code = "map['l'] ||= []; map['l'] << event.get('x'); map['h'] ||= {}; map['h'][event.get('k')] = event.get('x')
                map['t'] = event.get('x').to_s; map.delete('t') if event.get('k') == 'k3'; map['l'][0] = event.get('k')";
    let mut trial = joined(code, "");
    for number in 0..50 {
        trial.run(json!({"id": "a", "k": format!("k{}", number % 5), "x": "y".repeat(number % 7)}));
    }
    let task = trial.tasks().take_oldest(0).unwrap();
    let empty_bytes = super::value::Value::Hash(<_>::default()).size_bytes();
    assert_eq!(task.bytes, task.map.size_bytes() - empty_bytes);
    assert_eq!(trial.tasks().counted(), (0, 0));
}

#[test]
fn the_default_of_timeout_is_what_its_page_says() {
    let timeout = super::DESCRIPTION.options.iter().find(|option| option.name == "timeout");
    let Presence::Otherwise(told) = timeout.unwrap().presence else { panic!("{timeout:?}") };
    assert_eq!(told, format!("default `{}`", super::rules::TIMEOUT_DEFAULT_NS / 1_000_000_000));
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        ("", "needs the option `task_id`"),
        (r#"task_id => "%{a}""#, "needs the option `code`"),
        (r#"task_id => "a" code => """#, "the same for every event"),
        (
            r#"task_id => "%{a}" code => "" map_action => "merge""#,
            "it is one of create_or_update, create, update",
        ),
        (r#"task_id => "%{a}" code => "" timeout => 2 inactivity_timeout => 3"#, "never count"),
        (r#"task_id => "%{a}" code => "" inactivity_timeout => 1801"#, "never count"),
        (r#"task_id => "%{a}" code => "" timeout => -1"#, "`timeout` cannot be -1"),
        (r#"task_id => "%{a}" code => "" aggregate_maps_path => "/tmp/x""#, "is not supported"),
        (
            r#"task_id => "%{a}" code => "" timeout_code => "map['a'] = 1""#,
            "only values of the map",
        ),
        (
            r#"task_id => "%{a}" code => "" timeout_task_id_field => "@timestamp""#,
            "holds no task's id",
        ),
    ] {
        let refusal = Trial::refusal(&format!("aggregate {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
