//! The IPv6 header: RFC 8200 3.

use super::be16;
use std::net::Ipv6Addr;

/// Bytes of the fixed header.
pub const HEADER_LEN: usize = 40;
/// Hop-by-hop options, only ever right behind the fixed header.
pub const HOP_BY_HOP: u8 = 0;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// Routing header.
pub const ROUTING: u8 = 43;
/// Fragment header.
pub const FRAGMENT: u8 = 44;
/// ICMPv6.
pub const ICMPV6: u8 = 58;
/// Nothing follows.
pub const NO_NEXT_HEADER: u8 = 59;
/// Destination options.
pub const DESTINATION_OPTIONS: u8 = 60;
/// RFC 8200 5: "IPv6 requires that every link in the Internet have an MTU of 1280 octets or greater."
pub const MINIMUM_MTU: u16 = 1280;

/// The MTU of a link for IPv6, when IPv4 is told this one: never below [`MINIMUM_MTU`], which no sender would heed.
#[inline]
pub fn link_mtu(mtu: u16) -> u16 {
    mtu.max(MINIMUM_MTU)
}

/// Every node of a link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Every router of a link.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// Every router that understands MLDv2 (RFC 3810 5.2.14).
pub const ALL_MLDV2_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ipv6Error {
    /// Shorter than the fixed header.
    #[error("shorter than 40 bytes")]
    TooShort,
    /// RFC 8200 3: "Version 4-bit Internet Protocol version number = 6."
    #[error("version is not 6")]
    BadVersion,
    /// The frame is shorter than header and payload.
    #[error("payload length beyond the frame")]
    PayloadLong,
}

/// A view of a packet whose header has been checked.
#[derive(Debug, Clone, Copy)]
pub struct Ipv6<'a> {
    fixed: &'a [u8; HEADER_LEN],
    /// The packet, cut to its length: link padding is gone.
    packet: &'a [u8],
}

impl<'a> Ipv6<'a> {
    /// Checks the header of a packet, which may be followed by padding.
    ///
    /// # Errors
    /// [`Ipv6Error`].
    #[inline]
    pub fn check(bytes: &'a [u8]) -> Result<Self, Ipv6Error> {
        let Some(fixed) = bytes.first_chunk::<HEADER_LEN>() else { return Err(Ipv6Error::TooShort) };
        if fixed[0] >> 4 != 6 {
            return Err(Ipv6Error::BadVersion);
        }
        // RFC 8200 3: "Payload Length [...] Length of the IPv6 payload, i.e., the rest of the packet following this IPv6
        // header, in octets."
        let packet = bytes.get(..HEADER_LEN + usize::from(be16(fixed, 4))).ok_or(Ipv6Error::PayloadLong)?;
        Ok(Self { fixed, packet })
    }

    /// DSCP and ECN.
    pub fn traffic_class(&self) -> u8 {
        self.fixed[0] << 4 | self.fixed[1] >> 4
    }

    /// The flow label: 20 bits.
    #[inline]
    pub fn flow_label(&self) -> u32 {
        u32::from_be_bytes([0, self.fixed[1] & 0xf, self.fixed[2], self.fixed[3]])
    }

    /// Bytes after the fixed header.
    pub fn payload_len(&self) -> u16 {
        be16(self.fixed, 4)
    }

    /// Bytes of the packet with its header.
    #[inline]
    pub fn total_len(&self) -> usize {
        self.packet.len()
    }

    /// What follows the fixed header.
    #[inline]
    pub fn next_header(&self) -> u8 {
        self.fixed[6]
    }

    /// Hop limit.
    #[inline]
    pub fn hop_limit(&self) -> u8 {
        self.fixed[7]
    }

    /// Source.
    pub fn source(&self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.source_bits())
    }

    /// Destination.
    pub fn destination(&self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.destination_bits())
    }

    /// Source, host byte order.
    #[inline]
    pub fn source_bits(&self) -> u128 {
        bits(self.fixed, 8)
    }

    /// Destination, host byte order.
    #[inline]
    pub fn destination_bits(&self) -> u128 {
        bits(self.fixed, 24)
    }

    /// The whole packet, without link padding.
    pub fn packet(&self) -> &'a [u8] {
        self.packet
    }

    /// What follows the fixed header, without link padding.
    pub fn payload(&self) -> &'a [u8] {
        self.packet.get(HEADER_LEN..).unwrap_or(&[])
    }
}

/// The address at a constant position, host byte order.
#[inline]
fn bits(header: &[u8; HEADER_LEN], at: usize) -> u128 {
    let word = |at: usize| {
        u64::from_be_bytes([
            header[at],
            header[at + 1],
            header[at + 2],
            header[at + 3],
            header[at + 4],
            header[at + 5],
            header[at + 6],
            header[at + 7],
        ])
    };
    u128::from(word(at)) << 64 | u128::from(word(at + 8))
}

/// Destination of a header that has been checked, host byte order.
#[inline]
pub fn destination_bits(header: &[u8; HEADER_LEN]) -> u128 {
    bits(header, 24)
}

/// Bytes of the packet by a header that has been checked.
#[inline]
pub fn total_len(header: &[u8; HEADER_LEN]) -> u32 {
    HEADER_LEN as u32 + u32::from(be16(header, 4))
}

/// Hop limit of a header that has been checked.
#[inline]
pub fn hop_limit(header: &[u8; HEADER_LEN]) -> u8 {
    header[7]
}

/// Takes one from the hop limit. A hop limit of 0 stays 0.
///
/// RFC 8200 3: "Decremented by 1 by each node that forwards the packet." There is no checksum to follow it.
#[inline]
pub fn decrement_hop_limit(header: &mut [u8; HEADER_LEN]) {
    header[7] = header[7].saturating_sub(1);
}

/// Sets the hop limit; does nothing to bytes shorter than a header.
pub fn set_hop_limit(header: &mut [u8], limit: u8) {
    if let Some(header) = header.first_chunk_mut::<HEADER_LEN>() {
        header[7] = limit;
    }
}

/// Swaps source and destination; checksums over the pseudo-header stay right, for they do not see the order.
pub fn swap_addresses(header: &mut [u8]) {
    if let Some(addresses) = header.get_mut(8..40) {
        let (source, destination) = addresses.split_at_mut(16);
        source.swap_with_slice(destination);
    }
}

/// A fixed header of a packet of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6Header {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Bytes after the fixed header.
    pub payload_len: u16,
    /// What follows.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source.
    pub source: Ipv6Addr,
    /// Destination.
    pub destination: Ipv6Addr,
}

impl Ipv6Header {
    /// The header's bytes.
    pub fn emit(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let first = 6 << 28 | u32::from(self.traffic_class) << 20 | (self.flow_label & 0xf_ffff);
        bytes[..4].copy_from_slice(&first.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.payload_len.to_be_bytes());
        bytes[6] = self.next_header;
        bytes[7] = self.hop_limit;
        bytes[8..24].copy_from_slice(&self.source.octets());
        bytes[24..].copy_from_slice(&self.destination.octets());
        bytes
    }
}

/// The group that a node with this address listens to.
///
/// RFC 4291 2.7.1: "A Solicited-Node multicast address is formed by taking the low-order 24 bits of an address (unicast
/// or anycast) and appending those bits to the prefix FF02:0:0:0:0:1:FF00::/104".
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    const PREFIX: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
    Ipv6Addr::from_bits(PREFIX | address.to_bits() & 0xff_ffff)
}

/// The group address of an Ethernet that carries a multicast group.
///
/// RFC 2464 7: "An IPv6 packet with a multicast destination address DST, consisting of the sixteen octets DST\[1\]
/// through DST\[16\], is transmitted to the Ethernet multicast address whose first two octets are the value 3333
/// hexadecimal and whose last four octets are the last four octets of DST."
pub fn group_mac(group: Ipv6Addr) -> macaddr::MacAddr6 {
    let [.., a, b, c, d] = group.octets();
    macaddr::MacAddr6::new(0x33, 0x33, a, b, c, d)
}

/// An interface identifier from a MAC: RFC 4291 appendix A, the universal/local bit inverted.
pub fn eui64(mac: macaddr::MacAddr6) -> u64 {
    let [a, b, c, d, e, f] = mac.into_array();
    u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

/// The link-local address with an interface identifier: RFC 4291 2.5.6, FE80::/64.
pub fn link_local(identifier: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits(0xfe80 << 112 | u128::from(identifier))
}

#[cfg(test)]
mod tests;
