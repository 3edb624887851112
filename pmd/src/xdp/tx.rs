//! Sending: full buffers go into the transmit ring, sent ones come out of the completion ring.

use super::half::{Half, Halves};
use super::ring::{Consumer, Producer};
use super::shared::Shared;
use crate::{TxQueue, TxStats};
use ringway_mempool::{BURST, Burst, Custody, Pool};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Calls for one burst at most. Without zero-copy the kernel sends up to 32 frames a call and says `EAGAIN` when more are there:
/// this is enough for a burst and what an earlier one may have left.
const CALLS: usize = 4;

/// Transmit queue of an AF_XDP port.
pub struct XdpTx {
    open: Option<TxSocket>,
    stats: TxStats,
    shared: Arc<Shared>,
}

/// The sending half of a socket.
pub(super) struct TxSocket {
    transmit: Producer<libc::xdp_desc>,
    completion: Consumer<u64>,
    size: u32,
    half: Half,
}

impl XdpTx {
    pub(super) fn new(socket: TxSocket, shared: Arc<Shared>, stats: TxStats) -> Self {
        Self { open: Some(socket), stats, shared }
    }
}

impl TxSocket {
    pub fn new((transmit, completion): (Producer<libc::xdp_desc>, Consumer<u64>), size: u32, half: Half) -> Self {
        Self { transmit, completion, size, half }
    }

    /// Buffers that the transmit ring, the kernel or the completion ring has, by our own two indices.
    #[inline]
    fn in_flight(&self) -> u32 {
        self.transmit.pushed().wrapping_sub(self.completion.popped())
    }

    /// Asks the kernel to send what waits in the ring.
    #[inline]
    fn kick(&self, stats: &TxStats) {
        for _ in 0..CALLS {
            let Err(error) = self.half.socket().wake_transmit() else { return };
            match error.raw_os_error() {
                // 32 were sent and more are there.
                Some(libc::EAGAIN) if self.transmit.waiting() > 0 => {}
                // The device has no room now, or completions wait for us: the next turn asks again.
                Some(libc::EAGAIN | libc::EBUSY | libc::ENOBUFS | libc::ENOMEM | libc::EINTR) => return,
                // The device is down or gone.
                _ => {
                    stats.faults.add(1);
                    return;
                }
            }
        }
    }
}

impl TxQueue for XdpTx {
    #[inline]
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        let Some(open) = &mut self.open else { return 0 };
        let lender = open.half.sender();
        if self.shared.gone.load(Ordering::Relaxed) {
            let count = burst.len();
            self.stats.errors.add(count as u64);
            pool.give_burst(burst);
            return count;
        }
        let room = open.size.saturating_sub(open.in_flight()) as usize;
        let (mut taken, mut bytes) = (0, 0);
        for mbuf in burst.drain_front(room) {
            let len = u32::from(mbuf.len());
            let addr = pool.lend(lender, mbuf, Custody::TransmitRing);
            if !open.transmit.push(libc::xdp_desc { addr, len, options: 0 }) {
                // Never while the ring is as large as `size`.
                if let Some(mbuf) = pool.redeem(lender, addr, Custody::TransmitRing) {
                    pool.give(mbuf);
                }
                self.stats.errors.add(1);
                continue;
            }
            taken += 1;
            bytes += u64::from(len);
        }
        if taken > 0 {
            open.transmit.publish();
            self.stats.packets.add(taken as u64);
            self.stats.bytes.add(bytes);
        }
        if open.transmit.needs_wakeup() {
            open.kick(&self.stats);
        }
        taken
    }

    #[inline]
    fn reclaim(&mut self, pool: &mut Pool) -> usize {
        let Some(open) = &mut self.open else { return 0 };
        let lender = open.half.sender();
        let mut count = 0;
        while open.completion.available(1) > 0 && count < 4 * BURST {
            let Some(address) = open.completion.pop() else { break };
            match pool.redeem(lender, address, Custody::TransmitRing) {
                Some(mbuf) => pool.give(mbuf),
                // INV-CUSTODY: an address that we did not lend makes no mbuf.
                None => self.stats.faults.add(1),
            }
            count += 1;
        }
        if count > 0 {
            open.completion.release();
        }
        // What the kernel would not take at the time of its burst is offered again.
        let waits = open.in_flight() > 0 && open.transmit.waiting() > 0;
        if waits && open.transmit.needs_wakeup() && !self.shared.gone.load(Ordering::Relaxed) {
            open.kick(&self.stats);
        }
        count
    }

    fn in_flight(&self) -> u32 {
        self.open.as_ref().map_or(0, TxSocket::in_flight)
    }

    fn ring_size(&self) -> u32 {
        self.open.as_ref().map_or(0, |open| open.size)
    }

    fn stats(&self) -> &TxStats {
        &self.stats
    }

    fn close(&mut self, pool: &mut Pool) {
        let Some(TxSocket { transmit, completion, half, .. }) = self.open.take() else { return };
        // The rings keep the socket alive as long as its descriptor does.
        drop((transmit, completion));
        Halves::close(half, pool);
    }
}
