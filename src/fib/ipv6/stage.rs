//! One stage of the IPv6 trees: which prefixes lie in it, and the intervals of keys that its trees hold.

use super::tree::key_of;
use crate::fib::address::Address;
use crate::fib::prefixes::Prefix;

/// A stage under one prefix.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// Its number, from 0.
    pub number: u32,
    /// The bits before its keys.
    pub network: u128,
}

/// What an interval of keys leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A next hop.
    Hop(u16),
    /// The root of a tree of the next stage, as the tables hold it.
    Root(u32),
}

/// Keys, from the first to the last.
pub type Keys = (u32, u32);

/// The keys behind those of the interval before, up to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub last: u32,
    pub value: Value,
}

impl Stage {
    /// Stage 0 under a word of the directory.
    pub fn of_top(top: usize) -> Self {
        Self { number: 0, network: (top as u128) << 112 }
    }

    /// The next stage under one key of this one.
    pub fn below(self, network: u128) -> Self {
        Self { number: self.number + 1, network }
    }

    /// Bits before the keys.
    pub fn start(self) -> u8 {
        16 + 32 * self.number as u8
    }

    /// Bits up to the end of the keys: the longest prefix of the stage.
    pub fn end(self) -> u8 {
        (self.start() + 32).min(u128::BITS as u8)
    }

    /// Everything under this stage.
    pub fn whole(self) -> Prefix<u128> {
        (self.network, self.start())
    }

    /// The prefix of one key.
    pub fn unit(self, address: u128) -> Prefix<u128> {
        (address.network(self.end()), self.end())
    }

    /// The first and the last key of a prefix of this stage.
    pub fn keys(self, (network, length): Prefix<u128>) -> Keys {
        let first = key_of(network, self.number);
        (first, first.broadcast(length - self.start()))
    }
}

/// Adds an interval, or widens the last one where both have the same next hop.
pub fn push(intervals: &mut Vec<Interval>, last: u32, value: Value) {
    match intervals.last_mut() {
        Some(before) if before.value == value => before.last = last,
        _ => intervals.push(Interval { last, value }),
    }
}

/// The intervals `before`, which start with the key `first`, with those of the keys `from..=to` replaced by `fresh`.
pub fn splice(before: &[Interval], first: u32, (from, to): Keys, fresh: &[Interval]) -> Vec<Interval> {
    let mut after = Vec::with_capacity(before.len() + fresh.len() + 1);
    if first < from {
        for interval in before {
            push(&mut after, interval.last.min(from - 1), interval.value);
            if interval.last >= from - 1 {
                break;
            }
        }
    }
    for interval in fresh {
        push(&mut after, interval.last, interval.value);
    }
    for interval in before.iter().filter(|interval| interval.last > to) {
        push(&mut after, interval.last, interval.value);
    }
    after
}

/// Whether they all lead to one next hop.
pub fn is_uniform(intervals: &[Interval]) -> bool {
    matches!(intervals, [Interval { value: Value::Hop(_), .. }])
}

/// Whether none of them leads to a tree.
pub fn is_plain(intervals: &[Interval]) -> bool {
    intervals.iter().all(|interval| matches!(interval.value, Value::Hop(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hops(pairs: &[(u32, u16)]) -> Vec<Interval> {
        pairs.iter().map(|&(last, hop)| Interval { last, value: Value::Hop(hop) }).collect()
    }

    #[test]
    fn a_part_is_replaced_and_neighbors_with_one_next_hop_become_one() {
        let before = hops(&[(9, 1), (19, 2), (u32::MAX, 3)]);
        assert_eq!(splice(&before, 0, (5, 14), &hops(&[(14, 7)])), hops(&[(4, 1), (14, 7), (19, 2), (u32::MAX, 3)]));
        assert_eq!(splice(&before, 0, (10, 19), &hops(&[(19, 1)])), hops(&[(19, 1), (u32::MAX, 3)]));
        assert_eq!(splice(&before, 0, (0, u32::MAX), &hops(&[(u32::MAX, 4)])), hops(&[(u32::MAX, 4)]));
    }

    #[test]
    fn the_last_stage_has_sixteen_bits() {
        let stage = Stage { number: 3, network: 0 };
        assert_eq!((stage.start(), stage.end()), (112, 128));
        assert_eq!(stage.keys((0x0001, 128)), (0x0001_0000, 0x0001_ffff));
        assert_eq!(stage.keys(stage.whole()), (0, u32::MAX));
    }
}
