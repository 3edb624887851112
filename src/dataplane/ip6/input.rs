//! The IPv6 half of stage 1: is the header one that may be forwarded, and whose is the packet.

use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::lanes::Verdict;
use crate::dataplane::snapshot::{Interface, Snapshot};
use crate::wire::icmpv6::{REDIRECT, ROUTER_SOLICITATION};
use crate::wire::ipv6::{self, Ipv6, Ipv6Error};
use crate::wire::nd;

/// Decides what becomes of a packet that came in on `interface`; `group`: in a frame for a group.
#[inline]
pub fn check(snapshot: &Snapshot, interface: &Interface, packet: &[u8], group: bool) -> Result<Verdict, DropReason> {
    let view = Ipv6::check(packet).map_err(|error| match error {
        Ipv6Error::TooShort => DropReason::Ip6TooShort,
        Ipv6Error::BadVersion => DropReason::Ip6BadVersion,
        Ipv6Error::PayloadLong => DropReason::Ip6BadPayloadLength,
    })?;
    let (source, destination) = (view.source_bits(), view.destination_bits());
    if view.hop_limit() == nd::HOP_LIMIT
        && view.next_header() == ipv6::ICMPV6
        && is_discovery(&view)
        && is_for_us(snapshot, interface, &view)
    {
        return Ok(Verdict::Discovery);
    }
    let Some(tables) = snapshot.vrfs.get(usize::from(interface.vrf)) else { return Err(DropReason::InterfaceDown) };
    if tables.own6.contains(source) {
        return Err(DropReason::Ip6OwnSource);
    }
    if is_special(source) || is_special(destination) {
        return special(interface, source, destination, group);
    }
    // As for IPv4 (RFC 1812 5.3.4): what came to everybody on the link is not for a single host beyond it.
    if group {
        return Err(DropReason::LinkBroadcast);
    }
    // RFC 8200 4.3: hop-by-hop options are the one extension header that a router on the way may look at.
    Ok(if view.next_header() == ipv6::HOP_BY_HOP { Verdict::Exception } else { Verdict::Lookup6 })
}

/// Whether the first octet alone tells that an address may be no global unicast one: ::/8, fe00::/8, ff00::/8.
#[inline]
fn is_special(address: u128) -> bool {
    matches!((address >> 120) as u8, 0x00 | 0xfe | 0xff)
}

/// Addresses of other scopes, and those that no packet may have.
#[cold]
fn special(interface: &Interface, source: u128, destination: u128, group: bool) -> Result<Verdict, DropReason> {
    let multicast = destination >> 120 == 0xff;
    // RFC 4291 2.7: "Multicast addresses must not be used as source addresses in IPv6 packets". 2.5.3, of the loopback
    // address: "It must not be used as the source address in IPv6 packets that are sent outside of a single node." RFC
    // 8504 and RFC 6890: nothing of ::/32 but the unspecified address is ever on a wire, ::ffff:0:0/96 neither.
    if source >> 120 == 0xff || (source != 0 && is_node_local(source)) {
        return Err(DropReason::Ip6MartianSource);
    }
    if is_node_local(destination) {
        return Err(DropReason::Ip6MartianDestination);
    }
    // RFC 4291 2.5.2: "An IPv6 packet with a source address of unspecified must never be forwarded by an IPv6 router."
    if source == 0 && !multicast {
        return Err(DropReason::Ip6MartianSource);
    }
    if interface.addresses6.iter().any(|net| net.addr().to_bits() == source) {
        return Err(DropReason::Ip6OwnSource);
    }
    if multicast {
        // RFC 4291 2.7: "Nodes must not originate a packet to a multicast address whose scop field contains the reserved
        // value 0; if such a packet is received, it must be silently dropped"; of 1: it "spans only a single interface".
        let scope = destination >> 112 & 0xf;
        let joined = interface.groups6.iter().any(|joined| joined.to_bits() == destination);
        return if scope > 1 && joined { Ok(Verdict::Exception) } else { Err(DropReason::Ip6Multicast) };
    }
    if group {
        return Err(DropReason::LinkBroadcast);
    }
    Ok(Verdict::Exception)
}

/// The loopback and unspecified addresses, IPv4-compatible ones, and IPv4-mapped ones.
fn is_node_local(address: u128) -> bool {
    address >> 32 == 0 || address >> 32 == 0xffff
}

#[inline]
fn is_discovery(view: &Ipv6<'_>) -> bool {
    view.payload().first().is_some_and(|kind| (ROUTER_SOLICITATION..=REDIRECT).contains(kind))
}

/// Neighbor Discovery for us goes to the control thread as a whole frame, whatever its source: it is checked there, and who
/// claims our address has it as its source.
#[cold]
fn is_for_us(snapshot: &Snapshot, interface: &Interface, view: &Ipv6<'_>) -> bool {
    let destination = view.destination();
    if destination.is_multicast() {
        // A probe for a tentative address of ours comes to its group before the address is ours.
        return interface.groups6.contains(&destination);
    }
    interface.addresses6.iter().any(|net| net.addr() == destination) || snapshot.is_own6(interface.vrf, destination)
}
