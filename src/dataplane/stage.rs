//! The stages of a burst's way, and the clock that times them.

use super::counters::WorkerCounters;
use ringway_mempool::cycles;

/// One turn with packets in so many is timed: six readings of the time-stamp counter cost a burst as much as a stage does.
const TIMED_IN: u32 = 16;

/// A stage of the `l3` way; the other modes have only receive, process and transmit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Reclaiming sent buffers and polling a receive queue.
    Receive,
    /// Ethernet, VLAN and IPv4 header checks.
    Input,
    /// Route cache, FIB, next hop, adjacency.
    Lookup,
    /// Time to live, checksum, new Ethernet header.
    Rewrite,
    /// Packets to their ports, and everything that is not plain forwarding.
    Dispatch,
    /// Handing bursts to the ports.
    Transmit,
}

/// How many stages there are.
pub const STAGES: usize = Stage::ALL.len();

impl Stage {
    /// Every stage in the order a burst passes them.
    pub const ALL: &'static [Self] =
        &[Self::Receive, Self::Input, Self::Lookup, Self::Rewrite, Self::Dispatch, Self::Transmit];

    /// The name that commands print.
    pub fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Input => "input",
            Self::Lookup => "lookup",
            Self::Rewrite => "rewrite",
            Self::Dispatch => "dispatch",
            Self::Transmit => "transmit",
        }
    }
}

/// Times the stages of some turns.
#[derive(Debug, Default)]
pub struct StageClock {
    /// Turns with packets until the next one that is timed; 0: this one is.
    left: u32,
}

impl StageClock {
    /// The turn had packets and is over.
    #[inline]
    pub fn next_turn(&mut self) {
        self.left = self.left.checked_sub(1).unwrap_or(TIMED_IN - 1);
    }

    /// The beginning of a stage.
    #[inline]
    pub fn begin(&self) -> u64 {
        if self.left == 0 { cycles() } else { 0 }
    }

    /// The end of a stage that so many packets passed, and so the beginning of the next: a reading is not free.
    #[inline]
    pub fn end(&self, counters: &WorkerCounters, stage: Stage, began: u64, packets: usize) -> u64 {
        if self.left != 0 {
            return 0;
        }
        let now = cycles();
        counters.stage(stage, now.wrapping_sub(began), packets);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_turn_in_sixteen_is_timed() {
        let (mut clock, counters) = (StageClock::default(), WorkerCounters::new(0, 0));
        for _ in 0..32 {
            let began = clock.begin();
            clock.end(&counters, Stage::Input, began, 10);
            clock.next_turn();
        }
        assert_eq!(counters.stage_packets[Stage::Input as usize].get(), 20);
    }
}
