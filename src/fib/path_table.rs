//! The path lists as workers read them, changed in place: a gateway or an interface that changes is one store, however
//! many routes point there.
//!
//! ```text
//!   NextHopIndex -> slot: one next hop, or a list ──flow hash──▶ bucket ──▶ NextHopIndex of the member -> slot
//! ```
//!
//! A slot is written while no worker can have its number (see [`super::next_hop::NextHops::reuse`]), and after that only its
//! head changes, one word: it goes up and down with the interfaces. A list has a power of two of buckets, each one word,
//! so a worker that reads while the control thread changes members takes the old or the new one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

use super::next_hop::{NextHop, NextHopIndex};

/// Buckets of all lists together.
pub const BUCKETS: usize = 1 << 18;

const SLOTS: usize = NextHopIndex::HIGHEST.0 as usize + 1;

/// What kind of next hop a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Nothing, or nothing that is up: as if there were no route.
    None,
    /// A gateway with an IPv4 address.
    Gateway4,
    /// A gateway with an IPv6 address.
    Gateway6,
    /// The destination is on the link.
    Connected,
    /// The router itself.
    Deliver,
    /// Everybody on a link.
    Broadcast,
    /// To be looked up again.
    Vrf,
    /// Dropped in silence.
    Blackhole,
    /// Dropped, host unreachable.
    Unreachable,
    /// Dropped, prohibited.
    Prohibit,
    /// One of several: a bucket says which.
    Many,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::None,
        Self::Gateway4,
        Self::Gateway6,
        Self::Connected,
        Self::Deliver,
        Self::Broadcast,
        Self::Vrf,
        Self::Blackhole,
        Self::Unreachable,
        Self::Prohibit,
        Self::Many,
    ];
}

/// The first word of a slot: kind (8 bits), interface or VRF (16), log2 of the buckets (8), life (32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head(u64);

impl Head {
    /// What no slot ever has.
    pub const NEVER: Self = Self(u64::MAX);

    fn new(kind: Kind, place: u16, log2: u8, life: u32) -> Self {
        Self(kind as u64 | u64::from(place) << 8 | u64::from(log2) << 24 | u64::from(life) << 32)
    }

    /// What it is.
    #[inline]
    pub fn kind(self) -> Kind {
        // Never out of range: only `new` makes heads.
        Kind::ALL.get((self.0 & 0xff) as usize).copied().unwrap_or(Kind::None)
    }

    /// The interface or the VRF.
    #[inline]
    pub fn place(self) -> u16 {
        (self.0 >> 8) as u16
    }

    /// Counts up each time the slot is written: what a worker has remembered of it under another head is stale.
    fn life(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn log2(self) -> u8 {
        (self.0 >> 24) as u8
    }
}

/// A slot: half a cache line.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Slot {
    head: AtomicU64,
    /// The address of a gateway, or in `low` the first bucket of a list.
    high: AtomicU64,
    low: AtomicU64,
}

/// What workers read. See the module.
#[derive(Debug)]
pub struct PathTable {
    slots: Box<[Slot]>,
    buckets: Box<[AtomicU16]>,
    /// Counts up after each change of a table or of a slot: what was decided before may be wrong.
    generation: AtomicU32,
    /// Lists of several paths.
    lists: AtomicU32,
}

impl Default for PathTable {
    /// A table without next hops.
    fn default() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            buckets: (0..BUCKETS).map(|_| AtomicU16::new(0)).collect(),
            generation: AtomicU32::new(0),
            lists: AtomicU32::new(0),
        }
    }
}

impl PathTable {
    /// Counts changes; read it before a lookup whose outcome is to be remembered.
    #[inline]
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether a packet's flow can matter: there are lists of several paths.
    #[inline]
    pub fn has_lists(&self) -> bool {
        self.lists.load(Ordering::Relaxed) > 0
    }

    /// Calls `each` with every next hop that a list has and that is up, or with the one that the slot is.
    pub fn each(&self, index: NextHopIndex, mut each: impl FnMut(NextHop)) {
        let head = self.head(index);
        if head.kind() != Kind::Many {
            return self.decode(index, head).into_iter().for_each(each);
        }
        let members = self.slot(index).high.load(Ordering::Relaxed);
        let (first, count) = ((members >> 32) as usize, (members & 0xffff_ffff) as usize);
        for bucket in self.buckets.get(first..first + count).unwrap_or(&[]) {
            let member = NextHopIndex(bucket.load(Ordering::Relaxed));
            self.decode(member, self.head(member)).into_iter().for_each(&mut each);
        }
    }

    /// The head of a slot.
    #[inline]
    pub fn head(&self, index: NextHopIndex) -> Head {
        Head(self.slot(index).head.load(Ordering::Acquire))
    }

    /// Of a list the member that this flow takes, with its head; of anything else the thing itself.
    #[inline]
    pub fn pick(&self, index: NextHopIndex, flow: impl FnOnce() -> u32) -> (NextHopIndex, Head) {
        let head = self.head(index);
        if head.kind() != Kind::Many {
            return (index, head);
        }
        let member = self.bucket_of(index, head, flow()).1;
        (member, self.head(member))
    }

    /// The bucket of a list that a flow falls into, and the member there.
    pub fn bucket(&self, index: NextHopIndex, flow: u32) -> Option<(u32, NextHopIndex)> {
        let head = self.head(index);
        (head.kind() == Kind::Many).then(|| self.bucket_of(index, head, flow))
    }

    /// How many buckets a list has; none of a single next hop.
    pub fn buckets(&self, index: NextHopIndex) -> Option<u32> {
        let head = self.head(index);
        (head.kind() == Kind::Many).then(|| 1 << head.log2())
    }

    #[inline]
    fn bucket_of(&self, index: NextHopIndex, head: Head, flow: u32) -> (u32, NextHopIndex) {
        let first = self.slot(index).low.load(Ordering::Relaxed) as usize;
        let bucket = flow & ((1u32 << head.log2()) - 1);
        let member = self.buckets.get(first + bucket as usize).map_or(0, |bucket| bucket.load(Ordering::Relaxed));
        (bucket, NextHopIndex(member))
    }

    /// The way that a flow takes; `None` when there is none.
    pub fn get(&self, index: NextHopIndex, flow: u32) -> Option<NextHop> {
        let (index, head) = self.pick(index, || flow);
        self.decode(index, head)
    }

    /// The next hop in a slot with this head; `None` of a list.
    #[inline]
    pub fn decode(&self, index: NextHopIndex, head: Head) -> Option<NextHop> {
        let interface = head.place();
        Some(match head.kind() {
            Kind::None | Kind::Many => return None,
            Kind::Gateway4 => {
                let address = Ipv4Addr::from_bits(self.slot(index).low.load(Ordering::Relaxed) as u32);
                NextHop::Gateway { interface, address: IpAddr::V4(address) }
            }
            Kind::Gateway6 => {
                let slot = self.slot(index);
                let (high, low) = (slot.high.load(Ordering::Relaxed), slot.low.load(Ordering::Relaxed));
                let address = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
                NextHop::Gateway { interface, address: IpAddr::V6(address) }
            }
            Kind::Connected => NextHop::Connected { interface },
            Kind::Deliver => NextHop::Deliver { interface },
            Kind::Broadcast => NextHop::Broadcast { interface },
            Kind::Vrf => NextHop::Vrf { vrf: head.place() },
            Kind::Blackhole => NextHop::Blackhole,
            Kind::Unreachable => NextHop::Unreachable,
            Kind::Prohibit => NextHop::Prohibit,
        })
    }

    /// The memory that the table occupies, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.slots) + size_of_val(&*self.buckets)
    }

    #[inline]
    fn slot(&self, index: NextHopIndex) -> &Slot {
        &self.slots[usize::from(index.0) % SLOTS]
    }

    /// Writes a whole slot. `INV-SINGLE-WRITER`: only the control thread calls this, and only while no worker can
    /// have the number.
    pub(super) fn write(&self, index: NextHopIndex, next_hop: NextHop) {
        let slot = self.slot(index);
        let place = next_hop.interface().unwrap_or(0);
        let (kind, place, address) = match next_hop {
            NextHop::Gateway { address: IpAddr::V4(address), .. } => {
                (Kind::Gateway4, place, u128::from(address.to_bits()))
            }
            NextHop::Gateway { address: IpAddr::V6(address), .. } => (Kind::Gateway6, place, address.to_bits()),
            NextHop::Connected { .. } => (Kind::Connected, place, 0),
            NextHop::Deliver { .. } => (Kind::Deliver, place, 0),
            NextHop::Broadcast { .. } => (Kind::Broadcast, place, 0),
            NextHop::Vrf { vrf } => (Kind::Vrf, vrf, 0),
            NextHop::Blackhole => (Kind::Blackhole, 0, 0),
            NextHop::Unreachable => (Kind::Unreachable, 0, 0),
            NextHop::Prohibit => (Kind::Prohibit, 0, 0),
        };
        slot.high.store((address >> 64) as u64, Ordering::Relaxed);
        slot.low.store(address as u64, Ordering::Relaxed);
        self.write_head(index, kind, place, 0);
    }

    /// Writes the slot of a list whose buckets begin at `first` and have been filled; so have those that name each of
    /// its `members` once.
    pub(super) fn write_list(&self, index: NextHopIndex, first: u32, log2: u8, members: (u32, u32)) {
        self.slot(index).high.store(u64::from(members.0) << 32 | u64::from(members.1), Ordering::Relaxed);
        self.slot(index).low.store(u64::from(first), Ordering::Relaxed);
        self.write_head(index, Kind::Many, 0, log2);
    }

    /// Says how many lists there are.
    pub(super) fn count_lists(&self, lists: usize) {
        self.lists.store(lists as u32, Ordering::Release);
    }

    /// From now on there is no way there.
    pub(super) fn close(&self, index: NextHopIndex) {
        self.write_head(index, Kind::None, 0, 0);
    }

    pub(super) fn write_bucket(&self, bucket: u32, member: NextHopIndex) {
        if let Some(bucket) = self.buckets.get(bucket as usize) {
            bucket.store(member.0, Ordering::Release);
        }
    }

    /// Tells workers that what they remember may be wrong.
    pub(super) fn changed(&self) {
        self.generation.store(self.generation.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    fn write_head(&self, index: NextHopIndex, kind: Kind, place: u16, log2: u8) {
        let slot = self.slot(index);
        let life = Head(slot.head.load(Ordering::Relaxed)).life().wrapping_add(1);
        slot.head.store(Head::new(kind, place, log2, life).0, Ordering::Release);
    }
}
