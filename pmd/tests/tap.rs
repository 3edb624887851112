//! A TAP port against the kernel of this machine, in a network namespace of its own that ends with the test.
//!
//! Each test runs in a thread that leaves the machine's network first, so it needs root and touches nothing.

use macaddr::MacAddr6;
use ringway_mempool::{Audit, BURST, Burst, Geometry, PagePolicy, Pool};
use ringway_pmd::{LentPools, Opened, PortError, PortSettings, RxQueue, TxQueue, tap};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

const BUFFERS: u32 = 128;
/// The kernel's address on the TAP, and ours.
const THEIRS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// How long a test waits for the kernel before it fails.
const DEADLINE: Duration = Duration::from_secs(5);

/// Runs a test in a fresh network namespace, or says why not.
fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        // SAFETY: unshare() touches no memory; only this thread changes its network namespace.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            eprintln!("skipped: needs root");
            return;
        }
        if !std::path::Path::new("/dev/net/tun").exists() {
            eprintln!("skipped: needs /dev/net/tun");
            return;
        }
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

/// What `ip` prints.
fn ip_output(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn settings(queues: u16) -> PortSettings {
    PortSettings { rx_ring: 256, tx_ring: 256, mtu: Some(1400), ..PortSettings::new("p0", queues) }
}

/// A port with the kernel as its peer, which knows our address already.
struct Bench {
    opened: Opened,
    pool: Pool,
    burst: Burst,
}

impl Bench {
    fn new() -> Self {
        Self::with_queues(1)
    }

    fn with_queues(queues: u16) -> Self {
        let opened = tap::open(&settings(queues), "tap0").unwrap();
        let bench = Self {
            opened,
            pool: Pool::new(BUFFERS, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap(),
            burst: Burst::new(),
        };
        assert!(ip(&format!("addr add {THEIRS}/24 dev tap0")));
        let mac = bench.opened.port.info().mac;
        assert!(ip(&format!("neigh add {OURS} lladdr {mac} dev tap0 nud permanent")));
        bench
    }

    fn send(&mut self, frame: &[u8]) -> usize {
        self.burst.push(self.pool.take_filled(frame).unwrap()).unwrap();
        self.opened.tx[0].submit(&mut self.pool, &mut self.burst)
    }

    /// Polls until a frame matches; the kernel sends others of its own accord (IPv6 router solicitations).
    fn receive(&mut self, matches: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            for queue in &mut self.opened.rx {
                queue.poll(&mut self.pool, &mut self.burst, BURST);
            }
            let frames: Vec<_> = self.burst.as_slice().iter().map(|mbuf| self.pool.frame(mbuf).to_vec()).collect();
            self.pool.give_burst(&mut self.burst);
            self.check_audit();
            if let Some(frame) = frames.into_iter().find(|frame| matches(frame)) {
                return frame;
            }
        }
        panic!("no such frame came within {DEADLINE:?}");
    }

    fn check_audit(&self) {
        let audit = Audit {
            capacity: BUFFERS,
            pool: self.pool.available(),
            receive_rings: self.opened.rx.iter().map(RxQueue::in_ring).sum(),
            burst: self.burst.len() as u32,
            held: 0,
            transmit_rings: self.opened.tx.iter().map(TxQueue::in_flight).sum(),
        };
        assert!(audit.is_exact(), "{audit}");
    }

    fn close(&mut self) {
        self.pool.give_burst(&mut self.burst);
        self.opened.rx.iter_mut().for_each(|queue| queue.close(&mut self.pool));
        self.opened.tx.iter_mut().for_each(|queue| queue.close(&mut self.pool));
        self.opened.port.close();
        assert_eq!(self.pool.available(), BUFFERS);
    }
}

/// The kernel side's address.
fn kernel_mac() -> MacAddr6 {
    let text = ip_output("-o link show tap0");
    text.split("link/ether ").nth(1).unwrap()[..17].parse().unwrap()
}

/// The Internet checksum (RFC 1071); 0 over data that carries its own.
fn checksum(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    !(((sum >> 16) + (sum & 0xffff)) + (((sum >> 16) + (sum & 0xffff)) >> 16)) as u16
}

fn ethernet(to: MacAddr6, from: MacAddr6, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [to.as_bytes(), from.as_bytes(), &ether_type.to_be_bytes(), payload].concat()
}

/// An ARP request for the kernel's address (RFC 826).
fn arp_request(from: MacAddr6) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, 1];
    let body = [&head[..], from.as_bytes(), &OURS.octets(), &[0; 6], &THEIRS.octets()].concat();
    ethernet(MacAddr6::broadcast(), from, 0x0806, &body)
}

/// An ICMP echo request to the kernel's address (RFC 792).
fn echo_request(to: MacAddr6, from: MacAddr6) -> Vec<u8> {
    let mut icmp = vec![8, 0, 0, 0, 0x12, 0x34, 0, 1, b'p', b'i', b'n', b'g'];
    let sum = checksum(&[&icmp]).to_be_bytes();
    icmp[2..4].copy_from_slice(&sum);
    let mut header = vec![0x45, 0, 0, 20 + icmp.len() as u8, 0, 0, 0, 0, 64, 1, 0, 0];
    header.extend(OURS.octets());
    header.extend(THEIRS.octets());
    let sum = checksum(&[&header]).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    ethernet(to, from, 0x0800, &[header, icmp].concat())
}

fn is_udp(frame: &[u8]) -> bool {
    frame.len() > 42 && frame[12..14] == [8, 0] && frame[23] == 17
}

#[test]
fn a_datagram_of_the_kernel_arrives_whole_with_its_checksums() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let socket = UdpSocket::bind((THEIRS, 0)).unwrap();
        socket.send_to(b"through the TAP", (OURS, 4000)).unwrap();
        let frame = bench.receive(is_udp);
        assert_eq!(frame[0..6], *bench.opened.port.info().mac.as_bytes());
        assert_eq!(frame[6..12], *kernel_mac().as_bytes());
        let (header, udp) = (&frame[14..34], &frame[34..]);
        assert_eq!(&udp[8..], b"through the TAP");
        assert_eq!(checksum(&[header]), 0);
        assert_ne!(udp[6..8], [0, 0]);
        assert_eq!(checksum(&[&header[12..20], &[0, 17], &udp[4..6], udp]), 0, "the kernel left the checksum to us");
        assert!(bench.opened.port.stats().rx_packets >= 1);
        bench.close();
    });
}

#[test]
fn the_kernel_answers_arp_and_ping_through_the_port() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let mac = bench.opened.port.info().mac;
        assert_eq!(bench.send(&arp_request(mac)), 1);
        let answer = bench.receive(|frame| frame[12..14] == [8, 6] && frame[20..22] == [0, 2]);
        let theirs = kernel_mac();
        assert_eq!(answer[22..28], *theirs.as_bytes());
        assert_ne!(theirs, mac);

        assert_eq!(bench.send(&echo_request(theirs, mac)), 1);
        let reply = bench.receive(|frame| frame[12..14] == [8, 0] && frame[23] == 1 && frame[34] == 0);
        assert_eq!(reply[42..46], *b"ping");
        let stats = bench.opened.port.stats();
        assert_eq!((stats.tx_packets, stats.tx_errors), (2, 0));
        bench.close();
    });
}

#[test]
fn the_device_is_gone_after_close_and_its_mtu_was_ours() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let shown = ip_output("-o link show tap0");
        assert!(shown.contains("mtu 1400") && shown.contains("qlen 256") && shown.contains("UP"), "{shown}");
        assert!(bench.opened.port.link().up);
        bench.opened.port.set_mtu(1300).unwrap();
        assert!(ip_output("-o link show tap0").contains("mtu 1300"));
        assert_eq!(bench.opened.port.info().mtu, 1300);
        bench.close();
        assert!(!ip("link show tap0"));
    });
}

#[test]
fn a_device_that_vanishes_is_reported_and_loses_only_frames() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let frame = arp_request(bench.opened.port.info().mac);
        assert!(bench.opened.rx[0].fd().is_some());
        assert!(ip("link del tap0"));
        let link = bench.opened.port.link();
        assert!(link.gone && !link.up);
        for _ in 0..3 {
            assert_eq!(bench.opened.rx[0].poll(&mut bench.pool, &mut bench.burst, BURST), 0);
        }
        assert_eq!(bench.opened.rx[0].stats().faults.get(), 1, "one call is enough to learn it");
        assert!(bench.opened.rx[0].fd().is_none(), "a worker that sleeps on it would never sleep");
        bench.burst.push(bench.pool.take_filled(&frame).unwrap()).unwrap();
        assert_eq!(bench.send(&frame), 2);
        assert_eq!(bench.opened.port.stats().tx_errors, 2);
        assert!(bench.opened.port.set_mtu(1300).is_err());
        bench.check_audit();
        bench.close();
    });
}

#[test]
fn frames_sent_while_the_kernel_side_is_down_are_errors_and_it_recovers() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let frame = arp_request(bench.opened.port.info().mac);
        assert!(ip("link set tap0 down"));
        assert!(!bench.opened.port.link().up && !bench.opened.port.link().gone);
        bench.burst.push(bench.pool.take_filled(&frame).unwrap()).unwrap();
        assert_eq!(bench.send(&frame), 2);
        assert_eq!(bench.opened.port.stats().tx_errors, 2);
        assert_eq!(bench.opened.tx[0].stats().faults.get(), 1);
        bench.check_audit();
        assert!(ip("link set tap0 up"));
        assert_eq!(bench.send(&frame), 1);
        assert_eq!(bench.opened.port.stats().tx_errors, 2);
        assert!(bench.opened.port.link().up);
        bench.close();
    });
}

#[test]
fn a_frame_longer_than_a_buffer_is_an_error_and_one_that_just_fits_passes() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let longest = bench.pool.longest_frame();
        bench.opened.port.set_mtu(4000).unwrap();
        let socket = UdpSocket::bind((THEIRS, 0)).unwrap();
        socket.send_to(&vec![1; longest - 42 + 1], (OURS, 4000)).unwrap();
        socket.send_to(&vec![2; longest - 42], (OURS, 4000)).unwrap();
        let frame = bench.receive(is_udp);
        assert_eq!((frame.len(), frame[42]), (longest, 2));
        assert_eq!(bench.opened.port.stats().rx_errors, 1);
        bench.close();
    });
}

#[test]
fn frames_that_are_no_frames_are_errors_and_the_others_pass() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let mac = bench.opened.port.info().mac;
        for bytes in [&[][..], &[1; 13], &arp_request(mac)] {
            bench.burst.push(bench.pool.take_filled(bytes).unwrap()).unwrap();
        }
        assert_eq!(bench.opened.tx[0].submit(&mut bench.pool, &mut bench.burst), 3);
        assert_eq!(bench.opened.port.stats().tx_errors, 2);
        bench.receive(|frame| frame[12..14] == [8, 6]);
        bench.close();
    });
}

#[test]
fn frames_not_fetched_in_time_are_counted_as_missed() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let socket = UdpSocket::bind((THEIRS, 0)).unwrap();
        for _ in 0..1000 {
            let _ = socket.send_to(b"flood", (OURS, 4000));
        }
        assert!(bench.opened.port.stats().rx_missed > 0);
        bench.receive(is_udp);
        bench.close();
    });
}

#[test]
fn several_workers_have_a_queue_each_that_carries_both_ways() {
    in_namespace(|| {
        let mut bench = Bench::with_queues(3);
        assert_eq!((bench.opened.rx.len(), bench.opened.tx.len()), (3, 3));
        let request = echo_request(kernel_mac(), bench.opened.port.info().mac);
        for queue in 0..3 {
            bench.burst.push(bench.pool.take_filled(&request).unwrap()).unwrap();
            assert_eq!(bench.opened.tx[queue].submit(&mut bench.pool, &mut bench.burst), 1);
            bench.receive(|frame| frame[12..14] == [8, 0] && frame[23] == 1 && frame[34] == 0);
        }
        bench.close();
        assert!(!ip("link show tap0"));
    });
}

#[test]
fn the_kernel_may_number_the_device() {
    in_namespace(|| {
        let opened = tap::open(&settings(2), "ring%d").unwrap();
        assert_eq!(opened.port.info().device, "ring0");
        assert!(opened.port.link().up);
        drop(opened);
        assert!(!ip("link show ring0"));
    });
}

#[test]
fn a_persistent_device_is_given_back_as_it_was() {
    in_namespace(|| {
        for kind in ["", "multi_queue"] {
            assert!(ip(&format!("tuntap add dev tap0 mode tap {kind}")));
            assert!(ip("link set tap0 mtu 1450 txqueuelen 77"));
            let mut bench = Bench::new();
            assert!(bench.opened.port.link().up);
            bench.close();
            let shown = ip_output("-o link show tap0");
            assert!(shown.contains("mtu 1450") && shown.contains("qlen 77") && !shown.contains("UP"), "{shown}");
            assert!(ip("link del tap0"));
        }
    });
}

#[test]
fn a_name_that_is_taken_is_refused_with_a_reason() {
    in_namespace(|| {
        assert!(ip("link add veth0 type veth peer name veth1"));
        let error = tap::open(&settings(1), "veth0").unwrap_err();
        assert!(matches!(&error, PortError::Refused { .. }) && error.to_string().contains("is no TAP"), "{error}");

        let _opened = tap::open(&settings(1), "tap0").unwrap();
        let error = tap::open(&settings(1), "tap0").unwrap_err();
        assert!(matches!(error, PortError::Busy { .. }), "{error}");
    });
}

#[test]
fn the_address_of_the_kernel_side_is_refused_for_the_port() {
    in_namespace(|| {
        let mut opened = tap::open(&settings(1), "tap0").unwrap();
        let error = opened.port.set_mac(kernel_mac()).unwrap_err();
        assert!(error.to_string().contains("kernel side"), "{error}");
        let other = MacAddr6::new(2, 0, 0, 0, 0, 7);
        opened.port.set_mac(other).unwrap();
        assert_eq!(opened.port.info().mac, other);
    });
}

#[test]
fn a_failed_open_leaves_nothing_behind() {
    in_namespace(|| {
        assert!(tap::open(&PortSettings { mtu: Some(65_530), ..settings(1) }, "tap0").is_err());
        assert!(!ip("link show tap0"));
    });
}

#[test]
fn a_kernel_side_moved_to_another_namespace_still_carries() {
    in_namespace(|| {
        let mut bench = Bench::new();
        let mut host = Command::new("unshare").args(["-n", "sleep", "30"]).spawn().unwrap();
        let start = Instant::now();
        let namespace = |id: u32| std::fs::read_link(format!("/proc/{id}/ns/net")).ok();
        let ours = std::fs::read_link("/proc/thread-self/ns/net").ok();
        while namespace(host.id()) == ours && start.elapsed() < DEADLINE {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(ip(&format!("link set tap0 netns {}", host.id())));
        let link = bench.opened.port.link();
        assert!(link.up && !link.gone);
        let _ = host.kill();
        let _ = host.wait();
        bench.close();
    });
}

#[test]
fn a_bad_name_is_refused_before_the_kernel_is_asked() {
    for name in ["", "a name", "a/b", "sixteen-letters-", ".."] {
        let error = tap::open(&settings(1), name).unwrap_err();
        assert!(error.to_string().contains("cannot name a TAP"), "{error}");
    }
}

#[test]
fn a_stopped_port_keeps_its_device_and_starts_again_with_more_queues() {
    in_namespace(|| {
        let mut bench = Bench::with_queues(2);
        let index = ip_output("-o link show tap0").split(':').next().map(str::to_owned);
        let frame = arp_request(bench.opened.port.info().mac);
        bench.send(&frame);
        for queue in &mut bench.opened.rx {
            queue.close(&mut bench.pool);
        }
        for queue in &mut bench.opened.tx {
            queue.close(&mut bench.pool);
        }
        bench.opened.port.stop(&mut []).unwrap();
        assert!(!bench.opened.port.link().up);
        let queues = bench.opened.port.start(&settings(3), LentPools::default()).unwrap();
        (bench.opened.rx, bench.opened.tx) = (queues.rx, queues.tx);
        assert_eq!((bench.opened.rx.len(), bench.opened.tx.len()), (3, 3));
        assert_eq!(ip_output("-o link show tap0").split(':').next().map(str::to_owned), index, "the same device");
        bench.send(&frame);
        assert_eq!(bench.opened.port.stats().tx_packets, 2, "the counters go on");
    });
}

#[test]
fn a_deleted_device_is_made_again_by_a_start() {
    in_namespace(|| {
        let mut bench = Bench::new();
        assert!(ip("link del tap0"));
        assert!(bench.opened.port.link().gone);
        bench.opened.rx[0].close(&mut bench.pool);
        bench.opened.tx[0].close(&mut bench.pool);
        bench.opened.port.stop(&mut []).unwrap();
        let queues = bench.opened.port.start(&settings(1), LentPools::default()).unwrap();
        (bench.opened.rx, bench.opened.tx) = (queues.rx, queues.tx);
        assert!(bench.opened.port.link().up);
        assert!(ip("link show tap0"));
    });
}
