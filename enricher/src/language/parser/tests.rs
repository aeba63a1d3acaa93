//! What is read of a configuration, and what is said of one that cannot be read.

use super::{Syntax, parse};
use crate::language::{
    Condition, ConditionKind, Config, Operand, Plugin, Source, Statement, Value, ValueKind,
};

fn read(text: &str) -> Config {
    match parse(&Source::new("test.conf", text), Syntax::default()) {
        Ok(config) => config,
        Err(mistakes) => panic!("{}", mistakes.iter().map(ToString::to_string).collect::<String>()),
    }
}

/// Line, column and message of every mistake.
fn mistakes(text: &str) -> Vec<String> {
    let found = parse(&Source::new("test.conf", text), Syntax::default()).unwrap_err();
    found.iter().map(|m| format!("{}:{}: {}", m.line, m.column, m.message)).collect()
}

fn plugins(config: &Config) -> Vec<&Plugin> {
    fn collect<'c>(statements: &'c [Statement], found: &mut Vec<&'c Plugin>) {
        for statement in statements {
            match statement {
                Statement::Plugin(plugin) => found.push(plugin),
                Statement::Branch(branch) => {
                    branch.arms.iter().for_each(|(_, body)| collect(body, found));
                    collect(&branch.otherwise, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    config.sections.iter().for_each(|section| collect(&section.statements, &mut found));
    found
}

fn shape(value: &Value) -> String {
    match &value.kind {
        ValueKind::Text(text) => format!("{text:?}"),
        ValueKind::Number(number) => number.to_string(),
        ValueKind::Array(elements) => {
            format!("[{}]", elements.iter().map(shape).collect::<Vec<_>>().join(", "))
        }
        ValueKind::Hash(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", key.text, shape(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        ValueKind::Plugin(plugin) => format!("{}({})", plugin.name, plugin.attributes.len()),
    }
}

fn options(body: &str) -> String {
    let config = read(&format!("filter {{ any {{ {body} }} }}"));
    let shapes: Vec<_> = plugins(&config)[0]
        .attributes
        .iter()
        .map(|attribute| format!("{} = {}", attribute.name, shape(&attribute.value)))
        .collect();
    shapes.join("; ")
}

fn condition(text: &str) -> String {
    fn side(operand: &Operand) -> String {
        match operand {
            Operand::Field(name, _) => name.clone(),
            Operand::Constant(value) => shape(value),
        }
    }
    fn show(condition: &Condition) -> String {
        let all = |word: &str, terms: &[Condition]| {
            format!("({})", terms.iter().map(show).collect::<Vec<_>>().join(word))
        };
        match &condition.kind {
            ConditionKind::And(terms) => all(" and ", terms),
            ConditionKind::Or(terms) => all(" or ", terms),
            ConditionKind::Xor(left, right) => format!("({} xor {})", show(left), show(right)),
            ConditionKind::Nand(left, right) => format!("({} nand {})", show(left), show(right)),
            ConditionKind::Not(inner) => format!("!{}", show(inner)),
            ConditionKind::Truth(operand) => side(operand),
            ConditionKind::Compare(left, how, right) => {
                format!("{} {how:?} {}", side(left), side(right))
            }
            ConditionKind::Matches(left, pattern, _) => format!("{} =~ {pattern}", side(left)),
            ConditionKind::In(left, right) => format!("{} in {}", side(left), side(right)),
        }
    }
    let config = read(&format!("filter {{ if {text} {{ drop {{ }} }} }}"));
    match &config.sections[0].statements[0] {
        Statement::Branch(branch) => show(&branch.arms[0].0),
        Statement::Plugin(_) => panic!("no branch"),
    }
}

#[test]
fn sections_stand_in_any_number_and_order() {
    let config =
        read("# first\noutput { a1 { } } filter{ b1{} b2{}}\n#x\ninput { } filter { c1 { } }# end");
    let kinds: Vec<_> = config.sections.iter().map(|section| section.kind.as_str()).collect();
    assert_eq!(kinds, ["output", "filter", "input", "filter"]);
    let names: Vec<_> = plugins(&config).iter().map(|plugin| plugin.name.as_str()).collect();
    assert_eq!(names, ["a1", "b1", "b2", "c1"]);
    assert!(read("").sections.is_empty());
}

#[test]
fn values_have_their_types() {
    assert_eq!(
        options(
            "a => 1 b => -2.50 c => 010 d => word e => 'it''s'"
                .replace("'it''s'", "'its'")
                .as_str()
        ),
        "a = 1; b = -2.5; c = 8; d = \"word\"; e = \"its\""
    );
    assert_eq!(
        options(
            r#"a => [ "x", 2, [ yes ] ] # why
            b => { "k" => "v" 404 => none sub => { x1 => [] } }"#
        ),
        r#"a = ["x", 2, ["yes"]]; b = {k: "v", 404: "none", sub: {x1: []}}"#
    );
    assert_eq!(
        options("codec => json { charset => 'UTF-8' } codec2 => plain"),
        "codec = json(1); codec2 = \"plain\""
    );
    assert_eq!(options(r#""quoted" => "x""#), r#"quoted = "x""#);
}

#[test]
fn strings_keep_their_backslashes() {
    assert_eq!(options(r#"a => "a\"b\n" b => 'x\'y'"#), r#"a = "a\\\"b\\n"; b = "x\\'y""#);
    let source = Source::new("a", r#"filter { any { a => "\"\n\t\\\d" } }"#);
    let config = parse(&source, Syntax { support_escapes: true }).unwrap();
    assert_eq!(shape(&plugins(&config)[0].attributes[0].value), r#""\"\n\t\\\\d""#);
}

#[test]
fn conditions_have_their_shape() {
    assert_eq!(condition("[a]"), "[a]");
    assert_eq!(condition("[a][b c] == \"x\""), "[a][b c] Equal \"x\"");
    assert_eq!(condition("[a] or [b] and [c] or [d]"), "([a] or ([b] and [c]) or [d])");
    assert_eq!(condition("([a] or [b])and![c]"), "(([a] or [b]) and ![c])");
    assert_eq!(condition("[a] xor ([b] nand [c])"), "([a] xor ([b] nand [c]))");
    assert_eq!(condition("[a] !~ /x\\/y/"), "![a] =~ x\\/y");
    assert_eq!(condition("[a] =~ \"^x\""), "[a] =~ ^x");
    assert_eq!(condition("[a] not  in [\"x\", \"y\"]"), "![a] in [\"x\", \"y\"]");
    assert_eq!(condition("\"x\" in [tags]"), "\"x\" in [tags]");
    assert_eq!(condition("[a] in [\"only\"]"), "[a] in [\"only\"]");
    assert_eq!(condition("5 <= [a]"), "5 LessOrEqual [a]");
    assert_eq!(condition("!(!([a] # why\n))"), "!![a]");
}

#[test]
fn else_belongs_to_its_if() {
    let config =
        read("filter { if [a] { m1 { } } else if [b] { m2 { } } # x\n else { m3 { } } iffy { } }");
    let Statement::Branch(branch) = &config.sections[0].statements[0] else {
        panic!("no branch");
    };
    assert_eq!((branch.arms.len(), branch.otherwise.len()), (2, 1));
    assert_eq!(plugins(&config).last().unwrap().name, "iffy");
}

#[test]
fn five_mistakes_are_five_lines() {
    let text = "filter {\n  mutate {\n    rename => { \"a\" => \"b\", \"c\" => \"d\" }\n    add_tag => [ \"x\" \"y\" ]\n  }\n  \
        if [a] = \"b\" {\n    drop { }\n  }\n  json source => \"message\" }\n  date { match => x }\n}\nfilters { }\n";
    assert_eq!(
        mistakes(text),
        [
            "3:27: there is `,` where an entry or `}` should stand",
            "4:22: there is `\"` where `,` or `]` should stand",
            "6:10: there is `=` where an operator should stand",
            "9:8: there is `source` where the `{` of `json` should stand",
            "10:19: `x` is no bare word",
            "12:1: there is `filters` where `input`, `filter` or `output` should stand",
        ]
    );
}

#[test]
fn each_mistake_is_named() {
    for (text, expected) in [
        ("filter { a1 { x => \"open } }", "1:20: this string is not closed"),
        ("filter { a1 { x1 => 1 }", "1:8: the block of `filter` is not closed"),
        ("filter { if [a] { a1 { x1 => [ 1", "1:30: this array is not closed"),
        ("filter { a1 { x1 => [1,] } }", "1:23: there is `,` without an element on both sides"),
        (
            "filter { a1 { x1 => { b1 => 1 b1 => 2 } } }",
            "1:31: the key `b1` stands twice in this hash",
        ),
        (
            "filter { a1 { x1 => { \"\"b1\"\" => 1 } } }",
            "1:25: there is `b1` where the `=>` of `` should stand",
        ),
        ("filter { a1 { x1 = 1 } }", "1:18: there is `=` where the `=>` of `x1` should stand"),
        ("filter { a1 { x1 => 089 } }", "1:21: `089` is not a number"),
        ("filter { a1 { x1 => my-host } }", "1:21: `my-host` is no bare word"),
        ("filter { a1 { x1 => \"a\"y1 => 1 } }", "1:24: two options need a blank between them"),
        ("input { a1 { codec => b1 codec => c1 } }", "1:26: `a1` has two codecs"),
        ("filter { else { } }", "1:10: there is `else` where a filter or `if` should stand"),
        ("filter { if [a] xor [b] and [c] { } }", "1:17: `xor` is mixed with other operators"),
        (
            "filter { if [a] == [b, cc] { } }",
            "1:21: `b` is no bare word\n1:20: `==` compares no lists",
        ),
        ("filter { if [a] == [\"b\", \"c\"] { } }", "1:20: `==` compares no lists"),
        (
            "filter { if word { } }",
            "1:13: there is `word` where a field, string, number or list should stand",
        ),
        (
            "filter { if [a] =~ [b] { } }",
            "1:20: there is `[` where `/pattern/` or a string should stand",
        ),
        ("filter { if ([a] { } }", "1:18: there is `{` where `)` should stand"),
        ("filter { } }", "1:12: there is `}` where `input`, `filter` or `output` should stand"),
        ("fliter { }", "1:1: there is `fliter` where `input`, `filter` or `output` should stand"),
    ] {
        assert_eq!(mistakes(text).join("\n"), expected, "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    for deep in [
        format!("filter {{ a1 {{ x1 => {} }} }}", "[".repeat(100_000)),
        format!("filter {{ if {}[a] {{ }} }}", "!(".repeat(100_000)),
        "filter { ".to_owned() + &"if [a] { ".repeat(100_000),
    ] {
        assert!(mistakes(&deep)[0].contains("nested more than 64 levels"), "{}", &deep[..40]);
    }
    let long = vec!["[a]"; 100_000].join(" and ");
    read(&format!("filter {{ if {long} {{ }} }}"));
}

mod arbitrary {
    use proptest::prelude::*;

    use super::{Source, Syntax, parse};

    proptest! {
        #[test]
        fn no_text_panics(text in r#"(filter|input|if|else|in|not|and|[a-z]{2}|[0-9]{1,3}|=>|[{}\[\]()!,"'/#=~<> \n\\é-]){0,40}"#) {
            if let Err(mistakes) = parse(&Source::new("x", text), Syntax::default()) {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    prop_assert!(!mistake.to_string().is_empty());
                }
            }
        }
    }
}
