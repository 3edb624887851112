//! A receive queue of a DPDK port.

use super::eal::Eal;
use super::pool::start_of;
use super::sys::{self, MbufLine};
use crate::{RxQueue, RxStats};
use ringway_mempool::{BURST, Burst, Mbuf, Pool};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A receive queue of a DPDK port.
#[derive(Debug)]
pub struct DpdkRx {
    pub(super) port: u16,
    pub(super) queue: u16,
    /// The mempool that its ring is filled from: that of its worker's pool.
    pub(super) mempool: NonNull<sys::rte_mempool>,
    /// Most buffers in its ring and at hand in its driver.
    pub(super) ring: u32,
    /// Frames whose tag the device has taken off get it back, unless the operator asked for that.
    pub(super) restore_tags: bool,
    /// The device has vanished.
    pub(super) gone: Arc<AtomicBool>,
    pub(super) stats: RxStats,
    /// Keeps EAL, and with it the mempool.
    pub(super) _eal: Eal,
}

// SAFETY: the mempool's pool goes to the same worker; only that thread uses both.
unsafe impl Send for DpdkRx {}

/// What of an mbuf makes it one that needs a second look.
const ODD: u64 = sys::RINGWAY_RX_VLAN_STRIPPED | sys::RINGWAY_RX_QINQ_STRIPPED;

impl RxQueue for DpdkRx {
    #[inline]
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        if self.gone.load(Ordering::Relaxed) {
            return 0;
        }
        let limit = limit.min(burst.room());
        let mut mbufs = [const { MaybeUninit::<*mut sys::rte_mbuf>::uninit() }; BURST];
        // SAFETY: the queue is set up and this thread alone polls it; there is room for `limit` pointers. The pool is open, so
        // the driver draws the buffers for its ring from it (INV-OPEN).
        let count = pool
            .open(|| unsafe { sys::ringway_rx_burst(self.port, self.queue, mbufs.as_mut_ptr().cast(), limit as u16) });
        if count == 0 {
            return 0;
        }
        // SAFETY: the driver has written `count` pointers.
        let mbufs =
            unsafe { std::slice::from_raw_parts(mbufs.as_ptr().cast::<*mut sys::rte_mbuf>(), usize::from(count)) };
        let (mut odd, mut bytes) = (0, 0);
        for mbuf in mbufs {
            // SAFETY: the driver hands over a filled mbuf, and nobody else uses it.
            let line = unsafe { &*mbuf.cast::<MbufLine>() };
            odd |= u64::from(line.nb_segs ^ 1) | (line.ol_flags & ODD);
            odd |= (line.pool.addr() ^ self.mempool.as_ptr().addr()) as u64;
            bytes += u64::from(line.pkt_len);
        }
        self.stats.packets.add(mbufs.len() as u64);
        self.stats.bytes.add(bytes);
        if odd != 0 {
            return self.take_odd(pool, burst, mbufs);
        }
        // SAFETY: the driver has given the buffers up, and they are of this pool's mempool (checked above).
        unsafe {
            pool.adopt(
                burst,
                mbufs.iter().map(|mbuf| {
                    let line = &*mbuf.cast::<MbufLine>();
                    (start_of(*mbuf), line.data_off, line.data_len)
                }),
            );
        }
        mbufs.len()
    }

    /// The pool counts what the driver has ([`Pool::in_rings`]).
    fn in_ring(&self) -> u32 {
        0
    }

    fn ring_size(&self) -> u32 {
        self.ring
    }

    fn stats(&self) -> &RxStats {
        &self.stats
    }

    fn fd(&self) -> Option<RawFd> {
        None
    }

    /// The buffers in the ring come back when the port is stopped.
    fn close(&mut self, _pool: &mut Pool) {}
}

impl DpdkRx {
    /// Takes a burst in which some frame is in several pieces, has lost its tag or lies in another worker's buffer.
    #[cold]
    fn take_odd(&self, pool: &mut Pool, burst: &mut Burst, mbufs: &[*mut sys::rte_mbuf]) -> usize {
        let before = burst.len();
        for mbuf in mbufs {
            // SAFETY: as in `poll`. `ringway_linearize` moves all bytes into the first mbuf when they fit, and frees the others
            // into the pool that is open.
            let whole = unsafe {
                let line = &*mbuf.cast::<MbufLine>();
                line.pool == self.mempool.as_ptr() && (line.nb_segs == 1 || pool.open(|| sys::ringway_linearize(*mbuf)))
            };
            // SAFETY: as in `poll`; linearizing has changed the lengths.
            let (flags, offset, len, tags) = unsafe {
                let line = &*mbuf.cast::<MbufLine>();
                (line.ol_flags, line.data_off, line.data_len, [line.vlan_tci_outer, line.vlan_tci])
            };
            let taken = if whole {
                // SAFETY: of this pool (checked), in one piece, and given up by the driver.
                unsafe { pool.adopt(burst, [(start_of(*mbuf), offset, len)].into_iter()) };
                burst.pop()
            } else {
                self.copied(pool, *mbuf)
            };
            let Some(mut mbuf) = taken else {
                self.stats.errors.add(1);
                continue;
            };
            if self.restore_tags && flags & ODD != 0 {
                let both = flags & sys::RINGWAY_RX_QINQ_STRIPPED != 0;
                restore_tags(pool, &mut mbuf, if both { &tags } else { &tags[1..] });
            }
            if let Err(mbuf) = burst.push(mbuf) {
                pool.give(mbuf);
            }
        }
        burst.len() - before
    }

    /// Copies a frame that cannot be taken over into a buffer of our own, when it fits, and frees it.
    fn copied(&self, pool: &mut Pool, mbuf: *mut sys::rte_mbuf) -> Option<Mbuf> {
        // SAFETY: as in `poll`: a chain of segments, each with `data_len` bytes at `buf_addr + data_off`.
        let bytes = unsafe {
            let line = &*mbuf.cast::<MbufLine>();
            let data = line.buf_addr.cast::<u8>().add(usize::from(line.data_off));
            (line.nb_segs == 1).then(|| std::slice::from_raw_parts(data, usize::from(line.data_len)))
        };
        let copy = bytes.and_then(|bytes| pool.take_filled(bytes));
        // SAFETY: nobody uses the frame any more. What is of another pool waits there for its worker.
        pool.open(|| unsafe { sys::ringway_free_burst([mbuf].as_mut_ptr(), 1) });
        copy
    }
}

/// Puts tags that the device took off back behind the addresses, the outer one first.
fn restore_tags(pool: &mut Pool, mbuf: &mut Mbuf, tags: &[u16]) {
    /// IEEE 802.1Q, table 9-1: the type of a customer's and of a service's tag.
    const TYPES: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];
    let added = 4 * tags.len();
    if mbuf.len() < 12 || !pool.prepend(mbuf, added as u16) {
        return;
    }
    let frame = pool.frame_mut(mbuf);
    frame.copy_within(added..added + 12, 0);
    for (place, tag) in tags.iter().enumerate() {
        let at = 12 + 4 * place;
        frame[at..at + 2].copy_from_slice(&TYPES[usize::from(place + 1 < tags.len())]);
        frame[at + 2..at + 4].copy_from_slice(&tag.to_be_bytes());
    }
}
