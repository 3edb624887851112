//! The check that the pool can never run dry: `INV-BUDGET`.
//!
//! Every place where a buffer can be is bounded. When the pool holds at least the sum of the bounds, taking a
//! buffer for a receive ring cannot fail at run time; exhaustion is a mistake of the configuration, found here.

use std::fmt;

/// One bounded place and the most buffers it can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetLine {
    /// The place, as the operator knows it (`receive ring of lan`).
    pub place: String,
    /// Most buffers it holds.
    pub buffers: u32,
    /// The setting that changes the number (`rx_ring of [[port]] lan`).
    pub setting: String,
}

/// What the pool of one worker has to cover.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    lines: Vec<BudgetLine>,
}

/// The pool is smaller than what it has to cover.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the pool of {capacity} buffers does not cover the {needed} that ports, bursts and queues can hold; \
     raise `buffers` in [memory] to {needed} (or remove it to have it computed), or lower {largest_setting} ({largest})"
)]
pub struct BudgetError {
    /// Buffers in the pool.
    pub capacity: u32,
    /// Buffers that all places can hold together.
    pub needed: u32,
    /// Most buffers of the largest place.
    pub largest: u32,
    /// The setting of the largest place.
    pub largest_setting: String,
}

impl Budget {
    /// A budget without places.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a place that holds at most `buffers`.
    pub fn add(&mut self, place: impl Into<String>, buffers: u32, setting: impl Into<String>) {
        self.lines.push(BudgetLine { place: place.into(), buffers, setting: setting.into() });
    }

    /// The places in the order they were added.
    pub fn lines(&self) -> &[BudgetLine] {
        &self.lines
    }

    /// Buffers that all places can hold together; saturates.
    pub fn needed(&self) -> u32 {
        self.lines.iter().fold(0, |sum, line| sum.saturating_add(line.buffers))
    }

    /// Checks `INV-BUDGET` for a pool of `capacity` buffers.
    ///
    /// # Errors
    /// Says how many are needed and which number to change.
    pub fn check(&self, capacity: u32) -> Result<(), BudgetError> {
        let needed = self.needed();
        if capacity >= needed {
            return Ok(());
        }
        let largest = self.lines.iter().max_by_key(|line| line.buffers);
        Err(BudgetError {
            capacity,
            needed,
            largest: largest.map_or(0, |line| line.buffers),
            largest_setting: largest.map_or_else(String::new, |line| line.setting.clone()),
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.lines.iter().map(|line| line.place.len()).max().unwrap_or(0).max("in all".len());
        for line in &self.lines {
            writeln!(f, "  {:<width$}  {:>8}  {}", line.place, line.buffers, line.setting)?;
        }
        write!(f, "  {:<width$}  {:>8}", "in all", self.needed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        let mut budget = Budget::new();
        budget.add("receive ring of lan", 512, "rx_ring of [[port]] lan");
        budget.add("burst", 32, "fixed");
        budget
    }

    #[test]
    fn an_exact_pool_closes() {
        assert_eq!(budget().check(544), Ok(()));
    }

    #[test]
    fn a_pool_one_short_is_refused_with_the_number_to_raise() {
        let error = budget().check(543).unwrap_err();
        assert_eq!((error.capacity, error.needed), (543, 544));
        let message = error.to_string();
        assert!(message.contains("raise `buffers` in [memory] to 544"), "{message}");
        assert!(message.contains("rx_ring of [[port]] lan"), "{message}");
    }

    #[test]
    fn the_table_names_each_place() {
        let table = budget().to_string();
        assert!(table.contains("receive ring of lan       512  rx_ring of [[port]] lan"), "{table}");
        assert!(table.ends_with("544"), "{table}");
    }
}
