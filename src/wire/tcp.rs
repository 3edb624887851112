//! TCP: what a router needs of RFC 9293 3.1 to refuse a connection.

use super::checksum::Sum;
use super::ipv4::PROTOCOL_TCP;
use super::{be16, be32};
use std::net::IpAddr;

/// Bytes of the header without options.
pub const HEADER_LEN: usize = 20;
/// No more data from the sender.
pub const FLAG_FIN: u8 = 1;
/// Synchronize sequence numbers.
pub const FLAG_SYN: u8 = 2;
/// Reset the connection.
pub const FLAG_RST: u8 = 4;
/// The acknowledgment number counts.
pub const FLAG_ACK: u8 = 16;

/// The segment is cut short, or its data offset does not fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the segment is cut short, or its data offset does not fit it")]
pub struct Malformed;

/// A view of a segment.
#[derive(Debug, Clone, Copy)]
pub struct Tcp<'a> {
    segment: &'a [u8],
    header: &'a [u8; HEADER_LEN],
}

impl<'a> Tcp<'a> {
    /// Views a segment: the payload of an IP packet.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn check(segment: &'a [u8]) -> Result<Self, Malformed> {
        let header = segment.first_chunk::<HEADER_LEN>().ok_or(Malformed)?;
        let offset = usize::from(header[12] >> 4) * 4;
        if offset < HEADER_LEN || offset > segment.len() {
            return Err(Malformed);
        }
        Ok(Self { segment, header })
    }

    /// Source port.
    pub fn source_port(&self) -> u16 {
        be16(self.header, 0)
    }

    /// Destination port.
    pub fn destination_port(&self) -> u16 {
        be16(self.header, 2)
    }

    /// Sequence number.
    pub fn sequence(&self) -> u32 {
        be32(self.header, 4)
    }

    /// Acknowledgment number.
    pub fn acknowledgment(&self) -> u32 {
        be32(self.header, 8)
    }

    /// RST is set.
    pub fn rst(&self) -> bool {
        self.header[13] & FLAG_RST != 0
    }

    /// ACK is set.
    pub fn ack(&self) -> bool {
        self.header[13] & FLAG_ACK != 0
    }

    /// RFC 9293's SEG.LEN: the data, and one each for SYN and FIN.
    pub fn segment_len(&self) -> u32 {
        let data = self.segment.len() - usize::from(self.header[12] >> 4) * 4;
        let counted = |flag: u8| u32::from(self.header[13] & flag != 0);
        data as u32 + counted(FLAG_SYN) + counted(FLAG_FIN)
    }

    /// Whether the checksum is right.
    pub fn verify(&self, source: impl Into<IpAddr>, destination: impl Into<IpAddr>) -> bool {
        let pseudo = Sum::pseudo(source.into(), destination.into(), PROTOCOL_TCP, self.segment.len());
        pseudo.bytes(self.segment).fold() == 0xffff
    }
}

/// Computes the checksum of a segment and puts it in; does nothing to less than a header.
pub fn fill(segment: &mut [u8], source: impl Into<IpAddr>, destination: impl Into<IpAddr>) {
    if segment.len() < HEADER_LEN {
        return;
    }
    segment[16..18].fill(0);
    let pseudo = Sum::pseudo(source.into(), destination.into(), PROTOCOL_TCP, segment.len());
    let checksum = pseudo.bytes(segment).checksum();
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    proptest! {
        #[test]
        fn the_checksum_is_etherparses(data in prop::collection::vec(any::<u8>(), 0..60), sequence in any::<u32>(), source in any::<u32>()) {
            let (source, destination) = (Ipv4Addr::from_bits(source), Ipv4Addr::new(192, 0, 2, 1));
            let mut header = etherparse::TcpHeader::new(1000, 80, sequence, 512);
            header.syn = true;
            header.checksum = header.calc_checksum_ipv4_raw(source.octets(), destination.octets(), &data).unwrap();
            let mut segment = [&header.to_bytes()[..], &data].concat();
            let view = Tcp::check(&segment).unwrap();
            prop_assert!(view.verify(source, destination));
            prop_assert_eq!(view.segment_len(), data.len() as u32 + 1);
            prop_assert_eq!((view.sequence(), view.ack(), view.rst()), (sequence, false, false));
            fill(&mut segment, source, destination);
            prop_assert_eq!(&segment[16..18], &header.checksum.to_be_bytes()[..]);
        }

        #[test]
        fn the_checksum_over_ipv6_is_etherparses(data in prop::collection::vec(any::<u8>(), 0..60), source in any::<u128>()) {
            let (source, destination) = (Ipv6Addr::from_bits(source), Ipv6Addr::LOCALHOST);
            let mut header = etherparse::TcpHeader::new(1000, 80, 7, 512);
            header.checksum = header.calc_checksum_ipv6_raw(source.octets(), destination.octets(), &data).unwrap();
            let segment = [&header.to_bytes()[..], &data].concat();
            prop_assert!(Tcp::check(&segment).unwrap().verify(source, destination));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(view) = Tcp::check(&bytes) {
                let _ = (view.segment_len(), view.verify(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST));
            }
        }
    }
}
