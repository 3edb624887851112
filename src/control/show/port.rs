//! `show port info|stats|xstats|summary` and what clears them.

use crate::cli::command::PortSelector;
use crate::cli::view;
use crate::control::dpdk;
use crate::control::router::Router;
use crate::control::state::PortState;
use ringway_config::DriverSettings;
use ringway_pmd::{Duplex, PortStats, RingLimits};
use std::time::Instant;

impl Router {
    /// The numbers of the ports that a selector names.
    pub(in crate::control) fn select_ports(&self, selector: &PortSelector) -> Result<Vec<usize>, String> {
        let there = |number: usize| self.ports.get(number).is_some_and(|port| port.state != PortState::Closed);
        match selector {
            PortSelector::All => Ok((0..self.ports.len()).filter(|number| there(*number)).collect()),
            PortSelector::Number(number) if there(usize::from(*number)) => Ok(vec![usize::from(*number)]),
            PortSelector::Number(number) => Err(format!("there is no port {number}; {}", self.port_names())),
            PortSelector::Name(name) => {
                let named = |number: &usize| self.ports[*number].name == *name;
                // As a last resort by its device, as DPDK's programs name ports.
                let of_device = |number: &usize| match &self.config.ports[*number].driver {
                    DriverSettings::Dpdk { device } => dpdk::is_same(device, name),
                    _ => false,
                };
                let open = || (0..self.ports.len()).filter(|number| there(*number));
                open()
                    .find(named)
                    .or_else(|| open().find(of_device))
                    .map(|number| vec![number])
                    .ok_or_else(|| format!("there is no port {name}; {}", self.port_names()))
            }
        }
    }

    fn port_names(&self) -> String {
        let names: Vec<_> = self
            .ports_in(&[PortState::Started, PortState::Stopped])
            .into_iter()
            .map(|number| format!("{number} {}", self.ports[usize::from(number)].name))
            .collect();
        format!("the ports are: {}", names.join(", "))
    }

    pub(in crate::control) fn show_port_info(&self, numbers: &[usize]) -> view::PortsInfo {
        let one = |&number: &usize| {
            let managed = &self.ports[number];
            let info = managed.port.info();
            let (limits, vlan) = (info.limits, managed.port.vlan());
            let queues = |count, max, descriptors, ring: RingLimits| view::Queues {
                count,
                max,
                descriptors,
                descriptor_range: (ring.min, ring.max),
                descriptor_alignment: ring.align,
            };
            view::PortInfo {
                port: number as u16,
                name: info.name,
                mac: info.mac,
                device: info.device,
                driver: info.driver.into(),
                socket: info.numa_node,
                link: view::Link {
                    up: managed.link.up,
                    speed_mbps: managed.link.speed,
                    full_duplex: managed.link.duplex != Some(Duplex::Half),
                    autoneg: managed.link.autoneg,
                },
                mtu: info.mtu,
                mtu_range: (info.mtu_min, info.mtu_max),
                promiscuous: info.promiscuous,
                all_multicast: info.all_multicast,
                max_mac_addresses: limits.macs,
                max_hash_mac_addresses: limits.hash_macs,
                vlan: view::Vlan {
                    strip: vlan.strip,
                    filter: vlan.filter,
                    extend: vlan.extend,
                    qinq_strip: vlan.qinq_strip,
                },
                rss: info.rss.map(|rss| view::Rss {
                    key_bytes: rss.key_bytes,
                    reta_size: rss.reta_entries,
                    types: rss.types.names(),
                }),
                min_rx_buffer: limits.rx_buffer_min,
                max_rx_packet: limits.frame_max,
                buffer_bytes: self.workers.first().map_or(0, |worker| worker.pool.stride),
                rx: queues(info.rx_queues, limits.rx_queues, info.rx_ring, limits.rx_ring),
                tx: queues(info.tx_queues, limits.tx_queues, info.tx_ring, limits.tx_ring),
                facts: info.facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            }
        };
        view::PortsInfo { ports: numbers.iter().map(one).collect() }
    }

    pub(in crate::control) fn show_port_stats(&mut self, numbers: &[usize]) -> view::PortsStats {
        let now = Instant::now();
        let ports = numbers.iter().map(|&number| {
            let managed = &mut self.ports[number];
            let stats = managed.port.stats();
            // Throughput is since the last show; the first show has nothing to compare with, as in testpmd.
            let (since, before) = managed.shown.replace((now, stats)).unwrap_or((now, stats));
            let elapsed = now.duration_since(since).as_secs_f64();
            let rate = |get: fn(&PortStats) -> u64| {
                let count = get(&stats).saturating_sub(get(&before)) as f64;
                if elapsed > 0.0 { (count / elapsed) as u64 } else { 0 }
            };
            let total = subtract(&stats, &managed.cleared);
            view::PortStats {
                port: number as u16,
                name: managed.name.clone(),
                rx_packets: total.rx_packets,
                rx_missed: total.rx_missed,
                rx_bytes: total.rx_bytes,
                rx_errors: total.rx_errors,
                rx_nombuf: total.rx_no_buffer,
                tx_packets: total.tx_packets,
                tx_errors: total.tx_errors,
                tx_bytes: total.tx_bytes,
                rx_pps: rate(|stats| stats.rx_packets),
                rx_bps: rate(|stats| stats.rx_bytes) * 8,
                tx_pps: rate(|stats| stats.tx_packets),
                tx_bps: rate(|stats| stats.tx_bytes) * 8,
            }
        });
        view::PortsStats { ports: ports.collect() }
    }

    pub(in crate::control) fn show_port_xstats(&self, numbers: &[usize]) -> view::PortsXstats {
        let one = |&number: &usize| {
            let managed = &self.ports[number];
            let cleared =
                |name: &str| managed.xcleared.iter().find(|(other, _)| other == name).map_or(0, |(_, value)| *value);
            let xstat =
                |(name, value): (String, u64)| view::Xstat { value: value.saturating_sub(cleared(&name)), name };
            view::PortXstats {
                port: number as u16,
                name: managed.name.clone(),
                xstats: managed.port.xstats().into_iter().map(xstat).collect(),
            }
        };
        view::PortsXstats { ports: numbers.iter().map(one).collect() }
    }

    pub(in crate::control) fn show_port_summary(&self, numbers: &[usize]) -> view::PortsSummary {
        let one = |&number: &usize| {
            let managed = &self.ports[number];
            let info = managed.port.info();
            view::PortSummary {
                port: number as u16,
                mac: info.mac,
                name: info.name,
                driver: info.driver.into(),
                link_up: managed.link.up,
                speed_mbps: managed.link.speed,
            }
        };
        view::PortsSummary { ports: numbers.iter().map(one).collect() }
    }

    pub(in crate::control) fn clear_port_stats(&mut self, numbers: &[usize]) {
        for &number in numbers {
            let managed = &mut self.ports[number];
            managed.cleared = managed.port.stats();
        }
    }

    pub(in crate::control) fn clear_port_xstats(&mut self, numbers: &[usize]) {
        for &number in numbers {
            let managed = &mut self.ports[number];
            managed.xcleared = managed.port.xstats();
        }
    }
}

fn subtract(stats: &PortStats, cleared: &PortStats) -> PortStats {
    PortStats {
        rx_packets: stats.rx_packets.saturating_sub(cleared.rx_packets),
        rx_bytes: stats.rx_bytes.saturating_sub(cleared.rx_bytes),
        rx_missed: stats.rx_missed.saturating_sub(cleared.rx_missed),
        rx_errors: stats.rx_errors.saturating_sub(cleared.rx_errors),
        rx_no_buffer: stats.rx_no_buffer.saturating_sub(cleared.rx_no_buffer),
        tx_packets: stats.tx_packets.saturating_sub(cleared.tx_packets),
        tx_bytes: stats.tx_bytes.saturating_sub(cleared.tx_bytes),
        tx_errors: stats.tx_errors.saturating_sub(cleared.tx_errors),
    }
}
