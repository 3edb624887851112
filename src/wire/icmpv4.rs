//! ICMP: RFC 792, with the codes of RFC 1812 5.2.7 and the MTU of RFC 1191.

use super::be16;
use super::checksum::{self, Sum};
use std::net::Ipv4Addr;

/// Bytes of the header of an error: type, code, checksum, four bytes that depend on the kind.
pub const ERROR_HEADER_LEN: usize = 8;
/// Echo reply.
pub const ECHO_REPLY: u8 = 0;
/// Destination unreachable.
pub const DESTINATION_UNREACHABLE: u8 = 3;
/// Source quench (RFC 6633: no longer sent).
pub const SOURCE_QUENCH: u8 = 4;
/// Redirect.
pub const REDIRECT: u8 = 5;
/// Echo request.
pub const ECHO_REQUEST: u8 = 8;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 11;
/// Parameter problem.
pub const PARAMETER_PROBLEM: u8 = 12;

/// The errors that this router sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpKind {
    /// 3/0: no route.
    NetUnreachable,
    /// 3/1: the neighbor does not answer, or an unreachable route.
    HostUnreachable,
    /// 3/2: the protocol is not there.
    ProtocolUnreachable,
    /// 3/3: nobody listens on the port.
    PortUnreachable,
    /// 3/4: larger than the next hop's MTU, and not to be fragmented.
    FragmentationNeeded {
        /// MTU of the next hop, in bytes.
        mtu: u16,
    },
    /// 3/5: a source route that is not followed.
    SourceRouteFailed,
    /// 3/13: prohibited by policy.
    AdminProhibited,
    /// 11/0: the time to live ran out.
    TtlExceeded,
    /// 11/1: not all fragments came in time.
    ReassemblyExceeded,
    /// 12/0: a bad header field.
    ParameterProblem {
        /// The octet of the original header at fault.
        pointer: u8,
    },
    /// 5/1: a better first hop for this host.
    RedirectHost {
        /// The better first hop.
        gateway: Ipv4Addr,
    },
}

impl IcmpKind {
    /// Type, code, and the four bytes after the checksum.
    pub fn parts(self) -> (u8, u8, [u8; 4]) {
        match self {
            Self::NetUnreachable => (DESTINATION_UNREACHABLE, 0, [0; 4]),
            Self::HostUnreachable => (DESTINATION_UNREACHABLE, 1, [0; 4]),
            Self::ProtocolUnreachable => (DESTINATION_UNREACHABLE, 2, [0; 4]),
            Self::PortUnreachable => (DESTINATION_UNREACHABLE, 3, [0; 4]),
            Self::FragmentationNeeded { mtu } => {
                let [high, low] = mtu.to_be_bytes();
                (DESTINATION_UNREACHABLE, 4, [0, 0, high, low])
            }
            Self::SourceRouteFailed => (DESTINATION_UNREACHABLE, 5, [0; 4]),
            Self::AdminProhibited => (DESTINATION_UNREACHABLE, 13, [0; 4]),
            Self::TtlExceeded => (TIME_EXCEEDED, 0, [0; 4]),
            Self::ReassemblyExceeded => (TIME_EXCEEDED, 1, [0; 4]),
            Self::ParameterProblem { pointer } => (PARAMETER_PROBLEM, 0, [pointer, 0, 0, 0]),
            Self::RedirectHost { gateway } => (REDIRECT, 1, gateway.octets()),
        }
    }
}

/// Whether a type is an error: one about another packet.
///
/// RFC 1812 4.3.2.1: errors are Destination Unreachable, Redirect, Source Quench, Time Exceeded and Parameter Problem.
pub fn is_error(kind: u8) -> bool {
    matches!(kind, DESTINATION_UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM)
}

/// The type of a message that is long enough and whose checksum is right.
pub fn checked_type(message: &[u8]) -> Option<u8> {
    (message.len() >= ERROR_HEADER_LEN && checksum::verify(message)).then(|| message[0])
}

/// Writes the header of an error in front of what it quotes, which is there already. Does nothing to less than 8 bytes.
pub fn emit_error(message: &mut [u8], kind: IcmpKind) {
    if message.len() < ERROR_HEADER_LEN {
        return;
    }
    let (of_type, code, rest) = kind.parts();
    message[..4].copy_from_slice(&[of_type, code, 0, 0]);
    message[4..8].copy_from_slice(&rest);
    fill_checksum(message);
}

/// Computes the checksum of a whole message and puts it in; does nothing to less than 8 bytes.
pub fn fill_checksum(message: &mut [u8]) {
    if message.len() >= ERROR_HEADER_LEN {
        message[2..4].fill(0);
        let checksum = Sum::ZERO.bytes(message).checksum();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// Turns an echo request into its reply, data untouched. False when it is no request or cut short.
pub fn request_into_reply(message: &mut [u8]) -> bool {
    let Some(header) = message.first_chunk_mut::<ERROR_HEADER_LEN>() else { return false };
    if header[0] != ECHO_REQUEST {
        return false;
    }
    header[0] = ECHO_REPLY;
    // Summed anew: of a reply that is all zeros, the incremental update would make the wrong one of the two zeros.
    fill_checksum(message);
    true
}

/// Identifier and sequence number of an echo message.
pub fn echo_numbers(message: &[u8]) -> Option<(u16, u16)> {
    let header = message.first_chunk::<ERROR_HEADER_LEN>()?;
    Some((be16(header, 4), be16(header, 6)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::icmpv4::{DestUnreachableHeader, TimeExceededCode};
    use etherparse::{Icmpv4Slice, Icmpv4Type};
    use proptest::prelude::*;

    fn emitted(kind: IcmpKind) -> Vec<u8> {
        let mut message = vec![0xab; 36];
        emit_error(&mut message, kind);
        assert!(checksum::verify(&message));
        message
    }

    #[test]
    fn errors_read_back_as_etherparse_reads_them() {
        let read = |kind| Icmpv4Slice::from_slice(&emitted(kind)).unwrap().icmp_type();
        let unreachable = Icmpv4Type::DestinationUnreachable;
        assert_eq!(read(IcmpKind::NetUnreachable), unreachable(DestUnreachableHeader::Network));
        assert_eq!(read(IcmpKind::HostUnreachable), unreachable(DestUnreachableHeader::Host));
        assert_eq!(read(IcmpKind::ProtocolUnreachable), unreachable(DestUnreachableHeader::Protocol));
        assert_eq!(read(IcmpKind::PortUnreachable), unreachable(DestUnreachableHeader::Port));
        let needed = DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: 1400 };
        assert_eq!(read(IcmpKind::FragmentationNeeded { mtu: 1400 }), unreachable(needed));
        assert_eq!(read(IcmpKind::SourceRouteFailed), unreachable(DestUnreachableHeader::SourceRouteFailed));
        assert_eq!(read(IcmpKind::AdminProhibited), unreachable(DestUnreachableHeader::FilterProhibited));
        assert_eq!(read(IcmpKind::TtlExceeded), Icmpv4Type::TimeExceeded(TimeExceededCode::TtlExceededInTransit));
    }

    #[test]
    fn pointer_and_gateway_are_in_their_places() {
        assert_eq!(emitted(IcmpKind::ParameterProblem { pointer: 22 })[4], 22);
        let gateway = Ipv4Addr::new(192, 0, 2, 7);
        assert_eq!(emitted(IcmpKind::RedirectHost { gateway })[4..8], gateway.octets());
    }

    #[test]
    fn the_reply_to_an_echo_of_zeros_has_a_valid_checksum() {
        let mut message = vec![0; 16];
        message[0] = ECHO_REQUEST;
        fill_checksum(&mut message);
        assert!(request_into_reply(&mut message));
        assert_eq!(checked_type(&message), Some(ECHO_REPLY));
    }

    proptest! {
        #[test]
        fn a_reply_has_the_requests_data_and_a_right_checksum(data in prop::collection::vec(any::<u8>(), 4..100)) {
            let mut message = [&[ECHO_REQUEST, 0, 0, 0][..], &data].concat();
            if message.len() >= 8 {
                fill_checksum(&mut message);
                prop_assert!(request_into_reply(&mut message));
                prop_assert_eq!(checked_type(&message), Some(ECHO_REPLY));
                prop_assert_eq!(&message[4..], &data[..]);
                prop_assert!(!request_into_reply(&mut message), "a reply is not answered");
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = (checked_type(&bytes), echo_numbers(&bytes), request_into_reply(&mut bytes));
        }
    }
}
