//! DPDK's virtual devices behind the port contract: EAL without huge pages, one for the whole test program.
#![cfg(feature = "dpdk")]

use ringway_mempool::{Audit, BURST, Burst, Geometry, PagePolicy, Pool};
use ringway_pmd::dpdk::{self, Eal, EalSettings, HugePages};
use ringway_pmd::{LentPools, Port, PortError, PortSettings, Rx, RxQueue, Tx, TxQueue};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// One test at a time: DPDK's control calls are for one thread, and the EAL is everybody's.
fn eal() -> MutexGuard<'static, Eal> {
    static EAL: OnceLock<Mutex<Eal>> = OnceLock::new();
    let eal = EAL.get_or_init(|| {
        let settings = EalSettings {
            huge_pages: HugePages::Off,
            args: ["--no-shconf", "--no-telemetry"].map(str::to_owned).to_vec(),
            ..EalSettings::default()
        };
        Mutex::new(Eal::start(&settings.arguments()).unwrap())
    });
    eal.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A port with one queue each way, and the pool that it draws from.
struct Lab {
    pool: Vec<Pool>,
    ports: Vec<(Port, Rx, Tx)>,
}

fn make_pool(capacity: u32) -> Pool {
    let geometry = Geometry { frame: 1522 };
    dpdk::make_pool(0, capacity, geometry, PagePolicy::Small, false).unwrap()
}

fn settings(name: &str) -> PortSettings {
    PortSettings { rx_ring: 256, tx_ring: 256, ..PortSettings::new(name, 1) }
}

impl Lab {
    fn new(capacity: u32, devices: &[&str]) -> Self {
        let mut lab = Self { pool: vec![make_pool(capacity)], ports: Vec::new() };
        for (number, device) in devices.iter().enumerate() {
            let settings = settings(&format!("p{number}"));
            let mut port = dpdk::open(&settings, device).unwrap().port;
            let (rx, tx) = lab.start(&mut port, &settings).unwrap();
            lab.ports.push((port, rx, tx));
        }
        lab
    }

    fn start(&mut self, port: &mut Port, settings: &PortSettings) -> Result<(Rx, Tx), PortError> {
        let lent = LentPools { pools: &mut self.pool, owners: &[0], rx_workers: &[0], tx_workers: &[0] };
        let mut queues = port.start(settings, lent)?;
        Ok((queues.rx.pop().unwrap(), queues.tx.pop().unwrap()))
    }

    fn audit(&self, burst: u32) -> Audit {
        let pool = &self.pool[0];
        let (receive_rings, transmit_rings) = pool.in_rings();
        Audit { capacity: pool.capacity(), pool: pool.available(), receive_rings, burst, held: 0, transmit_rings }
    }

    /// Receives on one port and sends on another, `turns` times; returns how many frames.
    fn forward(&mut self, from: usize, to: usize, turns: usize) -> usize {
        let (pool, mut burst, mut count) = (&mut self.pool[0], Burst::new(), 0);
        for _ in 0..turns {
            self.ports[from].1.poll(pool, &mut burst, BURST);
            count += self.ports[to].2.submit(pool, &mut burst);
            pool.give_burst(&mut burst);
            self.ports[to].2.reclaim(pool);
        }
        count
    }

    /// Stops and closes every port; every buffer is back then.
    fn finish(mut self) {
        for (mut port, mut rx, mut tx) in self.ports.drain(..) {
            rx.close(&mut self.pool[0]);
            tx.close(&mut self.pool[0]);
            port.stop(&mut self.pool).unwrap();
            port.close();
        }
        self.pool[0].absorb();
        let audit = self.audit(0);
        assert_eq!((audit.pool, audit.is_exact()), (audit.capacity, true), "{audit}");
    }
}

#[test]
fn frames_of_net_null_come_and_go_and_every_buffer_is_counted() {
    let _eal = eal();
    let mut lab = Lab::new(2048, &["net_null0", "net_null1"]);
    let audit = lab.audit(0);
    assert!(audit.is_exact(), "{audit}");
    assert_eq!(lab.forward(0, 1, 100), 3200);
    let audit = lab.audit(0);
    assert!(audit.is_exact(), "{audit}");
    assert_eq!(lab.ports[0].0.stats().rx_packets, 3200);
    assert_eq!(lab.ports[1].0.stats().tx_bytes, 3200 * 64);
    let info = lab.ports[0].0.info();
    assert_eq!((info.driver, info.rx_queues, info.rx_ring), ("net_null", 1, 256));
    assert!(lab.ports[0].0.link().up);
    lab.finish();
}

#[test]
fn a_worker_with_a_cache_of_dpdk_is_audited_as_exactly() {
    let _eal = eal();
    let mut lab = Lab::new(2048, &["net_null0"]);
    let lab = std::thread::spawn(move || {
        dpdk::enter_worker(0);
        assert_eq!(lab.forward(0, 0, 1000), 32_000);
        let audit = lab.audit(0);
        assert!(audit.is_exact() && audit.receive_rings == 0 && audit.transmit_rings == 0, "{audit}");
        lab
    })
    .join()
    .unwrap();
    lab.finish();
}

#[test]
fn what_goes_into_net_ring_comes_out_of_it_in_the_same_buffer() {
    let _eal = eal();
    let mut lab = Lab::new(1024, &["net_ring0"]);
    let mut burst = Burst::new();
    let pool = &mut lab.pool[0];
    burst.push(pool.take_filled(&[7; 60]).unwrap()).unwrap();
    let index = burst.as_slice()[0].index();
    let (_, rx, tx) = &mut lab.ports[0];
    assert_eq!(tx.submit(pool, &mut burst), 1);
    assert_eq!(rx.poll(pool, &mut burst, BURST), 1);
    assert_eq!(burst.as_slice()[0].index(), index);
    assert_eq!(pool.frame(&burst.as_slice()[0]), [7; 60]);
    assert!(lab.audit(1).is_exact());
    lab.pool[0].give_burst(&mut burst);
    lab.finish();
}

#[test]
fn a_capture_passes_through_net_pcap_byte_for_byte() {
    let _eal = eal();
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("in.pcap"), directory.path().join("out.pcap"));
    let frames: Vec<Vec<u8>> = (0..100u8).map(|number| vec![number; 60 + usize::from(number) * 14]).collect();
    std::fs::write(&input, capture(&frames)).unwrap();
    let device = format!("net_pcap0,rx_pcap={},tx_pcap={}", input.display(), output.display());
    let mut lab = Lab::new(1024, &[&device]);
    assert_eq!(lab.forward(0, 0, 10), 100);
    lab.finish();
    let written = std::fs::read(&output).unwrap();
    let mut rest = &written[24..];
    for frame in &frames {
        assert_eq!(&rest[16..16 + frame.len()], frame.as_slice());
        rest = &rest[16 + frame.len()..];
    }
    assert!(rest.is_empty());
}

/// A capture file of frames, in the byte order of this machine.
fn capture(frames: &[Vec<u8>]) -> Vec<u8> {
    let word = |bytes: &mut Vec<u8>, value: u32| bytes.extend(value.to_ne_bytes());
    let mut bytes = Vec::new();
    for value in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1] {
        word(&mut bytes, value);
    }
    for frame in frames {
        for value in [0, 0, frame.len() as u32, frame.len() as u32] {
            word(&mut bytes, value);
        }
        bytes.extend(frame);
    }
    bytes
}

#[test]
fn a_port_stops_starts_with_other_rings_and_is_reset() {
    let _eal = eal();
    let mut lab = Lab::new(4096, &["net_null0"]);
    let (mut port, mut rx, mut tx) = lab.ports.pop().unwrap();
    for ring in [64, 512] {
        rx.close(&mut lab.pool[0]);
        tx.close(&mut lab.pool[0]);
        port.stop(&mut lab.pool).unwrap();
        if ring == 512 {
            port.reset().unwrap();
        }
        let settings = PortSettings { rx_ring: ring, tx_ring: ring, ..settings("p0") };
        (rx, tx) = lab.start(&mut port, &settings).unwrap();
        assert_eq!(port.info().rx_ring, ring);
    }
    lab.ports.push((port, rx, tx));
    assert_eq!(lab.forward(0, 0, 10), 320);
    lab.finish();
}

fn message(device: &str) -> String {
    dpdk::open(&settings("p0"), device).unwrap_err().to_string()
}

#[test]
fn devices_that_cannot_be_had_say_why_and_what_to_do() {
    let eal = eal();
    let gone = message("0000:ff:1e.3");
    assert!(gone.contains("there is no PCI device 0000:ff:1e.3; `lspci -D` lists them"), "{gone}");
    let typo = message("net_tpa0,iface=x");
    assert!(typo.contains("there is no DPDK driver `net_tpa`; do you mean `net_tap`?"), "{typo}");
    let argument = message("net_pcap5,rx_pcap=/nonexistent.pcap");
    assert!(argument.contains("`net_pcap` exists") && argument.contains("/nonexistent.pcap"), "{argument}");
    let ports = eal.attach("net_null7").unwrap();
    assert_eq!((ports.len(), ports[0].name.as_str(), ports[0].driver.as_str()), (1, "net_null7", "net_null"));
    eal.detach(ports[0].number).unwrap();
    assert!(!eal.ports().iter().any(|port| port.name == "net_null7"));
    assert!(eal.detach(31).unwrap_err().to_string().contains("DPDK has no port 31"));
}

#[test]
fn more_queues_and_longer_frames_than_there_are_is_refused_with_the_remedy() {
    let _eal = eal();
    let mut lab = Lab::new(1024, &[]);
    let mut port = dpdk::open(&settings("p0"), "net_ring1").unwrap().port;
    let few = PortSettings { tx_queues: 900, ..settings("p0") };
    let error = lab.start(&mut port, &few).unwrap_err().to_string();
    assert!(error.contains("use fewer workers"), "{error}");
    let long = PortSettings { mtu: Some(20_000), ..settings("p0") };
    let error = lab.start(&mut port, &long).unwrap_err().to_string();
    assert!(error.contains("MTU of 20000"), "{error}");
    port.close();
    lab.finish();
}

#[test]
fn a_second_start_uses_the_eal_that_runs() {
    let _eal = eal();
    assert!(Eal::start(&["--nonsense".to_owned()]).is_ok());
    assert!(Eal::running().is_some());
}
