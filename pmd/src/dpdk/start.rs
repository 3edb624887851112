//! Configuring a device, giving it its buffers, starting it.

use super::capability::{rss_bits, rx_bits, tx_bits};
use super::port::DpdkPort;
use super::{DpdkRx, DpdkTx, device, sys};
use crate::linux::Interface;
use crate::{LentPools, PortError, PortSettings, Queues, RingBuffers, RssTypes, Rx, Tx, VlanSettings};
use ringway_mempool::Pool;
use std::ptr::NonNull;

/// Buffers that a driver has at hand beside its ring: a burst that it has fetched ahead.
const AT_HAND: u32 = 64;
/// Ethernet header and two VLAN tags.
const ENCAPSULATION: u32 = 14 + 8;
/// Buffers that `net_af_xdp` posts for a queue, whatever the ring's size (`ETH_AF_XDP_DFLT_NUM_DESCS`), each way.
const AF_XDP_RING: u32 = 4096;

/// What the last start has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Configured {
    pub(super) rx_queues: u16,
    pub(super) tx_queues: u16,
    pub(super) rx_ring: u16,
    pub(super) tx_ring: u16,
    pub(super) rx_offloads: u64,
    pub(super) tx_offloads: u64,
}

impl DpdkPort {
    /// The sizes of the rings that the device really gets.
    fn ring_sizes(&self, settings: &PortSettings, info: &sys::rte_eth_dev_info) -> (u16, u16) {
        let fit = |wanted: u32, limit: &sys::rte_eth_desc_lim| {
            let align = u32::from(limit.nb_align).max(1);
            let most = if limit.nb_max == 0 { u32::from(u16::MAX) } else { u32::from(limit.nb_max) };
            let wanted = wanted.clamp(u32::from(limit.nb_min), most);
            (wanted.next_multiple_of(align).min(most / align * align)) as u16
        };
        (fit(settings.rx_ring, &info.rx_desc_lim), fit(settings.tx_ring, &info.tx_desc_lim))
    }

    pub(super) fn buffers_of_rings(&self, settings: &PortSettings) -> RingBuffers {
        let (rx, tx) = self.ring_sizes(settings, &self.dev_info());
        let (more_rx, more_tx) = match self.driver {
            "net_af_xdp" => (AF_XDP_RING, AF_XDP_RING),
            "net_pcap" => (device::frames_kept(&self.device), 0),
            _ => (0, 0),
        };
        RingBuffers { rx: u32::from(rx) + more_rx + AT_HAND, tx: u32::from(tx) + more_tx }
    }

    pub(super) fn check_mtu(&self, mtu: u16, info: &sys::rte_eth_dev_info) -> Result<(), PortError> {
        if (info.min_mtu..=info.max_mtu).contains(&mtu) {
            return Ok(());
        }
        let (device, least, most) = (&self.device, info.min_mtu, info.max_mtu);
        Err(self.refused(format!("`{device}` cannot have an MTU of {mtu}; choose one from {least} to {most}")))
    }

    /// How many queues the device gets: receive queues as far as it has them, transmit queues one for each that is asked for.
    fn queue_counts(&self, settings: &PortSettings, info: &sys::rte_eth_dev_info) -> Result<(u16, u16), PortError> {
        if settings.tx_queues > info.max_tx_queues {
            let (device, have, need) = (&self.device, info.max_tx_queues, settings.tx_queues);
            return Err(self.refused(format!(
                "`{device}` has {have} transmit queues and {need} are needed, one for each worker; use fewer workers"
            )));
        }
        let rx = settings.rx_queues.min(info.max_rx_queues);
        // net_tap has its queues in pairs.
        Ok((if self.driver == "net_tap" { settings.tx_queues } else { rx }, settings.tx_queues))
    }

    pub(super) fn start_device(&mut self, settings: &PortSettings, lent: LentPools<'_>) -> Result<Queues, PortError> {
        let info = self.dev_info();
        let mut notices = Vec::new();
        let (rx_queues, tx_queues) = self.queue_counts(settings, &info)?;
        if rx_queues < settings.rx_queues {
            let (name, device) = (&self.name, &self.device);
            notices.push(format!(
                "port {name}: `{device}` has {rx_queues} receive queues: not every worker receives from it"
            ));
        }
        let (rx_ring, tx_ring) = self.ring_sizes(settings, &info);
        let mtu = settings.mtu.unwrap_or_else(|| self.mtu());
        self.check_mtu(mtu, &info)?;
        let longest = lent.pools.iter().map(Pool::longest_frame).min().unwrap_or(0);
        if (u32::from(mtu) + ENCAPSULATION) as usize > longest {
            return Err(self.refused(format!(
                "frames of an MTU of {mtu} do not fit the buffers made at the start ({longest} bytes); set `mtu` in its [[port]] and restart"
            )));
        }
        let rx_offloads = self.rx_offloads(settings, mtu, &info);
        // Fast free: one mempool a queue, one segment, one reference. All hold here by construction.
        let tx_offloads =
            (tx_bits(settings.tx_offloads) | sys::RINGWAY_TX_OFFLOAD_MBUF_FAST_FREE) & info.tx_offload_capa;
        let configured = Configured { rx_queues, tx_queues, rx_ring, tx_ring, rx_offloads, tx_offloads };
        self.configure(settings, &info, mtu, configured)?;

        let pools: Vec<Option<NonNull<sys::rte_mempool>>> = {
            let mempools = self.eal.pools();
            lent.pools.iter().map(|pool| mempools.of(pool)).collect()
        };
        if device::is_pci(&self.device) {
            self.check("the packet buffers (huge pages would help)", || {
                self.eal.pools().map_for(info.device, lent.pools)
            })?;
        }
        let mempool = |workers: &[u16], queue: u16| {
            let worker = workers.get(usize::from(queue)).copied().unwrap_or(0);
            lent.place(worker).and_then(|at| pools[at]).ok_or_else(|| {
                self.refused(
                    "the packet buffers were made without DPDK; name a DPDK port, or [dpdk], in the configuration",
                )
            })
        };
        let mempools: Vec<_> = (0..rx_queues).map(|queue| mempool(lent.rx_workers, queue)).collect::<Result<_, _>>()?;
        Pool::open_all(lent.pools, || self.fill_and_start(&info, configured, mtu, &mempools))?;
        self.configured = Some(configured);
        self.after_start(settings, &mut notices);
        Ok(self.queues(configured, &mempools, notices))
    }

    fn rx_offloads(&self, settings: &PortSettings, mtu: u16, info: &sys::rte_eth_dev_info) -> u64 {
        let vlan = [
            (self.vlan.strip, sys::RINGWAY_RX_OFFLOAD_VLAN_STRIP),
            (self.vlan.filter, sys::RINGWAY_RX_OFFLOAD_VLAN_FILTER),
            (self.vlan.extend, sys::RINGWAY_RX_OFFLOAD_VLAN_EXTEND),
            (self.vlan.qinq_strip, sys::RINGWAY_RX_OFFLOAD_QINQ_STRIP),
        ];
        let vlan: u64 = vlan.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum();
        // Some drivers cut a long frame at a power of two, whatever room there is; it is made whole when it is polled.
        let scatter = if mtu > 1500 { sys::RINGWAY_RX_OFFLOAD_SCATTER } else { 0 };
        (rx_bits(settings.rx_offloads) | vlan | scatter) & info.rx_offload_capa
    }

    fn configure(
        &self,
        settings: &PortSettings,
        info: &sys::rte_eth_dev_info,
        mtu: u16,
        configured: Configured,
    ) -> Result<(), PortError> {
        let mut conf = sys::rte_eth_conf::default();
        conf.rxmode.mtu = mtu.into();
        conf.rxmode.offloads = configured.rx_offloads;
        conf.txmode.offloads = configured.tx_offloads;
        let types = settings.rss.as_ref().map_or(RssTypes::IP | RssTypes::TCP | RssTypes::UDP, |rss| rss.types);
        let hash = rss_bits(types) & info.flow_type_rss_offloads;
        let mut key = settings.rss.as_ref().map(|rss| rss.key.clone()).unwrap_or_default();
        if configured.rx_queues > 1 && hash != 0 {
            conf.rxmode.mq_mode = sys::RTE_ETH_MQ_RX_RSS;
            conf.rx_adv_conf.rss_conf.rss_hf = hash;
            if !key.is_empty() && key.len() == usize::from(info.hash_key_size) {
                conf.rx_adv_conf.rss_conf.rss_key = key.as_mut_ptr();
                conf.rx_adv_conf.rss_conf.rss_key_len = key.len() as u8;
            }
        }
        // SAFETY: the configuration and the key in it are read within the call; the port is stopped.
        self.check("its queues and offloads", || unsafe {
            sys::rte_eth_dev_configure(self.number, configured.rx_queues, configured.tx_queues, &raw const conf)
        })
    }

    /// Sets the queues up and starts the device. The pools are open: this is where its rings draw their buffers.
    fn fill_and_start(
        &self,
        info: &sys::rte_eth_dev_info,
        configured: Configured,
        mtu: u16,
        mempools: &[NonNull<sys::rte_mempool>],
    ) -> Result<(), PortError> {
        // SAFETY: asks about a port by number.
        let node = unsafe { sys::rte_eth_dev_socket_id(self.number) }.cast_unsigned();
        for (queue, mempool) in (0..).zip(mempools) {
            let conf = sys::rte_eth_rxconf { offloads: configured.rx_offloads, ..info.default_rxconf };
            // SAFETY: the configuration is read within the call; the mempool stays as long as EAL, which the port holds.
            self.check("a receive queue (more `buffers` in [memory], or a smaller `rx_ring`)", || unsafe {
                let (ring, conf) = (configured.rx_ring, &raw const conf);
                sys::rte_eth_rx_queue_setup(self.number, queue, ring, node, conf, mempool.as_ptr())
            })?;
        }
        for queue in 0..configured.tx_queues {
            let conf = sys::rte_eth_txconf { offloads: configured.tx_offloads, ..info.default_txconf };
            // SAFETY: the configuration is read within the call.
            self.check("a transmit queue", || unsafe {
                sys::rte_eth_tx_queue_setup(self.number, queue, configured.tx_ring, node, &raw const conf)
            })?;
        }
        if self.device_mtu() != mtu {
            // SAFETY: sets a number of a port that is configured and stopped.
            self.check("this MTU", || unsafe { sys::rte_eth_dev_set_mtu(self.number, mtu) })?;
        }
        // SAFETY: every queue is set up.
        self.check("to start", || unsafe { sys::rte_eth_dev_start(self.number) })
    }

    /// Sets what a device forgets over a stop. What one cannot do is told, and is no reason not to start.
    fn after_start(&mut self, settings: &PortSettings, notices: &mut Vec<String>) {
        use crate::control::PortControl;
        let mut done = Vec::new();
        let promiscuous = self.set_promiscuous(settings.promiscuous);
        if settings.promiscuous {
            done.push(promiscuous);
        }
        // Neighbor discovery and routing protocols come by multicast, and not every device can filter it: the data plane does.
        done.push(self.set_all_multicast(true));
        if let Some(mac) = settings.mac {
            done.push(self.set_mac(mac));
        }
        for mac in std::mem::take(&mut self.more_macs) {
            done.push(self.add_mac(mac));
        }
        if self.vlan != VlanSettings::default() {
            done.push(self.apply_vlan(self.vlan));
        }
        for vlan in std::mem::take(&mut self.vlans) {
            done.push(self.set_vlan_filter(vlan, true));
        }
        if self.driver == "net_tap"
            && let Err(error) = self.part_from_kernel()
        {
            let name = &self.name;
            notices.push(format!(
                "port {name}: the kernel's end of `{}` has the port's own address: {error}",
                self.device
            ));
        }
        let deaf = |error: &PortError| {
            // A device without filters receives everything.
            !matches!(error, PortError::NotSupported { what: "all-multicast mode", .. })
        };
        notices.extend(done.into_iter().filter_map(Result::err).filter(deaf).map(|error| error.to_string()));
    }

    /// DPDK gives both ends of a TAP one MAC address, and then neither answers the other: the kernel's end gets another one, unless
    /// somebody has given it one.
    fn part_from_kernel(&self) -> std::io::Result<()> {
        let Some(interface) = device::argument(&self.device, "iface") else { return Ok(()) };
        let (kernel, ours) = (Interface::find(interface)?, self.mac());
        if kernel.hardware()?.mac != ours {
            return Ok(());
        }
        let mut other = ours.into_array();
        other[5] ^= 1;
        kernel.set_mac(other.into())
    }

    pub(super) fn apply_vlan(&self, vlan: VlanSettings) -> Result<(), PortError> {
        let mask = [
            (vlan.strip, sys::RINGWAY_VLAN_STRIP_OFFLOAD),
            (vlan.filter, sys::RINGWAY_VLAN_FILTER_OFFLOAD),
            (vlan.extend, sys::RINGWAY_VLAN_EXTEND_OFFLOAD),
            (vlan.qinq_strip, sys::RINGWAY_QINQ_STRIP_OFFLOAD),
        ];
        let mask: u32 = mask.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum();
        // SAFETY: switches a port that is open.
        self.check("VLAN offloads", || unsafe { sys::rte_eth_dev_set_vlan_offload(self.number, mask.cast_signed()) })
    }

    fn queues(
        &mut self,
        configured: Configured,
        mempools: &[NonNull<sys::rte_mempool>],
        notices: Vec<String>,
    ) -> Queues {
        while self.rx.len() < usize::from(configured.rx_queues) {
            self.rx.push(Default::default());
        }
        while self.tx.len() < usize::from(configured.tx_queues) {
            self.tx.push(Default::default());
        }
        let stripped = self.vlan.strip || self.vlan.qinq_strip;
        let rx = (0..).zip(mempools).zip(&self.rx).map(|((queue, mempool), stats)| {
            Rx::Dpdk(DpdkRx {
                port: self.number,
                queue,
                mempool: *mempool,
                ring: configured.rx_ring.into(),
                restore_tags: !stripped,
                gone: self.gone.clone(),
                stats: stats.clone(),
                _eal: self.eal.clone(),
            })
        });
        let rx = rx.collect();
        let tx = (0..configured.tx_queues).zip(&self.tx).map(|(queue, stats)| {
            Tx::Dpdk(DpdkTx {
                port: self.number,
                queue,
                ring: configured.tx_ring.into(),
                checksums: self.checksums.clone(),
                gone: self.gone.clone(),
                stats: stats.clone(),
                _eal: self.eal.clone(),
            })
        });
        Queues { rx, tx: tx.collect(), notices }
    }
}
