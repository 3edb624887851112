//! What the control thread does with a port: settings, link state, statistics.

use crate::fault::FaultPort;
use crate::memory::MemoryPort;
use crate::packet::PacketPort;
use crate::pcap::PcapPort;
use crate::tap::TapPort;
use crate::{Rx, RxStats, Tx, TxStats};
use macaddr::MacAddr6;
use std::io;

/// What every driver is told when it opens a port.
#[derive(Debug, Clone, PartialEq)]
pub struct PortSettings {
    /// The port's name in the configuration.
    pub name: String,
    /// Receive and transmit queues: one of each a worker.
    pub queues: u16,
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
}

/// A port just opened: the control side, and the queues for the workers, one of each a worker.
///
/// A device with fewer receive queues than workers has a shorter `rx`; `tx` always has one for each worker.
#[derive(Debug)]
pub struct Opened {
    /// The control side.
    pub port: Port,
    /// Receive queues; queue `i` goes to worker `i`.
    pub rx: Vec<Rx>,
    /// Transmit queues; queue `i` goes to worker `i`.
    pub tx: Vec<Tx>,
    /// Lines for the operator: what was switched, what is missing and what it costs.
    pub notices: Vec<String>,
}

/// What is fixed, or was negotiated, about a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortInfo {
    /// The port's name in the configuration.
    pub name: String,
    /// The driver's name (`memory`, `pcap`, `af_packet`, `tap`).
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
    /// More facts, for people: `offloads` and the like.
    pub facts: Vec<(&'static str, String)>,
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
    /// The device is gone (unplugged, deleted).
    pub gone: bool,
}

impl Link {
    /// A link that always carries, at no particular rate.
    pub const UP: Self = Self { up: true, speed: None, duplex: None, gone: false };
}

/// The counters of a port, added up over its queues. All count from the opening of the port.
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

/// What can go wrong with a port. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The device is not there.
    #[error("port {port}: there is no interface `{device}`; `ip link` lists them")]
    NoDevice {
        /// The port.
        port: String,
        /// The device.
        device: String,
    },
    /// Rights are missing.
    #[error("port {port}: {what} needs {capability}; run as root or grant it with setcap")]
    NotAllowed {
        /// The port.
        port: String,
        /// What was tried.
        what: String,
        /// The capability.
        capability: &'static str,
    },
    /// The device is in use.
    #[error("port {port}: `{device}` is busy: {reason}")]
    Busy {
        /// The port.
        port: String,
        /// The device.
        device: String,
        /// Who has it, what to do.
        reason: String,
    },
    /// The driver cannot do this.
    #[error("port {port}: the {driver} driver does not support {what}")]
    NotSupported {
        /// The port.
        port: String,
        /// The driver.
        driver: &'static str,
        /// The call.
        what: &'static str,
    },
    /// A value the device refuses.
    #[error("port {port}: {message}")]
    Refused {
        /// The port.
        port: String,
        /// What was refused, why, what to do.
        message: String,
    },
    /// The system refused a call.
    #[error("port {port}: {call} failed: {source}")]
    System {
        /// The port.
        port: String,
        /// The call and its object.
        call: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// The control side of a port of any driver.
#[derive(Debug)]
pub enum Port {
    /// In memory.
    Memory(MemoryPort),
    /// A capture file in, a capture file out.
    Pcap(PcapPort),
    /// A TAP device of our own.
    Tap(TapPort),
    /// Any Linux interface.
    Packet(Box<PacketPort>),
    /// Any port behind injected faults.
    Fault(Box<FaultPort>),
}

/// Writes a call once for every driver's control side.
macro_rules! each {
    ($port:expr, $inner:ident => $call:expr) => {
        match $port {
            Self::Memory($inner) => $call,
            Self::Pcap($inner) => $call,
            Self::Tap($inner) => $call,
            Self::Packet($inner) => $call,
            Self::Fault($inner) => $call,
        }
    };
}

impl Port {
    /// What is fixed or was negotiated.
    pub fn info(&self) -> PortInfo {
        each!(self, port => port.info())
    }

    /// The link now. Cheap enough to ask several times a second.
    pub fn link(&self) -> Link {
        each!(self, port => port.link())
    }

    /// The counters now.
    pub fn stats(&self) -> PortStats {
        each!(self, port => port.stats())
    }

    /// Counters that only this driver or device has, by name.
    pub fn xstats(&self) -> Vec<(String, u64)> {
        each!(self, port => port.xstats())
    }

    /// Sets the longest IP packet, in bytes.
    ///
    /// # Errors
    /// [`PortError`], when the device cannot.
    pub fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        each!(self, port => port.set_mtu(mtu))
    }

    /// Sets the address.
    ///
    /// # Errors
    /// [`PortError`], when the device cannot.
    pub fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        each!(self, port => port.set_mac(mac))
    }

    /// Receives frames for every address, or only for ours.
    ///
    /// # Errors
    /// [`PortError`], when the device cannot.
    pub fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        each!(self, port => port.set_promiscuous(on))
    }

    /// Receives frames for every multicast group, or only for those joined.
    ///
    /// # Errors
    /// [`PortError`], when the device cannot.
    pub fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        each!(self, port => port.set_all_multicast(on))
    }

    /// Gives the device back as it was. The queues are closed first, by their workers.
    pub fn close(&mut self) {
        each!(self, port => port.close());
    }
}
