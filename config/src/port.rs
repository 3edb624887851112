//! `[[port]]`: a device, its driver and what only that driver has to know.

use std::path::PathBuf;

use macaddr::MacAddr6;
use serde::Serialize;

use crate::words::{RssPackets, Steer, XdpMode, ZeroCopy};

/// A device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Port {
    /// Its name, unique among ports.
    pub name: String,
    /// Its driver and what only that driver has to know.
    pub driver: DriverSettings,
    /// Descriptors of each receive ring, a power of two.
    pub rx_ring: u32,
    /// Descriptors of each transmit ring, a power of two.
    pub tx_ring: u32,
    /// Receive queues; as many as there are workers unless given, and as the device has in any case.
    pub rx_queues: Option<u16>,
    /// Transmit queues; at least one for each worker in any case.
    pub tx_queues: Option<u16>,
    /// Which packets the device spreads over its receive queues; `None` keeps what the device does.
    pub rss: Option<RssPackets>,
    /// Whether the device takes VLAN tags off, in the modes that do not route.
    pub vlan_strip: bool,
    /// Whether the device receives frames only of the VLANs in `vlans`.
    pub vlan_filter: bool,
    /// VLANs whose frames pass that filter.
    pub vlans: Vec<u16>,
    /// MTU in bytes of IP packet to set on the device; `None` keeps what the device has.
    pub mtu: Option<u16>,
    /// MAC address to set on the device; `None` keeps what the device has.
    pub mac: Option<MacAddr6>,
    /// Whether the device takes frames for other MAC addresses too.
    pub promiscuous: bool,
    /// Whether the device takes every multicast frame.
    pub all_multicast: bool,
    /// The station that the modes `mac`, `csum`, `txonly` and `flowgen` send to here; `None` for testpmd's 02:00:00:00:00:NN.
    pub eth_peer: Option<MacAddr6>,
    /// The VLAN whose tag frames get that leave by this port, in the modes `mac`, `macswap`, `5tswap`, `csum`, `txonly` and `flowgen`.
    pub tx_vlan: Option<u16>,
    /// Faults to inject, for tests.
    pub fault: Option<Fault>,
}

impl Port {
    /// Descriptors of a ring when the file does not say.
    pub const DEFAULT_RING: u32 = 512;

    /// A port with this name and driver, everything else at its default.
    pub fn new(name: impl Into<String>, driver: DriverSettings) -> Self {
        Self {
            name: name.into(),
            driver,
            rx_ring: Self::DEFAULT_RING,
            tx_ring: Self::DEFAULT_RING,
            rx_queues: None,
            tx_queues: None,
            rss: None,
            vlan_strip: false,
            vlan_filter: false,
            vlans: Vec::new(),
            mtu: None,
            mac: None,
            promiscuous: false,
            all_multicast: false,
            eth_peer: None,
            tx_vlan: None,
            fault: None,
        }
    }
}

/// A driver and what only that driver has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "driver", rename_all = "snake_case")]
pub enum DriverSettings {
    /// Any Linux interface: AF_XDP where it works, else a packet socket.
    Auto {
        /// Name of the Linux interface.
        device: String,
    },
    /// Any Linux interface, past the kernel's network stack.
    AfXdp {
        /// Name of the Linux interface.
        device: String,
        /// How.
        #[serde(flatten)]
        xdp: Xdp,
    },
    /// Any Linux interface, by a packet socket.
    AfPacket {
        /// Name of the Linux interface.
        device: String,
    },
    /// Any DPDK device.
    Dpdk {
        /// PCI address, or the string of a virtual device.
        device: String,
    },
    /// A TAP device of our own.
    Tap {
        /// Name of the TAP device in the kernel.
        device: String,
    },
    /// Capture files.
    Pcap {
        /// File to receive from; `None` receives nothing. At least one of `input` and `output` is there.
        input: Option<PathBuf>,
        /// File to transmit into; `None` throws what is sent away.
        output: Option<PathBuf>,
        /// How often `input` is played; 0 is forever.
        repeat: u32,
    },
    /// In memory, without a device.
    Memory {
        /// Port that receives what this one sends; see [`crate::Config::memory_peer`] for the rule.
        peer: Option<String>,
    },
}

impl DriverSettings {
    /// The driver's name in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Auto { .. } => "auto",
            Self::AfXdp { .. } => "af_xdp",
            Self::AfPacket { .. } => "af_packet",
            Self::Dpdk { .. } => "dpdk",
            Self::Tap { .. } => "tap",
            Self::Pcap { .. } => "pcap",
            Self::Memory { .. } => "memory",
        }
    }
}

/// What only an AF_XDP port has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Xdp {
    /// Which frames are taken from the kernel.
    pub steer: Steer,
    /// Where the XDP program runs.
    pub mode: XdpMode,
    /// Whether the device reads and writes the packet buffers itself.
    pub zero_copy: ZeroCopy,
    /// Microseconds that the kernel's receive work may take in a call of the worker; 0 leaves it to interrupts.
    pub busy_poll: u32,
    /// Received frames that are worth a turn of the worker at once.
    pub batch: u32,
    /// Microseconds that fewer frames wait for more, after others were taken.
    pub batch_wait_us: u32,
    /// Microseconds between two turns of the kernel's receive work under load, on a virtual device; 0 leaves it at one a frame.
    pub defer_us: u32,
}

impl Default for Xdp {
    fn default() -> Self {
        Self {
            steer: Steer::default(),
            mode: XdpMode::default(),
            zero_copy: ZeroCopy::default(),
            busy_poll: 0,
            batch: 8,
            batch_wait_us: 20,
            defer_us: 50,
        }
    }
}

/// Faults to inject into a port. Shares are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fault {
    /// Share of received frames that vanish.
    pub loss: f64,
    /// Share of received frames that arrive twice.
    pub duplicate: f64,
    /// Share of received frames with one byte changed.
    pub corrupt: f64,
    /// Share of transmit bursts of which only a part is taken.
    pub refuse: f64,
    /// Reclaims for which a sent buffer stays in the transmit ring.
    pub delay_polls: u32,
    /// Seed of the random numbers: the same seed, the same faults.
    pub seed: u64,
}

impl Default for Fault {
    fn default() -> Self {
        Self { loss: 0.0, duplicate: 0.0, corrupt: 0.0, refuse: 0.0, delay_polls: 0, seed: 1 }
    }
}
