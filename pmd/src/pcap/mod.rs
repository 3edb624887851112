//! Capture files as a port: frames come from one file and go to another. Needs no privilege.
//!
//! * **In**: pcap with micro- or nanoseconds in either byte order, and pcapng. The file is read into memory when the port
//!   opens, so a replay makes no system call, then handed out as fast as it is polled, `repeat` times over. Queue 0
//!   receives all of it; at its end the port stays open with nothing to receive.
//! * **Out**: nanosecond pcap, little endian. Queue 0 writes the file named, queue `i` writes `NAME.i.EXTENSION`; each
//!   through a buffer of its own, so a system call is made once a mebibyte or ten times a second, never once a packet.
//!
//! A driver that copies: no buffer is ever in flight. `capture` reads a file, `recorder` writes one.

mod capture;
mod port;
mod recorder;

pub use port::{PcapPort, open};

use crate::{Counter, RxQueue, RxStats, TxQueue, TxStats};
use capture::Capture;
use crossbeam_utils::CachePadded;
use recorder::Recorder;
use ringway_mempool::{Burst, Pool};
use std::os::fd::RawFd;
use std::sync::Arc;

/// What a queue counts beyond the counters that every driver has.
#[derive(Debug, Default)]
struct QueueCounters {
    /// Frames of the input that were not yet handed out.
    left: Counter,
    /// Times that the buffer was written to the output.
    writes: Counter,
    /// Frames that could not be written.
    lost: Counter,
    /// The error number of the last failed write; 0 when none failed.
    errno: Counter,
}

/// Handle to a queue's counters, on cache lines of their own.
type SharedCounters = Arc<CachePadded<QueueCounters>>;

/// Receive queue of a pcap port: replays a capture file from memory.
pub struct PcapRx {
    capture: Arc<Capture>,
    next: usize,
    /// Frames still to hand out; `None` for ever.
    left: Option<u64>,
    stats: RxStats,
    counters: SharedCounters,
}

/// Transmit queue of a pcap port: appends to a capture file, or counts and forgets without one.
pub struct PcapTx {
    output: Option<Recorder>,
    stats: TxStats,
}

impl PcapRx {
    /// The frame whose turn it is.
    #[inline]
    fn current(&self) -> Option<&[u8]> {
        if self.left == Some(0) { None } else { self.capture.frame(self.next) }
    }

    #[inline]
    fn advance(&mut self) {
        self.next = if self.next + 1 == self.capture.len() { 0 } else { self.next + 1 };
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
    }
}

impl RxQueue for PcapRx {
    #[inline]
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        let (mut got, mut bytes) = (0, 0);
        // Each turn takes one frame from the file, also one that is too long, so a file of giants ends the poll.
        for _ in 0..limit.min(burst.room()) {
            let Some(frame) = self.current() else { break };
            if frame.len() > pool.longest_frame() {
                self.stats.errors.add(1);
                self.advance();
                continue;
            }
            let Some(mbuf) = pool.take_filled(frame) else {
                // A dry pool (a broken INV-BUDGET): the frame waits for the next poll.
                self.stats.no_buffer.add(1);
                break;
            };
            bytes += u64::from(mbuf.len());
            self.advance();
            match burst.push(mbuf) {
                Ok(()) => got += 1,
                Err(mbuf) => pool.give(mbuf),
            }
        }
        if let Some(left) = self.left {
            self.counters.left.set(left);
        }
        if got > 0 {
            self.stats.packets.add(got as u64);
            self.stats.bytes.add(bytes);
        }
        got
    }

    fn in_ring(&self) -> u32 {
        0
    }

    fn ring_size(&self) -> u32 {
        0
    }

    fn stats(&self) -> &RxStats {
        &self.stats
    }

    fn fd(&self) -> Option<RawFd> {
        None
    }

    fn close(&mut self, _pool: &mut Pool) {}
}

impl TxQueue for PcapTx {
    #[inline]
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        let taken = burst.len();
        if taken == 0 {
            return 0;
        }
        let mut bytes = 0;
        let stamp = self.output.as_mut().map(Recorder::stamp);
        for mbuf in burst.drain_front(taken) {
            bytes += u64::from(mbuf.len());
            if let (Some(output), Some(stamp)) = (&mut self.output, stamp) {
                output.add(stamp, pool.frame(&mbuf));
            }
            pool.give(mbuf);
        }
        self.stats.packets.add(taken as u64);
        self.stats.bytes.add(bytes);
        taken
    }

    #[inline]
    fn reclaim(&mut self, _pool: &mut Pool) -> usize {
        if let Some(output) = &mut self.output {
            output.flush_when_due();
        }
        0
    }

    fn in_flight(&self) -> u32 {
        0
    }

    fn ring_size(&self) -> u32 {
        0
    }

    fn stats(&self) -> &TxStats {
        &self.stats
    }

    fn close(&mut self, _pool: &mut Pool) {
        if let Some(output) = &mut self.output {
            output.flush();
        }
    }
}
