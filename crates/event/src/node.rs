//! A value as a pair of slices: its key and its text, in the payload or in the scratch buffer.

/// Stands for "no node".
pub(crate) const NONE: u32 = u32::MAX;

pub(crate) const KEY_ESCAPED: u8 = 1;
pub(crate) const TEXT_ESCAPED: u8 = 1 << 1;
pub(crate) const KEY_IN_SCRATCH: u8 = 1 << 2;
pub(crate) const TEXT_IN_SCRATCH: u8 = 1 << 3;
/// Its slice is no longer what it holds: it is written child by child.
pub(crate) const CHANGED: u8 = 1 << 4;
pub(crate) const KEY_SHARED: u8 = 1 << 5;
pub(crate) const TEXT_SHARED: u8 = 1 << 6;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object.
    Object,
    /// An array.
    Array,
    /// A string.
    String,
    /// A number; its text is kept as written.
    Number,
    /// `true`.
    True,
    /// `false`.
    False,
    /// `null`.
    Null,
}

/// Names a node of one event. Becomes stale when the event is decoded anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(pub(crate) u32);

/// One value. Strings' spans are without their quotes.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub(crate) key_start: u32,
    pub(crate) key_end: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) parent: u32,
    pub(crate) first_child: u32,
    pub(crate) last_child: u32,
    pub(crate) next: u32,
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
}

impl Node {
    pub(crate) const fn new(kind: Kind, start: u32, end: u32, flags: u8) -> Self {
        Self {
            key_start: 0,
            key_end: 0,
            start,
            end,
            parent: NONE,
            first_child: NONE,
            last_child: NONE,
            next: NONE,
            kind,
            flags,
        }
    }

    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) const fn is_container(&self) -> bool {
        matches!(self.kind, Kind::Object | Kind::Array)
    }
}

/// Takes `child` out of its parent's list. The parent's ancestors are marked by the caller.
pub(crate) fn unlink(nodes: &mut [Node], child: u32) {
    let (parent, next) = {
        let node = &nodes[child as usize];
        (node.parent, node.next)
    };
    if parent == NONE {
        return;
    }
    let mut before = NONE;
    let mut at = nodes[parent as usize].first_child;
    while at != NONE && at != child {
        before = at;
        at = nodes[at as usize].next;
    }
    if at == NONE {
        return;
    }
    if before == NONE {
        nodes[parent as usize].first_child = next;
    } else {
        nodes[before as usize].next = next;
    }
    if nodes[parent as usize].last_child == child {
        nodes[parent as usize].last_child = before;
    }
    let node = &mut nodes[child as usize];
    node.parent = NONE;
    node.next = NONE;
}

/// Puts `child` at the end of `parent`'s list.
pub(crate) fn link(nodes: &mut [Node], parent: u32, child: u32) {
    let last = nodes[parent as usize].last_child;
    if last == NONE {
        nodes[parent as usize].first_child = child;
    } else {
        nodes[last as usize].next = child;
    }
    nodes[parent as usize].last_child = child;
    let node = &mut nodes[child as usize];
    node.parent = parent;
    node.next = NONE;
}

/// Puts `new`, which stands nowhere, where `old` stands, under the same name. The ancestors are
/// marked by the caller.
pub(crate) fn replace(nodes: &mut [Node], old: u32, new: u32) {
    const KEY_FLAGS: u8 = KEY_ESCAPED | KEY_IN_SCRATCH | KEY_SHARED;
    let Node { key_start, key_end, parent, next, flags, .. } = nodes[old as usize];
    let first = nodes[parent as usize].first_child;
    if first == old {
        nodes[parent as usize].first_child = new;
    } else {
        let mut before = first;
        while nodes[before as usize].next != old {
            before = nodes[before as usize].next;
        }
        nodes[before as usize].next = new;
    }
    if nodes[parent as usize].last_child == old {
        nodes[parent as usize].last_child = new;
    }
    let node = &mut nodes[new as usize];
    node.key_start = key_start;
    node.key_end = key_end;
    node.flags = node.flags & !KEY_FLAGS | flags & KEY_FLAGS;
    node.parent = parent;
    node.next = next;
    let node = &mut nodes[old as usize];
    node.parent = NONE;
    node.next = NONE;
}

/// Marks a container and everything around it as no longer equal to its slice.
pub(crate) fn mark_changed(nodes: &mut [Node], mut at: u32) {
    while at != NONE {
        let node = &mut nodes[at as usize];
        if node.has(CHANGED) {
            return;
        }
        node.flags |= CHANGED;
        at = node.parent;
    }
}
