//! The modes that do not route allocate nothing on the data path either.
//!
//! A file of its own, because the counter sees every thread of the process.

use ringway::dataplane::modes::NoisySettings;
use ringway::dataplane::rig::{Rig, RigSettings};
use ringway::wire::icmpv4;
use ringway::wire::ipv4::{Ipv4Header, PROTOCOL_ICMP, PROTOCOL_UDP};
use ringway_config::Mode;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::net::Ipv4Addr;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: u64 = 500;

/// An IPv4 packet in a frame; its header checksum is right.
fn frame(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header = Ipv4Header {
        dscp_ecn: 0,
        total_len: 20 + payload.len() as u16,
        identification: 7,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol,
        source: Ipv4Addr::new(192, 0, 2, 10),
        destination: Ipv4Addr::new(192, 0, 2, 1),
    };
    [Rig::mac(0).as_bytes(), &[2, 0, 0, 0, 0, 0xa], &[8, 0], &header.emit(), payload].concat()
}

#[test]
fn no_mode_allocates_after_the_start() {
    let mut settings = RigSettings::new(&["192.0.2.1/24".parse().unwrap(), "198.51.100.1/24".parse().unwrap()]);
    settings.noisy = (8, 1);
    let mut rig = Rig::new(&settings).unwrap();
    let mut echo = vec![icmpv4::ECHO_REQUEST, 0, 0, 0, 0, 1, 0, 1, 9, 9];
    icmpv4::fill_checksum(&mut echo);
    // ARP for 192.0.2.1 from 192.0.2.10 (RFC 826).
    let request = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0xa, 192, 0, 2, 10, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1];
    let arp = [&[0xff; 6], &[2, 0, 0, 0, 0, 0xa][..], &[8, 6], &request, &[0; 18]].concat();
    let frames = [
        frame(PROTOCOL_UDP, &[0, 7, 0, 9, 0, 12, 0xba, 0xdd, 1, 2, 3, 4]),
        frame(PROTOCOL_UDP, &[1; 1400]),
        frame(PROTOCOL_ICMP, &echo),
        arp,
        b"short".to_vec(),
    ];
    let modes = [
        Mode::Io,
        Mode::Mac,
        Mode::Macswap,
        Mode::FiveTupleSwap,
        Mode::Csum,
        Mode::Icmpecho,
        Mode::Rxonly,
        Mode::Txonly,
        Mode::Flowgen,
        Mode::Noisy,
    ];
    for mode in modes {
        rig.publish(|snapshot| {
            snapshot.mode = mode;
            snapshot.modes.noisy = NoisySettings { reads: 2, writes: 2, reads_writes: 1, ..NoisySettings::default() };
        });
        let mut sent = 0;
        let region = Region::new(ALLOCATOR);
        for _ in 0..ROUNDS {
            for frame in &frames {
                rig.send(0, frame);
            }
            rig.step();
            for probe in &mut rig.probes {
                while probe.receive_with(|_| ()).is_some() {
                    sent += 1;
                }
            }
        }
        let change = region.change();
        assert_eq!(change.allocations + change.reallocations, 0, "{mode:?}: {change:?}");
        // The count would mean nothing if no packet had gone the mode's way.
        let expected = if mode == Mode::Rxonly { 0 } else { ROUNDS };
        assert!(sent >= expected, "{mode:?}: {sent} frames came out");
        assert!(rig.audit().is_exact(), "{mode:?}: {}", rig.audit());
    }
    let audit = rig.worker.close();
    assert_eq!(audit.pool, audit.capacity, "{audit}");
}
