//! What a port is told when it opens and each time it starts.

use crate::{Rss, Rx, RxOffloads, Tx, TxOffloads};
use macaddr::MacAddr6;
use ringway_mempool::Pool;

/// Frames that a ring holds unless configured.
const RING: u32 = 512;

/// What every driver is told when it opens or starts a port.
#[derive(Debug, Clone, PartialEq)]
pub struct PortSettings {
    /// The port's name in the configuration.
    pub name: String,
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Receive ring of a queue, in frames; a power of two.
    pub rx_ring: u32,
    /// Transmit ring of a queue, in frames; a power of two.
    pub tx_ring: u32,
    /// Longest IP packet to carry, in bytes; `None` keeps the device's.
    pub mtu: Option<u16>,
    /// Address to take; `None` keeps the device's.
    pub mac: Option<MacAddr6>,
    /// Receive frames for every address.
    pub promiscuous: bool,
    /// Receive frames for every multicast group.
    pub all_multicast: bool,
    /// What the device should do on reception; a driver ignores what its device is not capable of, and `info` tells.
    pub rx_offloads: RxOffloads,
    /// What the device should do on transmission; the same holds.
    pub tx_offloads: TxOffloads,
    /// How received frames are spread over several queues; `None` leaves it to the driver.
    pub rss: Option<Rss>,
}

impl PortSettings {
    /// A port with as many receive as transmit queues, all else as a driver has it of itself.
    pub fn new(name: impl Into<String>, queues: u16) -> Self {
        Self {
            name: name.into(),
            rx_queues: queues,
            tx_queues: queues,
            rx_ring: RING,
            tx_ring: RING,
            mtu: None,
            mac: None,
            promiscuous: false,
            all_multicast: false,
            rx_offloads: RxOffloads::empty(),
            tx_offloads: TxOffloads::empty(),
            rss: None,
        }
    }
}

/// The queues of a port just started, for the workers.
///
/// A device with fewer receive queues than asked for has a shorter `rx`; `tx` always has as many as asked for.
#[derive(Debug, Default)]
pub struct Queues {
    /// Receive queues, by number.
    pub rx: Vec<Rx>,
    /// Transmit queues, by number.
    pub tx: Vec<Tx>,
    /// Lines for the operator: what was switched, what is missing and what it costs.
    pub notices: Vec<String>,
}

/// Whose pools a driver needs, because its device is given buffers or gives them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PoolUse {
    /// None: the driver copies.
    #[default]
    Never,
    /// At the start, those of the workers that receive. The queues bring every buffer home when they are closed.
    Receivers,
    /// At the start and at the stop, those of every worker with a queue.
    Everyone,
}

/// The pools of workers, lent to a driver whose device is given its buffers when the port starts ([`PoolUse`]); for any other
/// driver there are none.
///
/// Their workers wait meanwhile. A pool is at another address each time it is lent, and when a worker calls a queue: a driver
/// keeps no pointer to one beyond the call.
#[derive(Debug, Default)]
pub struct LentPools<'a> {
    /// The pools.
    pub pools: &'a mut [Pool],
    /// The worker of each.
    pub owners: &'a [u16],
    /// By receive queue: the worker that will serve it, whose buffers its ring takes.
    pub rx_workers: &'a [u16],
    /// By transmit queue: the worker that will fill it.
    pub tx_workers: &'a [u16],
}

impl LentPools<'_> {
    /// Where the pool of a worker is among them.
    pub fn place(&self, worker: u16) -> Option<usize> {
        self.owners.iter().position(|owner| *owner == worker)
    }
}

/// Buffers of a pool that one queue of a port can hold, for the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RingBuffers {
    /// A receive queue.
    pub rx: u32,
    /// A transmit queue.
    pub tx: u32,
}
