//! Longest-prefix match as its definition reads: look at every route. The measure for tests and benchmarks of both
//! families, too slow for packets.

use super::address::Address;
use super::next_hop::NextHopIndex;
use super::prefixes::Prefix;

/// A plain list of routes, each prefix once.
#[derive(Debug, Clone)]
pub struct Oracle<A> {
    routes: Vec<(Prefix<A>, NextHopIndex)>,
}

impl<A: Address> Oracle<A> {
    /// Sets the next hop of a prefix, or removes it.
    pub fn set(&mut self, (address, length): Prefix<A>, next_hop: Option<NextHopIndex>) {
        let prefix = (address.network(length), length);
        self.routes.retain(|(other, _)| *other != prefix);
        self.routes.extend(next_hop.map(|next_hop| (prefix, next_hop)));
    }

    /// The next hop of the longest prefix that contains `destination` (host byte order).
    pub fn lookup(&self, destination: A) -> NextHopIndex {
        self.routes
            .iter()
            .filter(|((network, length), _)| destination.network(*length) == *network)
            .max_by_key(|((_, length), _)| *length)
            .map_or(NextHopIndex::NO_ROUTE, |&(_, index)| index)
    }

    /// The routes, in no order.
    pub fn routes(&self) -> &[(Prefix<A>, NextHopIndex)] {
        &self.routes
    }
}

impl<A> Default for Oracle<A> {
    /// No route.
    fn default() -> Self {
        Self { routes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_prefix_wins_and_of_equals_the_later() {
        let mut oracle = Oracle::default();
        oracle.set((0x0a00_0000u32, 8), Some(NextHopIndex(1)));
        oracle.set((0x0a01_0000, 16), Some(NextHopIndex(2)));
        oracle.set((0x0a01_0000, 16), Some(NextHopIndex(3)));
        assert_eq!(oracle.lookup(0x0a01_0001), NextHopIndex(3));
        assert_eq!(oracle.lookup(0x0a02_0001), NextHopIndex(1));
        assert_eq!(oracle.lookup(0x0b00_0001), NextHopIndex::NO_ROUTE);
        oracle.set((0x0a01_0000, 16), None);
        assert_eq!(oracle.lookup(0x0a01_0001), NextHopIndex(1));
    }
}
