//! Finds keys that an object has twice, without comparing each with each.

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::node::{KEY_ESCAPED, NONE, Node};
use crate::text::unescape;

/// From this many keys on an object gets a hash map, so that no input is quadratic.
const LINEAR_KEYS_MAX: u32 = 64;

/// What is known about the keys of each open object.
pub(super) struct Keys {
    /// Place n is the open container of depth n + 1.
    levels: SmallVec<[Level; 8]>,
    maps: Vec<(usize, HashMap<Vec<u8>, u32>)>,
}

#[derive(Clone, Copy)]
struct Level {
    /// A bit for each hash that occurred: a bit that is not set says that the key is new.
    seen: [u64; 4],
    count: u32,
}

const EMPTY: Level = Level { seen: [0; 4], count: 0 };

impl Keys {
    pub(super) fn new() -> Self {
        Self { levels: SmallVec::new(), maps: Vec::new() }
    }

    /// A container begins at this depth.
    #[inline]
    pub(super) fn open(&mut self, depth: usize) {
        self.levels.truncate(depth - 1);
        self.levels.push(EMPTY);
        if !self.maps.is_empty() {
            self.maps.retain(|(level, _)| *level < depth);
        }
    }

    /// Takes note of a node's key; gives the earlier node of the object with the same key.
    #[inline]
    pub(super) fn insert(
        &mut self,
        depth: usize,
        payload: &[u8],
        nodes: &[Node],
        container: u32,
        node: u32,
    ) -> Option<u32> {
        let level = &mut self.levels[depth - 1];
        let place = nodes[node as usize].name_hash >> 8;
        let (word, bit) = (usize::from(place >> 6), 1u64 << (place & 63));
        let maybe = level.seen[word] & bit != 0;
        level.seen[word] |= bit;
        level.count += 1;
        if level.count > LINEAR_KEYS_MAX {
            return self.insert_into_map(depth, payload, nodes, container, node);
        }
        if !maybe {
            return None;
        }
        same_key(payload, nodes, container, node)
    }

    fn insert_into_map(
        &mut self,
        depth: usize,
        payload: &[u8],
        nodes: &[Node],
        container: u32,
        node: u32,
    ) -> Option<u32> {
        // Deeper objects are closed by now, whatever is left of theirs.
        self.maps.retain(|(level, _)| *level <= depth);
        if self.maps.last().is_none_or(|(level, _)| *level < depth) {
            let mut map = HashMap::new();
            let mut at = nodes[container as usize].first_child;
            while at != NONE {
                map.insert(key_of(payload, &nodes[at as usize]), at);
                at = nodes[at as usize].next;
            }
            self.maps.push((depth, map));
        }
        let (_, map) = self.maps.last_mut()?;
        map.insert(key_of(payload, &nodes[node as usize]), node)
    }
}

fn same_key(payload: &[u8], nodes: &[Node], container: u32, node: u32) -> Option<u32> {
    let new = &nodes[node as usize];
    let slice = |node: &Node| &payload[node.key_start as usize..node.key_end as usize];
    let mut at = nodes[container as usize].first_child;
    while at != NONE {
        let old = &nodes[at as usize];
        let same = old.name_hash == new.name_hash
            && if old.has(KEY_ESCAPED) || new.has(KEY_ESCAPED) {
                key_of(payload, old) == key_of(payload, new)
            } else {
                slice(old) == slice(new)
            };
        if same {
            return Some(at);
        }
        at = old.next;
    }
    None
}

fn key_of(payload: &[u8], node: &Node) -> Vec<u8> {
    let slice = &payload[node.key_start as usize..node.key_end as usize];
    if node.has(KEY_ESCAPED) { unescape(slice).into_owned().into_bytes() } else { slice.to_vec() }
}
