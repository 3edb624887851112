//! Buffers that a device knows by their address: lent, and redeemed when the device names the address again.
//!
//! AF_XDP's rings carry addresses. A driver lends an mbuf, which ends the handle, and gets a new handle when the address
//! comes back. That the address really is one of a lent buffer is checked against a table of one byte a buffer, in release
//! builds too: whatever a device writes into a ring, no second handle to a buffer comes to exist (`INV-CUSTODY`).

use crate::{Custody, Mbuf, Pool};
use std::num::NonZeroU8;

/// One who borrows buffers of a pool: a receive or transmit queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lender(NonZeroU8);

/// A pool has no more lenders to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pool lends to at most 255 queues; use fewer ports or more workers")]
pub struct TooManyLenders;

/// Who has which buffer.
#[derive(Debug)]
pub(crate) struct Lending {
    /// By number of the buffer; `None` is one that has not been lent.
    holder: Box<[Option<Lender>]>,
    /// By number of the lender, less one: whether there is one.
    lenders: [bool; u8::MAX as usize],
}

impl Lending {
    pub(crate) fn new(buffers: u32) -> Self {
        Self { holder: vec![None; buffers as usize].into_boxed_slice(), lenders: [false; u8::MAX as usize] }
    }
}

impl Pool {
    /// A new borrower, until [`Pool::recall`]. Called when a queue is set up.
    ///
    /// # Errors
    /// [`TooManyLenders`], while there are 255.
    pub fn lender(&mut self) -> Result<Lender, TooManyLenders> {
        let free = self.lending.lenders.iter().position(|taken| !taken).ok_or(TooManyLenders)?;
        self.lending.lenders[free] = true;
        NonZeroU8::MIN.checked_add(free as u8).map(Lender).ok_or(TooManyLenders)
    }

    /// The memory of all buffers, to be registered with a device: its first byte and its length in bytes, whole pages of 4 KiB.
    ///
    /// Only the address is told: reading or writing through it is for the device, and only within buffers that are lent.
    pub fn memory(&self) -> (usize, usize) {
        (self.region().base().as_ptr().addr(), self.region().len())
    }

    /// Bytes from one buffer to the next.
    pub fn stride(&self) -> u32 {
        self.stride
    }

    /// Bytes from the start of the memory to the first byte of the frame.
    #[inline]
    pub fn address(&self, mbuf: &Mbuf) -> u64 {
        u64::from(self.number(mbuf)) * u64::from(self.stride) + u64::from(self.front) + u64::from(mbuf.offset())
    }

    /// Lends a buffer; returns where its frame starts, as [`Pool::address`] does.
    #[inline]
    pub fn lend(&mut self, to: Lender, mbuf: Mbuf, custody: Custody) -> u64 {
        let (number, address) = (self.number(&mbuf), self.address(&mbuf));
        mbuf.into_index();
        self.transfer(number, Custody::Burst, custody);
        self.lending.holder[number as usize] = Some(to);
        address
    }

    /// Takes a lent buffer back, by any address within it: the frame starts there and has no bytes yet. `None` when the
    /// address is of no buffer lent to this one.
    #[inline]
    pub fn redeem(&mut self, from: Lender, address: u64, custody: Custody) -> Option<Mbuf> {
        let number = u32::try_from(address / u64::from(self.stride)).ok()?;
        let holder = self.lending.holder.get_mut(number as usize)?;
        if *holder != Some(from) {
            return None;
        }
        *holder = None;
        self.transfer(number, custody, Custody::Burst);
        // Smaller than the stride, which fits 16 bits; an address in the front is none that was lent, and means its end.
        let offset = ((address % u64::from(self.stride)) as u16).saturating_sub(self.front);
        Some(Mbuf::new(self.first | number, offset, 0))
    }

    /// Gives every buffer that is still lent to this one back to the pool and ends the lender; returns how many. The device has
    /// let go of them.
    pub fn recall(&mut self, from: Lender, custody: Custody) -> u32 {
        let mut count = 0;
        for number in 0..self.lending.holder.len() as u32 {
            if let Some(mbuf) = self.redeem(from, u64::from(number) * u64::from(self.stride), custody) {
                self.give(mbuf);
                count += 1;
            }
        }
        self.lending.lenders[usize::from(from.0.get()) - 1] = false;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Geometry, PagePolicy};

    fn pool() -> Pool {
        Pool::new(4, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap()
    }

    #[test]
    fn a_lent_buffer_comes_back_by_its_address() {
        let mut pool = pool();
        let lender = pool.lender().unwrap();
        let mbuf = pool.take_filled(b"frame").unwrap();
        let (index, offset) = (mbuf.index(), mbuf.offset());
        let address = pool.lend(lender, mbuf, Custody::TransmitRing);
        assert_eq!(pool.available(), 3);
        let mut mbuf = pool.redeem(lender, address, Custody::TransmitRing).unwrap();
        assert_eq!((mbuf.index(), mbuf.offset()), (index, offset));
        pool.set_len(&mut mbuf, 5);
        assert_eq!(pool.frame(&mbuf), b"frame");
        pool.give(mbuf);
    }

    #[test]
    fn an_address_that_was_not_lent_makes_no_handle() {
        let mut pool = pool();
        let (one, other) = (pool.lender().unwrap(), pool.lender().unwrap());
        let mbuf = pool.take().unwrap();
        let address = pool.lend(one, mbuf, Custody::ReceiveRing);
        assert!(pool.redeem(other, address, Custody::ReceiveRing).is_none(), "of another queue");
        assert!(pool.redeem(one, address + u64::from(pool.stride()), Custody::ReceiveRing).is_none(), "in the pool");
        assert!(pool.redeem(one, u64::MAX, Custody::ReceiveRing).is_none(), "outside");
        let mbuf = pool.redeem(one, address, Custody::ReceiveRing).unwrap();
        assert!(pool.redeem(one, address, Custody::ReceiveRing).is_none(), "twice");
        pool.give(mbuf);
    }

    #[test]
    fn what_a_closed_queue_had_is_recalled() {
        let mut pool = pool();
        let (one, other) = (pool.lender().unwrap(), pool.lender().unwrap());
        for lender in [one, one, other] {
            let mbuf = pool.take().unwrap();
            pool.lend(lender, mbuf, Custody::ReceiveRing);
        }
        assert_eq!(pool.recall(one, Custody::ReceiveRing), 2);
        assert_eq!(pool.available(), 3);
        assert_eq!(pool.recall(other, Custody::ReceiveRing), 1);
    }

    #[test]
    fn lenders_run_out_with_an_error() {
        let mut pool = pool();
        assert!((0..255).all(|_| pool.lender().is_ok()));
        assert_eq!(pool.lender(), Err(TooManyLenders));
        pool.recall(Lender(NonZeroU8::MIN), Custody::ReceiveRing);
        assert_eq!(pool.lender(), Ok(Lender(NonZeroU8::MIN)));
    }
}
