//! What a device may be able to do in the place of software: offloads, and spreading frames over queues (RSS).
//!
//! The names of the flags are those that testpmd prints.

use bitflags::bitflags;

bitflags! {
    /// What a device does on reception.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct RxOffloads: u64 {
        /// Takes the VLAN tag off.
        const VLAN_STRIP = 1;
        /// Checks the IPv4 header checksum.
        const IPV4_CKSUM = 1 << 1;
        /// Checks the UDP checksum.
        const UDP_CKSUM = 1 << 2;
        /// Checks the TCP checksum.
        const TCP_CKSUM = 1 << 3;
        /// Merges TCP segments.
        const TCP_LRO = 1 << 4;
        /// Takes two VLAN tags off.
        const QINQ_STRIP = 1 << 5;
        /// Checks the outer IPv4 header checksum of a tunnel.
        const OUTER_IPV4_CKSUM = 1 << 6;
        /// Receives only the VLANs listed.
        const VLAN_FILTER = 1 << 7;
        /// Knows frames with two VLAN tags.
        const VLAN_EXTEND = 1 << 8;
        /// Spreads a long frame over several buffers.
        const SCATTER = 1 << 9;
        /// Tells when a frame came.
        const TIMESTAMP = 1 << 10;
        /// Leaves the FCS on.
        const KEEP_CRC = 1 << 11;
        /// Checks the SCTP checksum.
        const SCTP_CKSUM = 1 << 12;
        /// Checks the outer UDP checksum of a tunnel.
        const OUTER_UDP_CKSUM = 1 << 13;
        /// Tells the RSS hash of a frame.
        const RSS_HASH = 1 << 14;
        /// Decrypts.
        const SECURITY = 1 << 15;
        /// Splits a frame into header and payload.
        const BUFFER_SPLIT = 1 << 16;
    }
}

bitflags! {
    /// What a device does on transmission.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct TxOffloads: u64 {
        /// Puts a VLAN tag on.
        const VLAN_INSERT = 1;
        /// Fills in the IPv4 header checksum.
        const IPV4_CKSUM = 1 << 1;
        /// Fills in the UDP checksum.
        const UDP_CKSUM = 1 << 2;
        /// Fills in the TCP checksum.
        const TCP_CKSUM = 1 << 3;
        /// Fills in the SCTP checksum.
        const SCTP_CKSUM = 1 << 4;
        /// Cuts TCP segments.
        const TCP_TSO = 1 << 5;
        /// Cuts UDP datagrams.
        const UDP_TSO = 1 << 6;
        /// Fills in the outer IPv4 header checksum of a tunnel.
        const OUTER_IPV4_CKSUM = 1 << 7;
        /// Puts two VLAN tags on.
        const QINQ_INSERT = 1 << 8;
        /// Takes frames from several threads on one queue.
        const MT_LOCKFREE = 1 << 9;
        /// Sends frames of several buffers.
        const MULTI_SEGS = 1 << 10;
        /// Gives buffers back without looking at each.
        const MBUF_FAST_FREE = 1 << 11;
        /// Encrypts.
        const SECURITY = 1 << 12;
        /// Fills in the outer UDP checksum of a tunnel.
        const OUTER_UDP_CKSUM = 1 << 13;
        /// Sends at a time given.
        const SEND_ON_TIMESTAMP = 1 << 14;
    }
}

impl TxOffloads {
    /// Every checksum that a device may fill in, tunnels left out.
    pub const CHECKSUMS: Self = Self::IPV4_CKSUM.union(Self::UDP_CKSUM).union(Self::TCP_CKSUM).union(Self::SCTP_CKSUM);
}

bitflags! {
    /// Packets whose header fields are hashed to choose a queue. A type that is not listed is received on one queue.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct RssTypes: u64 {
        /// The addresses of any IPv4 packet.
        const IPV4 = 1;
        /// The addresses of an IPv4 fragment.
        const FRAG_IPV4 = 1 << 1;
        /// Addresses and ports of TCP over IPv4.
        const IPV4_TCP = 1 << 2;
        /// Addresses and ports of UDP over IPv4.
        const IPV4_UDP = 1 << 3;
        /// Addresses and ports of SCTP over IPv4.
        const IPV4_SCTP = 1 << 4;
        /// The addresses of an IPv4 packet of another protocol.
        const IPV4_OTHER = 1 << 5;
        /// The addresses of any IPv6 packet.
        const IPV6 = 1 << 6;
        /// The addresses of an IPv6 fragment.
        const FRAG_IPV6 = 1 << 7;
        /// Addresses and ports of TCP over IPv6.
        const IPV6_TCP = 1 << 8;
        /// Addresses and ports of UDP over IPv6.
        const IPV6_UDP = 1 << 9;
        /// Addresses and ports of SCTP over IPv6.
        const IPV6_SCTP = 1 << 10;
        /// The addresses of an IPv6 packet of another protocol.
        const IPV6_OTHER = 1 << 11;
        /// The MAC addresses and type of any frame.
        const L2_PAYLOAD = 1 << 12;
        /// As `IPV6`, with extension headers.
        const IPV6_EX = 1 << 13;
        /// As `IPV6_TCP`, with extension headers.
        const IPV6_TCP_EX = 1 << 14;
        /// As `IPV6_UDP`, with extension headers.
        const IPV6_UDP_EX = 1 << 15;
        /// The port that a frame came in on.
        const PORT = 1 << 16;
        /// The VXLAN network.
        const VXLAN = 1 << 17;
        /// The GENEVE network.
        const GENEVE = 1 << 18;
        /// The NVGRE network.
        const NVGRE = 1 << 19;
        /// The VLAN tags.
        const VLAN = 1 << 20;

        /// testpmd's `ip`.
        const IP = Self::IPV4.bits() | Self::FRAG_IPV4.bits() | Self::IPV4_OTHER.bits() | Self::IPV6.bits()
            | Self::FRAG_IPV6.bits() | Self::IPV6_OTHER.bits() | Self::IPV6_EX.bits();
        /// testpmd's `tcp`.
        const TCP = Self::IPV4_TCP.bits() | Self::IPV6_TCP.bits() | Self::IPV6_TCP_EX.bits();
        /// testpmd's `udp`.
        const UDP = Self::IPV4_UDP.bits() | Self::IPV6_UDP.bits() | Self::IPV6_UDP_EX.bits();
        /// testpmd's `sctp`.
        const SCTP = Self::IPV4_SCTP.bits() | Self::IPV6_SCTP.bits();
    }
}

impl RssTypes {
    /// The single types, with the names that testpmd prints.
    pub const NAMES: [(Self, &'static str); 21] = [
        (Self::IPV4, "ipv4"),
        (Self::FRAG_IPV4, "ipv4-frag"),
        (Self::IPV4_TCP, "ipv4-tcp"),
        (Self::IPV4_UDP, "ipv4-udp"),
        (Self::IPV4_SCTP, "ipv4-sctp"),
        (Self::IPV4_OTHER, "ipv4-other"),
        (Self::IPV6, "ipv6"),
        (Self::FRAG_IPV6, "ipv6-frag"),
        (Self::IPV6_TCP, "ipv6-tcp"),
        (Self::IPV6_UDP, "ipv6-udp"),
        (Self::IPV6_SCTP, "ipv6-sctp"),
        (Self::IPV6_OTHER, "ipv6-other"),
        (Self::L2_PAYLOAD, "l2-payload"),
        (Self::IPV6_EX, "ipv6-ex"),
        (Self::IPV6_TCP_EX, "ipv6-tcp-ex"),
        (Self::IPV6_UDP_EX, "ipv6-udp-ex"),
        (Self::PORT, "port"),
        (Self::VXLAN, "vxlan"),
        (Self::GENEVE, "geneve"),
        (Self::NVGRE, "nvgre"),
        (Self::VLAN, "vlan"),
    ];

    /// The names of the types in the set.
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES.into_iter().filter(|(one, _)| self.contains(*one)).map(|(_, name)| name).collect()
    }

    /// A type, or a group of them (`all`, `none`, `ip`, `tcp`, `udp`, `sctp`, `ether`), by its name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::all(),
            "none" => Self::empty(),
            "ip" => Self::IP,
            "tcp" => Self::TCP,
            "udp" => Self::UDP,
            "sctp" => Self::SCTP,
            "ether" => Self::L2_PAYLOAD,
            name => return Self::NAMES.into_iter().find(|(_, other)| *other == name).map(|(one, _)| one),
        })
    }
}

/// How frames are spread over the receive queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rss {
    /// What is hashed; what the device cannot hash is left out. Empty: everything is received on one queue.
    pub types: RssTypes,
    /// The hash key; empty leaves the device's.
    pub key: Vec<u8>,
}

/// What a device does with VLAN tags on reception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VlanSettings {
    /// Takes the tag off.
    pub strip: bool,
    /// Receives only the VLANs listed ([`crate::Port::set_vlan_filter`]).
    pub filter: bool,
    /// Knows frames with two tags.
    pub extend: bool,
    /// Takes both of two tags off.
    pub qinq_strip: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name_and_groups_have_theirs() {
        assert_eq!(RssTypes::all().names().len(), RssTypes::NAMES.len());
        assert_eq!(RssTypes::named("ipv4-udp"), Some(RssTypes::IPV4_UDP));
        assert!(RssTypes::named("udp").is_some_and(|udp| udp.names().contains(&"ipv6-udp-ex")));
        assert_eq!(RssTypes::named("nonsense"), None);
    }
}
