//! The route cache: a worker's own small table of decisions, in front of the FIB. Direct-mapped, fixed in size.
//!
//! An entry is good for the packets of one key, under the generation it was filled in, until its time is out. The key is
//! all that the decision depends on, so an entry saves all of it: the lookup, the path of several, the source check, the
//! adjacency. The generation belongs to whoever decides: one increment invalidates every entry at once.
//!
//! The hash is keyed, and the key is drawn at random, so nobody outside can aim traffic at one slot. A cache is fast only
//! for whoever sends the same thing again, and a flood of random destinations would make every packet pay for a probe and a
//! fill in vain; in front of a lookup that costs little even a hit can be a loss. So in mode [`CacheMode::Auto`] it
//! measures: a few bursts with the cache, a few without, and then for long whatever was cheaper. With few hits it does not
//! even compare. Linux took its route cache out in 3.6 because it had no such way out.

use thiserror::Error;

/// The most entries a cache can have. Above it a cache is no longer small beside the FIB.
pub const MAX_ENTRIES: usize = 1 << 20;

/// The entries a cache has unless configured otherwise.
pub const DEFAULT_ENTRIES: usize = 256;

/// Bursts that fill the cache before it is measured.
const WARM_UP: u32 = 64;

/// Bursts of one measure, and measures with and without the cache. The lowest counts: an interrupt only ever adds.
const MEASURE: u32 = 16;
const MEASURES: u32 = 4;

/// Bursts for which what was cheaper is kept: the trials are then less than one burst in a hundred.
const SETTLED: u32 = 1 << 14;

/// Each time that it does not pay again, it stays aside twice as long, up to this many times.
const LONGEST_ASIDE: u32 = 8;

/// With fewer hits than one probe in so many, the cache does not pay, whatever a lookup costs.
const ONE_HIT_IN: u32 = 4;

/// When the cache is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMode {
    /// When it pays.
    Auto,
    /// Always.
    On,
}

/// The number of entries that a cache cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a route cache has a power of two of entries, at most {MAX_ENTRIES}, not {0}; {DEFAULT_ENTRIES} is a good number"
)]
pub struct BadSize(pub usize);

/// What a decision depends on.
pub trait CacheKey: Copy + Eq + Default {
    /// A hash of it that nobody can foretell who does not know the secrets.
    fn hash(&self, secrets: [u64; 3]) -> u64;
}

/// Both halves of the product of two words, folded: a step of a keyed hash.
#[inline]
pub fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

#[derive(Clone, Copy)]
struct Slot<K, D> {
    key: K,
    generation: u32,
    /// The tick of the fill.
    filled_at: u32,
    /// Packets that this entry decided, the one that filled it included. Zero marks an empty slot.
    uses: u32,
    decision: D,
}

/// What happened to the probes so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CacheStats {
    /// Probes that found their key.
    pub hits: u64,
    /// Probes that did not.
    pub misses: u64,
    /// Packets that came while the cache had stepped aside.
    pub bypassed: u64,
    /// Times that the cache stepped aside.
    pub asides: u64,
}

/// One live entry, for `show cache`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheEntry<K, D> {
    /// What it is for.
    pub key: K,
    /// What was decided about it.
    pub decision: D,
    /// Ticks since the fill.
    pub age: u32,
    /// Packets that this entry decided.
    pub uses: u32,
}

/// What the cache is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// In use, not yet measured.
    WarmUp,
    /// In use and measured.
    With,
    /// Aside and measured.
    Without,
    /// In use for now.
    InUse,
    /// Aside for now.
    Aside,
}

/// A worker's own cache of decisions. It allocates when it is made and never after.
pub struct RouteCache<K, D> {
    slots: Box<[Slot<K, D>]>,
    secrets: [u64; 3],
    shift: u32,
    timeout: u32,
    mode: CacheMode,
    phase: Phase,
    /// Bursts left in the phase.
    left: u32,
    /// Hits and probes since the phase began.
    sample: (u32, u32),
    /// Cycles and packets of the measure at hand.
    measure: (u64, u64),
    /// The lowest cost of the phase, in 256ths of a cycle a packet; and that of the phase with the cache.
    lowest: u64,
    with: u64,
    patience: u32,
    stats: CacheStats,
}

impl<K: CacheKey, D: Copy + Default> RouteCache<K, D> {
    /// An empty cache. An entry lives for `timeout_ticks` ticks of the clock that the caller passes to the other
    /// calls. `seed` keys the hash: take it from a source of randomness, another one for each worker.
    ///
    /// # Errors
    /// [`BadSize`] unless `entries` is a power of two and at most [`MAX_ENTRIES`].
    pub fn new(entries: usize, mode: CacheMode, timeout_ticks: u32, seed: u64) -> Result<Self, BadSize> {
        if !entries.is_power_of_two() || entries > MAX_ENTRIES {
            return Err(BadSize(entries));
        }
        let empty = Slot { key: K::default(), generation: 0, filled_at: 0, uses: 0, decision: D::default() };
        let mut random = fastrand::Rng::with_seed(seed);
        Ok(Self {
            slots: vec![empty; entries].into_boxed_slice(),
            secrets: std::array::from_fn(|_| random.u64(..) | 1),
            shift: u64::BITS - entries.trailing_zeros(),
            timeout: timeout_ticks,
            mode,
            phase: Phase::WarmUp,
            left: WARM_UP,
            sample: (0, 0),
            measure: (0, 0),
            lowest: u64::MAX,
            with: 0,
            patience: 1,
            stats: CacheStats::default(),
        })
    }

    /// Whether the cache is to be probed and filled for the burst at hand.
    #[inline]
    pub fn is_used(&self) -> bool {
        !self.is_aside()
    }

    /// Whether it now finds out what is cheaper, so that [`RouteCache::end_burst`] wants to know what a burst has cost.
    #[inline]
    pub fn compares(&self) -> bool {
        self.mode == CacheMode::Auto && matches!(self.phase, Phase::With | Phase::Without)
    }

    /// Takes down what looking a burst up has cost, with the cache or without it.
    #[inline]
    pub fn end_burst(&mut self, cycles: u64, packets: u32) {
        if self.mode == CacheMode::On || packets == 0 {
            return;
        }
        if self.is_aside() {
            self.stats.bypassed += u64::from(packets);
        }
        self.measure.0 += cycles;
        self.measure.1 += u64::from(packets);
        self.left -= 1;
        if self.left.is_multiple_of(MEASURE) {
            self.lowest = self.lowest.min((self.measure.0 << 8) / self.measure.1);
            self.measure = (0, 0);
            if self.left == 0 {
                self.judge();
            }
        }
    }

    /// The decision filled for `key`, if it was filled under this generation and within the time-out.
    ///
    /// `now` is a coarse clock in ticks of the caller's choosing. It must not wrap while the cache lives: ticks of
    /// 100 ms last for 13 years.
    #[inline]
    pub fn probe(&mut self, key: K, generation: u32, now: u32) -> Option<D> {
        let index = self.index(&key);
        let slot = &mut self.slots[index];
        self.sample.1 = self.sample.1.wrapping_add(1);
        // A clock that went back makes the age huge, which is a miss.
        if slot.key == key
            && slot.generation == generation
            && slot.uses != 0
            && now.wrapping_sub(slot.filled_at) < self.timeout
        {
            slot.uses = slot.uses.saturating_add(1);
            self.sample.0 = self.sample.0.wrapping_add(1);
            self.stats.hits += 1;
            return Some(slot.decision);
        }
        self.stats.misses += 1;
        None
    }

    /// Remembers a decision, in the place of whatever shares its slot.
    ///
    /// `generation` is the one under which the decision was made, read before the lookup: a change that came in
    /// between then makes the entry a miss.
    #[inline]
    pub fn fill(&mut self, key: K, generation: u32, now: u32, decision: D) {
        let index = self.index(&key);
        self.slots[index] = Slot { key, generation, filled_at: now, uses: 1, decision };
    }

    /// Empties the cache. The statistics stay.
    pub fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.uses = 0;
        }
    }

    /// Whether the cache has stepped aside for now because it does not pay.
    #[inline]
    pub fn is_aside(&self) -> bool {
        matches!(self.phase, Phase::Without | Phase::Aside)
    }

    /// What happened to the probes so far.
    pub fn stats(&self) -> CacheStats {
        self.stats
    }

    /// How many entries the cache has room for.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The entries that a probe would find now, in no order that means anything. Their count is the cache's
    /// occupancy.
    pub fn entries(&self, generation: u32, now: u32) -> impl Iterator<Item = CacheEntry<K, D>> + '_ {
        self.slots.iter().filter_map(move |slot| {
            let age = now.wrapping_sub(slot.filled_at);
            (slot.uses != 0 && slot.generation == generation && age < self.timeout).then_some(CacheEntry {
                key: slot.key,
                decision: slot.decision,
                age,
                uses: slot.uses,
            })
        })
    }

    #[inline]
    fn index(&self, key: &K) -> usize {
        // A single entry needs no bits at all, and a shift by all 64 of them would not give zero.
        key.hash(self.secrets).checked_shr(self.shift).unwrap_or(0) as usize
    }

    /// Ends a phase.
    #[cold]
    fn judge(&mut self) {
        let (hits, probes) = self.sample;
        let few = u64::from(hits) * u64::from(ONE_HIT_IN) < u64::from(probes);
        let next = match self.phase {
            Phase::WarmUp => Phase::With,
            Phase::With if few => Phase::Aside,
            Phase::With => {
                self.with = self.lowest;
                Phase::Without
            }
            Phase::Without if self.with < self.lowest => Phase::InUse,
            Phase::Without => Phase::Aside,
            Phase::InUse | Phase::Aside => Phase::WarmUp,
        };
        match next {
            Phase::Aside => {
                self.stats.asides += 1;
                self.left = SETTLED * self.patience;
                self.patience = (self.patience * 2).min(LONGEST_ASIDE);
            }
            Phase::InUse => {
                self.left = SETTLED;
                self.patience = 1;
            }
            Phase::WarmUp => self.left = WARM_UP,
            Phase::With | Phase::Without => self.left = MEASURE * MEASURES,
        }
        self.phase = next;
        self.sample = (0, 0);
        self.lowest = u64::MAX;
    }
}

#[cfg(test)]
mod tests;
