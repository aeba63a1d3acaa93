//! What code does, by what it leaves in the event.

use serde_json::{Value, json};

use super::{joined, quoted};
use crate::filters::trial::Trial;

/// An event after a code that is run on it, with an empty map.
fn after(code: &str, event: Value) -> Value {
    let mut event = event;
    event["id"] = json!("a");
    let mut out = joined(code, "").run(event);
    let members = out.as_object_mut().unwrap();
    members.remove("id");
    members.remove("@timestamp");
    out
}

/// What an expression is worth.
fn worth(expression: &str, event: Value) -> Value {
    after(&format!("event.set('r', {expression})"), event)["r"].take()
}

#[test]
fn expressions_are_worth_what_ruby_says() {
    let event = || {
        json!({"i": 7, "f": 2.5, "t": "12 kg", "n": null, "l": [3, 1, 3], "h": {"a": {"b": "deep"}},
               "@timestamp": "2024-06-15T12:00:00.500Z", "begin": "2024-06-15T11:59:00Z"})
    };
    for (expression, expected) in [
        ("event.get('i') + 1", json!(8)),
        ("event.get('i') / 2", json!(3)),
        ("-event.get('i') / 2", json!(-4)),
        ("event.get('i') * event.get('f')", json!(17.5)),
        ("event.get('i') % 4 ** 1", json!(3)),
        ("-2 ** 2", json!(-4)),
        ("(-2) ** 2", json!(4)),
        ("-event.get('i') ** 2 + 1", json!(-48)),
        ("2 ** 3 ** 2", json!(512)),
        ("2 * 3 ** 2", json!(18)),
        ("(event.get('i') + 1) * 2", json!(16)),
        ("event.get('t').to_i + 1", json!(13)),
        ("event.get('none').to_i", json!(0)),
        ("event.get('none')", json!(null)),
        ("event.get('none').nil?", json!(true)),
        ("event.get('n') || 'other'", json!("other")),
        ("event.get('i') && event.get('f')", json!(2.5)),
        ("event.get('i') > 6 && event.get('f') <= 2", json!(false)),
        ("!event.get('i').nil?", json!(true)),
        ("event.get('[h][a][b]')", json!("deep")),
        ("event.get('h')['a']['b'].upcase", json!("DEEP")),
        ("event.get('l')[-1]", json!(3)),
        ("event.get('l').uniq", json!([3, 1])),
        ("event.get('l').sum / event.get('l').size.to_f", json!(7.0 / 3.0)),
        ("event.get('l').include?(1)", json!(true)),
        ("event.get('l') + [event.get('i')]", json!([3, 1, 3, 7])),
        ("event.get('i') == 7.0", json!(true)),
        ("event.get('i') != '7'", json!(true)),
        ("event.include?('n')", json!(true)),
        ("event.include?('none')", json!(false)),
        ("event.get('i') > 5 ? 'many' : 'few'", json!("many")),
        ("'n=' + event.get('i').to_s", json!("n=7")),
        ("event.get('@timestamp')", json!("2024-06-15T12:00:00.500Z")),
        ("event.get('@timestamp') - event.get('begin')", json!(60.5)),
        ("event.timestamp.to_f", json!(1718452800.5)),
        ("{'a' => [1, nil], b: true}", json!({"a": [1, null], "b": true})),
        ("0.1 + 0.2", json!(0.3)),
    ] {
        assert_eq!(worth(expression, event()), expected, "{expression}");
    }
    let out = after(r##"event.set("r", "#{event.get("i")} of #{event.get("n")}.")"##, event());
    assert_eq!(out["r"], "7 of .");
}

#[test]
fn maps_are_changed() {
    for (code, map) in [
        ("map['a'] = 1; map['a'] += 2; map['a'] *= 3; map['a'] -= 1", json!({"a": 8})),
        ("map['a'] ||= 'x'; map['a'] ||= 'y'; map['b'] &&= 1", json!({"a": "x"})),
        ("map['l'] ||= []; map['l'] << 1 << 2; map['l'].push(3, 4)", json!({"l": [1, 2, 3, 4]})),
        ("(map['l'] ||= []) << 1; map['l'] <<= 2", json!({"l": [1, 2]})),
        (
            "map['l'] ||= []\nmap['l'] << {'of' => event.get('id'), :n => map.size}",
            json!({"l": [{"of": "a", "n": 1}]}),
        ),
        ("map['l'] = [1]; map['l'] += [2]; map['l'][0] = 0", json!({"l": [0, 2]})),
        ("map['c'] ||= {}; map['c']['x'] ||= 0; map['c']['x'] += 1", json!({"c": {"x": 1}})),
        ("map['s'] = 'a'; map['s'] << 'b'; map['s'] += 'c'", json!({"s": "abc"})),
        ("map['a'] = 1; map['b'] = 2; map.delete('a'); map.delete('c')", json!({"b": 2})),
        (
            "x = 2; x += 1; map['x'] = x; y = map['x'] if x > 5; map['y'] = y",
            json!({"x": 3, "y": null}),
        ),
        ("if map['a'].nil? then map['a'] = 1 else map['a'] = 2 end", json!({"a": 1})),
        ("unless map['a'] ; map['b'] = 1 ; end", json!({"b": 1})),
        ("if 1 > 2\nmap['a'] = 1\nelsif 2 > 1\nmap['a'] = 2\nend", json!({"a": 2})),
        ("map['a'] = 1; return if map['a'] == 1; map['b'] = 2", json!({"a": 1})),
        ("# nothing\nmap['a'] = map.size; map['k'] = map.keys", json!({"a": 0, "k": ["a"]})),
    ] {
        assert_eq!(
            after(&format!("{code}\nevent.set('m', map)"), json!({}))["m"],
            if code.contains("return") { Value::Null } else { map },
            "{code}"
        );
    }
}

#[test]
fn a_task_says_what_it_is_and_since_when() {
    let code = "event.set('task', map_meta.task_id)
                event.set('since', map_meta.creation_timestamp)
                event.set('took', map_meta.lastevent_timestamp - map_meta.creation_timestamp)";
    let mut trial = joined(code, "");
    assert_eq!(trial.run(json!({"id": "a"}))["since"], "2024-06-15T12:00:00.000Z");
    trial.received_at_ns += 60_500_000_000;
    let out = trial.run(json!({"id": "a"}));
    assert_eq!((&out["task"], &out["took"]), (&json!("a"), &json!(60.5)));
    assert_eq!(out["since"], "2024-06-15T12:00:00.000Z");
}

#[test]
fn events_are_changed() {
    let code = "event.set('[a][b]', nil); event.remove('x'); event.tag('t'); event.tag('t')
                event.set('@timestamp', event.get('when'))";
    let mut trial = joined(code, "");
    let out = trial.run(json!({"id": "a", "x": 1, "when": "2020-01-01T00:00:00Z"}));
    assert_eq!((&out["a"], out.get("x"), &out["tags"]), (&json!({"b": null}), None, &json!(["t"])));
    assert_eq!(out["@timestamp"], "2020-01-01T00:00:00.000Z");
    let mut trial = joined("event.cancel unless event.get('keep')", "");
    assert!(trial.run_all(json!({"id": "a"})).is_empty());
    assert_eq!(trial.run_all(json!({"id": "a", "keep": true})).len(), 1);
}

#[test]
fn where_ruby_would_fail_code_fails() {
    for code in [
        "map['a'] += 1",
        "map['a'] << 1",
        "map['a']['b'] = 1",
        "map['a'] = 1 + 'x'",
        "map['a'] = 'x' + 1",
        "map['a'] = 1 / 0",
        "map['a'] = nil > 1",
        "map['a'] = 1 > 'x'",
        "map['a'] = event.get('none').size",
        "map['a'] = event.get('none')['x']",
        "event.set('@timestamp', 'soon')",
        "event.set('[id][x]', 1)",
        "map_meta.timeout = 'soon'",
    ] {
        assert_eq!(after(code, json!({}))["tags"], json!(["_aggregateexception"]), "{code}");
    }
}

#[test]
fn what_grows_without_end_is_stopped() {
    let doubled = "x = event.get('t')\n".to_owned() + &"x = x + x\n".repeat(40) + "map['x'] = 1";
    let out = after(&doubled, json!({"t": "y".repeat(1000)}));
    assert_eq!(out["tags"], json!(["_aggregate_too_large"]));
    for step in [
        r##"x = "#{x}#{x}""##,
        "x = [x, x]",
        r#"x = {"a" => x, "b" => x}"#,
        "x = [1, 2, 3].join(x)",
        "x += x",
    ] {
        let steps = format!("{step}\n").repeat(40);
        let code = format!("x = event.get(\"t\")\n{steps}map[\"x\"] = 1");
        let out = after(&code, json!({"t": "y".repeat(1000)}));
        assert_eq!(out["tags"], json!(["_aggregate_too_large"]), "{step}");
    }
    // One value after the other, none of which is kept.
    let many = "x = event.get('t') + 'y'\n".repeat(40) + "map['x'] = 1";
    let out = after(&many, json!({"t": "y".repeat(500_000)}));
    assert_eq!(out["tags"], json!(["_aggregate_too_large"]));
    let mut trial = joined("map['a'] = {'b' => map['a']}", "");
    let tags = (0..40).map(|_| trial.run(json!({"id": "a"})).get("tags").cloned());
    assert_eq!(tags.flatten().next(), Some(json!(["_aggregate_too_large"])));
}

#[test]
fn what_is_not_understood_is_refused_where_it_stands() {
    for (code, said) in [
        ("map['a'] = Time.now", "reads a clock"),
        ("map['a'] = LogStash::Timestamp.now", "reads a clock"),
        ("event.to_hash.each { |k, v| map[k] = v }", "`each` with a block is not known here"),
        ("map['a'] ||= Set.new", "`Set` is not known"),
        ("map_meta.map = {}", "only values of the map can be changed"),
        ("map_meta.timeout += 1", "only set with `=`"),
        ("event.set('t', map_meta.timeout)", "`map_meta.timeout` is not known here"),
        ("e = LogStash::Event.new({'a' => 1})", "no code makes events here"),
        ("new_event_block.call(event)", "no code makes events here"),
        ("system('ls')", "`system` is not known here"),
        ("map['a'] = `ls`", "not understood"),
        ("map['a'] = b", "`b` is not known"),
        ("map['a'] = 1 rescue nil", "`rescue` is not understood"),
        ("map['a'] = event.get('x')&.to_i", "`&.` is not understood"),
        ("map['a'] = event.get('x') =~ /a/", "not known here"),
        ("event.get('a')", "changes neither"),
        ("event.set(event.get('a'), 1)", "has to be written out"),
        ("event.set('[a', 1)", "not a field reference"),
        ("map['a'] = map['b'] = 1", "an assignment stands within another"),
        ("map['a']", "changes neither"),
        ("map = {}", "`map` is not known"),
        ("while true do map['a'] = 1 end", "not understood"),
        ("map['a'] = 1; map['b'] =", "not understood"),
    ] {
        let refusal = Trial::refusal(&format!(
            "aggregate {{ task_id => \"%{{a}}\" code => {} }}",
            quoted(code)
        ));
        assert!(refusal.contains(said), "{code}: {refusal}");
    }
    let refusal = Trial::refusal(
        "aggregate { task_id => '%{a}' code => \"\n  map['n'] ||= 0\n  map['n'] += rand(5)\n\" }",
    );
    assert!(
        refusal.starts_with("test.conf:3:3: `map['n'] += rand(5)` is not understood"),
        "{refusal}"
    );
    assert!(refusal.contains("    3 |   map['n'] += rand(5)\n      |   ^^^^"), "{refusal}");
}
