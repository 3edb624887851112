//! The routes that an interface's own addresses bring with them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::next_hop::NextHop;
use super::rib::RibError;

/// The routes of one address on one interface: the prefix itself, the address, and the forms that mean everybody (IPv4)
/// or any router (IPv6) of the prefix.
///
/// A /32 or /128 has no neighbors, so it is the address alone. A /31 joins two hosts and has no broadcast address (RFC
/// 3021 section 2), nor has a /127 an anycast address (RFC 6164 section 6). A link-local prefix is on every link and is no
/// route: such a destination is looked for on the link at hand.
pub fn expand(interface: u16, address: IpNet) -> impl Iterator<Item = (IpNet, NextHop)> {
    let prefix = address.trunc();
    let (own, host_bits) = (address.addr(), address.max_prefix_len() - address.prefix_len());
    let routable = !matches!(own, IpAddr::V6(own) if own.is_unicast_link_local());
    let connected = (host_bits > 0).then_some((prefix, NextHop::Connected { interface }));
    let (deliver, broadcast) = (NextHop::Deliver { interface }, NextHop::Broadcast { interface });
    let roles = match prefix {
        // RFC 1812 section 4.2.2.11 (d): "{ <Network-prefix>, -1 }  Directed Broadcast - a broadcast directed to the
        // specified network prefix." Section 4.2.3.1 on { <Network-prefix>, 0 }: "If these packets are not silently
        // discarded, they MUST be treated as IP broadcasts".
        IpNet::V4(net) => [Some((net.broadcast().into(), broadcast)), Some((net.network().into(), broadcast))],
        // RFC 4291 section 2.6.1: "Packets sent to the Subnet-Router anycast address will be delivered to one router on
        // the subnet. All routers are required to support the Subnet-Router anycast addresses for the subnets to which
        // they have interfaces."
        IpNet::V6(net) => [Some((net.network().into(), deliver)), None],
    };
    let roles = roles
        .into_iter()
        .flatten()
        .filter(move |_| host_bits > 1)
        .map(|(address, next_hop): (IpAddr, NextHop)| (IpNet::from(address), next_hop));
    connected.into_iter().chain(roles).chain([(IpNet::from(own), deliver)]).filter(move |_| routable)
}

/// The routes of all addresses together, with one next hop for each prefix.
///
/// # Errors
/// [`RibError::ConnectedTwice`] when two interfaces claim one prefix or one address.
pub(super) fn expand_all(
    addresses: impl IntoIterator<Item = (u16, IpNet)>,
) -> Result<BTreeMap<IpNet, NextHop>, RibError> {
    let mut addresses: Vec<_> = addresses.into_iter().collect();
    // Where prefixes of two interfaces nest, a broadcast address they share belongs to the longer one.
    addresses.sort_by_key(|(_, address)| address.prefix_len());
    let mut routes = BTreeMap::new();
    for (interface, address) in addresses {
        for (prefix, next_hop) in expand(interface, address) {
            match (routes.get(&prefix), next_hop) {
                (Some(&other @ NextHop::Deliver { .. }), NextHop::Deliver { .. })
                | (Some(&other @ NextHop::Connected { .. }), NextHop::Connected { .. })
                    if other != next_hop =>
                {
                    return Err(RibError::ConnectedTwice {
                        prefix,
                        interface,
                        other: other.interface().unwrap_or(interface),
                    });
                }
                // An address of ours is ours, even where it is also the broadcast address of another prefix.
                (Some(NextHop::Deliver { .. }), _) => {}
                _ => {
                    routes.insert(prefix, next_hop);
                }
            }
        }
    }
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn expanded(address: &str) -> Vec<(IpNet, NextHop)> {
        let mut routes: Vec<_> = expand(3, net(address)).collect();
        routes.sort();
        routes
    }

    const CONNECTED: NextHop = NextHop::Connected { interface: 3 };
    const OWN: NextHop = NextHop::Deliver { interface: 3 };
    const BROADCAST: NextHop = NextHop::Broadcast { interface: 3 };

    #[test]
    fn an_address_brings_its_prefix_itself_and_both_broadcast_forms() {
        assert_eq!(
            expanded("192.0.2.1/24"),
            [
                (net("192.0.2.0/24"), CONNECTED),
                (net("192.0.2.0/32"), BROADCAST),
                (net("192.0.2.1/32"), OWN),
                (net("192.0.2.255/32"), BROADCAST),
            ]
        );
    }

    #[test]
    fn an_ipv6_address_brings_its_prefix_itself_and_the_anycast_address() {
        assert_eq!(
            expanded("2001:db8::1/64"),
            [(net("2001:db8::/64"), CONNECTED), (net("2001:db8::/128"), OWN), (net("2001:db8::1/128"), OWN)]
        );
    }

    #[test]
    fn a_point_to_point_prefix_has_no_broadcast() {
        assert_eq!(expanded("192.0.2.1/31"), [(net("192.0.2.0/31"), CONNECTED), (net("192.0.2.1/32"), OWN)]);
        assert_eq!(expanded("2001:db8::1/127"), [(net("2001:db8::/127"), CONNECTED), (net("2001:db8::1/128"), OWN)]);
    }

    #[test]
    fn a_host_address_connects_nothing() {
        assert_eq!(expanded("192.0.2.1/32"), [(net("192.0.2.1/32"), OWN)]);
        assert_eq!(expanded("2001:db8::1/128"), [(net("2001:db8::1/128"), OWN)]);
    }

    #[test]
    fn a_link_local_address_is_no_route() {
        assert_eq!(expanded("fe80::1/64"), []);
    }

    #[test]
    fn two_addresses_in_one_subnet_share_its_route() {
        let routes = expand_all([(3, net("192.0.2.1/24")), (3, net("192.0.2.2/24"))]).unwrap();
        assert_eq!(routes.len(), 5);
        assert_eq!(routes[&net("192.0.2.2/32")], OWN);
    }

    #[test]
    fn an_own_address_wins_over_a_broadcast_address() {
        for addresses in [["192.0.2.255/32", "192.0.2.1/24"], ["192.0.2.1/24", "192.0.2.255/32"]] {
            let routes = expand_all(addresses.map(|address| (3, net(address)))).unwrap();
            assert_eq!(routes[&net("192.0.2.255/32")], OWN);
        }
    }

    #[test]
    fn one_prefix_on_two_interfaces_is_refused() {
        let error = expand_all([(3, net("192.0.2.1/24")), (4, net("192.0.2.2/24"))]).unwrap_err();
        assert!(error.to_string().contains("192.0.2.0/24"), "{error}");
        let error = expand_all([(3, net("192.0.2.1/24")), (4, net("192.0.2.1/32"))]).unwrap_err();
        assert!(error.to_string().contains("192.0.2.1/32"), "{error}");
    }

    #[test]
    fn a_broadcast_address_of_nested_prefixes_belongs_to_the_longer() {
        let routes = expand_all([(4, net("10.0.0.129/25")), (3, net("10.0.0.1/24"))]).unwrap();
        assert_eq!(routes[&net("10.0.0.255/32")], NextHop::Broadcast { interface: 4 });
    }
}
