//! The whole path: any frames into any port, with the orders of a control thread between them. Whatever comes, nothing
//! panics and every buffer is accounted for after each turn and at the end.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ringway::dataplane::message::{Inject, NeighborKey, Order};
use ringway::dataplane::rig::{Rig, RigSettings, port_settings};
use ringway::fib::next_hop::NextHop;
use ringway_config::{HopByHop, Mode};
use ringway_pmd::{fault, memory};
use std::net::Ipv6Addr;

#[derive(Debug, Arbitrary)]
enum Step {
    /// Any bytes into a port.
    Frame { port: u8, bytes: Vec<u8> },
    /// A frame that gets past the Ethernet header: any IPv4 header and payload, checksum right.
    Packet { port: u8, header: [u8; 20], options: u8, rest: Vec<u8> },
    /// The same of IPv6: any header and payload, addresses that lead somewhere.
    Packet6 { port: u8, header: [u8; 40], rest: Vec<u8> },
    /// The neighbor has an address, is STALE, does not answer, is forgotten.
    Neighbor { interface: u8, address: u32, what: u8 },
    /// The control thread sends something.
    Inject { whole: bool, bytes: Vec<u8> },
    /// Another mode, interface state or policy.
    Change { what: u8 },
    /// Ports give up what they hold.
    Drain,
}

#[derive(Debug, Arbitrary)]
struct Run {
    faults: bool,
    loss: u8,
    refuse: u8,
    delay: u8,
    mtu: u16,
    steps: Vec<Step>,
}

/// Addresses that lead somewhere: ours, neighbors, routes of each kind.
const PLACES: [[u8; 4]; 8] = [
    [192, 0, 2, 1],
    [192, 0, 2, 10],
    [198, 51, 100, 2],
    [198, 51, 100, 255],
    [203, 0, 113, 1],
    [203, 0, 114, 1],
    [203, 0, 115, 1],
    [100, 64, 0, 1],
];

/// The same of IPv6, with addresses and groups of the link.
const PLACES6: [Ipv6Addr; 10] = [
    Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 10),
    Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2),
    Ipv6Addr::new(0x2001, 0xdb8, 3, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0x2001, 0xdb8, 4, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 1),
    Ipv6Addr::UNSPECIFIED,
];

fn rig(run: &Run) -> Rig {
    let mut settings = RigSettings::new(&[
        "192.0.2.1/24".parse().unwrap(),
        "198.51.100.1/24".parse().unwrap(),
        "10.0.0.1/8".parse().unwrap(),
    ]);
    settings.buffers = 128;
    settings.ring = 8;
    settings.hold = (6, 2);
    settings.neighbors = (8, 2);
    settings.addresses6 = vec!["2001:db8:1::1/64".parse().unwrap(), "2001:db8:2::1/64".parse().unwrap()];
    settings.mtus = vec![1500, 68 + run.mtu % 1433, 1500];
    let via = "198.51.100.2".parse().unwrap();
    settings.routes = vec![
        ("203.0.113.0/24".parse().unwrap(), NextHop::Gateway { interface: 1, address: via }.into()),
        ("203.0.114.0/24".parse().unwrap(), NextHop::Prohibit.into()),
        ("203.0.115.0/24".parse().unwrap(), NextHop::Unreachable.into()),
        ("2001:db8:3::/48".parse().unwrap(), NextHop::Gateway { interface: 1, address: PLACES6[6].into() }.into()),
        ("2001:db8:4::/48".parse().unwrap(), NextHop::Prohibit.into()),
    ];
    let (mut ports, mut probes) = (Vec::new(), Vec::new());
    for number in 0..3 {
        let (opened, mut ends) = memory::probe(&port_settings(&settings, number));
        let share = |octet: u8| f64::from(octet) / 512.0;
        ports.push(if run.faults {
            let settings = fault::FaultSettings {
                loss: share(run.loss),
                duplicate: share(run.loss),
                corrupt: share(run.refuse),
                refuse: share(run.refuse),
                delay_polls: u32::from(run.delay % 4),
                seed: 1 + u64::from(run.loss),
            };
            fault::inject(opened, settings)
        } else {
            opened
        });
        probes.append(&mut ends);
    }
    Rig::with_ports(&settings, ports, probes).unwrap()
}

fn step(rig: &mut Rig, step: Step) {
    match step {
        Step::Frame { port, bytes } => {
            rig.send(usize::from(port % 3), &bytes);
        }
        Step::Packet { port, mut header, options, rest } => {
            let port = usize::from(port % 3);
            let words = 5 + usize::from(options % 11);
            let options = (words - 5) * 4;
            header[0] = 0x40 | words as u8;
            let total = (20 + options + rest.len()).min(1500);
            header[2..4].copy_from_slice(&(total as u16).to_be_bytes());
            if header[1] & 1 == 0 {
                let place = PLACES[usize::from(header[19]) % PLACES.len()];
                header[16..20].copy_from_slice(&place);
            }
            let mut packet = header.to_vec();
            packet.extend(rest.iter().copied().chain(std::iter::repeat(0)).take(total.max(20 + options) - 20));
            ringway::wire::ipv4::fill_checksum(&mut packet[..20 + options]);
            let frame = [Rig::mac(port).as_bytes(), &[2, 0, 0, 0, 0, 9, 8, 0], &packet].concat();
            rig.send(port, &frame);
        }
        Step::Packet6 { port, mut header, rest } => {
            let port = usize::from(port % 3);
            header[0] = 0x60 | header[0] & 0xf;
            header[4..6].copy_from_slice(&(rest.len().min(1460) as u16).to_be_bytes());
            if header[1] & 1 == 0 {
                let place = PLACES6[usize::from(header[39]) % PLACES6.len()];
                header[24..40].copy_from_slice(&place.octets());
            }
            if header[1] & 2 == 0 {
                let place = PLACES6[usize::from(header[23]) % PLACES6.len()];
                header[8..24].copy_from_slice(&place.octets());
            }
            // What walks extension headers and what answers ICMPv6 see enough of both.
            if header[1] & 4 == 0 {
                header[6] = [0, 58, 43, 44, 60, 17, 6, 58][usize::from(header[6] % 8)];
            }
            let group = if header[24] == 0xff {
                [0x33, 0x33, header[36], header[37], header[38], header[39]]
            } else {
                Rig::mac(port).into_array()
            };
            let frame = [&group[..], &[2, 0, 0, 0, 0, 9, 0x86, 0xdd], &header, &rest[..rest.len().min(1460)]].concat();
            rig.send(port, &frame);
        }
        Step::Neighbor { interface, address, what } => {
            let address =
                if what & 8 == 0 { u32::from_be_bytes(PLACES[address as usize % PLACES.len()]) } else { address };
            let key = if what & 16 == 0 {
                NeighborKey::v4(u16::from(interface % 4), address.into())
            } else {
                NeighborKey::v6(u16::from(interface % 4), PLACES6[address as usize % PLACES6.len()])
            };
            rig.order(match what % 4 {
                0 | 1 => Order::NeighborUpdate { key, mac: [2, 0, 0, 0, 0, what].into(), report_use: what % 4 == 1 },
                2 => Order::NeighborFailed(key),
                _ => Order::NeighborRemoved(key),
            });
        }
        Step::Inject { whole, bytes } => {
            let kind = if whole {
                Inject::Frame { port: u16::from(bytes.first().copied().unwrap_or(0) % 5) }
            } else {
                Inject::Packet { vrf: 0 }
            };
            rig.inject(kind, &bytes);
        }
        Step::Change { what } => rig.publish(|snapshot| {
            snapshot.mode = Mode::ALL[usize::from(what) % Mode::ALL.len()];
            snapshot.interfaces[1].directed_broadcast = what & 1 != 0;
            snapshot.interfaces[2].up = what & 2 == 0;
            snapshot.accept_source_route = what & 4 != 0;
            snapshot.hop_by_hop = HopByHop::ALL[usize::from(what >> 6) % HopByHop::ALL.len()];
            if what & 8 != 0 {
                snapshot.mode = Mode::L3;
            }
        }),
        Step::Drain => {
            for probe in &mut rig.probes {
                while probe.receive_with(|_| ()).is_some() {}
            }
            while rig.control.punt.receive(|_, _| ()).is_some() {}
            while rig.event().is_some() {}
        }
    }
}

fuzz_target!(|run: Run| {
    let mut rig = rig(&run);
    for one in run.steps {
        step(&mut rig, one);
        rig.step();
        let audit = rig.audit();
        assert!(audit.is_exact(), "{audit}");
    }
    let audit = rig.worker.close();
    assert_eq!(audit.pool, audit.capacity, "{audit}");
});
