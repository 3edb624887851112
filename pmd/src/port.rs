//! What the control thread does with a port: settings, link state, statistics.

use crate::control::PortControl;
use crate::fault::FaultPort;
use crate::memory::MemoryPort;
use crate::packet::PacketPort;
use crate::pcap::PcapPort;
use crate::tap::TapPort;
use crate::xdp::XdpPort;
use crate::{
    LentPools, Link, PoolUse, PortError, PortInfo, PortSettings, PortStats, QueueInfo, Queues, RingBuffers, Rss, Rx,
    Tx, TxOffloads, VlanSettings,
};
use macaddr::MacAddr6;
use ringway_mempool::Pool;

/// A port just opened: the control side, and the queues for the workers.
///
/// A device with fewer receive queues than asked for has a shorter `rx`; `tx` always has as many as asked for. A driver that
/// [uses pools](Port::pool_use) has no queues until [`Port::start`].
#[derive(Debug)]
pub struct Opened {
    /// The control side.
    pub port: Port,
    /// Receive queues, by number.
    pub rx: Vec<Rx>,
    /// Transmit queues, by number.
    pub tx: Vec<Tx>,
    /// Lines for the operator: what was switched, what is missing and what it costs.
    pub notices: Vec<String>,
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
    /// Any DPDK device.
    #[cfg(feature = "dpdk")]
    Dpdk(Box<crate::dpdk::DpdkPort>),
    /// Any Linux interface, past the kernel's stack.
    Xdp(Box<XdpPort>),
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
            #[cfg(feature = "dpdk")]
            Self::Dpdk($inner) => $call,
            Self::Xdp($inner) => $call,
            Self::Fault($inner) => $call,
        }
    };
}

/// The calls. Each that returns a result fails with [`PortError`] when the device cannot, and with
/// [`PortError::NotSupported`] when its driver never can.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
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
    pub fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        each!(self, port => port.set_mtu(mtu))
    }

    /// Sets the address.
    pub fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        each!(self, port => port.set_mac(mac))
    }

    /// Receives frames for every address, or only for ours.
    pub fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        each!(self, port => port.set_promiscuous(on))
    }

    /// Receives frames for every multicast group, or only for those joined.
    pub fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        each!(self, port => port.set_all_multicast(on))
    }

    /// Receives frames for these multicast groups, and for no others but where [`Port::set_all_multicast`] is on. The groups stay over
    /// a stop and a start only where the driver says so: set them again. A driver that cannot filter by group answers
    /// [`PortError::NotSupported`]; whoever wants the groups receives all of them then.
    pub fn set_groups(&mut self, groups: &[MacAddr6]) -> Result<(), PortError> {
        each!(self, port => port.set_groups(groups))
    }

    /// Has the device fill in these checksums of every frame that is sent, of those that its settings switched on at the start; without
    /// any, frames are sent as they are.
    pub fn fill_checksums(&mut self, which: TxOffloads) {
        each!(self, port => port.fill_checksums(which));
    }

    /// Whose pools [`Port::start`] and [`Port::stop`] need. A port that needs any opens without queues, and is stopped before the
    /// workers end.
    pub fn pool_use(&self) -> PoolUse {
        each!(self, port => port.pool_use())
    }

    /// Buffers that one queue of each direction would hold with these settings.
    pub fn ring_buffers(&self, settings: &PortSettings) -> RingBuffers {
        each!(self, port => port.ring_buffers(settings))
    }

    /// Stops the device: no frame passes until [`Port::start`]. Its queues were closed by their workers before; buffers that
    /// the device still had are in `pools` after.
    pub fn stop(&mut self, pools: &mut [Pool]) -> Result<(), PortError> {
        each!(self, port => port.stop(pools))
    }

    /// Starts a stopped device with fresh queues, of the number and the ring sizes of the settings. One that had vanished and
    /// is back is opened again.
    pub fn start(&mut self, settings: &PortSettings, lent: LentPools<'_>) -> Result<Queues, PortError> {
        each!(self, port => port.start(settings, lent))
    }

    /// Whether a device that was gone is there again, so that a stop and a start would open it.
    pub fn is_back(&self) -> bool {
        each!(self, port => port.is_back())
    }

    /// Brings a stopped device back to how it was before it was opened first.
    pub fn reset(&mut self) -> Result<(), PortError> {
        each!(self, port => port.reset())
    }

    /// Gives the device back as it was. The queues are closed first, by their workers.
    pub fn close(&mut self) {
        each!(self, port => port.close());
    }

    /// Takes the link up or down.
    pub fn set_link(&mut self, up: bool) -> Result<(), PortError> {
        each!(self, port => port.set_link(up))
    }

    /// The addresses that frames are received for, the port's own first.
    pub fn macs(&self) -> Vec<MacAddr6> {
        each!(self, port => port.macs())
    }

    /// Receives frames for one more address.
    pub fn add_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        each!(self, port => port.add_mac(mac))
    }

    /// Receives frames for an added address no longer.
    pub fn remove_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        each!(self, port => port.remove_mac(mac))
    }

    /// What the device does with VLAN tags.
    pub fn vlan(&self) -> VlanSettings {
        each!(self, port => port.vlan())
    }

    /// Sets what the device does with VLAN tags.
    pub fn set_vlan(&mut self, vlan: VlanSettings) -> Result<(), PortError> {
        each!(self, port => port.set_vlan(vlan))
    }

    /// Adds a VLAN to those that pass the filter, or removes it.
    pub fn set_vlan_filter(&mut self, vlan: u16, receive: bool) -> Result<(), PortError> {
        each!(self, port => port.set_vlan_filter(vlan, receive))
    }

    /// How frames are spread over the receive queues.
    pub fn rss(&self) -> Result<Rss, PortError> {
        each!(self, port => port.rss())
    }

    /// Sets how frames are spread over the receive queues.
    pub fn set_rss(&mut self, rss: &Rss) -> Result<(), PortError> {
        each!(self, port => port.set_rss(rss))
    }

    /// The queue of each entry of the redirection table.
    pub fn reta(&self) -> Result<Vec<u16>, PortError> {
        each!(self, port => port.reta())
    }

    /// Sets entries of the redirection table: number of the entry, queue.
    pub fn set_reta(&mut self, entries: &[(u16, u16)]) -> Result<(), PortError> {
        each!(self, port => port.set_reta(entries))
    }

    /// What there is to say of a receive queue.
    pub fn rx_queue_info(&self, queue: u16) -> Result<QueueInfo, PortError> {
        each!(self, port => port.rx_queue_info(queue))
    }

    /// What there is to say of a transmit queue.
    pub fn tx_queue_info(&self, queue: u16) -> Result<QueueInfo, PortError> {
        each!(self, port => port.tx_queue_info(queue))
    }

    /// Descriptors of a receive queue that hold frames which nobody has fetched yet.
    pub fn rx_used(&self, queue: u16) -> Result<u32, PortError> {
        each!(self, port => port.rx_used(queue))
    }

    /// Descriptors of a transmit queue that hold frames which are not yet reclaimed.
    pub fn tx_used(&self, queue: u16) -> Result<u32, PortError> {
        each!(self, port => port.tx_used(queue))
    }

    /// Starts or stops one receive queue.
    pub fn set_rx_queue(&mut self, queue: u16, started: bool) -> Result<(), PortError> {
        each!(self, port => port.set_rx_queue(queue, started))
    }

    /// Starts or stops one transmit queue.
    pub fn set_tx_queue(&mut self, queue: u16, started: bool) -> Result<(), PortError> {
        each!(self, port => port.set_tx_queue(queue, started))
    }
}
