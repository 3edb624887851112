//! Mode `l3`, the router: one pass a burst, stage by stage.

use super::lanes::Lanes;
use super::snapshot::Snapshot;
use super::stage::Stage;
use super::state::State;
use super::{dispatch, input, ip6, lookup, rewrite};
use ringway_mempool::{Burst, cycles};

/// Routes a burst that came in on `port` and was polled at `start`; the burst is empty after. Returns when that was done.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst, start: u64) -> u64 {
    let count = burst.len();
    let mut lanes = Lanes::new();
    input::run(snapshot, state, port, burst, &mut lanes);
    let input = cycles();
    lookup::run(snapshot, state, burst, &mut lanes);
    if lanes.any6 {
        ip6::lookup::run(snapshot, state, burst, &mut lanes);
    }
    let lookup = cycles();
    if let Some(cache) = &mut state.cache {
        cache.end_burst(lookup.wrapping_sub(input), count as u32);
    }
    rewrite::run(snapshot, state, burst, &mut lanes);
    let rewrite = cycles();
    dispatch::run(snapshot, state, burst, &lanes);
    let dispatch = cycles();
    let counters = &state.link.counters;
    counters.stage(Stage::Input, input.wrapping_sub(start), count);
    counters.stage(Stage::Lookup, lookup.wrapping_sub(input), count);
    counters.stage(Stage::Rewrite, rewrite.wrapping_sub(lookup), count);
    counters.stage(Stage::Dispatch, dispatch.wrapping_sub(rewrite), count);
    dispatch
}
