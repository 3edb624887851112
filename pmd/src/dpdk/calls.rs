//! The calls of a port, by DPDK's.

use super::capability::{rss_types, rx_offloads, tx_offloads};
use super::eal::Eal;
use super::port::DpdkPort;
use super::{device, log, rss, stats, sys};
use crate::control::PortControl;
use crate::{
    Duplex, LentPools, Limits, Link, OffloadFacts, PoolUse, PortError, PortInfo, PortSettings, PortStats, QueueInfo,
    QueueState, Queues, RingBuffers, RingLimits, Rss, RssFacts, TxOffloads, VlanSettings,
};
use macaddr::MacAddr6;
use ringway_mempool::Pool;
use std::ffi::c_char;
use std::sync::atomic::Ordering;

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

    fn fill_checksums(&mut self, which: TxOffloads) {
        let on = self.configured.map_or(TxOffloads::empty(), |configured| tx_offloads(configured.tx_offloads));
        self.checksums.store((which & on & TxOffloads::CHECKSUMS).bits(), Ordering::Relaxed);
    }

    fn pool_use(&self) -> PoolUse {
        PoolUse::Everyone
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

    fn is_back(&self) -> bool {
        self.gone.load(Ordering::Relaxed) && device::is_pci(&self.device) && device::is_usable(&self.device)
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
