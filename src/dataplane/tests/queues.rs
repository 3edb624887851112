//! Queues that leave a worker and others that come, while it runs.

use super::frames::{A, B, assert_audit, close, rig, settings, udp};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::message::{Event, Order};
use crate::dataplane::queues::PortQueues;
use ringway_config::Mode;
use ringway_pmd::{PortSettings, memory};

#[test]
fn a_worker_hands_closed_queues_back_and_serves_fresh_ones() {
    let mut rig = rig(&settings());
    rig.publish(|snapshot| snapshot.mode = Mode::Io);
    while rig.event().is_some() {}
    rig.order(Order::TakeQueues(1));
    rig.step();
    let Some(Event::QueuesTaken(taken)) = rig.event() else { panic!("the worker answers") };
    assert_eq!((taken.port, taken.rx.len(), taken.tx.len()), (1, 1, 1));
    assert_audit(&rig);

    let frame = udp(A, B, 64, b"to nobody");
    assert!(rig.send(0, &frame));
    rig.step();
    assert_eq!(rig.drops(DropReason::PortGone), 1, "a stopped port loses its packets, by name");
    assert_audit(&rig);

    // A loop in the place of port 1: what port 0 receives comes back out of it.
    let opened = memory::pair(&PortSettings::new("loop", 1), None).unwrap().0;
    let (rx, tx) = (opened.rx.into_iter().map(|queue| (0, queue)), opened.tx.into_iter().map(|queue| (0, queue)));
    rig.order(Order::GiveQueues(Box::new(PortQueues { port: 1, rx: rx.collect(), tx: tx.collect() })));
    rig.step();
    assert!(rig.send(0, &frame));
    rig.step();
    rig.step();
    assert_eq!(rig.receive(0), Some(frame));
    assert_audit(&rig);
    close(rig);
}
