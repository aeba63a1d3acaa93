//! Whose turn it is: files with something to read, input by input, so that no input waits for all files of another.

use std::collections::VecDeque;
use std::sync::Arc;

use super::identity::FileId;
use super::input::Input;

/// Files that wait for their turn.
#[derive(Debug)]
pub(crate) struct Turns {
    /// By the numbers of the inputs.
    queues: Vec<Queue>,
    /// The input whose turn it is, if it has a file that may go on.
    next: usize,
}

/// Files of an input that wait.
#[derive(Debug)]
struct Queue {
    input: Arc<Input>,
    files: VecDeque<FileId>,
}

impl Turns {
    /// Of these inputs, by their numbers.
    pub(crate) fn new(inputs: impl Iterator<Item = Arc<Input>>) -> Self {
        let queue = |input| Queue { input, files: VecDeque::new() };
        Self { queues: inputs.map(queue).collect(), next: 0 }
    }

    /// Has a file wait. What was begun goes on first where each file is read once.
    pub(crate) fn add(&mut self, input: &Input, id: FileId, is_open: bool) {
        let files = &mut self.queues[input.number].files;
        if input.reads_once() && is_open {
            files.push_front(id);
        } else {
            files.push_back(id);
        }
    }

    /// About so many of those that wait, the first ones of each input.
    pub(crate) fn first(&self, wanted: usize) -> Vec<FileId> {
        let each = wanted.div_ceil(self.queues.len().max(1));
        self.queues.iter().flat_map(|queue| queue.files.iter().take(each).copied()).collect()
    }

    /// Takes the next file out, of the next input that has one.
    pub(crate) fn take(&mut self, is_open: impl Fn(FileId) -> bool) -> Option<FileId> {
        for step in 0..self.queues.len() {
            let number = (self.next + step) % self.queues.len();
            if let Some(id) = self.queues[number].take(&is_open) {
                self.next = number + 1;
                return Some(id);
            }
        }
        None
    }
}

impl Queue {
    /// Takes the first file out; where each is read once and enough are open, the first of these.
    fn take(&mut self, is_open: impl Fn(FileId) -> bool) -> Option<FileId> {
        let open = &self.input.open;
        let is_full = self.input.reads_once() && open.is_full();
        // Those that are open wait before the others.
        let mut first = self.files.iter().take(open.max() as usize);
        let place = first.position(|id| !is_full || is_open(*id))?;
        self.files.remove(place)
    }
}
