//! testpmd's views of single ports and what it changes of them: RSS, MAC addresses, VLANs, offloads, queues.

use crate::cli::command::PortSelector;
use crate::cli::grammar::Options;
use crate::cli::reply::Reply;
use crate::cli::testpmd::{MacChange, VlanOffload, Way};
use crate::cli::view::View;
use crate::cli::view::testpmd as view;
use crate::control::router::Router;
use macaddr::MacAddr6;
use ringway_config::Mode;
use ringway_pmd::{QueueState, VlanSettings};

/// The highest VLAN that can be filtered: 4095 is reserved (IEEE 802.1Q table 9-2).
const VLAN_MAX: u16 = 4094;

impl Router {
    /// Shows one view a port.
    pub(super) fn show_each<T: View>(
        &self,
        port: &PortSelector,
        options: Options,
        show: impl Fn(&Self, usize) -> Result<T, String>,
    ) -> Result<Reply, String> {
        let ports: Result<Vec<T>, String> =
            self.select_ports(port)?.into_iter().map(|number| show(self, number)).collect();
        Ok(Reply::view(&view::Each { ports: ports? }, options))
    }

    pub(super) fn rss_hash(&self, number: usize, key: bool) -> Result<view::RssHash, String> {
        let rss = self.ports[number].port.rss().map_err(|error| error.to_string())?;
        let hex = |key: &[u8]| key.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        Ok(view::RssHash { port: number as u16, types: rss.types.names(), key: key.then(|| hex(&rss.key)) })
    }

    pub(super) fn reta(&self, number: usize, size: u16, masks: &[u64]) -> Result<view::Reta, String> {
        let table = self.ports[number].port.reta().map_err(|error| error.to_string())?;
        if table.len() != usize::from(size) {
            let name = &self.ports[number].name;
            return Err(format!("port {name}: its redirection table has {} entries, not {size}", table.len()));
        }
        let asked = |at: usize| masks.get(at / 64).is_some_and(|mask| mask >> (at % 64) & 1 != 0);
        let entries = table.into_iter().enumerate().filter(|(at, _)| asked(*at));
        Ok(view::Reta { port: number as u16, entries: entries.map(|(at, queue)| (at as u16, queue)).collect() })
    }

    pub(super) fn macs(&self, number: usize) -> view::Macs {
        let macs = self.ports[number].port.macs().iter().map(MacAddr6::to_string).collect();
        view::Macs { port: number as u16, macs }
    }

    pub(super) fn offloads(&self, number: usize, way: Way, configuration: bool) -> view::Offloads {
        fn names<T>(flags: impl Iterator<Item = (&'static str, T)>) -> Vec<String> {
            flags.map(|(name, _)| name.to_owned()).collect()
        }
        let info = self.ports[number].port.info();
        let (rx, tx) = (info.rx_offloads, info.tx_offloads);
        let (way, queues, per_port, per_queue) = match (way, configuration) {
            (Way::Rx, true) => ("Rx", info.rx_queues, names(rx.on.iter_names()), Vec::new()),
            (Way::Rx, false) => ("Rx", info.rx_queues, names(rx.port.iter_names()), names(rx.queue.iter_names())),
            (Way::Tx, true) => ("Tx", info.tx_queues, names(tx.on.iter_names()), Vec::new()),
            (Way::Tx, false) => ("Tx", info.tx_queues, names(tx.port.iter_names()), names(tx.queue.iter_names())),
        };
        view::Offloads { port: number as u16, way, configuration, per_port, per_queue, queues }
    }

    pub(super) fn descriptors(&self, number: usize, way: Way, queue: u16) -> Result<view::Descriptors, String> {
        let port = &self.ports[number].port;
        let (way, used) = match way {
            Way::Rx => ("RX", port.rx_used(queue)),
            Way::Tx => ("TX", port.tx_used(queue)),
        };
        let used = used.map_err(|error| error.to_string())?;
        Ok(view::Descriptors { port: number as u16, queue, way, used })
    }

    pub(super) fn queue(&self, number: usize, way: Way, queue: u16) -> Result<view::Queue, String> {
        let port = &self.ports[number].port;
        let (way, info, mempool) = match way {
            Way::Rx => ("RX", port.rx_queue_info(queue), Some(format!("mb_pool_{}", self.worker_of(number, queue)))),
            Way::Tx => ("TX", port.tx_queue_info(queue), None),
        };
        let info = info.map_err(|error| error.to_string())?;
        Ok(view::Queue {
            port: number as u16,
            queue,
            way,
            mempool,
            descriptors: info.ring,
            started: info.state == QueueState::Started,
            thresholds: info.thresholds,
            free_threshold: info.free_threshold,
            report_threshold: info.report_threshold,
            drop_packets: info.drop,
            deferred_start: info.deferred_start,
            scattered: info.scattered,
            burst_mode: info.burst_mode,
        })
    }

    pub(super) fn change_mac(
        &mut self,
        change: MacChange,
        port: &PortSelector,
        mac: MacAddr6,
    ) -> Result<Reply, String> {
        for number in self.select_ports(port)? {
            let managed = &mut self.ports[number].port;
            let changed = match change {
                MacChange::Add => managed.add_mac(mac),
                MacChange::Remove => managed.remove_mac(mac),
                MacChange::Set => managed.set_mac(mac),
            };
            changed.map_err(|error| error.to_string())?;
            if change == MacChange::Set {
                self.follow_mac(number, mac);
            }
        }
        Ok(Reply::done())
    }

    /// The interfaces of a port take its new address, and tell their neighbors.
    fn follow_mac(&mut self, number: usize, mac: MacAddr6) {
        self.config.ports[number].mac = Some(mac);
        for interface in 0..self.interfaces.len() {
            if usize::from(self.interfaces[interface].port) == number {
                self.interfaces[interface].mac = mac;
                if self.interfaces[interface].is_up() {
                    self.schedule_announcements(interface as u16, std::time::Instant::now());
                }
            }
        }
        self.publish();
    }

    pub(super) fn set_vlan(&mut self, offload: VlanOffload, on: bool, port: &PortSelector) -> Result<Reply, String> {
        if offload == VlanOffload::Strip && on && (self.mode == Mode::L3 || self.next_mode == Mode::L3) {
            return Err(
                "mode l3 needs the VLAN tags to tell interfaces apart; `set fwd io` or another mode first".into()
            );
        }
        for number in self.select_ports(port)? {
            let managed = &mut self.ports[number].port;
            let mut vlan = managed.vlan();
            match offload {
                VlanOffload::Strip => vlan.strip = on,
                VlanOffload::Filter => vlan.filter = on,
            }
            managed.set_vlan(vlan).map_err(|error| error.to_string())?;
            let config = &mut self.config.ports[number];
            (config.vlan_strip, config.vlan_filter) = (vlan.strip, vlan.filter);
        }
        Ok(Reply::done())
    }

    pub(super) fn filter_vlan(
        &mut self,
        receive: bool,
        vlan: Option<u16>,
        port: &PortSelector,
    ) -> Result<Reply, String> {
        let vlans = vlan.map_or(1..=VLAN_MAX, |vlan| vlan..=vlan);
        for number in self.select_ports(port)? {
            for vlan in vlans.clone() {
                self.ports[number].port.set_vlan_filter(vlan, receive).map_err(|error| error.to_string())?;
            }
            let listed = &mut self.config.ports[number].vlans;
            listed.retain(|listed| !vlans.contains(listed));
            if receive {
                listed.extend(vlans.clone());
                listed.sort_unstable();
            }
        }
        Ok(Reply::done())
    }

    /// What the configuration has a started device do with VLAN tags.
    pub(in crate::control) fn bring_vlans_into_force(&mut self, number: usize) -> Result<(), String> {
        let (config, port) = (&self.config.ports[number], &mut self.ports[number].port);
        if config.vlan_strip && self.config.router.mode == Mode::L3 {
            let name = &config.name;
            return Err(format!("port {name}: vlan_strip: mode l3 needs the VLAN tags to tell interfaces apart"));
        }
        let now = port.vlan();
        let wanted = VlanSettings { strip: config.vlan_strip, filter: config.vlan_filter, ..now };
        if wanted != now {
            port.set_vlan(wanted).map_err(|error| error.to_string())?;
        }
        for vlan in &config.vlans {
            port.set_vlan_filter(*vlan, true).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub(super) fn insert_vlan(&mut self, port: &PortSelector, vlan: Option<u16>) -> Result<Reply, String> {
        for number in self.select_ports(port)? {
            self.config.ports[number].tx_vlan = vlan;
        }
        Ok(Reply::said(format!(
            "{}{}",
            vlan.map_or_else(|| "no tag is put on".to_owned(), |vlan| format!("frames get the tag of VLAN {vlan}")),
            self.when_in_force()
        )))
    }
}
