//! The IPv4 header: RFC 791 3.1, checked as RFC 1812 5.2.2 asks.

use super::checksum::{self, Sum};
use super::{be16, be32};
use std::net::Ipv4Addr;

/// Bytes of the header without options.
pub const HEADER_LEN: usize = 20;
/// ICMP.
pub const PROTOCOL_ICMP: u8 = 1;
/// TCP.
pub const PROTOCOL_TCP: u8 = 6;
/// UDP.
pub const PROTOCOL_UDP: u8 = 17;

/// More fragments follow.
const MORE_FRAGMENTS: u16 = 0x2000;
/// Do not fragment.
const DONT_FRAGMENT: u16 = 0x4000;
/// The fragment offset, in units of 8 bytes.
const OFFSET: u16 = 0x1fff;

/// What is wrong with a header, in the order of RFC 1812 5.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ipv4Error {
    /// "(1) The packet length reported by the Link Layer must be large enough to hold the minimum length legal IP
    /// datagram (20 bytes)."
    #[error("shorter than 20 bytes")]
    TooShort,
    /// "(2) The IP checksum must be correct."
    #[error("wrong header checksum")]
    BadChecksum,
    /// "(3) The IP version number must be 4."
    #[error("version is not 4")]
    BadVersion,
    /// "(4) The IP header length field must be large enough to hold the minimum length legal IP datagram (20 bytes = 5
    /// words)."
    #[error("header length below 20 bytes or beyond the packet")]
    BadHeaderLength,
    /// "(5) The IP total length field must be large enough to hold the IP datagram header, whose length is specified in the
    /// IP header length field."
    #[error("total length below the header length")]
    TotalLengthShort,
    /// "the router SHOULD verify that the packet length reported by the Link Layer is at least as large as the IP total
    /// length recorded in the packet's IP header."
    #[error("total length beyond the frame")]
    TotalLengthLong,
}

/// A view of a packet whose header has been checked.
#[derive(Debug, Clone, Copy)]
pub struct Ipv4<'a> {
    fixed: &'a [u8; HEADER_LEN],
    /// The packet, cut to its total length: link padding is gone.
    packet: &'a [u8],
}

impl<'a> Ipv4<'a> {
    /// Checks the header of a packet, which may be followed by padding.
    ///
    /// RFC 1812 lists the checksum before the version; whether the header length is sane has to be known to compute it, so
    /// a header that lies about both is reported by its version or length.
    ///
    /// # Errors
    /// [`Ipv4Error`].
    #[inline]
    pub fn check(bytes: &'a [u8]) -> Result<Self, Ipv4Error> {
        let Some(fixed) = bytes.first_chunk::<HEADER_LEN>() else { return Err(Ipv4Error::TooShort) };
        if fixed[0] != 0x45 {
            return Self::check_uncommon(bytes, fixed);
        }
        if !checksum_holds(fixed) {
            return Err(Ipv4Error::BadChecksum);
        }
        Self::cut(bytes, fixed, HEADER_LEN)
    }

    /// Headers with options, and those that are wrong in their first byte.
    #[cold]
    fn check_uncommon(bytes: &'a [u8], fixed: &'a [u8; HEADER_LEN]) -> Result<Self, Ipv4Error> {
        if fixed[0] >> 4 != 4 {
            return Err(Ipv4Error::BadVersion);
        }
        let header_len = usize::from(fixed[0] & 0xf) * 4;
        if header_len < HEADER_LEN {
            return Err(Ipv4Error::BadHeaderLength);
        }
        let header = bytes.get(..header_len).ok_or(Ipv4Error::BadHeaderLength)?;
        if !checksum::verify(header) {
            return Err(Ipv4Error::BadChecksum);
        }
        Self::cut(bytes, fixed, header_len)
    }

    #[inline]
    fn cut(bytes: &'a [u8], fixed: &'a [u8; HEADER_LEN], header_len: usize) -> Result<Self, Ipv4Error> {
        let total = usize::from(be16(fixed, 2));
        if total < header_len {
            return Err(Ipv4Error::TotalLengthShort);
        }
        let packet = bytes.get(..total).ok_or(Ipv4Error::TotalLengthLong)?;
        Ok(Self { fixed, packet })
    }

    /// Bytes of the header with its options.
    #[inline]
    pub fn header_len(&self) -> u8 {
        (self.fixed[0] & 0xf) * 4
    }

    /// DSCP and ECN: the second byte, once "type of service".
    pub fn dscp_ecn(&self) -> u8 {
        self.fixed[1]
    }

    /// Bytes of the packet with its header.
    #[inline]
    pub fn total_len(&self) -> u16 {
        be16(self.fixed, 2)
    }

    /// Identification.
    pub fn identification(&self) -> u16 {
        be16(self.fixed, 4)
    }

    /// May not be fragmented.
    #[inline]
    pub fn dont_fragment(&self) -> bool {
        be16(self.fixed, 6) & DONT_FRAGMENT != 0
    }

    /// More fragments follow.
    pub fn more_fragments(&self) -> bool {
        be16(self.fixed, 6) & MORE_FRAGMENTS != 0
    }

    /// Where this fragment's data begins, in bytes.
    pub fn fragment_offset(&self) -> u16 {
        (be16(self.fixed, 6) & OFFSET) * 8
    }

    /// Is a part of a packet.
    pub fn is_fragment(&self) -> bool {
        be16(self.fixed, 6) & (OFFSET | MORE_FRAGMENTS) != 0
    }

    /// Begins a packet: is whole, or its first fragment.
    pub fn is_first_fragment(&self) -> bool {
        be16(self.fixed, 6) & OFFSET == 0
    }

    /// Time to live.
    #[inline]
    pub fn ttl(&self) -> u8 {
        self.fixed[8]
    }

    /// Protocol of the payload.
    pub fn protocol(&self) -> u8 {
        self.fixed[9]
    }

    /// Source.
    pub fn source(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.source_bits())
    }

    /// Destination.
    pub fn destination(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.destination_bits())
    }

    /// Source, host byte order.
    #[inline]
    pub fn source_bits(&self) -> u32 {
        be32(self.fixed, 12)
    }

    /// Destination, host byte order.
    #[inline]
    pub fn destination_bits(&self) -> u32 {
        be32(self.fixed, 16)
    }

    /// The options, padding included; empty when there are none.
    pub fn options(&self) -> &'a [u8] {
        self.packet.get(HEADER_LEN..usize::from(self.header_len())).unwrap_or(&[])
    }

    /// What follows the header, without link padding.
    pub fn payload(&self) -> &'a [u8] {
        self.packet.get(usize::from(self.header_len())..).unwrap_or(&[])
    }
}

/// Whether a header without options adds up.
///
/// RFC 1071 2 (B): "The sum of 16-bit integers can be computed in either byte order", and in wider words as well: the sum is 0xffff
/// exactly when the number that the bytes are is a multiple of 0xffff, since 2^16 leaves 1. No header is zero altogether.
#[inline]
pub fn checksum_holds(header: &[u8; HEADER_LEN]) -> bool {
    const MODULUS: u64 = 0xffff;
    /// `x * INVERSE` is at most `MULTIPLES` for the multiples of the modulus and for no other `x`: what a division would tell.
    const INVERSE: u64 = inverse(MODULUS);
    const MULTIPLES: u64 = u64::MAX / MODULUS;
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| header[at + byte]));
    let add = |one: u64, other: u64| {
        let (sum, carry) = one.overflowing_add(other);
        // 2^64 leaves 1 too.
        sum + u64::from(carry)
    };
    let last = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
    add(add(word(0), word(8)), u64::from(last)).wrapping_mul(INVERSE) <= MULTIPLES
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the bits that are right, of three at first.
const fn inverse(odd: u64) -> u64 {
    let (mut inverse, mut step) = (odd, 0);
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

/// Total length of a header that has been checked.
#[inline]
pub fn total_len(header: &[u8; HEADER_LEN]) -> u16 {
    be16(header, 2)
}

/// Source of a header that has been checked, host byte order.
#[inline]
pub fn source_bits(header: &[u8; HEADER_LEN]) -> u32 {
    be32(header, 12)
}

/// Destination of a header that has been checked, host byte order.
#[inline]
pub fn destination_bits(header: &[u8; HEADER_LEN]) -> u32 {
    be32(header, 16)
}

/// Time to live of a header that has been checked.
#[inline]
pub fn ttl(header: &[u8; HEADER_LEN]) -> u8 {
    header[8]
}

/// Takes one from the time to live and updates the checksum. A time to live of 0 stays 0.
///
/// RFC 1812 5.2.5 allows the incremental update; RFC 1624 3 says how: "HC' = ~(~HC + ~m + m')" (eqn. 3). Of the field with the time
/// to live in its upper half `~m + m'` is 0xfeff, whatever it was; 0xfffe in the order of bytes that the sum is made in.
#[inline]
pub fn decrement_ttl(header: &mut [u8; HEADER_LEN]) {
    if header[8] == 0 {
        return;
    }
    header[8] -= 1;
    let sum = u32::from(!u16::from_le_bytes([header[10], header[11]])) + 0xfffe;
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    header[10..12].copy_from_slice(&checksum.to_le_bytes());
}

/// Sets the time to live and the checksum; does nothing to bytes shorter than a header.
pub fn set_ttl(header: &mut [u8], ttl: u8) {
    if let Some(time) = header.get_mut(8) {
        *time = ttl;
    }
    fill_checksum(header);
}

/// Swaps source and destination; the checksum stays right, for it does not see the order.
pub fn swap_addresses(header: &mut [u8]) {
    if let Some(addresses) = header.get_mut(12..20) {
        let (source, destination) = addresses.split_at_mut(4);
        source.swap_with_slice(destination);
    }
}

/// Sets the destination and the checksum; does nothing to bytes shorter than a header.
pub fn set_destination(header: &mut [u8], destination: Ipv4Addr) {
    if let Some(bytes) = header.get_mut(16..20) {
        bytes.copy_from_slice(&destination.octets());
    }
    fill_checksum(header);
}

/// Makes the header that of a fragment: `total` bytes long, its data at `offset` bytes, a multiple of 8. Sets the header
/// length to the bytes given and fills in the checksum.
pub fn set_fragment(header: &mut [u8], total: u16, offset: u16, more: bool) {
    let words = (header.len() / 4) as u8;
    if header.len() < HEADER_LEN {
        return;
    }
    header[0] = 0x40 | (words & 0xf);
    header[2..4].copy_from_slice(&total.to_be_bytes());
    let flags = if more { MORE_FRAGMENTS } else { 0 };
    header[6..8].copy_from_slice(&(flags | (offset / 8)).to_be_bytes());
    fill_checksum(header);
}

/// Computes the checksum of a whole header and puts it in.
pub fn fill_checksum(header: &mut [u8]) {
    if header.len() >= HEADER_LEN {
        header[10..12].fill(0);
        let checksum = Sum::ZERO.bytes(header).checksum();
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// A header of a packet of our own, without options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Header {
    /// DSCP and ECN.
    pub dscp_ecn: u8,
    /// Bytes of the packet with its header.
    pub total_len: u16,
    /// Identification.
    pub identification: u16,
    /// May not be fragmented.
    pub dont_fragment: bool,
    /// More fragments follow.
    pub more_fragments: bool,
    /// Where this fragment's data begins, in bytes; a multiple of 8.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Source.
    pub source: Ipv4Addr,
    /// Destination.
    pub destination: Ipv4Addr,
}

impl Ipv4Header {
    /// The header's bytes, checksum filled in.
    pub fn emit(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = 0x45;
        bytes[1] = self.dscp_ecn;
        bytes[2..4].copy_from_slice(&self.total_len.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.identification.to_be_bytes());
        let flags = if self.dont_fragment { DONT_FRAGMENT } else { 0 };
        let flags = flags | if self.more_fragments { MORE_FRAGMENTS } else { 0 };
        bytes[6..8].copy_from_slice(&(flags | ((self.fragment_offset / 8) & OFFSET)).to_be_bytes());
        bytes[8] = self.ttl;
        bytes[9] = self.protocol;
        bytes[12..16].copy_from_slice(&self.source.octets());
        bytes[16..20].copy_from_slice(&self.destination.octets());
        fill_checksum(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests;
