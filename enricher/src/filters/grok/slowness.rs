//! How slow a pattern can become: measured when a pipeline is checked, on text that is made up from the
//! pattern itself, in steps of the automaton. Reads no clock, so that a check says the same everywhere.
//!
//! A text costs a step for each byte and one for each state of the program that is visited where the
//! automaton has to work out where a byte leads. For most patterns all of that is worked out soon. It never
//! is where counted parts overlap: each place of the text may begin one, and which have begun makes the state.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::automaton::{Automaton, Stepper};
use super::program::{Program, ProgramError, parse};
use super::ruby_syntax::Translation;

/// Steps for a byte from which on a pattern is slow. On text that nearly fits them, 349 of the 362 patterns that come
/// along take at most 10, and none takes 70.
pub(super) const SLOW_STEPS: u64 = 100;
/// Steps for a byte that are counted at most: the check itself must not take long.
pub(super) const COUNTED_STEPS: u64 = 500;
/// Made-up text of one line.
const LINE_BYTES: usize = 1 << 10;
/// Lines of a round. A pattern whose round was quick enough is quick.
const LINES: usize = 8;
/// Rounds that a pattern has to become quick.
const ROUNDS: usize = 6;
/// Parts of a pattern that are written for a line: nested ones that fit nothing would never fill it.
const CALLS: usize = 1 << 18;
/// What a pattern that fits every text has to fit.
const ANY_TEXT_BYTES: usize = 16 << 10;
/// Words of no log in particular.
const WORDS: &str = "Jan 12 08:15:30 shop-3.example.com api[4711]: 192.0.2.17 - user@example.com \"GET /cart/add?id=9f8a7c HTTP/1.1\" 503 1532 0.042 level=ERROR msg='payment failed' order_id=A-10293 2026-01-12T08:15:30.123Z [main] c.e.shop.Checkout - retry 2/3 after 1500ms; cause: timeout (10.0.0.5:5432) {\"key\": null, \"total\": 129.90} <tag> a-b-c_d ";

/// Steps for a byte that a pattern takes in the long run, on text that it nearly fits.
///
/// # Errors
/// The pattern cannot be compiled.
pub(super) fn steps_for_byte(
    translation: &Translation,
    memory_bytes: usize,
) -> Result<u64, ProgramError> {
    let hir = parse(&translation.expression)?;
    let mut automaton = Automaton::new(Program::compile(translation)?, memory_bytes);
    let mut stepper = Stepper::new();
    let mut writer = Writer { random: 1, word: 0, calls_left: 0, text: String::new() };
    let mut steps = 0;
    for _ in 0..ROUNDS {
        steps = round(&hir, &mut automaton, &mut stepper, &mut writer);
        if steps < SLOW_STEPS {
            break;
        }
    }
    Ok(steps)
}

/// The same of a pattern that may only begin where a line does.
///
/// # Errors
/// The pattern cannot be compiled.
pub(super) fn steps_for_byte_anchored(
    translation: &Translation,
    memory_bytes: usize,
) -> Result<u64, ProgramError> {
    let expression = format!("(?m:^)(?:{})", translation.expression);
    steps_for_byte(&Translation { expression, ..translation.clone() }, memory_bytes)
}

/// Whether a pattern fits every text, at its very beginning or as a whole line. One that takes too long to say is taken
/// for one that does not.
///
/// # Errors
/// The pattern cannot be compiled.
pub(super) fn fits_everything(translation: &Translation) -> Result<bool, ProgramError> {
    let hir = parse(&translation.expression)?;
    if hir.properties().minimum_len() != Some(0) {
        return Ok(false);
    }
    if hir.properties().look_set().is_empty() && translation.looks.is_empty() {
        return Ok(true);
    }
    // With anchors it depends on what stands between them.
    let mut automaton = Automaton::new(Program::compile(translation)?, 1 << 20);
    let mut stepper = Stepper::new();
    let all: String = (1..128u8).map(char::from).chain("é€😀".chars()).collect();
    let line = all.replace('\n', "");
    let long = all.repeat(ANY_TEXT_BYTES / all.len());
    let mut texts = vec![String::new(), long, line];
    // A condition on the first character may leave a single one out.
    texts.extend((1..128u8).map(|byte| char::from(byte).to_string()));
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut steps = COUNTED_STEPS * bytes as u64;
    Ok(texts.iter().all(|text| automaton.search(text, &mut stepper, &mut steps) == Ok(true)))
}

/// Steps for a byte of a round's lines: half of them take no more.
fn round(hir: &Hir, automaton: &mut Automaton, stepper: &mut Stepper, writer: &mut Writer) -> u64 {
    let mut costs: Vec<u64> = Vec::with_capacity(LINES);
    for _ in 0..LINES {
        let line = writer.line(hir);
        let most = COUNTED_STEPS * line.len() as u64;
        let mut left = most;
        let ended = automaton.search(line, stepper, &mut left);
        costs.push(ended.map_or(COUNTED_STEPS, |_| (most - left) / line.len().max(1) as u64));
    }
    costs.sort_unstable();
    costs.get(costs.len() / 2).copied().unwrap_or_default()
}

/// Writes text by the pattern; the same in each run.
struct Writer {
    random: u64,
    /// Place in [`WORDS`].
    word: usize,
    /// Parts that may still be written for the line.
    calls_left: usize,
    text: String,
}

impl Writer {
    /// A line of beginnings of texts that would fit, and other words.
    fn line(&mut self, hir: &Hir) -> &str {
        let mut line = String::with_capacity(2 * LINE_BYTES);
        self.calls_left = CALLS;
        while line.len() < LINE_BYTES {
            self.text.clear();
            self.write(hir);
            // Without its end, so that it does not fit.
            let end = self.below(self.text.len().max(1));
            line.push_str(&self.text[..self.text.floor_char_boundary(end)]);
            for _ in 0..self.below(48) {
                line.push(self.next_letter());
            }
        }
        self.text = line;
        &self.text
    }

    /// Adds a text that an expression fits.
    fn write(&mut self, hir: &Hir) {
        if self.is_full() {
            return;
        }
        self.calls_left -= 1;
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.text.push_str(&String::from_utf8_lossy(&literal.0)),
            HirKind::Class(class) => self.write_class(class),
            HirKind::Capture(group) => self.write(&group.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.write(part)),
            HirKind::Alternation(ways) => {
                let way = self.below(ways.len());
                self.write(&ways[way]);
            }
            HirKind::Repetition(repeated) => {
                let most = repeated.max.unwrap_or(repeated.min.saturating_add(12));
                let more = self.below((most - repeated.min.min(most)) as usize + 1);
                for _ in 0..repeated.min as usize + more {
                    if self.is_full() {
                        break;
                    }
                    self.write(&repeated.sub);
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        self.text.len() >= LINE_BYTES || self.calls_left == 0
    }

    /// Adds a character of a class: one of a usual text where there is one.
    fn write_class(&mut self, class: &Class) {
        let Class::Unicode(class) = class else { return };
        let ranges = class.ranges();
        for _ in 0..6 {
            let letter = self.next_letter();
            if ranges.iter().any(|range| range.start() <= letter && letter <= range.end()) {
                self.text.push(letter);
                return;
            }
        }
        if ranges.is_empty() {
            return;
        }
        let range = ranges[self.below(ranges.len())];
        let width = u32::from(range.end()) - u32::from(range.start());
        let code = u32::from(range.start()) + self.below(width as usize + 1) as u32;
        self.text.push(char::from_u32(code).unwrap_or(range.start()));
    }

    /// The next character of the words, now and then from another place on.
    fn next_letter(&mut self) -> char {
        if self.below(16) == 0 {
            self.word = self.below(WORDS.len());
        }
        self.word = (self.word + 1) % WORDS.len();
        char::from(WORDS.as_bytes()[self.word])
    }

    /// A number below another one.
    fn below(&mut self, end: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.random >> 33) as usize % end
    }
}
