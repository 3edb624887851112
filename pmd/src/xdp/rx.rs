//! Receiving: empty buffers go into the fill ring, full ones come out of the receive ring.

use super::half::{Half, Halves};
use super::ring::{Consumer, Producer};
use super::settings::Batching;
use super::shared::Shared;
use super::socket::Socket;
use crate::offload::finish_open_checksum;
use crate::{Counter, RxQueue, RxStats};
use crossbeam_utils::CachePadded;
use ringway_mempool::{Burst, Custody, Lender, Mbuf, Pool, cycles, cycles_per_second};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// In unaligned mode a received address is that of the chunk; the bits above are the offset of the frame in it
/// (`XSK_UNALIGNED_BUF_OFFSET_SHIFT`).
const OFFSET_SHIFT: u32 = 48;
const CHUNK_MASK: u64 = (1 << OFFSET_SHIFT) - 1;

/// Receive queue of an AF_XDP port: one queue of the device, or several where the device has more than the port.
pub struct XdpRx {
    sockets: Vec<RxSocket>,
    /// The socket that is polled first at the next turn, so that none starves.
    next: usize,
    /// Frames that are worth a turn at once.
    worthwhile: u32,
    /// Ticks of the time-stamp counter that fewer wait for more.
    patience: u64,
    shared: Arc<Shared>,
    stats: RxStats,
    /// Checksums that were finished.
    filled: Arc<CachePadded<Counter>>,
}

/// The receiving half of a socket.
pub(super) struct RxSocket {
    fill: Producer<u64>,
    receive: Consumer<libc::xdp_desc>,
    size: u32,
    /// When frames were taken last, in ticks of the time-stamp counter.
    taken: u64,
    half: Half,
}

impl RxSocket {
    pub fn new((fill, receive): (Producer<u64>, Consumer<libc::xdp_desc>), size: u32, half: Half) -> Self {
        Self { fill, receive, size, taken: 0, half }
    }

    /// Buffers that the kernel or the receive ring has: what was given less what came back, counted by our own two
    /// indices, which nobody else writes.
    #[inline]
    fn in_ring(&self) -> u32 {
        self.fill.pushed().wrapping_sub(self.receive.popped())
    }

    /// Fills up to the size of the ring; of these the kernel then has every one that is not in the receive ring.
    #[inline]
    pub fn refill(&mut self, pool: &mut Pool, stats: &RxStats) {
        let lender = self.half.receiver();
        for _ in self.in_ring()..self.size {
            let Some(mbuf) = pool.take() else {
                stats.no_buffer.add(1);
                break;
            };
            let offset = u64::from(mbuf.offset());
            let chunk = pool.lend(lender, mbuf, Custody::ReceiveRing) - offset;
            // Never full while it is as large as `size`.
            if !self.fill.push(chunk) {
                if let Some(mbuf) = pool.redeem(lender, chunk, Custody::ReceiveRing) {
                    pool.give(mbuf);
                }
                break;
            }
        }
        self.fill.publish();
    }

    pub fn socket(&self) -> &Socket {
        self.half.socket()
    }

    /// Closes the half; the frames of its queue are not steered to it any more.
    pub fn close(self, pool: &mut Pool) {
        let Self { fill, receive, half, .. } = self;
        // The rings keep the socket alive as long as its descriptor does.
        drop((fill, receive));
        Halves::close(half, pool);
    }

    /// Lets the kernel work where it waits to be told; what that call says is said again at the next.
    #[inline]
    fn wake(&self, busy_poll: bool) {
        if busy_poll || self.fill.needs_wakeup() {
            let _ = self.half.socket().wake_receive();
        }
    }
}

/// A received frame as an mbuf.
#[inline]
fn received(pool: &mut Pool, lender: Lender, frame: &libc::xdp_desc) -> Option<Mbuf> {
    let address = (frame.addr & CHUNK_MASK) + (frame.addr >> OFFSET_SHIFT);
    let mut mbuf = pool.redeem(lender, address, Custody::ReceiveRing)?;
    pool.set_len(&mut mbuf, frame.len as usize);
    Some(mbuf)
}

impl XdpRx {
    pub(super) fn new(
        sockets: Vec<RxSocket>,
        batching: Batching,
        shared: Arc<Shared>,
        stats: RxStats,
        filled: Arc<CachePadded<Counter>>,
    ) -> Self {
        let patience = batching.wait.as_micros() as u64 * (cycles_per_second() / 1_000_000);
        Self { sockets, next: 0, worthwhile: batching.frames, patience, shared, stats, filled }
    }

    /// Takes up to `wanted` frames of one socket.
    #[inline]
    fn take(&mut self, at: usize, pool: &mut Pool, burst: &mut Burst, wanted: u32) -> usize {
        let (shared, stats, socket) = (&self.shared, &self.stats, &mut self.sockets[at]);
        let mut ready = socket.receive.available(wanted).min(wanted);
        let few = ready < self.worthwhile.min(wanted);
        if few && cycles().wrapping_sub(socket.taken) < self.patience {
            return 0;
        }
        if ready == 0 || few && shared.busy_poll {
            socket.wake(shared.busy_poll);
            // What the kernel receives in our own call is taken in the same turn.
            ready = if shared.busy_poll { socket.receive.available(wanted).min(wanted) } else { 0 };
        }
        if ready == 0 {
            return 0;
        }
        let lender = socket.half.receiver();
        let (mut bytes, mut added) = (0, 0);
        for _ in 0..ready {
            let Some(frame) = socket.receive.pop() else { break };
            let Some(mbuf) = received(pool, lender, &frame) else {
                // INV-CUSTODY: an address that we did not lend makes no mbuf. The audit then shows what is missing.
                stats.errors.add(1);
                continue;
            };
            if shared.finish_checksums && finish_open_checksum(pool.frame_mut(&mbuf)) {
                self.filled.add(1);
            }
            bytes += u64::from(mbuf.len());
            match burst.push(mbuf) {
                Ok(()) => added += 1,
                Err(mbuf) => pool.give(mbuf),
            }
        }
        socket.taken = cycles();
        socket.receive.release();
        socket.refill(pool, stats);
        socket.wake(false);
        stats.packets.add(added as u64);
        stats.bytes.add(bytes);
        added
    }
}

impl RxQueue for XdpRx {
    #[inline]
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        let mut added = 0;
        for _ in 0..self.sockets.len() {
            let room = (limit - added).min(burst.room()) as u32;
            if room == 0 {
                break;
            }
            self.next = if self.next + 1 < self.sockets.len() { self.next + 1 } else { 0 };
            added += self.take(self.next, pool, burst, room);
        }
        added
    }

    fn in_ring(&self) -> u32 {
        self.sockets.iter().map(RxSocket::in_ring).sum()
    }

    fn ring_size(&self) -> u32 {
        self.sockets.iter().map(|socket| socket.size).sum()
    }

    fn stats(&self) -> &RxStats {
        &self.stats
    }

    fn fd(&self) -> Option<RawFd> {
        // The socket of a device that is gone is always readable, and says nothing more. A worker that serves several
        // queues of a device looks at the others when it wakes.
        let gone = self.shared.gone.load(Ordering::Relaxed);
        self.sockets.first().filter(|_| !gone).map(|socket| socket.half.socket().raw())
    }

    fn close(&mut self, pool: &mut Pool) {
        for socket in self.sockets.drain(..) {
            self.shared.unsteer(socket.socket().queue());
            socket.close(pool);
        }
    }
}
