//! Arbitrary configurations that are right.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use macaddr::MacAddr6;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ringway_config::{
    Advertise, Cache, CacheMode, Config, Cores, Dpdk, DriverSettings, Fault, HopByHop, HugePages, Icmp, Idle,
    Interface, InterfaceId, Memory, Mode, Modes, Neighbor, NeighborSettings, Pages, Port, Preference, Route, RouteKind,
    RoutePath, Router, RssPackets, Steer, Topology, Vrf, Workers, Xdp, XdpMode, ZeroCopy,
};

/// A configuration that is right.
pub fn config() -> impl Strategy<Value = Config> {
    let lists = (1..5_usize).prop_flat_map(|ports| {
        let interfaces = vec((0..ports, vec(1..4095_u16, 0..=2), interface()), 0..6);
        (vec(port(), ports), (0..3_usize, interfaces), vec(route(), 0..8))
    });
    ((router(), workers(), memory(), of(dpdk())), lists, (cache(), neighbors(), icmp(), modes())).prop_map(
        |((router, workers, memory, dpdk), (ports, (vrfs, interfaces), routes), (cache, neighbor, icmp, modes))| {
            let ports: Vec<Port> = ports.into_iter().enumerate().map(|(at, port)| placed_port(at, port)).collect();
            let mut config =
                Config { router, workers, memory, dpdk, cache, neighbor, icmp, modes, ..Config::default() };
            config.vrfs = (0..vrfs).map(|number| Vrf { name: format!("v_{number}") }).collect();
            for (at, (port, vlans, draft)) in interfaces.into_iter().enumerate() {
                add_interface(&mut config, &ports[port], vlans, at, draft);
            }
            routes.into_iter().for_each(|draft| add_route(&mut config, draft));
            if config.modes.port_count.is_some() {
                config.modes.ports = ports.iter().rev().map(|port| port.name.clone()).collect();
            }
            config.ports = ports;
            config
        },
    )
}

/// Text of every kind that a path may have, quotes and control characters among it.
fn path() -> impl Strategy<Value = String> {
    "[^\u{0}]{1,20}"
}

fn router() -> impl Strategy<Value = Router> {
    ("[A-Za-z0-9._-]{1,32}", select(&Mode::ALL[..]), path(), any::<bool>(), select(&HopByHop::ALL[..])).prop_map(
        |(name, mode, socket, accept_source_route, hop_by_hop)| Router {
            name,
            mode,
            socket: socket.into(),
            accept_source_route,
            hop_by_hop,
            address_secret: accept_source_route.then(|| "0123456789abcdef\"'".to_owned()),
            ..Router::default()
        },
    )
}

fn workers() -> impl Strategy<Value = Workers> {
    let list = proptest::collection::hash_set(0..=1023_usize, 1..6).prop_map(|cores| cores.into_iter().collect());
    let cores = prop_oneof![(1..=256_u16).prop_map(Cores::Count), list.prop_map(Cores::List)];
    let idle = prop_oneof![Just(Idle::Poll), Just(Idle::Sleep)];
    (cores, idle, 1..=512_u16).prop_map(|(cores, idle, burst)| Workers { cores, idle, burst })
}

fn memory() -> impl Strategy<Value = Memory> {
    let pages = select(vec![Pages::Auto, Pages::Huge, Pages::Transparent, Pages::Small]);
    (pages, any::<bool>(), of(64..=16_777_216_u32), of(9230..=9238_u16))
        .prop_map(|(pages, lock, buffers, frame_size)| Memory { pages, lock, buffers, frame_size })
}

fn dpdk() -> impl Strategy<Value = Dpdk> {
    let huge_pages = select(vec![HugePages::Auto, HugePages::Always, HugePages::Never]);
    let devices = vec(select(vec!["0000:01:00.0".to_owned(), "net_tap0,iface=lan".to_owned()]), 0..3);
    (huge_pages, any::<bool>(), devices, vec("[^\u{0}]{1,12}", 0..3))
        .prop_map(|(huge_pages, secondary, devices, args)| Dpdk { huge_pages, secondary, devices, args })
}

fn fault() -> impl Strategy<Value = Fault> {
    let share = 0.0..=1.0_f64;
    (share.clone(), share.clone(), prop_oneof![share.clone(), Just(1e-9)], share, 0..=1_000_000_u32, any::<u64>())
        .prop_map(|(loss, duplicate, corrupt, refuse, delay_polls, seed)| Fault {
            loss,
            duplicate,
            corrupt,
            refuse,
            delay_polls,
            seed,
        })
}

fn mac() -> impl Strategy<Value = MacAddr6> {
    any::<[u8; 5]>().prop_map(|rest| MacAddr6::new(2, rest[0], rest[1], rest[2], rest[3], rest[4]))
}

fn ring() -> impl Strategy<Value = u32> {
    (5..=15_u32).prop_map(|shift| 1 << shift)
}

fn xdp() -> impl Strategy<Value = Xdp> {
    (
        prop_oneof![Just(Steer::All), Just(Steer::Ours)],
        prop_oneof![Just(XdpMode::Auto), Just(XdpMode::Native), Just(XdpMode::Generic)],
        prop_oneof![Just(ZeroCopy::Auto), Just(ZeroCopy::On), Just(ZeroCopy::Off)],
        0..=10_000_u32,
        1..=32_u32,
        0..=1000_u32,
        0..=1000_u32,
    )
        .prop_map(|(steer, mode, zero_copy, busy_poll, batch, batch_wait_us, defer_us)| Xdp {
            steer,
            mode,
            zero_copy,
            busy_poll,
            batch,
            batch_wait_us,
            defer_us,
        })
}

fn port() -> impl Strategy<Value = Port> {
    let driver = prop_oneof![
        Just(DriverSettings::Auto { device: "a".into() }),
        xdp().prop_map(|xdp| DriverSettings::AfXdp { device: "x".into(), xdp }),
        Just(DriverSettings::AfPacket { device: "e".into() }),
        Just(DriverSettings::Tap { device: "t".into() }),
        Just(DriverSettings::Dpdk { device: "net_null0,copy=".into() }),
        (path(), any::<u32>()).prop_map(|(input, repeat)| DriverSettings::Pcap {
            input: Some(input.into()),
            output: Some("o".into()),
            repeat
        }),
        Just(DriverSettings::Pcap { input: None, output: Some("o".into()), repeat: 1 }),
        any::<bool>().prop_map(|own| DriverSettings::Memory { peer: own.then(|| "p".into()) }),
    ];
    let rss = select(&[RssPackets::All, RssPackets::None, RssPackets::Udp, RssPackets::Ether][..]);
    let queues = (of(1..=256_u16), of(1..=256_u16), of(rss), vec(1..=4094_u16, 0..3));
    ((driver, ring(), ring(), queues), of(1280..=9216_u16), of(mac()), any::<[bool; 4]>(), of(fault())).prop_map(
        |((driver, rx_ring, tx_ring, queues), mtu, mac, flags, fault)| Port {
            rx_ring,
            tx_ring,
            rx_queues: queues.0,
            tx_queues: queues.1,
            rss: queues.2,
            vlans: queues.3,
            vlan_strip: flags[2],
            vlan_filter: flags[3],
            mtu,
            mac,
            promiscuous: flags[0],
            all_multicast: flags[1],
            fault,
            ..Port::new("p", driver)
        },
    )
}

/// Names and files made unique by the port's place in the list.
fn placed_port(at: usize, mut port: Port) -> Port {
    port.name = format!("p{at}");
    match &mut port.driver {
        DriverSettings::Auto { device }
        | DriverSettings::AfXdp { device, .. }
        | DriverSettings::AfPacket { device }
        | DriverSettings::Dpdk { device }
        | DriverSettings::Tap { device } => device.push_str(&at.to_string()),
        DriverSettings::Pcap { input, output, .. } => {
            *input = input.take().map(|path| format!("in/{at}{}", path.display()).into());
            *output = output.take().map(|path| format!("out{at}{}", path.display()).into());
        }
        DriverSettings::Memory { peer } => *peer = peer.take().map(|_| format!("p{at}")),
    }
    port
}

/// Prefix lengths and hosts of addresses, a static neighbor, MTU, flags, router advertisements.
type InterfaceDraft = (Vec<(u8, u32)>, Option<MacAddr6>, Option<u16>, [bool; 5], Option<Advertise>);

fn interface() -> impl Strategy<Value = InterfaceDraft> {
    (vec((17..=32_u8, any::<u32>()), 0..4), of(mac()), of(68..=1000_u16), any::<[bool; 5]>(), of(advertise()))
}

fn advertise() -> impl Strategy<Value = Advertise> {
    let times = (4..=1800_u16, of(3..=4_u16), any::<u32>(), any::<u32>());
    let told = (any::<u8>(), any::<[bool; 3]>(), of(1280..=9000_u16), 0..=3_600_000_u32, 0..=3_600_000_u32);
    (times, told, select(&Preference::ALL[..]), any::<bool>()).prop_map(
        |((max, min, one, other_time), (hop_limit, flags, mtu, reachable_ms, retransmit_ms), preference, lists)| {
            Advertise {
                max_interval_s: max,
                min_interval_s: min,
                lifetime_s: lists.then_some(max),
                preference,
                prefixes: if lists { vec!["2001:db8:5::/64".parse().unwrap()] } else { Vec::new() },
                valid_s: one.max(other_time),
                preferred_s: one.min(other_time),
                autonomous: flags[0],
                mtu,
                name_servers: if lists { vec!["2001:db8::53".parse().unwrap()] } else { Vec::new() },
                hop_limit,
                managed: flags[1],
                other: flags[2],
                reachable_ms,
                retransmit_ms,
            }
        },
    )
}

/// Adds the interface, in networks of its own: each is within 10.PLACE.0.0/16, by halves.
fn add_interface(config: &mut Config, port: &Port, vlans: Vec<u16>, at: usize, draft: InterfaceDraft) {
    let (prefixes, mac, mtu, [up, redirects, directed_broadcast, ipv6, duplicate_detection], ra) = draft;
    let ipv6 = (ipv6 || ra.is_some()) && mtu.is_none() && port.mtu.is_none_or(|mtu| mtu >= 1280);
    let ra = ra.filter(|_| ipv6);
    let mut interface = Interface {
        mtu,
        up,
        redirects,
        directed_broadcast,
        ipv6,
        interface_id: if redirects { InterfaceId::Stable } else { InterfaceId::Eui64 },
        duplicate_detection,
        ra,
        ..Interface::new(&port.name, &vlans)
    };
    if ipv6 && duplicate_detection {
        let net = Ipv6Net::new(Ipv6Addr::new(0x2001, 0xdb8, at as u16, 0, 0, 0, 0, 1), 64).unwrap();
        interface.addresses.push(net.into());
    }
    if config.interfaces.iter().any(|other| other.name == interface.name) {
        return;
    }
    // The default VRF has its share of them.
    interface.vrf = vrf(config, at % (config.vrfs.len() + 1));
    for (length, host) in prefixes {
        let base = 0x0a00_0000 | (at as u32) << 16;
        let net = Ipv4Net::new(Ipv4Addr::from(base | host & 0xffff), length).unwrap();
        let edge = length < 31 && (net.addr() == net.network() || net.addr() == net.broadcast());
        // A second address may be the broadcast address of the first's prefix: allowed, but kept out for the gateways.
        if !edge
            && interface
                .addresses
                .iter()
                .all(|other| !other.contains(&IpNet::V4(net.trunc())) && !IpNet::V4(net).contains(&other.trunc()))
        {
            interface.addresses.push(net.into());
        }
    }
    let own = interface.addresses.iter().find(|net| net.addr().is_ipv4()).copied();
    let free = own.and_then(|own| own.hosts().find(|host| *host != own.addr()));
    if let (Some(address), Some(mac)) = (free, mac) {
        config.neighbors.push(Neighbor { address, mac, interface: interface.name.clone() });
    }
    config.interfaces.push(interface);
}

/// The name of a VRF by its number; none of the default one.
fn vrf(config: &Config, number: usize) -> Option<String> {
    number.checked_sub(1).map(|place| config.vrfs[place].name.clone())
}

/// Destination, kind, metric; which interface, and whether it is named; which VRF; weights.
type RouteDraft = (IpNet, u8, u32, (Index, bool), Index, Vec<u8>);

fn route() -> impl Strategy<Value = RouteDraft> {
    let to = (11..=100_u8, any::<[u8; 3]>(), 8..=32_u8)
        .prop_map(|(first, [a, b, c], length)| Ipv4Net::new(Ipv4Addr::new(first, a, b, c), length).unwrap().trunc());
    let to = prop_oneof![4 => to, 1 => Just(Ipv4Net::default())].prop_map(IpNet::V4);
    let interface = (any::<Index>(), any::<bool>());
    (to, 0..7_u8, any::<u32>(), interface, any::<Index>(), vec(1..=255_u8, 2..5))
}

fn add_route(config: &mut Config, (to, kind, metric, (which, named), which_vrf, weights): RouteDraft) {
    let interface = (!config.interfaces.is_empty()).then(|| which.get(&config.interfaces));
    let name = interface.map(|interface| interface.name.clone());
    let own = interface.and_then(|interface| interface.addresses.first().copied());
    // The first address of an IPv6 prefix is every router's.
    let others =
        own.into_iter().flat_map(|own| own.hosts().filter(move |host| *host != own.addr() && *host != own.network()));
    let gateways: Vec<IpAddr> = others.take(weights.len()).collect();
    let route_vrf = vrf(config, which_vrf.index(config.vrfs.len() + 1));
    // Where the gateways are.
    let there = interface.and_then(|interface| interface.vrf.clone());
    let mut lookup = (there != route_vrf).then(|| there.unwrap_or_else(|| Vrf::DEFAULT.to_owned()));
    let path =
        |(&gateway, &weight): (&IpAddr, &u8)| RoutePath { gateway, interface: name.clone().filter(|_| named), weight };
    let kind = match (kind, name.clone(), &gateways[..]) {
        (0, name, &[gateway, ..]) => RouteKind::Via { gateway, interface: name.filter(|_| named) },
        (1, Some(name), []) => RouteKind::Via { gateway: Ipv4Addr::new(203, 0, 113, 1).into(), interface: Some(name) },
        (5, _, [_, _, ..]) => RouteKind::Paths(gateways.iter().zip(&weights).map(path).collect()),
        (6, ..) if lookup.is_some() => RouteKind::Lookup,
        (kind, name, _) => {
            lookup = None;
            match (kind, name) {
                (2, Some(name)) => RouteKind::Interface { name },
                (3, _) => RouteKind::Unreachable,
                (4, _) => RouteKind::Prohibit,
                _ => RouteKind::Blackhole,
            }
        }
    };
    if config.routes.iter().all(|other| (&other.vrf, other.to, other.metric) != (&route_vrf, to, metric)) {
        config.routes.push(Route { to, kind, metric, vrf: route_vrf, lookup });
    }
}

fn cache() -> impl Strategy<Value = Cache> {
    (select(vec![CacheMode::Auto, CacheMode::On, CacheMode::Off]), 4..=16_u32, 1..=86_400_u32)
        .prop_map(|(mode, shift, timeout_s)| Cache { mode, entries: 1 << shift, timeout_s })
}

fn neighbors() -> impl Strategy<Value = NeighborSettings> {
    let timers = (100..=3_600_000_u32, 10..=3_600_000_u32, 1..=3_600_000_u32, 1..=86_400_u32);
    (1..=1_048_576_u32, 0..=64_u16, any::<u16>(), timers, 1..=1_000_000_u32).prop_map(
        |(max_per_interface, hold_per_neighbor, hold_total, timers, solicit_rate)| NeighborSettings {
            max_per_interface,
            hold_per_neighbor,
            hold_total,
            reachable_ms: timers.0,
            retransmit_ms: timers.1,
            delay_ms: timers.2,
            solicit_rate,
            stale_s: timers.3,
        },
    )
}

fn icmp() -> impl Strategy<Value = Icmp> {
    (0..=1_000_000_u32, 1..=1_000_000_u32, 0..=1_000_000_u32, 1..=1_000_000_u32).prop_map(
        |(errors_per_second, burst, echo_per_second, echo_burst)| Icmp {
            errors_per_second,
            burst,
            echo_per_second,
            echo_burst,
        },
    )
}

fn modes() -> impl Strategy<Value = Modes> {
    let offers = (Modes::TX_BYTES_MIN..=Modes::TX_BYTES_MAX, 1..=1_048_576_u32, 0..=1_000_u16, 0..=1_000_u16);
    let memory = (0..=1_024_u16, 0..=1_000_u16, 0..=1_000_u16, 0..=1_000_u16);
    let counts = (of(1..=64_u16), vec(0..=1023_u16, 0..3), of(1..=256_u16));
    let topology = select(&[Topology::Paired, Topology::Chained, Topology::Loop][..]);
    let streams = (topology, counts);
    (offers, any::<u16>(), 0..=60_000_u16, memory, streams).prop_map(
        |(offers, noisy_buffer, noisy_flush_ms, memory, streams)| Modes {
            topology: streams.0,
            // The ports of the list have to be there: they are named when there are some.
            ports: Vec::new(),
            port_count: streams.1.0,
            cores: streams.1.1,
            core_count: streams.1.2,
            tx_bytes: offers.0,
            flows: offers.1,
            retries: offers.2,
            retry_delay_us: offers.3,
            noisy_buffer,
            noisy_flush_ms,
            noisy_memory_mb: memory.0,
            noisy_reads: memory.1,
            noisy_writes: memory.2,
            noisy_reads_writes: memory.3,
        },
    )
}
