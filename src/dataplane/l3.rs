//! Mode `l3`, the router: one pass a burst, stage by stage.

use super::family::Family;
use super::lanes::Lanes;
use super::snapshot::Snapshot;
use super::stage::Stage;
use super::state::State;
use super::{dispatch, input, lookup, rewrite};
use crate::fib::cache::RouteCache;
use ringway_mempool::{Burst, cycles};

/// Routes a burst that came in on `port` and was polled at `start`; the burst is empty after. Returns when that was done.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst, start: u64) -> u64 {
    let count = burst.len();
    let mut lanes = Lanes::new();
    input::run(snapshot, state, port, burst, &mut lanes);
    let input = state.end_stage(Stage::Input, start, count);
    if lanes.any[0] {
        look_up::<u32>(snapshot, state, burst, &mut lanes);
    }
    if lanes.any[1] {
        look_up::<u128>(snapshot, state, burst, &mut lanes);
    }
    let lookup = state.end_stage(Stage::Lookup, input, count);
    rewrite::run(snapshot, state, burst, &mut lanes);
    let rewrite = state.end_stage(Stage::Rewrite, lookup, count);
    dispatch::run(snapshot, state, burst, &lanes);
    state.end_stage(Stage::Dispatch, rewrite, count)
}

/// Looks the packets of one family up, and tells its route cache what that has cost while it compares.
#[inline]
fn look_up<A: Family>(snapshot: &Snapshot, state: &mut State, burst: &Burst, lanes: &mut Lanes) {
    let compares = A::cache(state).as_ref().is_some_and(RouteCache::compares);
    let start = if compares { cycles() } else { 0 };
    let asked = lookup::run::<A>(snapshot, state, burst, lanes);
    if let Some(cache) = A::cache(state) {
        let spent = if compares { cycles().wrapping_sub(start) } else { 0 };
        cache.end_burst(spent, asked as u32);
    }
}
