//! A condition in its faster form holds for the same events as in the one that looks at every kind of value.

use bytes::Bytes;
use event::{Event, FieldPath, Limits};
use proptest::prelude::*;

use super::{Side, Test};
use crate::language::Comparison;

/// What a field may be, as JSON: of every kind, and such as print alike or are nearly the same number.
const VALUES: [&str; 26] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "1.0",
    "1.5",
    "-1",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775808",
    "1e400",
    r#""""#,
    r#""x""#,
    r#""1""#,
    r#""true""#,
    r#""1.5""#,
    r#""a\"x\n""#,
    r#""\u00e9""#,
    r#""\ud800""#,
    "[]",
    r#"["x","1",1,null,true,["x"],{"x":1}]"#,
    r#"["\u00e9","a\"x\n",""]"#,
    "{}",
    r#"{"x":"x","1":1}"#,
];
const PATHS: [&str; 7] = ["[a]", "[o][b]", "[o]", "[a][x]", "[a][0]", "[gone]", "[made][b]"];
/// Constants of pipelines: texts, and numbers as they are kept.
const TEXTS: [&str; 9] = ["", "x", "1", "1.0", "1.5", "true", "a\"x\n", "é", "\u{fffd}"];
const NUMBERS: [&str; 9] = [
    "0",
    "-0.0",
    "1",
    "1.0",
    "1.5",
    "-1",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
];
const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

/// A condition, by the places of its parts in the lists above.
#[derive(Clone, Debug)]
enum Written {
    Text(usize, usize, usize),
    Number(usize, usize, usize),
    /// Elements of a list, each a text or a number.
    OneOf(usize, Vec<(bool, usize)>),
    Has(usize, usize),
}

impl Written {
    fn general(&self) -> Test {
        let field = |path: &usize| Side::Field(FieldPath::parse(PATHS[*path]).unwrap());
        let text = |place: &usize| Side::Text(TEXTS[*place].to_owned());
        let number = |place: &usize| Side::Number(NUMBERS[*place].to_owned());
        match self {
            Self::Text(path, comparison, place) => {
                Test::Compare(field(path), COMPARISONS[*comparison], text(place))
            }
            Self::Number(path, comparison, place) => {
                Test::Compare(field(path), COMPARISONS[*comparison], number(place))
            }
            Self::OneOf(path, elements) => {
                let element = |(is_text, place): &(bool, usize)| {
                    if *is_text { text(place) } else { number(place) }
                };
                Test::In(field(path), Side::List(elements.iter().map(element).collect()))
            }
            Self::Has(path, place) => Test::In(text(place), field(path)),
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    let (path, comparison, constant) = (0..PATHS.len(), 0..COMPARISONS.len(), 0..TEXTS.len());
    let elements = proptest::collection::vec((any::<bool>(), constant.clone()), 0..4);
    let compared = (path.clone(), comparison, constant.clone());
    prop_oneof![
        compared.clone().prop_map(|(path, how, place)| Written::Text(path, how, place)),
        compared.prop_map(|(path, how, place)| Written::Number(path, how, place)),
        (path.clone(), elements).prop_map(|(path, elements)| Written::OneOf(path, elements)),
        (path, constant).prop_map(|(path, place)| Written::Has(path, place)),
    ]
}

/// An event with one value of the sender's at two places, and another one in an object that a filter made.
fn event(sent: usize, made: usize) -> Event {
    let value = VALUES[sent];
    let payload = Bytes::from(format!("{{\"a\":{value},\"o\":{{\"b\":{value}}}}}"));
    let mut event = Event::new();
    event.decode_json(&payload, 0, &Limits::default()).unwrap();
    let added = event.new_json_within(VALUES[made].as_bytes(), &Limits::default()).unwrap();
    assert!(event.place(&FieldPath::keys(&["made", "b"]), added));
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn the_faster_form_holds_where_the_general_one_does(
        condition in written(),
        sent in 0..VALUES.len(),
        made in 0..VALUES.len(),
    ) {
        let event = event(sent, made);
        let special = condition.general().special();
        prop_assert!(!matches!(special, Test::In(..)), "it is no faster: {:?}", special);
        let holds = condition.general().holds(&event);
        prop_assert_eq!(special.holds(&event), holds, "{:?}", condition.general());
    }
}

fn message() -> Side {
    Side::Field(FieldPath::key("message"))
}

fn text(text: &str) -> Side {
    Side::Text(text.to_owned())
}

#[test]
fn a_line_of_text_is_compared_as_it_is() {
    let mut event = Event::new();
    event.start_plain(&Bytes::from_static(b"say \"no\" \\ \xc3\xa9"), 0);
    let tests: [fn() -> Test; 3] = [
        || Test::Compare(message(), Comparison::Equal, text("say \"no\" \\ é")),
        || Test::In(message(), Side::List(vec![text("x"), text("say \"no\" \\ é")])),
        || Test::In(text("\"no\" \\"), message()),
    ];
    for test in tests {
        assert!(test().holds(&event) && test().special().holds(&event), "{:?}", test());
    }
}
