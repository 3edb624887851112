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
    UnknownEtherType "unknown_ether_type" "the frame carries neither IPv4 nor ARP nor IPv6"
    Ip4TooShort "ip4_too_short" "the frame ends before the IPv4 header does (RFC 1812 5.2.2 (1))"
    Ip4BadChecksum "ip4_bad_checksum" "the IPv4 header checksum is wrong (RFC 1812 5.2.2 (2))"
    Ip4BadVersion "ip4_bad_version" "the version is not 4 (RFC 1812 5.2.2 (3))"
    Ip4BadHeaderLength "ip4_bad_header_length" "the header length is below 20 bytes or beyond the packet (RFC 1812 5.2.2 (4))"
    Ip4BadTotalLength "ip4_bad_total_length" "the total length is below the header length or beyond the frame (RFC 1812 5.2.2 (5)), or a fragment ends beyond 65,535"
    Ip4BadOption "ip4_bad_option" "an IPv4 option is malformed (RFC 1812 5.3.13)"
    Ip4SourceRoute "ip4_source_route" "the packet carries a source route, which is refused"
    Ip6TooShort "ip6_too_short" "the frame ends before the IPv6 header does"
    Ip6BadVersion "ip6_bad_version" "the version is not 6"
    Ip6BadPayloadLength "ip6_bad_payload_length" "the payload length is beyond the frame"
    Ip6MartianSource "ip6_martian_source" "the IPv6 source address cannot be a sender's: multicast, loopback, unspecified, IPv4-mapped or IPv4-compatible (RFC 4291)"
    Ip6MartianDestination "ip6_martian_destination" "the IPv6 destination address is loopback, unspecified, IPv4-mapped or IPv4-compatible (RFC 4291)"
    Ip6OwnSource "ip6_own_source" "the IPv6 source address is one of ours"
    Ip6SourceScope "ip6_source_scope" "the source address is link-local and the destination is beyond the link (RFC 4291 2.5.6)"
    Ip6LinkLocal "ip6_link_local" "the destination is a link-local address that is not ours on this link"
    Ip6Multicast "ip6_multicast" "the destination is an IPv6 multicast group that we do not listen to here, and groups are not routed"
    Ip6HopByHop "ip6_hop_by_hop" "the packet carries hop-by-hop options, which the configuration refuses"
    Ip6BadOption "ip6_bad_option" "an IPv6 option is malformed, or is not known and asks to be refused (RFC 8200 4.2)"
    Ip6BadExtension "ip6_bad_extension" "the extension headers are cut short, out of order or too many (RFC 8200 4.1)"
    Ip6RoutingHeader "ip6_routing_header" "a routing header has segments left (RFC 5095)"
    Ip6HopLimit "ip6_hop_limit" "the hop limit ran out (RFC 8200 3)"
    Ip6TooBig "ip6_too_big" "the IPv6 packet is larger than the next hop's MTU"
    Ip6DiscoveryFromAfar "ip6_discovery_from_afar" "a message of Neighbor Discovery that has been forwarded, or stands behind extension headers (RFC 4861)"
    Ip6Tentative "ip6_tentative" "the destination is an address of ours that is still tentative, or a duplicate (RFC 4862 5.4)"
    MartianSource "martian_source" "the source address cannot be a sender's (RFC 1812 5.3.7)"
    MartianDestination "martian_destination" "the destination address cannot be forwarded to (RFC 1812 5.3.7)"
    OwnSource "own_source" "the source address is one of ours"
    SourceCheck "source_check" "no route leads back to the source, or none by the interface it came in on (RFC 3704)"
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
