//! What the lookup structures ask of an address: an unsigned integer in host byte order, of either family.

use std::fmt;
use std::hash::Hash;

/// An IPv4 or IPv6 address as a number.
pub trait Address: Copy + Ord + Hash + fmt::LowerHex + fmt::Debug + 'static {
    /// Bits of an address.
    const BITS: u8;
    /// The first address.
    const FIRST: Self;
    /// The last address.
    const LAST: Self;

    /// The address with all bits behind the first `length` cleared.
    fn network(self, length: u8) -> Self;
    /// The address with all bits behind the first `length` set.
    fn broadcast(self, length: u8) -> Self;
    /// The address after this one.
    fn next(self) -> Option<Self>;
    /// The address before this one.
    fn previous(self) -> Option<Self>;
    /// How many leading bits two addresses share.
    fn common_bits(self, other: Self) -> u8;
}

/// The destination of a burst that has only one, as when all of its packets are of one flow.
#[inline]
pub fn only_one<A: Address>(destinations: &[A]) -> Option<A> {
    let (&first, rest) = destinations.split_first()?;
    rest.iter().all(|&destination| destination == first).then_some(first)
}

macro_rules! address {
    ($integer:ty, $bits:literal) => {
        impl Address for $integer {
            const BITS: u8 = $bits;
            const FIRST: Self = 0;
            const LAST: Self = Self::MAX;

            #[inline]
            fn network(self, length: u8) -> Self {
                if length == 0 { 0 } else { self & (Self::MAX << ($bits - length)) }
            }

            #[inline]
            fn broadcast(self, length: u8) -> Self {
                if length >= $bits { self } else { self | (Self::MAX >> length) }
            }

            #[inline]
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            #[inline]
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }

            #[inline]
            fn common_bits(self, other: Self) -> u8 {
                (self ^ other).leading_zeros() as u8
            }
        }
    };
}

address!(u32, 32);
address!(u128, 128);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_and_the_longest_prefix_are_the_whole_and_one_address() {
        assert_eq!((7u32.network(0), 7u32.broadcast(0)), (0, u32::MAX));
        assert_eq!((7u32.network(32), 7u32.broadcast(32)), (7, 7));
        assert_eq!((7u128.network(0), 7u128.broadcast(0)), (0, u128::MAX));
        assert_eq!((7u128.network(128), 7u128.broadcast(128)), (7, 7));
        assert_eq!(0x0a01_0203u32.network(16), 0x0a01_0000);
        assert_eq!(0x0a01_0203u32.common_bits(0x0a01_8203), 16);
    }
}
