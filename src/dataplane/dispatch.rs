//! Stage 4 of `l3`: every packet of the burst goes where its verdict says; the burst is empty after.

use super::deliver::punt;
use super::exception;
use super::lanes::{Lanes, Verdict};
use super::message::{Punt, PuntMeta};
use super::packet::Packet;
use super::snapshot::Snapshot;
use super::state::State;
use ringway_mempool::Burst;

/// Empties the burst.
pub fn run(snapshot: &Snapshot, state: &mut State, burst: &mut Burst, lanes: &Lanes) {
    if let Some(port) = lanes.together {
        return state.staging.stage_burst(&mut state.pool, &state.link.counters, port, burst);
    }
    for (at, mut mbuf) in burst.drain_front(burst.len()).enumerate() {
        if lanes.verdict[at] == Verdict::Transmit {
            state.staging.stage(&mut state.pool, &state.link.counters, lanes.port[at], mbuf);
            continue;
        }
        let ingress = Some(lanes.ingress[at]);
        let vrf = snapshot.vrf_of(lanes.ingress[at]);
        match lanes.verdict[at] {
            // Lookup and Rewrite do not outlive their stages; a packet that still carries one is treated with care.
            Verdict::Exception | Verdict::Lookup | Verdict::Lookup6 | Verdict::Rewrite | Verdict::Transmit => {
                mbuf.trim_front(u16::from(lanes.l3[at]));
                exception::transit(snapshot, state, Packet { mbuf, ingress, vrf });
            }
            Verdict::Punt => {
                let meta = PuntMeta { kind: Punt::Arp, interface: lanes.ingress[at], offset: u16::from(lanes.l3[at]) };
                punt(state, Packet { mbuf, ingress, vrf }, meta);
            }
            Verdict::Discovery => {
                let offset = u16::from(lanes.l3[at]);
                let meta = PuntMeta { kind: Punt::Discovery, interface: lanes.ingress[at], offset };
                punt(state, Packet { mbuf, ingress, vrf }, meta);
            }
            Verdict::Drop(reason) => state.discard(mbuf, reason, ingress),
        }
    }
}
