//! The indexer's stage: every document goes on as it is. What cannot be indexed is found behind it, by the
//! sink and the search store.

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

    fn is_light(&self) -> bool {
        true
    }
}
