//! `dump_mempool`: the pool of each worker in testpmd's words.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::view::View;

/// The pools that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mempools {
    /// One a worker.
    pub mempools: Vec<Mempool>,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mempool {
    /// testpmd's name: `mb_pool_` and the worker's number.
    pub name: String,
    /// Buffers it was made with.
    pub size: u32,
    /// Buffers that are free.
    pub common_pool_count: u32,
    /// Buffers elsewhere: rings, held, under way.
    pub in_use: u64,
    /// Bytes from one buffer to the next.
    pub elt_size: u32,
    /// The pages they lie on.
    pub pages: String,
}

impl View for Mempools {
    fn text(&self) -> String {
        let mut text = String::new();
        for (place, pool) in self.mempools.iter().enumerate() {
            let gap = if place == 0 { "" } else { "\n" };
            let _ = write!(
                text,
                "{gap}mempool <{}>\n  size={}\n  populated_size={}\n  elt_size={}\n  pages: {}\n  common_pool_count={}\n  in_use={}",
                pool.name, pool.size, pool.size, pool.elt_size, pool.pages, pool.common_pool_count, pool.in_use
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_has_the_labels_that_scripts_look_for() {
        let pool = Mempool {
            name: "mb_pool_0".into(),
            size: 4096,
            common_pool_count: 4000,
            in_use: 96,
            elt_size: 2304,
            pages: "small".into(),
        };
        let text = Mempools { mempools: vec![pool] }.text();
        for label in ["mempool <mb_pool_0>\n", "  size=4096\n", "  populated_size=4096\n", "  common_pool_count=4000\n"]
        {
            assert!(text.contains(label), "{text}");
        }
    }
}
