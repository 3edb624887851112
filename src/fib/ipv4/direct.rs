//! The IPv4 table of a large FIB as its readers see it: a direct table over /24s, compressed by bitmaps.
//!
//! ```text
//!   address: | group (19 bits) | slot (5) | host (8) |
//!
//!   groups[group]   one 64-bit word for 32 consecutive /24s:   | map (32 bits) | base (32 bits) |
//!                   bit k of the map: slot k has another leaf than slot k - 1; bit 0 is never set
//!   leaves[base + ones of the map up to the slot]              a next hop, or
//!                   0x8000 | n: a /24 with longer routes; leaves[base + n] and the next one are its number
//!   extensions[8 * number + upper 3 bits of the host]          a word of the same shape for 32 addresses
//! ```
//!
//! Two loads and a population count, whatever the length of the route; the branch for longer routes is taken once a burst, if at
//! all. A full Internet table takes 4 MB of groups and about a megabyte of leaves, and so stays in the caches of a processor where
//! the 32 to 64 MB of an uncompressed table do not.
//!
//! A word is published by one 64-bit store, with release; leaves and the words of an extension are written before the word
//! that names them and not changed while a reader may see it (`INV-GRACE`). So a reader finds the answer before a change or
//! the one after it.
//!
//! Bounds: 4 MB for the groups; 2 bytes a leaf, at most 2^24 (32 MB) for routes up to /24; 64 bytes and at most 256 leaves for each
//! /24 with longer routes; and a quarter more for change. A route adds at most two leaves and one extension.

use std::sync::atomic::AtomicU16;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use ringway_mempool::simd::{Kernel, Level, Simd};
use ringway_mempool::table::{Table, prefetch};

use crate::fib::next_hop::NextHopIndex;

/// Bits of an address behind its group.
pub const GROUP_SHIFT: u32 = 13;
/// Groups.
pub const GROUPS: usize = 1 << (32 - GROUP_SHIFT);
/// Words of an extension.
pub const EXTENSION_WORDS: usize = 8;
/// In a leaf: not a next hop, but the place of an extension's number.
pub const EXTENDED: u16 = 0x8000;
/// Destinations whose loads are in flight together.
const TOGETHER: usize = 32;

/// The tables.
pub struct Direct {
    pub(super) groups: Table<AtomicU64>,
    pub(super) leaves: Table<AtomicU16>,
    pub(super) extensions: Table<AtomicU64>,
    pub(super) level: Level,
}

/// The place of a slot's leaf; the bits of `slot` above its five do not count.
#[inline(always)]
pub fn leaf_at(word: u64, slot: u32) -> usize {
    let map = (word >> 32) as u32;
    (word as u32).wrapping_add(map.wrapping_shl(!slot).count_ones()) as usize
}

impl Direct {
    /// The next hop for one destination.
    #[inline]
    pub fn lookup(&self, destination: u32) -> NextHopIndex {
        let word = self.groups[(destination >> GROUP_SHIFT) as usize].load(Acquire);
        let leaf = self.leaves[leaf_at(word, destination >> 8)].load(Relaxed);
        NextHopIndex(if leaf & EXTENDED == 0 { leaf } else { self.extended(word, leaf, destination) })
    }

    /// The next hops for any number of destinations.
    #[inline]
    pub fn lookup_burst(&self, destinations: &[u32], next_hops: &mut [NextHopIndex]) {
        self.level.run(Burst { table: self, destinations, next_hops });
    }

    /// Looks up at most `TOGETHER` destinations side by side.
    #[inline(always)]
    fn together(&self, destinations: &[u32], next_hops: &mut [NextHopIndex]) {
        // So many that no group needs a check.
        let groups: &[AtomicU64; GROUPS] = self.groups.first_chunk().expect("a table has all groups");
        // Every word first, so that these loads overlap; then every leaf.
        let mut words = [0; TOGETHER];
        for (word, &destination) in words.iter_mut().zip(destinations) {
            *word = groups[(destination >> GROUP_SHIFT) as usize].load(Acquire);
        }
        let mut any = 0;
        for ((next_hop, &destination), &word) in next_hops.iter_mut().zip(destinations).zip(&words) {
            let leaf = self.leaves[leaf_at(word, destination >> 8)].load(Relaxed);
            any |= leaf;
            next_hop.0 = leaf;
        }
        if any & EXTENDED != 0 {
            for ((next_hop, &destination), &word) in next_hops.iter_mut().zip(destinations).zip(&words) {
                if next_hop.0 & EXTENDED != 0 {
                    next_hop.0 = self.extended(word, next_hop.0, destination);
                }
            }
        }
    }

    /// Brings in the words of these destinations' groups.
    #[inline]
    pub fn prefetch(&self, destinations: &[u32]) {
        let groups: &[AtomicU64; GROUPS] = self.groups.first_chunk().expect("a table has all groups");
        for destination in destinations {
            prefetch(&groups[(destination >> GROUP_SHIFT) as usize]);
        }
    }

    /// The leaf under an extension. `word` is the group's word that led to `leaf`: the group may have another one by now.
    #[inline(always)]
    fn extended(&self, word: u64, leaf: u16, destination: u32) -> u16 {
        let extension = self.extension(word as u32, leaf) as usize;
        let word = self.extensions[extension * EXTENSION_WORDS + (destination >> 5 & 7) as usize].load(Acquire);
        self.leaves[leaf_at(word, destination)].load(Relaxed)
    }

    /// The number of the extension that a leaf of the block at `base` leads to.
    #[inline(always)]
    pub(super) fn extension(&self, base: u32, leaf: u16) -> u32 {
        let at = base as usize + usize::from(leaf & !EXTENDED);
        u32::from(self.leaves[at].load(Relaxed)) | u32::from(self.leaves[at + 1].load(Relaxed)) << 16
    }

    /// Bytes of the tables.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.groups) + size_of_val(&*self.leaves) + size_of_val(&*self.extensions)
    }
}

struct Burst<'a> {
    table: &'a Direct,
    destinations: &'a [u32],
    next_hops: &'a mut [NextHopIndex],
}

impl Kernel for Burst<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) {
        // A whole burst has a length that the compiler knows.
        let (whole, rest) = self.destinations.as_chunks::<TOGETHER>();
        let (found, found_rest) = self.next_hops.as_chunks_mut::<TOGETHER>();
        for (destinations, next_hops) in whole.iter().zip(found) {
            self.table.together(destinations, next_hops);
        }
        if !rest.is_empty() {
            self.table.together(rest, found_rest);
        }
    }
}
