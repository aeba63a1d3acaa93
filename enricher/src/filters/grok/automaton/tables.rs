//! What was worked out of an automaton so far: states, and where each class of bytes leads from them.

use std::sync::Arc;

use hashbrown::HashMap;

use super::registers::Operation;

/// No state: the search is over.
pub(super) const DEAD: u32 = 0;
/// Edges from here on are not states but say which detail.
pub(super) const DETAILED: u32 = 1 << 31;
/// The edge was not worked out yet.
pub(super) const UNKNOWN: u32 = u32::MAX;
/// Bytes that are looked at together where a state leads to itself.
const RUN_BYTES: usize = 8;

/// An edge that does more than lead to a state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Detail {
    pub(super) next: u32,
    pub(super) accepts: bool,
    /// It leads to its own state, changes no register and accepts: only its last use counts.
    pub(super) repeats: bool,
    pub(super) first_operation: u32,
    pub(super) operations: u32,
}

/// States and edges, within a bound of memory. A state is named by the place of its first edge, so that an edge is found
/// without a multiplication.
#[derive(Debug)]
pub(super) struct Tables {
    /// Edges of a state: one for each class of bytes, and one for the end.
    stride: usize,
    memory_max_bytes: usize,
    memory_bytes: usize,
    emptied: u64,
    /// What each state stands for: facts, then threads.
    keys: Vec<Arc<[u32]>>,
    /// The row of registers of each thread of a state.
    rows: Vec<Arc<[u32]>>,
    by_key: HashMap<Arc<[u32]>, u32>,
    edges: Vec<u32>,
    details: Vec<Detail>,
    operations: Vec<Operation>,
}

impl Tables {
    pub(super) fn new(stride: usize, memory_max_bytes: usize) -> Self {
        let mut tables = Self {
            stride,
            memory_max_bytes,
            memory_bytes: 0,
            emptied: 0,
            keys: Vec::new(),
            rows: Vec::new(),
            by_key: HashMap::new(),
            edges: Vec::new(),
            details: Vec::new(),
            operations: Vec::new(),
        };
        tables.empty();
        tables
    }

    /// How often the tables were emptied: states, edges and details of before mean nothing then.
    pub(super) fn emptied(&self) -> u64 {
        self.emptied
    }

    pub(super) fn key(&self, state: u32) -> Arc<[u32]> {
        Arc::clone(&self.keys[state as usize / self.stride])
    }

    /// The rows of registers of a state's threads.
    pub(super) fn rows(&self, state: u32) -> Arc<[u32]> {
        Arc::clone(&self.rows[state as usize / self.stride])
    }

    /// Goes from a state along edges that do nothing but lead on, as far as there are any: the state, the place in
    /// the text, and the edge there that does more, is unknown, or is the last one.
    #[inline]
    pub(super) fn follow(
        &self,
        mut state: u32,
        class_of: &[u8; 256],
        text: &[u8],
        from: usize,
    ) -> (u32, usize, u32) {
        let edge_of = |state: u32, byte: u8| {
            self.edges[state as usize + usize::from(class_of[usize::from(byte)])]
        };
        let mut at = from;
        while let Some(byte) = text.get(at) {
            let edge = edge_of(state, *byte);
            if edge == DEAD || edge >= DETAILED {
                return (state, at, edge);
            }
            at += 1;
            if edge != state {
                state = edge;
                continue;
            }
            // Where a byte leads nowhere the next ones mostly do so too, as in a long field: they are looked at
            // together, none waiting for where the one before it led.
            while let Some(run) = text.get(at..at + RUN_BYTES)
                && run.iter().fold(0, |moved, byte| moved | (edge_of(state, *byte) ^ state)) == 0
            {
                at += RUN_BYTES;
            }
        }
        (state, text.len(), self.edges[state as usize + self.stride - 1])
    }

    /// The detail that an edge says.
    pub(super) fn detail(&self, edge: u32) -> Detail {
        self.details[(edge - DETAILED) as usize]
    }

    pub(super) fn operations(&self, detail: Detail) -> &[Operation] {
        let first = detail.first_operation as usize;
        &self.operations[first..first + detail.operations as usize]
    }

    /// Keeps an edge.
    pub(super) fn keep(
        &mut self,
        state: u32,
        class: usize,
        detail: Detail,
        operations: &[Operation],
    ) {
        let place = state as usize + class;
        if operations.is_empty() && !detail.accepts {
            self.edges[place] = detail.next;
            return;
        }
        self.edges[place] = DETAILED + self.details.len() as u32;
        self.details.push(Detail {
            first_operation: self.operations.len() as u32,
            operations: operations.len() as u32,
            ..detail
        });
        self.operations.extend_from_slice(operations);
        self.memory_bytes += size_of::<Detail>() + size_of_val(operations);
    }

    /// The state of a key, which has these rows of registers where it is new; tables that are full are emptied first.
    pub(super) fn state(&mut self, key: &[u32], rows: &[u32]) -> u32 {
        if let Some(state) = self.by_key.get(key) {
            return *state;
        }
        if self.memory_bytes > self.memory_max_bytes {
            self.empty();
        }
        let state = self.edges.len() as u32;
        let key: Arc<[u32]> = key.into();
        // The key and rows, the entry that finds them, and the edges.
        self.memory_bytes += size_of_val(&*key) * 2 + 80 + self.stride * size_of::<u32>();
        self.edges.resize(self.edges.len() + self.stride, UNKNOWN);
        self.keys.push(Arc::clone(&key));
        self.rows.push(rows.into());
        self.by_key.insert(key, state);
        state
    }

    fn empty(&mut self) {
        self.emptied += 1;
        self.memory_bytes = 0;
        self.by_key.clear();
        self.keys.clear();
        self.rows.clear();
        self.edges.clear();
        self.details.clear();
        self.operations.clear();
        // State 0 is dead: nothing leads on from it.
        self.keys.push(Arc::new([0]));
        self.rows.push(Arc::new([]));
        self.edges.resize(self.stride, DEAD);
    }
}
