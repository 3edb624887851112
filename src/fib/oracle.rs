//! Longest-prefix match as its definition reads: look at every route. The measure for tests and benchmarks, too
//! slow for packets.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::next_hop::NextHopIndex;

/// A plain list of routes. Of two entries for one prefix the later counts, as in [`super::ipv4::Fib::compile`].
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    routes: Vec<(Ipv4Net, NextHopIndex)>,
}

impl Oracle {
    /// Takes the routes as they come.
    pub fn new(routes: impl IntoIterator<Item = (Ipv4Net, NextHopIndex)>) -> Self {
        Self { routes: routes.into_iter().collect() }
    }

    /// The next hop of the longest prefix that contains `destination` (host byte order).
    pub fn lookup(&self, destination: u32) -> NextHopIndex {
        let destination = Ipv4Addr::from(destination);
        self.routes
            .iter()
            .filter(|(prefix, _)| prefix.contains(&destination))
            .max_by_key(|(prefix, _)| prefix.prefix_len())
            .map_or(NextHopIndex::NO_ROUTE, |&(_, index)| index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_prefix_wins_and_of_equals_the_later() {
        let oracle = Oracle::new([
            ("10.0.0.0/8".parse().unwrap(), NextHopIndex(1)),
            ("10.1.0.0/16".parse().unwrap(), NextHopIndex(2)),
            ("10.1.0.0/16".parse().unwrap(), NextHopIndex(3)),
        ]);
        assert_eq!(oracle.lookup(0x0a01_0001), NextHopIndex(3));
        assert_eq!(oracle.lookup(0x0a02_0001), NextHopIndex(1));
        assert_eq!(oracle.lookup(0x0b00_0001), NextHopIndex::NO_ROUTE);
    }
}
