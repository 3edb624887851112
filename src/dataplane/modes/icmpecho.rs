//! Mode `icmpecho`: answers ARP requests and echo requests for any address, as testpmd's does, and neighbor solicitations and echo
//! requests of IPv6; drops the rest.

use crate::dataplane::deliver::echo_reply;
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::ip6::OUR_HOP_LIMIT;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::wire::arp::{Arp, REQUEST};
use crate::wire::ethernet::{self, Ethernet};
use crate::wire::icmpv6;
use crate::wire::ipv6::{self, Ipv6};
use crate::wire::nd::{self, Advertisement, Message};
use crate::wire::vlan;
use macaddr::MacAddr6;
use ringway_mempool::Burst;

/// Answers a burst on the port it came from; the burst is empty after.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    let ours = snapshot.ports.get(usize::from(port)).map_or(MacAddr6::nil(), |map| map.mac);
    for mbuf in burst.drain_front(burst.len()) {
        if answer(state.pool.frame_mut(&mbuf), ours) {
            state.staging.stage(&mut state.pool, &state.link.counters, port, mbuf);
        } else {
            state.discard(mbuf, DropReason::NoPeer, None);
        }
    }
}

/// Turns a request into its answer; false, with the frame as it was or not, when it asks nothing.
fn answer(frame: &mut [u8], ours: MacAddr6) -> bool {
    let Ok(header) = Ethernet::check(frame) else { return false };
    let (ether_type, l3) = match vlan::Tags::check(frame) {
        Ok(tags) => (tags.ether_type(), tags.payload_offset()),
        Err(_) => (header.ether_type(), ethernet::HEADER_LEN),
    };
    let asker = header.source();
    let payload = &mut frame[l3..];
    let answered = match ether_type {
        ethernet::ETHERTYPE_ARP => match Arp::check(payload) {
            Ok(arp) if arp.operation == REQUEST => {
                let reply = arp.reply_from(ours).emit();
                payload[..reply.len()].copy_from_slice(&reply);
                true
            }
            _ => false,
        },
        ethernet::ETHERTYPE_IPV4 => echo_reply(payload),
        ethernet::ETHERTYPE_IPV6 => answer6(payload, ours),
        _ => false,
    };
    if answered && let Some(head) = frame.first_chunk_mut::<12>() {
        head[..6].copy_from_slice(asker.as_bytes());
        head[6..].copy_from_slice(ours.as_bytes());
    }
    answered
}

/// The same for a packet of IPv6.
fn answer6(packet: &mut [u8], ours: MacAddr6) -> bool {
    let Ok(view) = Ipv6::check(packet) else { return false };
    let (asker, asked, total) = (view.source(), view.destination(), view.total_len());
    if view.next_header() != ipv6::ICMPV6 || asker.is_unspecified() {
        // A probe for a duplicate comes from nobody (RFC 4862 5.4.2): who answers it takes every address from its owner.
        return false;
    }
    if let Ok(Message::Solicitation(solicitation)) = nd::check(&view) {
        let (router, solicited, overrides) = (false, true, true);
        let target_link = Some(ours);
        let told = Advertisement { router, solicited, overrides, target: solicitation.target, target_link };
        let (answer, len) = told.packet(solicitation.target, asker);
        // As long as the solicitation, unless that came without its sender's address.
        let fits = len == total;
        if fits {
            packet[..len].copy_from_slice(&answer[..len]);
        }
        return fits;
    }
    if icmpv6::checked_type(view.payload(), asker, asked) != Some(icmpv6::ECHO_REQUEST) || asked.is_multicast() {
        return false;
    }
    ipv6::swap_addresses(packet);
    ipv6::set_hop_limit(packet, OUR_HOP_LIMIT);
    icmpv6::request_into_reply(&mut packet[ipv6::HEADER_LEN..total], asked, asker)
}
