//! The neighbors as one worker knows them: a copy of what the control thread has resolved, ready to send with.
//!
//! The control thread owns the states of RFC 4861; a worker only asks ([`super::message::Event::NeighborNeeded`]) and
//! is told. A resolved slot holds the whole Ethernet header, so that sending to a neighbor is one copy. Slots are
//! numbered: the route cache and the next hops point at a slot, and a neighbor that moves changes one slot.
//!
//! Everything is sized at the start. Unresolved slots are bounded apart from resolved ones and the oldest of them
//! leaves first, so a scan of a connected network never costs a working neighbor its slot.

use super::hold::HoldList;
use super::message::NeighborKey;
use super::snapshot::{Encapsulation, Interface, MAX_HEADER};
use crate::fib::next_hop::NextHopIndex;
use crate::fib::path_table::Head;
use hashbrown::HashMap;
use macaddr::MacAddr6;
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// No slot.
pub const NO_SLOT: u32 = u32::MAX;

/// What a slot is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Incomplete,
    Resolved,
}

/// A neighbor's slot: one cache line.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub struct Adjacency {
    /// The Ethernet header to write.
    pub header: [u8; MAX_HEADER],
    /// Bytes of it that count.
    pub header_len: u8,
    state: State,
    /// The next packet is to be reported (the neighbor is STALE).
    pub report_use: bool,
    /// Port to send on.
    pub port: u16,
    /// Largest IP packet, in bytes.
    pub mtu: u16,
    /// Which neighbor.
    pub key: NeighborKey,
    /// Packets that wait for it.
    pub list: HoldList,
    /// Which life of the slot: tells stale entries of the order of arrival.
    life: u32,
}

const _: () = assert!(size_of::<Adjacency>() == 64, "an adjacency is one cache line");

impl Adjacency {
    fn free() -> Self {
        Self {
            header: [0; MAX_HEADER],
            header_len: 0,
            state: State::Free,
            report_use: false,
            port: 0,
            mtu: 0,
            key: NeighborKey::v4(0, Ipv4Addr::UNSPECIFIED),
            list: HoldList::default(),
            life: 0,
        }
    }

    fn encapsulate(&mut self, interface: &Interface, mac: [u8; 6]) {
        let Encapsulation { header, len } = interface.encapsulation;
        self.header = header;
        self.header[..6].copy_from_slice(&mac);
        self.header_len = len;
        self.port = interface.port;
        self.mtu = interface.mtu;
    }
}

/// Where a packet for a neighbor goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The neighbor's slot is resolved.
    Ready(u32),
    /// The slot waits for the neighbor's answer.
    Waiting(u32),
    /// There is no slot yet.
    Unknown,
}

/// All neighbors of a worker.
pub struct Adjacencies {
    slots: Box<[Adjacency]>,
    free: Vec<u32>,
    index: HashMap<NeighborKey, u32>,
    /// Unresolved slots in the order of arrival, with the life they had then.
    arrivals: VecDeque<(u32, u32)>,
    incomplete: usize,
    incomplete_limit: usize,
    /// The slot of each next hop with a gateway, filled at its first use, and the head that the next hop had then.
    gateways: Box<[(Head, u32)]>,
    /// Next hops from here on have no slot.
    gateways_used: usize,
}

impl Adjacencies {
    /// Room for `resolved` neighbors, and besides for `incomplete` that are being resolved.
    pub fn new(resolved: usize, incomplete: usize) -> Self {
        let count = (resolved + incomplete).max(1);
        Self {
            slots: vec![Adjacency::free(); count].into_boxed_slice(),
            free: (0..count as u32).rev().collect(),
            // Twice the room: hashbrown then never has to grow for what removals leave behind.
            index: HashMap::with_capacity(count * 2),
            arrivals: VecDeque::with_capacity(count * 2),
            incomplete: 0,
            incomplete_limit: incomplete.max(1),
            gateways: vec![(Head::NEVER, 0); usize::from(NextHopIndex::HIGHEST.0) + 1].into_boxed_slice(),
            gateways_used: 0,
        }
    }

    /// The neighbor behind a slot number that [`Adjacencies::resolve`] gave.
    #[inline]
    pub fn slot(&self, slot: u32) -> &Adjacency {
        &self.slots[slot as usize]
    }

    /// The same, to change it.
    #[inline]
    pub fn slot_mut(&mut self, slot: u32) -> &mut Adjacency {
        &mut self.slots[slot as usize]
    }

    /// Looks a neighbor up.
    #[inline]
    pub fn resolve(&self, key: NeighborKey) -> Resolution {
        match self.index.get(&key) {
            None => Resolution::Unknown,
            Some(&slot) if self.slots[slot as usize].state == State::Resolved => Resolution::Ready(slot),
            Some(&slot) => Resolution::Waiting(slot),
        }
    }

    /// The slot of a next hop's gateway, when [`Adjacencies::resolve_gateway`] has found it and the next hop is still the same.
    #[inline]
    pub fn known(&self, NextHopIndex(next_hop): NextHopIndex, head: Head) -> Option<u32> {
        let (known, slot) = self.gateways[usize::from(next_hop & NextHopIndex::HIGHEST.0)];
        (known == head).then_some(slot)
    }

    /// Looks the gateway of a next hop up and remembers where it is.
    pub fn resolve_gateway(
        &mut self,
        NextHopIndex(next_hop): NextHopIndex,
        head: Head,
        key: NeighborKey,
    ) -> Resolution {
        let resolution = self.resolve(key);
        if let Resolution::Ready(slot) = resolution {
            let place = usize::from(next_hop & NextHopIndex::HIGHEST.0);
            self.gateways[place] = (head, slot);
            self.gateways_used = self.gateways_used.max(place + 1);
        }
        resolution
    }

    /// Whether a new unresolved neighbor displaces the oldest: its slot then has to be emptied first.
    pub fn oldest_incomplete(&mut self) -> Option<u32> {
        while let Some(&(slot, life)) = self.arrivals.front() {
            let adjacency = &self.slots[slot as usize];
            if adjacency.state == State::Incomplete && adjacency.life == life {
                return Some(slot);
            }
            self.arrivals.pop_front();
        }
        None
    }

    /// Whether [`Adjacencies::begin`] needs a slot emptied before.
    pub fn is_crowded(&self) -> bool {
        self.incomplete >= self.incomplete_limit || self.free.is_empty()
    }

    /// Takes a slot for a neighbor that is to be resolved; `None` when none is free.
    pub fn begin(&mut self, key: NeighborKey) -> Option<u32> {
        if self.incomplete >= self.incomplete_limit {
            return None;
        }
        let slot = self.take(key)?;
        self.slots[slot as usize].state = State::Incomplete;
        self.incomplete += 1;
        if self.arrivals.len() == self.arrivals.capacity() {
            let slots = &self.slots;
            self.arrivals.retain(|&(slot, life)| {
                let adjacency = &slots[slot as usize];
                adjacency.state == State::Incomplete && adjacency.life == life
            });
        }
        self.arrivals.push_back((slot, self.slots[slot as usize].life));
        Some(slot)
    }

    fn take(&mut self, key: NeighborKey) -> Option<u32> {
        let slot = self.free.pop()?;
        let adjacency = &mut self.slots[slot as usize];
        adjacency.key = key;
        adjacency.report_use = false;
        adjacency.life = adjacency.life.wrapping_add(1);
        self.index.insert(key, slot);
        Some(slot)
    }

    /// Records a neighbor's address; the packets that wait for it are still in the slot's list.
    ///
    /// Returns the slot, or `None` when none is free or the interface is not there.
    pub fn update(
        &mut self,
        key: NeighborKey,
        mac: MacAddr6,
        report_use: bool,
        interfaces: &[Interface],
    ) -> Option<u32> {
        let interface = interfaces.get(usize::from(key.interface))?;
        let slot = match self.index.get(&key) {
            Some(&slot) => slot,
            None => self.take(key)?,
        };
        let adjacency = &mut self.slots[slot as usize];
        if adjacency.state == State::Incomplete {
            self.incomplete -= 1;
        }
        adjacency.state = State::Resolved;
        adjacency.report_use = report_use;
        adjacency.encapsulate(interface, mac.into_array());
        Some(slot)
    }

    /// Frees a neighbor's slot. The caller has emptied its list.
    pub fn remove(&mut self, key: NeighborKey) {
        let Some(slot) = self.index.remove(&key) else { return };
        let adjacency = &mut self.slots[slot as usize];
        debug_assert!(adjacency.list.is_empty(), "INV-CUSTODY: packets still wait for this neighbor");
        let before = std::mem::replace(&mut adjacency.state, State::Free);
        self.free.push(slot);
        match before {
            // No next hop points at a slot that was never resolved, so a scan that displaces such slots costs no search.
            State::Incomplete => self.incomplete -= 1,
            State::Resolved | State::Free => {
                for gateway in self.gateways[..self.gateways_used].iter_mut().filter(|gateway| gateway.1 == slot) {
                    gateway.0 = Head::NEVER;
                }
            }
        }
    }

    /// Takes over changed interfaces: addresses, tags, ports, MTUs.
    pub fn re_encapsulate(&mut self, interfaces: &[Interface]) {
        for adjacency in self.slots.iter_mut().filter(|adjacency| adjacency.state == State::Resolved) {
            if let Some(interface) = interfaces.get(usize::from(adjacency.key.interface)) {
                let mac: [u8; 6] = std::array::from_fn(|at| adjacency.header[at]);
                adjacency.encapsulate(interface, mac);
            }
        }
    }

    /// The slot of a neighbor, resolved or not.
    pub fn find(&self, key: NeighborKey) -> Option<u32> {
        self.index.get(&key).copied()
    }

    /// A neighbor's address on the link, where it is known.
    pub fn mac(&self, key: NeighborKey) -> Option<MacAddr6> {
        let Resolution::Ready(slot) = self.resolve(key) else { return None };
        self.slot(slot).header.first_chunk::<6>().map(|bytes| MacAddr6::from(*bytes))
    }

    /// Neighbors that packets wait for, and how many.
    pub fn waiting(&self) -> impl Iterator<Item = (NeighborKey, u32)> {
        self.slots
            .iter()
            .filter(|adjacency| adjacency.state == State::Incomplete)
            .map(|adjacency| (adjacency.key, u32::from(adjacency.list.len())))
    }

    /// A slot that has packets waiting, for the close.
    pub fn any_waiting(&self) -> Option<u32> {
        (0..self.slots.len() as u32).find(|&slot| !self.slots[slot as usize].list.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataplane::snapshot::Encapsulation;
    use crate::fib::path_table::PathTable;

    fn interface() -> Interface {
        let mac = MacAddr6::new(2, 0, 0, 0, 0, 1);
        Interface {
            port: 3,
            mac,
            encapsulation: Encapsulation::new(mac, &[]),
            mtu: 1400,
            up: true,
            redirects: true,
            directed_broadcast: false,
            source_check: ringway_config::SourceCheck::Off,
            vrf: 0,
            addresses: Vec::new(),
            addresses6: Vec::new(),
            groups6: Vec::new(),
        }
    }

    fn key(address: u32) -> NeighborKey {
        NeighborKey::v4(0, Ipv4Addr::from_bits(address))
    }

    const MAC: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 9);

    #[test]
    fn a_resolved_slot_is_ready_to_send_with() {
        let mut table = Adjacencies::new(4, 4);
        let slot = table.begin(key(1)).unwrap();
        assert_eq!(table.resolve(key(1)), Resolution::Waiting(slot));
        assert_eq!(table.update(key(1), MAC, true, &[interface()]), Some(slot));
        assert_eq!(table.resolve(key(1)), Resolution::Ready(slot));
        let adjacency = table.slot(slot);
        assert_eq!((adjacency.port, adjacency.mtu, adjacency.header_len), (3, 1400, 14));
        assert_eq!(adjacency.header[..14], [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0]);
    }

    #[test]
    fn a_scan_displaces_only_unresolved_neighbors_oldest_first() {
        let mut table = Adjacencies::new(2, 2);
        table.update(key(100), MAC, false, &[interface()]).unwrap();
        table.begin(key(1)).unwrap();
        table.begin(key(2)).unwrap();
        assert!(table.is_crowded() && table.begin(key(3)).is_none());
        let oldest = table.oldest_incomplete().unwrap();
        assert_eq!(table.slot(oldest).key, key(1));
        table.remove(key(1));
        assert!(table.begin(key(3)).is_some());
        assert!(matches!(table.resolve(key(100)), Resolution::Ready(_)));
        assert_eq!(table.oldest_incomplete().map(|slot| table.slot(slot).key), Some(key(2)));
    }

    #[test]
    fn a_removed_gateway_is_looked_up_again() {
        let mut table = Adjacencies::new(2, 2);
        table.update(key(7), MAC, false, &[interface()]).unwrap();
        let (five, head) = (NextHopIndex(5), PathTable::default().head(NextHopIndex(5)));
        assert_eq!(table.known(five, head), None);
        let Resolution::Ready(slot) = table.resolve_gateway(five, head, key(7)) else { panic!("it is resolved") };
        assert_eq!(table.known(five, head), Some(slot), "it is remembered");
        assert_eq!(table.known(five, Head::NEVER), None, "the number means another one now");
        table.remove(key(7));
        assert_eq!(table.known(five, head), None);
        assert_eq!(table.resolve_gateway(five, head, key(7)), Resolution::Unknown);
    }

    #[test]
    fn many_lives_do_not_grow_the_table() {
        let mut table = Adjacencies::new(2, 4);
        let (room, arrivals) = (table.index.capacity(), table.arrivals.capacity());
        for address in 0..10_000 {
            if table.is_crowded() {
                let oldest = table.oldest_incomplete().unwrap();
                table.remove(table.slot(oldest).key);
            }
            table.begin(key(address)).unwrap();
        }
        assert_eq!((table.index.capacity(), table.arrivals.capacity()), (room, arrivals));
    }
}
