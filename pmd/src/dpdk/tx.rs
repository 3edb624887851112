//! A transmit queue of a DPDK port.

use super::checksum;
use super::eal::Eal;
use super::pool::mbuf_of;
use super::sys::{self, MbufLine};
use crate::{TxOffloads, TxQueue, TxStats};
use ringway_mempool::{BURST, Burst, Pool};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A transmit queue of a DPDK port.
#[derive(Debug)]
pub struct DpdkTx {
    pub(super) port: u16,
    pub(super) queue: u16,
    /// Most buffers in its ring.
    pub(super) ring: u32,
    /// Bits of [`TxOffloads`]: the checksums that the device fills in; none, and frames are sent as they are.
    pub(super) checksums: Arc<AtomicU64>,
    /// The device has vanished.
    pub(super) gone: Arc<AtomicBool>,
    pub(super) stats: TxStats,
    /// Keeps EAL, and with it the mempool.
    pub(super) _eal: Eal,
}

impl TxQueue for DpdkTx {
    #[inline]
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        if self.gone.load(Ordering::Relaxed) {
            return self.lose(pool, burst);
        }
        let mut mbufs = [ptr::null_mut::<sys::rte_mbuf>(); BURST];
        let mut bytes = 0;
        let (port, queue) = (self.port, self.queue);
        let checksums = self.checksums.load(Ordering::Relaxed);
        // `mbufs` is filled by the first closure and sent by the second; a pointer spares a second array.
        let told = mbufs.as_mut_ptr();
        let taken = pool.surrender(
            burst,
            |place, start, offset, len| {
                let mbuf = mbuf_of(start);
                // SAFETY: the buffer is in our burst, so its mbuf is nobody else's; a burst has at most BURST packets. The
                // reference count is 1 and there is one segment: drivers leave a free mbuf so.
                unsafe {
                    let line = mbuf.cast::<MbufLine>();
                    (*line).data_off = offset;
                    (*line).ol_flags = 0;
                    (*line).pkt_len = u32::from(len);
                    (*line).data_len = len;
                    told.add(place).write(mbuf);
                }
                bytes += u64::from(len);
            },
            // SAFETY: the queue is set up and this thread alone fills it; `count` pointers were told. What the driver frees
            // goes to the pool, which is open (INV-OPEN).
            |count| unsafe {
                if checksums != 0 {
                    let which = TxOffloads::from_bits_truncate(checksums);
                    checksum::ask(port, queue, std::slice::from_raw_parts_mut(told, count), which);
                }
                usize::from(sys::ringway_tx_burst(port, queue, told, count as u16))
            },
        );
        let left: u64 = burst.as_slice().iter().map(|mbuf| u64::from(mbuf.len())).sum();
        self.stats.packets.add(taken as u64);
        self.stats.bytes.add(bytes - left);
        taken
    }

    /// The driver frees what it has sent when it is given more; here comes back what it freed on other threads.
    #[inline]
    fn reclaim(&mut self, pool: &mut Pool) -> usize {
        pool.absorb()
    }

    /// The pool counts what the driver has ([`Pool::in_rings`]).
    fn in_flight(&self) -> u32 {
        0
    }

    fn ring_size(&self) -> u32 {
        self.ring
    }

    fn stats(&self) -> &TxStats {
        &self.stats
    }

    /// The buffers in the ring come back when the port is stopped.
    fn close(&mut self, _pool: &mut Pool) {}
}

impl DpdkTx {
    /// Takes a burst for a device that is not there any more.
    #[cold]
    fn lose(&self, pool: &mut Pool, burst: &mut Burst) -> usize {
        let count = burst.len();
        pool.give_burst(burst);
        self.stats.packets.add(count as u64);
        self.stats.errors.add(count as u64);
        count
    }
}
