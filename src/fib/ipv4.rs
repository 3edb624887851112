//! The IPv4 FIB: immutable, compiled from the best routes, shared read-only by all workers.
//!
//! Inside it is a multi-bit trie with strides of 16, 8 and 8 bits: a lookup loads one entry for the upper half of
//! the address and, only under prefixes longer than /16 and /24, one or two more. An entry is either a next hop or,
//! with its top bit set, the number of a block of 256 entries. 256 KB for a small table. Nothing of that shows
//! outside this file.

use std::fmt;

use ipnet::Ipv4Net;

use super::next_hop::NextHopIndex;

/// The most destinations that one [`Fib::lookup_burst`] takes: the packets of a burst.
pub const BURST: usize = 32;

const ROOT_BITS: u32 = 16;
const ROOT_ENTRIES: usize = 1 << ROOT_BITS;
const BLOCK_BITS: u32 = 8;
const BLOCK_ENTRIES: usize = 1 << BLOCK_BITS;

/// Set in an entry that names a block. The other 31 bits are then the block's number: at most 2^16 blocks hang
/// below the root and 2^24 below those, so they always suffice.
const IS_BLOCK: u32 = 1 << 31;

const _: () = assert!(ROOT_BITS + 2 * BLOCK_BITS == 32);
const _: () = assert!(ROOT_ENTRIES + (1 << 24) < IS_BLOCK as usize);

/// A compiled table of IPv4 routes.
pub struct Fib {
    root: Box<[u32; ROOT_ENTRIES]>,
    blocks: Vec<[u32; BLOCK_ENTRIES]>,
    zones: [u32; 33],
}

impl Fib {
    /// Compiles the routes, given in any order. Bits of a prefix behind its length are ignored; of two entries
    /// for one prefix the later counts.
    pub fn compile(routes: impl IntoIterator<Item = (Ipv4Net, NextHopIndex)>) -> Self {
        let mut routes: Vec<_> = routes.into_iter().map(|(prefix, next_hop)| (prefix.trunc(), next_hop)).collect();
        // Stable, so that of equals the later still overwrites the earlier. Short before long, so that a longer
        // prefix only ever refines what a shorter one wrote and no fill meets a block that it would have to descend
        // into.
        routes.sort_by_key(|(prefix, _)| (prefix.prefix_len(), prefix.network()));

        let root = vec![0; ROOT_ENTRIES].into_boxed_slice();
        let mut fib =
            Self { root: root.try_into().expect("made with that length"), blocks: Vec::new(), zones: [0; 33] };
        let mut previous = None;
        for (prefix, next_hop) in routes {
            fib.write(prefix, u32::from(next_hop.0));
            if previous.replace(prefix) != Some(prefix) {
                fib.zones[usize::from(prefix.prefix_len())] += 1;
            }
        }
        fib.blocks.shrink_to_fit();
        fib
    }

    /// The next hop of the longest prefix that contains `destination` (host byte order), or
    /// [`NextHopIndex::NO_ROUTE`].
    #[inline]
    pub fn lookup(&self, destination: u32) -> NextHopIndex {
        let mut entry = self.root[(destination >> ROOT_BITS) as usize];
        if entry & IS_BLOCK != 0 {
            entry = self.below(entry, destination >> BLOCK_BITS);
            if entry & IS_BLOCK != 0 {
                entry = self.below(entry, destination);
            }
        }
        NextHopIndex(entry as u16)
    }

    /// Looks up a burst: `next_hops[i]` becomes the next hop of `destinations[i]` (host byte order).
    ///
    /// Each level is read for all destinations before the next one, so that the loads of a level overlap.
    ///
    /// # Panics
    /// When the slices differ in length or are longer than [`BURST`].
    #[inline]
    pub fn lookup_burst(&self, destinations: &[u32], next_hops: &mut [NextHopIndex]) {
        assert_eq!(destinations.len(), next_hops.len());
        assert!(destinations.len() <= BURST);
        let mut entries = [0u32; BURST];
        let mut blocks = 0u32;
        for (entry, &destination) in entries.iter_mut().zip(destinations) {
            *entry = self.root[(destination >> ROOT_BITS) as usize];
            blocks |= *entry;
        }
        // Two levels are left; most bursts of a small table stop before the first of them.
        for shift in [BLOCK_BITS, 0] {
            if blocks & IS_BLOCK == 0 {
                break;
            }
            blocks = 0;
            for (entry, &destination) in entries.iter_mut().zip(destinations) {
                if *entry & IS_BLOCK != 0 {
                    *entry = self.below(*entry, destination >> shift);
                    blocks |= *entry;
                }
            }
        }
        for (next_hop, &entry) in next_hops.iter_mut().zip(&entries) {
            *next_hop = NextHopIndex(entry as u16);
        }
    }

    /// How many routes there are of each prefix length, 0 to 32.
    pub fn zones(&self) -> [u32; 33] {
        self.zones
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.zones.iter().map(|&routes| routes as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that the table occupies, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.root) + self.blocks.capacity() * size_of::<[u32; BLOCK_ENTRIES]>()
    }

    /// The entry that block entry `entry` has for the low eight bits of `slot`.
    #[inline]
    fn below(&self, entry: u32, slot: u32) -> u32 {
        self.blocks[(entry ^ IS_BLOCK) as usize][slot as usize % BLOCK_ENTRIES]
    }

    /// Writes `value` to every entry that `prefix` covers. Needs all shorter prefixes to have been written before.
    fn write(&mut self, prefix: Ipv4Net, value: u32) {
        let length = u32::from(prefix.prefix_len());
        let address = u32::from(prefix.network());
        let first = (address >> ROOT_BITS) as usize;
        if length <= ROOT_BITS {
            self.root[first..first + (1 << (ROOT_BITS - length))].fill(value);
            return;
        }
        let middle = Self::block_of(&mut self.root[first], &mut self.blocks);
        let first = (address >> BLOCK_BITS) as usize % BLOCK_ENTRIES;
        if length <= ROOT_BITS + BLOCK_BITS {
            let slots = 1 << (ROOT_BITS + BLOCK_BITS - length);
            self.blocks[middle][first..first + slots].fill(value);
            return;
        }
        let mut entry = self.blocks[middle][first];
        let last = Self::block_of(&mut entry, &mut self.blocks);
        self.blocks[middle][first] = entry;
        let first = address as usize % BLOCK_ENTRIES;
        self.blocks[last][first..first + (1 << (32 - length))].fill(value);
    }

    /// The number of the block below `entry`; makes one that says what `entry` said if there is none.
    fn block_of(entry: &mut u32, blocks: &mut Vec<[u32; BLOCK_ENTRIES]>) -> usize {
        if *entry & IS_BLOCK == 0 {
            let number = u32::try_from(blocks.len()).expect("fewer than 2^31 blocks can hang");
            blocks.push([*entry; BLOCK_ENTRIES]);
            *entry = number | IS_BLOCK;
        }
        (*entry ^ IS_BLOCK) as usize
    }
}

impl Default for Fib {
    /// A table without routes.
    fn default() -> Self {
        Self::compile([])
    }
}

impl fmt::Debug for Fib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fib").field("routes", &self.len()).field("memory_bytes", &self.memory_bytes()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::oracle::Oracle;
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn address(text: &str) -> u32 {
        text.parse::<std::net::Ipv4Addr>().unwrap().into()
    }

    #[test]
    fn an_empty_table_has_no_route_for_anything() {
        let fib = Fib::default();
        assert_eq!(fib.lookup(0), NextHopIndex::NO_ROUTE);
        assert_eq!(fib.lookup(u32::MAX), NextHopIndex::NO_ROUTE);
        assert!(fib.is_empty());
    }

    #[test]
    fn a_default_route_takes_what_no_other_route_covers() {
        let fib = Fib::compile([(net("192.0.2.128/25"), NextHopIndex(7)), (net("0.0.0.0/0"), NextHopIndex(1))]);
        assert_eq!(fib.lookup(address("192.0.2.200")), NextHopIndex(7));
        assert_eq!(fib.lookup(address("192.0.2.127")), NextHopIndex(1));
        assert_eq!(fib.lookup(address("255.255.255.255")), NextHopIndex(1));
    }

    #[test]
    fn one_nested_route_of_every_length_each_wins_its_own_part() {
        let inner = address("203.0.113.171");
        let routes: Vec<_> = (0..=32)
            .map(|length| {
                let prefix = Ipv4Net::new(inner.into(), length).unwrap();
                (prefix, NextHopIndex(u16::from(length) + 1))
            })
            .collect();
        let fib = Fib::compile(routes);
        assert_eq!(fib.lookup(inner), NextHopIndex(33));
        for length in 0..32u32 {
            // Differs from the inner address first in the bit behind the prefix.
            let outside = inner ^ (1 << (31 - length));
            assert_eq!(fib.lookup(outside), NextHopIndex(length as u16 + 1));
        }
        assert_eq!(fib.zones(), [1; 33]);
        assert_eq!(fib.len(), 33);
    }

    #[test]
    fn a_prefix_given_twice_counts_once_and_its_later_entry_wins() {
        let fib = Fib::compile([(net("10.0.0.0/8"), NextHopIndex(1)), (net("10.9.9.9/8"), NextHopIndex(2))]);
        assert_eq!(fib.lookup(address("10.1.1.1")), NextHopIndex(2));
        assert_eq!(fib.zones()[8], 1);
    }

    #[test]
    fn a_small_table_takes_a_quarter_of_a_megabyte() {
        let fib = Fib::compile([(net("10.0.0.0/8"), NextHopIndex(1))]);
        assert!((256 << 10..300 << 10).contains(&fib.memory_bytes()));
    }

    #[test]
    #[should_panic(expected = "left == right")]
    fn a_burst_with_too_few_places_for_its_answers_is_a_bug() {
        Fib::default().lookup_burst(&[1, 2], &mut [NextHopIndex(0)]);
    }

    /// Prefixes crowded into few places, so that nesting, adjacency and equal prefixes are common.
    fn crowded_prefix() -> impl Strategy<Value = Ipv4Net> {
        let high = prop_oneof![Just(0u32), Just(0x0a00), Just(0x0a01), Just(0xffff)];
        let low = prop_oneof![0u32..0x400, 0xfc00u32..=0xffff, any::<u16>().prop_map(u32::from)];
        (high, low, 0u8..=32)
            .prop_map(|(high, low, length)| Ipv4Net::new((high << 16 | low).into(), length).unwrap().trunc())
    }

    fn anywhere_prefix() -> impl Strategy<Value = Ipv4Net> {
        (any::<u32>(), 0u8..=32).prop_map(|(address, length)| Ipv4Net::new(address.into(), length).unwrap().trunc())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn every_boundary_of_every_route_agrees_with_the_plain_list(
            routes in prop::collection::vec(
                (prop_oneof![3 => crowded_prefix(), 1 => anywhere_prefix()], 0u16..0x7fff),
                0..60,
            ),
            elsewhere in prop::collection::vec(any::<u32>(), 16),
        ) {
            let routes: Vec<_> =
                routes.into_iter().map(|(prefix, index)| (prefix, NextHopIndex(index))).collect();
            let fib = Fib::compile(routes.clone());
            let oracle = Oracle::new(routes.clone());
            let mut destinations = elsewhere;
            for (prefix, _) in &routes {
                let (first, last) = (u32::from(prefix.network()), u32::from(prefix.broadcast()));
                destinations.extend([first, last, first.wrapping_sub(1), last.wrapping_add(1)]);
            }
            for burst in destinations.chunks(BURST) {
                let mut found = [NextHopIndex(0x7fff); BURST];
                fib.lookup_burst(burst, &mut found[..burst.len()]);
                for (&destination, &found) in burst.iter().zip(&found) {
                    prop_assert_eq!(found, oracle.lookup(destination), "{:x}", destination);
                    prop_assert_eq!(fib.lookup(destination), found);
                }
            }
            let distinct: std::collections::HashSet<_> = routes.iter().map(|r| r.0).collect();
            prop_assert_eq!(fib.len(), distinct.len());
        }
    }
}
