//! The control thread's side of the [`PathTable`]: which lists there are, which of their members are up, and so which
//! member has which bucket.
//!
//! Every bucket has a home, dealt out by weight to the bucket. While its home is down, a bucket lends its flows to the
//! member that ranks highest for this bucket among those that are up. So a member that leaves moves only its own flows,
//! one that returns takes back just those, and a second one that leaves moves none of a third. Rendezvous hashing ranks:
//! Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998).

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::next_hop::{NextHop, NextHopIndex, NextHops, Path, Paths};
use super::path_table::{BUCKETS, PathTable};

/// Buckets for each unit of weight: how exactly weights are kept.
const PER_WEIGHT: u32 = 8;
/// Fewest and most buckets of a list.
const FEWEST: u32 = 64;
const MOST: u32 = 4096;

/// A list with its buckets.
struct List {
    paths: Arc<[Path]>,
    members: Box<[NextHopIndex]>,
    /// What ranks each member.
    seeds: Box<[u64]>,
    first: u32,
    log2: u8,
    /// Where each member stands once, and log2 of the room there.
    once: (u32, u8),
    /// For each bucket the position of its member when all are up.
    homes: Box<[u8]>,
}

/// Keeps a [`PathTable`].
pub struct PathWriter {
    table: Arc<PathTable>,
    lists: HashMap<NextHopIndex, List>,
    /// By number: whether a packet could go there now.
    usable: Vec<bool>,
    /// The first bucket that was never given out.
    fresh: u32,
    /// Ranges given back, by log2 of their size.
    free: Vec<Vec<u32>>,
}

impl Default for PathWriter {
    /// An empty table.
    fn default() -> Self {
        Self {
            table: Arc::default(),
            lists: HashMap::new(),
            usable: Vec::new(),
            fresh: 0,
            free: vec![Vec::new(); MOST.ilog2() as usize + 1],
        }
    }
}

impl PathWriter {
    /// What workers read; always the same.
    pub fn table(&self) -> &Arc<PathTable> {
        &self.table
    }

    /// Whether one of the paths is over an interface that is up, or needs none.
    pub fn is_usable(&self, index: NextHopIndex) -> bool {
        self.usable.get(usize::from(index.0)).copied().unwrap_or(false)
    }

    /// Writes a new path list, before any FIB points there.
    pub fn insert(&mut self, index: NextHopIndex, next_hops: &NextHops, up: &impl Fn(u16) -> bool) {
        let Some(paths) = next_hops.get(index) else { return };
        match paths {
            Paths::One(next_hop) => self.write_one(index, *next_hop, up),
            Paths::Many(paths) => {
                let members = next_hops.members(index);
                let weights: u32 = paths.iter().map(|path| u32::from(path.weight)).sum();
                let count = (weights * PER_WEIGHT).next_power_of_two().clamp(FEWEST, MOST);
                let room = members.len().next_power_of_two().ilog2() as u8;
                let Some((once, (first, log2))) = self.take_exactly(room).zip(self.take(count.ilog2() as u8)) else {
                    // No bucket is left: the list is its first path.
                    return self.write_one(index, paths[0].next_hop, up);
                };
                for (bucket, member) in (once..).zip(members) {
                    self.table.write_bucket(bucket, *member);
                }
                let seeds: Box<[u64]> = paths.iter().map(|path| seed(&path.next_hop)).collect();
                let homes = homes(paths, &seeds, 1 << log2);
                let (paths, members) = (paths.clone(), members.into());
                let list = List { paths, members, seeds, first, log2, once: (once, room), homes };
                let usable = self.deal(&list, up);
                self.table.write_list(index, first, log2, (once, list.members.len() as u32));
                self.lists.insert(index, list);
                self.table.count_lists(self.lists.len());
                self.mark(index, usable);
            }
        }
    }

    /// Forgets path lists whose numbers are given out again.
    pub fn remove(&mut self, indexes: &[NextHopIndex]) {
        for &index in indexes {
            self.table.close(index);
            self.mark(index, false);
            if let Some(list) = self.lists.remove(&index) {
                self.free[usize::from(list.log2)].push(list.first);
                self.free[usize::from(list.once.1)].push(list.once.0);
            }
        }
        self.table.count_lists(self.lists.len());
    }

    /// Follows an interface that went up or down: only what goes by it is written. Returns the path lists over which
    /// packets can go now and could not before, or the other way round.
    pub fn interface_changed(
        &mut self,
        interface: u16,
        next_hops: &NextHops,
        up: &impl Fn(u16) -> bool,
    ) -> Vec<NextHopIndex> {
        let mut toggled = Vec::new();
        for (index, paths) in next_hops.iter() {
            if paths.iter().all(|path| path.next_hop.interface() != Some(interface)) {
                continue;
            }
            let before = self.is_usable(index);
            match paths {
                Paths::One(next_hop) => self.write_one(index, *next_hop, up),
                Paths::Many(paths) => match self.lists.get(&index) {
                    Some(list) => {
                        let usable = self.deal(list, up);
                        self.mark(index, usable);
                    }
                    None => self.write_one(index, paths[0].next_hop, up),
                },
            }
            if self.is_usable(index) != before {
                toggled.push(index);
            }
        }
        self.table.changed();
        toggled
    }

    /// How many buckets of a list each member has now, in the order of the list.
    pub fn shares(&self, index: NextHopIndex) -> Vec<u32> {
        let Some(list) = self.lists.get(&index) else { return Vec::new() };
        let mut shares = vec![0; list.members.len()];
        for flow in 0..1u32 << list.log2 {
            let member = self.table.bucket(index, flow).map(|(_, member)| member);
            if let Some(place) = list.members.iter().position(|other| Some(*other) == member) {
                shares[place] += 1;
            }
        }
        shares
    }

    fn write_one(&mut self, index: NextHopIndex, next_hop: NextHop, up: &impl Fn(u16) -> bool) {
        let usable = next_hop.interface().is_none_or(up);
        if usable {
            self.table.write(index, next_hop);
        } else {
            self.table.close(index);
        }
        self.mark(index, usable);
    }

    /// Gives each bucket its member. Whether any is up.
    fn deal(&self, list: &List, up: &impl Fn(u16) -> bool) -> bool {
        let alive: Vec<bool> = list.paths.iter().map(|path| path.next_hop.interface().is_none_or(up)).collect();
        for (bucket, &home) in (0u32..).zip(&list.homes) {
            let owner = if alive[usize::from(home)] { Some(usize::from(home)) } else { highest(list, bucket, &alive) };
            let member = owner.map_or(NextHopIndex::NO_ROUTE, |owner| list.members[owner]);
            self.table.write_bucket(list.first + bucket, member);
        }
        alive.contains(&true)
    }

    fn mark(&mut self, index: NextHopIndex, usable: bool) {
        let place = usize::from(index.0);
        if self.usable.len() <= place {
            self.usable.resize(place + 1, false);
        }
        self.usable[place] = usable;
    }

    /// A range of buckets; a smaller one when there is none of this size.
    fn take(&mut self, log2: u8) -> Option<(u32, u8)> {
        (0..=log2).rev().find_map(|log2| Some((self.take_exactly(log2)?, log2)))
    }

    fn take_exactly(&mut self, log2: u8) -> Option<u32> {
        if let Some(first) = self.free[usize::from(log2)].pop() {
            return Some(first);
        }
        let (first, size) = (self.fresh, 1u32 << log2);
        (first + size <= BUCKETS as u32).then(|| {
            self.fresh += size;
            first
        })
    }
}

/// Deals buckets out so that each member has its share as exactly as whole buckets allow, at least one. A bucket prefers
/// the member that ranks highest for it, so that two lists with common members agree in most buckets.
fn homes(paths: &[Path], seeds: &[u64], buckets: u32) -> Box<[u8]> {
    let total: u32 = paths.iter().map(|path| u32::from(path.weight)).sum();
    let mut quota: Vec<u32> = paths.iter().map(|path| (buckets * u32::from(path.weight) / total).max(1)).collect();
    // What rounding has left goes to those whose part was cut most; what it gave too much comes from the largest.
    let mut by_rest: Vec<usize> = (0..paths.len()).collect();
    by_rest.sort_by_key(|place| std::cmp::Reverse(buckets * u32::from(paths[*place].weight) % total));
    let mut dealt: u32 = quota.iter().sum();
    for place in by_rest.iter().cycle().take(paths.len() * 2) {
        if dealt < buckets {
            quota[*place] += 1;
            dealt += 1;
        }
    }
    while dealt > buckets {
        let Some(largest) = (0..quota.len()).max_by_key(|place| quota[*place]) else { break };
        quota[largest] -= 1;
        dealt -= 1;
    }
    (0..buckets)
        .map(|bucket| {
            let ranked = ranked(paths, seeds, bucket);
            let place = ranked.iter().copied().find(|place| quota[*place] > 0).unwrap_or(0);
            quota[place] = quota[place].saturating_sub(1);
            place as u8
        })
        .collect()
}

/// The members by how much this bucket wants them, most first.
fn ranked(paths: &[Path], seeds: &[u64], bucket: u32) -> Vec<usize> {
    let scores: Vec<f64> = paths.iter().zip(seeds).map(|(path, seed)| score(path, *seed, bucket)).collect();
    let mut places: Vec<usize> = (0..paths.len()).collect();
    places.sort_by(|one, other| scores[*one].total_cmp(&scores[*other]));
    places
}

/// The first of them that is alive. Packets find no way until it is known, so the others are not ranked.
fn highest(list: &List, bucket: u32, alive: &[bool]) -> Option<usize> {
    let alive = (0..list.paths.len()).filter(|place| alive[*place]);
    let scored = alive.map(|place| (place, score(&list.paths[place], list.seeds[place], bucket)));
    scored.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(place, _)| place)
}

/// Tells next hops apart, in all lists alike.
fn seed(next_hop: &NextHop) -> u64 {
    let mut hasher = DefaultHasher::new();
    next_hop.hash(&mut hasher);
    hasher.finish()
}

/// How little a bucket wants a member: the one with the least gets it, which each is in proportion to its weight.
fn score(path: &Path, seed: u64, bucket: u32) -> f64 {
    // Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): the mixing of SplitMix64.
    let mut mixed = seed.wrapping_add(u64::from(bucket + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    // In (0, 1]: 53 bits are what a double holds.
    let drawn = ((mixed >> 11) + 1) as f64 / (1u64 << 53) as f64;
    -drawn.ln() / f64::from(path.weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gateway(interface: u16) -> NextHop {
        NextHop::Gateway { interface, address: [192, 0, 2, interface as u8 + 1].into() }
    }

    /// A list over interfaces 0, 1, ... with these weights, written with all of them up.
    fn list(weights: &[u8]) -> (NextHops, PathWriter, NextHopIndex) {
        let paths = (0..).zip(weights).map(|(interface, &weight)| Path { next_hop: gateway(interface), weight });
        let mut next_hops = NextHops::new(100);
        let index = next_hops.acquire(&Paths::new(paths).unwrap()).unwrap();
        let mut writer = PathWriter::default();
        for fresh in next_hops.take_fresh() {
            writer.insert(fresh, &next_hops, &|_| true);
        }
        (next_hops, writer, index)
    }

    fn owners(writer: &PathWriter, index: NextHopIndex) -> Vec<Option<NextHop>> {
        let buckets = writer.table().buckets(index).unwrap();
        (0..buckets).map(|flow| writer.table().get(index, flow)).collect()
    }

    #[test]
    fn a_single_next_hop_goes_down_and_up_with_its_interface() {
        let mut next_hops = NextHops::new(10);
        let index = next_hops.acquire(&gateway(3).into()).unwrap();
        let mut writer = PathWriter::default();
        writer.insert(index, &next_hops, &|_| true);
        assert_eq!(writer.table().get(index, 7), Some(gateway(3)));
        let head = writer.table().head(index);
        assert_eq!(writer.interface_changed(3, &next_hops, &|_| false), [index]);
        assert_eq!((writer.table().get(index, 7), writer.is_usable(index)), (None, false));
        assert_eq!(writer.interface_changed(3, &next_hops, &|_| true), [index]);
        assert_eq!(writer.table().get(index, 7), Some(gateway(3)));
        assert_ne!(writer.table().head(index), head, "what was remembered of it is stale");
    }

    #[test]
    fn every_kind_of_next_hop_reads_back_as_it_was_written() {
        let table = PathTable::default();
        let six: IpAddr = "2001:db8::7".parse().unwrap();
        for next_hop in [
            gateway(5),
            NextHop::Gateway { interface: 9, address: six },
            NextHop::Connected { interface: 65_000 },
            NextHop::Deliver { interface: 1 },
            NextHop::Broadcast { interface: 2 },
            NextHop::Vrf { vrf: 3 },
            NextHop::Blackhole,
            NextHop::Unreachable,
            NextHop::Prohibit,
        ] {
            table.write(NextHopIndex(1), next_hop);
            assert_eq!(table.get(NextHopIndex(1), 0), Some(next_hop));
        }
    }

    #[test]
    fn weights_are_kept_by_buckets() {
        let (_, writer, index) = list(&[1, 2, 5]);
        assert_eq!(writer.shares(index), [8, 16, 40]);
    }

    #[test]
    fn buckets_given_back_are_given_out_again() {
        let (mut next_hops, mut writer, index) = list(&[1, 1]);
        let first = writer.fresh;
        next_hops.release(index);
        let moment = next_hops.moment().unwrap();
        let freed = next_hops.reuse(moment);
        writer.remove(&freed);
        let again = Paths::new([7, 8].map(|interface| Path { next_hop: gateway(interface), weight: 1 })).unwrap();
        next_hops.acquire(&again).unwrap();
        for fresh in next_hops.take_fresh() {
            writer.insert(fresh, &next_hops, &|_| true);
        }
        assert_eq!(writer.fresh, first);
    }

    use std::net::IpAddr;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The oracle of resilience: a bucket changes only when its member has left or its home has returned.
        #[test]
        fn a_member_that_leaves_moves_only_its_own_flows_and_takes_back_just_those(
            weights in prop::collection::vec(1u8..6, 2..6),
            flaps in prop::collection::vec((0u16..6, any::<bool>()), 1..12),
        ) {
            let (next_hops, mut writer, index) = list(&weights);
            let homes = owners(&writer, index);
            let total: u32 = weights.iter().map(|weight| u32::from(*weight)).sum();
            for (share, weight) in writer.shares(index).iter().zip(&weights) {
                let exact = homes.len() as f64 * f64::from(*weight) / f64::from(total);
                prop_assert!((f64::from(*share) - exact).abs() <= 1.0, "{} of {}", share, exact);
            }
            let mut down = [false; 6];
            let mut before = homes.clone();
            for (interface, goes_down) in flaps {
                if usize::from(interface) >= weights.len() {
                    continue;
                }
                down[usize::from(interface)] = goes_down;
                writer.interface_changed(interface, &next_hops, &|number| !down[usize::from(number)]);
                let after = owners(&writer, index);
                for bucket in 0..homes.len() {
                    let is_down = |next_hop: Option<NextHop>| {
                        next_hop.and_then(|hop| hop.interface()).is_none_or(|number| down[usize::from(number)])
                    };
                    if !is_down(homes[bucket]) {
                        prop_assert_eq!(after[bucket], homes[bucket]);
                    } else if !is_down(before[bucket]) && goes_down {
                        prop_assert_eq!(after[bucket], before[bucket], "its member is up and it moved");
                    }
                    let all_down = down[..weights.len()].iter().all(|down| *down);
                    prop_assert_eq!(is_down(after[bucket]), all_down);
                }
                before = after;
            }
        }
    }
}
