//! Reads trees: where a key leads to, which intervals there are, and which nodes are out of reach when a tree is.

use std::sync::atomic::Ordering::Relaxed;

use super::build::leaf_nodes;
use super::{NODE_WORDS, PADDING, Root, Tables};
use crate::fib::ipv6::stage::{Interval, Keys, Value};
use crate::fib::ipv6::tree::{CHILD, INNER_KEYS, LEAF_KEYS, TREE, Tree, signed};

/// Where a key lies: its leaf, with the keys from `first` to `last`, and the blocks around it, the smallest last.
pub(super) struct Path {
    pub(super) leaf: u32,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) blocks: Vec<Block>,
}

/// A part of a tree: everything below an inner node that is not the root, for the keys from `first` to `last`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) parent: u32,
    pub(super) root: Root,
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Tables {
    /// Where a key leads to.
    pub(super) fn path(&self, root: Root, key: u32) -> Path {
        let (mut node, mut first, mut last) = (root.node, 0, u32::MAX);
        let mut blocks = Vec::new();
        for level in (0..root.levels).rev() {
            let before = (0..INNER_KEYS).take_while(|&at| self.key(node, at) < key).count();
            if before > 0 {
                first = self.key(node, before - 1) + 1;
            }
            if before < INNER_KEYS && self.word(node, before) != PADDING {
                last = self.key(node, before);
            }
            let child = self.word(node, CHILD) + before as u32;
            if level > 0 {
                blocks.push(Block { parent: node, root: Root { node: child, levels: level }, first, last });
            }
            node = child;
        }
        Path { leaf: node, first, last, blocks }
    }

    /// How many nodes the children of an inner node above leaves take: the leaves, and the roots behind them.
    pub(super) fn nodes_below(&self, inner: u32) -> u32 {
        let (first, leaves) = (self.word(inner, CHILD), self.children(inner));
        let roots = |leaf| (0..self.values(leaf)).filter(|&place| self.value(leaf, place) & TREE != 0).count();
        let roots: usize = (first..first + leaves).map(roots).sum();
        leaves + roots.div_ceil(NODE_WORDS) as u32
    }

    /// The value of a leaf for a key.
    pub(super) fn value_at(&self, leaf: u32, key: u32) -> u16 {
        let before = (0..LEAF_KEYS).take_while(|&at| self.key(leaf, at) < key).count();
        self.value(leaf, before)
    }

    pub(super) fn value(&self, leaf: u32, place: usize) -> u16 {
        (self.word(leaf, LEAF_KEYS + place / 2) >> (16 * (place % 2))) as u16
    }

    /// The intervals of a tree, whose last key is `last`.
    pub(super) fn collect(&self, root: Root, last: u32) -> Vec<Interval> {
        let mut intervals = Vec::new();
        self.collect_into(root, last, &mut intervals);
        intervals
    }

    pub(super) fn collect_into(&self, root: Root, last: u32, intervals: &mut Vec<Interval>) {
        let Root { node, levels } = root;
        let places = if levels == 0 { self.values(node) } else { self.children(node) as usize };
        for place in 0..places {
            let last = if place + 1 < places { self.key(node, place) } else { last };
            if levels > 0 {
                let child = Root { node: self.word(node, CHILD) + place as u32, levels: levels - 1 };
                self.collect_into(child, last, intervals);
                continue;
            }
            let value = self.value(node, place);
            let value = if value & TREE == 0 {
                Value::Hop(value)
            } else {
                let (node, word) = Tree::root_at(node as usize, value);
                Value::Root(self.word(node as u32, word))
            };
            intervals.push(Interval { last, value });
        }
    }

    /// Retires the trees that the intervals `before`, which start with the key `first`, had for some keys.
    pub(super) fn retire_below(&mut self, before: &[Interval], (from, to): Keys, first: u32) {
        let mut start = first;
        for interval in before {
            if let Value::Root(word) = interval.value
                && (from..=to).contains(&start)
            {
                let root = Root::of(word);
                let intervals = self.collect(root, u32::MAX);
                self.retire_below(&intervals, (0, u32::MAX), 0);
                self.retire_nodes(root);
            }
            start = interval.last.wrapping_add(1);
        }
    }

    /// Retires the nodes of one tree.
    pub(super) fn retire_nodes(&mut self, root: Root) {
        if root.levels == 0 {
            self.retire_leaves(root.node, 1);
        } else {
            self.retire_children(root);
            self.retire(root.node, 1);
        }
    }

    pub(super) fn retire_children(&mut self, parent: Root) {
        let (child, count) = (self.word(parent.node, CHILD), self.children(parent.node));
        if parent.levels == 1 {
            return self.retire_leaves(child, count);
        }
        for node in child..child + count {
            self.retire_children(Root { node, levels: parent.levels - 1 });
        }
        self.retire(child, count);
    }

    pub(super) fn retire_leaves(&mut self, first: u32, count: u32) {
        let mut intervals = Vec::new();
        for node in first..first + count {
            self.collect_into(Root { node, levels: 0 }, u32::MAX, &mut intervals);
        }
        self.retire(first, leaf_nodes(count as usize, &intervals));
    }

    pub(super) fn word(&self, node: u32, word: usize) -> u32 {
        self.tree.nodes[node as usize].0[word].load(Relaxed)
    }

    /// A key of a node; the last of all keys where it has none.
    pub(super) fn key(&self, node: u32, place: usize) -> u32 {
        signed(self.word(node, place)) as u32
    }

    pub(super) fn children(&self, inner: u32) -> u32 {
        1 + (0..INNER_KEYS).take_while(|&at| self.word(inner, at) != PADDING).count() as u32
    }

    pub(super) fn values(&self, leaf: u32) -> usize {
        1 + (0..LEAF_KEYS).take_while(|&at| self.word(leaf, at) != PADDING).count()
    }
}
