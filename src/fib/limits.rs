//! What a FIB may grow to, what a batch of changes did, and why a route was refused.

use thiserror::Error;

/// What a FIB may grow to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most prefixes. Memory follows from it: see the bounds in each family's module.
    pub routes: usize,
    /// The most bytes of one table.
    pub memory_bytes: usize,
}

impl Default for Limits {
    /// Room for more than three of today's full tables.
    fn default() -> Self {
        Self { routes: 4 << 20, memory_bytes: 256 << 20 }
    }
}

/// Why a FIB refused a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FibFull {
    /// It holds as many prefixes as its limit allows.
    #[error("the FIB is full: it holds {limit} prefixes, its limit; raise the limit of routes or remove some")]
    Routes {
        /// The limit.
        limit: usize,
    },
    /// The kernel gave no memory for a larger table.
    #[error(
        "the FIB cannot grow: the kernel gave no {bytes} bytes for its {table}; free memory or lower the limit of routes"
    )]
    Memory {
        /// Bytes asked for.
        bytes: usize,
        /// Which table.
        table: &'static str,
    },
}

/// A route that found no place; the table answers as if it had never been offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused<P> {
    /// Its prefix.
    pub prefix: P,
    /// Why.
    pub reason: FibFull,
}

/// What a batch of changes did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied<P> {
    /// Prefixes whose next hop changed, came or went.
    pub changed: usize,
    /// The routes of the batch that found no place.
    pub refused: Vec<Refused<P>>,
    /// The writer has made a new table: hand what its `reader()` returns now to the workers. Until they have it, they
    /// look up the old one, which no longer changes. False: the table that the workers have has changed under them.
    pub republish: bool,
}

impl<P> Applied<P> {
    pub(crate) fn nothing() -> Self {
        Self { changed: 0, refused: Vec::new(), republish: false }
    }
}
