//! Several threads that filter. Blocks go round among them and are taken back in the same round, which
//! keeps the order; each has one block in hand and one that waits, which bounds the memory.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::blocks::{Block, Blocks};
use super::pool::Pool;
use super::worker::{Chunk, Worker};
use super::{Options, Outlet, PipeError};

/// Blocks or chunks that wait between two threads.
const WAITING_MAX: usize = 1;

pub(super) fn run<I: AsFd + Send + 'static>(
    blocks: Blocks<I>,
    outlet: &mut Outlet<'_>,
    options: &Options,
) -> Result<(), PipeError> {
    let pool = Arc::new(Pool::default());
    let (mut inlets, mut outlets, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.threads {
        let (inlet, blocks) = sync_channel(WAITING_MAX);
        let (chunks, done) = sync_channel(WAITING_MAX);
        let (pool, options) = (Arc::clone(&pool), options.clone());
        threads.push(thread::spawn(move || filter(&blocks, &chunks, &pool, &options)));
        inlets.push(inlet);
        outlets.push(done);
    }
    let reader = {
        let pool = Arc::clone(&pool);
        thread::spawn(move || read(blocks, &inlets, &pool))
    };
    // Where it fails the threads are left alone: one may wait for an input that never comes, and they
    // end with the process.
    let ended = write(&outlets, outlet, &pool)?;
    threads.swap_remove(ended).join().map_err(|_| PipeError::Panicked)?;
    // It ended because the input did.
    reader.join().unwrap_or(Err(PipeError::Panicked))
}

fn read<I: AsFd>(
    mut blocks: Blocks<I>,
    inlets: &[SyncSender<Block>],
    pool: &Pool,
) -> Result<(), PipeError> {
    for inlet in inlets.iter().cycle() {
        let Some(block) = blocks.next(pool).map_err(PipeError::Read)? else { break };
        // A thread that has gone is noticed where its output is missing.
        if inlet.send(block).is_err() {
            break;
        }
    }
    Ok(())
}

fn filter(blocks: &Receiver<Block>, chunks: &SyncSender<Chunk>, pool: &Pool, options: &Options) {
    let mut worker = Worker::new(options);
    for block in blocks {
        let mut emit = |chunk| chunks.send(chunk).map_err(|_| PipeError::Panicked);
        if worker.process(block, pool, &mut emit).is_err() {
            return;
        }
    }
}

/// Takes the blocks in their round, until the thread whose turn it is has none: gives its number.
fn write(
    outlets: &[Receiver<Chunk>],
    outlet: &mut Outlet<'_>,
    pool: &Pool,
) -> Result<usize, PipeError> {
    for (number, chunks) in outlets.iter().enumerate().cycle() {
        loop {
            let Ok(chunk) = chunks.recv() else { return Ok(number) };
            outlet.take(&chunk)?;
            pool.put(chunk.output);
            if chunk.is_last {
                break;
            }
        }
    }
    Ok(0)
}
