//! `show route summary`, `show nexthop`, `show adjacency`.

use std::fmt::Write as _;
use std::net::IpAddr;

use macaddr::MacAddr6;
use serde::Serialize;

use super::View;
use super::columns::{Columns, or_dash};

/// How many routes there are, and what they take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteSummary {
    /// Routes of all VRFs.
    pub routes: u64,
    /// The most that there may be.
    pub limit: u64,
    /// Routes by who made them.
    pub origins: Vec<OriginCount>,
    /// One a VRF and family.
    pub tables: Vec<TableSummary>,
    /// Distinct path lists.
    pub next_hops: u64,
    /// Bytes of the routes.
    pub rib_bytes: u64,
    /// Bytes of the IPv4 lookup structures.
    pub ipv4_bytes: u64,
    /// Bytes of the IPv6 lookup structures.
    pub ipv6_bytes: u64,
    /// Bytes of the path lists.
    pub path_bytes: u64,
    /// What this machine has and what it would gain, a sentence each.
    pub remarks: Vec<String>,
}

/// Routes of one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OriginCount {
    /// Who made them.
    pub origin: String,
    /// How many.
    pub routes: u64,
}

/// The prefixes of one family in one VRF.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableSummary {
    /// The VRF.
    pub vrf: String,
    /// 4 or 6.
    pub family: u8,
    /// How many prefixes.
    pub prefixes: u64,
    /// By length, only those that there are.
    pub lengths: Vec<super::FibZone>,
}

impl View for RouteSummary {
    fn text(&self) -> String {
        let mut text = format!("routes {} of at most {}\n", self.routes, self.limit);
        for OriginCount { origin, routes } in &self.origins {
            let _ = writeln!(text, "  {origin} {routes}");
        }
        for TableSummary { vrf, family, prefixes, lengths } in &self.tables {
            let _ = write!(text, "vrf {vrf} ipv{family} prefixes {prefixes}");
            for zone in lengths {
                let _ = write!(text, " /{}:{}", zone.length, zone.routes);
            }
            text.push('\n');
        }
        let _ = writeln!(text, "next hops {}", self.next_hops);
        let _ = write!(
            text,
            "memory rib {} ipv4 {} ipv6 {} next hops {} bytes",
            self.rib_bytes, self.ipv4_bytes, self.ipv6_bytes, self.path_bytes
        );
        for remark in &self.remarks {
            let _ = write!(text, "\n{remark}");
        }
        text
    }
}

/// Where routes point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextHops {
    /// One a path list.
    pub next_hops: Vec<NextHop>,
}

/// One path list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextHop {
    /// Its number.
    pub number: u16,
    /// Routes that point there; a list of several is a user of each of its next hops too.
    pub users: u32,
    /// Whether packets can go there now.
    pub usable: bool,
    /// Buckets that flows fall into; none of a single path.
    pub buckets: Option<u32>,
    /// Its paths.
    pub paths: Vec<NextHopPath>,
}

/// One way of a path list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextHopPath {
    /// Where it goes.
    pub target: String,
    /// Its weight.
    pub weight: u8,
    /// The buckets that it has now; none of a single path.
    pub buckets: Option<u32>,
}

impl View for NextHops {
    fn text(&self) -> String {
        let mut table = Columns::new(&["number", "users", "state", "weight", "buckets", "path"]);
        for next_hop in &self.next_hops {
            for (place, path) in next_hop.paths.iter().enumerate() {
                let first = |text: String| if place == 0 { text } else { String::new() };
                table.row(vec![
                    first(next_hop.number.to_string()),
                    first(next_hop.users.to_string()),
                    first(if next_hop.usable { "up" } else { "down" }.into()),
                    path.weight.to_string(),
                    or_dash(path.buckets),
                    path.target.clone(),
                ]);
            }
        }
        table.render("no next hops")
    }
}

/// What is written in front of packets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adjacencies {
    /// One a neighbor that is resolved.
    pub adjacencies: Vec<Adjacency>,
}

/// How a packet reaches one neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adjacency {
    /// The neighbor.
    pub address: IpAddr,
    /// The interface.
    pub interface: String,
    /// The VRF of the interface.
    pub vrf: String,
    /// The neighbor's MAC address.
    #[serde(serialize_with = "super::interface::mac")]
    pub mac: MacAddr6,
    /// The largest IP packet, in bytes.
    pub mtu: u16,
    /// The Ethernet header, in hexadecimal digits.
    pub header: String,
    /// Next hops that are this gateway.
    pub next_hops: Vec<u16>,
}

impl View for Adjacencies {
    fn text(&self) -> String {
        let mut table = Columns::new(&["address", "interface", "vrf", "mtu", "header", "next hops"]);
        for adjacency in &self.adjacencies {
            let numbers: Vec<String> = adjacency.next_hops.iter().map(u16::to_string).collect();
            table.row(vec![
                adjacency.address.to_string(),
                adjacency.interface.clone(),
                adjacency.vrf.clone(),
                adjacency.mtu.to_string(),
                adjacency.header.clone(),
                or_dash((!numbers.is_empty()).then(|| numbers.join(","))),
            ]);
        }
        table.render("no adjacencies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_several_shows_its_shares() {
        let path =
            |target: &str, weight, buckets| NextHopPath { target: target.into(), weight, buckets: Some(buckets) };
        let list = NextHop {
            number: 7,
            users: 3,
            usable: true,
            buckets: Some(64),
            paths: vec![path("via 192.0.2.1 on p0", 1, 21), path("via 192.0.2.2 on p1", 2, 43)],
        };
        let text = NextHops { next_hops: vec![list] }.text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("7") && lines[1].ends_with("21  via 192.0.2.1 on p0"), "{text}");
        assert!(lines[2].contains("43") && !lines[2].contains("up"), "{text}");
    }

    #[test]
    fn the_summary_counts_by_origin_and_length() {
        let lengths = vec![crate::cli::view::FibZone { length: 24, routes: 9 }];
        let text = RouteSummary {
            routes: 9,
            limit: 100,
            origins: vec![OriginCount { origin: "static".into(), routes: 9 }],
            tables: vec![TableSummary { vrf: "default".into(), family: 4, prefixes: 9, lengths }],
            next_hops: 1,
            rib_bytes: 1,
            ipv4_bytes: 2,
            ipv6_bytes: 3,
            path_bytes: 4,
            remarks: Vec::new(),
        }
        .text();
        assert!(text.contains("static 9") && text.contains("vrf default ipv4 prefixes 9 /24:9"), "{text}");
        assert!(text.ends_with("memory rib 1 ipv4 2 ipv6 3 next hops 4 bytes"), "{text}");
    }
}
