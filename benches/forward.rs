//! Cycles a packet of the forwarding modes on in-memory ports: `cargo bench --bench forward`.
//!
//! One worker, driven by hand, on two replay ports: each poll copies 64-byte frames (60 without FCS) into fresh buffers, and
//! each transmit ring completes half a ring late, so the buffers circulate as on a card. IPv6 frames are two bytes longer: the
//! shortest with a UDP header. Every figure is the median of the rounds, with the spread; cycles are of the time-stamp
//! counter. `--ipv6` measures IPv6 and, in turn with it, the same of IPv4. `--only NAME` leaves out what is called otherwise, and
//! `--turns N` makes one short round: under `valgrind --tool=callgrind` two of them differ by what so many turns cost.

use clap::Parser;
use ipnet::IpNet;
use ringway::dataplane::rig::{Rig, RigSettings, port_settings};
use ringway::fib::cache::CacheMode;
use ringway::fib::next_hop::{NextHop, Paths};
use ringway::wire::ipv4::{Ipv4Header, PROTOCOL_UDP};
use ringway::wire::ipv6::Ipv6Header;
use ringway_config::Mode;
use ringway_mempool::cycles;
use ringway_pmd::memory;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How long a measurement is.
#[derive(Debug, Clone, Copy)]
struct Length {
    rounds: usize,
    turns: u32,
    warm_up: u32,
}

/// What is measured how long.
#[derive(Debug, Parser)]
struct Options {
    /// IPv6, and in turn with it the same of IPv4.
    #[arg(long)]
    ipv6: bool,
    /// Only measurements whose name begins so.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// One round of so many turns of the worker, and no warm-up.
    #[arg(long)]
    turns: Option<u32>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn length(&self) -> Length {
        match self.turns {
            Some(turns) => Length { rounds: 1, turns, warm_up: 0 },
            None => Length { rounds: 15, turns: 20_000, warm_up: 20_000 },
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|start| name.starts_with(start.as_str()))
    }
}

/// How often both families are measured in turn.
const TURN_ABOUT: usize = 5;

/// Routes of the full table, and frames of each port that go to uniform destinations there.
const FULL: usize = 1_000_000;
/// Routes of the full table of IPv6.
const FULL6: usize = 200_000;
const UNIFORM: u32 = 1 << 16;

/// The destinations of a run.
struct Traffic {
    name: &'static str,
    destinations: Vec<Ipv4Addr>,
    cache_entries: u32,
    ipv6: bool,
}

/// The IPv6 address that stands for one of IPv4: 203.N.x.y becomes 2001:db8:N::x:y.
fn mapped(address: Ipv4Addr) -> Ipv6Addr {
    let [_, second, third, fourth] = address.octets();
    Ipv6Addr::new(0x2001, 0xdb8, second.into(), 0, 0, 0, third.into(), fourth.into())
}

fn frame6(port: u8, destination: Ipv6Addr) -> Vec<u8> {
    let mut frame = vec![0; 62];
    frame[..6].copy_from_slice(Rig::mac(usize::from(port)).as_bytes());
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 9, port]);
    frame[12..14].copy_from_slice(&[0x86, 0xdd]);
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: 8,
        next_header: PROTOCOL_UDP,
        hop_limit: 64,
        source: Ipv6Addr::new(0x2001, 0xdb8, 0xff00 | u16::from(port), 0, 0, 0, 0, 0x77),
        destination,
    };
    frame[14..54].copy_from_slice(&header.emit());
    frame
}

fn frame(port: u8, destination: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![0; 60];
    frame[..6].copy_from_slice(Rig::mac(usize::from(port)).as_bytes());
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 9, port]);
    frame[12..14].copy_from_slice(&[8, 0]);
    let header = Ipv4Header {
        dscp_ecn: 0,
        total_len: 46,
        identification: 1,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: PROTOCOL_UDP,
        source: Ipv4Addr::new(198, 18, port, 77),
        destination,
    };
    frame[14..34].copy_from_slice(&header.emit());
    frame
}

/// Ten routes, five through a gateway on each port; what comes in on one port goes out of the other.
fn settings(cache_entries: u32) -> RigSettings {
    let mut settings = RigSettings::new(&["198.18.0.1/24".parse().unwrap(), "198.18.1.1/24".parse().unwrap()]);
    for number in 0..10u8 {
        let interface = u16::from(number % 2);
        let address = Ipv4Addr::new(198, 18, number % 2, 2);
        let prefix = format!("203.{number}.0.0/16").parse().unwrap();
        settings.routes.push((prefix, NextHop::Gateway { interface, address: address.into() }.into()));
        let gateway = gateway6(number % 2).into();
        let prefix = format!("2001:db8:{number:x}::/48").parse().unwrap();
        settings.routes.push((prefix, NextHop::Gateway { interface, address: gateway }.into()));
    }
    settings.addresses6 = vec!["2001:db8:ff00::1/64".parse().unwrap(), "2001:db8:ff01::1/64".parse().unwrap()];
    settings.buffers = 8192;
    settings.ring = 1024;
    settings.cache_entries = cache_entries;
    settings.cache_mode = CacheMode::Auto;
    settings
}

/// The gateway on a port: link-local, as routers name each other.
fn gateway6(port: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, port.into())
}

/// So many routes over all of the address space, as long as the Internet's are (60 % of them /24), half by each gateway.
fn table(routes: usize) -> RigSettings {
    let mut settings = settings(256);
    let mut random = fastrand::Rng::with_seed(1);
    let gateway = |number: usize| {
        let port = (number % 2) as u8;
        Paths::One(NextHop::Gateway { interface: port.into(), address: Ipv4Addr::new(198, 18, port, 2).into() })
    };
    // Ten /4 that leave nothing uncovered but what is never forwarded to.
    let wide = (0..14u32)
        .map(|first| (IpNet::new(Ipv4Addr::from_bits(first << 28).into(), 4).unwrap(), gateway(first as usize)));
    settings.routes = wide.collect();
    while settings.routes.len() < routes {
        let length = match random.u8(..100) {
            0..63 => 24,
            63..74 => 23,
            74..84 => 22,
            84..89 => 21,
            89..93 => 20,
            93..96 => 19,
            96..98 => 18,
            _ => 16,
        };
        let address = Ipv4Addr::from_bits(random.u32(0x0100_0000..0xdf00_0000));
        let prefix = IpNet::new(address.into(), length).unwrap().trunc();
        settings.routes.push((prefix, gateway(random.usize(..2))));
    }
    settings
}

/// Uniform destinations, out of either port, whatever port they came in by.
fn run_uniform(routes: usize, length: Length) -> Vec<f64> {
    let settings = table(routes);
    let mut random = fastrand::Rng::with_seed(7);
    let mut forwardable = || loop {
        let address = Ipv4Addr::from_bits(random.u32(0x0100_0000..0xdf00_0000));
        if !matches!(address.octets()[0], 127) && address.octets()[..2] != [198, 18] {
            return address;
        }
    };
    let ports = (0..2u8).map(|port| {
        let frames: Vec<_> = (0..UNIFORM).map(|_| frame(port, forwardable())).collect();
        memory::replay(&port_settings(&settings, usize::from(port)), &frames)
    });
    let mut rig = Rig::with_ports(&settings, ports.collect(), Vec::new()).unwrap();
    // A redirect is for hosts; here half of the packets leave by where they came in.
    rig.publish(|snapshot| snapshot.interfaces.iter_mut().for_each(|interface| interface.redirects = false));
    measure(&mut rig, Mode::L3, length)
}

/// So many routes of IPv6, as long as the Internet's are (half of them /48) and as crowded: in few /16, most of all in the first.
fn table6(routes: usize) -> RigSettings {
    let mut settings = settings(256);
    let mut random = fastrand::Rng::with_seed(1);
    settings.routes.clear();
    while settings.routes.len() < routes {
        let length = match random.u8(..100) {
            0..50 => 48,
            50..61 => 32,
            61..72 => 44,
            72..82 => 40,
            82..86 => 36,
            86..90 => 47,
            90..93 => 46,
            93..96 => 33,
            _ => 29,
        };
        let crowded = random.u16(..64).min(random.u16(..64));
        let address = u128::from(0x2400 + crowded) << 112 | random.u128(..) >> 16;
        let prefix = IpNet::new(Ipv6Addr::from_bits(address).into(), length).unwrap().trunc();
        let port = random.u8(..2);
        let path = Paths::One(NextHop::Gateway { interface: port.into(), address: gateway6(port).into() });
        settings.routes.push((prefix, path));
    }
    settings
}

/// Random addresses in random prefixes of the full table of IPv6.
fn run_full6(length: Length) -> Vec<f64> {
    let settings = table6(FULL6);
    let mut random = fastrand::Rng::with_seed(7);
    let mut inside = || {
        let (prefix, _) = &settings.routes[random.usize(..FULL6)];
        let IpNet::V6(prefix) = prefix else { unreachable!("the table is of IPv6") };
        Ipv6Addr::from_bits(prefix.network().to_bits() | random.u128(..) >> prefix.prefix_len())
    };
    let ports = (0..2u8).map(|port| {
        let frames: Vec<_> = (0..UNIFORM).map(|_| frame6(port, inside())).collect();
        memory::replay(&port_settings(&settings, usize::from(port)), &frames)
    });
    let mut rig = Rig::with_ports(&settings, ports.collect(), Vec::new()).unwrap();
    rig.publish(|snapshot| snapshot.interfaces.iter_mut().for_each(|interface| interface.redirects = false));
    measure(&mut rig, Mode::L3, length)
}

fn run(mode: Mode, traffic: &Traffic, length: Length) -> Vec<f64> {
    let settings = settings(traffic.cache_entries);
    let ports = (0..2u8)
        .map(|port| {
            // Routes with an odd second octet leave by port 1, so port 0 gets those, and the other way round.
            let frames: Vec<_> = traffic
                .destinations
                .iter()
                .filter(|to| to.octets()[1] % 2 != port % 2)
                .map(|to| if traffic.ipv6 { frame6(port, mapped(*to)) } else { frame(port, *to) })
                .collect();
            memory::replay(&port_settings(&settings, usize::from(port)), &frames)
        })
        .collect();
    let mut rig = Rig::with_ports(&settings, ports, Vec::new()).unwrap();
    measure(&mut rig, mode, length)
}

fn measure(rig: &mut Rig, mode: Mode, length: Length) -> Vec<f64> {
    for port in 0..2u8 {
        let mac = [2, 0, 0, 0, 9, port].into();
        rig.neighbor(u16::from(port), Ipv4Addr::new(198, 18, port, 2), mac);
        rig.neighbor(u16::from(port), gateway6(port), mac);
    }
    rig.publish(|snapshot| snapshot.mode = mode);
    // Until both gateways were known, packets waited for them.
    let sent = |rig: &Rig| -> u64 { rig.control.counters.forward.iter().map(|port| port.tx_packets.get()).sum() };
    let (received_before, sent_before) = (rig.control.counters.packets.get(), sent(rig));
    let mut rounds = Vec::new();
    for _ in 0..length.rounds {
        (0..length.warm_up).for_each(|_| rig.step());
        let before = rig.control.counters.packets.get();
        let start = cycles();
        (0..length.turns).for_each(|_| rig.step());
        let spent = cycles() - start;
        rounds.push(spent as f64 / (rig.control.counters.packets.get() - before) as f64);
    }
    assert!(rig.audit().is_exact(), "{}", rig.audit());
    let received = rig.control.counters.packets.get() - received_before;
    assert_eq!(sent(rig) - sent_before, received, "every packet was forwarded");
    rounds.sort_by(f64::total_cmp);
    rounds
}

fn main() {
    let spread = |count: u32| -> Vec<Ipv4Addr> {
        (0..count)
            .map(|at| Ipv4Addr::new(203, (at % 10) as u8, (at / 10 % 256) as u8, (at / 2560 % 250) as u8 + 1))
            .collect()
    };
    let flows = [
        Traffic {
            name: "1 flow a port, cache",
            destinations: spread(10)[..2].to_vec(),
            cache_entries: 256,
            ipv6: false,
        },
        Traffic { name: "100 flows, cache", destinations: spread(100), cache_entries: 256, ipv6: false },
        Traffic { name: "100 flows, no cache", destinations: spread(100), cache_entries: 0, ipv6: false },
        Traffic { name: "20000 flows, cache", destinations: spread(20_000), cache_entries: 256, ipv6: false },
        Traffic { name: "20000 flows, no cache", destinations: spread(20_000), cache_entries: 0, ipv6: false },
    ];
    let options = Options::parse();
    let length = options.length();
    if options.ipv6 {
        return both_families(&flows, &options);
    }
    println!("cycles a packet; burst 32, 60-byte frames, 10 routes, 8192 buffers, rings of 1024, n={}", length.rounds);
    let modes = [Mode::Io, Mode::Mac, Mode::Macswap].map(|mode| (mode.to_string(), mode, &flows[1]));
    let l3 = flows.iter().map(|traffic| (format!("l3, {}", traffic.name), Mode::L3, traffic));
    for (name, mode, traffic) in modes.into_iter().chain(l3) {
        if options.wants(&name) {
            show(&name, &run(mode, traffic, length));
        }
    }
    let uniform = |routes: usize| {
        let name = format!("l3, uniform, {routes} routes");
        options.wants(&name).then(|| run_uniform(routes, length)).inspect(|rounds| show(&name, rounds))
    };
    let (few, full) = (uniform(14), uniform(FULL));
    if let (Some(few), Some(full)) = (few, full) {
        // Round by round, so that what the machine does beside counts on both sides.
        let mut ratios: Vec<f64> = full.iter().zip(&few).map(|(full, few)| full / few).collect();
        ratios.sort_by(f64::total_cmp);
        let middle = ratios[ratios.len() / 2];
        let (least, most, rounds) = (ratios[0], ratios[ratios.len() - 1], length.rounds);
        println!("ratio l3_full_table {middle:.3} ({least:.3}..{most:.3}, n={rounds})");
    }
}

fn show(name: &str, rounds: &[f64]) {
    println!("{name:<36} {:7.1} ({:.1}..{:.1})", rounds[rounds.len() / 2], rounds[0], rounds[rounds.len() - 1]);
}

/// Each traffic of both families, and the full tables, one after the other five times, and what IPv6 costs over IPv4.
fn both_families(flows: &[Traffic], options: &Options) {
    let length = options.length();
    let rounds = length.rounds;
    println!("cycles a packet of l3; burst 32, 60-byte and 62-byte frames, 10 routes of each family, n={rounds} a run");
    for traffic in flows.iter().filter(|traffic| options.wants(traffic.name)) {
        let six = Traffic { destinations: traffic.destinations.clone(), ipv6: true, ..*traffic };
        in_turn(traffic.name, || run(Mode::L3, traffic, length), || run(Mode::L3, &six, length));
    }
    let name = format!("full tables, {FULL} and {FULL6} routes");
    if options.wants(&name) {
        in_turn(&name, || run_uniform(FULL, length), || run_full6(length));
    }
}

fn in_turn(name: &str, four: impl Fn() -> Vec<f64>, six: impl Fn() -> Vec<f64>) {
    let mut ratios: Vec<f64> = (0..TURN_ABOUT)
        .map(|_| {
            let (four, six) = (four(), six());
            show(&format!("IPv4, {name}"), &four);
            show(&format!("IPv6, {name}"), &six);
            six[six.len() / 2] / four[four.len() / 2]
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let (least, middle, most) = (ratios[0], ratios[TURN_ABOUT / 2], ratios[TURN_ABOUT - 1]);
    println!("ratio l3_ipv6_over_ipv4 {middle:.3} ({least:.3}..{most:.3}, n={TURN_ABOUT}) {name}");
}
