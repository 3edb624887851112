//! The end of an exceptional packet's way, of either family: time to live, MTU, Ethernet header, port.

use super::drop_reason::DropReason;
use super::packet::Packet;
use super::snapshot::{Interface, MAX_HEADER, Snapshot};
use super::state::State;
use super::{fragment, icmp_error, ip6};
use crate::wire::ethernet;
use crate::wire::icmpv4::IcmpKind;
use crate::wire::icmpv6::Icmpv6Kind;
use crate::wire::ipv4::{self, Ipv4};
use crate::wire::ipv6::{self, Ipv6};

/// Where a packet leaves: what an adjacency says, or the broadcast address of an interface.
#[derive(Debug, Clone, Copy)]
pub struct Egress {
    header: [u8; MAX_HEADER],
    header_len: u8,
    /// Port number.
    pub port: u16,
    /// Interface number.
    pub interface: u16,
    /// Largest IP packet, in bytes.
    pub mtu: u16,
}

impl Egress {
    /// Towards a resolved neighbor.
    pub fn neighbor(state: &State, slot: u32) -> Self {
        let adjacency = state.adjacencies.slot(slot);
        Self {
            header: adjacency.header,
            header_len: adjacency.header_len,
            port: adjacency.port,
            interface: adjacency.key.interface,
            mtu: adjacency.mtu,
        }
    }

    /// To every station of an interface.
    pub fn broadcast(number: u16, interface: &Interface) -> Self {
        let mut header = interface.encapsulation.header;
        header[..6].copy_from_slice(ethernet::BROADCAST.as_bytes());
        Self {
            header,
            header_len: interface.encapsulation.len,
            port: interface.port,
            interface: number,
            mtu: interface.mtu,
        }
    }
}

/// Sends a packet on its way: one in transit loses a second of its life, one too large is cut or answered.
pub fn transmit(snapshot: &Snapshot, state: &mut State, packet: Packet, egress: &Egress) {
    if packet.is_ipv6(&state.pool) {
        return transmit6(snapshot, state, packet, egress);
    }
    let Ok(view) = Ipv4::check(state.pool.frame(&packet.mbuf)) else {
        return state.discard_packet(packet, DropReason::Ip4TooShort);
    };
    let (total, may_fragment) = (view.total_len(), !view.dont_fragment());
    if total > egress.mtu && !may_fragment {
        // RFC 1191 4: "the router MUST include the MTU of that next-hop network in the low-order 16 bits of the ICMP
        // header field that is labelled "unused"".
        let kind = IcmpKind::FragmentationNeeded { mtu: egress.mtu };
        return icmp_error::answer(snapshot, state, packet, kind, DropReason::MtuExceeded);
    }
    if packet.ingress.is_some()
        && let Some(header) = state.pool.frame_mut(&packet.mbuf).first_chunk_mut()
    {
        // RFC 1812 5.3.1: "the router MUST decrement the TTL by at least 1". The caller has checked that it is above 1.
        ipv4::decrement_ttl(header);
    }
    if total > egress.mtu {
        fragment::split(state, packet, egress);
    } else {
        send(state, packet, egress);
    }
}

fn transmit6(snapshot: &Snapshot, state: &mut State, packet: Packet, egress: &Egress) {
    let Ok(view) = Ipv6::check(state.pool.frame(&packet.mbuf)) else {
        return state.discard_packet(packet, DropReason::Ip6TooShort);
    };
    let (total, mtu) = (view.total_len(), ipv6::link_mtu(egress.mtu));
    if total > usize::from(mtu) {
        // RFC 4443 3.2: "A Packet Too Big MUST be sent by a router in response to a packet that it cannot forward because the
        // packet is larger than the MTU of the outgoing link." RFC 8200 5: only the source fragments.
        let kind = Icmpv6Kind::PacketTooBig { mtu: u32::from(mtu) };
        return ip6::icmp_error::answer(snapshot, state, packet, kind, DropReason::Ip6TooBig);
    }
    if packet.ingress.is_some()
        && let Some(header) = state.pool.frame_mut(&packet.mbuf).first_chunk_mut()
    {
        ipv6::decrement_hop_limit(header);
    }
    let Packet { mut mbuf, ingress, vrf } = packet;
    mbuf.truncate(total as u16);
    send(state, Packet { mbuf, ingress, vrf }, egress);
}

/// Puts the Ethernet header on and stages the packet; cuts off what follows the IP packet.
pub fn send(state: &mut State, packet: Packet, egress: &Egress) {
    let Packet { mut mbuf, ingress, .. } = packet;
    let len = usize::from(egress.header_len);
    let six = state.pool.frame(&mbuf).first().is_some_and(|first| first >> 4 == 6);
    if !state.pool.prepend(&mut mbuf, len as u16) {
        return state.discard(mbuf, DropReason::FrameTooShort, ingress);
    }
    let frame = state.pool.frame_mut(&mbuf);
    frame[..len].copy_from_slice(&egress.header[..len]);
    if six {
        frame[len - 2..len].copy_from_slice(&ethernet::ETHERTYPE_IPV6.to_be_bytes());
    }
    if let Some(interface) = state.link.counters.interfaces.get(usize::from(egress.interface)) {
        interface.tx_packets.add(1);
        interface.tx_bytes.add(u64::from(mbuf.len()));
    }
    state.staging.stage(&mut state.pool, &state.link.counters, egress.port, mbuf);
}
