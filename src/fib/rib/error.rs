//! Why the RIB refuses, in words that say what to do.

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;

use super::{Origin, Route};
use crate::fib::next_hop::NextHopsFull;

fn named(nearest: &Option<Route>) -> String {
    match nearest {
        Some(route) => format!("the nearest is {route}"),
        None => "no other route covers it".to_owned(),
    }
}

/// Why the RIB refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RibError {
    /// The prefix has bits set behind its length.
    #[error("{prefix} has bits set behind its prefix length; the network is {}", prefix.trunc())]
    HostBits {
        /// The prefix as given.
        prefix: IpNet,
    },
    /// Connected routes follow the addresses of the interfaces and are not changed one by one.
    #[error("the connected route to {prefix} follows an interface's addresses; change those instead")]
    Derived {
        /// The prefix asked for.
        prefix: IpNet,
    },
    /// There is a route of that prefix, origin and metric already.
    #[error("there is a route already: {existing}; replace it, or give the new one another metric")]
    Duplicate {
        /// The route that is there.
        existing: Route,
    },
    /// No such route.
    #[error("there is no {origin} route to {prefix}{}; {}", metric.map(|m| format!(" with metric {m}")).unwrap_or_default(), named(nearest))]
    NotFound {
        /// The prefix asked for.
        prefix: IpNet,
        /// The origin asked for.
        origin: Origin,
        /// The metric asked for, if one was.
        metric: Option<u32>,
        /// What is there: another route to that prefix, else the best of the longest prefix that covers it.
        nearest: Option<Route>,
    },
    /// The RIB holds its limit.
    #[error("no room for a route to {prefix}: the table holds {limit} routes; raise the limit or remove some")]
    Full {
        /// The most routes that the RIB takes.
        limit: usize,
        /// The prefix that found no room.
        prefix: IpNet,
    },
    /// The table of next hops holds its limit.
    #[error(transparent)]
    NextHops(#[from] NextHopsFull),
    /// No connected network contains the gateway.
    #[error(
        "gateway {gateway} is not on a connected network; give the interface that reaches it an address in its subnet first ({})",
        named(nearest)
    )]
    GatewayNotOnLink {
        /// The gateway asked for.
        gateway: IpAddr,
        /// The route that its packets would take now.
        nearest: Option<Route>,
    },
    /// The gateway is this router.
    #[error("gateway {gateway} is our own address on interface {interface}; name the next router's address")]
    GatewayIsOurs {
        /// The gateway asked for.
        gateway: IpAddr,
        /// The interface that has the address.
        interface: u16,
    },
    /// The gateway is a broadcast address.
    #[error("gateway {gateway} is a broadcast address of interface {interface}; name the next router's address")]
    GatewayIsBroadcast {
        /// The gateway asked for.
        gateway: IpAddr,
        /// The interface whose prefix it belongs to.
        interface: u16,
    },
    /// Two interfaces claim one prefix or one address.
    #[error("{prefix} is on interface {interface} and on interface {other}; a prefix can be connected once")]
    ConnectedTwice {
        /// What both claim.
        prefix: IpNet,
        /// One of them.
        interface: u16,
        /// The other.
        other: u16,
    },
}
