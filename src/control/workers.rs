//! The control thread's side of the workers: orders, events, answers.

use super::router::Router;
use super::state::ManagedInterface;
use crate::dataplane::message::{ControlLink, Event, Inject, Order, Report};
use crate::dataplane::snapshot::Snapshot;
use ringway_mempool::{Audit, PageKind};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long an answer of a worker is waited for before it is reported as slow.
const ANSWER: Duration = Duration::from_secs(1);
/// Routes without room that are named one by one.
const UNUSED_SAID: usize = 5;
/// Orders that may wait here for a slow worker before it is reported.
const BACKLOG: usize = 100_000;

/// What a worker's pool is like; fixed from the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct PoolFacts {
    /// Buffers.
    pub capacity: u32,
    /// Bytes from one buffer to the next.
    pub stride: u32,
    /// Its pages.
    pub pages: PageKind,
    /// Whether they are locked into memory.
    pub locked: bool,
}

/// A worker as the control thread sees it.
pub(super) struct ManagedWorker {
    /// Queues and counters.
    pub link: ControlLink,
    /// Its thread; taken when it has ended.
    pub thread: Option<JoinHandle<Audit>>,
    /// The core it is pinned to.
    pub core: Option<usize>,
    /// Its pool.
    pub pool: PoolFacts,
    /// Longest frame that a buffer, and so a slot of the rings, takes.
    pub frame_bytes: usize,
    /// Orders that found the queue full.
    pub backlog: VecDeque<Order>,
    /// Set when the worker was reported as slow or gone, so that it is said once.
    pub reported: bool,
    /// Counters when they were last cleared.
    pub cleared: super::show::ClearedWorker,
}

impl ManagedWorker {
    /// Sends an order, or keeps it until there is room.
    pub fn order(&mut self, order: Order) {
        if self.thread.is_none() {
            return;
        }
        self.backlog.push_back(order);
        self.flush();
    }

    /// Sends what waits, as far as there is room.
    pub fn flush(&mut self) {
        while let Some(order) = self.backlog.pop_front() {
            if let Err(order) = self.link.orders.push(order) {
                self.backlog.push_front(order);
                break;
            }
        }
    }
}

impl Router {
    /// Sends an order to every worker.
    pub(super) fn order_all(&mut self, make: impl Fn() -> Order) {
        for worker in &mut self.workers {
            worker.order(make());
        }
    }

    /// Compiles the state and hands it to every worker. The snapshot is kept until all have left the one before.
    pub(super) fn publish(&mut self) {
        self.bring_up_to_date();
        self.hand_out_snapshot();
    }

    /// Lets the tables follow what has changed in the RIB since the last time, all of it at once. Workers see it as soon as
    /// it is written; they need a new snapshot only where a table had to be made anew.
    pub(super) fn follow_routes(&mut self) {
        if self.rib.pending() > 0 && self.bring_up_to_date() {
            self.hand_out_snapshot();
        }
    }

    /// Whether the workers need a new snapshot to see it.
    fn bring_up_to_date(&mut self) -> bool {
        let interfaces = &self.interfaces;
        let up = |number: u16| interfaces.get(usize::from(number)).is_some_and(ManagedInterface::is_up);
        let followed = self.tables.follow(&mut self.rib, &up);
        for unused in followed.unused.iter().take(UNUSED_SAID) {
            let vrf = self.vrf_name(unused.vrf);
            tracing::error!("route {} of vrf {vrf} is known and not used: {}", unused.prefix, unused.reason);
        }
        if followed.unused.len() > UNUSED_SAID {
            tracing::error!("{} further routes are not used", followed.unused.len() - UNUSED_SAID);
        }
        followed.republish
    }

    fn hand_out_snapshot(&mut self) {
        let snapshot = Arc::new(self.compile());
        self.order_all(|| Order::Snapshot(snapshot.clone()));
        self.snapshots.push(snapshot);
    }

    /// Gives memory and numbers of routes back that no worker can see any more.
    pub(super) fn tend_tables(&mut self) {
        let newest = self.snapshots.last().map(|last| last.generation);
        let mut running = self.workers.iter().filter(|worker| worker.thread.is_some());
        let adopted = running.all(|worker| Some(worker.link.counters.generation.get() as u32) == newest);
        self.tables.tend(&mut self.rib, adopted);
    }

    /// The snapshot published last.
    pub(super) fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshots.last()
    }

    /// Frees the snapshots that no worker uses any more.
    pub(super) fn retire_snapshots(&mut self) {
        let running = self.workers.iter().filter(|worker| worker.thread.is_some());
        let oldest = running.map(|worker| worker.link.counters.generation.get() as u32).min();
        let (Some(oldest), Some(newest)) = (oldest, self.snapshots.last().map(|last| last.generation)) else { return };
        self.snapshots.retain(|snapshot| snapshot.generation == newest || snapshot.generation >= oldest);
    }

    /// Sends a packet through a worker. A full ring loses it: whoever sent it has a timer to send it again.
    pub(super) fn inject(&mut self, worker: usize, kind: Inject, bytes: &[u8]) {
        let sent = self.workers.get_mut(worker).map(|worker| worker.link.inject.send(kind, bytes));
        if !matches!(sent, Some(Ok(()))) {
            self.inject_lost += 1;
        }
    }

    /// Takes the events of every worker; returns whether there were any.
    pub(super) fn take_events(&mut self) -> bool {
        let mut any = false;
        for number in 0..self.workers.len() {
            self.workers[number].flush();
            while let Some(event) = self.workers[number].link.events.pop() {
                any = true;
                match event {
                    Event::NeighborNeeded(key) => self.neighbor_needed(key),
                    Event::NeighborUsed(key) => self.neighbor_used(key),
                    Event::Audit(id, audit) => self.audits.push((number, id, audit)),
                    Event::QueuesTaken(queues) => self.taken.push((number, queues)),
                    Event::PoolLent(pool) => self.pool_lent(number, pool),
                    Event::Report(report) => self.reports.push((number, report)),
                }
            }
        }
        any
    }

    /// Asks every worker where its buffers are; `None` for one that does not answer.
    pub(super) fn ask_audits(&mut self) -> Vec<Option<Audit>> {
        self.question += 1;
        let id = self.question;
        self.order_all(|| Order::Audit(id));
        self.await_answers(ANSWER, |router, number| {
            router.audits.iter().any(|(worker, answered, _)| *worker == number && *answered == id)
        });
        let mut answers = vec![None; self.workers.len()];
        for (worker, answered, audit) in self.audits.drain(..) {
            if answered == id {
                answers[worker] = Some(audit);
            }
        }
        answers
    }

    /// Asks every worker for the tables that only it reads.
    pub(super) fn ask_reports(&mut self) -> Vec<Option<Box<Report>>> {
        self.question += 1;
        let id = self.question;
        // Of both families.
        let entries = 2 * self.config.cache.entries as usize;
        let held = usize::from(self.config.neighbor.hold_total);
        self.order_all(|| {
            let (cache, held) = (Vec::with_capacity(entries), Vec::with_capacity(held));
            Order::Report(Box::new(Report { id, cache, held, ..Report::default() }))
        });
        self.await_answers(ANSWER, |router, number| {
            router.reports.iter().any(|(worker, report)| *worker == number && report.id == id)
        });
        let mut answers: Vec<_> = self.workers.iter().map(|_| None).collect();
        for (worker, report) in self.reports.drain(..) {
            if report.id == id {
                answers[worker] = Some(report);
            }
        }
        answers
    }

    /// Goes on with events until every running worker has answered, or long enough.
    pub(super) fn await_answers(&mut self, patience: Duration, answered: impl Fn(&Self, usize) -> bool) {
        let deadline = Instant::now() + patience;
        loop {
            self.take_events();
            let all =
                (0..self.workers.len()).all(|number| self.workers[number].thread.is_none() || answered(self, number));
            if all || Instant::now() >= deadline {
                return;
            }
            std::thread::park_timeout(Duration::from_micros(200));
        }
    }

    /// Reports workers that have ended or do not take their orders, once each.
    pub(super) fn watch_workers(&mut self) {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if worker.thread.as_ref().is_some_and(JoinHandle::is_finished) {
                let said = match worker.thread.take().map(JoinHandle::join) {
                    Some(Err(panic)) => panic
                        .downcast_ref::<String>()
                        .cloned()
                        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
                        .unwrap_or_else(|| "an unknown panic".into()),
                    _ => "it left its loop".into(),
                };
                worker.backlog.clear();
                tracing::error!("worker {number} has ended ({said}); its queues are no longer served: restart ringway");
                self.failed = true;
            } else if worker.backlog.len() > BACKLOG && !worker.reported {
                worker.reported = true;
                tracing::warn!("worker {number} does not take its orders: {} wait", worker.backlog.len());
            }
        }
    }

    /// Ends every worker and waits for it; returns the last audits, `None` for one that had ended before.
    pub(super) fn stop_workers(&mut self) -> Vec<Option<Audit>> {
        self.order_all(|| Order::Stop);
        let deadline = Instant::now() + 5 * ANSWER;
        while Instant::now() < deadline && self.workers.iter().any(|worker| !worker.backlog.is_empty()) {
            self.take_events();
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let join = |worker: &mut ManagedWorker| worker.thread.take().and_then(|thread| thread.join().ok());
        self.workers.iter_mut().map(join).collect()
    }
}
