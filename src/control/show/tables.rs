//! `show interface|route|neighbor|cache|fib zones` and `route get`.

use crate::cli::view;
use crate::control::router::Router;
use crate::control::state::ManagedInterface;
use crate::dataplane::counters::InterfaceCounters;
use crate::dataplane::message::NeighborKey;
use crate::dataplane::snapshot::Snapshot;
use crate::fib::next_hop::{NextHop, Paths};
use crate::fib::rib::Route;
use crate::neighbor::arp::{ArpCounters, Ignored};
use crate::neighbor::event::Key;
use crate::neighbor::state::State;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};
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

    fn view_route(&self, route: &Route, best: bool) -> view::Route {
        let first = route.paths.iter().next().map_or(NextHop::Blackhole, |path| path.next_hop);
        let (kind, gateway) = match first {
            NextHop::Gateway { address, .. } => (view::RouteKind::Unicast, Some(address)),
            NextHop::Connected { .. } | NextHop::Vrf { .. } => (view::RouteKind::Unicast, None),
            NextHop::Deliver { .. } => (view::RouteKind::Local, None),
            NextHop::Broadcast { .. } => (view::RouteKind::Broadcast, None),
            NextHop::Blackhole => (view::RouteKind::Blackhole, None),
            NextHop::Unreachable => (view::RouteKind::Unreachable, None),
            NextHop::Prohibit => (view::RouteKind::Prohibit, None),
        };
        view::Route {
            prefix: route.prefix,
            kind,
            gateway,
            interface: first.interface().map(|number| self.interface_name(number)),
            origin: route.origin.to_string(),
            metric: route.metric,
            best,
        }
    }

    fn paths_usable(&self, paths: &Paths) -> bool {
        let up = |number| self.interfaces.get(usize::from(number)).is_some_and(ManagedInterface::is_up);
        paths.iter().any(|path| path.next_hop.interface().is_none_or(up))
    }

    pub(in crate::control) fn show_routes(&self, prefix: Option<IpNet>) -> view::Routes {
        let mut routes = Vec::new();
        let mut decided = None;
        for route in self.rib.iter(0).filter(|route| prefix.is_none_or(|prefix| route.prefix == prefix)) {
            let best = decided != Some(route.prefix) && self.paths_usable(&route.paths);
            if best {
                decided = Some(route.prefix);
            }
            routes.push(self.view_route(&route, best));
        }
        view::Routes { routes }
    }

    /// Explains step by step what happens to a packet for an address.
    pub(in crate::control) fn explain_route(&self, destination: IpAddr) -> view::RouteExplanation {
        let mut steps = Vec::new();
        let mut chosen: Option<Route> = None;
        for (prefix, routes) in self.rib.explain(0, destination) {
            if let Some(best) = &chosen {
                steps.push(format!("{prefix} covers it too, but {} is longer", best.prefix));
                continue;
            }
            for route in routes {
                if self.paths_usable(&route.paths) {
                    steps.push(format!("{prefix} is the longest prefix that covers it: {}", self.describe(&route)));
                    chosen = Some(route);
                    break;
                }
                steps.push(format!("{prefix} covers it, but its interface is down: {}", self.describe(&route)));
            }
        }
        let next_hop = self.snapshot().and_then(|snapshot| snapshot.route(0, destination, 0));
        let result = match next_hop {
            None | Some(NextHop::Vrf { .. }) => "no route: dropped, the sender is told net-unreachable".into(),
            Some(NextHop::Blackhole) => "dropped without an answer (blackhole)".into(),
            Some(NextHop::Unreachable) => "dropped, the sender is told host-unreachable".into(),
            Some(NextHop::Prohibit) => "dropped, the sender is told communication-prohibited".into(),
            Some(NextHop::Deliver { interface }) => {
                format!("delivered to this router: it is our address on {}", self.interface_name(interface))
            }
            Some(NextHop::Broadcast { interface }) => {
                let name = self.interface_name(interface);
                let on = self.interfaces.get(usize::from(interface)).is_some_and(|there| there.directed_broadcast);
                if on {
                    format!("sent to every station on {name} (directed_broadcast is on)")
                } else {
                    format!("dropped: it is the broadcast address of {name}, and directed_broadcast is off there")
                }
            }
            Some(NextHop::Gateway { interface, address }) => self.explain_neighbor(interface, address, &mut steps),
            Some(NextHop::Connected { interface }) => self.explain_neighbor(interface, destination, &mut steps),
        };
        view::RouteExplanation { destination, steps, result }
    }

    fn describe(&self, route: &Route) -> String {
        let name = |number| self.interface_name(number);
        let target = |next_hop| match next_hop {
            NextHop::Gateway { interface, address } => format!("via {address} on {}", name(interface)),
            NextHop::Connected { interface } => format!("on the link of {}", name(interface)),
            NextHop::Deliver { interface } => format!("our address on {}", name(interface)),
            NextHop::Broadcast { interface } => format!("broadcast address of {}", name(interface)),
            NextHop::Vrf { vrf } => format!("looked up in vrf {vrf}"),
            NextHop::Blackhole => "blackhole".into(),
            NextHop::Unreachable => "unreachable".into(),
            NextHop::Prohibit => "prohibit".into(),
        };
        let targets: Vec<String> = match &route.paths {
            Paths::One(next_hop) => vec![target(*next_hop)],
            Paths::Many(paths) => {
                paths.iter().map(|path| format!("{} weight {}", target(path.next_hop), path.weight)).collect()
            }
        };
        format!("{} ({}, metric {})", targets.join(", "), route.origin, route.metric)
    }

    fn explain_neighbor(&self, interface: u16, address: IpAddr, steps: &mut Vec<String>) -> String {
        let name = self.interface_name(interface);
        let mtu = self.interfaces.get(usize::from(interface)).map_or(0, |there| there.mtu);
        let key = Key { interface, address };
        let known = self
            .neighbors
            .iter(Instant::now())
            .find(|neighbor| neighbor.interface == key.interface && neighbor.address == key.address);
        match known {
            Some(neighbor) if neighbor.mac.is_some() => {
                let mac = neighbor.mac.unwrap_or_default();
                steps.push(format!("the neighbor {address} is {} at {mac}", state_name(neighbor.state)));
                format!("forwarded on {name} to {address} at {mac}, packets up to {mtu} bytes")
            }
            Some(neighbor) => {
                steps.push(format!("the neighbor {address} is {}", state_name(neighbor.state)));
                format!("held until {address} on {name} answers ARP, else the sender is told host-unreachable")
            }
            None => {
                steps.push(format!("the neighbor {address} is not known yet"));
                format!("the first packet asks for {address} on {name} by ARP and waits for the answer")
            }
        }
    }

    pub(in crate::control) fn show_neighbors(&mut self, name: Option<&str>) -> Result<view::Neighbors, String> {
        let only = name.map(|name| self.interface_number(name)).transpose()?;
        let reports = self.ask_reports();
        let held = |key: NeighborKey| -> u32 {
            let waiting = reports.iter().flatten().flat_map(|report| &report.held);
            waiting.filter(|(other, _)| *other == key).map(|(_, count)| *count).sum()
        };
        let now = Instant::now();
        let mut neighbors: Vec<_> = self
            .neighbors
            .iter(now)
            .filter(|neighbor| only.is_none_or(|only| only == neighbor.interface))
            .map(|neighbor| view::Neighbor {
                address: neighbor.address,
                mac: neighbor.mac,
                interface: self.interface_name(neighbor.interface),
                state: view_state(neighbor.state),
                age_s: (neighbor.state != State::Static).then_some(neighbor.age.as_secs()),
                held: held(NeighborKey::new(neighbor.interface, neighbor.address)),
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
        let size = if self.config.cache.enabled { self.config.cache.entries } else { 0 };
        let mut workers = Vec::new();
        for (number, report) in reports.iter().enumerate() {
            let Some(report) = report else { continue };
            let counters = &self.workers[number].link.counters;
            let cleared = &self.workers[number].cleared;
            let entries = report.cache.iter().map(|line| {
                let (near, destination) = (line.neighbor.address(), IpAddr::V4(Ipv4Addr::from_bits(line.destination)));
                view::CacheEntry {
                    destination: Ipv4Addr::from_bits(line.destination).into(),
                    gateway: (near != destination).then_some(near),
                    interface: Some(self.interface_name(line.neighbor.interface)),
                    mtu: self.interfaces.get(usize::from(line.neighbor.interface)).map_or(0, |there| there.mtu),
                    age_ms: u64::from(line.age_ms),
                    uses: u64::from(line.uses),
                }
            });
            workers.push(view::CacheWorker {
                worker: number as u16,
                size,
                hits: counters.cache_hits.get().saturating_sub(cleared.cache_hits),
                misses: counters.cache_misses.get().saturating_sub(cleared.cache_misses),
                aside: report.cache_aside,
                entries: entries.collect(),
            });
        }
        view::Caches { workers }
    }

    pub(in crate::control) fn show_fib_zones(&self) -> view::FibZones {
        let (ipv4, ipv6) = self.rib.by_length(0);
        let zone = |(length, routes): (usize, &u32)| view::FibZone { length: length as u8, routes: u64::from(*routes) };
        let zones = |lengths: &[u32]| lengths.iter().enumerate().filter(|(_, routes)| **routes > 0).map(zone).collect();
        let memory = |snapshot: &Snapshot| {
            snapshot.vrfs.iter().map(|vrf| vrf.ipv4.memory_bytes() + vrf.ipv6.memory_bytes()).sum::<usize>() as u64
        };
        view::FibZones {
            zones: zones(ipv4),
            zones6: zones(ipv6),
            memory_bytes: self.snapshot().map_or(0, |snapshot| memory(snapshot)),
            generation: u64::from(self.generation),
        }
    }
}

fn state_name(state: State) -> String {
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
