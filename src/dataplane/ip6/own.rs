//! The IPv6 addresses of a router in one VRF.

use crate::wire::ipv6::{ALL_NODES, ALL_ROUTERS, solicited_node};
use ipnet::Ipv6Net;
use std::collections::HashSet;
use std::net::Ipv6Addr;

/// Our addresses of a VRF, but for link-local ones, which belong to their interfaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnAddresses {
    /// One bit for each value of the last octet: tells almost every packet apart with one load.
    filter: [u64; 4],
    own: HashSet<u128>,
}

impl OwnAddresses {
    /// Collects them.
    pub fn new<'a>(nets: impl IntoIterator<Item = &'a Ipv6Net>) -> Self {
        let mut set = Self::default();
        for address in nets.into_iter().map(Ipv6Net::addr).filter(|address| !address.is_unicast_link_local()) {
            let bits = address.to_bits();
            set.own.insert(bits);
            let last = bits as u8;
            set.filter[usize::from(last >> 6)] |= 1 << (last & 63);
        }
        set
    }

    /// Whether an address with this last octet may be ours.
    #[inline]
    pub fn may_hold(&self, last: u8) -> bool {
        self.filter[usize::from(last >> 6)] >> (last & 63) & 1 != 0
    }

    /// Whether an address (host byte order) is ours.
    #[inline]
    pub fn contains(&self, address: u128) -> bool {
        self.may_hold(address as u8) && self.own.contains(&address)
    }

    /// Any of them.
    pub fn first(&self) -> Option<Ipv6Addr> {
        self.own.iter().min().map(|bits| Ipv6Addr::from_bits(*bits))
    }
}

/// The groups that a router with these addresses on an interface listens to.
///
/// RFC 4291 2.8: a router listens to "The All-Nodes multicast addresses", "The Solicited-Node multicast address for each of
/// its unicast and anycast addresses" and "The All-Routers multicast addresses".
pub fn groups(addresses: impl IntoIterator<Item = Ipv6Addr>) -> Vec<Ipv6Addr> {
    let mut groups = vec![ALL_NODES, ALL_ROUTERS];
    groups.extend(addresses.into_iter().map(solicited_node));
    groups.sort();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses_are_left_to_their_interfaces() {
        let nets = ["2001:db8::1/64".parse().unwrap(), "fe80::2/64".parse().unwrap()];
        let own = OwnAddresses::new(&nets);
        let bits = |text: &str| text.parse::<Ipv6Addr>().unwrap().to_bits();
        assert!(own.contains(bits("2001:db8::1")));
        assert!(!own.contains(bits("fe80::2")) && !own.contains(bits("2001:db9::1")));
        assert_eq!(own.first(), Some(nets[0].addr()));
    }
}
