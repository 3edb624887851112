//! Packets addressed to the router itself: echo is answered here, in place; the rest is refused or punted.

use super::drop_reason::DropReason;
use super::exception::originate;
use super::icmp_error::{self, OUR_TTL};
use super::message::{Punt, PuntMeta};
use super::packet::Packet;
use super::snapshot::Snapshot;
use super::state::State;
use super::tcp_reset;
use crate::wire::icmpv4::{self, IcmpKind};
use crate::wire::ipv4::{self, Ipv4};
use crate::wire::udp;

/// Takes a packet for one of our addresses.
pub fn deliver(snapshot: &Snapshot, state: &mut State, packet: Packet) {
    let frame = state.pool.frame(&packet.mbuf);
    let Ok(view) = Ipv4::check(frame) else {
        return state.discard_packet(packet, DropReason::Ip4TooShort);
    };
    if view.is_fragment() {
        // Reassembly is rare and slow: the control thread does it.
        return punt_packet(state, packet);
    }
    match view.protocol() {
        ipv4::PROTOCOL_ICMP => icmp(snapshot, state, packet),
        ipv4::PROTOCOL_UDP => {
            if udp::Udp::check(view.payload()).is_ok_and(|datagram| datagram.verify(view.source(), view.destination()))
            {
                // RFC 1122 3.2.2.1: code 3 (port unreachable) when "the designated transport protocol (e.g., UDP) is
                // unable to demultiplex the datagram but has no protocol mechanism to inform the sender".
                icmp_error::answer(snapshot, state, packet, IcmpKind::PortUnreachable, DropReason::LocalPort);
            } else {
                state.discard_packet(packet, DropReason::LocalMalformed);
            }
        }
        ipv4::PROTOCOL_TCP => tcp_reset::answer(snapshot, state, packet),
        // RFC 1122 3.2.2.1: code 2 (protocol unreachable) when "the designated transport protocol is not supported".
        _ => icmp_error::answer(snapshot, state, packet, IcmpKind::ProtocolUnreachable, DropReason::LocalProtocol),
    }
}

fn icmp(snapshot: &Snapshot, state: &mut State, packet: Packet) {
    let frame = state.pool.frame(&packet.mbuf);
    let kind = Ipv4::check(frame).ok().and_then(|view| icmpv4::checked_type(view.payload()));
    match kind {
        None => state.discard_packet(packet, DropReason::LocalMalformed),
        // RFC 1812 4.3.3.6: "A router MUST implement an ICMP Echo server function".
        Some(icmpv4::ECHO_REQUEST) => {
            let now = state.now;
            if !state.echo_limit.take(now) {
                return state.discard_packet(packet, DropReason::EchoLimit);
            }
            let Packet { mut mbuf, ingress, vrf } = packet;
            if !echo_reply(state.pool.frame_mut(&mbuf)) {
                return state.discard(mbuf, DropReason::LocalMalformed, ingress);
            }
            if let Ok(view) = Ipv4::check(state.pool.frame(&mbuf)) {
                let total = view.total_len();
                mbuf.truncate(total);
            }
            state.link.counters.echo_replies.add(1);
            originate(snapshot, state, mbuf, vrf);
        }
        Some(kind) if kind == icmpv4::ECHO_REPLY || icmpv4::is_error(kind) => punt_packet(state, packet),
        Some(_) => state.discard_packet(packet, DropReason::LocalIcmp),
    }
}

/// Turns an echo request, beginning at its IP header, into its reply. False when the ICMP part is cut short.
///
/// RFC 1812 4.3.3.6: "The IP source address in an ICMP Echo Reply MUST be the same as the specific-destination address
/// of the corresponding ICMP Echo Request message" and "Data received in an ICMP Echo Request MUST be entirely included in
/// the resulting Echo Reply."
pub fn echo_reply(packet: &mut [u8]) -> bool {
    let Ok(view) = Ipv4::check(packet) else { return false };
    let (header_len, total) = (usize::from(view.header_len()), usize::from(view.total_len()));
    let (header, rest) = packet.split_at_mut(header_len);
    let Some(message) = rest.get_mut(..total - header_len) else { return false };
    if !icmpv4::request_into_reply(message) {
        return false;
    }
    ipv4::swap_addresses(header);
    ipv4::set_ttl(header, OUR_TTL);
    true
}

/// Copies a packet to the control thread and gives its buffer back at once.
pub fn punt_packet(state: &mut State, packet: Packet) {
    let meta = PuntMeta { kind: Punt::Ip, interface: packet.ingress.unwrap_or(0), offset: 0 };
    punt(state, packet, meta);
}

/// Copies what the packet's frame holds to the control thread and gives the buffer back.
pub fn punt(state: &mut State, packet: Packet, meta: PuntMeta) {
    match state.link.punt.send(meta, state.pool.frame(&packet.mbuf)) {
        Ok(()) => {
            state.wake = true;
            state.link.counters.punted.add(1);
            state.pool.give(packet.mbuf);
        }
        Err(_) => state.discard_packet(packet, DropReason::PuntFull),
    }
}
