//! IPv4 options of packets in transit, as RFC 1812 5.3.13 and RFC 791 3.1 ask.

use super::drop_reason::DropReason;
use super::flow;
use super::packet::Packet;
use super::snapshot::Snapshot;
use super::state::State;
use crate::fib::next_hop::NextHop;
use crate::wire::icmpv4::IcmpKind;
use crate::wire::ipv4::{self, Ipv4};
use crate::wire::options::{self as wire, OptionError, OptionKind};
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest option area: 60 bytes of header less the fixed 20.
const LONGEST: usize = 40;

/// A packet whose options do not let it pass.
pub struct Refusal {
    /// Why it is dropped.
    pub reason: DropReason,
    /// What its sender is told.
    pub answer: Option<IcmpKind>,
}

/// Whether the options hold a source route.
pub fn has_source_route(options: &[u8]) -> bool {
    wire::iter(options)
        .flatten()
        .any(|option| matches!(option.kind, OptionKind::LooseSourceRoute | OptionKind::StrictSourceRoute))
}

/// Checks the options of a packet and fills in what they ask of a router on the way.
///
/// # Errors
/// The [`Refusal`], when the packet may not pass; it has not been changed then.
pub fn process(snapshot: &Snapshot, state: &mut State, packet: &Packet) -> Result<(), Refusal> {
    let Ok(view) = Ipv4::check(state.pool.frame(&packet.mbuf)) else {
        return Err(Refusal { reason: DropReason::Ip4TooShort, answer: None });
    };
    let header_len = usize::from(view.header_len());
    let mut options = [0; LONGEST];
    let len = view.options().len();
    options[..len].copy_from_slice(view.options());
    let destination = view.destination_bits();
    let flow = flow::of(snapshot.seed, state.pool.frame(&packet.mbuf));
    let here = outgoing_address(snapshot, packet, flow, destination);
    let mut changed = false;
    for option in wire::iter(&options[..len]) {
        // RFC 1812 4.3.3.5: a Parameter Problem is for what "is not specifically covered by another ICMP message"; its pointer
        // counts from the start of the IP header.
        let option = option.map_err(|OptionError { offset, .. }| malformed(offset))?;
        match option.kind {
            // RFC 1812 5.3.13.4: "A router MAY implement a configuration option that, when enabled, causes all source-routed
            // packets to be discarded. However, such an option MUST NOT be enabled by default." It is, against this
            // sentence and with RFC 7126 4.3.5 and 4.4.5, which advise to drop them by default; code 5 says so.
            OptionKind::LooseSourceRoute | OptionKind::StrictSourceRoute if !snapshot.accept_source_route => {
                return Err(Refusal { reason: DropReason::Ip4SourceRoute, answer: Some(IcmpKind::SourceRouteFailed) });
            }
            OptionKind::RecordRoute | OptionKind::Timestamp => changed = true,
            _ => {}
        }
    }
    if !changed {
        return Ok(());
    }
    let is_ours = |address: Ipv4Addr| snapshot.is_own(packet.vrf, address.to_bits());
    // The record route and time stamp options are filled in on a copy, so that a refusal leaves the packet as it came.
    wire::record(&mut options[..len], here, is_ours, milliseconds_of_day).map_err(|error| malformed(error.offset))?;
    let header = &mut state.pool.frame_mut(&packet.mbuf)[..header_len];
    header[20..].copy_from_slice(&options[..len]);
    ipv4::fill_checksum(header);
    Ok(())
}

/// Sends a packet that has reached us by its source route to the next address of the route.
///
/// RFC 791 3.1: "If the address in destination address field has been reached and the pointer is not greater than the
/// length, the next address in the source route replaces the address in the destination address field".
///
/// # Errors
/// A strict route whose next address is not a neighbor (RFC 791 3.1, "strict"), which RFC 1812 5.3.13.4 answers with code 5.
pub fn follow_source_route(snapshot: &Snapshot, state: &mut State, packet: &Packet) -> Result<(), Refusal> {
    let Ok(view) = Ipv4::check(state.pool.frame(&packet.mbuf)) else { return Ok(()) };
    let header_len = usize::from(view.header_len());
    let at_us = snapshot.is_own(packet.vrf, view.destination_bits());
    if !snapshot.accept_source_route || !at_us || !has_source_route(view.options()) {
        return Ok(());
    }
    let here = view.destination();
    let header = &mut state.pool.frame_mut(&packet.mbuf)[..header_len];
    let strict = wire::iter(&header[20..]).flatten().any(|option| option.kind == OptionKind::StrictSourceRoute);
    let Some(next) = wire::advance_source_route(&mut header[20..], here) else { return Ok(()) };
    ipv4::set_destination(header, next);
    let on_link = matches!(
        snapshot.route4(packet.vrf, next.to_bits(), 0),
        Some(NextHop::Connected { .. } | NextHop::Deliver { .. })
    );
    if strict && !on_link {
        return Err(Refusal { reason: DropReason::Ip4SourceRoute, answer: Some(IcmpKind::SourceRouteFailed) });
    }
    Ok(())
}

fn malformed(offset: usize) -> Refusal {
    let pointer = (20 + offset).min(usize::from(u8::MAX)) as u8;
    Refusal { reason: DropReason::Ip4BadOption, answer: Some(IcmpKind::ParameterProblem { pointer }) }
}

/// The address that a record route option gets: RFC 791 3.1, "its own internet address as known in the environment into
/// which this datagram is being forwarded".
fn outgoing_address(snapshot: &Snapshot, packet: &Packet, flow: u32, destination: u32) -> Ipv4Addr {
    let to = Ipv4Addr::from_bits(destination).into();
    let (interface, near) = match snapshot.route4(packet.vrf, destination, flow) {
        Some(NextHop::Gateway { interface, address }) => (Some(interface), address),
        Some(NextHop::Connected { interface }) => (Some(interface), to),
        _ => (packet.ingress, to),
    };
    let there = interface.and_then(|number| snapshot.interfaces.get(usize::from(number)));
    there.and_then(|there| there.source_towards(near)).unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// RFC 791 3.1: a time stamp is "milliseconds since midnight UT". Asked only for packets that carry the option.
fn milliseconds_of_day() -> u32 {
    const DAY: u128 = 24 * 60 * 60 * 1000;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_millis() % DAY) as u32
}
