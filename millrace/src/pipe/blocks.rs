//! Whole lines in blocks, as they come: what one read gives is passed on at once, so that a slow input
//! does not wait. Knows no encoding, and never holds more of a line than it may have.

use std::io;
use std::os::fd::AsFd;

use rustix::buffer::spare_capacity;

use super::pool::Pool;

/// Most bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// Lines that stand one behind the other.
#[derive(Debug)]
pub(super) struct Block {
    /// The lines with their ends; the last one may have none.
    pub(super) bytes: Vec<u8>,
    /// Where they begin in the input.
    pub(super) offset: u64,
}

/// An input, cut into blocks.
#[derive(Debug)]
pub(super) struct Blocks<I> {
    input: I,
    line_bytes_max: usize,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    /// Where `rest` begins in the input.
    offset: u64,
    /// Within a line that was given out as too long.
    is_skipping: bool,
    has_ended: bool,
}

impl<I: AsFd> Blocks<I> {
    pub(super) fn new(input: I, line_bytes_max: usize) -> Self {
        Self {
            input,
            line_bytes_max,
            rest: Vec::new(),
            offset: 0,
            is_skipping: false,
            has_ended: false,
        }
    }

    /// The next lines; none at the end. Of a line that is too long one block holds just so much that
    /// it is too long, without an end.
    pub(super) fn next(&mut self, pool: &Pool) -> io::Result<Option<Block>> {
        let mut bytes = pool.take();
        bytes.reserve(READ_BYTES + self.rest.len());
        bytes.append(&mut self.rest);
        while !self.has_ended {
            let begin = bytes.len();
            self.read(&mut bytes)?;
            if self.is_skipping && !self.skip(&mut bytes) {
                continue;
            }
            let begin = begin.min(bytes.len());
            if let Some(at) = memchr::memrchr(b'\n', &bytes[begin..]) {
                let end = begin + at + 1;
                self.rest.extend_from_slice(&bytes[end..]);
                bytes.truncate(end);
                return Ok(Some(self.block(bytes)));
            }
            // A carriage return before the end is no part of the line.
            if bytes.len() > self.line_bytes_max + 1 {
                self.is_skipping = true;
                return Ok(Some(self.block(bytes)));
            }
        }
        if bytes.is_empty() {
            pool.put(bytes);
            return Ok(None);
        }
        Ok(Some(self.block(bytes)))
    }

    fn block(&mut self, bytes: Vec<u8>) -> Block {
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        Block { bytes, offset }
    }

    /// Adds what is there, or notes the end.
    fn read(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        // Room for a whole read where most of it is used up by a long line.
        if bytes.capacity() - bytes.len() < READ_BYTES / 4 {
            bytes.reserve(READ_BYTES);
        }
        loop {
            match rustix::io::read(&self.input, spare_capacity(bytes)) {
                Ok(count) => {
                    self.has_ended = count == 0;
                    return Ok(());
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes away what belongs to the line that is too long; false if that is all.
    fn skip(&mut self, bytes: &mut Vec<u8>) -> bool {
        let skipped = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        self.is_skipping = !bytes[..skipped].ends_with(b"\n");
        self.offset += skipped as u64;
        bytes.drain(..skipped);
        !bytes.is_empty()
    }
}
