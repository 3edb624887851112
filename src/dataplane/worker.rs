//! The loop of a worker: reclaim, poll, process, submit; now and then the control thread's orders.
//!
//! At the top of the loop no mbuf is in a burst, so that is where the audit is answered and snapshots change.

use super::adjacency::Adjacencies;
use super::family::{Family, RouteKey};
use super::hold::HoldQueue;
use super::icmp_class::ICMP_CLASSES;
use super::limiter::TokenBucket;
use super::message::{CacheLine, Event, Inject, Order, Report, WorkerLink};
use super::observe::Observer;
use super::queues::{PortQueues, RxPort};
use super::snapshot::Snapshot;
use super::stage::{Stage, StageClock};
use super::staging::Staging;
use super::state::{State, TICK_SHIFT};
use super::{counters, exception, l3, modes, resolution};
use crate::fib::cache::{CacheMode, RouteCache};
use ringway_config::Mode;
use ringway_mempool::{Audit, BURST, Burst, Pool, cycles, cycles_per_second};
use ringway_pmd::{RxQueue, Tx};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Turns between two looks at the orders: rare enough to cost nothing, often enough (a turn is about a microsecond)
/// that an order waits for less than a millisecond.
const ORDER_TURNS: u32 = 64;
/// Orders and injected packets taken at one look, so that a flood of them does not starve the ports.
const ORDERS_AT_ONCE: usize = 256;
/// Idle turns before a worker that may sleep does so.
const IDLE_TURNS: u32 = 2000;
/// Longest sleep: an order or a port without descriptor waits at most this long.
const NAP: Duration = Duration::from_micros(500);
/// Shortest time between two wake-ups of the control thread, in parts of a second.
const WAKES_PER_SECOND: u64 = 20_000;

/// What a worker is told once.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Number of the worker.
    pub number: u16,
    /// Sleeps when nothing comes.
    pub idle_sleep: bool,
    /// Entries of the route cache; 0 turns it off.
    pub cache_entries: u32,
    /// When it is used.
    pub cache_mode: CacheMode,
    /// Seconds that an entry lives.
    pub cache_timeout_s: u32,
    /// Neighbors, over all interfaces.
    pub neighbors: usize,
    /// Neighbors being resolved, over all interfaces.
    pub incomplete: usize,
    /// Packets held, in all.
    pub hold_total: u16,
    /// Packets held for one neighbor.
    pub hold_per_neighbor: u16,
    /// ICMP errors of a kind a second, and at once.
    pub icmp_errors: (u32, u32),
    /// Echo replies a second, and at once.
    pub icmp_echo: (u32, u32),
    /// Packets that mode `noisy` keeps, and megabytes that it reads and writes.
    pub noisy: (u16, u16),
    /// Start of the route cache's hash: nobody outside may know it.
    pub seed: u64,
}

/// A worker: one core, one pool, its queues.
pub struct Worker {
    snapshot: Arc<Snapshot>,
    state: State,
    rx: Vec<RxPort>,
    settings: WorkerSettings,
    /// Wakes the control thread.
    waker: std::thread::Thread,
    last_wake: u64,
    cycles_per_second: u64,
    /// Answers that found the event queue full, to be sent at the next look.
    unsent: VecDeque<Event>,
    /// Orders that came while the pool was lent.
    deferred: VecDeque<Order>,
}

/// What a turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Busy,
    Idle,
}

impl Worker {
    /// Puts a worker together; it runs on the thread that calls [`Worker::run`].
    pub fn new(
        settings: WorkerSettings,
        pool: Pool,
        rx: Vec<RxPort>,
        tx: Vec<Tx>,
        mut link: WorkerLink,
        snapshot: Arc<Snapshot>,
        waker: std::thread::Thread,
    ) -> Self {
        let (rate, now) = (cycles_per_second(), cycles());
        let timeout_ticks = (u64::from(settings.cache_timeout_s) * rate) >> TICK_SHIFT;
        let (entries, mode) = (settings.cache_entries as usize, settings.cache_mode);
        let (errors, echo) = (settings.icmp_errors, settings.icmp_echo);
        link.counters.generation.set(u64::from(snapshot.generation));
        let state = State {
            pool,
            staging: Staging::new(tx, Observer::new(link.observe.take())),
            adjacencies: Adjacencies::new(settings.neighbors, settings.incomplete),
            hold: HoldQueue::new(settings.hold_total, settings.hold_per_neighbor),
            // The configuration has checked the size; 0 entries turn the caches off.
            cache4: RouteCache::new(entries, mode, timeout_ticks as u32, settings.seed).ok(),
            cache6: RouteCache::new(entries, mode, timeout_ticks as u32, settings.seed.wrapping_add(1)).ok(),
            icmp_limits: std::array::from_fn::<_, ICMP_CLASSES, _>(|_| TokenBucket::new(errors.0, errors.1, rate, now)),
            echo_limit: TokenBucket::new(echo.0, echo.1, rate, now),
            noisy: modes::Noisy::new(settings.noisy.0, settings.noisy.1, settings.seed, now),
            next_flow: 0,
            link,
            now,
            clock: StageClock::default(),
            epoch: 0,
            identification: settings.seed as u16,
            wake: false,
        };
        Self {
            snapshot,
            state,
            rx,
            settings,
            waker,
            last_wake: now,
            cycles_per_second: rate,
            unsent: VecDeque::new(),
            deferred: VecDeque::new(),
        }
    }

    /// Runs until [`Order::Stop`]; gives every buffer back, and returns the last audit.
    pub fn run(mut self) -> Audit {
        let mut until_orders = 0;
        let mut idle = 0;
        loop {
            let turn = self.turn();
            idle = if turn == Turn::Idle { idle + 1 } else { 0 };
            if until_orders == 0 || turn == Turn::Idle {
                until_orders = ORDER_TURNS;
                if !self.orders() {
                    return self.close();
                }
                self.wake_control();
            }
            until_orders -= 1;
            if idle > IDLE_TURNS && (self.settings.idle_sleep || !self.has_work()) {
                self.nap();
            }
        }
    }

    /// One turn and one look at the orders, without a thread: for tests, benchmarks and fuzzing. False when the worker
    /// was ordered to stop; [`Worker::close`] has to follow.
    pub fn step(&mut self) -> bool {
        self.turn();
        self.orders()
    }

    /// One turn over all queues.
    fn turn(&mut self) -> Turn {
        let start = cycles();
        self.state.now = start;
        // Nothing of the tables is in hand here.
        self.state.link.passage.pass();
        let reclaimed = self.state.staging.reclaim(&mut self.state.pool);
        let mut burst = Burst::new();
        let mut received = 0;
        let mut last = start;
        if self.snapshot.forwarding {
            let limit = usize::from(self.snapshot.burst).clamp(1, BURST);
            for rx in &mut self.rx {
                if !rx.polled {
                    continue;
                }
                let count = rx.queue.poll(&mut self.state.pool, &mut burst, limit);
                if count == 0 {
                    count_poll(&self.state.link.counters, rx.port, 0);
                    continue;
                }
                received += count;
                let polled = self.state.end_stage(Stage::Receive, last, count);
                receive_counters(&self.state.link.counters, rx.port, count);
                last = process(&self.snapshot, &mut self.state, (rx.port, rx.number), &mut burst, polled);
                debug_assert!(burst.is_empty(), "INV-CUSTODY: a mode leaves nothing in the burst");
            }
            modes::tick(&self.snapshot, &mut self.state);
            if modes::generates(self.snapshot.mode) {
                for rx in &self.rx {
                    if let Some(to) = self.snapshot.modes.target(rx.port) {
                        received += modes::generate(&self.snapshot, &mut self.state, to);
                    }
                }
                last = self.state.clock.begin();
            }
        }
        self.state.staging.flush(&mut self.state.pool, &self.state.link.counters);
        let end = cycles();
        let counters = &self.state.link.counters;
        counters.turns.add(1);
        if received == 0 {
            counters.idle_turns.add(1);
            if reclaimed == 0 {
                return Turn::Idle;
            }
            // Work for packets of an earlier turn, which a driver that waits for more frames often leaves alone in its turn.
            counters.busy_cycles.add(end.wrapping_sub(start));
            return Turn::Busy;
        }
        self.state.clock.end(counters, Stage::Transmit, last, received);
        self.state.clock.next_turn();
        counters.busy_cycles.add(end.wrapping_sub(start));
        counters.turn_cycles[counters::turn_bucket(end.wrapping_sub(start))].add(1);
        Turn::Busy
    }

    /// Takes orders and injected packets; false when the worker is to stop.
    fn orders(&mut self) -> bool {
        self.answer_again();
        for _ in 0..ORDERS_AT_ONCE {
            let Some(order) = self.deferred.pop_front().or_else(|| self.state.link.orders.pop()) else { break };
            match order {
                Order::Snapshot(snapshot) => self.adopt(snapshot),
                Order::NeighborUpdate { key, mac, report_use } => {
                    resolution::update(&self.snapshot, &mut self.state, key, mac, report_use);
                }
                Order::NeighborFailed(key) => resolution::failed(&self.snapshot, &mut self.state, key),
                Order::NeighborRemoved(key) => resolution::removed(&mut self.state, key),
                Order::Audit(id) => {
                    // What orders above have staged goes out first: no mbuf is in a burst then.
                    self.state.staging.flush(&mut self.state.pool, &self.state.link.counters);
                    self.state.link.counters.pool_lowest.set(u64::from(self.state.pool.lowest()));
                    let audit = self.audit();
                    self.answer(Event::Audit(id, audit));
                }
                Order::Report(report) => {
                    let report = self.report(report);
                    self.answer(Event::Report(report));
                }
                Order::TransmitFirst(bursts) => {
                    let targets = self.rx.iter().filter_map(|rx| self.snapshot.modes.target(rx.port));
                    modes::transmit_first(&self.snapshot, &mut self.state, bursts, targets);
                }
                Order::ClearCache => {
                    if let Some(cache) = &mut self.state.cache4 {
                        cache.clear();
                    }
                    if let Some(cache) = &mut self.state.cache6 {
                        cache.clear();
                    }
                }
                Order::GiveQueues(queues) => self.give_queues(*queues),
                Order::TakeQueues(port) => self.take_queues(port),
                Order::LendPool(place) => self.lend_pool(place),
                // Nothing is lent: the control thread had given up on this worker.
                Order::ReturnPool(_) => {}
                Order::Stop => return false,
            }
        }
        self.inject();
        self.state.staging.flush(&mut self.state.pool, &self.state.link.counters);
        true
    }

    /// Sends what the control thread has injected.
    fn inject(&mut self) {
        for _ in 0..ORDERS_AT_ONCE {
            let Some((kind, mbuf)) =
                self.state.link.inject.receive(|kind, bytes| (kind, self.state.pool.take_filled(bytes)))
            else {
                break;
            };
            let Some(mbuf) = mbuf else { continue };
            self.state.link.counters.injected.add(1);
            match kind {
                Inject::Frame { port } => {
                    self.state.staging.stage(&mut self.state.pool, &self.state.link.counters, port, mbuf);
                }
                Inject::Packet { vrf } => exception::originate(&self.snapshot, &mut self.state, mbuf, vrf),
            }
        }
    }

    /// Changes to a new snapshot between two bursts.
    fn adopt(&mut self, snapshot: Arc<Snapshot>) {
        let generation = snapshot.generation;
        // The control thread keeps a reference of its own until the counter below tells it that this one is gone: the
        // worker never frees a snapshot.
        self.snapshot = snapshot;
        self.state.epoch = self.state.epoch.wrapping_add(1);
        modes::adopt(&self.snapshot, &mut self.state);
        self.choose_polled();
        self.state.adjacencies.re_encapsulate(&self.snapshot.interfaces);
        self.state.link.counters.generation.set(u64::from(generation));
    }

    fn answer(&mut self, event: Event) {
        self.state.wake = true;
        if let Err(event) = self.state.link.events.push(event) {
            self.unsent.push_back(event);
        }
    }

    fn answer_again(&mut self) {
        for _ in 0..self.unsent.len() {
            if let Some(event) = self.unsent.pop_front() {
                self.answer(event);
            }
        }
    }

    fn give_queues(&mut self, queues: PortQueues) {
        let port = queues.port;
        self.rx.extend(queues.rx.into_iter().map(|(number, queue)| RxPort::new(port, number, queue)));
        self.state.staging.give(port, queues.tx);
        self.choose_polled();
    }

    fn take_queues(&mut self, port: u16) {
        let tx = self.state.staging.take(&mut self.state.pool, &self.state.link.counters, port);
        let mut rx = Vec::new();
        for mut taken in self.rx.extract_if(.., |rx| rx.port == port) {
            taken.queue.close(&mut self.state.pool);
            rx.push((taken.number, taken.queue));
        }
        self.answer(Event::QueuesTaken(Box::new(PortQueues { port, rx, tx })));
    }

    /// Waits until the pool is back; no packet of this worker moves meanwhile.
    fn lend_pool(&mut self, mut place: Box<Pool>) {
        std::mem::swap(&mut self.state.pool, &mut *place);
        self.answer(Event::PoolLent(place));
        loop {
            self.answer_again();
            self.waker.unpark();
            match self.state.link.orders.pop() {
                Some(Order::ReturnPool(mut pool)) => {
                    std::mem::swap(&mut self.state.pool, &mut *pool);
                    return;
                }
                Some(order) => self.deferred.push_back(order),
                None => std::thread::park_timeout(NAP),
            }
        }
    }

    /// In the modes that do not route, only the ports in the list are polled.
    fn choose_polled(&mut self) {
        for rx in &mut self.rx {
            rx.polled = self.snapshot.mode == Mode::L3 || self.snapshot.modes.target(rx.port).is_some();
        }
    }

    /// Where every buffer is, at the top of the loop.
    pub fn audit(&self) -> Audit {
        // What a driver's library has is counted by the pool; other queues count their own.
        let (receive, transmit) = self.state.pool.in_rings();
        Audit {
            capacity: self.state.pool.capacity(),
            pool: self.state.pool.available(),
            receive_rings: receive + self.rx.iter().map(|rx| rx.queue.in_ring()).sum::<u32>(),
            burst: 0,
            held: self.state.hold.held() + self.state.noisy.held(),
            transmit_rings: transmit + self.state.staging.in_flight(),
        }
    }

    fn report(&self, mut report: Box<Report>) -> Box<Report> {
        report.cache.clear();
        report.cache4_aside = self.report_cache(self.state.cache4.as_ref(), &mut report.cache);
        report.cache6_aside = self.report_cache(self.state.cache6.as_ref(), &mut report.cache);
        let room = report.held.capacity();
        report.held.clear();
        report.held.extend(self.state.adjacencies.waiting().take(room));
        report
    }

    /// Adds the entries of a route cache, as far as there is room; says whether it has stepped aside.
    fn report_cache<A: Family>(
        &self,
        cache: Option<&RouteCache<RouteKey<A>, u32>>,
        lines: &mut Vec<CacheLine>,
    ) -> bool {
        let tick_ms = |ticks: u32| {
            let ms = (u64::from(ticks) << TICK_SHIFT) / (self.cycles_per_second / 1000).max(1);
            u32::try_from(ms).unwrap_or(u32::MAX)
        };
        let tick = self.state.tick();
        let generation = self.state.epoch.wrapping_add(self.snapshot.paths.generation());
        let entries = cache.into_iter().flat_map(|cache| cache.entries(generation, tick));
        let room = lines.capacity() - lines.len();
        lines.extend(entries.take(room).map(|entry| {
            let has_source = entry.key.source != A::FIRST;
            CacheLine {
                destination: entry.key.destination.to_ip(),
                source: has_source.then(|| entry.key.source.to_ip()),
                vrf: if has_source { self.snapshot.vrf_of(entry.key.place) } else { entry.key.place },
                neighbor: self.state.adjacencies.slot(entry.decision).key,
                age_ms: tick_ms(entry.age),
                uses: entry.uses,
            }
        }));
        cache.is_some_and(RouteCache::is_aside)
    }

    /// Wakes the control thread when there is something for it, but not at every packet of a flood.
    fn wake_control(&mut self) {
        let since = self.state.now.wrapping_sub(self.last_wake);
        if self.state.wake && since > self.cycles_per_second / WAKES_PER_SECOND {
            self.state.wake = false;
            self.last_wake = self.state.now;
            self.waker.unpark();
        }
    }

    /// Whether anything can come to this worker but orders: one that is in no list of the forwarding mode, or waits for `start`, has no
    /// reason to keep its core busy.
    fn has_work(&self) -> bool {
        self.snapshot.forwarding && self.rx.iter().any(|rx| rx.polled)
    }

    /// Sleeps until a frame comes, at most [`NAP`].
    fn nap(&mut self) {
        self.state.link.counters.sleeps.add(1);
        // What waits in a queue that is not polled would end every wait at once.
        let works = self.has_work();
        let polled = self.rx.iter().filter(|rx| works && rx.polled);
        ringway_pmd::wait(polled.filter_map(|rx| rx.queue.fd()), NAP);
    }

    /// Finishes what is in flight and gives every buffer back; returns the last audit.
    pub fn close(mut self) -> Audit {
        resolution::close(&mut self.state);
        modes::close(&mut self.state);
        self.state.staging.close(&mut self.state.pool, &self.state.link.counters);
        for rx in &mut self.rx {
            rx.queue.close(&mut self.state.pool);
        }
        self.state.pool.absorb();
        self.audit()
    }
}

fn receive_counters(counters: &counters::WorkerCounters, port: u16, count: usize) {
    counters.bursts.add(1);
    counters.packets.add(count as u64);
    counters.burst_sizes[count.min(BURST)].add(1);
    count_poll(counters, port, count);
}

/// Counts a poll of a port and what it brought.
#[inline]
fn count_poll(counters: &counters::WorkerCounters, port: u16, count: usize) {
    if let Some(forward) = counters.forward.get(usize::from(port)) {
        forward.rx_packets.add(count as u64);
        forward.rx_bursts[count.min(BURST)].add(1);
    }
}

/// Hands a burst that was polled at `start` to the forwarding mode; the burst is empty after. Returns when that was done.
#[inline]
fn process(snapshot: &Snapshot, state: &mut State, (port, queue): (u16, u16), burst: &mut Burst, start: u64) -> u64 {
    if state.staging.observer.verbose.received {
        state.staging.observer.show(&state.pool, &state.link.counters, (port, queue), false, burst);
    }
    if snapshot.mode == Mode::L3 {
        return l3::run(snapshot, state, port, burst, start);
    }
    let count = burst.len();
    modes::run(snapshot, state, port, burst);
    state.end_stage(Stage::Dispatch, start, count)
}
