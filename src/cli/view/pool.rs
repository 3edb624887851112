//! `show pool`: the audit of the closed memory model.

use serde::Serialize;

use super::View;
use super::columns::Columns;

/// Where every packet buffer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pools {
    /// One a worker; a buffer never changes worker.
    pub workers: Vec<PoolWorker>,
}

/// Where the buffers of one worker are: the custody of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolWorker {
    /// The worker's number.
    pub worker: u16,
    /// Buffers there are.
    pub capacity: u32,
    /// Buffers free in the pool.
    pub pool: u32,
    /// Buffers lent to receive rings.
    pub receive_rings: u32,
    /// Buffers in the burst under way; zero between two turns.
    pub burst: u32,
    /// Buffers that wait for a neighbor.
    pub held: u32,
    /// Buffers in transmit rings, not yet reclaimed.
    pub transmit_rings: u32,
    /// The fewest that were ever free in the pool.
    pub lowest: u32,
    /// The bytes of one buffer, from one to the next.
    pub stride: u32,
    /// The pages they lie on, in words: `2 MiB huge pages`, ...
    pub pages: String,
}

impl PoolWorker {
    /// The buffers that were found.
    pub fn sum(&self) -> u64 {
        [self.pool, self.receive_rings, self.burst, self.held, self.transmit_rings].into_iter().map(u64::from).sum()
    }

    /// Whether every buffer was found, once.
    pub fn exact(&self) -> bool {
        self.sum() == u64::from(self.capacity)
    }
}

impl View for Pools {
    fn text(&self) -> String {
        let mut table = Columns::new(&[
            "worker", "capacity", "pool", "rx rings", "burst", "held", "tx rings", "sum", "exact", "lowest", "stride",
            "pages",
        ]);
        for worker in &self.workers {
            let numbers =
                [worker.capacity, worker.pool, worker.receive_rings, worker.burst, worker.held, worker.transmit_rings];
            let mut cells = vec![worker.worker.to_string()];
            cells.extend(numbers.iter().map(u32::to_string));
            cells.push(worker.sum().to_string());
            cells.push(if worker.exact() { "yes" } else { "NO" }.into());
            cells.extend([worker.lowest.to_string(), worker.stride.to_string(), worker.pages.clone()]);
            table.row(cells);
        }
        table.render("no workers")
    }

    fn json(&self) -> serde_json::Value {
        let workers = self.workers.iter().map(|worker| {
            let mut json = serde_json::json!(worker);
            json["sum"] = worker.sum().into();
            json["exact"] = worker.exact().into();
            json
        });
        serde_json::json!({ "workers": workers.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(held: u32) -> Pools {
        Pools {
            workers: vec![PoolWorker {
                worker: 0,
                capacity: 100,
                pool: 50,
                receive_rings: 40,
                burst: 0,
                held,
                transmit_rings: 7,
                lowest: 44,
                stride: 2240,
                pages: "4 KiB pages".into(),
            }],
        }
    }

    #[test]
    fn a_sum_that_is_exact_says_yes() {
        assert_eq!(pools(3).text().lines().nth(1).unwrap().split_whitespace().nth(8), Some("yes"));
        assert_eq!(pools(3).json()["workers"][0]["exact"], true);
    }

    #[test]
    fn a_lost_buffer_says_no_loudly() {
        let text = pools(2).text();
        assert_eq!(text.lines().nth(1).unwrap().split_whitespace().nth(7), Some("99"), "{text}");
        assert_eq!(text.lines().nth(1).unwrap().split_whitespace().nth(8), Some("NO"), "{text}");
        assert_eq!(pools(2).json()["workers"][0]["sum"], 99);
    }
}
