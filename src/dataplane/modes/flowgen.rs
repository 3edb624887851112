//! Mode `flowgen`: sends UDP packets whose destination address changes from packet to packet, and drops what it receives.
//!
//! testpmd's packets: from 10.254.0.0 port 1000 to 10.253.0.0 and the addresses after it, port 1001.

use super::{plain, txonly};
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use std::net::Ipv4Addr;

const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 254, 0, 0);
const FIRST_DESTINATION: Ipv4Addr = Ipv4Addr::new(10, 253, 0, 0);

/// Sends one burst on a port; returns how many packets were made.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16) -> usize {
    let bytes = txonly::frame_bytes(snapshot, state);
    let ethernet = plain::addresses(snapshot, port);
    let (flows, first) = (snapshot.modes.flows.max(1), state.next_flow);
    let made = txonly::send(snapshot, state, port, bytes, |place| {
        let flow = (first + place as u32) % flows;
        let destination = Ipv4Addr::from_bits(FIRST_DESTINATION.to_bits() + flow);
        txonly::headers(ethernet, bytes, (SOURCE, destination), (1000, 1001))
    });
    state.next_flow = (first + made as u32) % flows;
    made
}
