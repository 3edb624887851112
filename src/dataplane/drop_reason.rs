//! Why a packet was dropped: every drop has a name, a counter and a test that produces it.

/// Declares the reasons once: the enum, the names that commands print, and the sentence that explains each.
macro_rules! drop_reasons {
    ($($variant:ident $name:literal $text:literal)+) => {
        /// Why a packet went no further.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DropReason { $(#[doc = $text] $variant),+ }

        impl DropReason {
            /// Every reason, in the order of the enum.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that commands and counters use.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            /// One sentence for the operator.
            pub fn description(self) -> &'static str { match self { $(Self::$variant => $text),+ } }
        }
    };
}

drop_reasons! {
    FrameTooShort "frame_too_short" "the frame is shorter than its Ethernet header or VLAN tags"
    NotForUs "not_for_us" "the frame is addressed to another station"
    UnknownVlan "unknown_vlan" "no interface is configured for the frame's VLAN"
    NoInterface "no_interface" "the port has no interface for untagged frames"
    InterfaceDown "interface_down" "the interface is down"
    UnknownEtherType "unknown_ether_type" "the frame carries neither IPv4 nor ARP"
    Ip6NotSupported "ip6_not_supported" "the frame carries IPv6, which this version does not forward"
    Ip4TooShort "ip4_too_short" "the frame ends before the IPv4 header does (RFC 1812 5.2.2 (1))"
    Ip4BadChecksum "ip4_bad_checksum" "the IPv4 header checksum is wrong (RFC 1812 5.2.2 (2))"
    Ip4BadVersion "ip4_bad_version" "the version is not 4 (RFC 1812 5.2.2 (3))"
    Ip4BadHeaderLength "ip4_bad_header_length" "the header length is below 20 bytes or beyond the packet (RFC 1812 5.2.2 (4))"
    Ip4BadTotalLength "ip4_bad_total_length" "the total length is below the header length or beyond the frame (RFC 1812 5.2.2 (5)), or a fragment ends beyond 65,535"
    Ip4BadOption "ip4_bad_option" "an IPv4 option is malformed (RFC 1812 5.3.13)"
    Ip4SourceRoute "ip4_source_route" "the packet carries a source route, which is refused"
    MartianSource "martian_source" "the source address cannot be a sender's (RFC 1812 5.3.7)"
    MartianDestination "martian_destination" "the destination address cannot be forwarded to (RFC 1812 5.3.7)"
    OwnSource "own_source" "the source address is one of ours"
    LinkBroadcast "link_broadcast" "a unicast packet came in a broadcast or multicast frame (RFC 1812 5.3.4)"
    Multicast "multicast" "the destination is a multicast group, which is not routed"
    Broadcast "broadcast" "the destination is the limited broadcast address"
    DirectedBroadcast "directed_broadcast" "the destination is the broadcast address of a connected network (RFC 2644)"
    TtlExceeded "ttl_exceeded" "the time to live ran out (RFC 1812 5.3.1)"
    NoRoute "no_route" "no route covers the destination"
    Blackhole "blackhole" "a blackhole route covers the destination"
    Unreachable "unreachable" "an unreachable route covers the destination"
    Prohibited "prohibited" "a prohibit route covers the destination"
    MtuExceeded "mtu_exceeded" "the packet is larger than the next hop's MTU and must not be fragmented"
    FragmentReserve "fragment_reserve" "no buffers were left for the fragments"
    NeighborLimit "neighbor_limit" "a newer unresolved neighbor took the place of the one this packet waited for"
    NeighborBusy "neighbor_busy" "the control thread was too busy to resolve another neighbor"
    HoldOverflow "hold_overflow" "a newer packet took this one's place while the neighbor was being resolved"
    HostUnreachable "host_unreachable" "the neighbor did not answer"
    TransmitFull "transmit_full" "the port's transmit ring was full"
    PortGone "port_gone" "the port was stopped or is gone"
    PuntFull "punt_full" "the ring to the control thread was full"
    LocalIcmp "local_icmp" "an ICMP message addressed to us that needs no answer"
    LocalProtocol "local_protocol" "a packet addressed to us for a protocol that is not there"
    LocalPort "local_port" "a packet addressed to us for a port that nobody listens on"
    LocalMalformed "local_malformed" "a packet addressed to us whose transport header is damaged"
    EchoLimit "echo_limit" "more echo requests than are answered in a second"
    ReceiveOnly "receive_only" "forwarding mode rxonly receives and drops"
    NoPeer "no_peer" "the forwarding mode does not answer this frame"
}

/// How many reasons there are.
pub const DROP_REASONS: usize = DropReason::ALL.len();

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_its_own_name_and_position() {
        let names: HashSet<_> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DROP_REASONS);
        for (position, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, position);
        }
    }
}
