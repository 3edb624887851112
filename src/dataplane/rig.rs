//! A worker on in-memory ports, driven by hand: what tests, benchmarks and fuzz targets share.
//!
//! No thread, no device, no clock to wait for: [`Rig::step`] is one turn of the loop, so every run is the same.

use super::counters::WorkerCounters;
use super::drop_reason::DropReason;
use super::ip6::own::{OwnAddresses, groups};
use super::message::{ControlLink, Event, Inject, NeighborKey, Order, link};
use super::queues::RxPort;
use super::snapshot::{Encapsulation, ForbiddenSources, Interface, PortMap, Snapshot, Vrf};
use super::worker::{Worker, WorkerSettings};
use crate::fib::cache::CacheMode;
use crate::fib::limits::Limits;
use crate::fib::next_hop::Paths;
use crate::fib::rib::{Origin, Rib, Route};
use crate::fib::tables::Tables;
use crate::wire::ipv6 as wire6;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use macaddr::MacAddr6;
use ringway_config::SourceCheck;
use ringway_mempool::{Audit, Geometry, MapError, PagePolicy, Pool};
use ringway_pmd::memory::{self, Probe};
use ringway_pmd::{Opened, PortSettings};
use std::net::IpAddr;
use std::sync::Arc;

/// What a rig is made of; one port for each interface, in order.
#[derive(Debug, Clone)]
pub struct RigSettings {
    /// Address and prefix of each interface.
    pub addresses: Vec<IpNet>,
    /// A second address of IPv6 for each interface, beside which it gets fe80::N, N counted from 1; none where this list is
    /// shorter.
    pub addresses6: Vec<Ipv6Net>,
    /// MTU of each interface; 1500 where this list is shorter.
    pub mtus: Vec<u16>,
    /// Routes beside the connected ones.
    pub routes: Vec<(IpNet, Paths)>,
    /// Buffers of the pool.
    pub buffers: u32,
    /// Frames of each ring; a power of two.
    pub ring: u32,
    /// Entries of the route cache; 0 for none.
    pub cache_entries: u32,
    /// When it is used.
    pub cache_mode: CacheMode,
    /// VRF of each interface; 0 where this list is shorter.
    pub vrfs: Vec<u16>,
    /// Packets held in all, and for one neighbor.
    pub hold: (u16, u16),
    /// Neighbors that are resolved, and that are being resolved.
    pub neighbors: (usize, usize),
    /// ICMP errors of a class a second, and at once.
    pub icmp_errors: (u32, u32),
    /// Echo replies a second, and at once.
    pub icmp_echo: (u32, u32),
    /// Packets that mode `noisy` keeps, and megabytes that it reads and writes.
    pub noisy: (u16, u16),
}

impl RigSettings {
    /// A router with these addresses, roomy enough for most tests.
    pub fn new(addresses: &[IpNet]) -> Self {
        Self {
            addresses: addresses.to_vec(),
            addresses6: Vec::new(),
            mtus: Vec::new(),
            routes: Vec::new(),
            buffers: 1024,
            ring: 256,
            cache_entries: 256,
            cache_mode: CacheMode::On,
            vrfs: Vec::new(),
            hold: (64, 4),
            neighbors: (256, 64),
            icmp_errors: (1000, 1000),
            icmp_echo: (1000, 1000),
            noisy: (0, 0),
        }
    }
}

/// The worker and both ends of everything it talks to.
pub struct Rig {
    /// The worker.
    pub worker: Worker,
    /// The control thread's ends.
    pub control: ControlLink,
    /// The cables, by port; empty where the ports were given.
    pub probes: Vec<Probe>,
    /// What the worker was given last.
    pub snapshot: Snapshot,
    /// Every route.
    pub rib: Rib,
    /// What the worker looks up.
    pub tables: Tables,
}

impl Rig {
    /// A rig whose ports are probes: frames in and out by [`Rig::send`] and [`Rig::receive`].
    ///
    /// # Errors
    /// [`MapError`], when there is no memory for the pool.
    pub fn new(settings: &RigSettings) -> Result<Self, MapError> {
        let mut probes = Vec::new();
        let mut ports = Vec::new();
        for number in 0..settings.addresses.len() {
            let (opened, mut ends) = memory::probe(&port_settings(settings, number));
            ports.push(opened);
            probes.append(&mut ends);
        }
        Self::with_ports(settings, ports, probes)
    }

    /// A rig on ports of the caller's.
    ///
    /// # Errors
    /// [`MapError`], when there is no memory for the pool.
    pub fn with_ports(settings: &RigSettings, ports: Vec<Opened>, probes: Vec<Probe>) -> Result<Self, MapError> {
        let frame = settings.mtus.iter().copied().max().unwrap_or(1500).max(1500) + 22;
        let pool = Pool::new(settings.buffers, Geometry { frame }, PagePolicy::Small, false)?;
        let (rib, mut tables) = routes(settings);
        let snapshot = snapshot(settings, &rib, &tables);
        let counters = WorkerCounters::new(settings.addresses.len(), ports.len());
        let (control, worker_link) = link(pool.longest_frame(), counters, tables.join());
        let mut rx = Vec::new();
        let mut tx = Vec::new();
        for (number, opened) in ports.into_iter().enumerate() {
            rx.extend(opened.rx.into_iter().map(|queue| RxPort::new(number as u16, 0, queue)));
            tx.extend(opened.tx);
        }
        let worker_settings = WorkerSettings {
            number: 0,
            idle_sleep: false,
            cache_entries: settings.cache_entries,
            cache_mode: settings.cache_mode,
            cache_timeout_s: 60,
            neighbors: settings.neighbors.0,
            incomplete: settings.neighbors.1,
            hold_total: settings.hold.0,
            hold_per_neighbor: settings.hold.1,
            icmp_errors: settings.icmp_errors,
            icmp_echo: settings.icmp_echo,
            noisy: settings.noisy,
            seed: 1,
        };
        let (given, waker) = (Arc::new(snapshot.clone()), std::thread::current());
        let worker = Worker::new(worker_settings, pool, rx, tx, worker_link, given, waker);
        Ok(Self { worker, control, probes, snapshot, rib, tables })
    }

    /// The address of an interface's port.
    pub fn mac(port: usize) -> MacAddr6 {
        MacAddr6::new(2, 0, 0, 0, 1, port as u8)
    }

    /// One turn of the worker and one look at its orders.
    pub fn step(&mut self) {
        self.worker.step();
    }

    /// Puts a frame on a port's cable; false when the cable is full.
    pub fn send(&mut self, port: usize, frame: &[u8]) -> bool {
        self.probes.get_mut(port).is_some_and(|probe| probe.send(frame))
    }

    /// The next frame that a port has sent.
    pub fn receive(&mut self, port: usize) -> Option<Vec<u8>> {
        self.probes.get_mut(port)?.receive()
    }

    /// Gives the worker an order.
    pub fn order(&mut self, order: Order) -> bool {
        self.control.orders.push(order).is_ok()
    }

    /// Tells the worker a neighbor's address.
    pub fn neighbor(&mut self, interface: u16, address: impl Into<IpAddr>, mac: MacAddr6) {
        let key = NeighborKey::new(interface, address.into());
        self.order(Order::NeighborUpdate { key, mac, report_use: false });
        self.step();
    }

    /// Changes routes under the worker, as the control thread does: interfaces that are down are those of the snapshot.
    pub fn change(&mut self, change: impl FnOnce(&mut Rib)) {
        change(&mut self.rib);
        let interfaces = &self.snapshot.interfaces;
        let up = |number: u16| interfaces.get(usize::from(number)).is_some_and(|there| there.up);
        let followed = self.tables.follow(&mut self.rib, &up);
        assert_eq!(followed.unused, [], "there is room");
        if followed.republish {
            self.publish(|_| {});
        }
        self.tables.tend(&mut self.rib, true);
    }

    /// Takes an interface up or down.
    pub fn set_up(&mut self, interface: u16, is_up: bool) {
        self.snapshot.interfaces[usize::from(interface)].up = is_up;
        let interfaces = &self.snapshot.interfaces;
        let up = |number: u16| interfaces.get(usize::from(number)).is_some_and(|there| there.up);
        self.tables.interface_changed(interface, &mut self.rib, &up);
        self.change(|_| {});
        self.publish(|_| {});
    }

    /// Injects a packet of the router's own.
    pub fn inject(&mut self, kind: Inject, bytes: &[u8]) -> bool {
        self.control.inject.send(kind, bytes).is_ok()
    }

    /// The next event of the worker.
    pub fn event(&mut self) -> Option<Event> {
        self.control.events.pop()
    }

    /// Publishes the snapshot after a change of it.
    pub fn publish(&mut self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.snapshot);
        self.snapshot.generation += 1;
        for (number, vrf) in (0..).zip(&mut self.snapshot.vrfs) {
            (vrf.ipv4, vrf.ipv6) = (self.tables.ipv4(number), self.tables.ipv6(number));
            let interfaces = self.snapshot.interfaces.iter().filter(|there| there.vrf == number);
            vrf.forbidden = ForbiddenSources::new(interfaces.clone());
            vrf.own6 = OwnAddresses::new(interfaces.flat_map(|there| &there.addresses6));
        }
        let snapshot = Arc::new(self.snapshot.clone());
        self.order(Order::Snapshot(snapshot));
        self.step();
    }

    /// Drops so far for one reason.
    pub fn drops(&self, reason: DropReason) -> u64 {
        self.control.counters.drops(reason)
    }

    /// Where every buffer is.
    pub fn audit(&self) -> Audit {
        self.worker.audit()
    }
}

/// Settings for the port of an interface, for callers that open their own.
pub fn port_settings(settings: &RigSettings, number: usize) -> PortSettings {
    PortSettings {
        rx_ring: settings.ring,
        tx_ring: settings.ring,
        mtu: settings.mtus.iter().copied().max(),
        mac: Some(Rig::mac(number)),
        ..PortSettings::new(format!("p{number}"), 1)
    }
}

/// The routes of these settings, and the tables that follow them.
fn routes(settings: &RigSettings) -> (Rib, Tables) {
    let mut rib = Rib::new(2 << 20);
    rib.make_vrfs(usize::from(settings.vrfs.iter().copied().max().unwrap_or(0)) + 1);
    let vrf_of = |number: usize| settings.vrfs.get(number).copied().unwrap_or(0);
    let second = settings.addresses6.iter().enumerate().map(|(number, net)| (number, IpNet::V6(*net)));
    let nets: Vec<_> = settings.addresses.iter().copied().enumerate().chain(second).collect();
    for vrf in 0..rib.vrfs() {
        let of_vrf = nets.iter().filter(|(number, _)| vrf_of(*number) == vrf);
        rib.set_connected(vrf, of_vrf.map(|(number, net)| (*number as u16, *net))).expect("networks of their own");
    }
    for (prefix, paths) in &settings.routes {
        let route = Route { prefix: *prefix, paths: paths.clone(), origin: Origin::Static, metric: 0 };
        rib.replace(0, &route).expect("there is room");
    }
    let mut tables = Tables::new(Limits::default());
    tables.follow(&mut rib, &|_| true);
    (rib, tables)
}

fn snapshot(settings: &RigSettings, rib: &Rib, tables: &Tables) -> Snapshot {
    let addresses6 = |number: usize| -> Vec<Ipv6Net> {
        let first = settings.addresses.get(number).and_then(ipv6_only);
        let mut nets: Vec<_> = first.into_iter().chain(settings.addresses6.get(number).copied()).collect();
        if !nets.is_empty() {
            let link_local = wire6::link_local(number as u64 + 1);
            nets.extend(Ipv6Net::new(link_local, 64));
        }
        nets
    };
    let interface = |(number, address): (usize, &IpNet)| Interface {
        port: number as u16,
        mac: Rig::mac(number),
        encapsulation: Encapsulation::new(Rig::mac(number), &[]),
        mtu: settings.mtus.get(number).copied().unwrap_or(1500),
        up: true,
        redirects: true,
        directed_broadcast: false,
        source_check: SourceCheck::Off,
        vrf: settings.vrfs.get(number).copied().unwrap_or(0),
        addresses: ipv4_only(address).into_iter().collect(),
        groups6: groups(addresses6(number).iter().map(Ipv6Net::addr)),
        addresses6: addresses6(number),
    };
    let interfaces: Vec<Interface> = settings.addresses.iter().enumerate().map(interface).collect();
    let port = |number: usize| {
        let mut map = PortMap::new(Rig::mac(number));
        map.assign(&[], number as u16);
        map
    };
    let vrf = |number: u16| {
        let of_vrf = interfaces.iter().filter(move |there| there.vrf == number);
        Vrf {
            ipv4: tables.ipv4(number),
            ipv6: tables.ipv6(number),
            forbidden: ForbiddenSources::new(of_vrf.clone()),
            own6: OwnAddresses::new(of_vrf.flat_map(|there| &there.addresses6)),
        }
    };
    Snapshot {
        vrfs: (0..rib.vrfs()).map(vrf).collect(),
        paths: tables.paths().clone(),
        seed: 1,
        ..Snapshot::empty((0..interfaces.len()).map(port).collect())
    }
    .with_interfaces(interfaces)
}

fn ipv4_only(net: &IpNet) -> Option<Ipv4Net> {
    if let IpNet::V4(net) = net { Some(*net) } else { None }
}

fn ipv6_only(net: &IpNet) -> Option<Ipv6Net> {
    if let IpNet::V6(net) = net { Some(*net) } else { None }
}

impl Snapshot {
    fn with_interfaces(mut self, interfaces: Vec<Interface>) -> Self {
        self.interfaces = interfaces;
        self
    }
}
