use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

impl CacheKey for u32 {
    fn hash(&self, [first, second, third]: [u64; 3]) -> u64 {
        fold(fold(u64::from(*self) ^ first, second), third)
    }
}

fn cache(entries: usize, timeout: u32) -> RouteCache<u32, u16> {
    RouteCache::new(entries, CacheMode::Auto, timeout, 7).unwrap()
}

/// Runs bursts of 32 packets over so many destinations, filling what is missed, at these costs a packet with the cache and
/// without it, until it has settled. Whether it stays in use.
fn settles_in_use(cache: &mut RouteCache<u32, u16>, destinations: u32, with: u64, without: u64) -> bool {
    let mut next = 0;
    for _ in 0..WARM_UP + 2 * MEASURE * MEASURES + 1 {
        let used = cache.is_used();
        for _ in 0..32 {
            next = (next + 1) % destinations;
            if used && cache.probe(next, 1, 0).is_none() {
                cache.fill(next, 1, 0, 1);
            }
        }
        cache.end_burst(32 * if used { with } else { without }, 32);
    }
    cache.is_used()
}

#[test]
fn a_filled_key_is_found_and_no_other() {
    let mut cache = cache(1, 10);
    cache.fill(5, 1, 0, 50);
    assert_eq!(cache.probe(5, 1, 0), Some(50));
    assert_eq!(cache.probe(6, 1, 0), None);
    cache.fill(6, 1, 0, 60);
    assert_eq!(cache.probe(5, 1, 0), None);
}

#[test]
fn an_empty_cache_does_not_know_even_the_zero_key() {
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
    let entry = CacheEntry { key: 5, decision: 50, age: 3, uses: 2 };
    assert_eq!(cache.entries(1, 103).collect::<Vec<_>>(), [entry]);
    cache.clear();
    assert_eq!(cache.entries(1, 103).count(), 0);
    assert_eq!(cache.probe(5, 1, 103), None);
}

#[test]
fn a_flood_of_destinations_makes_it_step_aside_however_dear_a_lookup_is() {
    let mut cache = cache(256, 10);
    assert!(!settles_in_use(&mut cache, 1_000_000, 1, 1_000));
    assert_eq!(cache.stats().asides, 1);
}

#[test]
fn a_cache_that_is_cheaper_stays_and_one_that_is_dearer_goes() {
    assert!(settles_in_use(&mut cache(256, 10), 4, 10, 20));
    assert!(!settles_in_use(&mut cache(256, 10), 4, 20, 10));
}

#[test]
fn a_cache_that_has_stepped_aside_tries_again_later_and_less_and_less_often() {
    let mut cache = cache(256, 10);
    assert!(!settles_in_use(&mut cache, 1_000_000, 20, 10));
    let mut waits = Vec::new();
    for _ in 0..3 {
        let mut bursts = 0u32;
        while cache.is_aside() {
            cache.end_burst(320, 32);
            bursts += 1;
        }
        waits.push(bursts);
        while cache.is_used() {
            for at in 0..32 {
                assert_eq!(cache.probe(bursts * 32 + at + 1_000_000, 1, 0), None);
            }
            cache.end_burst(640, 32);
        }
    }
    assert!(waits[0] <= SETTLED && waits[1] == 2 * SETTLED && waits[2] == 4 * SETTLED, "{waits:?}");
}

#[test]
fn a_cache_that_is_on_never_steps_aside() {
    let mut cache = RouteCache::<u32, u16>::new(256, CacheMode::On, 10, 7).unwrap();
    assert!(settles_in_use(&mut cache, 1_000_000, 20, 10));
}

#[test]
fn another_seed_puts_keys_elsewhere() {
    let order = |seed| -> Vec<u32> {
        let mut cache = RouteCache::new(256, CacheMode::On, 10, seed).unwrap();
        (0..64u32).for_each(|destination| cache.fill(destination, 1, 0, 1u16));
        cache.entries(1, 0).map(|entry| entry.key).collect()
    };
    assert_ne!(order(1), order(2));
}

#[test]
fn neighboring_destinations_spread_over_the_slots_under_every_key() {
    for seed in 0..200 {
        for step in [1, 1 << 8, 1 << 16] {
            let mut cache = RouteCache::new(256, CacheMode::On, 10, seed).unwrap();
            (0..256).for_each(|host: u32| cache.fill(0x0a00_0000 + host * step, 1, 0, 1u16));
            // A random function would fill 162 of them.
            assert!(cache.entries(1, 0).count() > 130, "seed {seed}, step {step}");
        }
    }
}

#[test]
fn a_size_that_is_no_power_of_two_is_refused() {
    for entries in [0, 3, 2 * MAX_ENTRIES] {
        assert_eq!(RouteCache::<u32, u16>::new(entries, CacheMode::On, 1, 1).err(), Some(BadSize(entries)));
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Probe(u32),
    Fill(u32, u16),
    Tick(u32),
    Invalidate,
    Clear,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u32..12).prop_map(Step::Probe),
        6 => (0u32..12, any::<u16>()).prop_map(|(destination, decision)| Step::Fill(destination, decision)),
        3 => (0u32..6).prop_map(Step::Tick),
        1 => Just(Step::Invalidate),
        1 => Just(Step::Clear),
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
                    cache.fill(destination, generation, now, decision);
                    model.insert(destination, (decision, generation, now));
                    prop_assert_eq!(cache.probe(destination, generation, now), Some(decision));
                }
                Step::Tick(ticks) => now += ticks,
                Step::Invalidate => generation += 1,
                Step::Clear => {
                    cache.clear();
                    model.clear();
                }
            }
        }
    }
}
