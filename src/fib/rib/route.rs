//! One route, and who told us of it.

use std::fmt;

use ipnet::IpNet;

use crate::fib::next_hop::Paths;

/// Who told us of a route, in order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// An address of one of our interfaces.
    Connected,
    /// The configuration or an operator.
    Static,
    /// The host's kernel, by netlink, from whoever put it there.
    Kernel,
    /// A routing protocol of a daemon, by netlink.
    Protocol,
}

impl Origin {
    /// All origins, in order of preference.
    pub const ALL: [Self; 4] = [Self::Connected, Self::Static, Self::Kernel, Self::Protocol];

    /// The administrative distance: of two origins the one with the lower distance wins.
    pub fn distance(self) -> u8 {
        match self {
            Self::Connected => 0,
            Self::Static => 1,
            Self::Kernel => 10,
            Self::Protocol => 20,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connected => "connected",
            Self::Static => "static",
            Self::Kernel => "kernel",
            Self::Protocol => "protocol",
        })
    }
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// The destinations it covers, without bits behind the prefix length.
    pub prefix: IpNet,
    /// Where it points.
    pub paths: Paths,
    /// Who told us.
    pub origin: Origin,
    /// Of the routes of one origin to one prefix the lowest metric wins.
    pub metric: u32,
}

impl Route {
    pub(super) fn preference(&self) -> (u8, u32) {
        (self.origin.distance(), self.metric)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Route { prefix, paths, origin, metric } = self;
        write!(f, "{prefix} {paths} ({origin}, metric {metric})")
    }
}
