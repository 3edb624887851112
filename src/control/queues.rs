//! Queues and pools on their way between the control thread and the workers.

use super::dealing::Dealt;
use super::router::Router;
use crate::dataplane::message::Order;
use crate::dataplane::queues::PortQueues;
use ringway_mempool::{Geometry, PagePolicy, Pool};
use ringway_pmd::Queues;
use std::time::Duration;

/// How long a worker is waited for: it may have to wait for its core.
const PATIENCE: Duration = Duration::from_secs(10);

impl Router {
    /// Gives the workers the queues of a port as they were dealt.
    pub(super) fn give_queues(&mut self, port: u16, queues: Queues, dealt: &Dealt) {
        let mut shares: Vec<PortQueues> =
            self.workers.iter().map(|_| PortQueues { port, ..PortQueues::default() }).collect();
        for (number, (queue, worker)) in queues.rx.into_iter().zip(&dealt.rx).enumerate() {
            shares[usize::from(*worker)].rx.push((number as u16, queue));
        }
        for (number, (queue, worker)) in queues.tx.into_iter().zip(&dealt.tx).enumerate() {
            shares[usize::from(*worker)].tx.push((number as u16, queue));
        }
        for (worker, share) in self.workers.iter_mut().zip(shares) {
            worker.order(Order::GiveQueues(Box::new(share)));
        }
    }

    /// Takes the queues of a port from every worker; each has closed them and has its buffers back.
    ///
    /// # Errors
    /// The first worker that did not answer.
    pub(super) fn take_queues(&mut self, port: u16) -> Result<(), String> {
        self.taken.retain(|(_, queues)| queues.port != port);
        self.order_all(|| Order::TakeQueues(port));
        let answered = |router: &Self, number: usize| {
            router.taken.iter().any(|(worker, queues)| *worker == number && queues.port == port)
        };
        self.await_answers(PATIENCE, answered);
        let silent =
            (0..self.workers.len()).find(|number| self.workers[*number].thread.is_some() && !answered(self, *number));
        self.taken.retain(|(_, queues)| queues.port != port);
        silent.map_or(Ok(()), |worker| Err(format!("worker {worker} did not give its queues back; try again")))
    }

    /// Borrows the pools of all workers, which wait meanwhile.
    ///
    /// # Errors
    /// The first worker that has ended or did not answer; its pool cannot be had.
    pub(super) fn with_lent_pools<R>(
        &mut self,
        use_them: impl FnOnce(&mut Self, &mut [Pool]) -> R,
    ) -> Result<R, String> {
        if let Some(worker) = self.workers.iter().position(|worker| worker.thread.is_none()) {
            return Err(format!("worker {worker} has ended, and its buffers with it: restart ringway"));
        }
        self.lending = true;
        for worker in &mut self.workers {
            let place = Pool::new(1, Geometry { frame: 64 }, PagePolicy::Small, false).map_err(|e| e.to_string())?;
            worker.order(Order::LendPool(Box::new(place)));
        }
        self.await_answers(PATIENCE, |router, number| router.lent.iter().any(|(worker, _)| *worker == number));
        self.lending = false;
        let mut lent = std::mem::take(&mut self.lent);
        lent.sort_by_key(|(worker, _)| *worker);
        if lent.len() < self.workers.len() {
            let silent = (0..self.workers.len()).find(|number| !lent.iter().any(|(worker, _)| worker == number));
            for (worker, pool) in lent {
                self.workers[worker].order(Order::ReturnPool(pool));
            }
            return Err(format!("worker {} did not answer; try again", silent.unwrap_or(0)));
        }
        let mut pools: Vec<Pool> = lent.into_iter().map(|(_, pool)| *pool).collect();
        let result = use_them(self, &mut pools);
        for (worker, pool) in self.workers.iter_mut().zip(pools) {
            worker.order(Order::ReturnPool(Box::new(pool)));
        }
        Ok(result)
    }

    /// Takes what a worker has handed over. A pool that nobody waits for any more goes back at once.
    pub(super) fn pool_lent(&mut self, worker: usize, pool: Box<Pool>) {
        if self.lending {
            self.lent.push((worker, pool));
        } else {
            self.workers[worker].order(Order::ReturnPool(pool));
        }
    }
}
