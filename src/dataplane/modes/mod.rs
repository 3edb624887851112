//! The forwarding modes that do not route: testpmd's, with its meaning; one file a mode or a family of them.
//!
//! A mode is a function over a burst: it leaves the burst empty. Ports are paired as testpmd's default topology does.

mod csum;
mod five_tuple;
mod flowgen;
mod icmpecho;
mod noisy;
mod plain;
mod settings;
mod transport;
mod txonly;

pub use noisy::Noisy;
pub use plain::{paired, peer_mac};
pub use settings::{ModeSettings, NoisySettings, Retry, Verbose};

use super::snapshot::Snapshot;
use super::state::State;
use ringway_config::Mode;
use ringway_mempool::Burst;

/// Hands a burst that came in on `port` to the mode; `l3` is not one of these and leaves the burst as it is.
#[inline]
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    match snapshot.mode {
        Mode::L3 => {}
        Mode::Io => plain::io(snapshot, state, port, burst),
        Mode::Mac => plain::mac(snapshot, state, port, burst),
        Mode::Macswap => plain::macswap(snapshot, state, port, burst),
        Mode::FiveTupleSwap => five_tuple::run(snapshot, state, port, burst),
        Mode::Csum => csum::run(snapshot, state, port, burst),
        Mode::Rxonly | Mode::Txonly | Mode::Flowgen => plain::rxonly(state, burst),
        Mode::Icmpecho => icmpecho::run(snapshot, state, port, burst),
        Mode::Noisy => noisy::run(snapshot, state, port, burst),
    }
}

/// Whether the mode makes packets of its own.
pub fn generates(mode: Mode) -> bool {
    matches!(mode, Mode::Txonly | Mode::Flowgen)
}

/// Makes one burst on a port in the modes that make packets; returns how many.
pub fn generate(snapshot: &Snapshot, state: &mut State, port: u16) -> usize {
    match snapshot.mode {
        Mode::Flowgen => flowgen::run(snapshot, state, port),
        _ => txonly::run(snapshot, state, port),
    }
}

/// Makes the first bursts of `start tx_first` on the ports of this worker's streams.
pub fn transmit_first(snapshot: &Snapshot, state: &mut State, bursts: u32, ports: impl Iterator<Item = u16> + Clone) {
    for _ in 0..bursts {
        for port in ports.clone() {
            txonly::run(snapshot, state, port);
        }
        state.staging.flush(&mut state.pool, &state.link.counters);
        state.staging.reclaim(&mut state.pool);
    }
}

/// Takes over the settings of a new snapshot; what `noisy` keeps is sent once that mode is over, or stopped.
pub fn adopt(snapshot: &Snapshot, state: &mut State) {
    state.staging.retry = snapshot.retry();
    state.staging.observer.verbose = snapshot.modes.verbose;
    if snapshot.mode != Mode::Noisy || !snapshot.forwarding {
        noisy::release(state);
    }
}

/// Lets the staging take everything that a mode keeps, before the worker ends.
pub fn close(state: &mut State) {
    noisy::release(state);
}

/// What a mode does once a turn beside its bursts.
#[inline]
pub fn tick(snapshot: &Snapshot, state: &mut State) {
    if snapshot.mode == Mode::Noisy {
        noisy::tick(snapshot, state);
    }
}
