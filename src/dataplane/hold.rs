//! Packets that wait for a neighbor: the newest few of each, a cap for the worker, all of it in the budget.
//!
//! RFC 4861 7.2.2: "While waiting for address resolution to complete, the sender MUST, for each neighbor, retain a
//! small queue of packets waiting for address resolution to complete. [...] the queue MUST hold at least one
//! packet [...]. When a queue overflows, the new arrival SHOULD replace the oldest entry."

use super::packet::Packet;
use ringway_mempool::{Custody, Pool};

/// No node.
const NONE: u32 = u32::MAX;

struct Node {
    held: Option<Packet>,
    next: u32,
}

/// The waiting packets of one neighbor: a list in the shared nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldList {
    head: u32,
    tail: u32,
    len: u16,
}

impl Default for HoldList {
    fn default() -> Self {
        Self { head: NONE, tail: NONE, len: 0 }
    }
}

impl HoldList {
    /// Packets that wait.
    pub fn len(self) -> u16 {
        self.len
    }

    /// Whether nothing waits.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// The nodes of all lists of a worker.
pub struct HoldQueue {
    nodes: Box<[Node]>,
    free: u32,
    held: u32,
    per_neighbor: u16,
}

impl HoldQueue {
    /// Room for `total` packets, `per_neighbor` of each neighbor.
    pub fn new(total: u16, per_neighbor: u16) -> Self {
        let count = u32::from(total.max(1));
        let nodes = (0..count).map(|at| Node { held: None, next: if at + 1 == count { NONE } else { at + 1 } });
        Self { nodes: nodes.collect(), free: 0, held: 0, per_neighbor: per_neighbor.max(1) }
    }

    /// Packets held, for the audit.
    pub fn held(&self) -> u32 {
        self.held
    }

    /// Most packets held, for the budget.
    pub fn capacity(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// Whether no further packet finds room.
    pub fn is_full(&self) -> bool {
        self.free == NONE
    }

    /// Appends a packet. When the neighbor has its share, or no room is left and it has some, its oldest comes back.
    ///
    /// # Errors
    /// The packet itself comes back when the queue is full with packets of other neighbors.
    pub fn hold(&mut self, pool: &mut Pool, list: &mut HoldList, held: Packet) -> Result<Option<Packet>, Packet> {
        let displaced = if list.len >= self.per_neighbor || self.is_full() { self.release(pool, list) } else { None };
        let at = self.free;
        let Some(node) = self.nodes.get_mut(at as usize) else {
            return Err(held);
        };
        pool.mark(&held.mbuf, Custody::Burst, Custody::Held);
        self.free = node.next;
        node.next = NONE;
        node.held = Some(held);
        if list.len == 0 {
            list.head = at;
        } else {
            self.nodes[list.tail as usize].next = at;
        }
        list.tail = at;
        list.len += 1;
        self.held += 1;
        Ok(displaced)
    }

    /// Takes the oldest packet of a list.
    pub fn release(&mut self, pool: &mut Pool, list: &mut HoldList) -> Option<Packet> {
        let at = list.head;
        let node = self.nodes.get_mut(at as usize)?;
        let held = node.held.take()?;
        pool.mark(&held.mbuf, Custody::Held, Custody::Burst);
        list.head = node.next;
        node.next = self.free;
        self.free = at;
        list.len -= 1;
        self.held -= 1;
        if list.len == 0 {
            *list = HoldList::default();
        }
        Some(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ringway_mempool::{Geometry, PagePolicy};
    use std::collections::VecDeque;

    fn pool() -> Pool {
        Pool::new(64, Geometry { frame: 64 }, PagePolicy::Small, false).unwrap()
    }

    fn packet(pool: &mut Pool, tag: u8) -> Packet {
        Packet { mbuf: pool.take_filled(&[tag]).unwrap(), ingress: None, vrf: 0 }
    }

    fn drain(queue: &mut HoldQueue, pool: &mut Pool, list: &mut HoldList) -> Vec<u8> {
        let mut tags = Vec::new();
        while let Some(held) = queue.release(pool, list) {
            tags.push(pool.frame(&held.mbuf)[0]);
            pool.give(held.mbuf);
        }
        tags
    }

    #[test]
    fn the_newest_packets_of_a_neighbor_are_kept() {
        let (mut pool, mut queue, mut list) = (pool(), HoldQueue::new(8, 2), HoldList::default());
        for tag in 1..=4 {
            let packet = packet(&mut pool, tag);
            if let Some(old) = queue.hold(&mut pool, &mut list, packet).unwrap() {
                pool.give(old.mbuf);
            }
        }
        assert_eq!(drain(&mut queue, &mut pool, &mut list), [3, 4]);
        assert_eq!(pool.available(), 64);
    }

    #[test]
    fn a_queue_full_with_others_gives_the_packet_back() {
        let (mut pool, mut queue) = (pool(), HoldQueue::new(1, 4));
        let (mut one, mut two) = (HoldList::default(), HoldList::default());
        let first = packet(&mut pool, 1);
        assert!(queue.hold(&mut pool, &mut one, first).unwrap().is_none());
        let second = packet(&mut pool, 2);
        let refused = queue.hold(&mut pool, &mut two, second).unwrap_err();
        pool.give(refused.mbuf);
        assert_eq!(drain(&mut queue, &mut pool, &mut one), [1]);
    }

    proptest! {
        #[test]
        fn behaves_like_bounded_lists(steps in prop::collection::vec((0..4usize, any::<bool>()), 0..200)) {
            let (mut pool, mut queue) = (pool(), HoldQueue::new(6, 3));
            let mut lists = [HoldList::default(); 4];
            let mut model: [VecDeque<u8>; 4] = Default::default();
            for (tag, (at, add)) in steps.into_iter().enumerate() {
                if add {
                    let full = model.iter().map(VecDeque::len).sum::<usize>() == 6;
                    let expect_old = model[at].len() == 3 || full && !model[at].is_empty();
                    let packet = packet(&mut pool, tag as u8);
                    match queue.hold(&mut pool, &mut lists[at], packet) {
                        Ok(old) => {
                            prop_assert_eq!(old.is_some(), expect_old);
                            if let Some(old) = old {
                                prop_assert_eq!(Some(pool.frame(&old.mbuf)[0]), model[at].pop_front());
                                pool.give(old.mbuf);
                            }
                            model[at].push_back(tag as u8);
                        }
                        Err(packet) => {
                            prop_assert!(full && model[at].is_empty());
                            pool.give(packet.mbuf);
                        }
                    }
                } else {
                    let got = queue.release(&mut pool, &mut lists[at]).map(|held| {
                        let tag = pool.frame(&held.mbuf)[0];
                        pool.give(held.mbuf);
                        tag
                    });
                    prop_assert_eq!(got, model[at].pop_front());
                }
                prop_assert_eq!(queue.held() + pool.available(), 64);
            }
            for list in &mut lists {
                drain(&mut queue, &mut pool, list);
            }
        }
    }
}
