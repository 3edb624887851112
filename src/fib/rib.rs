//! Every known route with its origin, best first. Owned by the control thread; the FIB is compiled from it.
//!
//! Within one prefix a route is told from another by its origin and metric, as an operator would. Which
//! one counts: the origin with the lower distance, then the lower metric. `prefix-trie` beneath.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use prefix_trie::PrefixMap;

use super::connected;
use super::next_hop::NextHop;

mod error;
#[cfg(test)]
mod tests;

pub use error::RibError;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Route {
    /// The destinations it covers, without bits behind the prefix length.
    pub prefix: Ipv4Net,
    /// Where it points.
    pub next_hop: NextHop,
    /// Who told us.
    pub origin: Origin,
    /// Of the routes of one origin to one prefix the lowest metric wins.
    pub metric: u32,
}

impl Route {
    fn preference(&self) -> (u8, u32) {
        (self.origin.distance(), self.metric)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Route { prefix, next_hop, origin, metric } = self;
        write!(f, "{prefix} {next_hop} ({origin}, metric {metric})")
    }
}

/// The RIB of IPv4.
pub struct Rib {
    /// The routes of a prefix, best first. Never empty.
    routes: PrefixMap<Ipv4Net, Vec<Route>>,
    /// What [`Rib::set_connected`] put in.
    connected: BTreeMap<Ipv4Net, NextHop>,
    by_length: [u32; 33],
    by_origin: [u32; Origin::ALL.len()],
    limit: usize,
}

impl Rib {
    /// An empty RIB for at most `limit` routes.
    pub fn new(limit: usize) -> Self {
        Self {
            routes: PrefixMap::new(),
            connected: BTreeMap::new(),
            by_length: [0; 33],
            by_origin: [0; Origin::ALL.len()],
            limit,
        }
    }

    /// Adds a route.
    ///
    /// # Errors
    /// [`RibError::Derived`], [`RibError::HostBits`], [`RibError::Duplicate`], [`RibError::Full`]; nothing changes
    /// then.
    pub fn add(&mut self, route: Route) -> Result<(), RibError> {
        self.check_kind(route.prefix, route.origin)?;
        if let Some(&existing) = self.find(route.prefix, route.origin, Some(route.metric)) {
            return Err(RibError::Duplicate { existing });
        }
        self.check_room(1, route.prefix)?;
        self.insert(route);
        Ok(())
    }

    /// Puts a route in the place of the one with the same prefix, origin and metric, which it returns, or adds it.
    ///
    /// # Errors
    /// [`RibError::Derived`], [`RibError::HostBits`], [`RibError::Full`]; nothing changes then.
    pub fn replace(&mut self, route: Route) -> Result<Option<Route>, RibError> {
        self.check_kind(route.prefix, route.origin)?;
        if let Some(routes) = self.routes.get_mut(&route.prefix)
            && let Some(place) = routes.iter_mut().find(|other| other.preference() == route.preference())
        {
            return Ok(Some(std::mem::replace(place, route)));
        }
        self.check_room(1, route.prefix)?;
        self.insert(route);
        Ok(None)
    }

    /// Removes the route with this prefix, origin and metric and returns it; without a metric, the best of that
    /// origin.
    ///
    /// # Errors
    /// [`RibError::NotFound`], which names the nearest route there is; [`RibError::Derived`], [`RibError::HostBits`].
    pub fn remove(&mut self, prefix: Ipv4Net, origin: Origin, metric: Option<u32>) -> Result<Route, RibError> {
        self.check_kind(prefix, origin)?;
        let Some(&route) = self.find(prefix, origin, metric) else {
            return Err(RibError::NotFound { prefix, origin, metric, nearest: self.nearest(prefix) });
        };
        self.take_out(&route);
        Ok(route)
    }

    /// Makes the connected routes exactly those of `addresses`, given as interface and address with prefix length.
    /// Give the addresses of all interfaces that are up. Says whether anything changed.
    ///
    /// # Errors
    /// [`RibError::ConnectedTwice`], [`RibError::Full`]; nothing changes then.
    pub fn set_connected(&mut self, addresses: impl IntoIterator<Item = (u16, Ipv4Net)>) -> Result<bool, RibError> {
        let wanted = connected::expand_all(addresses)?;
        if wanted == self.connected {
            return Ok(false);
        }
        let more = wanted.len().saturating_sub(self.connected.len());
        if let Some(&prefix) = wanted.keys().next() {
            self.check_room(more, prefix)?;
        }
        let as_route = |(&prefix, &next_hop): (&Ipv4Net, &NextHop)| Route {
            prefix,
            next_hop,
            origin: Origin::Connected,
            metric: 0,
        };
        for old in &std::mem::take(&mut self.connected) {
            self.take_out(&as_route(old));
        }
        for new in &wanted {
            self.insert(as_route(new));
        }
        self.connected = wanted;
        Ok(true)
    }

    /// The next hop for a gateway: the connected network that contains it says which interface. One level: a gateway
    /// behind another gateway is not on-link.
    ///
    /// # Errors
    /// [`RibError::GatewayNotOnLink`], [`RibError::GatewayIsOurs`], [`RibError::GatewayIsBroadcast`].
    pub fn resolve_gateway(&self, gateway: Ipv4Addr) -> Result<NextHop, RibError> {
        let nearest = self.nearest(gateway.into());
        let not_on_link = RibError::GatewayNotOnLink { gateway, nearest };
        // A static or learnt route may cover a part of a connected network; the wire is where it was all the same.
        let on_link = self
            .routes
            .cover(&gateway.into())
            .filter_map(|(_, routes)| routes.iter().find(|r| r.origin == Origin::Connected))
            .last();
        match on_link.map(|route| route.next_hop) {
            Some(NextHop::Connected { interface }) => Ok(NextHop::Gateway { interface, address: gateway }),
            Some(NextHop::Deliver { interface }) => Err(RibError::GatewayIsOurs { gateway, interface }),
            Some(NextHop::Broadcast { interface }) => Err(RibError::GatewayIsBroadcast { gateway, interface }),
            Some(NextHop::Gateway { .. } | NextHop::Blackhole | NextHop::Unreachable | NextHop::Prohibit) | None => {
                Err(not_on_link)
            }
        }
    }

    /// The best route to exactly this prefix.
    pub fn best(&self, prefix: Ipv4Net) -> Option<&Route> {
        self.routes.get(&prefix)?.first()
    }

    /// For each prefix the best route whose next hop `usable` accepts, sorted by prefix: what the FIB is compiled
    /// from. So a route over an interface that is down makes way for the next best.
    pub fn best_usable<'a>(&'a self, usable: impl Fn(&NextHop) -> bool + 'a) -> impl Iterator<Item = &'a Route> + 'a {
        self.routes.values().filter_map(move |routes| routes.iter().find(|route| usable(&route.next_hop)))
    }

    /// Every prefix that contains `destination`, longest first, each with its routes, best first.
    pub fn explain(&self, destination: Ipv4Addr) -> Vec<(Ipv4Net, &[Route])> {
        let mut covering: Vec<_> =
            self.routes.cover(&destination.into()).map(|(prefix, routes)| (prefix, routes.as_slice())).collect();
        covering.reverse();
        covering
    }

    /// Every route, sorted by prefix, shorter prefixes before the longer ones inside them, and then best first.
    pub fn iter(&self) -> impl Iterator<Item = &Route> + '_ {
        self.routes.values().flatten()
    }

    /// How many prefixes there are of each length, 0 to 32.
    pub fn by_length(&self) -> [u32; 33] {
        self.by_length
    }

    /// How many routes came from this origin.
    pub fn of_origin(&self, origin: Origin) -> u32 {
        self.by_origin[origin as usize]
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.by_origin.iter().map(|&routes| routes as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// The most routes that the RIB takes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn check_kind(&self, prefix: Ipv4Net, origin: Origin) -> Result<(), RibError> {
        if origin == Origin::Connected {
            return Err(RibError::Derived { prefix });
        }
        if prefix != prefix.trunc() {
            return Err(RibError::HostBits { prefix });
        }
        Ok(())
    }

    fn check_room(&self, more: usize, prefix: Ipv4Net) -> Result<(), RibError> {
        if self.len() + more <= self.limit {
            return Ok(());
        }
        Err(RibError::Full { limit: self.limit, prefix })
    }

    fn find(&self, prefix: Ipv4Net, origin: Origin, metric: Option<u32>) -> Option<&Route> {
        self.routes
            .get(&prefix)?
            .iter()
            .find(|route| route.origin == origin && metric.is_none_or(|metric| route.metric == metric))
    }

    fn nearest(&self, prefix: Ipv4Net) -> Option<Route> {
        self.routes.get_lpm(&prefix)?.1.first().copied()
    }

    fn insert(&mut self, route: Route) {
        let routes = self.routes.entry(route.prefix).or_default();
        if routes.is_empty() {
            self.by_length[usize::from(route.prefix.prefix_len())] += 1;
        }
        let place = routes.partition_point(|other| other.preference() <= route.preference());
        routes.insert(place, route);
        self.by_origin[route.origin as usize] += 1;
    }

    fn take_out(&mut self, route: &Route) {
        let Some(routes) = self.routes.get_mut(&route.prefix) else {
            return;
        };
        let before = routes.len();
        routes.retain(|other| other.preference() != route.preference());
        self.by_origin[route.origin as usize] -= (before - routes.len()) as u32;
        if routes.is_empty() {
            self.routes.remove(&route.prefix);
            self.by_length[usize::from(route.prefix.prefix_len())] -= 1;
        }
    }
}
