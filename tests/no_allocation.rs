//! After the start the data path allocates nothing: counted over everything that a worker does with packets.
//!
//! One test in a file of its own, because the counter sees every thread of the process.

use ringway::dataplane::drop_reason::DropReason;
use ringway::dataplane::message::{NeighborKey, Order, Report};
use ringway::dataplane::rig::{Rig, RigSettings};
use ringway::fib::next_hop::NextHop;
use ringway::wire::icmpv4;
use ringway::wire::icmpv6;
use ringway::wire::ipv4::{Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP};
use ringway::wire::ipv6::{self, Ipv6Header};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::net::{Ipv4Addr, Ipv6Addr};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const SILENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);
const HOST6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xa);
const ROUTER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
const PEER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0xb);
const BEHIND: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 5);

fn frame(destination: Ipv4Addr, protocol: u8, ttl: u8, dont_fragment: bool, payload: &[u8]) -> Vec<u8> {
    let header = Ipv4Header {
        dscp_ecn: 0,
        total_len: 20 + payload.len() as u16,
        identification: 7,
        dont_fragment,
        more_fragments: false,
        fragment_offset: 0,
        ttl,
        protocol,
        source: HOST,
        destination,
    };
    [Rig::mac(0).as_bytes(), &[2, 0, 0, 0, 0, 0xa], &[8, 0], &header.emit(), payload].concat()
}

fn frame6(destination: Ipv6Addr, next_header: u8, hop_limit: u8, payload: &[u8]) -> Vec<u8> {
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: payload.len() as u16,
        next_header,
        hop_limit,
        source: HOST6,
        destination,
    };
    [Rig::mac(0).as_bytes(), &[2, 0, 0, 0, 0, 0xa], &[0x86, 0xdd], &header.emit(), payload].concat()
}

#[test]
fn nothing_on_the_data_path_allocates_after_the_start() {
    let mut settings = RigSettings::new(&["192.0.2.1/24".parse().unwrap(), "198.51.100.1/24".parse().unwrap()]);
    settings.addresses6 = vec!["2001:db8:1::1/64".parse().unwrap(), "2001:db8:2::1/64".parse().unwrap()];
    settings.mtus = vec![1500, 600];
    settings.routes =
        vec![("203.0.113.0/24".parse().unwrap(), NextHop::Gateway { interface: 1, address: PEER.into() }.into())];
    settings.icmp_errors = (1_000_000, 1_000_000);
    settings.icmp_echo = (1_000_000, 1_000_000);
    let mut rig = Rig::new(&settings).unwrap();
    rig.neighbor(0, HOST, [2, 0, 0, 0, 0, 0xa].into());
    rig.neighbor(1, PEER, [2, 0, 0, 0, 0, 0xb].into());
    rig.neighbor(0, HOST6, [2, 0, 0, 0, 0, 0xa].into());
    rig.neighbor(1, PEER6, [2, 0, 0, 0, 0, 0xb].into());

    let mut echo = vec![icmpv4::ECHO_REQUEST, 0, 0, 0, 0, 1, 0, 1, 9, 9];
    icmpv4::fill_checksum(&mut echo);
    let arp = [Rig::mac(0).as_bytes(), &[2, 0, 0, 0, 0, 0xa], &[8, 6], &[0; 46]].concat();
    let mut echo6 = vec![icmpv6::ECHO_REQUEST, 0, 0, 0, 0, 1, 0, 1, 9, 9];
    icmpv6::fill_checksum(&mut echo6, HOST6, ROUTER6);
    let frames = [
        frame6(PEER6, 17, 64, b"forwarded"),
        frame6(PEER6, 17, 64, &[1; 1400]),
        frame6(PEER6, 17, 1, b"expires"),
        frame6(ROUTER6, ipv6::ICMPV6, 64, &echo6),
        frame6(ROUTER6, ipv6::TCP, 64, &[0; 20]),
        frame6(ROUTER6, 99, 64, b"no such protocol"),
        frame6(ROUTER6, ipv6::FRAGMENT, 64, &[17, 0, 0, 1, 0, 0, 0, 7, 0, 0]),
        frame6("2001:db8:9::1".parse().unwrap(), 17, 64, b"no route"),
        frame6(PEER6, ipv6::HOP_BY_HOP, 64, &[17, 0, 0x9e, 4, 0, 0, 0, 0]),
        frame(PEER, PROTOCOL_UDP, 64, false, b"forwarded"),
        frame(BEHIND, PROTOCOL_UDP, 64, false, b"by a gateway"),
        frame(PEER, PROTOCOL_UDP, 64, false, &[1; 1400]),
        frame(PEER, PROTOCOL_UDP, 64, true, &[1; 1400]),
        frame(PEER, PROTOCOL_UDP, 1, false, b"expires"),
        frame(ROUTER, PROTOCOL_ICMP, 64, false, &echo),
        frame(ROUTER, PROTOCOL_UDP, 64, false, &[0, 9, 0, 9, 0, 8, 0, 0]),
        frame(ROUTER, PROTOCOL_TCP, 64, false, &[0; 20]),
        frame(ROUTER, 99, 64, false, b"no such protocol"),
        frame(Ipv4Addr::new(100, 64, 0, 1), PROTOCOL_UDP, 64, false, b"no route"),
        frame(Ipv4Addr::new(192, 0, 2, 20), PROTOCOL_UDP, 64, false, b"back where it came from"),
        frame(SILENT, PROTOCOL_UDP, 64, false, b"held"),
        arp,
        b"short".to_vec(),
    ];
    let silent = NeighborKey::v4(1, SILENT);
    let mac = [2, 0, 0, 0, 0, 0xc].into();
    let mut report =
        Some(Box::new(Report { cache: Vec::with_capacity(256), held: Vec::with_capacity(64), ..Report::default() }));

    // The test's own ends are filled and emptied without allocating too, so the count is the worker's and must be zero.
    let region = Region::new(ALLOCATOR);
    for round in 0..2000 {
        for frame in &frames {
            rig.send(0, frame);
        }
        rig.step();
        // The neighbor answers and is used, is forgotten, fails, answers a STALE one and is forgotten again.
        rig.order(match round % 4 {
            0 | 3 => Order::NeighborUpdate { key: silent, mac, report_use: round % 4 == 3 },
            1 => Order::NeighborRemoved(silent),
            _ => Order::NeighborFailed(silent),
        });
        if let Some(report) = report.take() {
            rig.order(Order::Report(report));
        }
        rig.order(Order::Audit(round));
        rig.step();
        if round % 4 == 3 {
            rig.order(Order::NeighborRemoved(silent));
            rig.step();
        }
        for probe in &mut rig.probes {
            while probe.receive_with(|_| ()).is_some() {}
        }
        while rig.control.punt.receive(|_, _| ()).is_some() {}
        while let Some(event) = rig.event() {
            if let ringway::dataplane::message::Event::Report(back) = event {
                report = Some(back);
            }
        }
    }
    let change = region.change();
    assert_eq!(change.allocations + change.reallocations, 0, "{change:?}");

    // The count would mean nothing if the packets had not taken these ways.
    let counters = &rig.control.counters;
    for (what, count) in [
        ("fragmented", counters.fragmented.get()),
        ("held", counters.held.get()),
        ("echo replies", counters.echo_replies.get()),
        ("punted", counters.punted.get()),
        ("cache hits", counters.cache4.hits.get()),
        ("ttl", rig.drops(DropReason::TtlExceeded)),
        ("mtu", rig.drops(DropReason::MtuExceeded)),
        ("no route", rig.drops(DropReason::NoRoute)),
        ("port", rig.drops(DropReason::LocalPort)),
        ("protocol", rig.drops(DropReason::LocalProtocol)),
        ("unanswered", rig.drops(DropReason::HostUnreachable)),
        ("hop limit", rig.drops(DropReason::Ip6HopLimit)),
        ("too big", rig.drops(DropReason::Ip6TooBig)),
        ("option", rig.drops(DropReason::Ip6BadOption)),
    ] {
        assert!(count >= 400, "{what}: {count}");
    }
    assert!(rig.audit().is_exact(), "{}", rig.audit());
    let audit = rig.worker.close();
    assert_eq!(audit.pool, audit.capacity, "{audit}");
}
