//! The queues of an in-memory port.

use super::cable::{Shelf, Source, Target};
use crate::{RxQueue, RxStats, TxQueue, TxStats};
use ringway_mempool::border;
use ringway_mempool::{Burst, Custody, Pool};
use std::os::fd::RawFd;

/// Receive queue of an in-memory port.
pub struct MemoryRx {
    pub(super) source: Source,
    pub(super) number: usize,
    pub(super) shelf: Shelf,
    pub(super) stats: RxStats,
}

/// Transmit queue of an in-memory port.
pub struct MemoryTx {
    pub(super) target: Target,
    pub(super) number: usize,
    pub(super) shelf: Shelf,
    pub(super) ring_size: u32,
    pub(super) stats: TxStats,
}

impl RxQueue for MemoryRx {
    #[inline]
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        let want = limit.min(burst.room());
        let mut bytes = 0;
        let mut got = 0;
        while got < want {
            let filled = match &mut self.source {
                Source::Ring(ring) => match ring.receive(|(), frame| pool.take_filled(frame)) {
                    None => break,
                    Some(filled) => filled,
                },
                Source::Replay { frames, next } => {
                    let frame = &frames[*next];
                    *next = if *next + 1 == frames.len() { 0 } else { *next + 1 };
                    pool.take_filled(frame)
                }
                Source::Closed => break,
            };
            let Some(mbuf) = filled else {
                // A frame longer than a buffer, or a dry pool (a broken INV-BUDGET): it is counted, and lost.
                if pool.available() == 0 {
                    self.stats.no_buffer.add(1)
                } else {
                    self.stats.errors.add(1)
                }
                break;
            };
            bytes += u64::from(mbuf.len());
            match burst.push(mbuf) {
                Ok(()) => got += 1,
                Err(mbuf) => {
                    pool.give(mbuf);
                    break;
                }
            }
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

    fn close(&mut self, _pool: &mut Pool) {
        match std::mem::replace(&mut self.source, Source::Closed) {
            Source::Closed => {}
            source => self.shelf.lay_source(self.number, source),
        }
    }
}

impl TxQueue for MemoryTx {
    #[inline]
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        let (mut taken, mut bytes) = (0, 0);
        match &mut self.target {
            Target::Ring(ring) => {
                for mbuf in burst.as_slice() {
                    match ring.send((), pool.frame(mbuf)) {
                        Ok(()) => bytes += u64::from(mbuf.len()),
                        Err(border::SendError::TooLong) => self.stats.errors.add(1),
                        Err(border::SendError::Full) => break,
                    }
                    taken += 1;
                }
                for mbuf in burst.drain_front(taken) {
                    pool.give(mbuf);
                }
            }
            Target::Hold(ring) => {
                taken = burst.len().min(self.ring_size as usize - ring.len());
                for mbuf in burst.drain_front(taken) {
                    bytes += u64::from(mbuf.len());
                    pool.mark(&mbuf, Custody::Burst, Custody::TransmitRing);
                    ring.push_back(mbuf);
                }
            }
            Target::Closed => {}
        }
        if taken > 0 {
            self.stats.packets.add(taken as u64);
            self.stats.bytes.add(bytes);
        }
        taken
    }

    #[inline]
    fn reclaim(&mut self, pool: &mut Pool) -> usize {
        let Target::Hold(ring) = &mut self.target else { return 0 };
        // Half of the ring stays in flight, as on a card whose transmitter is always busy.
        let done = ring.len().saturating_sub(self.ring_size as usize / 2);
        for mbuf in ring.drain(..done) {
            pool.mark(&mbuf, Custody::TransmitRing, Custody::Burst);
            pool.give(mbuf);
        }
        done
    }

    fn in_flight(&self) -> u32 {
        match &self.target {
            Target::Ring(_) | Target::Closed => 0,
            Target::Hold(ring) => ring.len() as u32,
        }
    }

    fn ring_size(&self) -> u32 {
        match &self.target {
            Target::Ring(_) | Target::Closed => 0,
            Target::Hold(_) => self.ring_size,
        }
    }

    fn stats(&self) -> &TxStats {
        &self.stats
    }

    fn close(&mut self, pool: &mut Pool) {
        if let Target::Hold(ring) = &mut self.target {
            for mbuf in ring.drain(..) {
                pool.mark(&mbuf, Custody::TransmitRing, Custody::Burst);
                pool.give(mbuf);
            }
        }
        match std::mem::replace(&mut self.target, Target::Closed) {
            Target::Closed => {}
            target => self.shelf.lay_target(self.number, target),
        }
    }
}
