//! Which row of registers belongs to which thread, and the moves between rows that a step needs.
//!
//! A thread keeps its row for as long as it can: a state that is made new takes the rows as they are, so that only
//! ways that reach it with other ones move anything (the registers of Laurikari's automata are renamed alike).

use super::registers::Operation;
use super::step::Thread;

/// A row that belongs to no thread: where threads change places, one of them waits there.
const SPARE: u32 = 0;
/// Of a target that nothing is moved to.
const NOTHING: Move = Move { from: u32::MAX, count: 0 };

/// What is moved to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    from: u32,
    /// Of the first registers of the row.
    count: u32,
}

/// Works out rows and moves; keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct Rows {
    taken: Vec<bool>,
    /// By row.
    moves: Vec<Move>,
    /// By row: how many moves still read it.
    readers: Vec<u32>,
    ready: Vec<u32>,
}

impl Rows {
    /// The rows of the state before the first byte.
    pub(super) const FIRST: [u32; 1] = [SPARE + 1];

    /// Rows for the threads after a step: each has that of the thread that it continues, and where several continue
    /// one all but the first have rows that nobody else has.
    pub(super) fn assign(&mut self, before: &[u32], threads: &[Thread]) -> Vec<u32> {
        let most = before.iter().max().map_or(0, |row| *row as usize);
        self.taken.clear();
        self.taken.resize(most + threads.len() + 1, false);
        self.taken[SPARE as usize] = true;
        let mut rows = Vec::with_capacity(threads.len());
        for thread in threads {
            let row = before[thread.from as usize];
            rows.push(if self.taken[row as usize] { SPARE } else { row });
            self.taken[row as usize] = true;
        }
        let mut free = (0..).zip(&self.taken).filter(|(_, taken)| !**taken).map(|(row, _)| row);
        for row in rows.iter_mut().filter(|row| **row == SPARE) {
            *row = free.next().unwrap_or(SPARE);
        }
        rows
    }

    /// Writes the moves of a step, which happen at once, one after the other. `count` says how many of the first
    /// registers a thread before the step has a use for; a row of registers has `length`.
    pub(super) fn write_moves(
        &mut self,
        (before, after): (&[u32], &[u32]),
        threads: &[Thread],
        count: impl Fn(u32) -> u32,
        length: u32,
        out: &mut Vec<Operation>,
    ) {
        let rows = before.iter().chain(after).max().map_or(0, |row| *row as usize + 1);
        self.moves.clear();
        self.moves.resize(rows, NOTHING);
        self.readers.clear();
        self.readers.resize(rows, 0);
        for (thread, to) in threads.iter().zip(after) {
            let (from, count) = (before[thread.from as usize], count(thread.from));
            if from != *to && count > 0 {
                self.moves[*to as usize] = Move { from, count };
                self.readers[from as usize] += 1;
            }
        }
        let mut copy = |from: u32, to: u32, count: u32| {
            out.push(Operation::Copy { from: from * length, to: to * length, count });
        };
        let is_ready =
            |to: &u32| self.moves[*to as usize] != NOTHING && self.readers[*to as usize] == 0;
        self.ready.clear();
        self.ready.extend((0..rows as u32).filter(is_ready));
        // A row is written when nothing has still to be read from it.
        while let Some(to) = self.ready.pop() {
            let Move { from, count } = std::mem::replace(&mut self.moves[to as usize], NOTHING);
            copy(from, to, count);
            self.readers[from as usize] -= 1;
            if self.readers[from as usize] == 0 && self.moves[from as usize] != NOTHING {
                self.ready.push(from);
            }
        }
        // What is left are threads that change places in a ring.
        for start in 0..rows as u32 {
            let mut to = start;
            while let Move { from, count } = self.moves[to as usize]
                && count > 0
            {
                self.moves[to as usize] = NOTHING;
                if to == start {
                    // Not more than the row has: whoever reads it says how many.
                    copy(start, SPARE, length);
                }
                if from == start {
                    copy(SPARE, to, count);
                    break;
                }
                copy(from, to, count);
                to = from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Operation, Rows, SPARE, Thread};

    const LENGTH: u32 = 2;

    /// What stands in each row after operations, where row `n` had `n` in each place.
    fn contents(rows: usize, operations: &[Operation]) -> Vec<u32> {
        let mut registers: Vec<u32> = (0..rows as u32).flat_map(|row| [row; 2]).collect();
        for operation in operations {
            let Operation::Copy { from, to, count } = *operation else { panic!("{operation:?}") };
            registers.copy_within(from as usize..(from + count) as usize, to as usize);
        }
        registers.chunks(LENGTH as usize).map(|row| row[0]).collect()
    }

    fn threads(from: &[u32]) -> Vec<Thread> {
        from.iter().map(|from| Thread { state: 0, from: *from }).collect()
    }

    #[test]
    fn threads_that_go_on_keep_their_rows() {
        let mut rows = Rows::default();
        let before = [3, 1, 2];
        let threads = threads(&[1, 1, 0, 2, 1]);
        let after = rows.assign(&before, &threads);
        assert_eq!(after, [1, 4, 3, 2, 5]);
        let mut operations = Vec::new();
        rows.write_moves((&before, &after), &threads, |_| 1, LENGTH, &mut operations);
        assert_eq!(contents(6, &operations), [SPARE, 1, 2, 3, 1, 1]);
        assert_eq!(operations.len(), 2);
    }

    proptest! {
        #[test]
        fn moves_happen_as_if_at_once(
            before in Just((1..9u32).collect::<Vec<_>>()).prop_shuffle(),
            after in Just((1..9u32).collect::<Vec<_>>()).prop_shuffle(),
            from in prop::collection::vec(0..8u32, 1..8),
        ) {
            let threads = threads(&from);
            let mut operations = Vec::new();
            Rows::default()
                .write_moves((&before, &after), &threads, |_| 1, LENGTH, &mut operations);
            let found = contents(9, &operations);
            for (thread, row) in threads.iter().zip(&after) {
                prop_assert_eq!(found[*row as usize], before[thread.from as usize]);
            }
        }
    }
}
