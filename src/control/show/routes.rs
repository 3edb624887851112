//! `show route [summary]`, `show nexthop`, `show adjacency`, `show fib zones`.

use crate::cli::view;
use crate::control::router::Router;
use crate::dataplane::snapshot::Encapsulation;
use crate::fib::next_hop::{NextHop, NextHopIndex, Path, Paths};
use crate::fib::rib::{Origin, Route};
use ipnet::IpNet;
use ringway_mempool::PageKind;
use ringway_mempool::simd::Level;
use std::time::Instant;

impl Router {
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
        let paths = match &route.paths {
            Paths::One(next_hop @ NextHop::Vrf { .. }) => vec![self.target(*next_hop)],
            Paths::One(_) => Vec::new(),
            Paths::Many(paths) => {
                let path = |Path { next_hop, weight }: &Path| format!("{} weight {weight}", self.target(*next_hop));
                paths.iter().map(path).collect()
            }
        };
        view::Route {
            prefix: route.prefix,
            kind,
            gateway,
            interface: first.interface().map(|number| self.interface_name(number)),
            origin: route.origin.to_string(),
            metric: route.metric,
            best,
            paths,
        }
    }

    /// Where a next hop goes, in words.
    pub(super) fn target(&self, next_hop: NextHop) -> String {
        let name = |number| self.interface_name(number);
        match next_hop {
            NextHop::Gateway { interface, address } => format!("via {address} on {}", name(interface)),
            NextHop::Connected { interface } => format!("on the link of {}", name(interface)),
            NextHop::Deliver { interface } => format!("our address on {}", name(interface)),
            NextHop::Broadcast { interface } => format!("broadcast address of {}", name(interface)),
            NextHop::Vrf { vrf } => format!("looked up in vrf {}", self.vrf_name(vrf)),
            NextHop::Blackhole => "blackhole".into(),
            NextHop::Unreachable => "unreachable".into(),
            NextHop::Prohibit => "prohibit".into(),
        }
    }

    /// Whether one of the paths is over an interface that is up, or needs none.
    pub(super) fn is_usable(&self, paths: &Paths) -> bool {
        let up = |number| self.interfaces.get(usize::from(number)).is_some_and(|there| there.is_up());
        paths.iter().any(|path| path.next_hop.interface().is_none_or(up))
    }

    pub(in crate::control) fn show_routes(
        &self,
        prefix: Option<IpNet>,
        longer: bool,
        vrf: Option<&str>,
    ) -> Result<view::Routes, String> {
        let vrf = self.vrf_number(vrf)?;
        let wanted: Vec<Route> = match prefix {
            None => self.rib.iter(vrf).collect(),
            Some(prefix) if longer => self.rib.within(vrf, prefix),
            Some(prefix) => self.rib.routes_of(vrf, prefix),
        };
        let mut decided = None;
        let mut routes = Vec::with_capacity(wanted.len());
        for route in &wanted {
            let best = decided != Some(route.prefix) && self.is_usable(&route.paths);
            if best {
                decided = Some(route.prefix);
            }
            routes.push(self.view_route(route, best));
        }
        Ok(view::Routes { routes })
    }

    pub(in crate::control) fn show_route_summary(&self) -> view::RouteSummary {
        let mut tables = Vec::new();
        for vrf in 0..self.rib.vrfs() {
            let (ipv4, ipv6) = self.rib.by_length(vrf);
            for (family, lengths) in [(4, ipv4), (6, ipv6)] {
                let prefixes = lengths.iter().map(|count| u64::from(*count)).sum();
                tables.push(view::TableSummary { vrf: self.vrf_name(vrf), family, prefixes, lengths: zones(lengths) });
            }
        }
        let (ipv4, ipv6, paths) = self.tables.memory_bytes();
        let origin = |origin: Origin| view::OriginCount {
            origin: origin.to_string(),
            routes: u64::from(self.rib.of_origin(origin)),
        };
        view::RouteSummary {
            routes: self.rib.len() as u64,
            limit: self.rib.limit() as u64,
            origins: Origin::ALL.map(origin).to_vec(),
            tables,
            next_hops: self.rib.next_hops().len() as u64,
            rib_bytes: self.rib.memory_bytes() as u64,
            ipv4_bytes: ipv4 as u64,
            ipv6_bytes: ipv6 as u64,
            path_bytes: paths as u64,
            remarks: self.lookup_remarks(),
        }
    }

    /// What the lookups of this machine have, and what they would gain by what they miss.
    fn lookup_remarks(&self) -> Vec<String> {
        let ipv4 = self.tables.ipv4(0).pages();
        let ipv6 = self.tables.ipv6(0).pages();
        vec![level_remark(Level::best()), page_remark(4, ipv4), page_remark(6, ipv6), node_remark(numa_nodes())]
    }

    pub(in crate::control) fn show_next_hops(&self) -> view::NextHops {
        let next_hop = |(index, paths): (NextHopIndex, &Paths)| {
            let shares = self.tables.path_writer().shares(index);
            let path = |(place, Path { next_hop, weight }): (usize, Path)| view::NextHopPath {
                target: self.target(next_hop),
                weight,
                buckets: shares.get(place).copied(),
            };
            view::NextHop {
                number: index.0,
                users: self.rib.next_hops().users(index),
                usable: self.is_usable(paths),
                buckets: self.tables.paths().buckets(index),
                paths: paths.iter().enumerate().map(path).collect(),
            }
        };
        let used = self.rib.next_hops().iter().filter(|(index, _)| self.rib.next_hops().users(*index) > 0);
        view::NextHops { next_hops: used.map(next_hop).collect() }
    }

    pub(in crate::control) fn show_adjacencies(&self) -> view::Adjacencies {
        let mut adjacencies = Vec::new();
        for neighbor in self.neighbors.iter(Instant::now()) {
            let (Some(mac), Some(there)) = (neighbor.mac, self.interfaces.get(usize::from(neighbor.interface))) else {
                continue;
            };
            let mut written = Encapsulation::new(there.mac, &there.vlans);
            written.header[..6].copy_from_slice(mac.as_bytes());
            let header = &written.header[..usize::from(written.len)];
            let of = NextHop::Gateway { interface: neighbor.interface, address: neighbor.address };
            let is_this = |(_, paths): &(NextHopIndex, &Paths)| **paths == Paths::One(of);
            adjacencies.push(view::Adjacency {
                address: neighbor.address,
                interface: there.name.clone(),
                vrf: self.vrf_name(there.vrf),
                mac,
                mtu: there.mtu,
                header: header.iter().map(|byte| format!("{byte:02x}")).collect(),
                next_hops: self.rib.next_hops().iter().filter(is_this).map(|(index, _)| index.0).collect(),
            });
        }
        adjacencies.sort_by(|one, other| (&one.interface, one.address).cmp(&(&other.interface, other.address)));
        view::Adjacencies { adjacencies }
    }

    pub(in crate::control) fn show_fib_zones(&self, vrf: Option<&str>) -> Result<view::FibZones, String> {
        let vrf = self.vrf_number(vrf)?;
        let (ipv4, ipv6) = self.rib.by_length(vrf);
        let memory = self.tables.ipv4(vrf).memory_bytes() + self.tables.ipv6(vrf).memory_bytes();
        Ok(view::FibZones {
            zones: zones(ipv4),
            zones6: zones(ipv6),
            memory_bytes: memory as u64,
            generation: u64::from(self.tables.paths().generation()),
        })
    }
}

fn zones(lengths: &[u32]) -> Vec<view::FibZone> {
    let zone = |(length, routes): (usize, &u32)| view::FibZone { length: length as u8, routes: u64::from(*routes) };
    lengths.iter().enumerate().filter(|(_, routes)| **routes > 0).map(zone).collect()
}

/// The figures are those of docs/benchmarking.md, "What the machine gives".
fn level_remark(level: Level) -> String {
    if level == Level::PORTABLE {
        "lookups: the portable path; with AVX2, BMI and POPCNT they would take a half (IPv4) to a quarter (IPv6) of the time".to_owned()
    } else {
        format!("lookups: {level}")
    }
}

fn page_remark(family: u8, pages: Option<PageKind>) -> String {
    let table = format!("ipv{family} table of the default VRF");
    let reserve = "`sysctl -w vm.nr_hugepages=NUMBER` before the start reserves some";
    match pages {
        None => format!("{table}: small, on the heap"),
        Some(pages @ PageKind::Huge) => format!("{table}: {pages}"),
        Some(pages @ PageKind::Transparent) => {
            format!("{table}: {pages}, as far as the kernel has them; {reserve} for sure")
        }
        Some(pages @ PageKind::Small) if family == 4 => {
            format!("{table}: {pages}; on huge pages lookups would take two thirds of the time: {reserve}")
        }
        Some(pages @ PageKind::Small) => format!("{table}: {pages}; huge pages would gain it next to nothing"),
    }
}

fn node_remark(nodes: usize) -> String {
    match nodes {
        1 => "numa: one node, beside every worker".to_owned(),
        nodes => format!(
            "numa: {nodes} nodes; the tables are on one, and workers on others reach across, which costs what was never measured"
        ),
    }
}

/// NUMA nodes of this machine; one where it does not say.
fn numa_nodes() -> usize {
    let is_node = |name: &str| name.strip_prefix("node").is_some_and(|number| number.parse::<u16>().is_ok());
    let nodes = std::fs::read_dir("/sys/devices/system/node")
        .map_or(1, |entries| entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_node)).count());
    nodes.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_what_it_would_gain() {
        assert!(level_remark(Level::PORTABLE).contains("AVX2"));
        assert!(page_remark(4, Some(PageKind::Small)).contains("two thirds of the time: `sysctl -w vm.nr_hugepages="));
        assert!(page_remark(6, Some(PageKind::Small)).contains("next to nothing"));
        assert!(page_remark(4, Some(PageKind::Transparent)).ends_with("for sure"));
        assert_eq!(page_remark(6, Some(PageKind::Huge)), "ipv6 table of the default VRF: huge pages (2 MiB)");
        assert!(node_remark(2).starts_with("numa: 2 nodes"));
    }
}
