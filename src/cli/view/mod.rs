//! What commands show: facts as fields, filled by the control thread, and their rendering.
//!
//! A view derives `Serialize`, which is its JSON; `text` is for people and for scripts that grep, so numbers in it are
//! plain decimal digits. Where testpmd prints the same thing its labels are kept, because scripts look for them.
//! Some views also render as the file of `/proc/net` that shows the same.

mod arp;
mod cache;
mod columns;
mod config;
mod drops;
mod fib;
mod forward;
mod icmp;
mod interface;
mod nd;
mod neighbor;
mod ping;
mod pool;
mod port;
mod port_info;
mod proc;
mod route;
mod route_table;
pub mod testpmd;
mod workers;

pub use arp::{Arp, ArpCount};
pub use cache::{Cache, CacheEntry, Caches, Family};
pub use config::{RunningConfig, Version};
pub use drops::{DropCount, Drops};
pub use fib::{FibZone, FibZones};
pub use forward::{Also, ForwardPort, ForwardStatistics, ReasonCount};
pub use icmp::{Icmp, IcmpCount};
pub use interface::{Interface, Interfaces, UnusedAddress};
pub use nd::{Nd, NdCount};
pub use neighbor::{Neighbor, NeighborState, Neighbors};
pub use ping::{PingAnswer, PingOutcome, PingResult};
pub use pool::{PoolWorker, Pools};
pub use port::{PortStats, PortSummary, PortXstats, PortsStats, PortsSummary, PortsXstats, Xstat};
pub use port_info::{Link, PortInfo, PortsInfo, Queues, Rss, Vlan};
pub use route::{Route, RouteExplanation, RouteKind, Routes};
pub use route_table::{
    Adjacencies, Adjacency, NextHop, NextHopPath, NextHops, OriginCount, RouteSummary, TableSummary,
};
pub use workers::{Stage, Summary, Worker, Workers};

/// Facts that can be shown.
pub trait View: serde::Serialize {
    /// For people; no line end after the last line.
    fn text(&self) -> String;

    /// For programs.
    fn json(&self) -> serde_json::Value {
        // Every view serializes to JSON: keys are strings and there is no fallible serializer among its fields.
        serde_json::to_value(self).unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }))
    }

    /// As the file in `/proc/net` that shows the same, where there is one.
    fn proc(&self) -> Option<String> {
        None
    }

    /// Whether what is shown is a success; `ping` without an answer is none.
    fn ok(&self) -> bool {
        true
    }
}

/// The quotient, or zero of nothing.
fn per(amount: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { amount as f64 / of as f64 }
}
