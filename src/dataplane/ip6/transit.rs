//! The way of a single IPv6 packet that the plain stages do not carry: scopes, options, answers, delivery, resolution.

use super::options::{self, Refusal};
use super::{deliver, icmp_error, redirect};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::flow;
use crate::dataplane::message::NeighborKey;
use crate::dataplane::packet::Packet;
use crate::dataplane::resolution;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::source_check;
use crate::dataplane::state::State;
use crate::fib::next_hop::NextHop;
use crate::wire::icmpv6::Icmpv6Kind;
use crate::wire::ipv6::{self, Ipv6};
use ringway_mempool::Mbuf;

/// Routes a packet that came in. Its header has been checked by the input stage.
pub fn transit(snapshot: &Snapshot, state: &mut State, packet: Packet) {
    let Ok(view) = Ipv6::check(state.pool.frame(&packet.mbuf)) else {
        return state.discard_packet(packet, DropReason::Ip6TooShort);
    };
    if view.destination().is_multicast() {
        // Only groups that we listen to get past the input stage, and none is routed.
        return deliver::deliver(snapshot, state, packet);
    }
    if let Some(ingress) = packet.ingress
        && !source_check::passes(snapshot, ingress, view.source().into())
    {
        // RFC 4443 3.1: "If the reason for the failure to deliver is that the packet with this source address is not allowed
        // due to ingress or egress filtering policies, the Code field is set to 5."
        let kind = Icmpv6Kind::SourcePolicy;
        return icmp_error::answer(snapshot, state, packet, kind, DropReason::SourceCheck);
    }
    if view.next_header() == ipv6::HOP_BY_HOP
        && let Err(Refusal { reason, answer }) = options::in_transit(&view, snapshot.hop_by_hop)
    {
        return match answer {
            Some(kind) => icmp_error::answer(snapshot, state, packet, kind, reason),
            None => state.discard_packet(packet, reason),
        };
    }
    route(snapshot, state, packet, None);
}

/// Routes a packet of our own, whose frame begins at the IP header, in a VRF; one to a link-local address leaves by `link`.
pub fn originate(snapshot: &Snapshot, state: &mut State, mbuf: Mbuf, vrf: u16, link: Option<u16>) {
    route(snapshot, state, Packet { mbuf, ingress: None, vrf }, link);
}

fn route(snapshot: &Snapshot, state: &mut State, packet: Packet, link: Option<u16>) {
    let frame = state.pool.frame(&packet.mbuf);
    let Ok(view) = Ipv6::check(frame) else {
        return state.discard_packet(packet, DropReason::Ip6TooShort);
    };
    let (source, destination, hop_limit) = (view.source(), view.destination(), view.hop_limit());
    if destination.is_unicast_link_local() {
        return on_link(snapshot, state, packet, link);
    }
    let flow = flow::of(snapshot.seed, frame);
    let (interface, key) = match snapshot.route6(packet.vrf, destination.to_bits(), flow) {
        // RFC 4443 3.1: "0 - No route to destination".
        None | Some(NextHop::Vrf { .. } | NextHop::Broadcast { .. }) => {
            return icmp_error::answer(snapshot, state, packet, Icmpv6Kind::NoRoute, DropReason::NoRoute);
        }
        Some(NextHop::Deliver { .. }) => return deliver::deliver(snapshot, state, packet),
        Some(NextHop::Blackhole) => return state.discard_packet(packet, DropReason::Blackhole),
        // "3 - Address unreachable": "if the reason for the failure to deliver cannot be mapped to any of other codes".
        Some(NextHop::Unreachable) => {
            let kind = Icmpv6Kind::AddressUnreachable;
            return icmp_error::answer(snapshot, state, packet, kind, DropReason::Unreachable);
        }
        // "1 - Communication with destination administratively prohibited".
        Some(NextHop::Prohibit) => {
            let kind = Icmpv6Kind::AdminProhibited;
            return icmp_error::answer(snapshot, state, packet, kind, DropReason::Prohibited);
        }
        Some(NextHop::Gateway { interface, address }) => (interface, NeighborKey::new(interface, address)),
        Some(NextHop::Connected { interface }) => (interface, NeighborKey::v6(interface, destination)),
    };
    if packet.ingress.is_some() {
        // RFC 4291 2.5.6: "Routers must not forward any packets with Link-Local source or destination addresses to other
        // links." RFC 4443 3.1: "If the reason for the failure to deliver is that the destination is beyond the scope of
        // the source address, the Code field is set to 2."
        if source.is_unicast_link_local() {
            let kind = Icmpv6Kind::BeyondScope;
            return icmp_error::answer(snapshot, state, packet, kind, DropReason::Ip6SourceScope);
        }
        // RFC 8200 3: "When forwarding, the packet is discarded if Hop Limit was zero when received or is decremented to
        // zero." RFC 4443 3.3: "it MUST discard the packet and originate an ICMPv6 Time Exceeded message with Code 0".
        if hop_limit <= 1 {
            let kind = Icmpv6Kind::HopLimitExceeded;
            return icmp_error::answer(snapshot, state, packet, kind, DropReason::Ip6HopLimit);
        }
    }
    if packet.ingress == Some(interface) {
        redirect::consider(snapshot, state, &packet, interface, key);
    }
    resolution::send_or_hold(snapshot, state, packet, key);
}

/// A packet to a link-local address: for us on the link it came from, or from us on the link we name.
fn on_link(snapshot: &Snapshot, state: &mut State, packet: Packet, link: Option<u16>) {
    let Ok(view) = Ipv6::check(state.pool.frame(&packet.mbuf)) else {
        return state.discard_packet(packet, DropReason::Ip6TooShort);
    };
    let destination = view.destination();
    match (packet.ingress, link) {
        (None, Some(link)) => {
            resolution::send_or_hold(snapshot, state, packet, NeighborKey::v6(link, destination));
        }
        (Some(ingress), _) if snapshot.has_address6(ingress, destination) => deliver::deliver(snapshot, state, packet),
        _ => state.discard_packet(packet, DropReason::Ip6LinkLocal),
    }
}
