//! What a port tells of itself: facts, limits, link, counters.

use crate::{RssTypes, RxOffloads, RxStats, TxOffloads, TxStats};
use macaddr::MacAddr6;

/// What is fixed, or was negotiated, about a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortInfo {
    /// The port's name in the configuration.
    pub name: String,
    /// The driver's name (`memory`, `pcap`, `af_packet`, `af_xdp`, `tap`).
    pub driver: &'static str,
    /// The device it drives, as the operator wrote it.
    pub device: String,
    /// The address frames are sent from.
    pub mac: MacAddr6,
    /// Longest IP packet, in bytes.
    pub mtu: u16,
    /// Smallest MTU that can be set.
    pub mtu_min: u16,
    /// Largest MTU that can be set.
    pub mtu_max: u16,
    /// Receive queues in use.
    pub rx_queues: u16,
    /// Transmit queues in use.
    pub tx_queues: u16,
    /// Frames a receive ring holds.
    pub rx_ring: u32,
    /// Frames a transmit ring holds.
    pub tx_ring: u32,
    /// Receives frames for every address.
    pub promiscuous: bool,
    /// Receives frames for every multicast group.
    pub all_multicast: bool,
    /// The NUMA node the device is on, where there is one.
    pub numa_node: Option<u16>,
    /// What the device can have at most.
    pub limits: Limits,
    /// How the device can spread frames over its queues; `None` where it cannot, or nobody can say.
    pub rss: Option<RssFacts>,
    /// What the device can do on reception, and does.
    pub rx_offloads: OffloadFacts<RxOffloads>,
    /// What the device can do on transmission, and does.
    pub tx_offloads: OffloadFacts<TxOffloads>,
    /// More facts, for people: `offloads` and the like.
    pub facts: Vec<(&'static str, String)>,
}

/// The number of descriptors that a ring can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLimits {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// A multiple of this.
    pub align: u32,
}

/// What a device can have at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Receive ring of a queue.
    pub rx_ring: RingLimits,
    /// Transmit ring of a queue.
    pub tx_ring: RingLimits,
    /// MAC addresses that it receives for.
    pub macs: u32,
    /// Hash entries for further MAC addresses.
    pub hash_macs: u32,
    /// Smallest receive buffer, in bytes.
    pub rx_buffer_min: u32,
    /// Longest frame, in bytes, with FCS.
    pub frame_max: u32,
    /// Virtual functions.
    pub functions: u16,
}

impl Default for Limits {
    /// Of a port that is only software: what ringway itself can have.
    fn default() -> Self {
        let ring = RingLimits { min: 32, max: 32_768, align: 1 };
        Self {
            rx_queues: 64,
            tx_queues: 64,
            rx_ring: ring,
            tx_ring: ring,
            macs: 1,
            hash_macs: 0,
            rx_buffer_min: 0,
            frame_max: 65_535,
            functions: 0,
        }
    }
}

/// How a device can spread frames over its queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RssFacts {
    /// Bytes of the hash key.
    pub key_bytes: u8,
    /// Entries of the redirection table.
    pub reta_entries: u16,
    /// Packet types that it can hash.
    pub types: RssTypes,
}

/// What a device can do of one direction's offloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OffloadFacts<T> {
    /// For the whole port.
    pub port: T,
    /// For each queue of its own.
    pub queue: T,
    /// Switched on now.
    pub on: T,
}

/// Whether a queue works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// It does.
    Started,
    /// It was stopped.
    Stopped,
}

/// What a driver tells of one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueInfo {
    /// Descriptors of its ring.
    pub ring: u32,
    /// Whether it works.
    pub state: QueueState,
    /// Prefetch, host and write-back threshold, where the device has them.
    pub thresholds: (u8, u8, u8),
    /// Descriptors that are freed at once.
    pub free_threshold: u16,
    /// Transmit: descriptors between two reports of completion.
    pub report_threshold: u16,
    /// Receive: frames are dropped when no descriptor is free.
    pub drop: bool,
    /// It starts only when told to.
    pub deferred_start: bool,
    /// Receive: a frame may fill several buffers.
    pub scattered: bool,
    /// The function that moves its bursts, where the driver says (`Vector AVX2` ...).
    pub burst_mode: Option<String>,
}

impl QueueInfo {
    /// A queue that is only software.
    pub fn software(ring: u32) -> Self {
        Self {
            ring,
            state: QueueState::Started,
            thresholds: (0, 0, 0),
            free_threshold: 0,
            report_threshold: 0,
            drop: true,
            deferred_start: false,
            scattered: false,
            burst_mode: None,
        }
    }
}

/// Duplex of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplex {
    /// Both directions at once.
    Full,
    /// One direction at a time.
    Half,
}

/// State of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Frames can pass.
    pub up: bool,
    /// Rate in Mbit/s, where the device knows it.
    pub speed: Option<u32>,
    /// Duplex, where the device knows it.
    pub duplex: Option<Duplex>,
    /// The rate was negotiated.
    pub autoneg: bool,
    /// The device is gone (unplugged, deleted).
    pub gone: bool,
}

impl Link {
    /// A link that always carries, at no particular rate.
    pub const UP: Self = Self { up: true, speed: None, duplex: None, autoneg: false, gone: false };
}

/// The counters of a port, added up over its queues. All count from the opening of the port, over every stop and start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortStats {
    /// Frames received.
    pub rx_packets: u64,
    /// Bytes received, without FCS.
    pub rx_bytes: u64,
    /// Frames dropped by the device because a ring was full.
    pub rx_missed: u64,
    /// Frames received damaged or too long.
    pub rx_errors: u64,
    /// Times a buffer could not be had.
    pub rx_no_buffer: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Bytes sent, without FCS.
    pub tx_bytes: u64,
    /// Frames that could not be sent.
    pub tx_errors: u64,
}

impl PortStats {
    /// Adds up queues.
    pub fn of_queues(rx: &[RxStats], tx: &[TxStats]) -> Self {
        let mut sum = Self::default();
        for queue in rx {
            sum.rx_packets += queue.packets.get();
            sum.rx_bytes += queue.bytes.get();
            sum.rx_missed += queue.missed.get();
            sum.rx_errors += queue.errors.get();
            sum.rx_no_buffer += queue.no_buffer.get();
        }
        for queue in tx {
            sum.tx_packets += queue.packets.get();
            sum.tx_bytes += queue.bytes.get();
            sum.tx_errors += queue.errors.get();
        }
        sum
    }
}
