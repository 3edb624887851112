//! What the control thread has decided, compiled for the workers: immutable, swapped as a whole.
//!
//! A change of configuration makes a new snapshot; a worker takes it between two bursts, so no packet ever sees half
//! of a change. The control thread keeps its own reference until every worker has reported the new generation, so
//! a worker never frees one.

use super::ip6::own::OwnAddresses;
use super::modes::{ModeSettings, Retry};
use crate::fib::next_hop::{NextHop, NextHopIndex};
use crate::fib::path_table::{Head, Kind, PathTable};
use crate::fib::{ipv4, ipv6};
use crate::wire::ethernet;
use ipnet::{Ipv4Net, Ipv6Net};
use macaddr::MacAddr6;
use ringway_config::{HopByHop, Mode, SourceCheck};
use ringway_pmd::TxOffloads;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// No interface: what the maps of a port hold for VLANs that are not configured.
pub const NO_INTERFACE: u16 = u16::MAX;

/// Longest Ethernet header that is written: addresses, two VLAN tags, type.
pub const MAX_HEADER: usize = 22;

/// The Ethernet header of an interface with the destination left zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encapsulation {
    /// Destination (zero), source, tags, EtherType IPv4.
    pub header: [u8; MAX_HEADER],
    /// Bytes of it that count: 14, 18 or 22.
    pub len: u8,
}

impl Encapsulation {
    /// The header of an interface: its address, its tags outermost first (two tags: 802.1ad outside 802.1Q).
    pub fn new(source: MacAddr6, vlans: &[u16]) -> Self {
        let mut header = [0; MAX_HEADER];
        header[6..12].copy_from_slice(source.as_bytes());
        let mut at = 12;
        for (depth, vlan) in vlans.iter().take(2).enumerate() {
            let outer = vlans.len() == 2 && depth == 0;
            let tag_type = if outer { ethernet::ETHERTYPE_QINQ } else { ethernet::ETHERTYPE_VLAN };
            header[at..at + 2].copy_from_slice(&tag_type.to_be_bytes());
            header[at + 2..at + 4].copy_from_slice(&vlan.to_be_bytes());
            at += 4;
        }
        header[at..at + 2].copy_from_slice(&ethernet::ETHERTYPE_IPV4.to_be_bytes());
        Self { header, len: at as u8 + 2 }
    }
}

/// The data-plane side of an interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// Its port.
    pub port: u16,
    /// Its address on the link.
    pub mac: MacAddr6,
    /// Its Ethernet header.
    pub encapsulation: Encapsulation,
    /// Largest IP packet it sends, in bytes.
    pub mtu: u16,
    /// Packets pass: configured up, link up.
    pub up: bool,
    /// Sends redirects (RFC 1812 5.2.7.2).
    pub redirects: bool,
    /// Forwards directed broadcasts (RFC 2644: off unless configured).
    pub directed_broadcast: bool,
    /// Which sources are let in.
    pub source_check: SourceCheck,
    /// Number of its VRF.
    pub vrf: u16,
    /// Its IPv4 addresses with their prefixes, the primary one first.
    pub addresses: Vec<Ipv4Net>,
    /// Its IPv6 addresses with their prefixes, the primary one first, the link-local one among them; only those that are
    /// ours for certain (RFC 4862 5.4).
    pub addresses6: Vec<Ipv6Net>,
    /// IPv6 multicast groups that it listens to.
    pub groups6: Vec<Ipv6Addr>,
}

impl Interface {
    /// The IPv4 address to speak from towards `peer`: the one whose prefix holds it, else the primary one.
    pub fn source_towards(&self, peer: IpAddr) -> Option<Ipv4Addr> {
        let near = self.addresses.iter().find(|net| matches!(peer, IpAddr::V4(peer) if net.contains(&peer)));
        near.or(self.addresses.first()).map(Ipv4Net::addr)
    }

    /// The IPv6 address to speak from towards a neighbor, or towards anybody through this interface: the one whose prefix
    /// holds it, else one of as large a scope.
    pub fn source_towards6(&self, peer: Ipv6Addr) -> Option<Ipv6Addr> {
        if peer.is_unicast_link_local() { self.link_local6() } else { self.global_towards6(peer) }
    }

    /// The global IPv6 address to speak from: the one whose prefix holds `peer`, else the primary one.
    pub fn global_towards6(&self, peer: Ipv6Addr) -> Option<Ipv6Addr> {
        let mut globals = self.addresses6.iter().filter(|net| !net.addr().is_unicast_link_local());
        let near = globals.clone().find(|net| net.contains(&peer));
        near.or_else(|| globals.next()).map(Ipv6Net::addr)
    }

    /// The link-local address.
    pub fn link_local6(&self) -> Option<Ipv6Addr> {
        self.addresses6.iter().map(Ipv6Net::addr).find(Ipv6Addr::is_unicast_link_local)
    }
}

/// The data-plane side of a port: which interface a frame belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct PortMap {
    /// The port's address.
    pub mac: MacAddr6,
    /// Takes frames for every address (the modes that do not route want them).
    pub promiscuous: bool,
    /// Checksums that its device fills in, in mode `csum`.
    pub fills: TxOffloads,
    /// The interface of untagged frames.
    pub untagged: u16,
    /// By VLAN, where the port has single-tagged interfaces: 4096 entries.
    pub single: Option<Box<[u16]>>,
    /// By outer and inner VLAN.
    pub double: HashMap<(u16, u16), u16>,
}

impl PortMap {
    /// A port without interfaces.
    pub fn new(mac: MacAddr6) -> Self {
        Self {
            mac,
            promiscuous: false,
            fills: TxOffloads::empty(),
            untagged: NO_INTERFACE,
            single: None,
            double: HashMap::new(),
        }
    }

    /// Gives the frames with these tags (outermost first) to an interface.
    pub fn assign(&mut self, vlans: &[u16], interface: u16) {
        match *vlans {
            [] => self.untagged = interface,
            [vlan] => {
                let map = self.single.get_or_insert_with(|| vec![NO_INTERFACE; 4096].into_boxed_slice());
                map[usize::from(vlan & 0xfff)] = interface;
            }
            [outer, inner, ..] => {
                self.double.insert((outer, inner), interface);
            }
        }
    }

    /// The interface of a frame with one tag.
    #[inline]
    pub fn by_vlan(&self, vlan: u16) -> u16 {
        self.single.as_ref().map_or(NO_INTERFACE, |map| map[usize::from(vlan & 0xfff)])
    }

    /// The interface of a frame with two tags.
    #[inline]
    pub fn by_vlans(&self, outer: u16, inner: u16) -> u16 {
        self.double.get(&(outer, inner)).copied().unwrap_or(NO_INTERFACE)
    }
}

/// Addresses that no packet from outside may carry as its source: ours, and the broadcast addresses of our networks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForbiddenSources {
    /// One bit for each value of the last octet: tells almost every packet apart with one load.
    filter: [u64; 4],
    own: HashSet<u32>,
    broadcast: HashSet<u32>,
}

impl ForbiddenSources {
    /// Collects them from the interfaces.
    pub fn new<'a>(interfaces: impl IntoIterator<Item = &'a Interface>) -> Self {
        let mut set = Self::default();
        for net in interfaces.into_iter().flat_map(|interface| &interface.addresses) {
            set.own.insert(net.addr().to_bits());
            if net.prefix_len() < 31 {
                set.broadcast.insert(net.broadcast().to_bits());
                set.broadcast.insert(net.network().to_bits());
            }
        }
        for address in set.own.iter().chain(&set.broadcast) {
            let last = address & 0xff;
            set.filter[(last >> 6) as usize] |= 1 << (last & 63);
        }
        set
    }

    /// Whether the address may be one of these; exact questions follow only then.
    #[inline]
    pub fn may_hold(&self, address: u32) -> bool {
        let last = address & 0xff;
        self.filter[(last >> 6) as usize] >> (last & 63) & 1 != 0
    }

    /// Whether it is one of our addresses.
    pub fn is_own(&self, address: u32) -> bool {
        self.own.contains(&address)
    }

    /// Whether it is the broadcast address of a connected network.
    pub fn is_broadcast(&self, address: u32) -> bool {
        self.broadcast.contains(&address)
    }
}

/// The tables of one VRF.
#[derive(Debug, Clone, Default)]
pub struct Vrf {
    /// Longest-prefix match of IPv4.
    pub ipv4: Arc<ipv4::Fib>,
    /// Longest-prefix match of IPv6.
    pub ipv6: Arc<ipv6::Fib>,
    /// IPv4 sources that are refused.
    pub forbidden: ForbiddenSources,
    /// Our IPv6 addresses, which no packet from outside may have as its source.
    pub own6: OwnAddresses,
}

/// Tables that a lookup passes at most, from VRF to VRF: a loop of leaked routes ends here.
pub(super) const LEAKS: usize = 4;

/// The whole of it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Counts up with each snapshot; entries of the route cache carry it.
    pub generation: u32,
    /// What workers do with what they receive.
    pub mode: Mode,
    /// Whether they receive at all (`start`, `stop`).
    pub forwarding: bool,
    /// Frames taken from a queue at once, 1 to 32.
    pub burst: u16,
    /// What the modes that do not route go by.
    pub modes: ModeSettings,
    /// By port number.
    pub ports: Vec<PortMap>,
    /// By interface number.
    pub interfaces: Vec<Interface>,
    /// By number; number 0 is the one of every interface that names none.
    pub vrfs: Vec<Vrf>,
    /// The path lists that the tables point at; they change under the workers, as the tables do.
    pub paths: Arc<PathTable>,
    /// Key of the hash that spreads flows over paths: see [`super::flow`].
    pub seed: u64,
    /// Packets with a source route are processed as RFC 1812 5.3.13.4 describes, not refused.
    pub accept_source_route: bool,
    /// What becomes of IPv6 packets in transit with hop-by-hop options.
    pub hop_by_hop: HopByHop,
}

impl Snapshot {
    /// A router that knows nothing yet.
    pub fn empty(ports: Vec<PortMap>) -> Self {
        Self {
            generation: 0,
            mode: Mode::L3,
            forwarding: true,
            burst: 32,
            modes: ModeSettings::new(ports.len()),
            ports,
            interfaces: Vec::new(),
            vrfs: vec![Vrf::default()],
            paths: Arc::default(),
            seed: 0,
            accept_source_route: false,
            hop_by_hop: HopByHop::default(),
        }
    }

    /// How often a burst is offered to a full port: the router never waits.
    pub fn retry(&self) -> Retry {
        if self.mode == Mode::L3 { Retry::ONCE } else { self.modes.retry }
    }

    /// The VRF of an interface.
    #[inline]
    pub fn vrf_of(&self, interface: u16) -> u16 {
        self.interfaces.get(usize::from(interface)).map_or(0, |there| there.vrf)
    }

    /// Whether an IPv4 address (host byte order) is one of our own in a VRF.
    pub fn is_own(&self, vrf: u16, address: u32) -> bool {
        self.vrfs.get(usize::from(vrf)).is_some_and(|there| there.forbidden.is_own(address))
    }

    /// Whether an IPv6 address is one of our own in a VRF, link-local ones left out.
    pub fn is_own6(&self, vrf: u16, address: Ipv6Addr) -> bool {
        self.vrfs.get(usize::from(vrf)).is_some_and(|there| there.own6.contains(address.to_bits()))
    }

    /// Whether an interface has an IPv6 address.
    pub fn has_address6(&self, interface: u16, address: Ipv6Addr) -> bool {
        let there = self.interfaces.get(usize::from(interface));
        there.is_some_and(|there| there.addresses6.iter().any(|net| net.addr() == address))
    }

    /// Whether an IPv4 address (host byte order) is the broadcast address of a connected network of a VRF.
    pub fn is_broadcast(&self, vrf: u16, address: u32) -> bool {
        self.vrfs.get(usize::from(vrf)).is_some_and(|there| there.forbidden.is_broadcast(address))
    }

    /// Where a packet of this flow ([`super::flow::of`]) goes from a VRF; `None` without a route. Never
    /// [`NextHop::Vrf`]: leaked routes have been followed.
    pub fn route(&self, vrf: u16, destination: IpAddr, flow: u32) -> Option<NextHop> {
        match destination {
            IpAddr::V4(address) => self.route4(vrf, address.to_bits(), flow),
            IpAddr::V6(address) => self.route6(vrf, address.to_bits(), flow),
        }
    }

    /// [`Snapshot::route`] for IPv4; the destination in host byte order.
    #[inline]
    pub fn route4(&self, vrf: u16, destination: u32, flow: u32) -> Option<NextHop> {
        self.follow(vrf, flow, |there| there.ipv4.lookup(destination))
    }

    /// [`Snapshot::route`] for IPv6; the destination in host byte order.
    #[inline]
    pub fn route6(&self, vrf: u16, destination: u128, flow: u32) -> Option<NextHop> {
        self.follow(vrf, flow, |there| there.ipv6.lookup(destination))
    }

    /// Whether the interface asks for source checks.
    #[inline]
    pub fn checks_sources(&self, interface: u16) -> bool {
        self.interfaces.get(usize::from(interface)).is_some_and(|there| there.source_check != SourceCheck::Off)
    }

    /// The slot of the path table that a packet goes to which a route has leaked to this VRF; `lookup` is of its destination.
    pub(super) fn leak(
        &self,
        mut vrf: u16,
        flow: u32,
        lookup: impl Fn(&Vrf) -> NextHopIndex,
    ) -> Option<(NextHopIndex, Head)> {
        for _ in 1..LEAKS {
            let index = lookup(self.vrfs.get(usize::from(vrf))?);
            match self.paths.pick(index, || flow) {
                (_, head) if head.kind() == Kind::Vrf => vrf = head.place(),
                found => return Some(found),
            }
        }
        None
    }

    #[inline]
    fn follow(&self, mut vrf: u16, flow: u32, lookup: impl Fn(&Vrf) -> NextHopIndex) -> Option<NextHop> {
        for _ in 0..LEAKS {
            match self.paths.get(lookup(self.vrfs.get(usize::from(vrf))?), flow)? {
                NextHop::Vrf { vrf: other } => vrf = other,
                next_hop => return Some(next_hop),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tags_are_written_service_tag_first() {
        let header = Encapsulation::new(MacAddr6::new(2, 0, 0, 0, 0, 1), &[200, 100]);
        assert_eq!(header.len, 22);
        assert_eq!(header.header[12..22], [0x88, 0xa8, 0, 200, 0x81, 0, 0, 100, 8, 0]);
    }

    #[test]
    fn a_vlan_that_is_not_configured_has_no_interface() {
        let mut map = PortMap::new(MacAddr6::nil());
        map.assign(&[100], 3);
        map.assign(&[200, 100], 4);
        assert_eq!((map.by_vlan(100), map.by_vlan(101)), (3, NO_INTERFACE));
        assert_eq!((map.by_vlans(200, 100), map.by_vlans(100, 200)), (4, NO_INTERFACE));
    }

    #[test]
    fn own_and_broadcast_addresses_are_forbidden_sources() {
        let interface = Interface {
            port: 0,
            mac: MacAddr6::nil(),
            encapsulation: Encapsulation::new(MacAddr6::nil(), &[]),
            mtu: 1500,
            up: true,
            redirects: true,
            directed_broadcast: false,
            source_check: SourceCheck::Off,
            vrf: 0,
            addresses: vec!["192.0.2.1/24".parse().unwrap(), "198.51.100.0/31".parse().unwrap()],
            addresses6: Vec::new(),
            groups6: Vec::new(),
        };
        let set = ForbiddenSources::new([&interface]);
        let bits = |text: &str| text.parse::<Ipv4Addr>().unwrap().to_bits();
        assert!(set.may_hold(bits("192.0.2.1")) && set.is_own(bits("192.0.2.1")));
        assert!(set.is_broadcast(bits("192.0.2.255")) && set.is_broadcast(bits("192.0.2.0")));
        assert!(!set.is_broadcast(bits("198.51.100.1")), "a /31 has no broadcast address");
        assert!(!set.may_hold(bits("10.0.0.77")));
    }
}
