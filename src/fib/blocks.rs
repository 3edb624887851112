//! Where the pieces of a lookup table lie: blocks of words in one fixed table, each written once, read by anyone, and used
//! again only when no reader can see it (`INV-GRACE`).
//!
//! Free blocks are kept by size; a larger one is cut where none fits, and neighbors are joined when the table runs out. When that does not
//! help, its writer makes a new, compact one. So it never grows by itself, and the loss to cutting is bounded by its size.

use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
struct Block {
    first: u32,
    len: u32,
}

/// So many free blocks are worth the search for neighbors.
const MANY: usize = 64;

/// The blocks of one table.
#[derive(Debug)]
pub struct Blocks {
    capacity: u32,
    /// Everything from here on was never used.
    next: u32,
    /// The first words of free blocks, by their length.
    free: Vec<Vec<u32>>,
    /// Bit `n` says that there is a free block of length `n`.
    lengths: u128,
    /// Blocks that have become free since neighbors were joined.
    apart: usize,
    /// Given out since the last [`Blocks::commit`].
    given: Vec<Block>,
    /// Out of reach since the last commit; comes back if the batch is undone.
    retired: Vec<Block>,
    /// Out of reach, committed, but no epoch was closed since.
    unstamped: Vec<Block>,
    /// Out of reach; free when readers have passed that epoch.
    waiting: VecDeque<(u64, Block)>,
}

impl Blocks {
    /// The longest block.
    pub const LONGEST: u32 = 127;

    /// A table of `capacity` words, of which the first `reserved` are not to be given out.
    pub fn new(capacity: u32, reserved: u32) -> Self {
        Self {
            capacity,
            next: reserved,
            free: vec![Vec::new(); Self::LONGEST as usize + 1],
            lengths: 0,
            apart: 0,
            given: Vec::new(),
            retired: Vec::new(),
            unstamped: Vec::new(),
            waiting: VecDeque::new(),
        }
    }

    /// A block of `len` words; none when there is no room.
    pub fn take(&mut self, len: u32) -> Option<u32> {
        debug_assert!((1..=Self::LONGEST).contains(&len));
        let first = self.take_free(len).or_else(|| self.take_new(len)).or_else(|| self.join()?.take_free(len))?;
        self.given.push(Block { first, len });
        Some(first)
    }

    fn take_free(&mut self, len: u32) -> Option<u32> {
        let fitting = self.lengths >> len << len;
        if fitting == 0 {
            return None;
        }
        let found = fitting.trailing_zeros();
        // Cutting a block that is not much longer leaves crumbs: rather use new words while there are some.
        if found != len && found < 2 * len && self.capacity - self.next >= len {
            return None;
        }
        let list = &mut self.free[found as usize];
        let first = list.pop()?;
        if list.is_empty() {
            self.lengths &= !(1 << found);
        }
        if found > len {
            self.put_free(Block { first: first + len, len: found - len });
        }
        Some(first)
    }

    fn take_new(&mut self, len: u32) -> Option<u32> {
        if self.capacity - self.next < len {
            return None;
        }
        let first = self.next;
        self.next += len;
        Some(first)
    }

    fn put_free(&mut self, block: Block) {
        self.free[block.len as usize].push(block.first);
        self.lengths |= 1 << block.len;
        self.apart += 1;
    }

    /// Makes one block of free neighbors, unless hardly any have become free since the last time.
    fn join(&mut self) -> Option<&mut Self> {
        if self.apart < MANY {
            return None;
        }
        let lists = self.free.iter_mut().enumerate();
        let mut all: Vec<_> =
            lists.flat_map(|(len, list)| list.drain(..).map(move |first| (first, len as u32))).collect();
        all.sort_unstable();
        self.lengths = 0;
        let mut open: Option<Block> = None;
        for (first, len) in all {
            open = Some(match open {
                Some(before) if before.first + before.len == first && before.len + len <= Self::LONGEST => {
                    Block { first: before.first, len: before.len + len }
                }
                other => {
                    other.into_iter().for_each(|done| self.put_free(done));
                    Block { first, len }
                }
            });
        }
        open.into_iter().for_each(|done| self.put_free(done));
        self.apart = 0;
        Some(self)
    }

    /// Takes back a block that no new reader can find any more.
    pub fn retire(&mut self, first: u32, len: u32) {
        self.retired.push(Block { first, len });
    }

    /// The batch stands: what it retired stays out of reach.
    pub fn commit(&mut self) {
        self.given.clear();
        self.unstamped.append(&mut self.retired);
    }

    /// The batch is undone: what it took is free again (no reader ever found it or, if one did, it waits like the rest), what
    /// it retired is in use again.
    pub fn undo(&mut self) {
        self.retired.clear();
        self.unstamped.append(&mut self.given);
    }

    /// Forgets every block taken since [`Blocks::extent`] was this: only in a table that no reader has yet, and that has given nothing back.
    pub fn rewind(&mut self, extent: u32) {
        debug_assert!(self.lengths == 0 && self.unstamped.is_empty() && self.waiting.is_empty());
        self.next = extent;
        self.given.clear();
    }

    /// Whether blocks wait that no epoch was closed for.
    pub fn unstamped(&self) -> bool {
        !self.unstamped.is_empty()
    }

    /// The blocks out of reach so far are free once `epoch` has passed.
    pub fn stamp(&mut self, epoch: u64) {
        self.waiting.extend(self.unstamped.drain(..).map(|block| (epoch, block)));
    }

    /// Frees what is out of every reader's reach; returns how many blocks still wait.
    pub fn reclaim(&mut self, passed: u64) -> usize {
        while let Some(&(epoch, block)) = self.waiting.front()
            && epoch <= passed
        {
            self.put_free(block);
            self.waiting.pop_front();
        }
        self.waiting.len() + self.unstamped.len()
    }

    /// The block taken last stays for good, even if the batch is undone.
    pub fn keep_last(&mut self) {
        self.given.pop();
    }

    /// The table behind has another size now, at least [`Blocks::extent`].
    pub fn resize(&mut self, capacity: u32) {
        debug_assert!(capacity >= self.next);
        self.capacity = capacity;
    }

    /// Words up to the last one ever used.
    pub fn extent(&self) -> u32 {
        self.next
    }

    /// All words.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_block_comes_back_only_after_its_epoch() {
        let mut blocks = Blocks::new(8, 0);
        let first = blocks.take(8).unwrap();
        blocks.commit();
        blocks.retire(first, 8);
        blocks.commit();
        assert_eq!(blocks.reclaim(9), 1, "no epoch closed yet");
        blocks.stamp(10);
        assert_eq!(blocks.reclaim(9), 1);
        assert_eq!(blocks.take(8), None);
        assert_eq!(blocks.reclaim(10), 0);
        assert_eq!(blocks.take(8), Some(first));
    }

    #[test]
    fn an_undone_batch_keeps_what_it_retired() {
        let mut blocks = Blocks::new(4, 0);
        let kept = blocks.take(2).unwrap();
        blocks.commit();
        blocks.retire(kept, 2);
        let taken = blocks.take(2).unwrap();
        blocks.undo();
        blocks.stamp(1);
        blocks.reclaim(1);
        assert_eq!(blocks.take(2), Some(taken));
        assert_eq!(blocks.take(1), None);
    }

    #[test]
    fn free_neighbors_become_one_when_nothing_else_is_left() {
        let mut blocks = Blocks::new(2 * MANY as u32, 0);
        let taken: Vec<_> = (0..MANY).map(|_| blocks.take(2).unwrap()).collect();
        blocks.commit();
        taken.iter().for_each(|&first| blocks.retire(first, 2));
        blocks.commit();
        blocks.stamp(1);
        blocks.reclaim(1);
        assert_eq!(blocks.take(Blocks::LONGEST - 1), Some(0));
        assert_eq!(blocks.take(3), None);
        assert_eq!(blocks.take(2), Some(Blocks::LONGEST - 1));
    }

    #[test]
    fn a_rewound_table_has_its_room_again() {
        let mut blocks = Blocks::new(8, 1);
        blocks.take(3).unwrap();
        blocks.commit();
        let extent = blocks.extent();
        assert!(blocks.take(4).is_some() && blocks.take(1).is_none());
        blocks.rewind(extent);
        assert_eq!(blocks.take(4), Some(extent));
    }

    proptest! {
        #[test]
        fn blocks_in_use_never_overlap(steps in prop::collection::vec((any::<bool>(), 1u32..40, any::<prop::sample::Index>()), 0..200)) {
            let mut blocks = Blocks::new(500, 1);
            let mut live: Vec<(u32, u32)> = Vec::new();
            for (epoch, (take, len, which)) in steps.into_iter().enumerate() {
                if take {
                    if let Some(first) = blocks.take(len) {
                        prop_assert!(first >= 1 && first + len <= 500);
                        prop_assert!(live.iter().all(|&(other, size)| first + len <= other || other + size <= first));
                        live.push((first, len));
                    }
                } else if !live.is_empty() {
                    let (first, len) = live.swap_remove(which.index(live.len()));
                    blocks.retire(first, len);
                }
                blocks.commit();
                blocks.stamp(epoch as u64);
                blocks.reclaim(epoch as u64);
                let free: usize = blocks.free.iter().enumerate().map(|(len, list)| len * list.len()).sum();
                let used = live.iter().map(|&(_, len)| len).sum::<u32>();
                prop_assert_eq!(blocks.extent(), 1 + free as u32 + used, "no word is lost");
            }
        }
    }
}
