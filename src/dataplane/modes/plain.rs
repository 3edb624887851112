//! The modes that look at no more than the Ethernet header: `io`, `mac`, `macswap`, `rxonly`.
//!
//! Unless told otherwise ports are paired as testpmd's default topology does: 0 with 1, 2 with 3; a last odd port with itself.

use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::wire::ethernet;
use macaddr::MacAddr6;
use ringway_mempool::{Burst, Mbuf, Pool};

/// The other port of a pair.
pub fn paired(ports: usize, port: u16) -> u16 {
    let other = port ^ 1;
    if usize::from(other) < ports { other } else { port }
}

/// The address that is sent to on a port, unless told otherwise: testpmd's 02:00:00:00:00:NN.
pub fn peer_mac(port: u16) -> MacAddr6 {
    MacAddr6::new(2, 0, 0, 0, 0, port as u8)
}

/// The addresses of a frame that leaves by a port: to its station, from the port.
pub fn addresses(snapshot: &Snapshot, port: u16) -> [u8; 12] {
    let mut addresses = [0; 12];
    addresses[..6].copy_from_slice(snapshot.modes.peer(port).as_bytes());
    let source = snapshot.ports.get(usize::from(port)).map_or(MacAddr6::nil(), |map| map.mac);
    addresses[6..].copy_from_slice(source.as_bytes());
    addresses
}

/// Mode `io`: every frame to the other port, untouched.
pub fn io(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    let to = snapshot.modes.target(port).unwrap_or(port);
    state.staging.stage_burst(&mut state.pool, &state.link.counters, to, burst);
}

/// As [`io`], with the tag of `tx_vlan` put on first where there is one.
pub fn tagged(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    if let Some(tag) = snapshot.modes.tag(snapshot.modes.target(port).unwrap_or(port)) {
        for mbuf in burst.as_mut_slice() {
            put_on(&mut state.pool, mbuf, tag);
        }
    }
    io(snapshot, state, port, burst);
}

/// Puts a tag between the addresses and the type. A frame without addresses, or without room in front, stays as it is.
pub fn put_on(pool: &mut Pool, mbuf: &mut Mbuf, tag: [u8; 4]) {
    if mbuf.len() < 14 || !pool.prepend(mbuf, 4) {
        return;
    }
    let frame = pool.frame_mut(mbuf);
    frame.copy_within(4..16, 0);
    frame[12..16].copy_from_slice(&tag);
}

/// Mode `mac`: from the sending port's address, to the configured station.
pub fn mac(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    let addresses = addresses(snapshot, snapshot.modes.target(port).unwrap_or(port));
    for mbuf in burst.as_slice() {
        if let Some(head) = state.pool.frame_mut(mbuf).first_chunk_mut::<12>() {
            *head = addresses;
        }
    }
    tagged(snapshot, state, port, burst);
}

/// Mode `macswap`: source and destination change places.
pub fn macswap(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    for mbuf in burst.as_slice() {
        if let Some(head) = state.pool.frame_mut(mbuf).first_chunk_mut::<12>() {
            ethernet::swap_addresses(head);
        }
    }
    tagged(snapshot, state, port, burst);
}

/// Mode `rxonly`: receives and drops.
pub fn rxonly(state: &mut State, burst: &mut Burst) {
    for mbuf in burst.drain_front(burst.len()) {
        state.discard(mbuf, DropReason::ReceiveOnly, None);
    }
}
