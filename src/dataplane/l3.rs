//! Mode `l3`, the router: one pass a burst, stage by stage.

use super::family::Family;
use super::lanes::Lanes;
use super::snapshot::Snapshot;
use super::stage::Stage;
use super::state::State;
use super::{dispatch, input, lookup, rewrite};
use ringway_mempool::{Burst, cycles};

/// Routes a burst that came in on `port` and was polled at `start`; the burst is empty after. Returns when that was done.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst, start: u64) -> u64 {
    let count = burst.len();
    let mut lanes = Lanes::new();
    input::run(snapshot, state, port, burst, &mut lanes);
    let input = cycles();
    let mut lookup = input;
    if lanes.any[0] {
        lookup = look_up::<u32>(snapshot, state, burst, &mut lanes, lookup);
    }
    if lanes.any[1] {
        lookup = look_up::<u128>(snapshot, state, burst, &mut lanes, lookup);
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

/// Looks the packets of one family up, from `start` on; returns when that was done.
#[inline]
fn look_up<A: Family>(snapshot: &Snapshot, state: &mut State, burst: &Burst, lanes: &mut Lanes, start: u64) -> u64 {
    let asked = lookup::run::<A>(snapshot, state, burst, lanes);
    let end = cycles();
    if let Some(cache) = A::cache(state) {
        cache.end_burst(end.wrapping_sub(start), asked as u32);
    }
    end
}
