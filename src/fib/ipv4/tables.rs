//! Keeps the tables of a large IPv4 FIB: works out the groups that a batch touches and publishes each with one store.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{AtomicU16, AtomicU64};

use ringway_mempool::epoch::Epochs;
use ringway_mempool::simd::Level;
use ringway_mempool::table::{Table, Word, prefetch};

use super::direct::{Direct, EXTENDED, EXTENSION_WORDS, GROUP_SHIFT, GROUPS, leaf_at};
use super::routes::{Dirty, Inner, Routes};
use crate::fib::blocks::Blocks;
use crate::fib::limits::FibFull;

/// How the reasons of refusals call it.
const TABLE: &str = "IPv4 table";
/// Slots of a group, and addresses under a word of an extension.
const SLOTS: usize = 32;
/// Leaves of a block: one a slot, and two for the number of each extension.
const BLOCK: usize = 3 * SLOTS;
/// The fewest leaves and extensions that a table has room for.
const FEWEST_LEAVES: u32 = 4096;
const FEWEST_EXTENSIONS: u32 = 16;

/// Where a published word is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Group(usize),
    Extension(usize),
}

/// The tables have no room for a batch: make larger ones.
#[derive(Debug)]
pub struct Cramped;

/// The tables and what their writer knows of them.
pub struct Tables {
    direct: Arc<Direct>,
    leaves: Blocks,
    extensions: Blocks,
    /// By next hop, the place of the one leaf that all groups share that have only this next hop; 0 where none was needed yet.
    /// Stays for good: at most 64 KB.
    uniform: Vec<u32>,
    /// Words replaced by the batch at hand, so that it can be undone.
    journal: Vec<(Place, u64)>,
    memory_bytes: usize,
}

/// The leaves of 32 slots or addresses.
struct Block {
    map: u32,
    words: [u16; BLOCK],
    len: usize,
}

impl Block {
    /// The block of slots or addresses with these values.
    fn of(values: &[u16; SLOTS]) -> Self {
        let mut map = 0;
        for slot in 1..SLOTS {
            map |= u32::from(values[slot] != values[slot - 1]) << slot;
        }
        let mut block = Self { map, words: [0; BLOCK], len: 1 };
        block.words[0] = values[0];
        let mut left = map;
        while left != 0 {
            block.words[block.len] = values[left.trailing_zeros() as usize];
            block.len += 1;
            left &= left - 1;
        }
        block
    }

    /// The same where some slots lead to the extensions with these numbers.
    fn extended(values: &[u16; SLOTS], numbers: &[Option<u32>; SLOTS]) -> Self {
        let mut block = Self { map: 0, words: [0; BLOCK], len: 0 };
        for slot in 0..SLOTS {
            let before = slot.checked_sub(1);
            let same = |before: usize| numbers[before].is_none() && values[slot] == values[before];
            if numbers[slot].is_none() && before.is_some_and(same) {
                continue;
            }
            block.map |= u32::from(slot > 0) << slot;
            block.words[block.len] = if numbers[slot].is_none() { values[slot] } else { EXTENDED };
            block.len += 1;
        }
        let leaves = block.len;
        let mut numbers = numbers.iter().flatten();
        for leaf in 0..leaves {
            if block.words[leaf] & EXTENDED != 0
                && let Some(&number) = numbers.next()
            {
                block.words[leaf] |= block.len as u16;
                block.words[block.len] = number as u16;
                block.words[block.len + 1] = (number >> 16) as u16;
                block.len += 2;
            }
        }
        block
    }

    /// Whether some slots lead to extensions.
    fn is_extended(&self) -> bool {
        self.len > self.map.count_ones() as usize + 1
    }
}

impl Tables {
    /// The tables of these routes, compact, with a quarter of room. At most `memory_bytes`.
    pub fn new(routes: &Routes, memory_bytes: usize) -> Result<Self, FibFull> {
        let leaves = FEWEST_LEAVES.max(routes.len() as u32 / 2);
        let direct = Direct {
            groups: table(GROUPS)?,
            leaves: table(leaves as usize)?,
            extensions: table(FEWEST_EXTENSIONS as usize * EXTENSION_WORDS)?,
            level: Level::best(),
        };
        let mut tables = Self {
            direct: Arc::new(direct),
            // Leaf 0 is the one of groups without any route: there, a word is zero.
            leaves: Blocks::new(leaves, 1),
            extensions: Blocks::new(FEWEST_EXTENSIONS, 0),
            uniform: vec![0],
            journal: Vec::new(),
            memory_bytes,
        };
        for group in 0..GROUPS {
            while let Err(Cramped) = tables.derive(routes, group, u32::MAX) {
                tables.resize(tables.leaves.capacity() / 2 * 3, tables.extensions.capacity() * 2)?;
            }
            tables.journal.clear();
        }
        tables.leaves.commit();
        tables.extensions.commit();
        let room = |used: u32, fewest: u32| (used + used / 4).max(fewest);
        tables
            .resize(room(tables.leaves.extent(), FEWEST_LEAVES), room(tables.extensions.extent(), FEWEST_EXTENSIONS))?;
        Ok(tables)
    }

    /// What the readers see.
    pub fn direct(&self) -> Arc<Direct> {
        self.direct.clone()
    }

    /// Asks for the word of a prefix's group, which a change will read. See [`Routes::prefetch`].
    pub fn prefetch(&self, network: u32) {
        prefetch(&self.direct.groups[(network >> GROUP_SHIFT) as usize]);
    }

    /// Asks for the leaves behind that word.
    pub fn prefetch_leaves(&self, network: u32) {
        let word = self.load(Place::Group((network >> GROUP_SHIFT) as usize));
        prefetch(&self.direct.leaves[word as u32 as usize]);
    }

    /// Works out the groups that changed and publishes them. When it stops, nothing has changed.
    pub fn update(&mut self, routes: &Routes, dirty: &mut Vec<Dirty>) -> Result<(), Cramped> {
        dirty.sort_unstable_by_key(|&(group, _)| group);
        let mut rest = dirty.as_slice();
        while let Some(&(group, _)) = rest.first() {
            let same = rest.iter().take_while(|&&(other, _)| other == group).count();
            let slots = rest[..same].iter().fold(0, |slots, &(_, more)| slots | more);
            rest = &rest[same..];
            if let Err(cramped) = self.derive(routes, group as usize, slots) {
                self.undo();
                return Err(cramped);
            }
        }
        self.journal.clear();
        self.leaves.commit();
        self.extensions.commit();
        Ok(())
    }

    /// Frees what no reader can see any more; returns the pieces that still wait.
    pub fn reclaim(&mut self, epochs: &mut Epochs) -> usize {
        if self.leaves.unstamped() || self.extensions.unstamped() {
            let epoch = epochs.close();
            self.leaves.stamp(epoch);
            self.extensions.stamp(epoch);
        }
        let passed = epochs.passed();
        self.leaves.reclaim(passed) + self.extensions.reclaim(passed)
    }

    /// That the tables can not grow.
    pub fn full(&self) -> FibFull {
        FibFull::Memory { bytes: self.direct.memory_bytes() / 4 * 5, table: TABLE }
    }

    fn undo(&mut self) {
        for (place, word) in std::mem::take(&mut self.journal).into_iter().rev() {
            self.store(place, word);
        }
        self.leaves.undo();
        self.extensions.undo();
    }

    /// Makes the tables that grow larger or smaller; only before readers have them.
    fn resize(&mut self, leaves: u32, extensions: u32) -> Result<(), FibFull> {
        let bytes = GROUPS * 8 + leaves as usize * 2 + extensions as usize * EXTENSION_WORDS * 8;
        if bytes > self.memory_bytes {
            return Err(FibFull::Memory { bytes, table: TABLE });
        }
        let direct = Arc::get_mut(&mut self.direct).expect("only tables that no reader has are resized");
        let larger: Table<AtomicU16> = table(leaves as usize)?;
        for (to, from) in larger.iter().zip(direct.leaves.iter()) {
            to.store(from.load(Relaxed), Relaxed);
        }
        direct.leaves = larger;
        let larger: Table<AtomicU64> = table(extensions as usize * EXTENSION_WORDS)?;
        for (to, from) in larger.iter().zip(direct.extensions.iter()) {
            to.store(from.load(Relaxed), Relaxed);
        }
        direct.extensions = larger;
        self.leaves.resize(leaves);
        self.extensions.resize(extensions);
        Ok(())
    }

    /// Works out one group. Extensions only in the `slots` that changed.
    fn derive(&mut self, routes: &Routes, group: usize, slots: u32) -> Result<(), Cramped> {
        let inner = routes.inner(group);
        if inner.is_empty() && self.load(Place::Group(group)) >> 32 == 0 {
            let word = self.uniform(routes.cover(group))?;
            self.publish(Place::Group(group), word);
            return Ok(());
        }
        let (old_word, old) = self.read(Place::Group(group));
        let before = self.extensions_of(old_word, &old);
        let mut extensions = [None; SLOTS];
        let mut values = [routes.cover(group); SLOTS];
        let mut at = 0;
        while let Some(route) = inner.get(at) {
            let slot = (route.address() >> 8) as usize;
            if route.length() <= 24 {
                values[slot..slot + (1 << (24 - route.length()))].fill(route.next_hop());
                at += 1;
                continue;
            }
            let longer =
                inner[at..].iter().take_while(|route| route.length() > 24 && (route.address() >> 8) as usize == slot);
            let longer = &inner[at..at + longer.count()];
            at += longer.len();
            if slots & 1 << slot != 0 {
                match self.derive_extension(before[slot], values[slot], longer)? {
                    Ok(value) => values[slot] = value,
                    Err(number) => extensions[slot] = Some(number),
                }
            } else if before[slot].is_some() {
                extensions[slot] = before[slot];
            } else {
                // Longer routes that say what the shorter one says.
                values[slot] = longer.last().map_or(values[slot], |route| route.next_hop());
            }
        }
        let extended = extensions.iter().any(Option::is_some);
        let block = if extended { Block::extended(&values, &extensions) } else { Block::of(&values) };
        self.replace(Place::Group(group), (old_word, &old), &block)?;
        if old.is_extended() {
            for (before, after) in before.iter().zip(&extensions) {
                if let (Some(number), None) = (before, after) {
                    self.retire_extension(*number);
                }
            }
        }
        Ok(())
    }

    /// Works out the /24 of one slot: its only value, or (the error) the number of its extension.
    fn derive_extension(
        &mut self,
        number: Option<u32>,
        outside: u16,
        routes: &[Inner],
    ) -> Result<Result<u16, u32>, Cramped> {
        let mut values = [outside; 256];
        for route in routes {
            let first = (route.address() & 0xff) as usize;
            values[first..first + (1 << (32 - route.length()))].fill(route.next_hop());
        }
        if values.iter().all(|&value| value == values[0]) {
            return Ok(Ok(values[0]));
        }
        let fresh = number.is_none();
        let number = match number {
            Some(number) => number,
            None => self.extensions.take(1).ok_or(Cramped)?,
        };
        for (part, values) in values.as_chunks::<SLOTS>().0.iter().enumerate() {
            let block = Block::of(values);
            let place = Place::Extension(number as usize * EXTENSION_WORDS + part);
            if fresh {
                // Not in the journal: a reader that has found the extension still reads it after the batch is undone.
                let word = self.word_of(&block)?;
                self.store(place, word);
            } else {
                let (word, old) = self.read(place);
                self.replace(place, (word, &old), &block)?;
            }
        }
        Ok(Err(number))
    }

    /// Publishes a block in the place of the old one, which is retired.
    fn replace(&mut self, place: Place, (old_word, old): (u64, &Block), block: &Block) -> Result<(), Cramped> {
        if block.map == old.map && block.words[..block.len] == old.words[..old.len] {
            return Ok(());
        }
        let word = self.word_of(block)?;
        self.publish(place, word);
        if old.map != 0 {
            self.leaves.retire(old_word as u32, old.len as u32);
        }
        Ok(())
    }

    /// Writes a block where no reader looks yet; the word that leads to it.
    fn word_of(&mut self, block: &Block) -> Result<u64, Cramped> {
        if block.map == 0 {
            return self.uniform(block.words[0]);
        }
        let base = self.write(&block.words[..block.len])?;
        Ok(u64::from(block.map) << 32 | u64::from(base))
    }

    /// Writes leaves where no reader looks yet.
    fn write(&mut self, leaves: &[u16]) -> Result<u32, Cramped> {
        let base = self.leaves.take(leaves.len() as u32).ok_or(Cramped)?;
        for (to, &leaf) in self.direct.leaves[base as usize..].iter().zip(leaves) {
            to.store(leaf, Relaxed);
        }
        Ok(base)
    }

    /// The word of a group that has only this next hop.
    fn uniform(&mut self, value: u16) -> Result<u64, Cramped> {
        let index = usize::from(value);
        if index >= self.uniform.len() {
            self.uniform.resize(index + 1, 0);
        }
        if self.uniform[index] == 0 && value != 0 {
            let base = self.write(&[value])?;
            self.leaves.keep_last();
            self.uniform[index] = base;
        }
        Ok(u64::from(self.uniform[index]))
    }

    fn publish(&mut self, place: Place, word: u64) {
        let old = self.load(place);
        if old != word {
            self.journal.push((place, old));
            self.store(place, word);
        }
    }

    fn load(&self, place: Place) -> u64 {
        match place {
            Place::Group(at) => self.direct.groups[at].load(Relaxed),
            Place::Extension(at) => self.direct.extensions[at].load(Relaxed),
        }
    }

    fn store(&self, place: Place, word: u64) {
        match place {
            Place::Group(at) => self.direct.groups[at].store(word, Release),
            Place::Extension(at) => self.direct.extensions[at].store(word, Release),
        }
    }

    /// A published word and its block.
    fn read(&self, place: Place) -> (u64, Block) {
        let word = self.load(place);
        let map = (word >> 32) as u32;
        let mut block = Block { map, words: [0; BLOCK], len: map.count_ones() as usize + 1 };
        let base = word as u32 as usize;
        for (leaf, from) in block.words[..block.len].iter_mut().zip(&self.direct.leaves[base..]) {
            *leaf = from.load(Relaxed);
        }
        let numbers = 2 * block.words[..block.len].iter().filter(|&&leaf| leaf & EXTENDED != 0).count();
        for at in block.len..block.len + numbers {
            block.words[at] = self.direct.leaves[base + at].load(Relaxed);
        }
        block.len += numbers;
        (word, block)
    }

    /// The extension of each slot of a group.
    fn extensions_of(&self, word: u64, block: &Block) -> [Option<u32>; SLOTS] {
        let mut extensions = [None; SLOTS];
        if block.is_extended() {
            for (slot, extension) in extensions.iter_mut().enumerate() {
                let leaf = block.words[leaf_at(word & !u64::from(u32::MAX), slot as u32)];
                if leaf & EXTENDED != 0 {
                    *extension = Some(self.direct.extension(word as u32, leaf));
                }
            }
        }
        extensions
    }

    fn retire_extension(&mut self, number: u32) {
        for part in 0..EXTENSION_WORDS {
            let (word, block) = self.read(Place::Extension(number as usize * EXTENSION_WORDS + part));
            if block.map != 0 {
                self.leaves.retire(word as u32, block.len as u32);
            }
        }
        self.extensions.retire(number, 1);
    }
}

fn table<W: Word>(len: usize) -> Result<Table<W>, FibFull> {
    Table::new(len).map_err(|_| FibFull::Memory { bytes: len * size_of::<W>(), table: TABLE })
}
