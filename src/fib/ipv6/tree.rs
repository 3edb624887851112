//! The IPv6 table of a large FIB as its readers see it: trees of intervals, whose nodes are searched with one instruction or two.
//!
//! ```text
//!   stage     0: bits 16..48      1: 48..80      2: 80..112      3: 112..128        of the address: the key, 32 bits
//!
//!   directory[upper 16 bits] ──▶ HOP | next hop, or
//!             inner node ──▶ ... ──▶ leaf ──▶ next hop, or the root of the next stage's tree
//!
//!   inner node   15 keys: the last key of every child but the last; 1 number: the first child. Children lie together.
//!   leaf         10 keys: the last key of every interval but the last; 11 values of 16 bits: a next hop, or
//!                TREE | n: the word n words behind the start of the leaf is a root: node << 3 | number of inner levels
//! ```
//!
//! The child or interval of a key has as many siblings before it as there are keys less than the one looked for; a node is one
//! cache line, so that a step is one load and one comparison of all keys at once. Keys are kept with the upper bit flipped, since
//! AVX2 compares signed numbers. All trees of stage 0 have the same depth, so the steps of a burst go side by side without a branch that
//! depends on the data. Most routes are /48 or shorter; the trees of the later stages are as deep as they need be.
//!
//! A change is published by one 32-bit store, with release: of a word of the directory, of a root, or of the number of the first child
//! in an inner node. Whatever that leads to was written before and is not changed while a reader may see it (`INV-GRACE`).
//!
//! Bounds: 256 KB for the directory; a route adds at most two intervals, and a leaf gets ten of them when it is made, so some 14 bytes
//! a route and an eighth more for change; a /48, /80 or /112 with longer routes takes at least one cache line.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use ringway_mempool::simd::{Kernel, Level, Simd};
use ringway_mempool::table::{Node, Table, prefetch};

use crate::fib::next_hop::NextHopIndex;

/// Words of the directory.
pub const DIRECTORY: usize = 1 << 16;
/// Stages.
pub const STAGES: u32 = 4;
/// Keys of a leaf.
pub const LEAF_KEYS: usize = 10;
/// Keys of an inner node.
pub const INNER_KEYS: usize = 15;
/// The word of an inner node that numbers its first child.
pub const CHILD: usize = 15;
/// In a value: not a next hop, but the place of the root of a tree.
pub const TREE: u16 = 0x8000;
/// In a word of the directory: a next hop, not a tree.
pub const HOP: u32 = 1 << 31;
/// From which bit on a root has its node.
pub const ROOT_NODE: u32 = 3;
/// The bits of a root that count its inner levels.
pub const ROOT_LEVELS: u32 = 7;
/// Destinations whose loads are in flight together.
const TOGETHER: usize = 32;

/// The tables.
pub struct Tree {
    pub(super) directory: Table<AtomicU32>,
    pub(super) nodes: Table<Node>,
    /// Inner levels of every tree of stage 0.
    pub(super) levels: u32,
    pub(super) level: Level,
}

/// The key of an address in a stage.
#[inline(always)]
pub fn key_of(address: u128, stage: u32) -> u32 {
    (address << (16 + 32 * stage) >> 96) as u32
}

/// A key as the nodes hold it.
#[inline(always)]
pub fn signed(key: u32) -> i32 {
    (key ^ 1 << 31) as i32
}

/// The child of an inner node that holds a key.
#[inline(always)]
fn child<S: Simd>(simd: S, node: &Node, key: i32) -> u32 {
    let before = simd.less::<INNER_KEYS>(node, key);
    node.0[CHILD].load(Acquire) + before
}

/// The value of a leaf for a key.
#[inline(always)]
fn value<S: Simd>(simd: S, node: &Node, key: i32) -> u16 {
    let before = simd.less::<LEAF_KEYS>(node, key);
    let word = node.0[LEAF_KEYS + before as usize / 2].load(Relaxed);
    (word >> (16 * (before & 1))) as u16
}

impl Tree {
    /// The next hop for one destination.
    #[inline]
    pub fn lookup(&self, destination: u128) -> NextHopIndex {
        let mut next_hop = [NextHopIndex::NO_ROUTE];
        self.lookup_burst(&[destination], &mut next_hop);
        next_hop[0]
    }

    /// The next hops for any number of destinations.
    #[inline]
    pub fn lookup_burst(&self, destinations: &[u128], next_hops: &mut [NextHopIndex]) {
        self.level.run(Burst { tree: self, destinations, next_hops });
    }

    /// Where the root is that a value of a leaf leads to: node and word.
    #[inline(always)]
    pub(super) fn root_at(leaf: usize, value: u16) -> (usize, usize) {
        let word = usize::from(value & !TREE);
        (leaf + word / 16, word % 16)
    }

    /// Goes on below the leaves at which some of the destinations have come, those whose next hop says `TREE`. Stage by stage, so that the
    /// loads of one overlap: these trees are many and small, and seldom in a cache.
    #[inline(always)]
    fn below<S: Simd>(
        &self,
        simd: S,
        leaves: &mut [u32; TOGETHER],
        destinations: &[u128],
        next_hops: &mut [NextHopIndex],
    ) {
        let nodes = &self.nodes[..];
        let (mut lanes, mut count) = ([0; TOGETHER], 0);
        for (lane, next_hop) in next_hops.iter().enumerate() {
            lanes[count] = lane as u8;
            count += usize::from(next_hop.0 & TREE != 0);
        }
        let mut levels = [0; TOGETHER];
        for stage in 1..STAGES {
            for lane in lanes[..count].iter().map(|&lane| usize::from(lane)) {
                let (node, word) = Self::root_at(leaves[lane] as usize, next_hops[lane].0);
                let root = nodes[node].0[word].load(Acquire);
                leaves[lane] = root >> ROOT_NODE;
                levels[lane] = root & ROOT_LEVELS;
                prefetch(&nodes[leaves[lane] as usize]);
            }
            let mut rest = 0;
            for place in 0..count {
                let lane = usize::from(lanes[place]);
                let key = signed(key_of(destinations[lane], stage));
                for _ in 0..levels[lane] {
                    leaves[lane] = child(simd, &nodes[leaves[lane] as usize], key);
                }
                let found = value(simd, &nodes[leaves[lane] as usize], key);
                next_hops[lane].0 = found;
                lanes[rest] = lane as u8;
                rest += usize::from(found & TREE != 0);
            }
            count = rest;
            if count == 0 {
                break;
            }
        }
    }

    /// Goes down from the roots of stage 0 to their leaves, a step of every destination, then the next: the loads of a step overlap.
    #[inline(always)]
    fn descend<S: Simd>(&self, simd: S, places: &mut [u32], keys: &[i32]) {
        // A slice of our own: behind a load with acquire the compiler would look up again where the table lies.
        let nodes = &self.nodes[..];
        for _ in 0..self.levels {
            let (fours, rest) = places.as_chunks_mut::<4>();
            let (keys, keys_rest) = keys.as_chunks::<4>();
            for (four, keys) in fours.iter_mut().zip(keys) {
                for (place, &key) in four.iter_mut().zip(keys) {
                    *place = child(simd, &nodes[*place as usize], key);
                }
            }
            for (place, &key) in rest.iter_mut().zip(keys_rest) {
                *place = child(simd, &nodes[*place as usize], key);
            }
        }
    }

    /// Bytes of the tables.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.directory) + size_of_val(&*self.nodes)
    }
}

struct Burst<'a> {
    tree: &'a Tree,
    destinations: &'a [u128],
    next_hops: &'a mut [NextHopIndex],
}

impl Kernel for Burst<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // A whole burst has a length that the compiler knows.
        let (whole, rest) = self.destinations.as_chunks::<TOGETHER>();
        let (found, found_rest) = self.next_hops.as_chunks_mut::<TOGETHER>();
        for (destinations, next_hops) in whole.iter().zip(found) {
            together(simd, self.tree, destinations, next_hops);
        }
        if !rest.is_empty() {
            together(simd, self.tree, rest, found_rest);
        }
    }
}

/// Looks up at most `TOGETHER` destinations side by side.
#[inline(always)]
fn together<S: Simd>(simd: S, tree: &Tree, destinations: &[u128], next_hops: &mut [NextHopIndex]) {
    let (directory, nodes) = (&tree.directory[..], &tree.nodes[..]);
    // Where each destination has come to, at first what the directory holds; and its key.
    let (mut places, mut keys) = ([0; TOGETHER], [0; TOGETHER]);
    let (mut any, mut all) = (0, HOP);
    for ((place, key), &destination) in places.iter_mut().zip(&mut keys).zip(destinations) {
        let found = directory[(destination >> 112) as usize].load(Acquire);
        any |= found;
        all &= found;
        *place = found;
        *key = signed(key_of(destination, 0));
    }
    if any & HOP != 0 {
        for (next_hop, &place) in next_hops.iter_mut().zip(&places) {
            next_hop.0 = place as u16;
        }
        if all == HOP {
            return;
        }
        return some(simd, tree, (&mut places, &keys), destinations, next_hops);
    }
    let count = destinations.len();
    let keys = &keys[..count];
    tree.descend(simd, &mut places[..count], keys);
    let mut any = 0;
    for (next_hop, (&leaf, &key)) in next_hops.iter_mut().zip(places.iter().zip(keys)) {
        next_hop.0 = value(simd, &nodes[leaf as usize], key);
        any |= next_hop.0;
    }
    if any & TREE != 0 {
        tree.below(simd, &mut places, destinations, next_hops);
    }
}

/// Goes on with those that the directory leads to a tree.
#[inline(always)]
fn some<S: Simd>(
    simd: S,
    tree: &Tree,
    (all_places, all_keys): (&mut [u32; TOGETHER], &[i32; TOGETHER]),
    destinations: &[u128],
    next_hops: &mut [NextHopIndex],
) {
    // Which they are, without a branch: the number of one that is done is overwritten by the next.
    let (mut lanes, mut count) = ([0; TOGETHER], 0);
    for (lane, &place) in all_places[..destinations.len()].iter().enumerate() {
        lanes[count] = lane as u8;
        count += usize::from(place & HOP == 0);
    }
    let lanes = &lanes[..count];
    let (mut places, mut keys) = ([0; TOGETHER], [0; TOGETHER]);
    for ((place, key), &lane) in places.iter_mut().zip(&mut keys).zip(lanes) {
        (*place, *key) = (all_places[usize::from(lane)], all_keys[usize::from(lane)]);
    }
    let (places, keys) = (&mut places[..count], &keys[..count]);
    tree.descend(simd, places, keys);
    let mut any = 0;
    for ((&leaf, &key), &lane) in places.iter().zip(keys).zip(lanes) {
        let lane = usize::from(lane);
        let found = value(simd, &tree.nodes[leaf as usize], key);
        (all_places[lane], next_hops[lane].0) = (leaf, found);
        any |= found;
    }
    if any & TREE != 0 {
        tree.below(simd, all_places, destinations, next_hops);
    }
}
