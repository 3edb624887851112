//! What a driver implements on the control side. What it cannot do, it leaves to the answer given here, which says so.

use crate::{
    LentPools, Link, PoolUse, PortError, PortInfo, PortSettings, PortStats, QueueInfo, Queues, RingBuffers, Rss,
    TxOffloads, VlanSettings,
};
use macaddr::MacAddr6;
use ringway_mempool::Pool;

/// The control side of one driver; [`crate::Port`] says what each call means.
pub(crate) trait PortControl {
    fn info(&self) -> PortInfo;
    fn link(&self) -> Link;
    fn stats(&self) -> PortStats;
    fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError>;
    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError>;
    fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError>;
    fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError>;
    fn start(&mut self, settings: &PortSettings, lent: LentPools<'_>) -> Result<Queues, PortError>;
    fn stop(&mut self, pools: &mut [Pool]) -> Result<(), PortError>;
    fn close(&mut self);

    fn set_groups(&mut self, _groups: &[MacAddr6]) -> Result<(), PortError> {
        Err(self.not_supported("filtering multicast groups"))
    }

    fn fill_checksums(&mut self, _which: TxOffloads) {}

    fn xstats(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    fn pool_use(&self) -> PoolUse {
        PoolUse::Never
    }

    fn ring_buffers(&self, _settings: &PortSettings) -> RingBuffers {
        RingBuffers::default()
    }

    fn is_back(&self) -> bool {
        false
    }

    fn reset(&mut self) -> Result<(), PortError> {
        Err(self.not_supported("reset"))
    }

    fn set_link(&mut self, _up: bool) -> Result<(), PortError> {
        Err(self.not_supported("setting the link up or down"))
    }

    fn macs(&self) -> Vec<MacAddr6> {
        vec![self.info().mac]
    }

    fn add_mac(&mut self, _mac: MacAddr6) -> Result<(), PortError> {
        Err(self.not_supported("more than one MAC address"))
    }

    fn remove_mac(&mut self, _mac: MacAddr6) -> Result<(), PortError> {
        Err(self.not_supported("more than one MAC address"))
    }

    fn vlan(&self) -> VlanSettings {
        VlanSettings::default()
    }

    fn set_vlan(&mut self, _vlan: VlanSettings) -> Result<(), PortError> {
        Err(self.not_supported("VLAN offloads"))
    }

    fn set_vlan_filter(&mut self, _vlan: u16, _receive: bool) -> Result<(), PortError> {
        Err(self.not_supported("filtering VLANs"))
    }

    fn rss(&self) -> Result<Rss, PortError> {
        Err(self.not_supported("RSS"))
    }

    fn set_rss(&mut self, _rss: &Rss) -> Result<(), PortError> {
        Err(self.not_supported("RSS"))
    }

    fn reta(&self) -> Result<Vec<u16>, PortError> {
        Err(self.not_supported("an RSS redirection table"))
    }

    fn set_reta(&mut self, _entries: &[(u16, u16)]) -> Result<(), PortError> {
        Err(self.not_supported("an RSS redirection table"))
    }

    fn rx_queue_info(&self, queue: u16) -> Result<QueueInfo, PortError> {
        let info = self.info();
        self.existing_queue(queue, info.rx_queues, "receive")?;
        Ok(QueueInfo::software(info.rx_ring))
    }

    fn tx_queue_info(&self, queue: u16) -> Result<QueueInfo, PortError> {
        let info = self.info();
        self.existing_queue(queue, info.tx_queues, "transmit")?;
        Ok(QueueInfo::software(info.tx_ring))
    }

    fn rx_used(&self, _queue: u16) -> Result<u32, PortError> {
        Err(self.not_supported("counting used descriptors"))
    }

    fn tx_used(&self, _queue: u16) -> Result<u32, PortError> {
        Err(self.not_supported("counting used descriptors"))
    }

    fn set_rx_queue(&mut self, _queue: u16, _started: bool) -> Result<(), PortError> {
        Err(self.not_supported("starting and stopping single queues"))
    }

    fn set_tx_queue(&mut self, _queue: u16, _started: bool) -> Result<(), PortError> {
        Err(self.not_supported("starting and stopping single queues"))
    }

    fn not_supported(&self, what: &'static str) -> PortError {
        let info = self.info();
        PortError::NotSupported { port: info.name, driver: info.driver, what }
    }

    fn existing_queue(&self, queue: u16, count: u16, what: &str) -> Result<(), PortError> {
        if queue < count {
            return Ok(());
        }
        let message = format!("there is no {what} queue {queue}; there are {count}, from 0 on");
        Err(PortError::Refused { port: self.info().name, message })
    }
}
