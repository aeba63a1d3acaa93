//! The places that threads of a search have passed, and those of the match.

/// No place.
const NOWHERE: u32 = u32::MAX;

/// One instruction of a transition. Rows of registers belong to threads; a row's register is named by
/// its place in all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// The thread of the row that begins here has matched: its first registers are the result.
    Accept { row: u32, count: u32 },
    /// A register of the result is the place of the match.
    AcceptHere { register: u32 },
    /// The first registers of a row are those of another.
    Copy { from: u32, to: u32, count: u32 },
    /// Registers are the place with these bits set: none for the place itself, all where there is none. One kind for both,
    /// so that the processor need not guess which comes next.
    Fill { register: u32, count: u32, bits: u32 },
}

impl Operation {
    /// Registers that were not passed.
    pub(super) const fn clear(register: u32, count: u32) -> Self {
        Self::Fill { register, count, bits: NOWHERE }
    }

    /// A register that is passed here.
    pub(super) const fn here(register: u32) -> Self {
        Self::Fill { register, count: 1, bits: 0 }
    }
}

/// Rows of registers.
#[derive(Debug)]
pub(super) struct Registers {
    rows: Vec<u32>,
    result: Vec<u32>,
}

impl Registers {
    /// For rows of this length.
    pub(super) fn new(length: usize) -> Self {
        Self { rows: Vec::new(), result: vec![NOWHERE; length] }
    }

    /// Makes room for these rows.
    pub(super) fn hold(&mut self, rows: &[u32]) {
        let last = rows.iter().max().map_or(0, |row| *row as usize);
        let needed = (last + 1) * self.result.len();
        if self.rows.len() < needed {
            self.rows.resize(needed, NOWHERE);
        }
    }

    /// Two registers of the result, where both were passed.
    pub(super) fn result(&self, first: usize) -> Option<(usize, usize)> {
        let (start, end) = (*self.result.get(first)?, *self.result.get(first + 1)?);
        (start != NOWHERE && end != NOWHERE).then_some((start as usize, end as usize))
    }

    /// Runs a transition's instructions at a place.
    pub(super) fn operate(&mut self, operations: &[Operation], place: usize) {
        let place = place as u32;
        for operation in operations {
            match *operation {
                Operation::Accept { row, count } => {
                    let (row, count) = (row as usize, count as usize);
                    self.result[..count].copy_from_slice(&self.rows[row..row + count]);
                    self.result[count..].fill(NOWHERE);
                }
                Operation::AcceptHere { register } => self.result[register as usize] = place,
                Operation::Copy { from, to, count } => {
                    let from = from as usize;
                    self.rows.copy_within(from..from + count as usize, to as usize);
                }
                Operation::Fill { register, count, bits } => {
                    let register = register as usize;
                    for row in &mut self.rows[register..register + count as usize] {
                        *row = place | bits;
                    }
                }
            }
        }
    }
}
