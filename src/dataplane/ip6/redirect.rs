//! Redirects of Neighbor Discovery: RFC 4861 8.2.

use super::{icmp_error, transit};
use crate::dataplane::icmp_class::IcmpClass;
use crate::dataplane::message::NeighborKey;
use crate::dataplane::packet::Packet;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::wire::icmpv6::Icmpv6Kind;
use crate::wire::ipv6::{Ipv6, MINIMUM_MTU};
use crate::wire::nd::{self, option};
use std::net::IpAddr;

/// Longest redirect: "MUST be limited so as not to exceed the minimum MTU".
const LONGEST: usize = MINIMUM_MTU as usize;

/// Tells the sender of a packet that goes back to its link of a better first hop; the packet itself is forwarded by the
/// caller.
///
/// "A router SHOULD send a redirect message, subject to rate limiting, whenever it forwards a packet that is not explicitly
/// addressed to itself (i.e., a packet that is not source routed through the router) in which: - the Source Address field
/// of the packet identifies a neighbor, and - the router determines [...] that a better first-hop node resides on the same
/// link as the sending node for the Destination Address of the packet being forwarded, and - the Destination Address of
/// the packet is not a multicast address."
pub fn consider(snapshot: &Snapshot, state: &mut State, packet: &Packet, interface: u16, next: NeighborKey) {
    let Some(there) = snapshot.interfaces.get(usize::from(interface)).filter(|there| there.redirects) else { return };
    let Ok(view) = Ipv6::check(state.pool.frame(&packet.mbuf)) else { return };
    let (source, destination) = (view.source(), view.destination());
    let neighbor = there.addresses6.iter().any(|net| net.contains(&source));
    let IpAddr::V6(target) = next.address() else { return };
    // 4.5: the target is "the link-local address of a router [...] so that hosts can uniquely identify routers", or the
    // destination itself. A gateway that we know by a global address only cannot be told.
    if !neighbor || !(target.is_unicast_link_local() || target == destination) {
        return;
    }
    // 4.5: "Source Address: MUST be the link-local address assigned to the interface from which this message is sent."
    let Some(from) = there.link_local6() else { return };
    let about = Icmpv6Kind::AddressUnreachable;
    if !icmp_error::may_answer(state, packet, about) || !state.may_send_icmp(IcmpClass::Redirect6) {
        return;
    }
    let mut message = [0; LONGEST];
    let Some(len) = Ipv6::check(state.pool.frame(&packet.mbuf))
        .ok()
        .and_then(|view| write(&mut message, view.packet(), state, next))
    else {
        return;
    };
    nd::emit_redirect(&mut message[..len], target, destination, from, source);
    // The packet goes on, so this message needs a buffer of its own; without one the sender learns it next time.
    if let Some(mbuf) = state.pool.take_filled(&message[..len]) {
        state.link.counters.icmp_sent(IcmpClass::Redirect6);
        transit::originate(snapshot, state, mbuf, packet.vrf, Some(interface));
    }
}

/// The options: the target's address on the link, when it is known, and as much of the packet as fits.
fn write(message: &mut [u8; LONGEST], packet: &[u8], state: &State, next: NeighborKey) -> Option<usize> {
    let mut len = nd::REDIRECT_LEN;
    if let Some(mac) = state.adjacencies.mac(next) {
        len += option::NdOption::TargetLink(mac).emit(&mut message[len..])?;
    }
    let room = (LONGEST - len - 8) & !7;
    let quoted = &packet[..packet.len().min(room)];
    Some(len + option::NdOption::Redirected(quoted).emit(&mut message[len..])?)
}
