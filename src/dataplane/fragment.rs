//! Fragmentation on the way out, as RFC 791 3.2 describes it.
//!
//! All buffers that the fragments need are reserved before the packet is touched: either all fragments go or none. The
//! first fragment stays in the packet's own buffer. A packet that is a fragment already is cut again.

use super::drop_reason::DropReason;
use super::egress::{Egress, send};
use super::packet::Packet;
use super::state::State;
use crate::wire::ipv4::{self, Ipv4};
use crate::wire::options;
use ringway_mempool::Burst;

/// Longest IPv4 header.
const LONGEST_HEADER: usize = 60;

/// Buffers that one packet can need beside its own: a 9216-byte packet at RFC 791's smallest MTU of 68 would need 192; beyond
/// the 32 of a burst the packet is dropped, which an MTU of 576 or more never comes to with frames up to 9216.
pub const RESERVE: u32 = ringway_mempool::BURST as u32;

/// Cuts a packet into fragments that fit the egress and sends them in order.
pub fn split(state: &mut State, packet: Packet, egress: &Egress) {
    let Packet { mut mbuf, ingress, vrf } = packet;
    let Ok(view) = Ipv4::check(state.pool.frame(&mbuf)) else {
        return state.discard(mbuf, DropReason::Ip4TooShort, ingress);
    };
    let (header_len, total) = (usize::from(view.header_len()), usize::from(view.total_len()));
    let (offset, more) = (view.fragment_offset(), view.more_fragments());
    // The header of the later fragments: the first 20 bytes, and the options whose copied flag is set.
    let mut later = [0; LONGEST_HEADER];
    let kept = options::strip_for_fragment(view.options(), &mut later[20..]);
    let later_len = 20 + kept;
    let mtu = usize::from(egress.mtu);
    // RFC 791 3.2: all fragments but the last carry a multiple of 8 bytes.
    let first_data = mtu.saturating_sub(header_len) & !7;
    let later_data = mtu.saturating_sub(later_len) & !7;
    if first_data == 0 || later_data == 0 {
        return state.discard(mbuf, DropReason::MtuExceeded, ingress);
    }
    let data = total - header_len;
    if usize::from(offset) + data > usize::from(u16::MAX) {
        // No packet is that long (RFC 791 3.1: the total length has 16 bits), and the offsets could not be written.
        return state.discard(mbuf, DropReason::Ip4BadTotalLength, ingress);
    }
    let extra = data.saturating_sub(first_data).div_ceil(later_data);
    let mut reserve = Burst::new();
    while reserve.len() < extra {
        let taken = state.pool.take();
        let Some(Ok(())) = taken.map(|mbuf| reserve.push(mbuf).map_err(|mbuf| state.pool.give(mbuf))) else {
            state.pool.give_burst(&mut reserve);
            return state.discard(mbuf, DropReason::FragmentReserve, ingress);
        };
    }
    later[..20].copy_from_slice(&state.pool.frame(&mbuf)[..20]);
    state.link.counters.fragmented.add(1);
    state.link.counters.fragments.add(extra as u64 + 1);

    let mut at = first_data;
    let mut tails = Burst::new();
    for mut tail in reserve.drain_front(extra) {
        let len = later_data.min(data - at);
        let last = at + len == data;
        ipv4::set_fragment(&mut later[..later_len], (later_len + len) as u16, offset + at as u16, more || !last);
        let whole = state.pool.append(&mut tail, &later[..later_len])
            && state.pool.append_from(&mut tail, &mbuf, header_len + at, len);
        debug_assert!(whole, "a fragment is shorter than the packet, which fitted a buffer");
        at += len;
        if let Err(tail) = tails.push(tail) {
            state.pool.give(tail);
        }
    }
    mbuf.truncate((header_len + first_data) as u16);
    let len = mbuf.len();
    ipv4::set_fragment(&mut state.pool.frame_mut(&mbuf)[..header_len], len, offset, true);
    send(state, Packet { mbuf, ingress, vrf }, egress);
    for mbuf in tails.drain_front(extra) {
        send(state, Packet { mbuf, ingress, vrf }, egress);
    }
}
