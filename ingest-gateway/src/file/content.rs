//! The bytes of an open file, plain or out of gzip (RFC 1952), from any place on.
//!
//! Out of gzip they are read in order: a place may only be asked for again while it lies within the
//! window of what was given last.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::identity::read_full;
use super::open_files::OpenFiles;

/// How much is decompressed at once.
const PIECE_BYTES: usize = 64 << 10;

/// An open file. It is counted as long as it lives.
#[derive(Debug)]
pub(crate) struct Content {
    file: File,
    gzip: Option<Gzip>,
    open: Arc<OpenFiles>,
}

#[derive(Debug)]
struct Gzip {
    decoder: MultiGzDecoder<BufReader<File>>,
    window: Vec<u8>,
    window_at: u64,
    has_ended: bool,
}

impl Content {
    /// Opens a file; a pipe of the same name does not hold it up.
    pub(crate) fn open(path: &Path, is_gzip: bool, open: &Arc<OpenFiles>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        let file = options.read(true).custom_flags(flags.cast_signed()).open(path)?;
        let gzip = match is_gzip {
            false => None,
            true => Some(Gzip {
                decoder: MultiGzDecoder::new(BufReader::new(file.try_clone()?)),
                window: Vec::new(),
                window_at: 0,
                has_ended: false,
            }),
        };
        open.add();
        Ok(Self { file, gzip, open: Arc::clone(open) })
    }

    /// The same file, counted among these from now on.
    pub(crate) fn counted_among(mut self, open: &Arc<OpenFiles>) -> Self {
        open.add();
        std::mem::replace(&mut self.open, Arc::clone(open)).remove();
        self
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Whether the file has no name any more.
    pub(crate) fn is_removed(&self) -> bool {
        self.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// Whether the size of the file says where its lines end.
    pub(crate) fn is_plain(&self) -> bool {
        self.gzip.is_none()
    }

    /// Reads until the buffer is full or the content ends; says how much it is.
    pub(crate) fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.gzip {
            None => read_full(&self.file, buffer, offset),
            Some(gzip) => gzip.read_at(offset, buffer),
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.open.remove();
    }
}

impl Gzip {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut skipped) = offset.checked_sub(self.window_at) else {
            return Err(io::Error::other("what is decompressed cannot be read backwards"));
        };
        loop {
            let passed = usize::try_from(skipped).unwrap_or(usize::MAX).min(self.window.len());
            self.window.drain(..passed);
            self.window_at += passed as u64;
            skipped -= passed as u64;
            if skipped == 0 && self.window.len() >= buffer.len() || self.has_ended {
                break;
            }
            self.decompress()?;
        }
        let bytes = if skipped == 0 { self.window.len().min(buffer.len()) } else { 0 };
        buffer[..bytes].copy_from_slice(&self.window[..bytes]);
        Ok(bytes)
    }

    fn decompress(&mut self) -> io::Result<()> {
        let filled = self.window.len();
        self.window.resize(filled + PIECE_BYTES, 0);
        let read = self.decoder.read(&mut self.window[filled..]);
        self.window.truncate(filled + read.as_ref().map_or(0, |bytes| *bytes));
        self.has_ended = read? == 0;
        Ok(())
    }
}
