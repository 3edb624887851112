//! `route get`: step by step where a packet goes, by the same tables that the workers look up.

use super::tables::state_name;
use crate::cli::command::RouteFlow;
use crate::cli::view;
use crate::control::router::Router;
use crate::dataplane::flow;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::source_check;
use crate::fib::next_hop::{NextHop, Path, Paths};
use crate::fib::rib::Route;
use crate::neighbor::event::Key;
use ringway_config::SourceCheck;
use std::net::IpAddr;
use std::time::Instant;

/// UDP, where the packet that is asked about has no protocol.
const UDP: u8 = 17;

impl Router {
    /// Explains step by step what happens to a packet for an address.
    pub(in crate::control) fn explain_route(
        &self,
        destination: IpAddr,
        flow: &RouteFlow,
        vrf: Option<&str>,
    ) -> Result<view::RouteExplanation, String> {
        let ingress = flow.interface.as_deref().map(|name| self.interface_number(name)).transpose()?;
        let vrf = match (vrf, ingress) {
            (None, Some(ingress)) => self.interfaces[usize::from(ingress)].vrf,
            (vrf, _) => self.vrf_number(vrf)?,
        };
        if flow.source.is_some_and(|source| source.is_ipv4() != destination.is_ipv4()) {
            return Err("source and destination are of different families".into());
        }
        let Some(snapshot) = self.snapshot() else { return Err("nothing is published yet".into()) };
        let mut steps = Vec::new();
        if self.rib.vrfs() > 1 {
            steps.push(format!("in vrf {}", self.vrf_name(vrf)));
        }
        let let_in = self.explain_source(snapshot, ingress, flow, &mut steps);
        self.explain_rib(vrf, destination, &mut steps);
        let next_hop = self.explain_fib(snapshot, vrf, destination, flow, &mut steps);
        let result = if let_in {
            self.explain_next_hop(next_hop, destination, &mut steps)
        } else {
            "dropped: the source check of the interface does not let the source in".into()
        };
        Ok(view::RouteExplanation { destination, steps, result })
    }

    fn explain_source(
        &self,
        snapshot: &Snapshot,
        ingress: Option<u16>,
        flow: &RouteFlow,
        steps: &mut Vec<String>,
    ) -> bool {
        let (Some(ingress), Some(source)) = (ingress, flow.source) else { return true };
        let there = &self.interfaces[usize::from(ingress)];
        let mode = match there.source_check {
            SourceCheck::Off => return true,
            SourceCheck::Loose => "loose",
            SourceCheck::Strict => "strict",
        };
        let passes = source_check::passes(snapshot, ingress, source);
        let said = if passes { "lets in" } else { "refuses" };
        steps.push(format!("the {mode} source check of {} {said} {source}", there.name));
        passes
    }

    /// What the RIB has: every prefix that covers the destination.
    fn explain_rib(&self, vrf: u16, destination: IpAddr, steps: &mut Vec<String>) {
        let mut chosen: Option<Route> = None;
        for (prefix, routes) in self.rib.explain(vrf, destination) {
            if let Some(best) = &chosen {
                steps.push(format!("{prefix} covers it too, but {} is longer", best.prefix));
                continue;
            }
            for route in routes {
                if chosen.is_some() {
                    steps.push(format!(
                        "{prefix} has another route, which is less preferred: {}",
                        self.describe(&route)
                    ));
                } else if self.is_usable(&route.paths) {
                    steps.push(format!("{prefix} is the longest prefix that covers it: {}", self.describe(&route)));
                    chosen = Some(route);
                } else {
                    steps.push(format!("{prefix} covers it, but its interface is down: {}", self.describe(&route)));
                }
            }
        }
    }

    /// What the workers' tables say, from VRF to VRF.
    fn explain_fib(
        &self,
        snapshot: &Snapshot,
        vrf: u16,
        destination: IpAddr,
        asked: &RouteFlow,
        steps: &mut Vec<String>,
    ) -> Option<NextHop> {
        let flow = flow_hash(snapshot.seed, destination, asked);
        let there = snapshot.vrfs.get(usize::from(vrf))?;
        let index = match destination {
            IpAddr::V4(address) => there.ipv4.lookup(address.to_bits()),
            IpAddr::V6(address) => there.ipv6.lookup(address.to_bits()),
        };
        if let Some((bucket, member)) = snapshot.paths.bucket(index, flow) {
            let buckets = snapshot.paths.buckets(index).unwrap_or(0);
            let target = snapshot.paths.get(member, flow).map_or("nothing".into(), |next_hop| self.target(next_hop));
            steps.push(format!("the flow hashes to bucket {bucket} of {buckets} of next hop {}: {target}", index.0));
        } else if let Some(NextHop::Vrf { vrf: other }) = snapshot.paths.get(index, flow) {
            steps.push(format!("the route leads to vrf {}, where it is looked up again", self.vrf_name(other)));
            self.explain_rib(other, destination, steps);
        }
        snapshot.route(vrf, destination, flow)
    }

    fn explain_next_hop(&self, next_hop: Option<NextHop>, destination: IpAddr, steps: &mut Vec<String>) -> String {
        match next_hop {
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
            Some(NextHop::Gateway { interface, address }) => self.explain_neighbor(interface, address, steps),
            Some(NextHop::Connected { interface }) => self.explain_neighbor(interface, destination, steps),
        }
    }

    fn describe(&self, route: &Route) -> String {
        let targets: Vec<String> = match &route.paths {
            Paths::One(next_hop) => vec![self.target(*next_hop)],
            Paths::Many(paths) => {
                let path = |Path { next_hop, weight }: &Path| format!("{} weight {weight}", self.target(*next_hop));
                paths.iter().map(path).collect()
            }
        };
        format!("{} ({}, metric {})", targets.join(", "), route.origin, route.metric)
    }

    fn explain_neighbor(&self, interface: u16, address: IpAddr, steps: &mut Vec<String>) -> String {
        let name = self.interface_name(interface);
        let mtu = self.interfaces.get(usize::from(interface)).map_or(0, |there| there.mtu);
        let key = Key { interface, address };
        let asks = if address.is_ipv4() { "ARP" } else { "Neighbor Discovery" };
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
                format!("held until {address} on {name} answers {asks}, else the sender is told host-unreachable")
            }
            None => {
                steps.push(format!("the neighbor {address} is not known yet"));
                format!("the first packet asks for {address} on {name} by {asks} and waits for the answer")
            }
        }
    }
}

/// The hash of the packet that is asked about, made as the workers make it.
fn flow_hash(seed: u64, destination: IpAddr, asked: &RouteFlow) -> u32 {
    let protocol = asked.protocol.unwrap_or(UDP);
    let ports = [asked.source_port.unwrap_or(0).to_be_bytes(), asked.destination_port.unwrap_or(0).to_be_bytes()];
    let mut packet = Vec::new();
    match destination {
        IpAddr::V4(destination) => {
            let source = match asked.source {
                Some(IpAddr::V4(source)) => source.octets(),
                _ => [0; 4],
            };
            packet.extend([0x45, 0, 0, 24, 0, 0, 0, 0, 64, protocol, 0, 0]);
            packet.extend(source);
            packet.extend(destination.octets());
        }
        IpAddr::V6(destination) => {
            let source = match asked.source {
                Some(IpAddr::V6(source)) => source.octets(),
                _ => [0; 16],
            };
            packet.extend([0x60, 0, 0, 0, 0, 4, protocol, 64]);
            packet.extend(source);
            packet.extend(destination.octets());
        }
    }
    packet.extend(ports.concat());
    flow::of(seed, &packet)
}
