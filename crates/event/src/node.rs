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
/// Its text without escapes is the whole line that the event was started with.
pub(crate) const TEXT_IS_LINE: u8 = 1 << 7;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    pub(crate) previous: u32,
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    /// Of its name, where it has one.
    pub(crate) name_hash: u16,
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
            previous: NONE,
            kind,
            flags,
            name_hash: 0,
        }
    }

    /// The same value, which stands nowhere and holds nothing yet.
    pub(crate) const fn alone(self) -> Self {
        Self {
            parent: NONE,
            first_child: NONE,
            last_child: NONE,
            next: NONE,
            previous: NONE,
            ..self
        }
    }

    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) const fn is_container(&self) -> bool {
        matches!(self.kind, Kind::Object | Kind::Array)
    }
}

/// Takes `child` out of its parent's list, if it stands there. The parent's ancestors are marked by
/// the caller.
pub(crate) fn unlink(nodes: &mut [Node], child: u32) {
    let Node { parent, next, previous, .. } = nodes[child as usize];
    if !is_linked(nodes, child) {
        return;
    }
    set_after(nodes, parent, previous, next);
    set_before(nodes, parent, next, previous);
    forget_place(&mut nodes[child as usize]);
}

/// Whether a node stands in its parent's list: of one that was taken out together with all others
/// the parent is still known.
fn is_linked(nodes: &[Node], child: u32) -> bool {
    let Node { parent, next, previous, .. } = nodes[child as usize];
    if parent == NONE {
        return false;
    }
    let after_previous = match previous {
        NONE => nodes[parent as usize].first_child,
        _ => nodes[previous as usize].next,
    };
    let before_next = match next {
        NONE => nodes[parent as usize].last_child,
        _ => nodes[next as usize].previous,
    };
    after_previous == child && before_next == child
}

/// Makes `at` what follows on `previous`, or the first of `parent`.
fn set_after(nodes: &mut [Node], parent: u32, previous: u32, at: u32) {
    match previous {
        NONE => nodes[parent as usize].first_child = at,
        _ => nodes[previous as usize].next = at,
    }
}

/// Makes `at` what comes before `next`, or the last of `parent`.
fn set_before(nodes: &mut [Node], parent: u32, next: u32, at: u32) {
    match next {
        NONE => nodes[parent as usize].last_child = at,
        _ => nodes[next as usize].previous = at,
    }
}

fn forget_place(node: &mut Node) {
    node.parent = NONE;
    node.next = NONE;
    node.previous = NONE;
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
    node.previous = last;
}

/// Puts `child`, which stands nowhere, into `parent`'s list after `previous`, or as the first.
pub(crate) fn link_after(nodes: &mut [Node], parent: u32, previous: u32, child: u32) {
    let next = match previous {
        NONE => nodes[parent as usize].first_child,
        _ => nodes[previous as usize].next,
    };
    set_after(nodes, parent, previous, child);
    set_before(nodes, parent, next, child);
    let node = &mut nodes[child as usize];
    node.parent = parent;
    node.next = next;
    node.previous = previous;
}

/// Puts `new`, which stands nowhere, where `old` stands, under the same name. The ancestors are
/// marked by the caller.
pub(crate) fn replace(nodes: &mut [Node], old: u32, new: u32) {
    const KEY_FLAGS: u8 = KEY_ESCAPED | KEY_IN_SCRATCH | KEY_SHARED;
    let Node { key_start, key_end, name_hash, parent, next, previous, flags, .. } =
        nodes[old as usize];
    set_after(nodes, parent, previous, new);
    set_before(nodes, parent, next, new);
    let node = &mut nodes[new as usize];
    node.key_start = key_start;
    node.key_end = key_end;
    node.name_hash = name_hash;
    node.flags = node.flags & !KEY_FLAGS | flags & KEY_FLAGS;
    node.parent = parent;
    node.next = next;
    node.previous = previous;
    forget_place(&mut nodes[old as usize]);
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
