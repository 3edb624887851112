//! Next hops and the table that gives each distinct one a small number.
//!
//! Routes share next hops: a full Internet table has a million routes and a few dozen next hops. The FIB therefore
//! holds 16-bit numbers, which keeps it small enough for the caches, and the numbers index the workers'
//! adjacencies.

use std::fmt;
use std::net::Ipv4Addr;

use hashbrown::HashMap;
use thiserror::Error;

/// The number of a next hop in [`NextHops`]. Zero is reserved and means that there is no route.
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

/// Where a route points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHop {
    /// A router on a connected network: every packet goes to its MAC.
    Gateway {
        /// The interface the packet leaves by.
        interface: u16,
        /// The gateway's address on that interface.
        address: Ipv4Addr,
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
            NextHop::Blackhole | NextHop::Unreachable | NextHop::Prohibit => None,
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
            NextHop::Blackhole => f.write_str("blackhole"),
            NextHop::Unreachable => f.write_str("unreachable"),
            NextHop::Prohibit => f.write_str("prohibit"),
        }
    }
}

/// The table has no number left for another next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the table of next hops is full: it holds {limit} distinct ones, and {refused} would be one more; raise its limit (at most {}) or use fewer gateways",
    NextHopIndex::HIGHEST.0
)]
pub struct NextHopsFull {
    /// The most next hops that the table takes.
    pub limit: u16,
    /// The next hop that found no place.
    pub refused: NextHop,
}

/// Every distinct next hop in use, each with its number. A next hop keeps its number for as long as it stays.
#[derive(Debug, Clone)]
pub struct NextHops {
    /// Indexed by number; slot 0 stays empty.
    by_index: Vec<Option<NextHop>>,
    by_value: HashMap<NextHop, NextHopIndex>,
    /// Numbers that [`NextHops::retain`] gave back, in descending order, so that `pop` takes the smallest.
    free: Vec<NextHopIndex>,
    limit: u16,
}

impl NextHops {
    /// An empty table for at most `limit` next hops, itself at most [`NextHopIndex::HIGHEST`].
    pub fn new(limit: u16) -> Self {
        Self {
            by_index: vec![None],
            by_value: HashMap::new(),
            free: Vec::new(),
            limit: limit.min(NextHopIndex::HIGHEST.0),
        }
    }

    /// The number of `next_hop`: the one it has already, or a new one.
    ///
    /// # Errors
    /// [`NextHopsFull`] when it is new and the table holds its limit.
    pub fn intern(&mut self, next_hop: NextHop) -> Result<NextHopIndex, NextHopsFull> {
        if let Some(&index) = self.by_value.get(&next_hop) {
            return Ok(index);
        }
        if self.len() >= usize::from(self.limit) {
            return Err(NextHopsFull { limit: self.limit, refused: next_hop });
        }
        let index = match self.free.pop() {
            Some(index) => {
                self.by_index[usize::from(index.0)] = Some(next_hop);
                index
            }
            None => {
                let number = u16::try_from(self.by_index.len()).expect("the limit is below 2^15");
                self.by_index.push(Some(next_hop));
                NextHopIndex(number)
            }
        };
        self.by_value.insert(next_hop, index);
        Ok(index)
    }

    /// The next hop with this number; none for number 0 and for numbers not given out.
    pub fn get(&self, index: NextHopIndex) -> Option<NextHop> {
        self.by_index.get(usize::from(index.0)).copied().flatten()
    }

    /// Forgets every next hop that `keep` refuses and returns how many went. Their numbers are given out again, so
    /// call it only when no worker looks up a FIB that still holds them.
    pub fn retain(&mut self, mut keep: impl FnMut(NextHopIndex, &NextHop) -> bool) -> usize {
        let before = self.len();
        let by_index = &mut self.by_index;
        let free = &mut self.free;
        self.by_value.retain(|next_hop, &mut index| {
            let kept = keep(index, next_hop);
            if !kept {
                by_index[usize::from(index.0)] = None;
                free.push(index);
            }
            kept
        });
        self.free.sort_unstable_by(|a, b| b.cmp(a));
        before - self.len()
    }

    /// The next hops in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (NextHopIndex, NextHop)> + '_ {
        (0u16..).zip(&self.by_index).filter_map(|(number, slot)| slot.map(|next_hop| (NextHopIndex(number), next_hop)))
    }

    /// How many next hops the table holds.
    pub fn len(&self) -> usize {
        self.by_value.len()
    }

    /// Whether the table holds none.
    pub fn is_empty(&self) -> bool {
        self.by_value.is_empty()
    }

    /// The most next hops that the table takes.
    pub fn limit(&self) -> u16 {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(last: u8) -> NextHop {
        NextHop::Gateway { interface: 1, address: Ipv4Addr::new(192, 0, 2, last) }
    }

    #[test]
    fn equal_next_hops_share_one_number() {
        let mut table = NextHops::new(10);
        let first = table.intern(gateway(1)).unwrap();
        let second = table.intern(gateway(2)).unwrap();
        assert_ne!(first, second);
        assert_eq!(table.intern(gateway(1)), Ok(first));
        assert_eq!(table.get(second), Some(gateway(2)));
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn number_zero_is_never_given_out() {
        let mut table = NextHops::new(10);
        assert_ne!(table.intern(NextHop::Blackhole).unwrap(), NextHopIndex::NO_ROUTE);
        assert_eq!(table.get(NextHopIndex::NO_ROUTE), None);
    }

    #[test]
    fn a_full_table_names_its_limit_and_still_answers() {
        let mut table = NextHops::new(2);
        let first = table.intern(gateway(1)).unwrap();
        table.intern(gateway(2)).unwrap();
        let full = table.intern(gateway(3)).unwrap_err();
        assert_eq!(full.limit, 2);
        assert!(full.to_string().contains("holds 2 distinct"));
        assert_eq!(table.intern(gateway(1)), Ok(first));
    }

    #[test]
    fn a_forgotten_number_is_given_out_again_smallest_first() {
        let mut table = NextHops::new(4);
        for last in 1..=4 {
            table.intern(gateway(last)).unwrap();
        }
        let gone = table.retain(|_, next_hop| *next_hop == gateway(2) || *next_hop == gateway(4));
        assert_eq!(gone, 2);
        assert_eq!(table.intern(gateway(9)), Ok(NextHopIndex(1)));
        assert_eq!(table.intern(gateway(8)), Ok(NextHopIndex(3)));
        let all: Vec<_> = table.iter().collect();
        assert_eq!(all[0], (NextHopIndex(1), gateway(9)));
        assert_eq!(all.len(), 4);
    }
}
