//! Mode `5tswap`: Ethernet addresses, IP addresses and UDP or TCP ports change places.
//!
//! Every checksum stays right: a one's complement sum does not see the order of what it adds (RFC 1071 2 (A)).

use super::plain;
use super::transport::Headers;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::wire::ethernet;
use ringway_mempool::Burst;

/// Sends a burst back where it came from, by the other port.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    for mbuf in burst.as_slice() {
        swap(state.pool.frame_mut(mbuf));
    }
    plain::tagged(snapshot, state, port, burst);
}

fn swap(frame: &mut [u8]) {
    if let Some(head) = frame.first_chunk_mut::<12>() {
        ethernet::swap_addresses(head);
    }
    let Some(headers) = Headers::find(frame) else { return };
    let (start, bytes) = headers.addresses();
    swap_pair(frame, start, bytes);
    if let Some(transport) = headers.transport {
        swap_pair(frame, transport.start, 2);
    }
}

/// Swaps two neighbors of this many bytes.
fn swap_pair(frame: &mut [u8], start: usize, bytes: usize) {
    if let Some(pair) = frame.get_mut(start..start + 2 * bytes) {
        let (one, other) = pair.split_at_mut(bytes);
        one.swap_with_slice(other);
    }
}
