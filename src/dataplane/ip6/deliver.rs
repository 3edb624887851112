//! IPv6 packets addressed to the router itself: echo is answered here, in place; the rest is refused or punted.

use super::options::{self, Refusal};
use super::transit::originate;
use super::{OUR_HOP_LIMIT, icmp_error};
use crate::dataplane::deliver::{punt, punt_packet};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::message::{Punt, PuntMeta};
use crate::dataplane::packet::Packet;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::dataplane::tcp_reset;
use crate::wire::extension::{self, Chain, ChainError};
use crate::wire::icmpv6::{self, Icmpv6Kind};
use crate::wire::ipv6::{self, DESTINATION_OPTIONS, FRAGMENT, HEADER_LEN, HOP_BY_HOP, Ipv6, ROUTING};
use crate::wire::udp::Udp;
use std::net::Ipv6Addr;

/// What is behind the extension headers of a packet for us.
enum Upper {
    /// This protocol, its header so many bytes from the start of the packet; the pointer to the field that names it.
    Protocol { protocol: u8, offset: usize, pointer: u32 },
    /// A part of a packet.
    Fragment,
}

/// Takes a packet for one of our addresses, or for a group that we listen to.
pub fn deliver(snapshot: &Snapshot, state: &mut State, packet: Packet) {
    let Ok(view) = Ipv6::check(state.pool.frame(&packet.mbuf)) else {
        return state.discard_packet(packet, DropReason::Ip6TooShort);
    };
    let destination = view.destination();
    let upper = upper_layer(&view);
    let group = destination.is_multicast();
    if !group && speaker(snapshot, packet.vrf, packet.ingress, destination).is_none() {
        return state.discard_packet(packet, DropReason::Ip6Tentative);
    }
    match upper {
        Err(Refusal { reason, answer: None }) => state.discard_packet(packet, reason),
        Err(Refusal { reason, answer: Some(kind) }) => icmp_error::answer(snapshot, state, packet, kind, reason),
        // Reassembly is rare and slow: the control thread does it.
        Ok(Upper::Fragment) => punt_packet(state, packet),
        Ok(Upper::Protocol { protocol, offset, pointer }) => match protocol {
            ipv6::ICMPV6 => icmp(snapshot, state, packet, offset),
            ipv6::UDP => udp(snapshot, state, packet, offset),
            ipv6::TCP if !group => tcp_reset::answer6(snapshot, state, packet, offset),
            // RFC 8200 4.7: "If the Payload Length field of the IPv6 header indicates the presence of octets past the end of a
            // header whose Next Header field contains 59, those octets must be ignored".
            ipv6::NO_NEXT_HEADER | ipv6::TCP => state.discard_packet(packet, DropReason::LocalProtocol),
            // 4: the node "should discard the packet and send an ICMP Parameter Problem message to the source of the packet,
            // with an ICMP Code value of 1".
            _ => {
                let kind = Icmpv6Kind::UnknownNextHeader { pointer };
                icmp_error::answer(snapshot, state, packet, kind, DropReason::LocalProtocol);
            }
        },
    }
}

/// Walks the extension headers of a packet for us, in their order (RFC 8200 4.1: "extension headers must be processed
/// strictly in the order they appear in the packet").
fn upper_layer(view: &Ipv6<'_>) -> Result<Upper, Refusal> {
    let mut chain = extension::chain(view);
    // The walk is bounded by [`extension::MOST`].
    while let Some(header) = chain.step().map_err(malformed)? {
        match header.kind {
            HOP_BY_HOP | DESTINATION_OPTIONS => options::check(&header, view)?,
            // RFC 5095 3: "An IPv6 node that receives a packet with a destination address assigned to it and that contains an RH0
            // extension header MUST NOT execute the algorithm specified in the latter part of Section 4.4 of [RFC2460] for
            // RH0. Instead, such packets MUST be processed according to the behavior specified in Section 4.4 of [RFC2460] for
            // a datagram that includes an unrecognized Routing Type value": "If Segments Left is non-zero, the node must
            // discard the packet and send an ICMP Parameter Problem, Code 0, message to the packet's Source Address, pointing
            // to the unrecognized Routing Type." We recognize none.
            ROUTING if extension::routing(header.bytes).is_some_and(|(_, left)| left > 0) => {
                let pointer = (header.offset + 2) as u32;
                let answer = Some(Icmpv6Kind::ErroneousField { pointer });
                return Err(Refusal { reason: DropReason::Ip6RoutingHeader, answer });
            }
            // RFC 6946 4: an atomic fragment is a whole packet, "processed independently of any other fragments".
            FRAGMENT if chain.fragment().is_some_and(|fragment| !fragment.is_atomic()) => return Ok(Upper::Fragment),
            _ => {}
        }
    }
    Ok(protocol(&chain))
}

fn protocol(chain: &Chain<'_>) -> Upper {
    Upper::Protocol { protocol: chain.protocol(), offset: chain.offset(), pointer: chain.pointer() }
}

fn malformed(error: ChainError) -> Refusal {
    let answer = match error {
        // RFC 8200 4: of a hop-by-hop header that is not the first, "Code value of 1".
        ChainError::Misplaced { pointer } => Some(Icmpv6Kind::UnknownNextHeader { pointer }),
        ChainError::Cut | ChainError::TooMany => None,
    };
    Refusal { reason: DropReason::Ip6BadExtension, answer }
}

/// Our address to answer from, when `asked` is one of ours in a VRF or on a link: itself, or for the anycast address of a
/// subnet (RFC 4291 2.6.1) our address in it.
pub fn speaker(snapshot: &Snapshot, vrf: u16, link: Option<u16>, asked: Ipv6Addr) -> Option<Ipv6Addr> {
    if asked.is_unicast_link_local() {
        return link.filter(|link| snapshot.has_address6(*link, asked)).map(|_| asked);
    }
    if snapshot.is_own6(vrf, asked) {
        return Some(asked);
    }
    let mut nets = snapshot.interfaces.iter().filter(|there| there.vrf == vrf).flat_map(|there| &there.addresses6);
    nets.find(|net| net.network() == asked && net.prefix_len() < 127).map(|net| net.addr())
}

fn icmp(snapshot: &Snapshot, state: &mut State, packet: Packet, offset: usize) {
    let Ok(view) = Ipv6::check(state.pool.frame(&packet.mbuf)) else {
        return state.discard_packet(packet, DropReason::Ip6TooShort);
    };
    let message = view.packet().get(offset..).unwrap_or(&[]);
    match icmpv6::checked_type(message, view.source(), view.destination()) {
        None => state.discard_packet(packet, DropReason::LocalMalformed),
        // RFC 4443 4.2: "Every node MUST implement an ICMPv6 Echo responder function".
        Some(icmpv6::ECHO_REQUEST) => echo(snapshot, state, packet, offset),
        Some(kind) if kind == icmpv6::ECHO_REPLY || icmpv6::is_error(kind) => punt_packet(state, packet),
        Some(icmpv6::LISTENER_QUERY) => {
            let meta = PuntMeta { kind: Punt::Ip, interface: packet.ingress.unwrap_or(0), offset: 0 };
            punt(state, packet, meta);
        }
        // What the input stage has not handed on has been forwarded, or has options in front, which no sender of ours uses.
        Some(icmpv6::ROUTER_SOLICITATION..=icmpv6::REDIRECT) => {
            state.discard_packet(packet, DropReason::Ip6DiscoveryFromAfar);
        }
        Some(_) => state.discard_packet(packet, DropReason::LocalIcmp),
    }
}

/// Turns an echo request into its reply. Extension headers are left out of it.
///
/// RFC 4443 4.2: "The source address of an Echo Reply sent in response to a unicast Echo Request message MUST be the same as
/// the destination address of that Echo Request message"; to a multicast one "MUST be a unicast address belonging to the
/// interface on which the Echo Request message was received."
fn echo(snapshot: &Snapshot, state: &mut State, packet: Packet, offset: usize) {
    let now = state.now;
    if !state.echo_limit.take(now) {
        return state.discard_packet(packet, DropReason::EchoLimit);
    }
    let Packet { mut mbuf, ingress, vrf } = packet;
    let Ok(view) = Ipv6::check(state.pool.frame(&mbuf)) else {
        return state.discard(mbuf, DropReason::Ip6TooShort, ingress);
    };
    let (asker, asked, total) = (view.source(), view.destination(), view.total_len());
    let from = if asked.is_multicast() {
        ingress.and_then(|link| snapshot.interfaces.get(usize::from(link))?.source_towards6(asker))
    } else {
        speaker(snapshot, vrf, ingress, asked)
    };
    let Some(from) = from.filter(|_| !asker.is_unspecified()) else {
        return state.discard(mbuf, DropReason::LocalIcmp, ingress);
    };
    mbuf.truncate(total as u16);
    mbuf.trim_front((offset - HEADER_LEN) as u16);
    let reply = state.pool.frame_mut(&mbuf);
    if !icmpv6::request_into_reply(reply.get_mut(HEADER_LEN..).unwrap_or(&mut []), from, asker) {
        return state.discard(mbuf, DropReason::LocalMalformed, ingress);
    }
    icmpv6::finish(reply, from, asker, OUR_HOP_LIMIT);
    state.link.counters.echo_replies.add(1);
    originate(snapshot, state, mbuf, vrf, ingress);
}

fn udp(snapshot: &Snapshot, state: &mut State, packet: Packet, offset: usize) {
    let Ok(view) = Ipv6::check(state.pool.frame(&packet.mbuf)) else {
        return state.discard_packet(packet, DropReason::Ip6TooShort);
    };
    let datagram = Udp::check(view.packet().get(offset..).unwrap_or(&[]));
    if datagram.is_ok_and(|datagram| datagram.verify(view.source(), view.destination())) {
        // RFC 4443 3.1: "A destination node SHOULD originate a Destination Unreachable message with Code 4 in response to a
        // packet for which the transport protocol (e.g., UDP) has no listener".
        icmp_error::answer(snapshot, state, packet, Icmpv6Kind::PortUnreachable, DropReason::LocalPort);
    } else {
        state.discard_packet(packet, DropReason::LocalMalformed);
    }
}
