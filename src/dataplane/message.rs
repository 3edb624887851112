//! What crosses between the control thread and a worker: bounded queues only, and neither side waits for the other.
//!
//! ```text
//!                 orders (queue)  ───────────────▶
//!   control       injected packets (border ring) ▶     worker
//!                 ◀─────────────── events (queue)
//!                 ◀─── punted packets (border ring)
//! ```

use super::counters::WorkerCounters;
use super::observe::{self, Observed};
use super::queues::PortQueues;
use super::snapshot::Snapshot;
use crossbeam_queue::ArrayQueue;
use macaddr::MacAddr6;
use ringway_mempool::border::{self, Consumer, Producer};
use ringway_mempool::epoch::Passage;
use ringway_mempool::{Audit, Pool};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Orders that can wait for a worker.
const ORDERS: usize = 4096;
/// Events that can wait for the control thread.
const EVENTS: usize = 4096;
/// Packets that can wait in each direction.
const SLOTS: u32 = 512;

/// A neighbor of either family, as workers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighborKey {
    /// Interface number.
    pub interface: u16,
    /// Its address; one of IPv4 is mapped (RFC 4291 2.5.5.2), which no IPv6 neighbor ever has.
    mapped: Ipv6Addr,
}

impl NeighborKey {
    /// A neighbor of IPv4.
    #[inline]
    pub const fn v4(interface: u16, address: Ipv4Addr) -> Self {
        Self { interface, mapped: address.to_ipv6_mapped() }
    }

    /// A neighbor of IPv6.
    #[inline]
    pub const fn v6(interface: u16, address: Ipv6Addr) -> Self {
        Self { interface, mapped: address }
    }

    /// A neighbor of either.
    pub const fn new(interface: u16, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::v4(interface, address),
            IpAddr::V6(address) => Self::v6(interface, address),
        }
    }

    /// Its address.
    pub fn address(self) -> IpAddr {
        self.mapped.to_canonical()
    }
}

impl Hash for NeighborKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bits = self.mapped.to_bits();
        state.write_u64((bits >> 64) as u64 ^ u64::from(self.interface));
        state.write_u64(bits as u64);
    }
}

/// From the control thread to a worker.
#[derive(Debug)]
pub enum Order {
    /// Use this snapshot from the next burst on.
    Snapshot(Arc<Snapshot>),
    /// The neighbor has this address; with `report_use`, say once when a packet goes to it.
    NeighborUpdate {
        /// Which.
        key: NeighborKey,
        /// Its address.
        mac: MacAddr6,
        /// RFC 4861 7.3.3: the first packet sent to a STALE neighbor starts the DELAY state.
        report_use: bool,
    },
    /// The neighbor did not answer: what waits for it is answered with host-unreachable.
    NeighborFailed(NeighborKey),
    /// Forget the neighbor.
    NeighborRemoved(NeighborKey),
    /// Say where every buffer is, with this number in the answer.
    Audit(u64),
    /// Fill this report and send it back; it brings its memory along.
    Report(Box<Report>),
    /// Send so many bursts of generated packets on every port: `start tx_first`.
    TransmitFirst(u32),
    /// Empty the route cache.
    ClearCache,
    /// Serve these queues too.
    GiveQueues(Box<PortQueues>),
    /// Close the queues of this port, give their buffers back and hand them over.
    TakeQueues(u16),
    /// Hand the pool over, with this one in its place, and wait for [`Order::ReturnPool`]: a driver needs it to start or stop
    /// a device.
    LendPool(Box<Pool>),
    /// The pool comes back.
    ReturnPool(Box<Pool>),
    /// Close the queues, give every buffer back, end.
    Stop,
}

/// From a worker to the control thread.
#[derive(Debug)]
pub enum Event {
    /// Packets wait for this neighbor.
    NeighborNeeded(NeighborKey),
    /// A packet went to this neighbor, whose use was to be reported.
    NeighborUsed(NeighborKey),
    /// The answer to [`Order::Audit`].
    Audit(u64, Audit),
    /// The answer to [`Order::Report`].
    Report(Box<Report>),
    /// The answer to [`Order::TakeQueues`]: closed ones.
    QueuesTaken(Box<PortQueues>),
    /// The answer to [`Order::LendPool`].
    PoolLent(Box<Pool>),
}

/// One entry of a worker's route cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLine {
    /// The destination it is for.
    pub destination: IpAddr,
    /// The source it is for, where the decision depended on it.
    pub source: Option<IpAddr>,
    /// The VRF it is for.
    pub vrf: u16,
    /// The neighbor it goes to.
    pub neighbor: NeighborKey,
    /// Milliseconds since it was filled.
    pub age_ms: u32,
    /// Packets that it served.
    pub uses: u32,
}

/// What a worker tells on request about tables that only it reads. Made by the asker with room for everything, so
/// that the worker allocates nothing.
#[derive(Debug, Default)]
pub struct Report {
    /// Number of the question.
    pub id: u64,
    /// Live entries of the route caches, those of IPv4 first.
    pub cache: Vec<CacheLine>,
    /// Whether the cache of IPv4 has stepped aside.
    pub cache4_aside: bool,
    /// Whether the cache of IPv6 has.
    pub cache6_aside: bool,
    /// Neighbors that packets wait for, and how many.
    pub held: Vec<(NeighborKey, u32)>,
}

/// What is punted, beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Punt {
    /// A whole ARP frame.
    #[default]
    Arp,
    /// An IP packet for us that is not answered in the data plane.
    Ip,
    /// A whole frame with a message of Neighbor Discovery.
    Discovery,
}

/// Meta data of a punted packet.
#[derive(Debug, Clone, Copy, Default)]
pub struct PuntMeta {
    /// What it is.
    pub kind: Punt,
    /// Interface that it came in on.
    pub interface: u16,
    /// Bytes before the payload: for ARP and Neighbor Discovery the Ethernet header with its tags.
    pub offset: u16,
}

/// What is injected, beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inject {
    /// A whole frame for a port.
    Frame {
        /// Port number.
        port: u16,
    },
    /// An IP packet of our own, to be routed.
    Packet {
        /// In the table of this VRF.
        vrf: u16,
    },
}

impl Default for Inject {
    fn default() -> Self {
        Self::Frame { port: 0 }
    }
}

/// The worker's ends.
pub struct WorkerLink {
    pub(crate) orders: Arc<ArrayQueue<Order>>,
    pub(crate) events: Arc<ArrayQueue<Event>>,
    pub(crate) punt: Producer<PuntMeta>,
    pub(crate) inject: Consumer<Inject>,
    /// Until the worker takes it.
    pub(crate) observe: Option<Producer<Observed>>,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) passage: Passage,
}

/// The control thread's ends.
pub struct ControlLink {
    /// Orders to the worker.
    pub orders: Arc<ArrayQueue<Order>>,
    /// Events from it.
    pub events: Arc<ArrayQueue<Event>>,
    /// Punted packets.
    pub punt: Consumer<PuntMeta>,
    /// Injected packets.
    pub inject: Producer<Inject>,
    /// Packets to be shown.
    pub observed: Consumer<Observed>,
    /// What the worker counts.
    pub counters: Arc<WorkerCounters>,
}

/// Makes both ends for a worker whose longest frame is `frame_bytes` and that reads tables under these epochs.
pub fn link(frame_bytes: usize, counters: WorkerCounters, passage: Passage) -> (ControlLink, WorkerLink) {
    let counters = Arc::new(counters);
    let orders = Arc::new(ArrayQueue::new(ORDERS));
    let events = Arc::new(ArrayQueue::new(EVENTS));
    let (punt, punted) = border::ring(SLOTS, frame_bytes);
    let (inject, injected) = border::ring(SLOTS, frame_bytes);
    let (observe, observed) = border::ring(SLOTS, observe::BYTES);
    let control = ControlLink {
        orders: orders.clone(),
        events: events.clone(),
        punt: punted,
        inject,
        observed,
        counters: counters.clone(),
    };
    let observe = Some(observe);
    (control, WorkerLink { orders, events, punt, inject: injected, observe, counters, passage })
}
