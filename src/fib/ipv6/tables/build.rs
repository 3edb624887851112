//! Makes trees that no reader sees yet: leaves, the inner nodes above them, and the roots that the leaves lead to.

use std::sync::atomic::Ordering::Relaxed;

use super::{BLOCK, CHILDREN, Cramped, FILL, NODE_WORDS, PADDING, Root, Tables, VALUES, room};
use crate::fib::ipv6::stage::{Interval, Stage, Value};
use crate::fib::ipv6::tree::{CHILD, HOP, LEAF_KEYS, TREE, signed};
use crate::fib::prefixes::Prefixes;

impl Tables {
    /// Makes the tree of a stage behind 0.
    pub(super) fn build_whole(&mut self, routes: &Prefixes<u128>, stage: Stage) -> Result<Root, Cramped> {
        let intervals = self.intervals(routes, stage, stage.whole())?;
        self.build(&intervals, 0)
    }

    /// Makes what the directory holds for these intervals: a next hop, or a tree of as many levels as all others.
    pub(super) fn build_top(&mut self, intervals: &[Interval]) -> Result<u32, Cramped> {
        if let [Interval { value: Value::Hop(value), .. }] = intervals {
            return Ok(HOP | u32::from(*value));
        }
        let levels = self.tree.levels;
        if intervals.len() > room(levels) {
            return Err(Cramped);
        }
        Ok(self.build(intervals, levels)?.node)
    }

    /// Makes a tree that no reader sees yet, of at least so many inner levels.
    pub(super) fn build(&mut self, intervals: &[Interval], least: u32) -> Result<Root, Cramped> {
        if least == 0 && intervals.len() <= VALUES {
            let (node, _) = self.write_leaves(intervals)?;
            return Ok(Root { node, levels: 0 });
        }
        let (words, levels) = self.build_below(intervals, least.max(1))?;
        let node = self.take(1)?;
        self.write(node, words);
        Ok(Root { node, levels })
    }

    /// Makes everything of a tree but its root, an inner node: returns what that has to hold, and its levels.
    pub(super) fn build_below(
        &mut self,
        intervals: &[Interval],
        least: u32,
    ) -> Result<([u32; NODE_WORDS], u32), Cramped> {
        // One block may be filled to the brim.
        let fill = if least == 1 && intervals.len() <= BLOCK { BLOCK } else { FILL };
        let mut level = Vec::new();
        for block in evenly(intervals, fill) {
            let (child, lasts) = self.write_leaves(block)?;
            level.push((inner(&lasts, child), block[block.len() - 1].last));
        }
        let mut levels = 1;
        while level.len() > 1 || levels < least {
            let mut parents = Vec::new();
            for siblings in evenly(&level, CHILDREN) {
                let child = self.take(siblings.len() as u32)?;
                let mut lasts = Vec::with_capacity(siblings.len());
                for (place, &(words, last)) in (child..).zip(siblings) {
                    self.write(place, words);
                    lasts.push(last);
                }
                parents.push((inner(&lasts, child), lasts[lasts.len() - 1]));
            }
            level = parents;
            levels += 1;
        }
        Ok((level[0].0, levels))
    }

    /// Writes the leaves of one inner node and, behind them, the roots they lead to. Returns the first leaf, and the last key of each.
    pub(super) fn write_leaves(&mut self, intervals: &[Interval]) -> Result<(u32, Vec<u32>), Cramped> {
        // A leaf with one place left takes most changes without its neighbors.
        let tight = intervals.len() <= VALUES || intervals.len() > FILL;
        let most = if tight { VALUES } else { LEAF_KEYS };
        let leaves = intervals.len().div_ceil(most);
        let first = self.take(leaf_nodes(leaves, intervals))?;
        let mut root_at = leaves * NODE_WORDS;
        let mut lasts = Vec::with_capacity(leaves);
        for (leaf, intervals) in evenly(intervals, most).enumerate() {
            root_at -= leaf.min(1) * NODE_WORDS;
            self.write_leaf(first + leaf as u32, intervals, &mut root_at);
            lasts.push(intervals[intervals.len() - 1].last);
        }
        Ok((first, lasts))
    }

    /// Writes one leaf; `root_at` is where, in words behind it, its next root goes.
    pub(super) fn write_leaf(&mut self, leaf: u32, intervals: &[Interval], root_at: &mut usize) {
        let mut words = [PADDING; NODE_WORDS];
        words[LEAF_KEYS..].fill(0);
        for (place, interval) in intervals.iter().enumerate() {
            if place + 1 < intervals.len() {
                words[place] = signed(interval.last) as u32;
            }
            let value = match interval.value {
                Value::Hop(value) => value,
                Value::Root(root) => {
                    let node = leaf as usize + *root_at / NODE_WORDS;
                    self.tree.nodes[node].0[*root_at % NODE_WORDS].store(root, Relaxed);
                    *root_at += 1;
                    TREE | (*root_at - 1) as u16
                }
            };
            words[LEAF_KEYS + place / 2] |= u32::from(value) << (16 * (place % 2));
        }
        self.write(leaf, words);
    }

    /// Room for so many nodes side by side.
    pub(super) fn take(&mut self, nodes: u32) -> Result<u32, Cramped> {
        self.nodes.take(rounded(nodes)).ok_or(Cramped)
    }

    /// Gives that room back when no reader can see it any more.
    pub(super) fn retire(&mut self, first: u32, nodes: u32) {
        self.nodes.retire(first, rounded(nodes));
    }

    pub(super) fn write(&self, node: u32, words: [u32; NODE_WORDS]) {
        for (to, word) in self.tree.nodes[node as usize].0.iter().zip(words) {
            to.store(word, Relaxed);
        }
    }
}

/// The content of an inner node whose children end with these keys.
pub(super) fn inner(lasts: &[u32], child: u32) -> [u32; NODE_WORDS] {
    let mut words = [PADDING; NODE_WORDS];
    for (word, &last) in words.iter_mut().zip(&lasts[..lasts.len() - 1]) {
        *word = signed(last) as u32;
    }
    words[CHILD] = child;
    words
}

/// Larger groups come in few sizes, so that what one leaves behind fits the next: most have 14 to 16 nodes.
fn rounded(nodes: u32) -> u32 {
    if nodes > 8 { nodes.next_multiple_of(4) } else { nodes }
}

/// Nodes of so many leaves and the roots behind them.
pub(super) fn leaf_nodes(leaves: usize, intervals: &[Interval]) -> u32 {
    let roots = intervals.iter().filter(|interval| matches!(interval.value, Value::Root(_))).count();
    (leaves + roots.div_ceil(NODE_WORDS)) as u32
}

/// The fewest parts of at most `most` items, all of about the same size.
fn evenly<T>(items: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    let parts = items.len().div_ceil(most);
    (0..parts).map(move |part| &items[part * items.len() / parts..(part + 1) * items.len() / parts])
}
