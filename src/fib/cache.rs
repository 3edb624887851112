//! The route cache of one worker: from a destination to everything that was decided about it.
//!
//! Direct-mapped, so a probe is one load and a fill is one store. An entry carries the generation that it was
//! decided under: whoever changes a route, a next hop or a neighbor raises the generation, and all older entries
//! are misses from then on. The hash is keyed, so nobody outside can choose destinations that all fall on one
//! entry.
//!
//! A cache in front of a fast lookup pays only while it hits. Its speed is decided by whoever sends the traffic,
//! and a flood of random destinations would make every packet pay for a probe and a fill in vain. So it samples its
//! own hit rate and steps aside for a while when too few probes hit.

use thiserror::Error;

/// The most entries a cache can have. Above it a cache is no longer small beside the FIB.
pub const MAX_ENTRIES: usize = 1 << 20;

/// The entries a cache has unless configured otherwise.
pub const DEFAULT_ENTRIES: usize = 256;

/// Probes of one sample of the hit rate.
const SAMPLE: u32 = 4096;

/// With fewer hits in a sample than this, half of it, the cache steps aside.
const ENOUGH_HITS: u32 = SAMPLE / 2;

/// Probes for which the cache stays aside before it samples again.
const ASIDE: u32 = 65_536;

/// The number of entries that a cache cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a route cache has a power of two of entries, at most {MAX_ENTRIES}, not {0}; {DEFAULT_ENTRIES} is a good number"
)]
pub struct BadSize(pub usize);

#[derive(Clone, Copy)]
struct Slot<D> {
    destination: u32,
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
    /// Probes that found their destination.
    pub hits: u64,
    /// Probes that did not.
    pub misses: u64,
    /// Probes that were answered with a miss at once because the cache had stepped aside.
    pub bypassed: u64,
    /// Times that the cache stepped aside.
    pub asides: u64,
}

/// One live entry, for `show cache`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheEntry<D> {
    /// The destination (host byte order).
    pub destination: u32,
    /// What was decided about it.
    pub decision: D,
    /// Ticks since the fill.
    pub age: u32,
    /// Packets that this entry decided.
    pub uses: u32,
}

/// A worker's own cache of decisions. It allocates when it is made and never after.
pub struct RouteCache<D> {
    slots: Box<[Slot<D>]>,
    /// The key of the hash. `first` and `second` are odd.
    first: u64,
    second: u64,
    offset: u64,
    shift: u32,
    timeout: u32,
    /// Probes left in the current sample, or for which the cache stays aside.
    left: u32,
    sample_hits: u32,
    aside: bool,
    stats: CacheStats,
}

impl<D: Copy + Default> RouteCache<D> {
    /// An empty cache. An entry lives for `timeout_ticks` ticks of the clock that the caller passes to the other
    /// calls. `seed` keys the hash: take it from a source of randomness, another one for each worker.
    ///
    /// # Errors
    /// [`BadSize`] unless `entries` is a power of two and at most [`MAX_ENTRIES`].
    pub fn new(entries: usize, timeout_ticks: u32, seed: u64) -> Result<Self, BadSize> {
        if !entries.is_power_of_two() || entries > MAX_ENTRIES {
            return Err(BadSize(entries));
        }
        let empty = Slot { destination: 0, generation: 0, filled_at: 0, uses: 0, decision: D::default() };
        let mut key = fastrand::Rng::with_seed(seed);
        Ok(Self {
            slots: vec![empty; entries].into_boxed_slice(),
            first: key.u64(..) | 1,
            second: key.u64(..) | 1,
            offset: key.u64(..),
            shift: u64::BITS - entries.trailing_zeros(),
            timeout: timeout_ticks,
            left: SAMPLE,
            sample_hits: 0,
            aside: false,
            stats: CacheStats::default(),
        })
    }

    /// The decision filled for `destination` (host byte order), if it was filled under this generation and within
    /// the time-out.
    ///
    /// `now` is a coarse clock in ticks of the caller's choosing. It must not wrap while the cache lives: ticks of
    /// 100 ms last for 13 years.
    #[inline]
    pub fn probe(&mut self, destination: u32, generation: u32, now: u32) -> Option<D> {
        self.left -= 1;
        if self.left == 0 {
            self.judge();
        }
        if self.aside {
            self.stats.bypassed += 1;
            return None;
        }
        let index = self.index(destination);
        let slot = &mut self.slots[index];
        // A clock that went back makes the age huge, which is a miss.
        if slot.destination == destination
            && slot.generation == generation
            && slot.uses != 0
            && now.wrapping_sub(slot.filled_at) < self.timeout
        {
            slot.uses = slot.uses.saturating_add(1);
            self.sample_hits += 1;
            self.stats.hits += 1;
            return Some(slot.decision);
        }
        self.stats.misses += 1;
        None
    }

    /// Remembers a decision, in the place of whatever shares its slot. Does nothing while the cache is aside.
    ///
    /// `generation` is the one under which the decision was made, read before the lookup: a change that came in
    /// between then makes the entry a miss.
    #[inline]
    pub fn fill(&mut self, destination: u32, generation: u32, now: u32, decision: D) {
        if self.aside {
            return;
        }
        let index = self.index(destination);
        self.slots[index] = Slot { destination, generation, filled_at: now, uses: 1, decision };
    }

    /// Empties the cache. The statistics stay.
    pub fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.uses = 0;
        }
    }

    /// Whether the cache has stepped aside for now because too few probes hit.
    pub fn is_aside(&self) -> bool {
        self.aside
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
    pub fn entries(&self, generation: u32, now: u32) -> impl Iterator<Item = CacheEntry<D>> + '_ {
        self.slots.iter().filter_map(move |slot| {
            let age = now.wrapping_sub(slot.filled_at);
            (slot.uses != 0 && slot.generation == generation && age < self.timeout).then_some(CacheEntry {
                destination: slot.destination,
                decision: slot.decision,
                age,
                uses: slot.uses,
            })
        })
    }

    /// The slot of a destination: a multiplicative hash of which only the holder of the key knows where anything
    /// falls.
    ///
    /// Two rounds, because one maps neighboring addresses to equal steps around the table: under one key in a
    /// hundred, the 256 hosts of a /24 then share 30 of 256 slots. With two no key of 2000 gave them fewer than
    /// 142, where a random function gives 162.
    #[inline]
    fn index(&self, destination: u32) -> usize {
        let round = u64::from(destination).wrapping_mul(self.first).wrapping_add(self.offset);
        let hash = (round ^ (round >> 32)).wrapping_mul(self.second);
        // A single entry needs no bits at all, and a shift by all 64 of them would not give zero.
        hash.checked_shr(self.shift).unwrap_or(0) as usize
    }

    /// Ends a sample, or the time aside. Called with the probe that is the first of what follows.
    #[cold]
    fn judge(&mut self) {
        self.aside = !self.aside && self.sample_hits < ENOUGH_HITS;
        self.stats.asides += u64::from(self.aside);
        self.left = if self.aside { ASIDE } else { SAMPLE };
        self.sample_hits = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn cache(entries: usize, timeout: u32) -> RouteCache<u16> {
        RouteCache::new(entries, timeout, 7).unwrap()
    }

    /// Probes different destinations that are never filled until the cache steps aside; how many it took.
    fn flood(cache: &mut RouteCache<u16>) -> u32 {
        for probes in 1..=2 * SAMPLE {
            cache.probe(probes, 1, 0);
            if cache.is_aside() {
                return probes;
            }
        }
        panic!("never stepped aside");
    }

    #[test]
    fn a_filled_destination_is_found_and_no_other() {
        let mut cache = cache(1, 10);
        cache.fill(5, 1, 0, 50);
        assert_eq!(cache.probe(5, 1, 0), Some(50));
        assert_eq!(cache.probe(6, 1, 0), None);
        cache.fill(6, 1, 0, 60);
        assert_eq!(cache.probe(5, 1, 0), None);
    }

    #[test]
    fn an_empty_cache_does_not_know_even_destination_zero() {
        assert_eq!(cache(8, 10).probe(0, 0, 0), None);
    }

    #[test]
    fn a_new_generation_invalidates_every_entry() {
        let mut cache = cache(8, 10);
        cache.fill(5, 1, 0, 50);
        assert_eq!(cache.probe(5, 2, 0), None);
        assert_eq!(cache.entries(2, 0).count(), 0);
    }

    #[test]
    fn an_entry_times_out_however_often_it_is_used() {
        let mut cache = cache(8, 10);
        cache.fill(5, 1, 100, 50);
        for now in 100..110 {
            assert_eq!(cache.probe(5, 1, now), Some(50));
        }
        assert_eq!(cache.probe(5, 1, 110), None);
        assert_eq!(cache.probe(5, 1, 99), None, "filled in the future");
    }

    #[test]
    fn the_entries_tell_age_and_uses() {
        let mut cache = cache(8, 10);
        cache.fill(5, 1, 100, 50);
        cache.probe(5, 1, 101);
        let entry = CacheEntry { destination: 5, decision: 50, age: 3, uses: 2 };
        assert_eq!(cache.entries(1, 103).collect::<Vec<_>>(), [entry]);
        cache.clear();
        assert_eq!(cache.entries(1, 103).count(), 0);
        assert_eq!(cache.probe(5, 1, 103), None);
    }

    #[test]
    fn a_flood_of_destinations_makes_it_step_aside_and_sample_again_later() {
        let mut cache = cache(256, 10);
        assert_eq!(flood(&mut cache), SAMPLE);
        cache.fill(5, 1, 0, 50);
        for _ in 1..ASIDE {
            assert_eq!(cache.probe(5, 1, 0), None);
            assert!(cache.is_aside());
        }
        assert_eq!(cache.probe(5, 1, 0), None, "aside means that nothing was filled");
        assert!(!cache.is_aside());
        cache.fill(5, 1, 0, 50);
        assert_eq!(cache.probe(5, 1, 0), Some(50));
        assert_eq!(cache.stats().asides, 1);
        assert_eq!(cache.stats().bypassed, u64::from(ASIDE));
    }

    #[test]
    fn a_cache_that_pays_stays() {
        let mut cache = cache(256, 10);
        for turn in 0..4 * SAMPLE {
            let destination = turn % 4;
            if cache.probe(destination, 1, 0).is_none() {
                cache.fill(destination, 1, 0, 1);
            }
        }
        assert!(!cache.is_aside());
        assert_eq!(cache.stats().hits, u64::from(4 * SAMPLE) - cache.stats().misses);
    }

    #[test]
    fn another_seed_puts_destinations_elsewhere() {
        let order = |seed| -> Vec<u32> {
            let mut cache = RouteCache::new(256, 10, seed).unwrap();
            (0..64).for_each(|destination| cache.fill(destination, 1, 0, 1u16));
            cache.entries(1, 0).map(|entry| entry.destination).collect()
        };
        assert_ne!(order(1), order(2));
    }

    #[test]
    fn neighboring_destinations_spread_over_the_slots_under_every_key() {
        for seed in 0..200 {
            for step in [1, 1 << 8, 1 << 16] {
                let mut cache = RouteCache::new(256, 10, seed).unwrap();
                (0..256).for_each(|host| cache.fill(0x0a00_0000 + host * step, 1, 0, 1u16));
                // A random function would fill 162 of them.
                assert!(cache.entries(1, 0).count() > 130, "seed {seed}, step {step}");
            }
        }
    }

    #[test]
    fn a_size_that_is_no_power_of_two_is_refused() {
        for entries in [0, 3, 2 * MAX_ENTRIES] {
            assert_eq!(RouteCache::<u16>::new(entries, 1, 1).err(), Some(BadSize(entries)));
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Probe(u32),
        Fill(u32, u16),
        Tick(u32),
        Invalidate,
        Clear,
        /// Many probes of destinations never filled, so that the cache steps aside or comes back.
        Flood(u32),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0u32..12).prop_map(Step::Probe),
            6 => (0u32..12, any::<u16>()).prop_map(|(destination, decision)| Step::Fill(destination, decision)),
            3 => (0u32..6).prop_map(Step::Tick),
            1 => Just(Step::Invalidate),
            1 => Just(Step::Clear),
            1 => prop_oneof![Just(SAMPLE), Just(ASIDE)].prop_map(Step::Flood),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn no_decision_comes_back_that_was_not_filled_for_it_now(
            entries in prop_oneof![Just(1usize), Just(4), Just(256)],
            steps in prop::collection::vec(any_step(), 0..120),
        ) {
            const TIMEOUT: u32 = 10;
            let mut cache = cache(entries, TIMEOUT);
            let mut model: HashMap<u32, (u16, u32, u32)> = HashMap::new();
            let (mut generation, mut now) = (1, 0);
            for step in steps {
                match step {
                    Step::Probe(destination) => {
                        if let Some(decision) = cache.probe(destination, generation, now) {
                            let &(filled, under, at) = model.get(&destination).expect("was filled");
                            prop_assert_eq!(decision, filled);
                            prop_assert_eq!(under, generation);
                            prop_assert!(now - at < TIMEOUT);
                        }
                    }
                    Step::Fill(destination, decision) => {
                        let aside = cache.is_aside();
                        cache.fill(destination, generation, now, decision);
                        if !aside {
                            model.insert(destination, (decision, generation, now));
                        }
                        let found = cache
                            .entries(generation, now)
                            .any(|e| e.destination == destination && e.decision == decision && e.age == 0);
                        prop_assert!(aside || found);
                    }
                    Step::Tick(ticks) => now += ticks,
                    Step::Invalidate => generation += 1,
                    Step::Clear => {
                        cache.clear();
                        model.clear();
                    }
                    Step::Flood(probes) => {
                        for other in 0..probes {
                            prop_assert_eq!(cache.probe(1000 + other, generation, now), None);
                        }
                    }
                }
            }
        }
    }
}
