//! Conditions on the character beside a place: look-around over one character.

use regex_syntax::hir::{Class, Hir, HirKind, Look as Anchor};

/// `(?=X)`, `(?!X)`, `(?<=X)`, `(?<!X)` where X is one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// On the character after the place, else on the one before.
    pub(super) ahead: bool,
    pub(super) negated: bool,
    pub(super) set: LookSet,
}

impl Look {
    /// Whether it holds beside this byte; `None` is the edge of the text.
    pub(super) fn holds(&self, byte: Option<u8>) -> bool {
        self.set.contains(byte) != self.negated
    }
}

/// What a look accepts, by byte: characters beyond ASCII all belong or none does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LookSet {
    ascii: u128,
    beyond_ascii: bool,
    /// Whether the edge of the text belongs: `$` or `^` is among the alternatives.
    edge: bool,
}

impl LookSet {
    /// Reads an expression that means one character or an edge; `None` for anything else.
    pub(super) fn read(expression: &str, ahead: bool) -> Option<Self> {
        let hir =
            regex_syntax::ParserBuilder::new().dot_matches_new_line(true).build().parse(expression);
        let mut set = Self { ascii: 0, beyond_ascii: false, edge: false };
        set.add(&hir.ok()?, ahead)?;
        Some(set)
    }

    fn add(&mut self, hir: &Hir, ahead: bool) -> Option<()> {
        match hir.kind() {
            HirKind::Literal(literal) => match *literal.0 {
                [byte] if byte.is_ascii() => self.ascii |= 1 << byte,
                _ => return None,
            },
            HirKind::Class(Class::Unicode(class)) => {
                let mut beyond = 0;
                for range in class.ranges() {
                    for code in u32::from(range.start())..=u32::from(range.end()).min(127) {
                        self.ascii |= 1 << code;
                    }
                    let from = u32::from(range.start()).max(128);
                    beyond += (u32::from(range.end()) + 1).saturating_sub(from);
                    if from <= 0xd800 && u32::from(range.end()) >= 0xdfff {
                        beyond -= 0x800;
                    }
                }
                match beyond {
                    0 => {}
                    // Every character but the surrogates.
                    0x10_f780 => self.beyond_ascii = true,
                    _ => return None,
                }
            }
            HirKind::Look(Anchor::End) if ahead => self.edge = true,
            HirKind::Look(Anchor::EndLF) if ahead => {
                self.edge = true;
                self.ascii |= 1 << b'\n';
            }
            HirKind::Look(Anchor::Start) if !ahead => self.edge = true,
            HirKind::Look(Anchor::StartLF) if !ahead => {
                self.edge = true;
                self.ascii |= 1 << b'\n';
            }
            HirKind::Alternation(alternatives) => {
                for alternative in alternatives {
                    self.add(alternative, ahead)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    pub(super) fn contains(&self, byte: Option<u8>) -> bool {
        match byte {
            None => self.edge,
            Some(byte) if byte.is_ascii() => self.ascii >> byte & 1 == 1,
            Some(_) => self.beyond_ascii,
        }
    }
}
