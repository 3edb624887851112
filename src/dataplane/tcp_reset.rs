//! TCP segments for the router itself: nobody listens here, and TCP has its own way to say so.

use super::drop_reason::DropReason;
use super::exception::originate;
use super::icmp_class::IcmpClass;
use super::icmp_error::OUR_TTL;
use super::ip6;
use super::packet::Packet;
use super::snapshot::Snapshot;
use super::state::State;
use crate::wire::ipv4::{self, Ipv4, Ipv4Header};
use crate::wire::ipv6::{self, Ipv6, Ipv6Header};
use crate::wire::tcp::{self, Tcp};

/// IP and TCP header without options.
const LEN: usize = 40;

/// Answers a segment with a reset, as RFC 9293 3.10.7.1 asks of a connection that does not exist; limited as port
/// unreachables are.
pub fn answer(snapshot: &Snapshot, state: &mut State, packet: Packet) {
    let frame = state.pool.frame(&packet.mbuf);
    let reset = Ipv4::check(frame).ok().and_then(|view| {
        let segment = Tcp::check(view.payload()).ok()?;
        let header = header_for(&view);
        segment.verify(view.source(), view.destination()).then(|| Some((header, reset_for(&segment)?)))
    });
    let Some(reset) = reset else {
        return state.discard_packet(packet, DropReason::LocalMalformed);
    };
    let Some((mut header, segment)) = reset.filter(|_| state.may_send_icmp(IcmpClass::Unreachable)) else {
        return state.discard_packet(packet, DropReason::LocalPort);
    };
    state.link.counters.count_drop(DropReason::LocalPort, packet.ingress);
    header.identification = state.next_identification();
    let mut mbuf = packet.mbuf;
    state.pool.set_len(&mut mbuf, LEN);
    let frame = state.pool.frame_mut(&mbuf);
    frame[..20].copy_from_slice(&header.emit());
    frame[20..LEN].copy_from_slice(&segment);
    tcp::fill(&mut frame[20..LEN], header.source, header.destination);
    originate(snapshot, state, mbuf, packet.vrf);
}

/// The same over IPv6, for a segment `offset` bytes into the packet.
pub fn answer6(snapshot: &Snapshot, state: &mut State, packet: Packet, offset: usize) {
    let reset = Ipv6::check(state.pool.frame(&packet.mbuf)).ok().and_then(|view| {
        let (source, destination) = (view.source(), view.destination());
        let segment =
            Tcp::check(view.packet().get(offset..)?).ok().filter(|segment| segment.verify(source, destination))?;
        // An answer from an anycast address would be taken for another connection's, so it is from the address itself.
        Some((source, destination, reset_for(&segment)))
    });
    let Some((peer, own, segment)) = reset else {
        return state.discard_packet(packet, DropReason::LocalMalformed);
    };
    let Some(segment) = segment.filter(|_| state.may_send_icmp(IcmpClass::Unreachable6)) else {
        return state.discard_packet(packet, DropReason::LocalPort);
    };
    state.link.counters.count_drop(DropReason::LocalPort, packet.ingress);
    let Packet { mut mbuf, ingress, vrf } = packet;
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: tcp::HEADER_LEN as u16,
        next_header: ipv6::TCP,
        hop_limit: OUR_TTL,
        source: own,
        destination: peer,
    };
    state.pool.set_len(&mut mbuf, ipv6::HEADER_LEN + tcp::HEADER_LEN);
    let (front, back) = state.pool.frame_mut(&mbuf).split_at_mut(ipv6::HEADER_LEN);
    front.copy_from_slice(&header.emit());
    back.copy_from_slice(&segment);
    tcp::fill(back, own, peer);
    ip6::transit::originate(snapshot, state, mbuf, vrf, ingress);
}

/// The reset for a segment; `None` for a reset, which is never answered.
fn reset_for(segment: &Tcp<'_>) -> Option<[u8; 20]> {
    // RFC 9293 3.10.7.1: "An incoming segment containing a RST is discarded."
    if segment.rst() {
        return None;
    }
    // "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. If the ACK bit is
    // on, <SEQ=SEG.ACK><CTL=RST>."
    let (sequence, acknowledgment, flags) = if segment.ack() {
        (segment.acknowledgment(), 0, tcp::FLAG_RST)
    } else {
        let next = segment.sequence().wrapping_add(segment.segment_len());
        (0, next, tcp::FLAG_RST | tcp::FLAG_ACK)
    };
    let mut reply = [0; 20];
    reply[0..2].copy_from_slice(&segment.destination_port().to_be_bytes());
    reply[2..4].copy_from_slice(&segment.source_port().to_be_bytes());
    reply[4..8].copy_from_slice(&sequence.to_be_bytes());
    reply[8..12].copy_from_slice(&acknowledgment.to_be_bytes());
    reply[12] = 5 << 4;
    reply[13] = flags;
    Some(reply)
}

fn header_for(view: &Ipv4<'_>) -> Ipv4Header {
    Ipv4Header {
        dscp_ecn: 0,
        total_len: LEN as u16,
        identification: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: OUR_TTL,
        protocol: ipv4::PROTOCOL_TCP,
        source: view.destination(),
        destination: view.source(),
    }
}
