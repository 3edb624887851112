//! UDP: RFC 768, and RFC 8200 8.1 over IPv6.

use super::be16;
use super::checksum::Sum;
use super::ipv4::PROTOCOL_UDP;
use std::net::IpAddr;

/// Bytes of the header.
pub const HEADER_LEN: usize = 8;

/// The datagram is cut short, or its length field does not fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the datagram is cut short, or its length field does not fit it")]
pub struct Malformed;

/// A view of a datagram.
#[derive(Debug, Clone, Copy)]
pub struct Udp<'a> {
    datagram: &'a [u8],
    header: &'a [u8; HEADER_LEN],
}

impl<'a> Udp<'a> {
    /// Views a datagram: the payload of an IP packet.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn check(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let header = bytes.first_chunk::<HEADER_LEN>().ok_or(Malformed)?;
        let len = usize::from(be16(header, 4));
        if len < HEADER_LEN {
            return Err(Malformed);
        }
        Ok(Self { datagram: bytes.get(..len).ok_or(Malformed)?, header })
    }

    /// Source port.
    pub fn source_port(&self) -> u16 {
        be16(self.header, 0)
    }

    /// Destination port.
    pub fn destination_port(&self) -> u16 {
        be16(self.header, 2)
    }

    /// Whether the checksum is right, or absent.
    ///
    /// RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum". RFC 8200 8.1:
    /// "Unlike IPv4, the default behavior when UDP packets are originated by an IPv6 node is that the UDP checksum is not
    /// optional."
    pub fn verify(&self, source: impl Into<IpAddr>, destination: impl Into<IpAddr>) -> bool {
        let (source, destination) = (source.into(), destination.into());
        if be16(self.header, 6) == 0 {
            return source.is_ipv4();
        }
        Sum::pseudo(source, destination, PROTOCOL_UDP, self.datagram.len()).bytes(self.datagram).fold() == 0xffff
    }
}

/// Computes the checksum of a datagram and puts it in; does nothing to less than a header.
///
/// RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
pub fn fill(datagram: &mut [u8], source: impl Into<IpAddr>, destination: impl Into<IpAddr>) {
    if datagram.len() < HEADER_LEN {
        return;
    }
    datagram[6..8].fill(0);
    let pseudo = Sum::pseudo(source.into(), destination.into(), PROTOCOL_UDP, datagram.len());
    let checksum = pseudo.bytes(datagram).checksum();
    let checksum = if checksum == 0 { 0xffff } else { checksum };
    datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn a_datagram_without_a_checksum_is_good_over_ipv4_only() {
        let view = [0, 9, 0, 10, 0, 8, 0, 0];
        let view = Udp::check(&view).unwrap();
        assert!(view.verify(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST));
        assert!(!view.verify(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST));
    }

    proptest! {
        #[test]
        fn the_checksum_is_etherparses(data in prop::collection::vec(any::<u8>(), 0..60), source in any::<u32>(), destination in any::<u32>()) {
            let (source, destination) = (Ipv4Addr::from_bits(source), Ipv4Addr::from_bits(destination));
            let theirs = etherparse::UdpHeader::with_ipv4_checksum(9, 10, &etherparse::Ipv4Header::new(0, 64, etherparse::IpNumber::UDP, source.octets(), destination.octets()).unwrap(), &data).unwrap();
            let mut datagram = [&theirs.to_bytes()[..], &data].concat();
            prop_assert!(Udp::check(&datagram).unwrap().verify(source, destination));
            fill(&mut datagram, source, destination);
            prop_assert_eq!(&datagram[..8], &theirs.to_bytes()[..]);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(view) = Udp::check(&bytes) {
                let _ = view.verify(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST);
            }
        }
    }
}
