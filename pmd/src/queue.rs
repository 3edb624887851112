//! What a worker does with a port: the queue contract, and the enums that list every driver's queues.

use crate::fault::{FaultRx, FaultTx};
use crate::memory::{MemoryRx, MemoryTx};
use crate::packet::{PacketRx, PacketTx};
use crate::pcap::{PcapRx, PcapTx};
use crate::tap::{TapRx, TapTx};
use crate::xdp::{XdpRx, XdpTx};
use crate::{RxStats, TxStats};
use ringway_mempool::{Burst, Pool};
use std::os::fd::RawFd;

/// The receiving half that a worker owns.
pub trait RxQueue {
    /// Moves received frames into `burst`, in order, as many as there are, `limit` and the burst's room allow.
    ///
    /// Never waits. Frames are whole Ethernet frames without FCS, VLAN tags in place, every checksum filled in,
    /// none longer than the pool's longest frame. Returns how many were added.
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize;

    /// Buffers of the pool that this queue holds, for the audit.
    fn in_ring(&self) -> u32;

    /// Most buffers it can hold, for the budget.
    fn ring_size(&self) -> u32;

    /// The queue's counters.
    fn stats(&self) -> &RxStats;

    /// A descriptor that turns readable when frames wait, for a worker that sleeps.
    fn fd(&self) -> Option<RawFd>;

    /// Gives every buffer back to the pool; the queue is not polled after.
    fn close(&mut self, pool: &mut Pool);
}

/// The transmitting half that a worker owns.
pub trait TxQueue {
    /// Takes a prefix of `burst` for transmission and leaves the rest, in order. Never waits.
    ///
    /// Returns how many were taken. A driver that copies gives the buffer to `pool` at once; one that lends the
    /// buffer to a device keeps it until [`TxQueue::reclaim`].
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize;

    /// Gives the buffers that the device is done with to the pool; returns how many.
    fn reclaim(&mut self, pool: &mut Pool) -> usize;

    /// Buffers of the pool that are not yet reclaimed, for the audit.
    fn in_flight(&self) -> u32;

    /// Most buffers that can be in flight, for the budget.
    fn ring_size(&self) -> u32;

    /// The queue's counters.
    fn stats(&self) -> &TxStats;

    /// Gives every buffer back to the pool, sent or not; nothing is submitted after.
    fn close(&mut self, pool: &mut Pool);
}

/// A receive queue of any driver.
pub enum Rx {
    /// In memory.
    Memory(MemoryRx),
    /// A capture file.
    Pcap(PcapRx),
    /// A TAP device of our own.
    Tap(TapRx),
    /// Any Linux interface.
    Packet(Box<PacketRx>),
    /// Any DPDK device.
    #[cfg(feature = "dpdk")]
    Dpdk(crate::dpdk::DpdkRx),
    /// Any Linux interface, past the kernel's stack.
    Xdp(Box<XdpRx>),
    /// Any queue behind injected faults.
    Fault(Box<FaultRx>),
}

/// A transmit queue of any driver.
pub enum Tx {
    /// In memory.
    Memory(MemoryTx),
    /// A capture file.
    Pcap(PcapTx),
    /// A TAP device of our own.
    Tap(TapTx),
    /// Any Linux interface.
    Packet(PacketTx),
    /// Any DPDK device.
    #[cfg(feature = "dpdk")]
    Dpdk(crate::dpdk::DpdkTx),
    /// Any Linux interface, past the kernel's stack.
    Xdp(Box<XdpTx>),
    /// Any queue behind injected faults.
    Fault(Box<FaultTx>),
}

/// Writes a call once for every driver's queue: one predictable branch a burst, where a virtual call would cost an
/// indirect jump and hide which queue runs.
macro_rules! each {
    ($queue:expr, $inner:ident => $call:expr) => {
        match $queue {
            Self::Memory($inner) => $call,
            Self::Pcap($inner) => $call,
            Self::Tap($inner) => $call,
            Self::Packet($inner) => $call,
            #[cfg(feature = "dpdk")]
            Self::Dpdk($inner) => $call,
            Self::Xdp($inner) => $call,
            Self::Fault($inner) => $call,
        }
    };
}

impl RxQueue for Rx {
    #[inline]
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        each!(self, queue => queue.poll(pool, burst, limit))
    }

    fn in_ring(&self) -> u32 {
        each!(self, queue => queue.in_ring())
    }

    fn ring_size(&self) -> u32 {
        each!(self, queue => queue.ring_size())
    }

    fn stats(&self) -> &RxStats {
        each!(self, queue => queue.stats())
    }

    fn fd(&self) -> Option<RawFd> {
        each!(self, queue => queue.fd())
    }

    fn close(&mut self, pool: &mut Pool) {
        each!(self, queue => queue.close(pool));
    }
}

impl TxQueue for Tx {
    #[inline]
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        each!(self, queue => queue.submit(pool, burst))
    }

    #[inline]
    fn reclaim(&mut self, pool: &mut Pool) -> usize {
        each!(self, queue => queue.reclaim(pool))
    }

    fn in_flight(&self) -> u32 {
        each!(self, queue => queue.in_flight())
    }

    fn ring_size(&self) -> u32 {
        each!(self, queue => queue.ring_size())
    }

    fn stats(&self) -> &TxStats {
        each!(self, queue => queue.stats())
    }

    fn close(&mut self, pool: &mut Pool) {
        each!(self, queue => queue.close(pool));
    }
}

impl std::fmt::Debug for Rx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "receive queue, {} buffers in its ring", self.in_ring())
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "transmit queue, {} buffers in flight", self.in_flight())
    }
}
