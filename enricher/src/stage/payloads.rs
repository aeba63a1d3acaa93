//! What the documents of a batch hold, in blocks of memory that neighbours share.
//!
//! Documents are written straight into a block and get their part of it at the end of the batch: counting who shares it
//! right behind each would wait for the memory that was just written to.

use std::ops::Range;

use bus::Record;
use bytes::Bytes;

/// Size of a block, in bytes. What is left of one for longer keeps all of it in memory, but of a batch's last, which is
/// copied: most batches of a quiet shop have no other.
const BLOCK_BYTES: usize = 64 << 10;
/// A block that has less room is full. Most documents are shorter, and so move no block when they are written.
const ROOM_BYTES_MIN: usize = 16 << 10;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Payloads {
    open: Vec<u8>,
    full: Vec<Bytes>,
    /// Where each stands: the number of its block, and its bytes there.
    places: Vec<(usize, Range<usize>)>,
}

impl Payloads {
    /// Adds what is written behind what stands there.
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.open.capacity() == 0 {
            self.open.reserve_exact(BLOCK_BYTES);
        }
        let begin = self.open.len();
        write(&mut self.open);
        self.places.push((self.full.len(), begin..self.open.len()));
        if self.open.len() + ROOM_BYTES_MIN > BLOCK_BYTES {
            self.full.push(Bytes::from(std::mem::take(&mut self.open)));
        }
    }

    /// Gives each document its payload, in the order in which they were added.
    pub(super) fn hand_out<'a>(&mut self, documents: impl Iterator<Item = &'a mut Record>) {
        self.full.push(Bytes::copy_from_slice(&self.open));
        self.open.clear();
        // One that was made larger for a document, of which filters left little, is not kept so.
        self.open.shrink_to(BLOCK_BYTES);
        for ((block, place), document) in self.places.drain(..).zip(documents) {
            document.payload = self.full[block].slice(place);
        }
        self.full.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_little_keeps_little_in_memory() {
        let mut payloads = Payloads::default();
        payloads.append(|bytes| bytes.extend_from_slice(b"{}"));
        let mut document = Record::default();
        payloads.hand_out(std::iter::once(&mut document));
        let block = document.payload.try_into_mut().unwrap();
        assert!(block.capacity() < 100, "{}", block.capacity());
    }

    #[test]
    fn what_was_reserved_for_a_large_document_is_not_kept() {
        let mut payloads = Payloads::default();
        payloads.append(|bytes| bytes.reserve(1 << 20));
        payloads.hand_out(std::iter::once(&mut Record::default()));
        assert!(payloads.open.capacity() <= BLOCK_BYTES, "{}", payloads.open.capacity());
    }

    #[test]
    fn each_document_has_what_was_written_for_it() {
        let mut payloads = Payloads::default();
        for lengths in [&[0, 1, 70_000, 3, 65_000, 65_000, 9][..], &[5], &[], &[2; 100_000]] {
            let texts: Vec<_> =
                (0..).zip(lengths).map(|(number, length)| vec![number as u8; *length]).collect();
            for text in &texts {
                payloads.append(|bytes| bytes.extend_from_slice(text));
            }
            let mut documents = vec![Record::default(); texts.len()];
            payloads.hand_out(documents.iter_mut());
            for (document, text) in documents.iter().zip(&texts) {
                assert_eq!(document.payload, text);
            }
        }
    }
}
