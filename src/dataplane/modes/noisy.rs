//! Mode `noisy`: forwards as `io` does, after a stay in a buffer and a load of random memory accesses, as a network function
//! with a large working set would.
//!
//! Buffer and memory are made at the start and never grow. What the buffer holds counts as held in the audit, and its room is in
//! the budget.

use super::plain;
use super::settings::NoisySettings;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use ringway_mempool::{BURST, Burst, Custody, Mbuf, Pool};
use std::collections::VecDeque;

/// Words in a megabyte of memory.
const WORDS_A_MEGABYTE: usize = (1 << 20) / size_of::<u64>();

/// A worker's buffer and memory.
pub struct Noisy {
    kept: VecDeque<(u16, Mbuf)>,
    room: usize,
    memory: Box<[u64]>,
    random: u64,
    /// Time-stamp counter when packets were last sent.
    sent: u64,
}

impl Noisy {
    /// Room for so many packets, and so many megabytes to read and write.
    pub fn new(room: u16, megabytes: u16, seed: u64, now: u64) -> Self {
        Self {
            kept: VecDeque::with_capacity(usize::from(room)),
            room: usize::from(room),
            memory: vec![0; usize::from(megabytes) * WORDS_A_MEGABYTE].into_boxed_slice(),
            random: seed | 1,
            sent: now,
        }
    }

    /// Packets kept, for the audit.
    pub fn held(&self) -> u32 {
        self.kept.len() as u32
    }

    /// A packet on its way to `port`: kept; comes back when there is no room.
    fn keep(&mut self, pool: &mut Pool, port: u16, mbuf: Mbuf) -> Result<(), Mbuf> {
        if self.kept.len() == self.room {
            return Err(mbuf);
        }
        pool.mark(&mbuf, Custody::Burst, Custody::Held);
        self.kept.push_back((port, mbuf));
        Ok(())
    }

    /// The oldest packet kept, and its port.
    fn release(&mut self, pool: &mut Pool) -> Option<(u16, Mbuf)> {
        let (port, mbuf) = self.kept.pop_front()?;
        pool.mark(&mbuf, Custody::Held, Custody::Burst);
        Some((port, mbuf))
    }

    /// Touches the memory for one packet.
    fn touch(&mut self, settings: &NoisySettings) {
        for _ in 0..settings.writes {
            if let Some(word) = self.place() {
                *word = !*word;
            }
        }
        let mut seen = 0;
        for _ in 0..settings.reads {
            seen ^= self.place().map_or(0, |word| *word);
        }
        std::hint::black_box(seen);
        for _ in 0..settings.reads_writes {
            if let Some(word) = self.place() {
                *word = word.wrapping_add(1);
            }
        }
    }

    /// A random word of the memory, by a xorshift generator.
    fn place(&mut self) -> Option<&mut u64> {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let words = self.memory.len();
        let at = (self.random % words.max(1) as u64) as usize;
        self.memory.get_mut(at)
    }
}

/// Keeps a burst, and sends the oldest where there is no room for it.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    let settings = &snapshot.modes.noisy;
    let to = snapshot.modes.target(port).unwrap_or(port);
    for _ in 0..burst.len() {
        state.noisy.touch(settings);
    }
    if state.noisy.room == 0 {
        return plain::io(snapshot, state, port, burst);
    }
    for mbuf in burst.drain_front(burst.len()) {
        let Err(mbuf) = state.noisy.keep(&mut state.pool, to, mbuf) else { continue };
        state.noisy.sent = state.now;
        if let Some((port, oldest)) = state.noisy.release(&mut state.pool) {
            state.staging.stage(&mut state.pool, &state.link.counters, port, oldest);
        }
        // A place has just become free.
        if let Err(mbuf) = state.noisy.keep(&mut state.pool, to, mbuf) {
            state.staging.stage(&mut state.pool, &state.link.counters, to, mbuf);
        }
    }
}

/// Sends what has been kept too long: a burst a turn.
pub fn tick(snapshot: &Snapshot, state: &mut State) {
    let flush = snapshot.modes.noisy.flush;
    if flush == 0 || state.noisy.kept.is_empty() || state.now.wrapping_sub(state.noisy.sent) < flush {
        return;
    }
    for _ in 0..BURST {
        let Some((port, mbuf)) = state.noisy.release(&mut state.pool) else { break };
        state.staging.stage(&mut state.pool, &state.link.counters, port, mbuf);
    }
    if state.noisy.kept.is_empty() {
        state.noisy.sent = state.now;
    }
}

/// Sends everything that is kept: the mode ends.
pub fn release(state: &mut State) {
    while let Some((port, mbuf)) = state.noisy.release(&mut state.pool) {
        state.staging.stage(&mut state.pool, &state.link.counters, port, mbuf);
    }
}
