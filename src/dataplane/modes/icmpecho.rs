//! Mode `icmpecho`: answers ARP requests and echo requests for any address, as testpmd's does; drops the rest.

use crate::dataplane::deliver::echo_reply;
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::wire::arp::{Arp, REQUEST};
use crate::wire::ethernet::{self, Ethernet};
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
        _ => false,
    };
    if answered && let Some(head) = frame.first_chunk_mut::<12>() {
        head[..6].copy_from_slice(asker.as_bytes());
        head[6..].copy_from_slice(ours.as_bytes());
    }
    answered
}
