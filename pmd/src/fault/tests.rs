use super::*;
use crate::{PortSettings, memory};
use proptest::prelude::*;
use ringway_mempool::{Audit, Geometry, PagePolicy};

const QUIET: FaultSettings =
    FaultSettings { loss: 0.0, duplicate: 0.0, corrupt: 0.0, refuse: 0.0, delay_polls: 0, seed: 1 };

fn looped(settings: FaultSettings) -> Opened {
    let port = PortSettings { rx_ring: 64, tx_ring: 64, ..PortSettings::new("a", 1) };
    inject(memory::pair(&port, None).unwrap().0, settings)
}

fn pool() -> Pool {
    Pool::new(512, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap()
}

fn fill(pool: &mut Pool, burst: &mut Burst, count: usize) {
    for _ in 0..count {
        let mbuf = pool.take_filled(b"0123456789").unwrap();
        if let Err(mbuf) = burst.push(mbuf) {
            pool.give(mbuf);
        }
    }
}

#[test]
fn a_flapped_link_loses_both_ways_and_comes_back() {
    let (mut opened, mut pool, mut burst) = (looped(QUIET), pool(), Burst::new());
    let Port::Fault(port) = &mut opened.port else { unreachable!() };
    port.set_link(false).unwrap();
    assert!(!port.link().up);
    fill(&mut pool, &mut burst, 4);
    opened.tx[0].submit(&mut pool, &mut burst);
    port.set_link(true).unwrap();
    assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, 32), 0);
    fill(&mut pool, &mut burst, 4);
    opened.tx[0].submit(&mut pool, &mut burst);
    assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, 32), 4);
    pool.give_burst(&mut burst);
}

#[test]
fn a_late_completion_is_counted_as_in_flight_until_it_comes() {
    let (mut opened, mut pool, mut burst) = (looped(FaultSettings { delay_polls: 2, ..QUIET }), pool(), Burst::new());
    fill(&mut pool, &mut burst, 3);
    assert_eq!(opened.tx[0].submit(&mut pool, &mut burst), 3);
    assert_eq!(opened.tx[0].in_flight(), 3);
    opened.tx[0].reclaim(&mut pool);
    assert_eq!(opened.tx[0].in_flight(), 3);
    opened.tx[0].reclaim(&mut pool);
    assert_eq!(opened.tx[0].in_flight(), 0);
    assert_eq!(pool.available(), 512);
}

proptest! {
    #[test]
    fn the_audit_is_exact_under_any_faults(
        loss in 0.0..1.0f64, duplicate in 0.0..1.0f64, corrupt in 0.0..1.0f64, refuse in 0.0..1.0f64,
        delay_polls in 0..5u32, seed in any::<u64>(), bursts in prop::collection::vec(0..32usize, 1..40),
    ) {
        let settings = FaultSettings { loss, duplicate, corrupt, refuse, delay_polls, seed };
        let (mut opened, mut pool, mut burst) = (looped(settings), pool(), Burst::new());
        for count in bursts {
            fill(&mut pool, &mut burst, count);
            opened.tx[0].submit(&mut pool, &mut burst);
            pool.give_burst(&mut burst);
            opened.tx[0].reclaim(&mut pool);
            opened.rx[0].poll(&mut pool, &mut burst, 32);
            let audit = Audit {
                capacity: 512,
                pool: pool.available(),
                receive_rings: opened.rx[0].in_ring(),
                burst: burst.len() as u32,
                held: 0,
                transmit_rings: opened.tx[0].in_flight(),
            };
            prop_assert!(audit.is_exact(), "{}", audit);
            pool.give_burst(&mut burst);
        }
        opened.tx[0].close(&mut pool);
        opened.rx[0].close(&mut pool);
        prop_assert_eq!(pool.available(), 512);
    }
}
