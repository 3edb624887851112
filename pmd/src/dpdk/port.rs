//! The control side of a DPDK port.

use super::capability::{rss_types, rx_offloads, tx_offloads};
use super::eal::Eal;
use super::start::Configured;
use super::{device, error_text, hotplug, log, rss, stats, sys};
use crate::control::PortControl;
use crate::{
    Duplex, LentPools, Limits, Link, OffloadFacts, Opened, Port, PortError, PortInfo, PortSettings, PortStats,
    QueueInfo, QueueState, Queues, RingBuffers, RingLimits, Rss, RssFacts, RxStats, TxStats, VlanSettings,
};
use macaddr::MacAddr6;
use ringway_mempool::Pool;
use std::ffi::{CStr, c_char};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What to do when DPDK was not started, which it can only be before there are pools.
const NOT_RUNNING: &str =
    "DPDK does not run in this ringway: start it with a device of DPDK, or with [dpdk] in its configuration";

/// Control side of a DPDK port.
#[derive(Debug)]
pub struct DpdkPort {
    pub(super) eal: Eal,
    /// DPDK's number of the port; another one after a reset of a device that has to be probed again.
    pub(super) number: u16,
    pub(super) name: String,
    /// The device as the operator wrote it.
    pub(super) device: String,
    pub(super) driver: &'static str,
    /// The MTU that was asked for; a device that was never started takes none.
    pub(super) wanted_mtu: Option<u16>,
    /// What the last start has set; `None` while the port is stopped.
    pub(super) configured: Option<Configured>,
    /// Addresses beyond the port's own.
    pub(super) more_macs: Vec<MacAddr6>,
    pub(super) vlan: VlanSettings,
    pub(super) vlans: Vec<u16>,
    pub(super) gone: Arc<AtomicBool>,
    /// Counters of the queues, over every stop and start.
    pub(super) rx: Vec<RxStats>,
    pub(super) tx: Vec<TxStats>,
    /// The device is probed; not after `close`.
    open: bool,
}

/// Opens a port on a DPDK device: a PCI address, or the string of a virtual device such as `net_tap0,iface=lan`. EAL runs.
///
/// # Errors
/// [`PortError`] says what is wrong with the device and what to do about it.
pub fn open(settings: &PortSettings, device: &str) -> Result<Opened, PortError> {
    let name = settings.name.clone();
    let refused = |message: &str| PortError::Refused { port: name.clone(), message: message.into() };
    let eal = Eal::running().ok_or_else(|| refused(NOT_RUNNING))?;
    let number = device::probe(&name, device)?;
    let info = device::info(number).ok_or_else(|| refused("its driver tells nothing about it"))?;
    let port = DpdkPort {
        eal,
        number,
        driver: driver_name(&info),
        device: device.into(),
        wanted_mtu: settings.mtu,
        configured: None,
        more_macs: Vec::new(),
        vlan: VlanSettings::default(),
        vlans: Vec::new(),
        gone: Arc::new(AtomicBool::new(false)),
        rx: Vec::new(),
        tx: Vec::new(),
        open: true,
        name,
    };
    if let Some(mtu) = settings.mtu {
        port.check_mtu(mtu, &info)?;
    }
    let notices = vec![format!("port {}: `{device}` by DPDK's {}", port.name, port.driver)];
    Ok(Opened { port: Port::Dpdk(Box::new(port)), rx: Vec::new(), tx: Vec::new(), notices })
}

/// The driver's name, which stays as long as the plug-in: to the end of the process.
fn driver_name(info: &sys::rte_eth_dev_info) -> &'static str {
    if info.driver_name.is_null() {
        return "dpdk";
    }
    // SAFETY: a constant text of the plug-in, which is never unloaded.
    unsafe { CStr::from_ptr(info.driver_name) }.to_str().unwrap_or("dpdk")
}

impl DpdkPort {
    pub(super) fn refused(&self, message: impl Into<String>) -> PortError {
        PortError::Refused { port: self.name.clone(), message: message.into() }
    }

    /// The error of a call that DPDK refused: a driver that never can says so by `ENOTSUP`.
    pub(super) fn failed(&self, what: &'static str, result: i32) -> PortError {
        if -result == libc::ENOTSUP || -result == libc::ENOSYS {
            return PortError::NotSupported { port: self.name.clone(), driver: self.driver, what };
        }
        if -result == libc::EIO && self.is_removed() {
            return self.refused(format!("`{}` is gone", self.device));
        }
        self.refused(format!("`{}` refuses {what}: {}", self.device, log::reason(|| error_text(result))))
    }

    /// Turns DPDK's answer into a result.
    pub(super) fn check(&self, what: &'static str, call: impl FnOnce() -> i32) -> Result<(), PortError> {
        log::begin();
        match call() {
            result if result < 0 => Err(self.failed(what, result)),
            _ => Ok(()),
        }
    }

    pub(super) fn dev_info(&self) -> sys::rte_eth_dev_info {
        device::info(self.number).unwrap_or_default()
    }

    fn is_removed(&self) -> bool {
        if self.gone.load(Ordering::Relaxed) || !self.open || hotplug::is_removed(&device::full_name(&self.device)) {
            return true;
        }
        // SAFETY: asks the driver about a port that is open.
        unsafe { sys::rte_eth_dev_is_removed(self.number) > 0 }
    }

    pub(super) fn mac(&self) -> MacAddr6 {
        let mut address = sys::rte_ether_addr::default();
        // SAFETY: six bytes are written for a valid port, none for another.
        unsafe { sys::rte_eth_macaddr_get(self.number, &raw mut address) };
        MacAddr6::from(address.addr_bytes)
    }

    /// The MTU now; of a stopped port the one that it will be started with, for which buffers and interfaces are made.
    pub(super) fn mtu(&self) -> u16 {
        match self.wanted_mtu {
            Some(mtu) if self.configured.is_none() => mtu,
            _ => self.device_mtu(),
        }
    }

    pub(super) fn device_mtu(&self) -> u16 {
        let mut mtu = 0;
        // SAFETY: writes the number for a valid port.
        unsafe { sys::rte_eth_dev_get_mtu(self.number, &raw mut mtu) };
        mtu
    }

    /// Lets go of the device, which DPDK then does not know any more.
    fn release(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let device = self.dev_info().device;
        // SAFETY: the workers have closed the queues. Buffers that the driver still has go to a list of their pool.
        unsafe {
            if self.configured.take().is_some() {
                sys::rte_eth_dev_stop(self.number);
            }
            hotplug::forget(&device::full_name(&self.device));
            sys::rte_eth_dev_close(self.number);
            let shared =
                self.eal.ports().iter().any(|port| device::info(port.number).is_some_and(|info| info.device == device));
            // A device may have several ports: the last one takes it along.
            if !device.is_null() && !shared {
                sys::rte_dev_remove(device);
            }
        }
    }
}

fn ether_addr(mac: MacAddr6) -> sys::rte_ether_addr {
    sys::rte_ether_addr { addr_bytes: mac.into_array() }
}

impl PortControl for DpdkPort {
    fn info(&self) -> PortInfo {
        let info = self.dev_info();
        let configured = self.configured.as_ref();
        let limit = |limit: &sys::rte_eth_desc_lim| RingLimits {
            min: limit.nb_min.into(),
            max: limit.nb_max.into(),
            align: limit.nb_align.into(),
        };
        let on = configured.map(|configured| (configured.rx_offloads, configured.tx_offloads)).unwrap_or_default();
        let types = rss_types(info.flow_type_rss_offloads);
        // SAFETY: both ask about a port by number; an invalid one is refused.
        let (promiscuous, all_multicast) = unsafe {
            (sys::rte_eth_promiscuous_get(self.number) == 1, sys::rte_eth_allmulticast_get(self.number) == 1)
        };
        PortInfo {
            name: self.name.clone(),
            driver: self.driver,
            device: self.device.clone(),
            mac: self.mac(),
            mtu: self.mtu(),
            mtu_min: info.min_mtu,
            mtu_max: info.max_mtu,
            rx_queues: configured.map_or(0, |configured| configured.rx_queues),
            tx_queues: configured.map_or(0, |configured| configured.tx_queues),
            rx_ring: configured.map_or(0, |configured| configured.rx_ring.into()),
            tx_ring: configured.map_or(0, |configured| configured.tx_ring.into()),
            promiscuous,
            all_multicast,
            // SAFETY: asks about a port by number.
            numa_node: u16::try_from(unsafe { sys::rte_eth_dev_socket_id(self.number) }).ok(),
            limits: Limits {
                rx_queues: info.max_rx_queues,
                tx_queues: info.max_tx_queues,
                rx_ring: limit(&info.rx_desc_lim),
                tx_ring: limit(&info.tx_desc_lim),
                macs: info.max_mac_addrs,
                hash_macs: info.max_hash_mac_addrs,
                rx_buffer_min: info.min_rx_bufsize,
                frame_max: info.max_rx_pktlen,
                functions: info.max_vfs,
            },
            rss: (!types.is_empty()).then_some(RssFacts {
                key_bytes: info.hash_key_size,
                reta_entries: info.reta_size,
                types,
            }),
            rx_offloads: OffloadFacts {
                port: rx_offloads(info.rx_offload_capa),
                queue: rx_offloads(info.rx_queue_offload_capa),
                on: rx_offloads(on.0),
            },
            tx_offloads: OffloadFacts {
                port: tx_offloads(info.tx_offload_capa),
                queue: tx_offloads(info.tx_queue_offload_capa),
                on: tx_offloads(on.1),
            },
            facts: vec![("DPDK", format!("port {} of {}", self.number, Eal::version()))],
        }
    }

    fn link(&self) -> Link {
        if self.is_removed() {
            self.gone.store(true, Ordering::Relaxed);
            return Link { up: false, gone: true, ..Link::UP };
        }
        let mut link = sys::ringway_link::default();
        // SAFETY: fills in the structure.
        let answered = unsafe { sys::ringway_link_get(self.number, &raw mut link) } == 0;
        Link {
            up: answered && link.up && self.configured.is_some(),
            speed: Some(link.speed).filter(|speed| *speed != 0 && *speed != sys::RINGWAY_SPEED_UNKNOWN),
            duplex: Some(if link.full_duplex { Duplex::Full } else { Duplex::Half }),
            autoneg: link.autoneg,
            gone: false,
        }
    }

    fn stats(&self) -> PortStats {
        stats::add_device(self.number, PortStats::of_queues(&self.rx, &self.tx))
    }

    fn xstats(&self) -> Vec<(String, u64)> {
        stats::extended(self.number)
    }

    fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        self.check_mtu(mtu, &self.dev_info())?;
        self.wanted_mtu = Some(mtu);
        if self.configured.is_none() {
            return Ok(());
        }
        // SAFETY: sets a number of a port that is open.
        self.check("this MTU", || unsafe { sys::rte_eth_dev_set_mtu(self.number, mtu) })
    }

    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        let mut address = ether_addr(mac);
        // SAFETY: the address is copied.
        self.check("another MAC address", || unsafe {
            sys::rte_eth_dev_default_mac_addr_set(self.number, &raw mut address)
        })
    }

    fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        // SAFETY: switches a port that is open.
        self.check("promiscuous mode", || unsafe {
            if on {
                sys::rte_eth_promiscuous_enable(self.number)
            } else {
                sys::rte_eth_promiscuous_disable(self.number)
            }
        })
    }

    fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        // SAFETY: switches a port that is open.
        self.check("all-multicast mode", || unsafe {
            if on {
                sys::rte_eth_allmulticast_enable(self.number)
            } else {
                sys::rte_eth_allmulticast_disable(self.number)
            }
        })
    }

    fn set_groups(&mut self, groups: &[MacAddr6]) -> Result<(), PortError> {
        let mut list: Vec<_> =
            groups.iter().map(|group| sys::rte_ether_addr { addr_bytes: group.into_array() }).collect();
        // SAFETY: the driver copies as many addresses as the list has.
        self.check("filtering multicast groups", || unsafe {
            sys::rte_eth_dev_set_mc_addr_list(self.number, list.as_mut_ptr(), list.len() as u32)
        })
    }

    fn wants_pools(&self) -> bool {
        true
    }

    fn ring_buffers(&self, settings: &PortSettings) -> RingBuffers {
        self.buffers_of_rings(settings)
    }

    fn start(&mut self, settings: &PortSettings, lent: LentPools<'_>) -> Result<Queues, PortError> {
        if self.is_removed() {
            self.reopen()?;
        }
        self.start_device(settings, lent)
    }

    fn stop(&mut self, pools: &mut [Pool]) -> Result<(), PortError> {
        if self.configured.take().is_none() {
            return Ok(());
        }
        let result = Pool::open_all(pools, || {
            // SAFETY: the workers have closed the queues and wait; what the driver frees goes to their pools, which are open.
            let result = unsafe { sys::rte_eth_dev_stop(self.number) };
            self.eal.pools().flush();
            result
        });
        if self.is_removed() {
            // Whoever pulls it out waits for this. The driver's last buffers come back by the list of their pool.
            self.gone.store(true, Ordering::Relaxed);
            self.release();
            return Ok(());
        }
        if result < 0 { Err(self.failed("to stop", result)) } else { Ok(()) }
    }

    fn reset(&mut self) -> Result<(), PortError> {
        if self.configured.is_some() {
            return Err(self.refused("stop it before the reset"));
        }
        log::begin();
        // SAFETY: the port is stopped.
        match unsafe { sys::rte_eth_dev_reset(self.number) } {
            0 => Ok(()),
            result if -result == libc::ENOTSUP => self.reopen(),
            result => Err(self.failed("a reset", result)),
        }
    }

    fn set_link(&mut self, up: bool) -> Result<(), PortError> {
        // SAFETY: switches a port that is open.
        self.check("setting the link up or down", || unsafe {
            if up { sys::rte_eth_dev_set_link_up(self.number) } else { sys::rte_eth_dev_set_link_down(self.number) }
        })
    }

    fn macs(&self) -> Vec<MacAddr6> {
        std::iter::once(self.mac()).chain(self.more_macs.iter().copied()).collect()
    }

    fn add_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        let mut address = ether_addr(mac);
        // SAFETY: the address is copied.
        self.check("more than one MAC address", || unsafe {
            sys::rte_eth_dev_mac_addr_add(self.number, &raw mut address, 0)
        })?;
        if !self.more_macs.contains(&mac) {
            self.more_macs.push(mac);
        }
        Ok(())
    }

    fn remove_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        let mut address = ether_addr(mac);
        // SAFETY: the address is read.
        self.check("removing this MAC address", || unsafe {
            sys::rte_eth_dev_mac_addr_remove(self.number, &raw mut address)
        })?;
        self.more_macs.retain(|other| *other != mac);
        Ok(())
    }

    fn vlan(&self) -> VlanSettings {
        self.vlan
    }

    fn set_vlan(&mut self, vlan: VlanSettings) -> Result<(), PortError> {
        self.apply_vlan(vlan)?;
        self.vlan = vlan;
        Ok(())
    }

    fn set_vlan_filter(&mut self, vlan: u16, receive: bool) -> Result<(), PortError> {
        // SAFETY: switches a port that is open.
        self.check("filtering VLANs", || unsafe {
            sys::rte_eth_dev_vlan_filter(self.number, vlan, i32::from(receive))
        })?;
        self.vlans.retain(|other| *other != vlan);
        if receive {
            self.vlans.push(vlan);
        }
        Ok(())
    }

    fn rss(&self) -> Result<Rss, PortError> {
        rss::get(self)
    }

    fn set_rss(&mut self, rss: &Rss) -> Result<(), PortError> {
        rss::set(self, rss)
    }

    fn reta(&self) -> Result<Vec<u16>, PortError> {
        rss::table(self)
    }

    fn set_reta(&mut self, entries: &[(u16, u16)]) -> Result<(), PortError> {
        rss::set_table(self, entries)
    }

    fn rx_queue_info(&self, queue: u16) -> Result<QueueInfo, PortError> {
        self.existing_queue(queue, self.info().rx_queues, "receive")?;
        let mut info = sys::rte_eth_rxq_info::default();
        let mut mode = sys::rte_eth_burst_mode::default();
        // SAFETY: both fill in the structure they are given.
        let (told, has_mode) = unsafe {
            (
                sys::rte_eth_rx_queue_info_get(self.number, queue, &raw mut info) == 0,
                sys::rte_eth_rx_burst_mode_get(self.number, queue, &raw mut mode) == 0,
            )
        };
        let ring = self.info().rx_ring;
        if !told {
            return Ok(QueueInfo::software(ring));
        }
        Ok(QueueInfo {
            ring: info.nb_desc.into(),
            state: QueueState::Started,
            thresholds: (info.conf.rx_thresh.pthresh, info.conf.rx_thresh.hthresh, info.conf.rx_thresh.wthresh),
            free_threshold: info.conf.rx_free_thresh,
            report_threshold: 0,
            drop: info.conf.rx_drop_en != 0,
            deferred_start: info.conf.rx_deferred_start != 0,
            scattered: info.scattered_rx != 0,
            burst_mode: has_mode.then(|| text(&mode.info)),
        })
    }

    fn tx_queue_info(&self, queue: u16) -> Result<QueueInfo, PortError> {
        self.existing_queue(queue, self.info().tx_queues, "transmit")?;
        let mut info = sys::rte_eth_txq_info::default();
        let mut mode = sys::rte_eth_burst_mode::default();
        // SAFETY: both fill in the structure they are given.
        let (told, has_mode) = unsafe {
            (
                sys::rte_eth_tx_queue_info_get(self.number, queue, &raw mut info) == 0,
                sys::rte_eth_tx_burst_mode_get(self.number, queue, &raw mut mode) == 0,
            )
        };
        let ring = self.info().tx_ring;
        if !told {
            return Ok(QueueInfo::software(ring));
        }
        Ok(QueueInfo {
            ring: info.nb_desc.into(),
            thresholds: (info.conf.tx_thresh.pthresh, info.conf.tx_thresh.hthresh, info.conf.tx_thresh.wthresh),
            free_threshold: info.conf.tx_free_thresh,
            report_threshold: info.conf.tx_rs_thresh,
            deferred_start: info.conf.tx_deferred_start != 0,
            burst_mode: has_mode.then(|| text(&mode.info)),
            ..QueueInfo::software(ring)
        })
    }

    fn rx_used(&self, queue: u16) -> Result<u32, PortError> {
        self.existing_queue(queue, self.info().rx_queues, "receive")?;
        // SAFETY: asks about a queue that is set up.
        let used = unsafe { sys::ringway_rx_queue_count(self.number, queue) };
        u32::try_from(used).map_err(|_| self.failed("counting used descriptors", used))
    }

    fn close(&mut self) {
        self.release();
    }
}

/// A text in an array of letters.
fn text(letters: &[c_char]) -> String {
    letters.iter().take_while(|letter| **letter != 0).map(|letter| char::from(letter.cast_unsigned())).collect()
}

impl DpdkPort {
    /// Lets go of the device and probes it again.
    fn reopen(&mut self) -> Result<(), PortError> {
        self.release();
        self.number = device::probe(&self.name, &self.device)?;
        self.open = true;
        self.gone.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for DpdkPort {
    fn drop(&mut self) {
        self.release();
    }
}
