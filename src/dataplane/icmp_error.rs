//! ICMP errors, made in the buffer of the packet they are about.
//!
//! One buffer in, one buffer out: the offending packet is cut to what is quoted, and the new headers go into the
//! headroom in front of it. Read RFC 1812 4.3.2 first.

use super::drop_reason::DropReason;
use super::exception;
use super::icmp_class::IcmpClass;
use super::packet::Packet;
use super::snapshot::Snapshot;
use super::state::State;
use crate::fib::next_hop::NextHop;
use crate::wire::icmpv4::{self, IcmpKind};
use crate::wire::ipv4::{self, Ipv4, Ipv4Header};
use std::net::{IpAddr, Ipv4Addr};

/// Longest ICMP error with its IP header.
///
/// RFC 1812 4.3.2.3: "the ICMP datagram SHOULD contain as much of the original datagram as possible without the length
/// of the ICMP datagram exceeding 576 bytes."
const LONGEST: usize = 576;
/// IP header and ICMP error header.
const HEADERS: usize = 20 + icmpv4::ERROR_HEADER_LEN;
/// RFC 1812 4.3.2.5: errors "SHOULD have their precedence value set to 6 (INTERNETWORK CONTROL) or 7 (NETWORK CONTROL)."
const PRECEDENCE: u8 = 6 << 5;
/// Time to live of packets of our own.
pub const OUR_TTL: u8 = 64;

/// Answers a packet with an error and counts why; the packet is used up whether or not an error may be sent.
pub fn answer(snapshot: &Snapshot, state: &mut State, packet: Packet, kind: IcmpKind, reason: DropReason) {
    state.link.counters.count_drop(reason, packet.ingress);
    if !may_answer(snapshot, state, &packet) {
        state.link.counters.icmp_forbidden.add(1);
        return state.pool.give(packet.mbuf);
    }
    // RFC 1812 4.3.2.8: "A router which sends ICMP Source Quench, Destination Unreachable, Time Exceeded [...] SHOULD be
    // able to limit the rate at which these messages can be generated."
    if !state.may_send_icmp(IcmpClass::of(kind)) {
        return state.pool.give(packet.mbuf);
    }
    send(snapshot, state, packet, kind);
}

/// Tells the sender of a better first hop; the packet itself is forwarded by the caller.
pub fn redirect(snapshot: &Snapshot, state: &mut State, packet: &Packet, gateway: Ipv4Addr) {
    if !may_answer(snapshot, state, packet) {
        return;
    }
    if !state.may_send_icmp(IcmpClass::Redirect) {
        return;
    }
    // The packet goes on, so this error needs a buffer of its own; without one the sender learns it next time.
    let mut quote = [0; LONGEST - HEADERS];
    let frame = state.pool.frame(&packet.mbuf);
    let len = frame.len().min(quote.len());
    quote[..len].copy_from_slice(&frame[..len]);
    if let Some(mbuf) = state.pool.take_filled(&quote[..len]) {
        send(
            snapshot,
            state,
            Packet { mbuf, ingress: packet.ingress, vrf: packet.vrf },
            IcmpKind::RedirectHost { gateway },
        );
    }
}

/// RFC 1812 4.3.2.7, "When Not to Send ICMP Errors".
fn may_answer(snapshot: &Snapshot, state: &State, packet: &Packet) -> bool {
    // An error about a packet of our own would go to ourselves.
    if packet.ingress.is_none() {
        return false;
    }
    let frame = state.pool.frame(&packet.mbuf);
    let Ok(view) = Ipv4::check(frame) else {
        // "A packet whose IP header checksum is wrong" and the like: "o A packet which fails IP header validation".
        return false;
    };
    // "o An ICMP error message, or"
    if view.protocol() == ipv4::PROTOCOL_ICMP
        && view.is_first_fragment()
        && view.payload().first().is_none_or(|kind| icmpv4::is_error(*kind))
    {
        return false;
    }
    // "o Any fragment of a datagram other then the first fragment (i.e., a packet for which the fragment offset in the
    // IP header is nonzero)."
    if !view.is_first_fragment() {
        return false;
    }
    // "o A packet destined to an IP broadcast or IP multicast address, or"
    let destination = view.destination_bits();
    if destination >= 0xe000_0000 || snapshot.is_broadcast(packet.vrf, destination) {
        return false;
    }
    // "o A packet whose source address has a network prefix of zero or is an invalid source address (as defined in
    // Section [5.3.7])": input has refused these; what is left are our own addresses and broadcasts.
    let source = view.source_bits();
    !(snapshot.is_own(packet.vrf, source) || snapshot.is_broadcast(packet.vrf, source))
}

fn send(snapshot: &Snapshot, state: &mut State, packet: Packet, kind: IcmpKind) {
    let Packet { mut mbuf, ingress, vrf } = packet;
    let Ok(view) = Ipv4::check(state.pool.frame(&mbuf)) else {
        return state.discard(mbuf, DropReason::Ip4TooShort, None);
    };
    let (victim, total) = (view.source(), view.total_len());
    let Some(source) = source_towards(snapshot, vrf, victim, ingress) else {
        return state.pool.give(mbuf);
    };
    mbuf.truncate(total.min((LONGEST - HEADERS) as u16));
    if !state.pool.prepend(&mut mbuf, HEADERS as u16) {
        return state.pool.give(mbuf);
    }
    let header = Ipv4Header {
        dscp_ecn: PRECEDENCE,
        total_len: mbuf.len(),
        identification: state.next_identification(),
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: OUR_TTL,
        protocol: ipv4::PROTOCOL_ICMP,
        source,
        destination: victim,
    };
    let frame = state.pool.frame_mut(&mbuf);
    frame[..20].copy_from_slice(&header.emit());
    icmpv4::emit_error(&mut frame[20..], kind);
    state.link.counters.icmp_sent(IcmpClass::of(kind));
    exception::originate(snapshot, state, mbuf, vrf);
}

/// RFC 1812 4.3.2.4: "the IP source address in an ICMP message originated by the router MUST be one of the IP addresses
/// associated with the physical interface over which the ICMP message is transmitted."
///
/// Where that interface has none, the address of the interface that the packet came in on is used.
///
/// The flow of the error is not known before it has its source, so of several paths the one that flow 0 takes counts.
fn source_towards(snapshot: &Snapshot, vrf: u16, victim: Ipv4Addr, ingress: Option<u16>) -> Option<Ipv4Addr> {
    let victim = IpAddr::V4(victim);
    let (interface, near) = match snapshot.route(vrf, victim, 0) {
        Some(NextHop::Gateway { interface, address }) => (Some(interface), address),
        Some(NextHop::Connected { interface }) => (Some(interface), victim),
        _ => (None, victim),
    };
    let of = |number: u16| snapshot.interfaces.get(usize::from(number))?.source_towards(near);
    interface.and_then(of).or_else(|| ingress.and_then(of))
}
