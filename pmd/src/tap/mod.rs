//! A TAP device of our own: the kernel of this machine as the peer at the other end of the cable.
//!
//! The device is made when the port opens and vanishes when it closes; a persistent one (`ip tuntap add`) is used and given
//! back as it was. Two addresses are on this cable: the kernel's, on the interface that `ip link` shows, and the
//! port's, which is ours.
//!
//! * **A system call a frame**: `read` and `write` on a TAP move one frame each, that is how the device works. It is
//!   the one driver for which this holds; it is bounded by the burst, and an empty queue costs one call a poll.
//! * **Whole frames**: offloads are switched off, so the kernel computes checksums and cuts segments before it hands a
//!   frame over.
//! * **A driver that copies**: no buffer is ever in flight.

mod device;
mod port;

pub use port::{TapPort, open};

use crate::{RxQueue, RxStats, TxQueue, TxStats};
use ringway_mempool::{Burst, Pool};
use std::fs::File;
use std::io::{self, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One queue of the device; the device lives until the last of its files is closed.
#[derive(Debug, Clone)]
struct Queue {
    file: Arc<File>,
    /// The device was deleted: set once, by whoever notices first.
    gone: Arc<AtomicBool>,
}

/// What becomes of the frames after a failed call.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// Nothing waits, or there is no room now: try again later.
    Busy,
    /// This frame cannot pass; the next may.
    BadFrame,
    /// No frame can pass now: the interface is down, or gone.
    Closed,
}

impl Queue {
    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Sorts the errors of `tun_get_user` and `tun_do_read` in the kernel's drivers/net/tun.c.
    fn failure(&self, error: &io::Error) -> Failure {
        match error.raw_os_error() {
            // A signal came, or the kernel has no room: the frame was not taken.
            Some(libc::EAGAIN | libc::EINTR | libc::ENOBUFS | libc::ENOMEM) => Failure::Busy,
            // Shorter than an Ethernet header, or longer than the kernel takes.
            Some(libc::EINVAL | libc::EMSGSIZE) => Failure::BadFrame,
            // The file has lost its device.
            Some(libc::EBADFD | libc::ENODEV | libc::ENXIO) => {
                self.gone.store(true, Ordering::Relaxed);
                Failure::Closed
            }
            _ => Failure::Closed,
        }
    }
}

/// Receive queue of a TAP port.
pub struct TapRx {
    queue: Option<Queue>,
    stats: RxStats,
}

/// Transmit queue of a TAP port.
pub struct TapTx {
    queue: Option<Queue>,
    stats: TxStats,
}

impl RxQueue for TapRx {
    #[inline]
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        let Some(queue) = self.queue.as_ref().filter(|queue| !queue.is_gone()) else { return 0 };
        let (mut got, mut bytes) = (0, 0);
        // One read a turn, at most as many as the burst takes.
        for _ in 0..limit.min(burst.room()) {
            let Some(mut mbuf) = pool.take() else {
                self.stats.no_buffer.add(1);
                break;
            };
            let room = pool.room_mut(&mbuf);
            let longest = room.len();
            // The kernel cuts a frame to the room it is given; a byte more tells a cut frame from one that just fits.
            let mut spill = [0];
            match (&*queue.file).read_vectored(&mut [IoSliceMut::new(room), IoSliceMut::new(&mut spill)]) {
                Ok(len @ 1..) if len <= longest => {
                    pool.set_len(&mut mbuf, len);
                    match burst.push(mbuf) {
                        Ok(()) => (got, bytes) = (got + 1, bytes + len as u64),
                        Err(mbuf) => pool.give(mbuf),
                    }
                }
                Ok(_) => {
                    pool.give(mbuf);
                    self.stats.errors.add(1);
                }
                Err(error) => {
                    pool.give(mbuf);
                    if queue.failure(&error) != Failure::Busy {
                        self.stats.faults.add(1);
                    }
                    break;
                }
            }
        }
        if got > 0 {
            self.stats.packets.add(got);
            self.stats.bytes.add(bytes);
        }
        got as usize
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

    /// None once the device is gone, for its descriptor would always be ready.
    fn fd(&self) -> Option<RawFd> {
        self.queue.as_ref().filter(|queue| !queue.is_gone()).map(|queue| queue.file.as_raw_fd())
    }

    fn close(&mut self, _pool: &mut Pool) {
        self.queue = None;
    }
}

impl TxQueue for TapTx {
    #[inline]
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        let (mut taken, mut bytes, mut lost) = (0, 0, 0);
        // One write a turn, at most as many as the burst has.
        for mbuf in burst.as_slice() {
            let Some(queue) = self.queue.as_ref().filter(|queue| !queue.is_gone()) else {
                lost += burst.len() - taken;
                taken = burst.len();
                break;
            };
            match (&*queue.file).write(pool.frame(mbuf)) {
                Ok(_) => bytes += u64::from(mbuf.len()),
                Err(error) => match queue.failure(&error) {
                    Failure::Busy => break,
                    Failure::BadFrame => lost += 1,
                    Failure::Closed => {
                        // The rest of the burst would fail alike: one call is enough to learn it.
                        self.stats.faults.add(1);
                        lost += burst.len() - taken;
                        taken = burst.len();
                        break;
                    }
                },
            }
            taken += 1;
        }
        for mbuf in burst.drain_front(taken) {
            pool.give(mbuf);
        }
        if taken > 0 {
            self.stats.packets.add(taken as u64);
            self.stats.bytes.add(bytes);
            self.stats.errors.add(lost as u64);
        }
        taken
    }

    fn reclaim(&mut self, _pool: &mut Pool) -> usize {
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
        self.queue = None;
    }
}
