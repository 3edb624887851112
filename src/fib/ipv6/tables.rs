//! Keeps the tables of a large IPv6 FIB: works out the intervals that a change touches and publishes them with one store.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use ringway_mempool::epoch::Epochs;

use super::stage::{Interval, Keys, Stage, Value, is_plain, is_uniform, push, splice};
use super::tree::{CHILD, HOP, INNER_KEYS, LEAF_KEYS, ROOT_LEVELS, ROOT_NODE, TREE, Tree, key_of};
use crate::fib::address::Address;
use crate::fib::blocks::Blocks;
use crate::fib::limits::FibFull;
use crate::fib::next_hop::NextHopIndex;
use crate::fib::prefixes::{Prefix, Prefixes, Step, flatten};
use walk::{Block, Path};

mod build;
mod fill;
mod walk;

/// How the reasons of refusals call it.
const TABLE: &str = "IPv6 table";
/// Values of a leaf, and children of an inner node.
const VALUES: usize = LEAF_KEYS + 1;
const CHILDREN: usize = INNER_KEYS + 1;
/// Intervals that the leaves of one inner node hold, and how many of them it gets when it is made.
const BLOCK: usize = VALUES * CHILDREN;
const FILL: usize = LEAF_KEYS * CHILDREN;
/// Words of a node, and what its unused keys are: no key is less, so nothing is looked for behind them.
const NODE_WORDS: usize = 16;
const PADDING: u32 = i32::MAX as u32;
/// The fewest nodes that a table has room for.
const FEWEST_NODES: u32 = 256;

/// Where a published word is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Directory(usize),
    Word(usize, usize),
}

/// The tables have no room for a batch: make larger ones.
#[derive(Debug)]
pub struct Cramped;

/// The tables and what their writer knows of them.
pub struct Tables {
    tree: Arc<Tree>,
    nodes: Blocks,
    /// Words replaced by the batch at hand, so that it can be undone.
    journal: Vec<(Place, u32)>,
    memory_bytes: usize,
}

/// A tree: its root and its inner levels.
#[derive(Debug, Clone, Copy)]
struct Root {
    node: u32,
    levels: u32,
}

/// Intervals that a tree of so many inner levels, at least one, has room for.
fn room(levels: u32) -> usize {
    FILL * CHILDREN.pow(levels - 1)
}

impl Tables {
    /// What the readers see.
    pub fn tree(&self) -> Arc<Tree> {
        self.tree.clone()
    }

    /// Works out the prefixes that changed and publishes them. When it stops, nothing has changed.
    pub fn update(&mut self, routes: &Prefixes<u128>, changed: &mut [Prefix<u128>]) -> Result<(), Cramped> {
        // In order, so that each comes after those that contain it, which have made it right already.
        changed.sort_unstable();
        let mut done: Option<Prefix<u128>> = None;
        for &(network, length) in changed.iter() {
            if done.is_some_and(|(outer, bits)| bits <= length && network.network(bits) == outer) {
                continue;
            }
            done = Some((network, length));
            let tops = if length < 16 { 1 << (16 - length) } else { 1 };
            let first = (network >> 112) as usize;
            for top in first..first + tops {
                let prefix = if length < 16 { ((top as u128) << 112, 16) } else { (network, length) };
                if let Err(cramped) = self.change(routes, Stage::of_top(top), Place::Directory(top), prefix) {
                    self.undo();
                    return Err(cramped);
                }
            }
        }
        self.journal.clear();
        self.nodes.commit();
        Ok(())
    }

    /// Frees what no reader can see any more; returns the pieces that still wait.
    pub fn reclaim(&mut self, epochs: &mut Epochs) -> usize {
        if self.nodes.unstamped() {
            let epoch = epochs.close();
            self.nodes.stamp(epoch);
        }
        self.nodes.reclaim(epochs.passed())
    }

    /// That the tables can not grow.
    pub fn full(&self) -> FibFull {
        FibFull::Memory { bytes: self.tree.memory_bytes() / 4 * 5, table: TABLE }
    }

    fn undo(&mut self) {
        for (place, word) in std::mem::take(&mut self.journal).into_iter().rev() {
            self.store(place, word);
        }
        self.nodes.undo();
    }

    /// Makes one prefix right in the tree of a stage, and in those below it.
    fn change(
        &mut self,
        routes: &Prefixes<u128>,
        stage: Stage,
        root_at: Place,
        prefix: Prefix<u128>,
    ) -> Result<(), Cramped> {
        let inside = if prefix.1 <= stage.end() { prefix } else { stage.unit(prefix.0) };
        let keys = stage.keys(inside);
        let Some(root) = self.root(root_at) else {
            let fresh = self.intervals(routes, stage, inside)?;
            let before = [Interval { last: u32::MAX, value: Value::Hop(self.load(root_at) as u16) }];
            let after = splice(&before, 0, keys, &fresh);
            return if after == before { Ok(()) } else { self.replace_tree(root_at, &after) };
        };
        let path = self.path(root, keys.0);
        if prefix.1 > stage.end()
            && let value = self.value_at(path.leaf, keys.0)
            && value & TREE != 0
            && routes.within(inside).any(|((_, length), _)| length > stage.end())
        {
            let (node, word) = Tree::root_at(path.leaf as usize, value);
            return self.change(routes, stage.below(inside.0), Place::Word(node, word), prefix);
        }
        let fresh = self.intervals(routes, stage, inside)?;
        if keys.1 <= path.last && self.replace_leaf(&path, keys, &fresh)? {
            return Ok(());
        }
        // The smallest block that holds all of it, and has room for it.
        for block in path.blocks.iter().rev().filter(|block| keys.1 <= block.last) {
            let before = self.collect(block.root, block.last);
            let after = splice(&before, block.first, keys, &fresh);
            if before == after {
                return Ok(());
            }
            let most = if block.root.levels == 1 { BLOCK } else { room(block.root.levels) };
            if after.len() <= most && !is_uniform(&after) {
                self.replace_block(*block, &after)?;
                self.retire_below(&before, keys, block.first);
                return Ok(());
            }
        }
        let before = self.collect(root, u32::MAX);
        let after = splice(&before, 0, keys, &fresh);
        if before == after {
            return Ok(());
        }
        self.replace_tree(root_at, &after)?;
        self.retire_below(&before, keys, 0);
        self.retire_nodes(root);
        Ok(())
    }

    /// Publishes a new tree, or next hop, instead of the old one.
    fn replace_tree(&mut self, root_at: Place, after: &[Interval]) -> Result<(), Cramped> {
        let word = match root_at {
            Place::Word(..) => self.build(after, 0)?.word(),
            Place::Directory(_) => self.build_top(after)?,
        };
        self.publish(root_at, word);
        Ok(())
    }

    /// Gives one leaf another content: a copy of it among its siblings. Says false where it takes more, because the content does not fit
    /// or leads to other trees.
    fn replace_leaf(&mut self, path: &Path, keys: Keys, fresh: &[Interval]) -> Result<bool, Cramped> {
        let Some(block) = path.blocks.last() else {
            return Ok(false);
        };
        let mut before = Vec::with_capacity(VALUES);
        self.collect_into(Root { node: path.leaf, levels: 0 }, path.last, &mut before);
        let after = splice(&before, path.first, keys, fresh);
        if before == after {
            return Ok(true);
        }
        // One next hop for all keys belongs into the directory.
        let whole = is_uniform(&after) && (path.first, path.last) == (0, u32::MAX);
        if whole || after.len() > VALUES || !is_plain(&before) || !is_plain(&after) {
            return Ok(false);
        }
        let (first, count) = (self.word(block.root.node, CHILD), self.nodes_below(block.root.node));
        let copy = self.take(count)?;
        for node in 0..count {
            self.write(copy + node, std::array::from_fn(|word| self.word(first + node, word)));
        }
        self.write_leaf(copy + path.leaf - first, &after, &mut 0);
        self.publish(Place::Word(block.root.node as usize, CHILD), copy);
        self.retire(first, count);
        Ok(true)
    }

    /// Gives a block another content: new nodes below its root, and a copy of the root among its siblings.
    fn replace_block(&mut self, block: Block, after: &[Interval]) -> Result<(), Cramped> {
        let (root, _) = self.build_below(after, block.root.levels)?;
        let siblings = self.word(block.parent, CHILD);
        let count = self.children(block.parent);
        let copy = self.take(count)?;
        for sibling in 0..count {
            let words = std::array::from_fn(|word| self.word(siblings + sibling, word));
            self.write(copy + sibling, if siblings + sibling == block.root.node { root } else { words });
        }
        self.retire_children(block.root);
        self.publish(Place::Word(block.parent as usize, CHILD), copy);
        self.retire(siblings, count);
        Ok(())
    }

    /// The intervals of a prefix of this stage, from the routes; the trees below it are made.
    fn intervals(
        &mut self,
        routes: &Prefixes<u128>,
        stage: Stage,
        inside: Prefix<u128>,
    ) -> Result<Vec<Interval>, Cramped> {
        let outside = routes.parent(inside).map_or(NextHopIndex::NO_ROUTE, |(_, next_hop)| next_hop);
        let (mut here, mut below) = (Vec::new(), Vec::new());
        routes.walk(inside, stage.end(), |step| match step {
            Step::Prefix((network, length), next_hop) => {
                here.push(((key_of(network, stage.number), length - stage.start()), next_hop));
            }
            Step::Longer(network) => below.push(network),
        });
        let mut flat = Vec::new();
        let (first, last) = stage.keys(inside);
        flatten(here.into_iter(), (first, last), outside, |last, next_hop| {
            flat.push(Interval { last, value: Value::Hop(next_hop.0) });
        });
        if below.is_empty() {
            return Ok(flat);
        }
        let mut below = below.into_iter().peekable();
        let mut intervals = Vec::with_capacity(flat.len() + 2 * below.len());
        // As u64, because the key after the last one is none.
        let mut at = u64::from(first);
        for Interval { last, value } in flat {
            while let Some(network) = below.next_if(|&network| stage.keys((network, stage.end())).0 <= last) {
                let (key, key_last) = stage.keys((network, stage.end()));
                if at < u64::from(key) {
                    push(&mut intervals, key - 1, value);
                }
                let root = self.build_whole(routes, stage.below(network))?;
                push(&mut intervals, key_last, Value::Root(root.word()));
                at = u64::from(key_last) + 1;
            }
            if at <= u64::from(last) {
                push(&mut intervals, last, value);
                at = u64::from(last) + 1;
            }
        }
        Ok(intervals)
    }

    /// The tree at a place; none where there is a next hop.
    fn root(&self, place: Place) -> Option<Root> {
        let word = self.load(place);
        match place {
            Place::Word(..) => Some(Root::of(word)),
            Place::Directory(_) => (word & HOP == 0).then_some(Root { node: word, levels: self.tree.levels }),
        }
    }

    fn publish(&mut self, place: Place, word: u32) {
        self.journal.push((place, self.load(place)));
        self.store(place, word);
    }

    fn load(&self, place: Place) -> u32 {
        match place {
            Place::Directory(top) => self.tree.directory[top].load(Relaxed),
            Place::Word(node, word) => self.tree.nodes[node].0[word].load(Relaxed),
        }
    }

    fn store(&self, place: Place, word: u32) {
        match place {
            Place::Directory(top) => self.tree.directory[top].store(word, Release),
            Place::Word(node, at) => self.tree.nodes[node].0[at].store(word, Release),
        }
    }
}

impl Root {
    fn of(word: u32) -> Self {
        Self { node: word >> ROOT_NODE, levels: word & ROOT_LEVELS }
    }

    /// As a leaf's root.
    fn word(self) -> u32 {
        self.node << ROOT_NODE | self.levels
    }
}
