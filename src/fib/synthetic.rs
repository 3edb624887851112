//! Internet-like tables that anybody can make: the same routes on every machine, for benchmarks where no real table is at hand.
//!
//! What is like the Internet's: the number of routes, the lengths (the published histograms of 2025 and 2026), that routes crowd in some
//! networks and leave others empty, and that neighbors often share a next hop. IPv4: 1,170,000 routes in 18,000 networks of /16. IPv6:
//! 280,000 routes, half of the networks of /32 in a tenth of the 40 networks of /16 that are in use, and half of the routes in a tenth of
//! the networks. In both, 64 next hops; a network has one that four of five routes in it take.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use fastrand::Rng;
use ipnet::{Ipv4Net, Ipv6Net};

use super::address::Address;
use super::next_hop::NextHopIndex;
use super::prefixes::Prefix;

/// Routes of the IPv4 table.
pub const IPV4_ROUTES: usize = 1_170_000;
/// Routes of the IPv6 table.
pub const IPV6_ROUTES: usize = 280_000;
/// Next hops of both.
pub const NEXT_HOPS: u16 = 64;

/// In how many of a thousand a route has this length.
const IPV4_LENGTHS: [(u8, u32); 17] = [
    (24, 630),
    (23, 110),
    (22, 100),
    (21, 50),
    (20, 40),
    (19, 24),
    (18, 13),
    (17, 8),
    (16, 12),
    (15, 3),
    (14, 3),
    (13, 2),
    (12, 1),
    (11, 1),
    (10, 1),
    (25, 1),
    (32, 1),
];
const IPV6_LENGTHS: [(u8, u32); 14] = [
    (48, 460),
    (32, 100),
    (44, 100),
    (40, 90),
    (36, 40),
    (47, 35),
    (46, 30),
    (33, 20),
    (34, 20),
    (29, 20),
    (45, 25),
    (42, 25),
    (38, 20),
    (64, 1),
];

/// An IPv4 table, sorted.
pub fn ipv4(routes: usize) -> Vec<(Ipv4Net, NextHopIndex)> {
    let mut random = Rng::with_seed(4);
    let networks: Vec<_> =
        (0..18_000u32).map(|_| (random.u32(0x0100..0xdf00) << 16, random.u16(1..=NEXT_HOPS))).collect();
    let table = fill(routes, &mut random, &IPV4_LENGTHS, |random, length| {
        let (network, next_hop) = networks[random.usize(..networks.len())];
        // Runs of neighbors: the last bits are often small.
        let inside = if random.u8(..4) == 0 { random.u32(..1 << 16) } else { random.u32(..1 << 8) << random.u32(..9) };
        ((network | inside).network(length), next_hop)
    });
    let net = |((network, length), next_hop)| {
        (Ipv4Net::new_assert(Ipv4Addr::from_bits(network), length), NextHopIndex(next_hop))
    };
    table.into_iter().map(net).collect()
}

/// An IPv6 table, sorted.
pub fn ipv6(routes: usize) -> Vec<(Ipv6Net, NextHopIndex)> {
    let mut random = Rng::with_seed(6);
    let upper: Vec<u128> =
        [0x2001, 0x2400, 0x2600, 0x2800, 0x2a00].iter().flat_map(|&first| first..first + 8).collect();
    let skewed = |random: &mut Rng, count: usize| {
        let tenth = (count / 10).max(1);
        if random.bool() { random.usize(..tenth) } else { random.usize(..count) }
    };
    let networks: Vec<_> = (0..60_000)
        .map(|_| {
            let upper = upper[skewed(&mut random, upper.len())];
            (upper << 112 | u128::from(random.u16(..)) << 96, random.u16(1..=NEXT_HOPS))
        })
        .collect();
    let table = fill(routes, &mut random, &IPV6_LENGTHS, |random, length| {
        let (network, next_hop) = networks[skewed(random, networks.len())];
        let inside = u128::from(if random.bool() { random.u32(..) } else { random.u32(..1 << 8) << random.u32(..24) });
        ((network | inside << 64).network(length), next_hop)
    });
    let net = |((network, length), next_hop)| {
        (Ipv6Net::new_assert(Ipv6Addr::from_bits(network), length), NextHopIndex(next_hop))
    };
    table.into_iter().map(net).collect()
}

/// A network's inside, sorted: in one /32 of 2000 sites (/48), half of the routes /64, an eighth /127, the others /128.
pub fn ipv6_inside(routes: usize) -> Vec<(Ipv6Net, NextHopIndex)> {
    let mut random = Rng::with_seed(66);
    let lengths = [(64, 4), (127, 1), (128, 3)];
    let table = fill(routes, &mut random, &lengths, |random, _| {
        let site = u128::from(random.u16(..2000));
        let (link, host) = (u128::from(random.u16(..1024)), u128::from(random.u16(..)));
        (0x2001_0db8 << 96 | site << 80 | link << 64 | host, site as u16 % NEXT_HOPS + 1)
    });
    let net = |((network, length), next_hop): (Prefix<u128>, u16)| {
        (Ipv6Net::new_assert(Ipv6Addr::from_bits(network.network(length)), length), NextHopIndex(next_hop))
    };
    table.into_iter().map(net).collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// The worst for the IPv4 table, sorted: neighboring /24s that never share a next hop, each eighth with a /32 in it.
pub fn ipv4_worst(routes: usize) -> Vec<(Ipv4Net, NextHopIndex)> {
    let mut table = Vec::with_capacity(routes);
    let mut slot = 0x01_0000u32;
    while table.len() < routes {
        let network = Ipv4Addr::from_bits(slot << 8);
        table.push((Ipv4Net::new_assert(network, 24), NextHopIndex((slot % 2) as u16 + 1)));
        if slot.is_multiple_of(8) && table.len() < routes {
            let host = Ipv4Addr::from_bits(slot << 8 | 77);
            table.push((Ipv4Net::new_assert(host, 32), NextHopIndex(3)));
        }
        slot += 1;
    }
    table
}

/// So many distinct prefixes; `place` gives the network of one and the next hop that is usual there.
fn fill<A: Address>(
    routes: usize,
    random: &mut Rng,
    lengths: &[(u8, u32)],
    mut place: impl FnMut(&mut Rng, u8) -> (A, u16),
) -> BTreeMap<Prefix<A>, u16> {
    let total: u32 = lengths.iter().map(|&(_, share)| share).sum();
    let mut table = BTreeMap::new();
    while table.len() < routes {
        let mut pick = random.u32(..total);
        let mut length = lengths[0].0;
        for &(candidate, share) in lengths {
            length = candidate;
            if pick < share {
                break;
            }
            pick -= share;
        }
        let (network, usual) = place(random, length);
        let next_hop = if random.u8(..5) > 0 { usual } else { random.u16(1..=NEXT_HOPS) };
        table.insert((network, length), next_hop);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_sorted_distinct_and_the_same_every_time() {
        let table = ipv4(2000);
        assert_eq!(table.len(), 2000);
        assert!(table.windows(2).all(|pair| {
            let key = |net: Ipv4Net| (net.network(), net.prefix_len());
            key(pair[0].0) < key(pair[1].0)
        }));
        assert_eq!(table, ipv4(2000));
        let table = ipv6(2000);
        assert_eq!(table.len(), 2000);
        assert_eq!(table, ipv6(2000));
        for length in [64, 127, 128] {
            assert!(ipv6_inside(2000).iter().any(|(net, _)| net.prefix_len() == length));
        }
        assert_eq!(ipv4_worst(2000).len(), 2000);
    }
}
