//! Any sequence of calls keeps the promises. The model is a worker: what it would know and wait for, having
//! believed every event.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const SETTINGS: Settings = Settings {
    max_per_interface: 5,
    reachable: Duration::from_secs(20),
    retransmit: Duration::from_secs(1),
    delay: Duration::from_secs(3),
    stale: Duration::from_secs(60),
    solicit_rate: 2,
    multicast_solicits: 3,
    unicast_solicits: 3,
};

#[derive(Debug, Clone, Copy)]
enum Step {
    Need(Key),
    Used(Key),
    Observe(Key, MacAddr6, bool, bool),
    AddStatic(Key, MacAddr6),
    Remove(Key),
    Flush(Option<u16>),
    Down(u16),
    /// Milliseconds pass; `true` with a tick at each deadline on the way, `false` with one late tick at the end.
    Pass(u64, bool),
}

fn any_key() -> impl Strategy<Value = Key> {
    (1u16..3, 0u8..12).prop_map(|(interface, host)| Key { interface, ..key(host) })
}

fn any_mac() -> impl Strategy<Value = MacAddr6> {
    prop_oneof![Just(A), Just(B)]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => any_key().prop_map(Step::Need),
        6 => any_key().prop_map(Step::Used),
        10 => (any_key(), any_mac(), any::<bool>(), any::<bool>())
            .prop_map(|(key, mac, answered, create)| Step::Observe(key, mac, answered, create)),
        2 => (any_key(), any_mac()).prop_map(|(key, mac)| Step::AddStatic(key, mac)),
        2 => any_key().prop_map(Step::Remove),
        1 => prop_oneof![Just(None), Just(Some(1)), Just(Some(2))].prop_map(Step::Flush),
        1 => (1u16..3).prop_map(Step::Down),
        8 => (prop_oneof![1u64..1500, 1u64..30_000], prop::bool::weighted(0.8))
            .prop_map(|(time, punctual)| Step::Pass(time, punctual)),
    ]
}

#[derive(Default)]
struct Worker {
    /// Neighbors that packets are held for.
    holding: BTreeSet<Key>,
    /// Where it forwards to.
    adjacencies: BTreeMap<Key, MacAddr6>,
    /// When each neighbor was last asked, as long as the table remembers it.
    asked: HashMap<Key, Instant>,
    /// Of each interface, when its bucket is full again.
    full_at: HashMap<u16, Instant>,
}

impl Worker {
    fn believe(&mut self, now: Instant, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Update { key, mac, .. } => {
                self.holding.remove(&key);
                self.adjacencies.insert(key, mac);
            }
            Event::Failed { key } | Event::Removed { key } => {
                let held = self.holding.remove(&key);
                let known = self.adjacencies.remove(&key).is_some();
                prop_assert!(held || known, "{event:?} says nothing new");
                self.asked.remove(&key);
            }
            Event::Solicit { interface, target, to } => {
                let key = Key { interface, address: target };
                prop_assert_eq!(to, self.adjacencies.get(&key).copied());
                prop_assert!(to.is_some() || self.holding.contains(&key));
                if let Some(last) = self.asked.insert(key, now) {
                    prop_assert!(now - last >= SETTINGS.retransmit, "asked again too soon");
                }
                // The bucket as a debt: each solicitation adds half a second, and four of them are the burst.
                let full_at = self.full_at.entry(interface).or_insert(now);
                *full_at = (*full_at).max(now) + SECOND / 2;
                prop_assert!(*full_at <= now + 4 * SECOND / 2, "beyond the rate");
            }
        }
        Ok(())
    }

    fn agrees_with(&self, table: &Table, now: Instant) -> Result<(), TestCaseError> {
        let mut searched = BTreeSet::new();
        let mut resolved = BTreeMap::new();
        for row in table.iter(now) {
            let key = Key { interface: row.interface, address: row.address };
            match (row.state, row.mac) {
                (State::Incomplete, None) => {
                    searched.insert(key);
                }
                (State::Failed, None) => {}
                (state, Some(mac)) if state.is_resolved() => {
                    resolved.insert(key, mac);
                }
                _ => prop_assert!(false, "{row:?}"),
            }
        }
        prop_assert_eq!(&self.holding, &searched);
        prop_assert_eq!(&self.adjacencies, &resolved);
        for interface in 1..3 {
            let full = table.occupancy(interface);
            prop_assert!(full.resolved <= full.max_resolved, "INV-NEIGHBOR-BOUND");
            prop_assert!(full.unresolved <= full.max_unresolved, "INV-NEIGHBOR-BOUND");
            let counted: usize = State::ALL.map(|s| table.count(interface, s)).iter().sum();
            prop_assert_eq!(counted, full.resolved + full.unresolved);
        }
        prop_assert!(table.wakes.len() <= table.len() + table.links.len());
        Ok(())
    }

    fn pass(&mut self, lab: &mut Lab, time: Duration, punctual: bool) -> Result<(), TestCaseError> {
        let end = lab.now + time;
        while let Some(at) = lab.table.next_deadline()
            && at <= end
        {
            lab.now = if punctual { at.max(lab.now) } else { end };
            lab.table.tick(lab.now);
            prop_assert!(lab.table.next_deadline().is_none_or(|next| next > lab.now));
            for event in lab.events() {
                self.believe(lab.now, event)?;
            }
        }
        lab.now = end;
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn every_need_ends_once_within_all_bounds(steps in prop::collection::vec(any_step(), 0..120)) {
        let mut lab = Lab::new(SETTINGS);
        let mut worker = Worker::default();
        for step in steps {
            match step {
                Step::Need(key) => {
                    // A worker asks when it holds packets, even for what it was told just now.
                    worker.holding.insert(key);
                    lab.table.need(lab.now, key);
                }
                Step::Used(key) => lab.table.used(lab.now, key),
                Step::Observe(key, mac, answered, create) => {
                    let Key { interface, address } = key;
                    lab.table.observe(lab.now, interface, address, mac, answered, create);
                }
                Step::AddStatic(key, mac) => {
                    let full = lab.table.occupancy(key.interface);
                    let added = lab.table.add_static(lab.now, key, mac).is_ok();
                    prop_assert!(added || full.resolved == full.max_resolved);
                }
                Step::Remove(key) => {
                    let there = lab.state(key).is_some();
                    prop_assert_eq!(lab.table.remove(key).is_ok(), there);
                }
                Step::Flush(interface) => {
                    lab.table.flush(interface);
                }
                Step::Down(interface) => lab.table.interface_down(interface),
                Step::Pass(time, punctual) => {
                    worker.pass(&mut lab, Duration::from_millis(time), punctual)?;
                }
            }
            for event in lab.events() {
                worker.believe(lab.now, event)?;
            }
            worker.agrees_with(&lab.table, lab.now)?;
        }
        // Left alone, every search ends.
        worker.pass(&mut lab, 60 * SECOND, true)?;
        prop_assert!(worker.holding.is_empty());
        worker.agrees_with(&lab.table, lab.now)?;
    }
}
