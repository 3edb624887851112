//! Sending: one system call a burst.

use super::socket::Socket;
use crate::{TxQueue, TxStats};
use ringway_mempool::{BURST, Burst, Pool};
use std::sync::Arc;

/// Transmit queue of an AF_PACKET port.
pub struct PacketTx {
    socket: Option<Arc<Socket>>,
    stats: TxStats,
}

impl PacketTx {
    pub(super) fn new(socket: Arc<Socket>, stats: TxStats) -> Self {
        Self { socket: Some(socket), stats }
    }

    /// Offers the burst's frames from `first` on; returns how many the kernel took, or why it took none.
    fn offer(socket: &Socket, pool: &Pool, burst: &Burst, first: usize) -> std::io::Result<usize> {
        let frames = &burst.as_slice()[first..];
        let mut pieces = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BURST];
        for (piece, mbuf) in pieces.iter_mut().zip(frames) {
            let frame = pool.frame(mbuf);
            // The kernel only reads; the pointer is mutable because C has one type for both directions.
            *piece = libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() };
        }
        let mut messages: [libc::mmsghdr; BURST] = std::array::from_fn(|at| libc::mmsghdr {
            msg_hdr: libc::msghdr {
                msg_name: std::ptr::null_mut(),
                msg_namelen: 0,
                msg_iov: &raw mut pieces[at],
                msg_iovlen: 1,
                msg_control: std::ptr::null_mut(),
                msg_controllen: 0,
                msg_flags: 0,
            },
            msg_len: 0,
        });
        // INV-CUSTODY: `pool` and `burst` are borrowed until the call returns, so the frames stay where the iovecs point.
        socket.send(&mut messages[..frames.len()])
    }
}

impl TxQueue for PacketTx {
    #[inline]
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        let (mut taken, mut lost) = (0, 0);
        let Some(socket) = &self.socket else {
            let count = burst.len();
            self.stats.errors.add(count as u64);
            pool.give_burst(burst);
            return count;
        };
        // A call takes at least one frame or ends the loop: at most as many calls as frames.
        while taken < burst.len() {
            match Self::offer(socket, pool, burst, taken) {
                Ok(sent) => taken += sent,
                Err(error) => match error.raw_os_error() {
                    // The device or the socket has no room now: the rest stays in the burst.
                    Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM | libc::EINTR) => break,
                    // This frame cannot pass (longer than the device's MTU); the next may.
                    Some(libc::EMSGSIZE | libc::EINVAL) => {
                        taken += 1;
                        lost += 1;
                    }
                    // The device is down or gone: the rest of the burst would fail alike.
                    _ => {
                        self.stats.faults.add(1);
                        lost += burst.len() - taken;
                        taken = burst.len();
                    }
                },
            }
        }
        let mut bytes = 0;
        for mbuf in burst.drain_front(taken) {
            bytes += u64::from(mbuf.len());
            pool.give(mbuf);
        }
        if taken > 0 {
            self.stats.packets.add((taken - lost) as u64);
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
        self.socket = None;
    }
}
