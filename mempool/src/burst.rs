//! Up to 32 mbufs that travel through the stages together.
//!
//! 32 is the knee that others measured (ixy: flat above 32; the cost of crossing into C vanishes at 32). The
//! array lives on the worker's stack; lanes that belong to the packets (verdict, next hop) are kept beside it
//! by the stages that need them, with the same position for the same packet.

use crate::Mbuf;
use arrayvec::ArrayVec;

/// Most packets that a burst carries.
pub const BURST: usize = 32;

/// A burst: an ordered, bounded, owning list of mbufs.
#[derive(Debug, Default)]
pub struct Burst {
    mbufs: ArrayVec<Mbuf, BURST>,
}

impl Burst {
    /// An empty burst.
    pub fn new() -> Self {
        Self::default()
    }

    /// Packets in the burst.
    #[inline]
    pub fn len(&self) -> usize {
        self.mbufs.len()
    }

    /// Whether it carries nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.mbufs.is_empty()
    }

    /// How many more packets it takes.
    #[inline]
    pub fn room(&self) -> usize {
        BURST - self.mbufs.len()
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// A full burst gives the packet back.
    #[inline]
    pub fn push(&mut self, mbuf: Mbuf) -> Result<(), Mbuf> {
        self.mbufs.try_push(mbuf).map_err(|full| full.element())
    }

    /// Takes the last packet.
    #[inline]
    pub fn pop(&mut self) -> Option<Mbuf> {
        self.mbufs.pop()
    }

    /// The packets in order.
    #[inline]
    pub fn as_slice(&self) -> &[Mbuf] {
        &self.mbufs
    }

    /// The packets in order, to move their edges.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [Mbuf] {
        &mut self.mbufs
    }

    /// Takes the first `count` packets (or all), in order; the rest moves up when the iterator ends.
    #[inline]
    pub fn drain_front(&mut self, count: usize) -> impl ExactSizeIterator<Item = Mbuf> + '_ {
        let count = count.min(self.mbufs.len());
        self.mbufs.drain(..count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mbuf(index: u32) -> Mbuf {
        Mbuf::new(index, 0, 0)
    }

    fn empty(burst: &mut Burst) -> Vec<u32> {
        burst.drain_front(BURST).map(Mbuf::into_index).collect()
    }

    #[test]
    fn a_full_burst_gives_the_packet_back() {
        let mut burst = Burst::new();
        for index in 0..BURST as u32 {
            burst.push(mbuf(index)).unwrap();
        }
        let refused = burst.push(mbuf(99)).unwrap_err();
        assert_eq!(refused.into_index(), 99);
        assert_eq!(burst.room(), 0);
        assert_eq!(empty(&mut burst), (0..BURST as u32).collect::<Vec<_>>());
    }

    #[test]
    fn a_taken_prefix_leaves_the_rest_in_order() {
        let mut burst = Burst::new();
        for index in 0..5 {
            burst.push(mbuf(index)).unwrap();
        }
        let taken: Vec<_> = burst.drain_front(3).map(Mbuf::into_index).collect();
        assert_eq!(taken, [0, 1, 2]);
        assert_eq!(empty(&mut burst), [3, 4]);
    }
}
