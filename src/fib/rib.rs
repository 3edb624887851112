//! Every known route with its origin, best first. Owned by the control thread; the FIB is compiled from it.
//!
//! Within one prefix a route is told from another by its origin and metric, as an operator would. Which
//! one counts: the origin with the lower distance, then the lower metric. `prefix-trie` beneath.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::connected;
use super::next_hop::{NextHop, NextHopIndex, NextHops, Paths};

mod change;
mod error;
mod route;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
mod vrf;

pub use change::Change;
use change::Left;
pub use error::RibError;
pub use route::{Origin, Route};
use sweep::{PIECE, Sweep};
use table::Entry;
use vrf::OfVrf;

/// Every route of every VRF, and the path lists that they share.
///
/// A change is noted with its prefix: [`Rib::take_changes`] tells the FIB's writer what to look at again, each prefix once
/// however often it changed, as long as something is [pending](Rib::pending).
pub struct Rib {
    vrfs: Vec<OfVrf>,
    next_hops: NextHops,
    by_origin: [u32; Origin::ALL.len()],
    limit: usize,
    changed: Vec<Change>,
    /// Looks for the routes to path lists that went or came.
    sweep: Sweep,
}

impl Rib {
    /// A RIB for at most `limit` routes over all VRFs, of which there is one, number 0, without routes.
    pub fn new(limit: usize) -> Self {
        Self {
            vrfs: vec![OfVrf::new()],
            next_hops: NextHops::new(NextHopIndex::HIGHEST.0),
            by_origin: [0; Origin::ALL.len()],
            limit,
            changed: Vec::new(),
            sweep: Sweep::default(),
        }
    }

    /// Makes sure that the VRFs 0 to `count - 1` are there.
    pub fn make_vrfs(&mut self, count: usize) {
        while self.vrfs.len() < count {
            self.vrfs.push(OfVrf::new());
        }
    }

    /// Adds a route.
    ///
    /// # Errors
    /// [`RibError::Derived`], [`RibError::HostBits`], [`RibError::Duplicate`], [`RibError::Full`],
    /// [`RibError::NextHops`]; nothing changes then.
    pub fn add(&mut self, vrf: u16, route: &Route) -> Result<(), RibError> {
        check_kind(route.prefix, route.origin)?;
        if let Some(existing) = self.find(vrf, route.prefix, route.origin, Some(route.metric)) {
            return Err(RibError::Duplicate { existing });
        }
        self.check_room(1, route.prefix)?;
        self.insert(vrf, route)
    }

    /// Puts a route in the place of the one with the same prefix, origin and metric, which it returns, or adds it.
    ///
    /// # Errors
    /// [`RibError::Derived`], [`RibError::HostBits`], [`RibError::Full`], [`RibError::NextHops`]; nothing changes then.
    pub fn replace(&mut self, vrf: u16, route: &Route) -> Result<Option<Route>, RibError> {
        check_kind(route.prefix, route.origin)?;
        let Some(tables) = self.vrfs.get_mut(usize::from(vrf)) else { return Ok(None) };
        let entries = tables.get_mut(route.prefix);
        let only = entries.len() == 1;
        let Some(place) = entries.iter_mut().find(|entry| entry.preference() == route.preference()) else {
            self.check_room(1, route.prefix)?;
            return self.insert(vrf, route).map(|()| None);
        };
        let old = *place;
        // Acquired before the old one is released, so that a route replaced by itself keeps its number.
        place.via = self.next_hops.acquire(&route.paths)?;
        let left = if only { Left::One(place.via) } else { Left::Several };
        let replaced = self.route(route.prefix, old);
        self.next_hops.release(old.via);
        self.changed.push(Change { vrf, prefix: route.prefix, left });
        Ok(Some(replaced))
    }

    /// Removes the route with this prefix, origin and metric and returns it; without a metric, the best of that
    /// origin.
    ///
    /// # Errors
    /// [`RibError::NotFound`], which names the nearest route there is; [`RibError::Derived`], [`RibError::HostBits`].
    pub fn remove(&mut self, vrf: u16, prefix: IpNet, origin: Origin, metric: Option<u32>) -> Result<Route, RibError> {
        check_kind(prefix, origin)?;
        let Some(route) = self.find(vrf, prefix, origin, metric) else {
            return Err(RibError::NotFound { prefix, origin, metric, nearest: self.nearest(vrf, prefix) });
        };
        self.take_out(vrf, prefix, route.preference());
        Ok(route)
    }

    /// Makes the connected routes of a VRF exactly those of `addresses`, given as interface and address with prefix
    /// length. Says whether anything changed.
    ///
    /// # Errors
    /// [`RibError::ConnectedTwice`], [`RibError::Full`], [`RibError::NextHops`]; nothing changes after the first two.
    pub fn set_connected(
        &mut self,
        vrf: u16,
        addresses: impl IntoIterator<Item = (u16, IpNet)>,
    ) -> Result<bool, RibError> {
        let wanted = connected::expand_all(addresses)?;
        let Some(tables) = self.vrfs.get_mut(usize::from(vrf)) else { return Ok(false) };
        if wanted == tables.connected {
            return Ok(false);
        }
        let old = std::mem::take(&mut tables.connected);
        let more = wanted.len().saturating_sub(old.len());
        if let Some(&prefix) = wanted.keys().next()
            && let Err(full) = self.check_room(more, prefix)
        {
            self.vrfs[usize::from(vrf)].connected = old;
            return Err(full);
        }
        for (prefix, next_hop) in &old {
            if wanted.get(prefix) != Some(next_hop) {
                self.take_out(vrf, *prefix, (Origin::Connected.distance(), 0));
            }
        }
        for (&prefix, &next_hop) in &wanted {
            if old.get(&prefix) != Some(&next_hop) {
                self.insert(vrf, &Route { prefix, paths: next_hop.into(), origin: Origin::Connected, metric: 0 })?;
            }
        }
        self.vrfs[usize::from(vrf)].connected = wanted;
        Ok(true)
    }

    /// The next hop for a gateway: the connected network that contains it says which interface. One level: a gateway
    /// behind another gateway is not on-link.
    ///
    /// # Errors
    /// [`RibError::GatewayNotOnLink`], [`RibError::GatewayIsOurs`], [`RibError::GatewayIsBroadcast`].
    pub fn resolve_gateway(&self, vrf: u16, gateway: IpAddr) -> Result<NextHop, RibError> {
        // A static or learnt route may cover a part of a connected network; the wire is where it was all the same.
        let mut on_link = None;
        for (_, entries) in self.vrfs.get(usize::from(vrf)).map_or(Vec::new(), |there| there.cover(gateway.into())) {
            if let Some(entry) = entries.iter().find(|entry| entry.origin == Origin::Connected) {
                on_link = self.next_hops.get(entry.via);
            }
        }
        match on_link {
            Some(&Paths::One(NextHop::Connected { interface })) => Ok(NextHop::Gateway { interface, address: gateway }),
            Some(&Paths::One(NextHop::Deliver { interface })) => Err(RibError::GatewayIsOurs { gateway, interface }),
            Some(&Paths::One(NextHop::Broadcast { interface })) => {
                Err(RibError::GatewayIsBroadcast { gateway, interface })
            }
            _ => Err(RibError::GatewayNotOnLink { gateway, nearest: self.nearest(vrf, gateway.into()) }),
        }
    }

    /// The routes to exactly this prefix, best first.
    pub fn routes_of(&self, vrf: u16, prefix: IpNet) -> Vec<Route> {
        let entries = self.vrfs.get(usize::from(vrf)).map_or(&[][..], |tables| tables.get(prefix));
        entries.iter().map(|entry| self.route(prefix, *entry)).collect()
    }

    /// The routes to this prefix and to every longer one inside it, sorted as [`Rib::iter`] does.
    pub fn within(&self, vrf: u16, prefix: IpNet) -> Vec<Route> {
        let Some(tables) = self.vrfs.get(usize::from(vrf)) else { return Vec::new() };
        match prefix {
            IpNet::V4(net) => self.collect(tables.ipv4.within(&net).map(|(net, entries)| (net.into(), entries))),
            IpNet::V6(net) => self.collect(tables.ipv6.within(&net).map(|(net, entries)| (net.into(), entries))),
        }
    }

    fn collect<'a>(&self, entries: impl Iterator<Item = (IpNet, &'a [Entry])>) -> Vec<Route> {
        entries.flat_map(|(net, entries)| entries.iter().map(move |entry| self.route(net, *entry))).collect()
    }

    /// The best route to exactly this prefix.
    pub fn best(&self, vrf: u16, prefix: IpNet) -> Option<Route> {
        let entry = self.vrfs.get(usize::from(vrf))?.get(prefix).first()?;
        Some(self.route(prefix, *entry))
    }

    /// The number of the best path list to exactly this prefix that `usable` accepts: what the FIB has to say of it. So a
    /// route over an interface that is down makes way for the next best.
    pub fn decide(&self, vrf: u16, prefix: IpNet, usable: impl Fn(NextHopIndex) -> bool) -> Option<NextHopIndex> {
        self.vrfs.get(usize::from(vrf))?.get(prefix).iter().map(|entry| entry.via).find(|via| usable(*via))
    }

    /// [`Rib::decide`] for a prefix that changed, without a search where it has no routes to choose from.
    pub fn decide_change(&self, change: &Change, usable: impl Fn(NextHopIndex) -> bool) -> Option<NextHopIndex> {
        match change.left {
            Left::Nothing => None,
            Left::One(via) => Some(via).filter(|via| usable(*via)),
            Left::Several => self.decide(change.vrf, change.prefix, usable),
        }
    }

    /// [`Rib::decide`] for every IPv4 prefix of a VRF, sorted.
    pub fn decide_ipv4<'a>(
        &'a self,
        vrf: u16,
        usable: impl Fn(NextHopIndex) -> bool + 'a,
    ) -> impl Iterator<Item = (Ipv4Net, NextHopIndex)> + 'a {
        let tables = self.vrfs.get(usize::from(vrf)).into_iter().flat_map(|tables| tables.ipv4.iter());
        tables.filter_map(move |(prefix, entries)| Some((prefix, best_usable(entries, &usable)?)))
    }

    /// [`Rib::decide`] for every IPv6 prefix of a VRF, sorted.
    pub fn decide_ipv6<'a>(
        &'a self,
        vrf: u16,
        usable: impl Fn(NextHopIndex) -> bool + 'a,
    ) -> impl Iterator<Item = (Ipv6Net, NextHopIndex)> + 'a {
        let tables = self.vrfs.get(usize::from(vrf)).into_iter().flat_map(|tables| tables.ipv6.iter());
        tables.filter_map(move |(prefix, entries)| Some((prefix, best_usable(entries, &usable)?)))
    }

    /// Every prefix that contains `destination`, longest first, each with its routes, best first.
    pub fn explain(&self, vrf: u16, destination: IpAddr) -> Vec<(IpNet, Vec<Route>)> {
        let covering = self.vrfs.get(usize::from(vrf)).map_or(Vec::new(), |there| there.cover(destination.into()));
        let routes = |prefix, entries: &[Entry]| entries.iter().map(|entry| self.route(prefix, *entry)).collect();
        covering.into_iter().rev().map(|(prefix, entries)| (prefix, routes(prefix, entries))).collect()
    }

    /// Every route of a VRF, IPv4 first, sorted by prefix, shorter prefixes before the longer ones inside them, and then
    /// best first.
    pub fn iter(&self, vrf: u16) -> impl Iterator<Item = Route> + '_ {
        let tables = self.vrfs.get(usize::from(vrf)).into_iter().flat_map(|tables| tables.after(None));
        tables.flat_map(move |(prefix, entries)| entries.iter().map(move |entry| self.route(prefix, *entry)))
    }

    /// How many prefixes of a VRF there are of each length: IPv4 0 to 32, IPv6 0 to 128.
    pub fn by_length(&self, vrf: u16) -> (&[u32], &[u32]) {
        match self.vrfs.get(usize::from(vrf)) {
            Some(tables) => (tables.ipv4.by_length(), tables.ipv6.by_length()),
            None => (&[], &[]),
        }
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
        self.len() == 0
    }

    /// The most routes that the RIB takes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many VRFs there are.
    pub fn vrfs(&self) -> u16 {
        self.vrfs.len() as u16
    }

    /// The memory that the routes occupy, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.vrfs.iter().map(|tables| tables.ipv4.memory_bytes() + tables.ipv6.memory_bytes()).sum()
    }

    /// The path lists that routes point at.
    pub fn next_hops(&self) -> &NextHops {
        &self.next_hops
    }

    /// The same, to give numbers free again.
    pub fn next_hops_mut(&mut self) -> &mut NextHops {
        &mut self.next_hops
    }

    /// The prefixes whose routes changed since the last call, each once, sorted by VRF and prefix; and of those that
    /// [`Rib::note_users`] asks for the ones of the next few thousand prefixes.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = std::mem::take(&mut self.changed);
        let found = |vrf, prefix| changes.push(Change { vrf, prefix, left: Left::Several });
        self.sweep.go_on(&self.vrfs, PIECE, found);
        // In the order of time for one prefix: the last says what there is now.
        changes.sort_by(Change::in_order);
        changes.dedup_by(|later, earlier| {
            let same = later.vrf == earlier.vrf && later.prefix == earlier.prefix;
            if same {
                *earlier = *later;
            }
            same
        });
        changes
    }

    /// Forgets which prefixes have changed: all of them are looked at.
    pub fn forget_changes(&mut self) {
        self.changed.clear();
        self.sweep.forget();
    }

    /// Asks for every prefix that has a route to one of these path lists. However many routes there are, that costs nothing here:
    /// [`Rib::take_changes`] finds them, call by call, until nothing is pending.
    pub fn note_users(&mut self, indexes: &[NextHopIndex]) {
        // A list that still has a way has no route that would have to be found, however many use it.
        for (index, routes) in self.next_hops.used_by_routes(indexes) {
            self.sweep.note(index, routes as usize);
        }
    }

    /// How many changes were noted since, a prefix that changed twice counted twice, and how many are to be found at most.
    pub fn pending(&self) -> usize {
        self.changed.len() + self.sweep.pending()
    }

    fn route(&self, prefix: IpNet, entry: Entry) -> Route {
        let paths = self.next_hops.get(entry.via).cloned().unwrap_or(Paths::One(NextHop::Blackhole));
        Route { prefix, paths, origin: entry.origin, metric: entry.metric }
    }

    fn check_room(&self, more: usize, prefix: IpNet) -> Result<(), RibError> {
        if self.len() + more <= self.limit {
            return Ok(());
        }
        Err(RibError::Full { limit: self.limit, prefix })
    }

    fn find(&self, vrf: u16, prefix: IpNet, origin: Origin, metric: Option<u32>) -> Option<Route> {
        let entries = self.vrfs.get(usize::from(vrf))?.get(prefix);
        let wanted = |entry: &&Entry| entry.origin == origin && metric.is_none_or(|metric| entry.metric == metric);
        entries.iter().find(wanted).map(|entry| self.route(prefix, *entry))
    }

    fn nearest(&self, vrf: u16, prefix: IpNet) -> Option<Route> {
        let (prefix, entry) = self.vrfs.get(usize::from(vrf))?.nearest(prefix)?;
        Some(self.route(prefix, entry))
    }

    fn insert(&mut self, vrf: u16, route: &Route) -> Result<(), RibError> {
        let Some(tables) = self.vrfs.get_mut(usize::from(vrf)) else { return Ok(()) };
        let via = self.next_hops.acquire(&route.paths)?;
        let routes = tables.insert(route.prefix, Entry { metric: route.metric, via, origin: route.origin });
        self.by_origin[route.origin as usize] += 1;
        let left = if routes == 1 { Left::One(via) } else { Left::Several };
        self.changed.push(Change { vrf, prefix: route.prefix, left });
        Ok(())
    }

    fn take_out(&mut self, vrf: u16, prefix: IpNet, preference: (u8, u32)) {
        if let Some((entry, routes)) = self.vrfs[usize::from(vrf)].remove(prefix, preference) {
            self.next_hops.release(entry.via);
            self.by_origin[entry.origin as usize] -= 1;
            let left = if routes == 0 { Left::Nothing } else { Left::Several };
            self.changed.push(Change { vrf, prefix, left });
        }
    }
}

fn best_usable(entries: &[Entry], usable: impl Fn(NextHopIndex) -> bool) -> Option<NextHopIndex> {
    entries.iter().map(|entry| entry.via).find(|via| usable(*via))
}

fn check_kind(prefix: IpNet, origin: Origin) -> Result<(), RibError> {
    if origin == Origin::Connected {
        return Err(RibError::Derived { prefix });
    }
    if prefix != prefix.trunc() {
        return Err(RibError::HostBits { prefix });
    }
    Ok(())
}
