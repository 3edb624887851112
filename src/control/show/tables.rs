//! `show interface|neighbor|arp|cache`.

use crate::cli::view;
use crate::control::router::Router;
use crate::control::state::ManagedInterface;
use crate::dataplane::counters::InterfaceCounters;
use crate::dataplane::message::{CacheLine, NeighborKey};
use crate::neighbor::arp::{ArpCounters, Ignored};
use crate::neighbor::state::State;
use ringway_config::CacheMode;
use std::time::Instant;

impl Router {
    pub(in crate::control) fn interface_name(&self, number: u16) -> String {
        self.interfaces.get(usize::from(number)).map_or_else(|| number.to_string(), |interface| interface.name.clone())
    }

    /// The number of an interface, or a message that lists those there are.
    pub(in crate::control) fn interface_number(&self, name: &str) -> Result<u16, String> {
        let found = self.interfaces.iter().position(|interface| interface.name == name);
        found.map(|number| number as u16).ok_or_else(|| {
            let names: Vec<_> = self.interfaces.iter().map(|interface| interface.name.as_str()).collect();
            format!("there is no interface {name}; the interfaces are: {}", names.join(", "))
        })
    }

    pub(in crate::control) fn show_interfaces(&self, name: Option<&str>) -> Result<view::Interfaces, String> {
        let only = name.map(|name| self.interface_number(name)).transpose()?;
        let one = |(number, interface): (usize, &ManagedInterface)| {
            let sum = |get: fn(&InterfaceCounters) -> u64| {
                self.workers.iter().filter_map(|worker| worker.link.counters.interfaces.get(number)).map(get).sum()
            };
            view::Interface {
                name: interface.name.clone(),
                port: self.ports[usize::from(interface.port)].name.clone(),
                vlans: interface.vlans.clone(),
                mac: interface.mac,
                mtu: interface.mtu,
                admin_up: interface.admin_up,
                oper_up: interface.is_up(),
                addresses: interface.all_addresses().collect(),
                unused: self.unused_addresses(number),
                rx_packets: sum(|counters| counters.rx_packets.get()),
                rx_bytes: sum(|counters| counters.rx_bytes.get()),
                tx_packets: sum(|counters| counters.tx_packets.get()),
                tx_bytes: sum(|counters| counters.tx_bytes.get()),
                drops: sum(|counters| counters.drops.get()),
            }
        };
        let wanted = self
            .interfaces
            .iter()
            .enumerate()
            .filter(|(number, _)| only.is_none_or(|only| usize::from(only) == *number));
        Ok(view::Interfaces { interfaces: wanted.map(one).collect() })
    }

    pub(in crate::control) fn show_neighbors(
        &mut self,
        name: Option<&str>,
        vrf: Option<&str>,
    ) -> Result<view::Neighbors, String> {
        let vrf = vrf.map(|vrf| self.vrf_number(Some(vrf))).transpose()?;
        let only = name.map(|name| self.interface_number(name)).transpose()?;
        let reports = self.ask_reports();
        let held = |key: NeighborKey| -> u32 {
            let waiting = reports.iter().flatten().flat_map(|report| &report.held);
            waiting.filter(|(other, _)| *other == key).map(|(_, count)| *count).sum()
        };
        let in_vrf = |number: u16| {
            vrf.is_none_or(|vrf| self.interfaces.get(usize::from(number)).is_some_and(|it| it.vrf == vrf))
        };
        let now = Instant::now();
        let mut neighbors: Vec<_> = self
            .neighbors
            .iter(now)
            .filter(|neighbor| only.is_none_or(|only| only == neighbor.interface) && in_vrf(neighbor.interface))
            .map(|neighbor| view::Neighbor {
                address: neighbor.address,
                mac: neighbor.mac,
                interface: self.interface_name(neighbor.interface),
                state: view_state(neighbor.state),
                age_s: (neighbor.state != State::Static).then_some(neighbor.age.as_secs()),
                held: held(NeighborKey::new(neighbor.interface, neighbor.address)),
                router: neighbor.router,
            })
            .collect();
        neighbors.sort_by(|one, other| (&one.interface, one.address).cmp(&(&other.interface, other.address)));
        Ok(view::Neighbors { neighbors })
    }

    pub(in crate::control) fn show_arp(&self) -> view::Arp {
        let table = self.neighbors.counters();
        let sum = |get: fn(&ArpCounters) -> u64| self.arp.iter().map(|receiver| get(&receiver.counters())).sum();
        let mut counts: Vec<(String, u64)> = [
            ("requests-sent", table.solicits),
            ("requests-delayed-by-rate", table.suppressed),
            ("requests-for-us", sum(|counters| counters.asked)),
            ("replies-to-us", sum(|counters| counters.told)),
            ("overheard", sum(|counters| counters.overheard)),
            ("address-conflicts", sum(|counters| counters.conflicts)),
            ("address-defences", sum(|counters| counters.defences)),
            ("neighbors-failed", table.failed),
            ("neighbors-moved", table.moved),
            ("neighbors-refused", table.refused),
            ("evicted-incomplete", table.evicted_incomplete),
            ("evicted-stale", table.evicted_stale),
            ("unreadable", self.punts_unreadable),
            ("not-sent-ring-full", self.inject_lost),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .into();
        for reason in Ignored::ALL {
            let count = self.arp.iter().map(|receiver| receiver.counters().ignored(reason)).sum();
            counts.push((format!("ignored-{reason}"), count));
        }
        view::Arp { counts: counts.into_iter().map(|(name, count)| view::ArpCount { name, count }).collect() }
    }

    pub(in crate::control) fn show_cache(&mut self) -> view::Caches {
        let reports = self.ask_reports();
        let size = if self.config.cache.mode == CacheMode::Off { 0 } else { self.config.cache.entries };
        let mut caches = Vec::new();
        for (number, report) in reports.iter().enumerate() {
            let Some(report) = report else { continue };
            let counters = &self.workers[number].link.counters;
            let cleared = &self.workers[number].cleared.caches;
            let families = [
                (view::Family::Ipv4, &counters.cache4, cleared[0], report.cache4_aside),
                (view::Family::Ipv6, &counters.cache6, cleared[1], report.cache6_aside),
            ];
            for (family, counters, [hits, misses], aside) in families {
                let lines = report.cache.iter().filter(|line| view::Family::of(line.destination) == family);
                caches.push(view::Cache {
                    worker: number as u16,
                    family,
                    size,
                    hits: counters.hits.get().saturating_sub(hits),
                    misses: counters.misses.get().saturating_sub(misses),
                    aside,
                    entries: lines.map(|line| self.cache_entry(line)).collect(),
                });
            }
        }
        view::Caches { caches }
    }

    fn cache_entry(&self, line: &CacheLine) -> view::CacheEntry {
        let near = line.neighbor.address();
        view::CacheEntry {
            destination: line.destination,
            source: line.source,
            vrf: self.vrf_name(line.vrf),
            gateway: (near != line.destination).then_some(near),
            interface: Some(self.interface_name(line.neighbor.interface)),
            mtu: self.interfaces.get(usize::from(line.neighbor.interface)).map_or(0, |there| there.mtu),
            age_ms: u64::from(line.age_ms),
            uses: u64::from(line.uses),
        }
    }
}

pub(super) fn state_name(state: State) -> String {
    format!("{state:?}").to_lowercase()
}

fn view_state(state: State) -> view::NeighborState {
    match state {
        State::Incomplete => view::NeighborState::Incomplete,
        State::Reachable => view::NeighborState::Reachable,
        State::Stale => view::NeighborState::Stale,
        State::Delay => view::NeighborState::Delay,
        State::Probe => view::NeighborState::Probe,
        State::Failed => view::NeighborState::Failed,
        State::Static => view::NeighborState::Static,
    }
}
