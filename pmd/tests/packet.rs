//! AF_PACKET ports on a veth pair, in a network namespace of its own that ends with the test.
//!
//! Each test runs in a thread that leaves the machine's network first, so it needs root and touches nothing.

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use ringway_mempool::{BURST, Burst, Geometry, PagePolicy, Pool};
use ringway_pmd::{LentPools, Opened, PortError, PortSettings, RxQueue, TxQueue, packet};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::{Duration, Instant};

const BUFFERS: u32 = 256;
/// How long a test waits for the kernel before it fails.
const DEADLINE: Duration = Duration::from_secs(5);
/// An EtherType for experiments (IEEE 802), which the kernel sends nothing of by itself.
const ETHER_TYPE: [u8; 2] = [0x88, 0xb5];

/// Runs a test in a fresh network namespace with the veth pair `v0` and `v1`, or says why not.
fn on_a_cable(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        // SAFETY: unshare() touches no memory; only this thread changes its network namespace.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            eprintln!("skipped: needs root");
            return;
        }
        assert!(ip("link add v0 type veth peer name v1"));
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs `ip` in this thread's namespace; true when it succeeded.
fn ip(arguments: &str) -> bool {
    Command::new("ip").args(arguments.split_whitespace()).output().is_ok_and(|output| output.status.success())
}

fn ip_output(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn settings(queues: u16) -> PortSettings {
    PortSettings { rx_ring: 256, tx_ring: 256, ..PortSettings::new("p0", queues) }
}

/// A port with its pool.
struct Bench {
    opened: Opened,
    pool: Pool,
    burst: Burst,
}

impl Bench {
    fn new(device: &str, queues: u16) -> Self {
        Self {
            opened: packet::open(&settings(queues), device).unwrap(),
            pool: Pool::new(BUFFERS, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap(),
            burst: Burst::new(),
        }
    }

    fn send(&mut self, frame: &[u8]) -> usize {
        self.burst.push(self.pool.take_filled(frame).unwrap()).unwrap();
        let taken = self.opened.tx[0].submit(&mut self.pool, &mut self.burst);
        self.pool.give_burst(&mut self.burst);
        assert_eq!(self.pool.available(), BUFFERS);
        taken
    }

    /// Polls until `count` frames match; the kernel sends others of its own accord.
    fn receive(&mut self, count: usize, matches: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
        let start = Instant::now();
        let mut found = Vec::new();
        while found.len() < count {
            assert!(start.elapsed() < DEADLINE, "{} of {count} frames came", found.len());
            for queue in &mut self.opened.rx {
                queue.poll(&mut self.pool, &mut self.burst, BURST);
                let frames = self.burst.as_slice().iter().map(|mbuf| self.pool.frame(mbuf).to_vec());
                found.extend(frames.filter(|frame| matches(frame)));
                self.pool.give_burst(&mut self.burst);
            }
            assert_eq!(self.pool.available(), BUFFERS);
        }
        found
    }
}

fn ours(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&ETHER_TYPE)
}

fn frame(len: usize, seed: u8) -> Vec<u8> {
    let mut frame: Vec<u8> = (0..len).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed)).collect();
    frame[..6].fill(0xff);
    frame[12..14].copy_from_slice(&ETHER_TYPE);
    frame
}

#[test]
fn frames_of_every_size_cross_both_ways_unchanged() {
    on_a_cable(|| {
        let (mut one, mut two) = (Bench::new("v0", 1), Bench::new("v1", 1));
        for len in 60..=1514 {
            let sent = frame(len, len as u8);
            assert_eq!(one.send(&sent), 1);
            assert_eq!(two.receive(1, ours), std::slice::from_ref(&sent), "{len} bytes there");
            assert_eq!(two.send(&sent), 1);
            assert_eq!(one.receive(1, ours), [sent], "{len} bytes back");
        }
        assert_eq!(one.opened.port.stats().rx_missed, 0);
    });
}

#[test]
fn frames_larger_than_a_slot_arrive_after_the_mtu_was_raised() {
    on_a_cable(|| {
        let (mut one, mut two) = (Bench::new("v0", 1), Bench::new("v1", 1));
        for bench in [&mut one, &mut two] {
            bench.opened.port.set_mtu(4000).unwrap();
            bench.pool = Pool::new(BUFFERS, Geometry { frame: 4022 }, PagePolicy::Small, false).unwrap();
        }
        let sent = frame(4014, 3);
        assert_eq!(one.send(&sent), 1);
        assert_eq!(two.receive(1, ours), [sent]);
    });
}

#[test]
fn vlan_tags_are_put_back_where_they_were() {
    on_a_cable(|| {
        let (mut one, mut two) = (Bench::new("v0", 1), Bench::new("v1", 1));
        for tags in [&[0x81, 0, 0xa0, 100][..], &[0x88, 0xa8, 0, 200, 0x81, 0, 0, 100]] {
            let mut sent = frame(100, 1);
            sent.splice(12..12, tags.iter().copied());
            assert_eq!(one.send(&sent), 1);
            let matching = |frame: &[u8]| frame.get(12..12 + tags.len()) == Some(tags);
            assert_eq!(two.receive(1, matching), [sent]);
        }
    });
}

/// A UDP socket of the kernel at the other end of `v0`, ready to send there.
fn kernel_socket(bench: &Bench) -> UdpSocket {
    assert!(ip("addr add 192.0.2.1/24 dev v1") && ip("link set v1 up"));
    let mac = bench.opened.port.info().mac;
    assert!(ip(&format!("neigh add 192.0.2.2 lladdr {mac} dev v1 nud permanent")));
    let socket = UdpSocket::bind("192.0.2.1:4000").unwrap();
    socket.connect("192.0.2.2:5000").unwrap();
    socket
}

fn is_udp(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&17)
}

/// The payload of a UDP frame whose lengths and checksums are right.
fn checked_payload(frame: &[u8]) -> Vec<u8> {
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Udp(udp))) = (packet.net, packet.transport) else {
        panic!("not UDP over IPv4")
    };
    let header = ip.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    let computed = udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap();
    assert_eq!(udp.checksum(), computed, "the checksum was left open by the kernel and filled in here");
    udp.payload().to_vec()
}

#[test]
fn a_checksum_that_the_kernel_left_open_is_filled_in() {
    on_a_cable(|| {
        let mut bench = Bench::new("v0", 1);
        let socket = kernel_socket(&bench);
        socket.send(b"hello").unwrap();
        assert_eq!(checked_payload(&bench.receive(1, is_udp)[0]), b"hello");
        let xstats = bench.opened.port.xstats();
        assert!(xstats.contains(&("rx_checksums_filled".into(), 1)), "{xstats:?}");
    });
}

#[test]
fn a_superframe_becomes_frames_with_right_checksums() {
    on_a_cable(|| {
        let mut bench = Bench::new("v0", 1);
        let socket = kernel_socket(&bench);
        let segment: libc::c_int = 1000;
        // SAFETY: the kernel reads one integer.
        let set = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_UDP,
                libc::UDP_SEGMENT,
                std::ptr::from_ref(&segment).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        assert_eq!(set, 0);
        let sent: Vec<u8> = (0..40_500u32).map(|at| (at % 251) as u8).collect();
        socket.send(&sent).unwrap();
        let frames = bench.receive(41, is_udp);
        assert_eq!(frames.iter().flat_map(|frame| checked_payload(frame)).collect::<Vec<_>>(), sent);
        let xstats = bench.opened.port.xstats();
        assert!(xstats.contains(&("rx_superframes_cut".into(), 1)), "the kernel sent one superframe: {xstats:?}");
    });
}

#[test]
fn two_queues_share_the_frames_and_lose_none() {
    on_a_cable(|| {
        let mut bench = Bench::new("v0", 2);
        let socket = kernel_socket(&bench);
        for port in 5000..5100u16 {
            socket.connect(("192.0.2.2", port)).unwrap();
            socket.send(b"x").unwrap();
        }
        assert_eq!(bench.receive(100, is_udp).len(), 100);
        let counts: Vec<u64> = bench.opened.rx.iter().map(|queue| queue.stats().packets.get()).collect();
        assert!(counts.iter().all(|count| *count > 0), "flows were dealt to both: {counts:?}");
    });
}

#[test]
fn a_device_that_vanishes_is_reported_and_loses_only_its_own_frames() {
    on_a_cable(|| {
        let mut bench = Bench::new("v0", 1);
        assert!(bench.opened.rx[0].fd().is_some());
        assert!(ip("link del v0"));
        assert_eq!(bench.send(&frame(60, 0)), 1, "taken, and counted as an error");
        assert_eq!(bench.opened.rx[0].poll(&mut bench.pool, &mut bench.burst, BURST), 0);
        assert!(bench.opened.port.link().gone);
        assert!(bench.opened.rx[0].fd().is_none(), "a sleeping worker must not spin on it");
        assert_eq!(bench.opened.port.stats().tx_errors, 1);
        bench.opened.port.close();
    });
}

#[test]
fn the_device_is_given_back_as_it_was() {
    on_a_cable(|| {
        // A device that was never up has another queueing discipline than one that was.
        assert!(ip("link set v0 up") && ip("link set v0 down"));
        let before = ip_output("-o link show v0");
        let wanted = PortSettings { mtu: Some(1400), mac: Some([2, 0, 0, 0, 0, 7].into()), ..settings(1) };
        let mut opened = packet::open(&PortSettings { promiscuous: true, ..wanted }, "v0").unwrap();
        let during = ip_output("-o -d link show v0");
        for part in ["mtu 1400", "02:00:00:00:00:07", "promiscuity 1", "UP"] {
            assert!(during.contains(part), "{part} in {during}");
        }
        opened.rx.clear();
        opened.tx.clear();
        opened.port.close();
        assert_eq!(ip_output("-o link show v0"), before);
    });
}

#[test]
fn a_device_that_is_not_there_or_an_mtu_it_cannot_do_is_refused() {
    on_a_cable(|| {
        assert!(matches!(packet::open(&settings(1), "nosuch"), Err(PortError::NoDevice { .. })));
        let mut opened = packet::open(&settings(1), "v0").unwrap();
        let refused = opened.port.set_mtu(10).unwrap_err();
        assert!(matches!(refused, PortError::Refused { .. }), "{refused}");
    });
}

#[test]
fn a_stopped_port_carries_nothing_and_one_started_again_does() {
    on_a_cable(|| {
        let (mut one, mut two) = (Bench::new("v0", 1), Bench::new("v1", 1));
        two.opened.port.set_promiscuous(true).unwrap();
        one.send(&frame(100, 1));
        two.receive(1, ours);
        two.opened.rx[0].close(&mut two.pool);
        two.opened.tx[0].close(&mut two.pool);
        two.opened.port.stop(&mut []).unwrap();
        (two.opened.rx, two.opened.tx) = (Vec::new(), Vec::new());
        assert!(!ip_output("-o -d link show v1").contains("promiscuity 1"));
        let queues = two.opened.port.start(&settings(2), LentPools::default()).unwrap();
        (two.opened.rx, two.opened.tx) = (queues.rx, queues.tx);
        assert!(ip_output("-o -d link show v1").contains("promiscuity 1"), "as it was before");
        let sent = frame(100, 2);
        one.send(&sent);
        assert_eq!(two.receive(1, ours), [sent]);
        assert!(two.opened.port.stats().rx_packets >= 2, "the counters go on");
    });
}

#[test]
fn a_port_whose_device_was_made_again_starts_on_it() {
    on_a_cable(|| {
        let mut one = Bench::new("v0", 1);
        assert!(ip("link del v0"));
        assert!(one.opened.port.link().gone);
        one.opened.rx[0].close(&mut one.pool);
        one.opened.tx[0].close(&mut one.pool);
        one.opened.port.stop(&mut []).unwrap();
        let refused = one.opened.port.start(&settings(1), LentPools::default());
        assert!(matches!(refused, Err(PortError::NoDevice { .. })), "{refused:?}");
        assert!(ip("link add v0 type veth peer name v1"));
        let queues = one.opened.port.start(&settings(1), LentPools::default()).unwrap();
        (one.opened.rx, one.opened.tx) = (queues.rx, queues.tx);
        let mut two = Bench::new("v1", 1);
        let sent = frame(100, 2);
        one.send(&sent);
        assert_eq!(two.receive(1, ours), [sent]);
    });
}
