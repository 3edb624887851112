//! `show pool|drops|workers|icmp` and the statistics of `stop`.

use crate::cli::view;
use crate::control::router::Router;
use crate::control::workers::ManagedWorker;
use crate::dataplane::counters::{ForwardCounters, TURN_BUCKETS, WorkerCounters, turn_bucket_floor};
use crate::dataplane::drop_reason::{DROP_REASONS, DropReason};
use crate::dataplane::icmp_class::IcmpClass;
use crate::dataplane::stage::{STAGES, Stage};
use hdrhistogram::Histogram;
use ringway_config::Mode;
use ringway_mempool::{BURST, cycles_per_second};
use ringway_pmd::Counter;

/// A worker's counters when they were last cleared: counters themselves never go back.
#[derive(Debug, Clone)]
pub(in crate::control) struct ClearedWorker {
    pub drops: [u64; DROP_REASONS],
    pub turns: u64,
    pub idle_turns: u64,
    pub bursts: u64,
    pub packets: u64,
    pub busy_cycles: u64,
    pub stage_cycles: [u64; STAGES],
    pub stage_packets: [u64; STAGES],
    pub burst_sizes: [u64; BURST + 1],
    pub turn_cycles: Vec<u64>,
    /// Hits and misses of the route caches, that of IPv4 first.
    pub caches: [[u64; 2]; 2],
}

impl Default for ClearedWorker {
    fn default() -> Self {
        Self {
            drops: [0; DROP_REASONS],
            turns: 0,
            idle_turns: 0,
            bursts: 0,
            packets: 0,
            busy_cycles: 0,
            stage_cycles: [0; STAGES],
            stage_packets: [0; STAGES],
            burst_sizes: [0; BURST + 1],
            turn_cycles: vec![0; TURN_BUCKETS],
            caches: [[0; 2]; 2],
        }
    }
}

impl ClearedWorker {
    /// Remembers the drops.
    pub fn clear_drops(&mut self, counters: &WorkerCounters) {
        for reason in DropReason::ALL {
            self.drops[*reason as usize] = counters.drops(*reason);
        }
    }

    /// Remembers the figures of `show workers`.
    pub fn clear_work(&mut self, counters: &WorkerCounters) {
        self.turns = counters.turns.get();
        self.idle_turns = counters.idle_turns.get();
        self.bursts = counters.bursts.get();
        self.packets = counters.packets.get();
        self.busy_cycles = counters.busy_cycles.get();
        self.stage_cycles = std::array::from_fn(|stage| counters.stage_cycles[stage].get());
        self.stage_packets = std::array::from_fn(|stage| counters.stage_packets[stage].get());
        self.burst_sizes = std::array::from_fn(|size| counters.burst_sizes[size].get());
        self.turn_cycles = counters.turn_cycles.iter().map(ringway_pmd::Counter::get).collect();
    }

    /// Remembers hits and misses of the route caches.
    pub fn clear_cache(&mut self, counters: &WorkerCounters) {
        self.caches = [&counters.cache4, &counters.cache6].map(|cache| [cache.hits.get(), cache.misses.get()]);
    }
}

/// What the statistics of `stop` are counted from: the state at `start`.
#[derive(Debug, Clone, Default)]
pub(in crate::control) struct ForwardBaseline {
    ports: Vec<view::ForwardPort>,
    drops: Vec<u64>,
    busy_cycles: u64,
}

impl Router {
    pub(in crate::control) fn show_pool(&mut self) -> Result<view::Pools, String> {
        let audits = self.ask_audits();
        let mut workers = Vec::new();
        for (number, audit) in audits.into_iter().enumerate() {
            let worker = &self.workers[number];
            let Some(audit) = audit else {
                return Err(format!(
                    "worker {number} did not answer within a second; `show workers` says what it does"
                ));
            };
            let locked = if worker.pool.locked { ", locked" } else { "" };
            workers.push(view::PoolWorker {
                worker: number as u16,
                capacity: audit.capacity,
                pool: audit.pool,
                receive_rings: audit.receive_rings,
                burst: audit.burst,
                held: audit.held,
                transmit_rings: audit.transmit_rings,
                lowest: worker.link.counters.pool_lowest.get() as u32,
                stride: worker.pool.stride,
                pages: format!("{}{locked}", worker.pool.pages),
            });
        }
        Ok(view::Pools { workers })
    }

    pub(in crate::control) fn show_drops(&self, all: bool) -> view::Drops {
        let count = |reason: &DropReason| {
            let counters = |worker: &ManagedWorker| worker.link.counters.drops(*reason);
            let since = |worker| counters(worker).saturating_sub(worker.cleared.drops[*reason as usize]);
            view::DropCount {
                reason: reason.name().into(),
                description: reason.description().into(),
                workers: self.workers.iter().map(since).collect(),
                since_start: self.workers.iter().map(counters).sum(),
            }
        };
        let drops =
            DropReason::ALL.iter().map(count).filter(|count| all || count.workers.iter().any(|count| *count > 0));
        view::Drops { drops: drops.collect(), all }
    }

    pub(in crate::control) fn show_workers(&self) -> view::Workers {
        let one = |(number, worker): (usize, &ManagedWorker)| {
            let (counters, cleared) = (&worker.link.counters, &worker.cleared);
            let state = match (&worker.thread, self.forwarding) {
                (None, _) => "gone",
                (Some(_), true) => "forwarding",
                (Some(_), false) => "stopped",
            };
            let stage = |stage: &Stage| view::Stage {
                name: stage.name().into(),
                cycles: counters.stage_cycles[*stage as usize].get() - cleared.stage_cycles[*stage as usize],
                packets: counters.stage_packets[*stage as usize].get() - cleared.stage_packets[*stage as usize],
            };
            let sizes =
                (0..=BURST).map(|size| (size as u64, counters.burst_sizes[size].get() - cleared.burst_sizes[size]));
            let turns = (0..TURN_BUCKETS).map(|bucket| {
                (turn_bucket_floor(bucket), counters.turn_cycles[bucket].get() - cleared.turn_cycles[bucket])
            });
            view::Worker {
                worker: number as u16,
                core: worker.core.map(|core| core as u16),
                mode: self.mode.to_string(),
                state: state.into(),
                bursts: counters.bursts.get() - cleared.bursts,
                packets: counters.packets.get() - cleared.packets,
                turns: counters.turns.get() - cleared.turns,
                idle_turns: counters.idle_turns.get() - cleared.idle_turns,
                busy_cycles: counters.busy_cycles.get() - cleared.busy_cycles,
                stages: Stage::ALL.iter().map(stage).collect(),
                burst_sizes: summary(sizes),
                turn_cycles: summary(turns),
            }
        };
        view::Workers { workers: self.workers.iter().enumerate().map(one).collect() }
    }

    pub(in crate::control) fn show_icmp(&self) -> view::Icmp {
        let sum =
            |get: &dyn Fn(&WorkerCounters) -> u64| self.workers.iter().map(|worker| get(&worker.link.counters)).sum();
        let mut messages: Vec<_> = IcmpClass::ALL
            .iter()
            .map(|class| view::IcmpCount {
                kind: class.name().into(),
                received: 0,
                sent: sum(&|counters| counters.icmp_sent[*class as usize].get()),
                limited: sum(&|counters| counters.icmp_limited[*class as usize].get()),
            })
            .collect();
        let (replies, refused): (u64, u64) =
            (sum(&|counters| counters.echo_replies.get()), sum(&|counters| counters.drops(DropReason::EchoLimit)));
        messages.push(view::IcmpCount {
            kind: "echo".into(),
            received: replies + refused,
            sent: replies,
            limited: refused,
        });
        view::Icmp { messages }
    }

    /// What every port has received and sent, and what was dropped, from the beginning.
    fn forward_totals(&self) -> ForwardBaseline {
        let port = |number: usize| {
            let sum = |get: fn(&ForwardCounters) -> u64| {
                self.workers.iter().filter_map(|worker| worker.link.counters.forward.get(number)).map(get).sum()
            };
            let sizes = |get: fn(&ForwardCounters) -> &[Counter; BURST + 1]| -> Vec<u64> {
                let of = |size: usize| {
                    let workers = self.workers.iter().filter_map(|worker| worker.link.counters.forward.get(number));
                    workers.map(|counters| get(counters)[size].get()).sum()
                };
                (0..=BURST).map(of).collect()
            };
            let device = self.ports[number].port.stats();
            view::ForwardPort {
                port: number as u16,
                rx_packets: sum(|counters| counters.rx_packets.get()),
                rx_dropped: device.rx_missed + device.rx_errors + device.rx_no_buffer,
                tx_packets: sum(|counters| counters.tx_packets.get()),
                tx_dropped: sum(|counters| counters.tx_dropped.get()),
                bad_ipcsum: sum(|counters| counters.bad_ip_checksums.get()),
                bad_l4csum: sum(|counters| counters.bad_l4_checksums.get()),
                rx_bursts: sizes(|counters| &counters.rx_bursts),
                tx_bursts: sizes(|counters| &counters.tx_bursts),
            }
        };
        let drops = |reason: &DropReason| self.workers.iter().map(|worker| worker.link.counters.drops(*reason)).sum();
        ForwardBaseline {
            ports: (0..self.ports.len()).map(port).collect(),
            drops: DropReason::ALL.iter().map(drops).collect(),
            busy_cycles: self.workers.iter().map(|worker| worker.link.counters.busy_cycles.get()).sum(),
        }
    }

    /// Counts the statistics of `stop` from now on.
    pub(in crate::control) fn begin_forward_statistics(&mut self) {
        self.forward_baseline = self.forward_totals();
    }

    /// What went through since `start`.
    pub(in crate::control) fn forward_statistics(&self) -> view::ForwardStatistics {
        let (now, then) = (self.forward_totals(), &self.forward_baseline);
        let zero = view::ForwardPort::default();
        let less = |now: &[u64], then: &[u64]| -> Vec<u64> {
            let then = then.iter().copied().chain(std::iter::repeat(0));
            now.iter().zip(then).map(|(now, then)| now.saturating_sub(then)).collect()
        };
        let ports = now.ports.iter().enumerate().map(|(number, port)| {
            let before = then.ports.get(number).unwrap_or(&zero);
            view::ForwardPort {
                port: port.port,
                rx_packets: port.rx_packets.saturating_sub(before.rx_packets),
                rx_dropped: port.rx_dropped.saturating_sub(before.rx_dropped),
                tx_packets: port.tx_packets.saturating_sub(before.tx_packets),
                tx_dropped: port.tx_dropped.saturating_sub(before.tx_dropped),
                bad_ipcsum: port.bad_ipcsum.saturating_sub(before.bad_ipcsum),
                bad_l4csum: port.bad_l4csum.saturating_sub(before.bad_l4csum),
                rx_bursts: less(&port.rx_bursts, &before.rx_bursts),
                tx_bursts: less(&port.tx_bursts, &before.tx_bursts),
            }
        });
        let drops = DropReason::ALL.iter().enumerate().filter_map(|(at, reason)| {
            let packets = now.drops[at].saturating_sub(then.drops.get(at).copied().unwrap_or(0));
            (packets > 0).then(|| view::ReasonCount { reason: reason.name().into(), packets })
        });
        view::ForwardStatistics {
            ports: ports.collect(),
            drops: drops.collect(),
            mode: self.mode.to_string(),
            busy_cycles: now.busy_cycles.saturating_sub(then.busy_cycles),
            clock_mhz: cycles_per_second() / 1_000_000,
            also: view::Also {
                cycles: self.testpmd.record_cycles,
                bursts: self.testpmd.record_bursts,
                checksums: self.mode == Mode::Csum,
            },
        }
    }
}

/// Four quantiles of counted values.
fn summary(counts: impl Iterator<Item = (u64, u64)>) -> view::Summary {
    // Three digits: the turn histogram itself knows a value to within an eighth only.
    let Ok(mut histogram) = Histogram::<u64>::new(3) else { return view::Summary::default() };
    for (value, count) in counts.filter(|(_, count)| *count > 0) {
        // The histogram resizes itself, so every value is recorded.
        let _ = histogram.record_n(value, count);
    }
    view::Summary {
        p50: histogram.value_at_quantile(0.5),
        p90: histogram.value_at_quantile(0.9),
        p99: histogram.value_at_quantile(0.99),
        max: histogram.max(),
    }
}
