//! The Internet checksum: RFC 1071, and its incremental update, RFC 1624.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A one's complement sum that is not folded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum(u64);

impl Sum {
    /// Nothing added yet.
    pub const ZERO: Self = Self(0);

    /// Adds bytes, as 16-bit numbers; an odd last byte counts as the high half of one.
    ///
    /// RFC 1071 2 (C): "on machines that have word-sizes that are multiples of 16 bits, it is possible to develop even more
    /// efficient implementations": four bytes at a time, carries kept in the upper half.
    #[inline]
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<4>();
        let mut sum = words.iter().fold(self.0, |sum, word| sum + u64::from(u32::from_be_bytes(*word)));
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        sum += u64::from(u32::from_be_bytes(last));
        Self(sum)
    }

    /// Adds a 16-bit number.
    #[inline]
    #[must_use]
    pub fn word(self, word: u16) -> Self {
        Self(self.0 + u64::from(word))
    }

    /// Adds the pseudo header of TCP and UDP over IPv4 (RFC 9293 3.1, RFC 768).
    #[inline]
    #[must_use]
    pub fn pseudo_header(self, source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, len: u16) -> Self {
        self.bytes(&source.octets()).bytes(&destination.octets()).word(u16::from(protocol)).word(len)
    }

    /// Adds the pseudo-header of what IPv6 carries (RFC 8200 8.1).
    #[inline]
    #[must_use]
    pub fn pseudo_header6(self, source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, len: u32) -> Self {
        self.bytes(&source.octets()).bytes(&destination.octets()).bytes(&len.to_be_bytes()).word(u16::from(protocol))
    }

    /// The pseudo-header of what either family carries.
    pub fn pseudo(source: IpAddr, destination: IpAddr, protocol: u8, len: usize) -> Self {
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                Self::ZERO.pseudo_header(source, destination, protocol, len as u16)
            }
            (source, destination) => {
                let mapped = |address| match address {
                    IpAddr::V4(address) => Ipv4Addr::to_ipv6_mapped(&address),
                    IpAddr::V6(address) => address,
                };
                Self::ZERO.pseudo_header6(mapped(source), mapped(destination), protocol, len as u32)
            }
        }
    }

    /// The folded sum: 16 bits, end-around carries added.
    #[inline]
    pub fn fold(self) -> u16 {
        let sum = (self.0 >> 32) + (self.0 & 0xffff_ffff);
        let sum = (sum >> 16) + (sum & 0xffff);
        let sum = (sum >> 16) + (sum & 0xffff);
        let sum = (sum >> 16) + (sum & 0xffff);
        sum as u16
    }

    /// The checksum: the complement of the folded sum.
    #[inline]
    pub fn checksum(self) -> u16 {
        !self.fold()
    }
}

/// Whether bytes that include their checksum add up.
#[inline]
pub fn verify(bytes: &[u8]) -> bool {
    Sum::ZERO.bytes(bytes).fold() == 0xffff
}

/// The checksum after one 16-bit field changed.
///
/// RFC 1624 3: "HC' = ~(~HC + ~m + m')" (eqn. 3), which never turns a valid 0x0000 into 0xffff.
#[inline]
pub fn update(checksum: u16, old: u16, new: u16) -> u16 {
    Sum(u64::from(!checksum) + u64::from(!old) + u64::from(new)).checksum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071 4.1, word by word.
    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
            sum = (sum >> 16) + (sum & 0xffff);
        }
        !(sum as u16)
    }

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        // RFC 1071 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
        assert_eq!(Sum::ZERO.bytes(&[0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7]).fold(), 0xddf2);
    }

    #[test]
    fn the_corner_of_rfc_1624_is_right() {
        // RFC 1624 4: HC = 0xDD2F, m = 0x5555, m' = 0x3285 gives 0x0000, where RFC 1141's way gave 0xffff.
        assert_eq!(update(0xdd2f, 0x5555, 0x3285), 0);
    }

    proptest! {
        #[test]
        fn four_bytes_at_a_time_equal_two(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(Sum::ZERO.bytes(&bytes).checksum(), plain(&bytes));
        }

        #[test]
        fn an_update_equals_a_recomputation(mut bytes in prop::collection::vec(any::<u8>(), 20..=20), new in any::<u16>()) {
            // An all-zero header has no valid checksum of this kind; real ones have their version.
            bytes[0] = 0x45;
            bytes[10..12].fill(0);
            let checksum = plain(&bytes);
            let old = u16::from_be_bytes([bytes[8], bytes[9]]);
            bytes[8..10].copy_from_slice(&new.to_be_bytes());
            prop_assert_eq!(update(checksum, old, new), plain(&bytes));
        }
    }
}
