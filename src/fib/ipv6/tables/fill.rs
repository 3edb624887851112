//! Makes new tables from all routes.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ringway_mempool::simd::Level;
use ringway_mempool::table::{Node, Table, Word};

use super::{Cramped, FEWEST_NODES, Place, TABLE, Tables, room};
use crate::fib::blocks::Blocks;
use crate::fib::ipv6::stage::Stage;
use crate::fib::ipv6::tree::{DIRECTORY, HOP, Tree};
use crate::fib::limits::FibFull;
use crate::fib::prefixes::Prefixes;

impl Tables {
    /// The tables of these routes, compact, with an eighth of room. At most `memory_bytes`.
    pub fn new(routes: &Prefixes<u128>, memory_bytes: usize) -> Result<Self, FibFull> {
        let (filled, outside) = tops(routes);
        let mut tables = Self::empty(FEWEST_NODES.max(routes.len() as u32 / 8), memory_bytes)?;
        // The trees of the later stages are made with the intervals that lead to them.
        let mut tops = Vec::new();
        for top in filled {
            let stage = Stage::of_top(top);
            tops.push((top, tables.growing(|tables| tables.intervals(routes, stage, stage.whole()))?));
        }
        let most = tops.iter().map(|(_, intervals)| intervals.len()).max().unwrap_or(0);
        let tree = Arc::get_mut(&mut tables.tree).expect("new tables have no reader");
        tree.levels = (1..).find(|&levels| room(levels) >= most).expect("room grows with the levels");
        for (word, next_hop) in tree.directory.iter().zip(outside) {
            word.store(HOP | u32::from(next_hop), Relaxed);
        }
        for (top, intervals) in tops {
            let word = tables.growing(|tables| tables.build_top(&intervals))?;
            tables.store(Place::Directory(top), word);
        }
        tables.nodes.commit();
        let extent = tables.nodes.extent();
        tables.resize((extent + extent / 8).max(FEWEST_NODES))?;
        Ok(tables)
    }

    fn empty(nodes: u32, memory_bytes: usize) -> Result<Self, FibFull> {
        let tree =
            Tree { directory: table(DIRECTORY)?, nodes: table(nodes as usize)?, levels: 1, level: Level::best() };
        Ok(Self { tree: Arc::new(tree), nodes: Blocks::new(nodes, 0), journal: Vec::new(), memory_bytes })
    }

    /// Does something that takes nodes, with as many of them as it takes.
    fn growing<T>(&mut self, mut act: impl FnMut(&mut Self) -> Result<T, Cramped>) -> Result<T, FibFull> {
        loop {
            let extent = self.nodes.extent();
            match act(self) {
                Ok(done) => return Ok(done),
                Err(Cramped) => {
                    // Half of it is left behind, which nobody has seen.
                    self.nodes.rewind(extent);
                    self.resize(self.nodes.capacity() / 2 * 3)?;
                }
            }
        }
    }

    /// Makes the table of nodes larger or smaller; only before readers have it.
    fn resize(&mut self, nodes: u32) -> Result<(), FibFull> {
        let tree = Arc::get_mut(&mut self.tree).expect("only tables that no reader has are resized");
        let bytes = tree.memory_bytes() - size_of_val(&*tree.nodes) + nodes as usize * size_of::<Node>();
        if bytes > self.memory_bytes {
            return Err(FibFull::Memory { bytes, table: TABLE });
        }
        let other: Table<Node> = table(nodes as usize)?;
        for (to, from) in other.iter().zip(tree.nodes.iter()) {
            for (to, from) in to.0.iter().zip(&from.0) {
                to.store(from.load(Relaxed), Relaxed);
            }
        }
        tree.nodes = other;
        self.nodes.resize(nodes);
        Ok(())
    }
}

/// Which words of the directory have routes of their own, and what the others lead to.
fn tops(routes: &Prefixes<u128>) -> (Vec<usize>, Vec<u16>) {
    let mut filled = Vec::new();
    let mut outside = vec![0; DIRECTORY];
    for ((network, length), next_hop) in routes.iter() {
        let top = (network >> 112) as usize;
        if length <= 16 {
            // In order, so that a longer prefix overwrites a part of the shorter one.
            outside[top..top + (1 << (16 - length))].fill(next_hop.0);
        } else if filled.last() != Some(&top) {
            filled.push(top);
        }
    }
    (filled, outside)
}

fn table<W: Word>(len: usize) -> Result<Table<W>, FibFull> {
    Table::new(len).map_err(|_| FibFull::Memory { bytes: len * size_of::<W>(), table: TABLE })
}
