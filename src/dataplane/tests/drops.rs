//! Every drop reason has something that produces it.
//!
//! The match over the reasons is exhaustive: a new reason does not compile until its test is written.

use super::frames::{A, A_MAC, B, assert_audit, close, echo, packet, rig, settings, udp, with_options};
use super::frames6::{A6, A6_LOCAL, B6, ROUTER6, extended, icmp6, rig6, settings6, udp6};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::message::{Inject, NeighborKey, Order};
use crate::dataplane::rig::{Rig, RigSettings};
use crate::dataplane::snapshot::NO_INTERFACE;
use crate::fib::next_hop::NextHop;
use crate::wire::ipv4::fill_checksum;
use ringway_config::{HopByHop, Mode, SourceCheck};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Our address on port 0.
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// A host on the network of port 1 that nobody has resolved.
const SILENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);

/// A router that one frame has passed through.
fn after(frame: &[u8]) -> Rig {
    after_all(&settings(), &[frame])
}

fn after_all(settings: &RigSettings, frames: &[&[u8]]) -> Rig {
    let mut rig = rig(settings);
    for frame in frames {
        assert!(rig.send(0, frame));
    }
    rig.step();
    rig
}

/// A good packet with bytes of its IP header changed and the checksum right again.
fn changed(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut frame = udp(A, B, 64, b"payload");
    for (at, value) in changes {
        frame[14 + at] = *value;
    }
    fill_checksum(&mut frame[14..34]);
    frame
}

/// The same of a router with IPv6 addresses.
fn after6(frame: &[u8]) -> Rig {
    let mut rig = rig6(&settings6());
    assert!(rig.send(0, frame));
    rig.step();
    rig
}

fn by_route(next_hop: NextHop) -> Rig {
    let mut settings = settings();
    settings.routes = vec![("203.0.113.0/24".parse().unwrap(), next_hop.into())];
    after_all(&settings, &[&udp(A, Ipv4Addr::new(203, 0, 113, 9), 64, b"x")])
}

fn in_mode(mode: Mode) -> Rig {
    let mut rig = rig(&settings());
    rig.publish(|snapshot| snapshot.mode = mode);
    rig.send(0, &udp(A, B, 64, b"x"));
    rig.step();
    rig
}

/// Drives a router into dropping a packet for this reason.
#[expect(clippy::too_many_lines, reason = "one line or a few for each reason, in the order of the enum")]
fn produce(reason: DropReason) -> Rig {
    let ethernet =
        |ether_type: [u8; 2], payload: &[u8]| [Rig::mac(0).as_bytes(), A_MAC.as_bytes(), &ether_type, payload].concat();
    match reason {
        DropReason::FrameTooShort => after(&[0; 13]),
        DropReason::NotForUs => {
            let mut frame = udp(A, B, 64, b"x");
            frame[5] ^= 1;
            after(&frame)
        }
        DropReason::UnknownVlan => after(&ethernet([0x81, 0], &[0, 77, 8, 0, 0x45])),
        DropReason::NoInterface => {
            let mut rig = rig(&settings());
            rig.publish(|snapshot| snapshot.ports[0].untagged = NO_INTERFACE);
            rig.send(0, &udp(A, B, 64, b"x"));
            rig.step();
            rig
        }
        DropReason::InterfaceDown => {
            let mut rig = rig(&settings());
            rig.publish(|snapshot| snapshot.interfaces[0].up = false);
            rig.send(0, &udp(A, B, 64, b"x"));
            rig.step();
            rig
        }
        DropReason::UnknownEtherType => after(&ethernet([0x88, 0xb5], &[0; 46])),
        DropReason::Ip4TooShort => after(&ethernet([8, 0], &[0x45; 19])),
        DropReason::Ip4BadChecksum => {
            let mut frame = udp(A, B, 64, b"x");
            frame[24] ^= 0xff;
            after(&frame)
        }
        DropReason::Ip4BadVersion => after(&changed(&[(0, 0x55)])),
        DropReason::Ip4BadHeaderLength => after(&changed(&[(0, 0x44)])),
        DropReason::Ip4BadTotalLength => after(&changed(&[(2, 0), (3, 19)])),
        DropReason::Ip4BadOption => after(&with_options(&udp(A, B, 64, b"x"), &[7, 0, 4, 0])),
        DropReason::Ip4SourceRoute => after(&with_options(&udp(A, B, 64, b"x"), &[131, 7, 4, 10, 0, 0, 1, 0])),
        DropReason::Ip6TooShort => after6(&ethernet([0x86, 0xdd], &[0x60; 39])),
        DropReason::Ip6BadVersion => after6(&ethernet([0x86, 0xdd], &[0x40; 46])),
        DropReason::Ip6BadPayloadLength => after6(&ethernet([0x86, 0xdd], &[0x60; 46])),
        DropReason::Ip6MartianSource => after6(&udp6(Ipv6Addr::LOCALHOST, B6, 64, b"x")),
        DropReason::Ip6MartianDestination => after6(&udp6(A6, Ipv6Addr::LOCALHOST, 64, b"x")),
        DropReason::Ip6OwnSource => after6(&udp6(ROUTER6, B6, 64, b"x")),
        DropReason::Ip6SourceScope => after6(&udp6(A6_LOCAL, B6, 64, b"x")),
        DropReason::Ip6LinkLocal => after6(&udp6(A6, A6_LOCAL, 64, b"x")),
        DropReason::Ip6Multicast => after6(&udp6(A6, "ff0e::1".parse().unwrap(), 64, b"x")),
        DropReason::Ip6HopByHop => {
            let mut rig = rig6(&settings6());
            rig.publish(|snapshot| snapshot.hop_by_hop = HopByHop::Drop);
            rig.send(0, &extended(&udp6(A6, B6, 64, b"x"), 0, &[0, 1, 4, 0, 0, 0, 0]));
            rig.step();
            rig
        }
        DropReason::Ip6BadOption => after6(&extended(&udp6(A6, B6, 64, b"x"), 0, &[0, 0x5e, 4, 0, 0, 0, 0])),
        DropReason::Ip6BadExtension => after6(&extended(&udp6(A6, ROUTER6, 64, b"x"), 60, &[9, 0, 0, 0, 0, 0, 0])),
        DropReason::Ip6RoutingHeader => after6(&extended(&udp6(A6, ROUTER6, 64, b"x"), 43, &[0, 0, 1, 0, 0, 0, 0])),
        DropReason::Ip6HopLimit => after6(&udp6(A6, B6, 1, b"x")),
        DropReason::Ip6TooBig => {
            let mut settings = settings6();
            settings.mtus = vec![1500, 1280];
            let mut rig = rig6(&settings);
            rig.send(0, &udp6(A6, B6, 64, &[0; 1400]));
            rig.step();
            rig
        }
        DropReason::Ip6DiscoveryFromAfar => after6(&icmp6(A6, ROUTER6, 64, 135, &[0; 20])),
        DropReason::Ip6Tentative => {
            let mut rig = rig6(&settings6());
            // The routes know the address already; the interface has not got it yet.
            rig.publish(|snapshot| snapshot.interfaces[0].addresses6.clear());
            rig.send(0, &udp6(A6, ROUTER6, 64, b"x"));
            rig.step();
            rig
        }
        DropReason::MartianSource => after(&udp(Ipv4Addr::LOCALHOST, B, 64, b"x")),
        DropReason::MartianDestination => after(&udp(A, Ipv4Addr::new(240, 0, 0, 1), 64, b"x")),
        DropReason::OwnSource => after(&udp(ROUTER, B, 64, b"x")),
        DropReason::SourceCheck => {
            let mut rig = rig(&settings());
            rig.publish(|snapshot| snapshot.interfaces[0].source_check = SourceCheck::Strict);
            rig.send(0, &udp(Ipv4Addr::new(198, 51, 100, 9), B, 64, b"x"));
            rig.step();
            rig
        }
        DropReason::LinkBroadcast => {
            let mut frame = udp(A, B, 64, b"x");
            frame[..6].fill(0xff);
            after(&frame)
        }
        DropReason::Multicast => after(&udp(A, Ipv4Addr::new(224, 0, 0, 5), 64, b"x")),
        DropReason::Broadcast => after(&udp(A, Ipv4Addr::BROADCAST, 64, b"x")),
        DropReason::DirectedBroadcast => after(&udp(A, Ipv4Addr::new(198, 51, 100, 255), 64, b"x")),
        DropReason::TtlExceeded => after(&udp(A, B, 1, b"x")),
        DropReason::NoRoute => after(&udp(A, Ipv4Addr::new(100, 64, 0, 1), 64, b"x")),
        DropReason::Blackhole => by_route(NextHop::Blackhole),
        DropReason::Unreachable => by_route(NextHop::Unreachable),
        DropReason::Prohibited => by_route(NextHop::Prohibit),
        DropReason::MtuExceeded => {
            let mut settings = settings();
            settings.mtus = vec![1500, 600];
            let mut frame = udp(A, B, 64, &[0; 1000]);
            frame[20] |= 0x40;
            fill_checksum(&mut frame[14..34]);
            after_all(&settings, &[&frame])
        }
        DropReason::FragmentReserve => {
            let mut settings = settings();
            settings.mtus = vec![1500, 600];
            // The packet itself has the only buffer.
            settings.buffers = 1;
            let mut frame = udp(A, B, 64, &[0; 1000]);
            frame[20] &= !0x40;
            fill_checksum(&mut frame[14..34]);
            after_all(&settings, &[&frame])
        }
        DropReason::NeighborLimit => {
            let mut settings = settings();
            settings.neighbors = (16, 1);
            let other = Ipv4Addr::new(198, 51, 100, 78);
            after_all(&settings, &[&udp(A, SILENT, 64, b"x"), &udp(A, other, 64, b"x")])
        }
        DropReason::NeighborBusy => {
            let settings = RigSettings::new(&["192.0.2.1/24".parse().unwrap(), "10.0.0.1/8".parse().unwrap()]);
            let mut rig = rig(&settings);
            // Nobody takes the events, so their queue fills up.
            for host in 2..5000u32 {
                rig.send(0, &udp(A, Ipv4Addr::from_bits(0x0a00_0000 + host), 64, b"x"));
                rig.step();
            }
            rig
        }
        DropReason::HoldOverflow => {
            let frame = udp(A, SILENT, 64, b"x");
            after_all(&settings(), &[&frame, &frame, &frame, &frame, &frame])
        }
        DropReason::HostUnreachable => {
            let mut rig = after(&udp(A, SILENT, 64, b"x"));
            rig.order(Order::NeighborFailed(NeighborKey::v4(1, SILENT)));
            rig.step();
            rig
        }
        DropReason::TransmitFull => {
            let mut settings = settings();
            settings.ring = 4;
            let frame = udp(A, B, 64, b"x");
            let mut rig = after_all(&settings, &[&frame, &frame, &frame, &frame]);
            // Nobody takes what was sent, so the ring is full.
            rig.send(0, &frame);
            rig.step();
            rig
        }
        DropReason::PortGone => {
            let mut rig = rig(&settings());
            rig.inject(Inject::Frame { port: 9 }, &[0; 60]);
            rig.step();
            rig
        }
        DropReason::PuntFull => {
            let mut rig = rig(&settings());
            for _ in 0..600 {
                rig.send(0, &ethernet([8, 6], &[0; 46]));
                rig.step();
            }
            rig
        }
        DropReason::LocalIcmp => after(&packet(A, ROUTER, 1, &[13, 0, 0xf2, 0xff, 0, 0, 0, 0])),
        DropReason::LocalProtocol => after(&packet(A, ROUTER, 99, b"x")),
        DropReason::LocalPort => after(&udp(A, ROUTER, 64, b"x")),
        DropReason::LocalMalformed => after(&packet(A, ROUTER, 17, &[0, 1, 0, 2, 0, 99, 0, 0])),
        DropReason::EchoLimit => {
            let mut settings = settings();
            settings.icmp_echo = (1, 1);
            let frame = echo(A, ROUTER, b"data");
            after_all(&settings, &[&frame, &frame])
        }
        DropReason::ReceiveOnly => in_mode(Mode::Rxonly),
        DropReason::NoPeer => in_mode(Mode::Icmpecho),
    }
}

#[test]
fn every_reason_is_counted_by_what_produces_it() {
    for reason in DropReason::ALL {
        let rig = produce(*reason);
        assert!(rig.drops(*reason) > 0, "{}", reason.name());
        assert_audit(&rig);
        close(rig);
    }
}

#[test]
fn a_martian_is_one_whatever_kind_it_is() {
    for source in ["0.0.0.0", "0.1.2.3", "127.9.9.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"] {
        let mut rig = after(&udp(source.parse().unwrap(), B, 64, b"x"));
        assert_eq!(rig.drops(DropReason::MartianSource), 1, "{source}");
        assert!(rig.receive(0).is_none() && rig.receive(1).is_none(), "{source}: nothing leaves");
    }
    for broadcast in ["192.0.2.255", "192.0.2.0", "198.51.100.255"] {
        let rig = after(&udp(broadcast.parse().unwrap(), B, 64, b"x"));
        assert_eq!(rig.drops(DropReason::MartianSource), 1, "{broadcast} is a broadcast address of ours");
    }
    for destination in ["0.0.0.0", "0.9.9.9", "127.0.0.1", "240.1.1.1", "255.255.255.254"] {
        let rig = after(&udp(A, destination.parse().unwrap(), 64, b"x"));
        assert_eq!(rig.drops(DropReason::MartianDestination), 1, "{destination}");
    }
}
