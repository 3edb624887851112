//! Under load the kernel receives in batches.
//!
//! A virtual device has no interrupts to wait for: its peer's kernel works for each frame at once, a turn of its own each time, and
//! frames come to us one by one. A timer lets it take what has gathered instead, which halves the cost of receiving a frame (see
//! `docs/benchmarking.md`) and fills our bursts, at the price of the time that a frame waits. So it is used only while there
//! is load, which the control thread looks at as often as at the link.

use crate::linux::Device;
use std::sync::Mutex;
use std::time::Instant;

/// Frames a second from which on receive work is deferred, and below which it is not any more.
const BUSY: u64 = 50_000;
const CALM: u64 = 25_000;

/// Whether the receive work of a device is deferred, and what it received until when.
#[derive(Debug)]
pub(super) struct Pace {
    microseconds: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    deferred: bool,
    frames: u64,
    looked: Instant,
}

impl Pace {
    /// By a timer of so many microseconds.
    pub fn new(microseconds: u32) -> Self {
        Self { microseconds, state: Mutex::new(State { deferred: false, frames: 0, looked: Instant::now() }) }
    }

    /// Follows the load: `frames` were received by now.
    pub fn follow(&self, device: &Device, frames: u64) {
        let Ok(mut state) = self.state.lock() else { return };
        let milliseconds = state.looked.elapsed().as_millis() as u64;
        if milliseconds == 0 {
            return;
        }
        let wanted = worthwhile(state.deferred, frames.saturating_sub(state.frames) * 1000 / milliseconds);
        if wanted != state.deferred && device.defer(wanted.then_some(self.microseconds)) {
            state.deferred = wanted;
        }
        (state.frames, state.looked) = (frames, Instant::now());
    }

    /// For the operator.
    pub fn fact(&self) -> String {
        let now = self.state.lock().is_ok_and(|state| state.deferred);
        format!("every {} us under load; now {}", self.microseconds, if now { "so" } else { "at once" })
    }
}

/// Whether to defer at so many frames a second.
fn worthwhile(deferred: bool, rate: u64) -> bool {
    rate >= if deferred { CALM } else { BUSY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_has_to_fall_by_half_before_frames_are_received_one_by_one_again() {
        let follow = |rates: &[u64]| {
            rates.iter().fold((false, Vec::new()), |(deferred, mut seen), rate| {
                let now = worthwhile(deferred, *rate);
                seen.push(now);
                (now, seen)
            })
        };
        assert_eq!(
            follow(&[0, 49_999, 50_000, 30_000, 25_000, 24_999, 30_000]).1,
            [false, false, true, true, true, false, false]
        );
    }
}
