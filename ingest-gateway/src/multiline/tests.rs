//! Which lines are one event, for any split of the bytes.

use bus::{JoinLimit, Joined};
use bytes::Bytes;
use proptest::prelude::*;
use service::{ByteSize, Metrics};

use super::Rules;
use crate::config::{MultilineConfig, What};
use crate::frames::Frames;
use crate::lines::Framing;
use crate::metrics::GatewayMetrics;

fn config(pattern: &str, negate: bool, what: What) -> MultilineConfig {
    MultilineConfig { pattern: Some(pattern.into()), negate, what, ..MultilineConfig::default() }
}

fn events_of(config: &MultilineConfig, chunks: &[&[u8]], line_bytes_max: usize) -> Vec<String> {
    let rules = Rules::new(config, line_bytes_max);
    let metrics = GatewayMetrics::new(&Metrics::default());
    let mut frames = Frames::new(Framing::Newline, rules, line_bytes_max, "tcp", &metrics);
    let mut seen = Vec::new();
    for chunk in chunks {
        frames.push(Bytes::copy_from_slice(chunk));
        seen.extend(std::iter::from_fn(|| frames.next()));
    }
    frames.finish(true);
    seen.extend(std::iter::from_fn(|| frames.next()));
    assert!(seen.is_sorted_by_key(|line| line.number));
    let text = |line: &crate::intake::Line| match &line.fault {
        None => String::from_utf8_lossy(&line.payload).into_owned(),
        Some(fault) => fault.rejection.kind.to_string(),
    };
    seen.iter().map(text).collect()
}

/// What the record of each event tells of its lines.
fn joined(config: &MultilineConfig, text: &'static str) -> Vec<Option<Joined>> {
    let metrics = GatewayMetrics::new(&Metrics::default());
    let rules = Rules::new(config, 1_000);
    let mut frames = Frames::new(Framing::Newline, rules, 1_000, "tcp", &metrics);
    frames.push(Bytes::from_static(text.as_bytes()));
    let mut events: Vec<_> = std::iter::from_fn(|| frames.next()).collect();
    frames.finish(true);
    events.extend(std::iter::from_fn(|| frames.next()));
    events.iter().map(|event| Joined::of(event.content_type?)).collect()
}

fn events(config: &MultilineConfig, text: &str) -> Vec<String> {
    events_of(config, &[text.as_bytes()], 1_000)
}

#[test]
fn a_stack_belongs_to_the_line_before_it() {
    let java = config(r"^\s", false, What::Previous);
    let text = "Exception: a\n\tat b\n\tat c\nplain\r\n\tindented\r\n\n\tbehind an empty line\n";
    assert_eq!(
        events(&java, text),
        ["Exception: a\n\tat b\n\tat c", "plain\n\tindented", "\n\tbehind an empty line",]
    );
    let dated = config(r"^\d{4}-", true, What::Previous);
    assert_eq!(events(&dated, "2026-1 a\nb\n\nc\n2026-2 d"), ["2026-1 a\nb\n\nc", "2026-2 d"]);
    assert_eq!(events(&dated, "before the first\n2026-2 d"), ["before the first", "2026-2 d"]);
}

#[test]
fn a_line_that_goes_on_belongs_to_the_next_one() {
    let shell = config(r"\\$", false, What::Next);
    assert_eq!(events(&shell, "a \\\nb \\\nc\nd\ne \\"), ["a \\\nb \\\nc", "d", "e \\"]);
    let until = config(r";$", true, What::Next);
    assert_eq!(events(&until, "select\n1;\nselect 2;\n"), ["select\n1;", "select 2;"]);
}

#[test]
fn an_event_is_within_its_limits() {
    let mut rules = config("^ ", false, What::Previous);
    rules.lines_max = 3;
    assert_eq!(events(&rules, "a\n b\n c\n d\n e\nf"), ["a\n b\n c", " d\n e", "f"]);
    rules.lines_max = 100;
    rules.bytes_max = Some(ByteSize(5));
    assert_eq!(events(&rules, "a\n b\n c\n d"), ["a\n b", " c\n d"]);
    assert_eq!(
        events_of(&rules, &[b"a\n b\n 23456789012\n c\n"], 10),
        ["a\n b", "too_large", " c"]
    );
}

#[test]
fn an_event_tells_how_many_lines_it_has_and_what_ended_it() {
    let told = |is_several, limit| Some(Joined { is_several, limit });
    let mut rules = config("^ ", false, What::Previous);
    assert_eq!(joined(&rules, "a\n b\nc"), [told(true, None), None]);
    rules.lines_max = 2;
    assert_eq!(
        joined(&rules, "a\n b\n c\nd"),
        [told(true, Some(JoinLimit::Lines)), None, None],
        "what is beyond is another event"
    );
    rules.lines_max = 100;
    rules.bytes_max = Some(ByteSize(5));
    assert_eq!(
        joined(&rules, "a\n b\n c\n 345\nd"),
        [told(true, Some(JoinLimit::Bytes)), told(false, Some(JoinLimit::Bytes)), None, None]
    );
}

#[test]
fn empty_lines_alone_are_no_event() {
    let rules = config("^ ", false, What::Previous);
    assert_eq!(events(&rules, "\n\n\r\na\n\n"), ["a"]);
}

#[test]
fn it_is_waited_for_another_line_while_an_event_has_begun() {
    let metrics = GatewayMetrics::new(&Metrics::default());
    let config = config("^ ", false, What::Previous);
    let rules = Rules::new(&config, 1_000);
    let mut frames = Frames::new(Framing::Newline, rules, 1_000, "tcp", &metrics);
    assert_eq!(frames.flush_interval(), None, "nothing has begun");
    frames.push(Bytes::from_static(b"one\n"));
    assert!(frames.next().is_none(), "the next line may belong to it");
    assert_eq!(frames.flush_interval(), Some(config.flush_interval.0));
    frames.end_event();
    assert_eq!(frames.flush_interval(), None);
    assert_eq!(frames.next().unwrap().payload, "one");
    let mut lines = Frames::new(Framing::Newline, None, 1_000, "tcp", &metrics);
    lines.push(Bytes::from_static(b"one\ntw"));
    assert!(lines.next().is_some());
    assert_eq!(lines.flush_interval(), None, "half a line is no event");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_split_gives_the_same_events(
        input in prop::collection::vec(prop::sample::select(b"ab \r\n".to_vec()), 0..80),
        cuts in prop::collection::vec(0usize..80, 0..12),
        negate in any::<bool>(),
        is_next in any::<bool>(),
        lines_max in 1u32..5,
        line_bytes_max in 1usize..12,
    ) {
        let what = if is_next { What::Next } else { What::Previous };
        let rules = MultilineConfig { lines_max, ..config("^ ", negate, what) };
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
        let split = events_of(&rules, &chunks, line_bytes_max);
        prop_assert_eq!(split, events_of(&rules, &[&input], line_bytes_max));
    }
}
