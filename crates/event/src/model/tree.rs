//! JSON of random shape, as the text that is decoded and as the value that it stands for.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::names;

/// Few names, so that they meet: the first have one place among the names of an object, and the next two one hash.
pub(super) static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let place = |name: &str| names::hash(name.as_bytes()) >> 6;
    let numbered = (0_u32..).map(|number| format!("n{number}"));
    let crowd = numbered.filter(|name| place(name) == place("n0")).take(5);
    let others = [
        "long name with 1 in its middle",
        "long name with 2 in its middle",
        "say \"no\"",
        "@metadata",
        "0",
    ];
    crowd.chain(others.map(str::to_owned)).collect()
});

const LEAVES: [&str; 9] = [
    "1",
    "20",
    "true",
    "null",
    r#""x""#,
    r#""12""#,
    r#""say \"no\"""#,
    r#""\u00e9""#,
    r#""a text""#,
];

/// What stands between values, and between names and values.
const LAYOUTS: [(&str, &str); 6] =
    [(",", ":"), (",", ":"), (", ", ": "), (", ", ":"), (" ,", ":"), (",\n", " :")];
/// The layout in which names begin with an escape.
const ESCAPED: usize = 1;

/// Members of an object by the places of their names; a name may come twice.
pub(super) type Members = Vec<(usize, Tree)>;

#[derive(Clone, Debug)]
pub(super) enum Tree {
    Leaf(usize),
    Array(Vec<Tree>),
    Object(Members),
}

impl Tree {
    pub(super) fn text(&self, layout: usize) -> String {
        match self {
            Self::Leaf(leaf) => LEAVES[*leaf].to_owned(),
            Self::Array(elements) => {
                let elements: Vec<_> = elements.iter().map(|inner| inner.text(layout)).collect();
                format!("[{}]", elements.join(LAYOUTS[layout].0))
            }
            Self::Object(members) => object_text(members, layout),
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Leaf(leaf) => serde_json::from_str(LEAVES[*leaf]).unwrap(),
            Self::Array(elements) => elements.iter().map(Self::value).collect(),
            Self::Object(members) => Value::Object(object_value(members)),
        }
    }
}

pub(super) fn object_text(members: &[(usize, Tree)], layout: usize) -> String {
    let (comma, colon) = LAYOUTS[layout];
    let member = |(name, tree): &(usize, Tree)| {
        let mut name = Value::from(NAMES[*name].as_str()).to_string();
        if layout == ESCAPED {
            name = format!("\"\\u{:04x}{}", name.as_bytes()[1], &name[2..]);
        }
        format!("{name}{colon}{}", tree.text(layout))
    };
    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(comma))
}

/// Of names that come twice the last stays, where it stands.
pub(super) fn object_value(members: &[(usize, Tree)]) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, tree) in members {
        object.shift_remove(&NAMES[*name]);
        object.insert(NAMES[*name].clone(), tree.value());
    }
    object
}

pub(super) fn any_name() -> impl Strategy<Value = usize> {
    0..NAMES.len()
}

pub(super) fn any_layout() -> impl Strategy<Value = usize> {
    0..LAYOUTS.len()
}

pub(super) fn any_members() -> impl Strategy<Value = Members> {
    vec((any_name(), any_tree()), 0..7)
}

pub(super) fn any_tree() -> impl Strategy<Value = Tree> {
    (0..LEAVES.len()).prop_map(Tree::Leaf).prop_recursive(3, 16, 5, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Tree::Array),
            2 => vec((any_name(), inner), 0..6).prop_map(Tree::Object),
        ]
    })
}
