//! From a configuration to a running router. A start that fails half-way leaves nothing behind: what was opened is
//! dropped, and dropping gives devices back.

use super::budget::{PortRings, budget, buffers, geometry};
use super::change::too_small_for_ipv6;
use super::dealing::Choice;
use super::ip6::{self, Link6};
use super::launch::Launch;
use super::paths::vrf_number;
use super::port_commands::PORTS_MAX;
use super::router::Router;
use super::show::{ClearedWorker, ForwardBaseline};
use super::state::{ManagedInterface, ManagedPort};
use super::testpmd::Testpmd;
use super::workers::{ManagedWorker, PoolFacts};
use super::{announce::Announcements, dpdk, load::Loads, ping::Pings, ports, reassembly::Reassembly};
use crate::cli::session::Request;
use crate::dataplane::counters::WorkerCounters;
use crate::dataplane::message::{WorkerLink, link};
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::worker::{Worker, WorkerSettings};
use crate::fib::cache;
use crate::fib::limits::Limits;
use crate::fib::rib::{Origin, Rib, RibError, Route};
use crate::fib::tables::Tables;
use crate::neighbor::arp::Receiver as ArpReceiver;
use crate::neighbor::event::Key;
use crate::neighbor::settings::Settings;
use crate::neighbor::table::{Table, TableError};
use crate::wire::ipv6::MINIMUM_MTU;
use crossbeam_channel::Receiver;
use ipnet::IpNet;
use ringway_config::{CacheMode, Config, Cores, Idle, Mode, Pages};
use ringway_mempool::{BudgetError, MapError, PagePolicy, Pool};
use ringway_pmd::PortError;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Why the router did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port could not be opened.
    #[error(transparent)]
    Port(#[from] PortError),
    /// DPDK did not start.
    #[cfg(feature = "dpdk")]
    #[error(transparent)]
    Dpdk(#[from] ringway_pmd::dpdk::EalError),
    /// The pool does not cover what the ports can hold.
    #[error("{error}\nthe budget of one worker:\n{table}")]
    Budget {
        /// What is missing.
        error: BudgetError,
        /// The budget's lines.
        table: String,
    },
    /// The packet memory could not be had.
    #[error(transparent)]
    Memory(#[from] MapError),
    /// An interface's MTU is larger than what its port carries.
    #[error(
        "interface {interface}: an MTU of {mtu} is more than the {port_mtu} of port {port}; raise `mtu` of [[port]] {port} or lower this one"
    )]
    Mtu {
        /// The interface.
        interface: String,
        /// Its MTU.
        mtu: u16,
        /// Its port.
        port: String,
        /// The port's MTU.
        port_mtu: u16,
    },
    /// A route or address contradicts another.
    #[error("{0}")]
    Route(#[from] RibError),
    /// A route names something that is not there.
    #[error("{0}")]
    Text(String),
    /// A static neighbor was refused.
    #[error("static neighbor: {0}")]
    Neighbor(#[from] TableError),
    /// A port could not be started, or an option does not fit.
    #[error("{0}")]
    Refused(String),
    /// A core that is not there, or may not be used.
    #[error("[workers] cores: core {core} is not available here; the available ones are {available:?}")]
    Core {
        /// The core asked for.
        core: usize,
        /// Those there are.
        available: Vec<usize>,
    },
    /// A thread could not be made.
    #[error("cannot start the thread of worker {worker}: {source}")]
    Thread {
        /// The worker.
        worker: usize,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Opens the ports, makes the pools, starts the workers. The calling thread becomes the control thread: it has to
/// call [`Router::run`].
///
/// # Errors
/// [`StartError`]; nothing is left behind then.
pub fn start(
    mut config: Config,
    launch: Launch,
    requests: Receiver<Request>,
    stop: Arc<AtomicBool>,
) -> Result<Router, StartError> {
    let cores = choose_cores(&config.workers.cores)?;
    let workers = cores.len() as u16;
    launch.put_into(&mut config);
    let eal = dpdk::start(&config)?;
    let ports = ports::open_all(&config, workers)?;
    let budget = budget(&config, &widest_rings(&config, &ports, workers));
    let capacity = config.memory.buffers.unwrap_or_else(|| buffers(&config, &budget) + launch.spare_buffers);
    budget.check(capacity).map_err(|error| StartError::Budget { error, table: budget.to_string() })?;
    let asked = ports.iter().map(|port| port.port.info().limits.rx_buffer_min).max().unwrap_or(0);
    let geometry = geometry(&config, ports.iter().map(|port| port.port.info().mtu), asked);
    let mut pools = Vec::new();
    for worker in 0..workers {
        let policy = page_policy(config.memory.pages);
        pools.push(dpdk::make_pool(worker, capacity, geometry, policy, config.memory.lock)?);
    }
    if let Some(pool) = pools.first() {
        tracing::info!(
            "{workers} worker(s) with {capacity} buffers of {} bytes each on {}{}; the budget of one:\n{budget}",
            pool.stride(),
            pool.page_kind(),
            if pool.is_locked() { ", locked" } else { "" },
        );
        if config.memory.lock && !pool.is_locked() {
            tracing::warn!("packet memory is not locked: the limit (`ulimit -l`) is too low; it may be paged out");
        }
    }
    let wait_for_start = launch.wait_for_start;
    let mut router = assemble(config, launch, ports, requests, stop)?;
    router.follow_routes();
    router.eal = eal;
    let snapshot = Arc::new(router.compile());
    router.snapshots.push(snapshot.clone());
    for (number, (pool, core)) in pools.into_iter().zip(cores).enumerate() {
        start_worker(&mut router, number, core, pool, &snapshot)?;
    }
    router.chosen = router.configured_choice().map_err(StartError::Refused)?;
    router.in_force = router.chosen.clone();
    let all: Vec<usize> = (0..router.ports.len()).collect();
    for notice in router.start_ports(&all).map_err(StartError::Refused)? {
        tracing::info!("{notice}");
    }
    for number in all {
        router.bring_vlans_into_force(number).map_err(StartError::Refused)?;
    }
    router.add_static_neighbors()?;
    // Orders are taken in their order: no worker receives a packet before it knows the static neighbors.
    router.forwarding = !wait_for_start;
    router.publish();
    for number in 0..router.interfaces.len() as u16 {
        if router.interfaces[usize::from(number)].is_up() {
            router.schedule_announcements(number, Instant::now());
            router.start_ip6(number, Instant::now());
        }
    }
    router.follow_mode();
    router.begin_forward_statistics();
    Ok(router)
}

/// What one worker's queues hold at most: its share in `l3`; all there are in the modes that do not route, where one core may
/// forward for every port.
fn widest_rings(config: &Config, ports: &[ManagedPort], workers: u16) -> Vec<PortRings> {
    let share = |port: &ManagedPort| {
        let (rings, settings) = (port.port.ring_buffers(&port.settings), &port.settings);
        let limits = port.port.info().limits;
        let of = |queues: u16, most: u16| {
            let queues = queues.min(most);
            u32::from(if config.router.mode == Mode::L3 { queues.div_ceil(workers) } else { queues })
        };
        PortRings {
            name: port.name.clone(),
            rx: rings.rx * of(settings.rx_queues, limits.rx_queues),
            tx: rings.tx * of(settings.tx_queues, limits.tx_queues),
        }
    };
    ports.iter().map(share).collect()
}

fn assemble(
    config: Config,
    launch: Launch,
    ports: Vec<ManagedPort>,
    requests: Receiver<Request>,
    stop: Arc<AtomicBool>,
) -> Result<Router, StartError> {
    let settings = &config.neighbor;
    let neighbors = Settings {
        max_per_interface: settings.max_per_interface as usize,
        reachable: Duration::from_millis(settings.reachable_ms.into()),
        retransmit: Duration::from_millis(settings.retransmit_ms.into()),
        delay: Duration::from_millis(settings.delay_ms.into()),
        stale: Duration::from_secs(settings.stale_s.into()),
        solicit_rate: settings.solicit_rate,
        ..Settings::default()
    };
    let secret = ip6::secret(&config).map_err(StartError::Refused)?;
    let managed = config.interfaces.iter().filter_map(|one| manage_interface(one, &ports, &config.vrfs, &secret));
    let interfaces: Vec<ManagedInterface> = managed.collect();
    for interface in &interfaces {
        let info = ports[usize::from(interface.port)].port.info();
        if interface.mtu > info.mtu {
            let (name, mtu) = (interface.name.clone(), interface.mtu);
            return Err(StartError::Mtu { interface: name, mtu, port: info.name, port_mtu: info.mtu });
        }
        if interface.mtu < MINIMUM_MTU && !interface.addresses6.is_empty() {
            return Err(StartError::Refused(too_small_for_ipv6(&interface.name, interface.mtu)));
        }
    }
    let max_routes = config.router.max_routes as usize;
    let mut rib = Rib::new(max_routes);
    rib.make_vrfs(config.vrfs.len() + 1);
    // The configuration has resolved every gateway against these prefixes; an interface that is down keeps its routes in the
    // RIB, and they are left out of the FIB until it is up.
    for vrf in 0..rib.vrfs() {
        let of_vrf = interfaces.iter().enumerate().filter(|(_, interface)| interface.vrf == vrf);
        rib.set_connected(
            vrf,
            of_vrf.flat_map(|(number, interface)| interface.all_addresses().map(move |net| (number as u16, net))),
        )?;
    }
    let mut router = Router {
        mode: config.router.mode,
        next_mode: config.router.mode,
        forwarding: false,
        burst: config.workers.burst,
        testpmd: Testpmd::new(&config),
        arp: interfaces.iter().map(|_| ArpReceiver::default()).collect(),
        ip6: interfaces.iter().zip(&config.interfaces).map(|(one, config)| Link6::new(one, config)).collect(),
        neighbors: Table::new(neighbors, fastrand::u64(..)),
        seed: fastrand::u64(..),
        tables: Tables::new(Limits { routes: max_routes, ..Limits::default() }),
        loads: Loads::default(),
        announcements: Announcements::default(),
        workers: Vec::new(),
        generation: 0,
        snapshots: Vec::new(),
        question: 0,
        audits: Vec::new(),
        reports: Vec::new(),
        pings: Pings::default(),
        reassembly: Reassembly::default(),
        failed: false,
        inject_lost: 0,
        punts_unreadable: 0,
        last_links: Instant::now(),
        forward_baseline: ForwardBaseline::default(),
        eal: None,
        chosen: Choice::new(config.modes.topology),
        in_force: Choice::new(config.modes.topology),
        taken: Vec::new(),
        lent: Vec::new(),
        lending: Vec::new(),
        launch,
        config,
        ports,
        interfaces,
        rib,
        requests,
        stop,
    };
    router.add_static_routes()?;
    Ok(router)
}

fn manage_interface(
    interface: &ringway_config::Interface,
    ports: &[ManagedPort],
    vrfs: &[ringway_config::Vrf],
    secret: &[u8],
) -> Option<ManagedInterface> {
    let number = ports.iter().position(|port| port.name == interface.port)?;
    let info = ports[number].port.info();
    Some(ManagedInterface {
        name: interface.name.clone(),
        port: number as u16,
        vlans: interface.vlans.clone(),
        mac: info.mac,
        vrf: interface.vrf.as_ref().map_or(0, |name| vrf_number(vrfs, name).unwrap_or(0)),
        addresses: interface
            .addresses
            .iter()
            .filter_map(|net| if let IpNet::V4(net) = net { Some(*net) } else { None })
            .collect(),
        addresses6: ip6::addresses(interface, info.mac, secret),
        mtu: interface.mtu.unwrap_or(info.mtu),
        admin_up: interface.up,
        link_up: ports[number].link.up && !ports[number].link.gone,
        redirects: interface.redirects,
        directed_broadcast: interface.directed_broadcast,
        source_check: interface.source_check,
    })
}

impl Router {
    fn add_static_routes(&mut self) -> Result<(), StartError> {
        for route in self.config.routes.clone() {
            let vrf = self.vrf_number(route.vrf.as_deref()).map_err(StartError::Text)?;
            let paths = self.paths_of(&route).map_err(StartError::Text)?;
            let route = Route { prefix: route.to, paths, origin: Origin::Static, metric: route.metric };
            self.rib.add(vrf, &route)?;
        }
        Ok(())
    }

    fn add_static_neighbors(&mut self) -> Result<(), TableError> {
        for neighbor in self.config.neighbors.clone() {
            if let Ok(interface) = self.interface_number(&neighbor.interface) {
                let key = Key { interface, address: neighbor.address };
                self.neighbors.add_static(Instant::now(), key, neighbor.mac)?;
            }
        }
        self.neighbor_events();
        Ok(())
    }
}

fn start_worker(
    router: &mut Router,
    number: usize,
    core: Option<usize>,
    pool: Pool,
    snapshot: &Arc<Snapshot>,
) -> Result<(), StartError> {
    let config = &router.config;
    let interfaces = router.interfaces.len();
    let per_interface = config.neighbor.max_per_interface as usize;
    let settings = WorkerSettings {
        number: number as u16,
        idle_sleep: config.workers.idle == Idle::Sleep,
        cache_entries: if config.cache.mode == CacheMode::Off { 0 } else { config.cache.entries },
        cache_mode: match config.cache.mode {
            CacheMode::Auto => cache::CacheMode::Auto,
            CacheMode::On | CacheMode::Off => cache::CacheMode::On,
        },
        cache_timeout_s: config.cache.timeout_s,
        neighbors: per_interface * interfaces,
        incomplete: (per_interface / 2).max(1) * interfaces.max(1),
        hold_total: config.neighbor.hold_total,
        hold_per_neighbor: config.neighbor.hold_per_neighbor,
        icmp_errors: (config.icmp.errors_per_second, config.icmp.burst),
        icmp_echo: (config.icmp.echo_per_second, config.icmp.echo_burst),
        noisy: (config.modes.noisy_buffer, config.modes.noisy_memory_mb),
        seed: fastrand::u64(..),
    };
    let facts = PoolFacts {
        capacity: pool.capacity(),
        stride: pool.stride(),
        pages: pool.page_kind(),
        locked: pool.is_locked(),
    };
    let frame_bytes = pool.longest_frame();
    let counters = WorkerCounters::new(interfaces, PORTS_MAX);
    let (control, worker_link): (_, WorkerLink) = link(frame_bytes, counters, router.tables.join());
    let snapshot = snapshot.clone();
    let waker = std::thread::current();
    let run = move || {
        if let Some(core) = core {
            core_affinity::set_for_current(core_affinity::CoreId { id: core });
        }
        dpdk::enter_worker(number as u16);
        Worker::new(settings, pool, Vec::new(), Vec::new(), worker_link, snapshot, waker).run()
    };
    let thread = std::thread::Builder::new()
        .name(format!("worker-{number}"))
        .spawn(run)
        .map_err(|source| StartError::Thread { worker: number, source })?;
    router.workers.push(ManagedWorker {
        link: control,
        thread: Some(thread),
        core,
        pool: facts,
        frame_bytes,
        backlog: VecDeque::new(),
        reported: false,
        cleared: ClearedWorker::default(),
    });
    Ok(())
}

/// The core of each worker; `None` where threads cannot be pinned. Unless they are listed, the last cores are taken and
/// the first is left to the control thread and the system.
fn choose_cores(cores: &Cores) -> Result<Vec<Option<usize>>, StartError> {
    let mut available: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect();
    available.sort_unstable();
    match cores {
        Cores::List(cores) => {
            if let Some(core) = cores.iter().find(|core| !available.contains(core)) {
                return Err(StartError::Core { core: *core, available });
            }
            Ok(cores.iter().map(|core| Some(*core)).collect())
        }
        Cores::Count(count) => {
            let count = usize::from(*count).max(1);
            if count > available.len() {
                tracing::warn!("{count} workers on {} cores: they will wait for each other", available.len());
            }
            Ok((0..count).map(|worker| available.iter().rev().cycle().nth(worker).copied()).collect())
        }
    }
}

fn page_policy(pages: Pages) -> PagePolicy {
    match pages {
        Pages::Auto => PagePolicy::Auto,
        Pages::Huge => PagePolicy::Huge,
        Pages::Transparent => PagePolicy::Transparent,
        Pages::Small => PagePolicy::Small,
    }
}
