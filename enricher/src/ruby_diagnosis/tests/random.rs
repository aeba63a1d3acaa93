//! Any text, and code put together at random.

use proptest::prelude::*;

use super::*;
use crate::ruby_diagnosis::CODE_BYTES_MAX;

/// Parts of code, put together at random: much of it can be read.
fn ruby() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "event.set(\"a\", ",
        "event.get(\"b\")",
        "event.remove(\"c\")",
        ")",
        "(",
        "[",
        "]",
        "{",
        "}",
        " if ",
        " unless ",
        "end",
        " do |k, v| ",
        ".each",
        "event.to_hash",
        "\n",
        ";",
        " + ",
        " - ",
        " / ",
        " ? ",
        " : ",
        "x = ",
        "x",
        ".to_i",
        ".split(\",\")",
        "[0]",
        "\"#{",
        "}\"",
        "%w[",
        "/re/",
        "return",
        "case x",
        "when 1",
        "else",
        "||",
        "&&",
        "!",
        "1.5",
        "begin",
        "rescue",
        "nil",
        "=> ",
        "a: ",
        ":b",
        "Time.at(",
        ".round(2)",
        ", ",
        "event.cancel",
        "é",
        "\\",
        "\"",
        "LogStash::Timestamp.at(",
        "event.tag(\"t\")",
        "JSON.parse(",
        " while ",
        "-> ",
        "|",
        "x = x + x\n",
        "# c",
    ]);
    prop::collection::vec(parts, 0..60).prop_map(|parts| parts.concat())
}

/// What is proposed can be loaded.
fn check(code: &str) -> Result<(), TestCaseError> {
    let source = Source::new("my.conf", format!("filter {{ ruby {{ code => '{code}' }} }}"));
    let Err(mistakes) = parse_and_compile(&source, Syntax::default(), &Environment::default())
    else {
        return Err(TestCaseError::fail("was not refused"));
    };
    let said = &mistakes[0];
    if said.message.contains("other filters do") {
        let (_, lines) = said.way_out.split_once('\n').unwrap_or_default();
        let source = Source::new("proposed.conf", format!("filter {{\n{lines}\n}}"));
        if let Err(mistakes) =
            parse_and_compile(&source, Syntax::default(), &Environment::default())
        {
            return Err(TestCaseError::fail(format!("{code}\n{lines}\n{}", mistakes[0])));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_looked_at(code in "[^'$]{0,200}") {
        check(&code)?;
    }

    #[test]
    fn any_code_gives_what_can_be_loaded(code in ruby()) {
        check(&code)?;
    }
}

#[test]
fn the_time_is_linear() {
    // Each is read in far less than this, and quadratic would take minutes.
    let limit = std::time::Duration::from_secs(10);
    let full = |part: &str| part.repeat(CODE_BYTES_MAX / part.len());
    for part in [
        "(",
        "[",
        "{",
        "\"#{",
        "%w[",
        "x",
        "x.",
        "a + ",
        "!",
        "-",
        "if x\n",
        "x = x + x\n",
        "event.set(\"a\", x)\n",
        "/",
        "/ /",
        "x ? ",
        "\"",
        "#",
        "a.b do ",
        "case x\n",
        "a = b\nb = a\n",
        "->",
        "event.tag(\"a\") if x\n",
        "return if x\n",
        "[\"a\", \"b\"].each { |f| ",
        "x = event.get(\"a\")\n",
        "\"#{x}",
        "é",
        "\\\n",
        "a,",
        "a ||= ",
        "h = {}\nh[1] = 2\n",
        "event.set(\"a\", event.get(\"b\").split(\"c\")[0]) if event.get(\"d\") =~ /e/\n",
        "x0 = x1 + x1\n",
    ] {
        let started = std::time::Instant::now();
        let said = of_code(&full(part));
        assert!(started.elapsed() < limit, "{part}: {:?}", started.elapsed());
        assert!(said.way_out.len() < 400_000, "{part}: {}", said.way_out.len());
    }
    let doubled = (1..200).map(|n| format!("x{n} = x{} + x{}\n", n - 1, n - 1)).collect::<String>();
    of_code(&format!("x0 = event.get(\"a\")\n{doubled}event.set(\"b\", x199)"));
    assert!(of_code(&"x".repeat(CODE_BYTES_MAX + 1)).message.contains("too long"));
}
