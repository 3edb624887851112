//! ICMPv6 errors, made in the buffer of the packet they are about. Read RFC 4443 2.4 first.

use super::transit::originate;
use super::{OUR_HOP_LIMIT, deliver};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::icmp_class::IcmpClass;
use crate::dataplane::packet::Packet;
use crate::dataplane::snapshot::{Interface, Snapshot};
use crate::dataplane::state::State;
use crate::fib::next_hop::NextHop;
use crate::wire::extension::{self, ChainError};
use crate::wire::icmpv6::{self, ERROR_HEADER_LEN, Icmpv6Kind};
use crate::wire::ipv6::{HEADER_LEN, ICMPV6, Ipv6, MINIMUM_MTU};
use std::net::{IpAddr, Ipv6Addr};

/// IPv6 header and error header.
const HEADERS: usize = HEADER_LEN + ERROR_HEADER_LEN;
/// RFC 4443 2.4 (c): "Every ICMPv6 error message (type < 128) MUST include as much of the IPv6 offending (invoking) packet
/// (the packet that caused the error) as possible without making the error message packet exceed the minimum IPv6 MTU".
const QUOTED: usize = MINIMUM_MTU as usize - HEADERS;

/// Answers a packet with an error and counts why; the packet is used up whether or not an error may be sent.
pub fn answer(snapshot: &Snapshot, state: &mut State, packet: Packet, kind: Icmpv6Kind, reason: DropReason) {
    state.link.counters.count_drop(reason, packet.ingress);
    if !may_answer(state, &packet, kind) {
        state.link.counters.icmp_forbidden.add(1);
        return state.pool.give(packet.mbuf);
    }
    // RFC 4443 2.4 (f): "in order to limit the bandwidth and forwarding costs incurred by originating ICMPv6 error messages,
    // an IPv6 node MUST limit the rate of ICMPv6 error messages it originates."
    if !state.may_send_icmp(IcmpClass::of6(kind)) {
        return state.pool.give(packet.mbuf);
    }
    send(snapshot, state, packet, kind);
}

/// RFC 4443 2.4 (e): "An ICMPv6 error message MUST NOT be originated as a result of receiving the following".
pub fn may_answer(state: &State, packet: &Packet, kind: Icmpv6Kind) -> bool {
    // An error about a packet of our own would go to ourselves.
    if packet.ingress.is_none() {
        return false;
    }
    let Ok(view) = Ipv6::check(state.pool.frame(&packet.mbuf)) else { return false };
    // "(e.3) A packet destined to an IPv6 multicast address. (There are two exceptions to this rule: (1) the Packet Too Big
    // Message [...], and (2) the Parameter Problem Message, Code 2, [...] reporting an unrecognized IPv6 option [...] that
    // has the Option Type highest-order two bits set to 10)." A frame for a group that carries a packet for a single host
    // (e.4, e.5) gets no further than the input stage.
    let exception = matches!(kind, Icmpv6Kind::PacketTooBig { .. } | Icmpv6Kind::UnknownOption { .. });
    if view.destination().is_multicast() && !exception {
        return false;
    }
    // "(e.6) A packet whose source address does not uniquely identify a single node -- e.g., the IPv6 Unspecified Address, an
    // IPv6 multicast address, or an address known by the ICMP message originator to be an IPv6 anycast address."
    let source = view.source();
    if source.is_unspecified() || source.is_multicast() {
        return false;
    }
    // "(e.1) An ICMPv6 error message. (e.2) An ICMPv6 redirect message". What a broken chain of headers or a later fragment
    // carries is not known; then none is sent.
    let chain = match extension::chain(&view).skip_all() {
        Ok(chain) => chain,
        Err(ChainError::Misplaced { .. }) => return true,
        Err(ChainError::Cut | ChainError::TooMany) => return false,
    };
    if chain.protocol() != ICMPV6 {
        return true;
    }
    let later = chain.fragment().is_some_and(|fragment| fragment.offset != 0);
    !later && chain.payload().first().is_some_and(|of_type| !icmpv6::is_error(*of_type) && *of_type != icmpv6::REDIRECT)
}

fn send(snapshot: &Snapshot, state: &mut State, packet: Packet, kind: Icmpv6Kind) {
    let Packet { mut mbuf, ingress, vrf } = packet;
    let Ok(view) = Ipv6::check(state.pool.frame(&mbuf)) else { return state.pool.give(mbuf) };
    let (victim, total) = (view.source(), view.total_len());
    let Some(source) = source_towards(snapshot, vrf, ingress, victim, view.destination()) else {
        return state.pool.give(mbuf);
    };
    mbuf.truncate(total.min(QUOTED) as u16);
    if !state.pool.prepend(&mut mbuf, HEADERS as u16) {
        return state.pool.give(mbuf);
    }
    let frame = state.pool.frame_mut(&mbuf);
    icmpv6::emit_error(&mut frame[HEADER_LEN..], kind, source, victim);
    icmpv6::finish(frame, source, victim, OUR_HOP_LIMIT);
    state.link.counters.icmp_sent(IcmpClass::of6(kind));
    originate(snapshot, state, mbuf, vrf, ingress);
}

/// RFC 4443 2.2: "(a) If the message is a response to a message sent to one of the node's unicast addresses, the Source
/// Address of the reply MUST be that same address. (b) If the message is a response to a message sent to any other address
/// [...], the Source Address of the ICMPv6 packet MUST be a unicast address belonging to the node. The address SHOULD be
/// chosen according to the rules that would be used to select the source address for any other packet originated by the
/// node, given the destination address of the packet."
///
/// So: of the interface it leaves by, else of the one the packet came in on, else any of the VRF.
fn source_towards(
    snapshot: &Snapshot,
    vrf: u16,
    ingress: Option<u16>,
    victim: Ipv6Addr,
    asked: Ipv6Addr,
) -> Option<Ipv6Addr> {
    if let Some(own) = deliver::speaker(snapshot, vrf, ingress, asked) {
        // Our global address does for a link-local neighbor too; our link-local one does not go beyond the link.
        return Some(own);
    }
    let of = |number: u16| -> Option<&Interface> { snapshot.interfaces.get(usize::from(number)) };
    if victim.is_unicast_link_local() {
        return of(ingress?)?.source_towards6(victim);
    }
    let egress = match snapshot.route(vrf, IpAddr::V6(victim), 0) {
        Some(NextHop::Gateway { interface, .. } | NextHop::Connected { interface }) => Some(interface),
        _ => None,
    };
    let global = |number: u16| of(number)?.global_towards6(victim);
    egress
        .and_then(global)
        .or_else(|| ingress.and_then(global))
        .or_else(|| snapshot.vrfs.get(usize::from(vrf))?.own6.first())
}
