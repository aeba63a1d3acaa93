//! The indexer's stage: every document goes on as it is. What cannot be indexed is found by the sink,
//! which decodes each document once.

use bus::Positioned;
use pipeline::{Stage, State, Verdict};
use smallvec::smallvec;

/// Passes documents on.
#[derive(Clone, Copy, Debug)]
pub struct IndexStage;

impl Stage for IndexStage {
    fn process(&mut self, batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        batch.iter().map(|item| Verdict::Forward(smallvec![item.record.clone()])).collect()
    }
}
