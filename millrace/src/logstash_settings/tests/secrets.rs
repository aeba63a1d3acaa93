//! What stands in variables is never shown.

use super::*;

#[test]
fn filters_are_printed_with_the_variables_that_are_written() {
    let said = reasons(
        "input { tcp { port => 1 host => localhost type => \"${PASSWORD}\" tags => ['${PASSWORD}', 'b']
           add_field => { token => '${PASSWORD}' } add_field => { 'a\"b' => ['x', '${PASSWORD:y}'] } } }",
    );
    for filter in [
        "if ![type] { mutate { add_field => { \"type\" => \"${PASSWORD}\" } } }",
        "mutate { add_tag => [\"${PASSWORD}\", \"b\"] }",
        "mutate { add_field => { \"token\" => \"${PASSWORD}\" 'a\"b' => [\"x\", \"${PASSWORD:y}\"] } }",
    ] {
        assert!(said.contains(filter), "{filter} in {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    // Types and variables are still looked at.
    for (option, part) in [
        ("tags => { a => 'b' }", "`tags` of `tcp` must be a list of strings"),
        ("add_field => { a => '${GONE}' }", "`GONE` is not set"),
    ] {
        let text = format!("input {{ tcp {{ port => 1 {option} }} }}");
        let said = carried(&text, OPEN).map(|_| ()).expect_err(&text);
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_text_with_both_kinds_of_quotes_cannot_be_written() {
    let source = "input { kafka { tags => ['a\"b', \"it's\"] } }";
    let said = reasons(source);
    assert!(said.contains("mutate { add_tag => ['a\"b', \"it's\"] }"), "{said}");
    let source = Source::new("s.conf", r#"input { kafka { type => 'a"\'b' } }"#);
    let syntax = enricher::language::Syntax { support_escapes: true };
    let tree = parse(&source, syntax).expect("the language");
    let carried = of_tree(&tree, usual(&source, &BTreeMap::new())).expect("it is right");
    let said = carried.left_lines();
    assert!(said.contains("holds both kinds of quotes"), "{said}");
}

#[test]
fn the_key_of_the_installation_is_no_empty_text() {
    let text = "output { elasticsearch { user => 'a' password => '${MILLRACE_HASH_KEY}' } }";
    let source = Source::new("s.conf", text);
    let tree = parse(&source, Default::default()).expect("the language");
    let carried = |is_key_set| {
        let of_filters = BTreeMap::from([(HASH_KEY_VARIABLE.to_owned(), "hunter2".to_owned())]);
        of_tree(&tree, usual(&source, &variables(of_filters, is_key_set)))
    };
    let set = carried(true).expect("the variable is set");
    let password = set.find("search.elasticsearch.password").expect("a password");
    assert_eq!(password.value.untyped(), "hunter2");
    let mistakes = carried(false).map(|_| ()).expect_err("there is no such variable");
    assert!(mistakes[0].message.contains("`MILLRACE_HASH_KEY` is not set"), "{mistakes:?}");
}
