mod absent;
mod calculated;
mod random;

use bus::{Record, RecordId};
use bytes::Bytes;
use event::{Event, Limits};
use serde_json::{Value, json};

use crate::filter::Environment;
use crate::filters::trial::NOW_NS;
use crate::language::{Diagnostic, Source, Syntax};
use crate::plan::parse_and_compile;

/// What is said of a pipeline of one `ruby` filter, whose options are given.
fn refused(options: &str) -> Diagnostic {
    let source = Source::new("my.conf", format!("filter {{\n  ruby {{ {options} }}\n}}"));
    let mut mistakes = parse_and_compile(&source, Syntax::default(), &Environment::default())
        .err()
        .unwrap_or_else(|| panic!("was not refused: {options}"));
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes.remove(0)
}

fn quoted(code: &str) -> String {
    let quote = if code.contains('\'') { '"' } else { '\'' };
    assert!(!code.contains(quote), "{code}");
    format!("{quote}{code}{quote}")
}

fn of_code(code: &str) -> Diagnostic {
    refused(&format!("code => {}", quoted(code)))
}

/// The lines that are proposed for a code that is understood whole.
fn proposed(code: &str) -> String {
    let diagnostic = of_code(code);
    assert_eq!(
        diagnostic.message, "no Ruby runs here; other filters do what this `ruby` does",
        "{code}\n{diagnostic}"
    );
    let (first, lines) = diagnostic.way_out.split_once('\n').unwrap();
    assert_eq!(first, "write in its place");
    lines.lines().map(|line| line.strip_prefix("    ").unwrap()).collect::<Vec<_>>().join("\n")
}

/// Runs a pipeline's statements on an event; `None` where it ends.
fn run(statements: &str, event: &Value) -> Option<Value> {
    let source = Source::new("proposed.conf", format!("filter {{\n{statements}\n}}"));
    let plan = parse_and_compile(&source, Syntax::default(), &Environment::default())
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    let payload = Bytes::from(event.to_string());
    let mut decoded = Event::new();
    decoded.decode_json(&payload, NOW_NS, &Limits::default()).unwrap();
    let record =
        Record { id: RecordId([7; 16]), received_at_ns: NOW_NS, payload, ..Record::default() };
    let mut out = None;
    plan.instance().run(&mut decoded, &record, |event, number| {
        let mut bytes = Vec::new();
        event.write_json(&mut bytes);
        if number == 0 {
            out = Some(serde_json::from_slice(&bytes).unwrap());
        }
    });
    out
}

/// What is proposed for the code makes `after` of `before`, as the code does.
fn does(code: &str, before: Value, after: Value) {
    let lines = proposed(code);
    let mut out = run(&lines, &before).unwrap_or_else(|| panic!("ended: {code}\n{lines}"));
    let fields = out.as_object_mut().unwrap();
    if after.get("@timestamp").is_none() {
        fields.remove("@timestamp");
    }
    assert_eq!(out, after, "{code}\n{lines}");
}

#[test]
fn fields_are_set_and_moved() {
    for (code, before, after) in [
        ("event.set('a', 'x')", json!({}), json!({"a": "x"})),
        ("event.set('[a][b]', 5)", json!({}), json!({"a": {"b": 5}})),
        ("event.set('a', -1.5); event.set('b', true)", json!({}), json!({"a": -1.5, "b": true})),
        ("event.set('b', event.get('a'))", json!({"a": [1]}), json!({"a": [1], "b": [1]})),
        ("event['b'] = event['a']", json!({"a": 1}), json!({"a": 1, "b": 1})),
        ("event.set('b', event.get('a'))\nevent.remove('a')", json!({"a": 1}), json!({"b": 1})),
        ("event.set('b', event.remove('a'))", json!({"a": 1}), json!({"b": 1})),
        ("x = event.remove('a')\nevent.set('b', x)", json!({"a": 1}), json!({"b": 1})),
        ("event.remove('[a][b]')", json!({"a": {"b": 1, "c": 2}}), json!({"a": {"c": 2}})),
        (
            "event.set('c', event.get('a')['b'])",
            json!({"a": {"b": 1}}),
            json!({"a": {"b": 1}, "c": 1}),
        ),
        (
            "event.set('c', event.get('a').first)",
            json!({"a": [1, 2]}),
            json!({"a": [1, 2], "c": 1}),
        ),
        ("event.set('l', ['x', 'y'])", json!({"l": 1}), json!({"l": ["x", "y"]})),
        (
            "event.set('h', { 'a' => 'x', :b => event.get('n') })",
            json!({"n": 1}),
            json!({"n": 1, "h": {"a": "x", "b": 1}}),
        ),
        (
            "h = {}\nh['a'] = 'x'\nh['b'] = 2\nevent.set('h', h)",
            json!({}),
            json!({"h": {"a": "x", "b": 2}}),
        ),
        ("event.set('a', nil)", json!({"a": 1, "b": 1}), json!({"b": 1})),
        ("event.tag('x')", json!({}), json!({"tags": ["x"]})),
        (
            "event.set('tags', (event.get('tags') || []) + ['x'])",
            json!({"tags": ["a"]}),
            json!({"tags": ["a", "x"]}),
        ),
        (
            "['a', 'b'].each { |f| event.remove(f) }",
            json!({"a": 1, "b": 2, "c": 3}),
            json!({"c": 3}),
        ),
        (
            "{ 'a' => 'x', 'b' => 'y' }.each { |from, to| event.set(to, event.remove(from)) }",
            json!({"a": 1, "b": 2}),
            json!({"x": 1, "y": 2}),
        ),
    ] {
        does(code, before, after);
    }
    does(
        r##"%w[a b].each { |f| event.set("[n][#{f}]", event.get(f)) }"##,
        json!({"a": 1, "b": 2}),
        json!({"a": 1, "b": 2, "n": {"a": 1, "b": 2}}),
    );
    assert_eq!(
        proposed("event.set('b', event.get('a'))\nevent.remove('a')"),
        "mutate { rename => { \"[a]\" => \"[b]\" } }"
    );
}

#[test]
fn texts_are_changed() {
    for (code, before, after) in [
        ("event.set('a', event.get('a').upcase)", json!({"a": "xé"}), json!({"a": "XÉ"})),
        (
            "event.set('b', event.get('a').strip.downcase)",
            json!({"a": " X "}),
            json!({"a": " X ", "b": "x"}),
        ),
        ("event.set('a', event.get('a').to_i)", json!({"a": "5"}), json!({"a": 5})),
        ("event.set('a', event.get('a').to_f)", json!({"a": "5.5"}), json!({"a": 5.5})),
        ("event.set('a', event.get('a').to_s)", json!({"a": 5}), json!({"a": "5"})),
        (
            "event.set('a', event.get('a').gsub(/[0-9]+/, '#'))",
            json!({"a": "a12b3"}),
            json!({"a": "a#b#"}),
        ),
        (
            "event.set('a', event.get('a').gsub('.', '_'))",
            json!({"a": "a.b.c"}),
            json!({"a": "a_b_c"}),
        ),
        ("event.set('a', event.get('a').tr('.-', '_')) ", json!({"a": "a.b"}), json!({"a": "a_b"})),
        ("event.set('a', event.get('a').delete('%'))", json!({"a": "50%"}), json!({"a": "50"})),
        (
            "event.set('a', event.get('a').sub(/\\A\\//, ''))",
            json!({"a": "/x/y"}),
            json!({"a": "x/y"}),
        ),
    ] {
        does(code, before, after);
    }
}

#[test]
fn texts_are_taken_apart_and_joined() {
    for (code, before, after) in [
        (
            "event.set('a', event.get('a').split(','))",
            json!({"a": "x,y"}),
            json!({"a": ["x", "y"]}),
        ),
        (
            "event.set('b', event.get('a').split(',')[1])",
            json!({"a": "x,y"}),
            json!({"a": "x,y", "b": "y"}),
        ),
        (
            "event.set('b', event.get('a').split('/').last)",
            json!({"a": "x/y"}),
            json!({"a": "x/y", "b": "y"}),
        ),
        (
            "p = event.get('a').split('/')\nevent.set('b', p[0])\nevent.set('c', p[1])",
            json!({"a": "x/y"}),
            json!({"a": "x/y", "b": "x", "c": "y"}),
        ),
        ("event.set('a', event.get('a').join('-'))", json!({"a": ["x", "y"]}), json!({"a": "x-y"})),
        (
            "event.set('c', [event.get('a'), event.get('b')].join(' '))",
            json!({"a": "x", "b": 1}),
            json!({"a": "x", "b": 1, "c": "x 1"}),
        ),
        (
            "event.set('c', event.get('a') + '/' + event.get('b'))",
            json!({"a": "x", "b": "y"}),
            json!({"a": "x", "b": "y", "c": "x/y"}),
        ),
        (
            "event.set('c', 'n=' + event.get('b').to_s)",
            json!({"b": 1}),
            json!({"b": 1, "c": "n=1"}),
        ),
        (
            "event.set('day', event.get('@timestamp').time.strftime('%Y-%m-%d'))",
            json!({}),
            json!({"day": "2024-06-15"}),
        ),
        (
            "event.set('epoch', event.get('@timestamp').to_i)",
            json!({}),
            json!({"epoch": 1_718_452_800}),
        ),
        (
            "event.set('j', JSON.parse(event.get('a')))",
            json!({"a": "{\"x\":1}"}),
            json!({"a": "{\"x\":1}", "j": {"x": 1}}),
        ),
        (
            "event.set('u', event.sprintf('%{a}-%{b}'))",
            json!({"a": 1, "b": 2}),
            json!({"a": 1, "b": 2, "u": "1-2"}),
        ),
    ] {
        does(code, before, after);
    }
    does(
        r##"event.set("c", "#{event.get("a").downcase}:#{event.get("b")}")"##,
        json!({"a": "X", "b": 1}),
        json!({"a": "X", "b": 1, "c": "x:1"}),
    );
}

#[test]
fn conditions_guard() {
    for (code, before, after) in [
        ("event.set('b', 1) if event.get('a')", json!({"a": 1}), json!({"a": 1, "b": 1})),
        ("event.set('b', 1) unless event.get('a').nil?", json!({}), json!({})),
        (
            "if event.get('a') == 'x' && event.get('n').to_i > 5 then event.set('b', 1) else event.set('b', 2) end",
            json!({"a": "x", "n": "6"}),
            json!({"a": "x", "n": "6", "b": 1}),
        ),
        (
            "return unless event.get('a') =~ /^x/\nevent.set('b', 1)",
            json!({"a": "y"}),
            json!({"a": "y"}),
        ),
        (
            "return unless event.get('a') =~ /^x/\nevent.set('b', 1)",
            json!({"a": "xy"}),
            json!({"a": "xy", "b": 1}),
        ),
        (
            "event.set('b', event.get('a').include?('x') ? 'yes' : 'no')",
            json!({"a": ["x"]}),
            json!({"a": ["x"], "b": "yes"}),
        ),
        (
            "case event.get('a')\nwhen 'x', 'y' then event.set('b', 1)\nwhen /^z/\n  event.set('b', 2)\nelse\n  event.set('b', 3)\nend",
            json!({"a": "zz"}),
            json!({"a": "zz", "b": 2}),
        ),
        ("event.set('b', event.get('a') || 'none')", json!({}), json!({"b": "none"})),
        (
            "s = event.get('a').split(' in ')\nif (s.length == 2) and /\\A\\d+\\z/.match(s[1])\n  event.set('a', s[0])\nend",
            json!({"a": "x in 5"}),
            json!({"a": "x"}),
        ),
        (
            "s = event.get('a').split(' in ')\nif s.length > 1\n  event.set('b', s[1])\nend",
            json!({"a": "x"}),
            json!({"a": "x"}),
        ),
        (
            "event.remove('a') if event.get('a') == '' or event.get('a') == '-'",
            json!({"a": "-"}),
            json!({}),
        ),
        (
            "event.tag('big') if event.get('n') >= 10",
            json!({"n": 10}),
            json!({"n": 10, "tags": ["big"]}),
        ),
        (
            "unless event.get('a').start_with?('x.') and !event.get('c')\n  event.set('b', 1)\nend",
            json!({"a": "xy"}),
            json!({"a": "xy", "b": 1}),
        ),
        (
            "begin\n  event.set('b', event.get('a').downcase)\nrescue => e\n  event.tag('bad')\nend",
            json!({"a": "X"}),
            json!({"a": "X", "b": "x"}),
        ),
    ] {
        does(code, before, after);
    }
    let lines = proposed("event.cancel if event.get('level') == 'DEBUG'");
    assert_eq!(lines, "if [level] == \"DEBUG\" {\n  drop { }\n}");
    assert_eq!(run(&lines, &json!({"level": "DEBUG"})), None);
    assert_eq!(proposed("event.cancel if rand <= 0.90"), "drop { percentage => 90 }");
    assert_eq!(proposed("event.cancel if rand < 0.005"), "drop { percentage => 0.5 }");
}

#[test]
fn loops_over_fields_are_known() {
    for (code, before, after) in [
        (
            "event.to_hash.each { |k, v| if k.include?('.')\n event.set(k.gsub('.', '_'), v)\n event.remove(k)\n end }",
            json!({"a.b": 1, "c": 2}),
            json!({"c": 2, "a_b": 1}),
        ),
        (
            "event.to_hash.keys.each { |k| event.set(k.gsub('.', '_'), event.remove(k)) if k.include?('.') }",
            json!({"a.b": 1}),
            json!({"a_b": 1}),
        ),
        (
            "event.to_hash.each { |k, v| event.remove(k) if k =~ /^tmp_/ }",
            json!({"tmp_a": 1, "b": 2}),
            json!({"b": 2}),
        ),
        (
            "event.to_hash.keys.each do |k|\n  event.remove(k) unless ['a', '@timestamp'].include?(k)\nend",
            json!({"a": 1, "b": 2}),
            json!({"a": 1}),
        ),
        (
            "event.get('x').each { |k, v| event.set(k, v) }",
            json!({"x": {"a": 1}}),
            json!({"x": {"a": 1}, "a": 1}),
        ),
    ] {
        does(code, before, after);
    }
    let said =
        of_code("event.to_hash.each { |k, v| event.set(k.downcase, event.remove(k)) }").way_out;
    assert!(said.contains("write a line for each field"), "{said}");
}

#[test]
fn what_is_not_known_is_named() {
    let said = refused(
        "code => '\n    event.set(\"a\", event.get(\"b\"))\n    event.set(\"c\", Geo.find(event.get(\"[d][e]\")))\n'",
    );
    assert_eq!((said.line, said.column), (2, 3));
    assert!(said.message.contains("do 1 of the 2 things"), "{said}");
    assert!(said.way_out.contains("mutate { copy => { \"[b]\" => \"[a]\" } }"), "{said}");
    assert!(
        said.way_out
            .contains("line 4: no filter does `event.set(\"c\", Geo.find(event.get(\"[d][e]\")))`"),
        "{said}"
    );
    assert!(said.way_out.contains("it reads [d][e]; writes [c]"), "{said}");
    let said = of_code("x = Cache.new(event.get('a')) ; event.set('b', x.y) ; while true do end");
    assert!(said.way_out.contains("reads [a]; writes [b]"), "{said}");
    let said = of_code("event.set('a', ) ) event.get('q')");
    assert!(
        said.message.contains("is not understood")
            && said.way_out.contains("reads [q]; writes [a]"),
        "{said}"
    );
    // A variable whose field has changed since is not what it was.
    let said = of_code("x = event.get('a')\nevent.set('a', 1)\nevent.set('b', x)");
    assert!(said.message.contains("of the 2 things"), "{said}");
    let said = of_code("x = 'a'\nif event.get('q')\n  x = 'b'\nend\nevent.set('c', x)");
    assert!(said.way_out.contains("no filter does `event.set('c', x)`"), "{said}");
    // `gsub` would replace the second too.
    for pattern in ["x", "\\Ax|y", "x|y\\z"] {
        let said = of_code(&format!("event.set('a', event.get('a').sub(/{pattern}/, ''))"));
        assert!(said.way_out.contains("not the first alone"), "{pattern}: {said}");
    }
    // What is put in nowhere in Ruby is put in nowhere.
    assert!(of_code("event.set('a', '%{b}')").message.contains("is known of no filter"));
}

#[test]
fn it_is_printed_as_other_mistakes_are() {
    let code = r#"event.set("total", (event.get("price") * event.get("quantity")).round(2))"#;
    let said = of_code(code).to_string();
    let wanted = format!(
        "my.conf:2:3: no Ruby runs here; other filters do what this `ruby` does\n    2 |   ruby {{ code => '{code}' }}\n      |   ^^^^\n  way out: write in its place\n    math {{ calculate => [ [ \"multiply\", \"[price]\", \"[quantity]\", \"MEM[0]\" ], [ \"round\", \"MEM[0]\", 2, \"[total]\" ] ] }}"
    );
    assert_eq!(said, wanted);
}

#[test]
fn other_options_are_known() {
    let said = refused(
        "init => '@from = \"a\"' code => 'event.set(\"b\", event.get(@from))' remove_field => [ \"q\" ]",
    );
    assert!(said.way_out.contains("mutate { copy => { \"[a]\" => \"[b]\" } }"), "{said}");
    assert!(said.way_out.contains("mutate { remove_field => [ \"q\" ] }"), "{said}");
    let said = refused("path => \"/etc/drop.rb\" script_params => { \"percentage\" => 0.9 }");
    assert!(
        said.way_out.contains("/etc/drop.rb")
            && said.way_out.contains("params[\"percentage\"]` stands `0.9`"),
        "{said}"
    );
    assert!(refused("").message.contains("has no code"));
    assert!(refused(r#"code => "event.set(\"a\", 1)""#).way_out.contains("\"[a]\""));
}
