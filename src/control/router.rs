//! The router: its state, and the loop of the control thread.

use super::dealing::Choice;
use super::ip6::Link6;
use super::launch::Launch;
use super::state::{ManagedInterface, ManagedPort};
use super::workers::ManagedWorker;
use super::{announce::Announcements, load::Loads, ping::Pings, reassembly::Reassembly};
use crate::cli::session::Request;
use crate::dataplane::message::Report;
use crate::dataplane::queues::PortQueues;
use crate::dataplane::snapshot::Snapshot;
use crate::fib::rib::Rib;
use crate::fib::tables::Tables;
use crate::neighbor::arp::Receiver as ArpReceiver;
use crate::neighbor::table::Table;
use crossbeam_channel::Receiver;
use ringway_config::{Config, Mode};
use ringway_mempool::{Audit, Pool};
use ringway_pmd::PoolUse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest sleep of the control thread: links and the stop flag are looked at this often.
const NAP: Duration = Duration::from_millis(20);
/// Time between two looks at the links.
const LINKS: Duration = Duration::from_millis(200);

/// All of the control thread's state.
pub struct Router {
    /// The configuration as it runs now: commands change it too.
    pub(super) config: Config,
    pub(super) mode: Mode,
    /// The mode from the next `start` on.
    pub(super) next_mode: Mode,
    pub(super) forwarding: bool,
    pub(super) burst: u16,
    pub(super) testpmd: super::testpmd::Testpmd,
    pub(super) ports: Vec<ManagedPort>,
    pub(super) interfaces: Vec<ManagedInterface>,
    pub(super) rib: Rib,
    /// What the workers look up, kept in step with the RIB.
    pub(super) tables: Tables,
    /// Files of routes that are being loaded.
    pub(super) loads: Loads,
    /// Key of the hash that spreads flows over paths.
    pub(super) seed: u64,
    pub(super) neighbors: Table,
    pub(super) arp: Vec<ArpReceiver>,
    /// The IPv6 side of each interface.
    pub(super) ip6: Vec<Link6>,
    pub(super) announcements: Announcements,
    pub(super) workers: Vec<ManagedWorker>,
    pub(super) generation: u32,
    pub(super) snapshots: Vec<Arc<Snapshot>>,
    pub(super) question: u64,
    pub(super) audits: Vec<(usize, u64, Audit)>,
    pub(super) reports: Vec<(usize, Box<Report>)>,
    pub(super) pings: Pings,
    pub(super) reassembly: Reassembly,
    pub(super) requests: Receiver<Request>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) failed: bool,
    pub(super) inject_lost: u64,
    pub(super) punts_unreadable: u64,
    pub(super) last_links: Instant,
    /// What commands have chosen to forward, and what does since the last `start`.
    pub(super) chosen: Choice,
    pub(super) in_force: Choice,
    /// Closed queues that workers have handed over.
    pub(super) taken: Vec<(usize, Box<PortQueues>)>,
    /// Pools that workers have lent, and whether somebody waits for them.
    pub(super) lent: Vec<(usize, Box<Pool>)>,
    pub(super) lending: Vec<u16>,
    pub(super) launch: Launch,
    pub(super) forward_baseline: super::show::ForwardBaseline,
    /// DPDK, when a port needs it; dropped after the ports above.
    pub(super) eal: Option<super::dpdk::Eal>,
}

impl Router {
    /// Runs until `quit` or a signal, then ends the workers and gives the devices back.
    ///
    /// Returns whether everything was in order: no worker had died and every buffer was accounted for.
    pub fn run(mut self) -> bool {
        while !self.stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            let mut busy = self.take_events();
            busy |= self.take_punted(now);
            busy |= self.take_requests();
            busy |= self.go_on_loading();
            // A file that is being loaded is followed when it is over, in one pass.
            if !self.is_loading() {
                self.follow_routes();
                // Routes of a link that went or came are followed piece by piece.
                busy |= self.rib.pending() > 0;
            }
            self.neighbor_timers(now);
            self.announce(now);
            self.ip6_timers(now);
            self.ping_timers(now);
            self.reassembly_timers(now);
            busy |= self.show_observed(now);
            if now.duration_since(self.last_links) >= LINKS {
                self.last_links = now;
                self.watch_links();
                self.revive_ports();
                self.watch_workers();
            }
            self.retire_snapshots();
            self.tend_tables();
            if !busy {
                let wake =
                    [self.neighbors.next_deadline(), self.announcements.next(), self.pings.next(), self.next_ip6()];
                let wake = wake.into_iter().flatten().min().unwrap_or(now + NAP);
                let nap = wake.saturating_duration_since(Instant::now()).min(NAP);
                if !nap.is_zero() {
                    std::thread::park_timeout(nap);
                }
            }
        }
        self.shut_down()
    }

    fn take_requests(&mut self) -> bool {
        let mut any = false;
        while let Ok(request) = self.requests.try_recv() {
            any = true;
            self.execute(request);
        }
        any
    }

    /// Looks at the link of every port; takes over what has changed.
    pub(super) fn watch_links(&mut self) {
        let mut changed = Vec::new();
        for number in 0..self.ports.len() {
            let link = self.link_of(number);
            let managed = &mut self.ports[number];
            if link != managed.link {
                let said = match (link.gone, link.up) {
                    (true, _) => "its device is gone; its routes are withdrawn",
                    (false, true) => "link up",
                    (false, false) => "link down",
                };
                if (link.gone, link.up) != (managed.link.gone, managed.link.up) {
                    tracing::warn!("port {}: {said}", managed.name);
                    changed.push((number as u16, link.up && !link.gone));
                }
                managed.link = link;
            }
        }
        for (port, up) in &changed {
            for number in 0..self.interfaces.len() {
                if self.interfaces[number].port == *port && self.interfaces[number].link_up != *up {
                    self.interfaces[number].link_up = *up;
                    self.interface_changed(number as u16);
                }
            }
        }
        if !changed.is_empty() {
            self.publish();
        }
    }

    /// Follows an interface that went up or down: its neighbors, and the announcement of its addresses.
    pub(super) fn interface_changed(&mut self, number: u16) {
        let interfaces = &self.interfaces;
        let up = |number: u16| interfaces.get(usize::from(number)).is_some_and(ManagedInterface::is_up);
        self.tables.interface_changed(number, &mut self.rib, &up);
        if self.interfaces[usize::from(number)].is_up() {
            self.schedule_announcements(number, Instant::now());
            self.start_ip6(number, Instant::now());
        } else {
            self.neighbors.interface_down(number);
            self.announcements.cancel(number);
            self.stop_ip6(number);
        }
    }

    /// Ends the workers, closes the ports, says what is left to say.
    fn shut_down(mut self) -> bool {
        if self.last_advertisements() {
            // The second answer comes from a look at the orders after the one that has sent them.
            self.ask_audits();
            self.ask_audits();
        }
        // A device that has buffers gives them back while the workers can take them.
        for number in 0..self.ports.len() {
            if self.ports[number].port.pool_use() == PoolUse::Never {
                continue;
            }
            if let Err(error) = self.stop_port(number) {
                tracing::error!("port {}: {error}", self.ports[number].name);
            }
            // What its driver had kept over the stop waits for the workers to take it.
            self.ports[number].port.close();
        }
        let audits = self.stop_workers();
        let mut in_order = !self.failed;
        for (worker, audit) in audits.iter().enumerate() {
            match audit {
                Some(audit) if audit.is_exact() && audit.pool == audit.capacity => {}
                Some(audit) => {
                    tracing::error!("worker {worker}: buffers are missing at the end: {audit}");
                    in_order = false;
                }
                None => in_order = false,
            }
        }
        for managed in &mut self.ports {
            managed.port.close();
        }
        in_order
    }
}
