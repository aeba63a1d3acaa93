//! The language by tables of texts, its limits one by one, and properties over arbitrary texts and trees.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::{
    Bound, CLAUSES_MAX, DEPTH_MAX, LENGTH_CHARACTERS_MAX, Pattern, PatternPart, Query,
    WILDCARD_VALUES_MAX, WILDCARDS_PER_VALUE_MAX, parse, parse_with_positions,
};

/// The tree in a short notation: `&(…)`, `|(…)`, `!…`, `f=v` a term, `f"…"` a phrase, `f~…` a pattern,
/// `f[…]` a range, `f?` exists, `*` everything.
fn shape(query: &Query) -> String {
    let field = |field: &Option<String>| field.clone().unwrap_or_default();
    let all = |all: &[Query]| all.iter().map(shape).collect::<Vec<_>>().join(" ");
    match query {
        Query::All => "*".to_owned(),
        Query::And(inner) => format!("&({})", all(inner)),
        Query::Or(inner) => format!("|({})", all(inner)),
        Query::Not(inner) => format!("!{}", shape(inner)),
        Query::Term { field: name, value } => format!("{}={value}", field(name)),
        Query::Phrase { field: name, text } => format!("{}\"{text}\"", field(name)),
        Query::Wildcard { field: name, pattern } => {
            let part = |part: &PatternPart| match part {
                PatternPart::Text(text) => format!("<{text}>"),
                PatternPart::Any => "*".to_owned(),
                PatternPart::One => "?".to_owned(),
            };
            format!("{}~{}", field(name), pattern.0.iter().map(part).collect::<String>())
        }
        Query::Range { field, from, to } => {
            let bound = |bound: &Bound| match bound {
                Bound::Unbounded => "*".to_owned(),
                Bound::Inclusive(text) => format!("={text}"),
                Bound::Exclusive(text) => format!("/{text}"),
            };
            format!("{field}[{} {}]", bound(from), bound(to))
        }
        Query::Exists { field } => format!("{field}?"),
    }
}

/// Whether a text has this tree, and its display has the same.
fn check(text: &str, expected: &str) {
    let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(shape(&query), expected, "{text}");
    let displayed = query.to_string();
    assert_eq!(parse(&displayed).as_ref(), Ok(&query), "{text} is displayed as {displayed}");
}

/// Whether a text is refused at this character with words like these.
fn refuse(text: &str, position: usize, words: &str) {
    match parse(text) {
        Ok(query) => panic!("{text:?} was understood: {}", shape(&query)),
        Err(error) => {
            assert_eq!(error.position, position, "{text:?}: {error}");
            assert!(error.message.contains(words), "{text:?}: {error}");
        }
    }
}

#[test]
fn words_and_phrases() {
    check("", "*");
    check(" \t\n ", "*");
    check("*", "*");
    check("*:*", "*");
    check("declined", "=declined");
    check("ORD-1", "=ORD-1");
    check("a+b", "=a+b");
    check("\"card expired\"", "\"card expired\"");
    check("\"\"", "\"\"");
    check(r#""a \"b\" \\ c""#, r#""a "b" \ c""#);
    check("message:\"a: (b)\"", "message\"a: (b)\"");
    check("and or not", "&(=and =or =not)");
    check("ANDROID ORDER NOTE", "&(=ANDROID =ORDER =NOTE)");
    refuse("${jndi:ldap://x}", 2, "needs a field");
}

#[test]
fn fields_and_values() {
    check("type:transaction", "event.dataset=transaction");
    check("level:(error OR warning)", "|(log.level=error log.level=warning)");
    check("_exists_:level", "log.level?");
    check("my.level:a levels:b", "&(my.level=a levels=b)");
    check("shop.order.id:ORD-1", "shop.order.id=ORD-1");
    check("shop.order.id: ORD-1", "shop.order.id=ORD-1");
    check("url:https://shop.example/a?b", "url~<https://shop.example/a>?<b>");
    check("client.ip:2001:db8::1", "client.ip=2001:db8::1");
    check("client.ip:10.0.0.0/8", "client.ip=10.0.0.0/8");
    check("amount:-5", "amount=-5");
    check("a:NOT", "a=NOT");
    check(r"a\:b", "=a:b");
    check(r"a\ b:c\ d", "a b=c d");
    check(r"\AND", "=AND");
    check(r"a:\*", "a=*");
    check("tags:(new vip)", "&(tags=new tags=vip)");
    check("tags:(new OR (vip -old))", "|(tags=new &(tags=vip !tags=old))");
    check("tags:(\"a b\" cd* >5)", "&(tags\"a b\" tags~<cd>* tags[/5 *])");
}

#[test]
fn wildcards_and_existence() {
    check("or*", "~<or>*");
    check("id:or?-*", "id~<or>?<->*");
    check(r"ab\*c*", "~<ab*c>*");
    check("a:*", "a?");
    check("_exists_:a.b", "a.b?");
    check("_exists_:\"a b\"", "a b?");
    check("_exists_:type", "event.dataset?");
    check("a:[* TO *]", "a?");
    refuse("*a", 1, "at least 2 characters");
    refuse("?", 1, "at least 2 characters");
    refuse("a:b*", 3, "at least 2 characters");
    refuse("a*:b", 2, "without wildcards");
    refuse("_exists_:ab*", 10, "without wildcards");
    refuse("_exists_:*", 10, "field");
    refuse("_exists_:>5", 10, "field name");
    refuse("_exists_:\"\"", 10, "field name");
}

#[test]
fn ranges() {
    check("a:>5", "a[/5 *]");
    check("a:>=5", "a[=5 *]");
    check("a:<5", "a[* /5]");
    check("a:<= 5", "a[* =5]");
    check("a:>-5", "a[/-5 *]");
    check("a:[1 TO 2]", "a[=1 =2]");
    check("a:{1 TO 2]", "a[/1 =2]");
    check("a:[ 1 TO 2 }", "a[=1 /2]");
    check("a:[* TO 2]", "a[* =2]");
    check("a:[\"x y\" TO *}", "a[=x y *]");
    check(
        "@timestamp:[2026-11-24T08:00:00Z TO now-1h]",
        "@timestamp[=2026-11-24T08:00:00Z =now-1h]",
    );
    check("a:[TO TO TO]", "a[=TO =TO]");
    refuse("[1 TO 2]", 1, "needs a field");
    refuse("a:[1 2]", 6, "`TO`");
    refuse("a:[1 TO 2", 3, "never closed");
    refuse("a:[1 TO 2)", 10, "`]` or `}`");
    refuse("a:[1 TO", 8, "expected a value");
    refuse("a:[", 4, "expected a value");
    refuse("a:>", 4, "expected a value");
    refuse("a:>*", 4, "to compare with");
}

#[test]
fn operators_bind_as_usual() {
    check("a b", "&(=a =b)");
    check("a AND b", "&(=a =b)");
    check("a && b || c", "|(&(=a =b) =c)");
    check("a OR b AND c", "|(=a &(=b =c))");
    check("(a OR b) AND c", "&(|(=a =b) =c)");
    check("(a OR b) OR c", "|(=a =b =c)");
    check("a OR (b OR c)", "|(=a =b =c)");
    check("(a b) c", "&(=a =b =c)");
    check("a AND NOT b", "&(=a !=b)");
    check("NOT a OR b", "|(!=a =b)");
    check("NOT (a OR b)", "!|(=a =b)");
    check("NOT NOT a", "!!=a");
    check("a -b +c !d", "&(=a !=b =c !=d)");
    check("-(a b)", "!&(=a =b)");
    check("-a:b", "!a=b");
    check("((((a))))", "=a");
    check("a&&b", "&(=a =b)");
    check("a&b|c", "=a&b|c");
}

#[test]
fn mistakes_name_their_character() {
    refuse("a AND", 6, "found the end");
    refuse("AND a", 1, "expected a term");
    refuse("a OR OR b", 6, "expected a term");
    refuse("a NOT", 6, "found the end");
    refuse("(a", 1, "never closed");
    refuse("a)", 2, "closes nothing");
    refuse("()", 2, "expected a term");
    refuse("a ]", 3, "expected a term");
    refuse("\"a", 1, "never closed");
    refuse("ä \"b", 3, "never closed");
    refuse("a:", 3, "expected a value after `a:`");
    refuse("a: AND b", 4, "expected a value");
    refuse("a:)", 3, "expected a value");
    refuse(":a", 1, "field name");
    refuse("a - b", 4, "directly after `-`");
    refuse("+", 2, "directly after `+`");
    refuse("a\\", 2, "after `\\`");
    refuse("roam~", 5, "not known");
    refuse("roam~2", 5, "not known");
    refuse("a^1.5", 2, "not known");
    refuse("\"a b\"~3", 6, "not known");
}

#[test]
fn each_limit_is_kept() {
    let parentheses = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    check(&parentheses(DEPTH_MAX), "=a");
    refuse(&parentheses(DEPTH_MAX + 1), DEPTH_MAX + 1, "nest at most");
    let negations = |depth: usize| format!("{}a", "NOT ".repeat(depth));
    assert!(parse(&negations(DEPTH_MAX)).is_ok());
    refuse(&negations(DEPTH_MAX + 1), DEPTH_MAX * 4 + 1, "nest at most");
    refuse(&format!("{}a", "-".repeat(DEPTH_MAX + 1)), DEPTH_MAX + 1, "nest at most");

    let clauses = |count: usize| vec!["a"; count].join(" ");
    assert!(parse(&clauses(CLAUSES_MAX)).is_ok());
    refuse(&clauses(CLAUSES_MAX + 1), CLAUSES_MAX * 2 + 1, "clauses");

    let wildcards = |count: usize| format!("ab{}", "*c".repeat(count));
    assert!(parse(&wildcards(WILDCARDS_PER_VALUE_MAX)).is_ok());
    refuse(&wildcards(WILDCARDS_PER_VALUE_MAX + 1), 1, "wildcards");
    let values = |count: usize| vec!["ab*"; count].join(" ");
    assert!(parse(&values(WILDCARD_VALUES_MAX)).is_ok());
    refuse(&values(WILDCARD_VALUES_MAX + 1), WILDCARD_VALUES_MAX * 4 + 1, "with wildcards");

    assert!(parse(&"ä".repeat(LENGTH_CHARACTERS_MAX)).is_ok());
    let long = "ä".repeat(LENGTH_CHARACTERS_MAX + 1);
    refuse(&long, LENGTH_CHARACTERS_MAX + 1, "characters");
}

/// Hostile input 17: deep or long queries are refused at once.
#[test]
fn hostile_queries_are_refused_quickly() {
    let texts = [
        "(".repeat(1_000),
        format!("{}a{}", "(".repeat(1_000), ")".repeat(1_000)),
        "NOT ".repeat(1_000),
        "-".repeat(4_096),
        "a:(".repeat(1_000),
        vec!["a OR b"; 1_000].join(" AND "),
        "(a OR ".repeat(1_000),
        "\"".repeat(4_095),
        "a:[".repeat(1_000),
        "x".repeat(50_000_000),
        "a* ".repeat(1_000),
        "\\".repeat(4_095),
    ];
    for text in texts {
        let start = Instant::now();
        assert!(parse(&text).is_err(), "{text:.40}");
        assert!(start.elapsed() < Duration::from_millis(500), "{text:.40}");
    }
}

/// Any text: characters with a meaning are frequent.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        prop::char::any(),
        prop::sample::select(r#"ab :\"()[]{}*?+-!&|<>=~^ANDORTO0"#.chars().collect::<Vec<_>>()),
    ];
    prop::collection::vec(character, 0..12).prop_map(|characters| characters.into_iter().collect())
}

fn field() -> impl Strategy<Value = String> {
    let names = text().prop_filter("a field that is a field", |name| {
        !name.is_empty() && !matches!(name.as_str(), "type" | "level" | "_exists_")
    });
    prop_oneof![names, Just("shop.order.id".to_owned()), Just("AND".to_owned())]
}

fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![
        Just(Bound::Unbounded),
        text().prop_map(Bound::Inclusive),
        text().prop_map(Bound::Exclusive),
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let wildcard = prop_oneof![Just(PatternPart::Any), Just(PatternPart::One)];
    let rest = prop::collection::vec((wildcard, text()), 1..3);
    (text(), rest).prop_map(|(prefix, rest)| {
        let mut parts = vec![PatternPart::Text(format!("{prefix}ab"))];
        for (wildcard, text) in rest {
            parts.push(wildcard);
            if !text.is_empty() {
                parts.push(PatternPart::Text(text));
            }
        }
        Pattern(parts)
    })
}

fn leaf() -> impl Strategy<Value = Query> {
    let named = || prop::option::of(field());
    prop_oneof![
        Just(Query::All),
        (named(), text().prop_filter("a word", |text| !text.is_empty()))
            .prop_map(|(field, value)| Query::Term { field, value }),
        (named(), text()).prop_map(|(field, text)| Query::Phrase { field, text }),
        (named(), pattern()).prop_map(|(field, pattern)| Query::Wildcard { field, pattern }),
        (field(), bound(), bound())
            .prop_filter("a range with an end", |(_, from, to)| {
                !(*from == Bound::Unbounded && *to == Bound::Unbounded)
            })
            .prop_map(|(field, from, to)| Query::Range { field, from, to }),
        field().prop_map(|field| Query::Exists { field }),
    ]
}

/// Trees as [`parse`] makes them: lists of two or more, none directly within its like.
fn tree() -> impl Strategy<Value = Query> {
    leaf().prop_recursive(4, 9, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.prop_map(|query| Query::Not(Box::new(query))),
            several.clone().prop_map(|all| joined(all, true)),
            several.prop_map(|all| joined(all, false)),
        ]
    })
}

fn joined(all: Vec<Query>, and: bool) -> Query {
    let flat = |query| match query {
        Query::And(inner) if and => inner,
        Query::Or(inner) if !and => inner,
        other => vec![other],
    };
    let all = all.into_iter().flat_map(flat).collect();
    if and { Query::And(all) } else { Query::Or(all) }
}

#[test]
fn each_leaf_knows_where_its_value_begins() {
    for (text, expected) in [
        ("", &[1][..]),
        ("ü AND amount:>abc", &[1, 14]),
        ("NOT (a:b OR client.ip:[1 TO 2]) c:\"d e\"", &[8, 23, 35]),
        ("level:(error OR * OR wa*) x", &[8, 17, 22, 27]),
        ("_exists_:a *:* ", &[10, 12]),
    ] {
        assert_eq!(parse_with_positions(text).unwrap().1, expected, "{text}");
    }
}

proptest! {
    #[test]
    fn a_displayed_tree_parses_to_itself(query in tree()) {
        let displayed = query.to_string();
        match parse(&displayed) {
            Ok(parsed) => prop_assert_eq!(parsed, query, "{}", displayed),
            // Only a limit may stop it: the tree was not made by `parse`.
            Err(error) => prop_assert!(error.message.contains("at most"), "{displayed}: {error}"),
        }
    }

    #[test]
    fn any_text_is_understood_or_refused_at_a_character(parts in prop::collection::vec(text(), 0..20)) {
        let text = parts.join(" ");
        match parse_with_positions(&text) {
            Ok((query, positions)) => {
                let mut leaves = 0;
                query.walk(&mut |query| {
                    leaves += usize::from(!matches!(query, Query::And(_) | Query::Or(_) | Query::Not(_)));
                });
                prop_assert_eq!(positions.len(), leaves);
                prop_assert_eq!(parse(&query.to_string()), Ok(query));
            }
            Err(error) => {
                let length = text.chars().count();
                prop_assert!((1..=length + 1).contains(&error.position), "{text:?}: {error}");
                prop_assert!(!error.message.is_empty());
            }
        }
    }
}
