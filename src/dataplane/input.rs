//! Stage 1 of `l3`: whose frame is it, on which interface, and is its header one that may be forwarded.

use super::drop_reason::DropReason;
use super::ip6;
use super::lanes::{Lanes, Verdict};
use super::plain::Plain;
use super::snapshot::{NO_INTERFACE, PortMap, Snapshot};
use super::state::State;
use crate::wire::ethernet::{self, Ethernet};
use crate::wire::ipv4::{Ipv4, Ipv4Error};
use crate::wire::vlan;
use ringway_mempool::{BURST, Burst};

/// Frames whose first line is asked for ahead of the one that is looked at.
const AHEAD: usize = 4;

/// What stage 1 knows of a frame.
pub struct Classified {
    pub verdict: Verdict,
    pub ingress: u16,
    pub l3: u8,
    pub destination: u32,
}

impl Classified {
    fn drop(reason: DropReason, ingress: u16) -> Self {
        Self { verdict: Verdict::Drop(reason), ingress, l3: 0, destination: 0 }
    }
}

/// Classifies every frame of a burst that came in on `port`.
pub fn run(snapshot: &Snapshot, state: &State, port: u16, burst: &Burst, lanes: &mut Lanes) {
    let Some(map) = snapshot.ports.get(usize::from(port)) else { return };
    let plain = Plain::new(snapshot, map);
    // What a plain packet has in these lanes; the others fill in their own.
    lanes.ingress = [map.untagged; BURST];
    lanes.same_ingress = true;
    lanes.l3 = [ethernet::HEADER_LEN as u8; BURST];
    let mbufs = burst.as_slice();
    for mbuf in mbufs.iter().take(AHEAD) {
        state.pool.prefetch(mbuf);
    }
    let mut tally = Tally::default();
    let (mut packets, mut bytes) = (0, 0);
    for (at, mbuf) in mbufs.iter().enumerate().take(BURST) {
        if let Some(next) = mbufs.get(at + AHEAD) {
            state.pool.prefetch(next);
        }
        let frame = state.pool.frame(mbuf);
        if let Some(plain) = &plain {
            if let Some(destination) = plain.ipv4(frame) {
                lanes.verdict[at] = Verdict::Lookup;
                lanes.destination[at] = destination;
                lanes.any[0] = true;
                (packets, bytes) = (packets + 1, bytes + frame.len());
                continue;
            }
            if plain.is_ipv6(frame) {
                lanes.verdict[at] = Verdict::Lookup6;
                lanes.any[1] = true;
                (packets, bytes) = (packets + 1, bytes + frame.len());
                continue;
            }
        }
        let found = classify(snapshot, map, frame);
        lanes.verdict[at] = found.verdict;
        lanes.ingress[at] = found.ingress;
        lanes.same_ingress &= found.ingress == map.untagged;
        lanes.l3[at] = found.l3;
        lanes.destination[at] = found.destination;
        lanes.any[0] |= found.verdict == Verdict::Lookup;
        lanes.any[1] |= found.verdict == Verdict::Lookup6;
        tally.count(state, found.ingress, 1, frame.len().saturating_sub(usize::from(found.l3)));
    }
    tally.count(state, map.untagged, packets, bytes - packets * ethernet::HEADER_LEN);
    tally.fold(state);
}

/// Receive counters of the interface at hand, folded when it changes and at the end of the burst.
#[derive(Default)]
struct Tally {
    interface: u16,
    packets: u64,
    bytes: u64,
}

impl Tally {
    #[inline]
    fn count(&mut self, state: &State, interface: u16, packets: usize, bytes: usize) {
        if interface != self.interface {
            self.fold(state);
            self.interface = interface;
        }
        self.packets += packets as u64;
        self.bytes += bytes as u64;
    }

    fn fold(&mut self, state: &State) {
        if let Some(counters) = state.link.counters.interfaces.get(usize::from(self.interface)) {
            counters.rx_packets.add(self.packets);
            counters.rx_bytes.add(self.bytes);
        }
        (self.packets, self.bytes) = (0, 0);
    }
}

/// Finds out what becomes of any frame.
pub fn classify(snapshot: &Snapshot, map: &PortMap, frame: &[u8]) -> Classified {
    let Ok(header) = Ethernet::check(frame) else {
        return Classified::drop(DropReason::FrameTooShort, NO_INTERFACE);
    };
    let (mut ether_type, mut l3, mut ingress) = (header.ether_type(), ethernet::HEADER_LEN, map.untagged);
    if ether_type == ethernet::ETHERTYPE_VLAN || ether_type == ethernet::ETHERTYPE_QINQ {
        match untag(map, frame) {
            Ok(tagged) => (ether_type, l3, ingress) = tagged,
            Err(reason) => return Classified::drop(reason, NO_INTERFACE),
        }
    }
    let Some(interface) = snapshot.interfaces.get(usize::from(ingress)) else {
        let reason = if l3 == ethernet::HEADER_LEN { DropReason::NoInterface } else { DropReason::UnknownVlan };
        return Classified::drop(reason, NO_INTERFACE);
    };
    if !interface.up {
        return Classified::drop(DropReason::InterfaceDown, ingress);
    }
    let group = header.is_group();
    if !group && header.destination_bytes() != interface.mac.as_bytes() {
        return Classified::drop(DropReason::NotForUs, ingress);
    }
    let found = |verdict, destination| Classified { verdict, ingress, l3: l3 as u8, destination };
    match ether_type {
        ethernet::ETHERTYPE_IPV4 => match ipv4(snapshot, interface.vrf, &frame[l3..], group) {
            Ok((verdict, destination)) => found(verdict, destination),
            Err(reason) => found(Verdict::Drop(reason), 0),
        },
        ethernet::ETHERTYPE_ARP => found(Verdict::Punt, 0),
        ethernet::ETHERTYPE_IPV6 => {
            found(ip6::input::check(snapshot, interface, &frame[l3..], group).unwrap_or_else(Verdict::Drop), 0)
        }
        _ => found(Verdict::Drop(DropReason::UnknownEtherType), 0),
    }
}

/// The inner type, the offset of the payload and the interface of a tagged frame.
fn untag(map: &PortMap, frame: &[u8]) -> Result<(u16, usize, u16), DropReason> {
    let tags = vlan::Tags::check(frame).map_err(|_| DropReason::FrameTooShort)?;
    let ingress = match *tags.ids() {
        // IEEE 802.1Q: VLAN 0 carries a priority and no VLAN: the frame is treated as untagged.
        [] | [0] => map.untagged,
        [vlan] | [0, vlan] | [vlan, 0] => map.by_vlan(vlan),
        [outer, inner, ..] => map.by_vlans(outer, inner),
    };
    if ingress == NO_INTERFACE {
        return Err(DropReason::UnknownVlan);
    }
    Ok((tags.ether_type(), tags.payload_offset(), ingress))
}

/// The checks of RFC 1812 5.2.2 and 5.3.7, and what they leave to decide.
#[inline]
fn ipv4(snapshot: &Snapshot, vrf: u16, packet: &[u8], group: bool) -> Result<(Verdict, u32), DropReason> {
    let view = Ipv4::check(packet).map_err(|error| match error {
        Ipv4Error::TooShort => DropReason::Ip4TooShort,
        Ipv4Error::BadChecksum => DropReason::Ip4BadChecksum,
        Ipv4Error::BadVersion => DropReason::Ip4BadVersion,
        Ipv4Error::BadHeaderLength => DropReason::Ip4BadHeaderLength,
        Ipv4Error::TotalLengthShort | Ipv4Error::TotalLengthLong => DropReason::Ip4BadTotalLength,
    })?;
    let (source, destination) = (view.source_bits(), view.destination_bits());
    // RFC 1812 5.3.7: "An IP source address is invalid if it is a special IP address, as defined in 4.2.2.11 or 5.3.7, or
    // is not a unicast address." Of the special ones, network 0, network 127 and everything from class D up. Network 0
    // includes 0.0.0.0, which a host that has no address yet sends from (RFC 2131): it is not forwarded either.
    if matches!(source >> 24, 0 | 127 | 224..) {
        return Err(DropReason::MartianSource);
    }
    let Some(forbidden) = snapshot.vrfs.get(usize::from(vrf)).map(|there| &there.forbidden) else {
        return Err(DropReason::InterfaceDown);
    };
    if forbidden.may_hold(source) {
        if forbidden.is_own(source) {
            return Err(DropReason::OwnSource);
        }
        if forbidden.is_broadcast(source) {
            return Err(DropReason::MartianSource);
        }
    }
    // RFC 1812 5.3.7: "A router SHOULD NOT forward any packet that has an invalid IP destination address or a destination
    // address on network 0." Network 127 and class E are others; multicast and the limited broadcast have reasons of their own.
    match destination >> 24 {
        0 | 127 => return Err(DropReason::MartianDestination),
        224..=239 => return Err(DropReason::Multicast),
        240.. if destination == u32::MAX => return Err(DropReason::Broadcast),
        240.. => return Err(DropReason::MartianDestination),
        _ => {}
    }
    if group {
        // RFC 1812 5.3.4: "A router MUST NOT forward any packet that the router received as a Link Layer broadcast, unless
        // it is directed to an IP Multicast address."
        return Err(if forbidden.is_broadcast(destination) {
            DropReason::DirectedBroadcast
        } else {
            DropReason::LinkBroadcast
        });
    }
    let plain = view.header_len() == 20;
    Ok((if plain { Verdict::Lookup } else { Verdict::Exception }, destination))
}
