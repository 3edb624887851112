//! Debug builds only: the owner of each buffer, checked at each move.
//!
//! Types make an mbuf linear; this table catches what types cannot see: a driver that gives back an index
//! twice, an index of another pool, a completion that belongs to an earlier life of the buffer.

use crate::Custody;

/// One byte a buffer.
#[derive(Debug)]
pub(crate) struct Shadow {
    owner: Box<[Custody]>,
}

impl Shadow {
    pub(crate) fn new(capacity: u32) -> Self {
        Self { owner: vec![Custody::Pool; capacity as usize].into_boxed_slice() }
    }

    /// Moves buffer `number` from one custody to another; panics when it was not there.
    pub(crate) fn transfer(&mut self, number: u32, from: Custody, to: Custody) {
        let owner = &mut self.owner[number as usize];
        assert!(*owner == from, "INV-CUSTODY: buffer {number} should be in {from:?}, is in {owner:?}, moves to {to:?}");
        *owner = to;
    }

    /// Moves buffer `number` from a receive or transmit ring to `to`; panics when it was in neither.
    pub(crate) fn transfer_from_ring(&mut self, number: u32, to: Custody) {
        let owner = &mut self.owner[number as usize];
        assert!(
            matches!(owner, Custody::ReceiveRing | Custody::TransmitRing),
            "INV-CUSTODY: buffer {number} should be in a ring, is in {owner:?}, moves to {to:?}"
        );
        *owner = to;
    }
}
