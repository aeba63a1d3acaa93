//! Whole pipelines as texts: filters under conditions within conditions.

use proptest::prelude::*;

use crate::filters::{FIELDS, filter, quoted};

const COMPARISONS: &[&str] = &["==", "!=", "<", "<=", ">", ">="];
const JOINTS: &[&str] = &["and", "or", "xor", "nand"];
const CONSTANTS: &[&str] =
    &["\"text\"", "\"\"", "\"1\"", "1", "-2", "3.5", "\"false\"", "\"é\"", "\"2026-01-01\""];
const LISTS: &[&str] = &["[ \"text\", \"1\" ]", "[ 1, 2, \"é\" ]", "[ \"one\" ]"];
const EXPRESSIONS: &[&str] = &["/^a/", "/./", "/[0-9]+$/", "\"b|é\"", "/(?i)TEXT/", "/^$/"];
/// Fields as conditions write them, in brackets.
const SELECTORS: &[&str] = &[
    "[message]",
    "[a]",
    "[b]",
    "[a][b]",
    "[list]",
    "[list][0]",
    "[n]",
    "[tags]",
    "[@timestamp]",
    "[missing]",
    "[x.y]",
    "[@metadata][m]",
    "[type]",
];

/// A condition. What is joined stands in parentheses, as the language wants it for `xor` and `nand`.
pub(crate) fn condition() -> impl Strategy<Value = String> {
    let field = || prop::sample::select(SELECTORS).prop_map(str::to_owned);
    let constant = || prop::sample::select(CONSTANTS).prop_map(str::to_owned);
    let side = || prop_oneof![3 => field(), 1 => constant()];
    let compared = (side(), prop::sample::select(COMPARISONS), side())
        .prop_map(|(left, sign, right)| format!("{left} {sign} {right}"));
    let set = prop_oneof![field(), constant(), prop::sample::select(LISTS).prop_map(str::to_owned)];
    let within = (side(), prop::sample::select(["in", "not in"].as_slice()), set)
        .prop_map(|(left, word, right)| format!("{left} {word} {right}"));
    let matching =
        (field(), prop::sample::select(["=~", "!~"].as_slice()), prop::sample::select(EXPRESSIONS))
            .prop_map(|(left, sign, right)| format!("{left} {sign} {right}"));
    let leaf = prop_oneof![
        field(),
        field().prop_map(|field| format!("!{field}")),
        compared,
        within,
        matching
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(JOINTS), inner.clone())
                .prop_map(|(left, joint, right)| format!("({left} {joint} {right})")),
            inner.prop_map(|inner| format!("!({inner})")),
        ]
    })
}

/// Some statements, one behind the other.
pub(crate) fn statements() -> impl Strategy<Value = String> {
    let statement = filter().prop_recursive(3, 10, 3, |inner| {
        let block = prop::collection::vec(inner, 0..3).prop_map(|statements| statements.join("\n"));
        let otherwise = prop::option::of((prop::option::of(condition()), block.clone()));
        (condition(), block, otherwise).prop_map(|(condition, block, otherwise)| {
            let otherwise = match otherwise {
                None => String::new(),
                Some((None, block)) => format!(" else {{ {block} }}"),
                Some((Some(condition), block)) => format!(" else if {condition} {{ {block} }}"),
            };
            format!("if {condition} {{ {block} }}{otherwise}")
        })
    });
    prop::collection::vec(statement, 0..6).prop_map(|statements| statements.join("\n"))
}

/// A text that a file of pipelines might be, after somebody's hand slipped: a piece was taken out, put in twice, or
/// something was put in that belongs elsewhere.
pub(crate) fn slipped(texts: Vec<String>) -> impl Strategy<Value = Vec<u8>> {
    const LEXEMES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "'",
        "=>",
        "==",
        ",",
        "#",
        "/",
        "\\",
        "if",
        "else",
        "!",
        "and",
        "not in",
        "%{",
        "${",
        "${A:b}",
        "-",
        "0x",
        "é",
        "\r",
        "\t",
        "\u{feff}",
        "\0",
        "filter {",
        "mutate",
        "codec",
        "01",
        "1e9",
        "99999999999999999999",
        "\n",
    ];
    let slip = (
        0..4u8,
        any::<prop::sample::Index>(),
        1..30usize,
        prop::sample::select(LEXEMES),
        any::<u8>(),
    );
    (prop::sample::select(texts), prop::collection::vec(slip, 1..5)).prop_map(|(text, slips)| {
        let mut bytes = text.into_bytes();
        for (kind, at, length, lexeme, byte) in slips {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, lexeme.bytes())),
                2 => {
                    let piece = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, piece));
                }
                _ => drop(bytes.splice(at..end.min(at + 1), [byte])),
            }
        }
        bytes
    })
}

/// A text out of words of the language, in any order.
pub(crate) fn words() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        prop::sample::select(
            ["filter", "if", "else", "mutate", "grok", "{", "}", "[", "]", "=>", "(", ")", "input"]
                .as_slice()
        )
        .prop_map(str::to_owned),
        quoted(FIELDS),
        condition(),
        filter(),
        "[ -~é\n]{0,6}",
    ];
    prop::collection::vec(word, 0..30).prop_map(|words| words.join(" ").into_bytes())
}
