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

    /// Borrows the pools of these workers, which wait meanwhile; the others go on.
    ///
    /// # Errors
    /// The first worker that has ended or did not answer; its pool cannot be had.
    pub(super) fn with_lent_pools<R>(
        &mut self,
        owners: &[u16],
        use_them: impl FnOnce(&mut Self, &mut [Pool]) -> R,
    ) -> Result<R, String> {
        if let Some(worker) = owners.iter().find(|owner| self.workers[usize::from(**owner)].thread.is_none()) {
            return Err(format!("worker {worker} has ended, and its buffers with it: restart ringway"));
        }
        let place =
            || Pool::new(1, Geometry { frame: 64 }, PagePolicy::Small, false).map_err(|error| error.to_string());
        let places: Vec<Pool> = owners.iter().map(|_| place()).collect::<Result<_, _>>()?;
        self.lending = owners.to_vec();
        for (owner, place) in owners.iter().zip(places) {
            self.workers[usize::from(*owner)].order(Order::LendPool(Box::new(place)));
        }
        let here = |router: &Self, owner: usize| router.lent.iter().any(|(worker, _)| *worker == owner);
        self.await_answers(PATIENCE, |router, number| !owners.contains(&(number as u16)) || here(router, number));
        self.lending.clear();
        let mut lent = std::mem::take(&mut self.lent);
        lent.sort_by_key(|(worker, _)| owners.iter().position(|owner| usize::from(*owner) == *worker));
        if lent.len() < owners.len() {
            let silent = owners.iter().find(|owner| !lent.iter().any(|(worker, _)| *worker == usize::from(**owner)));
            let message = format!("worker {} did not answer; try again", silent.copied().unwrap_or(0));
            for (worker, pool) in lent {
                self.workers[worker].order(Order::ReturnPool(pool));
            }
            return Err(message);
        }
        let mut pools: Vec<Pool> = lent.into_iter().map(|(_, pool)| *pool).collect();
        let result = use_them(self, &mut pools);
        for (owner, pool) in owners.iter().zip(pools) {
            self.workers[usize::from(*owner)].order(Order::ReturnPool(Box::new(pool)));
        }
        Ok(result)
    }

    /// Takes what a worker has handed over. A pool that nobody waits for any more goes back at once.
    pub(super) fn pool_lent(&mut self, worker: usize, pool: Box<Pool>) {
        if self.lending.contains(&(worker as u16)) {
            self.lent.push((worker, pool));
        } else {
            self.workers[worker].order(Order::ReturnPool(pool));
        }
    }
}
