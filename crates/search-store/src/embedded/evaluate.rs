//! Runs a plan on one segment: the documents that match, a bit each. Every clause is evaluated as a set,
//! so `NOT` is a complement wherever it stands, and totals are exact.

use std::ops::Bound as Edge;
use std::time::Instant;

use query::PatternPart;
use tantivy::columnar::MonotonicallyMappableToU64;
use tantivy::fastfield::Column;
use tantivy::postings::TermInfo;
use tantivy::query::{EnableScoring, PhraseQuery, Query as _};
use tantivy::schema::{Field as Handle, IndexRecordOption};
use tantivy::termdict::TermStreamer;
use tantivy::{InvertedIndexReader, TERMINATED, Term};

use super::bits::Bits;
use super::catalog::TIMESTAMP_COLUMN;
use super::glob;
use super::part::{PartError, SegmentView};
use super::plan::Plan;
use super::term::{self, SHAPE};
use crate::StoreError;

/// Documents whose numbers are compared at once.
const COLUMN_STEP: u32 = 1 << 16;
/// Terms between two looks at the clock.
const TERMS_STEP: u32 = 4_096;

/// Until when a read may run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(pub(crate) Instant);

impl Deadline {
    /// # Errors
    /// When the time is over.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if Instant::now() < self.0 {
            return Ok(());
        }
        Err(StoreError::Invalid(
            "this takes too long: narrow the time range, or ask for more exact values".to_owned(),
        ))
    }
}

/// A plan on one segment.
pub(crate) struct Evaluation<'a> {
    segment: &'a SegmentView,
    deadline: Deadline,
    length: u32,
}

type Outcome = Result<Bits, StoreError>;

/// The documents of a segment that match and were not replaced; none if nothing does.
///
/// # Errors
/// The segment cannot be read, or the time is over.
pub(crate) fn evaluate(
    plan: &Plan,
    segment: &SegmentView,
    deadline: Deadline,
) -> Result<Option<Bits>, StoreError> {
    deadline.check()?;
    let length = segment.reader.max_doc();
    let evaluation = Evaluation { segment, deadline, length };
    let mut found = evaluation.run(plan)?;
    if let Some(alive) = &segment.alive {
        found.intersect(alive);
    }
    Ok((!found.is_empty()).then_some(found))
}

impl Evaluation<'_> {
    fn run(&self, plan: &Plan) -> Outcome {
        match plan {
            Plan::All => Ok(Bits::all(self.length)),
            Plan::Nothing => Ok(Bits::none(self.length)),
            Plan::And(all) => self.all_of(all),
            Plan::Or(all) => {
                let mut found = Bits::none(self.length);
                for plan in all {
                    found.unite(&self.run(plan)?);
                }
                Ok(found)
            }
            Plan::Not(inner) => {
                let mut found = self.run(inner)?;
                found.invert();
                Ok(found)
            }
            Plan::Terms(terms) => self.terms(terms),
            Plan::TermRange(from, to) => self.term_range(from, to),
            Plan::Glob { prefix, pattern } => self.glob(prefix, pattern),
            Plan::Shape(places) => self.shape(places),
            Plan::Longs { column, from, to } => self.longs(column, *from, *to),
            Plan::Doubles { column, from, to } => self.doubles(column, *from, *to),
            Plan::Words { handle, words } => self.words(*handle, words),
            Plan::WordGlob { handle, pattern } => self.word_glob(*handle, pattern),
        }
    }

    fn all_of(&self, all: &[Plan]) -> Outcome {
        let mut found = Bits::all(self.length);
        for plan in all {
            found.intersect(&self.run(plan)?);
            if found.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    fn terms(&self, terms: &[Vec<u8>]) -> Outcome {
        let mut found = Bits::none(self.length);
        let dictionary = self.segment.terms.terms();
        for term in terms {
            if let Some(info) = dictionary.get(term).map_err(failed)? {
                add_postings(&self.segment.terms, &info, &mut found)?;
            }
        }
        Ok(found)
    }

    fn term_range(&self, from: &Edge<Vec<u8>>, to: &Edge<Vec<u8>>) -> Outcome {
        let mut range = self.segment.terms.terms().range();
        range = match from {
            Edge::Included(term) => range.ge(term),
            Edge::Excluded(term) => range.gt(term),
            Edge::Unbounded => range,
        };
        range = match to {
            Edge::Included(term) => range.le(term),
            Edge::Excluded(term) => range.lt(term),
            Edge::Unbounded => range,
        };
        let stream = range.into_stream().map_err(failed)?;
        self.collect(&self.segment.terms, stream, |_| true)
    }

    fn glob(&self, prefix: &[u8], pattern: &[PatternPart]) -> Outcome {
        let stream = prefixed(&self.segment.terms, prefix)?;
        self.collect(&self.segment.terms, stream, |term| {
            let rest = term.get(prefix.len()..).unwrap_or_default();
            std::str::from_utf8(rest).is_ok_and(|rest| glob::matches(pattern, rest))
        })
    }

    fn shape(&self, places: &[u16]) -> Outcome {
        let stream = prefixed(&self.segment.terms, &term::code(SHAPE))?;
        self.collect(&self.segment.terms, stream, |term| {
            places.iter().any(|place| {
                let byte = term.get(2 + usize::from(place / 8)).copied().unwrap_or(0);
                byte >> (place % 8) & 1 == 1
            })
        })
    }

    /// The documents of all terms of a stream that are wanted.
    fn collect(
        &self,
        index: &InvertedIndexReader,
        mut stream: TermStreamer<'_>,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Outcome {
        let mut found = Bits::none(self.length);
        let mut count = 0u32;
        while stream.advance() {
            count += 1;
            if count.is_multiple_of(TERMS_STEP) {
                self.deadline.check()?;
            }
            if wanted(stream.key()) {
                add_postings(index, stream.value(), &mut found)?;
            }
        }
        Ok(found)
    }

    fn longs(&self, column: &str, from: i64, to: i64) -> Outcome {
        if column == TIMESTAMP_COLUMN {
            return self.column(&self.segment.timestamp, from, to);
        }
        match self.segment.reader.fast_fields().column_opt::<i64>(column).map_err(failed)? {
            Some(column) => self.column(&column, from, to),
            None => Ok(Bits::none(self.length)),
        }
    }

    fn doubles(&self, column: &str, from: Edge<f64>, to: Edge<f64>) -> Outcome {
        let columns = self.segment.reader.fast_fields();
        let Some(column) = columns.column_opt::<f64>(column).map_err(failed)? else {
            return Ok(Bits::none(self.length));
        };
        let low = match from {
            Edge::Included(value) => value,
            Edge::Excluded(value) => value.next_up(),
            Edge::Unbounded => f64::MIN,
        };
        let high = match to {
            Edge::Included(value) => value,
            Edge::Excluded(value) => value.next_down(),
            Edge::Unbounded => f64::MAX,
        };
        // Both zeros are the same number, but not the same value of a column.
        let low = if low == 0.0 { -0.0 } else { low };
        let high = if high == 0.0 { 0.0 } else { high };
        self.column(&column, low, high)
    }

    fn column<T>(&self, column: &Column<T>, from: T, to: T) -> Outcome
    where
        T: MonotonicallyMappableToU64 + PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static,
    {
        let mut found = Bits::none(self.length);
        if from > to || from > column.max_value() || to < column.min_value() {
            return Ok(found);
        }
        let full = column.get_cardinality() == tantivy::columnar::Cardinality::Full;
        if full && from <= column.min_value() && column.max_value() <= to {
            return Ok(Bits::all(self.length));
        }
        let mut documents = Vec::new();
        let mut start = 0;
        while start < self.length {
            let end = start.saturating_add(COLUMN_STEP).min(self.length);
            documents.clear();
            column.get_docids_for_value_range(from..=to, start..end, &mut documents);
            documents.iter().for_each(|document| found.insert(*document));
            start = end;
        }
        Ok(found)
    }

    fn words(&self, handle: Handle, words: &[String]) -> Outcome {
        let mut found = Bits::none(self.length);
        let index = self.segment.reader.inverted_index(handle).map_err(failed)?;
        if let [word] = words {
            if let Some(info) = index.terms().get(word).map_err(failed)? {
                add_postings(&index, &info, &mut found)?;
            }
            return Ok(found);
        }
        let terms = words.iter().map(|word| Term::from_field_text(handle, word)).collect();
        let schema = self.segment.reader.schema();
        let weight = PhraseQuery::new(terms)
            .weight(EnableScoring::disabled_from_schema(schema))
            .map_err(failed)?;
        let mut scorer = weight.scorer(&self.segment.reader, 1.0).map_err(failed)?;
        let mut document = scorer.doc();
        while document != TERMINATED {
            found.insert(document);
            document = scorer.advance();
        }
        Ok(found)
    }

    fn word_glob(&self, handle: Handle, pattern: &[PatternPart]) -> Outcome {
        let index = self.segment.reader.inverted_index(handle).map_err(failed)?;
        let prefix = match pattern.first() {
            Some(PatternPart::Text(text)) => text.as_str(),
            _ => "",
        };
        let stream = prefixed(&index, prefix.as_bytes())?;
        self.collect(&index, stream, |term| {
            std::str::from_utf8(term).is_ok_and(|word| glob::matches(pattern, word))
        })
    }
}

/// All terms that begin so.
pub(crate) fn prefixed<'a>(
    index: &'a InvertedIndexReader,
    prefix: &[u8],
) -> Result<TermStreamer<'a>, StoreError> {
    let range = index.terms().range().ge(prefix);
    let range = match term::after_prefix(prefix) {
        Some(after) => range.lt(after),
        None => range,
    };
    range.into_stream().map_err(failed)
}

/// Adds the documents that have a term.
fn add_postings(
    index: &InvertedIndexReader,
    info: &TermInfo,
    found: &mut Bits,
) -> Result<(), StoreError> {
    let mut postings =
        index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic).map_err(failed)?;
    while !postings.docs().is_empty() {
        postings.docs().iter().for_each(|document| found.insert(*document));
        postings.advance();
    }
    Ok(())
}

/// An index that cannot be read.
pub(crate) fn failed(error: impl Into<PartError>) -> StoreError {
    StoreError::from(error.into())
}

impl From<PartError> for StoreError {
    fn from(error: PartError) -> Self {
        match error {
            PartError::Damaged(reason) => StoreError::Fatal(format!(
                "the search index is damaged ({reason}): restart, which sets the damaged part \
                 aside, then replay its time from the log"
            )),
            PartError::Io(reason) => StoreError::Unavailable {
                after: std::time::Duration::from_secs(1),
                reason: format!("the search index cannot be read: {reason}"),
            },
        }
    }
}
