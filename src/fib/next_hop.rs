//! Next hops, the path lists that routes share, and the table that gives each distinct list a small number.
//!
//! ```text
//!   route -> NextHopIndex (15 bits) -> Paths: one next hop, or several with weights -> adjacency (a worker's own)
//! ```
//!
//! A full Internet table has a million routes and a few dozen path lists. The FIB therefore holds 15-bit numbers, which
//! keeps it small enough for the caches, and a gateway that moves changes one list and no route.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use thiserror::Error;

/// The number of a path list in [`NextHops`]. Zero is reserved and means that there is no route.
#[repr(transparent)]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextHopIndex(pub u16);

impl NextHopIndex {
    /// What a lookup returns when no route covers the destination.
    pub const NO_ROUTE: Self = Self(0);

    /// The highest number that a table ever gives out. Fifteen bits, so that a FIB has one bit left to mark its own
    /// entries.
    pub const HIGHEST: Self = Self(0x7fff);
}

/// Where a packet goes: one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHop {
    /// A router on a connected network: every packet goes to its MAC. An IPv4 route may name an IPv6 gateway
    /// (RFC 8950).
    Gateway {
        /// The interface the packet leaves by.
        interface: u16,
        /// The gateway's address on that interface.
        address: IpAddr,
    },
    /// A connected network: the neighbor is the packet's destination itself.
    Connected {
        /// The interface the packet leaves by.
        interface: u16,
    },
    /// One of our own addresses: the packet is for the router.
    Deliver {
        /// The interface that has the address.
        interface: u16,
    },
    /// The directed broadcast address of a connected prefix, or its all-zeros form.
    Broadcast {
        /// The interface of the connected prefix.
        interface: u16,
    },
    /// Look the destination up again in the table of this VRF.
    Vrf {
        /// Number of the VRF.
        vrf: u16,
    },
    /// Drop the packet and tell nobody.
    Blackhole,
    /// Drop the packet and answer host-unreachable.
    Unreachable,
    /// Drop the packet and answer communication-administratively-prohibited.
    Prohibit,
}

impl NextHop {
    /// The interface this next hop needs, if it needs one.
    pub fn interface(&self) -> Option<u16> {
        match *self {
            NextHop::Gateway { interface, .. }
            | NextHop::Connected { interface }
            | NextHop::Deliver { interface }
            | NextHop::Broadcast { interface } => Some(interface),
            NextHop::Vrf { .. } | NextHop::Blackhole | NextHop::Unreachable | NextHop::Prohibit => None,
        }
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextHop::Gateway { interface, address } => {
                write!(f, "via {address} on interface {interface}")
            }
            NextHop::Connected { interface } => write!(f, "connected on interface {interface}"),
            NextHop::Deliver { interface } => write!(f, "own address of interface {interface}"),
            NextHop::Broadcast { interface } => write!(f, "broadcast of interface {interface}"),
            NextHop::Vrf { vrf } => write!(f, "looked up in vrf {vrf}"),
            NextHop::Blackhole => f.write_str("blackhole"),
            NextHop::Unreachable => f.write_str("unreachable"),
            NextHop::Prohibit => f.write_str("prohibit"),
        }
    }
}

/// One of several ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The way.
    pub next_hop: NextHop,
    /// Its share of the flows, beside the weights of the others; at least 1.
    pub weight: u8,
}

/// A path list: where a route points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paths {
    /// Every packet goes the same way.
    One(NextHop),
    /// Flows are spread over these, at least two, sorted, no next hop twice.
    Many(Arc<[Path]>),
}

impl Paths {
    /// The list of these paths in its one form: sorted, equal next hops joined. `None` of nothing.
    pub fn new(paths: impl IntoIterator<Item = Path>) -> Option<Self> {
        let mut sorted: Vec<Path> = paths.into_iter().collect();
        sorted.sort();
        let mut joined: Vec<Path> = Vec::with_capacity(sorted.len());
        for path in sorted {
            match joined.last_mut().filter(|last| last.next_hop == path.next_hop) {
                Some(last) => last.weight = last.weight.saturating_add(path.weight.max(1)),
                None => joined.push(Path { weight: path.weight.max(1), ..path }),
            }
        }
        match joined[..] {
            [] => None,
            [path] => Some(Self::One(path.next_hop)),
            _ => Some(Self::Many(joined.into())),
        }
    }

    /// The paths, a single one with weight 1.
    pub fn iter(&self) -> impl Iterator<Item = Path> + '_ {
        let (one, many) = match self {
            Self::One(next_hop) => (Some(Path { next_hop: *next_hop, weight: 1 }), &[][..]),
            Self::Many(paths) => (None, &paths[..]),
        };
        one.into_iter().chain(many.iter().copied())
    }

    /// Whether one of the paths goes by this gateway.
    pub fn has_gateway(&self, gateway: IpAddr) -> bool {
        self.iter().any(|path| matches!(path.next_hop, NextHop::Gateway { address, .. } if address == gateway))
    }
}

impl From<NextHop> for Paths {
    fn from(next_hop: NextHop) -> Self {
        Self::One(next_hop)
    }
}

impl fmt::Display for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(next_hop) => write!(f, "{next_hop}"),
            Self::Many(paths) => {
                for (at, Path { next_hop, weight }) in paths.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{next_hop} weight {weight}")?;
                }
                Ok(())
            }
        }
    }
}

/// The table has no number left for another path list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the table of next hops is full: it holds {limit} distinct ones, and {refused} would be one more; use fewer gateways"
)]
pub struct NextHopsFull {
    /// The most path lists that the table takes.
    pub limit: u16,
    /// The one that found no place.
    pub refused: Paths,
}

#[derive(Debug, Clone)]
struct Slot {
    paths: Paths,
    /// Routes that point here.
    users: u32,
    /// The number of the release that took the last user.
    released: u64,
    /// The numbers of the next hops of a list of several.
    members: Box<[NextHopIndex]>,
}

/// Every distinct path list in use, each with its number and how many routes use it.
///
/// A number that no route uses any more is not given out again until [`NextHops::reuse`]: a worker may still have read
/// it out of the FIB.
#[derive(Debug, Clone)]
pub struct NextHops {
    /// Indexed by number; slot 0 stays empty.
    by_index: Vec<Option<Slot>>,
    by_value: HashMap<Paths, NextHopIndex>,
    /// Without users, their numbers still taken.
    unused: VecDeque<(u64, NextHopIndex)>,
    /// Releases so far.
    releases: u64,
    /// Made since [`NextHops::take_fresh`], members before their lists.
    fresh: Vec<NextHopIndex>,
    /// Numbers that can be given out again.
    free: Vec<NextHopIndex>,
    limit: u16,
}

impl NextHops {
    /// An empty table for at most `limit` path lists, itself at most [`NextHopIndex::HIGHEST`].
    pub fn new(limit: u16) -> Self {
        Self {
            by_index: vec![None],
            by_value: HashMap::new(),
            unused: VecDeque::new(),
            releases: 0,
            fresh: Vec::new(),
            free: Vec::new(),
            limit: limit.min(NextHopIndex::HIGHEST.0),
        }
    }

    /// The number of a path list, the one it has already or a new one, with one user more.
    ///
    /// # Errors
    /// [`NextHopsFull`] when it is new and the table holds its limit.
    pub fn acquire(&mut self, paths: &Paths) -> Result<NextHopIndex, NextHopsFull> {
        if let Some(&index) = self.by_value.get(paths) {
            if let Some(slot) = &mut self.by_index[usize::from(index.0)] {
                slot.users += 1;
            }
            return Ok(index);
        }
        let more = if let Paths::Many(paths) = paths { paths.len() + 1 } else { 1 };
        if self.by_value.len() + more > usize::from(self.limit) {
            return Err(NextHopsFull { limit: self.limit, refused: paths.clone() });
        }
        let members = match paths {
            Paths::One(_) => Box::default(),
            Paths::Many(paths) => {
                paths.iter().map(|path| self.acquire(&Paths::One(path.next_hop))).collect::<Result<_, _>>()?
            }
        };
        let slot = Some(Slot { paths: paths.clone(), users: 1, released: 0, members });
        let index = match self.free.pop() {
            Some(index) => {
                self.by_index[usize::from(index.0)] = slot;
                index
            }
            None => {
                let number = u16::try_from(self.by_index.len()).expect("the limit is below 2^15");
                self.by_index.push(slot);
                NextHopIndex(number)
            }
        };
        self.by_value.insert(paths.clone(), index);
        self.fresh.push(index);
        Ok(index)
    }

    /// One user less. The list stays, and can be acquired again, until [`NextHops::reuse`].
    pub fn release(&mut self, index: NextHopIndex) {
        let Some(Some(slot)) = self.by_index.get_mut(usize::from(index.0)) else { return };
        slot.users = slot.users.saturating_sub(1);
        self.releases += 1;
        if slot.users == 0 {
            slot.released = self.releases;
            self.unused.push_back((self.releases, index));
        }
    }

    /// Forgets the lists that had no user at the moment that [`NextHops::moment`] told, and had none since; their numbers
    /// can be given out again. Call it when no worker can still hold one of them. Returns the numbers.
    pub fn reuse(&mut self, moment: u64) -> Vec<NextHopIndex> {
        let mut freed = Vec::new();
        while let Some(&(released, index)) = self.unused.front().filter(|(released, _)| *released <= moment) {
            self.unused.pop_front();
            let place = &mut self.by_index[usize::from(index.0)];
            // A list that was used again in the meantime and released once more waits for that release's turn.
            if let Some(slot) = place.take_if(|slot| slot.users == 0 && slot.released == released) {
                self.by_value.remove(&slot.paths);
                self.free.push(index);
                freed.push(index);
                slot.members.iter().for_each(|member| self.release(*member));
            }
        }
        freed
    }

    /// Now, for [`NextHops::reuse`] later; `None` when nothing waits for it.
    pub fn moment(&self) -> Option<u64> {
        (!self.unused.is_empty()).then_some(self.releases)
    }

    /// The path list with this number; none for number 0 and for numbers not given out.
    pub fn get(&self, index: NextHopIndex) -> Option<&Paths> {
        self.by_index.get(usize::from(index.0))?.as_ref().map(|slot| &slot.paths)
    }

    /// How many routes use this one.
    pub fn users(&self, index: NextHopIndex) -> u32 {
        self.by_index.get(usize::from(index.0)).and_then(Option::as_ref).map_or(0, |slot| slot.users)
    }

    /// Those of these that routes use themselves, and how many do; the lists that have one as a member are users too, and do not
    /// count here.
    pub fn used_by_routes(&self, indexes: &[NextHopIndex]) -> Vec<(NextHopIndex, u32)> {
        let mut by_lists = vec![0; self.by_index.len()];
        for member in self.by_index.iter().flatten().flat_map(|slot| &slot.members) {
            by_lists[usize::from(member.0)] += 1;
        }
        let routes = |index: NextHopIndex| {
            let lists = by_lists.get(usize::from(index.0)).copied().unwrap_or(0);
            self.users(index).saturating_sub(lists)
        };
        indexes.iter().map(|&index| (index, routes(index))).filter(|(_, routes)| *routes > 0).collect()
    }

    /// The path lists in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (NextHopIndex, &Paths)> + '_ {
        (0u16..)
            .zip(&self.by_index)
            .filter_map(|(number, slot)| slot.as_ref().map(|slot| (NextHopIndex(number), &slot.paths)))
    }

    /// The numbers of the next hops of a list of several, in its order; nothing of a single next hop.
    pub fn members(&self, index: NextHopIndex) -> &[NextHopIndex] {
        self.by_index.get(usize::from(index.0)).and_then(Option::as_ref).map_or(&[], |slot| &slot.members)
    }

    /// The path lists made since the last call, members before their lists: what the workers do not know yet.
    pub fn take_fresh(&mut self) -> Vec<NextHopIndex> {
        std::mem::take(&mut self.fresh)
    }

    /// How many path lists the table holds.
    pub fn len(&self) -> usize {
        self.by_value.len()
    }

    /// Whether the table holds none.
    pub fn is_empty(&self) -> bool {
        self.by_value.is_empty()
    }

    /// The most path lists that the table takes.
    pub fn limit(&self) -> u16 {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(last: u8) -> NextHop {
        NextHop::Gateway { interface: 1, address: [192, 0, 2, last].into() }
    }

    fn one(last: u8) -> Paths {
        gateway(last).into()
    }

    #[test]
    fn equal_path_lists_share_one_number() {
        let mut table = NextHops::new(10);
        let first = table.acquire(&one(1)).unwrap();
        let second = table.acquire(&one(2)).unwrap();
        assert_ne!(first, second);
        assert_eq!(table.acquire(&one(1)), Ok(first));
        assert_eq!(table.get(second), Some(&one(2)));
        assert_eq!((table.len(), table.users(first)), (2, 2));
    }

    #[test]
    fn the_order_of_paths_does_not_matter_and_a_next_hop_given_twice_weighs_twice() {
        let path = |last, weight| Path { next_hop: gateway(last), weight };
        let list = Paths::new([path(1, 2), path(2, 1)]).unwrap();
        assert_eq!(Paths::new([path(2, 1), path(1, 1), path(1, 1)]), Some(list));
        assert_eq!(Paths::new([path(3, 7)]), Some(one(3)));
        assert_eq!(Paths::new([]), None);
    }

    #[test]
    fn a_list_is_no_route_of_its_members() {
        let mut table = NextHops::new(10);
        let path = |last| Path { next_hop: gateway(last), weight: 1 };
        let list = Paths::new([path(1), path(2)]).unwrap();
        let index = table.acquire(&list).unwrap();
        let members = table.members(index).to_vec();
        let all = [index, members[0], members[1]];
        assert_eq!(table.used_by_routes(&all), [(index, 1)]);
        // The same member of a second list, and of a route of its own.
        table.acquire(&Paths::new([path(1), path(3)]).unwrap()).unwrap();
        assert_eq!(table.used_by_routes(&all), [(index, 1)]);
        let first = table.acquire(&one(1)).unwrap();
        assert_eq!(table.used_by_routes(&all).len(), 2);
        assert!(table.used_by_routes(&all).contains(&(first, 1)));
    }

    #[test]
    fn number_zero_is_never_given_out() {
        let mut table = NextHops::new(10);
        assert_ne!(table.acquire(&NextHop::Blackhole.into()).unwrap(), NextHopIndex::NO_ROUTE);
        assert_eq!(table.get(NextHopIndex::NO_ROUTE), None);
    }

    #[test]
    fn a_full_table_names_its_limit_and_still_answers() {
        let mut table = NextHops::new(2);
        let first = table.acquire(&one(1)).unwrap();
        table.acquire(&one(2)).unwrap();
        let full = table.acquire(&one(3)).unwrap_err();
        assert_eq!(full.limit, 2);
        assert!(full.to_string().contains("holds 2 distinct"));
        assert_eq!(table.acquire(&one(1)), Ok(first));
    }

    #[test]
    fn a_number_is_given_out_again_only_after_its_time() {
        let mut table = NextHops::new(4);
        let first = table.acquire(&one(1)).unwrap();
        table.release(first);
        assert_ne!(table.acquire(&one(2)), Ok(first), "a worker may still hold it");
        let moment = table.moment().unwrap();
        assert_eq!(table.reuse(moment), [first]);
        assert_eq!(table.get(first), None);
        assert_eq!(table.acquire(&one(3)), Ok(first));
    }

    #[test]
    fn a_list_that_is_used_again_in_the_meantime_stays() {
        let mut table = NextHops::new(4);
        let first = table.acquire(&one(1)).unwrap();
        table.release(first);
        let moment = table.moment().unwrap();
        assert_eq!(table.acquire(&one(1)), Ok(first));
        assert_eq!(table.reuse(moment), []);
        assert_eq!(table.get(first), Some(&one(1)));
        table.release(first);
        assert_eq!(table.reuse(moment), [], "released after that moment");
        assert_eq!(table.reuse(table.moment().unwrap()), [first]);
    }
}
