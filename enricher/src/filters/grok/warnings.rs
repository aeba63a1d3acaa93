//! What is said of patterns that run, and probably not as they were meant: slow ones, with the reason, and
//! those that are never tried.
//!
//! Nested counts, several `%{DATA}` in a row and a missing `^` are no reason to warn: the automaton takes
//! one pass over a text whatever they are. What is said of slowness was measured, but for patterns that no automaton
//! runs: of those it is enough to say so, and where it is that they ask for more.

use super::options::{STEPS_PER_MILLISECOND, shortened};
use super::ruby_syntax::{SyntaxError, Translation};
use super::slowness::{
    COUNTED_STEPS, SLOW_STEPS, fits_everything, steps_for_byte, steps_for_byte_anchored,
};
use super::tables_bytes;
use crate::language::Span;
use crate::options::Options;

/// A pattern with what was made of it on the way to its program.
pub(super) struct WrittenPattern {
    pub(super) text: String,
    pub(super) span: Span,
    /// With every name written out.
    pub(super) expression: String,
    /// What the automaton runs, or what it cannot run.
    pub(super) translation: Result<Translation, SyntaxError>,
}

/// Looks at the patterns of a filter, field by field.
pub(super) fn warn(options: &mut Options<'_>, fields: &[&[WrittenPattern]], break_on_match: bool) {
    let memory_bytes = tables_bytes(fields.iter().map(|patterns| patterns.len()).sum());
    for patterns in fields {
        if break_on_match {
            warn_of_never_tried(options, patterns);
        }
        for pattern in *patterns {
            match &pattern.translation {
                Ok(translation) => warn_of_slowness(options, pattern, translation, memory_bytes),
                Err(reason) => {
                    let (message, way_out) = reason.slowness(&pattern.text);
                    let place = options.span_of(pattern.span, reason.part());
                    options.warn_at(place, message, way_out);
                }
            }
        }
    }
}

/// Patterns behind one that fits every text, and those that stand there a second time.
fn warn_of_never_tried(options: &mut Options<'_>, patterns: &[WrittenPattern]) {
    for (place, pattern) in patterns.iter().enumerate() {
        let earlier = &patterns[..place];
        let said = if earlier.iter().any(|other| other.text == pattern.text) {
            Some(("it stands in the list a second time", "remove it"))
        } else if earlier
            .last()
            .and_then(|other| other.translation.as_ref().ok())
            .is_some_and(|translation| fits_everything(translation) == Ok(true))
        {
            Some((
                "the one before it fits every text",
                "put the one that fits every text last, or set `break_on_match => false`",
            ))
        } else {
            None
        };
        if let Some((reason, way_out)) = said {
            let message = format!("`{}` is never tried: {reason}", shortened(&pattern.text));
            options.warn_at(pattern.span, message, way_out);
        }
    }
}

fn warn_of_slowness(
    options: &mut Options<'_>,
    pattern: &WrittenPattern,
    translation: &Translation,
    memory_bytes: usize,
) {
    // It was compiled before.
    let Ok(steps) = steps_for_byte(translation, memory_bytes) else { return };
    if steps < SLOW_STEPS {
        return;
    }
    let count = largest_count(&pattern.expression);
    let reason = match count {
        Some(count) => {
            format!("each place of the text may begin a part that is counted with `{count}`")
        }
        None => "each place of the text may begin several of its parts".to_owned(),
    };
    let message = format!(
        "`{}` can be slow: a text that nearly fits may take {}, where most patterns take 0.02; \
         {reason}",
        shortened(&pattern.text),
        cost(steps)
    );
    let anchored = steps_for_byte_anchored(translation, memory_bytes);
    let helps = anchored.is_ok_and(|anchored| is_much_less(anchored, steps));
    let way_out = match (helps, count) {
        (true, None) => "put `^` before it, if it begins where the text does".to_owned(),
        (true, Some(count)) => format!(
            "put `^` before it, if it begins where the text does, and write `*` or `+` in place of \
             `{count}`, if any length will do"
        ),
        (false, Some(count)) => {
            format!("write `*` or `+` in place of `{count}`, and check the length in a condition")
        }
        (false, None) => {
            "say more exactly with which characters its parts begin and end".to_owned()
        }
    };
    options.warn_at(pattern.span, message, way_out);
}

/// What a pattern takes, for people. Steps are counted up to a number only.
fn cost(steps: u64) -> String {
    let milliseconds = (steps << 10) as f64 / STEPS_PER_MILLISECOND as f64;
    let or_more = if steps >= COUNTED_STEPS { " or more" } else { "" };
    format!("{milliseconds:.1} ms a kilobyte{or_more}")
}

/// Whether a pattern becomes quicker by a way out. Of one that takes more than is counted nobody knows how much.
fn is_much_less(steps: u64, before: u64) -> bool {
    if before >= COUNTED_STEPS { steps < COUNTED_STEPS } else { steps <= before / 2 }
}

/// The count `{1,200}` in an expression with the largest number.
fn largest_count(expression: &str) -> Option<&str> {
    let mut largest: Option<(u32, &str)> = None;
    for (start, _) in expression.match_indices('{') {
        let Some(end) = expression[start..].find('}').map(|end| start + end) else { break };
        let numbers = expression[start + 1..end].split(',').map(|number| match number {
            "" => Ok(0),
            digits => digits.parse::<u32>(),
        });
        if let Ok(Some(most)) =
            numbers.collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().max())
            && most > 1
            && largest.is_none_or(|(number, _)| number < most)
        {
            largest = Some((most, &expression[start..=end]));
        }
    }
    largest.map(|(_, count)| count)
}

#[cfg(test)]
mod tests {
    use super::{COUNTED_STEPS, cost, is_much_less, largest_count};
    use crate::filter::Environment;
    use crate::filters::grok::definitions::Definitions;
    use crate::language::{Source, Syntax};
    use crate::plan::parse_and_compile;

    /// What is said of patterns.
    fn warned(patterns: &str) -> Vec<String> {
        let text = format!("filter {{ grok {{ match => {{ message => {patterns} }} }} }}");
        let environment = Environment { wants_warnings: true, ..Environment::default() };
        let source = Source::new("test.conf", text);
        let plan = parse_and_compile(&source, Syntax::default(), &environment);
        let plan = plan.expect("a good pipeline");
        plan.warnings().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn patterns_as_people_write_them_are_not_talked_of() {
        for pattern in [
            "%{COMBINEDAPACHELOG}",
            "%{SYSLOGLINE}",
            "%{SYSLOGTIMESTAMP:t} %{SYSLOGHOST:h} %{DATA:p}(?:\\[%{POSINT:pid}\\])?: %{GREEDYDATA:m}",
            "^%{TIMESTAMP_ISO8601:t}\\s+%{LOGLEVEL:l}\\s+\\[%{DATA:thread}\\] %{JAVACLASS:c} - %{GREEDYDATA:m}",
            "%{DATA:a} %{DATA:b} %{DATA:c} %{DATA:d} %{DATA:e} %{GREEDYDATA:f}",
            "%{GREEDYDATA:before} took %{NUMBER:ms:float}ms",
            ".*user=(?<user>(?:[a-z]+)+) .*",
            "%{IP:client} %{WORD:method} %{URIPATHPARAM:request} %{NUMBER:bytes} %{NUMBER:duration}",
            "(?<id>[0-9a-f]{32})",
            "%{UUID:id}",
            "%{URI:uri}",
            "%{NOTSPACE:a}%{SPACE}%{NOTSPACE:b}",
        ] {
            assert!(
                warned(&format!("'{pattern}'")).is_empty(),
                "{:?}",
                warned(&format!("'{pattern}'"))
            );
        }
    }

    #[test]
    fn a_slow_pattern_is_named_with_its_reason_and_a_way_out() {
        let said = warned("'[a-z].{0,300}[0-9].{0,300}x!'").join("\n");
        for part in [
            "`[a-z].{0,300}",
            "can be slow",
            "ms a kilobyte",
            "`{0,300}`",
            "way out: put `^` before it",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn a_pattern_that_no_automaton_runs_is_named_at_what_asks_for_more() {
        for (pattern, place, part) in [
            (r"%{WORD:a} (?!end|stop)x", "test.conf:1:50: warning:", "`(?!end|stop)`"),
            (r"(?<a>[-+])x\k<a>", "test.conf:1:51: warning:", r"`\k<a>`"),
        ] {
            let said = warned(&format!("'{pattern}'")).join("\n");
            for part in [place, part, "can be slow", "going back and trying again", "way out: "] {
                assert!(said.contains(part), "{said}");
            }
        }
        // What a definition asks for stands nowhere in the pattern.
        let said = warned("'%{A:x}' } pattern_definitions => { 'A' => '(?=abc)a'").join("\n");
        assert!(
            said.contains("warning: `%{A:x}` can be slow: the look-around `(?=abc)`"),
            "{said}"
        );
    }

    #[test]
    fn a_pattern_that_is_never_tried_is_named() {
        let said = warned("[ '%{GREEDYDATA:m}', '%{IP:a}', '%{WORD:b}' ]").join("\n");
        assert!(
            said.contains("`%{IP:a}` is never tried: the one before it fits every text"),
            "{said}"
        );
        let said = warned("[ '^%{GREEDYDATA:m}$', '%{IP:a}' ]").join("\n");
        assert!(said.contains("never tried"), "{said}");
        let said = warned("[ '%{IP:a}', '%{WORD:b}', '%{IP:a}' ]").join("\n");
        assert!(said.contains("second time"), "{said}");
        for patterns in [
            "[ '%{IP:a} %{GREEDYDATA:m}', '%{GREEDYDATA:m}' ]",
            "[ '^%{WORD}?$', '%{IP:a}' ]",
            "[ '(?<=[0-9])x*', '%{IP:a}' ]",
            "[ '^(?!#)%{GREEDYDATA:m}$', '^#%{GREEDYDATA:note}' ]",
            "[ '^(?:[^#].*)?$', '^#%{GREEDYDATA:note}' ]",
            "[ '^\\B.*$', '%{IP:a}' ]",
        ] {
            assert!(warned(patterns).is_empty(), "{:?}", warned(patterns));
        }
    }

    #[test]
    fn patterns_within_each_other_that_fit_nothing_are_looked_at_in_bounded_time() {
        let (before, behind) = ("(?:".repeat(12), "*)".repeat(12));
        let said = warned(&format!("[ '{before}[a&&b]{behind}x', '{before}[a&&b]{behind}$' ]"));
        assert!(said.is_empty(), "{said:?}");
    }

    #[test]
    fn what_is_beyond_the_count_is_said_to_be_at_least_so_much() {
        assert_eq!(cost(COUNTED_STEPS - 100), "4.1 ms a kilobyte");
        assert_eq!(cost(COUNTED_STEPS), "5.1 ms a kilobyte or more");
        for (steps, before, is_less) in [
            (200, 400, true),
            (201, 400, false),
            (COUNTED_STEPS - 1, COUNTED_STEPS, true),
            (COUNTED_STEPS, COUNTED_STEPS, false),
        ] {
            assert_eq!(is_much_less(steps, before), is_less, "{steps} {before}");
        }
    }

    #[test]
    fn the_largest_count_is_the_one_that_is_named() {
        assert_eq!(largest_count(r"a{2}b{1,30}c{,4}d{5,}e{x}\{"), Some("{1,30}"));
        assert_eq!(largest_count(r"a{1}b+{c,9"), None);
    }

    #[test]
    fn patterns_that_come_along_are_quick() {
        let definitions = Definitions::shipped(true);
        let mut names: Vec<_> = definitions.names().collect();
        names.sort_unstable();
        let slow: Vec<_> = names
            .into_iter()
            .filter(|name| !warned(&format!("'%{{{name}}}'")).is_empty())
            .collect();
        assert!(slow.is_empty(), "{slow:?}");
    }
}
