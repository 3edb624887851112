//! Ethernet II (IEEE 802.3, RFC 894): destination, source, type.

use super::be16;
use macaddr::MacAddr6;

/// Bytes of the header without tags.
pub const HEADER_LEN: usize = 14;
/// Shortest frame without FCS; shorter ones are padded (IEEE 802.3).
pub const SHORTEST: usize = 60;
/// IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// ARP.
pub const ETHERTYPE_ARP: u16 = 0x0806;
/// IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;
/// An 802.1Q tag follows.
pub const ETHERTYPE_VLAN: u16 = 0x8100;
/// An 802.1ad service tag follows.
pub const ETHERTYPE_QINQ: u16 = 0x88a8;
/// Every station.
pub const BROADCAST: MacAddr6 = MacAddr6::broadcast();

/// The frame is shorter than its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame is shorter than 14 bytes")]
pub struct TooShort;

/// A view of the header.
#[derive(Debug, Clone, Copy)]
pub struct Ethernet<'a> {
    header: &'a [u8; HEADER_LEN],
}

impl<'a> Ethernet<'a> {
    /// Views the header of a frame.
    ///
    /// # Errors
    /// [`TooShort`].
    #[inline]
    pub fn check(frame: &'a [u8]) -> Result<Self, TooShort> {
        frame.first_chunk().map(|header| Self { header }).ok_or(TooShort)
    }

    /// Destination.
    #[inline]
    pub fn destination(&self) -> MacAddr6 {
        MacAddr6::from(*self.destination_bytes())
    }

    /// Destination, as bytes.
    #[inline]
    pub fn destination_bytes(&self) -> &'a [u8; 6] {
        let [a, ..] = self.header.as_chunks().0 else { return &[0; 6] };
        a
    }

    /// Source.
    #[inline]
    pub fn source(&self) -> MacAddr6 {
        let [_, b, ..] = self.header.as_chunks().0 else { return MacAddr6::nil() };
        MacAddr6::from(*b)
    }

    /// EtherType, or the length of an 802.3 frame.
    #[inline]
    pub fn ether_type(&self) -> u16 {
        be16(self.header, 12)
    }

    /// Whether the destination is a group: broadcast or multicast.
    #[inline]
    pub fn is_group(&self) -> bool {
        self.header[0] & 1 != 0
    }
}

/// Swaps destination and source.
#[inline]
pub fn swap_addresses(addresses: &mut [u8; 12]) {
    let (destination, source) = addresses.split_at_mut(6);
    destination.swap_with_slice(source);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_where_the_standard_puts_them() {
        let frame = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 6];
        let view = Ethernet::check(&frame).unwrap();
        assert_eq!(view.destination(), MacAddr6::new(1, 2, 3, 4, 5, 6));
        assert_eq!(view.source(), MacAddr6::new(7, 8, 9, 10, 11, 12));
        assert_eq!(view.ether_type(), ETHERTYPE_ARP);
        assert!(view.is_group());
        assert_eq!(Ethernet::check(&frame[..13]).unwrap_err(), TooShort);
    }

    #[test]
    fn addresses_change_places() {
        let mut addresses = [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2];
        swap_addresses(&mut addresses);
        assert_eq!(addresses, [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]);
    }
}
