//! ICMPv6: RFC 4443.

use super::be16;
use super::checksum::Sum;
use super::ipv6::{HEADER_LEN, ICMPV6, Ipv6Header};
use std::net::Ipv6Addr;

/// Bytes of the header of an error: type, code, checksum, four bytes that depend on the kind.
pub const ERROR_HEADER_LEN: usize = 8;
/// Destination unreachable.
pub const DESTINATION_UNREACHABLE: u8 = 1;
/// Packet too big.
pub const PACKET_TOO_BIG: u8 = 2;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 3;
/// Parameter problem.
pub const PARAMETER_PROBLEM: u8 = 4;
/// Echo request.
pub const ECHO_REQUEST: u8 = 128;
/// Echo reply.
pub const ECHO_REPLY: u8 = 129;
/// Multicast listener query.
pub const LISTENER_QUERY: u8 = 130;
/// Router solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// Router advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// Neighbor solicitation.
pub const NEIGHBOR_SOLICITATION: u8 = 135;
/// Neighbor advertisement.
pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// Redirect.
pub const REDIRECT: u8 = 137;
/// Multicast listener report, version 2.
pub const LISTENER_REPORT_V2: u8 = 143;

/// The errors that this router sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icmpv6Kind {
    /// 1/0: no route to the destination.
    NoRoute,
    /// 1/1: prohibited by policy.
    AdminProhibited,
    /// 1/2: the source's scope does not reach the destination.
    BeyondScope,
    /// 1/3: the neighbor does not answer, or an unreachable route.
    AddressUnreachable,
    /// 1/4: nobody listens on the port.
    PortUnreachable,
    /// 1/5: the source address failed ingress policy.
    SourcePolicy,
    /// 1/6: a route that rejects.
    RejectRoute,
    /// 2/0: larger than the next hop's MTU.
    PacketTooBig {
        /// MTU of the next hop, in bytes.
        mtu: u32,
    },
    /// 3/0: the hop limit ran out.
    HopLimitExceeded,
    /// 3/1: not all fragments came in time.
    ReassemblyExceeded,
    /// 4/0: a bad header field.
    ErroneousField {
        /// The octet of the original packet at fault.
        pointer: u32,
    },
    /// 4/1: a next header that is not known.
    UnknownNextHeader {
        /// The octet of the original packet at fault.
        pointer: u32,
    },
    /// 4/2: an option that is not known.
    UnknownOption {
        /// The octet of the original packet at fault.
        pointer: u32,
    },
}

impl Icmpv6Kind {
    /// Type, code, and the four bytes after the checksum.
    pub fn parts(self) -> (u8, u8, [u8; 4]) {
        match self {
            Self::NoRoute => (DESTINATION_UNREACHABLE, 0, [0; 4]),
            Self::AdminProhibited => (DESTINATION_UNREACHABLE, 1, [0; 4]),
            Self::BeyondScope => (DESTINATION_UNREACHABLE, 2, [0; 4]),
            Self::AddressUnreachable => (DESTINATION_UNREACHABLE, 3, [0; 4]),
            Self::PortUnreachable => (DESTINATION_UNREACHABLE, 4, [0; 4]),
            Self::SourcePolicy => (DESTINATION_UNREACHABLE, 5, [0; 4]),
            Self::RejectRoute => (DESTINATION_UNREACHABLE, 6, [0; 4]),
            Self::PacketTooBig { mtu } => (PACKET_TOO_BIG, 0, mtu.to_be_bytes()),
            Self::HopLimitExceeded => (TIME_EXCEEDED, 0, [0; 4]),
            Self::ReassemblyExceeded => (TIME_EXCEEDED, 1, [0; 4]),
            Self::ErroneousField { pointer } => (PARAMETER_PROBLEM, 0, pointer.to_be_bytes()),
            Self::UnknownNextHeader { pointer } => (PARAMETER_PROBLEM, 1, pointer.to_be_bytes()),
            Self::UnknownOption { pointer } => (PARAMETER_PROBLEM, 2, pointer.to_be_bytes()),
        }
    }
}

/// Whether a type is an error: one about another packet.
///
/// RFC 4443 2.1: "Error messages are identified as such by a zero in the high-order bit of their message Type field
/// values."
pub fn is_error(kind: u8) -> bool {
    kind < 128
}

/// The type of a message that is long enough and whose checksum is right.
///
/// RFC 4443 2.3: the checksum covers "the entire ICMPv6 message, starting with the ICMPv6 message type field, and
/// prepended with a "pseudo-header" of IPv6 header fields".
pub fn checked_type(message: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> Option<u8> {
    let &[kind, _, _, _, ..] = message else { return None };
    let sum = Sum::ZERO.pseudo_header6(source, destination, ICMPV6, message.len() as u32).bytes(message);
    (sum.fold() == 0xffff).then_some(kind)
}

/// Writes the header of an error in front of what it quotes, which is there already. Does nothing to less than 8 bytes.
pub fn emit_error(message: &mut [u8], kind: Icmpv6Kind, source: Ipv6Addr, destination: Ipv6Addr) {
    if message.len() < ERROR_HEADER_LEN {
        return;
    }
    let (of_type, code, rest) = kind.parts();
    message[..4].copy_from_slice(&[of_type, code, 0, 0]);
    message[4..8].copy_from_slice(&rest);
    fill_checksum(message, source, destination);
}

/// Computes the checksum of a whole message and puts it in; does nothing to less than 4 bytes.
pub fn fill_checksum(message: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr) {
    if message.len() >= 4 {
        message[2..4].fill(0);
        let sum = Sum::ZERO.pseudo_header6(source, destination, ICMPV6, message.len() as u32).bytes(message);
        message[2..4].copy_from_slice(&sum.checksum().to_be_bytes());
    }
}

/// Turns an echo request into its reply between these addresses, data untouched. False when it is no request or cut
/// short.
pub fn request_into_reply(message: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr) -> bool {
    let Some(header) = message.first_chunk_mut::<ERROR_HEADER_LEN>() else { return false };
    if header[0] != ECHO_REQUEST {
        return false;
    }
    header[0] = ECHO_REPLY;
    header[1] = 0;
    fill_checksum(message, source, destination);
    true
}

/// Identifier and sequence number of an echo message.
pub fn echo_numbers(message: &[u8]) -> Option<(u16, u16)> {
    let header = message.first_chunk::<ERROR_HEADER_LEN>()?;
    Some((be16(header, 4), be16(header, 6)))
}

/// Makes a whole packet of one whose ICMPv6 message stands behind 40 bytes of room: fills in the fixed header and the
/// checksum. Does nothing to less than that.
pub fn finish(packet: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8) {
    let Some((room, message)) = packet.split_first_chunk_mut::<HEADER_LEN>() else { return };
    fill_checksum(message, source, destination);
    let payload_len = message.len().min(usize::from(u16::MAX)) as u16;
    let (traffic_class, flow_label, next_header) = (0, 0, ICMPV6);
    *room = Ipv6Header { traffic_class, flow_label, payload_len, next_header, hop_limit, source, destination }.emit();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ipv6::Ipv6;
    use etherparse::icmpv6::{DestUnreachableCode, ParameterProblemCode, ParameterProblemHeader, TimeExceededCode};
    use etherparse::{Icmpv6Slice, Icmpv6Type};
    use proptest::prelude::*;

    const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 2);

    fn emitted(kind: Icmpv6Kind) -> Icmpv6Type {
        let mut message = vec![0xab; 57];
        emit_error(&mut message, kind, A, B);
        assert_eq!(checked_type(&message, A, B), Some(message[0]));
        assert!(is_error(message[0]));
        let slice = Icmpv6Slice::from_slice(&message).unwrap();
        assert!(slice.is_checksum_valid(A.octets(), B.octets()));
        slice.icmp_type()
    }

    #[test]
    fn errors_read_back_as_etherparse_reads_them() {
        use DestUnreachableCode as Code;
        let unreachable = Icmpv6Type::DestinationUnreachable;
        assert_eq!(emitted(Icmpv6Kind::NoRoute), unreachable(Code::NoRoute));
        assert_eq!(emitted(Icmpv6Kind::AdminProhibited), unreachable(Code::Prohibited));
        assert_eq!(emitted(Icmpv6Kind::BeyondScope), unreachable(Code::BeyondScope));
        assert_eq!(emitted(Icmpv6Kind::AddressUnreachable), unreachable(Code::Address));
        assert_eq!(emitted(Icmpv6Kind::PortUnreachable), unreachable(Code::Port));
        assert_eq!(emitted(Icmpv6Kind::SourcePolicy), unreachable(Code::SourceAddressFailedPolicy));
        assert_eq!(emitted(Icmpv6Kind::RejectRoute), unreachable(Code::RejectRoute));
        let too_big = emitted(Icmpv6Kind::PacketTooBig { mtu: 1400 });
        assert_eq!(too_big, Icmpv6Type::PacketTooBig { mtu: 1400 });
        let exceeded = Icmpv6Type::TimeExceeded;
        assert_eq!(emitted(Icmpv6Kind::HopLimitExceeded), exceeded(TimeExceededCode::HopLimitExceeded));
        let reassembly = TimeExceededCode::FragmentReassemblyTimeExceeded;
        assert_eq!(emitted(Icmpv6Kind::ReassemblyExceeded), exceeded(reassembly));
        let problem = |code| Icmpv6Type::ParameterProblem(ParameterProblemHeader { code, pointer: 70_000 });
        let pointer = 70_000;
        let (field, header, option) = (
            ParameterProblemCode::ErroneousHeaderField,
            ParameterProblemCode::UnrecognizedNextHeader,
            ParameterProblemCode::UnrecognizedIpv6Option,
        );
        assert_eq!(emitted(Icmpv6Kind::ErroneousField { pointer }), problem(field));
        assert_eq!(emitted(Icmpv6Kind::UnknownNextHeader { pointer }), problem(header));
        assert_eq!(emitted(Icmpv6Kind::UnknownOption { pointer }), problem(option));
    }

    #[test]
    fn a_checksum_over_other_addresses_is_wrong() {
        let mut message = [ECHO_REQUEST, 0, 0, 0, 0, 1, 0, 2];
        fill_checksum(&mut message, A, B);
        assert_eq!(checked_type(&message, A, B), Some(ECHO_REQUEST));
        assert_eq!(checked_type(&message, A, A), None);
        assert_eq!(checked_type(&message[..3], A, B), None);
    }

    #[test]
    fn a_finished_packet_has_header_and_checksum() {
        let mut packet = vec![0; 48];
        packet[40] = ECHO_REQUEST;
        finish(&mut packet, A, B, 255);
        let view = Ipv6::check(&packet).unwrap();
        assert_eq!((view.source(), view.destination(), view.hop_limit(), view.next_header()), (A, B, 255, ICMPV6));
        assert_eq!(checked_type(view.payload(), A, B), Some(ECHO_REQUEST));
    }

    proptest! {
        #[test]
        fn a_reply_has_the_requests_data_and_a_right_checksum(data in prop::collection::vec(any::<u8>(), 4..100)) {
            let mut message = [&[ECHO_REQUEST, 0, 0, 0][..], &data].concat();
            fill_checksum(&mut message, A, B);
            prop_assert!(request_into_reply(&mut message, B, A));
            prop_assert_eq!(checked_type(&message, B, A), Some(ECHO_REPLY));
            prop_assert_eq!(&message[4..], &data[..]);
            prop_assert!(!request_into_reply(&mut message, B, A), "a reply is not answered");
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = (checked_type(&bytes, A, B), echo_numbers(&bytes), request_into_reply(&mut bytes, A, B));
            finish(&mut bytes, A, B, 1);
        }
    }
}
